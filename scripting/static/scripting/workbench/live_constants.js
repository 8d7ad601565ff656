// Constants of a script: where the text in the editor gives one another value than what is live, that is said beside its line.

const LITERAL = String.raw`[-+]?[\d.][\w.]*(?:[eE][-+]?\d+)?|True|False|None|true|false|nil|undefined|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`;
const ASSIGNED = new RegExp(String.raw`^([A-Za-z_]\w*)\s*(?::\s*\w+\s*)?:?=\s*(${LITERAL})\s*(?:#.*|//.*)?$`);
const DEFINED = new RegExp(String.raw`^\(def\s+([^\s()]+)\s+(${LITERAL})\s*\)\s*(?://.*|;.*)?$`);

// Notes for lines of `text`: {line, text}. `knobs` are values that are set over the text, each as JSON text.
export function besideLive(text, live, knobs) {
  const before = constantsOf(live);
  const notes = [];
  for (const [name, { line, value }] of constantsOf(text)) {
    const set = Object.hasOwn(knobs, name);
    const there = set ? knobs[name] : before.get(name)?.value;
    if (there === undefined || same(there, value)) continue;
    notes.push({ line, text: `live: ${there}${set ? ", set as a knob" : ""}` });
  }
  return notes;
}

// Names that stand at the beginning of a line and get one literal, once: name -> {line, value}.
function constantsOf(text) {
  const found = new Map();
  const again = new Set();
  text.split("\n").forEach((code, index) => {
    if (!code || code[0] === " " || code[0] === "\t" || code.length > 400) return;
    const match = ASSIGNED.exec(code) || DEFINED.exec(code);
    if (!match) return;
    const [, name, value] = match;
    if (found.has(name)) again.add(name);
    else found.set(name, { line: index + 1, value });
  });
  for (const name of again) found.delete(name);
  return found;
}

function same(one, other) {
  if (one === other || one.toLowerCase() === other.toLowerCase() && /^(true|false)$/i.test(one)) return true;
  if (/^["']/.test(one) && /^["']/.test(other)) return one.slice(1, -1) === other.slice(1, -1);
  const [a, b] = [one, other].map((text) => Number(text.replaceAll("_", "")));
  return a === b && Math.abs(a) < Number.MAX_SAFE_INTEGER;
}
