//! A document's text to the chunks that are embedded, searched and cited.
//!
//! Owns where a text may be cut. A pure function of the extracted document: no I/O, no clock, no
//! tokenizer; sizes are bytes, because a CJK character is three bytes and about one token, as are
//! four letters of English. Called by the pipeline for every document it extracts.
//!
//! In three steps: the body is cut at pages and headings into sections (`sections`), neighbouring
//! small sections are put together into groups (`group`), and groups that are too large are cut at
//! the best places within (`cut`).

mod breaks;
mod outline;
pub(crate) mod tables;

use std::ops::Range;

use crate::extract::Extracted;
use breaks::Breaks;
use outline::Outline;

/// One passage of a document. Spans are trimmed, do not overlap, and together hold every character
/// of the document's properties and body that is not white space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Where the chunk starts in the document's text, in bytes.
    pub start: usize,
    /// Where the chunk ends.
    pub end: usize,
    /// The headings above the chunk, outermost first; those that all of its text is under.
    pub heading_path: Vec<String>,
    /// The page the chunk is on, for documents that have pages.
    pub page: Option<u32>,
}

/// How large chunks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkSettings {
    /// The size aimed at, in bytes.
    pub target_bytes: usize,
    /// The size never exceeded, in bytes.
    pub max_bytes: usize,
}

impl Default for ChunkSettings {
    fn default() -> Self {
        Self {
            target_bytes: 1000,
            max_bytes: 1400,
        }
    }
}

impl ChunkSettings {
    /// Settings that can be met: a chunk holds at least one character, and the target is no larger
    /// than the maximum.
    fn sane(self) -> Self {
        let max_bytes = self.max_bytes.max(4);
        Self {
            target_bytes: self.target_bytes.clamp(1, max_bytes),
            max_bytes,
        }
    }
}

/// Cuts a document into chunks, in order.
#[must_use]
pub fn chunk(document: &Extracted, settings: &ChunkSettings) -> Vec<Chunk> {
    let settings = settings.sane();
    let outline = Outline::new(document);
    let mut chunks = Vec::with_capacity(document.text.len() / settings.target_bytes + 1);
    for (start, end) in cut(document, document.properties.clone(), &settings) {
        chunks.push(Chunk {
            start,
            end,
            heading_path: Vec::new(),
            page: None,
        });
    }
    for group in outline.groups(&settings) {
        let mut from = 0;
        for (start, end) in cut(document, group.start..group.end, &settings) {
            // Pieces are in order, so each looks on from where the last one found its sections.
            from = outline.first_section(&group, from, start);
            chunks.push(Chunk {
                start,
                end,
                heading_path: outline.heading_path(document, &group, from, start..end),
                page: group.page,
            });
        }
    }
    chunks
}

/// The trimmed spans of the chunks of a part of a document.
fn cut(document: &Extracted, part: Range<usize>, settings: &ChunkSettings) -> Vec<(usize, usize)> {
    let text = &document.text;
    let mut spans = Vec::new();
    let mut rest = trim(text, part.start, part.end);
    if rest.1 - rest.0 > settings.max_bytes {
        let mut breaks = Breaks::new(document, rest.0..rest.1, settings.max_bytes);
        while rest.1 - rest.0 > settings.max_bytes {
            let at = breaks.best(rest.0, rest.1, settings);
            spans.push(trim(text, rest.0, at));
            rest = trim(text, at, rest.1);
        }
    }
    spans.push(rest);
    spans.retain(|(start, end)| start < end);
    spans
}

/// The span without white space at its ends.
fn trim(text: &str, start: usize, end: usize) -> (usize, usize) {
    let span = &text[start..end];
    let trimmed = span.trim_start();
    let start = end - trimmed.len();
    (start, start + trimmed.trim_end().len())
}

#[cfg(test)]
mod tests;
