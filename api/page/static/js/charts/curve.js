// One response curve: solid within its limits, dashed beyond, its band behind it; a circle where the
// channel is now, a square where the plan puts it. The square can be dragged along the curve.
import { FONT } from "../palette.js";

const NEAR = 24; // pixels from the square that still take hold of it
const held = new WeakMap(); // chart -> what is drawn

export function at(spend, mean, x) {
  if (x <= spend[0]) return mean[0];
  const last = spend.length - 1;
  if (x >= spend[last]) return mean[last];
  let i = 1;
  while (spend[i] < x) i += 1;
  const share = (x - spend[i - 1]) / (spend[i] - spend[i - 1]);
  return mean[i - 1] + share * (mean[i] - mean[i - 1]);
}

function piece(data, from, to) {
  const { spend, mean } = data;
  const low = Math.max(from, spend[0]);
  const high = Math.min(to, spend[spend.length - 1]);
  if (low >= high) return [];
  const inside = spend.map((x, i) => [x, mean[i]]).filter(([x]) => x > low && x < high);
  return [[low, at(spend, mean, low)], ...inside, [high, at(spend, mean, high)]];
}

function lines(data) {
  const [low, high] = data.limits ?? [0, Infinity];
  return [
    { id: "inside", data: piece(data, low, high), lineStyle: { type: "solid" } },
    { id: "below", data: piece(data, 0, low), lineStyle: { type: [5, 4] } },
    { id: "above", data: piece(data, high, Infinity), lineStyle: { type: [5, 4] } },
  ];
}

function marks(data) {
  return [
    { id: "now", data: data.now ? [data.now] : [] },
    { id: "plan", data: data.plan ? [data.plan] : [] },
  ];
}

function words(data, tools, plan) {
  const revenue = plan[1] ?? at(data.spend, data.mean, plan[0]);
  return `${tools.formats.short(plan[0])} → ${tools.formats.short(revenue)}`;
}

export function reading(figure) {
  const place = figure.querySelector(".curve-reading");
  const source = document.getElementById(figure.dataset.source);
  const data = source && JSON.parse(source.textContent);
  if (place && data?.plan && !place.textContent) place.dataset.ready = "yes";
}

export function draw(chart, data, tools) {
  const { colours, formats } = tools;
  held.set(chart, { data, tools });
  const line = { type: "line", showSymbol: false, silent: true, lineStyle: { width: 2.2, color: colours.plan }, color: colours.plan };
  const band = data.p05
    ? [
        { type: "line", stack: "band", showSymbol: false, silent: true, lineStyle: { opacity: 0 }, data: data.spend.map((x, i) => [x, data.p05[i]]) },
        { type: "line", stack: "band", showSymbol: false, silent: true, lineStyle: { opacity: 0 }, areaStyle: { color: colours.band, opacity: 0.75 }, data: data.spend.map((x, i) => [x, data.p95[i] - data.p05[i]]) },
      ]
    : [];
  const seen = data.seen && data.seen < data.spend.at(-1)
    ? [{ type: "line", silent: true, data: [], markLine: { silent: true, symbol: "none", lineStyle: { color: colours.faint, type: "dotted" }, label: { show: false }, data: [{ xAxis: data.seen }] } }]
    : [];
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: FONT },
    grid: { left: 4, right: 14, top: 12, bottom: 4, containLabel: true },
    xAxis: { type: "value", min: 0, max: data.spend.at(-1), splitNumber: 4, axisLabel: { color: colours.faint, fontSize: 11, hideOverlap: true, formatter: formats.short }, splitLine: { show: false }, axisLine: { show: true, lineStyle: { color: colours.line } } },
    yAxis: { type: "value", min: 0, splitNumber: 3, axisLabel: { color: colours.faint, fontSize: 11, formatter: formats.short }, splitLine: { lineStyle: { color: colours.line } } },
    series: [
      ...band,
      ...lines(data).map((one) => ({ ...line, ...one, lineStyle: { ...line.lineStyle, ...one.lineStyle } })),
      ...seen,
      { ...marks(data)[0], type: "scatter", symbol: "circle", symbolSize: 11, silent: true, itemStyle: { color: colours.now, borderColor: colours.surface, borderWidth: 1.5 }, z: 5 },
      { ...marks(data)[1], type: "scatter", symbol: "rect", symbolSize: 13, silent: true, itemStyle: { color: colours.plan, borderColor: colours.surface, borderWidth: 1.5 }, z: 6 },
    ],
  });
  tell(chart);
  if (!chart.getZr().romiDrags) takeHold(chart);
}

function tell(chart) {
  const { data, tools } = held.get(chart);
  const place = tools.figure.querySelector(".curve-reading");
  if (place && data.plan) place.textContent = words(data, tools, data.plan);
}

export function moveMarks(chart, moved) {
  const known = held.get(chart);
  if (!known) return;
  const within = String(moved.limits ?? known.data.limits) === String(known.data.limits);
  Object.assign(known.data, moved);
  const moves = within ? [] : lines(known.data).map(({ id, data }) => ({ id, data }));
  chart.setOption({ series: [...moves, ...marks(known.data)] });
  tell(chart);
}

function takeHold(chart) {
  const pane = chart.getZr();
  pane.romiDrags = true;
  let dragging = false;

  function spendAt(event) {
    const { data } = held.get(chart);
    const [x] = chart.convertFromPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [event.offsetX, event.offsetY]);
    return Math.min(Math.max(x, 0), data.spend.at(-1));
  }
  function isNear(event) {
    const { data } = held.get(chart);
    if (!data.plan) return false;
    const [x, y] = chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, data.plan);
    return Math.hypot(x - event.offsetX, y - event.offsetY) < NEAR;
  }
  function move(event, done) {
    const { data, tools } = held.get(chart);
    const spend = spendAt(event);
    moveMarks(chart, { plan: [spend, at(data.spend, data.mean, spend)] });
    tools.figure.dispatchEvent(new CustomEvent("curve:drag", { bubbles: true, detail: { cell: tools.figure.dataset.cell, spend, done } }));
  }
  pane.on("mousedown", (event) => { dragging = isNear(event); });
  pane.on("mousemove", (event) => {
    if (dragging) move(event, false);
    pane.setCursorStyle(isNear(event) || dragging ? "ew-resize" : "default");
  });
  pane.on("mouseup", (event) => { if (dragging) { dragging = false; move(event, true); } });
  pane.on("globalout", () => { dragging = false; });
}
