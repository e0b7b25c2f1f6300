//! The formats of cells in a binary workbook (.xlsb), which the crate that reads its values does not tell.
//!
//! Owns the few records that say how numbers look ([MS-XLSB] 2.4). What cannot be read here leaves a cell as it would
//! be without a format. Called by `sheets`.

use std::collections::HashMap;
use std::rc::Rc;

use super::number_format::{Codes, NumberFormat};
use super::package::Package;
use super::xls_formats::{number, wide};

const ROW: u16 = 0x0000;
const CELL_RK: u16 = 0x0002;
const CELL_REAL: u16 = 0x0005;
const FORMULA_NUMBER: u16 = 0x0009;
const FORMAT: u16 = 0x002c;
const STYLE: u16 = 0x002f;
const SHEET: u16 = 0x009c;
const BEGIN_CELL_STYLES: u16 = 0x0269;
const END_CELL_STYLES: u16 = 0x026a;

/// The formats of a workbook.
#[derive(Default)]
pub(super) struct Formats {
    /// By the number of a cell's style.
    styles: Vec<Rc<NumberFormat>>,
    /// The parts that hold the sheets, by their names.
    sheets: HashMap<String, String>,
}

/// The styles of a sheet's numbers.
pub(super) struct SheetFormats<'a> {
    formats: &'a Formats,
    /// Row, column and style, in this order.
    cells: Vec<((u32, u32), u32)>,
}

impl SheetFormats<'_> {
    /// The format of a cell that holds a number.
    pub(super) fn at(&self, place: (u32, u32)) -> Option<&NumberFormat> {
        let found = self.cells.binary_search_by_key(&place, |(place, _)| *place);
        let (_, style) = self.cells.get(found.ok()?)?;
        let style = usize::try_from(*style).ok()?;
        self.formats.styles.get(style).map(Rc::as_ref)
    }
}

impl Formats {
    /// Reads a workbook as far as it is sound.
    pub(super) fn read(package: &mut Package<'_>) -> Self {
        const MAIN: &str = "xl/workbook.bin";
        let relations = package.relations(MAIN);
        let main = part(package, MAIN);
        let sheets = records(&main).filter_map(|(kind, data)| {
            // What is before the reference: whether it is hidden, and its number.
            let (id, rest) = text(data.get(8..).filter(|_| kind == SHEET)?)?;
            let (name, _) = text(rest)?;
            Some((name, relations.part(&id)?.to_owned()))
        });
        let sheets = sheets.collect();
        let styles = relations.only("styles").unwrap_or("xl/styles.bin");
        Self {
            styles: styles_of(&part(package, styles)),
            sheets,
        }
    }

