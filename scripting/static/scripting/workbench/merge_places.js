// The places that both texts changed, one at a time: mine, theirs or both, by pointer or by the keys 1, 2, 3 and Enter.

import { $ } from "./dom.js";

const KEYS = { 1: "mine", 2: "theirs", 3: "both" };

export class Places {
  // `onDecided` is called after each choice, `onDone` when Enter finds nothing more to decide.
  constructor({ onDecided, onDone }) {
    Object.assign(this, { onDecided, onDone, parts: [], at: 0 });
    this.box = $("merge-places");
    this.box.addEventListener("change", () => this.onDecided());
    $("merge-previous").addEventListener("click", () => this.go(this.at - 1));
    $("merge-next").addEventListener("click", () => this.go(this.at + 1));
    $("merge-dialog").addEventListener("keydown", (event) => this.key(event));
  }

  // `html` is the server's form of all places, every text in it escaped; `parts` are texts, and the three texts of each place.
  show({ html, parts }) {
    this.parts = parts;
    this.box.innerHTML = html;
    this.go(0, { focus: false });
  }

  get all() { return [...this.box.querySelectorAll("[data-place]")]; }
  get count() { return this.all.length; }
  get choices() { return this.all.map((place) => place.querySelector("input:checked")?.value ?? ""); }
  get left() { return this.choices.filter((choice) => !choice).length; }

  // The merged text; what is not decided yet stands in it as mine.
  get text() {
    const left = this.choices;
    return this.parts.map((part) => (typeof part === "string" ? part : part[left.shift() || "mine"])).join("");
  }

  go(at, { focus = true } = {}) {
    this.at = Math.max(0, Math.min(at, this.count - 1));
    this.all.forEach((place, number) => { place.hidden = number !== this.at; });
    $("merge-previous").disabled = this.at === 0;
    $("merge-next").disabled = this.at >= this.count - 1;
    if (focus) this.focus();
  }

  focus() {
    const place = this.all[this.at];
    if (place) (place.querySelector("input:checked") || place.querySelector("input")).focus();
  }

  toUndecided() { this.go(this.choices.indexOf("")); }

  // On to the place that is to be decided next, from here; past the last one there is nothing more.
  next() {
    const { choices } = this;
    const order = [...choices.keys()].map((step) => (this.at + 1 + step) % choices.length);
    const undecided = order.find((place) => !choices[place]);
    if (undecided === undefined) this.onDone();
    else this.go(undecided);
  }

  key(event) {
    const choice = KEYS[event.key];
    const place = this.all[this.at];
    if (this.box.hidden || !place || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && this.box.contains(event.target)) {
      event.preventDefault();
      this.next();
    }
    if (!choice) return;
    event.preventDefault();
    const radio = place.querySelector(`input[value="${choice}"]`);
    radio.checked = true;
    radio.focus();
    this.onDecided();
  }
}
