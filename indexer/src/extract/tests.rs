//! The readers through `extract`, on files and hostile inputs, with a real child process.
//!
//! The fixtures: `harbour.pdf` was printed by Chromium, `truncated.pdf` is its first 9,000 bytes,
//! `locked.pdf` and `protected.pdf` are `qpdf --encrypt` of it with and without a user password.

mod circumstances;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use expect_test::{Expect, expect};
use pdf_extract::{Dictionary, Document, Object, Stream, dictionary};

use super::{Extracted, Extractor, Limits, Rejection};

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    // Tests run in their package's directory, wherever they were built.
    let path = Path::new("../tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn extract(path: &Path, bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    Extractor::new(limits.clone()).extract(path, bytes, None)
}

fn read(name: &str) -> Result<Extracted, Rejection> {
    extract(Path::new(name), &fixture(name), &limits())
}

fn limits() -> Limits {
    Limits::new(worker())
}

/// A program that behaves as `vade extract-child`: this test binary, told by the environment to
/// serve a request. Its harness prints to standard output too, so that is put aside.
pub(crate) fn worker() -> PathBuf {
    static SCRIPT: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = SCRIPT.get_or_init(|| {
        let folder = tempfile::tempdir().expect("temporary folder");
        let binary = std::env::current_exe().expect("test binary");
        let test = concat!(module_path!(), "::serve_as_child");
        let (_, test) = test.split_once("::").expect("crate name");
        let script = format!(
            "#!/bin/sh\nVADE_TEST_CHILD=1 exec '{}' --exact {test} --nocapture 3>&1 1>/dev/null\n",
            binary.display()
        );
        let path = folder.path().join("worker");
        std::fs::write(&path, script).expect("script");
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(path, executable).expect("permissions");
        folder
    });
    folder.path().join("worker")
}

#[test]
fn serve_as_child() {
    if std::env::var_os("VADE_TEST_CHILD").is_some() {
        let output = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/fd/3")
            .expect("pipe");
        super::worker::serve_and_exit(&mut std::io::stdin().lock(), output);
    }
}

#[track_caller]
#[expect(
    clippy::needless_pass_by_value,
    reason = "expectations are written in place"
)]
fn check_rejection(name: &str, bytes: &[u8], limits: &Limits, expected: Expect) {
    let rejection = extract(Path::new(name), bytes, limits).expect_err("rejected");
    expected.assert_eq(&format!("{rejection:?}"));
}

