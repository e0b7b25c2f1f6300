//! Two things compared: each is asked for by itself, and the program compares what the documents say. Pure.

use crate::fold::words;
use crate::language::Language;
use crate::plan::{Compared, Measure, Wanted};
use crate::values::{Amount, Number, amounts, dates, month_named};

/// The question that is asked for one of the two.
pub(crate) fn question(compared: &Compared, side: &str, language: Language) -> String {
    let [english, spanish] = match compared.measure {
        Measure::Price => ["How much is it:", "Cuánto cuesta:"],
        Measure::Distance => ["How far is it:", "A qué distancia está:"],
        Measure::Duration | Measure::Speed => ["How long does it take:", "Cuánto dura:"],
        Measure::Weight => ["How heavy is it:", "Cuánto pesa:"],
        Measure::Age => [
            "How old is it, or since when:",
            "Qué edad tiene, o desde cuándo:",
        ],
        Measure::Time => ["When is it:", "Cuándo es:"],
        Measure::Number => ["How much or how many:", "Cuánto:"],
        Measure::Words => ["", ""],
    };
    let asks = if language.code() == "es" {
        spanish
    } else {
        english
    };
    let rest = &compared.rest;
    let text = match (asks.is_empty(), rest.is_empty()) {
        (true, true) => side.to_owned(),
        (true, false) => format!("{rest}: {side}"),
        (false, true) => format!("{asks} {side}"),
        (false, false) if compared.measure == Measure::Number => format!("{asks} {rest}: {side}"),
        (false, false) => format!("{asks} {side} ({rest})"),
    };
    format!("{text}?")
}

/// Which of several is asked for, by the words that answer for each (a phrase and the sentence that it stands in); none
/// where they cannot be compared, or two are level.
pub(crate) fn verdict(compared: &Compared, known: &[[&str; 2]]) -> Option<usize> {
    if compared.wanted == Wanted::Both {
        return None;
    }
    let values = |said: &[&str; 2]| -> Vec<Value> {
        let values = said.iter().flat_map(|text| values(compared.measure, text));
        values.collect()
    };
    let all: Vec<Vec<Value>> = known.iter().map(values).collect();
    // Of several values of each those are compared that are of one kind.
    let kind = all.first()?.iter().map(|value| value.kind);
    let of_kind = |kind: &'static str| -> Option<Vec<Value>> {
        let first = |values: &Vec<Value>| values.iter().find(|value| value.kind == kind).copied();
        all.iter().map(first).collect()
    };
    let values = kind.into_iter().find_map(of_kind)?;
    let kind = values.first()?.kind;
    // Whoever is born earlier is older; what takes less time is faster.
    let turned = match compared.measure {
        Measure::Age => kind == DAY,
        Measure::Speed => true,
        _ => false,
    };
    let least = (compared.wanted == Wanted::Least) != turned;
    let numbers = || values.iter().map(|value| value.number);
    let best = if least {
        numbers().min()
    } else {
        numbers().max()
    }?;
    let mut places = (0..values.len()).filter(|place| values[*place].number == best);
    let place = places.next()?;
    places.next().is_none().then_some(place)
}

/// Whether a text has a value of what is compared.
pub(crate) fn measures(compared: &Compared, text: &str) -> bool {
    !values(compared.measure, text).is_empty()
}

/// What can be compared: a number of some kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Value {
    kind: &'static str,
    number: Number,
}

const DAY: &str = "day";
const CLOCK: &str = "clock";

/// The values of a text that a measure measures, the first first.
fn values(measure: Measure, text: &str) -> Vec<Value> {
    let is_time = |base: &str| matches!(base, "s" | "months");
    let is_length = |base: &str| matches!(base, "mm" | "mi" | "ft");
    let of = |one: Vec<Value>, other: Vec<Value>| if one.is_empty() { other } else { one };
    let one = |value: Option<Value>| Vec::from_iter(value);
    match measure {
        Measure::Words => Vec::new(),
        Measure::Time => one(day(text).or_else(|| clock(text))),
        Measure::Age => of(one(day(text)), in_units(text, |base, _| is_time(base))),
        Measure::Price => in_units(text, |_, is_money| is_money),
        Measure::Distance => of(
            in_units(text, |base, _| is_length(base)),
            in_units(text, |base, _| base == "s"),
        ),
        Measure::Duration => of(
            in_units(text, |base, _| is_time(base)),
            in_units(text, |base, _| is_length(base)),
        ),
        Measure::Speed => in_units(text, |base, _| is_time(base)),
        Measure::Weight => in_units(text, |base, _| matches!(base, "mg" | "lb" | "oz")),
        Measure::Number => {
            let mut values = in_units(text, |_, _| true);
            values.extend(plain_numbers(text));
            values
        }
    }
}

/// The amounts in units that count, by their base.
fn in_units(text: &str, counts: impl Fn(&str, bool) -> bool) -> Vec<Value> {
    let amounts = amounts(text, None).into_iter();
    let value = |amount: Amount| {
        let unit = amount.unit?;
        counts(unit.base, unit.is_currency()).then(|| Value {
            kind: unit.base,
            number: amount.in_base(),
        })
    };
    amounts.filter_map(value).collect()
}

