// The history page: its buttons, and news of the script, shown when they are asked for.

import { $, pageData, toast, wireDialogs } from "./dom.js";
import { Following, putInPlace, rowsOf, told } from "./live_rows.js";
import { askAndRollBack, comeBack } from "./rollback_dialog.js";

const { module, name, login } = pageData();
wireDialogs();
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-rollback]");
  if (!button) return;
  const number = Number(button.dataset.rollback);
  const isDefault = "default" in button.dataset;
  const isOlder = "older" in button.dataset;
  const isRejected = "rejected" in button.dataset; // what it lacked may be there now
  askAndRollBack({
    module, name, number, login, live: Number(document.querySelector("#versions-rows .is-live")?.dataset.key.slice(1)),
    title: isRejected ? `Check v${number} again` : isDefault ? "Revert to the default" : isOlder ? `Roll back to v${number}` : `Make v${number} live`,
    text: isRejected ? `v${number} did not pass its check. If it passes now, it becomes live.` : `v${number} becomes live again. No version is lost.`,
    go: isRejected ? "Check, make it live" : isDefault ? "Revert" : isOlder ? "Roll back" : "Make it live",
    done: () => { wanted = true; following.look(0); },
  });
});

comeBack((kept) => (kept.module === module && kept.name === name ? document.querySelector(`[data-rollback="${kept.number}"]`) : null));

let news = "";
let wanted = false; // one's own rollback is shown without asking
const following = new Following({ onNotice, onFresh });

function onNotice(notice) {
  if (notice.module !== module || notice.script !== name) return;
  if (notice.kind.startsWith("breaker_")) toast(told(notice), { name: "breaker" }); // no row is added that would be shown
  else news = told(notice);
}

function onFresh(page) {
  const [rows, fresh] = [rowsOf(document), rowsOf(page)];
  for (const [key, row] of rows) if (fresh.has(key)) putInPlace(row, fresh.get(key));
  const added = [...fresh.keys()].filter((key) => !rows.has(key));
  if (!added.length) return;
  if (wanted) show(page, added);
  else toast(news || "Something became of this script.", { actions: [["Show", () => show(page, added)]], name: "news", keep: true });
}

// New rows push the others down, so they wait until somebody wants them; what was chosen to be compared stays chosen.
function show(page, added) {
  wanted = false;
  const chosen = [...document.querySelectorAll("input[type=radio]:checked")].map((radio) => [radio.name, radio.value]);
  for (const id of ["versions-rows", "activations", "changes"]) $(id).replaceChildren(...page.getElementById(id).children);
  for (const [side, value] of chosen) {
    const radio = document.querySelector(`input[name="${side}"][value="${CSS.escape(value)}"]`);
    if (radio) radio.checked = true;
  }
  const rows = rowsOf(document);
  for (const key of added) rows.get(key)?.classList.add("just-changed");
  rows.get(added[0])?.querySelector("a, button")?.focus({ preventScroll: true });
}
