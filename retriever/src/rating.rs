//! What a person says of an answer, as questions for `vade eval`.
//!
//! Pure functions over a kept conversation and the text of a case file. What stands in that stays, but for an earlier
//! rating of the same question.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vade_indexer::without_paragraphs;

use crate::condense;
use crate::conversation::{self, Conversation, Detail, Message};
use crate::error::{Result, RetrieverError};
use crate::eval::{Case, Wanted, language_of, says};
use crate::library::file_name;
use crate::prompt::Turn;
use crate::writer::without_markers;

/// Characters of a correction, at most.
const LONGEST: usize = 1000;

/// How the file begins.
const HEAD: &str = "# Answers that you marked as right or wrong, as questions for `vade eval`.\n\
                    # A question that is marked again replaces its entry, unless you have given that another kind.\n";

/// How an entry begins: only these are ever replaced.
const ENTRY: &str = "# rated ";

/// How a kind begins that says what was marked.
const KIND: &str = "rated-";

/// What a person says of an answer.
#[derive(Debug, Clone)]
pub struct Rating {
    /// The question.
    pub question: String,
    /// Whether the answer is right.
    pub right: bool,
    /// What a right answer says.
    pub correction: Option<String>,
}

/// The text of a case file with a rating noted in it.
///
/// # Errors
/// A question that is not in the conversation; a correction that is none.
pub(crate) fn noted(text: &str, conversation: &Conversation, rating: &Rating) -> Result<String> {
    let asked = rating.question.trim();
    let turns: Vec<&[Message]> = conversation.messages.chunks(2).collect();
    let is_asked = |turn: &&[Message]| matches!(turn, [question, _] if question.text == asked);
    let place = turns.iter().rposition(is_asked);
    let place = place.ok_or_else(|| RetrieverError::NoQuestion(asked.to_owned()))?;
    let answer = &turns[place][1];
    let history = conversation::turns(&conversation.messages[..2 * place]);
    let before = leant_on(&history, asked);
    let mut case = case(asked, answer, rating)?;
    if !before.is_empty() {
        case.conversation = Some(format!("{}-{}", conversation.id, place + 1));
    }
    if let Some(mistake) = case.mistake() {
        return Err(RetrieverError::Rating(mistake));
    }
    let kept = without_paragraphs(text, |entry| is_of(entry, &case));
    let kept = kept.trim_end();
    let kept = if kept.is_empty() {
        HEAD.trim_end()
    } else {
        kept
    };
    let word = if rating.right { "right" } else { "wrong" };
    let documents = documents(&answer.detail);
    let mut noted = format!("{kept}\n\n{ENTRY}{word}, answered from {documents}\n");
    for question in before {
        noted.push_str(&table(&Case {
            question,
            kind: "before".to_owned(),
            conversation: case.conversation.clone(),
            found: true,
            ..Case::default()
        }));
    }
    noted.push_str(&table(&case));
    Ok(noted)
}

/// Whether a paragraph is the entry of an earlier rating of this question.
fn is_of(entry: &str, case: &Case) -> bool {
    let is_same_thread = match &case.conversation {
        Some(thread) => entry.contains(&format!("\nconversation = {}", json!(thread))),
        None => !entry.contains("\nconversation = "),
    };
    entry.starts_with(ENTRY)
        && entry.contains(&format!("{}{KIND}", opening(case)))
        && is_same_thread
}

/// The questions before it that a question leans on, the earliest first.
fn leant_on(mut history: &[Turn], asked: &str) -> Vec<String> {
    let mut questions = Vec::new();
    let mut asked = asked;
    while condense::restate(history, asked).is_some()
        && let Some((last, rest)) = history.split_last()
    {
        questions.push(last.question.clone());
        (asked, history) = (last.question.as_str(), rest);
    }
    questions.reverse();
    questions
}

