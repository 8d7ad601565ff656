// Two trials side by side: what was run on what, what came of it, and where log, calls, text and inputs part.

import { $, bytes, h, microseconds } from "./dom.js";
import { callWords, fieldsOf, shown } from "./outcome.js";

const MOST = 2;

export class Comparing {
  constructor(server) {
    this.server = server;
    this.chosen = [];
    $("compare-trials").addEventListener("click", () => this.open());
  }

  // The box of a trial's row. A third choice takes the place of the first.
  box(trial) {
    trial.box = h("input", { type: "checkbox", "aria-label": `Compare trial ${trial.number} with another`, onchange: () => this.choose(trial) });
    return trial.box;
  }

  choose(trial) {
    this.chosen = this.chosen.filter((one) => one !== trial);
    if (trial.box.checked) this.chosen.push(trial);
    if (this.chosen.length > MOST) this.chosen.shift().box.checked = false;
    const [one, other] = this.pair();
    $("compare-trials").hidden = !other;
    if (other) $("compare-trials").textContent = `Compare ${one.number} and ${other.number}`;
  }

  pair() { return [...this.chosen].sort((one, other) => one.number - other.number); }

  async open() {
    const [one, other] = this.pair();
    if (!other) return;
    $("diff-title").textContent = `Trial ${one.number} and trial ${other.number}`;
    $("diff-text").textContent = "What differs is marked.";
    const parts = h("div", { class: "trial-parts" }, table(one, other));
    $("diff-body").replaceChildren(parts);
    $("diff-dialog").showModal();
    const pairs = [
      ["Log", one.trial.logs.join("\n"), other.trial.logs.join("\n")],
      ["Calls of the game's functions", one.trial.calls.map(callWords).join("\n"), other.trial.calls.map(callWords).join("\n")],
      ["Text", one.source, other.source],
      ["Inputs", one.inputs, other.inputs],
    ];
    parts.append(...await Promise.all(pairs.map((pair) => this.part(...pair))));
  }

  async part(title, old, fresh) {
    const same = h("p", { class: "under" }, old ? "the same in both" : "none in either");
    if (old === fresh) return h("section", {}, h("h3", {}, title), same);
    const frame = h("div", { class: "diff-frame" });
    try { frame.innerHTML = (await this.server.post("api/compare", { old, new: fresh })).html; } catch (error) { frame.textContent = error.message; }
    return h("section", {}, h("h3", {}, title), frame);
  }
}

function table(one, other) {
  const head = h("tr", {}, h("td", {}), ...[one, other].map(({ number }) => h("th", { scope: "col" }, `trial ${number}`)));
  const [left, right] = [one, other].map(({ trial }) => (trial.error ? {} : fieldsOf(trial.result)));
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  const rows = [
    ["text", one.text, other.text],
    ["on", one.label, other.label],
    ["seed", one.trial.seed, other.trial.seed],
    ["error", ...[one, other].map(({ trial }) => (trial.error ? `${trial.error.type}: ${trial.error.message}` : "none"))],
    ...names.map((name) => [name, shown(left[name]), shown(right[name])]),
  ].map(([name, here, there]) => row(name, here, there, here !== there));
  const cost = [
    ["time", ...[one, other].map(({ trial }) => microseconds(trial.metrics.wall_us))],
    ["memory", ...[one, other].map(({ trial }) => bytes(trial.metrics.memory_bytes))],
  ].map((cells) => row(...cells, false)); // never quite the same
  return h("table", { class: "compared-table" }, h("thead", {}, head), h("tbody", {}, ...rows, ...cost));
}

function row(name, here, there, differs) {
  return h("tr", { class: differs ? "differs" : null }, h("th", { scope: "row" }, name), h("td", {}, here), h("td", {}, there));
}
