// Try it: inputs as a form or as JSON or from a recorded event, a seed, Run, and the trials so far.

import { moment } from "../times.js";
import { Comparing } from "./trial_comparison.js";
import { $, bytes, h, microseconds, toast } from "./dom.js";
import { schemaForm } from "./schema_form.js";
import { drawSample } from "./sample_chart.js";
import { drawCancelled, drawOutcome, oneLine } from "./outcome.js";

const PATIENCE = 250; // ms that a trial may take before it can be cancelled: most take less

export class Trying {
  constructor(server, editor, page, { language, showTab, textName, ranOn }) {
    Object.assign(this, { server, editor, page, language, showTab, textName, ranOn });
    this.payloads = new Map(page.inputs.map((source) => [source.key, structuredClone(source.example)]));
    this.execution = null; // a recorded run whose very inputs are used
    this.asJson = false;
    this.trials = [];
    this.running = null; // the name by which the server knows the trial that runs
    this.comparing = new Comparing(server);
    for (const source of page.inputs) $("input-source").append(h("option", { value: source.key }, source.label));
    $("input-source").addEventListener("change", () => { this.execution = null; $("recorded").value = ""; this.draw(); });
    $("recorded").addEventListener("focus", () => this.listRecorded(), { once: true });
    $("recorded").addEventListener("change", () => this.pick($("recorded").value));
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

  get source() { return this.page.inputs.find((source) => source.key === $("input-source").value); }
  get payload() { return this.payloads.get(this.source.key); }

  draw() {
    const source = this.source;
    const formless = !source.schema;
    const json = this.asJson || formless || this.execution !== null;
    $("as-form").disabled = formless || this.execution !== null;
    $("as-form").setAttribute("aria-pressed", String(!json));
    $("as-json").setAttribute("aria-pressed", String(json));
    const note = this.execution ? `The inputs of execution ${this.execution.id}, with its seed and clock. Change them and they are inputs of your own.`
      : source.description || (source.key ? "The body of a request; the rest is filled in as for a real one." : "Without inputs: the script takes its own examples. Keys become context variables.");
    $("input-note").textContent = note;
    $("input-note").hidden = !note;
    $("input-form").hidden = json;
    $("input-json").hidden = !json;
    if (json) {
      $("input-json").value = JSON.stringify(this.execution ? this.execution.inputs : this.payload, null, 2);
      $("input-json").removeAttribute("aria-invalid");
    } else {
      const form = schemaForm(source.schema, this.payload, () => {});
      $("input-form").replaceChildren(...form.children);
    }
  }

  choose(json) {
    this.asJson = json;
    this.draw();
  }

  readJson() {
    try {
      const value = JSON.parse($("input-json").value);
      $("input-json").removeAttribute("aria-invalid");
      if (this.execution) this.edited(value);
      else this.payloads.set(this.source.key, value);
    } catch { $("input-json").setAttribute("aria-invalid", "true"); }
  }

  // A recorded run's inputs were changed: they are whole context variables, so they are given as such.
  edited(value) {
    const message = value.message;
    const key = message && this.page.inputs.some((source) => source.key === `topic:${message.topic}`) ? `topic:${message.topic}` : "";
    this.payloads.set(key, key ? message.payload : value);
    $("input-source").value = key;
    $("recorded").value = "";
    this.execution = null;
    this.asJson = true;
    $("input-note").textContent = "Inputs of your own, begun from a recorded event.";
  }

  async listRecorded() {
    try {
      const { events } = await this.server.get("api/events");
      for (const event of events) {
        const at = moment(event.at);
        const mark = event.status === "succeeded" ? "" : ` ⚠ ${event.status.replace("_", " ")}`;
        $("recorded").append(h("option", { value: event.id }, `${at}  ${event.topic}${mark}  ${event.summary}`));
      }
      if (!events.length) $("recorded").options[0].textContent = "this script has not run yet";
    } catch (error) { toast(`Recorded events: ${error.message}`, { kind: "bad" }); }
  }

  async pick(id) {
    this.execution = null;
    if (id) {
      try {
        this.execution = await this.server.get(`api/executions/${encodeURIComponent(id)}`);
        const key = `topic:${this.execution.topic}`;
        if (this.page.inputs.some((source) => source.key === key)) $("input-source").value = key;
        if (![...$("recorded").options].some((option) => option.value === id)) {
          $("recorded").append(h("option", { value: id }, `${moment(this.execution.at)}  ${this.execution.topic}`));
        }
        $("recorded").value = id;
        $("seed").value = "";
        this.ranOn(this.execution);
      } catch (error) { toast(error.message, { kind: "bad" }); }
    }
    this.draw();
  }

  run() {
    return this.ask("api/trial", (answer, given) => {
      if (answer.trial.status === "cancelled") this.put(drawCancelled(given.seconds));
      else this.keep({ ...answer, ...given });
    });
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
    if (!this.page.may.run || this.running) return;
    if ($("input-json").getAttribute("aria-invalid") && !$("input-json").hidden) {
      toast("This isn't valid JSON.", { kind: "bad" });
      $("input-json").focus();
      return;
    }
    const given = {
      text: this.textName(), source: this.editor.shown, label: this.execution ? "recorded event" : this.source.label,
      inputs: JSON.stringify(this.execution ? this.execution.inputs : this.payload, null, 2),
    };
    const wanted = {
      source: given.source, language: this.language(), seed: $("seed").value, compare: $("compare").checked, trial: newName(),
      ...(this.execution ? { execution: this.execution.id } : { input: this.source.key, payload: this.payload }),
    };
    const began = performance.now();
    const ended = this.begin(wanted.trial);
    try {
      const answer = await this.server.post(path, wanted);
      show(answer, { ...given, seconds: (performance.now() - began) / 1000 });
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
    $("outcome").scrollTop = 0;
  }
}

// Not crypto.randomUUID: it is missing where the site is not served over HTTPS.
function newName() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
