//! What could answer a question: the sentences of which the model judges the best, and what speaks for the one that is
//! chosen. Pure.

use std::ops::Range;

use super::{Part, Shape};
use crate::calendar::{Date, Period};
use crate::cite::{Quote, header_of, is_item, quotes, run_in_head};
use crate::expected::{Expected, asked_of, counted, says_one, words};
use crate::nearness::WordsSaid;
use crate::passage::Passage;
use crate::plan::Compared;
use crate::prompt::Excerpt;
use crate::proof::{Claim, shares};
use crate::series;
use crate::values::document_date;
use crate::versus;

/// How much a sentence is favoured that has all words of the question (nats), and where it is known how much of each
/// word it says: a conditional logit (BENCHMARKS.md).
const FAVOUR: f32 = 6.0;
const FAVOUR_BESIDE: f32 = 2.0;

/// How much the sentence is favoured that is nearest in meaning (nats), and where that is known.
const NEAR: f32 = 6.0;
const NEAR_BESIDE: f32 = 3.0;

/// How much a sentence is favoured that says all words of the question, in whatever words (nats).
const SAID: f32 = 9.0;

/// How much a sentence is favoured whose passage lacks a name or a number that another one has (nats), and how many of
/// them count.
const LACKING: f32 = -1.5;
const MOST_LACKING: u8 = 3;

/// How much of it counts what a sentence stands under, or leans on.
const SAID_AROUND: f32 = 0.8;

/// How much a row is favoured whose first cell the question says whole (nats).
const LABEL: f32 = 1.5;

/// How much a sentence is favoured that does not have what is counted (nats).
const ANOTHER_THING: f32 = -2.0;

/// How much the words count that the question leans on, beside its own.
const CONTEXT: f32 = 0.35;

/// How much the words count that a sentence stands under.
const UNDER: f32 = 0.3;

/// How much the words count that its document has.
const READ_THERE: f32 = 0.3;

/// How much the words count of the sentence that a sentence leans on.
const LEANT_ON: f32 = 0.8;

/// How much the words count of the sentence that opens its paragraph.
const OPENED: f32 = 0.6;

/// How much a sentence is favoured that says what is not, where a phrase is asked for (nats).
const DENIES: f32 = -1.5;

/// How much a sentence is favoured of whose document the conversation speaks (nats).
const CONTINUED: f32 = 2.0;

/// How much a sentence is favoured that is of whom another document names (nats).
const LINKED: f32 = 4.0;

/// How much the newest document is favoured where the newest is asked for (nats).
const NEWEST: f32 = 1.5;

/// How much a document is favoured whose date is in the span of time that is asked of (nats).
const DATED: f32 = 3.0;

/// Whether the date of a passage's document is in the span of time that is asked of.
fn is_dated(passage: &Passage, part: &Part) -> bool {
    let (Some(asked), Some(own)) = (part.period, period(passage)) else {
        return false;
    };
    // "On 30 June" is asked of the second quarter.
    asked.holds(own) || own.holds(asked)
}

/// Whether a quote is of the span of time that is asked of.
pub(super) fn is_of_time(quote: &Quote<'_>, part: &Part) -> bool {
    is_dated(&part.excerpts[quote.passage].passage, part)
}

