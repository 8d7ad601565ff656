// The page of knobs: draft values beside the live ones, what they would have decided, and publishing them with a reason.

import { pageOf } from "./addresses.js";
import { $, h, onControlEnter, pageData, toast, wireDialogs } from "./dom.js";
import { keepWords, takeWords } from "./kept_words.js";
import { Server } from "./server.js";

const REST = 600; // ms that values must rest before they are replayed
const LOOK = 1500; // ms between two looks for curves

const { module, name, base, knobs, login } = pageData();
const KEPT = `tune:${document.querySelector(".who-name").textContent}:${module}/${name}`;
const server = new Server(pageOf(module, name), () => toast("Your session has ended.", { kind: "bad", keep: true, name: "login", actions: [["Log in", () => { location.href = `${login}?next=${encodeURIComponent(location.pathname)}`; }]] }));
const boxes = new Map(knobs.map((knob) => [knob.name, document.querySelector(`[data-knob="${knob.name}"]`)]));
wireDialogs();

const isNumber = (knob) => knob.kind === "whole" || knob.kind === "decimal";
const fieldOf = (knob) => $(`field-${knob.name}`);
const shown = (value) => (value === true ? "on" : value === false ? "off" : String(value));

// The draft value, or undefined where the field holds none that fits; the server judges again.
function draftOf(knob) {
  const field = fieldOf(knob);
  if (knob.kind === "flag") return field.checked;
  if (!isNumber(knob)) return field.value;
  const text = field.value.trim().replace(",", ".");
  const value = Number(text);
  return text === "" || !Number.isFinite(value) ? undefined : value;
}

function problemOf(knob) {
  const value = draftOf(knob);
  if (!isNumber(knob)) return "";
  if (value === undefined) return "This is no number.";
  if (value < knob.low || value > knob.high) return `It goes from ${knob.low} to ${knob.high}.`;
  if (knob.step) {
    const steps = (value - knob.low) / knob.step;
    if (Math.abs(steps - Math.round(steps)) > 1e-6) return `It goes in steps of ${knob.step} from ${knob.low}.`;
  }
  return "";
}

function show(knob, problem = problemOf(knob)) {
  const box = boxes.get(knob.name);
  const value = draftOf(knob);
  const changed = value !== knob.live;
  box.classList.toggle("changed", changed);
  fieldOf(knob).setAttribute("aria-invalid", problem ? "true" : "false");
  $(`problem-${knob.name}`).textContent = problem;
  const draft = box.querySelector(".knob-draft");
  draft.hidden = !changed || value === undefined;
  draft.querySelector("b").textContent = value === undefined ? "" : shown(value);
  box.querySelector('[data-reset="live"]').hidden = !changed;
  box.querySelector('[data-reset="default"]').hidden = value === knob.default;
  if (knob.kind === "flag") box.querySelector(".switch-word").textContent = shown(value);
  if (isNumber(knob) && value !== undefined) {
    $(`slide-${knob.name}`).value = value;
    for (const figure of box.querySelectorAll(".curve")) mark(figure, value);
  }
}

// Move the line that stands for the draft value.
function mark(figure, value) {
  const { low, high, left, right } = Object.fromEntries(Object.entries(figure.dataset).map(([key, text]) => [key, Number(text)]));
  const part = Math.min(1, Math.max(0, (value - low) / (high - low || 1)));
  const x = left + (right - left) * part;
  const line = figure.querySelector(".draft-mark");
  line.setAttribute("x1", x);
  line.setAttribute("x2", x);
}

function put(knob, value) {
  if (knob.kind === "flag") fieldOf(knob).checked = value;
  else fieldOf(knob).value = value;
  show(knob);
  soon();
}

// What is typed and not published outlives a login, a look at the report, and the sight of values that others have set.
const WORDS = ["tune-reason", "time-from", "time-until", "only-kind", "only-name"].filter((id) => $(id));
const PARTS = ["for-a-time", "only-for"].filter((id) => $(id));

let published = false;
window.addEventListener("pagehide", keep);

