//! The prompt: instructions, passages within a token budget, the question.
//!
//! What changes least comes first, so that a model that keeps its last prompt in memory reads only
//! what is new. Passage text is data: it is handed over as message content, in which special tokens
//! are plain characters.

use vade_models::language::{Message, Role};

use crate::language::Language;
use crate::passage::Passage;

/// What a model says when the passages hold no answer; asked for word by word.
pub(crate) const NOT_FOUND: &str = "NOT FOUND";

/// Earlier turns that are shown to the model.
const TURNS: usize = 2;

/// An earlier turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turn {
    pub question: String,
    pub answer: String,
}

/// How many of the passages fit, given each one's tokens; always at least one.
pub(crate) fn fitting(tokens: &[usize], budget: usize) -> usize {
    let mut sum = 0;
    let fitting = tokens
        .iter()
        .take_while(|count| {
            sum += **count;
            sum <= budget
        })
        .count();
    fitting.max(1).min(tokens.len())
}

/// A passage as the model reads it.
pub(crate) fn entry(passage: &Passage) -> String {
    let place = match &passage.heading {
        Some(heading) if *heading != passage.title => format!("{}, {heading}", passage.title),
        _ => passage.title.clone(),
    };
    format!(
        "Passage {} ({place}):\n{}\n",
        passage.n,
        passage.text.trim()
    )
}

/// The messages of one question.
pub(crate) fn messages(passages: &[Passage], history: &[Turn], question: &str) -> Vec<Message> {
    let system = format!(
        "You answer questions from the user's own documents. Use only the passages the user gives. \
         Answer in one to three short, complete sentences, with the exact names, numbers and dates \
         of the passages. Do not mention the passages themselves. If they do not contain the answer, write \
         only: {NOT_FOUND}"
    );
    let entries: Vec<String> = passages.iter().map(entry).collect();
    // Passages come before the first turn: a further question about the same ones continues what the
    // model has read.
    let mut before = format!("{}\n", entries.join("\n"));
    let mut ask = |question: &str| {
        let language = Language::of(question).name;
        let asked = format!("Question: {question}\nAnswer in {language}, in full sentences.");
        Message::new(Role::User, std::mem::take(&mut before) + &asked)
    };
    let mut messages = vec![Message::new(Role::System, system)];
    for turn in &history[history.len().saturating_sub(TURNS)..] {
        messages.push(ask(&turn.question));
        messages.push(Message::new(Role::Assistant, turn.answer.clone()));
    }
    messages.push(ask(question));
    messages
}

/// Whether an answer says that there is none.
pub(crate) fn is_not_found(answer: &str) -> bool {
    let plain: String = answer
        .chars()
        .filter(|c| c.is_alphabetic() || c.is_whitespace())
        .collect::<String>()
        .trim()
        .to_uppercase();
    plain.starts_with(NOT_FOUND) && plain.len() < NOT_FOUND.len() + 40
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn passage(n: usize, text: &str) -> Passage {
        Passage {
            n,
            document: "d".to_owned(),
            path: "/notes/lease.md".to_owned(),
            title: "Lease".to_owned(),
            heading: Some("Deposit".to_owned()),
            page: None,
            start: 0,
            end: text.len(),
            score: 1.0,
            text: text.to_owned(),
        }
    }

    #[test]
    fn the_prompt_is_built_like_this() {
        let history = [Turn {
            question: "Who is the landlord?".to_owned(),
            answer: "Mrs Prentiss [1].".to_owned(),
        }];
        let passages = [passage(1, "The deposit is £995.")];
        let messages = messages(&passages, &history, "And the deposit?");
        let shown: Vec<String> = messages[1..]
            .iter()
            .map(|message| format!("{}: {}", message.role.name(), message.text))
            .collect();
        expect![[r"
            user: Passage 1 (Lease, Deposit):
            The deposit is £995.

            Question: Who is the landlord?
            Answer in English, in full sentences.
            assistant: Mrs Prentiss [1].
            user: Question: And the deposit?
            Answer in English, in full sentences."]]
        .assert_eq(&shown.join("\n"));
    }

    #[test]
    fn passages_fill_the_budget_and_at_least_one_is_there() {
        assert_eq!(fitting(&[300, 300, 300], 700), 2);
        assert_eq!(fitting(&[900, 10], 700), 1);
        assert_eq!(fitting(&[], 700), 0);
    }

    #[test]
    fn an_answer_that_says_there_is_none_is_noticed() {
        assert!(is_not_found("NOT FOUND"));
        assert!(is_not_found("Not found. [1]"));
        assert!(!is_not_found("The key was not found in the drawer [2]."));
    }
}
