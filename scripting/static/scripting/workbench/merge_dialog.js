// Two texts where one is wanted: shows how they differ and asks for mine, theirs or both.

import { $, toast } from "./dom.js";

const WORDS = {
  draft: ["This script was changed in another tab", "Another tab or device of yours saved a draft of this script."],
  copy: ["Two texts of yours", "This browser kept a text that was never saved, and the server has another one."],
  stale: ["Another version went live", ""],
};

export class Merging {
  constructor(server, editor) {
    this.server = server;
    this.editor = editor;
    this.dialog = $("merge-dialog");
    this.dialog.addEventListener("cancel", (event) => { event.preventDefault(); this.leave(); });
    this.leave = () => {};
  }

  // Resolves to {choice: "mine" | "theirs" | "both" | "later", source} once the person has chosen. Escape is `later`; of
  // two texts of one's own the one that was never saved is kept.
  async settle({ kind, mine, theirs, base_source, text = "" }) {
    const [title, words] = WORDS[kind];
    $("merge-title").textContent = title;
    $("merge-text").textContent = text || words;
    $("merge-both").textContent = "Merge both";
    $("merge-diff").replaceChildren();
    const merging = this.server.post("api/merge", { base: base_source, theirs: theirs.source, mine }).catch((error) => ({ error }));
    const views = {
      both: () => this.look("both", "Red is theirs, green is yours. Nothing is lost: whatever you choose can be undone in the editor.", theirs.source, mine),
      merged: async () => {
        const merged = await merging;
        if (merged.error) $("merge-diff").textContent = merged.error.message;
        else await this.look("merged", told(merged.conflicts), theirs.source, merged.source);
      },
    };
    $("merge-see-both").onclick = views.both;
    $("merge-see-merged").onclick = views.merged;
    if (!this.dialog.open) this.dialog.showModal();
    $("merge-both").focus();
    views.both();
    merging.then(({ conflicts }) => {
      if (conflicts && conflicts.length) $("merge-both").textContent = `Merge both (${conflicts.length} to decide)`;
    });
    const choice = await new Promise((resolve) => {
      $("take-theirs").onclick = () => resolve("theirs");
      $("keep-mine").onclick = () => resolve("mine");
      $("merge-both").onclick = () => resolve("both");
      this.leave = () => resolve(kind === "copy" ? "mine" : "later");
    });
    this.dialog.close();
    const source = choice === "mine" || choice === "later" ? mine : choice === "theirs" ? theirs.source : this.both(await merging, mine);
    return { choice, source };
  }

  async look(name, legend, old, fresh) {
    this.view = name;
    for (const one of ["both", "merged"]) $(`merge-see-${one}`).setAttribute("aria-pressed", String(one === name));
    $("merge-legend").textContent = legend;
    try {
      const { html } = await this.server.post("api/compare", { old, new: fresh });
      if (this.view === name) $("merge-diff").innerHTML = html; // our own template's, every text in it escaped
    } catch (error) { $("merge-diff").textContent = error.message; }
  }

  both({ source, conflicts, error }, mine) {
    if (error) {
      toast(`Not merged (${error.message}): your text stays.`, { kind: "bad" });
      return mine;
    }
    if (conflicts.length) {
      toast(`${conflicts.length === 1 ? "One place was" : `${conflicts.length} places were`} changed by both: marked in the text, for you to decide.`, { kind: "bad", seconds: 12 });
      setTimeout(() => this.editor.goTo(conflicts[0]), 50);
    } else toast("Both sets of changes are in the text now.", { kind: "good" });
    return source;
  }
}

function told(conflicts) {
  if (!conflicts.length) return "The live text with your changes in green: nothing was changed by both.";
  return `The live text with your changes in green. ${conflicts.length === 1 ? "One place was" : `${conflicts.length} places were`} changed by both: both stand there between <<<<<<< and >>>>>>>, and you decide in the editor.`;
}
