//! Rows of a sheet to lines that stand for themselves: which row has the headers, and how values look.
//!
//! Owns the guess at a sheet's structure: what stands above the headers, where another table begins.
//! It knows no file format; the readers of spreadsheets call it with the cells that hold something.

use std::collections::BTreeMap;

use super::super::transcript::{Transcript, row, single_line};
use super::table::{is_year, joined};

/// Rows at the start of a table that decide which of them has the headers.
const ROWS_LOOKED_AT: usize = 20;

/// Headers stand in every row, so they are short (bytes).
const LONGEST_HEADER: usize = 120;

/// Cells of a row beyond this are left out.
pub(super) const MOST_CELLS: usize = 2000;

/// What a cell holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Words,
    Number,
    /// A date, a time or a length of time.
    Date,
}

/// A cell that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    /// 0 for the first column.
    pub column: usize,
    pub text: String,
    pub kind: Kind,
    /// What was noted at it.
    pub comment: Option<String>,
}

impl Cell {
    pub(super) fn new(column: usize, text: impl Into<String>, kind: Kind) -> Self {
        Self {
            column,
            text: text.into(),
            kind,
            comment: None,
        }
    }

    /// Its text with what was noted at it.
    fn with_comment(&self) -> String {
        match (self.text.trim(), &self.comment) {
            ("", Some(comment)) => comment.clone(),
            (_, Some(comment)) => format!("{} ({comment})", self.text),
            (_, None) => self.text.clone(),
        }
    }

    /// Whether it could name a column.
    fn is_label(&self) -> bool {
        match self.kind {
            Kind::Words => self.text.len() <= LONGEST_HEADER,
            Kind::Number => is_year(&self.text),
            Kind::Date => true,
        }
    }

    fn is_words(&self) -> bool {
        self.kind == Kind::Words
    }
}

type Row = Vec<Cell>;

/// Writes a sheet's rows down.
pub(super) struct Grid<'t> {
    transcript: &'t mut Transcript,
    /// The sheet's name, until it is written above the first row.
    name: Option<String>,
    /// The first rows of a table, whose headers are not known yet.
    waiting: Vec<Row>,
    undecided: bool,
    headers: BTreeMap<usize, String>,
    last: Option<u64>,
    /// Nothing of the table is written yet.
    fresh: bool,
}

impl<'t> Grid<'t> {
    /// A sheet of this name, which is written only if there is a row in it.
    pub(super) fn new(transcript: &'t mut Transcript, name: &str) -> Self {
        Self {
            transcript,
            name: Some(name.to_owned()),
            waiting: Vec::new(),
            undecided: true,
            headers: BTreeMap::new(),
            last: None,
            fresh: true,
        }
    }

    /// Whether what follows is left out.
    pub(super) fn is_full(&self) -> bool {
        self.transcript.is_full()
    }

    /// Adds the row with this number, counted from the top; cells by column.
    pub(super) fn row(&mut self, number: u64, mut cells: Row) {
        cells.retain(|cell| !cell.text.trim().is_empty() || cell.comment.is_some());
        cells.truncate(MOST_CELLS);
        if cells.is_empty() {
            return;
        }
        if let Some(name) = self.name.take() {
            self.transcript.heading(1, &name);
        }
        let follows = self
            .last
            .is_none_or(|last| last.checked_add(1) == Some(number));
        self.last = Some(number);
        if !follows {
            self.decide();
            (self.undecided, self.fresh) = (true, true);
        }
        if self.undecided {
            self.waiting.push(cells);
            if self.waiting.len() >= ROWS_LOOKED_AT {
                self.decide();
            }
        } else {
            self.write(&cells);
        }
    }

    pub(super) fn finish(mut self) {
        self.decide();
    }

    /// Finds the headers among the rows that wait, and writes them all.
    fn decide(&mut self) {
        self.undecided = false;
        let rows = std::mem::take(&mut self.waiting);
        // Below an empty row the table mostly goes on, and only a row unlike those below it begins
        // another.
        let goes_on = !self.headers.is_empty();
        let found = find_headers(&rows, goes_on);
        for (index, cells) in rows.iter().enumerate() {
            match found {
                Some(header) if index < header => self.write_above(cells),
                Some(header) if index == header => {
                    let texts = cells
                        .iter()
                        .map(|cell| (cell.column, single_line(&cell.text)));
                    self.headers = texts.collect();
                    self.fresh = true;
                    for cell in cells.iter().filter(|cell| cell.comment.is_some()) {
                        self.transcript.paragraph(&cell.with_comment());
                    }
                }
                _ => self.write(cells),
            }
        }
    }

