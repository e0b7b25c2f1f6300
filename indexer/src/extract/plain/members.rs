//! What archives have in common: their members, each read below its name, within limits.
//!
//! Owns which members are read, how much they may unpack to, and what is said of the others. It knows no kind of
//! archive; `archive` and `tarball` call it. Nothing is written anywhere, so that a member's path is only a name.

use std::io::Read;

use super::super::{
    Extracted, Limits, MEBIBYTE, Rejection, push_once, text, transcript::Transcript,
    transcript::single_line,
};
use super::{Unread, add_notice, read_inner};

/// So many members are read.
const MOST_MEMBERS: usize = 1000;

/// All members together may unpack to so many times what one file may have.
const MOST_TOTAL: u64 = 4;

/// How much all members together may unpack to (bytes).
pub(super) fn most_bytes(limits: &Limits) -> u64 {
    limits.max_file_bytes.saturating_mul(MOST_TOTAL)
}

/// A member's name as text, whatever system wrote it; none for folders and what systems leave behind.
pub(super) fn name(raw: &[u8]) -> Option<String> {
    let name = plain_name(raw);
    (!name.is_empty() && !is_hidden(&name)).then_some(name)
}

fn plain_name(raw: &[u8]) -> String {
    let name = match text::decode(raw) {
        Some(decoded) => decoded.text,
        None => String::from_utf8_lossy(raw),
    };
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    single_line(&name.replace('\\', "/"))
}

fn is_hidden(name: &str) -> bool {
    let mut parts = name.split('/');
    parts.any(|part| {
        let hidden = part.starts_with('.') && !matches!(part, "." | "..");
        hidden || matches!(part, "__MACOSX" | "Thumbs.db" | "desktop.ini")
    })
}

/// The members of an archive, being read.
pub(super) struct Members<'a> {
    limits: &'a Limits,
    /// How many bytes may still be unpacked.
    left: u64,
    read: usize,
    transcript: Transcript,
    tags: Vec<String>,
    unread: Unread,
}

impl<'a> Members<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            left: most_bytes(limits),
            read: 0,
            transcript: Transcript::new(limits),
            tags: Vec::new(),
            unread: Unread::default(),
        }
    }

    /// Why no more members are read, if so.
    pub(super) fn full(&self) -> Option<&'static str> {
        if self.left == 0 || self.transcript.is_full() {
            Some("too much before it")
        } else if self.read == MOST_MEMBERS {
            Some("too many files before it")
        } else {
            None
        }
    }

    /// Notes members that are not read.
    pub(super) fn pass(&mut self, name: &str, reason: &str, more: usize) {
        self.unread.add(name, reason);
        self.unread.more += more;
    }

    /// Reads a member; `bytes` gives its contents.
    pub(super) fn add(&mut self, name: &str, bytes: Result<impl Read, Rejection>) {
        self.read += 1;
        let bytes = bytes.and_then(|bytes| self.unpack(bytes));
        let read = bytes.and_then(|bytes| match bytes.as_slice() {
            [] => Ok(None),
            bytes => read_inner(name, bytes, true, self.limits).map(Some),
        });
        match read {
            Ok(Some(document)) => {
                self.transcript.nested(name, &document);
                document
                    .tags
                    .iter()
                    .for_each(|tag| push_once(&mut self.tags, tag));
                if let Some(notice) = &document.notice {
                    self.unread.add(name, notice);
                }
            }
            Ok(None) => {}
            Err(rejection) => self.unread.add(name, &rejection.to_string()),
        }
    }

    /// A member's bytes, as long as they are not too many.
    fn unpack(&mut self, member: impl Read) -> Result<Vec<u8>, Rejection> {
        let most = self.limits.max_file_bytes.min(self.left);
        let mut bytes = Vec::new();
        let unpacked = member.take(most.saturating_add(1)).read_to_end(&mut bytes);
        let length = bytes.len() as u64;
        self.left = self.left.saturating_sub(length);
        if length > self.limits.max_file_bytes {
            let megabytes = self.limits.max_file_bytes / MEBIBYTE;
            return Err(Rejection::skipped(format!("larger than {megabytes} MB")));
        }
        if length > most {
            return Err(Rejection::skipped("too much before it"));
        }
        unpacked.map_err(|error| unreadable(&error))?;
        Ok(bytes)
    }

    /// The archive as a document, given how many members there are.
    pub(super) fn finish(self, total: usize) -> Result<Extracted, Rejection> {
        let unread = self.unread.list();
        let Ok(mut document) = self.transcript.finish("archive", None, self.limits) else {
            let reasons = unread.map(|list| format!(": {list}")).unwrap_or_default();
            return Err(Rejection::skipped(format!(
                "nothing to read in it{reasons}"
            )));
        };
        // Its first member is not what it is called.
        document.title = None;
        document.tags = self.tags;
        let count = self.unread.count();
        let notice =
            unread.map(|list| format!("{count} of {total} files not read in full: {list}"));
        add_notice(&mut document, notice);
        Ok(document)
    }
}

pub(super) fn unreadable(error: &dyn std::fmt::Display) -> Rejection {
    Rejection::failed(format!("could not be unpacked: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_whatever_encoding() {
        assert_eq!(
            name("p\u{7}řed\\a.txt".as_bytes()).as_deref(),
            Some("před/a.txt")
        );
        assert_eq!(name(b"/caf\xe9.txt").as_deref(), Some("/café.txt"));
        assert_eq!(name(b"a/.git/config"), None);
        assert_eq!(name(b" \0"), None);
    }
}
