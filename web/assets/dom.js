// Builds and finds elements, and keeps every localised text or attribute bound
// to the function that computes it, so that a change of language rewrites the
// page in place. Knows nothing of the API or of any view.
import { t } from "./i18n.js";

const LOCALISED_PROPERTIES = { text: "text", label: "aria-label", title: "title", placeholder: "placeholder" };
const bindings = new WeakMap();

export function find(selector, root = document) {
  return root.querySelector(selector);
}

/// `text`, `label`, `title` and `placeholder` take a string, or a function
/// that is called again when the language changes. `on` holds listeners,
/// `data` the dataset; anything else is an attribute.
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) setProperty(node, name, value);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/// Binds an attribute of `node`, or its "text", to `compute`.
export function localise(node, target, compute) {
  const bound = bindings.get(node) ?? new Map();
  bound.set(target, compute);
  bindings.set(node, bound);
  node.setAttribute("data-localised", "");
  write(node, target, compute());
}

/// Recomputes everything bound under `root`.
export function relocalise(root = document) {
  for (const node of root.querySelectorAll("[data-localised]")) {
    for (const [target, compute] of bindings.get(node) ?? []) write(node, target, compute());
  }
}

/// Binds the static page: data-text, data-label, data-placeholder hold keys.
export function localiseStatic(root = document) {
  for (const [property, target] of Object.entries(LOCALISED_PROPERTIES)) {
    for (const node of root.querySelectorAll(`[data-${property}]`)) {
      const key = node.dataset[property];
      localise(node, target, () => t(key));
    }
  }
}

/// Says something to screen readers without showing it.
export function announce(text) {
  const announcer = find("#announcer");
  announcer.append(element("p", { text }));
  while (announcer.childElementCount > 40) announcer.firstElementChild.remove();
}

function setProperty(node, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name in LOCALISED_PROPERTIES) setLocalised(node, LOCALISED_PROPERTIES[name], value);
  else if (name === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
  else if (name === "data") Object.assign(node.dataset, value);
  else node.setAttribute(name, value === true ? "" : value);
}

function setLocalised(node, target, value) {
  if (typeof value === "function") localise(node, target, value);
  else write(node, target, value);
}

function write(node, target, value) {
  if (target === "text") node.textContent = value;
  else if (value === null) node.removeAttribute(target);
  else node.setAttribute(target, value);
}