/// The passage of the newest of several documents, where the newest is asked for.
fn newest(quotes: &[Quote<'_>], part: &Part) -> Option<usize> {
    let places = quotes.iter().map(|quote| quote.passage);
    let dated = places.filter_map(|place| Some((date(&part.excerpts[place].passage)?, place)));
    let newest = dated.max_by_key(|(date, _)| *date);
    newest.filter(|_| part.recent).map(|(_, place)| place)
}

/// The span of time that a passage's document is of: by its name, its title or the head of its text, at least its year.
fn period(passage: &Passage) -> Option<Period> {
    let dated = document_date(passage.file_name(), &passage.title, &passage.text);
    dated.or_else(|| series::period(&passage.path))
}

/// The day from which a passage's document is.
fn date(passage: &Passage) -> Option<Date> {
    period(passage)?.from
}

/// What speaks for each quote beside the model (nats): the question's words, of which those speak more that few quotes
/// have, how near it is in meaning, and what the question expects.
pub(super) fn favours(quotes: &[Quote<'_>], part: &Part) -> Vec<f32> {
    let question = part.text.as_str();
    let texts = || quotes.iter().map(|quote| quote.text);
    let claim = Claim::of_question(question);
    let alone = claim.shares(texts());
    let whole: Vec<String> = quotes
        .iter()
        .map(|quote| whole(quote, &part.excerpts))
        .collect();
    let with_before = claim.shares(whole.iter().map(String::as_str));
    let opened: Vec<String> = quotes
        .iter()
        .map(|quote| format!("{} {}", opener(quote, &part.excerpts), quote.text))
        .collect();
    let with_opener = claim.shares(opened.iter().map(String::as_str));
    let own: Vec<f32> = alone
        .into_iter()
        .zip(with_before)
        .zip(with_opener)
        .map(|((alone, whole), opened)| alone.max(LEANT_ON * whole).max(OPENED * opened))
        .collect();
    let under = claim.shares(quotes.iter().map(|quote| quote.around.as_str()));
    let texts_read = texts_read(&part.excerpts);
    let read = claim.shares(texts_read.iter().map(String::as_str));
    let context = part.context.as_deref().unwrap_or_default();
    let context = Claim::of(context).shares(texts());
    let (favour_of_words, favour_of_near, said) = match shares_said(quotes, part) {
        Some(said) => (FAVOUR_BESIDE, NEAR_BESIDE, said),
        None => (FAVOUR, NEAR, vec![0.0; quotes.len()]),
    };
    let lacks = lacks_more(&texts_read, &Claim::of(question));
    let expected = part.expected();
    let newest = newest(quotes, part);
    let is_dated: Vec<bool> = part
        .excerpts
        .iter()
        .map(|excerpt| is_dated(&excerpt.passage, part))
        .collect();
    let favour = |(place, quote): (usize, &Quote)| {
        let words = own[place]
            + UNDER * under[place]
            + READ_THERE * read[quote.passage]
            + CONTEXT * context[place];
        let kind = expected.map_or(0.0, |expected| expected.favour(quote.text, question));
        let denies = part.shape == Shape::Phrase && claim.is_denied_by(quote.text);
        let denial = if denies { DENIES } else { 0.0 };
        let recent = if newest == Some(quote.passage) {
            NEWEST
        } else {
            DATED * flag(is_dated[quote.passage])
        };
        let near = part.near(quote);
        let label = LABEL * labelled(quote.text, question);
        let thing = ANOTHER_THING
            * lacks_object(part, quote, &format!("{} {}", quote.around, whole[place]));
        let favour = favour_of_words * words
            + favour_of_near * near
            + SAID * said[place]
            + LACKING * f32::from(lacks[quote.passage].min(MOST_LACKING))
            + LINKED * flag(part.link(quote).is_some())
            + CONTINUED * flag(part.is_spoken_of(quote))
            + label
            + thing
            + kind
            + denial
            + recent;
        tracing::trace!(
            place,
            own = own[place],
            under = under[place],
            context = context[place],
            kind,
            denial,
            recent,
            near,
            said = said[place],
            meaning = part.meaning(quote),
            favour,
            path = part.excerpts[quote.passage].passage.path,
            text = quote.text,
            "candidate"
        );
        favour
    };
    quotes.iter().enumerate().map(favour).collect()
}

/// How much each quote says of the question's words, in whatever words, 0 to 1; words that few say count more. None
/// where that cannot be told.
fn shares_said(quotes: &[Quote<'_>], part: &Part) -> Option<Vec<f32>> {
    let said = quotes.iter().map(|quote| said_by(quote, part));
    said.collect::<Option<Vec<_>>>().map(|said| shares(&said))
}

/// How much of each of the question's words a quote says, with what it stands under and leans on; none where that cannot
/// be told.
fn said_by(quote: &Quote<'_>, part: &Part) -> Option<Vec<f32>> {
    let nearness = &part.nearness;
    let passage = &part.excerpts[quote.passage].passage;
    let words = nearness.words()?;
    let Some(said) = nearness.said(passage, &quote.span) else {
        return Some(vec![0.0; words]);
    };
    let before = quote.before.as_ref();
    let before = before.and_then(|before| nearness.said(passage, before));
    let link = part.link(quote);
    let link = link.and_then(|link| nearness.said_by(link));
    let opener = quote.opener.as_ref();
    let opener = opener.and_then(|opener| nearness.said(passage, opener));
    let around = |word: usize| {
        let says = |said: Option<&WordsSaid>| said.map_or(0.0, |said| said.own[word]);
        let around = SAID_AROUND * said.under[word].max(says(before)).max(says(link));
        around.max(OPENED * says(opener))
    };
    let own = said.own.iter().enumerate();
    Some(own.map(|(word, own)| own.max(around(word))).collect())
}

/// How much a quote lacks what is counted, 0 to 1: the sugar of "How many grams of sugar …?" `text` is its words and
/// those around it.
fn lacks_object(part: &Part, quote: &Quote<'_>, text: &str) -> f32 {
    let Some(object) = counted(&part.text) else {
        return 0.0;
    };
    if Claim::of_noun(&object).shares_term_with(text) {
        return 0.0;
    }
    let said = said_by(quote, part);
    let said = part
        .nearness
        .place_of(&object)
        .and_then(|word| Some(said?[word]));
    1.0 - said.unwrap_or_default()
}

/// How far ahead of the best of the others counts, at most (nats).
const AHEAD: f32 = 3.0;

fn best_first(favours: &[f32]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..favours.len()).collect();
    places.sort_by(|one, other| favours[*other].total_cmp(&favours[*one]));
    places
}

/// Quotes that the model judges, at most, and where it says yes to one of them; how far behind the first they may be
/// (nats).
const JUDGED: usize = 6;
const JUDGED_WITH_YES: usize = 4;
const BEHIND: f32 = 6.0;

/// How much the model's judgement counts beside what speaks for a quote, and what may be hoped of one (log odds): few
/// right quotes have more.
const JUDGEMENT: f32 = 2.0;
const HOPED: f32 = 1.5;

/// How much it counts where the question is a follow-up, put by rule as it would be asked alone: that may be wrong.
const JUDGEMENT_OF_FOLLOW_UP: f32 = 1.0;

pub(super) fn weight_of_judgement(part: &Part) -> f32 {
    if part.goes_on() {
        JUDGEMENT_OF_FOLLOW_UP
    } else {
        JUDGEMENT
    }
}

/// The places of the quotes that the model judges, the best first.
pub(super) fn worth_judging(favours: &[f32]) -> Vec<usize> {
    let best = best_first(favours);
    let near = |place: &usize| favours[*place] + BEHIND >= favours[best[0]];
    best.iter().copied().take(JUDGED).filter(near).collect()
}

/// Whether so many quotes have been judged that no more are.
pub(super) fn are_enough(judged: &[(usize, f32)]) -> bool {
    judged.len() >= JUDGED_WITH_YES && judged.iter().any(|(_, odds)| *odds > 0.0)
}

/// Whether no quote from the one at `next` on would be chosen, whatever the model thinks of it.
pub(super) fn is_settled(
    favours: &[f32],
    judged: &[(usize, f32)],
    next: usize,
    weight: f32,
) -> bool {
    let hoped = favours[next] + weight * HOPED;
    let mut scores = judged.iter().map(|one| score_of(favours, *one, weight));
    scores.any(|score| score >= hoped)
}

/// What speaks for a quote together with the model's judgement (nats).
fn score_of(favours: &[f32], (place, odds): (usize, f32), weight: f32) -> f32 {
    favours[place] + weight * odds
}

/// The quote for which most speaks with the model's judgement, and that.
pub(super) fn best_judged(
    favours: &[f32],
    judged: &[(usize, f32)],
    weight: f32,
) -> Option<(usize, f32)> {
    let judged = judged.iter().copied();
    judged.reduce(|best, other| {
        let is_better = score_of(favours, other, weight) > score_of(favours, best, weight);
        if is_better { other } else { best }
    })
}

/// The sentence that opens the paragraph of a quote.
fn opener<'a>(quote: &Quote<'_>, excerpts: &'a [Excerpt]) -> &'a str {
    let text = &excerpts[quote.passage].passage.text;
    quote.opener.clone().map_or("", |opener| &text[opener])
}

/// What the model reads of a quote when it judges it: with the sentence that opens its paragraph.
pub(super) fn judged(quote: &Quote<'_>, excerpts: &[Excerpt]) -> Vec<Range<usize>> {
    let own = shown(quote, excerpts);
    let text = &excerpts[quote.passage].passage.text;
    match &quote.opener {
        Some(opener) if text[opener.end.min(own.start)..own.start].trim().is_empty() => {
            vec![opener.start.min(own.start)..own.end]
        }
        Some(opener) => vec![opener.clone(), own],
        None => vec![own],
    }
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
    // What is of another time than is asked of contradicts nothing.
    let is_of_time = |quote: &Quote| part.period.is_none() || is_dated(passage(quote), part);
    let own_date = date(passage(own))?;
    let expected = part.expected();
    let says = |quote: &Quote| question.proven_by(quote.text, &quote.around).share();
    quotes.iter().enumerate().find_map(|(place, quote)| {
        let other = Claim::of(quote.text);
        let is_of_other = passage(quote).document != passage(own).document && is_of_time(quote);
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
const LESS: f32 = 1.5;
const LEAST: f32 = 0.3;

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
            && (part.period.is_none() || is_dated(other, part))
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

/// A sentence of no more bytes is a note whose clauses each say a value.
const TERSE: usize = 90;

/// Of a sentence with several values the clause that has more of the question's words than each other; else all of it.
/// What the first clause names holds for the others: "Excess £150, for water £350."
pub(super) fn clause<'a>(sentence: &'a str, part: &Part) -> &'a str {
    let expected = part.expected();
    if expected.is_none() && sentence.len() > TERSE {
        return sentence;
    }
    let fits = |clause: &str| expected.is_none_or(|one| one.is_in(clause, &part.text));
    let answers: Vec<&str> = clauses(sentence)
        .into_iter()
        .filter(|clause| has_value(clause) && fits(clause))
        .collect();
    let [first, _, ..] = answers[..] else {
        return sentence;
    };
    let head: String = first.chars().filter(|c| !c.is_numeric()).collect();
    let whole = answers
        .iter()
        .enumerate()
        .map(|(place, clause)| match place {
            0 => (*clause).to_owned(),
            _ => format!("{head} {clause}"),
        });
    let whole: Vec<String> = whole.collect();
    // "How much milk …?" is answered by the clause that has milk.
    if let Some(object) = counted(&part.text) {
        let object = Claim::of_noun(&object);
        let counts = answers
            .iter()
            .filter(|clause| object.shares_term_with(clause));
        if let [only] = counts.collect::<Vec<_>>()[..] {
            return only;
        }
    }
    let question = Claim::of(&part.text);
    let together = question.shares(whole.iter().map(String::as_str));
    let alone = question.shares(answers.iter().copied());
    let level = best(answers.iter().copied().zip(alone).zip(together));
    match best(level.into_iter())[..] {
        [clause] => clause,
        _ => sentence,
    }
}

/// The clauses of a sentence, each with a value. One that names nothing goes on from the one before it, and one without
/// a value in the one after it: "in winter, from Wednesday to Sunday, 11:00 to 15:00".
fn clauses(sentence: &str) -> Vec<&str> {
    const JOINTS: [&str; 5] = [", ", "; ", " and ", " y ", " e "];
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut from = 0;
    while from < sentence.len() {
        let rest = &sentence[from..];
        let joints = JOINTS
            .iter()
            .filter_map(|joint| Some((rest.find(joint)?, joint.len())));
        let (length, joint) = joints.min().unwrap_or((rest.len(), 0));
        let clause = from..from + length;
        let names = Claim::of(&sentence[clause.clone()]).has_words();
        let goes_on = |last: &Range<usize>| !has_value(&sentence[last.clone()]) || !names;
        match found.last_mut() {
            Some(last) if goes_on(last) => last.end = clause.end,
            _ => found.push(clause),
        }
        from += length + joint;
    }
    let clauses = found.into_iter().map(|span| sentence[span].trim());
    clauses.filter(|clause| !clause.is_empty()).collect()
}

/// Whether a clause tells how much or when.
fn has_value(clause: &str) -> bool {
    Claim::of(clause).has_number() || says_one(clause)
}

/// Those of which the question speaks most.
pub(super) fn best<T>(all: impl Iterator<Item = (T, f32)> + Clone) -> Vec<T> {
    let most = all.clone().map(|(_, share)| share).fold(0.0, f32::max);
    let best = all.filter(|(_, share)| *share >= most);
    best.map(|(one, _)| one).collect()
}

/// Whether a sentence says no to a question: itself, the cell of the column that the question speaks of, the opener of
/// its list, or the heading that it stands under ("Not covered").
pub(super) fn denies(quote: &Quote<'_>, part: &Part, question: &Claim) -> bool {
    let passage = &part.excerpts[quote.passage].passage;
    let says_no = |text: &str| Claim::of(text).says_no();
    let asked = cells(quote, part).into_iter();
    let asked = asked.filter(|(_, share)| *share > 0.0);
    if let [cell] = best(asked)[..] {
        return says_no(cell.text) || matches!(cell.text, "-" | "–" | "—" | "✗");
    }
    let opener = quote.before.clone().filter(|_| is_item(quote.text));
    let opener = opener.map_or("", |before| &passage.text[before]);
    let heading = passage.heading.as_deref().unwrap_or_default();
    let heading = heading.rsplit(" > ").next().unwrap_or_default();
    let under_no = says_no(opener) || says_no(heading) && question.shares_term_with(heading);
    question.is_denied_by(quote.text) || under_no && !question.says_no() && !says_no(quote.text)
}

/// A cell of a table's row, with what it stands under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell<'a> {
    /// The first cell of its row.
    pub label: &'a str,
    pub header: &'a str,
    pub text: &'a str,
}

/// The cells of a row of a table that could answer, each with how much the question speaks of its column.
pub(super) fn cells<'a>(quote: &Quote<'a>, part: &'a Part) -> Vec<(Cell<'a>, f32)> {
    let passage = &part.excerpts[quote.passage].passage;
    let (header, row) = match fields(quote.text) {
        Some(fields) => fields,
        None => (
            split_row(header_of(passage, &quote.span)),
            split_row(quote.text),
        ),
    };
    let (Some(label), true) = (row.first(), row.len() == header.len() && row.len() > 2) else {
        return Vec::new();
    };
    let expected = part.expected();
    let fits =
        |text: &str| expected.is_none_or(|one| !one.is_needed() || one.is_in(text, &part.text));
    let places: Vec<usize> = (1..row.len())
        .filter(|place| !row[*place].is_empty() && fits(row[*place]))
        .collect();
    let shares = Claim::of(&part.text).shares(places.iter().map(|place| header[*place]));
    let asked = words(&part.text);
    let is_short_for = |header: &str| match &words(header)[..] {
        [short] if short.len() >= SHORTEST => asked.iter().any(|word| word.starts_with(short)),
        _ => false,
    };
    let shares = shares.into_iter().zip(&places).map(|(share, place)| {
        if is_short_for(header[*place]) {
            share.max(1.0)
        } else {
            share
        }
    });
    let cell = |place: usize| Cell {
        label,
        header: header[place],
        text: row[place],
    };
    let cells: Vec<Cell> = places.iter().copied().map(cell).collect();
    cells.into_iter().zip(shares).collect()
}

/// How much the column is favoured that is nearest in meaning (nats).
pub(super) const COLUMN: f32 = 3.0;

/// How near each is among others, by their cosines: 1 the nearest, 0 the farthest.
pub(super) fn standings(cosines: &[f32]) -> Vec<f32> {
    let highest = cosines.iter().copied().fold(f32::MIN, f32::max);
    let lowest = cosines.iter().copied().fold(f32::MAX, f32::min);
    let width = (highest - lowest).max(f32::MIN_POSITIVE);
    let standing = |cosine: &f32| (cosine - lowest) / width;
    cosines.iter().map(standing).collect()
}

/// Letters of an abbreviation, at least: "Wed" stands for Wednesday, "ene" for enero.
const SHORTEST: usize = 3;

/// How much of the first cell of a row the question says; nothing for what is no row.
fn labelled(text: &str, question: &str) -> f32 {
    let row = fields(text).map_or_else(|| split_row(text), |(_, values)| values);
    let label = Claim::of(row.first().copied().unwrap_or_default());
    if label.is_empty() {
        0.0
    } else {
        label.proven_by(question, "").share()
    }
}

/// The names and the values of a row that says both: "variety: Aquila; packets: 14; price: 2.85".
fn fields(line: &str) -> Option<(Vec<&str>, Vec<&str>)> {
    let fields = line.split("; ").map(|field| field.split_once(": "));
    let fields: Option<(Vec<&str>, Vec<&str>)> = fields.collect();
    fields.filter(|(names, _)| names.len() > 2)
}

/// Whether a line is a row of a table.
pub(super) fn is_row(line: &str) -> bool {
    line.starts_with('|') || fields(line).is_some()
}

/// The cells of a line between its bars.
fn split_row(line: &str) -> Vec<&str> {
    let line = line.trim();
    let Some(inner) = line.strip_prefix('|') else {
        return Vec::new();
    };
    let inner = inner.strip_suffix('|').unwrap_or(inner);
    inner.split('|').map(str::trim).collect()
}

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

/// The texts that could answer a question: each sentence, row and line of the passages, once.
pub(super) fn candidates<'a>(
    part: &'a Part,
    question_text: &str,
    shape: Shape,
    expected: Option<Expected>,
) -> Vec<Quote<'a>> {
    let excerpts = &part.excerpts;
    let other = part.apart_from.as_deref().map(words);
    let is_of_other = |quote: &Quote| {
        let said = words(&format!("{} {}", quote.around, quote.text));
        other
            .as_ref()
            .is_some_and(|names| names.iter().all(|name| said.contains(name)))
    };
    let question = Claim::of(question_text);
    let lacks = lacks_more(&texts_read(excerpts), &question);
    let mut all: Vec<Quote<'a>> = Vec::new();
    for (place, excerpt) in excerpts.iter().enumerate() {
        // Where words alone tell, what lacks a name or a number is of something else.
        if lacks[place] > 0 && part.nearness.words().is_none() {
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
            // "Dogs are allowed." is an answer to yes or no alone.
            let tells = shape == Shape::YesNo || question.is_told_more_by(quote.text);
            if is_one
                && is_read(&quote.span)
                && !known
                && !is_of_another
                && tells
                && !is_of_other(&quote)
            {
                all.push(quote);
            }
        }
    }
    if let Some(expected) = expected.filter(|one| one.is_needed()) {
        all.retain(|quote| expected.is_in(quote.text, question_text));
    }
    all
}