    /// The formats of the sheet with this name.
    pub(super) fn sheet(&self, package: &mut Package<'_>, name: &str) -> SheetFormats<'_> {
        let sheet = self.sheets.get(name).map(|path| part(package, path));
        SheetFormats {
            formats: self,
            cells: cells_of(&sheet.unwrap_or_default()),
        }
    }
}

fn part(package: &mut Package<'_>, path: &str) -> Vec<u8> {
    package.bytes(path).ok().flatten().unwrap_or_default()
}

fn styles_of(part: &[u8]) -> Vec<Rc<NumberFormat>> {
    let mut codes = Codes::default();
    let mut styles = Vec::new();
    let mut in_cells = false;
    for (kind, data) in records(part) {
        match kind {
            FORMAT => {
                let code = data.get(2..).and_then(text);
                if let (Some(id), Some((code, _))) = (number(data, 0), code) {
                    codes.add(id, &code);
                }
            }
            BEGIN_CELL_STYLES => in_cells = true,
            END_CELL_STYLES => break,
            // Formats stand before the styles that refer to them.
            STYLE if in_cells => styles.push(codes.of(number(data, 2).unwrap_or(0))),
            _ => {}
        }
    }
    styles
}

fn cells_of(part: &[u8]) -> Vec<((u32, u32), u32)> {
    let mut row = 0;
    let mut cells = Vec::new();
    for (kind, data) in records(part) {
        match kind {
            ROW => row = long(data, 0).unwrap_or(row),
            CELL_RK | CELL_REAL | FORMULA_NUMBER => {
                if let (Some(column), Some(style)) = (long(data, 0), long(data, 4)) {
                    cells.push(((row, column), style & 0x00ff_ffff));
                }
            }
            _ => {}
        }
    }
    cells.sort_unstable();
    cells
}

/// Records of a part: kind and content.
fn records(part: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = part;
    std::iter::from_fn(move || {
        let (kind, after) = packed(rest, 2)?;
        let (length, content) = packed(rest.get(after..)?, 4)?;
        let start = after + content;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        let data = rest.get(start..end)?;
        rest = &rest[end..];
        Some((u16::try_from(kind).ok()?, data))
    })
}

/// A number of at most so many bytes with seven bits each, and how many it has.
fn packed(bytes: &[u8], most: usize) -> Option<(u32, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(most).enumerate() {
        value |= u32::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

fn long(data: &[u8], at: usize) -> Option<u32> {
    let bytes = data.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// A text that begins with its length, and what follows it.
fn text(data: &[u8]) -> Option<(String, &[u8])> {
    let length = usize::try_from(long(data, 0)?).ok()?;
    let end = length.checked_mul(2)?.checked_add(4)?;
    let content = data.get(4..end)?;
    Some((wide(content, length), &data[end..]))
}

#[cfg(test)]
mod tests {
    use super::super::grid::Epoch;
    use super::*;

    fn record(kind: u16, data: &[u8]) -> Vec<u8> {
        let mut record = Vec::new();
        let mut push = |mut value: u32| {
            while value >= 0x80 {
                record.push(u8::try_from(value & 0x7f).expect("small") | 0x80);
                value >>= 7;
            }
            record.push(u8::try_from(value).expect("small"));
        };
        push(kind.into());
        push(u32::try_from(data.len()).expect("short"));
        [&record, data].concat()
    }

    fn wide(text: &str) -> Vec<u8> {
        let units: Vec<u16> = text.encode_utf16().collect();
        let length = u32::try_from(units.len()).expect("short").to_le_bytes();
        let units = units.iter().flat_map(|unit| unit.to_le_bytes());
        length.into_iter().chain(units).collect()
    }

    fn styles() -> Vec<u8> {
        let style = |id: u8| record(STYLE, &[0, 0, id, 0, 0, 0]);
        [
            record(FORMAT, &[&[164, 0][..], &wide("00000")].concat()),
            record(FORMAT, &[&[165, 0][..], &wide("#,##0.00 \"€\"")].concat()),
            style(9),
            record(BEGIN_CELL_STYLES, &[4, 0, 0, 0]),
            [0, 164, 165, 9].map(style).concat(),
            record(END_CELL_STYLES, &[]),
        ]
        .concat()
    }

    fn sheet() -> Vec<u8> {
        let cell = |kind, column: u8, style: u8| {
            record(kind, &[column, 0, 0, 0, style, 0, 0, 0, 0, 0, 0, 0])
        };
        [
            record(ROW, &[3, 0, 0, 0]),
            cell(CELL_RK, 0, 1),
            cell(CELL_REAL, 2, 2),
            record(ROW, &[200, 1, 0, 0]),
            cell(FORMULA_NUMBER, 1, 3),
        ]
        .concat()
    }

    #[test]
    fn cells_have_the_formats_of_their_styles() {
        let formats = Formats {
            styles: styles_of(&styles()),
            sheets: HashMap::new(),
        };
        let cells = cells_of(&sheet());
        let sheet = SheetFormats {
            formats: &formats,
            cells,
        };
        let shown = |place, value| Some(sheet.at(place)?.show(value, Epoch::Year1900).0);
        assert_eq!(shown((3, 0), 1067.0).as_deref(), Some("01067"));
        assert_eq!(shown((3, 2), 89.9).as_deref(), Some("89.90 €"));
        assert_eq!(shown((456, 1), 0.25).as_deref(), Some("25%"));
        assert_eq!(shown((3, 1), 1.0), None);
    }

    #[test]
    fn damaged_records_are_passed_over() {
        for whole in [styles(), sheet()] {
            for at in 0..whole.len() {
                let mut spoilt = whole.clone();
                spoilt[at] ^= 0xff;
                let _ = (styles_of(&spoilt), cells_of(&spoilt));
                let _ = (styles_of(&whole[..at]), cells_of(&whole[..at]));
            }
        }
    }
}
