// A report opened from disk: draws its charts, and draws them again for paper.
import { drawCharts, drawNow } from "./charts.js";

const root = document.documentElement;

function onPaper(is) {
  root.classList.toggle("on-paper", is); // as wide as paper, in the colours of paper
  drawNow(document);
}

window.addEventListener("beforeprint", () => onPaper(true));
window.addEventListener("afterprint", () => onPaper(false));
drawCharts(document);
