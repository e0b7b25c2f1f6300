//! Answers that stand in two documents: one names what is asked, another one tells of it. Pure.
//!
//! "The phone of the plumber who fixed the boiler": the log names the plumber, the address book has the number. The
//! sentence that says most of the question gives the names that are searched next.

use std::ops::Range;

use crate::cite::sentences;
use crate::expected::Expected;
use crate::passage::Passage;
use crate::proof::Claim;

/// Passages that may name it.
const PASSAGES: usize = 4;

/// The least share of the question's words in a sentence that names it.
const NAMES: f32 = 0.3;

/// Names that are searched, at most.
const MOST: usize = 4;

/// What is to be searched next.
pub(crate) struct Hop {
    /// The names that the question does not have.
    pub names: String,
    /// The passage of the sentence that has them.
    pub passage: usize,
    /// Where it stands there.
    pub span: Range<usize>,
}

/// The hop that a question needs; none where the passages tell what it asks.
pub(crate) fn of(question: &str, passages: &[Passage]) -> Option<Hop> {
    let expected = Expected::of(question);
    let tells =
        |text: &str| expected.is_some_and(|one| one.is_needed() && !one.is_in(text, question));
    let relates = relates(question);
    if !relates && !expected.is_some_and(Expected::is_needed) {
        return None;
    }
    let passages = &passages[..passages.len().min(PASSAGES)];
    let places: Vec<(usize, Range<usize>)> = passages
        .iter()
        .enumerate()
        .flat_map(|(place, passage)| {
            let spans = sentences(&passage.text).into_iter();
            spans.map(move |span| (place, span))
        })
        .collect();
    let text = |(place, span): &(usize, Range<usize>)| &passages[*place].text[span.clone()];
    let claim = Claim::of_question(question);
    let shares = claim.shares(places.iter().map(text));
    let (at, share) = shares
        .into_iter()
        .enumerate()
        .max_by(|one, other| one.1.total_cmp(&other.1).then(other.0.cmp(&one.0)))?;
    let sentence = text(&places[at]);
    if share < NAMES || !(tells(sentence) || relates) {
        return None;
    }
    let names = names(sentence, question);
    let (passage, span) = places[at].clone();
    (!names.is_empty()).then_some(Hop {
        names,
        passage,
        span,
    })
}

/// Whether a question tells what it asks of by what that did: "the plumber who fixed the boiler".
fn relates(question: &str) -> bool {
    let words: Vec<String> = question
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let mut places = words.iter().enumerate().skip(3);
    places.any(|(place, word)| {
        let goes_on = place + 1 < words.len();
        goes_on
            && match word.as_str() {
                "who" | "that" | "which" | "whose" | "cuyo" | "cuya" | "quien" => true,
                // After a noun, not in "hay que" or "más que".
                "que" => !matches!(
                    words[place - 1].as_str(),
                    "hay"
                        | "mas"
                        | "más"
                        | "menos"
                        | "tiene"
                        | "tengo"
                        | "lo"
                        | "por"
                        | "para"
                        | "es"
                        | "de"
                        | "a"
                        | "en"
                        | "dice"
                ),
                _ => false,
            }
    })
}

/// Words with capital letters that the question does not have, those that begin a sentence left out.
fn names(sentence: &str, question: &str) -> String {
    let asked = question.to_lowercase();
    let mut begins = true;
    let mut names: Vec<&str> = Vec::new();
    for token in sentence.split_whitespace() {
        let word = token.trim_matches(|c: char| !c.is_alphanumeric());
        let is_capital = word.chars().next().is_some_and(char::is_uppercase);
        let is_new = !asked.contains(&word.to_lowercase()) && !names.contains(&word);
        if is_capital && is_new && !begins && word.chars().count() > 1 {
            names.push(word);
        }
        begins = word.is_empty() || token.ends_with(['.', ':', '!', '?']);
    }
    names.truncate(MOST);
    names.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(text: &str) -> Passage {
        Passage {
            n: 1,
            document: "d".to_owned(),
            path: "/notes/boiler.md".to_owned(),
            title: "Boiler".to_owned(),
            end: text.len(),
            score: 1.0,
            text: text.to_owned(),
            ..Passage::default()
        }
    }

    #[track_caller]
    fn check(question: &str, text: &str, expect: Option<&str>) {
        let names = of(question, &[passage(text)]).map(|hop| hop.names);
        assert_eq!(names.as_deref(), expect, "{question}");
    }

    #[test]
    fn a_sentence_names_what_is_asked() {
        check(
            "What is the phone number of the plumber who fixed the boiler?",
            "It was cold. The plumber Nils Olsen fixed the boiler on Monday.",
            Some("Nils Olsen Monday"),
        );
        check(
            "¿Cuál es el teléfono del fontanero que arregló la caldera?",
            "La caldera la arregló el fontanero Íñigo Sanz.",
            Some("Íñigo Sanz"),
        );
        check(
            "What is the phone number of our dentist?",
            "Our dentist is Berta Lund.",
            Some("Berta Lund"),
        );
    }

    #[test]
    fn what_is_told_needs_no_second_search() {
        check(
            "What is the phone number of our dentist?",
            "Our dentist Berta Lund has the phone number 0161 555 0177.",
            None,
        );
        check(
            "When was the boiler fixed?",
            "Nils Olsen fixed the boiler.",
            None,
        );
        check(
            "What is the phone number of the vet?",
            "The roof of Ana Ruiz is wet.",
            None,
        );
    }
}