/// The numbers that are of no unit and of no date.
fn plain_numbers(text: &str) -> Vec<Value> {
    let dates = dates(text);
    let is_dated = |amount: &Amount| {
        let mut spans = dates.iter().map(|date| &date.span);
        spans.any(|span| span.start < amount.span.end && amount.span.start < span.end)
    };
    let amounts = amounts(text, None).into_iter();
    let plain = amounts.filter(|amount| amount.unit.is_none() && !is_dated(amount));
    let value = |amount: Amount| Value {
        kind: "",
        number: amount.value,
    };
    plain.map(value).collect()
}

/// The first day of a text; without a year, the days of one year are compared.
fn day(text: &str) -> Option<Value> {
    let number = |days: i64| Number::parse(&days.to_string(), "");
    if let Some(dated) = dates(text).into_iter().next() {
        let from = dated.period.from?;
        return Some(Value {
            kind: DAY,
            number: number(from.days())?,
        });
    }
    let words = words(text);
    let place = words.iter().position(|word| {
        month_named(&word.text).is_some_and(|(_, full)| full || words.len() < 4)
    })?;
    let (month, _) = month_named(&words[place].text)?;
    let beside = [place.checked_sub(1), place.checked_sub(2), Some(place + 1)];
    let day = beside
        .into_iter()
        .flatten()
        .find_map(|at| words.get(at)?.text.parse::<i64>().ok())
        .filter(|day| (1..=31).contains(day))
        .unwrap_or(1);
    Some(Value {
        kind: "day of a year",
        number: number(31 * month + day)?,
    })
}

/// The first time of day, in minutes.
fn clock(text: &str) -> Option<Value> {
    let bytes = text.as_bytes();
    let place = (1..bytes.len().saturating_sub(2)).find(|at| {
        matches!(bytes[*at], b':' | b'.')
            && bytes[at - 1].is_ascii_digit()
            && bytes[at + 1].is_ascii_digit()
            && bytes[at + 2].is_ascii_digit()
    })?;
    let before = text[..place].rfind(|c: char| !c.is_ascii_digit());
    let hours: i64 = text[before.map_or(0, |at| at + 1)..place].parse().ok()?;
    let minutes: i64 = text[place + 1..place + 3].parse().ok()?;
    let is_clock = hours < 24 && minutes < 60;
    let number = Number::parse(&(hours * 60 + minutes).to_string(), "");
    is_clock.then_some(Value {
        kind: CLOCK,
        number: number?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(measure: Measure, wanted: Wanted) -> Compared {
        Compared {
            sides: None,
            measure,
            wanted,
            rest: String::new(),
            asks_whether: false,
        }
    }

    #[track_caller]
    fn check(measure: Measure, wanted: Wanted, said: [&str; 2], expect: Option<usize>) {
        let found = verdict(&compared(measure, wanted), &said.map(|quote| ["", quote]));
        assert_eq!(found, expect, "{said:?}");
    }

    #[test]
    fn the_program_compares() {
        let [least, most] = [Wanted::Least, Wanted::Most];
        check(
            Measure::Price,
            least,
            ["142 francs a night", "CHF 98.50"],
            Some(1),
        );
        check(Measure::Price, most, ["1.250,00 €", "990 €"], Some(0));
        check(
            Measure::Distance,
            least,
            ["5 minutes on foot", "a 12 minute walk, 12 min"],
            Some(0),
        );
        check(Measure::Distance, most, ["800 m", "1.2 km"], Some(1));
        check(
            Measure::Time,
            least,
            ["on 3 May 2026", "2026-04-30"],
            Some(1),
        );
        check(
            Measure::Time,
            least,
            ["leaves at 14:10", "at 09:05"],
            Some(1),
        );
        check(
            Measure::Time,
            most,
            ["el 3 de mayo", "el 12 de abril"],
            Some(0),
        );
        check(
            Measure::Age,
            most,
            ["born on 2 May 1991", "born on 3 June 1987"],
            Some(1),
        );
        check(
            Measure::Number,
            most,
            ["312 visitors", "298 visitors"],
            Some(0),
        );
        check(
            Measure::Number,
            most,
            ["in May 2026 it gave 9.1 kg", "12 jars, 9.4 kg in all"],
            Some(1),
        );
    }

    #[test]
    fn what_cannot_be_compared_is_not() {
        check(Measure::Price, Wanted::Least, ["142 francs", "90 €"], None);
        check(
            Measure::Price,
            Wanted::Least,
            ["142 francs", "142 CHF"],
            None,
        );
        check(
            Measure::Price,
            Wanted::Least,
            ["142 francs", "breakfast included"],
            None,
        );
        check(Measure::Words, Wanted::Both, ["1 €", "2 €"], None);
    }

    #[test]
    fn each_is_asked_for_by_itself() {
        let english = Language::of("the", None);
        let mut one = compared(Measure::Price, Wanted::Least);
        assert_eq!(
            question(&one, "the ferry", english),
            "How much is it: the ferry?"
        );
        one.rest = "Which is cheaper in winter".to_owned();
        assert_eq!(
            question(&one, "the ferry", english),
            "How much is it: the ferry (Which is cheaper in winter)?"
        );
        one.measure = Measure::Number;
        one.rest = "Did we use gas".to_owned();
        assert_eq!(
            question(&one, "2021", english),
            "How much or how many: Did we use gas: 2021?"
        );
    }
}
