// The form that adds a folder by its path, used in the library and on the
// first page. The server decides whether the folder will do; its words are
// shown beside the field.
import { addFolder } from "./api.js";
import { element } from "./dom.js";
import { t } from "./i18n.js";
import { refreshStatus } from "./status.js";

const ABSOLUTE = /^(\/|[A-Za-z]:[\\/]|\\\\)/;

let forms = 0;

export function folderForm() {
  forms += 1;
  const id = `folder-path-${forms}`;
  const problem = element("p", { class: "problem", id: `${id}-problem`, role: "alert" });
  const path = element("input", {
    id, type: "text", name: "path", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
    placeholder: () => t("library.pathPlaceholder"), "aria-describedby": problem.id,
  });
  const button = element("button", { type: "submit", class: "primary wide", text: () => t("library.add") });
  const label = element("label", { for: id, text: () => t("library.path") });
  const submit = (event) => {
    event.preventDefault();
    add(path, button, problem);
  };
  return element("form", { class: "folder-form", on: { submit } }, label, element("div", { class: "row" }, path, button), problem);
}

async function add(path, button, problem) {
  const value = asPath(path.value);
  if (!value) return path.focus();
  problem.textContent = ABSOLUTE.test(value) ? "" : t("library.relative");
  if (problem.textContent) return path.focus();
  button.disabled = true;
  try {
    await addFolder(value);
    path.value = "";
    await refreshStatus();
  } catch (error) {
    problem.textContent = error.unreachable ? t("answer.unreachable") : error.message;
    path.focus();
  }
  button.disabled = false;
}

/// What people paste: a path, perhaps quoted by a shell or a file manager.
function asPath(pasted) {
  const text = pasted.trim().replace(/^(["'])(.*)\1$/, "$2");
  return text.startsWith("file://") ? decodeURIComponent(text.slice("file://".length)) : text;
}
