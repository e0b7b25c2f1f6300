//! ZIP archives of documents, one level deep.
//!
//! Owns the listing of an archive; nothing a header says is trusted. What is done with the members is `members`'.

use std::io::Cursor;

use zip::ZipArchive;

use super::super::{Extracted, Limits, Rejection};
use super::members::{self, Members};

/// An archive with more entries is refused: listing them alone takes memory.
const MAX_ENTRIES: usize = 100_000;

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
    let mut archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| Rejection::failed(format!("not a readable archive: {error}")))?;
    let entries = listed(&archive);
    let mut members = Members::new(limits);
    for (read, entry) in entries.iter().enumerate() {
        if let Some(reason) = members.full() {
            members.pass(&entry.name, reason, entries.len() - read - 1);
            break;
        }
        if entry.encrypted {
            members.pass(&entry.name, "needs a password", 0);
            continue;
        }
        let unpacked = archive.by_index(entry.index);
        members.add(
            &entry.name,
            unpacked.map_err(|error| members::unreadable(&error)),
        );
    }
    members.finish(entries.len())
}

/// A file in the archive.
struct Entry {
    index: usize,
    name: String,
    encrypted: bool,
}

/// The files in the order of their names.
fn listed(archive: &ZipArchive<Cursor<&[u8]>>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let Ok(entry) = archive.by_index_data(index) else {
            continue;
        };
        if entry.is_dir() || entry.is_symlink() {
            continue;
        }
        if let Some(name) = members::name(entry.name_raw()) {
            let encrypted = entry.encrypted();
            entries.push(Entry {
                index,
                name,
                encrypted,
            });
        }
    }
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    entries
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
