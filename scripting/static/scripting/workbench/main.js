// The workbench of one script: puts the parts together.

import { pageOf, socketOf } from "./addresses.js";
import { Cases } from "./cases.js";
import { Checking } from "./checking.js";
import { showPeople } from "./viewers.js";
import { $, ago, forget, pageData, toast, wireDialogs } from "./dom.js";
import { makeEditor } from "./editor.js";
import { DraftLine } from "./draft_line.js";
import { Keeping } from "./drafts.js";
import { Merging } from "./merge_dialog.js";
import { Names } from "./completion.js";
import { Publishing } from "./publish_dialog.js";
import { ReplayLine } from "./replay_line.js";
import { Server } from "./server.js";
import { wireShortcuts } from "./shortcuts.js";
import { Socket } from "./socket.js";
import { isDue, showFallback, tellFallback } from "./open_breaker.js";
import { Trying } from "./trials.js";

const page = pageData();
const root = location.pathname;
const server = new Server(root, loggedOut);
const editor = makeEditor($("source"), $("editor"), { mode: page.languages[page.language], readonly: !page.may.edit });
const language = () => page.language;
const checking = new Checking(server, editor, language);
const merging = new Merging(server, language);
const keeping = new Keeping(server, editor, page, { settle: settleDraft, onState: showState, language, speakAs });
const publishing = page.may.publish ? new Publishing(server, editor, page, { keeping, checking, language, trialOf: (text) => trying.trials.findLast((one) => one.source === text), onPublished: nowActive, onStale: settleStale, onBehind: mergeActive }) : null;
const trying = new Trying(server, editor, page, { language: () => (draftLine.version ? draftLine.version.language : page.language), showTab, textName, ranOn, onKeep: page.may.publish ? (trial) => cases.openKeep(trial) : null });
const draftLine = new DraftLine(editor, page, keeping, { start: startFrom, compare: compareWith, merge: mergeActive, onShown });
const cases = page.may.run ? new Cases(server, editor, { may: page.may, language, onTry: (name) => trying.pickCase(name) }) : null;
const isPointless = (text) => !page.active || Boolean(page.unheard) || text === page.active.source; // what nothing runs was never recorded
const replayLine = page.may.run ? new ReplayLine(server, editor, language, isPointless) : null;
if (page.may.run) checking.onChecked = (text, result) => { cases.checked(text, result); replayLine.checked(text, result); };
let socket = null;
let wasReading = false;
const DUE = 15_000; // ms between two looks at whether a version that is tried again does well
const TABS = ["problems", "trials", "cases"].filter((name) => $(`tab-${name}`));
const CAUSES = { default: "as shipped,", file: "taken from a file", publish: "published", rollback: "rolled back", file_deleted: "back since its file was deleted,", upgrade: "upgraded" };

wireDialogs();
wireTabs();
wireShortcuts(editor, [
  ["goby-run", "Ctrl-Enter", "run the trial", () => trying.run()],
  ["goby-save", "Ctrl-S", "save the draft now", () => keeping.save()],
  ["goby-publish", "Ctrl-Shift-Enter", "publish…", () => publishing && publishing.open()],
  ["goby-next", "F8", "next problem", () => checking.next()],
  ["goby-turn-back", "Shift-F7", "values of the turn before", () => trying.values.turn(-1)],
  ["goby-turn-on", "F7", "values of the next turn", () => trying.values.turn(1)],
]);
editor.onChange(() => { keeping.touched(); if (page.may.edit) checking.soon(); });
editor.onCursor((line, column) => { $("position").textContent = `${line}:${column}`; });
$("login-link").href = `${page.login}?next=${encodeURIComponent(location.pathname + location.search)}`;
$("login-link").addEventListener("click", () => publishing?.keep());
if ($("language")) $("language").addEventListener("change", () => speak($("language").value));
if ($("discard")) $("discard").addEventListener("click", discard);
for (const message of document.querySelectorAll(".form-message")) { // it would cover the head, for those without JavaScript
  toast(message.textContent, { kind: message.classList.contains("error") ? "bad" : "good", seconds: 12 });
  message.remove();
}
showActive();
performance.mark("goby:editor");
document.body.dataset.ready = "true"; // the editor can be used; what follows fills in

