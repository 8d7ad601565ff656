// The history page's buttons.

import { pageData, wireDialogs } from "./dom.js";
import { askAndRollBack } from "./reason.js";

const { module, name, login } = pageData();
wireDialogs();
for (const button of document.querySelectorAll("[data-rollback]")) {
  const number = Number(button.dataset.rollback);
  const isDefault = "default" in button.dataset;
  button.addEventListener("click", () => askAndRollBack({
    module, name, number, login,
    title: isDefault ? "Revert to the default" : `Roll back to v${number}`,
    text: `v${number} becomes live again, without a copy; nothing of the later versions is lost.`,
    go: isDefault ? "Revert" : "Roll back",
  }));
}
