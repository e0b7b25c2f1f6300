//! ZIP archives of documents, one level deep.
//!
//! Owns which members are read and how much they may unpack to; nothing a header says is trusted, and
//! nothing is written anywhere, so that a member's path is only a name.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::super::{
    Extracted, Limits, MEBIBYTE, Rejection, push_once, text, transcript::Transcript,
    transcript::single_line,
};
use super::{Unread, add_notice, read_inner};

/// An archive with more entries is refused: listing them alone takes memory.
const MAX_ENTRIES: usize = 100_000;

/// So many members are read.
const MAX_MEMBERS: usize = 1000;

/// All members together may unpack to so many times what one file may have.
const MAX_TOTAL: u64 = 4;

/// Reads an archive.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let entries = bytes
        .windows(4)
        .filter(|window| *window == b"PK\x01\x02")
        .count();
    if entries > MAX_ENTRIES {
        return Err(Rejection::skipped(format!(
            "an archive of more than {MAX_ENTRIES} files"
        )));
    }
    let archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| Rejection::failed(format!("not a readable archive: {error}")))?;
    let members = members(&archive);
    let mut reader = Reader {
        archive,
        limits,
        left: limits.max_file_bytes.saturating_mul(MAX_TOTAL),
        transcript: Transcript::new(limits),
        tags: Vec::new(),
        unread: Unread::default(),
    };
    let total = members.len();
    for (read, member) in members.iter().enumerate() {
        let reason = match reader.is_full() {
            true => "too much before it",
            false if read == MAX_MEMBERS => "too many files before it",
            false => {
                reader.add(member);
                continue;
            }
        };
        reader.unread.add(&member.name, reason);
        reader.unread.more += total - read - 1;
        break;
    }
    reader.finish(total)
}

/// A file in the archive.
struct Member {
    index: usize,
    name: String,
    encrypted: bool,
}

/// The files in the order of their names, without folders and what systems leave behind.
fn members(archive: &ZipArchive<Cursor<&[u8]>>) -> Vec<Member> {
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let Ok(entry) = archive.by_index_data(index) else {
            continue;
        };
        if entry.is_dir() || entry.is_symlink() {
            continue;
        }
        let name = name(entry.name_raw());
        if !name.is_empty() && !is_hidden(&name) {
            let encrypted = entry.encrypted();
            members.push(Member {
                index,
                name,
                encrypted,
            });
        }
    }
    members.sort_by(|one, other| one.name.cmp(&other.name));
    members
}

/// An entry's name as text, whatever system wrote it.
fn name(raw: &[u8]) -> String {
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

struct Reader<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    limits: &'a Limits,
    /// How many bytes may still be unpacked.
    left: u64,
    transcript: Transcript,
    tags: Vec<String>,
    unread: Unread,
}

