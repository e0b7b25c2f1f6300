//! Citations: `[n]` markers in an answer, resolved to a verbatim quote and where it stands.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::passage::Passage;

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

/// Finds markers in an answer while it grows.
#[derive(Debug, Default)]
pub(crate) struct Citer {
    seen: usize,
    cited: Vec<usize>,
}

impl Citer {
    /// Citations for markers that are complete in `answer` and were not there before; each passage
    /// is cited once.
    pub(crate) fn update(&mut self, answer: &str, passages: &[Passage]) -> Vec<Citation> {
        let mut fresh = Vec::new();
        while let Some((markers, span)) = next_markers(answer, self.seen) {
            self.seen = span.end;
            let statement = statement_before(answer, span.start);
            for marker in markers {
                let passage = passages.iter().find(|passage| passage.n == marker);
                if let Some(passage) = passage.filter(|_| !self.cited.contains(&marker)) {
                    self.cited.push(marker);
                    fresh.push(cite(passage, statement));
                }
            }
        }
        fresh
    }

    /// Whether nothing was cited.
    pub(crate) fn is_empty(&self) -> bool {
        self.cited.is_empty()
    }
}

/// The next `[1]` or `[1, 2]` at or after `from`: its numbers and its span.
fn next_markers(answer: &str, from: usize) -> Option<(Vec<usize>, Range<usize>)> {
    let mut start = from;
    loop {
        let open = start + answer[start..].find('[')?;
        let close = open + answer[open..].find(']')?;
        let inside = &answer[open + 1..close];
        let numbers: Option<Vec<usize>> = inside
            .split([',', ' ', ';'])
            .filter(|part| !part.is_empty())
            .map(|part| part.parse().ok())
            .collect();
        match numbers {
            Some(numbers) if !numbers.is_empty() => return Some((numbers, open..close + 1)),
            _ => start = open + 1,
        }
    }
}

/// What a marker stands behind: the text since the last sentence or marker that ended.
fn statement_before(answer: &str, marker: usize) -> &str {
    let before = answer[..marker].trim_end_matches([' ', '.', ']', '[', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ',']);
    let start = before
        .rfind(['\n', ']'])
        .map(|at| at + 1)
        .into_iter()
        .chain(before.rfind(". ").map(|at| at + 2))
        .max()
        .unwrap_or(0);
    let statement = &before[start..];
    if statement.trim().is_empty() { before } else { statement }
}

/// Cites the sentence of `passage` that says most of `statement`.
pub(crate) fn cite(passage: &Passage, statement: &str) -> Citation {
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

/// The passage that says most of `statement`; the better ranked of equals.
pub(crate) fn best_passage<'a>(passages: &'a [Passage], statement: &str) -> Option<&'a Passage> {
    let wanted = words(statement);
    let mut best: Option<(&Passage, f32)> = None;
    for passage in passages {
        let score = overlap(&wanted, &words(&passage.text));
        if best.is_none_or(|(_, highest)| score > highest) {
            best = Some((passage, score));
        }
    }
    best.map(|(passage, _)| passage)
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
        let next_is_space = characters.peek().is_none_or(|(_, next)| next.is_whitespace());
        let ends = character == '\n'
            || (matches!(character, '.' | '!' | '?' | '…') && next_is_space && !is_short_word(&text[start..at]))
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
fn is_short_word(text: &str) -> bool {
    let word = text.rsplit(|c: char| c.is_whitespace()).next().unwrap_or_default();
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    word.chars().count() <= 2 && (letters == 1 || word.chars().next().is_some_and(char::is_uppercase))
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

/// How much of `wanted` is said in `said`; rare-looking words (numbers, long words) count more.
fn overlap(wanted: &[String], said: &[String]) -> f32 {
    let weight = |word: &String| {
        if word.chars().any(char::is_numeric) {
            3.0
        } else if word.chars().count() > 3 {
            1.0
        } else {
            0.1
        }
    };
    let shared: f32 = wanted
        .iter()
        .filter(|word| said.binary_search(word).is_ok())
        .map(weight)
        .sum();
    // Of two sentences that say it, the shorter one is the better quote.
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
    fn a_marker_becomes_the_sentence_that_says_it() {
        let passages = [lease()];
        let citations = Citer::default().update("You paid a deposit of £995 [1].", &passages);
        assert_eq!(citations.len(), 1);
        assert_eq!(citations[0].quote, "The deposit is £995, due on 3 May.");
        let citation = &citations[0];
        assert_eq!(&passages[0].text[citation.start - 100..citation.end - 100], citation.quote);
    }

    #[test]
    fn markers_are_found_as_they_stream_and_once_each() {
        let passages = [lease(), passage(2, 0, "Notice: two months.")];
        let mut citer = Citer::default();
        assert!(citer.update("£995 [", &passages).is_empty());
        assert!(citer.update("£995 [1", &passages).is_empty());
        assert_eq!(citer.update("£995 [1]", &passages).len(), 1);
        assert!(citer.update("£995 [1] and again [1]", &passages).is_empty());
        let citations = citer.update("£995 [1] and again [1], two months [1, 2][9]", &passages);
        assert_eq!(citations.iter().map(|c| c.marker).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn brackets_that_are_no_markers_are_left_alone() {
        let mut citer = Citer::default();
        let citations = citer.update("see [here](x) and [note] then £995 [1]", &[lease()]);
        assert_eq!(citations.len(), 1);
    }

    #[test]
    fn an_answer_without_markers_is_attributed_by_its_words() {
        let passages = [passage(1, 0, "Nothing of the kind."), lease()];
        let best = best_passage(&passages, "The deposit is £995").expect("one of them");
        assert_eq!(best.document, "d1");
        assert!(best.text.contains("£995"));
    }

    #[test]
    fn sentences_keep_abbreviations_and_decimals_together() {
        let text = "Dr. A. Vale paid 3.50 at St. Mary's. ¡Sí! Línea\n- item";
        let parts: Vec<_> = sentences(text).into_iter().map(|span| &text[span]).collect();
        assert_eq!(parts, ["Dr. A. Vale paid 3.50 at St. Mary's.", "¡Sí!", "Línea", "- item"]);
    }
}
