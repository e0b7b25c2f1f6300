// The quiet lines above the ask box: indexing held up or still under way, a
// model that is missing or on its way. Redrawn only when the words change, so that screen
// readers are not told the same thing every second.
import { element, find } from "./dom.js";
import { t } from "./i18n.js";
import { watchStatus } from "./status.js";

export function startNotices() {
  const region = find("#notices");
  watchStatus((status) => {
    const wanted = noticesFor(status);
    const key = JSON.stringify(wanted);
    if (region.dataset.key === key) return;
    region.dataset.key = key;
    region.replaceChildren(...wanted.map(({ name, parameters }) => element("p", { data: { notice: name }, text: () => t(`notice.${name}`, parameters) })));
  });
}

/// What there is to say about a status, most important first.
export function noticesFor({ indexing, models, folders, notices: lost }) {
  const notices = [];
  const say = (name, parameters = {}) => notices.push({ name, parameters });
  const language = models?.language_model?.state ?? "missing";
  if (language === "missing") say("modelMissing");
  if (language === "downloading") say("modelDownloading");
  if (["missing", "downloading"].includes(models?.embedding?.state)) say("embeddingMissing");
  notices.push(...troublesOf(indexing), ...lossesOf(lost));
  for (const { path } of folders.filter(({ away }) => away)) say("away", { path });
  if (!indexing?.active || folders.length === 0) return notices;
  if (indexing.done < indexing.total) say("indexing", { done: indexing.done, n: indexing.total });
  else if (indexing.embedded < indexing.to_embed) say("embedding", { done: indexing.embedded, total: indexing.to_embed });
  return notices;
}

/// What was lost, in the server's words.
export function lossesOf(lost) {
  return (lost ?? []).map((reason) => ({ name: "lost", parameters: { reason } }));
}

/// What holds indexing up, or limits watching, in the server's words.
export function troublesOf(indexing) {
  const troubles = [["trouble", indexing?.trouble], ["watching", indexing?.notice]];
  return troubles.filter(([, reason]) => reason).map(([name, reason]) => ({ name, parameters: { reason } }));
}
