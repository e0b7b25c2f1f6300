//! Tables, row by row.
//!
//! Owns what a table becomes: rows that stand for themselves where it has headers, rows of cells where
//! it has none, and paragraphs where it only arranges the page. Called by `flow`, which collects what
//! is in the cells.

use super::super::transcript::{row, single_line};
use super::flow::{Piece, one_line};

/// A cell with more text than this is no cell (bytes): its table arranges the page.
const LONGEST_CELL: usize = 1500;

/// Headers stand in every row, so they are short (bytes).
const LONGEST_HEADER: usize = 120;

/// Columns beyond this are left out. What spans more is no table anybody made.
const MOST_COLUMNS: usize = 1000;

/// A table being read.
#[derive(Debug, Default)]
pub(in super::super) struct Table {
    rows: Vec<Row>,
    in_cell: bool,
    /// The first row is set like headers.
    styled: bool,
}

#[derive(Debug, Default)]
struct Row {
    /// The document says that this row has the headers.
    header: bool,
    cells: Vec<Cell>,
}

#[derive(Debug, Default)]
struct Cell {
    pieces: Vec<Piece>,
    properties: CellProperties,
}

/// How a cell stands in its table.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct CellProperties {
    /// Columns it takes.
    pub span: usize,
    /// It has the text of the cell above.
    pub continues: bool,
}

impl Default for CellProperties {
    fn default() -> Self {
        Self {
            span: 1,
            continues: false,
        }
    }
}

/// The headers of a table, in as many rows.
#[derive(Default)]
struct Headers {
    texts: Vec<String>,
    rows: usize,
}

impl Table {
    /// A table of these rows, the first of which has the headers if `header`.
    pub(super) fn of(rows: impl IntoIterator<Item = Vec<String>>, header: bool) -> Self {
        let cell = |text| Cell {
            pieces: vec![Piece::Paragraph(text)],
            properties: CellProperties::default(),
        };
        let rows = rows.into_iter().enumerate().map(|(index, cells)| Row {
            header: header && index == 0,
            cells: cells.into_iter().map(cell).collect(),
        });
        Self {
            rows: rows.collect(),
            ..Self::default()
        }
    }

    /// Begins a row; `header` where the document says that it has the headers.
    pub(in super::super) fn open_row(&mut self, header: bool) {
        self.in_cell = false;
        self.rows.push(Row {
            header,
            cells: Vec::new(),
        });
    }

    pub(in super::super) fn open_cell(&mut self) {
        self.in_cell = false;
        self.cell();
    }

    pub(in super::super) fn close_cell(&mut self) {
        self.in_cell = false;
    }

    /// Adds to the open cell.
    pub(in super::super) fn add(&mut self, piece: Piece) {
        self.cell().pieces.push(piece);
    }

    pub(in super::super) fn set_cell(&mut self, properties: CellProperties) {
        self.cell().properties = properties;
    }

    /// The open row has the headers.
    pub(in super::super) fn mark_header(&mut self) {
        self.row().header = true;
    }

    /// The first row is set like headers.
    pub(super) fn mark_styled(&mut self) {
        self.styled = true;
    }

    /// Takes the open row back.
    pub(super) fn drop_row(&mut self) {
        self.in_cell = false;
        self.rows.pop();
    }

    /// What is in its cells, one after another.
    pub(super) fn into_cells(self) -> impl Iterator<Item = Vec<Piece>> {
        let cells = self.rows.into_iter().flat_map(|row| row.cells);
        cells.map(|cell| cell.pieces)
    }

    /// Its rows as lines that stand for themselves, without empty ones.
    pub(in super::super) fn lines(&self) -> impl Iterator<Item = String> {
        let headers = self.headers();
        let rows = self.rows.get(headers.rows..).unwrap_or_default();
        let mut above = Vec::new();
        let lines = rows.iter().map(move |read| {
            let cells = read.texts(&above);
            let line = if headers.texts.is_empty() {
                joined(&cells)
            } else {
                row(&headers.texts, &cells)
            };
            above = cells;
            line
        });
        lines.filter(|line| !line.is_empty())
    }

    /// Rows and cells on one line.
    pub(super) fn in_one_line(&self) -> String {
        let rows = self.rows.iter().map(|row| joined(&row.texts(&[])));
        let rows: Vec<_> = rows.filter(|row| !row.is_empty()).collect();
        rows.join("; ")
    }

    fn row(&mut self) -> &mut Row {
        if self.rows.is_empty() {
            self.rows.push(Row::default());
        }
        let last = self.rows.len() - 1;
        &mut self.rows[last]
    }

