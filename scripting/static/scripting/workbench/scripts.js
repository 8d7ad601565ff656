// The tree of scripts: its buttons, and `/` to search.

import { $, pageData, wireDialogs } from "./dom.js";
import { askAndRollBack } from "./reason.js";

const { login } = pageData();
wireDialogs();
for (const button of document.querySelectorAll("[data-revert]")) {
  const { module, name, revert } = button.dataset;
  button.addEventListener("click", () => askAndRollBack({
    module, name, number: Number(revert), login,
    title: `Revert ${name} to its default`,
    text: `The embedded default (v${revert}) becomes live again. The override stays in the history.`,
    go: "Revert",
  }));
}
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.matches("input, textarea")) { event.preventDefault(); $("q").focus(); }
});
