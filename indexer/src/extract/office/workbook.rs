//! Excel workbooks made of XML (.xlsx, .xlsm), sheet by sheet.
//!
//! Owns what a cell of such a workbook refers to: shared texts, the results of formulas, and the format by
//! which `number_format` shows a number. Rows are read one at a time, since a sheet may claim any size.
//! Called by `sheets`.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::rc::Rc;

use super::super::Rejection;
use super::super::transcript::Transcript;
use super::grid::{Cell, Epoch, Grid, Kind, MOST_CELLS, sheet_name, tidy_iso_date};
use super::number_format::NumberFormat;
use super::package::Package;
use super::sheet_comments::{Comments, People, Place};
use super::xml::{Broken, Element, Node, Xml};

/// Even empty texts take memory.
const MOST_TEXTS: usize = 4_000_000;

/// Formats and styles; spreadsheets allow some thousand of each.
const MOST_FORMATS: usize = 10_000;
const MOST_STYLES: usize = 1_000_000;

/// A whole number of so many digits is longer than what it is kept as, and still a number.
const KEPT_DIGITS: RangeInclusive<usize> = 16..=40;

/// What cells of all sheets refer to.
#[derive(Default)]
struct Shared {
    texts: Vec<String>,
    /// By the number of a cell's style.
    formats: Vec<Rc<NumberFormat>>,
    epoch: Epoch,
}

/// Writes all sheets down; the inner result says whether all of them were sound.
pub(super) fn write(
    package: &mut Package<'_>,
    transcript: &mut Transcript,
) -> Result<Result<(), Broken>, Rejection> {
    let main = package.main_part("xl/workbook.xml");
    let Some(workbook) = package.text(&main)? else {
        return Err(package.not_valid("it has no list of sheets"));
    };
    let relations = package.relations(&main);
    let part = |kind: &str| relations.only(kind).unwrap_or_default();
    let (sheets, epoch) = read_workbook(&workbook);
    let (texts, mut read) = match package.text(part("sharedStrings"))? {
        Some(text) => read_texts(&text),
        None => (Vec::new(), Ok(())),
    };
    let shared = Shared {
        texts,
        formats: read_formats(&package.optional(part("styles"))),
        epoch,
    };
    let people = People::read(package, &relations);
    for (name, id) in sheets {
        let Some(sheet) = relations.part_of_kind(&id, "worksheet") else {
            continue;
        };
        if transcript.is_full() {
            break;
        }
        let Some(body) = package.body(sheet)? else {
            continue;
        };
        let mut comments = Comments::read(package, sheet, &people);
        let mut grid = Grid::new(transcript, &name);
        let outcome = read_sheet(&body.text, &shared, &mut comments, &mut grid);
        read = read.and(body.outcome(outcome));
        write_rest(&mut comments, &mut grid);
        grid.finish();
    }
    Ok(read)
}

/// Names and references of the sheets, hidden ones included, and the first day of dates.
fn read_workbook(text: &str) -> (Vec<(String, String)>, Epoch) {
    let mut sheets = Vec::new();
    let mut epoch = Epoch::default();
    let mut xml = Xml::new(text);
    while let Some(element) = xml.next_element() {
        match element.name() {
            "sheet" => {
                let name = element.attribute("name").unwrap_or_default();
                let state = element.attribute("state").unwrap_or_default();
                let name = sheet_name(name, matches!(state.as_str(), "hidden" | "veryHidden"));
                sheets.push((name, element.prefixed("id").unwrap_or_default()));
            }
            "workbookPr"
                if matches!(element.attribute("date1904").as_deref(), Some("1" | "true")) =>
            {
                epoch = Epoch::Year1904;
            }
            _ => {}
        }
    }
    (sheets, epoch)
}

fn read_texts(text: &str) -> (Vec<String>, Result<(), Broken>) {
    let mut texts = Vec::new();
    let mut xml = Xml::new(text);
    loop {
        match xml.next() {
            Ok(Some(Node::Open(element))) if element.name() == "si" => match rich_text(&mut xml) {
                Ok(_) if texts.len() >= MOST_TEXTS => {
                    return (texts, Err(Broken("it has too many texts".to_owned())));
                }
                Ok(text) => texts.push(text),
                Err(broken) => return (texts, Err(broken)),
            },
            Ok(Some(_)) => {}
            Ok(None) => return (texts, Ok(())),
            Err(broken) => return (texts, Err(broken)),
        }
    }
}

