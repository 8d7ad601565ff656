// Draws what a trial gave, beside what the live text gives on the same dice. Values come as text, and are set as text.

import { bytes, h, microseconds } from "./dom.js";

// `answer` is the server's, with {number, label}; `goTo(line)` shows a line of the editor.
export function drawOutcome(answer, goTo) {
  const { trial: mine, active, beside } = answer;
  const live = active && `live v${active.version}`;
  return [
    verdict(answer),
    leftBox(mine.left, "This text") || leftBox(active && active.left, "The live text"),
    mine.refusal && h("div", { class: "error-box", role: "alert" }, h("b", {}, "The game would refuse this result"), h("span", {}, mine.refusal)),
    mine.error && !mine.left && errorBox(mine.error, goTo),
    active && active.error && !active.left && h("div", { class: "error-box" }, h("b", {}, `The live text (v${active.version}) fails on this`), h("span", {}, active.error.message)),
    beside.error.some((row) => row.differs) && active && active.error && mine.error && table("Error", beside.error, live),
    beside.result.length > 0 && !mine.error && table("Result", beside.result, live),
    beside.effects.length > 0 && table("Effects, not carried out", beside.effects, live),
    mine.calls.length > 0 && part("Calls of the game's functions", h("ol", { class: "calls" }, ...mine.calls.map(call))),
    log("Log", mine),
    beside.parts.includes("log") && (log(`Log of the ${live}: it differs`, active) || part(`Log of the ${live}: it differs`, h("p", { class: "under" }, "It writes nothing."))),
    part("Cost", figures(mine.metrics)),
    h("p", { class: "under" }, readsOf(answer)),
    h("p", { class: "under" }, `Seed ${mine.seed}: the same text on the same seed gives the same outcome.`),
  ].filter(Boolean);
}

// A trial whose process was killed.
export function drawCancelled(seconds, what = "The trial") {
  return [
    h("div", { class: "verdict" }, h("b", {}, "Cancelled"), h("span", { class: "quiet" }, `after ${seconds.toFixed(1)} s`)),
    h("p", { class: "under" }, `${what} was stopped and its process ended. Nothing of it is kept.`),
  ];
}

function verdict({ number, verdict: { words, kind }, label }) {
  return h("div", { class: "verdict" }, h("b", {}, words), h("span", { class: `chip ${kind}` }, `trial ${number}`), h("span", { class: "quiet" }, label));
}

function leftBox(left, whose) {
  return left && h("div", { class: "error-box", role: "alert" },
    h("b", {}, `${whose} left the recording at ${left}`),
    h("span", {}, "The recorded run did not read this, so its answer is not known and nothing is compared. Choose “Game: as it is now” to go on."));
}

// Where the answers of the game's functions come from.
function readsOf({ trial, on_recording: onRecording }) {
  if (onRecording) return "Read from the recording: the game's functions answer as they did then.";
  return trial.calls.some((one) => one.kind === "read") ? "Read from the game as it is now." : "";
}

function errorBox(error, goTo) {
  return h("div", { class: "error-box", role: "alert" },
    h("span", {}, h("span", { class: "chip bad" }, error.type.replaceAll("_", " "))),
    h("b", {}, error.message),
    error.excerpt && h("code", {}, error.excerpt.trim()),
    error.hint && h("span", {}, error.hint),
    error.line && h("button", { type: "button", class: "link", onclick: () => goTo(error.line, error.column || 1) }, `Go to line ${error.line}`));
}

// Rows of the server: {name, mine, theirs, differs, inner}; `theirs` is null where there is nothing to compare with.
export function table(title, rows, theirs, mine = "this text") {
  const both = theirs && rows.some((row) => row.theirs !== null);
  const head = h("tr", {}, h("th", { scope: "col" }, title), h("th", { scope: "col" }, mine), both && h("th", { scope: "col" }, theirs));
  return h("table", { class: "compared-table" }, h("thead", {}, head), h("tbody", {}, ...rows.map((row) => line(row, both))));
}

export function line(row, both) {
  const kind = [row.differs && "differs", row.inner && "inner"].filter(Boolean).join(" ");
  return h("tr", { class: kind || null }, h("th", { scope: "row" }, row.name), h("td", {}, row.mine), both && h("td", {}, row.theirs ?? "–"));
}

// A call as one line: what was asked, and what was answered.
export function callWords(one) { return `${one.asked}${answerOf(one)}`; }

function answerOf(one) { return one.error ? ` refused: ${one.error}` : ` → ${one.answer}`; }

function call(one) {
  return h("li", {}, h("span", { class: `chip ${one.error ? "warn" : ""}` }, one.kind), one.asked, h("div", { class: "answer" }, answerOf(one).trim()));
}

function log(title, outcome) {
  const lines = outcome.logs.flatMap((text, at) => [written(outcome.log_us[at]), `${text}\n`]);
  return lines.length > 0 && part(outcome.log_truncated ? `${title} (cut: it was too long)` : title, h("pre", { tabindex: "0" }, ...lines));
}

// When a line was written, since the run began.
function written(us) {
  return h("span", { class: "quiet" }, `${`+${microseconds(us)}`.padStart(8)}  `);
}

function figures(metrics) {
  const pairs = [["wall", microseconds(metrics.wall_us)], ["CPU", microseconds(metrics.cpu_us)], ["compile", microseconds(metrics.compile_us)], ["memory", bytes(metrics.memory_bytes)]];
  return h("dl", { class: "figures" }, ...pairs.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

function part(title, content) {
  return h("section", {}, h("h3", {}, title), content);
}

export function oneLine(outcome) {
  if (!outcome) return "";
  if (outcome.left) return `left the recording at ${outcome.left}`;
  return outcome.error ? `${outcome.error.type}: ${outcome.error.message}` : outcome.result;
}
