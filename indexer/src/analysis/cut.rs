//! Words of a text, each with its place: runs of letters and digits, the parts of names that have inner borders, pairs
//! of letters where a script has no spaces, and numbers written in groups.
//!
//! `DEC-0054`, `DEC 0054` and `dec0054` are two parts that follow each other; so a phrase finds each by the others.
//! The same for documents and questions. Pure.

use std::ops::Range;

use super::fold::{Class, Letters};

/// Longer "words" are binary rubbish (bytes).
const LONGEST_WORD: usize = 80;

/// Digits of what is joined although it is written in groups: a phone number, a date, an account.
const JOINED: Range<usize> = 7..31;

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// In lower case, without accents.
    pub text: String,
    /// In lower case.
    pub plain: String,
    /// Where it stands (bytes).
    pub span: Range<usize>,
    /// Which of the text's words, from 0.
    pub position: usize,
    pub kind: Kind,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A word of letters.
    Word,
    /// Digits.
    Number,
    /// A whole with inner borders, such as `iPhone15`; its parts follow, from the same position.
    Whole,
    /// A part of a whole.
    Part,
    /// Two letters of a script without spaces, or a last one.
    Pair,
    /// A number or name as it would be without what separates its groups.
    Joined,
}

/// The tokens of a text, in order.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut cutter = Cutter::default();
    let mut letters = Letters::of(text);
    loop {
        let before = (cutter.folded.len(), cutter.plain.len());
        let Some(letter) = letters.next(&mut cutter.folded, &mut cutter.plain) else {
            break;
        };
        let is_pair = letter.class == Class::Unspaced;
        if letter.class == Class::Between || is_pair != cutter.is_unspaced {
            // The letter itself begins what follows.
            let rest = (
                cutter.folded.split_off(before.0),
                cutter.plain.split_off(before.1),
            );
            cutter.flush();
            (cutter.folded, cutter.plain) = rest;
        }
        if letter.class != Class::Between {
            cutter.is_unspaced = is_pair;
            cutter.units.push(Unit {
                class: letter.class,
                folded: cutter.folded.len(),
                plain: cutter.plain.len(),
                span: letter.start..letter.end,
            });
        }
    }
    cutter.flush();
    join(text, &mut cutter.tokens);
    cutter.tokens
}

/// A letter of the run at hand, and where it ends in the folded and the plain run.
struct Unit {
    class: Class,
    folded: usize,
    plain: usize,
    span: Range<usize>,
}

#[derive(Default)]
struct Cutter {
    tokens: Vec<Token>,
    position: usize,
    folded: String,
    plain: String,
    units: Vec<Unit>,
    is_unspaced: bool,
}

impl Cutter {
    /// The run at hand becomes tokens.
    fn flush(&mut self) {
        if !self.units.is_empty() {
            if self.is_unspaced {
                self.pairs();
            } else if self.folded.len() <= LONGEST_WORD {
                self.run();
            } else {
                // As many words as are left out are not next to each other.
                self.position += 1;
            }
        }
        self.folded.clear();
        self.plain.clear();
        self.units.clear();
        self.is_unspaced = false;
    }

    fn pairs(&mut self) {
        for first in 0..self.units.len() {
            let last = (first + 1).min(self.units.len() - 1);
            self.push(first..last + 1, Kind::Pair);
            self.position += 1;
        }
    }

    fn run(&mut self) {
        let borders = borders(&self.units);
        if borders.is_empty() {
            self.push(0..self.units.len(), self.kind(0..self.units.len(), false));
            self.position += 1;
            return;
        }
        self.push(0..self.units.len(), Kind::Whole);
        let starts = std::iter::once(0).chain(borders.iter().copied());
        let ends = borders.iter().copied().chain([self.units.len()]);
        for part in starts.zip(ends).map(|(start, end)| start..end) {
            self.push(part.clone(), self.kind(part, true));
            self.position += 1;
        }
    }

    fn kind(&self, units: Range<usize>, is_part: bool) -> Kind {
        if is_part {
            Kind::Part
        } else if self.units[units.start].class == Class::Digit {
            Kind::Number
        } else {
            Kind::Word
        }
    }

