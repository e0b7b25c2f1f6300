// Puts the page together: which view the address asks for, the header, the
// keys that work everywhere, and who tells whom. Holds no behaviour of its own.
import { adoptToken } from "./api.js";
import { AskForm } from "./ask-form.js";
import { Conversations } from "./conversations.js";
import { element, find, localise, localiseStatic, relocalise } from "./dom.js";
import { language, setLanguage, t } from "./i18n.js";
import { icon } from "./icons.js";
import { Library } from "./library.js";
import { startNotices } from "./notices.js";
import { SourcesPanel } from "./sources.js";
import { startPolling, watchStatus } from "./status.js";
import { startTheme } from "./theme.js";
import { Thread } from "./thread.js";

adoptToken();
localiseStatic();

const form = new AskForm({ onAsk: (question) => thread.ask(question), onStop: () => thread.stop() });
const sources = new SourcesPanel({ onDrawer: () => drawersChanged() });
const conversations = new Conversations({ onNew: newConversation, onDeleted: newConversation });
const thread = new Thread({
  form,
  sources,
  onConversation: conversationBegan,
  onRunning: (running) => running || conversations.refresh(),
});
const library = new Library();

startHeader();
startNotices();
startKeys();
watchStatus(({ folders }) => form.folders(folders));
window.addEventListener("hashchange", route);
route();
// Paths drawn before the folders were known are written again, shorter.
startPolling().then(() => relocalise());
conversations.refresh();
// On a touch screen this would raise the keyboard over the page.
if (matchMedia("(hover: hover)").matches) form.focus();

function route() {
  const { view, conversation } = parseRoute(location.hash);
  const asking = view === "ask";
  setMenu(false);
  find("#ask-view").hidden = !asking;
  library.shown(!asking);
  for (const link of document.querySelectorAll("#views a")) {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (asking) openConversation(conversation);
  showTitle();
}

function parseRoute(hash) {
  if (hash.startsWith("#/library")) return { view: "library", conversation: null };
  const [, id] = /^#\/c\/([^/?&]+)/.exec(hash) ?? [];
  return { view: "ask", conversation: id ? decodeURIComponent(id) : null };
}

function openConversation(id) {
  if (id) thread.open(id);
  else if (thread.conversation !== null || thread.running) thread.clear();
  conversations.current = id;
  linkToConversation(id);
}

function newConversation() {
  thread.clear();
  conversations.current = null;
  if (location.hash !== "#/") location.hash = "#/";
  setMenu(false);
  form.focus();
}

/// The address follows a new conversation without reopening it.
async function conversationBegan(id) {
  if (!location.hash.startsWith("#/library")) history.replaceState(null, "", `#/c/${encodeURIComponent(id)}`);
  linkToConversation(id);
  conversations.current = id;
  await conversations.refresh();
  showTitle();
}

/// "Ask" in the header leads back to the open conversation.
function linkToConversation(id) {
  find('#views [data-view="ask"]').href = id ? `#/c/${encodeURIComponent(id)}` : "#/";
}

function showTitle() {
  const inLibrary = parseRoute(location.hash).view === "library";
  const title = inLibrary ? t("library.title") : conversations.titleOf(thread.conversation);
  document.title = title ? `${title} · Vademecum` : "Vademecum";
}

function startHeader() {
  const toggle = find("#language");
  localise(toggle, "text", () => t("language.other"));
  localise(toggle, "aria-label", () => t("language.label"));
  localise(toggle, "lang", () => (language() === "en" ? "es" : "en"));
  toggle.addEventListener("click", () => {
    setLanguage(language() === "en" ? "es" : "en");
    relocalise();
    showTitle();
  });
  startTheme(find("#theme"));
  find("#menu").append(icon("menu"));
  find("#menu").addEventListener("click", () => setMenu(!menuOpen()));
  find("#scrim").addEventListener("click", closeDrawers);
  find("#skip").addEventListener("click", () => form.focus());
  find("#brand").addEventListener("click", (event) => {
    event.preventDefault();
    newConversation();
  });
  watchStatus(showSummary);
}

function showSummary({ documents, indexing, folders }) {
  const summary = find("#summary");
  const percent = indexing.total > 0 ? Math.floor((100 * (indexing.done + indexing.embedded)) / (indexing.total + indexing.to_embed)) : 0;
  const key = indexing.active ? "app.indexing" : "app.summary";
  summary.hidden = folders.length === 0;
  summary.classList.toggle("busy", indexing.active);
  summary.replaceChildren(element("span", { text: () => t(key, { n: documents.indexed, percent }) }));
}

function menuOpen() {
  return find("#conversations").classList.contains("open");
}

function setMenu(open) {
  find("#conversations").classList.toggle("open", open);
  find("#menu").setAttribute("aria-expanded", String(open));
  drawersChanged();
  if (open) find("#conversations button").focus();
}

function closeDrawers() {
  if (menuOpen()) setMenu(false);
  sources.closeDrawer();
}

function drawersChanged() {
  find("#scrim").hidden = !menuOpen() && !sources.drawerOpen;
}

function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (find("#confirm").open || event.defaultPrevented) return;
    if (event.key === "Escape" && escape()) event.preventDefault();
    if (event.key === "/" && !isTyping(event)) {
      event.preventDefault();
      goToQuestion();
    }
  });
}

function goToQuestion() {
  if (parseRoute(location.hash).view === "library") {
    history.pushState(null, "", find('#views [data-view="ask"]').href);
    route();
  }
  form.focus();
}

/// What lies on top goes first: a drawer, then a running answer, then a
/// passage. Says whether there was anything to close.
function escape() {
  if (menuOpen()) {
    setMenu(false);
    find("#menu").focus();
    return true;
  }
  if (!sources.drawerOpen && thread.running) {
    thread.stop();
    return true;
  }
  return sources.escape();
}

function isTyping(event) {
  const typing = event.target.matches("input, textarea, select, [contenteditable]");
  return typing || event.ctrlKey || event.metaKey || event.altKey;
}
