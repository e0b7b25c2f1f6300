// One answer on the page, from "looking" through streaming to done, refused,
// stopped or failed; the same element shows an answer read back from a stored
// conversation. Holds the answer's passages, citations and table; knows nothing of
// how they were fetched, and reports clicks through the callbacks it is given.
import { announce, element } from "./dom.js";
import { headingPath, titleOf, when, count, decimal } from "./format.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { listing } from "./listing.js";
import { paragraphs, renderAnswer } from "./markup.js";
import { Rating } from "./rating.js";
import { SentenceSpeaker } from "./speaker.js";
import { currentStatus, isIndexing } from "./status.js";
import { copyText } from "./clipboard.js";
import { edited, understood } from "./understood.js";

const SHOW_ELAPSED_AFTER_SECONDS = 3;

export class Answer {
  passages = [];
  citations = [];
  text = "";
  table = null;
  plan = null;
  refused = false;
  #html = "";
  #frame = 0;
  #kept = false;
  #clock = null;
  #speaker = new SentenceSpeaker(announce);

  /// `onSelect(answer, n, occurrence, opener)`, `onOpen(answer, document, opener)`
  /// and `onShow(answer, opener)` open the sources; `onRetry()` asks the question
  /// once more, `onEdit(question)` offers one to be corrected, `onRate(rating)`
  /// keeps what a person says of the answer.
  constructor(callbacks) {
    Object.assign(this, callbacks);
    this.body = element("div", { class: "answer", on: { click: (event) => this.#clicked(event), keydown: (event) => this.#keyed(event) } });
    this.progress = element("p", { class: "progress-line" });
    this.footer = element("footer", {});
    this.element = element("article", { class: "message assistant", label: () => t("answer.reply") }, this.progress, this.body, this.footer);
  }

  static stored(message, callbacks) {
    const answer = new Answer(callbacks);
    answer.passages = message.passages ?? [];
    answer.citations = message.citations ?? [];
    answer.text = message.text;
    answer.#html = message.html || paragraphs(message.text);
    answer.#kept = true;
    answer.#understand(message);
    // Without its table, "not in your documents" says all that the words say.
    if (message.found === false) answer.#refuse(answer.table !== null);
    else answer.#render(false);
    answer.#close("done", [element("span", { text: () => when(message.created) })]);
    return answer;
  }

  /// The passages to list: those retrieved, or where a stored answer kept
  /// none, those its citations point at.
  get sources() {
    if (this.passages.length > 0) return this.passages;
    const byMarker = new Map(this.citations.map((citation) => [citation.marker, citation]));
    return [...byMarker.values()].map((citation) => ({ ...citation, n: citation.marker, text: citation.quote }));
  }

  citationsOf(n) {
    return this.citations.filter((citation) => citation.marker === n);
  }

  begin() {
    this.body.dataset.state = "streaming";
    this.#progress(() => t("answer.searching"));
    announce(t("answer.searching"));
  }

  receivePassages(passages) {
    this.passages = passages;
    const key = currentStatus()?.models?.language_model?.state === "ready" ? "answer.waking" : "answer.reading";
    if (passages.length > 0) this.#progress(() => t(key, { n: passages.length }));
  }

  receiveToken({ text, html }) {
    this.#endProgress();
    this.text += text;
    this.#html = html;
    this.#speaker.hear(text);
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#render(true);
    });
  }

  receiveCitation(citation) {
    this.citations.push(citation);
  }

  finish(done) {
    const streamed = this.text !== "";
    this.citations = done.citations ?? this.citations;
    this.text = done.answer || this.text;
    this.#html = done.html || this.#html || paragraphs(this.text);
    this.#kept = Boolean(done.conversation);
    this.#understand(done);
    if (done.found) this.#render(false);
    else this.#refuse(streamed);
    this.#close("done", measurements(done));
    this.#speaker.finish();
    announce(done.found ? this.#completed() : t("answer.refused"));
  }

  stopped() {
    if (this.text) this.#render(false);
    const key = this.text ? "answer.stopped" : "answer.stoppedEarly";
    this.#close("done", [element("span", { text: () => t(key) })]);
    announce(t(key));
  }

  /// `found` are passages to offer although no answer could be written.
  failed(error, found = []) {
    if (this.text) this.#render(false);
    if (found.length > 0) this.passages = found;
    const title = this.text ? "answer.brokenOff" : "answer.failed";
    const message = element("p", { text: error.message && !error.unreachable ? error.message : () => t(`answer.${error.code}`) });
    const notice = element(
      "div",
      { class: "notice failure", role: "alert" },
      element("h3", { text: () => t(title) }),
      message,
      element("button", { type: "button", class: "again", text: () => t("answer.again"), on: { click: () => this.onRetry() } }),
    );
    this.body.after(notice);
    if (found.length > 0) notice.after(this.#passageList("answer.foundInstead"));
    this.#close("error", []);
  }

  #completed() {
    if (this.table) return t("answer.completeTable", { n: this.table.rows.length });
    return t("answer.complete", { n: this.passages.length });
  }

  /// Takes what the answer has beside its words. The titles that stand in the
  /// table are not said a second time.
  #understand({ plan, table }) {
    this.plan = plan ?? null;
    this.table = table ?? null;
    if (!this.table) return;
    if (this.table.lead) this.#html = paragraphs(this.table.lead);
    const open = (row, opener) => {
      if (row.evidence) this.onSelect(this, row.evidence.marker, 0, opener);
      else this.onOpen(this, row, opener);
    };
    const drawn = listing(this.table, this.plan, open);
    if (drawn) this.body.after(drawn);
  }

  #progress(compute) {
    clearInterval(this.#clock);
    const started = performance.now();
    const elapsed = element("span", { class: "elapsed", "aria-hidden": "true" });
    this.progress.replaceChildren(element("span", { class: "pulse", "aria-hidden": "true" }), element("span", { text: compute }), elapsed);
    this.#clock = setInterval(() => {
      const seconds = Math.floor((performance.now() - started) / 1000);
      if (seconds >= SHOW_ELAPSED_AFTER_SECONDS) elapsed.textContent = t("answer.elapsed", { n: seconds });
    }, 1000);
  }

  #endProgress() {
    clearInterval(this.#clock);
    this.progress.replaceChildren();
  }

  #render(streaming) {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const known = new Map(this.sources.map((passage) => [passage.n, passage]));
    const chipFor = (n) => (known.has(n) ? chip(n, known.get(n)) : null);
    renderAnswer(this.body, this.#html, { chipFor, known: [...known.keys()], streaming });
  }

  #refuse(streamed) {
    this.refused = true;
    this.element.classList.add("refused");
    this.body.dataset.found = "false";
    if (streamed) this.#render(false);
    const notice = element(
      "div",
      { class: "notice refusal" },
      icon("absent"),
      element("div", {}, element("h3", { text: () => t("answer.refused") }), element("p", { text: () => t("answer.refusedBody") })),
    );
    if (isIndexing()) notice.lastElementChild.append(element("p", { text: () => t("answer.refusedIndexing") }));
    this.body.append(notice);
    if (this.sources.length > 0) this.body.append(this.#passageList("answer.nearest"));
  }

  #passageList(title) {
    const item = (passage) =>
      element(
        "li",
        {},
        element("button", { type: "button", data: { marker: passage.n }, on: { click: (event) => this.onSelect(this, passage.n, 0, event.currentTarget) } },
          element("span", { class: "title", text: titleOf(passage) }),
          element("span", { class: "where", text: () => whereabouts(passage) })),
      );
    return element("div", { class: "nearest" }, element("h4", { text: () => t(title) }), element("ol", {}, this.sources.map(item)));
  }

  #close(state, facts) {
    this.#endProgress();
    this.body.dataset.state = state;
    this.footer.replaceChildren(...this.#grounds(), ...facts, ...this.#actions());
  }

  /// What was understood, and how much was looked at for it.
  #grounds() {
    const facts = [];
    const said = understood(this.plan);
    if (this.table && edited(this.plan)) {
      const chip = element("button", { type: "button", class: "quiet understood", title: () => t("listing.edit"), on: { click: () => this.onEdit(edited(this.plan)) } },
        icon("edit"), element("span", { text: () => understood(this.plan) }));
      facts.push(element("span", {}, chip));
    } else if (said) {
      facts.push(element("span", { class: "understood", text: () => understood(this.plan) }));
    }
    if (this.table) {
      const { rows, total, looked_at: lookedAt } = this.table;
      if (rows.length > 0 && rows.length < total) facts.push(element("span", { text: () => t("listing.shown", { n: rows.length, total }) }));
      facts.push(element("span", { text: () => t("listing.lookedAt", { n: lookedAt }) }));
    }
    return facts.length > 0 ? [element("span", { class: "facts grounds" }, facts)] : [];
  }

  #actions() {
    const actions = [];
    if (this.sources.length > 0 && !this.table) {
      actions.push(element("button", { type: "button", class: "quiet show-sources", title: () => t("answer.showSources"), text: () => t("answer.sources", { n: this.sources.length }), on: { click: (event) => this.onShow(this, event.currentTarget) } }));
    }
    if (this.text && !this.refused) {
      actions.push(element("button", { type: "button", class: "quiet copy", text: () => t("answer.copy"), on: { click: (event) => this.#copy(event.currentTarget) } }));
    }
    if (!this.#kept || this.plan?.kind === "small-talk") return wrapped(actions);
    const rating = new Rating((rated) => this.onRate(rated));
    return [...wrapped([...actions, ...rating.buttons]), ...rating.elements];
  }

  async #copy(button) {
    if (!(await copyText(withSources(this.text, this)))) return;
    button.textContent = t("answer.copied");
    announce(t("answer.copied"));
    setTimeout(() => (button.textContent = t("answer.copy")), 1600);
  }

  #clicked(event) {
    const target = event.target.closest("button.citation");
    if (!target) return;
    const n = Number(target.dataset.marker);
    const same = [...this.body.querySelectorAll(`button.citation[data-marker="${n}"]`)];
    this.onSelect(this, n, same.indexOf(target), target);
  }

  /// Arrow keys go from chip to chip.
  #keyed(event) {
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    const chips = [...this.body.querySelectorAll("button.citation")];
    const at = chips.indexOf(event.target);
    if (at < 0 || !(event.key in steps)) return;
    event.preventDefault();
    chips[(at + steps[event.key] + chips.length) % chips.length].focus();
  }
}

