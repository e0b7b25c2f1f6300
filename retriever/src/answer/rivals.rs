//! What other documents say of the same: what contradicts, what is newer, what is compared. Pure.

use super::choice::{best_first, candidates, date, may_be_of_time};
use super::{Part, Shape};
use crate::cite::{Quote, run_in_head};
use crate::expected::Expected;
use crate::plan::Compared;
use crate::proof::Claim;
use crate::series;
use crate::versus;

/// How much two sentences must have of each other's words to speak of the same.
const SAME: f32 = 0.6;

/// The share of a question's words that two sentences must have that answer it otherwise.
const ANSWERS_IT: f32 = 0.5;

/// A sentence of another document that says something else of the same, and whether it is newer. Where the dates of the
/// two are not known, nothing contradicts.
pub(super) fn rival(
    quotes: &[Quote<'_>],
    chosen: usize,
    part: &Part,
    question: &Claim,
) -> Option<(usize, bool)> {
    let own = &quotes[chosen];
    let claim = Claim::of(own.text);
    let passage = |quote: &Quote| &part.excerpts[quote.passage].passage;
    let own_date = date(passage(own))?;
    let expected = part.expected();
    let says = |quote: &Quote| question.proven_by(quote.text, &quote.around).share();
    quotes.iter().enumerate().find_map(|(place, quote)| {
        let other = Claim::of(quote.text);
        // What is of another time than is asked of contradicts nothing.
        let is_of_other =
            passage(quote).document != passage(own).document && may_be_of_time(quote, part);
        let differs = claim.has_number() && other.has_number() && !claim.has_numbers_of(&other);
        let is_alike = || {
            claim.proven_by(quote.text, "").terms >= SAME
                && other.proven_by(own.text, "").terms >= SAME
        };
        let answers = || {
            let has = |quote: &Quote| expected.is_some_and(|one| one.is_in(quote.text, &part.text));
            let terms = question.proven_by(quote.text, &quote.around).terms;
            has(own) && has(quote) && terms >= ANSWERS_IT
        };
        let contradicts =
            is_of_other && differs && says(quote) >= says(own) && (is_alike() || answers());
        let date = date(passage(quote)).filter(|date| contradicts && *date != own_date)?;
        Some((place, date > own_date))
    })
}

/// Quotes of newer documents that the model judges, at most, and how far behind the chosen one they may be (nats).
const NEWER: usize = 3;
const NEWER_BEHIND: f32 = 8.0;

/// How much a quote of a newer document is favoured that has all words of the chosen one (nats).
const OF_THE_SAME: f32 = 8.0;

/// How much less the model may think of a quote of a newer document, and the least that it must (log odds).
const LESS: f32 = 2.0;
const LEAST: f32 = -1.0;

/// The quotes of newer documents of the same series that could answer, the best first: "minutes-2026-03" after
/// "minutes-2026-01".
pub(super) fn newer(
    quotes: &[Quote<'_>],
    favours: &[f32],
    chosen: usize,
    part: &Part,
) -> Vec<usize> {
    let passage = |place: usize| &part.excerpts[quotes[place].passage].passage;
    let own = passage(chosen);
    let (Some(day), Some(series)) = (date(own), series::of(&own.path)) else {
        return Vec::new();
    };
    let expected = part.expected();
    let fits = |place: &usize| {
        let other = passage(*place);
        let is_kind = expected.is_none_or(|one| one.is_in(quotes[*place].text, &part.text));
        // Where and who is told in many ways.
        let is_loose = matches!(expected, Some(Expected::Where | Expected::Who));
        (is_kind || is_loose)
            && favours[*place] + NEWER_BEHIND >= favours[chosen]
            && date(other).is_some_and(|other| other > day)
            && may_be_of_time(&quotes[*place], part)
            && series::of(&other.path).as_ref() == Some(&series)
    };
    let texts = quotes
        .iter()
        .map(|quote| format!("{} {}", quote.around, quote.text));
    let texts: Vec<String> = texts.collect();
    let head = run_in_head(&own.text, &quotes[chosen].span);
    let chosen_words = Claim::of(&format!("{head} {}", quotes[chosen].text));
    let alike = chosen_words.shares(texts.iter().map(String::as_str));
    let both = favours.iter().zip(alike);
    let both: Vec<f32> = both
        .map(|(favour, alike)| favour + OF_THE_SAME * alike)
        .collect();
    let newer = best_first(&both).into_iter().filter(fits);
    newer.take(NEWER).collect()
}

/// Whether the model thinks so much of a quote of a newer document that it answers in the place of the chosen one.
pub(super) fn replaces(newer: f32, chosen: f32) -> bool {
    newer >= LEAST && newer >= chosen - LESS
}

/// The sentences that have a value of what is compared and speak of the question, at most so many.
pub(super) fn measured<'a>(part: &'a Part, compared: &Compared, most: usize) -> Vec<Quote<'a>> {
    let quotes: Vec<Quote<'a>> = candidates(part, &compared.rest, Shape::Phrase, None)
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
