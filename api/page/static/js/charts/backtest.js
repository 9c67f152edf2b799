// Revenue as it came, what the curves explain of it, and forecasts of the periods they had not seen.
import { dates, day } from "./history.js";
import { isNarrow, lines, look, moneyAxis } from "./look.js";

export function draw(chart, data, { formats, colours }) {
  const { words } = data;
  const narrow = isNarrow(chart);
  const line = { type: "line", showSymbol: false, connectNulls: false };
  const hidden = data.dates.map((date, i) => (date < data.begins ? data.fitted[i] : null));
  chart.setOption({
    ...look(colours),
    legend: { orient: narrow ? "vertical" : "horizontal", data: [words.observed, words.fitted, words.forecast], bottom: 0, left: 0, textStyle: { color: colours.ink }, icon: "roundRect", itemWidth: 18, itemHeight: 3 },
    grid: { left: 8, right: 40, top: 12, bottom: narrow ? 84 : 36, containLabel: true },
    xAxis: dates(colours, data.dates, 0, true),
    yAxis: moneyAxis(colours, formats.short, { splitNumber: 4 }),
    series: [
      { ...line, name: words.observed, data: data.observed, color: colours.now, lineStyle: { width: 1.6 } },
      { ...line, name: words.fitted, data: hidden, color: colours.gain, lineStyle: { width: 1.6, type: [2, 3] } },
      {
        ...line, name: words.forecast, data: data.forecast, color: colours.plan, lineStyle: { width: 2.2, type: "solid" },
        markArea: { silent: true, itemStyle: { color: colours.band, opacity: 0.3 }, data: [[{ xAxis: data.begins }, { xAxis: data.dates.at(-1) }]] },
      },
    ],
  });
  chart.setOption({ tooltip: { formatter: (params) => told(params[0].dataIndex) } });

  function told(i) {
    const unit = narrow ? "" : data.unit;
    const all = [["observed", data.observed], ["fitted", hidden], ["forecast", data.forecast]];
    const known = all.filter(([, values]) => values[i] !== null && values[i] !== undefined);
    return lines(day(data.dates[i]), known.map(([name, values]) => [words[name], `${formats.money(values[i])} ${unit}`.trim()]));
  }
}
