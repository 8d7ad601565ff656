// The form of a new script: says while one types whether the name can be had, and is sent once.

import { $, h, pageData } from "./dom.js";

const { taken, shared, helper, root } = pageData();
const form = $("new-form");
const name = $("name");
let chosen = $("module").value; // the game module, while a helper is chosen

form.addEventListener("change", (event) => {
  if (event.target.name === "kind") kindChosen();
  if (event.target === $("module")) moduleChosen();
  tell();
});
name.addEventListener("input", () => { $("name-problem")?.remove(); tell(); });
form.addEventListener("submit", () => { $("new-go").disabled = true; });
window.addEventListener("pageshow", () => { $("new-go").disabled = false; }); // back from the editor
kindChosen();
tell();

function isHelper() {
  return form.elements.kind.value === helper;
}

// Helpers lie in the shared module, and nothing else does.
function kindChosen() {
  const select = $("module");
  if (isHelper()) {
    if (select.value !== shared) chosen = select.value;
    select.value = shared;
  } else if (select.value === shared) select.value = chosen === shared ? select.options[0].value : chosen;
  select.disabled = isHelper();
}

function moduleChosen() {
  if ($("module").value !== shared) return;
  form.querySelector(`[name=kind][value="${CSS.escape(helper)}"]`).checked = true;
  chosen = $("module").options[0].value;
  kindChosen();
}

function tell() {
  const said = $("name-said");
  const problem = problemOf(name.value);
  const exists = !problem && name.value && Object.hasOwn(taken[$("module").value] ?? {}, name.value);
  name.setCustomValidity(exists ? "This name is taken." : problem);
  const bad = Boolean(problem || exists);
  said.classList.toggle("bad", bad);
  if (bad) name.setAttribute("aria-invalid", "true");
  else name.removeAttribute("aria-invalid");
  if (exists) {
    const label = `${$("module").value}/${name.value}`;
    const retired = taken[$("module").value][name.value];
    said.replaceChildren(`${label} exists already${retired ? " and is retired" : ""}: choose another name, or `, h("a", { href: `${root}${label}/` }, "open it"), ".");
  } else said.textContent = problem || (name.value ? `${$("module").value}/${name.value} can be had.` : "a-z, 0-9 and _, a letter first");
}

// Why it cannot be a name; empty for one that can be, and while there is none.
function problemOf(text) {
  const wrong = /[^a-z0-9_]/u.exec(text);
  if (wrong && /[A-Z]/.test(wrong[0])) return `Write ${wrong[0].toLowerCase()} for ${wrong[0]}: names have small letters.`;
  if (wrong) return wrong[0] === " " ? "Write _ for a blank." : `${wrong[0]} cannot be in a name: use a-z, 0-9 and _.`;
  return /^[^a-z]/.test(text) ? "A name begins with a letter." : "";
}
