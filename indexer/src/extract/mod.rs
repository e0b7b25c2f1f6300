//! From one file's bytes to text with its structure: title, headings, pages, tags and links.
//!
//! Owns what each kind of file means and why a file is refused. It reads no folders and keeps no
//! state. The readers are mostly other people's code and the files anybody's, so they run in a child
//! process (`child` starts it, `worker` is it), which may crash, hang or be killed. Called by the
//! pipeline, once per changed file, on a blocking thread.

mod bounds;
mod child;
mod front_matter;
mod html;
mod html_text;
mod html_unseen;
mod images;
mod language;
mod layout;
mod leftovers;
mod markdown;
mod markup;
mod office;
mod page_text;
mod pdf;
mod pdf_pages;
mod plain;
mod repair;
mod sniff;
mod text;
mod transcript;
mod walls;
mod worker;

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use child::Extractor;
pub use images::Ocr;
pub(crate) use leftovers::is_leftover;
pub use worker::child_main;

pub(crate) use bounds::keep_first;

use child::{Ending, Frame};
use sniff::Kind;

const MEBIBYTE: u64 = 1024 * 1024;

/// What was read from one file. All offsets are bytes into `text`, on character boundaries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extracted {
    /// The document's own title; `None` where it has none and its file name has to serve.
    pub title: Option<String>,
    /// The document as text.
    pub text: String,
    /// What it says of itself at its top, as properties, one a line; empty where it says no more than its title, tags
    /// and other names.
    #[serde(default)]
    pub properties: Range<usize>,
    /// The rest of `text` to search and cite: the marks of front matter are left out.
    pub body: Range<usize>,
    /// Headings in order of appearance.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::HEADINGS }>")]
    pub headings: Vec<Heading>,
    /// Pages that have text, in order; empty for formats without pages.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::PAGES }>")]
    pub pages: Vec<Page>,
    /// Tags without `#`, in order of appearance, each once; the first thousand.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::LISTED }>")]
    pub tags: Vec<String>,
    /// Other names the document gives itself.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::LISTED }>")]
    pub aliases: Vec<String>,
    /// Targets of wiki links, without heading or display text, each once; the first thousand.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::LISTED }>")]
    pub links: Vec<String>,
    /// `text` is byte for byte the file, so offsets are offsets in the file too.
    pub source_is_text: bool,
    /// Which reader made this, for `vade doctor` and for re-reading after an improvement.
    pub extractor: Cow<'static, str>,
    /// ISO 639-1 code where the language is clear.
    #[serde(skip)]
    pub language: Option<&'static str>,
    /// Some of what it says is in images that were not read.
    pub unread_images: bool,
    /// What a person should know although the document was read, such as unreadable pages.
    pub notice: Option<String>,
}

/// A heading and where its line starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// Start of the heading's line.
    pub start: usize,
    /// 1 (outermost) to 6.
    pub level: u8,
    /// The heading without markup.
    pub text: String,
}

/// A page's part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// 1 for the first page of the file.
    pub number: u32,
    /// Where the page's text starts.
    pub start: usize,
    /// Where the page's text ends.
    pub end: usize,
}

/// Why a file gave no text, in words for the person whose file it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Rejection {
    /// Nothing is wrong with the file; there is nothing in it to index.
    #[error("{0}")]
    Skipped(String),
    /// It says something, in images.
    #[error("{0}: {NEEDS_OCR}")]
    NeedsOcr(String),
    /// The file should have been readable and was not.
    #[error("{0}")]
    Failed(String),
    /// Something else than the file kept it from being read: it is worth another try as it is.
    #[error("{0}; {TRIED_AGAIN}")]
    Hindered(String),
}

/// Said of what is no file's own fault.
pub(crate) const TRIED_AGAIN: &str = "it is tried again by itself";

/// Said of images that nothing reads, in these words everywhere.
pub(crate) const NEEDS_OCR: &str = "needs OCR";

impl Rejection {
    fn skipped(reason: impl Into<String>) -> Self {
        Self::Skipped(reason.into())
    }

    fn needs_ocr(reason: impl Into<String>) -> Self {
        Self::NeedsOcr(reason.into())
    }

    fn failed(reason: impl Into<String>) -> Self {
        Self::Failed(reason.into())
    }

    fn hindered(reason: impl Into<String>) -> Self {
        Self::Hindered(reason.into())
    }
}

/// How much one file may cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Larger files are skipped, in bytes.
    pub max_file_bytes: u64,
    /// Text beyond this is left out, with a notice, in bytes.
    pub max_text_bytes: usize,
    /// Memory the child may use on top of what its program takes, in bytes.
    pub child_memory_bytes: u64,
    /// Time the child may take, processor and wall clock alike, in seconds.
    pub child_seconds: u64,
    /// Where images are read: wall time of a whole file, in seconds. Each page has `child_seconds`.
    pub ocr_seconds: u64,
    /// Where images are read: memory, in bytes, if that is more than `child_memory_bytes`.
    pub ocr_memory_bytes: u64,
    /// The executable started as the child; `vade` itself, outside tests.
    #[serde(skip)]
    pub worker: PathBuf,
}

impl Limits {
    /// The default limits, with `worker` as the executable that reads.
    #[must_use]
    pub fn new(worker: PathBuf) -> Self {
        Self {
            max_file_bytes: 64 * MEBIBYTE,
            max_text_bytes: 16 * 1024 * 1024,
            child_memory_bytes: 1024 * MEBIBYTE,
            child_seconds: 60,
            ocr_seconds: 3600,
            ocr_memory_bytes: 2048 * MEBIBYTE,
            worker,
        }
    }

