// The left list: the stored conversations, to open, delete one by one, or
// delete all; and the button that starts a new one.
import { deleteAllConversations, deleteConversation, getConversations } from "./api.js";
import { element, find } from "./dom.js";
import { confirmed } from "./dialog.js";
import { when } from "./format.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";

export class Conversations {
  #list = [];
  #current = null;

  /// `onNew()` when a new one is wanted, `onDeleted()` when the open one went.
  constructor({ onNew, onDeleted }) {
    this.onDeleted = onDeleted;
    this.root = find("#conversations");
    this.items = element("ul", {});
    this.problem = element("p", { class: "problem", role: "alert" });
    this.deleteAll = element("button", { type: "button", class: "quiet delete-all", text: () => t("conversations.deleteAll"), on: { click: () => this.#deleteAll() } });
    const create = element("button", { type: "button", class: "new", on: { click: onNew } }, icon("plus"), element("span", { text: () => t("conversations.new") }));
    this.root.append(create, this.items, this.problem, this.deleteAll);
    this.#draw();
  }

  get current() {
    return this.#current;
  }

  set current(id) {
    this.#current = id;
    for (const link of this.items.querySelectorAll("a")) mark(link, link.dataset.id === id);
  }

  /// A list that cannot be fetched stays as it was; the banner says why.
  async refresh() {
    const answer = await getConversations().catch(() => null);
    if (!answer) return;
    this.#list = answer.conversations;
    this.#draw();
  }

  titleOf(id) {
    return this.#list.find((conversation) => conversation.id === id)?.title ?? "";
  }

  #draw() {
    const empty = element("li", { class: "none", text: () => t("conversations.none") });
    this.deleteAll.hidden = this.#list.length < 2;
    this.items.replaceChildren(...(this.#list.length > 0 ? this.#list.map((conversation) => this.#item(conversation)) : [empty]));
  }

  #item(conversation) {
    const title = conversation.title || t("conversations.untitled");
    const link = element("a", { href: `#/c/${encodeURIComponent(conversation.id)}`, data: { id: conversation.id }, title },
      element("span", { class: "title", text: title }),
      element("time", { datetime: conversation.updated, text: () => when(conversation.updated) }));
    mark(link, conversation.id === this.#current);
    const remove = element("button", { type: "button", class: "quiet square delete", label: () => t("conversations.delete", { title }), on: { click: () => this.#delete(conversation, title) } }, icon("trash"));
    return element("li", { class: "conversation", data: { id: conversation.id } }, link, remove);
  }

  async #delete({ id }, title) {
    const agreed = await confirmed({ title: t("conversations.confirm"), body: t("conversations.confirmBody", { title }), yes: t("conversations.confirmYes") });
    if (agreed) await this.#remove(() => deleteConversation(id), id === this.#current);
  }

  async #deleteAll() {
    const agreed = await confirmed({ title: t("conversations.confirmAll", { n: this.#list.length }), body: t("conversations.confirmAllBody"), yes: t("conversations.confirmYes") });
    if (agreed) await this.#remove(deleteAllConversations, this.#current !== null);
  }

  async #remove(request, currentGoes) {
    this.problem.textContent = "";
    try {
      await request();
      if (currentGoes) this.onDeleted();
    } catch (error) {
      this.problem.textContent = error.unreachable ? t("answer.unreachable") : error.message;
    }
    await this.refresh();
  }
}

function mark(link, current) {
  if (current) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
}
