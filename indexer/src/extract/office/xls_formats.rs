//! The formats of cells in a workbook of before 2007 (.xls, BIFF8), which the crate that reads its values does not tell.
//!
//! Owns the few records that say how numbers look ([MS-XLS] 2.4). What cannot be read here leaves a cell as it would
//! be without a format. Called by `sheets`.

use std::io::{Cursor, Read};
use std::rc::Rc;

use cfb::CompoundFile;

use super::number_format::{Codes, NumberFormat};

const BOF: u16 = 0x0809;
const EOF: u16 = 0x000a;
const BOUND_SHEET: u16 = 0x0085;
const FORMAT: u16 = 0x041e;
const FORMULA: u16 = 0x0006;
const MULTIPLE_RK: u16 = 0x00bd;
const NUMBER: u16 = 0x0203;
const RK: u16 = 0x027e;
const STYLE: u16 = 0x00e0;

/// The version of these records that Excel 97 to 2003 write.
const BIFF8: u16 = 0x0600;

/// The formats of a workbook.
#[derive(Default)]
pub(super) struct Formats {
    stream: Vec<u8>,
    /// By the number of a cell's style.
    styles: Vec<Rc<NumberFormat>>,
    /// Where each sheet begins in the stream, in their order.
    sheets: Vec<usize>,
}

/// The styles of a sheet's numbers.
pub(super) struct SheetFormats<'a> {
    formats: &'a Formats,
    /// Row, column and style, in this order: a sheet may have millions.
    cells: Vec<((u16, u16), u16)>,
}

impl SheetFormats<'_> {
    /// The format of a cell that holds a number.
    pub(super) fn at(&self, row: u32, column: usize) -> Option<&NumberFormat> {
        let place = (u16::try_from(row).ok()?, u16::try_from(column).ok()?);
        let found = self.cells.binary_search_by_key(&place, |(place, _)| *place);
        let (_, style) = self.cells.get(found.ok()?)?;
        let style = usize::from(*style);
        self.formats.styles.get(style).map(Rc::as_ref)
    }
}

impl Formats {
    /// Reads a workbook as far as it is sound.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let stream = stream(bytes).unwrap_or_default();
        Self::of(stream)
    }

    fn of(stream: Vec<u8>) -> Self {
        let mut codes = Codes::default();
        let mut styles = Vec::new();
        let mut sheets = Vec::new();
        for (kind, data) in records(&stream, 0) {
            match kind {
                BOF if number(data, 0) != Some(BIFF8) => return Self::default(),
                BOUND_SHEET => {
                    let place = [number(data, 0), number(data, 2)].map(Option::unwrap_or_default);
                    sheets.push(usize::from(place[0]) | usize::from(place[1]) << 16);
                }
                FORMAT => {
                    if let (Some(id), Some(code)) = (number(data, 0), text(data)) {
                        codes.add(id, &code);
                    }
                }
                // Formats stand before the styles that refer to them.
                STYLE => styles.push(codes.of(number(data, 2).unwrap_or(0))),
                EOF => break,
                _ => {}
            }
        }
        Self {
            stream,
            styles,
            sheets,
        }
    }

    /// The formats of the sheet with this place among the sheets.
    pub(super) fn sheet(&self, index: usize) -> SheetFormats<'_> {
        let mut cells = Vec::new();
        let mut open = 0_usize;
        let place = self.sheets.get(index);
        let start = place.copied().unwrap_or(self.stream.len());
        for (kind, data) in records(&self.stream, start) {
            match kind {
                BOF => open += 1,
                EOF if open <= 1 => break,
                EOF => open -= 1,
                // What is drawn in a sheet has records of its own.
                _ if open != 1 => {}
                NUMBER | RK | FORMULA => cells.extend(style(data, 2, 4)),
                MULTIPLE_RK => {
                    let first = number(data, 2).unwrap_or(0);
                    // Row and first column before, last column after.
                    let count = data.len().saturating_sub(6) / 6;
                    for (column, cell) in (first..=u16::MAX).zip(0..count) {
                        if let (Some(row), Some(style)) =
                            (number(data, 0), number(data, 4 + 6 * cell))
                        {
                            cells.push(((row, column), style));
                        }
                    }
                }
                _ => {}
            }
        }
        cells.sort_unstable();
        SheetFormats {
            formats: self,
            cells,
        }
    }
}

/// The stream that holds the workbook.
fn stream(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut file = CompoundFile::open(Cursor::new(bytes)).ok()?;
    let stream = file.open_stream("/Workbook").ok()?;
    let mut content = Vec::new();
    // No stream is larger than its file, whatever it says.
    let read = stream.take(bytes.len() as u64).read_to_end(&mut content);
    read.ok().map(|_| content)
}

