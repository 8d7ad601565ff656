// Draws what a trial gave, beside what the live text gives on the same dice. Everything is set as text.

import { bytes, h, microseconds } from "./dom.js";

// `trial` is {number, trial, active, label}; `goTo(line)` shows a line of the editor.
export function drawOutcome(trial, goTo) {
  const { trial: mine, active } = trial;
  return [
    verdict(trial),
    mine.error && errorBox(mine.error, goTo),
    !mine.error && results(mine, active),
    active && active.error && h("div", { class: "error-box" }, h("b", {}, `The live text (v${active.version}) fails on this`), h("span", {}, active.error.message)),
    mine.calls.length > 0 && part("Calls of the game's functions", h("ol", { class: "calls" }, ...mine.calls.map(call))),
    mine.logs.length > 0 && part(mine.log_truncated ? "Log (cut: it was too long)" : "Log", h("pre", { tabindex: "0" }, ...mine.logs.flatMap((line, at) => [written(mine.log_us[at]), `${line}\n`]))),
    part("Cost", figures(mine.metrics)),
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

function verdict({ number, trial: mine, active, label }) {
  let words = mine.error ? "It fails" : "It runs";
  let kind = mine.error ? "bad" : "live";
  if (!mine.error && active && !active.error) {
    const same = JSON.stringify(mine.result) === JSON.stringify(active.result);
    words = same ? "No difference on this" : "It decides differently";
    kind = same ? "" : "override";
  }
  return h("div", { class: "verdict" }, h("b", {}, words), h("span", { class: `chip ${kind}` }, `trial ${number}`), h("span", { class: "quiet" }, label));
}

function errorBox(error, goTo) {
  return h("div", { class: "error-box", role: "alert" },
    h("span", {}, h("span", { class: "chip bad" }, error.type.replaceAll("_", " "))),
    h("b", {}, error.message),
    error.excerpt && h("code", {}, error.excerpt.trim()),
    error.hint && h("span", {}, error.hint),
    error.line && h("button", { type: "button", class: "link", onclick: () => goTo(error.line, error.column || 1) }, `Go to line ${error.line}`));
}

function results(mine, active) {
  const other = active && !active.error ? active : null;
  const parts = fieldsOf(mine.result);
  const others = other ? fieldsOf(other.result) : {};
  const names = [...new Set([...Object.keys(parts), ...Object.keys(others)])];
  const head = h("tr", {}, h("th", { scope: "col" }, "Result"), h("th", { scope: "col" }, "this text"), other && h("th", { scope: "col" }, `live v${other.version}`));
  const rows = names.map((name) => {
    const [here, there] = [shown(parts[name]), other ? shown(others[name]) : null];
    const differs = other && here !== there;
    return h("tr", { class: differs ? "differs" : null }, h("td", {}, name), h("td", {}, here), other && h("td", {}, there));
  });
  return h("table", { class: "compared-table" }, h("thead", {}, head), h("tbody", {}, ...rows));
}

export function fieldsOf(result) {
  const isObject = result !== null && typeof result === "object" && !Array.isArray(result) && !spelling(result);
  return isObject && Object.keys(result).length ? result : { result };
}

// What JSON has no word for comes as {"$float": "nan"} or {"$bytes": "…"}; data that looks so has one more $ (plain_json.py).
function spelling(value) {
  const keys = Object.keys(value);
  return keys.length === 1 && /^\$+(float|bytes)$/.test(keys[0]) ? keys[0] : "";
}

function words(value) {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(words).join(",")}]`;
  const key = spelling(value);
  if (key === "$float") return { nan: "NaN", inf: "Infinity", "-inf": "-Infinity" }[value.$float];
  if (key === "$bytes") return `bytes ${value.$bytes}`;
  return `{${Object.entries(value).map(([name, item]) => `${JSON.stringify(key ? name.slice(1) : name)}:${words(item)}`).join(",")}}`;
}

export function shown(value) {
  if (value === undefined) return "–";
  const text = typeof value === "string" ? `"${value}"` : words(value);
  return text.length > 600 ? `${text.slice(0, 599)}…` : text;
}

// A call as one line: what was asked, and what was answered.
export function callWords(one) {
  const given = [...one.arguments.map(shown), ...Object.entries(one.named).map(([name, value]) => `${name}=${shown(value)}`)];
  return `${one.name}(${given.join(", ")})${answerOf(one)}`;
}

function answerOf(one) {
  if (one.error) return ` refused: ${one.error}`;
  return one.kind === "effect" ? "" : ` → ${shown(one.answer)}`;
}

function call(one) {
  const answer = answerOf(one);
  const kind = one.kind === "effect" ? "effect, not carried out" : one.kind;
  const asked = callWords({ ...one, kind: "effect", error: "" });
  return h("li", {}, h("span", { class: `chip ${one.kind === "effect" ? "warn" : ""}` }, kind), asked, answer && h("div", { class: "answer" }, answer.trim()));
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
  if (outcome.error) return `${outcome.error.type}: ${outcome.error.message}`;
  return shown(outcome.result);
}
