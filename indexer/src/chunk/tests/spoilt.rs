//! Files of every kind, spoilt in every way: whatever a reader makes of them, its spans are spans of its text,
//! and the chunks give the whole of it back.

use std::io::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{ChunkSettings, checked, properties};
use crate::extract::tests::{fixture, worker};
use crate::extract::{Extracted, Extractor, Limits, Rejection};

/// Files that are text, with every construct that their readers know.
const TEXTS: &[(&str, &str)] = &[
    (
        "a.md",
        "---\ntitle: \"Röntgen\"\ntags: [a, 'b']\naliases: x\n---\n# One [[l|x]]\n\nText *é* `c` #tag\n\n\
         Setext\n---\n\n```rust\n# no\n```\n\n| a | b |\n|--|--|\n| ü | 🙂 |\n\n- item\n  - inner\n",
    ),
    ("a.txt", "Le café est fermé.\r\n\r\nFin de l'été — voilà.\n"),
    (
        "a.rs",
        "//! Docs: é\nfn main() {\n\tprintln!(\"日本語\");\n}\n",
    ),
    (
        "a.csv",
        "name;age;\"a \"\"b\"\"\"\nÁgnes;7;\"two\nlines\"\nJosé;8;x\n",
    ),
    ("a.tsv", "name\tage\nÁgnes\t7\n"),
    (
        "a.json",
        "{\"title\": \"Café\", \"list\": [1, {\"deep\": \"caf\\u00e9 \\ud83d\\ude42\"}], \"n\": null}",
    ),
    ("a.jsonl", "{\"a\": \"é\"}\n{\"b\": [1, 2]}\n"),
    (
        "a.yaml",
        "title: Café\nlist:\n  - é: |\n      some\n      lines\n  - &x y\n  - *x\n",
    ),
    (
        "a.toml",
        "title = \"Café\"\n[a.b]\nlist = [1, \"é\", 2026-01-02]\n",
    ),
    (
        "a.ipynb",
        "{\"cells\":[{\"cell_type\":\"markdown\",\"source\":[\"# Té\\n\",\"text\"]},\
         {\"cell_type\":\"code\",\"source\":\"x = 1\",\"outputs\":[{\"output_type\":\"stream\",\
         \"text\":[\"é\\n\"]}]}],\"metadata\":{},\"nbformat\":4,\"nbformat_minor\":5}",
    ),
    (
        "a.eml",
        "From: =?utf-8?q?=C3=81gnes?= <a@b.c>\nTo: d@e.f\nSubject: Caf=?iso-8859-1?q?=E9?=\n\
         MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\
         Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n\
         Caf=E9 at eight.\n--x\nContent-Type: text/html\n\n<p>Caf&eacute;</p>\n--x--\n",
    ),
    (
        "a.mbox",
        "From a@b.c Mon Jan  1 00:00:00 2024\nFrom: a@b.c\nSubject: One\n\nFirst é.\n\n\
         From d@e.f Tue Jan  2 00:00:00 2024\nFrom: d@e.f\nSubject: Two\n\nSecond.\n",
    ),
    (
        "a.srt",
        "1\n00:00:01,000 --> 00:00:02,000\nÉl dijo <i>no</i>.\n\n2\n00:00:03,000 --> 00:00:04,000\n- Sí\n",
    ),
    (
        "a.vtt",
        "WEBVTT\n\nNOTE x\n\n00:01.000 --> 00:02.000 align:start\n<v Ágnes>Sí &amp; no\n",
    ),
    (
        "a.org",
        "#+TITLE: Café\n#+FILETAGS: :a:b:\n* TODO One :tag:\n:PROPERTIES:\n:ID: x\n:END:\nText é [[l][x]]\n\
         ** Two\n#+BEGIN_SRC sh\n* no\n#+END_SRC\n",
    ),
    (
        "a.rst",
        "====\nCafé\n====\n\n:Tags: a, b\n\nOne é\n-----\n\nText :doc:`x`.\n\n.. code::\n\n   no\n\nTwo\n~~~\n\nText\n",
    ),
    (
        "a.tex",
        "\\documentclass{article}\n\\title{Caf\\'e}\n\\begin{document}\n\\maketitle\n\\section{One \\emph{é}}\n\
         Text % note\n\\begin{verbatim}\n\\section{no}\n\\end{verbatim}\n\\subsection*{Two}\n$x^2$\n\\end{document}\n",
    ),
    (
        "a.rtf",
        "{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0 Arial;}}{\\stylesheet{\\s1 heading 1;}}\\pard\\s1 Caf\\'e9\\par\n\
         \\pard\\uc1 Text \\u233?\\b bold\\b0\\par\\trowd\\cellx1000\\intbl a\\cell\\row}",
    ),
];

