// Plays a simulated battle back: the board after any of its steps, by keys, buttons and slider. Only what the page was given is shown.

import { Board } from "./board.js";

const PLAY_MS = 700;

const playback = document.getElementById("playback");
const data = JSON.parse(document.getElementById("playback-data").textContent);
const slider = document.getElementById("playback-slider");
const place = document.getElementById("playback-place");
const turn = document.getElementById("playback-turn");
const now = document.getElementById("playback-now");
const run = document.getElementById("playback-run");
const lines = [...document.getElementById("playback-lines").children];
const board = new Board(playback.querySelector(".map"));
const last = data.steps.length;
let at = 0;
let timer = null;

// The board after so many steps.
function boardAfter(count) {
  const units = new Map(Object.entries(data.start.units));
  const scores = { ...data.start.scores };
  for (const step of data.steps.slice(0, count)) {
    for (const [code, state] of Object.entries(step.units)) units.set(code, state);
    Object.assign(scores, step.scores);
  }
  return { scores, units: data.units.map((unit) => ({ ...unit, health: units.get(unit.id)[0], x: units.get(unit.id)[1], y: units.get(unit.id)[2] })) };
}

function show(wanted, { gently = false } = {}) {
  const before = at;
  at = Math.min(last, Math.max(0, wanted));
  const step = at ? data.steps[at - 1] : null;
  const { units, scores } = boardAfter(at);
  playback.classList.toggle("at-once", !gently);
  board.show(units);
  board.mark("acting", null);
  board.mark("struck", null);
  if (gently && at === before + 1) for (const outcome of step.outcomes) board.outcome(outcome);
  for (const side of playback.querySelectorAll("[data-side]")) {
    const living = units.filter((unit) => unit.side === side.dataset.side && unit.health > 0);
    side.querySelector("[data-part=living]").textContent = living.length;
    side.querySelector("[data-part=score]").textContent = scores[side.dataset.side];
  }
  turn.textContent = step ? `Turn ${step.turn}` : "Before the first step";
  place.textContent = `${at} of ${last}`;
  slider.value = at;
  slider.setAttribute("aria-valuetext", `${at} of ${last}, ${turn.textContent}`);
  tell(step);
  for (const button of playback.querySelectorAll("[data-go]")) {
    button.disabled = ["first", "back"].includes(button.dataset.go) ? at === 0 : at === last;
  }
  if (at === last) pause();
}

// The lines of this step, and their places in the log.
function tell(step) {
  for (const line of lines) line.classList.remove("current");
  const told = step ? lines.slice(step.lines[0] - 1, step.lines[1]) : [];
  for (const line of told) line.classList.add("current");
  now.replaceChildren(
    ...told.map((line) => {
      const copy = document.createElement("li");
      copy.append(...[...line.childNodes].map((node) => node.cloneNode(true)));
      return copy;
    }),
  );
  const log = told.length && told[0].parentNode;
  if (log && log.clientHeight) log.scrollTop = told[0].offsetTop - log.offsetTop - log.clientHeight / 3;
}

function pause() {
  clearInterval(timer);
  timer = null;
  run.textContent = "Play";
  run.setAttribute("aria-pressed", "false");
}

function play() {
  if (timer !== null) return pause();
  if (at === last) show(0);
  run.textContent = "Pause";
  run.setAttribute("aria-pressed", "true");
  timer = setInterval(() => show(at + 1, { gently: true }), PLAY_MS);
}

const go = {
  first: () => show(0),
  back: () => show(at - 1, { gently: true }),
  on: () => show(at + 1, { gently: true }),
  last: () => show(last),
};
const keys = { ArrowLeft: go.back, ArrowRight: go.on, Home: go.first, End: go.last, p: play, P: play };

slider.addEventListener("input", () => {
  pause();
  show(Number(slider.value));
});
run.addEventListener("click", play);
for (const button of playback.querySelectorAll("[data-go]")) {
  button.addEventListener("click", () => {
    pause();
    go[button.dataset.go]();
    if (button.disabled) slider.focus();
  });
}
document.addEventListener("keydown", (event) => {
  const wanted = keys[event.key];
  if (!wanted || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target.closest("input:not(#playback-slider), select, textarea, [contenteditable], #playback-lines")) return;
  event.preventDefault();
  if (wanted !== play) pause();
  wanted();
});

document.getElementById("playback-controls").hidden = false;
document.getElementById("playback-keys").hidden = false;
show(0);
document.body.dataset.playback = "ready";
