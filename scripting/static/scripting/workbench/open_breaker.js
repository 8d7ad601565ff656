// The fallback while the breaker of the live version is open: the mark in the header, and what is told when that changes.

import { clock } from "../times.js";
import { $, forget, toast } from "./dom.js";

export function showFallback({ active, fallback }) {
  $("fallback").hidden = !fallback;
  $("fallback-words").textContent = fallback ? words(fallback, active) : "";
  $("fallback-error").textContent = fallback ? fallback.error : "";
  $("live-chip").className = `chip ${fallback ? "bad" : "live"}`;
  if (fallback && $("failures")) {
    const failures = new URL($("failures").href);
    failures.searchParams.set("version", fallback.withheld);
    $("failures").href = failures;
  }
  if (fallback) $("live-chip").textContent = `${fallback.name} decides instead of v${active.number}`;
}

// `before` is the fallback until now, for the same version.
export function tellFallback(before, { active, enabled, fallback }) {
  if (Boolean(before) === Boolean(fallback)) return;
  forget("fallback");
  const see = $("failures") ? [["See the failures", () => { location.href = $("failures").href; }]] : [];
  if (fallback) toast(words(fallback, active), { kind: "bad", actions: see, name: "fallback" });
  else if (enabled) toast(`v${active.number} runs again.`, { kind: "good", name: "fallback" });
}

// Whether the next run tries the version again, of which nothing is told unless it goes well.
export function isDue({ fallback }) {
  return Boolean(fallback) && Date.now() >= fallback.until * 1000;
}

function words(fallback, active) {
  if (isDue({ fallback })) return `${fallback.words}; the next run tries v${active.number} again.`;
  return `${fallback.words} until ${clock(fallback.until)}.`;
}
