//! Tables as text (.csv, .tsv): a row stands with its headers.
//!
//! Owns the guess of what separates cells and whether the first row names the columns. Every row is one
//! line, in order.

use csv::{ReaderBuilder, StringRecord};

use super::super::{Extracted, Limits, Rejection, text, transcript::Transcript, transcript::row};

/// What separates cells, the least likely to stand in a cell first.
const DELIMITERS: &[u8] = b"\t;|,";

/// How much of a table decides about its form.
const SAMPLE_BYTES: usize = 64 * 1024;
const SAMPLE_ROWS: usize = 100;

/// A cell with more lines was most likely opened by a stray quotation mark.
const MAX_CELL_LINES: usize = 100;

/// After so many of those, quotation marks mean nothing.
const MAX_STRAY_QUOTES: usize = 20;

/// Longer cells are no names of columns.
const MAX_HEADER_BYTES: usize = 100;

/// Reads a table.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let decoded = text::decode(bytes).ok_or_else(|| Rejection::skipped("binary file"))?;
    let (delimiter, text) = match declared(&decoded.text) {
        Some(declared) => declared,
        None => (guess(&decoded.text), decoded.text.as_ref()),
    };
    let sample: Vec<_> = Rows::new(head(text), delimiter).take(SAMPLE_ROWS).collect();
    let top = top(&sample);
    let headers = match &sample[top..] {
        // A table of headers alone is at least that.
        rows @ [headers, _, ..] if has_headers(rows) => headers.as_slice(),
        _ => &[],
    };
    let mut transcript = Transcript::new(limits);
    for (index, cells) in Rows::new(text, delimiter).enumerate() {
        if index != top || headers.is_empty() {
            let headers = if index < top { &[] } else { headers };
            transcript.line(&row(headers, &cells));
        }
        if transcript.is_full() {
            break;
        }
    }
    transcript.finish("table", None, limits)
}

/// The first line `sep=;`, with which spreadsheets are told, and the rest.
fn declared(text: &str) -> Option<(u8, &str)> {
    let (line, rest) = text.split_once('\n')?;
    match line.trim_end_matches('\r').strip_prefix("sep=")?.as_bytes() {
        [delimiter] if delimiter.is_ascii() => Some((*delimiter, rest)),
        _ => None,
    }
}

/// Whole lines from the start.
fn head(text: &str) -> &str {
    let sample = &text[..text.floor_char_boundary(SAMPLE_BYTES)];
    match sample.rfind('\n') {
        Some(end) if sample.len() < text.len() => &sample[..end],
        _ => sample,
    }
}

/// The delimiter with which most rows have the same number of cells.
fn guess(text: &str) -> u8 {
    let mut best = (b',', 0);
    for delimiter in DELIMITERS {
        let sample: Vec<_> = Rows::new(head(text), *delimiter)
            .take(SAMPLE_ROWS)
            .collect();
        let width = width(&sample);
        if width < 2 {
            continue;
        }
        let regular = sample.iter().filter(|row| row.len() == width).count();
        let share = regular * 100 / sample.len();
        if share > best.1 {
            best = (*delimiter, share);
        }
    }
    // Where commas only stand in sentences, there are no cells.
    if best.1 < 30 { b'\t' } else { best.0 }
}

/// The commonest number of cells; of several, that of the earliest row.
fn width(rows: &[Vec<String>]) -> usize {
    let widths = || rows.iter().map(Vec::len);
    let frequency = |width: &usize| widths().filter(|other| other == width).count();
    widths().rev().max_by_key(frequency).unwrap_or_default()
}

/// Where the table starts: exports often begin with a few lines about themselves.
fn top(rows: &[Vec<String>]) -> usize {
    let width = width(rows);
    let lead = rows.iter().take_while(|row| row.len() < width).count();
    if lead < rows.len().min(20) { lead } else { 0 }
}

