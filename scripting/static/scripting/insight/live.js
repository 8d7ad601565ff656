// Keeps parts of a page up to date: fetches each [data-live] again every [data-every] milliseconds, while anyone looks.
const parts = [...document.querySelectorAll("[data-live]")];

async function renew(part) {
  if (document.hidden || part.matches(":focus-within") || part.dataset.paused) return;
  try {
    const headers = part.dataset.tag ? { "If-None-Match": part.dataset.tag } : {};
    const answer = await fetch(part.dataset.live, { headers, credentials: "same-origin", redirect: "error", cache: "no-store" });
    part.classList.toggle("goby-away", !answer.ok && answer.status !== 304);
    if (answer.status !== 200) return;
    part.dataset.tag = answer.headers.get("ETag") ?? "";
    const text = await answer.text();
    if (text !== part.textLast) part.innerHTML = part.textLast = text;
  } catch {
    part.classList.add("goby-away");
  }
}

for (const part of parts) {
  let busy = false;
  setInterval(async () => {
    if (busy) return;
    busy = true;
    await renew(part);
    busy = false;
  }, Number(part.dataset.every ?? 2000));
}
