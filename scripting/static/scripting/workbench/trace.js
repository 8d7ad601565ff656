// What a traced run did, by line: the last value of each, or those of a chosen turn of a loop or call of a function.

const BEGINS = new Set(["call", "turn", "true"]); // kinds of the step with which a turn begins

export class Trace {
  // `values` as the server gives them; `text` is the number of the text to look at, 0 the script itself.
  constructor(values, text = 0) {
    const { counts, idle, blocks } = values.texts[text];
    this.stopped = values.stopped;
    this.dropped = values.dropped;
    this.counts = new Map(counts);
    this.idle = new Set(idle);
    this.blocks = blocks;
    this.steps = [...values.first, ...values.latest].map(stepOf).map((step) => (step.text === text ? step : null));
    this.last = new Map(values.last.map(stepOf).filter((step) => step.text === text).map((step) => [step.line, step]));
    this.chosen = new Map(); // first line of a block -> turn of its first step
  }

  // The step to show beside a line; null where there is none.
  at(line) {
    const range = this.rangeOf(line);
    if (!range) return this.last.get(line) || null;
    for (let index = range[1] - 1; index >= range[0]; index -= 1) {
      if (this.steps[index] && this.steps[index].line === line) return this.steps[index];
    }
    return null;
  }

  // Lines of the chosen turns that had nothing to do in them.
  outside() {
    return [...this.last.keys()].filter((line) => this.rangeOf(line) && !this.at(line));
  }

  // Loops and functions around a line, the outermost first.
  around(line) {
    return this.blocks.filter(([first, last]) => first <= line && line <= last).sort((one, two) => one[0] - two[0]);
  }

  // The steps of the chosen turns around a line; null where none is chosen.
  rangeOf(line, until = null) {
    let range = null;
    for (const [first] of this.around(line)) {
      if (first === until) break;
      if (!this.chosen.has(first)) continue;
      const starts = this.starts(first, range);
      const at = starts.findIndex((index) => this.steps[index].turn === this.chosen.get(first));
      range = at < 0 ? [0, 0] : [starts[at], starts[at + 1] ?? (range ? range[1] : this.steps.length)];
    }
    return range;
  }

  // Where the turns of the block that begins on this line begin among the steps.
  starts(first, range = null) {
    const [from, to] = range || [0, this.steps.length];
    const found = [];
    for (let index = from; index < to; index += 1) {
      const step = this.steps[index];
      if (step && step.line === first && BEGINS.has(step.kind)) found.push(index);
    }
    return found;
  }

  // The innermost block around a line that has several turns: {first, turn, at, of, total}; null where none has.
  pager(line) {
    for (const [first] of this.around(line).reverse()) {
      const turns = this.starts(first, this.rangeOf(first, first)).map((index) => this.steps[index].turn);
      if (turns.length < 2) continue;
      const found = turns.indexOf(this.chosen.get(first));
      const at = found < 0 ? turns.length - 1 : found;
      return { first, turns, at, isChosen: found >= 0 };
    }
    return null;
  }

  // Choose the turn `by` further than the one that is shown.
  turn(line, by) {
    const pager = this.pager(line);
    if (!pager) return;
    const at = Math.max(0, Math.min(pager.turns.length - 1, pager.at + by));
    this.chosen.set(pager.first, pager.turns[at]);
  }
}

// A step in words.
export function words(step) {
  if (!step) return "";
  const values = step.values.map(([name, value]) => (name ? `${name} = ${value}` : value)).join(", ");
  switch (step.kind) {
    case "true": return values ? `true, ${values}` : "true";
    case "false": return values ? `false, ${values}` : "false";
    case "return": return `returns ${values || "…"}`;
    case "caught": return `caught ${values}`;
    case "call": return values ? `called: ${values}` : "called";
    default: return values;
  }
}

// The same beside its code: a name that the line begins with is not said again, nor a value that is written there.
export function note(step, line) {
  if (!step) return "";
  const code = line.trim();
  const [name, value] = !step.kind && step.values.length === 1 ? step.values[0] : ["", ""];
  if (name && isWritten(code, name, value)) return "";
  return name && code.startsWith(`${name} `) ? value : words(step);
}

// Whether the line gives the name just this value, as far as the value is shown.
function isWritten(code, name, value) {
  const given = code.match(/^[^=]*?:?=\s*(.*?)\s*(?:#.*|\/\/.*)?$/)?.[1];
  if (!given || !code.startsWith(name)) return false;
  if (Number(given) === Number(value) && value !== "''") return true;
  const plain = given.replaceAll('"', "'");
  return value.endsWith("…") ? plain.startsWith(value.slice(0, -1)) : plain === value;
}

function stepOf([text, line, turn, kind, values]) { return { text, line, turn, kind, values }; }