begin();

async function begin() {
  await keeping.bringBack();
  if (page.restore) draftLine.read(page.restore);
  place();
  if (!page.restore && publishing?.comeBack()) { /* its dialog checks the text */ }
  else if (page.may.edit) checking.now();
  else if (cases) cases.run();
  if (page.keep && page.execution && page.may.publish) trying.runToKeep();
  socket = new Socket(socketOf(page.module, page.name), { onMessage: heard, onOpen: caughtUp });
  setInterval(() => { if (!document.hidden && isDue(page)) caughtUp(); }, DUE);
  await learnNames();
}

async function learnNames() {
  if (!window.ace) return;
  try { new Names(await server.get(`api/names?language=${page.language}`), page.language).attach(editor.ace); } catch (error) { toast(`No completion: ${error.message}`); }
}

// An override may be in another language than the default that it replaces.
function speak(name) {
  page.language = name;
  editor.setMode(page.languages[name]);
  keeping.touched();
  checking.soon();
  learnNames();
}

// What is taken over may be written in another language.
function speakAs(name) {
  if (!name || name === page.language) return;
  if ($("language")) $("language").value = name;
  speak(name);
}

// `?line=` and `?find=` open the text at a place: a module's live page may lead to the constant to change.
function place() {
  const query = new URLSearchParams(location.search);
  if (query.get("find") && editor.find(query.get("find"))) return;
  if (/^\d{1,6}$/.test(query.get("line") || "")) {
    editor.goTo(Number(query.get("line")));
    editor.mark(Number(query.get("line")), "found");
  }
}

// A version becomes the text of one's own draft, which Undo brings back.
function startFrom(version) {
  const mine = keeping.hasDraft || keeping.changed;
  speakAs(version.language);
  editor.replace(version.source);
  editor.focus();
  toast(`Your draft is now the text of v${version.number}.${mine ? " Undo brings back what you had." : ""}`, { seconds: 12 });
}

// Run runs what is shown; only one's own text can be published.
function onShown() {
  if (editor.isReading !== wasReading) trying.values.forget();
  if (editor.isReading || wasReading) trying.values.compare();
  wasReading = editor.isReading;
  document.body.classList.toggle("reading", editor.isReading);
  if ($("language")) $("language").disabled = editor.isReading || !page.may.edit;
  enablePublish();
}

// -- what is live ------------------------------------------------------------------------------------------------------

function showActive() {
  const { active, activation } = page;
  $("live-chip").textContent = active ? `v${active.number} is live` : "nothing is live";
  const kind = !active ? "" : page.is_default ? "the default" : activation && activation.cause !== "rollback" ? `${active.origin} override` : "";
  const by = activation && activation.actor ? ` by ${activation.actor}` : "";
  const when = activation ? [`${kind && ", "}${CAUSES[activation.cause]}${by} `, ago(activation.at)] : [];
  const on = page.loaded.of ? ` · loaded by ${page.loaded.loaded} of ${page.loaded.of}` : "";
  $("live-detail").replaceChildren(kind, ...when, on);
  showFallback(page);
  $("unheard").hidden = !page.unheard;
  $("unheard").textContent = page.unheard;
  showOnShelf(page.name, page);
  $("live-detail").title = activation ? activation.reason : "";
  showPeople(page.people, page.user);
  trying.values.compare();
}

function take(answer) {
  const before = page.active?.number;
  Object.assign(page, { active: answer.active, activation: answer.activation, is_default: answer.is_default, loaded: answer.loaded, people: answer.people, knobs: answer.knobs, enabled: answer.enabled, unheard: answer.unheard, fallback: answer.fallback });
  showActive();
  keeping.tell();
  if (page.active?.number !== before) replayLine?.renew();
}

