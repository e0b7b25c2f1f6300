//! Spreadsheets (.xlsx, .xlsm, .xlsb, .xls, .ods): a row stands with its headers.
//!
//! Owns the choice of a reader by what the file holds, and the two binary formats, which the crate
//! calamine reads. Those made of XML are read by `workbook` and `calc`, within the limits of `package`.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{
    Data, DataRef, ExcelDateTime, Reader, SheetVisible, Xls, XlsError, Xlsb, XlsbError,
};

use super::super::transcript::Transcript;
use super::super::{Extracted, Limits, Rejection};
use super::grid::{
    Cell, DateParts, Epoch, Grid, Kind, date, sheet_name, tidy_iso_date, tidy_iso_duration,
    tidy_number,
};
use super::number_format::NumberFormat;
use super::package::{OLE, Package, element_text, needs_password, not_valid, sensible_title};
use super::xls_formats::Formats;
use super::xml::{Broken, Xml};
use super::{calc, damaged, partly, workbook, xlsb_formats};

const WHAT: &str = "spreadsheet";

/// Reads a spreadsheet.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let mut transcript = Transcript::new(limits);
    if bytes.starts_with(OLE) && !is_encrypted(bytes) {
        guarded(|| write_xls(bytes, &mut transcript))?;
        return finish(transcript, None, limits);
    }
    let mut package = Package::open(bytes, WHAT)?;
    let (read, title) = if package.has("xl/workbook.bin") {
        package.measure()?;
        let read = guarded(|| write_xlsb(bytes, &mut package, &mut transcript))?;
        (read, package.title())
    } else if package.has("content.xml") {
        let read = calc::write(&mut package, &mut transcript)?;
        let title = element_text(&package.optional("meta.xml"), "title");
        (read, title.as_deref().and_then(sensible_title))
    } else {
        let read = workbook::write(&mut package, &mut transcript)?;
        (read, package.title())
    };
    damaged(finish(transcript, title, limits), read, &package)
}

/// Reads an `OpenDocument` spreadsheet that is one part.
pub(super) fn extract_flat(
    text: &str,
    title: Option<String>,
    limits: &Limits,
) -> Result<Extracted, Rejection> {
    let mut transcript = Transcript::new(limits);
    let read = calc::read_sheets(&mut Xml::new(text), &mut transcript);
    let document = finish(transcript, title, limits);
    partly(document, read, |broken| not_valid(WHAT, broken))
}

/// The document with its own title or none: the name of a sheet is no title.
fn finish(
    transcript: Transcript,
    title: Option<String>,
    limits: &Limits,
) -> Result<Extracted, Rejection> {
    let document = transcript.finish("spreadsheet", title.clone(), limits)?;
    Ok(Extracted { title, ..document })
}

fn is_encrypted(bytes: &[u8]) -> bool {
    Package::open(bytes, WHAT).err() == Some(needs_password())
}

/// Other people's code may panic on what it did not expect.
fn guarded<T>(read: impl FnOnce() -> Result<T, Rejection>) -> Result<T, Rejection> {
    let result = catch_unwind(AssertUnwindSafe(read));
    result.unwrap_or_else(|_| Err(not_valid(WHAT, "it is damaged")))
}

fn write_xls(bytes: &[u8], transcript: &mut Transcript) -> Result<(), Rejection> {
    let mut book = Xls::new(Cursor::new(bytes)).map_err(|error| match error {
        XlsError::Password => needs_password(),
        error => not_valid(WHAT, error),
    })?;
    let formats = Formats::read(bytes);
    for (index, name) in book.sheet_names().into_iter().enumerate() {
        let Ok(range) = book.worksheet_range(&name) else {
            continue;
        };
        let formats = formats.sheet(index);
        let (top, left) = range.start().unwrap_or_default();
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let name = shown_name(name, book.sheets_metadata());
        let mut grid = Grid::new(transcript, &name);
        for (row, cells) in (top..).zip(range.rows()) {
            if grid.is_full() {
                break;
            }
            let cells = (left..).zip(cells).filter_map(|(column, value)| {
                let format = formats.at(row, column);
                let value = value_of(value);
                let formatted = format.and_then(|format| formatted(column, &value, format));
                formatted.or_else(|| shown(column, value))
            });
            grid.row(u64::from(row), cells.collect());
        }
        grid.finish();
    }
    Ok(())
}

