// The publish dialog: what changes, whether it compiles, why; then the lamps as each process takes the new version.

import { $, h, onControlEnter } from "./dom.js";
import { Gate } from "./gate.js";
import { keepWords, takeWords } from "./kept_words.js";

const LOOK = 250; // ms between two looks at who has taken it
const PATIENCE = 20_000;

export class Publishing {
  constructor(server, editor, page, { keeping, checking, language, trialOf, onPublished, onStale, onBehind }) {
    Object.assign(this, { server, editor, page, keeping, checking, language, trialOf, onPublished, onStale, onBehind });
    this.dialog = $("publish-dialog");
    this.cannot = true; // for a reason of the text's, whatever the gate says
    this.sending = false;
    this.heardOf = null; // while it is sent: that its text is live, which the page heard before the answer came
    this.kept = `publish:${page.module}/${page.name}`;
    this.gate = new Gate(server, "publish", () => this.enable());
    $("publish").addEventListener("click", () => this.open());
    $("publish-form").addEventListener("submit", (event) => { event.preventDefault(); this.go(); });
    $("failing-go").addEventListener("click", () => this.go(true));
    $("failing-back").addEventListener("click", () => { this.dialog.close(); this.editor.goTo(this.failing[0].line || 1, this.failing[0].column || 1); });
    onControlEnter(this.dialog, () => $("publish-failing").hidden && this.go());
  }

  get may() { return this.page.may.publish; }

  // Whether another version went live since the text was begun: then the two are merged first.
  get behind() {
    const { base } = this.keeping;
    const { active } = this.page;
    return (base ? base.number : null) !== (active ? active.number : null);
  }

  async open() {
    if (!this.may || this.dialog.open || $("publish").disabled) return;
    this.keeping.save();
    this.dialog.classList.add("wide");
    $("publish-actions").hidden = false;
    $("going-live").hidden = true;
    document.querySelector(".publish-columns").hidden = false;
    this.problem("");
    this.askOf([]);
    $("publish-diff").replaceChildren();
    $("publish-summary").textContent = "";
    this.tellBehind();
    this.tellTried();
    this.tellFile(null);
    this.checkState("", "Checking in a sandbox…");
    this.gate.reset();
    this.allow(false);
    const { loaded } = this.page;
    $("publish-who").textContent = loaded.of ? `${loaded.of} running processes will take it, without a restart.` : "Every running process will take it, without a restart.";
    this.dialog.showModal();
    $("publish-reason").focus();
    const { active } = this.page;
    const text = this.editor.text;
    const [difference, file, check] = await Promise.all([
      this.server.post("api/compare", { old: active ? active.number : "", new: text }).catch((error) => ({ error })),
      this.server.post("api/file", { source: text, language: this.language() }).catch(() => ({ path: null })),
      this.checking.now(),
    ]);
    if (difference.error) $("publish-diff").textContent = difference.error.message;
    else {
      $("publish-diff").innerHTML = difference.html; // our own template's, every text in it escaped
      const from = active ? `v${active.number}, which is live` : "nothing: no version is live";
      $("publish-summary").textContent = `Against ${from}: ${difference.added} added, ${difference.removed} removed`;
    }
    this.tellFile(file.path);
    this.judge(check);
    if (this.page.gate && this.page.browser_publish && !this.behind && (!check || check.ok)) await this.gate.look({ source: text, language: this.language() });
  }

  // The reason outlives a login.
  keep() {
    if (this.dialog.open && $("going-live").hidden) keepWords(this.kept, $("publish-reason").value);
  }

  // After the login the dialog is open again, with what was typed; whether it is.
  comeBack() {
    const reason = takeWords(this.kept);
    if (reason === null || $("publish").disabled) return false;
    this.open();
    $("publish-reason").value = reason;
    return true;
  }

  allow(can) {
    this.cannot = !can;
    this.enable();
  }

