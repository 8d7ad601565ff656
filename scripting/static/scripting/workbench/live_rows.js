// Keeps a page of lists up to date: it is fetched again when something became of a script, and what differs is put in place.
// Rows are told by their data-key; the focus, the scroll and what was chosen stay where they are.

import { everySocket } from "./addresses.js";
import { Socket } from "./socket.js";

const SOON = 250; // ms in which several notices become one look
const AGAIN = 2500; // processes acknowledge a version a moment after its notice
const CHOICES = "a[href], button, input";

export class Following {
  // `onNotice(notice)` hears of every script; `onFresh(page)` gets the page as it would be now, and puts it in place.
  constructor({ onNotice, onFresh }) {
    Object.assign(this, { onNotice, onFresh });
    let opened = false;
    this.socket = new Socket(everySocket, {
      onMessage: (message) => { if (message.type === "notice") { this.onNotice(message); this.look(SOON); } },
      onOpen: () => { if (opened) this.look(0); opened = true; }, // what happened meanwhile
    });
  }

  look(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      await this.now();
      if (wait === SOON) this.look(AGAIN);
    }, wait);
  }

  async now() {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error", cache: "no-store" });
      if (answer.ok) this.onFresh(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch { /* the socket says when the server is unavailable, and this is done again when it is back */ }
  }
}

export function rowsOf(root) {
  return new Map([...root.querySelectorAll("[data-key]")].map((row) => [row.dataset.key, row]));
}

// Put the cells of `fresh` in place of those that differ; whether any did. Cells with a choice of the person's own are left.
export function putInPlace(row, fresh) {
  let changed = false;
  if (row.className !== fresh.className) row.className = fresh.className;
  const cells = row.children.length === fresh.children.length ? [...row.children].map((cell, place) => [cell, fresh.children[place]]) : [[row, fresh]];
  for (const [cell, other] of cells) {
    if (cell.querySelector("input[type=radio]") || cell.innerHTML === other.innerHTML) continue;
    const told = wordsOf(cell) !== wordsOf(other);
    const place = [...cell.querySelectorAll(CHOICES)].indexOf(document.activeElement);
    cell.innerHTML = other.innerHTML; // our own template's, every text in it escaped
    if (place >= 0) (cell.querySelectorAll(CHOICES)[place] || cell.querySelector(CHOICES))?.focus({ preventScroll: true });
    changed = changed || (told && !cell.matches("[data-quiet]"));
  }
  return changed;
}

// What a cell tells, but for how long ago it was.
function wordsOf(cell) {
  const copy = cell.cloneNode(true);
  for (const time of copy.querySelectorAll("time")) time.remove();
  return copy.textContent;
}

export function pointOut(row) {
  row.classList.remove("just-changed");
  void row.offsetWidth; // begins the animation anew
  row.classList.add("just-changed");
}

const WORDS = {
  activated: ({ number }) => `v${number} is live now`,
  reverted: ({ number }) => (number ? `v${number}, the default, is live again` : "nothing is live any more"),
  rejected: () => "a text was refused",
  waiting: () => "a file waits for its replay",
  held: () => "the gate does not let its file through",
  changed: () => "its limits or switches were changed",
  in_conflict: () => "two files claim to be this script",
  breaker_opened: ({ number }) => `v${number} is set aside and its fallback runs`,
  breaker_fallback_failed: ({ number }) => `v${number} is set aside as a fallback`,
  breaker_closed: ({ number }) => `v${number} runs again`,
};

export function told(notice) {
  const words = (WORDS[notice.kind] || (() => "it was changed"))(notice);
  return `${words}${notice.actor ? `, by ${notice.actor}` : ""}${notice.reason ? `: ${notice.reason}` : "."}`;
}
