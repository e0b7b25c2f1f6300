//! What a cell shows of its number: the text that a format's code makes of it (ECMA-376, 18.8.31).
//!
//! Owns the choice of a code's section, the formats that every workbook has, and how dates and times are written.
//! Codes are read by `number_code`, digits placed by `number_digits`. It is pure: no number and no code is an error,
//! and what a code says that is not known here leaves the number as it is.

use std::collections::HashMap;
use std::rc::Rc;

use super::super::plain::moment::month_name;
use super::grid::{Epoch, Kind, calendar, tidy_number};
use super::number_code::{Part, Section, Unit, sections};
use super::{number_digits, number_fraction};

/// The last day of the year 9999.
const LAST_DAY: f64 = 2_958_466.0;

const SECONDS_A_DAY: i64 = 86_400;

/// Formats of one workbook; Excel allows some hundreds.
const MOST_FORMATS: usize = 10_000;

/// The formats of a workbook by their numbers, each read once.
#[derive(Debug, Default)]
pub(super) struct Codes(HashMap<u16, Rc<NumberFormat>>);

impl Codes {
    /// Adds what a workbook has under a number.
    pub(super) fn add(&mut self, id: u16, code: &str) {
        if self.0.len() < MOST_FORMATS {
            self.0.insert(id, Rc::new(NumberFormat::read(code)));
        }
    }

    /// What has this number: the workbook's own, or what every workbook has.
    pub(super) fn of(&mut self, id: u16) -> Rc<NumberFormat> {
        let known = self.0.get(&id).cloned();
        let format = known.unwrap_or_else(|| Rc::new(NumberFormat::built_in(id.into())));
        if self.0.len() < MOST_FORMATS {
            self.0.insert(id, Rc::clone(&format));
        }
        format
    }
}

/// A format, ready to be used for many cells.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct NumberFormat {
    /// None where the code is not known here.
    sections: Option<Vec<Section>>,
    /// The system chooses how a date looks, so that nobody knows what is shown.
    by_system: bool,
}

impl NumberFormat {
    /// Reads a code.
    pub(super) fn read(code: &str) -> Self {
        let code = if code.trim().is_empty() {
            "General"
        } else {
            code
        };
        let lower = code.to_lowercase();
        Self {
            sections: sections(code),
            by_system: lower.contains("[$-f800]") || lower.contains("[$-f400]"),
        }
    }

    /// The formats that every workbook has: ECMA-376, 18.8.30.
    pub(super) fn built_in(id: u32) -> Self {
        let code = match id {
            1 => "0",
            2 => "0.00",
            // Whose currency it is, the system says.
            3 | 5 | 6 | 37 | 38 | 41 | 42 => "#,##0",
            4 | 7 | 8 | 39 | 40 | 43 | 44 => "#,##0.00",
            9 => "0%",
            10 => "0.00%",
            11 => "0.00E+00",
            14..=17 | 27..=31 | 34..=36 | 50..=54 | 57 | 58 => "yyyy-mm-dd",
            18..=20 | 32 | 33 | 55 | 56 => "hh:mm",
            21 => "hh:mm:ss",
            22 => "yyyy-mm-dd hh:mm",
            45 => "mm:ss",
            46 => "[h]:mm:ss",
            47 => "mm:ss.0",
            48 => "##0.0E+0",
            49 => "@",
            _ => "General",
        };
        Self::read(code)
    }

    /// Whether digits are shown as they are, however many there are.
    pub(super) fn shows_all_digits(&self) -> bool {
        let Some([only]) = self.sections.as_deref() else {
            return false;
        };
        only.parts
            .iter()
            .all(|part| matches!(part, Part::Digit('0' | '#') | Part::General | Part::Text))
    }

    /// What is shown of a number, and what it is.
    pub(super) fn show(&self, value: f64, epoch: Epoch) -> (String, Kind) {
        let plain = || (tidy_number(value), Kind::Number);
        if !value.is_finite() {
            return (String::new(), Kind::Number);
        }
        let Some((section, says_sign)) = self.section(value) else {
            return plain();
        };
        let parts = &section.parts;
        let has = |test: fn(&Part) -> bool| parts.iter().any(test);
        if has(|part| matches!(part, Part::Time(..) | Part::Elapsed(..) | Part::HalfDay(..))) {
            return match self.moment(section, value, epoch) {
                Some(text) => (text, Kind::Date),
                None => plain(),
            };
        }
        let text = if parts.is_empty() {
            // What is not shown is not read.
            return (String::new(), Kind::Number);
        } else if has(|part| matches!(part, Part::General | Part::Text)) {
            around(parts, &tidy_number(value.abs()))
        } else if let Some(slash) = slash(parts) {
            match number_fraction::write(parts, slash, value.abs()) {
                Some(text) => text,
                None => return plain(),
            }
        } else {
            number_digits::write(parts, value)
        };
        let kind = if has(|part| matches!(part, Part::Digit(_) | Part::General | Part::Text)) {
            Kind::Number
        } else {
            Kind::Words
        };
        (signed(text.trim(), value, says_sign), kind)
    }

