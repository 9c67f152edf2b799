// From what the current split earns to what the plan does, one channel's change after the other.
import { fitRows, lines, look, moneyAxis, namesAxis } from "./look.js";

export function draw(chart, data, { formats, colours }) {
  const rows = [
    { name: data.from, start: 0, end: data.start, whole: colours.now },
    ...data.steps,
    { name: data.to, start: 0, end: data.end, whole: colours.plan },
  ];
  fitRows(chart, rows.length, 30, 40);
  const parts = rows.map(split);
  const colour = (row) => row.whole ?? (row.end >= row.start ? colours.gain : colours.loss);
  const bar = { type: "bar", stack: "level", barWidth: "62%" };
  const painted = (key) => rows.map((row, i) => ({ value: parts[i][key], itemStyle: { color: colour(row) } }));
  const label = { show: true, position: "right", color: colours.ink, formatter: ({ dataIndex }) => said(rows[dataIndex], formats) };
  chart.setOption({
    ...look(colours),
    grid: { left: 8, right: 64, top: 8, bottom: 4, containLabel: true },
    xAxis: moneyAxis(colours, formats.short, data.floor > 0 ? { min: data.floor } : {}),
    yAxis: namesAxis(chart, colours, rows.map((row) => row.name)),
    series: [
      { ...bar, data: parts.map((part) => part.base), itemStyle: { color: "transparent" }, silent: true },
      { ...bar, data: painted("above"), label },
      { ...bar, data: painted("below") },
    ],
  });
  chart.setOption({
    tooltip: {
      axisPointer: { type: "none" },
      formatter: (params) => lines(rows[params[0].dataIndex].name, [[data.worth, exact(rows[params[0].dataIndex], formats, data.unit)]]),
    },
  });
}

// A bar from one level to another as pieces that stack on either side of zero.
function split({ start, end }) {
  const low = Math.min(start, end);
  const high = Math.max(start, end);
  const base = low > 0 ? low : high < 0 ? high : 0;
  return { base, above: Math.max(high, 0) - Math.max(low, 0), below: Math.min(low, 0) - Math.min(high, 0) };
}

function signed(value, format) {
  return value > 0 ? `+${format(value)}` : format(value);
}

function said(row, formats) {
  return row.whole ? formats.short(row.end) : signed(row.end - row.start, formats.short);
}

function exact(row, formats, unit) {
  const text = row.whole ? formats.money(row.end) : signed(row.end - row.start, formats.money);
  return `${text} ${unit}`.trim();
}
