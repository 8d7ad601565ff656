// A WebSocket that comes back by itself, asking for what was missed in between.

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15000;
const FORBIDDEN = 4403;
const UNKNOWN = 4404;

export class LiveSocket {
  // `path()` gives the address anew for each attempt; `onState` hears "open", "waiting" or "refused".
  constructor(path, onMessage, onState) {
    this.path = path;
    this.onMessage = onMessage;
    this.onState = onState;
    this.wait = FIRST_WAIT;
    this.closed = false;
    this.retry = () => this.now();
    window.addEventListener("online", this.retry);
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}${this.path()}`);
    this.socket = socket;
    socket.addEventListener("message", (event) => {
      if (this.socket !== socket) return;
      this.wait = FIRST_WAIT;
      this.onState("open");
      this.onMessage(JSON.parse(event.data));
    });
    socket.addEventListener("close", (event) => {
      if (this.closed || this.socket !== socket) return;
      if (event.code === FORBIDDEN || event.code === UNKNOWN) {
        this.onState("refused", event.code === FORBIDDEN ? "Not allowed to watch" : "No such battle");
        return;
      }
      const pause = this.wait * (0.75 + Math.random() / 2);
      this.wait = Math.min(LONGEST_WAIT, this.wait * 2);
      this.onState("waiting", pause);
      this.timer = setTimeout(() => this.open(), pause);
    });
  }

  // Try at once instead of at the end of the pause.
  now() {
    if (!this.closed && this.socket.readyState === WebSocket.CLOSED) this.open();
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    window.removeEventListener("online", this.retry);
    this.socket.close();
  }
}
