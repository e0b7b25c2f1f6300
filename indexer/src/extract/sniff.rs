//! What kind of document a file is, from its name and its first bytes.
//!
//! Owns the list of kinds that are read and the wording for those that are not. It decodes and
//! parses nothing. Called first by the parent module, for every file.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Rejection, leftovers, text};

/// The readers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    AbiWord,
    /// A ZIP archive of documents.
    Archive,
    /// An e-book (EPUB).
    Book,
    /// Events and tasks (iCalendar).
    Calendar,
    /// People and firms (vCard).
    Contacts,
    /// JSON, YAML, TOML. No language is guessed for it.
    Data,
    /// An e-book of one part (FB2).
    FictionBook,
    /// An `OpenDocument` file of one part.
    FlatOpenDocument,
    /// One document that is compressed, and what it is when it is not.
    Gzip(Extension),
    Html,
    /// Pixels, read where there is something that reads them.
    Image,
    Latex,
    /// A message or a mailbox.
    Mail,
    Markdown,
    /// A Jupyter notebook.
    Notebook,
    /// An `OpenDocument` text, presentation or drawing.
    OpenDocument,
    Org,
    /// A message that Outlook saved.
    Outlook,
    Pdf,
    /// Text in a human language.
    Prose,
    /// reStructuredText.
    Rst,
    Rtf,
    Sheets,
    Slides,
    /// Any other text: code, logs. No language is guessed for it.
    SourceCode,
    Subtitles,
    /// A drawing, whose words are read.
    Svg,
    /// Rows of text separated by commas, semicolons or tabs.
    Table,
    /// A tar archive of documents, compressed or not.
    Tar,
    /// A web page with all it needs (MHTML).
    WebArchive,
    /// A Word document.
    Word,
}

/// What a document is called at its end. Longer ones mean nothing.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Extension([u8; 12]);

impl Extension {
    /// The extension in lower case without its dot; an empty one where it is too long.
    pub(super) fn of(extension: &str) -> Self {
        let mut bytes = [0; 12];
        if let Some(start) = bytes.get_mut(..extension.len())
            && extension.is_ascii()
        {
            start.copy_from_slice(extension.to_ascii_lowercase().as_bytes());
        }
        Self(bytes)
    }

