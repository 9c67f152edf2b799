// What every view shares: forms that send themselves, charts that draw themselves, and a service
// that may go away and come back.
import { drawCharts } from "./charts.js";
import { watchService } from "./service.js";

function sendOnChange(event) {
  const field = event.target.closest("[data-sends-form]");
  if (field) field.form.requestSubmit();
}

async function copyText(event) {
  const button = event.target.closest("[data-copies]");
  if (!button) return;
  await copy(document.querySelector(button.dataset.copies));
  const before = button.textContent;
  button.textContent = button.dataset.copied;
  setTimeout(() => { button.textContent = before; }, 1500);
}

async function copy(source) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    return;
  }
  window.getSelection().selectAllChildren(source); // a plain http address beyond this host
  document.execCommand("copy");
}

function sendOnce(event) {
  const form = event.target;
  if (!form.matches("[data-once]") || event.defaultPrevented) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
}

function release() {
  for (const form of document.querySelectorAll("[data-sent]")) delete form.dataset.sent;
}

function ask(event) {
  const question = event.submitter?.dataset.asks ?? event.target.dataset.asks;
  if (question && !window.confirm(question)) event.preventDefault();
}

const moments = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });

function tellTimes(within) {
  for (const time of within.querySelectorAll("time[datetime]")) time.textContent = moments.format(new Date(time.dateTime));
}

document.addEventListener("change", sendOnChange);
document.addEventListener("click", copyText);
document.addEventListener("submit", ask);
document.addEventListener("submit", sendOnce);
window.addEventListener("pageshow", release);
document.addEventListener("htmx:afterSettle", (event) => {
  tellTimes(event.detail.elt);
  drawCharts(event.detail.elt);
});
tellTimes(document);
drawCharts(document);
watchService();
