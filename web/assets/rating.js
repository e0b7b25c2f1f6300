// A person's word on an answer: right, or wrong and what would be right.
// `onRate({ right, correction })` notes it, and resolves to the file it is in.
import { element } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";

export class Rating {
  constructor(onRate) {
    this.onRate = onRate;
    this.right = this.#button("right", () => this.#rate({ right: true }));
    this.wrong = this.#button("wrong", () => (this.form.hidden ? this.#open() : this.#close()));
    this.correction = element("input", { type: "text", autocomplete: "off", maxlength: "1000", label: () => t("rating.correction"), placeholder: () => t("rating.correction") });
    this.form = element("form", { class: "correction", hidden: true, on: { submit: (event) => this.#submit(event), keydown: (event) => this.#keyed(event) } },
      this.correction, element("button", { type: "submit", text: () => t("rating.keep") }),
      element("p", { class: "hint", text: () => t("rating.hint") }));
    this.said = element("p", { class: "rated", role: "status" });
    this.buttons = [this.right, this.wrong];
    this.elements = [this.form, this.said];
  }

  #button(name, onClick) {
    return element("button", { type: "button", class: `quiet square rate ${name}`, "aria-pressed": "false", title: () => t(`rating.${name}`), label: () => t(`rating.${name}`), on: { click: onClick } }, icon("thumb"));
  }

  #open() {
    this.form.hidden = false;
    this.wrong.setAttribute("aria-expanded", "true");
    this.correction.focus();
    this.form.scrollIntoView({ block: "nearest" });
  }

  #close() {
    this.form.hidden = true;
    this.wrong.removeAttribute("aria-expanded");
    this.wrong.focus();
  }

  #keyed(event) {
    if (event.key !== "Escape") return;
    event.preventDefault();
    this.#close();
  }

  async #submit(event) {
    event.preventDefault();
    const correction = this.correction.value.trim();
    if (await this.#rate({ right: false, correction: correction || undefined })) this.#close();
  }

  /// Resolves to whether it was kept.
  async #rate(rating) {
    try {
      const { file } = await this.onRate(rating);
      this.said.replaceChildren(element("span", { class: "path", text: () => t("rating.kept", { file }) }));
    } catch (error) {
      this.said.replaceChildren(element("span", { class: "problem", text: error.unreachable ? t("answer.unreachable") : error.message }));
      return false;
    }
    this.right.setAttribute("aria-pressed", String(rating.right));
    this.wrong.setAttribute("aria-pressed", String(!rating.right));
    if (rating.right) this.form.hidden = true;
    return true;
  }
}
