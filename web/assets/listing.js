// The documents of a count, a list, a table or a sum, as a table: title, date,
// amount, and the words that put a document there; what was computed stands in
// the foot. Long ones are folded. `onOpen(row, opener)` opens a document.
import { element } from "./dom.js";
import { day, money, shortPath, titleOf } from "./format.js";
import { t } from "./i18n.js";
import { currentStatus } from "./status.js";

const FOLDED = 10;
/// Rows that are added at once, at most.
const STEP = 500;
/// What a line of a note may begin with: signs of lists, headings and quotations.
const SIGNS = /^([-*+>|]|#+|\d+[.)])\s+/;

/// Null where there is nothing to show.
export function listing(table, plan, onOpen) {
  const { rows = [], computed = [] } = table;
  if (rows.length === 0) return null;
  const shape = {
    hasAmounts: computed.length > 0 || rows.some(({ value }) => value),
    hasWords: rows.some(({ evidence }) => evidence),
    allOfFile: rows.every((row) => row.date_is_of_file),
    twice: repeated(rows.map(titleOf)),
    onOpen,
  };
  const body = part("tbody");
  const drawn = element("table", { role: "table", data: { amounts: shape.hasAmounts } },
    element("caption", { class: "offscreen", text: () => (table.filter ? t("listing.caption", { filter: table.filter }) : t("listing.captionAll")) }),
    head(shape), body, foot(computed, plan, shape));
  const note = rows.some((row) => row.date_is_of_file) && !shape.allOfFile ? element("p", { class: "note", text: () => t("listing.ofFile") }) : null;
  const root = element("div", { class: "listing" }, drawn, note);
  unfold(root, { rows, body, shape }, isTheWholeLibrary(table, plan) ? 0 : FOLDED);
  return root;
}

/// Nobody who asks how many documents there are wants to read them all.
function isTheWholeLibrary(table, plan) {
  return plan?.kind === "count" && !table.filter;
}

/// Adds the next rows, and a button for those after them.
function unfold(root, { rows, body, shape }, count) {
  const added = rows.slice(body.childElementCount, body.childElementCount + count).map((row) => line(row, shape));
  body.append(...added);
  body.parentElement.hidden = body.childElementCount === 0;
  const left = rows.length - body.childElementCount;
  if (left > 0) {
    const label = () => (left > STEP ? t("listing.more", { n: STEP }) : t("listing.all", { n: rows.length }));
    const more = element("button", { type: "button", class: "more", text: label });
    more.addEventListener("click", () => {
      more.remove();
      unfold(root, { rows, body, shape }, STEP).querySelector("button").focus();
    });
    body.parentElement.after(more);
  }
  return added[0];
}

function head({ hasAmounts, hasWords, allOfFile }) {
  const column = (key, name) => element("th", { scope: "col", role: "columnheader", class: name, text: () => t(`listing.${key}`) });
  return part("thead", row({}, column("document"), column(allOfFile ? "changed" : "date", "date"), hasAmounts ? column("amount", "amount") : null, hasWords ? column("words", "offscreen") : null));
}

function line(document, { hasAmounts, hasWords, allOfFile, twice, onOpen }) {
  const { evidence, value, path } = document;
  const title = titleOf(document);
  const number = evidence ? element("span", { class: "number", "aria-hidden": "true", text: String(evidence.marker) }) : null;
  const open = element("button", { type: "button", class: "open", title: path, data: { marker: evidence?.marker ?? "" }, on: { click: (event) => onOpen(document, event.currentTarget) } },
    element("span", { class: "title", text: title }), number);
  const where = twice.has(title) ? element("span", { class: "path", text: () => shortPath(path, currentStatus()?.folders) }) : null;
  const words = evidence ? element("q", { text: evidence.quote.replace(SIGNS, "") }) : null;
  return row(
    { data: { document: document.document } },
    element("th", { scope: "row", role: "rowheader" }, open, where),
    cell("date", date(document, allOfFile)),
    hasAmounts ? cell("amount", value?.text ?? "") : null,
    hasWords ? cell("words", words) : null,
  );
}

/// A date that is only the file's is marked where others are the documents' own.
function date({ date, date_is_of_file: ofFile }, allOfFile) {
  const mark = ofFile && !allOfFile ? element("abbr", { title: () => t("listing.changed"), text: "*" }) : null;
  return element("time", { datetime: date }, element("span", { text: () => day(date) }), mark);
}

function foot(computed, plan, { hasAmounts }) {
  if (!hasAmounts || computed.length === 0) return null;
  const key = `listing.${plan?.arithmetic ?? "sum"}`;
  const sum = ({ number, unit, documents }) =>
    row({},
      element("th", { scope: "row", role: "rowheader", colspan: "2" }, element("span", { text: () => t(key) }), " ", element("span", { class: "of", text: () => t("listing.of", { n: documents }) })),
      element("td", { role: "cell", class: "amount", text: () => money(number, unit) }));
  return part("tfoot", ...computed.map(sum));
}

/// The roles are said outright: laid out as a grid, a table may lose them.
function part(tag, ...rows) {
  return element(tag, { role: "rowgroup" }, rows);
}

function row(properties, ...cells) {
  return element("tr", { role: "row", ...properties }, cells);
}

function cell(name, content) {
  return element("td", { role: "cell", class: name }, content);
}

function repeated(titles) {
  const seen = new Set();
  return new Set(titles.filter((title) => seen.size === seen.add(title).size));
}