function wrapped(actions) {
  return actions.length > 0 ? [element("span", { class: "actions" }, actions)] : [];
}

/// The brackets do not show, but keep the text of the answer as it was written.
function chip(n, passage) {
  const bracket = (text) => element("span", { class: "bracket", text });
  const label = () => t("answer.citation", { n, title: titleOf(passage) });
  return element("button", { type: "button", class: "citation", data: { marker: n }, title: titleOf(passage), label }, bracket("["), String(n), bracket("]"));
}

function measurements({ model, timings, found }) {
  if (!model || !timings?.tokens) return [];
  const facts = [element("span", { text: model })];
  const add = (compute) => facts.push(element("span", { text: compute }));
  if (found && timings.first_token_ms > 0) add(() => t("answer.firstToken", { seconds: decimal(timings.first_token_ms / 1000) }));
  if (found && timings.tokens_per_second > 0) add(() => t("answer.speed", { speed: decimal(timings.tokens_per_second, timings.tokens_per_second < 10 ? 1 : 0) }));
  const detail = () => t("answer.detail", { retrieve: count(timings.retrieve_ms), prompt: count(timings.prompt_tokens), cached: count(timings.cached_tokens), tokens: count(timings.tokens) });
  return [element("span", { class: "facts", title: detail }, facts)];
}

function whereabouts({ heading, page }) {
  return [headingPath(heading), page ? t("sources.page", { page }) : ""].filter(Boolean).join(" · ");
}

/// The answer with the sources its markers stand for, for pasting elsewhere.
function withSources(text, answer) {
  const cited = new Set(answer.citations.map((citation) => citation.marker));
  const lines = answer.sources
    .filter((passage) => cited.has(passage.n))
    .map((passage) => `[${passage.n}] ${[titleOf(passage), passage.page ? t("sources.page", { page: passage.page }) : "", passage.path].filter(Boolean).join(", ")}`);
  return lines.length > 0 ? `${text}\n\n${lines.join("\n")}` : text;
}