/// How many more names and numbers of a question each text lacks than the one that lacks the fewest.
fn lacks_more(texts: &[String], question: &Claim) -> Vec<u8> {
    let lacks = texts.iter().map(|text| question.lacks(text).0);
    let lacks: Vec<usize> = lacks.collect();
    let fewest = lacks.iter().copied().min().unwrap_or_default();
    let more = |lacks: usize| u8::try_from(lacks - fewest).unwrap_or(u8::MAX);
    lacks.into_iter().map(more).collect()
}

/// What is read of the document of each passage.
fn texts_read(excerpts: &[Excerpt]) -> Vec<String> {
    let texts = excerpts.iter().map(|one| read_of(excerpts, one));
    texts.collect()
}

/// What is read of the document of a passage: what is said at its top holds for the rows of a table far below.
fn read_of(excerpts: &[Excerpt], one: &Excerpt) -> String {
    let own = &one.passage;
    let same = excerpts.iter().map(|excerpt| &excerpt.passage);
    let same = same.filter(|passage| passage.document == own.document);
    let texts: Vec<&str> = same.map(|passage| passage.text.as_str()).collect();
    let header = own.table_header.as_deref().unwrap_or_default();
    format!("{} {header} {}", own.around(), texts.join("\n"))
}

/// What speaks for a quote as an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence {
    /// What is taken from the score because it is of another thing.
    pub of_others: f32,
    /// The share of the question's words that it or what it stands under has.
    pub terms: f32,
    /// The share that its passage has.
    pub near: f32,
    /// How much it says of the question's words, in whatever words; none where that is not known.
    pub said: Option<f32>,
    /// How near it is in meaning; none where that is not known.
    pub meaning: Option<f32>,
    /// What the model thinks of it that it answers (log odds); none where it cannot tell.
    pub odds: Option<f32>,
    /// How far it is ahead of the best of the others (nats).
    pub ahead: f32,
    /// Whether it is in another language, whose words cannot be compared.
    pub is_foreign: bool,
    /// Names and numbers of the question that its passage lacks.
    pub lacks: usize,
    /// What is taken from the score because it is of another year or kind.
    pub of_other_kind: f32,
    /// Whether the question goes on from the one before it.
    pub goes_on: bool,
    /// Whether the conversation speaks of its document.
    pub is_spoken_of: bool,
}

