// Keeps what is written: in this browser at once, on the server a moment later, and never over somebody's other text.

import { $, toast } from "./dom.js";
import { isOpen, sayOpen } from "./open_tabs.js";

const TO_SERVER = 1200; // ms after the last key
const TO_BROWSER = 250;
const RETRY = 4000;
const UNANSWERED = 20;
const FORGOTTEN = 30_000; // a copy of another tab that was not touched for so long: that tab is closed

export class Keeping {
  // `settle(conflict)` asks whose text it shall be. `onState` hears whether there is anything of one's own.
  constructor(server, editor, page, { settle, onState, language, speakAs }) {
    Object.assign(this, { server, editor, page, settle, onState, language, speakAs });
    this.base = page.base;
    this.revision = page.draft ? page.draft.revision : null;
    this.saved = page.draft ? page.draft.source : this.base ? this.base.source : "";
    this.savedLanguage = page.language;
    this.tab = tabName();
    this.prefix = `goby:text:${page.user}:${page.module}/${page.name}:`;
    this.saving = null;
    this.unanswered = []; // the latest texts that were sent, of which no answer came: the server may have them
    sayOpen(this.tab);
    window.addEventListener("pagehide", () => {
      if (this.discarding) { this.dropCopy(); return; }
      this.keepHere();
      this.keepHistory();
    });
    window.addEventListener("focus", () => { if (this.owed) this.save(); });
    window.addEventListener("online", () => { if (this.owed) this.save(); });
  }

  get changed() { return this.editor.text !== (this.base ? this.base.source : ""); }
  get unsaved() { return this.editor.text !== this.saved || this.language() !== this.savedLanguage; }
  get hasDraft() { return this.revision !== null; }

  // What was written before a reload, a crash or a login comes back.
  async bringBack() {
    const copy = await this.copyOf();
    const history = sessionItem(`goby:undo:${this.prefix}`);
    if (copy && copy.text !== this.editor.text) {
      if (copy.revision === this.revision && sameBase(copy.base, this.base)) {
        this.speakAs(copy.language);
        this.editor.replace(copy.text);
        toast("What you wrote and could not save is back.");
        this.save(); // at once: a save that the reload cut off may have come to the server after this page
      } else {
        const theirs = { source: this.editor.text };
        const base_source = copy.base ? copy.base.source : this.base ? this.base.source : "";
        await this.settle({ kind: "copy", mine: copy.text, language: copy.language, theirs, base_source, at: copy.at });
      }
    }
    if (history && history.text === this.editor.text) this.editor.history = history.undo;
    this.tell();
  }

  touched() {
    clearTimeout(this.browserTimer);
    this.browserTimer = setTimeout(() => this.keepHere(), TO_BROWSER);
    clearTimeout(this.serverTimer);
    if (!this.postponed) this.serverTimer = setTimeout(() => this.save(), TO_SERVER);
    this.tell();
  }

  // A conflict is left for later: the text is kept in this browser until somebody saves it by hand.
  postpone() {
    this.postponed = true;
    this.keepHere();
    this.say("Not saved, in conflict with another tab: Ctrl-S settles it");
  }

  async save() {
    clearTimeout(this.serverTimer);
    this.postponed = false;
    if (!this.page.may.edit) return;
    if (this.saving) { this.again = true; return; }
    const text = this.editor.text;
    if (!this.unsaved || (!this.hasDraft && !this.changed && this.language() === this.savedLanguage)) { this.settled(); return; }
    this.say("Saving…");
    this.unanswered = [...this.unanswered, text].slice(-UNANSWERED);
    this.saving = this.server.ask("PUT", "api/draft", {
      source: text, language: this.language(), base: this.base ? this.base.number : null, revision: this.revision,
    });
    try {
      const draft = await this.saving;
      this.unanswered = [];
      this.revision = draft.revision;
      this.saved = text;
      this.savedLanguage = draft.language;
      this.owed = false;
      this.settled();
    } catch (error) {
      this.owed = true;
      this.keepHere();
      if (error.type === "draft_conflict" && this.isOwn(error.document.theirs)) { this.again = true; return; }
      if (error.type === "draft_conflict") {
        this.say("In conflict with another tab");
        const { theirs, base_source } = error.document;
        this.saving = null;
        await this.settle({ kind: "draft", mine: text, theirs, base_source });
        return;
      }
      this.say(error.type === "unreachable" || error.type === "login_required"
        ? "Not saved: kept in this browser" : `Not saved: ${error.message}`);
      if (error.type === "unreachable") this.serverTimer = setTimeout(() => this.save(), RETRY);
    } finally {
      this.saving = null;
      if (this.again) { this.again = false; this.save(); }
    }
  }

