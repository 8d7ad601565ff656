// Times as scripting/insight/times.py writes them: in the site's zone, with UTC and the reader's own time on hover.

const SITE = document.querySelector("[data-zone]")?.dataset.zone ?? "UTC";
const OWN = Intl.DateTimeFormat().resolvedOptions().timeZone;

// `2030-01-31 12:00:00`
export function moment(seconds, zone = SITE) {
  const parts = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" };
  return new Intl.DateTimeFormat("sv-SE", { ...parts, timeZone: zone }).format(new Date(seconds * 1000));
}

// `12:00:00`
export function clock(seconds) {
  return moment(seconds).slice(11);
}

export function tooltip(seconds) {
  return `${moment(seconds, "UTC")} UTC\n${own(seconds)}`;
}

// A <time> that says `words` and has the exact time on hover.
export function timeElement(seconds, words) {
  const element = document.createElement("time");
  element.dateTime = new Date(seconds * 1000).toISOString();
  element.title = tooltip(seconds);
  element.textContent = words;
  return element;
}

function own(seconds) {
  return `${moment(seconds, OWN)} your time (${OWN})`;
}

// Only the browser knows the reader's zone, so what the server wrote gets it when it is pointed at.
document.addEventListener("pointerover", ({ target }) => {
  const time = target instanceof Element && target.closest("time[datetime][title]");
  if (time && !time.title.includes("\n")) time.title += `\n${own(Date.parse(time.dateTime) / 1000)}`;
});
