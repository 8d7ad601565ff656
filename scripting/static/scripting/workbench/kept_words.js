// Words that somebody has typed outside the editor: kept in this tab while they log in again or load the page anew.

export function keepWords(name, words) {
  try { sessionStorage.setItem(`goby:words:${name}`, JSON.stringify(words)); } catch { /* full: they still stand on the page */ }
}

// What was kept, once; null without any.
export function takeWords(name) {
  const kept = sessionStorage.getItem(`goby:words:${name}`);
  sessionStorage.removeItem(`goby:words:${name}`);
  return JSON.parse(kept);
}
