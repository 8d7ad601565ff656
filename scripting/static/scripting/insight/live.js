// Keeps parts of a page up to date: fetches each [data-live] again every [data-every] milliseconds, while anyone looks.
// What stays the same stays the same element, by its [data-key] wherever it moves to: it keeps its focus and what is selected.
const parts = [...document.querySelectorAll("[data-live]")];

async function renew(part) {
  if (document.hidden) return;
  try {
    const headers = part.dataset.tag ? { "If-None-Match": part.dataset.tag } : {};
    const answer = await fetch(part.dataset.live, { headers, credentials: "same-origin", redirect: "error", cache: "no-store" });
    part.classList.toggle("goby-away", !answer.ok && answer.status !== 304);
    if (answer.status !== 200) return;
    part.dataset.tag = answer.headers.get("ETag") ?? "";
    const text = await answer.text();
    const made = document.createElement("template");
    made.innerHTML = text;
    const focused = part.contains(document.activeElement);
    merge(part, made.content);
    if (focused && !part.contains(document.activeElement)) part.focus({ preventScroll: true }); // its row is gone
  } catch {
    part.classList.add("goby-away");
  }
}

const keyOf = (node) => node.dataset?.key;

// Makes the children of `old` those of `fresh`.
function merge(old, fresh) {
  const wanted = new Set([...fresh.children].map(keyOf));
  const known = new Map();
  for (const child of [...old.children]) {
    const key = keyOf(child);
    if (!key) continue;
    if (wanted.has(key)) known.set(key, child);
    else child.remove();
  }
  let at = old.firstChild;
  for (const node of [...fresh.childNodes]) {
    const key = keyOf(node);
    const same = key ? known.get(key) : at && !keyOf(at) && at.nodeName === node.nodeName ? at : null;
    if (!same) {
      old.insertBefore(node, at);
      continue;
    }
    while (at && at !== same && !keyOf(at)) at = drop(at);
    if (at === same) at = at.nextSibling;
    else old.insertBefore(same, at);
    renewed(same, node);
  }
  while (at) at = drop(at);
}

function drop(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

function renewed(old, fresh) {
  if (!(old instanceof Element)) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  merge(old, fresh);
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

// On a narrow page the filters come one at a time when asked for, so that what was found is in sight.
const more = document.querySelector(".goby-more-filters");
if (more && matchMedia("(max-width: 640px)").matches && !("used" in more.dataset)) more.open = false;