fn write_xlsb(
    bytes: &[u8],
    package: &mut Package<'_>,
    transcript: &mut Transcript,
) -> Result<Result<(), Broken>, Rejection> {
    let mut book = Xlsb::new(Cursor::new(bytes)).map_err(|error| match error {
        XlsbError::Password => needs_password(),
        error => not_valid(WHAT, error),
    })?;
    let formats = xlsb_formats::Formats::read(package);
    let mut read = Ok(());
    for name in book.sheet_names() {
        let formats = formats.sheet(package, &name);
        let shown_as = shown_name(name.clone(), book.sheets_metadata());
        let Ok(mut reader) = book.worksheet_cells_reader(&name) else {
            continue;
        };
        let mut grid = Grid::new(transcript, &shown_as);
        let mut row = 0;
        let mut cells = Vec::new();
        while !grid.is_full() {
            let cell = match reader.next_cell() {
                Ok(Some(cell)) => cell,
                Ok(None) => break,
                Err(error) => {
                    read = Err(Broken(error.to_string()));
                    break;
                }
            };
            let place = cell.get_position();
            let format = formats.at(place);
            let (number, column) = place;
            if number != row {
                grid.row(u64::from(row), std::mem::take(&mut cells));
                row = number;
            }
            let column = usize::try_from(column).unwrap_or(usize::MAX);
            let value = cell.get_value();
            let formatted = format.and_then(|format| formatted(column, value, format));
            cells.extend(formatted.or_else(|| shown(column, value.clone())));
        }
        grid.row(u64::from(row), cells);
        grid.finish();
    }
    Ok(read)
}

fn shown_name(name: String, sheets: &[calamine::Sheet]) -> String {
    let is_hidden = |sheet: &calamine::Sheet| sheet.visible != SheetVisible::Visible;
    let sheet = sheets.iter().find(|sheet| sheet.name == name);
    sheet_name(name, sheet.is_some_and(is_hidden))
}

/// A cell that holds a number, as its format shows it.
fn formatted(column: usize, value: &DataRef<'_>, format: &NumberFormat) -> Option<Cell> {
    let (number, epoch) = match value {
        DataRef::Int(value) => (f64::from(i32::try_from(*value).ok()?), Epoch::Year1900),
        DataRef::Float(value) => (*value, Epoch::Year1900),
        DataRef::DateTime(value) => (value.as_f64(), epoch_of(*value)),
        _ => return None,
    };
    let (text, kind) = format.show(number, epoch);
    Some(Cell::new(column, text, kind))
}

fn value_of(value: &Data) -> DataRef<'_> {
    match value {
        Data::Int(value) => DataRef::Int(*value),
        Data::Float(value) => DataRef::Float(*value),
        Data::String(value) => DataRef::SharedString(value),
        Data::Bool(value) => DataRef::Bool(*value),
        Data::DateTime(value) => DataRef::DateTime(*value),
        Data::DateTimeIso(value) => DataRef::DateTimeIso(value.clone()),
        Data::DurationIso(value) => DataRef::DurationIso(value.clone()),
        Data::Error(_) | Data::Empty => DataRef::Empty,
    }
}

/// A cell that holds something.
fn shown(column: usize, value: DataRef<'_>) -> Option<Cell> {
    let cell = |text: String, kind| Some(Cell::new(column, text, kind));
    match value {
        DataRef::Int(value) => cell(value.to_string(), Kind::Number),
        DataRef::Float(value) => cell(tidy_number(value), Kind::Number),
        DataRef::String(text) => cell(text, Kind::Words),
        DataRef::SharedString(text) => cell(text.to_owned(), Kind::Words),
        DataRef::Bool(value) => cell(if value { "TRUE" } else { "FALSE" }.to_owned(), Kind::Words),
        DataRef::DateTime(value) => match moment(value) {
            Some(date) => cell(date, Kind::Date),
            None => cell(tidy_number(value.as_f64()), Kind::Number),
        },
        DataRef::DateTimeIso(text) => cell(tidy_iso_date(&text), Kind::Date),
        DataRef::DurationIso(text) => cell(tidy_iso_duration(&text), Kind::Date),
        // What a formula could not compute says nothing.
        DataRef::Error(_) | DataRef::Empty => None,
    }
}

