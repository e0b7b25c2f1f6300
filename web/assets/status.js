// Polls /api/status and tells whoever watches: quickly while files are being
// indexed or a model is downloading, slowly otherwise, not at all while the
// page is hidden. Also owns the banner shown while the server does not answer.
import { getStatus } from "./api.js";
import { element, find } from "./dom.js";
import { t } from "./i18n.js";

const BUSY_MILLISECONDS = 1000;
const CALM_MILLISECONDS = 5000;
const RETRY_MILLISECONDS = 3000;

const listeners = new Set();
let status = null;
let problem = null;
let timer = null;
let polling = null;

export function currentStatus() {
  return status;
}

/// Calls `listener(status)` now, if the status is known, and at every change.
export function watchStatus(listener) {
  listeners.add(listener);
  if (status) listener(status);
}

export function startPolling() {
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : refreshStatus()));
  return refreshStatus();
}

/// Asks at once, for after a change the person made: waits for a request
/// under way, whose answer may predate the change, and then asks again.
export async function refreshStatus() {
  await polling;
  polling = poll();
  await polling;
}

export function isIndexing(of = status) {
  return Boolean(of?.indexing?.active);
}

/// The language model can write answers, or will once it has been loaded.
export function canAnswer(of = status) {
  return ["ready", "loaded"].includes(of?.models?.language_model?.state);
}

async function poll() {
  clearTimeout(timer);
  try {
    status = await getStatus();
    problem = null;
  } catch (error) {
    problem = error;
  }
  showBanner();
  if (!document.hidden) timer = setTimeout(refreshStatus, delay());
  if (!problem) for (const listener of listeners) listener(status);
}

function delay() {
  if (problem) return RETRY_MILLISECONDS;
  const models = Object.values(status.models ?? {});
  const downloading = models.some((model) => model?.state === "downloading");
  return isIndexing() || downloading ? BUSY_MILLISECONDS : CALM_MILLISECONDS;
}

function showBanner() {
  const banner = find("#banner");
  const kind = problem ? kindOf(problem) : "";
  if ((banner.dataset.kind ?? "") === kind) return;
  banner.dataset.kind = kind;
  banner.hidden = !kind;
  if (!kind) return banner.replaceChildren();
  const message = problem.message;
  banner.replaceChildren(
    element("span", { text: () => t(kind, { message }) }),
    element("button", { type: "button", text: () => t("app.retry"), on: { click: refreshStatus } }),
  );
}

function kindOf(error) {
  if (error.unreachable) return "app.offline";
  return error.status === 401 ? "app.forbidden" : "app.failing";
}