    pub(super) fn as_str(&self) -> &str {
        let end = self.0.iter().position(|byte| *byte == 0);
        let bytes = &self.0[..end.unwrap_or(self.0.len())];
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl std::fmt::Debug for Extension {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Extensions of packages, whose contents are a plain container (ZIP, OLE).
const PACKAGES: &[(&[&str], Kind)] = &[
    (&["docm", "docx", "dotm", "dotx"], Kind::Word),
    (
        &["odg", "odp", "odt", "otg", "otp", "ott"],
        Kind::OpenDocument,
    ),
    (
        &["ods", "ots", "xls", "xlsb", "xlsm", "xlsx", "xltm", "xltx"],
        Kind::Sheets,
    ),
    (&["potx", "ppsm", "ppsx", "pptm", "pptx"], Kind::Slides),
    (&["epub"], Kind::Book),
    (&["msg", "oft"], Kind::Outlook),
    (&["fbz", "zip"], Kind::Archive),
];

/// Text extensions with a reader of their own.
const TEXTS: &[(&[&str], Kind)] = &[
    (&["markdown", "md", "mdown", "mdx", "mkd"], Kind::Markdown),
    (&["abw", "awt"], Kind::AbiWord),
    (&["fb2"], Kind::FictionBook),
    (&["fodg", "fodp", "fods", "fodt"], Kind::FlatOpenDocument),
    (&["htm", "html", "xhtml"], Kind::Html),
    (&["svg"], Kind::Svg),
    (&["csv", "tsv"], Kind::Table),
    (
        &[
            "canvas", "geojson", "json", "jsonl", "ndjson", "toml", "yaml", "yml",
        ],
        Kind::Data,
    ),
    (&["ipynb"], Kind::Notebook),
    (&["eml", "emlx", "mbox"], Kind::Mail),
    (&["mht", "mhtml"], Kind::WebArchive),
    (&["ical", "icalendar", "ics", "ifb", "vcs"], Kind::Calendar),
    (&["vcard", "vcf"], Kind::Contacts),
    (&["srt", "vtt"], Kind::Subtitles),
    (&["org"], Kind::Org),
    (&["rest", "rst"], Kind::Rst),
    (&["latex", "ltx", "tex"], Kind::Latex),
];

/// Text extensions that hold human language rather than code or data.
const PROSE: &[&str] = &[
    "adoc", "asciidoc", "bib", "me", "text", "textile", "txt", "wiki",
];

/// Kinds told by extension alone, where the contents are a plain container (ZIP, OLE) or an
/// encoding of something else.
const UNSUPPORTED: &[(&[&str], &str)] = &[
    (
        &["doc", "dot"],
        "a Word document in the format before 2007: save it as .docx",
    ),
    (
        &["pps", "ppt"],
        "a presentation in the format before 2007: save it as .pptx",
    ),
    (
        &["azw", "azw3", "mobi"],
        "e-books other than EPUB and FB2 are not supported",
    ),
    (
        &["key", "numbers", "pages"],
        "iWork documents are not supported: export it as PDF",
    ),
    (
        &["ost", "pst"],
        "a mailbox of Outlook: export its messages as .eml or .mbox",
    ),
    (
        &["one", "onetoc2"],
        "a OneNote notebook: export its pages as PDF or .docx",
    ),
    (&["pub"], "a Publisher document: save it as PDF"),
    (&["vsd", "vsdx"], "a Visio drawing: save it as PDF"),
    (
        &["sxw", "wpd", "wps"],
        "a document of an old word processor: save it as .docx or .odt",
    ),
];

/// Images that can be decoded, by `infer`'s extension.
const IMAGES: &[&str] = &["bmp", "gif", "jpg", "png", "tif", "webp"];

/// The kind of the file at `path` holding `bytes`.
///
/// # Errors
///
/// [`Rejection::NeedsOcr`] for images whose text could be read, [`Rejection::Skipped`] for other files
/// without text that this program reads.
pub(super) fn kind(path: &Path, bytes: &[u8]) -> Result<Kind, Rejection> {
    let extension = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    if let Some(reason) = leftovers::reason(path) {
        return Err(Rejection::skipped(reason));
    }
    if bytes.is_empty() {
        return Err(Rejection::skipped("empty"));
    }
    if extension == "pdf" || bytes.starts_with(b"%PDF-") {
        return Ok(Kind::Pdf);
    }
    // Pictures in it may be binary.
    if bytes.starts_with(b"{\\rtf") {
        return Ok(Kind::Rtf);
    }
    if let Some(kind) = compressed_kind(path, &extension, bytes) {
        return Ok(kind);
    }
    if text::looks_like_text(bytes) {
        return text_kind(&extension, bytes);
    }
    if let Some(kind) = package_kind(&extension, bytes) {
        return Ok(kind);
    }
    Err(unreadable(&extension, bytes))
}

/// The kind of what is compressed with gzip, or a tar archive.
fn compressed_kind(path: &Path, extension: &str, bytes: &[u8]) -> Option<Kind> {
    if bytes.starts_with(b"\x1f\x8b") {
        let inner = Path::new(path.file_stem()?).extension().unwrap_or_default();
        return match (extension, &*inner.to_string_lossy().to_lowercase()) {
            ("tgz" | "taz", _) | ("gz", "tar") => Some(Kind::Tar),
            ("gz", inner) => Some(Kind::Gzip(Extension::of(inner))),
            ("svgz", _) => Some(Kind::Gzip(Extension::of("svg"))),
            ("zabw", _) => Some(Kind::Gzip(Extension::of("abw"))),
            _ => None,
        };
    }
    let is_tar = bytes.get(257..262) == Some(b"ustar");
    (extension == "tar" && is_tar).then_some(Kind::Tar)
}

/// The kind of a container that is meant as a document.
fn package_kind(extension: &str, bytes: &[u8]) -> Option<Kind> {
    let zip = bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06");
    // Old formats, and new ones with a password: the readers tell which.
    let ole = bytes.starts_with(b"\xd0\xcf\x11\xe0");
    (zip || ole).then(|| listed(PACKAGES, extension)).flatten()
}

fn listed(list: &[(&[&str], Kind)], extension: &str) -> Option<Kind> {
    let found = list.iter().find(|(all, _)| all.contains(&extension));
    found.map(|(_, kind)| *kind)
}

fn text_kind(extension: &str, bytes: &[u8]) -> Result<Kind, Rejection> {
    if bytes.starts_with(b"%!PS") {
        return Err(Rejection::skipped("PostScript is not supported"));
    }
    if bytes.starts_with(b"-----BEGIN ") {
        return Err(Rejection::skipped("key or certificate"));
    }
    if let Some(kind) = listed(TEXTS, extension).or_else(|| exported_kind(extension, bytes)) {
        return Ok(kind);
    }
    Ok(match extension {
        // Templates and components of every sort start like a web page, so only a file that claims
        // nothing about itself is judged by its first tag.
        "" if is_web_page(bytes) => Kind::Html,
        "" => Kind::Prose,
        prose if PROSE.contains(&prose) => Kind::Prose,
        _ => Kind::SourceCode,
    })
}

/// What programs export under the name of an office document: web pages, and tables.
fn exported_kind(extension: &str, bytes: &[u8]) -> Option<Kind> {
    if !matches!(extension, "doc" | "dot" | "docx" | "xls" | "xlsx" | "ppt") {
        return None;
    }
    let head = &bytes[..bytes.len().min(1024)];
    let says = |words: &[u8]| {
        let mut windows = head.windows(words.len());
        windows.any(|window| window.eq_ignore_ascii_case(words))
    };
    if is_web_page(bytes) {
        Some(Kind::Html)
    } else if says(b"mime-version:") && says(b"multipart/related") {
        Some(Kind::WebArchive)
    } else {
        (extension.starts_with("xls") && !says(b"<?xml")).then_some(Kind::Table)
    }
}

fn is_web_page(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    [&b"<!doctype html"[..], b"<html"].iter().any(|tag| {
        start
            .get(..tag.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(tag))
    })
}

fn known(extension: &str) -> Option<&'static str> {
    UNSUPPORTED
        .iter()
        .find(|(all, _)| all.contains(&extension))
        .map(|(_, reason)| *reason)
}

/// The reason given for bytes that are not text.
fn unreadable(extension: &str, bytes: &[u8]) -> Rejection {
    let Some(found) = infer::get(bytes) else {
        return Rejection::skipped(known(extension).unwrap_or("binary file"));
    };
    let label = found.extension().to_uppercase();
    // The contents are asked first; the name decides only what a container was meant as.
    if let Some(reason) = known(found.extension()).or_else(|| known(extension)) {
        return Rejection::skipped(reason);
    }
    Rejection::skipped(match found.matcher_type() {
        infer::MatcherType::Image if IMAGES.contains(&found.extension()) => {
            return Rejection::needs_ocr(format!("image ({label})"));
        }
        infer::MatcherType::Image => format!("image ({label}): save it as PNG or JPEG"),
        infer::MatcherType::Audio => format!("audio ({label})"),
        infer::MatcherType::Video => format!("video ({label})"),
        infer::MatcherType::Font => format!("font ({label})"),
        _ => other_kind(found.extension(), &label),
    })
}

fn other_kind(extension: &str, label: &str) -> String {
    match extension {
        "elf" | "exe" | "dll" | "mach" | "wasm" | "class" | "dex" | "dey" | "bc" | "obj" => {
            "executable".to_owned()
        }
        "sqlite" => "database (SQLite)".to_owned(),
        "der" | "pem" => "key or certificate".to_owned(),
        "msi" | "deb" | "rpm" | "crx" => format!("software package ({label})"),
        "swf" | "eot" | "nes" | "dcm" | "qcow2" => format!("binary file ({label})"),
        "7z" | "bz2" | "lz" | "lz4" | "rar" | "xz" | "zst" => {
            format!("{label} archive: unpack it to have its files read")
        }
        _ => format!("{label} archive"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, kind};
    use std::path::Path;

    #[track_caller]
    fn check(name: &str, bytes: &[u8], expected: &str) {
        let found = match kind(Path::new(name), bytes) {
            Ok(kind) => format!("{kind:?}"),
            Err(rejection) => rejection.to_string(),
        };
        assert_eq!(found, expected, "{name}");
    }

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0";
    const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0";
    const GZIP: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03";
    const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0\0\0\0\0";

    #[test]
    fn documents_are_told_by_name_and_contents() {
        check("a/Note.MD", b"# Hello", "Markdown");
        check("page.htm", b"<p>Hello", "Html");
        check("saved page", b"\n<!DOCTYPE HTML><p>Hello", "Html");
        check("README", b"Hello", "Prose");
        check("notes.txt", b"Hello", "Prose");
        check("main.rs", b"fn main() {}", "SourceCode");
        check("view.vue", b"<html></html>", "SourceCode");
        check("paper", b"%PDF-1.7\n\xe2\xe3\xcf\xd3", "Pdf");
        check("broken.pdf", b"\0\0\0", "Pdf");
        check("all.zip", ZIP, "Archive");
        check("report.docx", ZIP, "Word");
        check("old.xls", OLE, "Sheets");
        check("novel.epub", ZIP, "Book");
        check("memo.rtf", b"{\\rtf1\\ansi Hello}", "Rtf");
        check("memo", b"{\\rtf1\\ansi Hello}", "Rtf");
        check("people.CSV", b"name,age\nAnna,7\n", "Table");
        check("notes.org", b"* Hello", "Org");
        check("family.ICS", b"BEGIN:VCALENDAR", "Calendar");
        check("ana.vcf", b"BEGIN:VCARD", "Contacts");
        check("plan.svg", b"<svg/>", "Svg");
        check("plan.svgz", GZIP, "Gzip(svg)");
        check("sums.fods", b"<?xml?>", "FlatOpenDocument");
        check("novel.fb2", b"<?xml?>", "FictionBook");
        check("saved.mhtml", b"From: <Saved>", "WebArchive");
        check("a/notes.MD.gz", GZIP, "Gzip(md)");
        check("notes.gz", GZIP, "Gzip()");
        check("a.averylongextension.gz", GZIP, "Gzip()");
        check("all.tar.gz", GZIP, "Tar");
        check("all.tgz", GZIP, "Tar");
        check("all.tar", &[[0; 257].as_slice(), b"ustar"].concat(), "Tar");
    }

    #[test]
    fn what_is_not_text_is_named() {
        check("photo.png", PNG, "image (PNG): needs OCR");
        check("photo.txt", PNG, "image (PNG): needs OCR");
        check("song.mp3", b"ID3\x04\0\0\0\0\0", "audio (MP3)");
        check("all.jar", ZIP, "ZIP archive");
        check(
            "old.doc",
            OLE,
            "a Word document in the format before 2007: save it as .docx",
        );
        check("talk.msg", OLE, "Outlook");
        check(
            "all.tar.xz",
            b"\xfd7zXZ\0\0\x04",
            "XZ archive: unpack it to have its files read",
        );
        check("tool", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "executable");
        check("data.bin", b"\x01\x02\0\x03\xff\xfe\0\0", "binary file");
        check(
            "id_rsa",
            b"-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n",
            "key or certificate",
        );
    }

    #[test]
    fn text_that_starts_like_a_binary_is_still_text() {
        check("thesis.tex", b"%!TEX root = main.tex\nHello", "Latex");
        check("cars.txt", b"BMW and MZ are brands", "Prose");
        check("dos.txt", b"MZ is the mark of a DOS program", "Prose");
    }

    #[test]
    fn exports_are_told_by_what_they_hold() {
        check(
            "report.xls",
            b"<html><table><tr><td>1</td></tr></table>",
            "Html",
        );
        check("report.doc", b"<!DOCTYPE html><p>Text", "Html");
        check("report.xls", b"name\tprice\nnail\t2\n", "Table");
        check(
            "page.doc",
            b"Date: x\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=b\n\n",
            "WebArchive",
        );
        check("notes.doc", b"plain notes", "SourceCode");
    }

    #[test]
    fn leftovers_are_skipped_whatever_they_hold() {
        check("~$report.docx", b"text", "lock file of an open document");
        check("paper.pdf.crdownload", b"%PDF-1.7", "unfinished download");
        check("notes.txt~", b"", "editor backup");
    }

    #[test]
    fn an_empty_file_is_empty_whatever_its_name() {
        for name in ["a.md", "a.pdf", "a.png"] {
            check(name, b"", "empty");
        }
        assert_eq!(kind(Path::new("x"), b"x"), Ok(Kind::Prose));
    }
}
