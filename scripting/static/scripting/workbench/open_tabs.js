// Which tabs of this browser are open: each answers to its name. One that crashed or was closed does not.

const PATIENCE = 300; // ms
const tabs = "BroadcastChannel" in window ? new BroadcastChannel("goby:tabs") : null;

export function sayOpen(name) {
  tabs?.addEventListener("message", ({ data }) => { if (data.asked === name) tabs.postMessage({ open: name }); });
}

// Whether the tab of that name is open; true where that cannot be asked.
export function isOpen(name) {
  if (!tabs) return Promise.resolve(true);
  return new Promise((resolve) => {
    const hear = ({ data }) => { if (data.open === name) settle(true); };
    const timer = setTimeout(() => settle(false), PATIENCE);
    const settle = (found) => { clearTimeout(timer); tabs.removeEventListener("message", hear); resolve(found); };
    tabs.addEventListener("message", hear);
    tabs.postMessage({ asked: name });
  });
}
