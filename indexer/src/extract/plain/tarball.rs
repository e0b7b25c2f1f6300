//! Tar archives of documents, one level deep, compressed with gzip or not.
//!
//! Owns the stream of such an archive, which has no list of its members: they are read in the order they stand.
//! What is done with them is `members`'.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use tar::Archive;

use super::super::{Extracted, Limits, Rejection};
use super::members::{self, Members, most_bytes};

const GZIP: &[u8] = b"\x1f\x8b";

/// How an archive of `vade export` begins. What it says is in the index already.
const EXPORT: [&[u8]; 2] = [b"manifest.json", b"ledger.sqlite3"];

/// An export tells what it is within this (bytes).
const START: u64 = 4 << 20;

/// Entries that are looked at, folders and links included.
const MOST_ENTRIES: usize = 100_000;

/// Reads an archive.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    if is_export(unpacked(bytes).take(START)).unwrap_or(false) {
        return Err(Rejection::skipped("an index that `vade export` wrote"));
    }
    // What names and headers claim to take is bounded by what there is to read.
    let mut stream = unpacked(bytes).take(most_bytes(limits));
    let mut members = Members::new(limits);
    let mut total = 0;
    let read = read(&mut stream, &mut members, &mut total);
    let is_long = stream.limit() == 0;
    match read {
        Err(_) if is_long => members.pass("the rest", "too much before it", 0),
        Err(error) if total == 0 => {
            return Err(Rejection::failed(format!(
                "not a readable archive: {error}"
            )));
        }
        Err(error) => members.pass("the rest", &format!("could not be unpacked: {error}"), 0),
        Ok(()) => {}
    }
    members.finish(total)
}

/// The archive without its compression.
fn unpacked(bytes: &[u8]) -> Box<dyn Read + '_> {
    if bytes.starts_with(GZIP) {
        Box::new(MultiGzDecoder::new(bytes))
    } else {
        Box::new(bytes)
    }
}

fn is_export(stream: impl Read) -> io::Result<bool> {
    let mut archive = Archive::new(stream);
    let mut entries = archive.entries()?;
    for name in EXPORT {
        match entries.next().transpose()? {
            Some(entry) if *entry.path_bytes() == *name => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

fn read(stream: &mut dyn Read, members: &mut Members<'_>, total: &mut usize) -> io::Result<()> {
    let mut archive = Archive::new(stream);
    let mut passed = None;
    for (index, entry) in archive.entries()?.enumerate() {
        if index == MOST_ENTRIES {
            members.pass("the rest", "too many files before it", 0);
            break;
        }
        let entry = entry?;
        let kind = entry.header().entry_type();
        if !(kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse()) {
            continue;
        }
        let Some(name) = members::name(&entry.path_bytes()) else {
            continue;
        };
        *total += 1;
        match (members.full(), &mut passed) {
            (None, _) => members.add(&name, Ok(entry)),
            (Some(reason), None) => passed = Some((name, reason, 0)),
            (Some(_), Some((_, _, more))) => *more += 1,
        }
    }
    if let Some((name, reason, more)) = passed {
        members.pass(&name, reason, more);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use expect_test::expect;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, Header};

    use super::super::super::Limits;
    use super::super::tests::{headings, limits, read, survives};
    use super::extract;

    fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (name, bytes) in members {
            let mut header = Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder
                .append_data(&mut header, name, *bytes)
                .expect("member");
        }
        builder.into_inner().expect("archive")
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).expect("written");
        encoder.finish().expect("packed")
    }

    #[test]
    fn members_are_read_in_their_order() {
        let long = format!("notes/{}.txt", "long-name-".repeat(20));
        let archive = tar(&[
            ("notes/b.md", b"# Pier\n\nText"),
            ("a.csv", b"Item,Crowns\nCrane,7\n"),
            ("inner.txt.gz", &gzip(b"deep")),
            (".hidden/x.txt", b"junk"),
            ("empty.txt", b""),
            (&long, b"Long."),
        ]);
        for archive in [gzip(&archive), archive] {
            let document = read(extract, archive);
            assert_eq!(
                headings(&document),
                ["1 notes/b.md", "2 Pier", "1 a.csv", &format!("1 {long}")]
            );
            assert!(document.text.ends_with("Long.") && document.text.contains("Crowns: 7"));
            assert_eq!((document.title, &*document.extractor), (None, "archive"));
            expect!["1 of 5 files not read in full: inner.txt.gz (an archive inside)"]
                .assert_eq(&document.notice.unwrap_or_default());
        }
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let mut builder = Builder::new(Vec::new());
        for (name, kind) in [
            ("link", tar::EntryType::Symlink),
            ("hard", tar::EntryType::Link),
        ] {
            let mut header = Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(0);
            builder
                .append_link(&mut header, name, "/etc/passwd")
                .expect("member");
        }
        let archive = builder.into_inner().expect("archive");
        let rejection = extract(&archive, &limits()).expect_err("rejected");
        assert_eq!(rejection.to_string(), "nothing to read in it");
    }

    #[test]
    fn an_export_is_told() {
        let export = tar(&[
            ("manifest.json", b"{}"),
            ("ledger.sqlite3", b"x"),
            ("a.txt", b"x"),
        ]);
        let rejection = extract(&gzip(&export), &limits()).expect_err("rejected");
        assert_eq!(rejection.to_string(), "an index that `vade export` wrote");
        let other = tar(&[("manifest.json", b"{\"a\": 1}"), ("a.txt", b"x")]);
        assert!(extract(&other, &limits()).is_ok());
    }

    #[test]
    fn what_unpacks_to_too_much_is_not_read() {
        let small = Limits {
            max_file_bytes: 1000,
            ..limits()
        };
        let bomb = vec![b'x'; 1_000_000];
        let archive = gzip(&tar(&[
            ("a.txt", b"Text"),
            ("b.txt", &bomb),
            ("c.txt", b"lost"),
        ]));
        assert!(archive.len() < 10_000);
        let document = extract(&archive, &small).expect("text");
        assert_eq!(document.text, "a.txt\n\nText");
        let notice = document.notice.unwrap_or_default();
        assert!(
            notice.contains("b.txt (larger than 0 MB), the rest (too much before it)"),
            "{notice}"
        );
        let many: Vec<String> = (0..1100).map(|i| format!("{i:04}.txt")).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
        let document = read(extract, tar(&many));
        assert_eq!(document.headings.len(), 1000);
        let notice = document.notice.unwrap_or_default();
        assert!(
            notice.starts_with("100 of 1100") && notice.contains("1000.txt (too many"),
            "{notice}"
        );
    }

    #[test]
    fn hostile_archives_are_harmless() {
        survives(
            extract,
            &gzip(&tar(&[("a.txt", b"Some text."), ("b.md", b"# B")])),
        );
        let archive = tar(&[("a.txt", b"Some text."), ("b.md", b"# B")]);
        for at in 0..archive.len().min(1024) {
            let mut lying = archive.clone();
            lying[at] ^= 0x37;
            let _ = extract(&lying, &limits());
        }
        // A name that claims to take gigabytes, and a sparse file that claims to hold them.
        for kind in [
            tar::EntryType::GNULongName,
            tar::EntryType::XHeader,
            tar::EntryType::GNUSparse,
        ] {
            let mut header = Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(1 << 40);
            header.set_path("a.txt").expect("name");
            header.set_cksum();
            let bytes = [header.as_bytes().as_slice(), &[0; 4096]].concat();
            assert!(extract(&bytes, &limits()).is_err());
        }
        assert!(extract(b"no archive", &limits()).is_err());
    }
}
