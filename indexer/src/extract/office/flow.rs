//! Paragraphs, lists and tables of a document in the order they are read, to its text.
//!
//! Owns what stands directly below what, and where text goes that is within other text: cells, text
//! boxes, notes. It knows no format; the readers of documents and presentations call it.

use super::super::transcript::{Transcript, single_line};
use super::super::{Extracted, Limits, Rejection};
use super::table::{CellProperties, Table};

/// A paragraph in bold that is longer than this (bytes) is no heading.
const LONGEST_HEADING: usize = 120;

/// What a document is made of.
#[derive(Debug)]
pub(in super::super) enum Piece {
    Heading(u8, String),
    Paragraph(String),
    /// A paragraph in bold, which may be a heading.
    Emphasis(String),
    /// An item of a list that is within so many others, with its mark.
    Item(usize, String),
    /// Text that belongs directly below what is before it.
    Line(String),
    Table(Table),
}

/// What text may be in instead of the document itself.
enum Container {
    Table(Table),
    /// Pieces kept back for the caller.
    Held(Vec<Piece>),
}

/// A document being written down.
pub(super) struct Flow {
    transcript: Transcript,
    open: Vec<Container>,
    /// The last piece was an item.
    in_list: bool,
}

impl Flow {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            transcript: Transcript::new(limits),
            open: Vec::new(),
            in_list: false,
        }
    }

    /// Whether what follows is left out.
    pub(super) fn is_full(&self) -> bool {
        self.transcript.is_full()
    }

    /// Adds a piece where the document is read: to the open cell, to what is held, or at the end.
    pub(super) fn add(&mut self, piece: Piece) {
        match self.open.last_mut() {
            Some(Container::Table(table)) => table.add(piece),
            Some(Container::Held(pieces)) => pieces.push(piece),
            None => self.write(piece),
        }
    }

    /// Adds pieces that were held.
    pub(super) fn add_all(&mut self, pieces: Vec<Piece>) {
        for piece in pieces {
            self.add(piece);
        }
    }

    /// Begins page `number`, counted from 1.
    pub(super) fn page(&mut self, number: u32) {
        self.transcript.page(number);
        self.in_list = false;
    }

    /// Keeps what follows back until [`Flow::release`].
    pub(super) fn hold(&mut self) {
        self.open.push(Container::Held(Vec::new()));
    }

    /// Gives what was kept back.
    pub(super) fn release(&mut self) -> Vec<Piece> {
        match self.open.pop() {
            Some(Container::Held(pieces)) => pieces,
            Some(Container::Table(table)) => vec![Piece::Table(table)],
            None => Vec::new(),
        }
    }

    pub(super) fn open_table(&mut self) {
        self.open.push(Container::Table(Table::default()));
    }

    /// Begins a row; `header` where the document says that it has the headers.
    pub(super) fn open_row(&mut self, header: bool) {
        if let Some(Container::Table(table)) = self.open.last_mut() {
            table.open_row(header);
        }
    }

    pub(super) fn open_cell(&mut self) {
        if let Some(Container::Table(table)) = self.open.last_mut() {
            table.open_cell();
        }
    }

    /// Says how the cell that is read stands in its table.
    pub(super) fn cell(&mut self, properties: CellProperties) {
        if let Some(Container::Table(table)) = self.open.last_mut() {
            table.set_cell(properties);
        }
    }

    /// The cell that is read has the text of the one above.
    pub(super) fn continue_cell(&mut self) {
        self.cell(CellProperties {
            continues: true,
            ..CellProperties::default()
        });
    }

    /// The row being read is a header row.
    pub(super) fn mark_header(&mut self) {
        if let Some(Container::Table(table)) = self.open.last_mut() {
            table.mark_header();
        }
    }

    /// The first row of the table being read is set like headers.
    pub(super) fn mark_styled(&mut self) {
        if let Some(Container::Table(table)) = self.open.last_mut() {
            table.mark_styled();
        }
    }

    pub(super) fn close_cell(&mut self) {
        if let Some(Container::Table(table)) = self.open.last_mut() {
            table.close_cell();
        }
    }

    /// Takes the row being read back.
    pub(super) fn drop_row(&mut self) {
        if let Some(Container::Table(table)) = self.open.last_mut() {
            table.drop_row();
        }
    }

    pub(super) fn close_table(&mut self) {
        match self.open.pop() {
            Some(Container::Table(table)) => self.add(Piece::Table(table)),
            Some(held) => self.open.push(held),
            None => {}
        }
    }

    /// Ends tables and texts that were left open.
    pub(super) fn close_all(&mut self) {
        while !self.open.is_empty() {
            let pieces = self.release();
            self.add_all(pieces);
        }
    }

    /// The document, read by `extractor`. What is still open is closed.
    ///
    /// # Errors
    /// As for [`Transcript::finish`].
    pub(super) fn finish(
        mut self,
        extractor: &'static str,
        title: Option<String>,
        limits: &Limits,
    ) -> Result<Extracted, Rejection> {
        self.close_all();
        self.transcript.finish(extractor, title, limits)
    }

    fn write(&mut self, piece: Piece) {
        if self.is_full() {
            return;
        }
        let was_in_list = std::mem::take(&mut self.in_list);
        match piece {
            Piece::Heading(level, text) => self.transcript.heading(level, &text),
            Piece::Paragraph(text) if text.trim().is_empty() => self.in_list = was_in_list,
            Piece::Emphasis(text) if could_be_heading(&text) => {
                self.transcript.heading_candidate(2, &text);
            }
            Piece::Paragraph(text) | Piece::Emphasis(text) => self.transcript.paragraph(&text),
            Piece::Item(depth, text) => {
                self.in_list = true;
                if was_in_list {
                    self.transcript.item(depth, &text);
                } else {
                    self.transcript.paragraph(&text);
                }
            }
            Piece::Line(text) => {
                self.in_list = was_in_list;
                self.transcript.line(&text);
            }
            Piece::Table(table) => self.write_table(table),
        }
    }

    fn write_table(&mut self, table: Table) {
        if table.arranges_the_page() {
            for pieces in table.into_cells() {
                self.in_list = false;
                for piece in pieces {
                    self.write(piece);
                }
            }
            self.in_list = false;
            return;
        }
        let mut first = true;
        for line in table.lines() {
            if self.is_full() {
                return;
            }
            if std::mem::take(&mut first) {
                self.transcript.paragraph(&line);
            } else {
                self.transcript.line(&line);
            }
        }
    }
}

