// An execution run again: its version's text, and those of its helpers, with what each line did.

import { h } from "../workbench/dom.js";
import { Trace } from "../workbench/trace.js";
import { listed } from "../workbench/values_list.js";

const values = JSON.parse(document.getElementById("values-data").textContent);
const mount = document.getElementById("values-of-lines");

mount.replaceChildren();
values.texts.forEach((text, number) => {
  if (text.source === null) return;
  const body = h("div", { class: "values-body", tabindex: "0", role: "region", "aria-label": `Values of ${text.name}` });
  mount.append(h("h2", {}, `Values: ${text.name}`), body);
  listed(body, new Trace(values, number), text.source);
});
if (values.stopped) mount.append(h("p", { class: "goby-note goby-warning" }, values.stopped));
