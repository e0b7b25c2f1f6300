//! A ZIP archive of XML parts, as most office documents are, opened within limits.
//!
//! Owns how much an archive may cost, how parts are named and found, and the wording for archives that
//! cannot be read. It knows no format beyond relationships and the title, which Office documents share.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::super::Rejection;
use super::super::transcript::single_line;
use super::xml::{Broken, Xml, decode};

/// Every entry costs memory before the first is read. The richest presentations have some thousand.
const MOST_ENTRIES: usize = 10_000;

/// A part larger than this when unpacked is refused, and all parts together (bytes).
const LARGEST_PART: u64 = 128 * MEBIBYTE;
const LARGEST_TOTAL: u64 = 512 * MEBIBYTE;

const MEBIBYTE: u64 = 1024 * 1024;

/// The start of the container that Office used before 2007 and encrypts in since.
pub(super) const OLE: &[u8] = b"\xd0\xcf\x11\xe0";

const ENTRY_SIGNATURE: &[u8] = b"PK\x01\x02";

/// An open archive.
pub(super) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// Indexes of the entries by their names in lower case.
    parts: HashMap<String, usize>,
    /// Bytes that may still be unpacked.
    left: u64,
    what: &'static str,
}

/// What one part refers to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Relations {
    by_id: HashMap<String, Relation>,
}

/// A reference to a part.
#[derive(Debug, PartialEq, Eq)]
struct Relation {
    /// The last word of the type's address, such as `slide`.
    kind: String,
    /// The part's name.
    target: String,
}

impl Relations {
    /// The part with this id.
    pub(super) fn part(&self, id: &str) -> Option<&str> {
        self.by_id.get(id).map(|relation| relation.target.as_str())
    }

    /// The part with this id, if it is of this kind.
    pub(super) fn part_of_kind(&self, id: &str, kind: &str) -> Option<&str> {
        let relation = self.by_id.get(id)?;
        (relation.kind == kind).then_some(&relation.target)
    }

    /// The only part of this kind.
    pub(super) fn only(&self, kind: &str) -> Option<&str> {
        let mut found = self.by_id.values().filter(|relation| relation.kind == kind);
        found.next().map(|relation| relation.target.as_str())
    }

    /// All parts of this kind, in the order of their names.
    pub(super) fn all(&self, kind: &str) -> Vec<&str> {
        let found = self.by_id.values().filter(|relation| relation.kind == kind);
        let mut parts: Vec<&str> = found.map(|relation| relation.target.as_str()).collect();
        parts.sort_unstable();
        parts
    }
}

impl<'a> Package<'a> {
    /// Opens `bytes` as `what`, such as "Word document".
    ///
    /// # Errors
    /// A [`Rejection`] for files that are no archive, are encrypted or have too many entries.
    pub(super) fn open(bytes: &'a [u8], what: &'static str) -> Result<Self, Rejection> {
        if bytes.starts_with(OLE) {
            return Err(old_container(bytes, what));
        }
        if count(bytes, ENTRY_SIGNATURE) > MOST_ENTRIES {
            return Err(not_valid(what, "it has too many parts"));
        }
        let archive = ZipArchive::new(Cursor::new(bytes));
        let archive = archive.map_err(|error| not_valid(what, told(&error)))?;
        let names = archive.file_names_raw().enumerate();
        let parts = names.map(|(index, name)| (plain_name(&String::from_utf8_lossy(name)), index));
        Ok(Self {
            parts: parts.collect(),
            archive,
            left: LARGEST_TOTAL,
            what,
        })
    }

    /// The rejection for a document that is broken in this way.
    pub(super) fn not_valid(&self, why: impl std::fmt::Display) -> Rejection {
        not_valid(self.what, why)
    }

    pub(super) fn has(&self, part: &str) -> bool {
        self.parts.contains_key(&plain_name(part))
    }

    /// The first part by name that ends like this.
    pub(super) fn part_ending(&self, end: &str) -> Option<String> {
        self.parts
            .keys()
            .filter(|part| part.ends_with(end))
            .min()
            .cloned()
    }

