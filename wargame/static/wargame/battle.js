// The battle page: two sockets, one of HTML for score, rosters and log, one of JSON for the map.

import { Board } from "./board.js";
import { LiveSocket } from "./sockets.js";

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
watch(Number(page.dataset.game));

function watch(game) {
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
  seen.html = message.sequence;
  for (const { target, mode, html } of message.fragments) {
    const place = document.getElementById(target);
    if (mode === "prepend") prepend(place, html);
    else if (drawn.get(target) !== html) keepingFocus(place, () => { place.innerHTML = html; }); // rendered and escaped by the server's templates
    if (mode === "replace") drawn.set(target, html);
  }
  if (pointed) board.point(pointed);
}

function onFeed(message) {
  seen.feed = message.sequence;
  for (const entry of message.entries) board.outcome(entry);
  board.show(message.units);
  document.title = `${message.map.name} · Goby`;
  if (message.next && page.dataset.follow === "true") {
    seen.html = null;
    seen.feed = null;
    document.getElementById("log").replaceChildren();
    drawn.clear();
    watch(message.next);
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