    fn push(&mut self, units: Range<usize>, kind: Kind) {
        let before = |end: fn(&Unit) -> usize| match units.start {
            0 => 0,
            start => end(&self.units[start - 1]),
        };
        let (first, last) = (&self.units[units.start], &self.units[units.end - 1]);
        let text = &self.folded[before(|unit| unit.folded)..last.folded];
        if text.is_empty() {
            return;
        }
        self.tokens.push(Token {
            text: text.to_owned(),
            plain: self.plain[before(|unit| unit.plain)..last.plain].to_owned(),
            span: first.span.start..last.span.end,
            position: self.position,
            kind,
        });
    }
}

/// Where a run changes between letters and digits, or begins a new word with a capital letter.
fn borders(units: &[Unit]) -> Vec<usize> {
    let class = |place: usize| units.get(place).map(|unit| unit.class);
    (1..units.len())
        .filter(|place| {
            let (before, here) = (units[place - 1].class, units[*place].class);
            match (before, here) {
                (Class::Digit, here) => here != Class::Digit,
                (_, Class::Digit) | (Class::Lower, Class::Upper) => true,
                // `HTTPServer`, but not `PDFs`.
                (Class::Upper, Class::Upper) => {
                    class(place + 1) == Some(Class::Lower) && class(place + 2) == Some(Class::Lower)
                }
                _ => false,
            }
        })
        .collect()
}

/// Adds what is written in groups as it would be without: `1,250.00` is `1250`, `612 345 678` is `612345678`.
fn join(text: &str, tokens: &mut Vec<Token>) {
    let runs: Vec<usize> = (0..tokens.len())
        .filter(|place| matches!(tokens[*place].kind, Kind::Number | Kind::Whole))
        .collect();
    let has_digits = |token: &Token| token.text.bytes().any(|byte| byte.is_ascii_digit());
    let mut joined: Vec<(usize, Token)> = Vec::new();
    let mut at = 0;
    while at < runs.len() {
        let mut end = at + 1;
        while end < runs.len()
            && has_digits(&tokens[runs[end]])
            && separator(text, &tokens[runs[end - 1]], &tokens[runs[end]]).is_some()
        {
            end += 1;
        }
        let group: Vec<&Token> = runs[at..end].iter().map(|place| &tokens[*place]).collect();
        for name in names(text, &group) {
            let token = Token {
                plain: name.clone(),
                text: name,
                span: group[0].span.start..group[group.len() - 1].span.end,
                position: group[0].position,
                kind: Kind::Joined,
            };
            joined.push((runs[at], token));
        }
        at = end;
    }
    for (place, token) in joined.into_iter().rev() {
        tokens.insert(place, token);
    }
}

/// What stands between two runs of a group.
fn separator<'a>(text: &'a str, before: &Token, after: &Token) -> Option<&'a str> {
    let between = text.get(before.span.end..after.span.start)?;
    let mut characters = between.chars();
    let is_one = |c: char| " .,-/()'’\u{a0}\u{202f}\u{2009}\u{2011}\u{2013}".contains(c);
    let fits = characters.by_ref().take(2).all(is_one) && characters.next().is_none();
    (fits && !between.is_empty() && between != ", " && between != ". ").then_some(between)
}

/// The names of a group of runs when they are put together.
fn names(text: &str, group: &[&Token]) -> Vec<String> {
    if group.len() < 2 {
        return Vec::new();
    }
    let mut names = Vec::new();
    names.extend(number(text, group));
    let whole: String = group.iter().map(|token| token.text.as_str()).collect();
    let digits = whole.bytes().filter(u8::is_ascii_digit).count();
    let has_commas = group
        .windows(2)
        .any(|pair| separator(text, pair[0], pair[1]).is_some_and(|between| between.contains(',')));
    if JOINED.contains(&digits) && !has_commas {
        let is_abroad =
            text[..group[0].span.start].ends_with('+') || group[0].text.starts_with("00");
        if is_abroad {
            names.push(whole[group[0].text.len()..].to_owned());
        }
        if !names.contains(&whole) {
            names.push(whole);
        }
    }
    names
}