/// What speaks for a choice among `quotes`.
pub(super) fn evidence(
    quotes: &[Quote<'_>],
    favours: &[f32],
    (place, odds): (usize, Option<f32>),
    part: &Part,
    is_foreign: bool,
) -> Evidence {
    let question = Claim::of_question(&part.text);
    let link = part.link(&quotes[place]);
    let link = link.map_or("", |link| &link.quote);
    // What stands nowhere says most: so all texts are weighed together.
    let quoted = quotes.iter().map(|quote| {
        let whole = whole(quote, &part.excerpts);
        let link = part.link(quote).map_or("", |link| &link.quote);
        format!("{} {whole} {link}", quote.around)
    });
    let favour = favours[place];
    let others = favours
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != place);
    let best_other = others.map(|(_, favour)| *favour).reduce(f32::max);
    let read = texts_read(&part.excerpts).into_iter();
    let read = read.map(|read| format!("{read} {link}"));
    let texts: Vec<String> = quoted.chain(read).collect();
    let shares = question.shares(texts.iter().map(String::as_str));
    let read = quotes.len() + quotes[place].passage;
    let passage = &texts[read];
    let kind = part.expected();
    let is_kind = |text: &str| kind.is_none_or(|kind| kind.is_in(text, &part.text));
    let lacks_thing = lacks_object(part, &quotes[place], &texts[place]);
    let lacks_everywhere = lacks_object(part, &quotes[place], passage);
    let asked_of = asked_of(&part.text).map(|noun| Claim::of_noun(&noun));
    let is_named = |noun: Claim| noun.is_empty() || noun.shares_term_with(passage);
    let of_other_object = !is_foreign && !asked_of.is_none_or(is_named);
    let of_others = OTHER_THING * lacks_thing
        + OTHER_OBJECT * flag(of_other_object)
        + NO_SUCH_THING * lacks_everywhere;
    Evidence {
        of_others,
        terms: if is_terse(quotes[place].text) {
            f32::midpoint(shares[place], shares[read])
        } else {
            shares[place]
        },
        near: shares[read],
        said: shares_said(quotes, part).map(|said| said[place]),
        meaning: part.meaning(&quotes[place]),
        odds,
        ahead: best_other.map_or(AHEAD, |other| (favour - other).clamp(-AHEAD, AHEAD)),
        is_foreign,
        lacks: question.lacks(passage).0,
        of_other_kind: OTHER_YEAR * flag(question.lacks_year(passage))
            + OTHER_KIND * flag(!is_kind(quotes[place].text)),
        goes_on: part.goes_on(),
        is_spoken_of: part.is_spoken_of(&quotes[place]),
    }
}

