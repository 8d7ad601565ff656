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
    this.dialog.addEventListener("cancel", (event) => event.preventDefault());
  }

  // Resolves to {choice: "mine" | "theirs" | "both", source} once the person has chosen.
  async settle({ kind, mine, theirs, base_source, text = "" }) {
    const [title, words] = WORDS[kind];
    $("merge-title").textContent = title;
    $("merge-text").textContent = text || words;
    $("merge-legend").textContent = "Red is theirs, green is yours. Nothing is lost: whatever you choose can be undone in the editor.";
    $("merge-diff").replaceChildren();
    if (!this.dialog.open) this.dialog.showModal();
    try {
      const { html } = await this.server.post("api/compare", { old: theirs.source, new: mine });
      $("merge-diff").innerHTML = html; // our own template's, every text in it escaped
    } catch (error) { $("merge-diff").textContent = error.message; }
    const choice = await new Promise((resolve) => {
      $("take-theirs").onclick = () => resolve("theirs");
      $("keep-mine").onclick = () => resolve("mine");
      $("merge-both").onclick = () => resolve("both");
    });
    this.dialog.close();
    const source = choice === "mine" ? mine : choice === "theirs" ? theirs.source : await this.both(base_source, theirs.source, mine);
    return { choice, source };
  }

  async both(base, theirs, mine) {
    try {
      const { source, conflicts } = await this.server.post("api/merge", { base, theirs, mine });
      if (conflicts.length) {
        toast(`${conflicts.length === 1 ? "One place was" : `${conflicts.length} places were`} changed by both: marked in the text, for you to decide.`, { kind: "bad", seconds: 12 });
        setTimeout(() => this.editor.goTo(conflicts[0]), 50);
      } else toast("Both sets of changes are in the text now.", { kind: "good" });
      return source;
    } catch (error) {
      toast(`Not merged (${error.message}): your text stays.`, { kind: "bad" });
      return mine;
    }
  }
}
