//! Text with a form: tables, data, notebooks, mail, calendars, contacts, subtitles; and archives of documents and
//! of pages.

pub(super) mod archive;
pub(super) mod calendar;
pub(super) mod contacts;
mod content_lines;
pub(super) mod data;
pub(super) mod gzip;
pub(super) mod mail;
mod mailbox;
mod members;
pub(super) mod moment;
pub(super) mod notebook;
pub(super) mod outlook;
mod recurrence;
pub(super) mod subtitles;
pub(super) mod table;
pub(super) mod tarball;
pub(super) mod web_archive;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::sniff::{self, Kind};
use super::{
    Extracted, Heading, Limits, Rejection, transcript::Transcript, transcript::single_line,
};

/// Said of an archive in another file, which is not opened.
const ARCHIVE: &str = "an archive inside";

/// Reads a document that was found in another one. Archives are not opened, so that nothing nests
/// without end; neither are messages, unless `mail`.
fn read_inner(
    name: &str,
    bytes: &[u8],
    mail: bool,
    limits: &Limits,
) -> Result<Extracted, Rejection> {
    let kind = sniff::kind(Path::new(name), bytes)?;
    if matches!(kind, Kind::Archive | Kind::Tar | Kind::Gzip(_)) {
        return Err(Rejection::skipped(ARCHIVE));
    }
    if matches!(kind, Kind::Mail | Kind::Outlook) && !mail {
        return Err(Rejection::skipped("a message inside"));
    }
    // One document that its reader cannot stand must not cost the others.
    let document = catch_unwind(AssertUnwindSafe(|| super::read(kind, bytes, limits)))
        .unwrap_or_else(|_| Err(Rejection::failed("its reader crashed")))?;
    match document.text.get(document.body.clone()) {
        Some(body) if !body.trim().is_empty() => Ok(document),
        _ => Err(Rejection::skipped("no text in it")),
    }
}

/// Adds another document's text with its headings, `deeper` levels down.
fn embed(transcript: &mut Transcript, document: &Extracted, deeper: u8) {
    let start = document.body.start;
    let text = document.text.get(document.body.clone());
    let headings = document.headings.iter().filter_map(|heading| {
        Some(Heading {
            start: heading.start.checked_sub(start)?,
            level: heading.level.saturating_add(deeper),
            text: heading.text.clone(),
        })
    });
    transcript.embed(text.unwrap_or_default(), headings);
}

/// Writes what a document in another one says below its name and a heading of `level`; what cannot be read is noted.
fn read_within(
    transcript: &mut Transcript,
    unread: &mut Unread,
    (name, bytes): (&str, &[u8]),
    level: u8,
    limits: &Limits,
) {
    match read_inner(name, bytes, false, limits) {
        Ok(document) => {
            transcript.heading(level, name);
            embed(transcript, &document, level);
            if let Some(notice) = document.notice {
                unread.add(name, &notice);
            }
        }
        Err(Rejection::Skipped(reason)) if reason == ARCHIVE => unread.add(name, &reason),
        // Pictures and the like are listed; nobody expects them to be read.
        Err(Rejection::Skipped(_) | Rejection::NeedsOcr(_)) => {}
        Err(Rejection::Failed(reason) | Rejection::Hindered(reason)) => {
            unread.add(name, &reason);
        }
    }
}

/// Names of what was left unread, with reasons.
#[derive(Default)]
struct Unread {
    first: Vec<String>,
    more: usize,
}

/// So many are named; the others are counted.
const MOST_NAMED: usize = 5;

impl Unread {
    fn add(&mut self, name: &str, reason: &str) {
        if self.first.len() < MOST_NAMED {
            let name = single_line(name);
            let name = &name[..name.floor_char_boundary(200)];
            self.first.push(format!("{name} ({reason})"));
        } else {
            self.more += 1;
        }
    }

    fn count(&self) -> usize {
        self.first.len() + self.more
    }

    /// The list, where there is anything on it.
    fn list(&self) -> Option<String> {
        let more = match self.more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!self.first.is_empty()).then(|| self.first.join(", ") + &more)
    }
}

/// Adds to what a person should know of the document.
fn add_notice(document: &mut Extracted, notice: Option<String>) {
    document.notice = match (document.notice.take(), notice) {
        (Some(one), Some(other)) => Some(format!("{one}; {other}")),
        (one, other) => one.or(other),
    };
}

/// What the readers' tests share.
#[cfg(test)]
mod tests {
    use super::super::{Extracted, Limits, Rejection};

    type Reader = fn(&[u8], &Limits) -> Result<Extracted, Rejection>;

    pub(super) fn limits() -> Limits {
        Limits::new("unused".into())
    }

    pub(super) fn read(reader: Reader, source: impl AsRef<[u8]>) -> Extracted {
        reader(source.as_ref(), &limits()).expect("text")
    }

    /// Each heading's level and text, where its text stands.
    pub(super) fn headings(document: &Extracted) -> Vec<String> {
        let headings = document.headings.iter();
        headings
            .map(|heading| {
                let line = document.text[heading.start..].lines().next();
                assert!(
                    line.unwrap_or_default().contains(&heading.text),
                    "{heading:?}"
                );
                format!("{} {}", heading.level, heading.text)
            })
            .collect()
    }

    /// Reads every beginning of `source`, every text with a byte of it spoilt, and with every limit.
    pub(super) fn survives(reader: Reader, source: &[u8]) {
        for end in 0..source.len() {
            let _ = reader(&source[..end], &limits());
            let mut spoilt = source.to_vec();
            spoilt[end] = 0xff;
            let _ = reader(&spoilt, &limits());
            let short = Limits {
                max_text_bytes: end,
                ..limits()
            };
            if let Ok(document) = reader(source, &short) {
                assert!(document.text.len() <= end, "{end}");
            }
        }
    }
}
