//! Amounts: numbers with their currency or unit.

use std::ops::Range;

use serde::Serialize;

use super::date::dates;
use super::number::Number;
use super::unit::Unit;
use crate::fold::{folded, words};
use crate::proof::number_word;

/// A number in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Amount {
    /// Where it stands, its unit included (bytes).
    pub span: Range<usize>,
    pub value: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
}

impl Amount {
    /// Its value in the base of its unit.
    pub(crate) fn in_base(&self) -> Number {
        self.value.times(self.unit.map_or(1, |unit| unit.factor))
    }
}

/// The amounts of a text, dates and times left out. `language` (ISO 639-1) tells what 1.250 is where
/// nothing else does.
pub(crate) fn amounts(text: &str, language: Option<&str>) -> Vec<Amount> {
    let dates = dates(text);
    let mut amounts = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find(|c: char| c.is_ascii_digit()) {
        let start = at + found;
        if let Some(date) = dates.iter().find(|date| date.span.contains(&start)) {
            at = date.span.end;
            continue;
        }
        let numeral = Numeral::read(&text[start..]);
        let end = start + numeral.length;
        at = end;
        if !stands_alone(&text[..start], &text[end..]) {
            continue;
        }
        if let Some(amount) = amount(text, start..end, &numeral, language) {
            at = amount.span.end.max(at);
            amounts.push(amount);
        }
    }
    let is_in = |span: &Range<usize>, amount: &Amount| span.contains(&amount.span.start);
    let free = |amount: &Amount| {
        let known = amounts.iter().any(|known| is_in(&known.span, amount));
        !known && !dates.iter().any(|date| is_in(&date.span, amount))
    };
    let in_words: Vec<Amount> = in_words(text).into_iter().filter(free).collect();
    amounts.extend(in_words);
    amounts.sort_by_key(|amount| amount.span.start);
    amounts
}

/// Whole numbers in words that have a unit: "three kilometres".
fn in_words(text: &str) -> Vec<Amount> {
    let said = words(text);
    let number = |at: usize| said.get(at).and_then(|word| number_word(&word.text));
    let amount = |at: usize| {
        // "Twenty-four months" is not four.
        let is_part = at > 0 && number(at - 1).is_some();
        let value = number(at).filter(|_| !is_part)?;
        let end = said[at].span.end;
        let (unit, length) = after(&text[end..])?;
        Some(Amount {
            span: said[at].span.start..end + length,
            value: Number::parse(&value.to_string(), "")?,
            unit: Some(unit),
        })
    };
    (0..said.len()).filter_map(amount).collect()
}

/// Digits and what separates them, as they stand.
struct Numeral<'a> {
    first: &'a str,
    groups: Vec<(char, &'a str)>,
    length: usize,
}

impl<'a> Numeral<'a> {
    fn read(text: &'a str) -> Self {
        let first = digits(text);
        let mut length = first.len();
        let mut groups = Vec::new();
        while let Some(separator) = text[length..].chars().next().filter(|c| is_separator(*c)) {
            let group = digits(&text[length + separator.len_utf8()..]);
            let is_group = if separator.is_whitespace() {
                group.len() == 3 && first.len() <= 3
            } else {
                !group.is_empty()
            };
            if !is_group {
                break;
            }
            groups.push((separator, group));
            length += separator.len_utf8() + group.len();
        }
        let mut numeral = Self {
            first,
            groups,
            length,
        };
        numeral.drop_doubtful_spaces();
        numeral
    }

    /// "Room 12 300 €" has two numbers, "1 250,50 €" and "1 250 000" have one.
    fn drop_doubtful_spaces(&mut self) {
        let plain = self.groups.iter().any(|(separator, _)| *separator == ' ');
        if plain && self.groups.len() < 2 {
            self.groups.clear();
            self.length = self.first.len();
        }
    }

