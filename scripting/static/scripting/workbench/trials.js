// Try it: inputs as a form or as JSON or from a recorded event, a seed, Run, and the trials so far.

import { Comparing } from "./trial_comparison.js";
import { $, bytes, h, microseconds, toast } from "./dom.js";
import { copy, parse, write } from "./exact_json.js";
import { judge, schemaForm } from "./schema_form.js";
import { drawSample } from "./sample_chart.js";
import { drawCancelled, drawOutcome, oneLine } from "./outcome.js";
import { newName } from "./server.js";
import { RecordedPicker } from "./recorded_picker.js";
import { Values } from "./values.js";

const PATIENCE = 250; // ms that a trial may take before it can be cancelled: most take less

export class Trying {
  constructor(server, editor, page, { language, showTab, textName, ranOn, onKeep }) {
    Object.assign(this, { server, editor, page, language, showTab, textName, ranOn, onKeep });
    this.sources = parse(page.inputs);
    this.payloads = new Map(this.sources.map((source) => [source.key, copy(source.example)]));
    this.recorded = null; // the recorded run whose inputs are shown: {id, words, payload, original}
    this.picks = 0;
    this.picking = null; // settled once what was chosen is shown
    this.asJson = false;
    this.trials = [];
    this.running = null; // the name by which the server knows the trial that runs
    this.comparing = new Comparing(server);
    this.values = new Values(editor, page);
    this.picker = new RecordedPicker(server, (id) => this.pick(id));
    for (const source of this.sources) $("input-source").append(h("option", { value: source.key }, source.label));
    $("input-source").addEventListener("change", () => { this.picker.show(""); this.pick(""); });
    $("as-form").addEventListener("click", () => this.choose(false));
    $("as-json").addEventListener("click", () => this.choose(true));
    $("input-json").addEventListener("input", () => this.readJson());
    $("run").addEventListener("click", () => this.run());
    $("sample").addEventListener("click", () => this.sample());
    $("cancel").addEventListener("click", () => this.cancel());
    document.addEventListener("keydown", (event) => this.escape(event), true); // before the editor takes it
    if (page.execution) this.pick(page.execution);
    this.draw();
  }

  get source() { return this.sources.find((source) => source.key === $("input-source").value); }
  get payload() { return this.recorded ? this.recorded.payload : this.payloads.get(this.source.key); }
  get isChanged() { return this.recorded !== null && write(this.recorded.payload) !== this.recorded.original; }

  draw() {
    const json = this.asJson || !this.source.schema;
    $("as-form").disabled = !this.source.schema;
    $("as-form").setAttribute("aria-pressed", String(!json));
    $("as-json").setAttribute("aria-pressed", String(json));
    $("reads-field").hidden = this.recorded === null;
    this.tellInputs();
    $("input-form").hidden = json;
    $("input-json").hidden = !json;
    if (json) {
      $("input-json").value = write(this.payload, 2);
      judge($("input-json"));
    } else {
      const form = schemaForm(this.source.schema, this.payload, () => this.tellInputs());
      $("input-form").replaceChildren(...form.children);
    }
  }

  tellInputs() {
    const { source, recorded } = this;
    const note = recorded && recorded.case ? `${this.isChanged ? "Your inputs, begun from" : "The inputs of"} ${recorded.words}, with its seed and clock.`
      : recorded
      ? `${recorded.words}. ${this.isChanged ? "Your inputs, begun from" : "The inputs of"} execution ${recorded.id}, with its seed and clock.`
      : source.description || (source.key ? "The body of a request; the rest is filled in as for a real one." : "Without inputs: the script takes its own examples. Keys become context variables.");
    $("input-note").textContent = note;
    $("input-note").hidden = !note;
  }

  choose(json) {
    this.asJson = json;
    this.draw();
  }

  readJson() {
    try {
      const value = parse($("input-json").value);
      judge($("input-json"));
      if (this.recorded) this.recorded.payload = value;
      else this.payloads.set(this.source.key, value);
      this.tellInputs();
    } catch (error) { judge($("input-json"), error); }
  }

  // A recorded run's inputs are shown where its source's are; "" goes back to one's own. Run waits for them.
  pick(id, from = "api/executions/") {
    this.picking = this.take(id, from);
    return this.picking;
  }

  pickCase(name) { return this.pick(name, "api/cases/of/"); }

  async take(id, from) {
    this.picks += 1;
    const mine = this.picks;
    if (!id) this.recorded = null;
    else {
      try {
        const execution = await this.server.get(from + encodeURIComponent(id));
        if (mine !== this.picks) return; // another was chosen meanwhile
        const payload = parse(execution.payload);
        this.recorded = execution.sample ? null : { ...execution, payload, original: write(payload) };
        if (execution.sample) this.payloads.set(execution.source, payload); // no run of it is recorded: it is typed in, so to speak
        $("input-source").value = execution.source;
        $("seed").value = execution.case ? execution.seed : "";
        this.picker.show(execution.words);
        if (!execution.sample) this.ranOn(execution);
      } catch (error) {
        if (mine !== this.picks) return;
        this.recorded = null;
        this.picker.show("");
        toast(error.message, { kind: "bad" });
      }
    }
    this.draw();
  }

  recordedLabel() {
    const what = this.recorded.case ? `case ${this.recorded.case}` : "recorded event";
    return `${what}${this.isChanged ? ", changed" : ""}${$("reads").value === "now" ? ", game as it is now" : ""}`;
  }

  run() {
    return this.ask("api/trial", (answer, given) => {
      if (answer.trial.status === "cancelled") this.put(drawCancelled(given.seconds));
      else this.keep({ ...answer, ...given });
    });
  }