/// The text in the element just opened, without its reading aids (`rPh`).
fn rich_text(xml: &mut Xml<'_>) -> Result<String, Broken> {
    let mut text = String::new();
    xml.within(|xml, element| {
        match element.name() {
            "t" => text.push_str(&xml.text()?),
            "rPh" => xml.skip()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(text)
}

fn read_formats(text: &str) -> Vec<Rc<NumberFormat>> {
    let mut known: HashMap<u32, Rc<NumberFormat>> = HashMap::new();
    let mut formats = Vec::new();
    let mut xml = Xml::new(text);
    while let Some(element) = xml.next_element() {
        let id = element.number("numFmtId").unwrap_or(0);
        match element.name() {
            "numFmt" if known.len() < MOST_FORMATS => {
                let code = element.attribute("formatCode").unwrap_or_default();
                known.insert(id, Rc::new(NumberFormat::read(&code)));
            }
            "xf" if xml.parent() == "cellXfs" && formats.len() < MOST_STYLES => {
                let format = match known.get(&id) {
                    Some(format) => Rc::clone(format),
                    None => Rc::new(NumberFormat::built_in(id)),
                };
                if known.len() < MOST_FORMATS {
                    known.insert(id, Rc::clone(&format));
                }
                formats.push(format);
            }
            _ => {}
        }
    }
    formats
}

/// A number as a format with this code shows it.
pub(super) fn formatted(number: f64, code: &str) -> String {
    let (text, _) = NumberFormat::read(code).show(number, Epoch::default());
    text
}

fn read_sheet(
    text: &str,
    shared: &Shared,
    comments: &mut Comments,
    grid: &mut Grid<'_>,
) -> Result<(), Broken> {
    let mut xml = Xml::new(text);
    let mut number = 0_u64;
    let mut column = 0;
    let mut cells = Vec::new();
    while !grid.is_full()
        && let Some(node) = xml.next()?
    {
        match node {
            Node::Open(element) => match element.name() {
                "row" => {
                    number = element.number("r").unwrap_or(number.saturating_add(1));
                    column = 0;
                }
                "c" => {
                    column = element
                        .attribute("r")
                        .and_then(|at| column_of(&at))
                        .unwrap_or(column);
                    let cell = read_cell(&mut xml, &element, column, shared)?;
                    cells.extend(cell.filter(|_| cells.len() < MOST_CELLS));
                    column += 1;
                }
                _ => {}
            },
            Node::Close => match xml.closed() {
                "row" => {
                    comments.put(number, &mut cells);
                    grid.row(number, std::mem::take(&mut cells));
                }
                "sheetData" => break,
                _ => {}
            },
            Node::Text(_) => {}
        }
    }
    Ok(())
}

/// Comments in rows that hold nothing else.
fn write_rest(comments: &mut Comments, grid: &mut Grid<'_>) {
    while let Some(row) = comments.next_row() {
        let mut cells = Vec::new();
        comments.put(row, &mut cells);
        grid.row(row, cells);
    }
}

/// Row, counted from 1, and column, counted from 0, of a cell by its place, such as `AB7`.
pub(super) fn place_of(place: &str) -> Option<Place> {
    let row = place.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    Some((row.parse().ok()?, column_of(place)?))
}

/// The column of a cell by its place, such as `AB7`.
fn column_of(place: &str) -> Option<usize> {
    let letters = place.bytes().take_while(u8::is_ascii_alphabetic);
    let mut column = 0_usize;
    for letter in letters.take(4) {
        column = column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1;
    }
    column.checked_sub(1)
}

/// A cell that holds something.
fn read_cell(
    xml: &mut Xml<'_>,
    element: &Element<'_>,
    column: usize,
    shared: &Shared,
) -> Result<Option<Cell>, Broken> {
    let kind = element.attribute("t").unwrap_or_default();
    let style: usize = element.number("s").unwrap_or(0);
    let mut value = String::new();
    xml.within(|xml, element| {
        match element.name() {
            "v" => value = xml.text()?,
            "is" => value = rich_text(xml)?,
            _ => xml.skip()?,
        }
        Ok(())
    })?;
    let format = shared.formats.get(style).map(Rc::as_ref);
    let words = |text: String| {
        let text = match format {
            Some(format) => format.show_text(text),
            None => text,
        };
        Some(Cell::new(column, text, Kind::Words))
    };
    Ok(match kind.as_str() {
        "s" => {
            let text = value
                .trim()
                .parse()
                .ok()
                .and_then(|index: usize| shared.texts.get(index));
            text.cloned().and_then(words)
        }
        "str" | "inlineStr" => words(value),
        "b" => words(if value.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned()),
        "d" => Some(Cell::new(column, tidy_iso_date(&value), Kind::Date)),
        // What a formula could not compute says nothing.
        "e" => None,
        _ => match value.trim().parse() {
            Ok(number) => {
                let (text, kind) = shown(value.trim(), number, format, shared.epoch);
                Some(Cell::new(column, text, kind))
            }
            Err(_) => words(value),
        },
    })
}

/// What a cell shows of a number, which the file writes as `digits`.
fn shown(digits: &str, number: f64, format: Option<&NumberFormat>, epoch: Epoch) -> (String, Kind) {
    let general = NumberFormat::read("");
    let format = format.unwrap_or(&general);
    // Numbers of accounts and the like have more digits than a number keeps.
    let is_long = KEPT_DIGITS.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if is_long && format.shows_all_digits() {
        return (digits.to_owned(), Kind::Number);
    }
    format.show(number, epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_keep_the_digits_of_the_file() {
        let show = |digits: &str, code: &str| {
            let format = NumberFormat::read(code);
            let number = digits.parse().expect("number");
            shown(digits, number, Some(&format), Epoch::default()).0
        };
        assert_eq!(show("12345678901234567", "0"), "12345678901234567");
        assert_eq!(show("12345678901234567", "General"), "12345678901234567");
        assert_eq!(show("12345678901234567", "0.00"), "12345678901234600.00");
        assert_eq!(show("1067", "00000"), "01067");
        assert_eq!(show("0.30000000000000004", "General"), "0.3");
        let digits = "1234567890123456789012";
        let plain = shown(digits, 1.234_567_890_123_456_8e21, None, Epoch::default());
        assert_eq!(plain.0, digits);
    }

    #[test]
    fn columns_are_letters() {
        assert_eq!(column_of("A1"), Some(0));
        assert_eq!(column_of("AB7"), Some(27));
        assert_eq!(column_of("XFD1048576"), Some(16_383));
        assert_eq!(column_of("ZZZZZZZZZZZZ9"), Some(475_253));
        assert_eq!(column_of("7"), None);
    }
}
