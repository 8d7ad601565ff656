// Zygomys in the editor: Ace's Clojure, with comments of // and /* */ and texts between backticks.

export function modeNamed(name) {
  return name === "clojure" ? zygomys() : `ace/mode/${name}`;
}

let Mode = null;

function zygomys() {
  Mode ||= made();
  return new Mode();
}

function made() {
  const { ClojureHighlightRules } = window.ace.require("ace/mode/clojure_highlight_rules");
  const { Mode: Clojure } = window.ace.require("ace/mode/clojure");

  class Rules extends ClojureHighlightRules {
    constructor() {
      super();
      this.$rules.start.unshift(
        { token: "comment", regex: /\/\/.*$/ },
        { token: "comment", regex: /\/\*/, next: "remark" },
        { token: "string", regex: /`/, next: "raw" },
      );
      this.$rules.remark = [{ token: "comment", regex: /\*\//, next: "start" }, { defaultToken: "comment" }];
      this.$rules.raw = [{ token: "string", regex: /`/, next: "start" }, { defaultToken: "string" }];
      this.normalizeRules();
    }
  }

  return class extends Clojure {
    constructor() {
      super();
      this.HighlightRules = Rules;
      this.lineCommentStart = "//";
      this.blockComment = { start: "/*", end: "*/" };
    }
  };
}
