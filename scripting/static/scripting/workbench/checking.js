// Checks the text in a sandbox a moment after the last key, marks what it finds and lists it below the editor.

import { $, h } from "./dom.js";

const PAUSE = 140; // ms after the last key; with the way to the sandbox and back it stays under 300

export class Checking {
  constructor(server, editor, language) {
    this.server = server;
    this.editor = editor;
    this.language = language;
    this.checked = null; // the text that `problems` are of
    this.problems = [];
    this.running = null;
    this.onChecked = () => {}; // told the text and its result
  }

  soon() {
    clearTimeout(this.timer);
    this.lastKey = performance.now();
    this.timer = setTimeout(() => this.now(), PAUSE);
  }

  // The result for the present text; undefined when a later key made it stale.
  async now() {
    clearTimeout(this.timer);
    const text = this.editor.text;
    if (this.running) this.running.abort();
    const running = new AbortController();
    this.running = running;
    this.say("busy", "Checking…");
    try {
      const result = await this.server.post("api/check", { source: text, language: this.language() }, running.signal);
      if (this.editor.text !== text) return undefined;
      this.checked = text;
      this.show(result);
      this.onChecked(text, result);
      if (this.lastKey) performance.measure("goby:check", { start: this.lastKey });
      this.lastKey = null;
      return result;
    } catch (error) {
      if (error.name === "AbortError") return undefined;
      this.say("", error.type === "login_required" ? "Not checked: log in again" : `Not checked: ${error.message}`);
      return undefined;
    } finally {
      if (this.running === running) this.running = null;
    }
  }

  show({ diagnostics }) {
    this.problems = diagnostics;
    this.editor.show(diagnostics);
    const errors = diagnostics.filter((one) => one.severity === "error").length;
    const warnings = diagnostics.length - errors;
    const failing = diagnostics.filter((one) => one.certain).length;
    if (errors) this.say("bad", `${count(errors, "error")}${warnings ? `, ${count(warnings, "warning")}` : ""}`);
    else if (failing) this.say("bad", `Compiles, but will fail: ${count(warnings, "warning")}`);
    else if (warnings) this.say("warn", `Compiles, with ${count(warnings, "warning")}`);
    else this.say("good", "No problems");
    $("problem-count").textContent = diagnostics.length;
    $("problem-count").className = `count ${errors ? "bad" : warnings ? "warn" : ""}`;
    $("no-problems").hidden = diagnostics.length > 0;
    $("problem-list").replaceChildren(...diagnostics.map((one) => this.line(one)));
  }

  line(one) {
    const where = one.line ? `${one.line}:${one.column || 1}` : "";
    const what = h("span", {}, h("span", { class: "what" }, one.certain && h("b", {}, "Will fail: "), one.message), one.hint && h("span", { class: "hint" }, one.hint));
    const go = () => this.editor.goTo(one.line || 1, one.column || 1);
    return h("li", { class: one.severity }, h("button", { type: "button", onclick: go }, h("span", { class: "where" }, where), what));
  }

  // Go to the next problem after the last one visited.
  next() {
    if (!this.problems.length) return;
    this.visited = ((this.visited ?? -1) + 1) % this.problems.length;
    const one = this.problems[this.visited];
    this.editor.goTo(one.line || 1, one.column || 1);
  }

  say(state, text) {
    $("check-state").dataset.state = state;
    $("check-text").textContent = text;
  }
}

export function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