    /// Memory the child may use (bytes).
    fn memory(&self, with_ocr: bool) -> u64 {
        let least = if with_ocr { self.ocr_memory_bytes } else { 0 };
        self.child_memory_bytes.max(least)
    }

    /// Processor time the child may use (seconds).
    fn seconds(&self, ocr: Option<&Ocr>) -> u64 {
        ocr.map_or(self.child_seconds, |ocr| {
            self.ocr_seconds.saturating_mul(ocr.threads())
        })
    }
}

impl Extractor {
    /// Reads a file's bytes as the kind of document they are. `path` is only looked at, not opened. Without
    /// `ocr`, images are passed over, and said so.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] with its reason, for files that are not documents and for broken ones.
    pub fn extract(
        &self,
        path: &Path,
        bytes: &[u8],
        ocr: Option<&Ocr>,
    ) -> Result<Extracted, Rejection> {
        let limits = self.limits();
        if bytes.len() as u64 > limits.max_file_bytes {
            let megabytes = limits.max_file_bytes / MEBIBYTE;
            return Err(Rejection::skipped(format!("larger than {megabytes} MB")));
        }
        let kind = match sniff::kind(path, bytes) {
            Err(Rejection::NeedsOcr(_)) if ocr.is_some() => Kind::Image,
            kind => kind?,
        };
        let (frames, ending) = self.read(kind, bytes, ocr)?;
        finish(kind, frames, &ending, limits).map_err(bounds::bound_rejection)
    }
}

/// Makes a document of what the child sent.
fn finish(
    kind: Kind,
    mut frames: Vec<Frame>,
    ending: &Ending,
    limits: &Limits,
) -> Result<Extracted, Rejection> {
    if ending.is_circumstance() {
        // What came before is not all there is, and the rest is not lost.
        return Err(Rejection::hindered(ending.to_string()));
    }
    let mut extracted = match kind {
        Kind::Pdf => pdf::assemble("pdf", frames, ending, limits.max_text_bytes)?,
        Kind::Image => images::assemble(frames, ending, limits.max_text_bytes)?,
        _ => match frames.pop() {
            Some(Frame::Document(document)) => *document,
            Some(Frame::Rejected(rejection)) => return Err(rejection),
            _ => return Err(Rejection::failed(ending.to_string())),
        },
    };
    bounds::bound(&mut extracted, limits.max_text_bytes)?;
    let Range { start, end } = extracted.body;
    let body = &extracted.text[start..end];
    if body.trim().is_empty() && extracted.properties.is_empty() {
        return Err(Rejection::skipped(if start > 0 {
            "no text besides its front matter"
        } else {
            "empty"
        }));
    }
    if !matches!(kind, Kind::SourceCode | Kind::Data) {
        extracted.language = language::detect(body);
    }
    Ok(extracted)
}

/// Reads a file of any kind, in the child.
fn read(kind: Kind, bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    match kind {
        Kind::AbiWord => office::abiword::extract(bytes, limits),
        Kind::Archive => plain::archive::extract(bytes, limits),
        Kind::Book => office::book::extract(bytes, limits),
        Kind::Calendar => plain::calendar::extract(bytes, limits),
        Kind::Contacts => plain::contacts::extract(bytes, limits),
        Kind::Data => plain::data::extract(bytes, limits),
        Kind::FictionBook => office::fiction_book::extract(bytes, limits),
        Kind::FlatOpenDocument => office::flat::extract(bytes, limits),
        Kind::Gzip(extension) => plain::gzip::extract(bytes, extension, limits),
        Kind::Html => html::extract(bytes, limits),
        Kind::Image => Err(Rejection::needs_ocr("image")),
        Kind::Latex => markup::latex::extract(bytes, limits),
        Kind::Mail => plain::mail::extract(bytes, limits),
        Kind::Markdown => markdown::extract(bytes, limits),
        Kind::Notebook => plain::notebook::extract(bytes, limits),
        Kind::OpenDocument => office::opendocument::extract(bytes, limits),
        Kind::Org => markup::org::extract(bytes, limits),
        Kind::Outlook => plain::outlook::extract(bytes, limits),
        Kind::Pdf => pdf::extract(bytes, limits),
        Kind::Prose | Kind::SourceCode => text::extract(bytes, limits),
        Kind::Rst => markup::rst::extract(bytes, limits),
        Kind::Rtf => office::rtf::extract(bytes, limits),
        Kind::Sheets => office::sheets::extract(bytes, limits),
        Kind::Slides => office::slides::extract(bytes, limits),
        Kind::Subtitles => plain::subtitles::extract(bytes, limits),
        Kind::Table => plain::table::extract(bytes, limits),
        Kind::Svg => office::svg::extract(bytes, limits),
        Kind::Tar => plain::tarball::extract(bytes, limits),
        Kind::WebArchive => plain::web_archive::extract(bytes, limits),
        Kind::Word => office::word::extract(bytes, limits),
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

/// Adds `value` unless it is empty or already there. A generated list of thousands would make looking through it slow.
fn push_once(list: &mut Vec<String>, value: &str) {
    if !value.is_empty() && list.len() < bounds::LISTED && !list.iter().any(|known| known == value)
    {
        list.push(value.to_owned());
    }
}

#[cfg(test)]
pub(crate) mod tests;