    /// What is shown of a text.
    pub(super) fn show_text(&self, text: String) -> String {
        let sections = self.sections.as_deref().unwrap_or_default();
        let takes_text = |section: &&Section| section.parts.contains(&Part::Text);
        match sections.iter().rfind(takes_text) {
            Some(section) if section.parts.len() > 1 => {
                around(&section.parts, &text).trim().to_owned()
            }
            _ => text,
        }
    }

    /// The section for a number, and whether it says itself that the number is negative.
    fn section(&self, value: f64) -> Option<(&Section, bool)> {
        let sections = self.sections.as_deref()?;
        let numbers = &sections[..sections.len().min(3)];
        if numbers.iter().any(|section| section.condition.is_some()) {
            let found = numbers.iter().find(|section| match section.condition {
                Some(condition) => condition.holds(value),
                None => true,
            });
            return found.map(|section| (section, false));
        }
        let [first, others @ ..] = numbers else {
            return None;
        };
        Some(match others {
            [negative, ..] if value < 0.0 => (negative, true),
            [_, zero] if value == 0.0 => (zero, false),
            _ => (first, false),
        })
    }

    /// A date or time, with its day as `YYYY-MM-DD` beside it where it does not begin so: 03/04/2026 is two days.
    fn moment(&self, section: &Section, value: f64, epoch: Epoch) -> Option<String> {
        let days = value.abs();
        if days >= LAST_DAY || (value < 0.0 && !counts_on(section)) {
            return None;
        }
        let moment = Moment::of(days, digits(section), epoch);
        let asks = |wanted: Unit| {
            let is = |part: &Part| matches!(part, Part::Time(unit, _) if *unit == wanted);
            section.parts.iter().position(is)
        };
        let (year, month, day) = (asks(Unit::Year), asks(Unit::Month), asks(Unit::Day));
        let date = match (year, month, day) {
            (_, _, Some(_)) => moment.iso(3),
            (_, Some(_), None) => moment.iso(2),
            _ => String::new(),
        };
        let time = section.parts.iter().any(|part| {
            matches!(
                part,
                Part::Time(Unit::Hour | Unit::Minute | Unit::Second, _)
            )
        });
        if !date.is_empty() && (self.by_system || has_foreign_names(section)) {
            let clock = if time {
                format!(" {}", moment.clock())
            } else {
                String::new()
            };
            return Some(date + &clock);
        }
        let shown = moment.write(&section.parts);
        let shown = signed(shown.trim(), value, false);
        let is_iso = year.is_some_and(|year| {
            month.is_none_or(|month| year < month) && day.is_none_or(|day| month < Some(day))
        });
        if date.is_empty() || (is_iso && shown.starts_with(&date[..4])) {
            return Some(shown);
        }
        Some(format!("{shown} ({date})"))
    }
}

/// Adds the sign that a section leaves to others; brackets around a number say the same.
fn signed(text: &str, value: f64, says_sign: bool) -> String {
    if value >= 0.0 {
        return text.to_owned();
    }
    let inner = text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'));
    let says = text.contains(['-', '−']) || text.chars().any(char::is_alphabetic);
    match inner {
        Some(inner) if says_sign => format!("-{}", inner.trim()),
        // A currency may stand before the brackets.
        _ if says_sign && text.contains('(') && text.contains(')') => {
            format!("-{}", text.replace(['(', ')'], ""))
        }
        // Zero has no sign.
        _ if !text.contains(|c: char| ('1'..='9').contains(&c)) => text.to_owned(),
        _ if says_sign && says => text.to_owned(),
        _ => format!("-{text}"),
    }
}

/// The literals of a section around what it shows.
fn around(parts: &[Part], inner: &str) -> String {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Literal(literal) => text.push_str(literal),
            Part::General | Part::Text => text.push_str(inner),
            Part::Percent => text.push('%'),
            _ => {}
        }
    }
    text
}

/// Where the line of a fraction is, in a section that shows one.
fn slash(parts: &[Part]) -> Option<usize> {
    let slash = |part: &Part| matches!(part, Part::Literal(text) if text.contains('/'));
    let place = parts.iter().position(slash)?;
    let is_digit = |part: &Part| matches!(part, Part::Digit(_));
    let stands_between = parts[..place].iter().any(is_digit)
        && (parts[place + 1..].iter().any(is_digit)
            || number_fraction::divisor(parts, place).is_some());
    stands_between.then_some(place)
}

