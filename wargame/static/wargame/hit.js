// The page of test shots: asks before a shot at a unit of the running battle, fires without leaving the page and says what the
// script decided. Without it the form works too.

const SHOWN = 6;

const form = document.getElementById("hit-form");
const place = document.getElementById("hit-result");
const dialog = document.getElementById("hit-dialog");
let busy = false; // asking, or firing

form?.addEventListener("change", showWhatFiringDoes);
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (busy) return;
  busy = true;
  try {
    if (!isReal() || await confirmed()) await fire();
  } finally {
    busy = false;
  }
});
if (form) showWhatFiringDoes();

function chosen(name) {
  return form.elements[name].selectedOptions[0];
}

// With both units named the game carries the shot out.
function isReal() {
  return Boolean(form.elements.attacker.value && form.elements.target.value);
}

function showWhatFiringDoes() {
  const note = document.getElementById("hit-note");
  document.getElementById("hit-go").textContent = isReal() ? "Fire at a live unit…" : "Try the odds";
  note.hidden = !isReal();
  if (isReal()) note.textContent = `${isFriend() ? "Friendly fire: " : ""}${chosen("attacker").dataset.name} would really fire at ${chosen("target").dataset.name}${isFriend() ? ", of its own side" : ""}.`;
}

function isFriend() {
  return chosen("attacker").dataset.side === chosen("target").dataset.side;
}

// Asks by a dialog that names what would be hit, as the battle is now.
async function confirmed() {
  const [attacker, target] = [chosen("attacker").dataset, chosen("target").dataset];
  const health = await healthNow(form.elements.target.value) ?? Number(target.health);
  const itself = form.elements.attacker.value === form.elements.target.value;
  document.getElementById("hit-question").textContent = itself ? `Let ${attacker.name} fire at itself?` : isFriend() ? `Fire at a friend: ${target.name}?` : `Fire at ${target.name}?`;
  document.getElementById("hit-told").textContent = health > 0
    ? `${attacker.name} (${attacker.side}) fires at ${target.name} (${target.side}), which has ${health} health. ${isFriend() ? "Both are of the same side. " : ""}This changes the battle that runs now, for everybody who watches it, and cannot be undone.`
    : `${target.name} (${target.side}) is destroyed already: the shot would come to nothing.`;
  document.getElementById("hit-fire").textContent = isFriend() ? "Fire at a friend" : "Fire";
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => { dialog.addEventListener("close", resolve, { once: true }); });
  return dialog.returnValue === "fire";
}

// The unit's health in the battle that runs; null where it cannot be told.
async function healthNow(code) {
  try {
    const answer = await fetch(form.dataset.state, { headers: { Accept: "application/json" } });
    const unit = (await answer.json()).units.find((one) => one.id === code);
    return unit ? unit.health : null;
  } catch {
    return null;
  }
}

async function fire() {
  const button = document.getElementById("hit-go");
  button.disabled = true;
  try {
    const answer = await fetch(location.href, {
      method: "POST",
      body: new FormData(form),
      headers: { Accept: "application/json" },
    });
    const type = answer.headers.get("Content-Type") ?? "";
    if (answer.status === 403) sayWithLink("Your login does not allow it any more: ", "load the page again", location.href);
    else if (!type.includes("json")) say(`The site answered with ${answer.status}: try again in a moment.`, "bad");
    else tell(await answer.json(), answer.headers.get("X-Execution"));
  } catch {
    say("The site did not answer: try again in a moment.", "bad");
  } finally {
    button.disabled = false;
  }
}

function tell(answer, execution) {
  document.getElementById("latest-empty")?.replaceChildren("The shots above are listed here when the page is loaded again.");
  if (answer?.error) {
    const { message, script, line } = answer.error;
    say(script && line ? `${script}, line ${line}: ${message}` : message, "bad", execution ?? answer.execution);
    return;
  }
  const shot = answer?.fallback ? answer.result : answer;
  const by = answer?.fallback ? " (the built-in rule decided: the script failed)" : "";
  const message = shot?.message ? `: ${shot.message}` : "";
  const real = shot?.attacker && shot?.target ? `${named(shot.attacker)} at ${named(shot.target)}. ` : "";
  say(`${real}${shot?.hit ? "Hit" : "Miss"}${message}${by}`, shot?.hit ? "good" : "plain", execution);
}

// A unit's name, as the form gives it.
function named(code) {
  const option = form.querySelector(`select[name="attacker"] option[value="${CSS.escape(code)}"]`);
  return option?.textContent.trim() ?? code;
}

function say(text, mood, execution) {
  const line = document.createElement("p");
  line.className = `shot-result ${mood}`;
  line.textContent = text;
  if (execution && form.dataset.execution) {
    line.append(" ", link("how it was decided", form.dataset.execution.replace(form.dataset.id, execution)));
  }
  place.prepend(line);
  while (place.children.length > SHOWN) place.lastElementChild.remove();
}

function sayWithLink(text, words, address) {
  say(text, "bad");
  place.firstElementChild.append(link(words, address));
}

function link(words, address) {
  const anchor = document.createElement("a");
  anchor.href = address;
  anchor.textContent = words;
  return anchor;
}
