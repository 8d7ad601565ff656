// The editor: Ace under a strict policy, or the plain textarea where Ace is missing. Both have the same verbs.

import { MarginLayer } from "./margin_layer.js";
import { modeNamed } from "./zygomys_mode.js";

const THEME = "ace/theme/goby"; // its colours are in editor.css

export function makeEditor(textarea, mount, { mode, readonly }) {
  return window.ace ? new AceEditor(textarea, mount, { mode, readonly }) : new PlainEditor(textarea);
}

class AceEditor {
  constructor(textarea, mount, { mode, readonly }) {
    const { ace } = window;
    ace.config.set("useStrictCSP", true);
    ace.require("ace/lib/dom").HAS_CSS_ANIMATION = false; // the caret blinks by a timer: an animation draws sixty frames a second for it
    ace.define(THEME, ["require", "exports"], (_require, exports) => { Object.assign(exports, { cssClass: "ace-goby", cssText: "", isDark: false }); });
    this.Range = ace.require("ace/range").Range;
    const first = textarea.value;
    mount.hidden = false;
    textarea.hidden = true;
    this.ace = ace.edit(mount, {
      value: first,
      readOnly: readonly,
      useWorker: false,
      showPrintMargin: false,
      scrollPastEnd: 0.3,
      tabSize: 4,
      useSoftTabs: true,
      enableBasicAutocompletion: true,
      enableLiveAutocompletion: true,
      enableSnippets: false,
      fixedWidthGutter: true,
      enableKeyboardAccessibility: true,
      highlightSelectedWord: true,
      cursorStyle: window.matchMedia("(prefers-reduced-motion: reduce)").matches ? "wide" : "ace", // "wide" is the one that does not blink
      newLineMode: "unix",
    });
    this.ace.setTheme(THEME);
    this.own = this.ace.session; // what is written; while another version is read, the editor shows a session of that
    this.own.setMode(modeNamed(mode));
    selectNumbersWhole(this.own, this.Range);
    this.readonly = readonly;
    this.ace.textInput.getElement().setAttribute("aria-label", textarea.labels[0].textContent);
    this.ace.renderer.setScrollMargin(6, 6);
    this.markers = [];
    this.found = null;
    this.changedRows = [];
    this.ace.clearSelection();
    this.ace.moveCursorTo(0, 0);
  }

  get text() { return this.own.getValue(); }

  // What stands in the editor: the own text, or the version that is read.
  get shown() { return this.ace.getValue(); }
  get isReading() { return this.ace.session !== this.own; }

  // Show another text, read-only. The own one keeps its undo, its marks and its cursor.
  read(text, mode) {
    const session = window.ace.createEditSession(text, modeNamed(mode));
    session.setUseWorker(false);
    selectNumbersWhole(session, this.Range);
    this.ace.setSession(session);
    this.ace.setReadOnly(true);
  }

  back() {
    this.ace.setSession(this.own);
    this.ace.setReadOnly(this.readonly);
  }

  // Mark in the gutter the rows (from 0) that differ from what is live.
  markChanged(rows) {
    for (const row of this.changedRows) this.own.removeGutterDecoration(row, "changed-row");
    this.changedRows = rows.filter((row) => row < this.own.getLength());
    for (const row of this.changedRows) this.own.addGutterDecoration(row, "changed-row");
  }

  // One undoable step, whatever the size.
  replace(text) {
    if (text === this.text) return;
    const session = this.own;
    const { selection } = session;
    const position = selection.getCursor();
    const end = session.getLength() - 1;
    session.doc.replace(new this.Range(0, 0, end, session.getLine(end).length), text);
    selection.moveCursorToPosition(position);
    selection.clearSelection();
  }

  onChange(listener) { this.own.on("change", listener); }

  onCursor(listener) {
    this.own.selection.on("changeCursor", () => {
      const { row, column } = this.own.selection.getCursor();
      listener(row + 1, characters(this.own.getLine(row), column) + 1);
    });
  }

  setMode(mode) { this.own.setMode(modeNamed(mode)); }

  // Diagnostics with line, column (1-based, in characters), severity, message.
  show(problems) {
    const session = this.own;
    for (const marker of this.markers) session.removeMarker(marker);
    this.markers = problems.filter((problem) => problem.line).map((problem) => {
      const kind = problem.severity === "error" ? "error" : "warning";
      return session.addMarker(this.rangeOf(problem), `squiggle ${kind}`, "text", true);
    });
    session.setAnnotations(problems.filter((problem) => problem.line).map((problem) => ({
      row: problem.line - 1,
      column: units(session.getLine(problem.line - 1) || "", (problem.column || 1) - 1),
      text: problem.hint ? `${problem.message}\n${problem.hint}` : problem.message,
      type: problem.severity === "error" ? "error" : "warning",
    })));
  }