function nowActive(answer) {
  forget("live");
  take(answer);
  keeping.published(answer.active);
}

// After the socket came back, and after each notice: what is live is asked for, never taken from a message.
async function caughtUp() {
  socket.send({ editing: keeping.changed });
  let answer;
  try { answer = await server.get("api/active"); } catch { return; }
  const before = page.active ? page.active.number : null;
  const now = answer.active ? answer.active.number : null;
  const mine = !keeping.changed && !keeping.hasDraft;
  const fallbackBefore = page.fallback;
  take(answer);
  if (before === now) tellFallback(fallbackBefore, page);
  else forget("fallback");
  const { actor, reason } = answer.activation || {};
  if (before !== now && !mine && publishing?.isOwn(answer)) { // its answer was lost, or another tab published it
    publishing.hear(answer);
    return;
  }
  if (before === now || (actor === page.user && publishing?.dialog.open)) return; // one's own, told by the dialog
  const words = `v${now} is live now${actor ? `, by ${actor}` : ""}${reason ? `: ${sentence(reason)}` : "."}`;
  const see = ["See the diff", () => showDifference(before, now)];
  if (mine) {
    speakAs(answer.active?.language);
    keeping.become(answer.active, { replace: true });
    toast(words, { actions: [see], name: "live" });
  } else toast(`${words} Your draft stands on v${keeping.base ? keeping.base.number : "–"}.`, { actions: [see, ["Merge it in", mergeActive]], name: "live", keep: true });
}

function sentence(text) { return /[.!?…]$/.test(text.trim()) ? text.trim() : `${text.trim()}.`; }

function heard(message) {
  if (message.type === "company") {
    page.people = message.people;
    showPeople(page.people, page.user);
  } else if (message.type === "notice" && message.script === page.name) {
    if (message.kind === "rejected") toast(`A text of this script was refused: ${message.reason}`, { kind: "bad", seconds: 15 });
    else if (message.kind === "held" || message.kind === "waiting") toast(message.reason, { kind: message.kind === "held" ? "bad" : undefined, seconds: 15 });
    else if (message.kind === "in_conflict") toast(message.reason || "Two files claim to be this script.", { kind: "bad", seconds: 15 });
    else caughtUp();
  } else if (message.type === "notice") renewSibling(message.script);
}

// The list of scripts beside the editor tells what is live of each.
async function renewSibling(name) {
  try {
    const response = await fetch(`${pageOf(page.module, name)}api/active`, { headers: { Accept: "application/json" } });
    if (response.ok) showOnShelf(name, await response.json());
  } catch { /* the next notice tells */ }
}

function showOnShelf(name, { active, is_default: isDefault, fallback }) {
  const line = document.querySelector(`.shelf [data-name="${CSS.escape(name)}"]`);
  if (!line) return;
  line.querySelector(".under").textContent = active ? `v${active.number} · ${isDefault ? "default" : "override"}` : "nothing live";
  const mark = line.querySelector(".chip");
  mark.hidden = !fallback;
  mark.title = fallback ? fallback.words : "";
}

function showDifference(old, next) {
  return compare(`v${old} → v${next}`, page.activation ? page.activation.reason : "", { old, new: next });
}

function compareWith(version) {
  const mine = keeping.hasDraft || keeping.changed;
  if (!mine && page.active) return showDifference(version.number, page.active.number);
  return compare(`v${version.number} → your draft`, "", { old: version.number, new: editor.text });
}

async function compare(title, text, sides) {
  $("diff-title").textContent = title;
  $("diff-text").textContent = text;
  $("diff-dialog").showModal();
  try { $("diff-body").innerHTML = (await server.post("api/compare", sides)).html; } catch (error) { $("diff-body").textContent = error.message; }
}

