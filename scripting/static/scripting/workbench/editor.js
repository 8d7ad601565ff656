// The editor: Ace under a strict policy, or the plain textarea where Ace is missing. Both have the same verbs.

const THEME = "ace/theme/goby"; // its colours are in editor.css

export function makeEditor(textarea, mount, { mode, readonly }) {
  return window.ace ? new AceEditor(textarea, mount, { mode, readonly }) : new PlainEditor(textarea);
}

class AceEditor {
  constructor(textarea, mount, { mode, readonly }) {
    const { ace } = window;
    ace.config.set("useStrictCSP", true);
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
      newLineMode: "unix",
    });
    this.ace.setTheme(THEME);
    this.ace.session.setMode(`ace/mode/${mode}`);
    this.ace.textInput.getElement().setAttribute("aria-label", textarea.labels[0].textContent);
    this.ace.renderer.setScrollMargin(6, 6);
    this.markers = [];
    this.found = null;
    this.ace.clearSelection();
    this.ace.moveCursorTo(0, 0);
  }

  get text() { return this.ace.getValue(); }

  // One undoable step, whatever the size.
  replace(text) {
    if (text === this.text) return;
    const { session } = this.ace;
    const position = this.ace.getCursorPosition();
    const end = session.getLength() - 1;
    session.doc.replace(new this.Range(0, 0, end, session.getLine(end).length), text);
    this.ace.moveCursorToPosition(position);
    this.ace.clearSelection();
  }

  onChange(listener) { this.ace.session.on("change", listener); }

  onCursor(listener) {
    this.ace.selection.on("changeCursor", () => {
      const { row, column } = this.ace.getCursorPosition();
      listener(row + 1, characters(this.ace.session.getLine(row), column) + 1);
    });
  }

  setMode(mode) { this.ace.session.setMode(`ace/mode/${mode}`); }

  // Diagnostics with line, column (1-based, in characters), severity, message.
  show(problems) {
    const { session } = this.ace;
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
    const { session } = this.ace;
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

  get history() { return this.ace.session.getUndoManager().toJSON(); }

  set history(saved) { this.ace.session.getUndoManager().fromJSON(saved); }

  focus() { this.ace.focus(); }

  command(name, key, run) {
    this.ace.commands.addCommand({ name, bindKey: { win: key, mac: key.replace("Ctrl", "Command") }, exec: run, readOnly: true });
  }
}

class PlainEditor {
  constructor(textarea) { this.area = textarea; }
  get text() { return this.area.value; }
  replace(text) { this.area.value = text; this.area.dispatchEvent(new Event("input")); }
  onChange(listener) { this.area.addEventListener("input", listener); }
  onCursor() {}
  setMode() {}
  show() {}
  mark() {}
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

// The server counts characters, the editor UTF-16 units.
function units(text, characters) {
  return [...text].slice(0, characters).join("").length;
}

function characters(text, units) {
  return [...text.slice(0, units)].length;
}
