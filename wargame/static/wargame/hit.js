// The page of test shots: fires without leaving the page and says what the script decided. Without it the form works too.

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
    tell(await answer.json(), answer.headers.get("X-Execution"));
  } catch {
    say("The site did not answer: try again.", "bad");
  } finally {
    button.disabled = false;
  }
});

function tell(answer) {
  if (answer?.error) {
    const { message, script, line } = answer.error;
    say(script && line ? `${script}, line ${line}: ${message}` : message, "bad");
    return;
  }
  const shot = answer?.fallback ? answer.result : answer;
  const by = answer?.fallback ? " (the built-in rule decided: the script failed)" : "";
  const message = shot?.message ? `: ${shot.message}` : "";
  say(`${shot?.hit ? "Hit" : "Miss"}${message}${by}`, shot?.hit ? "good" : "plain");
}

function say(text, mood) {
  const line = document.createElement("p");
  line.className = `shot-result ${mood}`;
  line.textContent = text;
  place.prepend(line);
  while (place.children.length > 6) place.lastElementChild.remove();
}
