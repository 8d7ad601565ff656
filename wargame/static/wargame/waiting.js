// The empty page: looks every three seconds whether a battle has begun, and opens it.

const place = document.getElementById("waiting");

async function look() {
  try {
    const answer = await fetch(place.dataset.state, { headers: { Accept: "application/json" } });
    if (answer.ok && (await answer.json()).game !== null) {
      location.reload();
      return;
    }
  } catch {
    // The site is unavailable: look again later.
  }
  setTimeout(look, 3000);
}

setTimeout(look, 3000);