/// Records from a place on: kind and content.
fn records(stream: &[u8], start: usize) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = stream.get(start..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (kind, length) = (number(rest, 0)?, number(rest, 2)?);
        let data = rest.get(4..4 + usize::from(length))?;
        rest = &rest[4 + usize::from(length)..];
        Some((kind, data))
    })
}

/// Place and style of a cell that begins with its row.
fn style(data: &[u8], column: usize, style: usize) -> Option<((u16, u16), u16)> {
    Some((
        (number(data, 0)?, number(data, column)?),
        number(data, style)?,
    ))
}

pub(super) fn number(data: &[u8], at: usize) -> Option<u16> {
    let bytes = data.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes([bytes[0], bytes[1]]))
}

/// So many characters of two bytes, or as many as there are.
pub(super) fn wide(bytes: &[u8], length: usize) -> String {
    let units = bytes.chunks_exact(2).take(length);
    let units = units.map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    char::decode_utf16(units)
        .map(|c| c.unwrap_or('?'))
        .collect()
}

/// The code in a format's record: its length, whether its characters have two bytes, and these.
fn text(data: &[u8]) -> Option<String> {
    let length = usize::from(number(data, 2)?);
    let is_wide = data.get(4)? & 1 == 1;
    let content = data.get(5..)?;
    if is_wide {
        return Some(wide(content, length));
    }
    Some(
        content
            .iter()
            .take(length)
            .map(|byte| char::from(*byte))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::super::grid::Epoch;
    use super::*;

    fn record(kind: u16, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len()).expect("short");
        [&kind.to_le_bytes(), &length.to_le_bytes(), data].concat()
    }

    fn shorts(numbers: &[u16]) -> Vec<u8> {
        numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect()
    }

    fn format(id: u16, code: &str, wide: bool) -> Vec<u8> {
        let units: Vec<u16> = code.encode_utf16().collect();
        let mut data = shorts(&[id, u16::try_from(units.len()).expect("short")]);
        data.push(u8::from(wide));
        if wide {
            data.extend(shorts(&units));
        } else {
            data.extend(code.bytes());
        }
        record(FORMAT, &data)
    }

    fn workbook() -> Vec<u8> {
        let globals = |place: u16| {
            [
                record(BOF, &shorts(&[BIFF8, 5])),
                format(164, "00000", false),
                format(165, "#,##0.00 \"€\"", true),
                record(STYLE, &shorts(&[0, 0])),
                record(STYLE, &shorts(&[0, 164])),
                record(STYLE, &shorts(&[0, 165])),
                record(STYLE, &shorts(&[0, 9])),
                record(BOUND_SHEET, &shorts(&[place, 0, 0])),
                record(EOF, &[]),
            ]
            .concat()
        };
        let place = u16::try_from(globals(0).len()).expect("short");
        let chart = [
            record(BOF, &shorts(&[BIFF8, 0x20])),
            record(NUMBER, &shorts(&[0, 0, 3])),
            record(EOF, &[]),
        ];
        let sheet = [
            record(BOF, &shorts(&[BIFF8, 0x10])),
            record(NUMBER, &shorts(&[0, 0, 1, 0, 0, 0, 0])),
            record(MULTIPLE_RK, &shorts(&[1, 4, 2, 0, 0, 3, 0, 0, 5])),
            chart.concat(),
            record(EOF, &[]),
        ];
        [globals(place), sheet.concat()].concat()
    }

    #[test]
    fn cells_have_the_formats_of_their_styles() {
        let formats = Formats::of(workbook());
        let sheet = formats.sheet(0);
        let shown = |row, column, value| {
            let format = sheet.at(row, column)?;
            Some(format.show(value, Epoch::Year1900).0)
        };
        assert_eq!(shown(0, 0, 1067.0).as_deref(), Some("01067"));
        assert_eq!(shown(1, 4, 89.9).as_deref(), Some("89.90 €"));
        assert_eq!(shown(1, 5, 0.25).as_deref(), Some("25%"));
        assert_eq!(shown(1, 6, 1.0), None);
        assert!(formats.sheet(1).at(0, 0).is_none());
    }

    #[test]
    fn damaged_records_are_passed_over() {
        let whole = workbook();
        for at in 0..whole.len() {
            let mut spoilt = whole.clone();
            spoilt[at] ^= 0xff;
            let _ = Formats::of(spoilt).sheet(0).at(0, 0);
            let _ = Formats::of(whole[..at].to_vec()).sheet(0).at(0, 0);
        }
        let old = record(BOF, &shorts(&[0x0500, 5]));
        assert!(Formats::of(old).styles.is_empty());
        assert!(Formats::read(b"no file").sheets.is_empty());
    }
}
