// The drawn map: moves units, shows their health, and what is done to them. Draws nothing that the server has not drawn first.

const SVG = "http://www.w3.org/2000/svg";
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const LINE_MS = 650;
const NUMBER_MS = 1400;

export class Board {
  constructor(place) {
    this.place = place;
    this.where = new Map();
  }

  // Units as the feed gives them, whole or those that changed. One that falls leaves a wreck; in the past it may stand again.
  show(units) {
    for (const unit of units) {
      this.where.set(unit.id, unit);
      const shape = this.shape(unit.id);
      if (!shape) continue;
      shape.style.transform = `translate(${unit.x}px, ${unit.y}px)`;
      this.fallen(shape, unit, unit.health <= 0);
      const part = unit.health / unit.max_health;
      shape.querySelector(".health").setAttribute("width", (30 * part).toFixed(1));
      shape.classList.toggle("weak", part < 0.34);
      shape.querySelector("title").textContent = `${unit.name}, ${unit.health} of ${unit.max_health}`;
    }
  }

  shape(id) {
    return this.place.querySelector(`.unit[data-unit="${CSS.escape(id)}"]`);
  }

  fallen(shape, unit, isFallen) {
    const wreck = this.place.querySelector(`[data-wreck="${CSS.escape(unit.id)}"]`);
    if (isFallen && !wreck) this.place.querySelector(".wrecks").append(this.wreck(unit));
    if (!isFallen) wreck?.remove();
    shape.classList.toggle("gone", isFallen);
  }

  wreck(unit) {
    const place = `translate(${unit.x} ${unit.y})`;
    return this.draw("path", { class: "wreck", "data-wreck": unit.id, d: "M-6-6L6 6M-6 6L6-6", transform: place });
  }

  // An outcome from the log: a line from attacker to target, and what it cost.
  outcome(entry) {
    const target = this.where.get(entry.target);
    if (!target || entry.before === null) return;
    const attacker = this.where.get(entry.unit);
    const lost = entry.before - entry.after;
    const effects = this.place.querySelector(".effects");
    this.mark("acting", entry.kind === "chain" ? null : entry.unit);
    this.mark("struck", lost ? entry.target : null);
    if (attacker && attacker !== target && entry.kind !== "chain" && !calm.matches) {
      const line = this.draw("line", {
        class: lost ? `shot side-${attacker.side}` : "shot missed",
        x1: attacker.x, y1: attacker.y, x2: target.x, y2: target.y,
      });
      effects.append(line);
      line.animate([{ opacity: 0.9 }, { opacity: 0 }], { duration: LINE_MS, easing: "ease-out" }).finished.then(() => line.remove());
    }
    const number = this.draw("text", { class: entry.critical ? "number critical" : "number", x: target.x, y: target.y - 22 });
    number.textContent = lost ? `−${lost}` : "miss";
    effects.append(number);
    if (calm.matches) {
      setTimeout(() => number.remove(), NUMBER_MS);
    } else {
      number
        .animate([{ opacity: 1, transform: "translateY(0)" }, { opacity: 1, offset: 0.6 }, { opacity: 0, transform: "translateY(-14px)" }], {
          duration: NUMBER_MS,
          easing: "ease-out",
        })
        .finished.then(() => number.remove());
    }
  }

  // Point a unit out, or none.
  point(id) {
    for (const shape of this.place.querySelectorAll(".unit.shown")) shape.classList.remove("shown");
    const shape = id && this.shape(id);
    if (shape) {
      shape.classList.add("shown");
      shape.parentNode.append(shape);
    }
  }

  // The unit of the latest outcome wears `name` until the next one.
  mark(name, id) {
    for (const shape of this.place.querySelectorAll(`.unit.${name}`)) shape.classList.remove(name);
    const shape = id && this.shape(id);
    if (shape) shape.classList.add(name);
  }

  draw(name, attributes) {
    const shape = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    return shape;
  }
}
