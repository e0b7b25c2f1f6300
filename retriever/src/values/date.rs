//! Dates in text, in every usual notation, and the date of a document.

use std::ops::Range;

use crate::calendar::{Date, Period};
use crate::fold::{Word, words};

/// Bytes at the head of a document in which its own date is looked for.
const HEAD: usize = 600;
/// A document's date stands within so many bytes of a line's beginning.
const NEAR: usize = 64;

/// A date in a text: a day, or a whole month or quarter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dated {
    /// Where it stands (bytes).
    pub span: Range<usize>,
    pub period: Period,
}

/// Months, each by its names in English, Spanish, French, German, Italian, Portuguese and Dutch; the
/// full ones first.
const MONTHS: [(&[&str], &[&str]); 12] = [
    (
        &[
            "january", "enero", "janvier", "januar", "gennaio", "janeiro", "januari",
        ],
        &["jan", "ene", "janv", "gen"],
    ),
    (
        &[
            "february",
            "febrero",
            "fevrier",
            "februar",
            "febbraio",
            "fevereiro",
            "februari",
        ],
        &["feb", "fev", "fevr", "febr"],
    ),
    (
        &["march", "marzo", "mars", "marz", "marco", "maart"],
        &["mar", "mrz", "mrt"],
    ),
    (
        &["april", "abril", "avril", "aprile"],
        &["apr", "abr", "avr"],
    ),
    (&["may", "mayo", "mai", "maggio", "maio", "mei"], &["mag"]),
    (
        &["june", "junio", "juin", "juni", "giugno", "junho"],
        &["jun", "giu"],
    ),
    (
        &["july", "julio", "juillet", "juli", "luglio", "julho"],
        &["jul", "juil", "lug"],
    ),
    (&["august", "agosto", "aout", "augustus"], &["aug", "ago"]),
    (
        &[
            "september",
            "septiembre",
            "setiembre",
            "septembre",
            "settembre",
            "setembro",
        ],
        &["sep", "sept", "set"],
    ),
    (
        &[
            "october", "octubre", "octobre", "oktober", "ottobre", "outubro",
        ],
        &["oct", "okt", "ott", "out"],
    ),
    (&["november", "noviembre", "novembre", "novembro"], &["nov"]),
    (
        &[
            "december",
            "diciembre",
            "decembre",
            "dezember",
            "dicembre",
            "dezembro",
        ],
        &["dec", "dic", "dez"],
    ),
];

/// The month (1 to 12) that a folded word names, and whether it is its full name.
pub(crate) fn month_named(word: &str) -> Option<(i64, bool)> {
    (1..).zip(MONTHS).find_map(|(month, (full, short))| {
        let is_full = full.contains(&word);
        (is_full || short.contains(&word)).then_some((month, is_full))
    })
}

/// The quarter (1 to 4) that a folded word names: `q3`, `3q`, and `3t` or `t3` as in Spanish.
pub(crate) fn quarter_named(word: &str) -> Option<i64> {
    let digit = word
        .strip_prefix(['q', 't'])
        .or_else(|| word.strip_suffix(['q', 't']))?;
    let number = digit.parse().ok()?;
    (digit.len() == 1 && (1..=4).contains(&number)).then_some(number)
}

/// The quarter that two folded words name: "third quarter", "tercer trimestre".
pub(crate) fn quarter_counted(ordinal: &str, noun: &str) -> Option<i64> {
    const ORDINALS: [&[&str]; 4] = [
        &["first", "1st", "primer", "primero"],
        &["second", "2nd", "segundo"],
        &["third", "3rd", "tercer", "tercero"],
        &["fourth", "4th", "cuarto"],
    ];
    let is_quarter = matches!(noun, "quarter" | "trimestre");
    let mut counted = (1..).zip(ORDINALS).filter(|_| is_quarter);
    counted.find_map(|(number, words)| words.contains(&ordinal).then_some(number))
}

