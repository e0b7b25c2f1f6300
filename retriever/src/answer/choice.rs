//! What could answer a question: the sentences among which the model chooses, and what speaks for its choice. Pure.

use std::ops::Range;

use vade_models::language::Candidate;

use crate::cite::{Quote, quotes};
use crate::expected::Expected;
use crate::plan::Compared;
use crate::prompt::Excerpt;
use crate::proof::Claim;
use crate::values::document_date;
use crate::versus;

/// In how many ways a sentence is copied: as it stands, and without the signs that it begins with.
pub(super) const COPIES: usize = 2;

/// How much a sentence is favoured that has all words of the question (nats).
const FAVOUR: f32 = 6.0;

/// How much the words count that the question leans on, beside its own.
const CONTEXT: f32 = 0.35;

/// How much the words count that a sentence stands under.
const UNDER: f32 = 0.3;

/// How much the words count of the sentence that a sentence leans on.
const LEANT_ON: f32 = 0.8;

/// What the model may copy: each quote in its ways, the one for which the question's words speak favoured. Words that
/// few quotes have speak more; so does what the question expects.
pub(super) fn copies(
    quotes: &[Quote<'_>],
    excerpts: &[Excerpt],
    question: &str,
    context: Option<&str>,
) -> Vec<Candidate> {
    let texts = || quotes.iter().map(|quote| quote.text);
    let claim = Claim::of(question);
    let alone = claim.shares(texts());
    let whole: Vec<String> = quotes.iter().map(|quote| whole(quote, excerpts)).collect();
    let with_before = claim.shares(whole.iter().map(String::as_str));
    let own: Vec<f32> = alone
        .into_iter()
        .zip(with_before)
        .map(|(alone, whole)| alone.max(LEANT_ON * whole))
        .collect();
    let under = claim.shares(quotes.iter().map(|quote| quote.around.as_str()));
    let context = Claim::of(context.unwrap_or_default()).shares(texts());
    let expected = Expected::of(question);
    let mut copies = Vec::with_capacity(COPIES * quotes.len());
    for (place, quote) in quotes.iter().enumerate() {
        let words = own[place] + UNDER * under[place] + CONTEXT * context[place];
        let kind = expected.map_or(0.0, |expected| expected.favour(quote.text, question));
        let favour = FAVOUR * words + kind;
        let copy = |text: &str| Candidate {
            text: format!(" \"{text}\""),
            favour,
        };
        let plain = without_mark(quote.text);
        copies.push(copy(quote.text));
        copies.push(if plain.len() < quote.text.len() {
            copy(plain)
        } else {
            Candidate::new("")
        });
    }
    copies
}

/// A sentence after the one that it leans on.
pub(super) fn whole(quote: &Quote<'_>, excerpts: &[Excerpt]) -> String {
    let text = &excerpts[quote.passage].passage.text;
    let before = quote.before.clone().map_or("", |before| &text[before]);
    format!("{before} {}", quote.text)
}

/// Where a sentence stands in its passage, with the one before it where it points back to it; the opener of a list is
/// too far away.
pub(super) fn shown(quote: &Quote<'_>, excerpts: &[Excerpt]) -> Range<usize> {
    let text = &excerpts[quote.passage].passage.text;
    match &quote.before {
        Some(before) if text[before.end..quote.span.start].trim().is_empty() => {
            before.start..quote.span.end
        }
        _ => quote.span.clone(),
    }
}

/// How much two sentences must have of each other's words to speak of the same.
const SAME: f32 = 0.6;

/// A sentence of another document that says the same as a chosen one, but for its numbers; and whether it is newer.
/// Where the dates of the two are not known, nothing contradicts.
pub(super) fn rival(
    quotes: &[Quote<'_>],
    chosen: usize,
    excerpts: &[Excerpt],
    question: &Claim,
) -> Option<(usize, bool)> {
    let own = &quotes[chosen];
    let claim = Claim::of(own.text);
    let passage = |quote: &Quote| &excerpts[quote.passage].passage;
    let date = |quote: &Quote| {
        let passage = passage(quote);
        document_date(passage.file_name(), &passage.title, &passage.text)?.from
    };
    let own_date = date(own)?;
    let says = |quote: &Quote| question.proven_by(quote.text, &quote.around).share();
    quotes.iter().enumerate().find_map(|(place, quote)| {
        let other = Claim::of(quote.text);
        let is_of_other = passage(quote).document != passage(own).document;
        let contradicts = is_of_other
            && claim.has_number()
            && other.has_number()
            && !claim.has_numbers_of(&other)
            && claim.proven_by(quote.text, "").terms >= SAME
            && other.proven_by(own.text, "").terms >= SAME
            && says(quote) >= says(own);
        let date = date(quote).filter(|date| contradicts && *date != own_date)?;
        Some((place, date > own_date))
    })
}

/// The sentences that have a value of what is compared and speak of the question, at most so many.
pub(super) fn measured<'a>(
    excerpts: &'a [Excerpt],
    compared: &Compared,
    most: usize,
) -> Vec<Quote<'a>> {
    let quotes: Vec<Quote<'a>> = candidates(excerpts, &compared.rest)
        .into_iter()
        .filter(|quote| versus::measures(compared, quote.text))
        .collect();
    let claim = Claim::of(&compared.rest);
    let says = |quote: &Quote| claim.proven_by(quote.text, &quote.around).terms;
    let best = quotes.iter().map(says).fold(0.0, f32::max);
    let mut near: Vec<Quote> = quotes
        .into_iter()
        .filter(|quote| best >= SPEAKS && says(quote) >= best)
        .collect();
    near.truncate(most);
    near
}

