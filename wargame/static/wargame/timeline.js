// A slider over the moments of something, with steps, play and pause: whoever owns it draws the moments.

const PLAY_MS = 700;

export class Timeline {
  // `element` holds the controls of _timeline.html. `show(position)` draws a moment, and may give a promise; `now()` goes
  // back to what is live, where there is such a thing.
  constructor(element, show, now = null) {
    this.element = element;
    this.show = show;
    this.now = now;
    this.slider = element.querySelector("input[type=range]");
    this.playing = 0;
    this.slider.addEventListener("input", () => {
      this.pause();
      this.go(Number(this.slider.value));
    });
    element.addEventListener("submit", (event) => event.preventDefault());
    for (const button of element.querySelectorAll("[data-step]")) {
      button.addEventListener("click", () => {
        this.pause();
        this.go(this.position + Number(button.dataset.step));
      });
    }
    this.button = element.querySelector("[data-play]");
    this.button.addEventListener("click", () => (this.playing ? this.pause() : this.play()));
    element.querySelector("[data-now]")?.addEventListener("click", (event) => {
      if (!this.now) return;
      event.preventDefault();
      this.pause();
      this.live();
      this.now();
    });
    element.addEventListener("keydown", (event) => {
      if (event.key === " " && event.target === this.slider) {
        event.preventDefault();
        this.button.click();
      }
      if (event.key === "Escape" && this.element.classList.contains("past")) element.querySelector("[data-now]")?.click();
    });
  }

  get position() {
    return Number(this.slider.value);
  }

  get last() {
    return Number(this.slider.max);
  }

  // There are moments up to this one now; a slider that shows what is live goes with it.
  extend(last) {
    this.slider.max = last;
    if (!this.element.classList.contains("past")) this.slider.value = last;
  }

  // Of another battle: its moments begin at the first.
  restart() {
    this.slider.min = 1;
    this.slider.max = 1;
  }

  go(position) {
    const at = Math.max(Number(this.slider.min), Math.min(this.last, position));
    this.slider.value = at;
    this.element.classList.add("past");
    const back = this.element.querySelector("[data-now]");
    if (back) back.hidden = false;
    return this.show(at);
  }

  // What is shown is what is live.
  live() {
    this.element.classList.remove("past");
    this.element.querySelector("[data-now]").hidden = true;
    this.slider.value = this.last;
    this.say("");
    this.goneOn("");
    this.slider.focus({ preventScroll: true });
  }

  // Each moment for a while, and not before the one before it is drawn.
  async play() {
    const turn = ++Timeline.turns;
    this.playing = turn;
    this.mark(true);
    if (this.position >= this.last) await this.go(Number(this.slider.min));
    while (this.playing === turn && this.position < this.last) {
      await Promise.all([this.go(this.position + 1), new Promise((done) => setTimeout(done, PLAY_MS))]);
    }
    if (this.playing === turn) this.pause();
  }

  pause() {
    this.playing = 0;
    this.mark(false);
  }

  mark(isPlaying) {
    this.button.setAttribute("aria-pressed", String(isPlaying));
    this.button.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
    this.button.textContent = isPlaying ? "❚❚" : "▶";
  }

  // Words on the moment, as HTML that the server made; and on what went on meanwhile, as text.
  say(html) {
    this.element.querySelector("[data-told]").innerHTML = html; // rendered and escaped by the server's templates
  }

  goneOn(words) {
    this.element.querySelector("[data-went-on]").textContent = words;
  }
}

Timeline.turns = 0;
