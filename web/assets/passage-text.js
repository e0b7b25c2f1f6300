// Draws a passage in its surroundings: what comes before and after it fainter,
// the quoted span marked. Works from byte spans, as the server counts them, and
// leaves every character of the document's text as it is.
import { element } from "./dom.js";
import { t } from "./i18n.js";

const HARD_WRAP_CHARACTERS = 45;

/// `found` is the answer of /text for the citation's span, or for the
/// passage's where nothing cites it; null when the document is gone. An empty
/// passage is a document as a whole, from its beginning.
export function drawPassage(container, { found, passage, citation, problem }) {
  const parts = found ? surroundings(found, passage, citation) : alone(passage, citation);
  const nodes = drawnParts(parts, citation ? "quote" : "quote whole");
  const notice = problem === undefined ? null : element("p", { class: "problem", text: () => t("sources.gone", { message: problem }) });
  container.replaceChildren(...[notice, element("div", { class: "prose" }, nodes)].filter(Boolean));
}

/// The text in order, as parts of kind "around", "inside" (the passage) or "quote".
function surroundings({ before, text, after }, passage, citation) {
  if (passage.start === passage.end) return [{ kind: "inside", text: after }];
  if (!citation || !contains(passage, citation)) {
    return [{ kind: "around", text: before }, { kind: "quote", text }, { kind: "around", text: after }];
  }
  const [faintBefore, leading] = splitFromEnd(before, citation.start - passage.start);
  const [trailing, faintAfter] = splitFromStart(after, passage.end - citation.end);
  return [
    { kind: "around", text: faintBefore },
    { kind: "inside", text: leading },
    { kind: "quote", text },
    { kind: "inside", text: trailing },
    { kind: "around", text: faintAfter },
  ];
}

function alone(passage, citation) {
  const quote = citation?.quote ?? "";
  const at = quote ? passage.text.indexOf(quote) : -1;
  if (at < 0) return [{ kind: "quote", text: passage.text }];
  return [
    { kind: "inside", text: passage.text.slice(0, at) },
    { kind: "quote", text: quote },
    { kind: "inside", text: passage.text.slice(at + quote.length) },
  ];
}

function contains(passage, citation) {
  return passage.document === citation.document && passage.start <= citation.start && citation.end <= passage.end;
}

function splitFromStart(text, bytes) {
  const encoded = new TextEncoder().encode(text);
  const at = Math.max(0, Math.min(bytes, encoded.length));
  return [decode(encoded.subarray(0, at)), decode(encoded.subarray(at))];
}

function splitFromEnd(text, bytes) {
  return splitFromStart(text, new TextEncoder().encode(text).length - bytes);
}

function decode(encoded) {
  return new TextDecoder().decode(encoded);
}

/// A line may run through several parts, so its length is carried along.
function drawnParts(parts, markClass) {
  const shown = parts.filter(({ text }) => text);
  let column = 0;
  return shown.map(({ kind, text }, index) => {
    const tag = kind === "quote" ? "mark" : "span";
    const content = flowing(text, column, shown[index + 1]?.text ?? "");
    const lastBreak = text.lastIndexOf("\n");
    column = lastBreak < 0 ? column + text.length : text.length - lastBreak - 1;
    return element(tag, { class: kind === "quote" ? markClass : kind }, content);
  });
}

/// Lines that a PDF or an editor broke in mid-sentence flow on: the break is
/// kept in the text, but in a span where it shows as a space.
function flowing(text, column, following) {
  const lines = text.split("\n");
  return lines.flatMap((line, index) => {
    const next = lines[index + 1];
    if (next === undefined) return [line];
    const length = line.length + (index === 0 ? column : 0);
    const lineAfter = next || (index + 2 === lines.length ? following : "");
    const wrapped = length >= HARD_WRAP_CHARACTERS && /^[\p{L}\p{N}("'“‘«¿¡]/u.test(lineAfter);
    return wrapped ? [line, element("span", { class: "soft", text: "\n" })] : [`${line}\n`];
  });
}
