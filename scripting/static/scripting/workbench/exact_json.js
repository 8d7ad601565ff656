// JSON whose numbers keep their digits: a browser's own are doubles, and game ids are often longer than those hold.

// A number as it was written.
export class Numeral {
  constructor(text) { this.text = text; }
  toString() { return this.text; }
  toJSON() { throw new TypeError("an exact number is written by write()"); }
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const TOKEN = /\s*(?:([[\]{},:])|("(?:[^"\\\u0000-\u001f]|\\.)*")|(-?\d[\d.eE+-]*)|(true|false|null))/y;
const WORDS = { true: true, false: false, null: null };

// The number that a text writes; undefined where it writes none.
export function numeral(text) {
  return NUMBER.test(text.trim()) ? new Numeral(text.trim()) : undefined;
}

// Throws a SyntaxError for what is no JSON.
export function parse(text) {
  let at = 0;
  let token = null;

  function next() {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (!found && text.slice(at).trim()) throw new SyntaxError(`this is no JSON at character ${at + 1}`);
    at = found ? TOKEN.lastIndex : text.length;
    token = found;
  }

  function mark(wanted) {
    if (!token || token[1] !== wanted) throw new SyntaxError(`${wanted} is missing before character ${at}`);
    next();
  }

  function value() {
    if (!token) throw new SyntaxError("the text ends too early");
    const [, sign, string, number, word] = token;
    if (sign === "{") return object();
    if (sign === "[") return list();
    if (sign) throw new SyntaxError(`${sign} is out of place before character ${at}`);
    next();
    if (string) return JSON.parse(string);
    if (word) return WORDS[word];
    const exact = numeral(number);
    if (!exact) throw new SyntaxError(`${number} is no number in JSON`);
    return exact;
  }

  function list() {
    const items = [];
    next();
    while (!token || token[1] !== "]") {
      if (items.length) mark(",");
      items.push(value());
    }
    next();
    return items;
  }

  function object() {
    const entries = [];
    next();
    while (!token || token[1] !== "}") {
      if (entries.length) mark(",");
      if (!token || !token[2]) throw new SyntaxError(`a key in quotes is missing before character ${at}`);
      const key = JSON.parse(token[2]);
      next();
      mark(":");
      entries.push([key, value()]);
    }
    next();
    return Object.fromEntries(entries); // defines "__proto__" as a key like any other
  }

  next();
  const whole = value();
  if (token) throw new SyntaxError(`the text goes on after its end, at character ${at}`);
  return whole;
}

// JSON text: of plain data as JSON.stringify writes it, of a Numeral its own digits.
export function write(value, indent = 0, depth = 0) {
  if (value instanceof Numeral) return value.text;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const isList = Array.isArray(value);
  const inner = isList
    ? value.map((item) => write(item, indent, depth + 1))
    : Object.entries(value).filter(([, item]) => item !== undefined)
      .map(([key, item]) => `${JSON.stringify(key)}:${indent ? " " : ""}${write(item, indent, depth + 1)}`);
  const [open, close] = isList ? "[]" : "{}";
  if (!inner.length || !indent) return open + inner.join(",") + close;
  const pad = `\n${" ".repeat(indent * (depth + 1))}`;
  return `${open}${pad}${inner.join(`,${pad}`)}\n${" ".repeat(indent * depth)}${close}`;
}

export function copy(value) { return parse(write(value)); }
