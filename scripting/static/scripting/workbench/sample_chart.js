// Draws a sample: many runs of this text and of the live one on the same dice, field by field.

import { h } from "./dom.js";

export function drawSample(sample) {
  const { runs, cancelled, version, failures, error, refused, refusal, fields } = sample;
  const told = fields.filter((field) => field.kind !== "values" && !field.always);
  const same = fields.filter((field) => field.always);
  const rest = fields.filter((field) => field.kind === "values");
  return [
    h("div", { class: "verdict" }, h("b", {}, `${runs} runs on the same dice`), version && h("span", { class: "quiet" }, `beside the live v${version}`)),
    version && h("p", {}, compared(sample)),
    h("p", { class: "under" }, sample.on_recording ? "What these texts read of the game is what was recorded." : "What these texts read of the game is as it is now."),
    sample.left > 0 && h("div", { class: "error-box", role: "alert" }, h("b", {}, `${sample.left} of ${runs} left the recording`), h("span", {}, `First at ${sample.left_at}. Choose “Game: as it is now” to go on.`)),
    cancelled && h("p", { class: "under" }, "Cancelled then: this is of the runs until there."),
    failures[0] > 0 && h("div", { class: "error-box", role: "alert" }, h("b", {}, `${failures[0]} of ${runs} fail`), h("span", {}, error)),
    refused[0] > 0 && h("div", { class: "error-box", role: "alert" }, h("b", {}, `The game would refuse ${refused[0]} of ${runs}`), h("span", {}, refusal)),
    refused[1] > 0 && h("p", { class: "quiet" }, `It would refuse ${refused[1]} of the live text.`),
    failures[1] > 0 && h("p", { class: "quiet" }, `The live text fails ${failures[1]} times on these.`),
    ...told.map((field) => part(field, version)),
    same.length > 0 && h("p", { class: "under" }, `Always the same: ${same.map((field) => `${field.name} ${field.always}`).join(", ")}.`),
    rest.length > 0 && h("p", { class: "under" }, `Not counted, since they are texts or lists: ${rest.map((field) => field.name).join(", ")}.`),
  ].filter(Boolean);
}

// How many of the runs decided alike, and in what the others differ.
function compared({ runs, left, alike, differences }) {
  const of = runs - left;
  const parts = Object.entries(differences).map(([name, count]) => `${name} in ${count}`).join(", ");
  if (!of) return "No run of the two could be compared.";
  if (alike === of) return `${of === 1 ? "The run is" : `All ${of} runs are`} the same in both texts${parts ? `, but for: ${parts}` : ""}.`;
  return `${of - alike} of ${of} runs differ: ${parts}.`;
}

function part({ name, kind, sides }, version) {
  const draw = kind === "share" ? share : histogram;
  const top = kind === "share" ? 1 : Math.max(1, ...sides.filter(Boolean).flatMap((side) => side.bins));
  const [mine, theirs] = sides;
  return h("section", { class: "sample" }, h("h3", {}, name),
    mine !== null && mine !== undefined && draw("this text", mine, top, "mine"),
    theirs !== null && theirs !== undefined && draw(`live v${version}`, theirs, top, "theirs"));
}

function share(who, value, _top, side) {
  const fill = h("i", {});
  fill.style.width = `${value * 100}%`;
  return h("div", { class: `sample-row ${side}` }, h("span", {}, who), h("span", { class: "share", "aria-hidden": "true" }, fill), h("b", {}, `${Math.round(value * 100)} %`));
}

function histogram(who, { mean, least, most, bins }, top, side) {
  const bars = bins.map((count) => {
    const bar = h("i", {});
    bar.style.height = `${(count / top) * 100}%`;
    return bar;
  });
  return h("div", { class: `sample-row ${side}`, title: `from ${least} to ${most}` }, h("span", {}, who), h("span", { class: "bins", "aria-hidden": "true" }, ...bars), h("b", {}, `avg ${figure(mean)}`), h("span", { class: "unseen" }, `from ${least} to ${most}`));
}

function figure(value) {
  return Number.isSafeInteger(value) ? String(value) : value.toPrecision(3);
}
