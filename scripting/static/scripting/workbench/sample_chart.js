// Draws a sample: many runs of this text and of the live one on the same dice, field by field.

import { h } from "./dom.js";

export function drawSample({ runs, cancelled, version, failures, error, fields }) {
  const told = fields.filter((field) => field.kind !== "values" && !isConstant(field));
  const same = fields.filter(isConstant);
  const rest = fields.filter((field) => field.kind === "values");
  return [
    h("div", { class: "verdict" }, h("b", {}, `${runs} runs on the same dice`), version && h("span", { class: "quiet" }, `beside the live v${version}`)),
    cancelled && h("p", { class: "under" }, "Cancelled then: this is of the runs until there."),
    failures[0] > 0 && h("div", { class: "error-box", role: "alert" }, h("b", {}, `${failures[0]} of ${runs} fail`), h("span", {}, error)),
    failures[1] > 0 && h("p", { class: "quiet" }, `The live text fails ${failures[1]} times on these.`),
    ...told.map((field) => part(field, version)),
    same.length > 0 && h("p", { class: "under" }, `Always the same: ${same.map((field) => `${field.name} ${figure(field.sides[0].mean)}`).join(", ")}.`),
    rest.length > 0 && h("p", { class: "under" }, `Not counted, since they are texts or lists: ${rest.map((field) => field.name).join(", ")}.`),
  ].filter(Boolean);
}

// A number that is the same in every run of both texts.
function isConstant({ kind, sides }) {
  return kind === "number" && sides.every((side) => side && side.least === side.most && side.least === sides[0].least);
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
  return h("div", { class: `sample-row ${side}`, title: `from ${figure(least)} to ${figure(most)}` }, h("span", {}, who), h("span", { class: "bins", "aria-hidden": "true" }, ...bars), h("b", {}, `avg ${figure(mean)}`), h("span", { class: "unseen" }, `from ${figure(least)} to ${figure(most)}`));
}

function figure(value) {
  return Number.isInteger(value) ? String(value) : value.toPrecision(3);
}
