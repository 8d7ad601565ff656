// The script's cases: run by each text that passed its check, listed below the editor; kept, tried, changed and deleted here.

import { $, ago, h, toast } from "./dom.js";

const REST = 400; // ms that a text that passed its check must rest

export class Cases {
  // `onTry(name)` puts the inputs of a case into the form.
  constructor(server, editor, { may, language, onTry }) {
    Object.assign(this, { server, editor, may, language, onTry, ran: "", trial: null, changing: "" });
    if (!may.publish) return;
    const forms = [["keep-case", () => this.keep()], ["change-case", () => this.change()], ["remove-case", () => this.remove()]];
    for (const [form, act] of forms) $(form).addEventListener("submit", (event) => { event.preventDefault(); act(); });
    for (const radio of document.querySelectorAll("[name=hold]")) radio.addEventListener("change", () => this.chooseHold());
  }

  get isEmpty() { return !$("case-list").children.length; }

  // Called after each check with the text and its result.
  checked(text, { ok }) {
    clearTimeout(this.timer);
    if (this.running) this.running.abort();
    if (!ok && !this.isEmpty) this.say("This text does not pass its check: listed is what the last one did that passed.");
    if (!ok) return;
    if (text === this.ran) { this.say(this.isEmpty ? $("no-cases").dataset.none : ""); return; }
    this.timer = setTimeout(() => { if (this.editor.text === text) this.run(text); }, REST);
  }

  async run(text = this.editor.text) {
    clearTimeout(this.timer);
    const running = new AbortController();
    this.running = running;
    try {
      const answer = await this.server.postStoppable("api/cases", { source: text, language: this.language() }, running.signal);
      this.ran = text;
      this.show(answer);
    } catch (error) {
      if (error.name !== "AbortError") this.say(`Not run: ${error.message}`);
    } finally {
      if (this.running === running) this.running = null;
    }
  }

  show({ cases, red }) {
    $("case-count").textContent = `${cases.length}${red ? `, ${red} red` : ""}`;
    $("case-count").className = `count ${red ? "bad" : ""}`;
    $("case-list").replaceChildren(...[...cases].sort((one, two) => one.passed - two.passed).map((one) => this.row(one)));
    this.say(cases.length ? "" : $("no-cases").dataset.none);
  }

  say(words) {
    $("no-cases").textContent = words;
    $("no-cases").hidden = !words;
  }

  row(one) {
    const from = one.origin === "editor" ? [one.user ? `kept by ${one.user} ` : "kept ", ago(one.at)] : [one.origin === "embedded" ? "ships with the module" : `from ${one.file}`];
    const act = (label, run) => h("button", { type: "button", class: "link", onclick: run }, label, h("span", { class: "unseen" }, ` ${one.name}`));
    return h("li", { class: one.passed ? null : "red" },
      h("span", { class: `chip ${one.passed ? "live" : "bad"}` }, one.passed ? "holds" : "red"),
      h("div", { class: "case-words" },
        h("p", {}, h("b", {}, one.name), " ", h("span", { class: "quiet" }, ...from)),
        one.note && h("p", {}, one.note),
        h("p", { class: "quiet" }, `Expected ${one.expected.join("; ")}`),
        !one.passed && h("p", { class: "came" }, one.message)),
      h("div", { class: "case-actions" }, act("Try it", () => this.onTry(one.name)), this.may.publish && act("Edit", () => this.openChange(one)), this.may.publish && act("Delete", () => this.openRemove(one))));
  }

  // -- keep --------------------------------------------------------------------------------------------------------------

  // `trial` is one of the page's, with what the server was asked.
  openKeep(trial) {
    this.trial = trial;
    $("keep-problem").hidden = true;
    $("keep-name").value = "";
    $("keep-note").value = "";
    this.chooseHold();
    $("keep-dialog").showModal();
    $("keep-name").focus();
  }

  get hold() { return document.querySelector("[name=hold]:checked").value; }

  chooseHold() { $("keep-tolerance").disabled = this.hold !== "within"; }

  keep() {
    const { wanted, trial } = this.trial;
    const asked = { ...wanted, trial: "", compare: false, seed: trial.seed, name: $("keep-name").value, note: $("keep-note").value, hold: this.hold, tolerance: $("keep-tolerance").value };
    return this.send("keep", asked, $("keep-dialog"), $("keep-problem"), ({ name, hidden }) => {
      toast(`${name} is kept: it is run whenever a text passes its check.${hidden ? " What its topic hides is hidden in it." : ""}`, { kind: "good" });
    });
  }

  // -- change and delete ---------------------------------------------------------------------------------------------------

  openChange(one) {
    this.changing = one.name;
    $("change-title").textContent = one.name;
    $("change-file").hidden = !one.file;
    $("change-file").textContent = one.file ? `${one.file} holds this case too, and takes over when it is saved the next time.` : "";
    $("change-note").value = one.note;
    $("change-expect").value = one.expect;
    $("change-problem").hidden = true;
    $("change-dialog").showModal();
    $("change-expect").focus();
  }

  change() {
    const asked = { name: this.changing, note: $("change-note").value, expect: $("change-expect").value };
    return this.send("change", asked, $("change-dialog"), $("change-problem"), () => {});
  }

  openRemove(one) {
    this.changing = one.name;
    $("remove-title").textContent = `Delete the case ${one.name}?`;
    const stays = one.file ? `${one.file} stays: the case is back when it is saved the next time.` : one.shipped ? "The module ships it: it is back when a release changes it." : "It is gone for good.";
    $("remove-text").textContent = stays;
    $("remove-problem").hidden = true;
    $("remove-dialog").showModal();
  }

  remove() {
    return this.send("remove", { name: this.changing }, $("remove-dialog"), $("remove-problem"), ({ name }) => toast(`The case ${name} is deleted.`));
  }

  async send(verb, asked, dialog, problem, done) {
    problem.hidden = true;
    try {
      const answer = await this.server.post(`api/cases/${verb}`, asked);
      dialog.close();
      done(answer);
      await this.run();
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    }
  }
}
