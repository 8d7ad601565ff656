// The battle page: two sockets, one of HTML for score, rosters and log, one of JSON for the map; and its past, moment by moment.

import { Board } from "./board.js";
import { LiveSocket } from "./sockets.js";
import { Timeline } from "./timeline.js";

const LOG_LENGTH = 60;
const TOAST_MS = 12000;

const page = document.getElementById("battle");
const connection = document.getElementById("connection");
const connectionText = document.getElementById("connection-text");
const board = new Board(document.getElementById("map"));
const toast = document.getElementById("toast");
let toastTimer = 0;
const root = page.dataset.root.replace(/wargame\/$/, ""); // where the site has the game
const states = { html: "connecting", feed: "connecting" };

let sockets = [];
let pointed = null;
const drawn = new Map(); // the HTML of each part as it was last put there

// What is shown: the battle, and up to which log entry each socket has told us of it. `null`: nothing of it yet.
const seen = { html: Number(page.dataset.sequence), feed: Number(page.dataset.sequence) };
let shown = Number(page.dataset.game);
let moment = page.dataset.at ? Number(page.dataset.at) : null; // of the past; null: the battle is shown as it is now
let asking = null; // the request for a moment that is under way
const controls = document.querySelector("[data-timeline]");
const timeline = controls && new Timeline(controls, showMoment, backToNow);
watch(shown);

function watch(game) {
  shown = game;
  for (const socket of sockets) socket.close();
  const address = (kind) => () => {
    const since = seen[kind] === null ? "" : `?since=${seen[kind]}`;
    return `${root}ws/wargame/${game}/${kind}/${since}`;
  };
  sockets = [
    new LiveSocket(address("html"), (message) => onHtml(message), (...state) => onState("html", ...state)),
    new LiveSocket(address("feed"), (message) => onFeed(message), (...state) => onState("feed", ...state)),
  ];
}

function onHtml(message) {
  timeline?.extend(message.sequence);
  if (moment !== null) {
    tellOfPresent(message);
    return;
  }
  seen.html = message.sequence;
  put(message.fragments);
}

function put(fragments) {
  for (const { target, mode, html } of fragments) {
    const place = document.getElementById(target);
    if (mode === "prepend") prepend(place, html);
    else if (drawn.get(target) !== html) {
      forgetAround(place);
      keepingFocus(place, () => { place.innerHTML = html; }); // rendered and escaped by the server's templates
      drawn.set(target, html);
    }
  }
  if (pointed) board.point(pointed);
}

// A part in which another is put anew, or which is put around it, is no longer as it was drawn.
function forgetAround(place) {
  for (const target of [...drawn.keys()]) {
    const other = document.getElementById(target);
    if (!other || other.contains(place) || place.contains(other)) drawn.delete(target);
  }
}

// The past stays as it is while the battle goes on; only the line below the slider tells of it.
function tellOfPresent(message) {
  const more = message.sequence - moment;
  const next = message.next ? " The battle is over, and the next has begun." : "";
  timeline?.goneOn(more > 0 ? `The battle went on: ${more} ${more === 1 ? "entry" : "entries"} since this moment.${next}` : next.trim());
}

// The page as it was when that entry was written. Of several requests only the last one counts.
async function showMoment(sequence) {
  const step = moment !== null && sequence === moment + 1;
  moment = sequence;
  asking?.abort();
  const asked = new AbortController();
  asking = asked;
  try {
    const answer = await fetch(`${root}wargame/${shown}/at/${sequence}/`, { signal: asked.signal });
    if (!answer.ok) throw new Error(String(answer.status));
    const past = await answer.json();
    if (asking !== asked || moment !== sequence) return;
    drawn.clear();
    put(past.fragments);
    board.show(past.units);
    if (step) board.outcome(past.entry);
    timeline.say(past.told);
    tellOfPresent({ sequence: timeline.last });
    history.replaceState(null, "", `${root}wargame/${shown}/?at=${sequence}`);
  } catch (error) {
    if (error.name !== "AbortError") timeline.say("This moment cannot be shown now. Try again.");
  }
}

function backToNow() {
  moment = null;
  asking?.abort();
  const isFollowing = page.dataset.follow === "true";
  history.replaceState(null, "", isFollowing ? page.dataset.root : `${root}wargame/${shown}/`);
  begin(shown);
}

// Show a battle from nothing.
function begin(game) {
  seen.html = null;
  seen.feed = null;
  drawn.clear();
  watch(game);
}

function onFeed(message) {
  if (moment !== null) return;
  seen.feed = message.sequence;
  for (const entry of message.entries) board.outcome(entry);
  board.show(message.units);
  if (message.map) document.title = `${message.map.name} · Goby`; // an update says only what has changed
  if (message.next && page.dataset.follow === "true") {
    document.getElementById("log").replaceChildren();
    timeline?.restart();
    begin(message.next);
  }
}

function prepend(list, html) {
  const rows = document.createElement("template");
  rows.innerHTML = html; // rendered and escaped by the server's templates
  const last = Number(list.querySelector("[data-sequence]")?.dataset.sequence ?? 0);
  for (const row of [...rows.content.querySelectorAll("[data-sequence]")]) {
    if (Number(row.dataset.sequence) <= last) row.remove();
    else row.classList.add("fresh");
  }
  tellOfTakeover(rows.content.querySelector(".fresh .entry-takeover span"));
  const pane = list.parentElement;
  const reading = pane.scrollTop > 8 ? pane.scrollHeight - pane.scrollTop : null;
  list.prepend(rows.content);
  while (list.children.length > LOG_LENGTH) list.lastElementChild.remove();
  if (reading !== null) pane.scrollTop = pane.scrollHeight - reading; // whoever reads further down stays there
}

// Another version has begun to decide: said over the map, where one looks.
function tellOfTakeover(words) {
  if (!words) return;
  clearTimeout(toastTimer);
  toast.textContent = words.textContent;
  toast.classList.add("shown");
  toastTimer = setTimeout(() => toast.classList.remove("shown"), TOAST_MS);
}

function keepingFocus(place, change) {
  const held = place.contains(document.activeElement) ? document.activeElement : null;
  const again = held?.dataset.show ? `[data-show="${CSS.escape(held.dataset.show)}"]` : held?.matches("a") ? "a" : null;
  change();
  if (again) place.querySelector(again)?.focus({ preventScroll: true });
}

function onState(kind, state, detail) {
  states[kind] = state;
  const all = Object.values(states);
  if (all.includes("refused")) show("refused", typeof detail === "string" ? detail : "Refused");
  else if (all.includes("waiting")) show("waiting", "Reconnecting…");
  else if (all.every((one) => one === "open")) show("open", "Live");
}

function show(state, text) {
  if (connection.dataset.state === state) return;
  connection.dataset.state = state;
  connectionText.textContent = text;
}

// A unit in the lists is pointed out on the map while the pointer or the keyboard is on it.
const rosters = document.getElementById("rosters");
for (const [begin, end] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
  rosters.addEventListener(begin, (event) => {
    pointed = event.target.closest("[data-show]")?.dataset.show ?? null;
    board.point(pointed);
  });
  rosters.addEventListener(end, () => {
    pointed = null;
    board.point(null);
  });
}
