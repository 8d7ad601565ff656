// What was written into a form that never arrived, since the session had ended or nothing answered, stands there again: after the
// login, or when one goes back.

import { keepWords, takeWords } from "./kept_words.js";

const KEPT = "form";
const HIDDEN = ["hidden", "password", "file", "submit", "button"];

const fieldsOf = (form) => [...form.elements].filter((one) => one.name && !HIDDEN.includes(one.type));
const isBox = (one) => one.type === "checkbox" || one.type === "radio";

// Tells a form of this person's page from the others, also when the page is loaded anew.
function signatureOf(form) {
  const hidden = [...form.elements].filter((one) => one.type === "hidden" && one.name !== "csrfmiddlewaretoken");
  const who = document.querySelector(".who-name").textContent;
  return [who, location.pathname, ...hidden.map((one) => `${one.name}=${one.value}`), ...fieldsOf(form).map((one) => one.name)].join(" ");
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || !fieldsOf(form).length) return;
  keepWords(KEPT, { form: signatureOf(form), fields: fieldsOf(form).map((one) => (isBox(one) ? one.checked : one.value)) });
});

const kept = takeWords(KEPT); // the page that comes after a form has arrived takes it too, and forgets it
const [came] = performance.getEntriesByType("navigation");
if (kept && (/\/login\//.test(document.referrer) || came?.type === "back_forward")) {
  const form = [...document.forms].find((one) => one.method === "post" && signatureOf(one) === kept.form);
  for (const [place, one] of (form ? fieldsOf(form) : []).entries()) {
    if (isBox(one)) one.checked = kept.fields[place];
    else one.value = kept.fields[place];
    one.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
