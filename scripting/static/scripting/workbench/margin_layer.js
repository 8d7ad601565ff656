// A layer of the editor for notes behind the ends of lines. They stand in the text's own coordinates, so they scroll with it.

const GAP = 24; // px between the end of a line and its note
const LEAST = 110; // px of a note that is seen at least: on a long line it covers the end of the code

export class MarginLayer {
  constructor(ace, Range) {
    this.ace = ace;
    this.Range = Range;
    this.notes = [];
    this.markers = [];
    this.element = document.createElement("div");
    this.element.className = "margin-layer";
    this.element.setAttribute("aria-hidden", "true"); // the bar below the editor says the same of the cursor's line
    ace.renderer.content.append(this.element);
    ace.renderer.on("afterRender", () => this.place());
  }

  show(notes, dimmed) {
    const { session } = this.ace;
    for (const [owner, marker] of this.markers) owner.removeMarker(marker);
    this.markers = dimmed.filter((line) => line <= session.getLength()).map((line) => [session, session.addMarker(new this.Range(line - 1, 0, line - 1, 1), "idle-line", "fullLine", true)]);
    this.notes = notes.filter((note) => note.line <= session.getLength());
    this.ace.resize();
    this.place();
  }

  place() {
    if (!this.notes.length) {
      if (this.element.firstChild) this.element.replaceChildren();
      return;
    }
    const { renderer, session } = this.ace;
    const { layerConfig: config } = renderer;
    const edge = renderer.scrollLeft + renderer.$size.scrollerWidth - 10;
    const seen = this.notes.filter(({ line }) => line > config.firstRow && line <= config.lastRow + 1);
    const elements = this.element.children;
    seen.forEach((note, at) => {
      const row = note.line - 1;
      const element = elements[at] || this.element.appendChild(document.createElement("span"));
      const end = session.documentToScreenPosition(row, session.getLine(row).length);
      const left = Math.min(renderer.$padding + end.column * config.characterWidth + GAP, Math.max(edge - LEAST, edge / 2));
      const text = note.count > 1 ? `${note.text}  ×${note.count}` : note.text;
      if (element.textContent !== text) element.textContent = text;
      element.title = text;
      element.className = `value-note ${note.kind && `is-${note.kind}`}`;
      element.style.top = `${(end.row - config.firstRowScreen) * config.lineHeight}px`;
      element.style.left = `${left}px`;
      const covers = left < renderer.$padding + end.column * config.characterWidth; // the code's end, all of it
      element.style.maxWidth = `${Math.max(edge - left, 40) + (covers ? 10 : 0)}px`;
      element.style.minWidth = covers ? element.style.maxWidth : "";
    });
    while (elements.length > seen.length) this.element.lastChild.remove();
  }
}