    /// The open cell, a new one where none is.
    fn cell(&mut self) -> &mut Cell {
        let fresh = !std::mem::replace(&mut self.in_cell, true);
        let row = self.row();
        if fresh || row.cells.is_empty() {
            row.cells.push(Cell::default());
        }
        let last = row.cells.len() - 1;
        &mut row.cells[last]
    }

    /// Whether reading it cell by cell is reading the page.
    pub(super) fn arranges_the_page(&self) -> bool {
        let columns = self.rows.iter().map(|row| row.cells.len()).max();
        let mut cells = self.rows.iter().flat_map(|row| &row.cells);
        columns.unwrap_or(0) <= 1
            || cells.any(Cell::is_page)
            || (self.rows.len() == 1
                && self
                    .rows
                    .iter()
                    .any(|row| row.cells.iter().any(|cell| cell.pieces.len() > 2)))
    }

    /// The headers, by what the document says or by how the first row differs from the others.
    fn headers(&self) -> Headers {
        let marked = self.rows.iter().take_while(|row| row.header).count();
        if marked > 0 && marked < self.rows.len() {
            let texts = self.rows.iter().take(marked).map(|row| row.texts(&[]));
            return Headers {
                texts: texts.fold(Vec::new(), |above, below| above_another(&above, &below)),
                rows: marked,
            };
        }
        let Some((first, others)) = self.rows.split_first() else {
            return Headers::default();
        };
        let texts = first.texts(&[]);
        if others.is_empty() || !are_headers(&texts) || !(self.styled || first.differs_from(others))
        {
            return Headers::default();
        }
        Headers { texts, rows: 1 }
    }
}

impl Row {
    /// The text of each column; `above` is the row before.
    fn texts(&self, above: &[String]) -> Vec<String> {
        let mut texts = Vec::new();
        for cell in &self.cells {
            let text = cell.text();
            for column in 0..cell.properties.span.max(1) {
                if texts.len() >= MOST_COLUMNS {
                    return texts;
                }
                let inherited = above.get(texts.len()).filter(|_| cell.properties.continues);
                texts.push(match inherited {
                    Some(above) => above.clone(),
                    // A header stands above all its columns, a value in one.
                    None if column == 0 || self.header => text.clone(),
                    None => String::new(),
                });
            }
        }
        texts
    }

    /// Whether this row, whose cells could be headers, is unlike the rows below it.
    fn differs_from(&self, others: &[Row]) -> bool {
        let columns = self.cells.len();
        if columns > 2 {
            return true;
        }
        // Two columns are as often names with their values, where every row is like every other.
        let is_key = |row: &Row| row.cells.first().is_some_and(Cell::is_strong);
        if others.iter().all(is_key) {
            return false;
        }
        if self.cells.iter().all(Cell::is_strong) {
            return true;
        }
        let figures = |column: usize| {
            let is_figure = |cell: &Cell| is_figure(&cell.text());
            let of_row = |row: &Row| row.cells.get(column).is_some_and(is_figure);
            others.iter().all(of_row)
        };
        figures(1) && (others.len() > 2 || figures(0))
    }
}

impl Cell {
    /// Whether all its text is bold.
    fn is_strong(&self) -> bool {
        let strong = |piece| matches!(piece, &Piece::Emphasis(_) | &Piece::Heading(..));
        !self.pieces.is_empty() && self.pieces.iter().all(strong)
    }

    fn text(&self) -> String {
        one_line(&self.pieces)
    }

    /// Whether there is more in it than belongs in a table's cell.
    fn is_page(&self) -> bool {
        let mut length = 0;
        self.pieces.iter().any(|piece| match piece {
            Piece::Heading(..) => true,
            Piece::Paragraph(text)
            | Piece::Emphasis(text)
            | Piece::Item(_, text)
            | Piece::Line(text) => {
                length += text.len();
                length > LONGEST_CELL
            }
            Piece::Table(table) => table.rows.len() > 1,
        })
    }
}

/// Cells without headers, side by side.
pub(super) fn joined(cells: &[String]) -> String {
    let cells = cells.iter().map(|cell| single_line(cell));
    cells
        .filter(|cell| !cell.is_empty())
        .collect::<Vec<_>>()
        .join(" | ")
}

/// Two rows of headers as one.
fn above_another(above: &[String], below: &[String]) -> Vec<String> {
    let columns = above.len().max(below.len());
    let of = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
    let column = |column: usize| match (of(above, column), of(below, column)) {
        (above, below) if above == below => above,
        (above, below) => single_line(&format!("{above} {below}")),
    };
    (0..columns).map(column).collect()
}

