//! Spans of time as questions say them, against a clock that is passed in.

use super::asked::Asked;
use crate::calendar::{Date, Period};
use crate::values::month_named;

const BEFORE: &str = "before|before the|prior to|earlier than|older than|antes de|antes del|anteriores a|anterior a|\
    anteriores al|hasta antes de|previas a|previos a|from before|de antes de";
const UNTIL: &str = "until|till|up to|hasta|hasta el|hasta finales de";
const AFTER: &str = "after|later than|newer than|despues de|despues del|posteriores a|posterior a|posteriores al|\
    from after";
const SINCE: &str = "since|starting|desde|desde el|a partir de|a partir del";
const OR_LATER: &str = "or later|or after|or after that|and later|and after|or newer|or more recent|onwards|onward|\
    and onwards|o posterior|o posteriores|o despues|o mas tarde|y posteriores|y despues|en adelante|\
    o mas recientes|o mas reciente|o mas nuevas";
const OR_EARLIER: &str = "or earlier|or before|or before that|and earlier|and before|or older|o anterior|o anteriores|\
    o antes|y anteriores|y antes|o mas antiguas|o mas antiguos|hacia atras";
const WITHIN: &str = "in|in the|during|during the|from|from the|of|of the|for|for the|on|on the|dated|dated in|\
    over the|within the|en|en el|en la|en los|en las|durante|durante el|durante los|durante las|de|\
    del|de la|de los|de las|el|la|los|las";
const BETWEEN: [(&str, &str); 3] = [
    ("between", "and"),
    (
        "from|de|del|desde|desde el",
        "to|until|till|through|a|al|hasta|hasta el",
    ),
    ("entre|entre el", "y|y el"),
];

/// The span of time that is said from this word on, and its words, prepositions included.
pub(super) fn period(asked: &Asked<'_>, at: usize, today: Date) -> Option<(Period, usize)> {
    type Bound = fn(Period) -> Period;
    for (open, join) in BETWEEN {
        if let Some(found) = between(asked, at, today, open, join) {
            return Some(found);
        }
    }
    let bounds: [(&str, Bound); 5] = [
        (BEFORE, Period::before),
        (UNTIL, |period| Period {
            from: None,
            ..period
        }),
        (AFTER, Period::after),
        (SINCE, |period| Period { to: None, ..period }),
        (WITHIN, |period| period),
    ];
    for (phrases, bound) in bounds {
        if let Some(length) = asked.any(at, phrases)
            && let Some((period, more)) = named(asked, at + length, today, true)
        {
            let (period, behind) = open_end(asked, at + length + more, bound(period));
            return Some((period, length + more + behind));
        }
    }
    age(asked, at, today).or_else(|| {
        let (period, length) = named(asked, at, today, false)?;
        let (period, behind) = open_end(asked, at + length, period);
        Some((period, length + behind))
    })
}

/// "1 October 2025 or later", "de marzo en adelante".
fn open_end(asked: &Asked<'_>, at: usize, period: Period) -> (Period, usize) {
    if let Some(length) = asked.any(at, OR_LATER) {
        return (Period { to: None, ..period }, length);
    }
    match asked.any(at, OR_EARLIER) {
        Some(length) => (
            Period {
                from: None,
                ..period
            },
            length,
        ),
        None => (period, 0),
    }
}

fn between(
    asked: &Asked<'_>,
    at: usize,
    today: Date,
    open: &str,
    join: &str,
) -> Option<(Period, usize)> {
    let first = at + asked.any(at, open)?;
    let (mut one, length) = named(asked, first, today, true)?;
    let middle = first + length;
    let second = middle + asked.any(middle, join)?;
    let (other, length) = named(asked, second, today, true)?;
    // "Between March and May 2026": both are of that year.
    if one.from > other.from
        && let (Some(from), Some(end)) = (one.from, other.from)
    {
        one.from = Date::new(end.year, from.month, from.day);
    }
    Some((one.through(other), second + length - at))
}