/// The number that a group is, if it is one: without what separates thousands, and with a point.
fn number(text: &str, group: &[&Token]) -> Option<String> {
    let digits = |token: &&Token| token.text.bytes().all(|byte| byte.is_ascii_digit());
    if !group.iter().all(digits) || group.iter().any(|token| token.kind != Kind::Number) {
        return None;
    }
    let separators: Option<Vec<&str>> = group
        .windows(2)
        .map(|pair| separator(text, pair[0], pair[1]))
        .collect();
    let separators = separators?;
    let (last, first) = (*separators.last()?, separators[0]);
    let threes = group[1..]
        .iter()
        .take_while(|token| token.text.len() == 3)
        .count();
    let whole_groups = if first == "-" || first == "/" || group[0].text.len() > 3 {
        0
    } else {
        separators[..threes]
            .iter()
            .take_while(|one| **one == first)
            .count()
    };
    let rest = group.len() - 1 - whole_groups;
    let fraction = (rest == 1 && matches!(last, "." | ",") && (whole_groups == 0 || last != first))
        .then(|| group[group.len() - 1].text.trim_end_matches('0'));
    if rest > 0 && fraction.is_none() {
        return None;
    }
    let mut number: String = group[..=whole_groups]
        .iter()
        .map(|token| token.text.as_str())
        .collect();
    match fraction {
        Some("") | None => {}
        Some(fraction) => {
            number.push('.');
            number.push_str(fraction);
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[(&str, usize)]) {
        let tokens = tokens(text);
        let found: Vec<_> = tokens
            .iter()
            .map(|token| (token.text.as_str(), token.position))
            .collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn words_have_places() {
        let text = "¿Cuántas «Añadas»?";
        let tokens = tokens(text);
        assert_eq!(tokens[1].text, "anadas");
        assert_eq!(tokens[1].plain, "añadas");
        assert_eq!(&text[tokens[1].span.clone()], "Añadas");
        check("", &[]);
        check("-- ?", &[]);
    }

    #[test]
    fn names_with_inner_borders_are_found_whole_and_by_parts() {
        check("DEC-0054", &[("dec", 0), ("0054", 1)]);
        check("dec0054", &[("dec0054", 0), ("dec", 0), ("0054", 1)]);
        check(
            "parseHTTPHeader",
            &[
                ("parsehttpheader", 0),
                ("parse", 0),
                ("http", 1),
                ("header", 2),
            ],
        );
        check("PDFs and Ana", &[("pdfs", 0), ("and", 1), ("ana", 2)]);
        check(
            "a 1.0.28 b",
            &[("a", 0), ("1", 1), ("0", 2), ("28", 3), ("b", 4)],
        );
        check(
            "ana.ruiz@x.org",
            &[("ana", 0), ("ruiz", 1), ("x", 2), ("org", 3)],
        );
    }

    #[test]
    fn numbers_are_found_without_their_separators() {
        check("1,250.00", &[("1250", 0), ("1", 0), ("250", 1), ("00", 2)]);
        check(
            "1.250,50 €",
            &[("1250.5", 0), ("1", 0), ("250", 1), ("50", 2)],
        );
        check("1\u{a0}250", &[("1250", 0), ("1", 0), ("250", 1)]);
        check("3,5", &[("3.5", 0), ("3", 0), ("5", 1)]);
        check("1250", &[("1250", 0)]);
        check("10, 20", &[("10", 0), ("20", 1)]);
        check(
            "2019, 200 people",
            &[("2019", 0), ("200", 1), ("people", 2)],
        );
        let names = |text: &str| -> Vec<String> {
            let joined = tokens(text)
                .into_iter()
                .filter(|token| token.kind == Kind::Joined);
            joined.map(|token| token.text).collect()
        };
        assert_eq!(names("+34 612 345 678"), ["34612345678", "612345678"]);
        assert_eq!(names("612 34 56 78"), ["612345678"]);
        assert_eq!(names("(0171) 555-1234"), ["01715551234"]);
        assert_eq!(names("2026-11-30"), ["20261130"]);
        assert_eq!(names("ES91 2100 0418 4502"), ["es91210004184502"]);
        assert!(names("1-2").is_empty());
    }

    #[test]
    fn scripts_without_spaces_are_cut_in_pairs() {
        check("東京都", &[("東京", 0), ("京都", 1), ("都", 2)]);
        check("PDFの本", &[("pdf", 0), ("の本", 1), ("本", 2)]);
        check("ข้าว", &[("ข้า", 0), ("าว", 1), ("ว", 2)]);
    }

    #[test]
    fn rubbish_is_left_out() {
        let text = format!("a {} b", "x".repeat(81));
        check(&text, &[("a", 0), ("b", 2)]);
    }
}
