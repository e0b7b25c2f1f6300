//! Citations: which passage says what an answer says, and in which words.
//!
//! Small models put `[2]` where they should put `[1]`, or nothing at all. So markers are not taken
//! from the model: each sentence of an answer is compared with the passages, and the one that says
//! it is cited; a sentence that no passage says gets no marker.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::passage::Passage;

/// The share of a sentence's words, weighted, that a passage must have to be cited for it.
const SUPPORT: f32 = 0.4;

/// The share below which an answer as a whole does not come from the passages. It is low, because an
/// answer in another language than its passages shares only names and numbers with them.
const GROUNDED: f32 = 0.15;

/// A place in a document that an answer rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// The number in the answer.
    pub marker: usize,
    /// Id of the document.
    pub document: String,
    /// Absolute path of the document.
    pub path: String,
    /// Title of the document.
    pub title: String,
    /// The page, in documents that have pages.
    pub page: Option<u32>,
    /// The headings the quote stands under, joined by ` > `.
    pub heading: Option<String>,
    /// Where the quote begins in the document's text (byte).
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// The document's own words.
    pub quote: String,
}

/// Finds the passage that says a sentence.
pub(crate) struct Attribution<'a> {
    passages: &'a [Passage],
    words: Vec<Vec<String>>,
}

impl<'a> Attribution<'a> {
    pub(crate) fn new(passages: &'a [Passage]) -> Self {
        let words = passages
            .iter()
            .map(|passage| words(&format!("{} {}", passage.title, passage.text)))
            .collect();
        Self { passages, words }
    }

    /// A citation for `sentence`, if a passage says it.
    pub(crate) fn cite(&self, sentence: &str) -> Option<Citation> {
        self.cite_with(sentence, SUPPORT)
    }

    /// A citation of whatever comes nearest to `text`, unless next to nothing of it is said.
    pub(crate) fn nearest(&self, text: &str) -> Option<Citation> {
        self.cite_with(text, GROUNDED)
    }

    fn cite_with(&self, text: &str, least: f32) -> Option<Citation> {
        let wanted = words(text);
        let total: f32 = wanted.iter().map(|word| weight(word)).sum();
        let best = self.best(&wanted)?;
        let shared = self.shared(&wanted, best);
        (total > 0.0 && shared / total >= least).then(|| cite(&self.passages[best], text))
    }

    /// The passage that shares most with `wanted`, the better ranked of equals. Words that few
    /// passages have tell passages apart and count more.
    fn best(&self, wanted: &[String]) -> Option<usize> {
        let mut best: Option<(usize, f32)> = None;
        for place in 0..self.passages.len() {
            let score = wanted
                .iter()
                .filter(|word| has(&self.words[place], word))
                .map(|word| {
                    let holders = self.words.iter().filter(|words| has(words, word)).count();
                    #[expect(clippy::cast_precision_loss, reason = "a handful of passages")]
                    let rarity = 1.0 / holders as f32;
                    weight(word) * rarity
                })
                .sum::<f32>();
            if best.is_none_or(|(_, highest)| score > highest + f32::EPSILON) {
                best = Some((place, score));
            }
        }
        best.map(|(place, _)| place)
    }

    fn shared(&self, wanted: &[String], place: usize) -> f32 {
        wanted
            .iter()
            .filter(|word| has(&self.words[place], word))
            .map(|word| weight(word))
            .sum()
    }
}

fn has(words: &[String], word: &str) -> bool {
    words
        .binary_search_by(|known| known.as_str().cmp(word))
        .is_ok()
}

/// Numbers say more than words, words more than particles.
fn weight(word: &str) -> f32 {
    if word.chars().any(char::is_numeric) {
        3.0
    } else if word.chars().count() > 3 {
        1.0
    } else {
        0.1
    }
}

/// Cites the sentence of `passage` that says most of `statement`.
fn cite(passage: &Passage, statement: &str) -> Citation {
    let span = best_sentence(&passage.text, statement);
    Citation {
        marker: passage.n,
        document: passage.document.clone(),
        path: passage.path.clone(),
        title: passage.title.clone(),
        page: passage.page,
        heading: passage.heading.clone(),
        start: passage.start + span.start,
        end: passage.start + span.end,
        quote: passage.text[span].to_owned(),
    }
}

