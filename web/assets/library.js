// The library view: the folders, how indexing is getting on, the documents and
// the models. Redraws its own parts from the status; the document list and the
// model list look after themselves.
import { addFolder, removeFolder } from "./api.js";
import { confirmed } from "./dialog.js";
import { DocumentList } from "./documents.js";
import { element, find } from "./dom.js";
import { folderForm } from "./folder-form.js";
import { count, timeLeft } from "./format.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { ModelList } from "./models.js";
import { lossesOf, troublesOf } from "./notices.js";
import { currentStatus, refreshStatus, watchStatus } from "./status.js";
import { whySection } from "./why.js";

export class Library {
  #shown = false;

  constructor() {
    this.root = find("#library");
    this.counts = element("p", { class: "counts" });
    this.troubles = element("div", { class: "troubles", role: "status" });
    this.progress = element("section", { class: "card indexing", hidden: true, label: () => t("progress.title") });
    this.images = element("p", { class: "card images", hidden: true });
    this.folders = element("ul", { class: "folders" });
    this.problem = element("p", { class: "problem", role: "alert" });
    this.documents = new DocumentList();
    this.models = new ModelList();
    this.root.append(element("div", { class: "page" }, this.#heading(), this.troubles, this.progress, this.images, this.#folderSection(), this.documents.element, whySection(), this.models.element));
    watchStatus((status) => this.#update(status));
  }

  shown(shown) {
    this.#shown = shown;
    this.root.hidden = !shown;
    if (!shown) return;
    const status = currentStatus();
    if (status) this.#update(status);
    this.documents.load();
    this.models.load();
  }

  #heading() {
    return element("div", { class: "heading" }, element("h1", { text: () => t("library.title") }), this.counts);
  }

  #folderSection() {
    return element("section", {}, element("h2", { text: () => t("library.folders") }), this.folders, this.problem, folderForm());
  }

  #update(status) {
    if (!this.#shown) return;
    this.#drawCounts(status);
    this.#drawTroubles(status);
    this.#drawProgress(status.indexing);
    this.#drawImages(status.images);
    this.#drawFolders(status.folders);
    this.documents.statusChanged(status);
    this.models.statusChanged(status);
  }

  #drawCounts({ documents, chunks }) {
    const facts = [["searchable", documents.indexed], ["chunks", chunks], ["pending", documents.pending], ["skipped", documents.skipped], ["failed", documents.failed]];
    const shown = facts.filter(([name, n]) => n > 0 || name === "searchable");
    this.counts.replaceChildren(...shown.map(([name, n]) => element("span", { class: name, text: () => t(`library.${name}`, { n }) })));
  }

  #drawTroubles({ indexing, notices }) {
    const troubles = [...troublesOf(indexing), ...lossesOf(notices)];
    const key = JSON.stringify(troubles);
    if (this.troubles.dataset.key === key) return;
    this.troubles.dataset.key = key;
    this.troubles.replaceChildren(...troubles.map(({ name, parameters }) => element("p", { class: "problem", text: () => t(`notice.${name}`, parameters) })));
  }

  #drawProgress(indexing) {
    this.progress.hidden = !indexing?.active;
    if (this.progress.hidden) return;
    const { done, total, embedded, to_embed: toEmbed, eta_seconds: eta, current } = indexing;
    this.progress.replaceChildren(
      element("div", { class: "top" }, element("h2", { text: () => t("progress.title") }), element("span", { class: "left", text: () => timeLeft(eta) })),
      bar("progress.files", done, total),
      ...(toEmbed > 0 ? [bar("progress.vectors", embedded, toEmbed)] : []),
      element("p", { class: "path current", text: current ?? "" }),
    );
  }

  #drawImages({ unread, help }) {
    this.images.hidden = unread === 0 || !help;
    this.images.textContent = this.images.hidden ? "" : t("library.images", { n: unread, help });
  }

  #drawFolders(folders) {
    const key = JSON.stringify(folders);
    if (this.folders.dataset.key === key) return;
    this.folders.dataset.key = key;
    const none = element("li", { class: "none", text: () => t("library.noFolders") });
    this.folders.replaceChildren(...(folders.length > 0 ? folders.map((folder) => this.#folder(folder)) : [none]));
  }

  #folder({ path, reachable, away, drives_away: drives, documents }) {
    const missing = away || drives?.length > 0;
    return element(
      "li",
      { class: "folder", data: { path } },
      element("span", { class: "path", text: path }),
      reachable === false ? element("span", { class: "chip", data: { state: "failed" }, text: () => t("library.unreachable") }) : null,
      element("span", { class: "amount", text: () => t("library.folderDocuments", { n: documents }) }),
      missing ? element("p", { class: "problem", text: () => (away ? t("library.away", { reason: away }) : t("library.drivesAway", { places: drives.join(", ") })) }) : null,
      missing ? element("button", { type: "button", class: "accept", text: () => t("library.accept"), on: { click: () => this.#accept(path) } }) : null,
      element("button", { type: "button", class: "quiet square", label: () => t("library.remove", { path }), on: { click: () => this.#remove(path) } }, icon("close")),
    );
  }

  #accept(path) {
    return this.#change({ title: t("library.confirmAccept"), body: t("library.confirmAcceptBody", { path }), yes: t("library.accept") }, () => addFolder(path));
  }

  #remove(path) {
    return this.#change({ title: t("library.confirmRemove"), body: t("library.confirmRemoveBody", { path }), yes: t("library.confirmRemoveYes") }, () => removeFolder(path));
  }

  async #change(question, change) {
    if (!(await confirmed(question))) return;
    this.problem.textContent = "";
    try {
      await change();
      await refreshStatus();
      this.documents.load();
    } catch (error) {
      this.problem.textContent = error.unreachable ? t("answer.unreachable") : error.message;
    }
  }
}

function bar(key, done, total) {
  return element(
    "div",
    { class: "measure" },
    element("span", { text: () => t(key) }),
    element("span", { class: "amount", text: () => t("progress.of", { done: count(done), total: count(total) }) }),
    element("progress", { max: Math.max(total, 1), value: done, label: () => t(key) }),
  );
}
