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