function keep() {
  if (published || (!changedKnobs().length && !$("tune-reason")?.value)) return;
  const drafts = Object.fromEntries(changedKnobs().map((knob) => [knob.name, knob.kind === "flag" ? fieldOf(knob).checked : fieldOf(knob).value]));
  keepWords(KEPT, { drafts, words: Object.fromEntries(WORDS.map((id) => [id, $(id).value])), open: PARTS.filter((id) => $(id).open) });
}

function comeBack() {
  const kept = takeWords(KEPT);
  if (!kept) return;
  for (const id of WORDS) $(id).value = kept.words[id] ?? "";
  for (const id of kept.open) if ($(id)) $(id).open = true;
  for (const knob of knobs) if (knob.name in kept.drafts) put(knob, kept.drafts[knob.name]);
}

const changedKnobs = () => knobs.filter((knob) => draftOf(knob) !== knob.live);
const values = () => Object.fromEntries(knobs.map((knob) => [knob.name, draftOf(knob)]));

let timer = 0;
let running = null;

function soon() {
  clearTimeout(timer);
  running?.abort();
  const changed = changedKnobs();
  const wrong = knobs.filter(problemOf);
  $("tune-publish").disabled = !changed.length || wrong.length > 0;
  $("tune-state").textContent = wrong.length ? "A value does not fit." : changed.length ? `${changed.length} ${changed.length === 1 ? "value is" : "values are"} changed.` : "Nothing is changed.";
  problem("");
  if (!changed.length || wrong.length) { $("tune-replay").textContent = ""; return; }
  $("tune-replay").textContent = "Replaying the last events…";
  timer = setTimeout(replay, REST);
}

async function replay() {
  const mine = new AbortController();
  running = mine;
  try {
    const found = await server.post("api/tune/replay", { values: values(), only: only() }, mine.signal);
    if (!found.sentence) { $("tune-replay").textContent = "This script has not run yet: there is nothing to try the values on."; return; }
    const sentence = `${found.sentence[0].toUpperCase()}${found.sentence.slice(1)}.`;
    $("tune-replay").replaceChildren(found.address ? h("a", { href: found.address, "data-kind": found.kind }, sentence) : h("span", { "data-kind": found.kind }, sentence));
  } catch (error) {
    if (error.name === "AbortError") return;
    $("tune-replay").textContent = "";
    refused(error);
  }
}

// Say what the server found wrong, at the knobs that it names.
function refused(error) {
  const problems = error.document?.problems ?? {};
  let at = null;
  for (const knob of knobs) {
    if (!(knob.name in problems)) continue;
    show(knob, `It ${problems[knob.name]}.`);
    at ??= fieldOf(knob);
  }
  problem(error.message);
  if (error.document?.may_ask) $("tune-problem").append(" ", h("button", { type: "button", class: "link", onclick: askReview }, "Ask for a review"));
  if (error.type === "stale_base" || error.type === "unchanged") toast("The live values are others now.", { keep: true, name: "stale", actions: [["Show them", () => location.reload()]] });
  at?.focus();
}

function problem(text) {
  $("tune-problem").textContent = text;
  $("tune-problem").hidden = !text;
}

// Ask somebody else to approve the values; who may look at scripts can follow the link.
async function askReview() {
  try {
    const { review, address } = await server.post("api/tune/review", { values: values(), only: only(), reason: $("tune-reason").value });
    $("tune-problem").hidden = false;
    $("tune-problem").replaceChildren(h("a", { href: address }, `Review ${review}`), " waits for somebody else. Publish once it is approved.");
  } catch (error) {
    problem(error.message);
  }
}

async function publish() {
  if ($("tune-publish").disabled) return;
  const reason = $("tune-reason").value;
  if (!reason.trim()) { problem("Say why: the next person who wonders will read it."); $("tune-reason").focus(); return; }
  $("tune-publish").disabled = true;
  try {
    if (isForATime()) await server.post("api/tune/plan", { values: values(), only: only(), reason, from: $("time-from").value, until: $("time-until").value });
    else await server.post("api/tune/publish", { values: values(), only: only(), reason, base });
    sessionStorage.setItem("goby-tuned", `${module}/${name}`);
    published = true;
    location.reload();
  } catch (error) {
    $("tune-publish").disabled = false;
    refused(error);
  }
}

