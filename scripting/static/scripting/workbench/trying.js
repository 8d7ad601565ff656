// Try it: inputs as a form or as JSON or from a recorded event, a seed, Run, and the trials so far.

import { $, bytes, h, microseconds, toast } from "./dom.js";
import { schemaForm } from "./form.js";
import { drawSample } from "./sample.js";
import { drawOutcome, oneLine } from "./outcome.js";

export class Trying {
  constructor(server, editor, page, { language, showTab, textName, ranOn }) {
    Object.assign(this, { server, editor, page, language, showTab, textName, ranOn });
    this.payloads = new Map(page.inputs.map((source) => [source.key, structuredClone(source.example)]));
    this.execution = null; // a recorded run whose very inputs are used
    this.asJson = false;
    this.trials = [];
    for (const source of page.inputs) $("input-source").append(h("option", { value: source.key }, source.label));
    $("input-source").addEventListener("change", () => { this.execution = null; $("recorded").value = ""; this.draw(); });
    $("recorded").addEventListener("focus", () => this.listRecorded(), { once: true });
    $("recorded").addEventListener("change", () => this.pick($("recorded").value));
    $("as-form").addEventListener("click", () => this.choose(false));
    $("as-json").addEventListener("click", () => this.choose(true));
    $("input-json").addEventListener("input", () => this.readJson());
    $("run").addEventListener("click", () => this.run());
    $("sample").addEventListener("click", () => this.sample());
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
        const at = new Date(event.at * 1000).toLocaleTimeString();
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
          $("recorded").append(h("option", { value: id }, `${new Date(this.execution.at * 1000).toLocaleTimeString()}  ${this.execution.topic}`));
        }
        $("recorded").value = id;
        $("seed").value = "";
        this.ranOn(this.execution);
      } catch (error) { toast(error.message, { kind: "bad" }); }
    }
    this.draw();
  }

  run() {
    return this.ask("api/trial", (answer) => this.keep({ ...answer, text: this.textName(), label: this.execution ? "recorded event" : this.source.label }));
  }

  sample() {
    for (const other of this.trials) other.row.removeAttribute("aria-current");
    return this.ask("api/sample", (answer) => $("outcome").replaceChildren(...drawSample(answer)));
  }

  async ask(path, show) {
    if (!this.page.may.run || this.running) return;
    if ($("input-json").getAttribute("aria-invalid") && !$("input-json").hidden) {
      toast("The inputs are no JSON yet.", { kind: "bad" });
      $("input-json").focus();
      return;
    }
    this.running = true;
    $("run").disabled = true;
    $("sample").disabled = true;
    $("outcome").setAttribute("aria-busy", "true");
    const wanted = {
      source: this.editor.text, language: this.language(), seed: $("seed").value, compare: $("compare").checked,
      ...(this.execution ? { execution: this.execution.id } : { input: this.source.key, payload: this.payload }),
    };
    try {
      show(await this.server.post(path, wanted));
    } catch (error) {
      if (error.type !== "login_required") $("outcome").replaceChildren(h("p", { class: "problem", role: "alert" }, error.message));
    } finally {
      this.running = false;
      $("run").disabled = false;
      $("sample").disabled = false;
      $("outcome").removeAttribute("aria-busy");
    }
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