    /// A part's bytes; `None` where there is no such part.
    ///
    /// # Errors
    /// A [`Rejection`] for parts that are damaged, encrypted or too large.
    pub(super) fn bytes(&mut self, part: &str) -> Result<Option<Vec<u8>>, Rejection> {
        let Some(index) = self.parts.get(&plain_name(part)) else {
            return Ok(None);
        };
        match self.unpack(*index)? {
            (_, true) => Err(Rejection::skipped(too_large())),
            (bytes, false) => Ok(Some(bytes)),
        }
    }

    /// A part as text; `None` where there is no such part.
    ///
    /// # Errors
    /// As for [`Package::bytes`].
    pub(super) fn text(&mut self, part: &str) -> Result<Option<String>, Rejection> {
        Ok(self.bytes(part)?.map(decode))
    }

    /// The part that most of the document is in, of which only the beginning is read where it is too
    /// large; `None` where there is no such part.
    ///
    /// # Errors
    /// A [`Rejection`] for parts that are damaged or encrypted.
    pub(super) fn body(&mut self, part: &str) -> Result<Option<Body>, Rejection> {
        let Some(index) = self.parts.get(&plain_name(part)) else {
            return Ok(None);
        };
        let (bytes, cut) = self.unpack(*index)?;
        let text = decode(bytes);
        Ok(Some(Body { text, cut }))
    }

    /// A part the document can do without: missing and broken ones are empty.
    pub(super) fn optional(&mut self, part: &str) -> String {
        self.text(part).ok().flatten().unwrap_or_default()
    }

    /// Unpacks everything once and keeps nothing, for readers that do their own unpacking.
    ///
    /// # Errors
    /// As for [`Package::bytes`].
    pub(super) fn measure(&mut self) -> Result<(), Rejection> {
        (0..self.archive.len()).try_for_each(|index| match self.unpack(index)? {
            (_, true) => Err(Rejection::skipped(too_large())),
            (_, false) => Ok(()),
        })
    }

    /// What `part` refers to within the package; the package itself where `part` is empty.
    pub(super) fn relations(&mut self, part: &str) -> Relations {
        let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
        let text = self.optional(&join(folder, &format!("_rels/{name}.rels")));
        let mut xml = Xml::new(&text);
        let mut relations = Relations::default();
        // What was read before damage still holds.
        while let Some(element) = xml.next_element() {
            if element.name() != "Relationship"
                || element.attribute("TargetMode").as_deref() == Some("External")
            {
                continue;
            }
            let kind = element.attribute("Type").unwrap_or_default();
            let id = element.attribute("Id").unwrap_or_default();
            let relation = Relation {
                kind: kind.rsplit('/').next().unwrap_or_default().to_owned(),
                target: resolve(part, &element.attribute("Target").unwrap_or_default()),
            };
            relations.by_id.insert(id, relation);
        }
        relations
    }

    /// The part with the document itself, by relationship or else by its usual name.
    pub(super) fn main_part(&mut self, usual: &str) -> String {
        let relations = self.relations("");
        relations.only("officeDocument").unwrap_or(usual).to_owned()
    }

    /// The title in the document's properties, where it says something.
    pub(super) fn title(&mut self) -> Option<String> {
        let relations = self.relations("");
        let core = relations.only("core-properties");
        let text = self.optional(core.unwrap_or("docProps/core.xml"));
        element_text(&text, "title").and_then(|title| sensible_title(&title))
    }

    /// An entry's bytes and whether there are more than may be read.
    fn unpack(&mut self, index: usize) -> Result<(Vec<u8>, bool), Rejection> {
        let what = self.what;
        let entry = self.archive.by_index(index);
        let entry = entry.map_err(|error| match error {
            ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => needs_password(),
            error => not_valid(what, told(&error)),
        })?;
        let room = LARGEST_PART.min(self.left);
        let mut bytes = Vec::new();
        // The size in the header is whatever the file claims.
        let mut unpacked = entry.take(room);
        let mut read = unpacked.read_to_end(&mut bytes).map(|_| false);
        if unpacked.limit() == 0 {
            read = read.and(unpacked.into_inner().read(&mut [0]).map(|more| more > 0));
        }
        self.left = self.left.saturating_sub(bytes.len() as u64);
        let cut = read.map_err(|error| not_valid(what, error))?;
        Ok((bytes, cut))
    }
}

/// The part that most of a document is in.
pub(super) struct Body {
    pub text: String,
    /// It is only the beginning.
    cut: bool,
}

