// What was written into a form that never arrived, since the session had ended or nothing answered, stands there again: after the
// login, or when one goes back.

import { keepWords, takeWords } from "./kept_words.js";

const KEPT = "form";
const HIDDEN = ["hidden", "password", "file", "submit", "button"];

const fieldsOf = (form) => [...form.elements].filter((one) => one.name && !HIDDEN.includes(one.type));
const isBox = (one) => one.type === "checkbox" || one.type === "radio";

// Whose form of which page it is, by the names in it.
function signatureOf(form) {
  const who = document.querySelector(".who-name").textContent;
  return [who, location.pathname, ...[...form.elements].map((one) => one.name)].join(" ");
}

// What tells forms with the same names from each other: which comment is answered, say.
function hiddenIn(form) {
  return [...form.elements].filter((one) => one.type === "hidden" && one.name !== "csrfmiddlewaretoken").map((one) => one.value).join(" ");
}

function formOf(words) {
  const alike = [...document.forms].filter((one) => one.method === "post" && signatureOf(one) === words.form);
  return alike.find((one) => hiddenIn(one) === words.hidden) ?? (alike.length === 1 ? alike[0] : null);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || !fieldsOf(form).length) return;
  keepWords(KEPT, { form: signatureOf(form), hidden: hiddenIn(form), fields: fieldsOf(form).map((one) => (isBox(one) ? one.checked : one.value)) });
});

const kept = takeWords(KEPT); // the page that comes after a form has arrived takes it too, and forgets it
const [came] = performance.getEntriesByType("navigation");
if (kept && (/\/login\//.test(document.referrer) || came?.type === "back_forward")) {
  const form = formOf(kept);
  for (const [place, one] of (form ? fieldsOf(form) : []).entries()) {
    if (isBox(one)) one.checked = kept.fields[place];
    else one.value = kept.fields[place];
    one.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
