// The split before and after: a circle for now, a square for the plan, a bar between them.
import { fitRows, legend, lines, look, moneyAxis, namesAxis } from "./look.js";

export function draw(chart, data, { formats, colours, words }) {
  const { cells } = data;
  fitRows(chart, cells.length, 32, 56);
  const names = cells.map((cell) => cell.name);
  const low = cells.map((cell) => Math.min(cell.now, cell.plan));
  const moved = cells.map((cell) => ({
    value: Math.abs(cell.plan - cell.now),
    itemStyle: { color: cell.plan >= cell.now ? colours.gain : colours.loss },
  }));
  const bar = { type: "bar", stack: "move", barWidth: 4, silent: true };
  const mark = { type: "scatter", symbolSize: 12, z: 3, silent: true };
  chart.setOption({
    ...look(colours),
    legend: legend(colours, { data: [words.now, words.plan], itemWidth: 12, itemHeight: 12 }),
    grid: { left: 8, right: 24, top: 32, bottom: 4, containLabel: true },
    xAxis: moneyAxis(colours, formats.short, { min: 0 }),
    yAxis: namesAxis(chart, colours, names),
    series: [
      { ...bar, data: low, itemStyle: { color: "transparent" } },
      { ...bar, data: moved },
      { ...mark, name: words.now, symbol: "circle", data: cells.map((cell) => cell.now), itemStyle: { color: colours.now, opacity: 1 } },
      { ...mark, name: words.plan, symbol: "rect", data: cells.map((cell) => cell.plan), itemStyle: { color: colours.plan, opacity: 1 } },
    ],
  });
  chart.setOption({ tooltip: { formatter: (params) => told(cells[params[0].dataIndex], formats, words, data.unit) } });
}

function told(cell, formats, words, unit) {
  const money = (value) => `${formats.money(value)} ${unit}`.trim();
  return lines(cell.name, [[words.now, money(cell.now)], [words.plan, money(cell.plan)]]);
}