    /// Writes a row that stands above a table.
    fn write_above(&mut self, cells: &[Cell]) {
        self.transcript.paragraph(&joined(&texts(cells)));
    }

    fn write(&mut self, cells: &[Cell]) {
        let named = cells
            .iter()
            .any(|cell| self.headers.contains_key(&cell.column));
        // Words alone in a row of a table are about the rows below them.
        let alone = cells.len() == 1 && cells.iter().all(Cell::is_words) && self.headers.len() > 2;
        let line = if named && !alone {
            let header = |cell: &Cell| self.headers.get(&cell.column).cloned();
            let headers = cells.iter().map(|cell| header(cell).unwrap_or_default());
            row(&headers.collect::<Vec<_>>(), &texts(cells))
        } else {
            joined(&texts(cells))
        };
        if std::mem::take(&mut self.fresh) || alone {
            self.transcript.paragraph(&line);
        } else {
            self.transcript.line(&line);
        }
    }
}

/// The name that a sheet is written under.
pub(super) fn sheet_name(name: String, is_hidden: bool) -> String {
    if is_hidden {
        name + " (hidden sheet)"
    } else {
        name
    }
}

fn texts(cells: &[Cell]) -> Vec<String> {
    cells.iter().map(Cell::with_comment).collect()
}

/// What is in a column of some rows.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    filled: usize,
    words: usize,
    years: usize,
    dates: usize,
}

impl Tally {
    fn of(rows: &[Row]) -> BTreeMap<usize, Self> {
        let mut tallies: BTreeMap<usize, Self> = BTreeMap::new();
        for cell in rows.iter().flatten() {
            let tally = tallies.entry(cell.column).or_default();
            tally.filled += 1;
            match cell.kind {
                Kind::Words => tally.words += 1,
                Kind::Date => tally.dates += 1,
                Kind::Number if cell.is_label() => tally.years += 1,
                Kind::Number => {}
            }
        }
        tallies
    }
}

/// The row with the headers of those below it. If `strict`, only one that is clearly unlike them.
fn find_headers(rows: &[Row], strict: bool) -> Option<usize> {
    let widest = rows.iter().map(Vec::len).max().unwrap_or(0);
    let wide = |cells: &Row| cells.len() >= 2 && cells.len() * 10 >= widest * 6;
    let index = rows.iter().position(wide)?;
    let cells = rows.get(index)?;
    let below = rows.get(index + 1..).filter(|below| !below.is_empty())?;
    let columns = Tally::of(below);
    let tally = |cell: &Cell| columns.get(&cell.column).copied().unwrap_or_default();
    let words = cells.iter().filter(|cell| cell.is_words());
    // A year or a date names a column that holds something else.
    let is_value = |cell: &Cell| {
        let same = match cell.kind {
            Kind::Words => 0,
            Kind::Number => tally(cell).years,
            Kind::Date => tally(cell).dates,
        };
        !cell.is_label() || same * 2 > below.len()
    };
    if words.clone().count() == 0 || cells.iter().any(is_value) {
        return None;
    }
    let is_unlike = |cell: &Cell, percent: usize| {
        let Tally { filled, words, .. } = tally(cell);
        filled > 0 && (filled - words) * 100 >= filled * percent
    };
    let clear = match widest {
        // Two columns are as often names with their values, where every row is like every other.
        2 => {
            let values = cells.iter().filter(|cell| is_unlike(cell, 80)).count();
            values == 2 || (values == 1 && below.len() > 2)
        }
        _ => words.clone().any(|cell| is_unlike(cell, 60)),
    };
    (clear || (widest > 2 && !strict)).then_some(index)
}

/// A number without what floating point adds to it: fifteen digits, as spreadsheets show.
pub(super) fn tidy_number(value: f64) -> String {
    if !value.is_finite() {
        return String::new();
    }
    let rounded: f64 = format!("{value:.14e}").parse().unwrap_or(value);
    let size = rounded.abs();
    if size != 0.0 && !(1e-7..1e21).contains(&size) {
        return format!("{rounded:e}");
    }
    // There is no negative zero in a table.
    (rounded + 0.0).to_string()
}

/// A fraction as percent.
pub(super) fn percent(value: f64) -> String {
    format!("{}%", tidy_number(value * 100.0))
}

/// Which day is the first in a workbook.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Epoch {
    #[default]
    Year1900,
    Year1904,
}