  enable() {
    if (!this.gate) return;
    $("publish-go").disabled = this.cannot || this.gate.stops || this.gate.isWaiting;
    if (!this.behind) $("publish-go").textContent = this.gate.override ? "Override, and make it live" : "Make it live";
  }

  // A file in the scripts folder that holds another text outlives what is published.
  tellFile(path) {
    for (const [id, words] of [["publish-file", "will take over when it is saved the next time."], ["going-file", "takes over when it is saved the next time."]]) {
      $(id).hidden = !path;
      if (!path) continue;
      const extract = this.page.extract && h("a", { href: this.page.extract }, "Write what is live into it");
      $(id).replaceChildren(h("code", {}, path), ` holds another text and ${words} `, id === "going-file" && extract ? extract : "");
    }
  }

  tellBehind() {
    const { active, activation } = this.page;
    const by = activation && activation.actor ? `, by ${activation.actor}` : "";
    $("publish-behind").hidden = !this.behind;
    $("publish-behind").textContent = this.behind && active
      ? `You started from ${this.keeping.base ? `v${this.keeping.base.number}` : "nothing"}; v${active.number} went live since${by}. Merge it with your text first: nothing is overwritten.` : "";
    $("publish-go").textContent = this.behind ? "Merge first…" : "Make it live";
  }

  tellTried() {
    const trial = this.trialOf(this.editor.text);
    const words = trial && (trial.trial.error ? `Trial ${trial.number} of this version failed.` : `Trial ${trial.number} ran this version.`);
    $("publish-tried").textContent = words || "You haven't tried this version yet. Run it before you publish.";
  }

  judge(check) {
    if (!check) { this.checkState("warn", "It could not be checked just now; publishing checks it again."); }
    else if (!check.ok) {
      const first = check.diagnostics.find((one) => one.severity === "error");
      this.checkState("bad", `This cannot go live: ${first.line ? `line ${first.line}: ` : ""}${first.message}`);
    } else {
      const { length } = check.diagnostics;
      const failing = check.diagnostics.filter((one) => one.certain);
      if (failing.length) this.checkState("bad", `It compiles, but will fail: ${failing[0].line ? `line ${failing[0].line}: ` : ""}${failing[0].message}${failing.length > 1 ? `, and ${failing.length - 1} more` : ""}`);
      else this.checkState(length ? "warn" : "good", length ? `It compiles, with ${length} warning${length > 1 ? "s" : ""}: ${check.diagnostics[0].message}` : "It compiles, and nothing is suspicious.");
    }
    this.allow(this.page.browser_publish && (!check || check.ok || this.behind));
  }

  // Name what will certainly fail, and ask once more; with none, ask about the text as usual.
  askOf(failing) {
    this.failing = failing;
    $("publish-failing").hidden = !failing.length;
    $("publish-actions").hidden = failing.length > 0;
    document.querySelector(".publish-columns").hidden = failing.length > 0;
    $("failing-list").replaceChildren(...failing.map((one) => h("li", {}, one.line && h("b", {}, `line ${one.line} `), one.message, one.hint && h("span", { class: "hint" }, one.hint))));
    if (failing.length) $("failing-title").focus();
  }

  async go(confirmed = false) {
    if ($("publish-go").disabled) return;
    if (this.behind) { this.dialog.close(); this.onBehind(); return; }
    if (!$("publish-reason").value.trim()) { this.problem("Say why: the next person who wonders will read it."); $("publish-reason").focus(); return; }
    this.allow(false);
    this.problem("");
    const source = this.editor.text;
    this.sending = true;
    this.heardOf = null;
    try {
      const answer = await this.server.post("api/publish", {
        source, language: this.language(), reason: $("publish-reason").value, base: this.keeping.base ? this.keeping.base.number : null, confirmed, override: this.gate.override,
      });
      await this.done(answer);
    } catch (error) {
      const isLost = error.type === "unreachable" || error.type === "broken"; // it may be that of the answer alone
      const live = isLost ? this.heardOf || await this.ownThatIsLive() || this.heardOf : null;
      if (live) { await this.done(live); return; }
      this.allow(true);
      if (error.type !== "will_fail") this.askOf([]);
      if (error.type === "stale_base") {
        this.dialog.close();
        this.onStale(error.document);
      } else if (error.type === "will_fail") {
        this.askOf(error.document.diagnostics);
      } else if (error.type === "check_failed") {
        this.checking.show(error.document);
        this.problem(error.message);
      } else if (error.type === "unreachable") {
        this.problem(`${error.message} Once it answers again, this page shows whether the text went live.`);
      } else {
        this.problem(error.message);
        if (error.type === "gate_closed") await this.gate.look({ source, language: this.language() }); // the policy, or what is live, is another by now
      }
    } finally {
      this.sending = false;
    }
  }

