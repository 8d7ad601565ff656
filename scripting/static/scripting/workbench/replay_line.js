// What the draft would have decided on the last recorded events: one sentence in the head and in the publish dialog, which
// leads to the report.

import { $, h } from "./dom.js";

const REST = 1000; // ms that a text that passed its check must rest

export class ReplayLine {
  // `isPointless(text)` tells whether there is nothing to replay: the text is what is live, or nothing was ever recorded.
  constructor(server, editor, language, isPointless) {
    Object.assign(this, { server, editor, language, isPointless, said: "" });
  }

  // Called after each check with the text and its result.
  checked(text, { ok }) {
    this.last = [text, { ok }];
    clearTimeout(this.timer);
    if (this.running) this.running.abort();
    if (!ok || this.isPointless(text)) return this.say();
    if (text === this.said) return undefined;
    this.say();
    this.timer = setTimeout(() => this.replay(text), REST);
    return undefined;
  }

  // Another version is live: what was said compares with the one before.
  renew() {
    this.said = "";
    if (this.last) this.checked(...this.last);
  }

  async replay(text) {
    if (this.editor.text !== text) return; // it was taken for another meanwhile, whose check is still made
    const running = new AbortController();
    this.running = running;
    try {
      const found = await this.server.postStoppable("api/replay", { source: text, language: this.language() }, running.signal);
      if (this.editor.text !== text) return;
      this.said = text;
      if (!found.sentence) return;
      const sentence = found.sentence[0].toUpperCase() + found.sentence.slice(1);
      this.say(h("a", { href: found.address, "data-kind": found.kind }, `${sentence}.`));
    } catch (error) {
      if (error.name !== "AbortError") this.say(h("span", {}, `Not replayed: ${error.message}`));
    } finally {
      if (this.running === running) this.running = null;
    }
  }

  say(...parts) {
    if (!parts.length) this.said = "";
    $("replay-line").replaceChildren(...parts);
    $("publish-replay")?.replaceChildren(...parts.map((part) => part.cloneNode(true)));
  }
}