/// The format is not known here, only that it is one of dates: what is zero is not shown.
fn moment(value: ExcelDateTime) -> Option<String> {
    let days = value.as_f64();
    let parts = match days {
        _ if value.is_duration() => DateParts::Elapsed,
        days if days < 1.0 => DateParts::Time,
        _ => DateParts::DateAndTime,
    };
    date(days, parts, epoch_of(value))
}

/// The workbook's first day, which shows only in the year that comes of it.
fn epoch_of(value: ExcelDateTime) -> Epoch {
    let (year, ..) = value.to_ymd_hms_milli();
    let known = date(value.as_f64(), DateParts::DateAndTime, Epoch::Year1900);
    match known {
        Some(known) if !known.starts_with(&format!("{year:04}-")) => Epoch::Year1904,
        _ => Epoch::Year1900,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::super::package::tests::{bomb, zipped};
    use super::*;

    fn read(bytes: &[u8]) -> Result<Extracted, Rejection> {
        extract(bytes, &Limits::new("unused".into()))
    }

    const BOOK: [(&str, &str); 4] = [
        (
            "xl/workbook.xml",
            "<workbook><workbookPr/><sheets><sheet name='Ships' sheetId='1' r:id='rId1'/>
            <sheet name='Hidden' sheetId='2' state='hidden' r:id='rId2'/></sheets></workbook>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            "<Relationships><Relationship Id='rId1' Type='x/worksheet' Target='worksheets/1.xml'/>
            <Relationship Id='rId2' Type='x/worksheet' Target='/xl/worksheets/2.xml'/>
            <Relationship Id='rId3' Type='x/sharedStrings' Target='strings.xml'/>
            <Relationship Id='rId4' Type='x/styles' Target='styles.xml'/></Relationships>",
        ),
        (
            "xl/strings.xml",
            "<sst uniqueCount='99999999999999'><si><t>Ship</t></si><si><r><t>Bu</t></r><r><t>ilt</t></r>
            <rPh><t>reading</t></rPh></si><si><t>Share</t></si></sst>",
        ),
        (
            "xl/styles.xml",
            "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='d. m. yyyy'/></numFmts>
            <cellStyleXfs><xf numFmtId='9'/></cellStyleXfs><cellXfs><xf numFmtId='0'/>
            <xf numFmtId='164'/><xf numFmtId='10'/></cellXfs></styleSheet>",
        ),
    ];

    const FIRST: &str = "<worksheet><dimension ref='A1:XFD1048576'/><sheetData><row r='1'>
        <c r='A1' t='s'><v>0</v></c><c r='B1' t='s'><v>1</v></c><c r='C1' t='s'><v>2</v></c></row>
        <row r='2'><c r='A2' t='inlineStr'><is><t>Ada &amp; co</t></is></c>
        <c r='B2' s='1'><v>45416</v></c><c r='C2' s='2'><f>1/3</f><v>0.25</v></c></row>
        <row r='3'><c r='A3' t='str'><f>A2</f><v>Bea</v></c><c r='B3' t='e'><v>#N/A</v></c>
        <c r='C3'><v>0.30000000000000004</v></c><c r='XFD3' t='b'><v>1</v></c></row>
        </sheetData></worksheet>";

    fn xlsx(first: &str, second: &str) -> Vec<u8> {
        let sheets = [
            ("xl/worksheets/1.xml", first),
            ("xl/worksheets/2.xml", second),
        ];
        zipped(&[&BOOK[..], &sheets].concat())
    }

    const SECOND: &str = "<worksheet><sheetData><row><c><v>7</v></c></row></sheetData></worksheet>";

    #[test]
    fn a_workbook_is_read_sheet_by_sheet() {
        let document = read(&xlsx(FIRST, SECOND)).expect("text");
        expect![[r#"
            Ships

            Ship: Ada & co; Built: 4. 5. 2024 (2024-05-04); Share: 25.00%
            Ship: Bea; Share: 0.3; TRUE

            Hidden (hidden sheet)

            7"#]]
        .assert_eq(&document.text);
        assert_eq!(
            (document.title, &*document.extractor),
            (None, "spreadsheet")
        );
        let headings: Vec<_> = document
            .headings
            .iter()
            .map(|heading| &*heading.text)
            .collect();
        assert_eq!(headings, ["Ships", "Hidden (hidden sheet)"]);
    }

    #[test]
    fn comments_stand_at_their_cells() {
        let relations = "<Relationships><Relationship Id='c' Type='x/comments' Target='../comments1.xml'/>
            <Relationship Id='t' Type='x/threadedComment' Target='../threads/1.xml'/></Relationships>";
        let notes = "<comments><authors><author>Ulf</author><author>tc={1}</author></authors><commentList>
            <comment ref='B2' authorId='0'><text><r><t>Ulf:</t></r><r><t>
            surely 5 May</t></r></text></comment><comment ref='C3' authorId='1'><text><t>[Threaded comment]
            Your version of Excel</t></text></comment><comment ref='E9' authorId='0'><text><t>Alone</t></text>
            </comment><comment ref='A1' authorId='7'><text><t>Of all</t></text></comment></commentList></comments>";
        let threads = "<ThreadedComments><threadedComment ref='C3' personId='{p}'><text>Why?</text>
            </threadedComment><threadedComment ref='C3' personId='{q}'><text>Rounded</text></threadedComment>
            </ThreadedComments>";
        let person = "<personList><person displayName='Ines' id='{p}'/></personList>";
        let relations_of_book = format!(
            "{}<Relationship Id='rId9' Type='x/person' Target='persons.xml'/></Relationships>",
            BOOK[1].1.trim_end_matches("</Relationships>")
        );
        let mut parts = BOOK.to_vec();
        parts[1].1 = &relations_of_book;
        parts.extend([
            ("xl/worksheets/1.xml", FIRST),
            ("xl/worksheets/_rels/1.xml.rels", relations),
            ("xl/comments1.xml", notes),
            ("xl/threads/1.xml", threads),
            ("xl/persons.xml", person),
        ]);
        let document = read(&zipped(&parts)).expect("text");
        expect![[r#"
            Ships

            Ship (Comment: Of all)

            Ship: Ada & co; Built: 4. 5. 2024 (2024-05-04) (Comment by Ulf: surely 5 May); Share: 25.00%
            Ship: Bea; Share: 0.3 (Comment by Ines: Why?; Comment: Rounded); TRUE

            Comment by Ulf: Alone"#]]
        .assert_eq(&document.text);
    }

    fn ods(sheets: &str) -> Vec<u8> {
        let content = format!("<d><office:body><office:spreadsheet>{sheets}");
        let content = format!("{content}</office:spreadsheet></office:body></d>");
        zipped(&[("content.xml", &content)])
    }

    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "expectations are written in place"
    )]
    fn check_ods(sheets: &str, expected: Expect) {
        expected.assert_eq(&read(&ods(sheets)).expect("text").text);
    }

    #[test]
    fn an_open_document_sheet_shows_its_values() {
        let p = |text: &str| {
            format!(
                "<table:table-cell office:value-type='string'><text:p>{text}</text:p>\
                 </table:table-cell>"
            )
        };
        let table = format!(
            "<table:table table:name='Ships'><table:table-row>{}{}{}{}</table:table-row>
            <table:table-row>{}<table:table-cell office:value-type='date'
            office:date-value='2024-05-04T00:00:00'><text:p>4.5.24</text:p></table:table-cell>
            <table:table-cell office:value-type='percentage' office:value='0.25'><text:p>25,0 %</text:p>
            </table:table-cell><table:table-cell office:value-type='currency' office:currency='CZK'
            office:value='1234.5'><office:annotation><text:p>sure?</text:p></office:annotation>
            <text:p>1 234,50 Kč</text:p></table:table-cell><table:table-cell
            table:number-columns-repeated='16380'/></table:table-row><table:table-row
            table:number-rows-repeated='1048574'><table:table-cell
            table:number-columns-repeated='16384'/></table:table-row></table:table>",
            p("Ship"),
            p("Built"),
            p("Share"),
            p("Price"),
            p("Ada <text:span>&amp; co</text:span>"),
        );
        check_ods(
            &table,
            expect![[r#"
                Ships

                Ship: Ada & co; Built: 4.5.24 (2024-05-04); Share: 25,0 %; Price: 1 234,50 Kč (Comment: sure?)"#]],
        );
    }

    #[test]
    fn sheets_that_claim_any_size_stay_small() {
        let cell =
            "<table:table-cell table:number-columns-repeated='4000000000'><text:p>x</text:p>";
        let rows = format!(
            "<table:table><table:table-row table:number-rows-repeated='4000000000'>{cell}
            </table:table-cell></table:table-row></table:table>"
        );
        assert!(read(&ods(&rows)).expect("text").text.len() < 20_000);
        let far =
            (1..20_000).map(|row| format!("<row r='{row}'><c r='XFD{row}'><v>1</v></c></row>"));
        let far = far.collect::<Vec<_>>().concat();
        let document = read(&xlsx(
            &format!("<d><sheetData>{far}</sheetData></d>"),
            SECOND,
        ));
        assert!(document.expect("text").text.len() < 50_000);
        let wide = "<c><v>1</v></c>".repeat(100_000);
        let document = read(&xlsx(&format!("<d><row>{wide}</row></d>"), SECOND));
        assert!(document.expect("text").text.len() < 10_000);
    }

    #[test]
    fn what_is_damaged_does_not_take_the_rest() {
        let document = read(&xlsx(&FIRST[..FIRST.len() - 60], SECOND)).expect("text");
        assert!(
            document.text.starts_with("Ships") && document.text.ends_with("(hidden sheet)\n\n7")
        );
        assert!(document.notice.is_some());
        assert!(matches!(read(&zipped(&BOOK)), Err(Rejection::Skipped(_))));
        assert!(matches!(
            read(&zipped(&[("a", "b")])),
            Err(Rejection::Failed(_))
        ));
        assert!(read(&bomb("xl/workbook.xml", 200)).is_err());
        let lol = "<!DOCTYPE l [<!ENTITY a 'lol'><!ENTITY b '&a;&a;'>]><row><c t='str'><v>x&b;</v></c></row>";
        assert!(
            read(&xlsx(lol, SECOND))
                .expect("text")
                .text
                .contains("x&b;")
        );
        let deep = "<row>".repeat(100_000);
        assert!(read(&xlsx(&deep, SECOND)).expect("text").notice.is_some());
    }

    #[test]
    fn no_damage_crashes_the_reader() {
        let whole = xlsx(FIRST, SECOND);
        for end in (0..whole.len()).step_by(11) {
            assert!(read(&whole[..end]).is_err(), "{end}");
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x55;
            let _ = read(&bytes);
        }
        for end in 0..FIRST.len() {
            let _ = read(&xlsx(&FIRST[..end], SECOND));
        }
    }

    /// Made with xlwt 1.3: headers, a date, a number, a boolean, and a second sheet.
    const XLS: &[u8] = include_bytes!("../../../../tests/fixtures/ships.xls");

    #[test]
    fn an_old_workbook_is_read() {
        let document = read(XLS).expect("text");
        expect![[r#"
            Ships

            Ship: Ada; Built: 2024-05-04; Tons: 70.5
            Ship: Bea; Built: 2024-05-05 07:08; Tons: 90

            Notes

            Closed on Sundays"#]]
        .assert_eq(&document.text);
    }

    #[test]
    fn a_damaged_old_workbook_is_refused() {
        for end in (0..XLS.len()).step_by(97) {
            let _ = read(&XLS[..end]);
        }
        assert!(matches!(read(&XLS[..600]), Err(Rejection::Failed(_))));
        assert!(matches!(read(OLE), Err(Rejection::Failed(_))));
    }

    #[test]
    fn a_binary_workbook_that_is_none_is_refused() {
        let book = zipped(&[
            ("xl/workbook.bin", "no"),
            ("xl/_rels/workbook.bin.rels", "<r/>"),
        ]);
        assert!(matches!(read(&book), Err(Rejection::Failed(_))));
        assert!(read(&bomb("xl/workbook.bin", 200)).is_err());
    }
}
