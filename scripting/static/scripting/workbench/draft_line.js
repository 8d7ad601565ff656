// The line above the editor: whose text stands there, what it was started from, how it differs from what is live.
// Another version is read there too, and looking at one changes nothing.

import { $, h } from "./dom.js";
import { lineChanges } from "./line_changes.js";

export class DraftLine {
  // `start(version)` makes a version the text of the own draft; `compare(version)` shows it beside the own text.
  constructor(editor, page, keeping, { start, compare, merge, onShown }) {
    Object.assign(this, { editor, page, keeping, start, compare, merge, onShown });
    this.version = null; // the one that is read
  }

  read(version) {
    this.version = version;
    this.editor.read(version.source, this.page.languages[version.language]);
    this.tell();
  }

  back() {
    if (!this.version) return;
    this.version = null;
    this.editor.back();
    this.tell();
  }

  tell() {
    const { active, may } = this.page;
    const differs = active && (this.editor.text !== active.source || this.page.language !== active.language);
    const { rows, count } = differs ? lineChanges(active.source, this.editor.text) : { rows: [], count: 0 };
    this.editor.markChanged(rows);
    if (this.version) this.show("read", ...this.reading(this.version, active, may));
    else if (may.edit && (this.keeping.hasDraft || this.keeping.changed)) this.show("draft", ...this.draft(active, count, differs));
    else this.show("", [active ? `This is v${active.number}, which is live.${may.edit ? " Typing starts a draft of your own." : ""}` : "No version is live yet."]);
    this.onShown();
  }

  reading(version, active, may) {
    const isLive = active && active.number === version.number;
    const mine = this.keeping.hasDraft || this.keeping.changed;
    return [
      [h("b", { class: "chip" }, `reading v${version.number}`), isLive ? " which is live" : version.accepted === false ? " rejected by its check" : " an older or other version"],
      may.edit && button(`Start a draft from v${version.number}`, () => { this.back(); this.start(version); }, "start-draft"),
      button(mine ? "Compare with my draft" : "Compare with live", () => this.compare(version)),
      button(mine ? "Back to my draft" : "Back", () => this.back(), "read-back"),
    ];
  }

  draft(active, count, differs) {
    const { base } = this.keeping;
    const behind = active && base && base.number !== active.number;
    const language = differs && !count ? "the language differs" : "";
    return [
      [h("b", { class: "chip warn" }, "your draft"), base ? ` started from v${base.number}` : " started from nothing",
      active ? ` · ${differs ? `${language || `${count} ${count === 1 ? "line differs" : "lines differ"}`} from v${active.number}, which is live` : `same as v${active.number}, which is live`}` : ""],
      active && differs && button(`Show live v${active.number}`, () => this.read(active), "show-live"),
      active && differs && button("Compare", () => this.compare(active), "compare-live"),
      behind && button(`Merge v${active.number} in`, this.merge),
    ];
  }

  // Where the line has no room for all, the words are cut short, never the buttons.
  show(kind, words, ...buttons) {
    $("draft-line").dataset.kind = kind;
    $("draft-line").replaceChildren(h("span", { class: "draft-words" }, ...words), ...buttons.filter(Boolean));
  }
}

function button(label, onclick, id) { return h("button", { type: "button", class: "link", onclick, id }, label); }
