//! PDF files: the child's frames to a document with pages, and to words about what is missing.
//!
//! Owns what counts as a title and how trouble is told. What pages repeat is `running`'s business.

mod running;

use std::collections::BTreeMap;

use super::child::{Ending, Frame, PageRead, Picture};
use super::page_text::{is_garbled, tidy};
use super::{Extracted, Limits, NEEDS_OCR, Page, Rejection, cut, cut_notice, pdf_pages};

const LONGEST_TITLE: usize = 120;

/// Reads a PDF file that lies within another file, in the child process.
pub(super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let mut frames = Vec::new();
    let send = &mut |frame| {
        frames.push(frame);
        Ok(())
    };
    pdf_pages::read(bytes, limits.max_text_bytes, None, send)
        .map_err(|error| Rejection::failed(error.to_string()))?;
    assemble("pdf", frames, &Ending::Finished, limits.max_text_bytes)
}

/// What came of the pages.
#[derive(Debug, Default)]
struct Report {
    pages: u32,
    /// The last page the child got to.
    last: u32,
    /// Pages read in part or not at all.
    incomplete: usize,
    /// Pages whose text means nothing.
    garbled: usize,
    /// Pages without text.
    blank: usize,
    /// Pages that are pictures which were not read,
    unread: usize,
    /// and those that were.
    seen: usize,
    /// There was more text than may be kept.
    full: bool,
}

/// Makes a document of the child's frames; `reader` is the name of what read it.
pub(super) fn assemble(
    reader: &'static str,
    frames: Vec<Frame>,
    ending: &Ending,
    max_text_bytes: usize,
) -> Result<Extracted, Rejection> {
    let mut report = Report::default();
    let mut document = Extracted {
        extractor: reader.into(),
        ..Extracted::default()
    };
    let mut pages: BTreeMap<u32, PageRead> = BTreeMap::new();
    for frame in frames {
        match frame {
            Frame::Opened { pages, title } => {
                report.pages = pages;
                document.title = title.and_then(|title| sensible_title(&title));
            }
            Frame::Page(page) => {
                let by_second = page.picture != Picture::Read;
                let before = pages.get(&page.number);
                // A page comes again with other text where the second reader did better.
                if by_second && before.is_some_and(|before| before.text != page.text) {
                    document.extractor = "pdf+pdf-extract".into();
                }
                pages.insert(page.number, page);
            }
            Frame::Full => report.full = true,
            Frame::NeedsPassword => return Err(Rejection::skipped("needs a password")),
            Frame::NotValid(why) => return Err(Rejection::failed(format!("not valid PDF: {why}"))),
            Frame::Rejected(rejection) => return Err(rejection),
            Frame::Document(_) | Frame::Finished { .. } => {}
        }
    }
    add_pages(&mut document, &mut report, pages);
    if report.seen > 0 {
        document.extractor.to_mut().push_str("+ocr");
    }
    if document.text.is_empty() {
        return Err(no_text(&report, ending));
    }
    document.unread_images = report.unread > 0;
    report.full |= shorten(&mut document, max_text_bytes);
    document.body = 0..document.text.len();
    document.title = document.title.or_else(|| first_line(&document.text));
    document.notice = notice(&report, ending, max_text_bytes);
    Ok(document)
}

impl Report {
    fn add(&mut self, page: &PageRead) {
        self.last = page.number;
        self.incomplete += usize::from(!page.complete);
        self.garbled += usize::from(is_garbled(&page.text));
        self.blank += usize::from(page.complete && page.text.is_empty());
        self.unread += usize::from(page.picture == Picture::Unread);
        self.seen += usize::from(page.picture == Picture::Read);
    }

    /// Whether the child got through all pages; a second look may have ended it later.
    fn has_all_pages(&self) -> bool {
        self.pages > 0 && self.last >= self.pages
    }
}

fn add_pages(document: &mut Extracted, report: &mut Report, pages: BTreeMap<u32, PageRead>) {
    let mut pages: Vec<PageRead> = pages.into_values().collect();
    let texts = pages
        .iter_mut()
        .map(|page| (page.number, std::mem::take(&mut page.text)));
    let mut texts: Vec<(u32, String)> = texts.collect();
    running::remove(&mut texts);
    for (mut page, (_, text)) in pages.into_iter().zip(texts) {
        page.text = tidy(&text);
        report.add(&page);
        if !page.text.is_empty() && !is_garbled(&page.text) {
            append(document, page.number, &page.text);
        }
    }
}

