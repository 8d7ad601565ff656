// The gate in a dialog that makes something live: what the policy asks, what replay and cases found, and the way past it.

import { $, h } from "./dom.js";

export class Gate {
  // `dialog` is the first part of the ids; `changed()` is called whenever `stops` may be another.
  constructor(server, dialog, changed) {
    Object.assign(this, { server, dialog, changed, state: "open", asked: 0 });
    this.part("override-ask").onclick = () => this.ask(this.part("override-part").hidden);
    this.part("override-reason").oninput = () => this.changed();
    this.part("review-ask").onclick = () => this.askReview();
  }

  part(name) { return $(`${this.dialog}-${name}`); }

  // Why a passing through a closed gate is asked for; empty where it is not.
  get override() { return this.state === "closed" && !this.part("override-part").hidden ? this.part("override-reason").value.trim() : ""; }

  // Whether it is closed, and nobody has said why it is to be passed.
  get stops() { return this.state === "closed" && !this.override; }

  get isWaiting() { return this.state === "waiting"; }

  // What is still asked is not told any more.
  leave() { this.asked += 1; }

  reset() {
    this.leave();
    this.set("open");
    this.part("gate").hidden = true;
    this.part("override").hidden = true;
    this.part("review").hidden = true;
    this.part("override-reason").value = "";
    this.ask(false);
  }

  // `document` is what api/gate is asked about.
  async look(document) {
    this.reset();
    this.document = document;
    const mine = this.asked;
    this.set("waiting");
    this.show("", h("p", {}, "The gate: replaying recorded decisions…"));
    let answer;
    try {
      answer = await this.server.post("api/gate", document);
    } catch (error) {
      if (mine !== this.asked) return;
      this.show("warn", h("p", {}, `The gate could not be asked just now: ${error.message} It is asked again when you go ahead.`));
      this.set("open");
      return;
    }
    if (mine === this.asked) this.tell(answer);
  }

  tell(answer) {
    this.part("gate").hidden = answer.mode === "off";
    if (answer.mode !== "off") {
      const verdict = answer.passes ? "passes" : answer.closed ? "closed" : "advises against it";
      const several = answer.judged.length > 1;
      this.show(answer.passes ? "good" : answer.closed ? "bad" : "warn", h("p", {}, h("b", {}, `Gate: ${verdict}`)), ...answer.judged.map((one) => h("div", {},
        one.found && h("p", {}, several && h("b", {}, `${one.script}: `), "Replayed: ", one.report ? h("a", { href: one.report, target: "_blank", rel: "noopener" }, one.found) : one.found, ".", one.plays && h("span", {}, " ", h("a", { href: one.plays, target: "_blank", rel: "noopener" }, "What was played"), ".")),
        one.approved && h("p", {}, `Approved by ${one.approved}.`),
        one.problems.length > 0 && h("ul", {}, ...one.problems.map((problem) => h("li", {}, problem))),
        h("p", { class: "quiet" }, `Policy: ${one.policy}.`))));
    }
    this.part("override").hidden = !answer.may_override;
    this.part("review").hidden = !answer.may_ask || Boolean(answer.asked);
    if (answer.asked) this.part("gate").append(h("p", {}, h("a", { href: answer.asked.address }, answer.asked.words)));
    this.set(answer.closed ? "closed" : "open");
  }

  // Ask somebody else to approve what the gate was asked about; the dialog's reason says why.
  async askReview() {
    const field = document.querySelector(`#${this.dialog}-reason, #${this.dialog}-field`);
    if (!field.value.trim()) { this.reviewSays("Say why first: who looks at it reads that."); field.focus(); return; }
    this.part("review-ask").disabled = true;
    try {
      const { address, review } = await this.server.post("api/review", { ...this.document, reason: field.value });
      this.part("review-ask").hidden = true;
      this.reviewSays("", h("a", { href: address }, `Review ${review}`), " waits for somebody else. You can publish once it is approved.");
      this.part("review-words").querySelector("a").focus();
    } catch (error) {
      this.reviewSays(error.message);
    } finally {
      this.part("review-ask").disabled = false;
    }
  }

  reviewSays(...parts) {
    this.part("review-words").setAttribute("role", "status");
    this.part("review-words").replaceChildren(...parts);
  }

  ask(open) {
    this.part("override-part").hidden = !open;
    this.part("override-ask").setAttribute("aria-expanded", String(open));
    if (open) this.part("override-reason").focus();
    this.changed();
  }

  show(kind, ...parts) {
    this.part("gate").hidden = false;
    this.part("gate").className = `gate publish-check ${kind}`;
    this.part("gate").replaceChildren(...parts);
  }

  set(state) {
    this.state = state;
    this.changed();
  }
}
