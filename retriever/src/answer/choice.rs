//! What could answer a question, and what speaks for each: all sentences, rows and lines of what was found. Pure.

use std::ops::Range;

use super::rows::{is_row, labelled};
use super::{Part, Shape};
use crate::calendar::{Date, Period};
use crate::cite::{Quote, header_of, quotes};
use crate::expected::{Expected, counted, words};
use crate::fold::listed;
use crate::nearness::OPENED;
use crate::passage::Passage;
use crate::prompt::Excerpt;
use crate::proof::{Claim, shares};
use crate::series;
use crate::values::{document_date, month_named};

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

/// The same where a month without a year is asked of, which may be of any note: "May she run in March?"
const OF_MONTH: f32 = 1.0;

/// Days of a month, and of a quarter, at most.
const MONTH: i64 = 31;
const QUARTER: i64 = 92;

/// Whether the date of a passage's document is in the span of time that is asked of.
fn is_dated(passage: &Passage, part: &Part) -> bool {
    let (Some(asked), Some(own)) = (part.period, period(passage)) else {
        return false;
    };
    // "On 30 June" is asked of the second quarter, but of no year as a whole.
    asked.holds(own) || own.holds(asked) && own.days().is_some_and(|days| days <= QUARTER)
}

/// Whether a question names a month and no number that could be its day or its year.
fn names_bare_month(question: &str) -> bool {
    let words = words(question);
    words.iter().any(|word| month_named(word).is_some())
        && !question.contains(|c: char| c.is_ascii_digit())
}

/// Whether a sentence names the month that is asked of: "9 May".
fn names_month(text: &str, part: &Part) -> bool {
    let Some(asked) = part
        .period
        .filter(|asked| asked.days().is_some_and(|days| days <= MONTH))
    else {
        return false;
    };
    let month = asked.from.map(|day| day.month);
    let mut named = words(text)
        .into_iter()
        .filter_map(|word| month_named(&word));
    named.any(|(named, _)| Some(named) == month)
}

/// Whether a quote is of the span of time that is asked of.
pub(super) fn is_of_time(quote: &Quote<'_>, part: &Part) -> bool {
    is_dated(&part.excerpts[quote.passage].passage, part)
}

/// The same, where one is asked of.
pub(super) fn may_be_of_time(quote: &Quote<'_>, part: &Part) -> bool {
    part.period.is_none() || is_of_time(quote, part)
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
pub(super) fn date(passage: &Passage) -> Option<Date> {
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
    let is_of_month = part.side.is_none() && names_bare_month(question);
    let dated = if is_of_month { OF_MONTH } else { DATED };
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
        let kind = expected.map_or(0.0, |expected| {
            expected.favour(&under_header(quote, &part.excerpts), question)
        });
        let denies = part.shape == Shape::Phrase && claim.is_denied_by(quote.text);
        let denial = if denies { DENIES } else { 0.0 };
        let recent = if newest == Some(quote.passage) {
            NEWEST
        } else {
            dated * flag(is_dated[quote.passage] || names_month(quote.text, part))
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
pub(super) fn shares_said(quotes: &[Quote<'_>], part: &Part) -> Option<Vec<f32>> {
    let said = quotes.iter().map(|quote| said_by(quote, part));
    said.collect::<Option<Vec<_>>>().map(|said| shares(&said))
}

/// How much of each of the question's words a quote says, with all that it goes on from; none where that cannot be told.
fn said_by(quote: &Quote<'_>, part: &Part) -> Option<Vec<f32>> {
    let passage = &part.excerpts[quote.passage].passage;
    part.nearness.said_with(passage, quote, part.link(quote))
}

/// How much a quote lacks what is counted, 0 to 1: the sugar of "How many grams of sugar …?" `text` is its words and
/// those around it.
pub(super) fn lacks_object(part: &Part, quote: &Quote<'_>, text: &str) -> f32 {
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

pub(super) fn best_first(favours: &[f32]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..favours.len()).collect();
    places.sort_by(|one, other| favours[*other].total_cmp(&favours[*one]));
    places
}

/// The sentence that opens the paragraph of a quote.
fn opener<'a>(quote: &Quote<'_>, excerpts: &'a [Excerpt]) -> &'a str {
    let text = &excerpts[quote.passage].passage.text;
    quote.opener.clone().map_or("", |opener| &text[opener])
}

/// A row after the header of its table, which has its units; any other line alone.
pub(super) fn under_header(quote: &Quote<'_>, excerpts: &[Excerpt]) -> String {
    match header_of(&excerpts[quote.passage].passage, &quote.span) {
        "" => quote.text.to_owned(),
        header => format!("{header} {}", quote.text),
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
            let is_one = quote.sentences == 1
                && says_something(quote.text)
                && !is_property(&excerpt.passage.text, &quote.span);
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
    // "What was the figure on 30 June?" is not answered by "On 30 June."
    let counts = matches!(expected, Some(Expected::Amount | Expected::Price));
    let is_asked = |quote: &Quote| {
        let claim = Claim::of(quote.text);
        claim.has_number() && question.has_numbers_of(&claim)
    };
    all.retain(|quote| !counts || !is_asked(quote));
    if let Some(expected) = expected.filter(|one| one.is_needed_for(question_text)) {
        all.retain(|quote| expected.is_in(&under_header(quote, excerpts), question_text));
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
pub(super) fn texts_read(excerpts: &[Excerpt]) -> Vec<String> {
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

/// 1 for what is, 0 for what is not.
pub(super) fn flag(is: bool) -> f32 {
    f32::from(u8::from(is))
}

/// Whether a line names a document in its front matter, or says what it is filed under.
fn is_property(text: &str, span: &Range<usize>) -> bool {
    const KEYS: &str = "title titulo tags tag etiquetas aliases alias date fecha created updated modified lang idioma";
    let is_pair = |line: &str| {
        let key = line.split_once(':').map(|(key, _)| words(key));
        line.trim() == "---" || key.is_some_and(|key| !key.is_empty() && key.len() <= 3)
    };
    let key = text[span.clone()].split(':').next().unwrap_or_default();
    let is_named = words(key).iter().all(|word| listed(KEYS, word));
    is_named && !is_row(&text[span.clone()]) && text[..span.start].lines().all(is_pair)
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
    fn front_matter_says_what_a_note_is_and_answers_nothing() {
        let text =
            "title: The boiler\ntags: [home]\nprice: 40\n\nThe boiler is old.\n\ndate: it has none";
        let is = |line: &str| {
            let at = text.find(line).expect("stands there");
            is_property(text, &(at..at + line.len()))
        };
        assert!(is("title: The boiler") && is("tags: [home]"));
        assert!(!is("price: 40") && !is("The boiler is old.") && !is("date: it has none"));
        let row = "date: 2026-02-03; what: hotel; amount: 188.00";
        assert!(!is_property(row, &(0..row.len())));
    }
}