/// 1 for what is, 0 for what is not.
fn flag(is: bool) -> f32 {
    f32::from(u8::from(is))
}

/// Whether a text is a row or an item, which says what it is of elsewhere in its document.
fn is_terse(text: &str) -> bool {
    is_row(text) || is_item(text)
}

/// What it takes from the score that a quote has no word of the question, nor what it stands under.
const OTHER_SUBJECT: f32 = 0.5;

/// What it takes from the score that what is counted is something else.
const OTHER_THING: f32 = 1.3;

/// What it takes from the score that what something is asked of is nowhere in the document.
const OTHER_OBJECT: f32 = 0.6;

/// What it takes from the score beside that what is counted is nowhere in the document.
const NO_SUCH_THING: f32 = 1.0;

/// What it takes from the score that it is not the kind of thing that the question expects.
const OTHER_KIND: f32 = 1.2;

/// What a year takes from the score that the passage does not have.
const OTHER_YEAR: f32 = 2.0;

/// What a name or number takes from the score that the passage does not have; at most two count.
const LACKS: f32 = 0.25;

/// How much of that counts where the model has judged: a name or number that is not there, and all of what makes it of
/// another thing.
const LACKS_JUDGED: f32 = 0.8;
const OTHERS_JUDGED: f32 = 0.25;