/// What of a date counted in days is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateParts {
    /// Midnight is not said.
    DateAndTime,
    Time,
    /// A length of time, in hours that may be more than a day's.
    Elapsed,
}

/// The last day of the year 9999.
const LAST_DAY: f64 = 2_958_466.0;

const SECONDS_A_DAY: i64 = 86_400;

/// A date or time counted in days, as `YYYY-MM-DD`, `HH:MM` or both; `None` for what is none.
pub(super) fn date(days: f64, parts: DateParts, epoch: Epoch) -> Option<String> {
    if !(0.0..LAST_DAY).contains(&days) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is in range")]
    let seconds = (days * 86_400.0).round() as i64;
    let (day, second) = (seconds / SECONDS_A_DAY, seconds % SECONDS_A_DAY);
    let clock = |hours: i64| match seconds % 60 {
        0 => format!("{hours:02}:{:02}", seconds / 60 % 60),
        left => format!("{hours:02}:{:02}:{left:02}", seconds / 60 % 60),
    };
    let time = clock(second / 3600);
    Some(match parts {
        DateParts::Elapsed => clock(seconds / 3600),
        DateParts::Time => time,
        DateParts::DateAndTime if second == 0 => calendar_day(day, epoch),
        DateParts::DateAndTime => format!("{} {time}", calendar_day(day, epoch)),
    })
}