/// Files that are packages, by their parts.
const PACKAGES: &[(&str, &[(&str, &str)])] = &[
    (
        "a.docx",
        &[
            ("[Content_Types].xml", "<Types/>"),
            (
                "word/styles.xml",
                "<w:styles xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">\
                 <w:style w:type=\"paragraph\" w:styleId=\"H\"><w:name w:val=\"heading 1\"/></w:style></w:styles>",
            ),
            (
                "word/document.xml",
                "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body>\
                 <w:p><w:pPr><w:pStyle w:val=\"H\"/></w:pPr><w:r><w:t>Café</w:t></w:r></w:p>\
                 <w:p><w:r><w:t xml:space=\"preserve\">Text &#233; </w:t><w:tab/><w:br/><w:t>🙂</w:t></w:r></w:p>\
                 <w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>é</w:t></w:r></w:p>\
                 </w:tc></w:tr></w:tbl></w:body></w:document>",
            ),
        ],
    ),
    (
        "a.odt",
        &[
            ("mimetype", "application/vnd.oasis.opendocument.text"),
            (
                "content.xml",
                "<office:document-content xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
                 xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\" \
                 xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\"><office:body><office:text>\
                 <text:h text:outline-level=\"1\">Café</text:h><text:p>Text<text:s text:c=\"3\"/>é<text:line-break/>x</text:p>\
                 <text:list><text:list-item><text:p>item</text:p></text:list-item></text:list>\
                 <table:table><table:table-row><table:table-cell table:number-columns-repeated=\"2\"><text:p>é</text:p>\
                 </table:table-cell></table:table-row></table:table></office:text></office:body></office:document-content>",
            ),
        ],
    ),
    (
        "a.xlsx",
        &[
            ("[Content_Types].xml", "<Types/>"),
            (
                "xl/workbook.xml",
                "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" \
                 xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets>\
                 <sheet name=\"Café\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>",
            ),
            (
                "xl/_rels/workbook.xml.rels",
                "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
                 <Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" \
                 Target=\"worksheets/sheet1.xml\"/></Relationships>",
            ),
            (
                "xl/worksheets/sheet1.xml",
                "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>\
                 <row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>Name é</t></is></c><c r=\"B1\"><v>7</v></c></row>\
                 <row r=\"2\"><c r=\"A2\" t=\"str\"><v>Ágnes</v></c><c r=\"C2\"><f>1+1</f><v>2</v></c></row>\
                 </sheetData></worksheet>",
            ),
        ],
    ),
    (
        "a.pptx",
        &[
            ("[Content_Types].xml", "<Types/>"),
            (
                "ppt/presentation.xml",
                "<p:presentation><p:sldIdLst><p:sldId id='256' r:id='r1'/></p:sldIdLst></p:presentation>",
            ),
            (
                "ppt/_rels/presentation.xml.rels",
                "<Relationships><Relationship Id='r1' Type='x/slide' Target='slides/slide1.xml'/></Relationships>",
            ),
            (
                "ppt/slides/slide1.xml",
                "<p:sld xmlns:p=\"http://schemas.openxmlformats.org/presentationml/2006/main\" \
                 xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\"><p:cSld><p:spTree>\
                 <p:sp><p:nvSpPr><p:nvPr><p:ph type=\"title\"/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>Café</a:t></a:r></a:p>\
                 </p:txBody></p:sp><p:sp><p:txBody><a:p><a:pPr lvl=\"1\"/><a:r><a:t>é</a:t></a:r><a:br/></a:p></p:txBody></p:sp>\
                 </p:spTree></p:cSld></p:sld>",
            ),
        ],
    ),
    (
        "a.epub",
        &[
            ("mimetype", "application/epub+zip"),
            (
                "META-INF/container.xml",
                "<container xmlns=\"urn:oasis:names:tc:opendocument:xmlns:container\"><rootfiles>\
                 <rootfile full-path=\"b.opf\"/></rootfiles></container>",
            ),
            (
                "b.opf",
                "<package xmlns=\"http://www.idpf.org/2007/opf\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\
                 <metadata><dc:title>Café</dc:title></metadata><manifest>\
                 <item id=\"c\" href=\"c.xhtml\" media-type=\"application/xhtml+xml\"/></manifest>\
                 <spine><itemref idref=\"c\"/></spine></package>",
            ),
            (
                "c.xhtml",
                "<html xmlns=\"http://www.w3.org/1999/xhtml\"><body><h1>Uno é</h1><p>Texto &amp; más 🙂.</p>\
                 <h2>Dos</h2><ul><li>a</li></ul></body></html>",
            ),
        ],
    ),
    (
        "a.zip",
        &[
            ("one.md", "# Uno é\n\nText.\n"),
            ("deep/two.csv", "a,b\né,2\n"),
            ("three.html", "<h1>Tres</h1><p>é</p>"),
        ],
    ),
];

