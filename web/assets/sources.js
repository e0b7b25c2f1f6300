// The right panel: the passages of one answer as a list, and one of them open
// in its surroundings. On narrow windows the panel is a drawer over the page.
// Owns which answer and passage are shown; the drawing of a passage inside its
// document is passage-text.js's.
import { getText, sourceAddress } from "./api.js";
import { announce, element, find, relocalise } from "./dom.js";
import { headingPath, shortPath, titleOf } from "./format.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { drawPassage } from "./passage-text.js";
import { currentStatus } from "./status.js";

const CONTEXT_BYTES = 1500;
const BESIDE = matchMedia("(min-width: 1120px)");

export class SourcesPanel {
  #answer = null;
  #selected = null;
  #opener = null;
  #request = 0;

  /// `onDrawer(open)` is told when the panel covers the page or stops to.
  constructor({ onDrawer }) {
    this.onDrawer = onDrawer;
    this.root = find("#sources");
    this.root.addEventListener("keydown", (event) => this.#keyed(event));
    BESIDE.addEventListener("change", () => this.closeDrawer());
  }

  /// Lists an answer's passages, without opening the drawer. Those of a table
  /// stand in it already.
  show(answer) {
    this.#answer = answer;
    this.#deselect();
    this.root.hidden = answer.sources.length === 0 || answer.table !== null;
    this.#drawList();
  }

  /// Marks what has been cited since.
  refresh(answer) {
    if (answer !== this.#answer) return;
    for (const item of this.root.querySelectorAll("[data-marker]")) {
      item.classList.toggle("cited", answer.citationsOf(Number(item.dataset.marker)).length > 0);
    }
    relocalise(this.root);
  }

  /// Lists them because the person asked to see them.
  reveal(answer, opener) {
    this.show(answer);
    this.root.hidden = false;
    this.#openDrawer(opener);
  }

  /// Opens passage `n`, at the `occurrence`-th citation of it.
  select(answer, n, occurrence = 0, opener = null) {
    const passage = answer.sources.find((candidate) => candidate.n === n);
    if (!passage) return;
    this.#answer = answer;
    this.#selected = n;
    this.root.hidden = false;
    const citations = answer.citationsOf(n);
    const citation = citations[Math.min(occurrence, citations.length - 1)] ?? null;
    this.#markChips(opener);
    this.#openDrawer(opener);
    this.#drawPassage(passage, citation);
  }

  /// Opens a document of an answer's table at its beginning.
  open(answer, row, opener) {
    this.#answer = answer;
    this.#selected = row.document;
    this.root.hidden = false;
    this.#markChips(opener);
    this.#openDrawer(opener);
    this.#drawPassage({ ...row, n: null, start: 0, end: 0, text: "" }, null);
  }

  clear() {
    this.#answer = null;
    this.#deselect();
    this.closeDrawer();
    this.root.hidden = true;
    this.root.replaceChildren();
  }

  get drawerOpen() {
    return this.root.classList.contains("open");
  }

  /// One step back: from the passage to the list, or out of the drawer.
  /// Says whether there was anything to close.
  escape() {
    if (this.drawerOpen) this.closeDrawer();
    else if (this.#selected !== null) this.#backToList();
    else return false;
    return true;
  }

  closeDrawer() {
    if (!this.drawerOpen) return;
    this.root.classList.remove("open");
    this.onDrawer(false);
    if (this.#opener?.isConnected) this.#opener.focus();
  }

  #openDrawer(opener) {
    this.#opener = opener ?? this.#opener;
    if (BESIDE.matches || this.drawerOpen) return;
    this.root.classList.add("open");
    this.onDrawer(true);
    this.root.querySelector(".close")?.focus();
  }

  #deselect() {
    this.#request += 1;
    this.#selected = null;
    this.#markChips(null);
  }

  #backToList() {
    const n = this.#selected;
    this.#deselect();
    this.root.hidden = this.#answer.sources.length === 0;
    if (this.root.hidden) this.closeDrawer();
    this.#drawList();
    const opener = this.#opener?.isConnected && !this.drawerOpen ? this.#opener : null;
    (opener ?? this.root.querySelector(`.passage[data-marker="${n}"]`))?.focus();
  }

  #markChips(opener) {
    for (const chip of document.querySelectorAll(":is(.citation, .listing .open)[aria-current]")) chip.removeAttribute("aria-current");
    if (opener?.matches(".citation, .listing .open")) opener.setAttribute("aria-current", "true");
  }

