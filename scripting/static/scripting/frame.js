// The frame of our own pages in the admin: light or dark as chosen on the theme's pages, and the menu on narrow windows.

const KEY = "adminTheme"; // where the theme's own pages keep the choice, as JSON
const night = matchMedia("(prefers-color-scheme: dark)");

function chosen() {
  try { return JSON.parse(localStorage.getItem(KEY)) || "auto"; } catch { return "auto"; }
}

function paint() {
  const theme = chosen();
  document.documentElement.classList.toggle("dark", theme === "dark" || (theme === "auto" && night.matches));
  for (const button of document.querySelectorAll("[data-theme]")) button.setAttribute("aria-pressed", String(button.dataset.theme === theme));
}

paint(); // before the body is drawn
night.addEventListener("change", paint);
document.addEventListener("DOMContentLoaded", () => {
  paint();
  for (const button of document.querySelectorAll("[data-theme]")) {
    button.addEventListener("click", () => { localStorage.setItem(KEY, JSON.stringify(button.dataset.theme)); paint(); });
  }
  const menu = document.getElementById("goby-menu");
  const opener = document.querySelector(".goby-menu-button");
  const open = (wanted) => { menu.classList.toggle("goby-open", wanted); opener.setAttribute("aria-expanded", String(wanted)); };
  opener.addEventListener("click", () => { open(true); menu.querySelector("a").focus(); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && menu.classList.contains("goby-open")) { open(false); opener.focus(); } });
  document.addEventListener("click", (event) => { if (!menu.contains(event.target) && event.target !== opener) open(false); });
});
