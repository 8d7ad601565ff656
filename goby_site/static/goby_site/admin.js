// What the theme does that the pages' policy refuses, done otherwise.

// htmx would write an inline style; it reads this once the page has loaded.
htmx.config.includeIndicatorStyles = false;

// The bar of actions gets its width as the text of a style attribute: as an object Alpine sets the property instead.
document.addEventListener("alpine:init", () => {
  const bar = document.getElementById("changelist-actions");
  if (bar) bar.setAttribute("x-bind:style", "{ width: `${changeListWidth}px` }");
});

// A page that was opened by a key does not always begin in the field that asks to: seen in Chromium.
addEventListener("load", () => {
  const wanted = document.querySelector("[autofocus]");
  if (wanted && document.activeElement === document.body) wanted.focus();
});

// Django's lists of permissions explain their filters in a mark that only a role makes audible.
addEventListener("load", () => {
  for (const mark of document.querySelectorAll(".selector .help-tooltip[aria-label]")) mark.setAttribute("role", "img");
});

// What the theme makes clickable without making it a button: each is reached and pressed by the keyboard too, and has a name.
const NAMES = { dock_to_right: "Menu", close: "Close the menu", more_horiz: "More" };

function press(event) {
  if (event.key !== "Enter" && event.key !== " ") return;
  event.preventDefault();
  event.currentTarget.click();
  const opened = { Filters: "#changelist-filter", Menu: "#nav-sidebar" }[nameOf(event.currentTarget)];
  if (opened) setTimeout(() => document.querySelector(`${opened} a[href]`)?.focus(), 100); // once it is shown
}

function nameOf(element) {
  return element.getAttribute("aria-label") || element.firstChild.textContent.trim();
}

addEventListener("load", () => {
  for (const element of document.querySelectorAll("[x-on\\:click]:is(span.material-symbols-outlined, .cursor-pointer:not(button, a[href]))")) {
    element.setAttribute("role", "button");
    element.setAttribute("tabindex", "0");
    const name = NAMES[element.textContent.trim()];
    if (name) element.setAttribute("aria-label", name);
    element.addEventListener("keydown", press);
  }
});