  // Asked for by a link: the event's trial, to be kept at once.
  async runToKeep() {
    await this.run();
    if (this.trials.length) this.onKeep(this.trials.at(-1));
  }

  sample() {
    for (const other of this.trials) other.row.removeAttribute("aria-current");
    return this.ask("api/sample", (answer, { seconds }) => {
      this.put(answer.cancelled && !answer.runs ? drawCancelled(seconds, "The sample") : drawSample(answer));
    });
  }

  put(nodes) { $("outcome").replaceChildren(...nodes); }

  // What is run on what; `path` says how. `show(answer, given)` gets both.
  async ask(path, show) {
    await this.picking;
    if (!this.page.may.run || this.running) return;
    const wrong = [...$("try-inputs").querySelectorAll('[aria-invalid="true"]')].find((field) => !field.closest("[hidden]"));
    if (wrong) { // what is shown is what runs, or nothing does
      toast(`This isn't valid JSON${wrong.title && `: ${wrong.title}`}.`, { kind: "bad" });
      wrong.closest("details")?.setAttribute("open", "");
      wrong.focus();
      return;
    }
    const given = {
      text: this.textName(), source: this.editor.shown, inputs: write(this.payload, 2),
      label: this.recorded ? this.recordedLabel() : this.source.label,
    };
    const wanted = {
      source: given.source, language: this.language(), seed: $("seed").value, compare: $("compare").checked, values: this.values.isOn, trial: newName(),
      ...(this.recorded ? { [this.recorded.case ? "case" : "execution"]: this.recorded.id, reads: $("reads").value } : { input: this.source.key }),
      ...(this.recorded && !this.isChanged ? {} : { payload: this.payload }),
    };
    const began = performance.now();
    const ended = this.begin(wanted.trial);
    try {
      const answer = await this.server.postStoppable(path, wanted);
      show(answer, { ...given, wanted, seconds: (performance.now() - began) / 1000 });
    } catch (error) {
      if (error.type !== "login_required") this.put([h("p", { class: "problem", role: "alert" }, error.message)]);
    } finally {
      ended();
    }
  }

  // Buttons while a trial runs. Returns what brings them, and the focus, back.
  begin(name) {
    const focused = [$("run"), $("sample")].find((button) => button === document.activeElement);
    this.running = name;
    $("run").disabled = true;
    $("sample").disabled = true;
    $("outcome").setAttribute("aria-busy", "true");
    const timer = setTimeout(() => {
      $("sample").hidden = true;
      $("cancel").hidden = false;
      $("cancel").disabled = false;
      if (focused) $("cancel").focus();
    }, PATIENCE);
    return () => {
      clearTimeout(timer);
      this.running = null;
      $("run").disabled = false;
      $("sample").disabled = false;
      const again = focused || (document.activeElement === $("cancel") ? $("run") : null);
      $("sample").hidden = false;
      $("cancel").hidden = true;
      $("outcome").removeAttribute("aria-busy");
      if (again && (document.activeElement === document.body || document.activeElement === $("cancel"))) again.focus();
    };
  }

  async cancel() {
    if (!this.running || $("cancel").disabled) return;
    $("cancel").disabled = true;
    try {
      await this.server.post("api/cancel", { trial: this.running });
    } catch (error) {
      $("cancel").disabled = false;
      toast(error.message, { kind: "bad" });
    }
  }

  escape(event) {
    if (event.key !== "Escape" || $("cancel").hidden || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    event.stopPropagation();
    this.cancel();
  }

  keep(answer) {
    const trial = { ...answer, number: this.trials.length + 1 };
    this.trials.push(trial);
    $("trial-count").textContent = this.trials.length;
    $("no-trials").hidden = true;
    $("trial-table").hidden = false;
    const mine = trial.trial;
    const show = () => this.show(trial);
    const use = () => { $("seed").value = mine.seed; $("seed").focus(); };
    trial.row = h("tr", {},
      h("td", {}, this.comparing.box(trial)),
      h("td", {}, h("button", { type: "button", class: "link", onclick: show, "aria-label": `Show trial ${trial.number}` }, String(trial.number))),
      h("td", {}, trial.text), h("td", {}, trial.label),
      h("td", {}, h("button", { type: "button", class: "link", onclick: use, title: "Use this seed again" }, mine.seed)),
      h("td", { title: oneLine(mine) }, h("code", {}, oneLine(mine))),
      h("td", { title: oneLine(trial.active) }, h("code", {}, trial.active ? oneLine(trial.active) : "–")),
      h("td", {}, microseconds(mine.metrics.wall_us)), h("td", {}, bytes(mine.metrics.memory_bytes)));
    $("trial-rows").prepend(trial.row);
    this.show(trial);
    this.showTab("trials");
    if (mine.error && mine.error.line && mine.error.script === `${this.page.module}/${this.page.name}`) this.editor.mark(mine.error.line, "error");
  }

  show(trial) {
    for (const other of this.trials) other.row.removeAttribute("aria-current");
    trial.row.setAttribute("aria-current", "true");
    $("outcome").replaceChildren(...drawOutcome(trial, (line, column) => this.editor.goTo(line, column)));
    if (this.onKeep && !trial.trial.left) $("outcome").append(h("p", {}, h("button", { type: "button", class: "button plain small", id: "keep-trial", onclick: () => this.onKeep(trial) }, "Keep as case…")));
    this.values.show(trial.values, trial.source);
    $("outcome").scrollTop = 0;
  }
}
