// Keys, the same in the editor and beside it, and the list of them under `?`.

import { $, h } from "./dom.js";

// `actions` is a list of [name, key as Ace writes it, what it does, run]
export function wireShortcuts(editor, actions) {
  for (const [name, key, , run] of actions) editor.command(name, key, run);
  const list = [...actions.map(([, key, words]) => [key, words]), ["Ctrl-Enter", "in a dialog that asks why: go ahead"], ["Esc", "cancel a trial that runs"], ["Ctrl-Space", "complete"], ["Ctrl-F", "find in the text"], ["Ctrl-Z", "undo, after a reload too"], ["?", "this list (F1 in the editor)"]];
  $("shortcut-list").replaceChildren(...list.flatMap(([key, words]) => [h("dt", {}, h("kbd", {}, key.replaceAll("-", " ").replace("Enter", "⏎"))), h("dd", {}, words)]));
  const help = () => { if (!document.querySelector("dialog[open]")) $("shortcut-dialog").showModal(); };
  editor.command("goby-help", "F1", help);
  $("show-shortcuts").addEventListener("click", help);
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const typing = event.target.matches("input, textarea, select");
    if ((event.key === "?" && !typing) || event.key === "F1") { event.preventDefault(); help(); return; }
    for (const [, key, , run] of actions) {
      if (matches(event, key)) { event.preventDefault(); run(); return; }
    }
  });
}

function matches(event, key) {
  const parts = key.split("-");
  const last = parts.pop();
  const control = event.ctrlKey || event.metaKey;
  return event.key.toLowerCase() === last.toLowerCase() && control === parts.includes("Ctrl")
    && event.shiftKey === parts.includes("Shift") && event.altKey === parts.includes("Alt");
}
