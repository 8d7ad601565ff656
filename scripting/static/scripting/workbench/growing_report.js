// A report that grows: looked at again each second, its figures put in place, until all is decided.

import { $ } from "./dom.js";

const EVERY = 1000; // ms
const TEXTS = ["sentence", "made", "progress-words"];

async function look() {
  let fresh;
  try {
    const answer = await fetch(location.pathname, { credentials: "same-origin", headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return location.reload(); // to the login, or to what became of it
    fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return again(); // the server is away for a moment
  }
  if (!fresh.getElementById("progress")) return location.reload();
  for (const id of TEXTS) if ($(id).textContent !== fresh.getElementById(id).textContent) $(id).replaceChildren(...fresh.getElementById(id).childNodes);
  $("progress-bar").value = fresh.getElementById("progress-bar").value;
  $("unserved").hidden = fresh.getElementById("unserved").hidden;
  if (!isRead() && fresh.getElementById("growing").innerHTML !== $("growing").innerHTML) {
    const open = [...$("growing").querySelectorAll("details")].some((one) => one.open);
    $("growing").replaceChildren(...fresh.getElementById("growing").childNodes);
    if (open) for (const one of $("growing").querySelectorAll("details")) one.open = true;
  }
  return again();
}

// What somebody is in, by keyboard or with marked words, is not taken from under them.
function isRead() {
  return $("growing").contains(document.activeElement) || !getSelection().isCollapsed;
}

function again() {
  setTimeout(look, EVERY);
}

again();
