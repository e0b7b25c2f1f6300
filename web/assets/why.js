// Why a file is found or is not: a path alone asks where it stands in the index,
// a path and a question where it ranked, a question alone how all were found.
import { search, why } from "./api.js";
import { element } from "./dom.js";
import { decimal, shortPath } from "./format.js";
import { t } from "./i18n.js";
import { currentStatus } from "./status.js";

const CANDIDATES = 10;

/// The section of the library that explains.
export function whySection() {
  const path = element("input", { type: "text", autocomplete: "off", spellcheck: "false", class: "path", label: () => t("why.path"), placeholder: () => t("why.pathPlaceholder") });
  const question = element("input", { type: "search", autocomplete: "off", label: () => t("why.question"), placeholder: () => t("why.questionPlaceholder") });
  const verdict = element("p", { class: "verdict", role: "status" });
  const candidates = element("ol", { class: "candidates" });
  const problem = element("p", { class: "problem", role: "alert" });
  const explain = async (event) => {
    event.preventDefault();
    problem.textContent = "";
    try {
      const answer = await ask(question.value.trim(), path.value.trim());
      verdict.textContent = answer.verdict;
      candidates.replaceChildren(...answer.candidates.map(candidate));
    } catch (error) {
      problem.textContent = error.unreachable ? t("answer.unreachable") : error.message;
    }
  };
  const button = element("button", { type: "submit", text: () => t("why.ask") });
  const form = element("form", { class: "why", on: { submit: explain } }, path, question, button);
  return element("section", {}, element("h2", { text: () => t("why.title") }), form, problem, verdict, candidates);
}

async function ask(question, path) {
  if (question === "") {
    if (path === "") return { verdict: "", candidates: [] };
    return { verdict: (await why(path)).verdict, candidates: [] };
  }
  const expect = path === "" ? undefined : path;
  const { explanation } = await search({ query: question, k: CANDIDATES, explain: true, expect });
  return { verdict: explanation.expected?.verdict ?? "", candidates: explanation.candidates };
}

function candidate({ path, heading, lexical, vector, score, outcome }) {
  const leg = (name, leg) => t(`why.${name}`, { rank: leg ? leg.rank : "–" });
  const place = shortPath(path, currentStatus()?.folders);
  return element(
    "li",
    {},
    element("span", { class: "path", text: heading ? `${place} › ${heading}` : place, title: path }),
    element("span", { class: "facts" }, element("span", { text: () => leg("lexical", lexical) }), element("span", { text: () => leg("vector", vector) }), element("span", { text: () => t("why.score", { score: decimal(score) }) })),
    element("span", { class: "reason", text: outcome }),
  );
}