    fn number(&self, is_money: bool, language: Option<&str>) -> Option<Number> {
        let Some(((last, decimals), before)) = self.groups.split_last() else {
            return Number::parse(self.first, "");
        };
        let are_thousands = |groups: &[(char, &str)]| {
            let separator = groups.first().map(|(separator, _)| *separator);
            (1..=3).contains(&self.first.len())
                && groups
                    .iter()
                    .all(|(other, digits)| Some(*other) == separator && digits.len() == 3)
        };
        let whole = |groups: &[(char, &str)]| {
            let rest: String = groups.iter().map(|(_, digits)| *digits).collect();
            format!("{}{rest}", self.first)
        };
        let is_point = matches!(last, '.' | ',');
        if self.first != "0" && are_thousands(&self.groups) {
            let doubtful = before.is_empty() && is_point && !is_money;
            if !doubtful || !is_decimal_sign(*last, language) {
                return Number::parse(&whole(&self.groups), "");
            }
        }
        let differs = before.iter().all(|(separator, _)| separator != last);
        if is_point && differs && (before.is_empty() || are_thousands(before)) {
            return Number::parse(&whole(before), decimals);
        }
        None
    }
}

fn digits(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit());
    &text[..end.unwrap_or(text.len())]
}

fn is_separator(character: char) -> bool {
    matches!(
        character,
        '.' | ',' | '\'' | '’' | ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}'
    )
}

/// Whether a sign before three digits begins the decimals in this language.
fn is_decimal_sign(sign: char, language: Option<&str>) -> bool {
    match language {
        Some("en") => sign == '.',
        Some("es" | "fr" | "de" | "it" | "pt" | "nl") => sign == ',',
        _ => false,
    }
}

/// Whether digits are no part of a name, a time, an address or a fraction.
fn stands_alone(before: &str, after: &str) -> bool {
    let mut back = before.chars().rev();
    let previous = back.next();
    let joined = match previous {
        Some('-' | '–') => back
            .take_while(|c| c.is_alphanumeric())
            .any(char::is_alphabetic),
        Some(':' | '/' | '.' | '_' | '@') => back.next().is_some_and(char::is_alphanumeric),
        Some('#') => true,
        Some(c) => c.is_alphanumeric(),
        None => false,
    };
    let mut ahead = after.chars();
    let continues = match ahead.next() {
        Some(':' | '/' | '_') => ahead.next().is_some_and(|c| c.is_ascii_digit()),
        Some('-') => ahead.next().is_some_and(char::is_alphabetic),
        _ => false,
    };
    !joined && !continues
}

fn amount(
    text: &str,
    digits: Range<usize>,
    numeral: &Numeral<'_>,
    language: Option<&str>,
) -> Option<Amount> {
    let before = before(&text[..digits.start]);
    let (magnitude, after_magnitude) = magnitude(&text[digits.end..]);
    let rest = &text[digits.end + after_magnitude..];
    let after = after(rest);
    let glued = rest.chars().next().is_some_and(char::is_alphabetic);
    if glued && after.is_none() {
        return None;
    }
    let unit = before.unit.or(after.map(|(unit, _)| unit));
    let is_money = unit.is_some_and(Unit::is_currency);
    let value = numeral.number(is_money, language)?.times(magnitude);
    let taken = match (before.unit, after) {
        // "€30 EUR" says it twice.
        (Some(one), Some((other, length))) if one == other => length,
        (None, Some((_, length))) => length,
        _ => 0,
    };
    Some(Amount {
        span: digits.start - before.length..digits.end + after_magnitude + taken,
        value: if before.is_negative {
            value.negated()
        } else {
            value
        },
        unit,
    })
}

#[derive(Default)]
struct Before {
    unit: Option<Unit>,
    is_negative: bool,
    length: usize,
}

/// A minus and a currency before a number.
fn before(text: &str) -> Before {
    let mut left = text;
    let mut is_negative = strip_minus(&mut left);
    let trimmed = left
        .strip_suffix([' ', '\u{a0}', '\u{202f}'])
        .unwrap_or(left);
    let Some((unit, length)) = currency_at_end(trimmed) else {
        return Before {
            unit: None,
            is_negative,
            length: text.len() - left.len(),
        };
    };
    left = &trimmed[..trimmed.len() - length];
    is_negative |= strip_minus(&mut left);
    Before {
        unit: Some(unit),
        is_negative,
        length: text.len() - left.len(),
    }
}