/// Pieces as one line.
pub(super) fn one_line(pieces: &[Piece]) -> String {
    let mut text = String::new();
    let mut after_item = false;
    for piece in pieces {
        let (part, is_item) = match piece {
            Piece::Heading(_, part)
            | Piece::Paragraph(part)
            | Piece::Emphasis(part)
            | Piece::Line(part) => (single_line(part), false),
            Piece::Item(_, part) => (single_line(part.trim_start_matches("- ")), true),
            Piece::Table(table) => (table.in_one_line(), false),
        };
        if part.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push_str(if is_item && after_item { ", " } else { " " });
        }
        text.push_str(&part);
        after_item = is_item;
    }
    text
}

/// Whether a paragraph in bold could be a heading by its text.
fn could_be_heading(text: &str) -> bool {
    text.len() <= LONGEST_HEADING
        && !text.contains('\n')
        && !text.ends_with(['.', ',', ';', ':', '!', '?'])
        && text.chars().filter(|c| c.is_alphabetic()).count() > 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_lines() {
        let limits = Limits::new("unused".into());
        let mut flow = Flow::new(&limits);
        flow.add(Piece::Paragraph("Before".to_owned()));
        flow.add(Piece::Item(0, "- One".to_owned()));
        flow.add(Piece::Paragraph(" ".to_owned()));
        flow.add(Piece::Item(1, "1. Two".to_owned()));
        flow.add(Piece::Paragraph("After".to_owned()));
        let text = flow.finish("test", None, &limits).expect("text").text;
        assert_eq!(text, "Before\n\n- One\n  1. Two\n\nAfter");
    }

    #[test]
    fn what_is_left_open_is_written() {
        let limits = Limits::new("unused".into());
        let mut flow = Flow::new(&limits);
        flow.hold();
        flow.open_table();
        flow.open_row(false);
        flow.open_cell();
        flow.add(Piece::Paragraph("kept".to_owned()));
        flow.close_table();
        flow.open_table();
        flow.add(Piece::Paragraph("too".to_owned()));
        let text = flow.finish("test", None, &limits).expect("text").text;
        assert_eq!(text, "kept\n\ntoo");
    }
}
