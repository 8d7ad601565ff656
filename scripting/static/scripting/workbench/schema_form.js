// A form for a value that a JSON schema describes; every change goes into the value and is told.

import { h } from "./dom.js";
import { Numeral, numeral, parse, write } from "./exact_json.js";

// The element; `changed()` is called after each edit of `value`.
export function schemaForm(schema, value, changed) {
  const definitions = schema.$defs || {};
  const top = resolved(schema, definitions);
  return h("div", { class: "input-form" }, ...properties(top, definitions, value, changed, 0));
}

function properties(schema, definitions, value, changed, depth) {
  const required = new Set(schema.required || []);
  return Object.entries(schema.properties || {})
    .filter(([name]) => required.has(name) || name in value || depth === 0)
    .map(([name, part]) => property(name, part, definitions, value, changed, depth));
}

function property(name, part, definitions, value, changed, depth) {
  const inner = resolved(part, definitions);
  const now = value[name];
  if (inner.properties && now && typeof now === "object" && !(now instanceof Numeral) && depth < 3) {
    const group = h("div", { class: "group" }, ...properties(inner, definitions, now, changed, depth + 1));
    return h("details", {}, h("summary", {}, name, h("span", { class: "quiet" }, summary(now))), group);
  }
  const set = (next) => {
    if (next === undefined) delete value[name];
    else value[name] = next;
    changed();
  };
  const words = part.description || inner.description || "";
  const label = h("span", { title: words }, name, h("span", { class: "type" }, inner.type || "any"));
  return h("label", { class: "row", title: words }, label, control(inner, now, set));
}

function control(schema, now, set) {
  if (schema.type === "boolean") {
    const box = h("input", { type: "checkbox" });
    box.checked = (now ?? schema.default) === true;
    box.addEventListener("change", () => set(box.checked));
    return box;
  }
  if (schema.enum) {
    const select = h("select", {}, ...schema.enum.map((one) => h("option", {}, String(one))));
    select.value = String(now ?? schema.default);
    select.addEventListener("change", () => set(schema.enum.find((one) => String(one) === select.value)));
    return select;
  }
  const simple = schema.type === "string" || schema.type === "integer" || schema.type === "number";
  const field = h("input", { type: "text", spellcheck: "false", inputmode: simple && schema.type !== "string" ? "decimal" : null });
  if (simple && (now === undefined || typeof now !== "object" || now === null || now instanceof Numeral)) {
    field.value = now ?? "";
    field.placeholder = schema.default === undefined ? "" : String(schema.default);
    field.addEventListener("input", () => set(simpleValue(schema.type, field.value)));
    return field;
  }
  field.value = now === undefined ? "" : write(now);
  field.addEventListener("input", () => {
    try {
      set(field.value === "" ? undefined : parse(field.value));
      judge(field);
    } catch (error) { judge(field, error); }
  });
  return field;
}

// Marks a field of JSON that cannot be read, and says why.
export function judge(field, error) {
  if (error) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
  field.title = error ? error.message : "";
}

function simpleValue(type, text) {
  if (type === "string") return text;
  if (text.trim() === "") return undefined;
  return numeral(text) ?? text; // what is no number is refused by the topic, with its words
}

function summary(value) {
  return String(value.name || value.id || "") || Object.keys(value).slice(0, 3).join(", ");
}

function resolved(schema, definitions) {
  if (schema.$ref) return resolved(definitions[schema.$ref.split("/").pop()] || {}, definitions);
  const options = (schema.anyOf || []).filter((option) => option.type !== "null");
  if (options.length) return { ...resolved(options[0], definitions), description: schema.description, default: schema.default };
  return schema;
}
