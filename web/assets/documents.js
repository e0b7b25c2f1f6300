// The list of documents in the library, with its filters and "load more".
// While files are being indexed it follows along, without losing its place.
import { getDocuments, sourceAddress } from "./api.js";
import { element } from "./dom.js";
import { bytes, count, decimal, shortPath, titleOf, when } from "./format.js";
import { t } from "./i18n.js";
import { currentStatus } from "./status.js";

const PAGE = 50;
const LARGEST_REFRESH = 500;
const TYPING_MILLISECONDS = 200;
const FOLLOW_MILLISECONDS = 3000;
const STATES = ["", "indexed", "indexed-lexical", "pending", "awaits-ocr", "skipped", "failed"];

export class DocumentList {
  #shown = 0;
  #total = 0;
  #request = 0;
  #timer = null;
  #seen = "";
  #followedAt = 0;

  constructor() {
    this.query = element("input", { type: "search", autocomplete: "off", spellcheck: "false", label: () => t("documents.filter"), placeholder: () => t("documents.filterPlaceholder"), on: { input: () => this.#typed() } });
    this.states = element("fieldset", { class: "states" }, element("legend", { class: "offscreen", text: () => t("documents.state") }), STATES.map((state) => this.#stateChoice(state)));
    this.rows = element("ul", { class: "documents" });
    this.amount = element("span", { class: "amount", role: "status", text: () => this.#amountText() });
    this.more = element("button", { type: "button", class: "more", text: () => t("documents.more"), hidden: true, on: { click: () => this.#loadMore() } });
    this.problem = element("p", { class: "problem", role: "alert" });
    const title = element("div", { class: "section-title" }, element("h2", { text: () => t("documents.title") }), this.amount);
    this.element = element("section", {}, title, element("div", { class: "filters" }, this.query, this.states), this.problem, this.rows, this.more);
  }

  /// From the top, with as many rows as were already shown.
  async load() {
    const limit = Math.min(Math.max(PAGE, this.#shown), LARGEST_REFRESH);
    const answer = await this.#fetch({ offset: 0, limit });
    if (!answer) return;
    this.#drawRows(answer.documents);
    this.#drawAmount(answer.total);
  }

  /// Reloads when the counts moved, at most every few seconds.
  statusChanged({ documents, chunks }) {
    const key = JSON.stringify([documents, chunks]);
    if (key === this.#seen || Date.now() - this.#followedAt < FOLLOW_MILLISECONDS) return;
    const first = this.#seen === "";
    this.#seen = key;
    this.#followedAt = Date.now();
    if (!first) this.load();
  }

  async #loadMore() {
    const answer = await this.#fetch({ offset: this.#shown, limit: PAGE });
    if (!answer) return;
    const rows = answer.documents.map((document) => this.#row(document));
    this.rows.append(...rows);
    this.#shown += answer.documents.length;
    this.#drawAmount(answer.total);
    rows[0]?.querySelector("a").focus();
  }

  async #fetch(range) {
    const request = (this.#request += 1);
    try {
      const answer = await getDocuments({ state: this.#state(), query: this.query.value.trim(), ...range });
      this.problem.textContent = "";
      return request === this.#request ? answer : null;
    } catch (error) {
      this.problem.textContent = error.unreachable ? t("answer.unreachable") : error.message;
      return null;
    }
  }

  #state() {
    return this.states.querySelector("input:checked")?.value ?? "";
  }

  #typed() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#filterChanged(), TYPING_MILLISECONDS);
  }

  #filterChanged() {
    this.#shown = 0;
    this.load();
  }

  #stateChoice(state) {
    const input = element("input", { type: "radio", name: "state", value: state, checked: state === "", on: { change: () => this.#filterChanged() } });
    const title = state ? () => t(`state.${state}.hint`) : null;
    return element("label", { title }, input, element("span", { text: () => t(`state.${state || "all"}`) }));
  }

  #drawRows(documents) {
    this.#shown = documents.length;
    const filtered = this.#state() !== "" || this.query.value.trim() !== "";
    const none = element("li", { class: "none", text: () => t(filtered ? "documents.noMatch" : "documents.none") });
    this.rows.replaceChildren(...(documents.length > 0 ? documents.map((document) => this.#row(document)) : [none]));
  }

  #drawAmount(total) {
    this.#total = total;
    this.amount.textContent = this.#amountText();
    this.more.hidden = this.#shown >= total;
  }

  #amountText() {
    return this.#total > 0 ? t("documents.shown", { shown: count(this.#shown), total: count(this.#total) }) : "";
  }

  #row(document) {
    const { state, reason } = document;
    return element(
      "li",
      { class: "document", data: { state, id: document.id } },
      element("a", { class: "title", href: sourceAddress(document.id), target: "_blank", rel: "noopener", text: titleOf(document) }),
      element("span", { class: "chip", data: { state }, title: () => t(`state.${state}.hint`), text: () => t(`state.${state}`) }),
      element("span", { class: "path", text: () => shortPath(document.path, currentStatus()?.folders), title: document.path }),
      element("span", { class: "facts" }, facts(document)),
      reason ? element("span", { class: "reason", text: reason }) : null,
    );
  }
}

function facts({ chunks, bytes: size, modified, milliseconds, extractor }) {
  const parts = [() => bytes(size), () => t("documents.modified", { when: when(modified) })];
  if (chunks > 0) parts.unshift(() => t("documents.chunks", { n: chunks }));
  if (milliseconds > 1000) parts.push(() => t("documents.took", { seconds: decimal(milliseconds / 1000) }));
  if (extractor) parts.push(() => t("documents.extractor", { extractor }));
  return parts.map((text) => element("span", { text }));
}