fn append(document: &mut Extracted, number: u32, text: &str) {
    if !document.text.is_empty() {
        document.text.push_str("\n\n");
    }
    let start = document.text.len();
    document.text.push_str(text);
    document.pages.push(Page {
        number,
        start,
        end: document.text.len(),
    });
}

/// The child counts glyphs, and expanded ligatures and blank lines come on top of those.
fn shorten(document: &mut Extracted, max_text_bytes: usize) -> bool {
    let shortened = cut(&mut document.text, max_text_bytes).is_some();
    let end = document.text.len();
    document.pages.retain(|page| page.start < end);
    if let Some(last) = document.pages.last_mut() {
        last.end = last.end.min(end);
    }
    shortened
}

fn no_text(report: &Report, ending: &Ending) -> Rejection {
    if *ending != Ending::Finished && (!report.has_all_pages() || report.incomplete > 0) {
        Rejection::failed(ending.to_string())
    } else if report.incomplete > 0 {
        Rejection::failed("none of its pages could be read")
    } else if report.seen > 0 {
        Rejection::skipped("no text in its images")
    } else if report.garbled > 0 {
        Rejection::needs_ocr("its text has no usable encoding")
    } else {
        Rejection::needs_ocr("no text in it (scanned?)")
    }
}

fn count_pages(pages: u32) -> String {
    if pages == 1 {
        "1 page".to_owned()
    } else {
        format!("{pages} pages")
    }
}

