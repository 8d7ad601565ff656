// Values in the margin: after a trial each line shows what it did, the line of the cursor all of it, with a pager through turns.

import { $, h } from "./dom.js";
import { Trace, words } from "./trace.js";
import { listed } from "./values_list.js";

const KEPT = "goby:values";

export class Values {
  constructor(editor) {
    this.editor = editor;
    this.trace = null;
    this.values = null;
    this.line = 1;
    $("values").checked = localStorage.getItem(KEPT) !== "off";
    $("values").addEventListener("change", () => {
      localStorage.setItem(KEPT, this.isOn ? "on" : "off");
      this.draw();
    });
    $("turn-back").addEventListener("click", () => this.turn(-1));
    $("turn-on").addEventListener("click", () => this.turn(1));
    editor.onChange(() => this.forget());
    editor.onCursor((line) => { this.line = line; this.tell(); });
  }

  get isOn() { return $("values").checked; }

  // Those of a trial of this text, if it is the one that stands in the editor.
  show(values, source) {
    this.values = values && source === this.editor.shown ? values : null;
    this.trace = this.values ? new Trace(values) : null;
    this.draw();
  }

  forget() {
    if (!this.trace) return;
    this.trace = this.values = null;
    this.draw();
  }

  turn(by) {
    if (!this.trace || !this.isOn) return;
    this.trace.turn(this.line, by);
    this.draw();
  }

  draw() {
    const shown = this.isOn ? this.trace : null;
    $("values-bar").hidden = !shown;
    document.body.classList.toggle("with-values", Boolean(shown));
    this.editor.beside(shown ? notesOf(shown, this.editor.shown.split("\n")) : [], shown ? [...shown.idle, ...shown.outside()] : []);
    if (!shown) return;
    $("values-stopped").textContent = shown.stopped;
    const helpers = this.values.texts.map((text, number) => [text, number]).filter(([text, number]) => number && text.source !== null);
    $("values-helpers").replaceChildren(...helpers.map(([text, number]) => h("button", { type: "button", class: "link", onclick: () => this.open(text, number) }, text.name)));
    this.tell();
  }

  // The whole value of the cursor's line, and the pager of the loop or function around it.
  tell() {
    if (!this.trace || !this.isOn) return;
    const { trace, line } = this;
    const step = trace.at(line);
    const count = trace.counts.get(line) || 0;
    const said = words(step) || (trace.idle.has(line) ? "did not run" : count ? "ran" : "nothing to show");
    $("values-line").textContent = `${line}: ${said}`;
    $("values-count").textContent = count > 1 ? `×${count}` : "";
    const pager = trace.pager(line);
    $("values-pager").hidden = !pager;
    if (!pager) return;
    $("turn-words").textContent = `turn ${pager.turns[pager.at]} of ${Math.max(...pager.turns)}${trace.dropped ? ", the middle is left out" : ""}`;
    $("turn-back").disabled = pager.at === 0;
    $("turn-on").disabled = pager.at === pager.turns.length - 1;
  }

  // A helper's values, on its own text.
  open(text, number) {
    $("values-title").textContent = text.name;
    listed($("values-body"), new Trace(this.values, number), text.source);
    $("values-dialog").showModal();
  }
}

// A name that the line begins with is not said again, nor a value that is written there.
function notesOf(trace, lines) {
  const notes = [];
  for (const [line, count] of trace.counts) {
    const step = trace.at(line);
    const code = lines[line - 1].trim();
    const [name, value] = step && !step.kind && step.values.length === 1 ? step.values[0] : ["", ""];
    if (name && code.replace(/\s*(#|\/\/).*/, "") === `${name} = ${value}`) continue;
    const text = name && code.startsWith(`${name} `) ? value : words(step);
    if (text) notes.push({ line, text, kind: step.kind, count: trace.chosen.size ? 0 : count });
  }
  return notes;
}