/// Takes a minus that is no dash between two words or numbers.
fn strip_minus(text: &mut &str) -> bool {
    let Some(before) = text.strip_suffix(['-', '−']) else {
        return false;
    };
    let is_sign = before
        .chars()
        .next_back()
        .is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '|' | '='));
    if is_sign {
        *text = before;
    }
    is_sign
}

fn currency_at_end(text: &str) -> Option<(Unit, usize)> {
    for sign in ["US$", "R$"] {
        if text.ends_with(sign) {
            let unit = Unit::of(&sign.to_lowercase()).or_else(|| Unit::of(sign));
            return unit.map(|unit| (unit, sign.len()));
        }
    }
    let last = text.chars().next_back()?;
    if !last.is_alphabetic() {
        let sign = &text[text.len() - last.len_utf8()..];
        return Unit::of(sign)
            .filter(|unit| unit.is_currency())
            .map(|unit| (unit, sign.len()));
    }
    let start = text.rfind(|c: char| !c.is_alphanumeric());
    let start = start.map_or(0, |at| text.ceil_char_boundary(at + 1));
    let word = &text[start..];
    let is_code = word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    let unit = Unit::of(&word.to_ascii_lowercase()).filter(|unit| is_code && unit.name == word);
    unit.map(|unit| (unit, word.len()))
}

/// "k", "million", "mil", and the bytes that say it.
fn magnitude(text: &str) -> (i64, usize) {
    if let Some(rest) = text.strip_prefix(['k', 'K']) {
        let ends = !rest.chars().next().is_some_and(char::is_alphanumeric);
        return if ends { (1_000, 1) } else { (1, 0) };
    }
    let Some((space, word)) = next_word(text) else {
        return (1, 0);
    };
    let factor = match folded(word).as_str() {
        "thousand" | "mil" => 1_000,
        "million" | "millions" | "millon" | "millones" => 1_000_000,
        "billion" | "billions" => 1_000_000_000,
        _ => return (1, 0),
    };
    let length = space + word.len();
    let of = text[length..].strip_prefix(" de ").map_or(0, |_| 3);
    (factor, length + of)
}

/// The unit after a number, and the bytes up to its end.
fn after(text: &str) -> Option<(Unit, usize)> {
    if let Some((space, word)) = next_word(text) {
        let unit = Unit::of(&folded(word)).or_else(|| Unit::of(&word.to_lowercase()))?;
        let length = space + word.len();
        let mut ahead = text[length..].chars();
        let is_rate = ahead.next() == Some('/') && ahead.next().is_some_and(char::is_alphabetic);
        return (!is_rate).then_some((unit, length));
    }
    let trimmed = without_space(text);
    let space = text.len() - trimmed.len();
    let sign = trimmed.chars().next()?.len_utf8();
    let scale: String = trimmed.chars().take(2).collect();
    if let Some(unit) = Unit::of(&scale.to_lowercase()) {
        return Some((unit, space + scale.len()));
    }
    // "10 €20": a sign with a number right behind it is that number's.
    let behind = trimmed[sign..].chars().next();
    if space > 0 && behind.is_some_and(|c| c.is_ascii_digit()) {
        return None;
    }
    Unit::of(&trimmed[..sign]).map(|unit| (unit, space + sign))
}

fn without_space(text: &str) -> &str {
    text.strip_prefix([' ', '\u{a0}', '\u{202f}', '\u{2009}'])
        .unwrap_or(text)
}

