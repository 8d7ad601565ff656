// Two trials side by side: what was run on what, what came of it, and where log, calls, text and inputs part.

import { $, bytes, h, microseconds } from "./dom.js";
import { callWords, table } from "./outcome.js";

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
    const parts = h("div", { class: "trial-parts" });
    $("diff-body").replaceChildren(parts);
    $("diff-dialog").showModal();
    parts.append(...await this.outcomes(one, other));
    const pairs = [
      ["Log", one.trial.logs.join("\n"), other.trial.logs.join("\n")],
      ["Calls of the game's functions", one.trial.calls.map(callWords).join("\n"), other.trial.calls.map(callWords).join("\n")],
      ["Text", one.source, other.source],
      ["Inputs", one.inputs, other.inputs],
    ];
    parts.append(...await Promise.all(pairs.map((pair) => this.part(...pair))));
  }

  async outcomes(one, other) {
    const names = [`trial ${one.number}`, `trial ${other.number}`];
    try {
      const { error, result, effects } = await this.server.post("api/compare_trials", { old: one.trial.record, new: other.trial.record });
      return [table("Outcome", ran(one, other, [...error, ...result]), names[1], names[0]), effects.length > 0 && table("Effects", effects, names[1], names[0])].filter(Boolean);
    } catch (error) {
      return [h("p", { class: "problem", role: "alert" }, error.message)];
    }
  }

  async part(title, old, fresh) {
    const same = h("p", { class: "under" }, old ? "the same in both" : "none in either");
    if (old === fresh) return h("section", {}, h("h3", {}, title), same);
    const frame = h("div", { class: "diff-frame" });
    try { frame.innerHTML = (await this.server.post("api/compare", { old, new: fresh })).html; } catch (error) { frame.textContent = error.message; }
    return h("section", {}, h("h3", {}, title), frame);
  }
}

// Rows that the page knows by itself, then those of the outcomes; time and memory are never quite the same.
function ran(one, other, rows) {
  const known = [["text", one.text, other.text], ["on", one.label, other.label], ["seed", one.trial.seed, other.trial.seed]];
  const cost = [
    ["time", ...[one, other].map(({ trial }) => microseconds(trial.metrics.wall_us))],
    ["memory", ...[one, other].map(({ trial }) => bytes(trial.metrics.memory_bytes))],
  ];
  return [
    ...known.map(([name, mine, theirs]) => ({ name, mine, theirs, differs: mine !== theirs })),
    ...rows,
    ...cost.map(([name, mine, theirs]) => ({ name, mine, theirs, differs: false })),
  ];
}