/// Whether the first row names the columns: distinct words, none of which is a value or comes again
/// below itself.
fn has_headers(rows: &[Vec<String>]) -> bool {
    let Some((first, below)) = rows.split_first() else {
        return false;
    };
    let mut names: Vec<&str> = first.iter().map(|cell| cell.trim()).collect();
    // Programs leave the column of row names without a name, and rows end in a comma.
    if names.first().is_some_and(|name| name.is_empty()) {
        names.remove(0);
    }
    while names.last().is_some_and(|name| name.is_empty()) {
        names.pop();
    }
    let fits = |name: &&str| !name.is_empty() && name.len() <= MAX_HEADER_BYTES;
    // A list is no table.
    if first.len() < 2 || names.is_empty() || !names.iter().all(fits) {
        return false;
    }
    for (column, name) in first.iter().enumerate() {
        let mut column = below.iter().filter_map(|row| row.get(column));
        let value = if is_year(name) {
            column.clone().any(|cell| is_year(cell))
        } else {
            is_value(name)
        };
        if value || (!name.trim().is_empty() && column.any(|cell| cell == name)) {
            return false;
        }
    }
    names.sort_unstable();
    names.windows(2).all(|pair| pair[0] != pair[1])
}

/// A number, an amount, a date or an address.
fn is_value(cell: &str) -> bool {
    let cell = cell.trim();
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    let letters = cell.chars().filter(|c| c.is_alphabetic()).count();
    (digits > 0 && letters == 0)
        || (digits >= 4 && cell.starts_with(|c: char| c.is_ascii_digit()) && letters <= 2)
        || (cell.contains('@') && cell.contains('.'))
        || cell.contains("://")
}

/// Years name columns as often as they are values.
fn is_year(cell: &str) -> bool {
    let cell = cell.trim();
    cell.len() == 4
        && cell
            .parse()
            .is_ok_and(|year: u32| (1800..2200).contains(&year))
}

/// Whether `\"` is a quotation mark in a cell, as some databases write it, rather than `""`.
fn has_escapes(text: &str) -> bool {
    let inside = |rest: &str| rest.starts_with(|c: char| c.is_alphanumeric() || c == ' ');
    text.split("\\\"").skip(1).any(inside)
}

/// The rows of a table, of whatever lengths.
struct Rows<'a> {
    /// What the reader reads.
    text: &'a str,
    delimiter: u8,
    escapes: bool,
    reader: csv::Reader<&'a [u8]>,
    strays: usize,
}

impl<'a> Rows<'a> {
    fn new(text: &'a str, delimiter: u8) -> Self {
        let escapes = has_escapes(head(text));
        Self {
            text,
            delimiter,
            escapes,
            reader: reader(text, delimiter, escapes, true),
            strays: 0,
        }
    }

    /// The first line of `text` as it stands, and the rest is read anew.
    fn stray(&mut self, text: &'a str) -> Vec<String> {
        self.strays += 1;
        let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
        self.text = rest;
        let quoting = self.strays < MAX_STRAY_QUOTES;
        self.reader = reader(rest, self.delimiter, self.escapes, quoting);
        let mut record = StringRecord::new();
        match reader(line, self.delimiter, false, false).read_record(&mut record) {
            Ok(true) => cells(&record),
            _ => vec![line.to_owned()],
        }
    }
}

impl Iterator for Rows<'_> {
    type Item = Vec<String>;

    fn next(&mut self) -> Option<Vec<String>> {
        let mut record = StringRecord::new();
        if !self.reader.read_record(&mut record).ok()? {
            return None;
        }
        let too_long = |cell: &str| cell.bytes().filter(|b| *b == b'\n').count() > MAX_CELL_LINES;
        if self.strays < MAX_STRAY_QUOTES && record.iter().any(too_long) {
            let position = record.position().map_or(0, csv::Position::byte);
            let text = self.text.get(usize::try_from(position).ok()?..)?;
            return Some(self.stray(text.trim_start_matches(['\r', '\n'])));
        }
        Some(cells(&record))
    }
}

