// The plan by period: spend stacked by channel, revenue as a line over it.
import { isNarrow, legend, lines, look, moneyAxis } from "./look.js";

export function draw(chart, data, { formats, colours, words }) {
  const shades = [colours.plan, colours.mark, colours.gain, colours.loss, colours.now, colours.band];
  const bars = data.rows.map((row, i) => ({
    type: "bar", name: row.name ?? data.others, stack: "spend", data: row.spend, barCategoryGap: "20%",
    itemStyle: { color: shades[i % shades.length], borderColor: colours.surface, borderWidth: 0.5 },
  }));
  chart.setOption({
    ...look(colours),
    legend: legend(colours, { type: "scroll" }),
    grid: { left: 8, right: 16, top: isNarrow(chart) ? 48 : 40, bottom: 4, containLabel: true },
    xAxis: { type: "category", data: data.periods, axisLabel: { color: colours.faint, hideOverlap: true }, axisTick: { show: false }, axisLine: { lineStyle: { color: colours.line } } },
    yAxis: moneyAxis(colours, formats.short),
    series: [
      ...bars,
      { type: "line", name: words.revenue, data: data.revenue, symbol: "circle", symbolSize: 6, lineStyle: { color: colours.ink, width: 2 }, itemStyle: { color: colours.ink } },
    ],
  });
  chart.setOption({
    tooltip: {
      formatter: (params) => lines(params[0].name, params.filter((one) => one.value).map((one) => [one.seriesName, formats.money(one.value)])),
    },
  });
}
