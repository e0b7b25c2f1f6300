//! Rules of repetition (`FREQ=WEEKLY;BYDAY=MO`, RFC 5545 3.3.10) in words.
//!
//! Owns the wording. Nothing is unfolded: a rule may go on for ever. Called by `calendar`.

use super::moment::{Moment, counted, month_name};

/// Of a longer list of days or months the beginning is told.
const MOST_LISTED: usize = 31;

/// The rule in words, such as `every 2 weeks on Monday and Friday, until 2026-06-30`; `None` where it is none.
pub(super) fn words(rule: &str) -> Option<String> {
    let parts: Vec<(String, &str)> = rule
        .split(';')
        .filter_map(|part| part.split_once('='))
        .take(20)
        .map(|(name, value)| (name.trim().to_uppercase(), value.trim()))
        .collect();
    let part = |name: &str| {
        let found = parts.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| *value)
    };
    let unit = match part("FREQ")?.to_uppercase().as_str() {
        "SECONDLY" => "second",
        "MINUTELY" => "minute",
        "HOURLY" => "hour",
        "DAILY" => "day",
        "WEEKLY" => "week",
        "MONTHLY" => "month",
        "YEARLY" => "year",
        _ => return None,
    };
    let interval = part("INTERVAL").and_then(|interval| interval.parse().ok());
    let mut words = match interval {
        None | Some(0 | 1) => format!("every {unit}"),
        Some(interval) => format!("every {}", counted(interval, unit)),
    };
    let position = part("BYSETPOS")
        .and_then(|position| position.parse().ok())
        .map(ordinal);
    if let Some(days) = part("BYDAY").and_then(|days| list(days, weekday)) {
        let position = position
            .map(|position| format!("the {position} of "))
            .unwrap_or_default();
        words = format!("{words} on {position}{days}");
    }
    if let Some(days) = part("BYMONTHDAY").and_then(|days| list(days, day_of_month)) {
        words = format!("{words} on {days}");
    }
    let month = |month: &str| {
        Some(month_name(month.parse().ok().filter(|m| (1..=12).contains(m))?).to_owned())
    };
    if let Some(months) = part("BYMONTH").and_then(|months| list(months, month)) {
        words = format!("{words} in {months}");
    }
    if let Some(until) = part("UNTIL").and_then(Moment::read) {
        words = format!("{words}, until {}", until.date());
    }
    if let Some(count) = part("COUNT").and_then(|count| count.parse().ok()) {
        words = format!("{words}, {}", counted(count, "time"));
    }
    Some(words)
}

/// `a, b and c`
fn list(values: &str, word: impl Fn(&str) -> Option<String>) -> Option<String> {
    let words = values
        .split(',')
        .take(MOST_LISTED)
        .map(|value| word(value.trim()));
    let mut words = words.collect::<Option<Vec<_>>>()?;
    let last = words.pop()?;
    Some(match words.join(", ") {
        before if before.is_empty() => last,
        before => format!("{before} and {last}"),
    })
}

/// `MO`, or `-1FR` for the last Friday.
fn weekday(value: &str) -> Option<String> {
    let (number, day) = value.split_at_checked(value.len().checked_sub(2)?)?;
    let name = match day.to_uppercase().as_str() {
        "MO" => "Monday",
        "TU" => "Tuesday",
        "WE" => "Wednesday",
        "TH" => "Thursday",
        "FR" => "Friday",
        "SA" => "Saturday",
        "SU" => "Sunday",
        _ => return None,
    };
    if number.is_empty() {
        return Some(name.to_owned());
    }
    Some(format!("the {} {name}", ordinal(number.parse().ok()?)))
}

fn day_of_month(value: &str) -> Option<String> {
    Some(match value.parse::<i32>().ok()? {
        day if day > 0 => format!("day {day}"),
        day => format!("the {} day", ordinal(day)),
    })
}

fn ordinal(number: i32) -> String {
    let word = match number.unsigned_abs() {
        1 if number < 0 => return "last".to_owned(),
        1 => "first".to_owned(),
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        4 => "fourth".to_owned(),
        5 => "fifth".to_owned(),
        other => format!("{other}th"),
    };
    match number {
        ..0 => format!("{word} to last"),
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_words() {
        for (rule, expected) in [
            ("FREQ=DAILY", "every day"),
            (
                "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR",
                "every 2 weeks on Monday, Wednesday and Friday",
            ),
            (
                "FREQ=MONTHLY;BYDAY=1MO;COUNT=10",
                "every month on the first Monday, 10 times",
            ),
            (
                "freq=monthly;byday=-1FR;until=20260630T215959Z",
                "every month on the last Friday, until 2026-06-30",
            ),
            (
                "FREQ=MONTHLY;BYMONTHDAY=15,-1",
                "every month on day 15 and the last day",
            ),
            (
                "FREQ=YEARLY;BYMONTH=3,6;BYMONTHDAY=4",
                "every year on day 4 in March and June",
            ),
            (
                "FREQ=MONTHLY;BYSETPOS=-1;BYDAY=MO,TU",
                "every month on the last of Monday and Tuesday",
            ),
            (
                "FREQ=MONTHLY;BYMONTHDAY=-2",
                "every month on the second to last day",
            ),
            (
                "FREQ=DAILY;INTERVAL=x;BYDAY=XX;COUNT=-1;UNTIL=?",
                "every day",
            ),
            ("FREQ=YEARLY;COUNT=1", "every year, 1 time"),
        ] {
            assert_eq!(words(rule).as_deref(), Some(expected), "{rule}");
        }
    }

    #[test]
    fn what_is_no_rule_has_no_words() {
        for rule in ["", "FREQ", "FREQ=SOMETIMES", "BYDAY=MO", "=;=", "é"] {
            assert_eq!(words(rule), None, "{rule}");
        }
        let long = format!("FREQ=DAILY;BYDAY={}MO", "MO,".repeat(100_000));
        assert!(words(&long).is_some_and(|words| words.len() < 400));
        assert_eq!(
            words("FREQ=DAILY;BYDAY=é,aé,ééMO").as_deref(),
            Some("every day")
        );
        assert_eq!(
            words("FREQ=DAILY;BYMONTHDAY=-2147483648").as_deref(),
            Some("every day on the 2147483648th to last day")
        );
    }
}
