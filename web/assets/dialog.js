// One question, asked before something is lost. Uses the browser's own modal
// dialog, so focus and Escape behave.
import { element, find } from "./dom.js";
import { t } from "./i18n.js";

/// Resolves to true only when the person agreed.
export function confirmed({ title, body, yes }) {
  const dialog = find("#confirm");
  const answer = (value) => () => dialog.close(value);
  dialog.replaceChildren(
    element("h2", { id: "confirm-title", text: title }),
    element("p", { id: "confirm-body", text: body }),
    element(
      "div",
      { class: "choices" },
      element("button", { type: "button", text: t("app.cancel"), on: { click: answer("no") } }),
      element("button", { type: "button", class: "danger", text: yes, on: { click: answer("yes") } }),
    ),
  );
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