/// The share of a comparison's words that a sentence must have to be compared.
const SPEAKS: f32 = 0.3;

/// A line without what makes it an item, a task, a row or bold.
pub(super) fn without_mark(line: &str) -> &str {
    let signs =
        |c: char| c.is_whitespace() || matches!(c, '-' | '*' | '+' | '|' | '>' | '•' | '_' | '#');
    let mut rest = line.trim_start_matches(signs);
    for task in ["[ ]", "[x]", "[X]"] {
        rest = rest.strip_prefix(task).unwrap_or(rest);
    }
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let numbered = rest[digits..]
        .strip_prefix(". ")
        .or(rest[digits..].strip_prefix(") "));
    let rest = numbered
        .filter(|_| (1..4).contains(&digits))
        .unwrap_or(rest);
    rest.trim_start_matches(signs)
}

/// The texts that could answer a question: each sentence, row and line of the passages, once. Where some passages
/// have all the names and numbers of the question, the others speak of something else.
pub(super) fn candidates<'a>(excerpts: &'a [Excerpt], question_text: &str) -> Vec<Quote<'a>> {
    let question = Claim::of(question_text);
    let lacks: Vec<usize> = excerpts
        .iter()
        .map(|Excerpt { passage, .. }| {
            let text = format!("{} {}", passage.around(), passage.text);
            question.lacks(&text).0
        })
        .collect();
    let fewest = lacks.iter().copied().min().unwrap_or_default();
    let mut all: Vec<Quote<'a>> = Vec::new();
    for (place, excerpt) in excerpts.iter().enumerate() {
        if lacks[place] > fewest {
            continue;
        }
        let is_read = |span: &Range<usize>| {
            let mut parts = excerpt.parts.iter();
            parts.any(|part| part.start <= span.start && span.end <= part.end)
        };
        for quote in quotes(&excerpt.passage, place) {
            let known = all.iter().any(|one| one.text == quote.text);
            let is_one = quote.sentences == 1 && says_something(quote.text);
            let is_of_another = question.is_of_another(quote.text, &quote.around);
            if is_one && is_read(&quote.span) && !known && !is_of_another {
                all.push(quote);
            }
        }
    }
    let Some(expected) = Expected::of(question_text) else {
        return all;
    };
    if expected.is_needed() {
        all.retain(|quote| expected.is_in(quote.text));
    }
    all
}

/// What speaks for a quote as an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence {
    /// How much likelier it was than the others, favours counted.
    pub weight: f32,
    /// The share of the question's words that it or what it stands under has.
    pub terms: f32,
    /// The share that its passage has.
    pub near: f32,
    /// How likely the model was to copy it by itself.
    pub likelihood: f32,
    /// Names and numbers of the question that its passage lacks.
    pub lacks: usize,
}

/// The share that stands for words that cannot be compared, those of another language.
pub(super) const UNTOLD: f32 = 0.5;

/// The least score of a quote that answers.
const ANSWERS: f32 = -0.25;

impl Evidence {
    /// The log odds that the quote answers: a logistic regression on 61 quotes (BENCHMARKS.md), of which 38 did.
    pub(super) fn score(self) -> f32 {
        let likelihood = (self.likelihood + f32::MIN_POSITIVE).log10().max(-12.0);
        let lacks = f32::from(u8::from(self.lacks > 0)) + f32::from(u8::from(self.lacks > 1));
        -2.0 + 2.4 * self.weight + 1.5 * self.terms + 0.9 * self.near + 0.1 * likelihood
            - 0.25 * lacks
    }

    /// Whether the quote speaks of what is asked.
    pub(super) fn suffices(self) -> bool {
        self.score() >= ANSWERS
    }
}

/// Whether a line can answer anything: no heading, no rule, no header row.
fn says_something(line: &str) -> bool {
    let letters = line.chars().filter(|c| c.is_alphanumeric()).count();
    letters > 1 && !line.starts_with('#')
}
