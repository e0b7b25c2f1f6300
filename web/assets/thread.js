// The centre column: the exchanges of one conversation, and the asking itself.
// Owns which conversation is open and the one answer that may be streaming.
import { ask, getConversation, rate, search } from "./api.js";
import { Answer } from "./answer.js";
import { element, find } from "./dom.js";
import { t } from "./i18n.js";
import { canAnswer } from "./status.js";
import { welcome } from "./welcome.js";

const LONG_QUESTION_CHARACTERS = 160;
const PASSAGES_WITHOUT_ANSWER = 6;

export class Thread {
  conversation = null;
  #running = null;
  #opening = 0;

  /// `onConversation(id)` when one begins or changes, `onRunning(bool)`,
  /// `onPassages(answer)` as soon as an answer has its passages.
  constructor({ form, sources, onConversation, onRunning }) {
    Object.assign(this, { form, sources, onConversation, onRunning });
    this.root = find("#thread");
    this.column = find("#conversation");
    this.clear();
  }

  get running() {
    return this.#running !== null;
  }

  clear() {
    this.#leave(null);
    this.column.classList.add("blank");
    this.root.replaceChildren(welcome((example) => this.form.fill(example)));
    this.form.followUp(false);
  }

  async open(id) {
    if (id === this.conversation) return;
    this.#leave(id);
    const opening = this.#opening;
    this.column.classList.remove("blank");
    this.root.replaceChildren(element("p", { class: "progress-line", text: () => t("ask.loading") }));
    try {
      const conversation = await getConversation(id);
      if (opening === this.#opening) this.#showStored(conversation);
    } catch (error) {
      if (opening === this.#opening) this.#showMissing(error);
    }
  }

  stop() {
    this.#running?.abort();
  }

  async ask(question) {
    this.stop();
    const exchange = this.#newExchange(question);
    const { answer } = exchange;
    const controller = new AbortController();
    this.#begin(controller);
    answer.begin();
    const body = { question, conversation: this.conversation ?? undefined, folder: this.form.folder || undefined };
    try {
      await ask(body, this.#handlers(answer, controller), controller.signal);
    } catch (error) {
      if (error.name === "AbortError") answer.stopped();
      else await this.#fail(answer, body, error);
    } finally {
      this.#end(controller);
    }
  }

  #handlers(answer, controller) {
    const current = (handle) => (data) => {
      if (!controller.signal.aborted) handle(data);
    };
    return {
      passages: current((data) => {
        answer.receivePassages(data.passages);
        this.#adopt(data.conversation);
        this.sources.show(answer);
      }),
      token: current((data) => answer.receiveToken(data)),
      citation: current((data) => {
        answer.receiveCitation(data);
        this.sources.refresh(answer);
      }),
      done: current((data) => {
        answer.finish(data);
        this.#adopt(data.conversation);
        this.sources.refresh(answer);
      }),
    };
  }

  /// Where no model can write, the passages are still worth showing.
  async #fail(answer, { question, folder }, error) {
    let found = [];
    if (answer.sources.length === 0 && !canAnswer() && !error.unreachable) {
      const result = await search({ query: question, k: PASSAGES_WITHOUT_ANSWER, folder }).catch(() => null);
      found = (result?.hits ?? []).map((hit, index) => ({ ...hit, n: index + 1 }));
    }
    answer.failed(error, found);
    if (found.length > 0) this.sources.show(answer);
  }

  #begin(controller) {
    this.#running = controller;
    this.column.classList.remove("blank");
    this.form.running(true);
    this.form.followUp(true);
    this.onRunning(true);
  }

  #end(controller) {
    if (this.#running !== controller) return;
    this.#running = null;
    this.form.running(false);
    this.onRunning(false);
  }

  #adopt(id) {
    if (!id || id === this.conversation) return;
    this.conversation = id;
    this.onConversation(id);
  }

  #leave(id) {
    this.#opening += 1;
    this.stop();
    this.conversation = id;
    this.sources.clear();
  }

  #newExchange(question) {
    if (!this.root.querySelector(".exchange")) this.root.replaceChildren();
    const exchange = { element: null, answer: null };
    const retry = () => {
      exchange.element.remove();
      this.ask(question);
    };
    exchange.answer = new Answer(this.#callbacks(question, retry));
    exchange.element = element("section", { class: "exchange" }, asked(question), exchange.answer.element);
    this.root.append(exchange.element);
    exchange.element.scrollIntoView({ block: "start", behavior: motion() });
    return exchange;
  }

  #callbacks(question, onRetry) {
    return {
      onRetry,
      onEdit: (edited) => this.form.correct(edited),
      onRate: (rating) => rate({ conversation: this.conversation, question, ...rating }),
      onOpen: (answer, document, opener) => this.sources.open(answer, document, opener),
      onShow: (answer, opener) => this.sources.reveal(answer, opener),
      onSelect: (answer, n, occurrence, opener) => this.sources.select(answer, n, occurrence, opener),
    };
  }

  #showStored({ messages }) {
    this.root.replaceChildren();
    let latest = null;
    let exchange = null;
    let question = "";
    for (const message of messages) {
      if (message.role === "user") {
        question = message.text;
        exchange = element("section", { class: "exchange" }, asked(message.text));
        this.root.append(exchange);
      } else {
        latest = Answer.stored(message, this.#callbacks(question, () => {}));
        (exchange ?? this.root).append(latest.element);
      }
    }
    this.form.followUp(true);
    this.root.lastElementChild?.scrollIntoView({ block: "start" });
    if (latest) this.sources.show(latest);
  }

  #showMissing(error) {
    const message = error.status === 404 ? () => t("ask.notFound") : error.message || (() => t("answer.unreachable"));
    this.conversation = null;
    this.root.replaceChildren(element("div", { class: "notice failure", role: "alert" }, element("p", { text: message })));
  }
}

function asked(question) {
  const long = question.length > LONG_QUESTION_CHARACTERS ? "long" : null;
  return element("article", { class: "message user", label: () => t("answer.you") }, element("h2", { class: long, text: question }));
}

function motion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
}