/// Names of days and months in a language that is not English are not known here.
fn has_foreign_names(section: &Section) -> bool {
    let is_foreign = section
        .language
        .is_some_and(|language| !matches!(language & 0x3ff, 0 | 9));
    let is_name = |part: &Part| matches!(part, Part::Time(Unit::Month | Unit::Day, 3..));
    is_foreign && section.parts.iter().any(is_name)
}

fn counts_on(section: &Section) -> bool {
    section
        .parts
        .iter()
        .any(|part| matches!(part, Part::Elapsed(..)))
}

/// Digits of seconds that are shown.
fn digits(section: &Section) -> u32 {
    let digits = section.parts.iter().find_map(|part| match part {
        Part::Fraction(digits) => u32::try_from(*digits).ok(),
        _ => None,
    });
    digits.unwrap_or(0).min(3)
}

/// A day and a time of day.
struct Moment {
    /// Whole seconds since the first day, and what is left of the last one in the digits that are shown.
    seconds: i64,
    fraction: i64,
    digits: u32,
    /// Days from 1970-01-01, and the same day as year, month and day.
    day_from_1970: i64,
    date: (i64, i64, i64),
}

impl Moment {
    fn of(days: f64, digits: u32, epoch: Epoch) -> Self {
        let scale = 10_i64.pow(digits);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "days are in range"
        )]
        let ticks = (days * 86_400.0 * scale as f64).round() as i64;
        let seconds = ticks / scale;
        let (day_from_1970, date) = calendar(seconds / SECONDS_A_DAY, epoch);
        Self {
            seconds,
            fraction: ticks % scale,
            digits,
            day_from_1970,
            date,
        }
    }

    /// The first two or all three parts of `YYYY-MM-DD`.
    fn iso(&self, parts: usize) -> String {
        let (year, month, day) = self.date;
        match parts {
            2 => format!("{year:04}-{month:02}"),
            _ => format!("{year:04}-{month:02}-{day:02}"),
        }
    }

    fn clock(&self) -> String {
        let minutes = self.seconds / 60;
        format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60)
    }

    fn write(&self, parts: &[Part]) -> String {
        let by_halves = parts.iter().any(|part| matches!(part, Part::HalfDay(..)));
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Time(unit, count) => text.push_str(&self.part(*unit, *count, by_halves)),
                Part::Elapsed(unit, count) => {
                    let number = match unit {
                        Unit::Hour => self.seconds / 3600,
                        Unit::Minute => self.seconds / 60,
                        _ => self.seconds,
                    };
                    text.push_str(&padded(number, *count));
                }
                Part::Fraction(_) if self.digits > 0 => {
                    text.push('.');
                    text.push_str(&padded(self.fraction, self.digits as usize));
                }
                Part::HalfDay(before, after) => {
                    let is_before = self.seconds / 3600 % 24 < 12;
                    text.push_str(if is_before { before } else { after });
                }
                Part::Point => text.push('.'),
                Part::Comma => text.push(','),
                Part::Digit(_) => text.push('0'),
                _ => {}
            }
        }
        text
    }

    fn part(&self, unit: Unit, count: usize, by_halves: bool) -> String {
        let (year, month, day) = self.date;
        let hour = self.seconds / 3600 % 24;
        let month_name = || month_name(u8::try_from(month).unwrap_or_default());
        match (unit, count) {
            (Unit::Year, ..=2) => padded(year % 100, 2),
            (Unit::Year, _) => padded(year, 4),
            (Unit::Month, 3) => month_name().chars().take(3).collect(),
            (Unit::Month, 5) => month_name().chars().take(1).collect(),
            (Unit::Month, 4..) => month_name().to_owned(),
            (Unit::Month, _) => padded(month, count),
            (Unit::Day, 3) => self.weekday()[..3].to_owned(),
            (Unit::Day, 4..) => self.weekday().to_owned(),
            (Unit::Day, _) => padded(day, count),
            (Unit::Hour, _) if by_halves => padded((hour + 11) % 12 + 1, count),
            (Unit::Hour, _) => padded(hour, count),
            (Unit::Minute, _) => padded(self.seconds / 60 % 60, count),
            (Unit::Second, _) => padded(self.seconds % 60, count),
        }
    }

    fn weekday(&self) -> &'static str {
        const DAYS: [&str; 7] = [
            "Thursday",
            "Friday",
            "Saturday",
            "Sunday",
            "Monday",
            "Tuesday",
            "Wednesday",
        ];
        let index = usize::try_from(self.day_from_1970.rem_euclid(7)).unwrap_or(0);
        DAYS[index]
    }
}

fn padded(number: i64, width: usize) -> String {
    format!("{number:0width$}", width = width.min(20))
}

#[cfg(test)]
mod tests;