impl Reader<'_> {
    fn is_full(&self) -> bool {
        self.left == 0 || self.transcript.is_full()
    }

    fn add(&mut self, member: &Member) {
        let read = self
            .unpack(member)
            .and_then(|bytes| match bytes.as_slice() {
                [] => Ok(None),
                bytes => read_inner(&member.name, bytes, true, self.limits).map(Some),
            });
        match read {
            Ok(Some(document)) => {
                self.transcript.nested(&member.name, &document);
                document
                    .tags
                    .iter()
                    .for_each(|tag| push_once(&mut self.tags, tag));
                if let Some(notice) = &document.notice {
                    self.unread.add(&member.name, notice);
                }
            }
            Ok(None) => {}
            Err(rejection) => self.unread.add(&member.name, &rejection.to_string()),
        }
    }

    /// A member's bytes, as long as they are not too many.
    fn unpack(&mut self, member: &Member) -> Result<Vec<u8>, Rejection> {
        if member.encrypted {
            return Err(Rejection::skipped("needs a password"));
        }
        let unreadable = |error: &dyn std::fmt::Display| {
            Rejection::failed(format!("could not be unpacked: {error}"))
        };
        let entry = self.archive.by_index(member.index);
        let entry = entry.map_err(|error| unreadable(&error))?;
        let most = self.limits.max_file_bytes.min(self.left);
        let mut bytes = Vec::new();
        let unpacked = entry.take(most.saturating_add(1)).read_to_end(&mut bytes);
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

    fn finish(self, total: usize) -> Result<Extracted, Rejection> {
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

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::super::super::Limits;
    use super::super::tests::{headings, limits, read, survives};
    use super::extract;
    use expect_test::expect;
    use zip::{ZipWriter, write::SimpleFileOptions};

    fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in members {
            writer
                .start_file(*name, SimpleFileOptions::default())
                .expect("member");
            writer.write_all(bytes).expect("written");
        }
        writer.finish().expect("archive").into_inner()
    }

    #[test]
    fn members_stand_below_their_paths() {
        let inner = zip(&[("x.txt", b"deep")]);
        let archive = zip(&[
            ("notes/b.md", b"---\ntags: [sea]\n---\n# Pier\n\nText"),
            ("../../a.csv", b"Item,Crowns\nCrane,7\n"),
            ("inner.zip", &inner),
            ("__MACOSX/notes/._b.md", b"junk"),
            ("notes/.DS_Store", b"junk"),
            ("empty.txt", b""),
            ("photo.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0"),
            ("c.eml", b"Subject: Hello\n\nText.\n"),
        ]);
        let document = read(extract, archive);
        expect![[r"
            ../../a.csv

            Item: Crane; Crowns: 7

            c.eml

            Hello

            Text.

            notes/b.md

            # Pier

            Text"]]
        .assert_eq(&document.text);
        assert_eq!(
            headings(&document),
            [
                "1 ../../a.csv",
                "1 c.eml",
                "2 Hello",
                "1 notes/b.md",
                "2 Pier"
            ]
        );
        assert_eq!(
            (document.title, document.tags),
            (None, vec!["sea".to_owned()])
        );
        expect!["2 of 6 files not read in full: inner.zip (an archive inside), photo.png (image (PNG): needs OCR)"]
            .assert_eq(&document.notice.unwrap_or_default());
    }

    #[test]
    fn an_archive_without_documents_says_why() {
        let archive = zip(&[("a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0")]);
        let rejection = extract(&archive, &limits()).expect_err("rejected");
        expect![[r#"Skipped("nothing to read in it: a.png (image (PNG): needs OCR)")"#]]
            .assert_eq(&format!("{rejection:?}"));
        let rejection = extract(&zip(&[]), &limits()).expect_err("rejected");
        assert_eq!(rejection.to_string(), "nothing to read in it");
    }

    #[test]
    fn names_are_read_in_whatever_encoding() {
        assert_eq!(super::name("p\u{7}řed\\a.txt".as_bytes()), "před/a.txt");
        assert_eq!(super::name(b"/caf\xe9.txt"), "/café.txt");
    }

    #[test]
    fn what_unpacks_to_too_much_is_not_read() {
        let small = Limits {
            max_file_bytes: 1000,
            ..limits()
        };
        let bomb = vec![b'x'; 1_000_000];
        let archive = zip(&[
            ("a.txt", &bomb),
            ("b.txt", b"Text"),
            ("c.txt", &bomb),
            ("d.txt", &bomb),
            ("e.txt", &bomb),
            ("f.txt", b"lost"),
        ]);
        let document = extract(&archive, &small).expect("text");
        assert_eq!(document.text, "b.txt\n\nText");
        let notice = document.notice.unwrap_or_default();
        assert!(notice.contains("a.txt (larger than 0 MB)"), "{notice}");
        assert!(notice.contains("f.txt (too much before it)"), "{notice}");
        let many: Vec<String> = (0..1100).map(|i| format!("{i:04}.txt")).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
        let document = read(extract, zip(&many));
        assert_eq!(document.headings.len(), 1000);
        let notice = document.notice.unwrap_or_default();
        assert!(notice.starts_with("100 of 1100"), "{notice}");
        assert!(
            notice.contains("1000.txt (too many files before it)"),
            "{notice}"
        );
    }

    #[test]
    fn hostile_archives_are_harmless() {
        let archive = zip(&[
            ("a.txt", b"Some text to compress."),
            ("b.md", b"# B\n\ntext"),
        ]);
        survives(extract, &archive);
        let listed = b"PK\x01\x02".repeat(100_001);
        assert!(extract(&listed, &limits()).is_err());
        // Members whose headers lie about their size are read as they are, or not at all.
        for at in 0..archive.len() {
            let mut lying = archive.clone();
            lying[at] ^= 0x7f;
            let _ = extract(&lying, &limits());
        }
    }

    #[test]
    fn locked_members_are_named() {
        let mut archive = zip(&[("a.txt", b"secret"), ("b.txt", b"open")]);
        // The bit that says so, in both headers of the first member.
        for signature in [b"PK\x03\x04", b"PK\x01\x02"] {
            let at = archive
                .windows(4)
                .position(|window| window == signature)
                .expect("header");
            let flags = if signature[2] == 3 { at + 6 } else { at + 8 };
            archive[flags] |= 1;
        }
        let document = read(extract, archive);
        assert_eq!(document.text, "b.txt\n\nopen");
        assert!(
            document
                .notice
                .is_some_and(|notice| notice.contains("a.txt (needs a password)"))
        );
    }
}