// For which segment or key alone, as `key 5`; empty for all.
const only = () => ($("only-for").open && $("only-name").value.trim() ? `${$("only-kind").value} ${$("only-name").value.trim()}` : "");
const isForATime = () => $("for-a-time").open;

async function drawCurves() {
  const places = [...document.querySelectorAll("[data-curves]")];
  if (!places.length) return;
  const found = await server.get("api/tune/curves").catch((error) => ({ html: {}, waiting: false, problem: error.message }));
  for (const place of places) {
    const html = found.html[place.dataset.curves];
    if (html !== undefined && place.dataset.drawn !== "1") {
      place.innerHTML = html; // our own template's, every text in it escaped
      place.dataset.drawn = "1";
      show(knobs.find((knob) => knob.name === place.dataset.curves));
    } else if (found.problem && place.dataset.drawn !== "1") place.replaceChildren(h("p", { class: "quiet" }, found.problem));
  }
  if (found.waiting) setTimeout(drawCurves, LOOK);
}

for (const knob of knobs) {
  const box = boxes.get(knob.name);
  fieldOf(knob).addEventListener("input", () => { show(knob); soon(); });
  if (isNumber(knob)) $(`slide-${knob.name}`).addEventListener("input", (event) => put(knob, Number(event.target.value)));
  for (const button of box.querySelectorAll("[data-reset]")) {
    button.addEventListener("click", () => { put(knob, button.dataset.reset === "live" ? knob.live : knob.default); fieldOf(knob).focus(); });
  }
}

for (const each of document.querySelectorAll(".publish-bar details")) each.addEventListener("toggle", () => { if (each.open) each.scrollIntoView({ block: "nearest" }); }); // on a phone the bar is then at the end
$("for-a-time")?.addEventListener("toggle", () => { $("tune-publish").textContent = isForATime() ? "Plan" : "Publish"; });
for (const id of ["only-kind", "only-name"]) $(id)?.addEventListener("change", soon);
$("only-for")?.addEventListener("toggle", soon);
$("tune-form").addEventListener("submit", (event) => { event.preventDefault(); publish(); });
onControlEnter($("tune-form"), publish);

let going = {};
for (const button of document.querySelectorAll("[data-rollback]")) {
  button.addEventListener("click", () => {
    const number = Number(button.dataset.rollback);
    ask(number ? `Make knobs ${number} live` : "Make the defaults live", "Make live", { path: "api/tune/rollback", number, base });
  });
}
for (const button of document.querySelectorAll("[data-cancel]")) {
  button.addEventListener("click", () => ask("End these values", "End them", { path: "api/tune/cancel", id: Number(button.dataset.cancel) }));
}

for (const button of document.querySelectorAll("[data-drop]")) {
  button.addEventListener("click", () => ask("Take these values away", "Take them away", { path: "api/tune/drop", only: button.dataset.drop }));
}

// Ask why, before something goes back.
function ask(title, go, what) {
  going = what;
  $("back-title").textContent = title;
  $("back-go").textContent = go;
  $("back-problem").hidden = true;
  $("back-dialog").showModal();
  $("back-reason").focus();
}

async function goBack() {
  const reason = $("back-reason").value;
  try {
    if (!reason.trim()) throw new Error("Say why: the next person who wonders will read it.");
    const { path, ...which } = going;
    await server.post(path, { ...which, reason });
    sessionStorage.setItem("goby-tuned", `${module}/${name}`);
    location.reload();
  } catch (error) {
    if (error.type === "stale_base") { $("back-dialog").close(); refused(error); return; }
    $("back-problem").textContent = error.message;
    $("back-problem").hidden = false;
  }
}

$("back-go").addEventListener("click", goBack);
onControlEnter($("back-dialog"), goBack);

if (sessionStorage.getItem("goby-tuned") === `${module}/${name}`) {
  sessionStorage.removeItem("goby-tuned");
  toast("Done.", { kind: "good" });
}
for (const knob of knobs) show(knob);
comeBack();
drawCurves();
document.body.dataset.ready = "1";
