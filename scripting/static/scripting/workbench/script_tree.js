// The tree of scripts: its buttons, `/` to search, and rows that follow what happens.

import { pageOf } from "./addresses.js";
import { $, pageData, toast, wireDialogs } from "./dom.js";
import { Following, pointOut, putInPlace, rowsOf, told } from "./live_rows.js";
import { askAndRollBack, comeBack } from "./rollback_dialog.js";

const PULSE = 30_000; // ms between two looks at how the scripts do

const { login } = pageData();
wireDialogs();
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-revert]");
  if (!button) return;
  const { module, name, revert, live } = button.dataset;
  askAndRollBack({
    module, name, number: Number(revert), live: Number(live), login,
    title: `Revert ${name} to its default`,
    text: `The embedded default (v${revert}) becomes live again. The override stays in the history.`,
    go: "Revert",
    done: () => following.look(0),
  });
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.matches("input, textarea")) { event.preventDefault(); $("q").focus(); }
});

const following = new Following({ onNotice, onFresh });
comeBack(({ module, name, number }) => {
  const button = document.querySelector(`[data-revert][data-module="${CSS.escape(module)}"][data-name="${CSS.escape(name)}"]`);
  return button && Number(button.dataset.revert) === number ? button : null;
});
setInterval(() => { if (!document.hidden) following.now(); }, PULSE);

function onNotice(notice) {
  const open = ["Open its history", () => { location.href = `${pageOf(notice.module, notice.script)}history/`; }];
  toast(`${notice.script}: ${told(notice)}`, { actions: [open], name: `${notice.module}/${notice.script}` });
}

function onFresh(page) {
  const [rows, fresh] = [rowsOf(document), rowsOf(page)];
  for (const [key, row] of rows) {
    if (fresh.has(key) && putInPlace(row, fresh.get(key))) pointOut(row);
  }
  const same = rows.size === fresh.size && [...rows.keys()].every((key) => fresh.has(key));
  if (!same) toast("Scripts were added or taken away.", { actions: [["Show", () => location.reload()]], name: "rows", keep: true });
}
