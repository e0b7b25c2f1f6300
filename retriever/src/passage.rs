//! A passage: a chunk that was retrieved, as it is shown, prompted and cited.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use vade_indexer::{Chunk, path_text};

use crate::cite::Citation;
use crate::library::file_name;

/// A retrieved chunk.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    /// Its number in the prompt, from 1; 0 in a plain search.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub n: usize,
    /// Id of its document.
    pub document: String,
    /// Absolute path of its document.
    pub path: String,
    /// Title of its document.
    pub title: String,
    /// The headings it stands under, joined by ` > `.
    pub heading: Option<String>,
    /// Tags of its document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Its page, in documents that have pages.
    pub page: Option<u32>,
    /// Where it begins in the document's text (byte).
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// How well it matches, 0 to 1 among the candidates of this question.
    pub score: f32,
    /// The header of the table in which it begins, where that stands in a passage before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_header: Option<String>,
    /// The text itself; below the header of its table where it is [shown](Passage::shown).
    pub text: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's shape")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Passage {
    /// Whether it is the same part of the same document.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.document == other.document && self.start == other.start
    }

    /// Whether the words that a citation quotes begin in it.
    pub(crate) fn holds(&self, citation: &Citation) -> bool {
        self.document == citation.document && (self.start..self.end).contains(&citation.start)
    }

    /// The passage as it is shown alone: rows of a table below their header.
    #[must_use]
    pub fn shown(mut self) -> Self {
        if let Some(header) = &self.table_header {
            self.text.insert_str(0, &format!("{header}\n"));
        }
        self
    }

    /// All of it, as the one part that is read.
    pub(crate) fn whole(&self) -> Vec<Range<usize>> {
        std::iter::once(0..self.text.len()).collect()
    }

    /// The name of its file.
    pub(crate) fn file_name(&self) -> &str {
        file_name(&self.path)
    }

    /// What it stands under: names that say whose it is and what of.
    pub(crate) fn around(&self) -> String {
        let stem = self.file_name().rsplit_once('.');
        let stem = stem.map_or(self.file_name(), |(stem, _)| stem);
        let folder = self.path.rsplit(['/', '\\']).nth(1).unwrap_or_default();
        let heading = self.heading.as_deref().unwrap_or_default();
        format!(
            "{folder} {stem} {} {heading} {}",
            self.title,
            self.tags.join(" ")
        )
    }

    /// The passages of a document.
    pub(crate) fn all_of(chunks: Vec<Chunk>, score: f32) -> Vec<Self> {
        let passages = chunks.into_iter().map(|chunk| Self::new(chunk, score));
        passages.collect()
    }

    pub(crate) fn new(chunk: Chunk, score: f32) -> Self {
        let document = &chunk.document;
        // The first heading is often the title, which is said already.
        let heading = match chunk.heading.as_slice() {
            [first, rest @ ..] if *first == document.title && !rest.is_empty() => rest,
            all => all,
        };
        Self {
            n: 0,
            document: document.id.0.clone(),
            path: path_text(&document.path).into_owned(),
            title: document.title.clone(),
            heading: (!heading.is_empty()).then(|| heading.join(" > ")),
            tags: document.tags.clone(),
            page: chunk.page,
            start: chunk.span.start,
            end: chunk.span.end,
            score,
            table_header: chunk.table_header,
            text: chunk.text,
        }
    }
}
