// What every budget brings: profit with its band above, what the next unit earns below.
import { isNarrow, legend, lines, look, moneyAxis } from "./look.js";

export function draw(chart, data, { formats, colours, words }) {
  const narrow = isNarrow(chart);
  const grid = { left: narrow ? 52 : 68, right: 24 };
  const ends = [data.budget[0], data.budget.at(-1)];
  const budgetAxis = (gridIndex, more) => moneyAxis(colours, formats.short, { gridIndex, min: ends[0], max: ends[1], splitLine: { show: false }, ...more });
  chart.setOption({
    ...look(colours),
    legend: legend(colours, { data: [words.profit, words.band, words.marginal_romi] }),
    axisPointer: { link: [{ xAxisIndex: "all" }] },
    grid: [
      { ...grid, top: narrow ? 56 : 40, height: "48%" },
      { ...grid, bottom: 40, height: "18%" },
    ],
    xAxis: [
      budgetAxis(0, { axisLabel: { show: false } }),
      budgetAxis(1, { name: data.axis, nameLocation: "middle", nameGap: 26 }),
    ],
    yAxis: [
      moneyAxis(colours, formats.short, { gridIndex: 0, scale: true, splitNumber: 4 }),
      moneyAxis(colours, formats.ratio, { gridIndex: 1, scale: true, splitNumber: 2 }),
    ],
    series: [...band(data, colours, words), ...profit(data, colours, words), marginal(data, colours, words)],
  });
  chart.setOption({ tooltip: { formatter: (params) => told(data, params[0].dataIndex, formats, words) } });
}

function pairs(data, values) {
  return data.budget.map((budget, i) => [budget, values[i]]);
}

function band(data, colours, words) {
  if (!data.p05) return [];
  const area = { type: "line", stack: "band", stackStrategy: "all", symbol: "none", lineStyle: { opacity: 0 }, silent: true };
  const width = data.p95.map((high, i) => high - data.p05[i]);
  return [
    { ...area, name: "low", data: pairs(data, data.p05) },
    { ...area, name: words.band, data: pairs(data, width), areaStyle: { color: colours.band, opacity: 0.8 }, itemStyle: { color: colours.band } },
  ];
}

function profit(data, colours, words) {
  const upright = (place, text) => ({ xAxis: place, label: { formatter: text, color: colours.ink, position: "end", rotate: 0 } });
  const marked = { type: "scatter", symbolSize: 12, z: 4, silent: true };
  const found = [{
    type: "line", name: words.profit, data: pairs(data, data.mean), symbol: "none",
    lineStyle: { color: colours.plan, width: 2.5 }, itemStyle: { color: colours.plan },
    markLine: {
      silent: true, symbol: "none", lineStyle: { color: colours.faint, type: "dashed" },
      data: data.peak ? [upright(data.peak[0], words.break_even)] : [],
    },
  }];
  if (data.peak) found.push({ ...marked, symbol: "diamond", data: [data.peak], itemStyle: { color: colours.mark, opacity: 1 } });
  if (data.own) found.push({ ...marked, symbol: "rect", data: [data.own], itemStyle: { color: colours.plan, borderColor: colours.surface, borderWidth: 1.5, opacity: 1 } });
  return found;
}

function marginal(data, colours, words) {
  return {
    type: "line", name: words.marginal_romi, xAxisIndex: 1, yAxisIndex: 1, symbol: "none",
    data: pairs(data, data.marginal), lineStyle: { color: colours.mark, width: 2 }, itemStyle: { color: colours.mark },
    markLine: { silent: true, symbol: "none", lineStyle: { color: colours.faint }, label: { show: false }, data: [{ yAxis: 0 }] },
  };
}

function told(data, place, formats, words) {
  const money = (value) => `${formats.money(value)} ${data.unit}`.trim();
  const range = data.p05 ? [[words.band, `${formats.short(data.p05[place])} – ${formats.short(data.p95[place])}`]] : [];
  return lines(`${words.budget}: ${money(data.budget[place])}`, [
    [words.profit, money(data.mean[place])],
    ...range,
    [words.marginal_romi, formats.ratio(data.marginal[place])],
  ]);
}
