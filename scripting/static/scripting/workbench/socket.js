// The page's socket: comes back by itself, and says so.

import { $ } from "./dom.js";

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const NO_REDIS = 4503;
const REFUSED = { 4505: "Not live: manage.py check says what is missing", 4401: "Logged out", 4403: "Not allowed", 4404: "No such script" };

export class Socket {
  // `onMessage(message)`; `onOpen()` after each time it came (back): what was missed is asked for there.
  constructor(path, { onMessage, onOpen }) {
    Object.assign(this, { path, onMessage, onOpen });
    this.wait = FIRST_WAIT;
    window.addEventListener("online", () => this.now());
    window.addEventListener("focus", () => this.now()); // who was logged out here may have logged in again elsewhere
    window.addEventListener("pagehide", () => { this.leaving = true; this.socket.close(); });
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}${this.path}`);
    this.socket = socket;
    socket.addEventListener("message", (event) => {
      const message = JSON.parse(event.data);
      if (message.type === "ready") {
        this.wait = FIRST_WAIT;
        this.say("open", "Live");
        this.onOpen();
      } else this.onMessage(message);
    });
    socket.addEventListener("close", (event) => {
      if (this.leaving || this.socket !== socket) return;
      if (REFUSED[event.code]) { this.say("refused", REFUSED[event.code]); return; }
      this.say("waiting", event.code === NO_REDIS ? "Not live: Redis does not answer" : "Reconnecting…");
      this.timer = setTimeout(() => this.open(), this.wait * (0.75 + Math.random() / 2));
      this.wait = Math.min(LONGEST_WAIT, this.wait * 2);
    });
  }

  now() { if (this.socket.readyState === WebSocket.CLOSED) this.open(); }

  send(message) { if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message)); }

  say(state, text) {
    $("connection").dataset.state = state;
    $("connection-text").textContent = text;
  }
}