/// "Older than 30 days", "de hace más de dos meses".
fn age(asked: &Asked<'_>, at: usize, today: Date) -> Option<(Period, usize)> {
    let older = "older than|more than|de hace mas de|hace mas de";
    let length = asked.any(at, older)?;
    let (unit, count) = counted(asked, at + length)?;
    let ago = asked.any(at + length + 2, "ago|old");
    let says_age = asked.word(at) != "more" || ago.is_some();
    let period = Period {
        from: None,
        to: Some(unit.back(today, count).plus_days(-1)),
    };
    says_age.then_some((period, length + 2 + ago.unwrap_or_default()))
}

/// A span of time by its name. After a preposition ("in", "en") more words name one.
fn named(
    asked: &Asked<'_>,
    at: usize,
    today: Date,
    after_preposition: bool,
) -> Option<(Period, usize)> {
    written(asked, at)
        .or_else(|| day_by_name(asked, at, today))
        .or_else(|| relative(asked, at, today))
        .or_else(|| month(asked, at, today, after_preposition))
        .or_else(|| quarter(asked, at, today))
        .or_else(|| weekday(asked, at, today))
        .or_else(|| decade(asked, at))
        .or_else(|| year(asked, at, after_preposition))
}

/// A date with its year.
fn written(asked: &Asked<'_>, at: usize) -> Option<(Period, usize)> {
    let start = asked.words.get(at)?.span.start;
    let date = asked.dates.iter().find(|date| date.span.start == start)?;
    Some((date.period, asked.words_in(at, &date.span)))
}

fn day_by_name(asked: &Asked<'_>, at: usize, today: Date) -> Option<(Period, usize)> {
    let days: [(&str, i64); 4] = [
        (
            "the day before yesterday|day before yesterday|anteayer|antes de ayer|antier",
            -2,
        ),
        ("yesterday|ayer", -1),
        (
            "today|hoy|this morning|this afternoon|esta manana|esta tarde",
            0,
        ),
        ("tomorrow|manana", 1),
    ];
    let is_morning =
        asked.word(at) == "manana" && matches!(asked.word(at.wrapping_sub(1)), "la" | "una");
    days.iter()
        .find_map(|(names, days)| {
            Some((Period::day(today.plus_days(*days)), asked.any(at, names)?))
        })
        .filter(|_| !is_morning)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Unit {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "day" | "days" | "dia" | "dias" => Self::Day,
            "week" | "weeks" | "semana" | "semanas" => Self::Week,
            "month" | "months" | "mes" | "meses" => Self::Month,
            "quarter" | "quarters" | "trimestre" | "trimestres" => Self::Quarter,
            "year" | "years" | "ano" | "anos" => Self::Year,
            _ => return None,
        })
    }

    fn back(self, date: Date, count: i64) -> Date {
        match self {
            Self::Day => date.plus_days(-count),
            Self::Week => date.plus_days(-7 * count),
            Self::Month => date.plus_months(-count),
            Self::Quarter => date.plus_months(-3 * count),
            Self::Year => date.plus_months(-12 * count),
        }
    }

    /// The whole day, week, month, quarter or year of a day.
    fn around(self, date: Date) -> Period {
        match self {
            Self::Day => Period::day(date),
            Self::Week => Period::week(date),
            Self::Month => Period::month(date.year, date.month),
            Self::Quarter => Period::months(date.year, (date.month - 1) / 3 * 3 + 1, 3),
            Self::Year => Period::year(date.year),
        }
    }
}

/// "Three weeks".
fn counted(asked: &Asked<'_>, at: usize) -> Option<(Unit, i64)> {
    Some((Unit::of(asked.word(at + 1))?, asked.number(at)?))
}