/// What it adds to the score that the conversation speaks of its document.
const SPOKEN_OF: f32 = 0.5;

/// The least score of a quote that answers.
const ANSWERS: f32 = -0.3;

impl Evidence {
    /// The log odds that the quote answers: logistic regressions (BENCHMARKS.md) of the model's judgement, its words and
    /// its meaning; what is taken away for another year, another thing or another subject was set by hand.
    pub(super) fn score(self) -> f32 {
        let lacks = flag(self.lacks > 0) + flag(self.lacks > 1);
        let said = self.said.unwrap_or(self.terms);
        let judged = self.odds.map(|odds| {
            -1.1 + 1.6 * odds + 0.38 * self.ahead + 0.65 * said
                - LACKS_JUDGED * lacks
                - OTHERS_JUDGED * self.of_others
        });
        let unjudged = || {
            let words = match (self.said, self.meaning) {
                (Some(said), Some(meaning)) => {
                    -1.7 + 0.9 * said + 1.4 * meaning + 0.36 * self.ahead
                }
                _ => self.score_of_words(),
            };
            words - LACKS * lacks - self.of_others
        };
        let score = match judged {
            // The model is asked what may not be meant.
            Some(judged) if self.goes_on => f32::midpoint(judged, unjudged()),
            Some(judged) => judged,
            None => unjudged(),
        };
        score + SPOKEN_OF * flag(self.is_spoken_of) - self.of_other_kind
    }

