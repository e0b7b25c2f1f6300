//! Days and quarters as people write them in questions, in English and Spanish, and the terms by which they are found: a
//! text has days with their digits joined (`20260313` for `2026-03-13`), and files are named `Q3`, `T3` or `3T`.

use std::ops::Range;

use crate::analysis::Token;
use crate::names::MONTHS;

/// Letters of a month's name that stand for it.
const SHORT: usize = 3;

/// Words that may stand inside a day.
const TIES: [&str; 8] = ["de", "del", "of", "the", "st", "nd", "rd", "th"];

/// Words for the first quarter to the fourth.
const ORDINALS: [[&str; 2]; 4] = [
    ["first", "primer"],
    ["second", "segundo"],
    ["third", "tercer"],
    ["fourth", "cuarto"],
];

/// A day in a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Day {
    span: Range<usize>,
    /// The terms of it.
    pub forms: Vec<String>,
}

impl Day {
    /// Whether a word is part of it.
    pub(super) fn holds(&self, token: &Token) -> bool {
        self.span.start <= token.span.start && token.span.end <= self.span.end
    }
}

/// The terms of each quarter that a question speaks of, whose words these are, in order.
pub(super) fn quarters(words: &[&Token]) -> Vec<Vec<String>> {
    let mut quarters: Vec<u32> = Vec::new();
    let is_ending = |word: &&&Token| matches!(word.text.as_str(), "st" | "nd" | "rd" | "th");
    let words: Vec<&Token> = words
        .iter()
        .filter(|word| !is_ending(word))
        .copied()
        .collect();
    for pair in words.windows(2) {
        let (one, next) = (pair[0], pair[1]);
        let is_word = |word: &Token| matches!(word.text.as_str(), "quarter" | "trimestre");
        let is_sign = |word: &Token| matches!(word.text.as_str(), "q" | "t");
        let are_one = one.span.end == next.span.start;
        let number = |word: &Token| {
            let number = word.text.parse::<u32>().ok();
            number.filter(|number| (1..=4).contains(number))
        };
        let ordinal = |word: &Token| {
            let is_it = |names: &[&str; 2]| names.contains(&word.text.as_str());
            let place = ORDINALS.iter().position(is_it);
            place.and_then(|place| u32::try_from(place + 1).ok())
        };
        let quarter = if is_word(next) {
            ordinal(one).or_else(|| number(one))
        } else if is_word(one) || (is_sign(one) && are_one) {
            number(next)
        } else if is_sign(next) && are_one {
            number(one)
        } else {
            None
        };
        quarters.extend(quarter.filter(|quarter| !quarters.contains(quarter)));
    }
    let forms = |quarter: u32| {
        let forms = [("q", ""), ("t", ""), ("", "q"), ("", "t")].into_iter();
        forms
            .map(|(before, after)| format!("{before}{quarter}{after}"))
            .collect()
    };
    quarters.into_iter().map(forms).collect()
}

/// The days in a question whose words these are, in order.
pub(super) fn days(question: &str, words: &[&Token]) -> Vec<Day> {
    let mut days = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match day(question, &words[at..]) {
            Some((length, day)) => {
                days.push(day);
                at += length;
            }
            None => at += 1,
        }
    }
    days
}

