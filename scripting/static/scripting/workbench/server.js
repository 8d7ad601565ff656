// Asks the server for JSON. A refusal is an exception with the server's type and words; so is a server out of reach.

import { write } from "./exact_json.js";

export class Refused extends Error {
  constructor(status, document) {
    super(document.error.message);
    this.status = status;
    this.type = document.error.type;
    this.document = document;
  }
}

const UNREACHABLE = { error: { type: "unreachable", message: "The server cannot be reached." } };

export class Server {
  // `root` is where the script's addresses begin; `onLoggedOut` is called when the session has ended.
  constructor(root, onLoggedOut = () => {}) {
    this.root = root;
    this.onLoggedOut = onLoggedOut;
  }

  get(path) {
    return this.ask("GET", path);
  }

  post(path, body, signal) {
    return this.ask("POST", path, body, { signal });
  }

  // Something that takes a while: when `signal` comes, or the page is left, nobody waits for it, and it ends on the server too.
  async postStoppable(path, body, signal) {
    const trial = body.trial ?? newName();
    const stop = () => this.ask("POST", "api/cancel", { trial }, { keepalive: true }).catch(() => {}); // else its time limit ends it
    signal?.addEventListener("abort", stop);
    window.addEventListener("pagehide", stop);
    try {
      return await this.post(path, { ...body, trial }, signal);
    } finally {
      signal?.removeEventListener("abort", stop);
      window.removeEventListener("pagehide", stop);
    }
  }

  async ask(method, path, body, more) {
    const headers = { Accept: "application/json" };
    if (method !== "GET") {
      headers["Content-Type"] = "application/json";
      headers["X-CSRFToken"] = token(); // read anew each time: another tab may have logged in again
    }
    let response;
    let document;
    try {
      response = await fetch(this.root + path, { ...more, method, headers, body: body && write(body) });
      document = await response.json();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      const status = response ? response.status : 0;
      // A token that no longer fits the session is answered with a page, not with JSON.
      if (status === 403) throw this.loggedOut();
      throw new Refused(status, status ? { error: { type: "broken", message: `The server answered ${status}.` } } : UNREACHABLE);
    }
    if (response.ok) return document;
    if (response.status === 401) throw this.loggedOut();
    throw new Refused(response.status, document.error ? document : UNREACHABLE);
  }

  loggedOut() {
    this.onLoggedOut();
    return new Refused(401, { error: { type: "login_required", message: "Your session has ended." } });
  }
}

// Not crypto.randomUUID: it is missing where the site is not served over HTTPS.
export function newName() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function token() {
  const found = document.cookie.split("; ").find((cookie) => cookie.startsWith("csrftoken="));
  return found ? decodeURIComponent(found.slice("csrftoken=".length)) : "";
}