  // The page has heard that its own text is live, whose answer may have been lost.
  hear(answer) {
    if (this.sending) this.heardOf = answer; // `go` has its answer still to come
    else this.done(answer);
  }

  async ownThatIsLive() {
    const answer = await this.server.get("api/active").catch(() => null);
    return answer && this.isOwn(answer) ? answer : null;
  }

  // Whether what is live is the text of the editor, published by the same person.
  isOwn({ active, activation }) {
    return Boolean(active) && active.source === this.editor.text && active.language === this.language() && activation?.cause === "publish" && activation.actor === this.page.user;
  }

  // The text is live, as `answer` says.
  async done(answer) {
    $("publish-reason").value = "";
    this.onPublished(answer);
    if (this.dialog.open) await this.watch(answer.active.number);
  }

  // Look until every process has taken version `number`.
  async watch(number) {
    this.askOf([]);
    document.querySelector(".publish-columns").hidden = true;
    $("publish-actions").hidden = true;
    $("going-live").hidden = false;
    this.dialog.classList.remove("wide");
    $("going-title").textContent = `v${number} is going live…`;
    $("going-detail").textContent = "";
    $("lamps").replaceChildren();
    $("publish-summary").textContent = "";
    $("going-done").focus(); // what had the focus is hidden now
    const until = Date.now() + PATIENCE;
    let known = true;
    while (Date.now() < until && this.dialog.open) {
      const state = await this.server.get("api/live").catch(() => null);
      if (state && state.number !== number) { $("going-title").textContent = `v${state.number} went live after it.`; return; }
      if (state) known = state.known;
      if (!known) this.tellUnknown(number);
      else if (state && !state.of) { $("going-title").textContent = `v${number} is live.`; $("going-detail").textContent = this.page.unheard; return; }
      if (state && known) {
        this.page.loaded = state;
        $("lamps").replaceChildren(...Array.from({ length: state.of }, (_, place) => h("i", { class: place < state.loaded ? "lit" : null })));
        const words = `on ${state.loaded} of ${state.of}`;
        $("going-title").textContent = state.loaded === state.of ? `Live ${words}` : `Going live: ${words}`;
        $("going-detail").textContent = state.loaded === state.of ? this.page.unheard || "Every running process has taken it." : `Waiting for ${state.waiting.join(", ")}.`;
        if (state.loaded === state.of) return;
      }
      await new Promise((resolve) => { setTimeout(resolve, LOOK); });
    }
    if (this.dialog.open && known) $("going-detail").textContent += " A process that does not answer takes it when it runs its next script.";
  }

  // Without Redis nobody says who has taken it; each process finds it in the database.
  tellUnknown(number) {
    $("going-title").textContent = `v${number} is active`;
    $("lamps").replaceChildren();
    $("going-detail").textContent = `Redis does not answer: processes take it within ${this.page.poll_seconds} s; who has it cannot be told now.`;
  }

  checkState(kind, text) {
    $("publish-check").className = `publish-check ${kind}`;
    $("publish-check").textContent = text;
  }

  problem(text) {
    $("publish-problem").textContent = text;
    $("publish-problem").hidden = !text;
  }
}
