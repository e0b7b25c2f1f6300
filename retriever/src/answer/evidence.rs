//! What speaks for the quote that was chosen, and whether that is enough. Pure.

use super::Part;
use super::choice::{flag, lacks_object, shares_said, texts_read, under_header, whole};
use super::rows::is_row;
use crate::cite::{Quote, is_item};
use crate::expected::asked_of;
use crate::hop;
use crate::proof::Claim;

/// How far ahead of the best of the others counts, at most (nats).
const AHEAD: f32 = 3.0;

/// What speaks for a quote as an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence {
    /// What is taken from the score of words because it is of another thing.
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
    let of_other_person = hop::is_of_another(&part.text, &texts[place], &texts[quotes.len()..]);
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
            + OTHER_PERSON * flag(of_other_person)
            + OTHER_KIND * flag(!is_kind(&under_header(&quotes[place], &part.excerpts))),
        goes_on: part.goes_on(),
        is_spoken_of: part.is_spoken_of(&quotes[place]),
    }
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

/// What it takes from the score that it is how to reach somebody else.
const OTHER_PERSON: f32 = 3.0;

/// What a year takes from the score that the passage does not have.
const OTHER_YEAR: f32 = 2.0;

/// What a name or number takes from the score that the passage does not have; at most two count.
const LACKS: f32 = 0.25;

/// The same where it is known how much of each word is said, and where the model has judged.
const LACKS_BESIDE: f32 = 0.8;
const LACKS_JUDGED: f32 = 0.4;

/// What it adds to the score that the conversation speaks of its document.
const SPOKEN_OF: f32 = 0.5;

/// What it takes from the score that the model finds no words in it that the question has not.
const NO_PHRASE: f32 = 1.2;

/// The least score of a quote that answers, where the model has judged and where it has not.
const ANSWERS_JUDGED: f32 = -0.9;
const ANSWERS: f32 = -0.3;

impl Evidence {
    /// The log odds that the quote answers: logistic regressions (BENCHMARKS.md) of the model's judgement, or of words and
    /// meaning; what is taken away for another year, another thing or another subject was set by hand.
    pub(super) fn score(self) -> f32 {
        let lacks = flag(self.lacks > 0) + flag(self.lacks > 1);
        let judged = self
            .odds
            .map(|odds| 0.59 + 0.78 * odds + 0.26 * self.ahead - LACKS_JUDGED * lacks);
        let unjudged = || {
            let words = match (self.said, self.meaning) {
                (Some(said), Some(meaning)) => {
                    -1.7 + 0.9 * said + 1.4 * meaning + 0.36 * self.ahead - LACKS_BESIDE * lacks
                }
                _ => self.score_of_words() - LACKS * lacks,
            };
            words - self.of_others
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
        self.score() >= self.least()
    }

    /// The same where the model found nothing in it but words of the question.
    pub(super) fn suffices_without_phrase(self) -> bool {
        self.score() - NO_PHRASE >= self.least()
    }

    fn least(self) -> f32 {
        match self.odds {
            Some(_) => ANSWERS_JUDGED,
            None => ANSWERS,
        }
    }
}