  rangeOf({ line, column, end_line: endLine, end_column: endColumn }) {
    const session = this.own;
    const row = Math.min(line, session.getLength()) - 1;
    const text = session.getLine(row);
    if (!column) return new this.Range(row, text.search(/\S|$/), row, text.length);
    const from = units(text, column - 1);
    if (endLine === line && endColumn > column) return new this.Range(row, from, row, units(text, endColumn - 1));
    const word = /^\w+/.exec(text.slice(from));
    return new this.Range(row, from, row, word ? from + word[0].length : Math.max(from + 1, text.length));
  }

  // Mark a whole line; the next change takes the mark away.
  mark(line, kind) {
    const { session } = this.ace;
    this.unmark();
    this.found = session.addMarker(new this.Range(line - 1, 0, line - 1, 1), `line-mark ${kind}`, "fullLine");
    session.once("change", () => this.unmark());
  }

  // Notes beside lines of the text that is shown, and lines to dim; they go with the next change or text.
  beside(notes, dimmed) {
    this.margin ??= new MarginLayer(this.ace, this.Range);
    this.margin.show(notes, dimmed);
  }

  unmark() {
    if (this.found !== null) this.ace.session.removeMarker(this.found);
    this.found = null;
  }

  goTo(line, column = 1) {
    const row = Math.max(0, Math.min(line, this.ace.session.getLength()) - 1);
    this.ace.gotoLine(line, units(this.ace.session.getLine(row), column - 1), false);
    this.ace.scrollToLine(line - 1, true, false);
    this.ace.focus();
  }

  // The first line that has `text`; marked, with the text selected. 0 when there is none.
  find(text) {
    const lines = this.ace.session.getDocument().getAllLines();
    const row = lines.findIndex((line) => line.includes(text));
    if (row < 0) return 0;
    this.goTo(row + 1);
    this.mark(row + 1, "found");
    return row + 1;
  }

  get history() { return this.own.getUndoManager().toJSON(); }

  set history(saved) { this.own.getUndoManager().fromJSON(saved); }

  focus() { this.ace.focus(); }

  command(name, key, run) {
    this.ace.commands.addCommand({ name, bindKey: { win: key, mac: key.replace("Ctrl", "Command") }, exec: run, readOnly: true });
  }
}

class PlainEditor {
  constructor(textarea) { this.area = textarea; this.own = null; this.readonly = textarea.readOnly; }
  get text() { return this.own ?? this.area.value; }
  get shown() { return this.area.value; }
  get isReading() { return this.own !== null; }
  read(text) { this.own ??= this.area.value; this.area.value = text; this.area.readOnly = true; }
  back() { this.area.value = this.own; this.own = null; this.area.readOnly = this.readonly; }
  markChanged() {}
  replace(text) {
    if (this.isReading) this.own = text;
    else { this.area.value = text; this.area.dispatchEvent(new Event("input")); }
  }
  onChange(listener) { this.area.addEventListener("input", listener); }
  onCursor() {}
  setMode() {}
  show() {}
  mark() {}
  beside() {}
  unmark() {}
  goTo(line) {
    const start = this.area.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1);
    this.area.focus();
    this.area.setSelectionRange(start, start);
  }
  find(text) {
    const at = this.area.value.indexOf(text);
    if (at < 0) return 0;
    this.area.focus();
    this.area.setSelectionRange(at, at + text.length);
    return this.area.value.slice(0, at).split("\n").length;
  }
  get history() { return null; }
  set history(_saved) {}
  focus() { this.area.focus(); }
  command() {}
}

const NUMBER = /0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?/g;
const SIGN = /(?:^|[=(,:[{<>+\-*/%&|!?]|\b(?:return|and|or|not|in|if|else))\s*([+-])$/; // one that belongs to the number after it

// A double click on a number takes all of it: sign, point and exponent too.
function selectNumbersWhole(session, Range) {
  const word = session.getWordRange.bind(session);
  session.getWordRange = (row, column) => {
    const line = session.getLine(row);
    for (const match of line.matchAll(NUMBER)) {
      const end = match.index + match[0].length;
      if (/[\w.]/.test(line[match.index - 1] || "") || column < match.index || column > end) continue;
      const sign = SIGN.exec(line.slice(0, match.index)) ? 1 : 0;
      return new Range(row, match.index - sign, row, end);
    }
    return word(row, column);
  };
}

// The server counts characters, the editor UTF-16 units.
function units(text, characters) {
  return [...text].slice(0, characters).join("").length;
}

function characters(text, units) {
  return [...text.slice(0, units)].length;
}
