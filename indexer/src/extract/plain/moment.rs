//! Days and times of calendars and contacts, as people write them down: `2026-03-04 09:00`.
//!
//! Owns the ways of iCalendar and vCard to write them. It knows no time zones: a time stays in the one that it is
//! written in, which is named beside it.

use time::{Date, Month};

use super::content_lines::Property;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A day, with a time of day where one is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// None for days of every year.
    pub year: Option<u16>,
    pub month: u8,
    pub day: u8,
    pub clock: Option<Clock>,
    pub is_utc: bool,
}

/// Hours, minutes and seconds.
pub(super) type Clock = (u8, u8, u8);

impl Moment {
    /// Reads `20260304T090000Z`, `2026-03-04` or `--0412`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (day, clock) = match text.trim().split_once(['T', 't', ' ']) {
            Some((day, clock)) => (day, Some(clock)),
            None => (text.trim(), None),
        };
        let (year, month, day) = if let Some(rest) = day.strip_prefix("--") {
            let [month, day] = numbers(rest, [2, 2])?;
            (None, month, day)
        } else {
            let [century, year, month, day] = numbers(day, [2, 2, 2, 2])?;
            let year = u16::from(century) * 100 + u16::from(year);
            (Some(year), month, day)
        };
        let is_day = (1..=12).contains(&month) && (1..=31).contains(&day);
        let clock = clock.filter(|clock| !clock.is_empty());
        is_day.then_some(Self {
            year,
            month,
            day,
            clock: clock.and_then(read_clock),
            is_utc: clock.is_some_and(|clock| clock.ends_with(['Z', 'z'])),
        })
    }

    /// `2026-03-04`, or `12 April` for a day of every year.
    pub(super) fn date(self) -> String {
        let Self { month, day, .. } = self;
        match self.year {
            Some(year) => format!("{year:04}-{month:02}-{day:02}"),
            None => format!("{day} {}", month_name(month)),
        }
    }

    /// `09:00`, with seconds where there are any; none where no time is told.
    pub(super) fn time(self) -> Option<String> {
        Some(match self.clock? {
            (hour, minute, 0) => format!("{hour:02}:{minute:02}"),
            (hour, minute, second) => format!("{hour:02}:{minute:02}:{second:02}"),
        })
    }

    /// The day before, with the same time.
    pub(super) fn day_before(self) -> Option<Self> {
        let month = Month::try_from(self.month).ok()?;
        let date = Date::from_calendar_date(i32::from(self.year?), month, self.day).ok()?;
        let before = date.previous_day()?;
        Some(Self {
            year: u16::try_from(before.year()).ok(),
            month: before.month().into(),
            day: before.day(),
            ..self
        })
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.date())?;
        if let Some(time) = self.time() {
            write!(formatter, " {time}")?;
            if self.is_utc {
                formatter.write_str(" UTC")?;
            }
        }
        Ok(())
    }
}

/// A birthday or the like; as it is written where it is no date.
pub(super) fn day(line: &Property) -> String {
    let Some(mut moment) = Moment::read(line.raw()) else {
        return line.text();
    };
    let unknown = line
        .parameter("X-APPLE-OMIT-YEAR")
        .and_then(|year| year.parse().ok());
    moment.year = moment.year.filter(|year| unknown != Some(*year));
    moment.date()
}

/// `P1DT2H30M` in words.
pub(super) fn duration(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches('+').strip_prefix('P')?;
    let mut words = Vec::new();
    let mut number = String::new();
    let mut is_time = false;
    for character in text.chars().take(50) {
        let unit = match character {
            'T' => {
                is_time = true;
                continue;
            }
            'W' => "week",
            'D' => "day",
            'H' => "hour",
            'M' if is_time => "minute",
            'S' => "second",
            digit if digit.is_ascii_digit() => {
                number.push(digit);
                continue;
            }
            _ => return None,
        };
        let count: u32 = std::mem::take(&mut number).parse().ok()?;
        if count > 0 {
            words.push(counted(count, unit));
        }
    }
    (!words.is_empty()).then(|| words.join(" "))
}

/// `1 day`, `2 days`
pub(super) fn counted(count: u32, unit: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// The name of a month, counted from 1.
pub(in super::super) fn month_name(month: u8) -> &'static str {
    let index = usize::from(month).checked_sub(1);
    index
        .and_then(|index| MONTHS.get(index))
        .copied()
        .unwrap_or("?")
}

fn read_clock(text: &str) -> Option<Clock> {
    let text = text.trim_end_matches(['Z', 'z']);
    let text = text.split(['+', '-', '.']).next()?;
    let [hour, minute, second] = numbers(text, [2, 2, 2]).or_else(|| {
        let [hour, minute] = numbers(text, [2, 2])?;
        Some([hour, minute, 0])
    })?;
    (hour < 24 && minute < 60 && second < 61).then_some((hour, minute, second))
}

/// Numbers of so many digits each, with or without marks between them, and nothing else.
fn numbers<const N: usize>(text: &str, lengths: [usize; N]) -> Option<[u8; N]> {
    let mut rest = text;
    let mut numbers = [0; N];
    for (number, length) in numbers.iter_mut().zip(lengths) {
        let (digits, after) = rest
            .trim_start_matches(['-', ':'])
            .split_at_checked(length)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = digits.parse().ok()?;
        rest = after;
    }
    rest.is_empty().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let shown = Moment::read(text).map(|moment| moment.to_string());
        assert_eq!(shown.as_deref(), expected, "{text}");
    }

    #[test]
    fn moments_are_read_in_every_way_they_are_written() {
        check("20260304T090000Z", Some("2026-03-04 09:00 UTC"));
        check("20260304T090015", Some("2026-03-04 09:00:15"));
        check("2026-03-04T09:00:00+01:00", Some("2026-03-04 09:00"));
        check("2026-03-04T09:00", Some("2026-03-04 09:00"));
        check("20260304", Some("2026-03-04"));
        check(" 2026-03-04 ", Some("2026-03-04"));
        check("--0412", Some("12 April"));
        check("--04-12", Some("12 April"));
        check("20260304T", Some("2026-03-04"));
        check("20260304T250000", Some("2026-03-04"));
        for none in [
            "",
            "2026",
            "20261304",
            "spring",
            "2026030é",
            "202603040",
            "--99",
            "T",
            "--",
        ] {
            check(none, None);
        }
    }

    #[test]
    fn the_day_before_is_in_another_month_or_year() {
        let before = |text| Moment::read(text)?.day_before().map(Moment::date);
        assert_eq!(before("20260301").as_deref(), Some("2026-02-28"));
        assert_eq!(before("20240301").as_deref(), Some("2024-02-29"));
        assert_eq!(before("20260101").as_deref(), Some("2025-12-31"));
        assert_eq!(before("20260231"), None);
        assert_eq!(before("--0301"), None);
    }

    #[test]
    fn durations_are_words() {
        assert_eq!(duration("PT1H30M").as_deref(), Some("1 hour 30 minutes"));
        assert_eq!(duration("P1W").as_deref(), Some("1 week"));
        assert_eq!(duration("P2DT0H5M").as_deref(), Some("2 days 5 minutes"));
        for none in ["", "P", "1H", "PTH", "PT99999999999H", "PX"] {
            assert_eq!(duration(none), None, "{none}");
        }
    }
}