/// "This week", "el mes pasado", "the last 30 days", "hace dos semanas".
fn relative(asked: &Asked<'_>, at: usize, today: Date) -> Option<(Period, usize)> {
    let at_article = at;
    let at = asked.past(at, "the|el|la|los|las");
    let article = at - at_article;
    if let Some((unit, count)) = counted(asked, at)
        && asked.word(at + 2) == "ago"
    {
        return Some((unit.around(unit.back(today, count)), article + 3));
    }
    if asked.word(at) == "hace"
        && let Some((unit, count)) = counted(asked, at + 1)
    {
        return Some((unit.around(unit.back(today, count)), article + 3));
    }
    if asked
        .any(at, "last|past|previous|ultimos|ultimas|pasados|pasadas")
        .is_some()
        && let Some((unit, count)) = counted(asked, at + 1)
    {
        return Some((Period::between(unit.back(today, count), today), article + 3));
    }
    let unit_after =
        |length: usize| Unit::of(asked.word(at + length)).filter(|unit| *unit != Unit::Day);
    let steps: [(&str, i64); 3] = [
        ("this|the current|current|este|esta", 0),
        ("last|past|previous|ultimo|ultima|pasado|pasada", 1),
        ("next|coming|proximo|proxima", -1),
    ];
    for (words, back) in steps {
        if let Some(length) = asked.any(at, words)
            && let Some(unit) = unit_after(length)
        {
            return Some((unit.around(unit.back(today, back)), article + length + 1));
        }
    }
    let unit = unit_after(0)?;
    let after: [(&str, i64); 3] = [
        ("pasado|pasada|anterior", 1),
        ("que viene|proximo|proxima|siguiente", -1),
        ("actual|en curso", 0),
    ];
    after.iter().find_map(|(words, back)| {
        let length = asked.any(at + 1, words)?;
        Some((unit.around(unit.back(today, *back)), article + 1 + length))
    })
}

/// A month without its year is the latest one that has begun. "May" and "march" are verbs, too.
fn month(
    asked: &Asked<'_>,
    at: usize,
    today: Date,
    after_preposition: bool,
) -> Option<(Period, usize)> {
    if let Some(found) = day_of_month(asked, at, today) {
        return Some(found);
    }
    let skipped = asked.past(
        at,
        "the month of|el mes de|mes de|last|el pasado|pasado|this|este",
    ) - at;
    let word = asked.word(at + skipped);
    let (month, _) = month_named(word).filter(|(_, is_full)| *is_full)?;
    let is_verb = matches!(word, "may" | "march" | "mars" | "mei");
    let is_capitalised = asked.span(at..at + 1).starts_with(char::is_uppercase);
    if is_verb && !after_preposition && (!is_capitalised || at == 0) && skipped == 0 {
        return None;
    }
    let next = at + skipped + 1;
    let of = asked.past(next, "of|de|del");
    if let Some((period, length)) = relative(asked, of, today)
        && let (Some(from), Some(to)) = (period.from, period.to)
        && to.days() - from.days() > 360
    {
        return Some((Period::month(from.year, month), of + length - at));
    }
    let length = skipped + 1 + asked.any(next, "pasado").unwrap_or_default();
    Some((Period::month(latest_year(today, month, 1), month), length))
}

/// "5 March", "March 5", "5 de marzo".
fn day_of_month(asked: &Asked<'_>, at: usize, today: Date) -> Option<(Period, usize)> {
    let day = |at: usize| {
        let text = asked
            .word(at)
            .trim_end_matches(|c: char| !c.is_ascii_digit());
        text.parse().ok().filter(|day| (1..=31).contains(day))
    };
    let named = |at: usize| month_named(asked.word(at)).map(|(month, _)| month);
    let of = asked.past(at + 1, "of|de");
    let (day, month, length) = match (day(at), named(of), named(at), day(at + 1)) {
        (Some(day), Some(month), ..) => (day, month, of + 1 - at),
        (_, _, Some(month), Some(day)) => (day, month, 2),
        _ => return None,
    };
    let of = asked.past(at + length, "of|de|del");
    let (year, length) = match year_number(asked, of) {
        Some(year) => (year, of + 1 - at),
        None => (latest_year(today, month, day), length),
    };
    Some((Period::day(Date::new(year, month, day)?), length))
}

fn latest_year(today: Date, month: i64, day: i64) -> i64 {
    let has_begun = (month, day) <= (today.month, today.day);
    if has_begun {
        today.year
    } else {
        today.year - 1
    }
}

