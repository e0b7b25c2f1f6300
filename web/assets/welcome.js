// What the centre shows before anything was asked: three examples of questions,
// or, while no folder is indexed, the one thing to do first. Swaps itself when
// the first folder arrives.
import { element } from "./dom.js";
import { folderForm } from "./folder-form.js";
import { t } from "./i18n.js";
import { watchStatus } from "./status.js";

const EXAMPLES = ["fact", "compare", "recall"];

let shown = null;

/// `onExample(text)` is called with the example that was picked.
export function welcome(onExample) {
  const root = element("div", { class: "welcome" });
  shown = { root, onExample, hasFolder: null };
  watchStatus(update);
  return root;
}

function update(status) {
  const hasFolder = status.folders.length > 0;
  if (!shown || shown.hasFolder === hasFolder) return;
  shown.hasFolder = hasFolder;
  shown.root.replaceChildren(...(hasFolder ? examples(shown.onExample) : firstFolder()));
}

function firstFolder() {
  return [
    element("h1", { text: () => t("welcome.noFolder") }),
    element("p", { class: "lead", text: () => t("welcome.noFolderLead") }),
    folderForm(),
  ];
}

function examples(onExample) {
  const item = (name) => {
    const text = () => t(`welcome.${name}Example`);
    const button = element("button", { type: "button", on: { click: () => onExample(text()) } },
      element("span", { class: "kind", text: () => t(`welcome.${name}`) }),
      element("span", { class: "example", text }));
    return element("li", {}, button);
  };
  return [
    element("h1", { text: () => t("welcome.title") }),
    element("p", { class: "lead", text: () => t("welcome.lead") }),
    element("ul", { class: "examples", label: () => t("welcome.hints") }, EXAMPLES.map(item)),
  ];
}