fn notice(report: &Report, ending: &Ending, max_text_bytes: usize) -> Option<String> {
    let pages = count_pages(report.pages);
    let mut parts = Vec::new();
    if *ending != Ending::Finished && !report.has_all_pages() {
        let last = report.last;
        let read = if last == 1 {
            "page 1".to_owned()
        } else {
            format!("pages 1-{last}")
        };
        parts.push(format!(
            "only {read} of {} could be read: {ending}",
            report.pages
        ));
    }
    if report.full {
        parts.push(cut_notice(max_text_bytes));
    }
    if report.incomplete > 0 {
        parts.push(format!(
            "{} of {pages} could not be read in full",
            report.incomplete
        ));
    }
    if report.garbled > 0 {
        parts.push(format!(
            "{} of {pages} have no usable text encoding",
            report.garbled
        ));
    }
    if report.seen > 0 {
        parts.push(format!("{} of {pages} were read from images", report.seen));
    }
    if report.unread > 0 {
        parts.push(format!(
            "{} of {pages} are images: {NEEDS_OCR}",
            report.unread
        ));
    }
    // One empty page is the back of a cover; many are scans.
    let blank = report.blank.saturating_sub(report.unread);
    if blank > 0 && blank * 2 >= report.pages as usize {
        parts.push(format!("{blank} of {pages} have no text (scanned?)"));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Titles that programs fill in when nobody else does.
const DEFAULT_TITLES: &[&str] = &[
    "(anonymous)",
    "about:blank",
    "document1",
    "microsoft powerpoint",
    "microsoft word",
    "no title",
    "powerpoint presentation",
    "slide 1",
    "untitled",
];

/// A title that names the document, not the file or the program it came from.
fn sensible_title(title: &str) -> Option<String> {
    let words = title.split(|c: char| c.is_whitespace() || c.is_control());
    let title = words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let lower = title.to_lowercase();
    let is_default = DEFAULT_TITLES
        .iter()
        .any(|default| lower.starts_with(default))
        || matches!(
            lower.as_str(),
            "document" | "title" | "print" | "scan" | "layout 1"
        );
    let has_words = title.chars().filter(|c| c.is_alphabetic()).count() >= 2;
    let sensible = has_words
        && !is_default
        && !is_file_name(&lower)
        && title.chars().count() <= LONGEST_TITLE * 2;
    sensible.then_some(title)
}

fn is_file_name(title: &str) -> bool {
    let is_path = title.starts_with(['/', '~', '\\'])
        || title.starts_with("file:")
        || title.contains(":\\")
        || (title.contains('/') && !title.contains(' '));
    let has_extension = title.rsplit_once('.').is_some_and(|(_, extension)| {
        (2..=5).contains(&extension.len())
            && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && extension.bytes().any(|byte| byte.is_ascii_alphabetic())
    });
    is_path || has_extension
}

/// The first line, where it is short enough to be a heading.
fn first_line(text: &str) -> Option<String> {
    let line = text.lines().next()?.trim();
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    let short = letters > 2 && line.chars().count() <= LONGEST_TITLE;
    short.then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{assemble, sensible_title};
    use crate::extract::child::{Ending, Frame, PageRead, Picture};
    use expect_test::{Expect, expect};

    fn page(number: u32, text: &str, complete: bool) -> Frame {
        Frame::Page(PageRead {
            number,
            text: text.to_owned(),
            complete,
            picture: Picture::No,
        })
    }

    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "expectations are written in place"
    )]
    fn check(pages: u32, read: Vec<Frame>, ending: &Ending, expected: Expect) {
        let mut frames = vec![Frame::Opened { pages, title: None }];
        frames.extend(read);
        expected.assert_eq(&match assemble("pdf", frames, ending, 1000) {
            Ok(document) => format!("{:?} {:?}", document.text, document.notice),
            Err(rejection) => format!("{rejection:?}"),
        });
    }

    #[test]
    fn what_is_missing_is_told() {
        let late = Ending::TookTooLong { seconds: 60 };
        check(
            2,
            vec![page(1, "a", true), page(2, "b", true)],
            &Ending::Finished,
            expect![[r#""a\n\nb" None"#]],
        );
        check(
            20,
            vec![page(1, "a", true), page(2, "b", true)],
            &late,
            expect![[
                r#""a\n\nb" Some("only pages 1-2 of 20 could be read: reading took longer than 60 seconds")"#
            ]],
        );
        check(
            3,
            vec![page(1, "a", true), page(2, "", false)],
            &Ending::Finished,
            expect![[r#""a" Some("1 of 3 pages could not be read in full")"#]],
        );
        check(
            2,
            vec![page(1, "a", true), page(2, "", true)],
            &Ending::Finished,
            expect![[r#""a" Some("1 of 2 pages have no text (scanned?)")"#]],
        );
        check(
            2,
            vec![page(1, "a", true), page(2, "\u{fffd}", true)],
            &Ending::Finished,
            expect![[r#""a" Some("1 of 2 pages have no usable text encoding")"#]],
        );
    }

    #[test]
    fn no_text_has_a_reason() {
        check(
            1,
            vec![page(1, " \n", true)],
            &Ending::Finished,
            expect![[r#"NeedsOcr("no text in it (scanned?)")"#]],
        );
        check(
            1,
            vec![page(1, "", false)],
            &Ending::Finished,
            expect![[r#"Failed("none of its pages could be read")"#]],
        );
        check(
            1,
            vec![page(1, "\u{e001}\u{e002}", true)],
            &Ending::Finished,
            expect![[r#"NeedsOcr("its text has no usable encoding")"#]],
        );
        check(
            1,
            vec![],
            &Ending::Crashed("signal 11".to_owned()),
            expect![[r#"Failed("the reader crashed (signal 11)")"#]],
        );
        check(
            1,
            vec![],
            &Ending::OutOfMemory { bytes: 1 << 30 },
            expect![[r#"Failed("reading took more than 1024 MB of memory")"#]],
        );
        check(
            0,
            vec![Frame::NeedsPassword],
            &Ending::Finished,
            expect![[r#"Skipped("needs a password")"#]],
        );
    }

    #[test]
    fn titles_name_the_document() {
        for title in ["TCP/IP in a day", "Über  Häfen\u{0}", "Version 2.0", "港"] {
            let known = sensible_title(title).is_some();
            assert_eq!(known, title != "港", "{title}");
        }
        for title in [
            "",
            "  ",
            "Untitled",
            "untitled document",
            "Microsoft Word - thesis",
            "report-final.docx",
            "C:\\Users\\me\\x",
            "/tmp/x",
            "file:///a b",
            "papers/draft",
            "42",
        ] {
            assert_eq!(sensible_title(title), None, "{title}");
        }
    }
}
