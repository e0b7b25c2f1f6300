//! A question as its rules read it: folded words, with the dates and amounts in it.

use std::ops::Range;

use crate::fold::{Word, words};
use crate::values::{Amount, Dated, amounts, dates};

/// A question.
pub(super) struct Asked<'a> {
    pub text: &'a str,
    pub words: Vec<Word>,
    pub dates: Vec<Dated>,
    pub amounts: Vec<Amount>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            words: words(text),
            dates: dates(text),
            amounts: amounts(text, None),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// The folded word at a place; nothing after the end.
    pub(super) fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", |word| word.text.as_str())
    }

    /// How many words the longest of `phrases` has that stands here. Phrases are separated by `|`.
    pub(super) fn any(&self, at: usize, phrases: &str) -> Option<usize> {
        let stands = |phrase: &&str| {
            let mut words = phrase.split(' ');
            let mut places = at..;
            words.all(|word| places.next().is_some_and(|place| self.word(place) == word))
        };
        let phrases = phrases.split('|').filter(|phrase| !phrase.is_empty());
        let lengths = phrases.filter(|phrase| stands(phrase));
        lengths.map(|phrase| phrase.split(' ').count()).max()
    }

    /// The place after the longest of `phrases` that stands here, or this one.
    pub(super) fn past(&self, at: usize, phrases: &str) -> usize {
        at + self.any(at, phrases).unwrap_or_default()
    }

    /// Whether one of `phrases` stands anywhere.
    pub(super) fn has(&self, phrases: &str) -> bool {
        (0..self.len()).any(|at| self.any(at, phrases).is_some())
    }

    /// The question's own text from one word to before another.
    pub(super) fn span(&self, range: Range<usize>) -> &'a str {
        match self.words.get(range.clone()) {
            Some([first, .., last]) => &self.text[first.span.start..last.span.end],
            Some([only]) => &self.text[only.span.clone()],
            _ => "",
        }
    }

    /// How many words from here on lie within a span of the text that begins here.
    pub(super) fn words_in(&self, at: usize, span: &Range<usize>) -> usize {
        let rest = self.words.get(at..).unwrap_or_default();
        let inside = rest.iter().take_while(|word| word.span.start < span.end);
        inside.count()
    }

    /// The amount that is written here, and its words.
    pub(super) fn amount(&self, at: usize) -> Option<(&Amount, usize)> {
        let start = self.words.get(at)?.span.start;
        let mut amounts = self.amounts.iter();
        let amount = amounts.find(|amount| {
            amount.span.contains(&start)
                && (at == 0 || self.words[at - 1].span.end <= amount.span.start)
        })?;
        Some((amount, self.words_in(at, &amount.span)))
    }

    /// A whole number up to a thousand, in digits or words.
    pub(super) fn number(&self, at: usize) -> Option<i64> {
        const WORDS: [&[&str]; 12] = [
            &["one", "un", "una", "uno"],
            &["two", "dos"],
            &["three", "tres"],
            &["four", "cuatro"],
            &["five", "cinco"],
            &["six", "seis"],
            &["seven", "siete"],
            &["eight", "ocho"],
            &["nine", "nueve"],
            &["ten", "diez"],
            &["eleven", "once"],
            &["twelve", "doce"],
        ];
        let word = self.word(at);
        let named = (1..).zip(WORDS).find(|(_, words)| words.contains(&word));
        let digits = word.len() < 4 && word.bytes().all(|byte| byte.is_ascii_digit());
        match named {
            Some((number, _)) => Some(number),
            None if digits => word.parse().ok(),
            None => None,
        }
    }
}