/// The word after at most one space, and the length of that space.
fn next_word(text: &str) -> Option<(usize, &str)> {
    let trimmed = without_space(text);
    let end = trimmed.find(|c: char| !c.is_alphanumeric());
    let word = &trimmed[..end.unwrap_or(trimmed.len())];
    let is_word = word.chars().next().is_some_and(char::is_alphabetic) && !word.starts_with('º');
    is_word.then_some((text.len() - trimmed.len(), word))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `expect`: each amount's own words, value and unit.
    #[track_caller]
    fn check(text: &str, language: Option<&str>, expect: &[(&str, &str, &str)]) {
        let found = amounts(text, language);
        let shown: Vec<(&str, String, &str)> = found
            .iter()
            .map(|amount| {
                let unit = amount.unit.map_or("", |unit| unit.name);
                (&text[amount.span.clone()], amount.value.to_string(), unit)
            })
            .collect();
        let expect: Vec<(&str, String, &str)> = expect
            .iter()
            .map(|(words, value, unit)| (*words, (*value).to_owned(), *unit))
            .collect();
        assert_eq!(shown, expect, "{text}");
    }

    #[test]
    fn both_notations_are_read() {
        check(
            "Total 1,250.50 EUR",
            None,
            &[("1,250.50 EUR", "1250.5", "EUR")],
        );
        check("Total 1.250,50 €", None, &[("1.250,50 €", "1250.5", "EUR")]);
        check("1250,5 €", None, &[("1250,5 €", "1250.5", "EUR")]);
        check("The deposit is £995, due", None, &[("£995", "995", "GBP")]);
        check(
            "EUR 300 or US$ 30",
            None,
            &[("EUR 300", "300", "EUR"), ("US$ 30", "30", "USD")],
        );
        check("€15,500 is hardware.", None, &[("€15,500", "15500", "EUR")]);
        check("15.840 €.", Some("en"), &[("15.840 €", "15840", "EUR")]);
        check(
            "1.234.567,89€",
            None,
            &[("1.234.567,89€", "1234567.89", "EUR")],
        );
        check("CHF 1'250.00", None, &[("CHF 1'250.00", "1250", "CHF")]);
        check(
            "1\u{a0}250,50 €",
            None,
            &[("1\u{a0}250,50 €", "1250.5", "EUR")],
        );
        check("142 francs a night", None, &[("142 francs", "142", "CHF")]);
        check(
            "500 euros y 20 dólares",
            None,
            &[("500 euros", "500", "EUR"), ("20 dólares", "20", "USD")],
        );
    }

    #[test]
    fn units_stand_behind() {
        check(
            "20 kg, 20kg",
            None,
            &[("20 kg", "20", "kg"), ("20kg", "20", "kg")],
        );
        check("187.412 km", Some("es"), &[("187.412 km", "187412", "km")]);
        check("1,480 km", Some("en"), &[("1,480 km", "1480", "km")]);
        check("0.125 l", Some("en"), &[("0.125 l", "0.125", "l")]);
        check("1,250 kg", Some("es"), &[("1,250 kg", "1.25", "kg")]);
        check(
            "at 60 °C or 11 %",
            None,
            &[("60 °C", "60", "°C"), ("11 %", "11", "%")],
        );
        check("Signal: −117 dBm", None, &[("−117", "-117", "")]);
        check("3 km/h", None, &[("3", "3", "")]);
    }

    #[test]
    fn numbers_in_words_count_with_a_unit() {
        check(
            "three kilometres, tres kilómetros",
            None,
            &[
                ("three kilometres", "3", "km"),
                ("tres kilómetros", "3", "km"),
            ],
        );
        check("twenty-four months, one of two, three people", None, &[]);
    }

    #[test]
    fn large_amounts_are_said_in_words() {
        check("€42k", None, &[("€42k", "42000", "EUR")]);
        check(
            "1.5 million dollars",
            Some("en"),
            &[("1.5 million dollars", "1500000", "USD")],
        );
        check(
            "2 millones de euros",
            None,
            &[("2 millones de euros", "2000000", "EUR")],
        );
        check("3 mil pesos", None, &[("3 mil pesos", "3000", "MXN")]);
    }

    #[test]
    fn names_times_and_dates_are_no_amounts() {
        check("HC24-190557, MG-7741-C, LN-04, B2", None, &[]);
        check("at 10:30 on 2026-03-05 or 05/03/2026", None, &[]);
        check("192.168.1.1", None, &[]);
        check("5 de marzo de 2026: 40 €", None, &[("40 €", "40", "EUR")]);
        check("10-20 kg", None, &[("10", "10", ""), ("20 kg", "20", "kg")]);
        check(
            "room 12 300 €",
            None,
            &[("12", "12", ""), ("300 €", "300", "EUR")],
        );
        check(
            "-€12.50 | (−3 €)",
            None,
            &[("-€12.50", "-12.5", "EUR"), ("−3 €", "-3", "EUR")],
        );
    }
}