/// All dates of a text that have a year. 05/03/2026 is 5 March, unless another date of the text can
/// only be written month first.
pub(crate) fn dates(text: &str) -> Vec<Dated> {
    let mut reader = Reader {
        text,
        words: words(text),
        month_first: false,
    };
    reader.month_first = (0..reader.words.len()).any(|at| reader.is_month_first(at));
    let mut dates = Vec::new();
    let mut at = 0;
    while at < reader.words.len() {
        match reader.date(at) {
            Some((period, count)) => {
                let (first, last) = (&reader.words[at], &reader.words[at + count - 1]);
                dates.push(Dated {
                    span: first.span.start..last.span.end,
                    period,
                });
                at += count;
            }
            None => at += 1,
        }
    }
    dates.dedup_by(|later, earlier| {
        let is_same = says_again(text, earlier, later);
        if is_same {
            // The bracket is a part of it.
            earlier.span.end = later.span.end + 1;
            earlier.period = later.period;
        }
        is_same
    });
    dates
}

/// Whether a date is followed by the same day in brackets, year first, as in a cell that shows it in another
/// order: "3/4/26 12:00 (2026-03-04)". What the brackets say holds.
fn says_again(text: &str, earlier: &Dated, later: &Dated) -> bool {
    let between = &text[earlier.span.end..later.span.start];
    let (inside, after) = (&text[later.span.start..], &text[later.span.end..]);
    let is_in_brackets = between.ends_with('(')
        && between.len() <= 12
        && !between.contains('\n')
        && after.starts_with(')')
        && inside.bytes().take_while(u8::is_ascii_digit).count() == 4;
    let is_turned = match (earlier.period.from, later.period.from) {
        (Some(one), Some(other)) => {
            one.year == other.year && (one.day, one.month) == (other.month, other.day)
        }
        _ => false,
    };
    is_in_brackets && (earlier.period == later.period || is_turned)
}

/// The date of a document: from its file name, its front matter, its title, then the lines at its
/// head that are about the document itself.
pub(crate) fn document_date(name: &str, title: &str, text: &str) -> Option<Period> {
    let in_name = || dates(name).into_iter().next();
    let in_title = || dates(title).into_iter().next();
    let found = in_name()
        .or_else(|| in_front_matter(text))
        .or_else(in_title)
        .or_else(|| at_head(text));
    found.map(|dated| dated.period)
}

fn in_front_matter(text: &str) -> Option<Dated> {
    let block = text.strip_prefix("---")?;
    let block = &block[..block.find("\n---")?];
    let labels = ["date", "fecha", "created", "creado", "day"];
    let line = block.lines().find(|line| {
        let label = line.split(':').next().unwrap_or_default();
        words(label)
            .first()
            .is_some_and(|word| labels.contains(&word.text.as_str()))
    });
    dates(line?).into_iter().next()
}

/// The first date that stands near the beginning of a line at the head.
fn at_head(text: &str) -> Option<Dated> {
    let head = &text[..text.floor_char_boundary(HEAD)];
    head.lines().find_map(|line| {
        let mut found = dates(line).into_iter();
        found.find(|date| date.span.start < NEAR)
    })
}

struct Reader<'a> {
    text: &'a str,
    words: Vec<Word>,
    month_first: bool,
}

