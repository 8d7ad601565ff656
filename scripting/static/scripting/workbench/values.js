// Values in the margin: after a trial each line shows what it did, the line of the cursor all of it, with a pager through turns.

import { $, h } from "./dom.js";
import { besideLive } from "./live_constants.js";
import { Trace, note, words } from "./trace.js";
import { listed } from "./values_list.js";

const KEPT = "goby:values";
const PAUSE = 150; // ms after the last key
const LONGEST = 300_000; // characters of a text whose constants are looked at while one types

export class Values {
  constructor(editor, page) {
    this.editor = editor;
    this.page = page;
    this.live = []; // notes on constants that are another value than what is live
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
    editor.onChange(() => {
      this.forget();
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.compare(), PAUSE);
    });
    editor.onCursor((line) => { this.line = line; this.tell(); });
  }

  get isOn() { return $("values").checked; }

  // What is live, or the text that is shown, has changed.
  compare() {
    const { active, knobs } = this.page;
    this.live = active && this.editor.shown.length < LONGEST ? besideLive(this.editor.shown, active.source, knobs) : [];
    this.draw();
  }

  // Those of a trial of this text, if it is the one that stands in the editor.
  show(values, source) {
    this.values = values && source === this.editor.shown ? values : null;
    this.trace = this.values ? new Trace(values) : null;
    this.draw();
  }

  forget() {
    if (!this.trace && !this.live.length) return;
    this.trace = this.values = null;
    this.live = []; // of lines that may not be there any more
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
    const notes = shown ? notesOf(shown, this.editor.shown.split("\n")) : [];
    this.editor.beside(this.isOn ? together(notes, this.live) : [], shown ? [...shown.idle, ...shown.outside()] : []);
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

function together(notes, live) {
  const lines = new Map(notes.map((note) => [note.line, note]));
  for (const { line, text } of live) {
    const there = lines.get(line);
    lines.set(line, there ? { ...there, text: `${text} · ${there.text}` } : { line, text, kind: "live", count: 0 });
  }
  return [...lines.values()];
}

function notesOf(trace, lines) {
  const notes = [];
  for (const [line, count] of trace.counts) {
    const step = trace.at(line);
    const text = note(step, lines[line - 1]);
    if (text) notes.push({ line, text, kind: step.kind, count: trace.chosen.size ? 0 : count });
  }
  return notes;
}