    /// What its words speak for it, and its meaning where that is known; not word by word.
    fn score_of_words(self) -> f32 {
        let is_of_other_subject = !self.is_foreign && self.terms <= 0.0;
        let words = match (self.meaning, self.is_foreign) {
            (Some(meaning), true) => 0.2 + 11.4 * (meaning - 0.703),
            (None, true) => 0.2,
            (Some(meaning), false) => {
                -1.3 + 2.5 * self.terms + 2.0 * self.near + 11.4 * (meaning - 0.703)
            }
            (None, false) => -0.9 + 4.6 * self.terms + 1.3 * self.near,
        };
        words - OTHER_SUBJECT * flag(is_of_other_subject)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_judged_first_and_no_more_than_it_takes() {
        let favours = [3.0, 9.0, 4.0, 8.0, 7.0, 6.0, 5.0];
        assert_eq!(worth_judging(&favours), [1, 3, 4, 5, 6, 2]);
        assert_eq!(worth_judging(&[1.0, 9.0]), [1]);
        assert!(!are_enough(&[(0, -0.1); 5]) && !are_enough(&[(0, 0.1); 3]));
        assert!(are_enough(&[(0, 0.1); 4]));
        let favours = [9.0, 8.0];
        // A clear yes to the first is enough; else the second may come first.
        assert!(is_settled(&favours, &[(0, 1.5)], 1, JUDGEMENT));
        assert!(!is_settled(&favours, &[(0, 0.5)], 1, JUDGEMENT));
        assert!(!is_settled(&favours, &[], 0, JUDGEMENT));
        let best = |judged: &[(usize, f32)]| best_judged(&favours, judged, JUDGEMENT);
        assert_eq!(best(&[(0, 0.0), (1, 1.0)]), Some((1, 1.0)));
        assert_eq!(best(&[(0, 1.0), (1, 1.0)]), Some((0, 1.0)));
        assert_eq!(best(&[]), None);
    }
}