// A recorded run is opened with its inputs; when another version decided it than the one that is live, that is said.
function ranOn(execution) {
  const { version } = execution;
  if (!version || !page.active || version === page.active.number) return;
  toast(`v${version} decided this; v${page.active.number} is live now.`, { actions: [["See the diff", () => showDifference(version, page.active.number)]] });
}

// -- whose text --------------------------------------------------------------------------------------------------------

async function settleDraft({ kind, mine, language: wanted, theirs, base_source }) {
  const { choice, source } = await merging.settle({ kind, mine, theirs, base_source });
  if (choice === "later") { keeping.postpone(); return; }
  if (theirs.revision) {
    keeping.revision = theirs.revision;
    keeping.saved = theirs.source;
    keeping.savedLanguage = theirs.language;
  }
  speakAs(choice === "theirs" ? theirs.language : wanted);
  editor.replace(source);
  if (choice !== "theirs") await keeping.save();
  else keeping.settled();
}

async function settleStale({ theirs, base_source, error }) {
  const text = `${error.message}${theirs.actor ? ` It is ${theirs.actor}'s` : ""}${theirs.reason ? `: ${theirs.reason}` : "."}`;
  const { choice, source } = await merging.settle({ kind: "stale", mine: editor.text, theirs, base_source, text });
  if (choice === "later") return;
  forget("live");
  keeping.become(theirs.number ? { number: theirs.number, source: theirs.source, language: theirs.language } : null, { replace: choice === "theirs" });
  if (choice === "theirs") {
    speakAs(theirs.language);
    if (keeping.hasDraft) await discard();
  } else {
    editor.replace(source);
    await keeping.save();
  }
  try { take(await server.get("api/active")); } catch { /* the socket will tell */ }
}

function mergeActive() {
  const { active, activation } = page;
  settleStale({
    theirs: { source: active.source, language: active.language, number: active.number, actor: activation?.actor, reason: activation?.reason },
    base_source: keeping.base ? keeping.base.source : "",
    error: { message: `v${active.number} went live after you began.` },
  });
}

async function discard() {
  try {
    take(await keeping.discard());
    forget("live");
    if (page.active) speakAs(page.active.language);
    toast("The draft is gone; this is the live text. Undo brings the draft back.");
  } catch (error) {
    if (error.type === "draft_conflict") settleDraft({ kind: "draft", mine: editor.text, ...error.document });
    else toast(error.message, { kind: "bad" });
  }
}

function showState({ changed, hasDraft }) {
  draftLine.tell();
  if ($("discard")) $("discard").hidden = !(hasDraft || (page.may.edit && changed));
  if (socket) socket.send({ editing: changed });
}

function enablePublish() {
  const { active } = page;
  if ($("publish")) $("publish").disabled = editor.isReading || (Boolean(active) && editor.text === active.source && page.language === active.language);
}

function textName() {
  if (draftLine.version) return `v${draftLine.version.number}`;
  const text = editor.text;
  if (page.active && text === page.active.source) return `v${page.active.number}`;
  return keeping.base ? `draft on v${keeping.base.number}` : "draft";
}

function loggedOut() {
  keeping.keepHere();
  if (!$("login-dialog").open) $("login-dialog").showModal(); // over another dialog, too: what it asks cannot be answered now
}

// -- tabs --------------------------------------------------------------------------------------------------------------

function showTab(name) {
  for (const one of TABS) {
    $(`tab-${one}`).setAttribute("aria-selected", String(one === name));
    $(`tab-${one}`).tabIndex = one === name ? 0 : -1;
    $(one).hidden = one !== name;
  }
}

function wireTabs() {
  TABS.forEach((name, at) => {
    $(`tab-${name}`).addEventListener("click", () => showTab(name));
    $(`tab-${name}`).addEventListener("keydown", (event) => {
      const step = { ArrowLeft: TABS.length - 1, ArrowRight: 1 }[event.key];
      if (!step) return;
      const other = TABS[(at + step) % TABS.length];
      showTab(other);
      $(`tab-${other}`).focus();
    });
  });
}
