//! The prompt: instructions, passages within a token budget, the question.
//!
//! What changes least comes first, so that a model that keeps its last prompt in memory reads only
//! what is new. Passage text is data: it is handed over as message content, in which special tokens
//! are plain characters.

use std::ops::Range;

use vade_models::language::{Message, Role};

use crate::cite::{header_of, run_in_head, without_box};
use crate::language::Language;
use crate::passage::Passage;

/// An earlier turn of a conversation.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Turn {
    pub question: String,
    pub answer: String,
    /// The words of a document that answered, where they were few.
    pub phrase: Option<String>,
    /// The passages that the answer cites.
    pub cited: Vec<Passage>,
}

/// A passage with the parts of it that are read.
#[derive(Debug, Clone)]
pub(crate) struct Excerpt {
    pub passage: Passage,
    pub parts: Vec<Range<usize>>,
}

/// A passage as the model reads it: what it stands under, and its parts.
fn entry(excerpt: &Excerpt) -> String {
    let passage = &excerpt.passage;
    let mut place = vec![passage.file_name()];
    if !passage.file_name().starts_with(&passage.title) {
        place.push(&passage.title);
    }
    let heading = passage.heading.as_deref();
    place.extend(heading.filter(|heading| *heading != passage.title));
    let parts = excerpt.parts.iter().map(|part| {
        let text = &passage.text[part.clone()];
        let row = text
            .find('\n')
            .map_or(part.clone(), |end| part.start..part.start + end);
        // The box says nothing of what is asked, and misleads.
        let text = without_box(text);
        match (header_of(passage, &row), run_in_head(&passage.text, part)) {
            ("", "") => text.to_owned(),
            ("", head) => format!("{head}. {text}"),
            (header, _) => format!("{header}\n{text}"),
        }
    });
    let text = parts.collect::<Vec<_>>().join("\n…\n");
    format!("[{}]\n{}\n", place.join(", "), text.trim())
}

/// What the model does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Copies the words that answer, then says what they answer.
    Quote,
    /// Answers in its own words.
    Explain,
}

/// How the model's turn begins where it copies.
pub(crate) const QUOTE: &str = "Quote:";

/// The messages of one question: the passages, what is asked and what to do.
///
/// Passages come first and the task last: a further question about the same ones continues what the model has read.
pub(crate) fn messages(
    task: Task,
    excerpts: &[Excerpt],
    question: &str,
    language: Language,
) -> Vec<Message> {
    let system = "You answer questions from the user's own documents, and from nothing else.";
    let read = excerpts.iter().filter(|excerpt| !excerpt.parts.is_empty());
    let entries: Vec<String> = read.map(entry).collect();
    let mut text = format!("{}\n", entries.join("\n"));
    text += &format!("Question: {question}\n");
    text += &match task {
        Task::Quote => "First copy the one sentence, line or table row above that answers the question, word for word. \
                        Then give the answer as it stands there, in as few words as possible."
            .to_owned(),
        Task::Explain => format!(
            "Answer in {}, in one to three short, complete sentences, with the exact names, numbers and dates above.",
            language.name
        ),
    };
    vec![
        Message::new(Role::System, system),
        Message::new(Role::User, text),
    ]
}

/// The messages that ask whether excerpts answer a question. The question comes last: before the excerpts it tells far
/// less (BENCHMARKS.md).
///
/// Where yes or no is the answer, it is asked whether the excerpts tell, as a no would be taken for the answer.
pub(crate) fn judging(question: &str, excerpts: &[Excerpt], asks_whether: bool) -> Vec<Message> {
    let system = "You check quotes from documents.";
    let entries: Vec<String> = excerpts.iter().map(entry).collect();
    let asks = if asks_whether {
        "Is what the question asks about decided by the text above, one way or the other? Reply yes or no."
    } else {
        "Does the text above state the answer to the question? Reply yes or no."
    };
    let text = format!("{}\nQuestion: {question}\n{asks}", entries.join("\n"));
    vec![
        Message::new(Role::System, system),
        Message::new(Role::User, text),
    ]
}

/// What a model does that has said of a quote that it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// Says the words that answer.
    Phrase,
    /// Answers in the question's language.
    Answer,
}

/// The messages that go on from a judgement: what was read for it need not be read again.
pub(crate) fn judged(judging: Vec<Message>, then: Then, language: Language) -> Vec<Message> {
    let task = match then {
        Then::Phrase => {
            "Give the answer as it stands in the text above, in as few words as possible."
                .to_owned()
        }
        Then::Answer => format!(
            "Answer the question in {}, in one short sentence, with the exact names, numbers and dates of the text above.",
            language.name
        ),
    };
    let further = [
        Message::new(Role::Assistant, "Yes"),
        Message::new(Role::User, task),
    ];
    judging.into_iter().chain(further).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn passage(text: &str) -> Passage {
        Passage {
            n: 1,
            document: "d".to_owned(),
            path: "/notes/lease.md".to_owned(),
            title: "Lease of the flat".to_owned(),
            heading: Some("Deposit".to_owned()),
            end: text.len(),
            score: 1.0,
            text: text.to_owned(),
            ..Passage::default()
        }
    }

    #[test]
    fn the_prompt_is_built_like_this() {
        let passage = passage("The deposit is £995. It rains. It is due.");
        let excerpt = Excerpt {
            passage,
            parts: vec![0..21, 32..42],
        };
        let english = Language::of("the", None);
        let messages = messages(Task::Quote, &[excerpt], "How much is the deposit?", english);
        expect![[r"
            [lease.md, Lease of the flat, Deposit]
            The deposit is £995.
            …
            It is due.

            Question: How much is the deposit?
            First copy the one sentence, line or table row above that answers the question, word for word. Then give the answer as it stands there, in as few words as possible."]]
        .assert_eq(&messages[1].text);
    }

    #[test]
    fn a_quote_is_judged_like_this() {
        let passage = passage("It rains. The deposit is £995. It is due.");
        let excerpt = Excerpt {
            passage,
            parts: vec![10..31, 32..42],
        };
        let messages = judging("How much is the deposit?", &[excerpt], false);
        expect![[r"
            [lease.md, Lease of the flat, Deposit]
            The deposit is £995.
            …
            It is due.

            Question: How much is the deposit?
            Does the text above state the answer to the question? Reply yes or no."]]
        .assert_eq(&messages[1].text);
    }
}