/// "Q1 2026", "the first quarter of 2026", "primer trimestre".
fn quarter(asked: &Asked<'_>, at: usize, today: Date) -> Option<(Period, usize)> {
    let names: [&str; 4] = [
        "q1|t1|1t|first quarter|primer trimestre",
        "q2|t2|2t|second quarter|segundo trimestre",
        "q3|t3|3t|third quarter|tercer trimestre",
        "q4|t4|4t|fourth quarter|last quarter|cuarto trimestre",
    ];
    let start = asked.past(at, "the|el");
    let (number, length) = (0..)
        .zip(names)
        .find_map(|(number, names)| Some((number, asked.any(start, names)?)))?;
    let next = start + length;
    let of = asked.past(next, "of|de|del");
    let month = 3 * number + 1;
    Some(match year_number(asked, of) {
        Some(year) => (Period::months(year, month, 3), of + 1 - at),
        None => (
            Period::months(latest_year(today, month, 1), month, 3),
            next - at,
        ),
    })
}

/// The latest such day before today, or the next one after it.
fn weekday(asked: &Asked<'_>, at: usize, today: Date) -> Option<(Period, usize)> {
    const DAYS: [[&str; 2]; 7] = [
        ["monday", "lunes"],
        ["tuesday", "martes"],
        ["wednesday", "miercoles"],
        ["thursday", "jueves"],
        ["friday", "viernes"],
        ["saturday", "sabado"],
        ["sunday", "domingo"],
    ];
    let article = asked.past(at, "el") - at;
    let coming = "next|this coming|proximo";
    let lead = asked.any(at + article, "last|this|pasado|next|this coming|proximo");
    let place = at + article + lead.unwrap_or_default();
    let (day, _) = (0..)
        .zip(DAYS)
        .find(|(_, names)| names.contains(&asked.word(place)))?;
    let tail = asked.any(place + 1, "pasado|que viene|proximo");
    let is_coming = asked.any(at + article, coming).is_some()
        || asked.any(place + 1, "que viene|proximo").is_some();
    let back = (today.weekday() - day - 1).rem_euclid(7) + 1;
    let date = today.plus_days(if is_coming {
        (7 - back).rem_euclid(7)
    } else {
        -back
    });
    let date = if is_coming && date == today {
        today.plus_days(7)
    } else {
        date
    };
    Some((Period::day(date), place + 1 - at + tail.unwrap_or_default()))
}

/// "The 1950s", "los años 50", "la década de 1950".
fn decade(asked: &Asked<'_>, at: usize) -> Option<(Period, usize)> {
    const SPANISH: &str = "los anos|anos|la decada de|decada de|la decada de los|los";
    let first = asked.past(at, "the");
    let english = asked.word(first).strip_suffix('s');
    let (digits, end) = if let Some(digits) = english.filter(|digits| digits.ends_with('0')) {
        (digits, first + 1)
    } else {
        let place = at + asked.any(at, SPANISH)?;
        let digits = asked.word(place);
        // "Los 50" may be fifty of something.
        let is_sure = digits.len() == 4 || asked.word(place - 1) == "anos";
        (is_sure && digits.ends_with('0')).then_some((digits, place + 1))?
    };
    let year: i64 = digits.parse().ok()?;
    let year = match digits.len() {
        2 => 1900 + year,
        4 if (1800..2100).contains(&year) => year,
        _ => return None,
    };
    Some((Period::months(year, 1, 120), end - at))
}

fn year(asked: &Asked<'_>, at: usize, after_preposition: bool) -> Option<(Period, usize)> {
    let word = asked.any(at, "year|the year|ano|el ano");
    let year = year_number(asked, at + word.unwrap_or_default())?;
    (after_preposition || word.is_some())
        .then(|| (Period::year(year), word.unwrap_or_default() + 1))
}

