// The box a question is typed into: its keys, the folder it is limited to, and
// the stop button that takes the send button's place while an answer streams.
import { element, find, localise } from "./dom.js";
import { fileName } from "./format.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";

export class AskForm {
  #running = false;

  constructor({ onAsk, onStop }) {
    this.onAsk = onAsk;
    this.form = find("#ask");
    this.question = find("#question");
    this.scope = find("#scope");
    this.send = find("#send");
    this.stop = find("#stop");
    this.send.append(icon("send"));
    this.stop.append(icon("stop"), element("span", { text: () => t("ask.stop") }));
    this.form.addEventListener("submit", (event) => this.#submit(event));
    this.question.addEventListener("keydown", (event) => this.#keyed(event));
    this.question.addEventListener("input", () => this.#changed());
    this.stop.addEventListener("click", onStop);
    this.#changed();
  }

  get folder() {
    return this.scope.hidden ? "" : this.scope.value;
  }

  focus() {
    this.question.focus();
  }

  fill(text) {
    this.correct(text);
    this.question.select();
  }

  /// Like `fill`, for a text that is to be changed rather than replaced.
  correct(text) {
    this.question.value = text;
    this.#changed();
    this.question.focus();
    this.question.setSelectionRange(text.length, text.length);
  }

  running(running) {
    const stopHadFocus = document.activeElement === this.stop;
    this.#running = running;
    this.stop.hidden = !running;
    this.send.hidden = running;
    if (stopHadFocus && !running) this.focus();
  }

  followUp(following) {
    localise(this.question, "placeholder", () => t(following ? "ask.followUp" : "ask.placeholder"));
  }

  /// Offers the folders when there is a choice to make.
  folders(folders) {
    const paths = folders.map((folder) => folder.path);
    const key = paths.join("\n");
    if (this.scope.dataset.paths === key) return;
    const chosen = this.folder;
    this.scope.dataset.paths = key;
    this.scope.replaceChildren(
      element("option", { value: "", text: () => t("ask.everywhere") }),
      ...paths.map((path) => element("option", { value: path, text: distinctName(path, paths), title: path })),
    );
    this.scope.value = paths.includes(chosen) ? chosen : "";
    this.scope.hidden = paths.length < 2;
  }

  #submit(event) {
    event.preventDefault();
    const question = this.question.value.trim();
    if (!question || this.#running) return;
    this.question.value = "";
    this.#changed();
    this.onAsk(question);
  }

  #keyed(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  #changed() {
    // The stylesheet mirrors this text behind the textarea, so the box grows.
    this.question.parentElement.dataset.value = this.question.value;
    this.send.disabled = this.question.value.trim() === "";
  }
}

/// The folder's name, with its parent's where two folders share one.
function distinctName(path, paths) {
  const name = fileName(path);
  const alone = paths.filter((other) => fileName(other) === name).length === 1;
  return alone ? name : path.split(/[\\/]/).filter(Boolean).slice(-2).join("/");
}
