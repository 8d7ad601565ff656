// Two texts where one is wanted: shows how they differ, lets every place that both changed be decided, and asks for mine, theirs or
// both. What goes into the editor has no marks of a conflict: places are decided here.

import { Places } from "./merge_places.js";
import { $, toast } from "./dom.js";

const WORDS = {
  draft: ["This script was changed in another tab", "Another tab or device of yours saved a draft of this script."],
  copy: ["Two texts of yours", "This browser kept a text that was never saved, and the server has another one."],
  stale: ["Another version went live", ""],
};
const VIEWS = ["places", "both", "merged"];

export class Merging {
  constructor(server, language) {
    this.server = server;
    this.language = language;
    this.dialog = $("merge-dialog");
    this.places = new Places({ onDecided: () => this.tellCount(), onDone: () => $("merge-both").focus() });
    this.leave = () => {};
    this.dialog.addEventListener("cancel", (event) => { event.preventDefault(); this.leave(); });
    $("merge-later").addEventListener("click", () => this.leave());
    $("merge-form").addEventListener("submit", (event) => event.preventDefault()); // only the buttons decide
    for (const name of VIEWS) $(`merge-see-${name}`).addEventListener("click", () => this.look(name));
  }

  // Resolves to {choice: "mine" | "theirs" | "both" | "later", source} once the person has chosen. Escape is `later`; of
  // two texts of one's own the one that was never saved is kept.
  async settle({ kind, mine, theirs, base_source, text = "" }) {
    const [title, words] = WORDS[kind];
    $("merge-title").textContent = title;
    $("merge-text").textContent = text || words;
    this.texts = { mine, theirs: theirs.source };
    this.mixed = Boolean(theirs.language) && theirs.language !== this.language();
    this.merged = null;
    this.places.show({ html: "", parts: [] });
    this.tellMerged();
    if (!this.dialog.open) this.dialog.showModal();
    $("merge-later").textContent = kind === "copy" ? "Keep mine for now" : "Not now";
    const merging = this.mixed ? null : this.merge(base_source);
    this.look("both");
    $(this.mixed ? "keep-mine" : "merge-both").focus();
    const choice = await new Promise((resolve) => {
      $("take-theirs").onclick = () => resolve("theirs");
      $("keep-mine").onclick = () => resolve("mine");
      $("merge-both").onclick = async () => {
        await merging;
        if (!this.merged) toast("The two texts could not be merged just now: try again, or choose one.", { kind: "bad" });
        else if (this.places.left) { this.look("places"); this.places.toUndecided(); } else resolve("both");
      };
      this.leave = () => resolve(kind === "copy" ? "mine" : "later");
    });
    this.dialog.close();
    if (choice === "both") toast("Both sets of changes are in the text now. Undo brings back what you had.", { kind: "good" });
    return { choice, source: choice === "both" ? this.places.text : choice === "theirs" ? theirs.source : mine };
  }

  async merge(base) {
    const { mine, theirs } = this.texts;
    try { this.merged = await this.server.post("api/merge", { base, theirs, mine }); } catch (error) { $("merge-told").textContent = `Not merged: ${error.message}`; return; }
    this.places.show(this.merged);
    this.tellMerged();
    if (this.places.count) this.look("places");
  }

  tellMerged() {
    const { count } = this.places;
    $("merge-told").textContent = this.mixed ? "The two are written in different languages, so they cannot be merged: choose one." : this.merged ? this.merged.words : "";
    $("merge-told").className = `publish-check ${count || this.mixed ? "warn" : "good"}`;
    $("merge-told").hidden = !$("merge-told").textContent;
    $("merge-both").hidden = this.mixed;
    $("merge-see-merged").hidden = this.mixed;
    $("merge-see-places").hidden = !count;
    $("merge-both").textContent = count ? "Put into the editor" : "Merge both";
    this.tellCount();
  }

  tellCount() {
    const { count, left } = this.places;
    $("merge-count").textContent = count ? `${count - left} of ${count} decided` : "";
  }

  async look(name) {
    this.view = name;
    for (const one of VIEWS) $(`merge-see-${one}`).setAttribute("aria-pressed", String(one === name));
    $("merge-places").hidden = name !== "places";
    $("merge-steps").hidden = name !== "places";
    $("merge-diff").hidden = name === "places";
    $("merge-legend").textContent = LEGENDS[name](this.places);
    if (name === "places") { this.places.focus(); return; }
    const fresh = name === "both" ? this.texts.mine : this.merged && this.places.text;
    $("merge-diff").replaceChildren();
    if (typeof fresh !== "string") return;
    try {
      const { html } = await this.server.post("api/compare", { old: this.texts.theirs, new: fresh });
      if (this.view === name) $("merge-diff").innerHTML = html; // our own template's, every text in it escaped
    } catch (error) { $("merge-diff").textContent = error.message; }
  }
}

const LEGENDS = {
  places: () => "Choose what stands here: 1 mine, 2 theirs, 3 both. Enter goes on. Nothing is lost: undo in the editor brings back what you had.",
  both: () => "Red is theirs, green is yours. Nothing is lost: whatever you choose can be undone in the editor.",
  merged: ({ left }) => `Their text with your changes in green.${left ? " Places that are not decided stand here as yours." : ""}`,
};
