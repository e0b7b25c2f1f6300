//! `OpenDocument` spreadsheets (.ods), sheet by sheet.
//!
//! Owns what a cell of such a sheet shows. Rows are read one at a time and repetitions are counted,
//! not unfolded, since a sheet repeats its last empty row a million times. Called by `sheets`.

use std::collections::HashSet;

use super::super::Rejection;
use super::super::transcript::{Transcript, single_line};
use super::grid::{
    Cell, Grid, Kind, MOST_CELLS, percent, sheet_name, tidy_iso_date, tidy_iso_duration,
    tidy_number,
};
use super::opendocument::{refuse_encrypted, spaces};
use super::opendocument_margins::annotation;
use super::package::Package;
use super::xml::{Broken, Element, Node, Xml};

/// How often a row or cell that holds something is repeated at most: more say nothing more.
const MOST_REPEATS: usize = 50;

/// Writes all sheets down; the inner result says whether all of them were sound.
pub(super) fn write(
    package: &mut Package<'_>,
    transcript: &mut Transcript,
) -> Result<Result<(), Broken>, Rejection> {
    refuse_encrypted(package)?;
    let Some(body) = package.body("content.xml")? else {
        return Err(package.not_valid("it has no content"));
    };
    let read = read_sheets(&mut Xml::new(&body.text), transcript);
    Ok(body.outcome(read))
}

/// The same of a part that holds the sheets.
pub(super) fn read_sheets(xml: &mut Xml<'_>, transcript: &mut Transcript) -> Result<(), Broken> {
    // Styles stand before the sheets that have them.
    let mut style = String::new();
    let mut hidden: HashSet<String> = HashSet::new();
    while !transcript.is_full()
        && let Some(node) = xml.next()?
    {
        let Node::Open(element) = node else {
            continue;
        };
        match element.name() {
            "style" => style = element.attribute("name").unwrap_or_default(),
            "table-properties" if element.attribute("display").as_deref() == Some("false") => {
                hidden.insert(std::mem::take(&mut style));
            }
            "table" => {
                let style = element.attribute("style-name");
                let is_hidden = style.is_some_and(|style| hidden.contains(&style));
                let name = element.attribute("name").unwrap_or_default();
                let name = sheet_name(name, is_hidden);
                let mut grid = Grid::new(transcript, &name);
                let read = read_sheet(xml, &mut grid);
                grid.finish();
                read?;
            }
            // What was changed and where data came from repeats cells.
            "tracked-changes" | "dde-links" => xml.skip()?,
            _ => {}
        }
    }
    Ok(())
}

fn read_sheet(xml: &mut Xml<'_>, grid: &mut Grid<'_>) -> Result<(), Broken> {
    let mut number = 0_u64;
    let mut repeats = 1_u64;
    let mut column = 0_usize;
    let mut cells: Vec<Cell> = Vec::new();
    while !grid.is_full()
        && let Some(node) = xml.next()?
    {
        match node {
            Node::Open(element) => match element.name() {
                "table-row" => {
                    repeats = element.number("number-rows-repeated").unwrap_or(1).max(1);
                    column = 0;
                }
                "table-cell" | "covered-table-cell" => {
                    let times: usize = element.number("number-columns-repeated").unwrap_or(1);
                    let cell = read_cell(xml, &element, column)?;
                    for repeat in 0..times.min(MOST_REPEATS) {
                        let column = column.saturating_add(repeat);
                        let cell = cell.clone().map(|cell| Cell { column, ..cell });
                        cells.extend(cell.filter(|_| cells.len() < MOST_CELLS));
                    }
                    column = column.saturating_add(times);
                }
                "shapes" | "forms" => xml.skip()?,
                _ => {}
            },
            Node::Close => match xml.closed() {
                "table-row" => {
                    let cells = std::mem::take(&mut cells);
                    for repeat in 0..repeats.min(MOST_REPEATS as u64) {
                        if cells.is_empty() {
                            break;
                        }
                        grid.row(number.saturating_add(repeat), cells.clone());
                    }
                    number = number.saturating_add(repeats);
                }
                "table" => break,
                _ => {}
            },
            Node::Text(_) => {}
        }
    }
    Ok(())
}