impl Body {
    /// What became of reading the text, given whether it is all there.
    pub(super) fn outcome(&self, read: Result<(), Broken>) -> Result<(), Broken> {
        if self.cut {
            Err(Broken(too_large()))
        } else {
            read
        }
    }
}

fn too_large() -> String {
    format!("larger than {} MB when unpacked", LARGEST_PART / MEBIBYTE)
}

/// The text of the first element of this name.
pub(super) fn element_text(text: &str, name: &str) -> Option<String> {
    let mut xml = Xml::new(text);
    while let Some(element) = xml.next_element() {
        if element.name() == name {
            return xml.text().ok();
        }
    }
    None
}

/// The name of the part that `part` calls `target`.
pub(super) fn resolve(part: &str, target: &str) -> String {
    let target = target.split('#').next().unwrap_or_default();
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let folder = part.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split(['/', '\\']) {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    steps.join("/")
}

/// Titles that programs fill in when nobody else does, in lower case.
const DEFAULT_TITLES: &[&str] = &[
    "document",
    "document1",
    "microsoft powerpoint",
    "microsoft word",
    "no slide title",
    "powerpoint presentation",
    "presentation",
    "presentation1",
    "slide 1",
    "title",
    "untitled",
    "word document",
];

/// A title that names the document, not the program it came from or its file.
pub(super) fn sensible_title(title: &str) -> Option<String> {
    let title = single_line(title);
    let lower = title.to_lowercase();
    let sensible = title.chars().filter(|c| c.is_alphabetic()).count() >= 2
        && title.len() <= 300
        && !DEFAULT_TITLES.contains(&lower.as_str())
        && !lower.starts_with("microsoft word - ")
        && !lower.starts_with("microsoft powerpoint - ")
        && !lower.rsplit_once('.').is_some_and(|(_, extension)| {
            matches!(
                extension,
                "doc" | "docx" | "dot" | "odt" | "pdf" | "ppt" | "pptx" | "rtf" | "xls" | "xlsx"
            )
        });
    sensible.then_some(title)
}

pub(super) fn needs_password() -> Rejection {
    Rejection::skipped("needs a password")
}

pub(super) fn not_valid(what: &str, why: impl std::fmt::Display) -> Rejection {
    Rejection::failed(format!("not a valid {what}: {why}"))
}

/// Why an old container stands where an archive should: encryption, or a file by a wrong name.
fn old_container(bytes: &[u8], what: &'static str) -> Rejection {
    let encrypted: Vec<u8> = "EncryptedPackage"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    if count(bytes, &encrypted) > 0 {
        return needs_password();
    }
    not_valid(what, "it is in the format before 2007")
}

/// How often `pattern`, of at least one byte, is in `bytes`, or a number above the limit on entries.
fn count(bytes: &[u8], pattern: &[u8]) -> usize {
    let found = bytes
        .windows(pattern.len())
        .filter(|window| *window == pattern);
    found.take(MOST_ENTRIES + 1).count()
}

fn plain_name(name: &str) -> String {
    let name = name.replace('\\', "/").to_lowercase();
    name.trim_start_matches('/').to_owned()
}

fn join(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

/// The library's error in words for the person whose file it is.
fn told(error: &ZipError) -> String {
    match error {
        ZipError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "it ends too early".to_owned()
        }
        ZipError::InvalidArchive(_) => "it is damaged or not complete".to_owned(),
        error => error.to_string(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    /// An archive of these parts.
    pub(in super::super) fn zipped(parts: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in parts {
            let options = SimpleFileOptions::default();
            writer.start_file(*name, options).expect("an entry");
            writer.write_all(content.as_bytes()).expect("its content");
        }
        writer.finish().expect("an archive").into_inner()
    }

    /// Each heading's level and text, which stands where the heading says.
    pub(in super::super) fn outline(document: &crate::extract::Extracted) -> Vec<(u8, &str)> {
        let headings = document.headings.iter().map(|heading| {
            assert!(document.text[heading.start..].starts_with(&heading.text));
            (heading.level, &*heading.text)
        });
        headings.collect()
    }

    /// An archive of one part with zeros.
    pub(in super::super) fn bomb(part: &str, megabytes: usize) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer
            .start_file(part, SimpleFileOptions::default())
            .expect("an entry");
        let zeros = vec![b' '; 1024 * 1024];
        for _ in 0..megabytes {
            writer.write_all(&zeros).expect("its content");
        }
        writer.finish().expect("an archive").into_inner()
    }

    fn refused(bytes: &[u8]) -> Rejection {
        Package::open(bytes, "Word document")
            .err()
            .expect("refused")
    }

    #[test]
    fn parts_are_found_by_any_spelling() {
        let bytes = zipped(&[("Word\\Document.xml", "text")]);
        let mut package = Package::open(&bytes, "Word document").expect("open");
        assert!(package.has("word/document.xml"));
        assert_eq!(
            package.text("/word/document.xml"),
            Ok(Some("text".to_owned()))
        );
        assert_eq!(package.text("word/other.xml"), Ok(None));
    }

    #[test]
    fn what_is_no_archive_is_told() {
        let failed = Rejection::failed("not a valid Word document: it is damaged or not complete");
        assert_eq!(refused(b"PK\x03\x04 and nothing else"), failed);
        let encrypted: Vec<u8> = "EncryptedPackage"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(refused(&[OLE, &encrypted].concat()), needs_password());
        assert!(refused(OLE).to_string().contains("before 2007"));
    }

    #[test]
    fn a_million_entries_are_refused_before_they_are_read() {
        let mut bytes = b"PK\x03\x04".to_vec();
        bytes.extend(ENTRY_SIGNATURE.repeat(1_000_000));
        assert!(refused(&bytes).to_string().contains("too many parts"));
    }

    #[test]
    fn a_bomb_is_refused_whatever_its_header_says() {
        let mut bytes = bomb("a.xml", 200);
        let mut package = Package::open(&bytes, "Word document").expect("open");
        let refused = package.bytes("a.xml").expect_err("too large");
        assert_eq!(refused.to_string(), "larger than 128 MB when unpacked");
        let body = package
            .body("a.xml")
            .expect("its beginning")
            .expect("a part");
        assert_eq!(body.text.len() as u64, LARGEST_PART);
        assert!(body.outcome(Ok(())).is_err());
        // The sizes in the directory, unpacked and packed, are at 24 and 20 of the entry.
        let entry = bytes
            .windows(4)
            .position(|window| window == ENTRY_SIGNATURE)
            .expect("entry");
        bytes[entry + 24..entry + 28].copy_from_slice(&7_u32.to_le_bytes());
        let mut package = Package::open(&bytes, "Word document").expect("open");
        assert!(package.bytes("a.xml").is_err());
    }

    #[test]
    fn all_parts_together_have_a_limit() {
        let bytes = bomb("a.xml", 100);
        let mut package = Package::open(&bytes, "Word document").expect("open");
        let read: Vec<_> = (0..6).map(|_| package.bytes("a.xml").is_ok()).collect();
        assert_eq!(read, [true, true, true, true, true, false]);
    }

    #[test]
    fn relations_lead_to_parts() {
        let bytes = zipped(&[(
            "ppt/_rels/presentation.xml.rels",
            "<Relationships><Relationship Id='rId1' Type='http://x/relationships/slide' \
             Target='slides/../slides/slide1.xml'/><Relationship Id='rId2' Type='x/hyperlink' \
             Target='http://x' TargetMode='External'/></Relationships>",
        )]);
        let mut package = Package::open(&bytes, "presentation").expect("open");
        let relations = package.relations("ppt/presentation.xml");
        assert_eq!(relations.part("rId1"), Some("ppt/slides/slide1.xml"));
        assert_eq!(relations.only("slide"), Some("ppt/slides/slide1.xml"));
        assert_eq!(relations.part_of_kind("rId1", "chart"), None);
        assert_eq!(relations.part("rId2"), None);
        assert_eq!(
            resolve("ppt/slides/slide1.xml", "/media/x.xml"),
            "media/x.xml"
        );
    }

    #[test]
    fn titles_name_the_document() {
        assert_eq!(sensible_title(" The  pier "), Some("The pier".to_owned()));
        for title in [
            "Microsoft Word - a",
            "PowerPoint Presentation",
            "report.docx",
            "",
            "1",
        ] {
            assert_eq!(sensible_title(title), None, "{title}");
        }
    }
}