  // Whether the draft that stands against this page's is one of its own, whose answer was lost; it then goes on from that.
  isOwn(theirs) {
    if (!this.unanswered.includes(theirs.source)) return false;
    this.unanswered = [];
    this.revision = theirs.revision;
    this.saved = theirs.source;
    this.savedLanguage = theirs.language;
    return true;
  }

  settled() {
    if (!this.unsaved) this.dropCopy();
    this.say(this.hasDraft ? "Draft saved" : "");
    this.tell();
  }

  async discard() {
    this.discarding = true;
    try {
      return await this.discardAll();
    } finally {
      this.discarding = false;
    }
  }

  async discardAll() {
    clearTimeout(this.serverTimer);
    while (this.saving) await this.saving.catch(() => {}); // else it would make the draft anew
    // It goes on where the page is left meanwhile.
    const ask = () => this.server.ask("POST", "api/discard", { revision: this.revision }, { keepalive: true });
    const answer = await ask().catch((error) => {
      if (error.type === "draft_conflict" && this.isOwn(error.document.theirs)) return ask();
      throw error;
    });
    this.unanswered = [];
    this.revision = null;
    this.become(answer.active, { replace: true });
    this.settled();
    return answer;
  }

  // The text now stands on `version`; with `replace` it becomes its text.
  become(version, { replace = false } = {}) {
    this.base = version ? { number: version.number, source: version.source } : null;
    if (replace) {
      if (version) this.savedLanguage = version.language;
      this.saved = version ? version.source : "";
      this.editor.replace(this.saved);
      this.dropCopy();
    }
    this.tell();
  }

  published(version) {
    this.revision = null;
    this.saved = version.source;
    this.savedLanguage = version.language;
    this.base = { number: version.number, source: version.source };
    this.dropCopy();
    this.say("");
    this.tell();
  }

  tell() { this.onState({ changed: this.changed, hasDraft: this.hasDraft }); }
  say(text) { $("draft-state").textContent = text; }

  // -- this browser's copies

  keepHere() {
    if (!this.page.may.edit || !this.unsaved) return;
    const copy = { text: this.editor.text, language: this.language(), base: this.base, revision: this.revision, at: Date.now() };
    try { localStorage.setItem(this.prefix + this.tab, JSON.stringify(copy)); } catch { /* full: the server has it */ }
  }

  keepHistory() {
    const undo = this.editor.history;
    if (!undo) return;
    const item = JSON.stringify({ text: this.editor.text, undo });
    try { if (item.length < 2_000_000) sessionStorage.setItem(`goby:undo:${this.prefix}`, item); } catch { /* full */ }
  }

  // That of this tab, else the latest of the tabs that are closed.
  async copyOf() {
    const own = read(localStorage, this.prefix + this.tab);
    if (own) return own;
    let latest = null;
    for (const key of Object.keys(localStorage).filter((name) => name.startsWith(this.prefix))) {
      const copy = read(localStorage, key);
      if (!copy || (latest && copy.at <= latest.at)) continue;
      if (Date.now() - copy.at <= FORGOTTEN && await isOpen(key.slice(this.prefix.length))) continue;
      latest = copy;
      localStorage.removeItem(key);
    }
    return latest;
  }

  dropCopy() { localStorage.removeItem(this.prefix + this.tab); }
}

function sameBase(one, other) {
  return (one ? one.number : null) === (other ? other.number : null);
}

function read(storage, key) {
  try { return JSON.parse(storage.getItem(key)); } catch { return null; }
}

function sessionItem(key) { return read(sessionStorage, key); }

function tabName() {
  let name = sessionStorage.getItem("goby:tab");
  if (!name) {
    name = Math.random().toString(36).slice(2);
    sessionStorage.setItem("goby:tab", name);
  }
  return name;
}
