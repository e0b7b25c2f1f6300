// The models of the catalog in the library view: which are installed, which
// are in use and in what state, how large, under what licence.
import { getModels } from "./api.js";
import { element } from "./dom.js";
import { bytes } from "./format.js";
import { t } from "./i18n.js";

const MANY_LANGUAGES = 6;

export class ModelList {
  #states = new Map();
  #key = "";

  constructor() {
    this.rows = element("ul", { class: "models" });
    this.problem = element("p", { class: "problem", role: "alert" });
    this.element = element("section", {}, element("h2", { text: () => t("models.title") }), this.problem, this.rows, element("p", { class: "hint", text: () => t("models.hint") }));
  }

  async load() {
    try {
      const { models } = await getModels();
      this.problem.textContent = "";
      this.#draw(models);
    } catch (error) {
      this.problem.textContent = error.unreachable ? t("answer.unreachable") : error.message;
    }
  }

  /// Reloads when a model was fetched, loaded or let go.
  statusChanged({ models }) {
    const active = Object.values(models ?? {}).filter(Boolean);
    const key = JSON.stringify(active);
    if (key === this.#key) return;
    const first = this.#key === "";
    this.#key = key;
    this.#states = new Map(active.map(({ id, state }) => [id, state]));
    if (!first) this.load();
  }

  #draw(models) {
    const byUse = [...models].sort((one, other) => rank(other) - rank(one));
    const none = element("li", { class: "none", text: () => t("models.none") });
    this.rows.replaceChildren(...(byUse.length > 0 ? byUse.map((model) => this.#row(model)) : [none]));
  }

  #row(model) {
    const languages = model.languages ?? [];
    const shown = languages.length > MANY_LANGUAGES ? () => t("models.languages", { n: languages.length }) : languages.join(", ");
    const role = model.role.replaceAll(/[\s-]/g, "_");
    return element(
      "li",
      { class: model.active ? "model active" : "model", data: { id: model.id } },
      element("span", { class: "title", text: model.id }),
      element("span", { class: "chip", data: { state: this.#chipState(model) }, text: () => this.#chipText(model) }),
      element(
        "span",
        { class: "facts" },
        element("span", { text: () => t(`models.role.${role}`) }),
        element("span", { text: () => bytes(model.bytes) }),
        model.licence ? element("span", { text: model.licence }) : null,
        languages.length > 0 ? element("span", { text: shown, title: languages.join(", ") }) : null,
        element("span", { text: () => t(`models.${model.status}`) }),
      ),
    );
  }

  #chipState(model) {
    if (model.active && model.present) return "indexed";
    return model.active ? "failed" : "none";
  }

  #chipText(model) {
    const state = model.active ? this.#states.get(model.id) : null;
    if (state) return t(`models.state.${state}`);
    if (model.active) return t("models.active");
    return t(model.present ? "models.present" : "models.absent");
  }
}

function rank(model) {
  return (model.active ? 2 : 0) + (model.present ? 1 : 0);
}
