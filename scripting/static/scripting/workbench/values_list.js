// A text with its values beside it, read-only: a helper's, or those of an execution of the past.

import { h } from "./dom.js";
import { note } from "./trace.js";

export function listed(mount, trace, source) {
  const draw = (focus) => {
    mount.replaceChildren(h("ol", { class: "values-list" }, ...source.split("\n").map((code, index) => row(trace, index + 1, code, draw))));
    if (focus) (mount.querySelector(`[data-turn="${focus}"]:not(:disabled)`) || mount.querySelector(`[data-turn^="${focus.split(" ")[0]} "]:not(:disabled)`))?.focus();
  };
  draw();
}

function row(trace, line, code, draw) {
  const step = trace.at(line);
  const said = note(step, code);
  const count = trace.chosen.size ? 0 : trace.counts.get(line) || 0;
  const pager = trace.pager(line);
  const own = pager && pager.first === line ? pager : null;
  const button = (by, sign, label) => h("button", {
    type: "button", class: "turn-step", "data-turn": `${line} ${by}`, "aria-label": `${label} of line ${line}`,
    disabled: own.turns[own.at + by] === undefined, onclick: () => { trace.turn(line, by); draw(`${line} ${by}`); },
  }, sign);
  return h("li", { class: trace.idle.has(line) ? "idle" : null }, h("div", { class: "values-row" },
    h("code", {}, code || " "),
    said && h("span", { class: `value-note ${step.kind && `is-${step.kind}`}` }, said, count > 1 && h("span", { class: "times" }, ` ×${count}`)),
    own && h("span", { class: "turns" }, button(-1, "‹", "Turn before"), ` turn ${own.turns[own.at]} of ${Math.max(...own.turns)} `, button(1, "›", "Next turn")),
    trace.idle.has(line) && h("span", { class: "unseen" }, "did not run")));
}
