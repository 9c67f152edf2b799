// A history over time: revenue as a line above, spend stacked by channel below, on one axis of dates.
import { isNarrow, lines, look, moneyAxis } from "./look.js";

// Told apart by most colour-blind readers too (after Paul Tol's schemes); the last is for the rest.
const LIGHT = ["#1f4e9e", "#d08a1e", "#2a9d8f", "#b3446c", "#6f8f2f", "#7a5ea8", "#5aa9d6", "#a0522d", "#c9a227", "#3d405b"];
const DARK = ["#7fb0ff", "#f0b45e", "#4fc4bb", "#f28bb0", "#b5cf6b", "#c0a6ec", "#9bd8f5", "#d99a6c", "#efd56c", "#aab0d6"];

const long = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeZone: "UTC" });
const month = new Intl.DateTimeFormat(document.documentElement.lang, { month: "short", year: "numeric", timeZone: "UTC" });
const MONTHS_ENOUGH = 550 * 24 * 3600 * 1000; // milliseconds: over more than this, months name dates

const at = (text) => new Date(`${text}T00:00:00Z`);

export function day(text) {
  return long.format(at(text));
}

export function shades(colours, count) {
  const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  return [...(dark ? DARK : LIGHT).slice(0, count), colours.faint];
}

export function dates(colours, data, index, shown) {
  const name = at(data.at(-1)) - at(data[0]) > MONTHS_ENOUGH ? month : long;
  return {
    type: "category",
    gridIndex: index,
    data,
    boundaryGap: false,
    axisLabel: { show: shown, color: colours.faint, hideOverlap: true, formatter: (text) => name.format(at(text)) },
    axisLine: { lineStyle: { color: colours.line } },
    axisTick: { show: false },
    axisPointer: { label: { show: false } },
  };
}

export function draw(chart, data, { formats, colours }) {
  const hues = shades(colours, 10);
  const names = data.spend.map((one) => one.name ?? data.rest);
  const totals = data.dates.map((_, i) => data.spend.reduce((sum, one) => sum + one.values[i], 0));
  const narrow = isNarrow(chart);
  chart.setOption({
    ...look(colours),
    legend: { type: "scroll", data: names, bottom: 0, left: 0, right: 0, icon: "roundRect", itemWidth: 12, itemHeight: 12, textStyle: { color: colours.ink }, pageTextStyle: { color: colours.faint }, pageIconColor: colours.plan, pageIconInactiveColor: colours.line },
    axisPointer: { link: [{ xAxisIndex: "all" }] },
    grid: [
      { left: narrow ? 56 : 72, right: narrow ? 20 : 40, top: 28, height: "30%" },
      { left: narrow ? 56 : 72, right: narrow ? 20 : 40, top: "49%", bottom: 64 },
    ],
    xAxis: [dates(colours, data.dates, 0, false), dates(colours, data.dates, 1, true)],
    yAxis: [0, 1].map((index) => moneyAxis(colours, formats.short, {
      gridIndex: index, name: index ? data.words.spend : data.words.revenue, splitNumber: narrow ? 2 : 3,
      nameTextStyle: { color: colours.ink, align: "left", fontWeight: 600 },
    })),
    series: [
      { name: data.words.revenue, type: "line", data: data.revenue, xAxisIndex: 0, yAxisIndex: 0, showSymbol: false, color: colours.ink, lineStyle: { width: 1.8 } },
      ...data.spend.map((one, i) => ({
        name: names[i], type: "line", stack: "spend", data: one.values, xAxisIndex: 1, yAxisIndex: 1, showSymbol: false,
        color: one.name === null ? hues.at(-1) : hues[i], lineStyle: { width: 0 }, areaStyle: { opacity: 0.9 }, emphasis: { focus: "series" },
      })),
    ],
  });
  chart.setOption({ tooltip: { formatter: (params) => told(params[0].dataIndex) } });

  function told(i) {
    const money = (value) => `${formats.money(value)} ${narrow ? "" : data.unit}`.trim();
    return lines(day(data.dates[i]), [
      [data.words.revenue, money(data.revenue[i])],
      [`${data.words.spend}, ${data.words.total}`, money(totals[i])],
      ...data.spend.map((one, place) => [names[place], formats.money(one.values[i])]),
    ]);
  }
}
