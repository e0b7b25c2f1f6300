//! The points of a summary, each with its quote.
//!
//! A point is a sentence of the document, or its translation where that keeps every number, name and no. So no number
//! is the model's. Pure functions.

use std::ops::Range;

use super::Source;
use super::plan::{Task, Wording};
use super::salience::{Sentence, alike};
use crate::cite::{Citation, cite, without_box};
use crate::passage::Passage;
use crate::proof::Claim;

/// From here on two points say the same.
const SAME: f32 = 0.65;

/// Words of a sentence, at least.
const SHORTEST: usize = 3;

/// One point of a summary.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    pub text: String,
    /// The document's words that say it.
    pub citation: Citation,
    /// Whether `text` is these words.
    pub is_own: bool,
    terms: Vec<String>,
}

/// The points of a task, in the document's order. `wording` is what the model said; `before` the points so far.
pub(super) fn points(
    task: &Task,
    source: &Source,
    sentences: &[Sentence],
    wording: &str,
    before: &[Point],
) -> Vec<Point> {
    let making = Making {
        task,
        source,
        sentences,
        before,
    };
    let mut points = match task.wording {
        Wording::Translated => making.translated(wording).into_iter().collect(),
        Wording::Own => Vec::new(),
    };
    making.fill(&mut points);
    points.sort_by_key(|point| (point.citation.start, point.citation.end));
    points
}

/// The sentence that a model is to translate; none where the document words it.
pub(super) fn material(task: &Task, source: &Source, sentences: &[Sentence]) -> Option<String> {
    let at = task
        .own
        .first()
        .filter(|_| task.wording == Wording::Translated)?;
    let sentence = &sentences[*at];
    let passage = &source.passages[sentence.passage];
    Some(plain(&passage.text[sentence.span.clone()]))
}

/// A sentence, line or row without the marks of its layout.
pub(super) fn plain(text: &str) -> String {
    let text = text.trim();
    if text.starts_with('|') {
        let cells = text
            .split('|')
            .map(str::trim)
            .filter(|cell| !cell.is_empty());
        return plain(&cells.collect::<Vec<_>>().join(", "));
    }
    let marks = |c: char| matches!(c, '-' | '*' | '+' | '>' | '#' | '•' | '·') || c.is_whitespace();
    let text = without_number(without_box(text).trim_start_matches(marks));
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    without_links(&text)
        .replace("**", "")
        .replace("__", "")
        .replace('`', "")
}

/// A text with what its wiki-links show: `[[2026-06-09|La Noria]]`.
fn without_links(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("[[")
        && let Some((link, after)) = link.split_once("]]")
    {
        shown.push_str(before);
        shown.push_str(link.rsplit('|').next().unwrap_or(link));
        rest = after;
    }
    shown + rest
}

/// A line without the number of its item: `2. ` or `2) `.
fn without_number(line: &str) -> &str {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_numbered = (1..=2).contains(&(line.len() - rest.len()));
    let item = rest
        .strip_prefix(['.', ')'])
        .filter(|item| is_numbered && item.starts_with(' '));
    item.map_or(line, str::trim_start)
}

struct Making<'a> {
    task: &'a Task,
    source: &'a Source,
    sentences: &'a [Sentence],
    before: &'a [Point],
}

impl<'a> Making<'a> {
    /// A translation that keeps the numbers, the names and the no of its sentence.
    fn translated(&self, wording: &str) -> Option<Point> {
        let own = self.own(*self.task.own.first()?);
        let text = plain(wording.trim().lines().next()?);
        let claim = Claim::of(&text);
        let proof = claim.proven_by(
            &own.citation.quote,
            &self.source.passages[self.task.part.start].around(),
        );
        let keeps = proof.exact && proof.same_side && text.split_whitespace().count() >= SHORTEST;
        keeps.then_some(Point {
            text,
            is_own: false,
            ..own
        })
    }

    /// Adds the most central sentences that nothing says yet, first of sections of which nothing is said.
    fn fill(&self, points: &mut Vec<Point>) {
        for only_new_sections in [true, false] {
            for at in &self.task.own {
                if points.len() >= self.task.points {
                    return;
                }
                let point = self.own(*at);
                let is_told = only_new_sections && self.is_told_of(&point, points);
                if !is_told && !self.is_said(&point, points) {
                    points.push(point);
                }
            }
        }
    }

    /// Whether there is a point of the same section.
    fn is_told_of(&self, point: &Point, points: &[Point]) -> bool {
        let mut told = self
            .before
            .iter()
            .chain(points)
            .map(|other| &other.citation);
        told.any(|told| {
            told.document == point.citation.document && told.heading == point.citation.heading
        })
    }

    /// A sentence of the document as a point.
    fn own(&self, at: usize) -> Point {
        let (passage, span) = self.at(at);
        Point {
            text: plain(&passage.text[span.clone()]),
            citation: cite(passage, span),
            is_own: true,
            terms: self.sentences[at].terms.clone(),
        }
    }

    fn at(&self, at: usize) -> (&'a Passage, Range<usize>) {
        let sentence = &self.sentences[at];
        (
            &self.source.passages[sentence.passage],
            sentence.span.clone(),
        )
    }

    /// Whether a point says nothing that others do not.
    fn is_said(&self, point: &Point, points: &[Point]) -> bool {
        let before = self.before.iter().chain(points);
        let mut beside = before.filter(|other| other.citation.document == point.citation.document);
        beside.any(|other| {
            let overlaps = other.citation.start < point.citation.end
                && point.citation.start < other.citation.end;
            // A quote of some sentences may prove several points.
            (overlaps && (point.is_own || other.is_own))
                || alike(&point.terms, &other.terms) >= SAME
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::plan;
    use super::super::salience::sentences;
    use super::super::tests::{acta, source};
    use super::*;

    /// The points that come of what a model says of the first task, `language` being the summary's.
    fn made(source: &Source, language: &str, wording: &str) -> Vec<Point> {
        let sentences = sentences(&source.passages);
        let all = [sentences];
        let tasks = plan(std::slice::from_ref(source), &all, language);
        points(&tasks[0], source, &all[0], wording, &[])
    }

    #[test]
    fn a_translation_keeps_the_numbers_or_is_not_taken() {
        let source = source("es", acta());
        let own = &made(&source, "en", "")[0];
        assert!(own.is_own);
        let numbers: Vec<&str> = own
            .text
            .split_whitespace()
            .filter(|word| word.parse::<u32>().is_ok())
            .collect();
        let number = numbers.first().copied().unwrap_or("2026");
        let wrong = made(&source, "en", "The fee rises to 777 euros a month.");
        assert!(wrong[0].is_own, "{wrong:?}");
        let right = made(
            &source,
            "en",
            &format!("it says {number} there, in so many words."),
        );
        assert!(!right[0].is_own, "{right:?} of {own:?}");
        assert_eq!(right[0].citation, own.citation);
    }

    #[test]
    fn marks_of_layout_are_not_said() {
        assert_eq!(plain("- **Rent:** £865 a `month`"), "Rent: £865 a month");
        assert_eq!(plain("2. If rent\n   is late"), "If rent is late");
        assert_eq!(plain("| Out | AW 318 | 5 Sept |"), "Out, AW 318, 5 Sept");
        assert_eq!(plain("2026 was wet."), "2026 was wet.");
        assert_eq!(
            plain("> See [[Two hives]] and [[2026-06-09|La Noria]]."),
            "See Two hives and La Noria."
        );
    }
}
