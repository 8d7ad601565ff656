// The page of test shots: fires without leaving the page and says what the script decided. Without it the form works too.

const SHOWN = 6;

const form = document.getElementById("hit-form");
const place = document.getElementById("hit-result");

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
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
});

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
