// Asks for a reason, then makes another version live over the one of number `live`, if that is known; `done` shows what came of it.

import { pageOf } from "./addresses.js";
import { $, h, onControlEnter } from "./dom.js";
import { Gate } from "./gate.js";
import { keepWords, takeWords } from "./kept_words.js";
import { Server } from "./server.js";

const KEPT = "rollback";
let last = null; // the gate of the version that was asked about last

export function askAndRollBack({ module, name, number, live, title, text, go, login, done }) {
  const loggedOut = () => {
    keepWords(KEPT, { module, name, number, reason: $("reason-field").value });
    $("reason-login").href = `${login}?next=${encodeURIComponent(location.pathname + location.search)}`;
    $("reason-logged-out").hidden = false;
    $("reason-login").focus();
  };
  const server = new Server(pageOf(module, name), loggedOut);
  const dialog = $("reason-dialog");
  const form = dialog.querySelector("form");
  $("reason-title").textContent = title;
  $("reason-text").textContent = text;
  $("reason-go").textContent = go;
  $("reason-problem").hidden = true;
  $("reason-logged-out").hidden = true;
  $("reason-file").hidden = true;
  let sending = false;
  let over = live ? { base: live } : {}; // what somebody else makes live meanwhile is not replaced unseen
  const gate = new Gate(server, "reason", () => { $("reason-go").disabled = sending || (gate?.stops ?? false); });
  if (last) last.leave();
  last = gate;
  dialog.showModal();
  gate.look({ number });
  server.post("api/file", { number }).then(({ path }) => {
    $("reason-file").hidden = !path;
    $("reason-file").replaceChildren(h("code", {}, path || ""), " holds another text and will take over when it is saved the next time.");
  }).catch(() => {}); // a session that ended is told when the form is sent
  $("reason-field").focus();
  onControlEnter(dialog, () => { if (!$("reason-go").disabled) form.requestSubmit(); });
  form.onsubmit = async (event) => {
    event.preventDefault();
    sending = true;
    $("reason-go").disabled = true;
    $("reason-problem").hidden = true;
    $("reason-logged-out").hidden = true;
    try {
      await server.post("api/rollback", { number, ...over, reason: $("reason-field").value, override: gate.override });
      $("reason-field").value = "";
      dialog.close();
      done();
    } catch (error) {
      if (error.type === "login_required") return; // told with the way to log in
      if (error.type === "stale_base") over = { base: error.document.live };
      $("reason-problem").textContent = error.message;
      $("reason-problem").hidden = false;
    } finally {
      sending = false;
      $("reason-go").disabled = gate.stops;
    }
  };
}

// After the login that a rollback had to wait for: its dialog is open again, with what was typed.
// `buttonOf({module, name, number})` is what opens it; none when the version became live meanwhile.
export function comeBack(buttonOf) {
  const kept = takeWords(KEPT);
  const button = kept && buttonOf(kept);
  if (!button) return;
  button.click();
  $("reason-field").value = kept.reason;
}
