//! From one file's bytes to text with its structure: title, headings, pages, tags and links.
//!
//! Owns what each kind of file means and why a file is refused. It reads no folders and keeps no
//! state; PDF files are read by a child process (`child`), because a hostile one can take the
//! process down. Called by the pipeline, once per changed file, on a blocking thread.

mod child;
mod front_matter;
mod html;
mod html_text;
mod language;
mod layout;
mod markdown;
mod page_text;
mod pdf;
mod repair;
mod sniff;
mod text;
mod worker;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

pub use worker::child_main;

use sniff::Kind;

const MEBIBYTE: u64 = 1024 * 1024;

/// What was read from one file. All offsets are bytes into `text`, on character boundaries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extracted {
    /// The document's own title; `None` where it has none and its file name has to serve.
    pub title: Option<String>,
    /// The document as text.
    pub text: String,
    /// The part of `text` to search and cite: front matter is left out.
    pub body: Range<usize>,
    /// Headings in order of appearance.
    pub headings: Vec<Heading>,
    /// Pages that have text, in order; empty for formats without pages.
    pub pages: Vec<Page>,
    /// Tags without `#`, in order of appearance, each once; the first thousand.
    pub tags: Vec<String>,
    /// Other names the document gives itself.
    pub aliases: Vec<String>,
    /// Targets of wiki links, without heading or display text, each once; the first thousand.
    pub links: Vec<String>,
    /// `text` is byte for byte the file, so offsets are offsets in the file too.
    pub source_is_text: bool,
    /// Which reader made this, for `vade doctor` and for re-reading after an improvement.
    pub extractor: &'static str,
    /// ISO 639-1 code where the language is clear.
    pub language: Option<&'static str>,
    /// What a person should know although the document was read, such as unreadable pages.
    pub notice: Option<String>,
}

/// A heading and where its line starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// Start of the heading's line.
    pub start: usize,
    /// 1 (outermost) to 6.
    pub level: u8,
    /// The heading without markup.
    pub text: String,
}

/// A page's part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// 1 for the first page of the file.
    pub number: u32,
    /// Where the page's text starts.
    pub start: usize,
    /// Where the page's text ends.
    pub end: usize,
}

/// Why a file gave no text, in words for the person whose file it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Nothing is wrong with the file; there is nothing in it to index.
    #[error("{0}")]
    Skipped(String),
    /// The file should have been readable and was not.
    #[error("{0}")]
    Failed(String),
}

impl Rejection {
    fn skipped(reason: impl Into<String>) -> Self {
        Self::Skipped(reason.into())
    }

    fn failed(reason: impl Into<String>) -> Self {
        Self::Failed(reason.into())
    }
}

/// How much one file may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Larger files are skipped, in bytes.
    pub max_file_bytes: u64,
    /// Text beyond this is left out, with a notice, in bytes.
    pub max_text_bytes: usize,
    /// Memory the child may use on top of what its program takes, in bytes.
    pub child_memory_bytes: u64,
    /// Time the child may take, processor and wall clock alike, in seconds.
    pub child_seconds: u64,
    /// The executable started as the child; `vade` itself, outside tests.
    pub worker: PathBuf,
}

impl Limits {
    /// The default limits, with `worker` as the executable started for PDF files.
    #[must_use]
    pub fn new(worker: PathBuf) -> Self {
        Self {
            max_file_bytes: 64 * MEBIBYTE,
            max_text_bytes: 16 * 1024 * 1024,
            child_memory_bytes: 1024 * MEBIBYTE,
            child_seconds: 60,
            worker,
        }
    }
}

/// Reads a file's bytes as the kind of document they are. `path` is only looked at, not opened.
///
/// # Errors
///
/// A [`Rejection`] with its reason, for files that are not documents and for broken ones.
pub fn extract(path: &Path, bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    if bytes.len() as u64 > limits.max_file_bytes {
        let megabytes = limits.max_file_bytes / MEBIBYTE;
        return Err(Rejection::skipped(format!("larger than {megabytes} MB")));
    }
    let kind = sniff::kind(path, bytes)?;
    // The readers are other people's code; a panic in one is that file's problem only.
    let mut extracted = catch_unwind(AssertUnwindSafe(|| read(kind, bytes, limits)))
        .unwrap_or_else(|_| {
            Err(Rejection::failed(
                "the reader for this kind of file crashed",
            ))
        })?;
    let body = &extracted.text[extracted.body.clone()];
    if body.trim().is_empty() {
        let front_matter_only = extracted.body.start > 0;
        return Err(Rejection::skipped(if front_matter_only {
            "no text besides its front matter"
        } else {
            "empty"
        }));
    }
    if kind != Kind::SourceCode {
        extracted.language = language::detect(body);
    }
    Ok(extracted)
}

fn read(kind: Kind, bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    match kind {
        Kind::Markdown => markdown::extract(bytes, limits),
        Kind::Html => html::extract(bytes, limits),
        Kind::Pdf => pdf::extract(bytes, limits),
        Kind::Prose | Kind::SourceCode => text::extract(bytes, limits),
    }
}

/// Shortens `text` to at most `max_bytes` and says so; `None` where it fits.
fn cut(text: &mut String, max_bytes: usize) -> Option<String> {
    if text.len() <= max_bytes {
        return None;
    }
    text.truncate(text.floor_char_boundary(max_bytes));
    Some(cut_notice(max_bytes))
}

fn cut_notice(max_bytes: usize) -> String {
    let kept = max_bytes as u64;
    if kept >= MEBIBYTE {
        format!("only the first {} MB of text were read", kept / MEBIBYTE)
    } else {
        format!("only the first {kept} bytes of text were read")
    }
}

/// Nobody has this many tags or links in one document by hand, and a generated list of them would
/// make looking through it slow.
const MAX_LISTED: usize = 1000;

/// Adds `value` unless it is empty or already there.
fn push_once(list: &mut Vec<String>, value: &str) {
    if !value.is_empty() && list.len() < MAX_LISTED && !list.iter().any(|known| known == value) {
        list.push(value.to_owned());
    }
}

#[cfg(test)]
mod tests;