impl Reader<'_> {
    /// The date that begins at a word, and how many words it has.
    fn date(&self, at: usize) -> Option<(Period, usize)> {
        self.year_first(at)
            .or_else(|| self.year_last(at))
            .or_else(|| self.day_and_named_month(at))
            .or_else(|| self.named_month(at))
            .or_else(|| self.quarter(at))
            .or_else(|| self.unseparated(at))
    }

    /// 2026-03-05, 2026/03/05, 2026.03.05, 2026-03.
    fn year_first(&self, at: usize) -> Option<(Period, usize)> {
        let year = self.year(at)?;
        let separator = self.separator(at)?;
        let month = self.short_number(at + 1)?;
        if self.separator(at + 1) == Some(separator)
            && let Some(day) = self.day_of_moment(at + 2)
            && let Some(date) = Date::new(year, month, day)
        {
            return Some((Period::day(date), 3));
        }
        let two_digits = self.words[at + 1].text.len() == 2;
        let ends = self.separator(at + 1).is_none();
        (separator != '.' && two_digits && ends && (1..=12).contains(&month))
            .then(|| (Period::month(year, month), 2))
    }

    /// 05/03/2026, 5.3.2026, 05-03-2026, 05/03/26.
    fn year_last(&self, at: usize) -> Option<(Period, usize)> {
        let (one, other, year) = self.three_numbers(at)?;
        let (day, month) = if other > 12 || (self.month_first && one <= 12) {
            (other, one)
        } else {
            (one, other)
        };
        Some((Period::day(Date::new(year, month, day)?), 3))
    }

    fn is_month_first(&self, at: usize) -> bool {
        self.three_numbers(at)
            .is_some_and(|(one, other, _)| one <= 12 && other > 12)
    }

    fn three_numbers(&self, at: usize) -> Option<(i64, i64, i64)> {
        let (one, other) = (self.short_number(at)?, self.short_number(at + 1)?);
        let separator = self.separator(at)?;
        if self.separator(at + 1) != Some(separator) {
            return None;
        }
        let year = self.year(at + 2).or_else(|| {
            let two_digits = separator == '/' && self.words.get(at + 2)?.text.len() == 2;
            let ends = self.separator(at + 2).is_none();
            self.short_number(at + 2)
                .filter(|_| two_digits && ends)
                .map(|year| 2000 + year)
        })?;
        Some((one, other, year))
    }

    /// 5 March 2026, 5th of March, 2026, 5 de marzo de 2026, 5. März 2026.
    fn day_and_named_month(&self, at: usize) -> Option<(Period, usize)> {
        let day = self.day(at)?;
        let after_day = self.past_particles(at + 1);
        let (month, _) = self.month(after_day)?;
        let after_month = self.past_particles(after_day + 1);
        let year = self.year(after_month)?;
        let close = self.are_close(at..after_month);
        let date = Date::new(year, month, day).filter(|_| close)?;
        Some((Period::day(date), after_month + 1 - at))
    }

    /// March 5, 2026, Mar. 5th 2026, March 2026, marzo de 2026.
    fn named_month(&self, at: usize) -> Option<(Period, usize)> {
        let (month, _) = self.month(at)?;
        if let (Some(day), Some(year)) = (self.day(at + 1), self.year(at + 2))
            && self.are_close(at..at + 2)
            && let Some(date) = Date::new(year, month, day)
        {
            return Some((Period::day(date), 3));
        }
        let next = self.past_particles(at + 1);
        let year = self.year(next).filter(|_| self.are_close(at..next))?;
        Some((Period::month(year, month), next + 1 - at))
    }

    /// Q3 2025, 2025-q3, third quarter of 2025, tercer trimestre de 2025.
    fn quarter(&self, at: usize) -> Option<(Period, usize)> {
        let months = |year, quarter: i64| Period::months(year, 3 * quarter - 2, 3);
        let word = |at: usize| self.words.get(at).map_or("", |word| word.text.as_str());
        if let (Some(year), Some(quarter)) = (self.year(at), quarter_named(word(at + 1))) {
            return self
                .are_close(at..at + 1)
                .then(|| (months(year, quarter), 2));
        }
        let counted = || Some((quarter_counted(word(at), word(at + 1))?, 2));
        let one = quarter_named(word(at)).map(|quarter| (quarter, 1));
        let (quarter, length) = one.or_else(counted)?;
        let next = self.past_particles(at + length);
        let year = self.year(next).filter(|_| self.are_close(at..next))?;
        Some((months(year, quarter), next + 1 - at))
    }

    /// 20260305.
    fn unseparated(&self, at: usize) -> Option<(Period, usize)> {
        let digits = &self.words.get(at)?.text;
        if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number = |range: Range<usize>| digits[range].parse().ok();
        let year = number(0..4).filter(is_year)?;
        let date = Date::new(year, number(4..6)?, number(6..8)?)?;
        Some((Period::day(date), 1))
    }

    fn year(&self, at: usize) -> Option<i64> {
        let text = &self.words.get(at)?.text;
        let year = text.parse().ok().filter(is_year)?;
        (text.len() == 4).then_some(year)
    }

    fn month(&self, at: usize) -> Option<(i64, bool)> {
        month_named(&self.words.get(at)?.text)
    }

    fn short_number(&self, at: usize) -> Option<i64> {
        let text = &self.words.get(at)?.text;
        (text.len() <= 2).then(|| text.parse().ok())?
    }

    /// The day in "05" and in "05T10", of "05T10:30".
    fn day_of_moment(&self, at: usize) -> Option<i64> {
        let text = &self.words.get(at)?.text;
        let day = text.split('t').next().unwrap_or_default();
        (day.len() <= 2).then(|| day.parse().ok())?
    }

    /// A day of a month: "5", "5th", "1º", "1er".
    fn day(&self, at: usize) -> Option<i64> {
        let text = &self.words.get(at)?.text;
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let ordinals = ["", "st", "nd", "rd", "th", "º", "o", "er"];
        if digits.len() > 2 || !ordinals.contains(&&text[digits.len()..]) {
            return None;
        }
        digits.parse().ok().filter(|day| (1..=31).contains(day))
    }

    fn past_particles(&self, at: usize) -> usize {
        let particles = ["de", "del", "of", "do", "di", "º"];
        let rest = self.words.get(at..).unwrap_or_default();
        let passed = rest
            .iter()
            .take(2)
            .take_while(|word| particles.contains(&word.text.as_str()));
        at + passed.count()
    }

    /// The one character between a word and the next, if it can separate a date.
    fn separator(&self, at: usize) -> Option<char> {
        let (one, next) = (self.words.get(at)?, self.words.get(at + 1)?);
        let between = &self.text[one.span.end..next.span.start];
        let mut characters = between.chars();
        let separator = characters.next().filter(|c| matches!(c, '-' | '/' | '.'));
        separator.filter(|_| characters.next().is_none())
    }

    /// Whether the words of a range are on one line, with little between them.
    fn are_close(&self, range: Range<usize>) -> bool {
        range.into_iter().all(|at| {
            let (one, next) = (&self.words[at], &self.words[at + 1]);
            let between = &self.text[one.span.end..next.span.start];
            let marks = between.chars().filter(|c| !c.is_whitespace());
            !between.contains('\n')
                && between.len() <= 4
                && marks
                    .into_iter()
                    .all(|c| matches!(c, ',' | '.' | '-' | '_' | 'º'))
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "a filter of `Option`")]
fn is_year(year: &i64) -> bool {
    (1800..2200).contains(year)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `expect`: each date's own words and its days.
    #[track_caller]
    fn check(text: &str, expect: &[(&str, &str)]) {
        let found = dates(text);
        let shown: Vec<(&str, String)> = found
            .iter()
            .map(|date| (&text[date.span.clone()], shown(date.period)))
            .collect();
        let expect: Vec<(&str, String)> = expect
            .iter()
            .map(|(words, days)| (*words, (*days).to_owned()))
            .collect();
        assert_eq!(shown, expect, "{text}");
    }

    fn shown(period: Period) -> String {
        match (period.from, period.to) {
            (Some(from), Some(to)) if from == to => from.to_string(),
            (from, to) => format!(
                "{}..{}",
                from.map(|date| date.to_string()).unwrap_or_default(),
                to.map(|date| date.to_string()).unwrap_or_default()
            ),
        }
    }

    #[test]
    fn a_day_in_brackets_says_which_day_is_meant() {
        check(
            "Paid: 3/4/26 (2026-03-04); Due: 05/06/2026 12:30 (2026-06-05)",
            &[
                ("3/4/26 (2026-03-04)", "2026-03-04"),
                ("05/06/2026 12:30 (2026-06-05)", "2026-06-05"),
            ],
        );
        check(
            "Apr 2026 (2026-04)",
            &[("Apr 2026 (2026-04)", "2026-04-01..2026-04-30")],
        );
        check(
            "5 March 2026 (2026-02-01)",
            &[("5 March 2026", "2026-03-05"), ("2026-02-01", "2026-02-01")],
        );
        check(
            "05/03/2026, 2026-03-05",
            &[("05/03/2026", "2026-03-05"), ("2026-03-05", "2026-03-05")],
        );
    }

    #[test]
    fn quarters_are_read() {
        for text in [
            "Q3 2025",
            "3T 2025",
            "2025-q3",
            "third quarter of 2025",
            "tercer trimestre de 2025",
        ] {
            check(text, &[(text, "2025-07-01..2025-09-30")]);
        }
        check("2025-q5, the third quarter of it, in 2025 and q3", &[]);
        let report = document_date("besalmora-2025-t1.md", "", "");
        assert_eq!(report.map(shown).as_deref(), Some("2025-01-01..2025-03-31"));
    }

    #[test]
    fn days_are_read_in_every_notation() {
        for text in [
            "2026-03-05",
            "2026/03/05",
            "2026.3.5",
            "5 March 2026",
            "5th of March, 2026",
            "March 5, 2026",
            "Mar. 5th 2026",
            "05/03/2026",
            "5/3/26",
            "5.3.2026",
            "5-3-2026",
            "5 de marzo de 2026",
            "5 de Marzo del 2026",
            "5 mar 2026",
            "5. März 2026",
            "5 mars 2026",
            "20260305",
        ] {
            check(text, &[(text, "2026-03-05")]);
        }
        check("at 2026-03-05T10:30", &[("2026-03-05T10", "2026-03-05")]);
        check(
            "el 1.º de mayo de 2026",
            &[("1.º de mayo de 2026", "2026-05-01")],
        );
        check(
            "el 1º de mayo de 2026",
            &[("1º de mayo de 2026", "2026-05-01")],
        );
        check(
            "Wed 14 January 2026, 9:00",
            &[("14 January 2026", "2026-01-14")],
        );
    }

    #[test]
    fn months_are_whole() {
        check(
            "In March 2026 we",
            &[("March 2026", "2026-03-01..2026-03-31")],
        );
        check(
            "febrero de 2024",
            &[("febrero de 2024", "2024-02-01..2024-02-29")],
        );
        check("2026-03 report", &[("2026-03", "2026-03-01..2026-03-31")]);
        check(
            "minutes-march-2026",
            &[("march-2026", "2026-03-01..2026-03-31")],
        );
    }

    #[test]
    fn one_date_tells_how_the_others_are_written() {
        check(
            "03/25/2026 and 03/05/2026",
            &[("03/25/2026", "2026-03-25"), ("03/05/2026", "2026-03-05")],
        );
        check("25/03/2026", &[("25/03/2026", "2026-03-25")]);
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "31/02/2026",
            "version 1.2.26",
            "may 40",
            "37-622",
            "2026",
            "March\n2026",
            "in March",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn a_document_is_dated_by_its_name_before_its_text() {
        let date = |name, title, text| document_date(name, title, text).map(shown);
        let days = |text: &str| Some(text.to_owned());
        assert_eq!(
            date("2026-01-14-kickoff.md", "Kick-off", "5 March 2026"),
            days("2026-01-14")
        );
        assert_eq!(
            date(
                "a.md",
                "a",
                "---\ntags: [x]\ndate: 2026-05-12\n---\nOn 1 May 2020"
            ),
            days("2026-05-12")
        );
        assert_eq!(
            date(
                "acta.md",
                "Acta",
                "# Acta\n\nEn San Telmo, el miércoles 18 de marzo de 2026, se reúnen"
            ),
            days("2026-03-18")
        );
        let late = format!("{} first registered on 3 February 2014", "word ".repeat(20));
        assert_eq!(date("van.md", "Van", &late), None);
    }
}
