// Who else has the script open, as small round marks; who writes has a pen.

import { $, h } from "./dom.js";

export function showPeople(people, me) {
  $("people").replaceChildren(...people.map((person) => {
    const words = `${person.user === me ? "You" : person.user}${person.editing ? ", writing" : ", looking"}${person.pages > 1 ? ` in ${person.pages} tabs` : ""}`;
    return h("li", { class: person.editing ? "editing" : null, title: words }, h("span", { "aria-hidden": "true" }, person.user.slice(0, 2)), h("span", { class: "unseen" }, words));
  }));
}