fn year_number(asked: &Asked<'_>, at: usize) -> Option<i64> {
    let word = asked.word(at);
    let year = word.parse().ok()?;
    (word.len() == 4 && (1900..2100).contains(&year)).then_some(year)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Saturday.
    const TODAY: Date = Date {
        year: 2026,
        month: 6,
        day: 20,
    };

    #[track_caller]
    fn check(text: &str, from: &str, to: &str) {
        let asked = Asked::new(text);
        let found = period(&asked, 0, TODAY);
        let shown = |date: Option<Date>| date.map(|date| date.to_string()).unwrap_or_default();
        let (found, length) = found.unwrap_or_else(|| panic!("no period in {text}"));
        assert_eq!(
            (shown(found.from), shown(found.to)),
            (from.to_owned(), to.to_owned()),
            "{text}"
        );
        assert_eq!(length, asked.len(), "{text}");
    }

    #[test]
    fn an_end_may_be_open() {
        check("in the 1950s", "1950-01-01", "1959-12-31");
        check("en los años 60", "1960-01-01", "1969-12-31");
        check("en la década de 1980", "1980-01-01", "1989-12-31");
        check("1 October 2025 or later", "2025-10-01", "");
        check("in March 2026 or earlier", "", "2026-03-31");
        check("from May onwards", "2026-05-01", "");
        check("del 1 de noviembre de 2025 en adelante", "2025-11-01", "");
        check("de marzo de 2025 o posteriores", "2025-03-01", "");
        check("de 2024 o antes", "", "2024-12-31");
    }

    #[test]
    fn periods_are_read_in_english() {
        check("from March 2026", "2026-03-01", "2026-03-31");
        check("in March", "2026-03-01", "2026-03-31");
        check("in September", "2025-09-01", "2025-09-30");
        check("in March last year", "2025-03-01", "2025-03-31");
        check("in 2025", "2025-01-01", "2025-12-31");
        check("before 2025", "", "2024-12-31");
        check("since May", "2026-05-01", "");
        check("after 5 March 2026", "2026-03-06", "");
        check("between March and May 2026", "2026-03-01", "2026-05-31");
        check("from 1 March to 15 April", "2026-03-01", "2026-04-15");
        check("yesterday", "2026-06-19", "2026-06-19");
        check("this week", "2026-06-15", "2026-06-21");
        check("last week", "2026-06-08", "2026-06-14");
        check("in the last 30 days", "2026-05-21", "2026-06-20");
        check("two weeks ago", "2026-06-01", "2026-06-07");
        check("on Monday", "2026-06-15", "2026-06-15");
        check("next Monday", "2026-06-22", "2026-06-22");
        check("in Q1 2026", "2026-01-01", "2026-03-31");
        check("in the first quarter of 2025", "2025-01-01", "2025-03-31");
        check("older than 30 days", "", "2026-05-20");
    }

    #[test]
    fn periods_are_read_in_spanish() {
        check("de marzo de 2026", "2026-03-01", "2026-03-31");
        check("el 2 de marzo de 2025", "2025-03-02", "2025-03-02");
        check("on 2 March 2025", "2025-03-02", "2025-03-02");
        check("en marzo", "2026-03-01", "2026-03-31");
        check("de marzo del año pasado", "2025-03-01", "2025-03-31");
        check("en 2025", "2025-01-01", "2025-12-31");
        check("antes de 2025", "", "2024-12-31");
        check("desde mayo", "2026-05-01", "");
        check("después del 5 de marzo de 2026", "2026-03-06", "");
        check("entre marzo y mayo de 2026", "2026-03-01", "2026-05-31");
        check("ayer", "2026-06-19", "2026-06-19");
        check("esta semana", "2026-06-15", "2026-06-21");
        check("de la semana pasada", "2026-06-08", "2026-06-14");
        check("del mes pasado", "2026-05-01", "2026-05-31");
        check("en los últimos 30 días", "2026-05-21", "2026-06-20");
        check("hace dos semanas", "2026-06-01", "2026-06-07");
        check("el lunes", "2026-06-15", "2026-06-15");
        check("el lunes que viene", "2026-06-22", "2026-06-22");
        check("en el primer trimestre de 2025", "2025-01-01", "2025-03-31");
        check("de hace más de 30 días", "", "2026-05-20");
    }

    #[test]
    fn verbs_are_no_months() {
        for text in ["may I", "march on", "room 2025", "the manual"] {
            assert_eq!(period(&Asked::new(text), 0, TODAY), None, "{text}");
        }
    }
}
