// Chooses a recorded event: a field that searches them by their words, and the list of what it finds, by mouse or keyboard.

import { $, h, toast } from "./dom.js";

const PAUSE = 200; // ms after the last key before the search

export class RecordedPicker {
  // `onPick(id)` is called with the event chosen, with "" when it is taken away.
  constructor(server, onPick) {
    Object.assign(this, { server, onPick });
    [this.field, this.list, this.clearer] = [$("recorded"), $("recorded-list"), $("recorded-clear")];
    this.options = [];
    this.at = -1; // the option that Enter chooses
    this.chosen = "";
    this.asked = 0;
    this.pending = false; // whether what is typed is still searched for
    this.eager = false; // Enter was pressed meanwhile: it chooses the first that is found
    this.field.addEventListener("focus", () => this.field.select());
    this.field.addEventListener("click", () => this.open());
    this.field.addEventListener("input", () => this.typed());
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("blur", () => this.close());
    this.list.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
    this.clearer.addEventListener("click", () => { this.show(""); this.onPick(""); this.field.focus(); });
  }

  get isOpen() { return !this.list.hidden; }

  // What was chosen stands in the field, in words.
  show(words) {
    this.chosen = words;
    this.field.value = words;
    this.field.title = words;
    this.clearer.hidden = !words;
  }

  typed() {
    clearTimeout(this.timer);
    this.asked += 1; // an answer to what was asked before shows nothing any more
    this.pending = true;
    this.eager = false;
    this.timer = setTimeout(() => this.search(), PAUSE);
  }

  open() { if (!this.isOpen) this.search(""); }

  close() {
    clearTimeout(this.timer);
    this.asked += 1; // an answer that is on its way opens nothing
    this.pending = false;
    this.list.hidden = true;
    this.field.setAttribute("aria-expanded", "false");
    this.field.removeAttribute("aria-activedescendant");
    this.field.value = this.chosen;
  }

  async search(words = this.field.value) {
    this.asked += 1;
    const mine = this.asked;
    try {
      const { events, searched } = await this.server.get(`api/events?q=${encodeURIComponent(words)}`);
      if (mine === this.asked) this.draw(events, searched, words);
    } catch (error) {
      this.pending = false;
      toast(`Recorded events: ${error.message}`, { kind: "bad" });
    }
  }

  draw(events, searched, words) {
    this.options = events.map((event, at) => this.option(event, at));
    const none = words.trim() ? `None of the latest ${searched} says this.` : "This script has not run yet, and none of its events was seen.";
    this.list.replaceChildren(...this.options, ...(events.length ? [] : [h("li", { class: "none", role: "option", "aria-disabled": "true", "aria-selected": "false" }, none)]));
    this.list.hidden = false;
    this.list.scrollTop = 0;
    this.field.setAttribute("aria-expanded", "true");
    this.mark(words.trim() && events.length ? 0 : -1);
    this.pending = false;
    if (this.eager && events.length) this.choose(this.options[0]);
    this.eager = false;
  }

  option(event, at) {
    const failed = event.status !== "succeeded" && h("span", { class: "chip warn" }, event.status);
    const option = h("li", { role: "option", id: `recorded-${at}`, "aria-selected": "false", title: event.words, onclick: () => this.choose(option) },
      h("b", {}, event.words), h("span", { class: "quiet" }, `${event.when} · ${event.topic}`, failed && " ", failed, event.outcome && h("code", {}, event.outcome)));
    option.event = event;
    return option;
  }

  mark(at) {
    if (this.at >= 0) this.options[this.at]?.setAttribute("aria-selected", "false");
    this.at = at;
    const option = this.options[at];
    if (!option) { this.field.removeAttribute("aria-activedescendant"); return; }
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    this.field.setAttribute("aria-activedescendant", option.id);
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (!this.isOpen) this.open();
      else if (this.options.length) this.mark(this.at < 0 && step < 0 ? this.options.length - 1 : (this.at + step + this.options.length) % this.options.length);
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && (this.isOpen || this.pending)) {
      event.preventDefault();
      if (this.pending) this.eager = true;
      else if (this.options[this.at]) this.choose(this.options[this.at]);
    } else if (event.key === "Escape" && this.isOpen) {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    }
  }

  choose({ event }) {
    this.show(event.words);
    this.close();
    this.onPick(event.id);
  }
}
