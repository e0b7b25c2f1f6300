//! Builds a document's text piece by piece, with its headings and pages, within the text limit.
//!
//! For readers whose source is not text itself. Pieces are separated by blank lines, rows of a table by
//! line ends, so that the chunker finds places to cut.

use std::borrow::Cow;

use super::{Extracted, Heading, Limits, Page, Rejection, cut_notice};

/// A document that is being written down.
pub(super) struct Transcript {
    document: Extracted,
    /// Lines that only look like headings: they serve where there are no others.
    candidates: Vec<Heading>,
    room: usize,
    full: bool,
    /// The last page has no text yet.
    fresh_page: bool,
}

impl Transcript {
    /// An empty document.
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            document: Extracted::default(),
            candidates: Vec::new(),
            room: limits.max_text_bytes,
            full: false,
            fresh_page: false,
        }
    }

    /// Whether the text limit was reached: what follows is left out.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Adds a heading of level 1 (outermost) to 6 on a line of its own; blank ones are left out.
    pub(super) fn heading(&mut self, level: u8, text: &str) {
        let heading = self.headed(level, text);
        self.document.headings.extend(heading);
    }

    /// Adds a line that looks like a heading. It becomes one where the document has no others.
    pub(super) fn heading_candidate(&mut self, level: u8, text: &str) {
        let heading = self.headed(level, text);
        self.candidates.extend(heading);
    }

    /// Adds a paragraph, which may have several lines; blank ones are left out.
    pub(super) fn paragraph(&mut self, text: &str) {
        self.add("\n\n", text);
    }

    /// Adds a line directly below what is there: a list item, a table's row.
    pub(super) fn line(&mut self, text: &str) {
        self.add("\n", text);
    }

    /// Adds a list's item, `depth` lists within others, on a line directly below what is there.
    pub(super) fn item(&mut self, depth: usize, text: &str) {
        self.add(&format!("\n{}", "  ".repeat(depth)), text);
    }

    /// Begins page `number`, counted from 1.
    pub(super) fn page(&mut self, number: u32) {
        self.end_page();
        let start = self.document.text.len();
        let end = start;
        self.document.pages.push(Page { number, start, end });
        self.fresh_page = true;
    }

    /// Adds another document below a heading: its headings go one level down, its pages are dropped.
    pub(super) fn nested(&mut self, heading: &str, document: &Extracted) {
        self.heading(1, heading);
        let body = document.body.clone();
        let headings = document.headings.iter().filter_map(|heading| {
            let start = heading.start.checked_sub(body.start)?;
            let level = heading.level + 1;
            Some(Heading {
                start,
                level,
                ..heading.clone()
            })
        });
        self.embed(&document.text[body.clone()], headings);
    }

    /// Adds text that has its own headings, whose starts count from the start of `text`.
    pub(super) fn embed(&mut self, text: &str, headings: impl IntoIterator<Item = Heading>) {
        let lead = text.len() - text.trim_start().len();
        let start = self.add("\n\n", text);
        let end = self.document.text.len();
        for heading in headings {
            let at = heading.start.saturating_sub(lead) + start;
            if at < end {
                self.document.headings.push(Heading {
                    start: at,
                    level: heading.level.clamp(1, 6),
                    text: heading.text,
                });
            }
        }
    }

    /// The document, read by `extractor`.
    ///
    /// # Errors
    /// [`Rejection::Skipped`] where there is no text in it.
    pub(super) fn finish(
        mut self,
        extractor: &'static str,
        title: Option<String>,
        limits: &Limits,
    ) -> Result<Extracted, Rejection> {
        self.end_page();
        let mut document = self.document;
        if document.text.is_empty() {
            return Err(Rejection::skipped("no text in it"));
        }
        document.pages.retain(|page| page.start < page.end);
        // Where much of the text looks like headings, none of it is.
        let marked: usize = self
            .candidates
            .iter()
            .map(|heading| heading.text.len())
            .sum();
        if document.headings.is_empty() && marked * 4 <= document.text.len() {
            document.headings = self.candidates;
        }
        document.title = title
            .map(|title| single_line(&title))
            .filter(|title| !title.is_empty())
            .or_else(|| first_heading(&document.headings));
        document.body = 0..document.text.len();
        document.extractor = Cow::Borrowed(extractor);
        document.notice = self.full.then(|| cut_notice(limits.max_text_bytes));
        Ok(document)
    }

    fn headed(&mut self, level: u8, text: &str) -> Option<Heading> {
        let text = single_line(text);
        if text.is_empty() {
            return None;
        }
        let start = self.add("\n\n", &text);
        let level = level.clamp(1, 6);
        (!self.full).then_some(Heading { start, level, text })
    }

    /// Adds trimmed text after a separator and gives where it starts.
    fn add(&mut self, separator: &str, text: &str) -> usize {
        let text = text.trim();
        let document = &mut self.document.text;
        let fresh = document.is_empty();
        let separator = if fresh { "" } else { separator };
        let start = document.len() + separator.len();
        if text.is_empty() || self.full {
            return start;
        }
        let left = self.room.saturating_sub(start);
        let kept = &text[..text.floor_char_boundary(left)];
        self.full = kept.len() < text.len();
        if !kept.is_empty() {
            document.push_str(separator);
            document.push_str(kept);
            if self.fresh_page
                && let Some(page) = self.document.pages.last_mut()
            {
                page.start = start;
                self.fresh_page = false;
            }
        }
        start
    }

    fn end_page(&mut self) {
        if let Some(page) = self.document.pages.last_mut() {
            page.end = self.document.text.len();
        }
    }
}

