// What stands in while the breaker of the live version is open: the mark in the header, and what is told when that changes.

import { $, forget, toast } from "./dom.js";

export function showStandIn({ active, stand_in: standIn }) {
  $("stand-in").hidden = !standIn;
  $("stand-in-words").textContent = standIn ? words(standIn, active) : "";
  $("stand-in-error").textContent = standIn ? standIn.error : "";
  $("live-chip").className = `chip ${standIn ? "bad" : "live"}`;
  if (standIn) $("live-chip").textContent = `${standIn.name} stands in for v${active.number}`;
}

// `before` is what stood in until now, for the same version.
export function tellStandIn(before, { active, enabled, stand_in: standIn }) {
  if (Boolean(before) === Boolean(standIn)) return;
  forget("stand-in");
  const see = $("failures") ? [["See the failures", () => { location.href = $("failures").href; }]] : [];
  if (standIn) toast(words(standIn, active), { kind: "bad", actions: see, name: "stand-in" });
  else if (enabled) toast(`v${active.number} runs again.`, { kind: "good", name: "stand-in" });
}

// Whether the next run tries the version again, of which nothing is told unless it goes well.
export function isDue({ stand_in: standIn }) {
  return Boolean(standIn) && Date.now() >= standIn.until * 1000;
}

function words(standIn, active) {
  if (isDue({ stand_in: standIn })) return `${standIn.words}; the next run tries v${active.number} again.`;
  return `${standIn.words} until ${new Date(standIn.until * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}.`;
}
