// The frame of our own pages in the admin: light or dark, and the menu there or not, as chosen on the theme's pages.

const KEY = "adminTheme"; // where the theme's own pages keep the choice, as JSON
const MENU = "sidebarDesktopOpen"; // likewise, "1" or "0": of wide windows, where the menu is beside the page
const wide = matchMedia("(min-width: 1280px)");
const night = matchMedia("(prefers-color-scheme: dark)");

function chosen() {
  try { return JSON.parse(localStorage.getItem(KEY)) || "auto"; } catch { return "auto"; }
}

function paint() {
  const theme = chosen();
  document.documentElement.classList.toggle("dark", theme === "dark" || (theme === "auto" && night.matches));
  for (const button of document.querySelectorAll("[data-theme]")) button.setAttribute("aria-pressed", String(button.dataset.theme === theme));
}

function besidePage() {
  return localStorage.getItem(MENU) !== "0";
}

paint(); // before the body is drawn
document.documentElement.classList.toggle("goby-wide-page", !besidePage());
night.addEventListener("change", paint);
document.addEventListener("DOMContentLoaded", () => {
  paint();
  for (const button of document.querySelectorAll("[data-theme]")) {
    button.addEventListener("click", () => { localStorage.setItem(KEY, JSON.stringify(button.dataset.theme)); paint(); });
  }
  const menu = document.getElementById("goby-menu");
  const opener = document.querySelector(".goby-menu-button");
  const account = document.querySelector(".goby-account");
  const say = () => opener.setAttribute("aria-expanded", String(wide.matches ? besidePage() : menu.classList.contains("goby-open")));
  const open = (wanted) => { menu.classList.toggle("goby-open", wanted); say(); };
  say();
  wide.addEventListener("change", say);
  opener.addEventListener("click", () => {
    if (wide.matches) {
      localStorage.setItem(MENU, besidePage() ? "0" : "1");
      document.documentElement.classList.toggle("goby-wide-page", !besidePage());
      say();
    } else {
      open(true);
      menu.querySelector("a").focus();
    }
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && menu.classList.contains("goby-open")) { open(false); opener.focus(); } });
  document.addEventListener("click", (event) => { if (!menu.contains(event.target) && event.target !== opener) open(false); });
  document.addEventListener("click", (event) => { if (!account.contains(event.target)) account.open = false; });
});