/// Whether every column has a short text that is no figure, and at most the first has none.
fn are_headers(texts: &[String]) -> bool {
    let is_header = |text: &String| {
        !text.is_empty() && text.len() <= LONGEST_HEADER && (!is_figure(text) || is_year(text))
    };
    let first = texts
        .first()
        .is_some_and(|text| text.is_empty() || is_header(text));
    let mut sorted: Vec<&String> = texts.iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    texts.len() > 1
        && first
        && texts.iter().skip(1).all(is_header)
        && texts.iter().any(|text| !is_figure(text))
        && sorted.len() == texts.len()
}

/// A text that counts or measures: more digits than letters.
pub(super) fn is_figure(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    digits > letters
}

pub(super) fn is_year(text: &str) -> bool {
    text.trim()
        .parse()
        .is_ok_and(|year: u16| (1900..=2100).contains(&year))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::super::super::Limits;
    use super::super::flow::Flow;
    use super::*;

    /// Writes a table; `*` before a cell's text makes it bold, `^` continues the one above, `_` before
    /// the text makes it span two columns.
    fn written(rows: &[&[&str]], header: bool) -> String {
        let limits = Limits::new("unused".into());
        let mut flow = Flow::new(&limits);
        flow.add(Piece::Paragraph("Before".to_owned()));
        flow.open_table();
        for (index, cells) in rows.iter().enumerate() {
            flow.open_row(header && index == 0);
            for cell in *cells {
                flow.open_cell();
                flow.cell(CellProperties {
                    span: if cell.starts_with('_') { 2 } else { 1 },
                    continues: *cell == "^",
                });
                let text = cell.trim_start_matches(['*', '^', '_']).to_owned();
                flow.add(if cell.starts_with('*') {
                    Piece::Emphasis(text)
                } else {
                    Piece::Paragraph(text)
                });
                flow.close_cell();
            }
        }
        flow.close_table();
        flow.add(Piece::Paragraph("After".to_owned()));
        flow.finish("test", None, &limits).expect("text").text
    }

    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "expectations are written in place"
    )]
    fn check(rows: &[&[&str]], expected: Expect) {
        expected.assert_eq(&written(rows, false));
    }

    #[test]
    fn rows_stand_with_their_headers() {
        check(
            &[
                &["Item", "Colour", "Price"],
                &["Crane", "red", "7"],
                &["", "^", "8"],
                &[""],
                &["_Rope", "9"],
            ],
            expect![[r#"
                Before

                Item: Crane; Colour: red; Price: 7
                Colour: red; Price: 8
                Item: Rope; Price: 9

                After"#]],
        );
    }

    #[test]
    fn two_columns_have_headers_only_where_it_shows() {
        check(
            &[&["Name", "Ada"], &["Town", "Brno"]],
            expect![[r#"
                Before

                Name | Ada
                Town | Brno

                After"#]],
        );
        check(
            &[&["*Name", "Ada"], &["*Age", "7"], &["*Height", "120"]],
            expect![[r#"
                Before

                Name | Ada
                Age | 7
                Height | 120

                After"#]],
        );
        check(
            &[&["Year", "Ships"], &["1931", "7"], &["1932", "9"]],
            expect![[r#"
                Before

                Year: 1931; Ships: 7
                Year: 1932; Ships: 9

                After"#]],
        );
        check(
            &[&["*Term", "*Meaning"], &["pier", "a place for ships"]],
            expect![[r#"
                Before

                Term: pier; Meaning: a place for ships

                After"#]],
        );
    }

    #[test]
    fn years_are_headers_and_figures_are_not() {
        check(
            &[&["", "1931", "1932"], &["Ships", "70", "90"]],
            expect![[r#"
                Before

                Ships; 1931: 70; 1932: 90

                After"#]],
        );
        check(
            &[&["a", "70", "90"], &["b", "71", "91"]],
            expect![[r#"
                Before

                a | 70 | 90
                b | 71 | 91

                After"#]],
        );
    }

    #[test]
    fn marked_headers_are_believed() {
        let text = written(&[&["Name", "_Cost"], &["Ada", "1", "2"]], true);
        assert_eq!(text, "Before\n\nName: Ada; Cost: 1; Cost: 2\n\nAfter");
    }

    #[test]
    fn tables_that_arrange_the_page_are_paragraphs() {
        let long = "A long text. ".repeat(200);
        let text = written(&[&["Side", &long], &["", "End"]], false);
        assert!(text.starts_with("Before\n\nSide\n\nA long"), "{text}");
        check(
            &[&["One"], &["Two"]],
            expect![[r#"
                Before

                One

                Two

                After"#]],
        );
    }
}