fn cells(record: &StringRecord) -> Vec<String> {
    record.iter().map(str::to_owned).collect()
}

fn reader(text: &str, delimiter: u8, escapes: bool, quoting: bool) -> csv::Reader<&[u8]> {
    ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .escape(escapes.then_some(b'\\'))
        .quoting(quoting)
        .from_reader(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{read, survives};
    use super::extract;

    #[track_caller]
    fn check(source: impl AsRef<[u8]>, expected: &str) {
        assert_eq!(read(extract, source).text, expected);
    }

    #[test]
    fn a_row_stands_with_its_headers() {
        check(
            "\u{feff}Name,Town,Note\r\nAnna,Prague,\"likes, commas\nand lines\"\r\nBo,,\r\n",
            "Name: Anna; Town: Prague; Note: likes, commas and lines\nName: Bo",
        );
        check(",age\nAnna,7\nBo,8\n", "Anna; age: 7\nBo; age: 8");
        check(
            "Country;2019;2020\nCzechia;1,5;2,5\n",
            "Country: Czechia; 2019: 1,5; 2020: 2,5",
        );
        check("a,b\n1,2,3\n4\n", "a: 1; b: 2; 3\na: 4");
        check("Name,Town\n", "Name; Town");
        check(
            "a,b\n\"The \\\"big\\\" one\",1\n",
            "a: The \"big\" one; b: 1",
        );
    }

    #[test]
    fn the_delimiter_is_found() {
        check("a\tb\n1,5\t2\n3,5\t4\n", "a: 1,5; b: 2\na: 3,5; b: 4");
        check("a|b\n1|2\n", "a: 1; b: 2");
        check("sep=;\na;b\n1;2\n", "a: 1; b: 2");
        check(
            "Cena;Druh\n1,5;chleba\n2,5;sýr\n",
            "Cena: 1,5; Druh: chleba\nCena: 2,5; Druh: sýr",
        );
        check(
            "One sentence.\nAnother, longer one.\n",
            "One sentence.\nAnother, longer one.",
        );
    }

    #[test]
    fn rows_without_headers_stay_rows() {
        check("Anna,7\nBo,8\n", "Anna; 7\nBo; 8");
        check(
            "Anna,Prague\nBo,Brno\nCy,Prague\n",
            "Anna; Prague\nBo; Brno\nCy; Prague",
        );
        check("a@b.cz,x\nc@d.cz,y\n", "a@b.cz; x\nc@d.cz; y");
        check("x,x\ny,z\n", "x; x\ny; z");
    }

    #[test]
    fn lines_above_the_table_are_kept() {
        check(
            "Account 123\nMarch\n\nDate;Amount;Text\n2024-03-01;5;Tea\n2024-03-02;7;Milk\n",
            "Account 123\nMarch\nDate: 2024-03-01; Amount: 5; Text: Tea\n\
             Date: 2024-03-02; Amount: 7; Text: Milk",
        );
    }

    #[test]
    fn a_stray_quotation_mark_costs_one_line() {
        let source = format!("a,b\n\"open,1\n{}", "x,2\n".repeat(300));
        let text = read(extract, source).text;
        assert!(
            text.starts_with("a: \"open; b: 1\na: x; b: 2\n"),
            "{}",
            &text[..80]
        );
        assert_eq!(text.lines().count(), 301);
    }

    #[test]
    fn hostile_tables_are_harmless() {
        survives(
            extract,
            "Náme,Town\nAnna,\"Prague, \"\"x\"\"\n\"\nBo;\t|,Brno\n".as_bytes(),
        );
        assert_eq!(read(extract, ",".repeat(1_000_000) + "x").text, "x");
        let wide = format!("{}\n{}", "h,".repeat(5000), "v,".repeat(5000));
        assert!(read(extract, wide).text.len() > 5000);
        let quotes = "\"a,b\n".repeat(100_000);
        assert!(read(extract, quotes).text.lines().count() > 1000);
    }
}
