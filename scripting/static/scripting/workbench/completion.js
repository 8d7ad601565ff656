// Completion and hover help out of the names that the server says the sandbox gives.

import { h } from "./dom.js";
import { Shapes } from "./shapes.js";

const KEYWORDS = "and as assert break class continue def del elif else except finally for from if import in is lambda not or pass raise return try while".split(" ");

export class Names {
  constructor(names, language) {
    this.names = names;
    this.language = language;
    this.shapes = new Shapes(names, language);
    this.fields = byName(names.fields.map((field) => ({ ...field, kind: field.type })));
    this.known = new Map();
    for (const one of names.builtins) this.known.set(one.name, helpOf(one, one.kind));
    for (const one of names.functions) this.known.set(one.name, helpOf(one, kindOf(one)));
    for (const one of names.context) this.known.set(one.name, contextHelp(one));
    for (const [name, members] of Object.entries(names.packages)) {
      this.known.set(name, { signature: `import ${name}`, doc: "", more: members.map((member) => member.name).join(", ") });
    }
  }

  attach(editor) {
    const completer = {
      id: "goby",
      triggerCharacters: this.language === "zygomys" ? [".", '"', ":", "%"] : [".", '"', "'"],
      identifierRegexps: [/[a-zA-Z_0-9]/],
      getCompletions: (_editor, session, position, _prefix, answer) => answer(null, this.at(session, position)),
      getDocTooltip: (item) => { if (item.help && !item.docText) item.docText = plain(item.help); },
    };
    editor.completers = [completer];
    if (editor.gobyHelp) editor.gobyHelp.removeFromEditor(editor);
    const { HoverTooltip } = window.ace.require("ace/tooltip");
    const tip = new HoverTooltip();
    tip.setDataProvider((event, of) => {
      const position = event.getDocumentPosition();
      const range = of.session.getWordRange(position.row, position.column);
      const help = this.helpAt(of.session, position, range);
      if (help) tip.showForRange(of, range, drawn(help), event);
    });
    tip.addToEditor(editor);
    editor.gobyHelp = tip;
  }

  // What may stand at a position.
  at(session, { row, column }) {
    const before = session.getLine(row).slice(0, column);
    const own = /#|\/\//.test(before) ? null : this.shapes.at(session.getDocument().getAllLines(), row, column);
    if (own) return own.map((field) => item(field.name, field.type, fieldHelp(field), 10));
    let found = /(?:\[|\.get\(|\bin\s)\s*f?["'](\w*)$/.exec(before);
    if (found) return [...this.fields.values()].map((field) => item(field.name, field.type, fieldHelp(field), 10));
    found = /\b(\w+)\.\w*$/.exec(before) || /^\s*from\s+(\w+)\s+import\b.*$/.exec(before);
    if (found) return this.members(found[1]);
    if (/^\s*(import|from)\s+\w*$/.test(before)) return Object.keys(this.names.packages).map((name) => item(name, "package", this.known.get(name), 10));
    if (/(^|[^\\])["'][^"']*$/.test(before) && (before.match(/["']/g) || []).length % 2) return [];
    if (/#/.test(before)) return [];
    return [
      ...this.names.functions.map((one) => item(one.name, kindOf(one), helpOf(one, kindOf(one)), 8)),
      ...this.names.context.map((one) => item(one.name, one.type, contextHelp(one), 7)),
      ...this.ownNames(session, row).map((name) => item(name, "here", null, 6)),
      ...this.names.builtins.map((one) => item(one.name, one.kind, helpOf(one, one.kind), one.kind === "exception" ? 1 : 3)),
      ...KEYWORDS.map((word) => item(word, "keyword", null, 2)),
    ];
  }

  members(name) {
    const members = this.names.packages[name];
    return members ? members.map((one) => item(one.name, one.kind, helpOf(one, one.kind), 10)) : [];
  }

  // Names that the text itself defines.
  ownNames(session, row) {
    const found = new Set();
    session.getDocument().getAllLines().forEach((line, index) => {
      if (index === row) return;
      for (const match of line.matchAll(/(?:^|\bdef |\bfor |\bas )\s*([A-Za-z_]\w*)\s*(?=[=(,]|\bin\b|$)/g)) found.add(match[1]);
    });
    for (const word of [...KEYWORDS, ...this.known.keys()]) found.delete(word);
    return [...found];
  }

  helpAt(session, position, range) {
    const line = session.getLine(position.row);
    const word = line.slice(range.start.column, range.end.column);
    if (!/^[A-Za-z_]\w*$/.test(word)) return null;
    const before = line.slice(0, range.start.column);
    const dotted = /\b(\w+)\.$/.exec(before);
    if (dotted) {
      const member = (this.names.packages[dotted[1]] || []).find((one) => one.name === word);
      return member ? helpOf(member, member.kind) : null;
    }
    const token = session.getTokenAt(position.row, range.start.column + 1);
    if (token && /comment/.test(token.type)) return null;
    if (token && /string/.test(token.type)) return this.fields.has(word) ? fieldHelp(this.fields.get(word)) : null;
    return this.known.get(word) || null;
  }
}

function item(name, meta, help, score) {
  return { caption: name, value: name, meta, score, help };
}

function kindOf(one) {
  return one.kind === "function" ? "always" : one.kind;
}

const MEANING = {
  pure: "depends on its arguments alone",
  read: "looks at the game, changes nothing",
  effect: "carried out only when the run has succeeded; a trial only lists it",
};

function helpOf(one, kind) {
  return { signature: one.signature, doc: one.doc, more: MEANING[kind] ? `${kind}: ${MEANING[kind]}` : kind === "always" ? "every script has it" : kind };
}

function contextHelp(one) {
  return { signature: `${one.name}: ${one.type}`, doc: `In a run on ${one.when.join(", ")}.`, more: `for example ${one.example}` };
}

function fieldHelp(field) {
  const places = field.places.map((place) => `${place.topic}: payload.${place.path}`);
  return { signature: `${field.name}: ${field.type}`, doc: field.doc, more: [...places.slice(0, 4), `for example ${field.example}`].join("\n") };
}

function byName(fields) {
  const found = new Map();
  for (const field of fields) {
    if (!found.has(field.name)) found.set(field.name, { ...field, places: [] });
    found.get(field.name).places.push({ topic: field.topic, path: field.path });
  }
  return found;
}

function plain({ signature, doc, more }) {
  return [signature, doc, more].filter(Boolean).join("\n");
}

function drawn({ signature, doc, more }) {
  const box = h("div", {}, h("div", { class: "help-signature" }, signature));
  if (doc) box.append(h("div", { class: "help-doc" }, doc));
  for (const line of (more || "").split("\n").filter(Boolean)) box.append(h("div", { class: "help-more" }, line));
  return box;
}
