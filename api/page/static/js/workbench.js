// The workbench: every change of the question is answered at once, can be undone, and is never lost.
import { chartOf, soon } from "./charts.js";
import { moveMarks, reading } from "./charts/curve.js";

const form = document.getElementById("question");
const place = form.dataset.place;
const answer = document.getElementById("answer");
const frontier = document.getElementById("frontier");
const frontierCard = document.getElementById("frontier-card");
const undo = document.getElementById("undo");
const slider = document.getElementById("budget-slider");
const amounts = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 2 });
const wholes = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 0 });

const past = [];
let present = snapshot();
let asking = false;
let askAgain = false;
let total = Number(slider.value);

function snapshot() {
  const state = [];
  for (const field of form.elements) {
    if (!field.name || field.type === "hidden" || field.tagName === "BUTTON") continue;
    state.push([field, field.type === "checkbox" || field.type === "radio" ? field.checked : field.value]);
  }
  return state;
}

function restore(state) {
  for (const [field, value] of state) {
    if (field.type === "checkbox" || field.type === "radio") field.checked = value;
    else field.value = value;
  }
}

function remember() {
  past.push(present);
  if (past.length > 200) past.shift();
  undo.disabled = false;
}

// What was answered before is no answer to the question as it stands now. An answer that is soon
// there takes its place unannounced: to dim and light all of it at every move would cost as much
// as to show the new one.
const SOON = 300; // milliseconds
let late = null;
function expectAnswer() {
  late ??= setTimeout(() => { tellStale(true); tellBusy(asking); }, SOON);
}

function tellFresh() {
  clearTimeout(late);
  late = null;
  tellStale(false);
}

function tellStale(isStale) {
  for (const part of [answer, document.getElementById("more")]) part.classList.toggle("stale", isStale);
}

function tellBusy(isBusy) {
  answer.setAttribute("aria-busy", String(isBusy));
  document.getElementById("calculating").hidden = !isBusy;
}

async function ask() {
  expectAnswer();
  if (asking) { askAgain = true; return; }
  asking = true;
  try {
    await htmx.ajax("POST", `${place}/answer`, { source: form, target: answer, swap: "innerHTML" });
  } catch {
    // the service is away: the banner says so, and asks again when it is back
  } finally {
    asking = false;
    tellBusy(false);
  }
  if (askAgain) { askAgain = false; ask(); }
}

function spendField(index) {
  return form.elements[`spend-${index}`];
}

function show() {
  const source = document.getElementById("answer-data");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  answer.dataset.version = Number(answer.dataset.version) + 1;
  for (const [index, spend] of Object.entries(data.spend)) {
    const field = spendField(index);
    const held = form.elements[`locked-${index}`].checked || data.mode === "what_if";
    if (field && !held && field !== document.activeElement) field.value = amounts.format(spend);
  }
  total = data.total ?? total;
  document.getElementById("split-total").textContent = data.total === null ? "" : amounts.format(data.total);
  if (slider && data.total && document.activeElement !== slider) slider.value = data.total;
  for (const figure of document.querySelectorAll("figure[data-chart=curve]")) {
    const marks = data.marks[figure.dataset.cell];
    if (marks) soon(figure, () => moveMarks(chartOf(figure.querySelector(".chart-place")), marks));
  }
  const answered = data.total !== null;
  document.getElementById("curves").hidden = !answered;
  frontierCard.hidden = !answered;
  frontier.classList.toggle("stale", frontier.dataset.loaded === "yes");
  tellFresh();
  markWrong(data.wrong);
  present = snapshot();
  history.replaceState(null, "", data.state);
  document.querySelector(".language [name=then]").value = data.state;
  if (frontier.dataset.loaded === "yes" && isSeen(frontierCard)) showFrontier();
}

function markWrong(wrong) {
  form.querySelectorAll(".told-wrong").forEach((words) => words.remove());
  form.querySelectorAll(".wrong").forEach((field) => {
    field.classList.remove("wrong");
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  });
  for (const [name, words] of Object.entries(wrong)) {
    const field = document.getElementById(name);
    if (!field) continue;
    const told = Object.assign(document.createElement("span"), { className: "told-wrong", id: `${name}-wrong`, textContent: words });
    field.classList.add("wrong");
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", told.id);
    field.after(told);
    const hidden = field.closest("details");
    if (hidden) hidden.open = true;
  }
}

function isSeen(element) {
  const box = element.getBoundingClientRect();
  return box.top < window.innerHeight && box.bottom > 0;
}

let frontierTimer = null;
function showFrontier() {
  clearTimeout(frontierTimer);
  frontierTimer = setTimeout(async () => {
    try {
      await htmx.ajax("POST", `${place}/frontier`, { source: form, target: frontier, swap: "innerHTML" });
    } catch {
      return; // the service is away, as the banner says
    }
    frontier.dataset.loaded = "yes";
    frontier.classList.remove("stale");
    document.getElementById("show-frontier").hidden = true;
  }, frontier.dataset.loaded === "yes" ? 600 : 0);
}

// A range that nobody typed lies around what is spent.
const around = { budget_min: 0.8, budget_max: 1.2 };
let usual = {};
function surround() {
  for (const [name, share] of Object.entries(around)) {
    const field = form.elements[name];
    if (field.value.trim() && field.value !== usual[name]) continue;
    usual[name] = field.value = amounts.format(share * total);
  }
}

function changed(event) {
  const field = event.target;
  if (!field.name || field.name === "name") return;
  remember();
  if (field.name === "budget_kind" && field.value === "range") surround();
  const spend = field.name.match(/^spend-(\d+)$/);
  if (spend && form.elements.mode.value === "plan") form.elements[`locked-${spend[1]}`].checked = field.value.trim() !== "";
  ask();
}

function slid() {
  if (past.at(-1) !== present) { remember(); past[past.length - 1] = present; }
  form.elements.budget.value = wholes.format(Math.round(slider.value));
  ask();
}

function dragged(event) {
  const { cell, spend, done } = event.detail;
  const row = [...form.querySelectorAll("tr[data-cell]")].findIndex((one) => one.dataset.cell === cell);
  if (row < 0) return;
  spendField(row).value = amounts.format(Math.round(spend));
  if (!done) return;
  remember();
  if (form.elements.mode.value === "plan") form.elements[`locked-${row}`].checked = true;
  ask();
}

function takeBack() {
  const state = past.pop();
  undo.disabled = past.length === 0;
  if (!state) return;
  restore(state);
  ask();
}

function tellCaution() {
  document.getElementById("caution-words").textContent = amounts.format(form.elements.caution.value);
}

form.addEventListener("change", changed);
form.addEventListener("curve:drag", dragged);
form.addEventListener("again", ask);
form.addEventListener("input", (event) => {
  if (event.target === slider) slid();
  if (event.target === form.elements.caution) tellCaution();
});
form.addEventListener("submit", (event) => {
  const sender = event.submitter;
  if (sender?.id === "show-frontier") { event.preventDefault(); showFrontier(); return; }
  if (sender?.hasAttribute("formaction")) return;
  event.preventDefault();
  ask();
});
undo.addEventListener("click", takeBack);
document.addEventListener("htmx:afterSettle", (event) => { if (event.detail.target === answer) show(); });
tellCaution();
if (form.elements.budget_kind.value !== "range") for (const name of Object.keys(around)) usual[name] = form.elements[name].value;
for (const figure of document.querySelectorAll("figure[data-chart=curve]")) reading(figure);
