//! Excel workbooks made of XML (.xlsx, .xlsm), sheet by sheet.
//!
//! Owns what a cell of such a workbook shows: shared texts, the results of formulas, and numbers that
//! are dates or percent by their format. Rows are read one at a time, since a sheet may claim any size.
//! Called by `sheets`.

use std::collections::HashMap;

use super::super::Rejection;
use super::super::transcript::Transcript;
use super::grid::{
    Cell, DateParts, Epoch, Grid, Kind, MOST_CELLS, date, percent, tidy_iso_date, tidy_number,
};
use super::package::Package;
use super::xml::{Broken, Element, Node, Xml};

/// Even empty texts take memory.
const MOST_TEXTS: usize = 4_000_000;

/// What a number means by its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Plain,
    Percent,
    Date(DateParts),
}

/// What cells of all sheets refer to.
#[derive(Default)]
struct Shared {
    texts: Vec<String>,
    /// By the number of a cell's style.
    formats: Vec<Format>,
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
    for (name, id) in sheets {
        let sheet = relations.part_of_kind(&id, "worksheet");
        if transcript.is_full() {
            break;
        }
        let Some(body) = sheet.map(|part| package.body(part)).transpose()?.flatten() else {
            continue;
        };
        let mut grid = Grid::new(transcript, &name);
        read = read.and(body.outcome(read_sheet(&body.text, &shared, &mut grid)));
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

fn read_formats(text: &str) -> Vec<Format> {
    let mut own: HashMap<u32, Format> = HashMap::new();
    let mut formats = Vec::new();
    let mut xml = Xml::new(text);
    while let Some(element) = xml.next_element() {
        let id = element.number("numFmtId").unwrap_or(0);
        match element.name() {
            "numFmt" => {
                let code = element.attribute("formatCode").unwrap_or_default();
                own.insert(id, by_code(&code));
            }
            "xf" if xml.parent() == "cellXfs" => {
                let known = own.get(&id).copied();
                formats.push(known.unwrap_or_else(|| built_in(id)));
            }
            _ => {}
        }
    }
    formats
}

/// A number as a format with this code shows it.
pub(super) fn formatted(number: f64, code: &str) -> String {
    shown(number, by_code(code), Epoch::default(), 0).text
}

/// The formats that every workbook has: ECMA-376, 18.8.30.
fn built_in(id: u32) -> Format {
    match id {
        9 | 10 => Format::Percent,
        14..=17 | 27..=31 | 34..=36 | 50..=54 | 57 | 58 => Format::Date(DateParts::Date),
        18..=21 | 32 | 33 | 45 | 47 | 55 | 56 => Format::Date(DateParts::Time),
        22 => Format::Date(DateParts::DateAndTime),
        46 => Format::Date(DateParts::Elapsed),
        _ => Format::Plain,
    }
}

/// What a format's code makes of numbers.
fn by_code(code: &str) -> Format {
    let mut letters = String::new();
    let mut elapsed = false;
    let mut characters = code.chars();
    while let Some(character) = characters.next() {
        match character {
            // Only what positive numbers look like counts.
            ';' => break,
            '"' => drop(characters.by_ref().find(|c| *c == '"')),
            '\\' | '_' | '*' => drop(characters.next()),
            '[' => {
                let inner: String = characters.by_ref().take_while(|c| *c != ']').collect();
                let inner = inner.to_lowercase();
                elapsed |= matches!(inner.as_str(), "h" | "hh" | "m" | "mm" | "s" | "ss");
            }
            character => letters.extend(character.to_lowercase()),
        }
    }
    if elapsed {
        return Format::Date(DateParts::Elapsed);
    }
    if letters.contains('%') {
        return Format::Percent;
    }
    if letters == "general" || letters.contains('#') {
        return Format::Plain;
    }
    let day = letters.contains(['d', 'y']);
    let time = letters.contains(['h', 's']);
    match (day, time) {
        (true, true) => Format::Date(DateParts::DateAndTime),
        (true, false) => Format::Date(DateParts::Date),
        (false, true) => Format::Date(DateParts::Time),
        (false, false) if letters.contains("mm") => Format::Date(DateParts::Date),
        (false, false) => Format::Plain,
    }
}

fn read_sheet(text: &str, shared: &Shared, grid: &mut Grid<'_>) -> Result<(), Broken> {
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
                "row" => grid.row(number, std::mem::take(&mut cells)),
                "sheetData" => break,
                _ => {}
            },
            Node::Text(_) => {}
        }
    }
    Ok(())
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
    let words = |text: String| Some(Cell::new(column, text, Kind::Words));
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
                let format = shared.formats.get(style).copied().unwrap_or(Format::Plain);
                Some(shown(number, format, shared.epoch, column))
            }
            Err(_) => words(value),
        },
    })
}

fn shown(number: f64, format: Format, epoch: Epoch, column: usize) -> Cell {
    match format {
        Format::Percent => Cell::new(column, percent(number), Kind::Number),
        Format::Date(parts) if let Some(date) = date(number, parts, epoch) => {
            Cell::new(column, date, Kind::Date)
        }
        _ => Cell::new(column, tidy_number(number), Kind::Number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_tell_dates_from_numbers() {
        for (code, expected) in [
            ("dd/mm/yyyy", Format::Date(DateParts::Date)),
            ("yyyy-mm-dd hh:mm", Format::Date(DateParts::DateAndTime)),
            ("h:mm AM/PM", Format::Date(DateParts::Time)),
            ("[h]:mm:ss", Format::Date(DateParts::Elapsed)),
            ("mmm", Format::Date(DateParts::Date)),
            ("0.0%", Format::Percent),
            ("General", Format::Plain),
            ("#,##0.00 \"days\"", Format::Plain),
            ("0.00E+00", Format::Plain),
            ("[Red]0;[Blue]-0", Format::Plain),
            ("[$-405]d. mmmm yyyy", Format::Date(DateParts::Date)),
            ("0\\ \\d", Format::Plain),
        ] {
            assert_eq!(by_code(code), expected, "{code}");
        }
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
