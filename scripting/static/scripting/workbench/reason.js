// Asks for a reason, then makes another version live; `done` shows what came of it.

import { $ } from "./dom.js";
import { Server } from "./server.js";

export function askAndRollBack({ module, name, number, title, text, go, login, done }) {
  const loggedOut = () => { location.href = `${login}?next=${encodeURIComponent(location.pathname + location.search)}`; };
  const server = new Server(`/scripts/${module}/${name}/`, loggedOut);
  const dialog = $("reason-dialog");
  $("reason-title").textContent = title;
  $("reason-text").textContent = text;
  $("reason-go").textContent = go;
  $("reason-problem").hidden = true;
  dialog.showModal();
  $("reason-field").focus();
  dialog.querySelector("form").onsubmit = async (event) => {
    event.preventDefault();
    $("reason-go").disabled = true;
    try {
      await server.post("api/rollback", { number, reason: $("reason-field").value });
      $("reason-field").value = "";
      dialog.close();
      done();
    } catch (error) {
      $("reason-problem").textContent = error.message;
      $("reason-problem").hidden = false;
    } finally {
      $("reason-go").disabled = false;
    }
  };
}
