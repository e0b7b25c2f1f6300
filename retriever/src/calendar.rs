//! Days, months and spans of days. Pure: the clock is passed in.

use serde::{Serialize, Serializer};

const MILLISECONDS_A_DAY: i64 = 86_400_000;

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Date {
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
}

/// A span of days, both ends included; an end that is missing is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Period {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
}

impl Date {
    /// The day, if there is one.
    pub(crate) fn new(year: i64, month: i64, day: i64) -> Option<Self> {
        let exists = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
        exists.then_some(Self { year, month, day })
    }

    /// The day of a moment (milliseconds since 1970, UTC).
    pub(crate) fn of(milliseconds: i64) -> Self {
        Self::from_days(milliseconds.div_euclid(MILLISECONDS_A_DAY))
    }

    /// Days since 1970-01-01. Years are counted from March, so that the day a leap year has more is
    /// its last.
    pub(crate) fn days(self) -> i64 {
        let (year, month) = match self.month {
            1 | 2 => (self.year - 1, self.month + 9),
            month => (self.year, month - 3),
        };
        let day_of_year = (153 * month + 2) / 5 + self.day - 1;
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        year * 365 + leap_days + day_of_year - 719_468
    }

    /// The day that is so many days after 1970-01-01.
    pub(crate) fn from_days(days: i64) -> Self {
        let days = days + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        Self { year, month, day }
    }

    pub(crate) fn plus_days(self, days: i64) -> Self {
        Self::from_days(self.days() + days)
    }

    /// The same day some months later, or the last one of a shorter month.
    pub(crate) fn plus_months(self, months: i64) -> Self {
        let all = self.year * 12 + self.month - 1 + months;
        let (year, month) = (all.div_euclid(12), all.rem_euclid(12) + 1);
        let day = self.day.min(days_in(year, month));
        Self { year, month, day }
    }

    /// Days since Monday.
    pub(crate) fn weekday(self) -> i64 {
        (self.days() + 3).rem_euclid(7)
    }
}

/// `2026-03-05`.
impl std::fmt::Display for Date {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{:04}-{:02}-{:02}",
            self.year, self.month, self.day
        )
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Period {
    pub(crate) fn day(date: Date) -> Self {
        Self::between(date, date)
    }

    pub(crate) fn between(one: Date, other: Date) -> Self {
        Self {
            from: Some(one.min(other)),
            to: Some(one.max(other)),
        }
    }

    /// A month; nothing is asked of `month` but that it is 1 to 12.
    pub(crate) fn month(year: i64, month: i64) -> Self {
        Self::months(year, month, 1)
    }

    /// Some months from the first of one on.
    pub(crate) fn months(year: i64, month: i64, count: i64) -> Self {
        let from = Date {
            year,
            month,
            day: 1,
        };
        Self::between(from, from.plus_months(count).plus_days(-1))
    }

    pub(crate) fn year(year: i64) -> Self {
        Self::months(year, 1, 12)
    }

    /// The week of a day, Monday to Sunday.
    pub(crate) fn week(date: Date) -> Self {
        let monday = date.plus_days(-date.weekday());
        Self::between(monday, monday.plus_days(6))
    }

    /// From the beginning of one to the end of the other.
    pub(crate) fn through(self, other: Self) -> Self {
        Self {
            from: self.from,
            to: other.to,
        }
    }

    /// Every day before it.
    pub(crate) fn before(self) -> Self {
        Self {
            from: None,
            to: self.from.map(|date| date.plus_days(-1)),
        }
    }

    /// Every day after it.
    pub(crate) fn after(self) -> Self {
        Self {
            from: self.to.map(|date| date.plus_days(1)),
            to: None,
        }
    }

    /// How many days it has; none where an end is open.
    pub(crate) fn days(self) -> Option<i64> {
        Some(self.to?.days() - self.from?.days() + 1)
    }

    /// Whether all of `other` is in it.
    pub(crate) fn holds(self, other: Self) -> bool {
        self.from
            .is_none_or(|from| other.from.is_some_and(|date| date >= from))
            && self
                .to
                .is_none_or(|to| other.to.is_some_and(|date| date <= to))
    }
}

pub(crate) fn days_in(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn date(year: i64, month: i64, day: i64) -> Date {
        Date::new(year, month, day).expect("a day")
    }

    #[test]
    fn days_are_counted_both_ways() {
        for (date, days) in [
            (date(1970, 1, 1), 0),
            (date(1969, 12, 31), -1),
            (date(2000, 2, 29), 11_016),
            (date(2026, 3, 5), 20_517),
        ] {
            assert_eq!(date.days(), days, "{date}");
            assert_eq!(Date::from_days(days), date);
        }
        for days in -200_000..200_000 {
            assert_eq!(Date::from_days(days).days(), days);
        }
        assert_eq!(Date::new(2026, 2, 29), None);
        assert_eq!(Date::of(-1), date(1969, 12, 31));
    }

    #[test]
    fn periods_are_whole() {
        assert_eq!(date(2026, 3, 5).weekday(), 3);
        let week = Period::week(date(2026, 3, 5));
        assert_eq!(week, Period::between(date(2026, 3, 2), date(2026, 3, 8)));
        assert_eq!(Period::month(2024, 2).to, Some(date(2024, 2, 29)));
        assert_eq!(date(2026, 3, 31).plus_months(-1), date(2026, 2, 28));
        assert!(Period::year(2026).holds(Period::month(2026, 12)));
        assert!(!Period::month(2026, 12).holds(Period::year(2026)));
        assert!(
            Period::year(2026)
                .before()
                .holds(Period::day(date(2025, 12, 31)))
        );
        assert!(
            !Period::year(2026)
                .after()
                .holds(Period::day(date(2026, 12, 31)))
        );
    }
}
