// Owns the light and dark themes: follows the system until the person picks
// the other one, and remembers that choice. Picking the system's own theme
// again forgets the choice, so the page goes back to following the system.
import { recall, remember } from "./storage.js";
import { localise } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";

const KEY = "vade.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

export function startTheme(button) {
  button.addEventListener("click", () => choose(current() === "dark" ? "light" : "dark", button));
  system.addEventListener("change", () => {
    if (recall(KEY) === null) show(systemTheme(), button);
  });
  show(current(), button);
}

function current() {
  return document.documentElement.dataset.theme;
}

function systemTheme() {
  return system.matches ? "dark" : "light";
}

function choose(theme, button) {
  remember(KEY, theme === systemTheme() ? null : theme);
  show(theme, button);
}

function show(theme, button) {
  document.documentElement.dataset.theme = theme;
  button.replaceChildren(icon(theme === "dark" ? "sun" : "moon"));
  localise(button, "aria-label", () => t(theme === "dark" ? "theme.toLight" : "theme.toDark"));
}