#[test]
fn a_pdf_gives_its_pages() {
    let document = read("harbour.pdf").expect("read");
    expect![[r"
        The Harbour Report

        The old harbour was closed in the spring of 1932, after a storm had carried away the outer half of its wooden pier. Fishing boats moved to the river mouth, where they lay unprotected from the western wind.

        This report describes the rebuilding that followed: the pier, the lighthouse and the market hall. An efficient office finished the final figures in a single afternoon.

        The pier

        The new pier is four hundred and twelve metres long. Its foundation consists of granite blocks from the quarry at Elmsworth, which were brought by rail and lowered by a floating crane.

        Length: 412 metres
        Width: 9 metres
        Cost: 1.3 million crowns

        The lighthouse

        The lighthouse keeper, Ágnes Køhler, lit the lamp for the first time on the third of October 1935. The light could be seen from twenty-one nautical miles away."]].assert_eq(&document.text);
    assert_eq!(document.title.as_deref(), Some("The Harbour Report"));
    assert_eq!(document.language, Some("en"));
    assert_eq!(document.notice, None);
    let numbers: Vec<u32> = document.pages.iter().map(|page| page.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
    let third = document.pages[2];
    assert!(document.text[third.start..third.end].starts_with("The lighthouse\n"));
    assert_eq!(third.end, document.text.len());
}

#[test]
fn protected_files_are_read_where_no_password_is_needed() {
    let open = read("protected.pdf").expect("read");
    assert_eq!(open.text, read("harbour.pdf").expect("read").text);
    check_rejection(
        "a.pdf",
        &fixture("locked.pdf"),
        &limits(),
        expect![[r#"Skipped("needs a password")"#]],
    );
}

#[test]
fn broken_files_say_what_is_wrong() {
    check_rejection(
        "a.pdf",
        &fixture("truncated.pdf"),
        &limits(),
        expect![[r#"Failed("not valid PDF: its end is missing")"#]],
    );
    check_rejection(
        "a.pdf",
        b"<html>not found</html>",
        &limits(),
        expect![[r#"Failed("not valid PDF: no PDF header")"#]],
    );
    let missing = Limits::new("/nonexistent/vade".into());
    check_rejection(
        "a.pdf",
        &fixture("harbour.pdf"),
        &missing,
        expect![[
            r#"Hindered("the reader could not be started: No such file or directory (os error 2)")"#
        ]],
    );
}

#[test]
fn a_page_that_breaks_the_reader_costs_only_itself() {
    let pdf = pdf_with_pages(&[
        b"BT /F1 12 Tf (First page) Tj ET",
        b"1 cm",
        b"BT /F1 12 Tf (Third page) Tj ET",
    ]);
    let document = extract(Path::new("a.pdf"), &pdf, &limits()).expect("read");
    assert_eq!(document.text, "First page\n\nThird page");
    let numbers: Vec<u32> = document.pages.iter().map(|page| page.number).collect();
    assert_eq!(numbers, [1, 3]);
    assert_eq!(
        document.notice.as_deref(),
        Some("1 of 3 pages could not be read in full")
    );
}

#[test]
fn a_scan_needs_ocr() {
    let pdf = pdf_with_pages(&[b"0 0 100 100 re f"]);
    check_rejection(
        "a.pdf",
        &pdf,
        &limits(),
        expect![[r#"NeedsOcr("no text in it (scanned?)")"#]],
    );
}

#[test]
fn time_is_limited() {
    let late = Limits {
        child_seconds: 0,
        ..limits()
    };
    check_rejection(
        "a.pdf",
        &fixture("harbour.pdf"),
        &late,
        expect![[r#"Failed("reading took longer than 0 seconds")"#]],
    );
}

#[test]
fn memory_is_limited_and_earlier_pages_survive() {
    let bomb = vec![b' '; 200 * 1024 * 1024];
    let pdf = pdf_with_pages(&[b"BT /F1 12 Tf (Before the bomb) Tj ET", &bomb]);
    assert!(pdf.len() < 1024 * 1024, "the bomb is small on disk");
    let small = Limits {
        child_memory_bytes: 160 * 1024 * 1024,
        ..limits()
    };
    let document = extract(Path::new("a.pdf"), &pdf, &small).expect("first page");
    assert_eq!(document.text, "Before the bomb");
    expect!["only page 1 of 2 could be read: reading took more than 160 MB of memory"]
        .assert_eq(&document.notice.expect("notice"));
}

#[test]
fn endless_recursion_is_harmless() {
    let mut pdf = Pdf::new();
    let form = pdf.document.new_object_id();
    let mut stream = Stream::new(
        dictionary! {
            "Type" => "XObject", "Subtype" => "Form",
            "Resources" => dictionary! { "XObject" => dictionary! { "X" => form } },
        },
        b"/X Do".to_vec(),
    );
    stream
        .dict
        .set("BBox", vec![0.into(), 0.into(), 9.into(), 9.into()]);
    pdf.document.objects.insert(form, Object::Stream(stream));
    pdf.add_page(b"BT /F1 12 Tf (Page one) Tj ET", None);
    pdf.add_page(b"/X Do", Some(form));
    let document = extract(Path::new("a.pdf"), &pdf.finish(), &limits()).expect("first page");
    assert_eq!(document.text, "Page one");
    expect!["1 of 2 pages have no text (scanned?)"].assert_eq(&document.notice.expect("notice"));
}

#[test]
fn text_beyond_the_limit_is_left_out_and_said() {
    let small = Limits {
        max_text_bytes: 100,
        ..limits()
    };
    let pdf = extract(Path::new("a.pdf"), &fixture("harbour.pdf"), &small).expect("read");
    assert!(
        pdf.text.len() <= 100 && pdf.text.starts_with("The Harbour"),
        "{}",
        pdf.text
    );
    assert_eq!(
        pdf.notice.as_deref(),
        Some("only the first 100 bytes of text were read")
    );
    let note = extract(Path::new("a.md"), "é".repeat(80).as_bytes(), &small).expect("read");
    assert_eq!((note.text.len(), note.body), (100, 0..100));
    assert_eq!(
        note.notice.as_deref(),
        Some("only the first 100 bytes of text were read")
    );
}

#[test]
fn text_files_in_old_encodings() {
    let latin = read("latin1.txt").expect("read");
    assert!(
        latin
            .text
            .starts_with("Le café du port est fermé le lundi.")
    );
    assert_eq!((latin.language, latin.source_is_text), (Some("fr"), false));
    let utf16 = read("utf16.txt").expect("read");
    assert!(utf16.text.contains("heißt Køhler"));
}

#[test]
fn a_web_page() {
    let page = read("page.html").expect("read");
    expect![[r"
        Tides & currents

        High water at the pier is twelve minutes later than at Elmsworth.

        Table

        Day: Monday; High: 06:12; Low: 12:30

        Rules

        - Keep clear of the pier.
        - No anchoring in the fairway.

        depth = chart + tide"]]
    .assert_eq(&page.text);
    assert_eq!(page.title.as_deref(), Some("Tides & currents"));
    let headings: Vec<_> = page
        .headings
        .iter()
        .map(|h| (h.level, h.text.as_str()))
        .collect();
    assert_eq!(
        headings,
        [(1, "Tides & currents"), (2, "Table"), (2, "Rules")]
    );
}

#[test]
fn what_is_empty_or_too_large_is_skipped() {
    for (name, bytes, reason) in [
        ("a.txt", &b" \n\t"[..], "empty"),
        (
            "a.md",
            b"---\ntitle: A\n---\n \n",
            "no text besides its front matter",
        ),
        ("a.html", b"<script>x</script>", "empty"),
    ] {
        let rejection = extract(Path::new(name), bytes, &limits());
        assert_eq!(
            rejection,
            Err(Rejection::Skipped(reason.to_owned())),
            "{name}"
        );
    }
    let tight = Limits {
        max_file_bytes: 1024 * 1024,
        ..limits()
    };
    let large = vec![b'a'; 1024 * 1024 + 1];
    check_rejection(
        "a.txt",
        &large,
        &tight,
        expect![[r#"Skipped("larger than 1 MB")"#]],
    );
}

#[test]
fn every_prefix_and_corruption_of_a_file_is_survived() {
    let extractor = Extractor::new(limits());
    let html = fixture("page.html");
    let markdown =
        b"---\ntags: [a, 'b']\n---\n# T [[l|x]]\n\n```\ncode\n| a | b |\n|--|\n".to_vec();
    for (name, bytes) in [("a.html", html), ("a.md", markdown)] {
        for end in 0..bytes.len() {
            let mut damaged = bytes[..end].to_vec();
            let _ = extractor.extract(Path::new(name), &damaged, None);
            if let Some(byte) = damaged.last_mut() {
                *byte ^= 0x95;
            }
            let _ = extractor.extract(Path::new(name), &damaged, None);
        }
    }
}

/// A PDF made on the spot, for contents no ordinary program writes.
struct Pdf {
    document: Document,
    tree: pdf_extract::ObjectId,
    pages: Vec<Object>,
}

impl Pdf {
    fn new() -> Self {
        let mut document = Document::with_version("1.5");
        let tree = document.new_object_id();
        Self {
            document,
            tree,
            pages: Vec::new(),
        }
    }

    fn add_page(&mut self, content: &[u8], form: Option<pdf_extract::ObjectId>) {
        let mut stream = Stream::new(Dictionary::new(), content.to_vec());
        stream.compress().expect("compressed");
        let content = self.document.add_object(stream);
        let mut resources = dictionary! { "Font" => dictionary! { "F1" => dictionary! {
            "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica",
        } } };
        if let Some(form) = form {
            resources.set("XObject", dictionary! { "X" => form });
        }
        let page = self.document.add_object(dictionary! {
            "Type" => "Page", "Parent" => self.tree, "Contents" => content,
            "Resources" => resources,
            "MediaBox" => vec![0.into(), 0.into(), 600.into(), 800.into()],
        });
        self.pages.push(page.into());
    }

    fn finish(mut self) -> Vec<u8> {
        let count = i64::try_from(self.pages.len()).expect("few");
        let tree = dictionary! { "Type" => "Pages", "Kids" => self.pages, "Count" => count };
        self.document
            .objects
            .insert(self.tree, Object::Dictionary(tree));
        let tree = self.tree;
        let catalog = self
            .document
            .add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
        self.document.trailer.set("Root", catalog);
        let mut bytes = Vec::new();
        self.document.save_to(&mut bytes).expect("saved");
        bytes
    }
}

fn pdf_with_pages(contents: &[&[u8]]) -> Vec<u8> {
    let mut pdf = Pdf::new();
    for content in contents {
        pdf.add_page(content, None);
    }
    pdf.finish()
}