fn best_sentence(text: &str, statement: &str) -> Range<usize> {
    let wanted = words(statement);
    let mut best = (0..text.len(), 0.0);
    for span in sentences(text) {
        let score = overlap(&wanted, &words(&text[span.clone()]));
        if score > best.1 {
            best = (span, score);
        }
    }
    best.0
}

/// Spans of a text's sentences and lines, trimmed.
fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next_is_space = characters
            .peek()
            .is_none_or(|(_, next)| next.is_whitespace());
        let ends = character == '\n'
            || (matches!(character, '.' | '!' | '?' | '…')
                && next_is_space
                && !is_short_word(&text[start..at]))
            || matches!(character, '。' | '！' | '？');
        if ends {
            spans.push(start..at + character.len_utf8());
            start = at + character.len_utf8();
        }
    }
    spans.push(start..text.len());
    spans
        .into_iter()
        .filter_map(|span| {
            let part = &text[span.clone()];
            let trimmed = part.trim();
            let start = span.start + (part.len() - part.trim_start().len());
            (!trimmed.is_empty()).then(|| start..start + trimmed.len())
        })
        .collect()
}

/// Whether a text ends with an abbreviation or a number with its point: "St", "p", "3".
pub(crate) fn is_short_word(text: &str) -> bool {
    let word = text
        .rsplit(|c: char| c.is_whitespace())
        .next()
        .unwrap_or_default();
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    word.chars().count() <= 2
        && (letters == 1 || word.chars().next().is_some_and(char::is_uppercase))
}

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| {
            // Cut endings: "launch" and "launched" say the same.
            let lower = word.to_lowercase();
            lower.chars().take(6).collect()
        })
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// How much of `wanted` is said in `said`; of two that say it, the shorter is the better quote.
fn overlap(wanted: &[String], said: &[String]) -> f32 {
    let shared: f32 = wanted
        .iter()
        .filter(|word| has(said, word))
        .map(|word| weight(word))
        .sum();
    #[expect(clippy::cast_precision_loss, reason = "sentences are short")]
    let length = said.len() as f32;
    shared - 0.005 * length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(n: usize, start: usize, text: &str) -> Passage {
        Passage {
            n,
            document: format!("d{n}"),
            path: format!("/notes/{n}.md"),
            title: String::new(),
            heading: None,
            page: Some(2),
            start,
            end: start + text.len(),
            score: 1.0,
            text: text.to_owned(),
        }
    }

    fn lease() -> Passage {
        passage(
            1,
            100,
            "The flat is let unfurnished. The deposit is £995, due on 3 May. Pets are not allowed.",
        )
    }

    #[test]
    fn a_sentence_is_cited_from_the_passage_that_says_it() {
        let passages = [
            passage(1, 0, "The deposit of the house is £800, due in June."),
            lease(),
        ];
        let attribution = Attribution::new(&passages);
        let citation = attribution
            .cite("You paid a deposit of £995")
            .expect("it is said");
        assert_eq!(citation.quote, "The deposit is £995, due on 3 May.");
        assert_eq!(
            &passages[1].text[citation.start - 100..citation.end - 100],
            citation.quote
        );
    }

    #[test]
    fn what_no_passage_says_is_not_cited() {
        let passages = [lease()];
        let attribution = Attribution::new(&passages);
        assert_eq!(
            attribution.cite("Mongolia exports copper and cashmere"),
            None
        );
        assert_eq!(attribution.nearest("Ulaanbaatar"), None);
        let nearest = attribution.nearest("La fianza es de 995 libras");
        assert_eq!(nearest.map(|citation| citation.marker), Some(1));
        assert_eq!(Attribution::new(&[]).nearest("anything"), None);
    }

    #[test]
    fn of_equals_the_better_ranked_is_cited() {
        let passages = [lease(), passage(2, 0, &lease().text)];
        let attribution = Attribution::new(&passages);
        let citation = attribution.cite("The deposit is £995").expect("it is said");
        assert_eq!(citation.marker, 1);
    }

    #[test]
    fn sentences_keep_abbreviations_and_decimals_together() {
        let text = "Dr. A. Vale paid 3.50 at St. Mary's. ¡Sí! Línea\n- item";
        let parts: Vec<_> = sentences(text)
            .into_iter()
            .map(|span| &text[span])
            .collect();
        assert_eq!(
            parts,
            [
                "Dr. A. Vale paid 3.50 at St. Mary's.",
                "¡Sí!",
                "Línea",
                "- item"
            ]
        );
    }
}