/// What is expected of an answer to this question from now on.
fn case(question: &str, answer: &Message, rating: &Rating) -> Result<Case> {
    let detail = &answer.detail;
    let correction = rating.correction.as_deref().map(str::trim);
    let correction = correction.filter(|said| !said.is_empty() && !rating.right);
    if correction.is_some_and(|said| said.chars().count() > LONGEST) {
        let long = format!("the correction is longer than {LONGEST} characters");
        return Err(RetrieverError::Rating(long));
    }
    let was_found = detail.found == Some(true);
    let mut case = Case {
        question: question.to_owned(),
        kind: format!("{KIND}{}", if rating.right { "right" } else { "wrong" }),
        language: language_of(question).map(str::to_owned),
        // Whoever calls a refusal wrong has an answer.
        found: was_found || !rating.right,
        ..Case::default()
    };
    match (correction, &detail.phrase) {
        (Some(correction), _) => {
            let passages = detail.passages.iter();
            let saying = passages.filter(|passage| says(&passage.text, correction));
            case.expect = vec![Wanted::One(correction.to_owned())];
            case.cites = names(saying.map(|passage| passage.path.as_str()));
        }
        (None, phrase) if rating.right => {
            if let Some(phrase) = phrase {
                case.expect = vec![Wanted::One(phrase.clone())];
                case.phrase = Wanted::One(phrase.clone());
            }
            case.list = listed(detail);
            if case.list.is_none() {
                case.cites = names(detail.citations.iter().map(|one| one.path.as_str()));
            }
        }
        (None, Some(phrase)) => case.reject = vec![phrase.clone()],
        (None, None) if was_found => case.reject = vec![without_markers(&answer.text)],
        (None, None) => {}
    }
    Ok(case)
}

/// The files' stems of a table that is kept whole; none where it is not, or was of all documents.
fn listed(detail: &Detail) -> Option<Vec<String>> {
    let table = detail.table.as_ref()?;
    let plan = detail.plan.as_ref()?;
    let rows = table["rows"].as_array()?;
    let is_whole = table["total"] == rows.len() || plan["limit"].is_u64();
    let is_filtered = table["filter"]
        .as_str()
        .is_some_and(|filter| !filter.is_empty());
    let stems = paths_of(rows).map(|path| {
        let name = file_name(path);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    });
    let stems: BTreeSet<&str> = stems.collect();
    let stems: Vec<String> = stems.into_iter().map(str::to_owned).collect();
    (is_whole && is_filtered && !stems.is_empty()).then_some(stems)
}

fn paths_of(rows: &[Value]) -> impl Iterator<Item = &str> {
    rows.iter().filter_map(|row| row["path"].as_str())
}

/// The names of files, each once.
fn names<'a>(paths: impl Iterator<Item = &'a str>) -> Wanted {
    let names: BTreeSet<&str> = paths.map(file_name).collect();
    Wanted::Any(names.into_iter().map(str::to_owned).collect())
}

/// The documents that an answer rests on, by their paths: forgetting one of them takes the entry away.
fn documents(detail: &Detail) -> String {
    let cited = detail
        .citations
        .iter()
        .map(|citation| citation.path.as_str());
    let shown = detail.passages.iter().map(|passage| passage.path.as_str());
    let rows = detail
        .table
        .as_ref()
        .and_then(|table| table["rows"].as_array());
    let listed = rows.into_iter().flat_map(|rows| paths_of(rows));
    let paths: BTreeSet<&str> = cited.chain(shown).chain(listed).collect();
    if paths.is_empty() {
        return "no document".to_owned();
    }
    let quoted: Vec<String> = paths
        .into_iter()
        .map(|path| written(&json!(path)))
        .collect();
    quoted.join(", ")
}

/// A case as a table of TOML, a field a line.
fn table(case: &Case) -> String {
    let mut text = format!("[[question]]{}{}\"\n", opening(case), case.kind);
    let fields = json!(case);
    let fields = fields.as_object().into_iter().flatten();
    for (name, value) in fields.filter(|(name, _)| !["question", "kind"].contains(&name.as_str())) {
        text.push_str(&format!("{name} = {}\n", written(value)));
    }
    text
}

/// How a case begins, up to its kind.
fn opening(case: &Case) -> String {
    let question = written(&json!(case.question));
    format!("\nquestion = {question}\nkind = \"")
}