/// The day that these words begin with, and how many they are.
fn day(question: &str, words: &[&Token]) -> Option<(usize, Day)> {
    let is_tie = |word: &&&Token| TIES.contains(&word.text.as_str());
    let mut told: Vec<(usize, &Token)> = Vec::new();
    for (place, word) in words.iter().enumerate() {
        if told.len() == 3 || (told.is_empty() && is_tie(&word)) {
            break;
        }
        if !is_tie(&word) {
            told.push((place, word));
        }
    }
    let [first, second, third] = told.as_slice() else {
        return None;
    };
    let number = |(_, word): &(usize, &Token)| word.text.parse::<u32>().ok();
    let is_year = |(_, word): &(usize, &Token)| word.text.len() == 4;
    let numbers = [number(first), number(second), number(third)];
    let forms = match numbers {
        [Some(year), Some(month), Some(day)] if is_year(first) => forms(&[(year, month, day)]),
        [Some(one), Some(other), Some(year)] if is_year(third) => {
            let joined = &question[first.1.span.start..third.1.span.end];
            if joined.contains(char::is_whitespace) {
                return None;
            }
            // The day is written first, but where it cannot be.
            forms(&[(year, other, one), (year, one, other)])
        }
        [Some(day), None, Some(year)] if is_year(third) => {
            forms(&[(year, month(&second.1.text)?, day)])
        }
        [None, Some(day), Some(year)] if is_year(third) => {
            forms(&[(year, month(&first.1.text)?, day)])
        }
        _ => return None,
    };
    let span = first.1.span.start..third.1.span.end;
    (!forms.is_empty()).then(|| (third.0 + 1, Day { span, forms }))
}

fn month(word: &str) -> Option<u32> {
    let is_it = |name: &&str| {
        let name = name.to_lowercase();
        word == name || word == &name[..SHORT] || (word == "sept" && name.starts_with(word))
    };
    let month = MONTHS.iter().position(|names| names.iter().any(is_it))?;
    u32::try_from(month + 1).ok()
}

/// The terms of the first of these that is a day.
fn forms(possible: &[(u32, u32, u32)]) -> Vec<String> {
    let is_day = |(year, month, day): &&(u32, u32, u32)| {
        (1000..3000).contains(year) && (1..=12).contains(month) && (1..=31).contains(day)
    };
    let Some((year, month, day)) = possible.iter().find(is_day) else {
        return Vec::new();
    };
    vec![
        format!("{year}{month:02}{day:02}"),
        format!("{day:02}{month:02}{year}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Kind, tokens};

    #[test]
    fn a_quarter_is_read_however_it_is_written() {
        let quarters_of = |question: &str| -> Vec<String> {
            let tokens = tokens(question);
            let is_one = |token: &&Token| !matches!(token.kind, Kind::Whole | Kind::Joined);
            let words: Vec<&Token> = tokens.iter().filter(is_one).collect();
            let quarters = quarters(&words).into_iter();
            quarters.map(|forms| forms[0].clone()).collect()
        };
        for written in [
            "Q3",
            "the third quarter",
            "quarter 3",
            "the 3rd quarter",
            "T3",
            "3T",
            "el tercer trimestre",
            "trimestre 3",
        ] {
            assert_eq!(
                quarters_of(&format!("sales in {written} of 2024")),
                ["q3"],
                "{written}"
            );
        }
        assert_eq!(quarters_of("Q1 and Q2").len(), 2);
        for none in ["Q5", "a quarter of it", "3 tons", "t 3", "2024"] {
            assert!(quarters_of(none).is_empty(), "{none}");
        }
    }

    fn days_of(question: &str) -> Vec<String> {
        let tokens = tokens(question);
        let is_one = |token: &&Token| !matches!(token.kind, Kind::Whole | Kind::Joined);
        let words: Vec<&Token> = tokens.iter().filter(is_one).collect();
        let days = days(question, &words).into_iter();
        days.map(|day| day.forms[0].clone()).collect()
    }

    #[test]
    fn a_day_is_read_however_it_is_written() {
        for written in [
            "2026-03-04",
            "4 March 2026",
            "4th of March, 2026",
            "March 4, 2026",
            "4 de marzo de 2026",
            "4/3/2026",
            "04.03.2026",
            "4 mar 2026",
            "2026/03/04",
        ] {
            assert_eq!(
                days_of(&format!("what did I do on {written}?")),
                ["20260304"],
                "{written}"
            );
        }
        assert_eq!(days_of("03/14/2026"), ["20260314"]);
        assert_eq!(
            days_of("del 4 de marzo de 2026 al 5 de mayo de 2026").len(),
            2
        );
        for none in [
            "March 2026",
            "4 March",
            "40/30/2026",
            "1.0.28",
            "12 13 2026",
            "2026",
        ] {
            assert!(days_of(none).is_empty(), "{none}");
        }
    }
}
