// Small helpers for building and finding parts of the page. Text is only ever set as text.

import { moment, timeElement } from "../times.js";

export const $ = (id) => document.getElementById(id);

export function pageData() {
  return JSON.parse($("page-data").textContent);
}

// h("li", {class: "x", onclick: f}, "text", node…)
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// With `keep` it stays until it is dismissed; one of the same `name` takes its place.
export function toast(text, { kind = "", actions = [], seconds = 7, keep = false, name = "" } = {}) {
  if (name) forget(name);
  const box = h("div", { class: `toast ${kind}`, "data-name": name || null }, h("p", {}, text));
  const away = () => box.remove();
  if (actions.length) {
    const buttons = actions.map(([label, act]) =>
      h("button", { type: "button", class: "link", onclick: () => { away(); act(); } }, label));
    buttons.push(h("button", { type: "button", class: "link", onclick: away }, "Dismiss"));
    box.append(h("div", { class: "toast-actions" }, ...buttons));
  }
  $("toasts").append(box);
  if (!keep) setTimeout(away, (actions.length ? 60 : seconds) * 1000);
}

// Take away the notes of this name: what they tell is over.
export function forget(name) {
  for (const old of $("toasts").querySelectorAll("[data-name]")) if (old.dataset.name === name) old.remove();
}

// Dialogs close with their buttons marked data-close; Escape does it too.
export function wireDialogs() {
  for (const button of document.querySelectorAll("dialog [data-close]")) {
    button.addEventListener("click", () => button.closest("dialog").close());
  }
}

// Ctrl+Enter anywhere in a dialog does what the dialog asks about.
export function onControlEnter(dialog, act) {
  dialog.onkeydown = (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    act();
  };
}

// An element that says how long ago it was.
export function ago(seconds) {
  return timeElement(seconds, agoInWords(seconds));
}

function agoInWords(seconds) {
  const age = Math.max(0, Date.now() / 1000 - seconds);
  if (age < 60) return "just now";
  if (age < 3600) return `${Math.floor(age / 60)} min ago`;
  if (age < 86400) return `${Math.floor(age / 3600)} h ago`;
  return moment(seconds).slice(0, 10);
}

export function microseconds(us) {
  if (us < 1000) return `${us} µs`;
  return us < 1_000_000 ? `${(us / 1000).toFixed(us < 10_000 ? 1 : 0)} ms` : `${(us / 1_000_000).toFixed(2)} s`;
}

// Memory is measured to 256 KiB.
export function bytes(count) {
  if (count < 256 << 10) return "< 256 KiB";
  return count < 1 << 20 ? `${Math.round(count / 1024)} KiB` : `${(count / (1 << 20)).toFixed(1)} MiB`;
}
