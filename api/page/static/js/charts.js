// Draws every <figure data-chart="NAME" data-source="ID"> from the JSON in the element of that id.
// Each chart is a module of its own in charts/, exporting draw(echarts instance, data, tools).
// Figures come first: charts are drawn once the frame before them is painted, those in sight at
// once, the others when there is nothing else to do.
import { formats } from "./formats.js";
import { palette } from "./palette.js";

const drawn = new WeakMap(); // element -> instance
const words = JSON.parse(document.getElementById("words").textContent);

async function draw(figure) {
  const place = figure.querySelector(".chart-place");
  const source = document.getElementById(figure.dataset.source);
  if (!place || !source || !window.echarts) return;
  const module = await import(`./charts/${figure.dataset.chart}.js`);
  if (!place.isConnected) return;
  drawn.get(place)?.dispose();
  const chart = window.echarts.init(place, null);
  drawn.set(place, chart);
  const data = JSON.parse(source.textContent);
  module.draw(chart, data, { words, formats, colours: palette(), figure });
  figure.dataset.drawn = "yes";
}

function figuresOf(within) {
  const figures = [...(within.querySelectorAll?.("figure[data-chart]") ?? [])];
  if (within.matches?.("figure[data-chart]")) figures.push(within);
  return figures;
}

export function drawCharts(within) {
  for (const figure of figuresOf(within)) soon(figure, () => draw(figure));
}

// For paper, which does not wait for a frame.
export function drawNow(within) {
  return Promise.all(figuresOf(within).map(draw));
}

const NEAR = 200; // pixels beyond the window that count as in sight
const idle = window.requestIdleCallback ?? ((deed) => setTimeout(deed, 50));
const fresh = new Map(); // element -> what is to be done after the next frame
const waiting = new Map(); // element out of sight -> what is to be done when there is time
let painting = false;
let resting = false;

// Does something to an element soon; of two deeds to one element the later counts.
export function soon(element, deed) {
  fresh.set(element, deed);
  if (painting) return;
  painting = true;
  requestAnimationFrame(() => setTimeout(afterPaint));
}

function afterPaint() {
  painting = false;
  const deeds = [...fresh];
  fresh.clear();
  for (const [element, deed] of deeds) {
    const box = element.getBoundingClientRect();
    waiting.delete(element);
    if (box.bottom > -NEAR && box.top < window.innerHeight + NEAR) deed();
    else waiting.set(element, deed);
  }
  rest();
}

function rest() {
  if (resting || !waiting.size) return;
  resting = true;
  idle(() => {
    resting = false;
    const [element, deed] = waiting.entries().next().value ?? [];
    waiting.delete(element);
    if (element?.isConnected) deed();
    rest();
  });
}

export function chartOf(place) {
  return drawn.get(place);
}

function savePicture(event) {
  const button = event.target.closest("[data-saves-picture]");
  if (!button) return;
  const figure = button.closest("figure");
  const chart = drawn.get(figure.querySelector(".chart-place"));
  if (!chart) return;
  const link = document.createElement("a");
  link.href = chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: palette().surface });
  link.download = `${button.dataset.savesPicture}.png`;
  link.click();
}

document.addEventListener("click", savePicture);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawCharts(document));
new ResizeObserver(() => {
  for (const place of document.querySelectorAll(".chart-place")) drawn.get(place)?.resize();
}).observe(document.body);
