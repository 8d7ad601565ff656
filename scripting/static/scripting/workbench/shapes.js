// Finds which value of the payload an expression stands for, out of the text as it is written: so that only its fields are offered.
// The text need not be complete: names are looked up by the lines that give them a value.

const DEEP = 8; // names that stand for names
const STEP = /^(?:\.get\(\s*["'](\w+)["'](?:[^()]|\([^()]*\))*\)|\[\s*["'](\w+)["']\s*\]|\[-?\d+\]|\.copy\(\)|\.(\w+)(?!\w*\())/;
const CHAIN = String.raw`[A-Za-z_]\w*(?:\(\))?(?:\.get\(\s*["']\w+["'](?:[^()]|\([^()]*\))*\)|\[\s*["']\w+["']\s*\]|\[-?\d+\]|\.copy\(\)|\.\w+(?!\w*\())*`;
const ENDS = { // what is asked for at the cursor, by language: the value, then what is typed of the name
  python: [new RegExp(String.raw`(${CHAIN}|\([^()]*(?:\([^()]*\)[^()]*)*\))(?:\.get\(|\[)\s*["'](\w*)$`)],
  tengo: [new RegExp(String.raw`(${CHAIN}|\([^()]*(?:\([^()]*\)[^()]*)*\))\[\s*["'](\w*)$`), new RegExp(String.raw`(${CHAIN})\.(\w*)$`)],
  zygomys: [/\(hget\s+([\w.]+)\s+["%:](\w*)$/, /([A-Za-z_][\w.]*)\.(\w*)$/],
};

export class Shapes {
  constructor(names, language) {
    this.language = language;
    this.root = node();
    for (const one of names.context) {
      this.root.fields.set(one.name, node({ name: one.name, type: one.type, doc: "", example: one.example, places: [] }));
      for (const [key, part] of Object.entries(one.parts)) this.add([one.name, key], part);
    }
    for (const field of names.fields) this.add([...field.root, ...field.path.split(".")], field);
  }

  add(path, field) {
    let at = this.root;
    for (const name of path) {
      if (!at.fields.has(name)) at.fields.set(name, node({ name, type: "dict", doc: "", example: null, places: [] }));
      at = at.fields.get(name);
    }
    at.help = { ...at.help, ...field, places: [...at.help.places, ...(field.topic ? [field] : [])] };
  }

  // The fields of the value before the cursor; null where nothing is known of it.
  at(lines, row, column) {
    const before = lines[row].slice(Math.max(0, column - 300), column);
    const found = (ENDS[this.language] || ENDS.python).map((end) => end.exec(before)).find(Boolean);
    let value = found && found[1];
    if (!value && this.language === "zygomys" && /\(:\w*$/.test(before)) value = /^\w*\s+([\w.]+)/.exec(lines[row].slice(column))?.[1];
    const at = value ? this.resolve(value, { lines, row, left: DEEP }) : null;
    return at && at.fields.size ? [...at.fields.values()].map((one) => one.help) : null;
  }

  // The value that an expression stands for: of `first or second` that of the first.
  resolve(text, place) {
    if (place.left < 0) return null;
    let expression = text.trim();
    for (let inner; (inner = /^\((.*)\)$/.exec(expression)) && this.language !== "zygomys" && balanced(inner[1]);) expression = inner[1].trim();
    if (this.language === "zygomys") {
      const asked = /^\(:(\w+)\s+([\w.]+)/.exec(expression);
      if (asked) return this.resolve(asked[2], place)?.fields.get(asked[1]) || null;
    }
    const inner = /^\(((?:[^()]|\([^()]*\))*)\)/.exec(expression);
    const head = inner ? null : /^[A-Za-z_]\w*/.exec(expression)?.[0];
    let at = null;
    let rest = "";
    if (inner && this.language !== "zygomys") [at, rest] = [this.resolve(inner[1], place), expression.slice(inner[0].length)];
    else if (head === "get_context") [at, rest] = [this.root, expression.slice(head.length).replace(/^\(\)/, "")];
    else if (head) [at, rest] = [this.name(head, place), expression.slice(head.length)];
    for (let step; at && (step = STEP.exec(rest)); rest = rest.slice(step[0].length)) {
      const name = step[1] || step[2] || step[3];
      if (name) at = at.fields.get(name) || null;
    }
    return /^\s*(\(|\.)/.test(rest) ? null : at; // the result of a call is unknown
  }

  // The value of a name: of the line that gives it one, nearest above, else what the calls of its function give, else by the name.
  name(name, { lines, row, left }) {
    const indent = (line) => /^\s*/.exec(line)[0].length;
    const above = Array.from({ length: row }, (_, index) => row - 1 - index);
    const below = Array.from({ length: lines.length - row - 1 }, (_, index) => row + 1 + index);
    const inner = above.findIndex((one) => this.function(lines[one])?.parameters.includes(name) && indent(lines[one]) < Math.max(1, indent(lines[row])));
    const own = inner < 0 ? above : above.slice(0, inner);
    for (const one of [...own.filter((each) => indent(lines[each]) <= indent(lines[row])), ...own]) {
      const at = this.givenIn(one, name, lines, left);
      if (at) return at;
    }
    if (inner >= 0) return this.parameter(name, this.function(lines[above[inner]]), { lines, row: above[inner], left }) || this.called(name);
    if (this.root.fields.has(name)) return this.root.fields.get(name);
    for (const one of below) {
      const at = this.givenIn(one, name, lines, left);
      if (at) return at;
    }
    return this.called(name);
  }

  givenIn(row, name, lines, left) {
    const value = this.given(name, lines[row]);
    return value && this.resolve(value, { lines, row, left: left - 1 });
  }

  // What a line gives to a name.
  given(name, line) {
    if (!line.includes(name)) return null;
    const of = {
      python: [String.raw`^\s*${name}\s*(?::[^=]+)?=(?!=)\s*(.+)$`, String.raw`\bfor\s+${name}\s+in\s+(.+)$`],
      tengo: [String.raw`\b${name}\s*:?=(?!=)\s*(.+)$`, String.raw`\bfor\s+(?:\w+\s*,\s*)?${name}\s+in\s+(.+?)\s*\{`],
      zygomys: [String.raw`\(def\s+${name}\s+(.+)$`, String.raw`(?:^|[\s\[])${name}\s+(\(:.*)$`, String.raw`\[${name}\s+([\w.]+)\s*$`],
    }[this.language] || [];
    return of.map((pattern) => new RegExp(pattern).exec(line)).find(Boolean)?.[1] || null;
  }

  function(line) {
    const found = { python: /\bdef\s+(\w+)\s*\(([^)]*)/, tengo: /(\w+)\s*:?=\s*func\s*\(([^)]*)/, zygomys: /\(defn\s+(\w+)\s+\[([^\]]*)/ }[this.language]?.exec(line);
    return found && { name: found[1], parameters: found[2].split(/[,\s]+/).map((one) => one.replace(/[:=].*/, "")).filter(Boolean) };
  }

  // What the first call of a function that can be followed gives to a parameter.
  parameter(name, { name: of, parameters }, { lines, left }) {
    const call = this.language === "zygomys" ? new RegExp(String.raw`\(${of}\s+(.*)$`) : new RegExp(String.raw`(?<!def\s+|\w|\.)${of}\((.*)$`);
    for (const [row, line] of lines.entries()) {
      const given = call.exec(line) && split(call.exec(line)[1], this.language === "zygomys" ? /\s/ : /,/)[parameters.indexOf(name)];
      const at = given && this.resolve(given, { lines, row, left: left - 1 });
      if (at && at.fields.size) return at;
    }
    return null;
  }

  // Every part of the payload that has this name and fields of its own, as one.
  called(name, at = this.root, made = node()) {
    for (const [key, one] of at.fields) {
      if (key === name) for (const [inner, field] of one.fields) made.fields.set(inner, field);
      this.called(name, one, made);
    }
    return made.fields.size ? made : null;
  }
}

function node(help = null) { return { fields: new Map(), help }; }

function balanced(text) {
  let depth = 0;
  for (const one of text) {
    depth += one === "(" ? 1 : one === ")" ? -1 : 0;
    if (depth < 0) return false;
  }
  return depth === 0;
}

// The arguments of a call, up to its closing bracket.
function split(text, mark) {
  const found = [""];
  let depth = 0;
  for (const one of text) {
    if ("([{".includes(one)) depth += 1;
    if (")]}".includes(one)) depth -= 1;
    if (depth < 0) break;
    if (!depth && mark.test(one)) found.push("");
    else found[found.length - 1] += one;
  }
  return found.map((one) => one.trim());
}