/// A cell that holds something.
fn read_cell(
    xml: &mut Xml<'_>,
    element: &Element<'_>,
    column: usize,
) -> Result<Option<Cell>, Broken> {
    let (shown, comment) = cell_text(xml)?;
    let cell = read_value(element, shown, column);
    let noted = || {
        comment
            .is_some()
            .then(|| Cell::new(column, "", Kind::Words))
    };
    Ok(cell.or_else(noted).map(|cell| Cell { comment, ..cell }))
}

/// What the cell just read holds, where this is shown of it.
fn read_value(element: &Element<'_>, shown: String, column: usize) -> Option<Cell> {
    let value = || element.number::<f64>("value");
    let cell = |text: String, kind| Some(Cell::new(column, text, kind));
    let kind = element.attribute("value-type").unwrap_or_default();
    // A column that is too narrow shows nothing of a number.
    let is_shown = !shown.trim_matches(['#', ' ']).is_empty();
    match kind.as_str() {
        "float" | "percentage" | "currency" if is_shown => cell(shown, Kind::Number),
        "float" if let Some(value) = value() => cell(tidy_number(value), Kind::Number),
        "percentage" if let Some(value) = value() => cell(percent(value), Kind::Number),
        "currency" if let Some(value) = value() => {
            let currency = element.attribute("currency").unwrap_or_default();
            let text = format!("{} {currency}", tidy_number(value));
            cell(text.trim_end().to_owned(), Kind::Number)
        }
        "date" if let Some(date) = element.attribute("date-value") => {
            let text = if is_shown {
                with_day(&shown, &date)
            } else {
                tidy_iso_date(&date)
            };
            cell(text, Kind::Date)
        }
        "time" if is_shown => cell(shown, Kind::Date),
        "time" if let Some(time) = element.attribute("time-value") => {
            cell(tidy_iso_duration(&time), Kind::Date)
        }
        "boolean" => cell(shown, Kind::Words),
        _ if shown.is_empty() => {
            let text = element.attribute("string-value").unwrap_or_default();
            cell(text, Kind::Words).filter(|cell| !cell.text.is_empty())
        }
        // What a formula could not compute says nothing.
        _ if shown.starts_with('#') || shown.starts_with("Err:") => None,
        _ => cell(shown, Kind::Words),
    }
}

/// A date as it is shown, with the day beside it where it does not begin with the year: 03/04/2026 is two days.
fn with_day(shown: &str, date: &str) -> String {
    let day = date.trim().split('T').next().unwrap_or_default();
    let year = day.split('-').next().unwrap_or_default();
    let shown = single_line(shown);
    if year.is_empty() || shown.starts_with(year) {
        return shown;
    }
    format!("{shown} ({day})")
}

/// The text in the cell just opened, and the comment on it.
fn cell_text(xml: &mut Xml<'_>) -> Result<(String, Option<String>), Broken> {
    let mut text = String::new();
    let mut comment = None;
    let mut open = 0_usize;
    let mut depth = 0_usize;
    while let Some(node) = xml.next()? {
        match node {
            Node::Open(element) => {
                depth += 1;
                match element.name() {
                    "annotation" => {
                        comment = annotation(xml)?.or(comment);
                        depth -= 1;
                    }
                    "forms" | "object" => {
                        xml.skip()?;
                        depth -= 1;
                    }
                    "p" | "h" => {
                        open += 1;
                        if !text.is_empty() {
                            text.push('\n');
                        }
                    }
                    "s" => text.push_str(&spaces(&element)),
                    "tab" => text.push('\t'),
                    "line-break" => text.push('\n'),
                    _ => {}
                }
            }
            Node::Text(part) if open > 0 => text.push_str(&part),
            Node::Text(_) => {}
            Node::Close if depth == 0 => break,
            Node::Close => {
                depth -= 1;
                if matches!(xml.closed(), "p" | "h") {
                    open -= 1;
                }
            }
        }
    }
    Ok((text, comment))
}
