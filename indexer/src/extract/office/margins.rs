//! What stands above and below the text on every page of a document: once, and marked as such.
//!
//! Owns what of it is kept: a letterhead or a reference number is, the number of the page is not. It knows no format;
//! `word_margins` and `opendocument_margins` find it.

use super::super::transcript::single_line;
use super::flow::{Flow, Piece};

/// What is left of a margin with a page number in it says something only if it is longer (characters).
const WORDS_OF_A_NUMBER: usize = 15;

/// The margins of a document's pages, each text once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Margins {
    headers: Vec<String>,
    footers: Vec<String>,
}

/// A margin, paragraph by paragraph.
#[derive(Debug, Default)]
pub(super) struct Margin {
    paragraphs: Vec<String>,
    /// The open paragraph, and whether it has the number of a page.
    open: String,
    numbered: bool,
}

impl Margin {
    pub(super) fn push(&mut self, text: &str) {
        self.open.push_str(text);
    }

    /// The open paragraph has the number of a page, or how many there are.
    pub(super) fn number(&mut self) {
        self.numbered = true;
    }

    pub(super) fn end_paragraph(&mut self) {
        let text = single_line(&std::mem::take(&mut self.open));
        let numbered = std::mem::take(&mut self.numbered);
        let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
        if letters > if numbered { WORDS_OF_A_NUMBER } else { 0 } {
            self.paragraphs.push(text);
        }
    }

    fn finish(mut self) -> String {
        self.end_paragraph();
        self.paragraphs.join("\n")
    }
}

impl Margins {
    pub(super) fn add_header(&mut self, margin: Margin) {
        add(&mut self.headers, margin);
    }

    pub(super) fn add_footer(&mut self, margin: Margin) {
        add(&mut self.footers, margin);
    }

    /// Writes what stands above the text.
    pub(super) fn write_headers(&mut self, flow: &mut Flow) {
        write(flow, "Page header", std::mem::take(&mut self.headers));
    }

    /// Writes what stands below the text.
    pub(super) fn write_footers(&mut self, flow: &mut Flow) {
        write(flow, "Page footer", std::mem::take(&mut self.footers));
    }
}

fn add(margins: &mut Vec<String>, margin: Margin) {
    let text = margin.finish();
    if !text.is_empty() && !margins.contains(&text) {
        margins.push(text);
    }
}

fn write(flow: &mut Flow, label: &str, margins: Vec<String>) {
    for margin in margins {
        flow.add(Piece::Paragraph(format!("{label}: {margin}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str, numbered: bool) -> Vec<String> {
        let mut margin = Margin::default();
        margin.push(text);
        if numbered {
            margin.number();
        }
        let mut margins = Margins::default();
        margins.add_header(margin);
        margins.headers
    }

    #[test]
    fn page_numbers_are_not_kept() {
        assert_eq!(kept(" Brandt &\t Sohn ", false), ["Brandt & Sohn"]);
        assert_eq!(kept("Page  of ", true), [""; 0]);
        assert_eq!(kept("– – ·", false), [""; 0]);
        assert_eq!(kept("Customer reference KX-20771, page ", true).len(), 1);
    }

    #[test]
    fn what_repeats_is_kept_once() {
        let mut margins = Margins::default();
        for text in ["One", "Two", "One"] {
            let mut margin = Margin::default();
            margin.push(text);
            margins.add_footer(margin);
        }
        assert_eq!(margins.footers, ["One", "Two"]);
    }
}