fn first_heading(headings: &[Heading]) -> Option<String> {
    let first = headings.iter().min_by_key(|heading| heading.level);
    first.map(|heading| heading.text.clone())
}

/// Text on one line, runs of white space as one space.
pub(super) fn single_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A table's row that stands for itself: each cell with its column's header.
pub(super) fn row(headers: &[String], cells: &[String]) -> String {
    let mut parts = Vec::new();
    for (index, cell) in cells.iter().enumerate() {
        let cell = single_line(cell);
        if cell.is_empty() {
            continue;
        }
        match headers.get(index).map(|header| single_line(header)) {
            Some(header) if !header.is_empty() => parts.push(format!("{header}: {cell}")),
            _ => parts.push(cell),
        }
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(bytes: usize) -> Limits {
        Limits {
            max_text_bytes: bytes,
            ..Limits::new("/".into())
        }
    }

    #[test]
    fn spans_point_at_what_was_written() {
        let limits = limits(1000);
        let mut transcript = Transcript::new(&limits);
        transcript.page(1);
        transcript.heading(1, " The\n pier ");
        transcript.paragraph("  Built in 1932.\n");
        transcript.page(2);
        transcript.heading(2, "Cost");
        transcript.line(&row(
            &["Item".into(), "Crowns".into()],
            &["Crane".into(), "7".into()],
        ));
        let document = transcript.finish("test", None, &limits).expect("text");
        assert_eq!(
            document.text,
            "The pier\n\nBuilt in 1932.\n\nCost\nItem: Crane; Crowns: 7"
        );
        assert_eq!(document.title.as_deref(), Some("The pier"));
        let headings = document.headings.iter();
        let read: Vec<_> = headings
            .map(|heading| &document.text[heading.start..][..4])
            .collect();
        assert_eq!(read, ["The ", "Cost"]);
        let pages = document.pages.iter();
        let read: Vec<_> = pages
            .map(|page| &document.text[page.start..page.end])
            .collect();
        assert_eq!(
            read,
            ["The pier\n\nBuilt in 1932.", "Cost\nItem: Crane; Crowns: 7"]
        );
    }

    #[test]
    fn what_is_too_long_is_cut_and_said() {
        let limits = limits(12);
        let mut transcript = Transcript::new(&limits);
        transcript.heading(1, "Title");
        transcript.paragraph("ééééé");
        transcript.heading(2, "Lost");
        assert!(transcript.is_full());
        let document = transcript.finish("test", None, &limits).expect("text");
        assert_eq!(
            (document.text.as_str(), document.headings.len()),
            ("Title\n\néé", 1)
        );
        assert!(document.notice.is_some());
    }
}
