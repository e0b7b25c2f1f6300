// What was understood of a question, from its plan: as a sentence for a person,
// and as a question for the same documents, which a person can correct. Pure,
// but for the language in force.
import { money } from "./format.js";
import { language, locale, t } from "./i18n.js";

const OF_DOCUMENTS = ["count", "list", "table"];
const FEMININE = /^(imagen|imágenes|\S*(a|as|ión|iones))( |$)/;

/// One short sentence, or "" where there is nothing to say.
export function understood(plan) {
  if (!plan) return "";
  if (OF_DOCUMENTS.includes(plan.kind)) return phrase(`understood.${act(plan)}`, words(plan, quoted, plan.limit === 1));
  if (plan.kind === "library") return phrase(`understood.${plan.about}`, { target: plan.target ?? "" });
  if (plan.kind === "summary") return summary(plan);
  return passages(plan);
}

/// A question that asks for the same documents; "" where it was for none.
export function edited(plan) {
  if (!OF_DOCUMENTS.includes(plan?.kind)) return "";
  const columns = (plan.columns ?? []).map((column) => t(`edit.${column}`)).reverse();
  const shown = columns.length > 0 ? t("edit.columns", { columns: joined(columns) }) : "";
  const isOne = plan.limit === 1 || ["largest", "smallest"].includes(plan.arithmetic);
  return phrase(`edit.${act(plan)}`, { ...words(plan, plain, isOne), columns: shown });
}

function act({ kind, arithmetic, order, limit }) {
  if (kind === "count") return "count";
  if (kind === "table") return arithmetic ?? "table";
  if (!order) return "list";
  return limit ? `${order}First` : order;
}

function summary(plan) {
  const target = plan.named ?? plan.target;
  if (target) return t("understood.summary", { target });
  return plan.filters ? phrase("understood.summaryOf", words(plan, quoted)) : t("understood.summaryOfSaid");
}

/// Of questions that passages answer what they go on from, and what they name outright.
function passages({ understood: question, named, filters }) {
  const said = [];
  if (question) said.push(t("understood.asked", { question }));
  if (named) said.push(t("understood.named", { named }));
  if (filters?.period) said.push(t("understood.time", { time: timeOf(filters.period) }));
  return said.join(" · ");
}

/// What every sentence may say: the documents, and endings that agree with
/// their gender in Spanish.
function words({ filters = {}, limit }, quote, isOne = false) {
  const [noun, one] = [nounOf(filters, 2), nounOf(filters, 1)];
  const endings = FEMININE.test(noun) ? { os: "as", el: "la", o: "a" } : { os: "os", el: "el", o: "o" };
  const clauses = clausesOf(filters, quote, isOne ? 1 : 2);
  const all = clauses === "" ? t("phrase.all", { noun, ...endings }) : noun;
  return { noun, one, all, clauses, n: limit ?? 0, ...endings };
}

function nounOf({ category, file_type: type }, n) {
  const typed = type ? t(`type.${type}`, { n }) : t("type.document", { n });
  if (!category) return typed;
  const place = (language() === "es" ? 2 : 0) + (n > 1 ? 1 : 0);
  const noun = category.names?.[place] ?? category.name;
  return type ? t("phrase.typed", { noun, type: t(`type.${type}`, { n: 1 }) }) : noun;
}

/// `n` says of how many documents.
function clausesOf(filters, quote, n) {
  const clauses = [];
  const say = (key, value, parameters) => value && clauses.push(t(`phrase.${key}`, { n, ...parameters }));
  const { tags, folders, mentions, absent, links, period, amount } = filters;
  say("tagged", tags, { n: tags?.length, tags: joined(tags?.map(({ name }) => `#${name}`), filters.any_tag) });
  say("untagged", filters.untagged);
  say("folder", folders, { folder: joined(folders?.map(({ name }) => name)) });
  say("title", filters.title, { title: quote([filters.title]) });
  if (amount) clauses.push(comparison(amount));
  say("language", filters.language, { language: languageNamed(filters.language) });
  say("links", links, { name: joined(links) });
  say("mentions", mentions, { words: quote(mentions, filters.any_mention) });
  say(mentions ? "butNot" : "not", absent, { words: quote(absent) });
  if (period) clauses.push(periodIn(period.by === "changed" ? "changed" : "period", period));
  return clauses.join(" ");
}

function joined(names = [], any = false) {
  return names.join(t(any ? "phrase.or" : "phrase.and"));
}

function quoted(texts = [], any = false) {
  return joined(texts.map((text) => t("phrase.quoted", { text })), any);
}

/// As a question says it: quotes keep words together that would be taken apart.
function plain(texts = [], any = false) {
  const isOne = texts.length === 1 && / (and|or|y|e|o|u) /.test(texts[0]);
  return isOne ? quoted(texts) : joined(texts, any);
}

function languageNamed(code) {
  return code ? new Intl.DisplayNames(locale(), { type: "language" }).of(code) : "";
}

/// The span with its preposition: `key` says whether of the documents' own
/// dates or of their changes.
function periodIn(key, { from, to }) {
  if (!to) return t(`${key}.since`, { from: dayOf(from) });
  if (!from) return t(`${key}.until`, { to: dayOf(to) });
  if (from === to) return t(`${key}.day`, { day: dayOf(from) });
  const whole = wholeOf(from, to);
  return whole ? t(`${key}.whole`, { whole }) : t(`${key}.range`, { from: dayOf(from), to: dayOf(to) });
}

function timeOf(period) {
  const { from, to } = period;
  if (!from || !to) return periodIn("period", period);
  return (from !== to && wholeOf(from, to)) || format({ dateStyle: "long" }).formatRange(utc(from), utc(to));
}

/// A month or a year, where it is just that.
function wholeOf(from, to) {
  const after = new Date(utc(to).getTime() + 86_400_000).toISOString().slice(0, 10);
  if (!from.endsWith("-01") || !after.endsWith("-01")) return "";
  const months = (day) => 12 * Number(day.slice(0, -6)) + Number(day.slice(-5, -3));
  const length = months(after) - months(from);
  if (length === 1) return format({ month: "long", year: "numeric" }).format(utc(from));
  return length === 12 && from.endsWith("-01-01") ? from.slice(0, -6) : "";
}

function dayOf(day) {
  return format({ dateStyle: "long" }).format(utc(day));
}

function format(options) {
  return new Intl.DateTimeFormat(locale(), { ...options, timeZone: "UTC" });
}

function utc(day) {
  return new Date(`${day}T00:00:00Z`);
}

function comparison({ least, most, unit }) {
  const shown = ({ value }) => money(value, unit);
  if (!most) return t(least.included ? "amount.atLeast" : "amount.over", { least: shown(least) });
  if (!least) return t(most.included ? "amount.atMost" : "amount.under", { most: shown(most) });
  if (least.value === most.value) return t("amount.exactly", { least: shown(least) });
  return t("amount.between", { least: shown(least), most: shown(most) });
}

/// A sentence without the gaps of what is not said.
function phrase(key, parameters) {
  return t(key, parameters).replace(/\s+/g, " ").replace(/ ([?,.])/g, "$1").trim();
}
