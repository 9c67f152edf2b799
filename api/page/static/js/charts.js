// Draws every <figure data-chart="NAME" data-source="ID"> from the JSON in the element of that id.
// Each chart is a module of its own in charts/, exporting draw(echarts instance, data, tools).
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

export function drawCharts(within) {
  const figures = [...(within.querySelectorAll?.("figure[data-chart]") ?? [])];
  if (within.matches?.("figure[data-chart]")) figures.push(within);
  return Promise.all(figures.map(draw));
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