/// Days counted as Excel does, as `YYYY-MM-DD`.
fn calendar_day(day: i64, epoch: Epoch) -> String {
    let (_, (year, month, day)) = calendar(day, epoch);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Days counted as Excel does, which takes 1900 for a leap year: from 1970-01-01, and as year, month and day.
pub(super) fn calendar(day: i64, epoch: Epoch) -> (i64, (i64, i64, i64)) {
    // Days from 1970-01-01 to the day before the first.
    let from_1970 = match epoch {
        Epoch::Year1904 => day - 24_107,
        Epoch::Year1900 if day < 60 => day - 25_568,
        Epoch::Year1900 => day - 25_569,
    };
    (from_1970, civil(from_1970))
}

/// Year, month and day of a day counted from 1970-01-01: Howard Hinnant, "chrono-Compatible Low-Level
/// Date Algorithms".
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// A date of ISO 8601 without the parts that say nothing: `2024-05-06 07:08`.
pub(super) fn tidy_iso_date(text: &str) -> String {
    let Some((date, time)) = text.trim().split_once('T') else {
        return text.trim().to_owned();
    };
    let time = time.trim_end_matches('Z');
    let time = time.split('.').next().unwrap_or_default();
    match time.strip_suffix(":00").unwrap_or(time) {
        "" | "00:00" => date.to_owned(),
        time => format!("{date} {time}"),
    }
}

/// A length of time of ISO 8601, `PT07H08M09S`, as `07:08:09`.
pub(super) fn tidy_iso_duration(text: &str) -> String {
    let mut parts = [0_u64; 3];
    let mut number = String::new();
    let Some(clock) = text.trim().strip_prefix("PT") else {
        return text.trim().to_owned();
    };
    for character in clock.chars() {
        let index = match character {
            'H' => 0,
            'M' => 1,
            'S' => 2,
            character => {
                number.push(character);
                continue;
            }
        };
        let whole = number.split(['.', ',']).next().unwrap_or_default();
        parts[index] = whole.parse().unwrap_or(0);
        number.clear();
    }
    match parts {
        [hours, minutes, 0] => format!("{hours:02}:{minutes:02}"),
        [hours, minutes, seconds] => format!("{hours:02}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::super::super::Limits;
    use super::*;

    /// Rows of cells separated by bars, as a person would type them.
    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "expectations are written in place"
    )]
    fn check(sheet: &str, expected: Expect) {
        let limits = Limits::new("unused".into());
        let mut transcript = Transcript::new(&limits);
        let mut grid = Grid::new(&mut transcript, "");
        for (number, line) in (0..).zip(sheet.lines()) {
            let cells = line.split('|').enumerate().map(|(column, text)| {
                let text = text.trim();
                let kind = match text {
                    _ if text.contains('-') => Kind::Date,
                    _ if text.parse::<f64>().is_ok() => Kind::Number,
                    _ => Kind::Words,
                };
                Cell::new(column, text, kind)
            });
            grid.row(number, cells.collect());
        }
        grid.finish();
        let document = transcript.finish("test", None, &limits).expect("text");
        expected.assert_eq(&document.text);
    }

    #[test]
    fn rows_stand_with_their_headers() {
        check(
            "Ship|Tons|Built\nAda|70|1931-05-06\nBea||1932-01-01",
            expect![[r#"
                Ship: Ada; Tons: 70; Built: 1931-05-06
                Ship: Bea; Built: 1932-01-01"#]],
        );
    }

    #[test]
    fn what_is_above_the_headers_is_kept() {
        check(
            "The port|\nAs of|1932-01-01\n\nShip|Tons|Flag\nAda|70|NL\nBea|90|NL\n|160|",
            expect![[r#"
                The port
                As of | 1932-01-01

                Ship: Ada; Tons: 70; Flag: NL
                Ship: Bea; Tons: 90; Flag: NL
                Tons: 160"#]],
        );
        check(
            "The port in 1932\nShip|Tons|Flag\nAda|70|NL",
            expect![[r#"
                The port in 1932

                Ship: Ada; Tons: 70; Flag: NL"#]],
        );
    }

    #[test]
    fn a_table_goes_on_below_an_empty_row_unless_another_begins() {
        check(
            "Ship|Tons|Flag\nAda|70|NL\n\nBea|90|NL\n\nNotes on crew\n\nName|Age|Rank\nEva|33|mate",
            expect![[r#"
                Ship: Ada; Tons: 70; Flag: NL

                Ship: Bea; Tons: 90; Flag: NL

                Notes on crew

                Name: Eva; Age: 33; Rank: mate"#]],
        );
    }

    #[test]
    fn years_are_headers_and_values_are_not() {
        check(
            "Ships|1931|1932\nSail|70|90",
            expect!["Ships: Sail; 1931: 70; 1932: 90"],
        );
        check(
            "Ada|1931|70\nBea|1932|90",
            expect![[r#"
                Ada | 1931 | 70
                Bea | 1932 | 90"#]],
        );
    }

    #[test]
    fn two_columns_of_words_have_no_headers() {
        check(
            "Name|Ada\nTown|Brno\nAge|7",
            expect![[r#"
                Name | Ada
                Town | Brno
                Age | 7"#]],
        );
        check(
            "Year|Ships\n1931|7\n1932|9",
            expect![[r#"
                Year: 1931; Ships: 7
                Year: 1932; Ships: 9"#]],
        );
    }

    #[test]
    fn numbers_are_tidy() {
        let tidy = [0.1 + 0.2, 3.0, -0.0, 1e300, 1e-9, 1234.5, 1e15, f64::NAN].map(tidy_number);
        assert_eq!(
            tidy,
            [
                "0.3",
                "3",
                "0",
                "1e300",
                "1e-9",
                "1234.5",
                "1000000000000000",
                ""
            ]
        );
        assert_eq!(percent(0.07), "7%");
    }

    #[test]
    fn dates_are_counted_as_excel_counts_them() {
        let day = |days, parts| date(days, parts, Epoch::Year1900).unwrap_or_default();
        assert_eq!(day(1.0, DateParts::DateAndTime), "1900-01-01");
        assert_eq!(day(59.0, DateParts::DateAndTime), "1900-02-28");
        assert_eq!(day(61.0, DateParts::DateAndTime), "1900-03-01");
        assert_eq!(day(45_416.0, DateParts::DateAndTime), "2024-05-04");
        assert_eq!(
            day(45_416.297_222_222_2, DateParts::DateAndTime),
            "2024-05-04 07:08"
        );
        assert_eq!(day(45_416.999_999, DateParts::DateAndTime), "2024-05-05");
        assert_eq!(day(0.5, DateParts::Time), "12:00");
        assert_eq!(day(1.5, DateParts::Elapsed), "36:00");
        assert_eq!(day(-1.0, DateParts::DateAndTime), "");
        assert_eq!(day(f64::NAN, DateParts::DateAndTime), "");
        let shifted = date(0.0, DateParts::DateAndTime, Epoch::Year1904);
        assert_eq!(shifted.as_deref(), Some("1904-01-01"));
    }

    #[test]
    fn iso_dates_lose_what_says_nothing() {
        assert_eq!(tidy_iso_date("2024-05-06T00:00:00.000"), "2024-05-06");
        assert_eq!(tidy_iso_date("2024-05-06T07:08:00Z"), "2024-05-06 07:08");
        assert_eq!(tidy_iso_date("2024-05-06"), "2024-05-06");
        assert_eq!(tidy_iso_duration("PT07H08M09.5S"), "07:08:09");
        assert_eq!(tidy_iso_duration("PT36H00M00S"), "36:00");
    }
}