/// A string or a list of strings in TOML: as in JSON, but for one character that TOML does not have as it is.
fn written(value: &Value) -> String {
    value.to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cite::Citation;

    const DEPOSIT: &str = "What is the deposit?";

    fn conversation() -> Conversation {
        let cited = |phrase: Option<&str>| Detail {
            found: Some(true),
            citations: vec![Citation {
                marker: 1,
                document: "d".to_owned(),
                path: "/notes/lease.md".to_owned(),
                title: "Lease".to_owned(),
                page: None,
                heading: None,
                start: 0,
                end: 34,
                quote: "The deposit is £995, due on 3 May.".to_owned(),
            }],
            phrase: phrase.map(str::to_owned),
            ..Detail::default()
        };
        let refused = Detail {
            found: Some(false),
            ..Detail::default()
        };
        let listed = Detail {
            plan: Some(json!({ "kind": "list" })),
            table: Some(json!({
                "rows": [{ "path": "/notes/bees/Two hives.md" }, { "path": "/notes/Varroa.md" }],
                "total": 2,
                "filter": "tag bees",
            })),
            ..cited(None)
        };
        let turns = [
            (DEPOSIT, "£995 [1]", cited(Some("£995"))),
            (
                "And when is it due?",
                "It is due on 3 May [1].",
                cited(None),
            ),
            ("How tall is Mount Kilimanjaro?", "Not there.", refused),
            ("List the notes tagged bees", "2 notes are.", listed),
        ];
        let message = |role: &str, text: &str, detail: Detail| Message {
            role: role.to_owned(),
            text: text.to_owned(),
            created: 0,
            detail,
        };
        let messages = turns.into_iter().flat_map(|(question, answer, detail)| {
            [
                message("user", question, Detail::default()),
                message("assistant", answer, detail),
            ]
        });
        Conversation {
            id: "c".to_owned(),
            title: DEPOSIT.to_owned(),
            messages: messages.collect(),
        }
    }

    fn rate(text: &str, question: &str, right: bool, correction: Option<&str>) -> Result<String> {
        let rating = Rating {
            question: question.to_owned(),
            right,
            correction: correction.map(str::to_owned),
        };
        noted(text, &conversation(), &rating)
    }

    #[track_caller]
    fn check(text: &str, lines: &[&str]) {
        for line in lines {
            assert!(text.lines().any(|other| other == *line), "{line} in {text}");
        }
    }

    #[test]
    fn what_is_right_is_expected_from_now_on() {
        let text = rate("", DEPOSIT, true, None).expect("it is noted");
        assert!(text.starts_with(HEAD));
        check(
            &text,
            &[
                "# rated right, answered from \"/notes/lease.md\"",
                "question = \"What is the deposit?\"",
                "kind = \"rated-right\"",
                "expect = [\"£995\"]",
                "cites = [\"lease.md\"]",
            ],
        );
        let text = rate(&text, "List the notes tagged bees", true, None).expect("it is noted");
        check(&text, &["list = [\"Two hives\",\"Varroa\"]"]);
        let text = rate(&text, "How tall is Mount Kilimanjaro?", true, None).expect("it is noted");
        check(&text, &["found = false"]);
        assert_eq!(text.matches("[[question]]").count(), 3);
    }

    #[test]
    fn a_question_that_is_marked_again_replaces_only_its_own_entry() {
        let mine = "# My own.\n\n[[question]]\nquestion = \"What is the deposit?\"\n";
        let once = rate(mine, DEPOSIT, true, None).expect("it is noted");
        let twice = rate(&once, DEPOSIT, false, Some(" £895\n")).expect("it is noted");
        assert!(twice.starts_with(mine));
        assert_eq!(twice.matches("[[question]]").count(), 2);
        check(&twice, &["kind = \"rated-wrong\"", "expect = [\"£895\"]"]);
        let kept = once.replace("rated-right", "fact");
        let both = rate(&kept, DEPOSIT, true, None).expect("it is noted");
        assert!(both.starts_with(kept.trim_end()));
        assert_eq!(both.matches("[[question]]").count(), 3);
    }

    #[test]
    fn a_follow_up_comes_after_what_it_leans_on() {
        let text = rate("", "And when is it due?", false, None).expect("it is noted");
        let before = text.find("kind = \"before\"").expect("the question before");
        assert!(before < text.find("kind = \"rated-wrong\"").expect("the rating"));
        check(&text, &["reject = [\"It is due on 3 May.\"]"]);
        assert_eq!(text.matches("conversation = \"c-2\"").count(), 2);
        let again = rate(&text, "And when is it due?", true, None).expect("it is noted");
        assert_eq!(again.matches("[[question]]").count(), 2);
    }

    #[test]
    fn what_is_no_rating_is_refused() {
        assert!(matches!(
            rate("", "What?", true, None),
            Err(RetrieverError::NoQuestion(_))
        ));
        let long = "x".repeat(LONGEST + 1);
        for correction in ["/(/", &long] {
            assert!(matches!(
                rate("", DEPOSIT, false, Some(correction)),
                Err(RetrieverError::Rating(_))
            ));
        }
    }

    #[test]
    fn strings_are_written_as_toml_has_them() {
        let value = json!("a \"b\"\n\\ \u{7f} ñ");
        assert_eq!(written(&value), r#""a \"b\"\n\\ \u007f ñ""#);
    }
}