  #drawList() {
    const { sources } = this.#answer;
    const items = sources.map((passage) => element("li", {}, this.#listItem(passage)));
    this.root.dataset.shows = "list";
    this.root.replaceChildren(this.#bar(element("h2", { text: () => t("sources.title") })), element("ol", { class: "passages" }, items));
    if (this.drawerOpen) this.root.querySelector(".close").focus();
  }

  #listItem(passage) {
    const answer = this.#answer;
    const cited = () => answer.citationsOf(passage.n).length > 0;
    const select = (event) => this.select(answer, passage.n, 0, event.currentTarget);
    return element(
      "button",
      { type: "button", class: cited() ? "passage cited" : "passage", data: { marker: passage.n }, on: { click: select } },
      element("span", { class: "number", text: String(passage.n) }),
      element("span", { class: "title", text: titleOf(passage) }),
      where(passage),
      element("span", { class: "excerpt", text: passage.text }),
      element("span", { class: "path", text: () => shortPath(passage.path, currentStatus()?.folders) }),
      element("span", { class: "offscreen", text: () => (cited() ? t("sources.cited") : "") }),
    );
  }

  async #drawPassage(passage, citation) {
    const request = (this.#request += 1);
    const text = element("div", { class: "text", "aria-busy": "true" }, element("p", { class: "progress-line", text: () => t("sources.opening") }));
    const page = citation?.page ?? passage.page;
    const hasList = this.#answer.sources.length > 0;
    const isWhole = passage.n === null;
    const back = element("button", { type: "button", class: "quiet back", on: { click: () => this.#backToList() } }, icon("back"), element("span", { text: () => t(hasList ? "sources.back" : "app.close") }));
    const uncited = !citation && !isWhole && !this.#answer.refused;
    this.root.dataset.shows = "passage";
    this.root.replaceChildren(this.#bar(back), ...(hasList ? [this.#numbers(passage.n)] : []), heading(passage, page, uncited), text);
    if (this.drawerOpen) back.focus();
    const span = citation ?? passage;
    try {
      const found = await getText(span.document, { start: span.start, end: span.end, context: CONTEXT_BYTES });
      if (request === this.#request) drawPassage(text, { found, passage, citation });
    } catch (error) {
      if (request === this.#request) drawPassage(text, { found: null, passage, citation, problem: error.message });
    }
    if (request !== this.#request) return;
    text.removeAttribute("aria-busy");
    bringIntoView(text.querySelector("mark.quote"), text);
    announce(t(isWhole ? "sources.opened" : "sources.shown", { n: passage.n, title: titleOf(passage) }));
  }

  #bar(title) {
    const close = element("button", { type: "button", class: "quiet square close", label: () => t("sources.close"), on: { click: () => this.closeDrawer() } }, icon("close"));
    return element("div", { class: "bar" }, title, close);
  }

  #numbers(current) {
    const button = (passage) =>
      element("button", {
        type: "button", text: String(passage.n), data: { marker: passage.n }, "aria-current": passage.n === current ? "true" : null,
        class: this.#answer.citationsOf(passage.n).length > 0 ? "cited" : null,
        label: () => t("sources.number", { n: passage.n, title: titleOf(passage) }),
        on: { click: () => this.#selectFromPanel(passage.n) },
      });
    return element("div", { class: "numbers", role: "group", label: () => t("sources.numbers") }, this.#answer.sources.map(button));
  }

  #selectFromPanel(n) {
    this.select(this.#answer, n);
    this.root.querySelector(`.numbers [data-marker="${n}"]`)?.focus();
  }

  /// Up and down through the list, left and right through the numbers.
  #keyed(event) {
    const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
    const selector = event.target.matches(".passage") ? ".passage" : ".numbers button";
    const items = [...this.root.querySelectorAll(selector)];
    const next = items[items.indexOf(event.target) + steps[event.key]];
    if (!items.includes(event.target) || !next) return;
    event.preventDefault();
    if (selector === ".passage") next.focus();
    else this.#selectFromPanel(Number(next.dataset.marker));
  }
}

function where(passage) {
  const parts = [headingPath(passage.heading)].filter(Boolean).map((text) => element("span", { text }));
  if (passage.page) parts.push(element("span", { class: "page", text: () => t("sources.page", { page: passage.page }) }));
  return parts.length > 0 ? element("span", { class: "where" }, parts) : null;
}

function heading(passage, page, uncited) {
  const open = element("a", { class: "open", href: sourceAddress(passage.document, page), target: "_blank", rel: "noopener" }, element("span", { text: () => t("sources.open") }), icon("open"));
  return element(
    "header",
    {},
    element("h3", { text: titleOf(passage) }),
    where({ ...passage, page }),
    element("p", { class: "path", text: passage.path }),
    uncited ? element("p", { class: "uncited", text: () => t("sources.uncited") }) : null,
    open,
  );
}

/// Scrolls only the panel: scrollIntoView would also move the page behind it.
function bringIntoView(mark, scroller) {
  if (!mark) return;
  const offset = mark.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
  const room = scroller.clientHeight - mark.offsetHeight;
  scroller.scrollTop += offset - Math.max(24, Math.min(room / 2, scroller.clientHeight / 3));
}
