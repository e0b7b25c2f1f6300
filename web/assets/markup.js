// Puts an answer's HTML on the page: parses it apart from the document, keeps
// only known tags and attributes (the server sanitises too), and turns `[n]`
// into citation chips. Unchanged blocks stay in place while an answer streams,
// so focus and selection survive.

const TAGS = new Set("A B BLOCKQUOTE BR CODE DD DEL DL DT EM H1 H2 H3 H4 H5 H6 HR I KBD LI OL P PRE S STRONG SUB SUP TABLE TBODY TD TH THEAD TR UL".split(" "));
const DROPPED = new Set("SCRIPT STYLE TEMPLATE IFRAME OBJECT EMBED SVG MATH NOSCRIPT LINK META IMG".split(" "));
const ATTRIBUTES = { A: ["href"], OL: ["start"], TD: ["colspan", "rowspan"], TH: ["colspan", "rowspan"] };
const SAFE_ADDRESS = /^(https?:|mailto:)/i;
const RUN_OF_MARKERS = /\s*\[\d+(?:\s*[,;]\s*\d+)*\](?:\s*\[\d+(?:\s*[,;]\s*\d+)*\])*/g;
const UNFINISHED_MARKER = /\s*\[[\d,;\s]*$/;
const LAST_WORD = /\S{1,24}$/;
const PUNCTUATION = /^[.,;:!?…)»”"']+/;

const renderedKeys = new WeakMap();

/// `chipFor(n)` returns the chip for a marker, or null where there is no such
/// passage and the text should stand; `known` are the markers that have one.
export function renderAnswer(container, html, { chipFor, known, streaming }) {
  const blocks = cleanBlocks(html);
  if (streaming && blocks.length > 0) trimUnfinishedMarker(blocks[blocks.length - 1]);
  // Blocks are drawn again when their markers become known, too.
  const keys = blocks.map((block) => `${known} ${block.outerHTML}`);
  const before = renderedKeys.get(container) ?? [];
  blocks.forEach((block, index) => {
    if (keys[index] === before[index]) return;
    insertChips(block, chipFor);
    const current = container.children[index];
    if (current) current.replaceWith(block);
    else container.append(block);
  });
  while (container.children.length > blocks.length) container.lastElementChild.remove();
  renderedKeys.set(container, keys);
}

/// For answers stored without HTML.
export function paragraphs(text) {
  const holder = document.createElement("div");
  for (const part of text.split(/\n{2,}/)) {
    const paragraph = document.createElement("p");
    paragraph.textContent = part;
    holder.append(paragraph);
  }
  return holder.innerHTML;
}

function cleanBlocks(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  const holder = document.createElement("div");
  holder.append(...cleanChildren(parsed.body));
  return [...holder.childNodes].filter((node) => node.nodeType === Node.ELEMENT_NODE || node.textContent.trim()).map(asBlock);
}

function asBlock(node) {
  if (node.nodeType === Node.ELEMENT_NODE) return node;
  const paragraph = document.createElement("p");
  paragraph.append(node);
  return paragraph;
}

function cleanChildren(node) {
  return [...node.childNodes].flatMap(cleaned);
}

function cleaned(node) {
  if (node.nodeType === Node.TEXT_NODE) return [document.createTextNode(node.data)];
  if (node.nodeType !== Node.ELEMENT_NODE || DROPPED.has(node.tagName.toUpperCase())) return [];
  if (!TAGS.has(node.tagName)) return cleanChildren(node);
  const copy = document.createElement(node.tagName);
  for (const name of ATTRIBUTES[node.tagName] ?? []) {
    if (node.hasAttribute(name)) copy.setAttribute(name, node.getAttribute(name));
  }
  if (node.tagName === "A") secureLink(copy);
  copy.append(...cleanChildren(node));
  return [copy];
}

function secureLink(link) {
  if (!SAFE_ADDRESS.test(link.getAttribute("href") ?? "")) return link.removeAttribute("href");
  link.target = "_blank";
  link.rel = "noopener noreferrer";
}

function textNodes(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement.closest("code, pre, a")) nodes.push(walker.currentNode);
  }
  return nodes;
}

function trimUnfinishedMarker(block) {
  const last = textNodes(block).filter((node) => node.data.trim()).pop();
  if (last) last.data = last.data.replace(UNFINISHED_MARKER, "");
}

function insertChips(block, chipFor) {
  for (const node of textNodes(block)) {
    const parts = splitMarkers(node.data, chipFor);
    if (parts.length > 1) node.replaceWith(...parts);
  }
}

/// A run of markers becomes chips that stay on the line of the word before
/// them and of the punctuation after.
function splitMarkers(text, chipFor) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(RUN_OF_MARKERS)) {
    const chips = match[0].match(/\d+/g).map((number) => chipFor(Number(number)) ?? `[${number}]`);
    if (chips.every((chip) => typeof chip === "string")) continue;
    const before = text.slice(from, match.index);
    const after = text.slice(match.index + match[0].length);
    const word = LAST_WORD.exec(before)?.[0] ?? "";
    const mark = PUNCTUATION.exec(after)?.[0] ?? "";
    parts.push(before.slice(0, before.length - word.length), joined(word, ...chips, mark));
    from = match.index + match[0].length + mark.length;
  }
  return from > 0 ? [...parts, text.slice(from)] : [text];
}

function joined(...content) {
  const span = document.createElement("span");
  span.className = "joined";
  span.append(...content);
  return span;
}