/// What programs trip over.
const STONES: &[&str] = &[
    "é",
    "🙂",
    "e\u{301}",
    "\u{feff}",
    "\u{202e}",
    "\u{2028}",
    "\0",
    "\r",
    "\n\n",
    "\t",
    "<",
    ">",
    "</p>",
    "<![CDATA[",
    "<!--",
    "&#x10FFFF;",
    "&#233;",
    "&amp",
    "\"",
    "'",
    "\\",
    "{",
    "}",
    "[",
    "]",
    "---\n",
    "===\n",
    "```",
    "# ",
    "\n* ",
    "$",
    "%",
    "99999999999999999999",
    "-1",
    "0",
    "\\u-65536?",
    "\u{fffd}",
    "]]>",
];

/// Something that happens to a file.
#[derive(Debug, Clone)]
enum Mishap {
    /// A bit is another.
    Flip(u8),
    /// Some bytes are lost,
    Lose(usize),
    /// or all to the end.
    Truncate,
    /// Some come many times.
    Repeat(usize, usize),
    /// A part of another file stands there instead of some.
    Mix(usize, Index, Index, usize),
    /// Something that programs trip over is in between.
    Stone(&'static str),
}

fn mishap() -> impl Strategy<Value = (Index, Mishap)> {
    let mishap = prop_oneof![
        1 => (0..8_u8).prop_map(Mishap::Flip),
        1 => (0..12_usize).prop_map(Mishap::Lose),
        1 => Just(Mishap::Truncate),
        1 => (0..12_usize, 1..41_usize).prop_map(|(length, times)| Mishap::Repeat(length, times)),
        1 => (0..12_usize, any::<Index>(), any::<Index>(), 0..60_usize)
            .prop_map(|(length, file, from, count)| Mishap::Mix(length, file, from, count)),
        2 => select(STONES).prop_map(Mishap::Stone),
    ];
    (any::<Index>(), mishap)
}

impl Mishap {
    fn befall(&self, file: &mut Vec<u8>, at: Index) {
        let at = at.index(file.len() + 1);
        let after = |length: &usize| (at + length).min(file.len());
        match self {
            Self::Flip(bit) => {
                if let Some(byte) = file.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Self::Lose(length) => drop(file.drain(at..after(length))),
            Self::Truncate => file.truncate(at),
            Self::Repeat(length, times) => {
                let again = file[at..after(length)].repeat(*times);
                file.splice(at..at, again);
            }
            Self::Mix(length, other, from, count) => {
                let other = &other.get(&FILES).1;
                let from = from.index(other.len());
                let part = &other[from..(from + count).min(other.len())];
                file.splice(at..after(length), part.iter().copied());
            }
            Self::Stone(stone) => drop(file.splice(at..at, stone.bytes())),
        }
    }
}

/// Files that are no packages, and their names.
static FILES: LazyLock<Vec<(&str, Vec<u8>)>> = LazyLock::new(|| {
    let texts = TEXTS
        .iter()
        .map(|(name, text)| (*name, text.as_bytes().to_vec()));
    let others = [
        "page.html",
        "harbour.pdf",
        "ships.xls",
        "latin1.txt",
        "utf16.txt",
    ];
    texts
        .chain(others.map(|name| (name, fixture(name))))
        .collect()
});

static EXTRACTOR: LazyLock<Extractor> = LazyLock::new(|| Extractor::new(Limits::new(worker())));

fn parts(of: &[(&'static str, &str)]) -> Vec<(&'static str, Vec<u8>)> {
    let parts = of.iter();
    let parts = parts.map(|(name, content)| (*name, content.as_bytes().to_vec()));
    parts.collect()
}

fn packed(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in parts {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(*name, options).expect("starts");
        archive.write_all(content).expect("writes");
    }
    archive.finish().expect("ends").into_inner()
}

/// Asserts what holds for all that readers give.
fn check(document: &Extracted, bytes: &[u8]) {
    let text = &document.text;
    assert!(text.get(document.body.clone()).is_some(), "the body");
    assert!(document.headings.is_sorted_by_key(|heading| heading.start));
    for heading in &document.headings {
        assert!(text.get(heading.start..).is_some(), "{heading:?}");
        assert!((1..=6).contains(&heading.level), "{heading:?}");
    }
    let mut end = 0;
    for page in &document.pages {
        assert!(page.start >= end && text.get(page.start..page.end).is_some());
        end = page.end;
    }
    if document.source_is_text {
        assert_eq!(text.as_bytes(), bytes);
    }
    for target_bytes in [40, 1000] {
        let settings = ChunkSettings {
            target_bytes,
            max_bytes: target_bytes * 2,
        };
        checked(document, &settings);
    }
}

/// Reads a file, and checks what comes of it. It may be refused; its reader may not crash.
fn check_file(name: &str, bytes: &[u8]) {
    match EXTRACTOR.extract(Path::new(name), bytes, None) {
        Ok(document) => check(&document, bytes),
        Err(Rejection::Failed(reason)) => assert!(!reason.contains("crash"), "{name}: {reason}"),
        Err(_) => {}
    }
}

#[test]
fn the_files_can_be_read_as_they_are() {
    let packages = PACKAGES
        .iter()
        .map(|(name, of)| (*name, packed(&parts(of))));
    for (name, bytes) in FILES.iter().cloned().chain(packages) {
        let document = EXTRACTOR.extract(Path::new(name), &bytes, None);
        check(&document.expect(name), &bytes);
    }
}

proptest! {
    #![proptest_config(properties())]

    #[test]
    fn spans_of_spoilt_files_are_spans(
        file in any::<Index>(),
        mishaps in vec(mishap(), 1..5),
    ) {
        let (name, bytes) = file.get(&FILES);
        let mut bytes = bytes.clone();
        for (at, mishap) in &mishaps {
            mishap.befall(&mut bytes, *at);
        }
        check_file(name, &bytes);
    }

    #[test]
    fn spans_of_spoilt_packages_are_spans(
        file in select(PACKAGES),
        part in any::<Index>(),
        mishaps in vec(mishap(), 1..5),
        of_the_package in prop::bool::weighted(0.15),
    ) {
        let mut parts = parts(file.1);
        let part = part.index(parts.len());
        let mut package = packed(&parts);
        for (at, mishap) in &mishaps {
            if of_the_package {
                mishap.befall(&mut package, *at);
            } else {
                mishap.befall(&mut parts[part].1, *at);
            }
        }
        let bytes = if of_the_package { package } else { packed(&parts) };
        check_file(file.0, &bytes);
    }
}
