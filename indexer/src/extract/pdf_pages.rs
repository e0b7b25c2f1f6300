//! The pages of a PDF file, one after the other, in the child process.
//!
//! Two readers, because each gives up on files that the other can read: hayro first, which repairs
//! damaged files and knows the encodings of Chinese, Japanese and Korean fonts, then pdf-extract for
//! the pages that came out badly. Owns which of the two sees a page and whose text is taken. Both may
//! panic and allocate without bound on hostile files, and the second may recurse off the stack; so each
//! page is sent as soon as it is read, and once more where the second reader did better.

mod content;
mod layers;
mod notes;
mod picture;
mod typeface;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use pdf_extract::{Document, Object, StringFormat, decode_text_string, output_doc_page};

use self::content::{Content, Read};
use super::Rejection;
use super::child::{Frame, PageRead, Picture};
use super::images::ImageReader;
use super::layout::PageLayout;
use super::page_text::is_garbled;
use super::repair::{add_catalog, expand_width_ranges};

/// Readers accept some rubbish before the header.
const HEADER_WITHIN: usize = 1024;

/// And after the end.
const END_WITHIN: usize = 2048;

/// The second reader is slow, and a document with this many bad pages is bad throughout.
const MAX_SECOND_OPINIONS: usize = 50;

/// A page with fewer letters and digits says nothing of what is in its pictures.
const FEW_LETTERS: usize = 100;

/// Where frames go.
pub(super) type Send<'a> = &'a mut dyn FnMut(Frame) -> io::Result<()>;

/// Reads a PDF file's pages, at most `budget` bytes of text. A page that comes twice was read again,
/// by the second reader or as an image, and better.
pub(super) fn read(
    bytes: &[u8],
    budget: usize,
    images: Option<&mut ImageReader>,
    send: Send<'_>,
) -> io::Result<()> {
    let mut pages = picture::Pages::default();
    let pdf = read_text(bytes, budget, &mut |frame| {
        pages.note(&frame);
        send(frame)
    })?;
    if let (Some(images), Some(pdf)) = (images, pdf) {
        for number in pages.to_look_at() {
            let looked = picture::look(&pdf, number, images);
            let is_over = matches!(looked, Frame::Rejected(_));
            send(looked)?;
            if is_over {
                break;
            }
        }
    }
    Ok(())
}

/// Reads what is written as text; also gives the file, where the first reader can open it.
fn read_text(bytes: &[u8], mut budget: usize, send: Send<'_>) -> io::Result<Option<Pdf>> {
    let head = &bytes[..bytes.len().min(HEADER_WITHIN)];
    if !head.windows(5).any(|window| window == b"%PDF-") {
        send(Frame::NotValid("no PDF header".to_owned()))?;
        return Ok(None);
    }
    let (pdf, is_whole) = match guarded(|| Pdf::new(bytes.to_vec())) {
        Some(Ok(pdf)) => (pdf, has_end(bytes)),
        Some(Err(LoadPdfError::Decryption(error))) => {
            send(locked(error))?;
            return Ok(None);
        }
        Some(Err(LoadPdfError::Invalid)) | None => {
            let Some(pdf) = guarded(|| rebuild(bytes)).flatten() else {
                read_second_only(bytes, budget, send)?;
                return Ok(None);
            };
            (pdf, false)
        }
    };
    let mut last = None;
    let doubtful = read_first(&pdf, &mut budget, &mut |frame| {
        if let Frame::Page(page) = &frame
            && (page.text.contains(char::is_alphanumeric) || last.is_some())
        {
            last = Some(page.clone());
        }
        send(frame)
    })?;
    let Some(doubtful) = doubtful else {
        send(Frame::Full)?;
        return Ok(Some(pdf));
    };
    match last {
        _ if is_whole => {}
        // What is missing was behind the last page that is left, or part of it.
        Some(page) => send(Frame::Page(PageRead {
            complete: false,
            ..page
        }))?,
        None => read_second_only(bytes, budget, send)?,
    }
    if doubtful.is_empty() {
        return Ok(Some(pdf));
    }
    if let Some(Ok(document)) = guarded(|| open_second(bytes)) {
        read_second(&document, doubtful, budget, send)?;
    }
    Ok(Some(pdf))
}

/// Opens a file whose catalog is lost: its pages are then found one by one.
fn rebuild(bytes: &[u8]) -> Option<Pdf> {
    let pdf = Pdf::new(add_catalog(bytes)).ok()?;
    // Anything can be given a catalog; without pages it was no document.
    (!pdf.pages().is_empty()).then_some(pdf)
}

/// Whether the file was written to its end.
fn has_end(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(END_WITHIN)..];
    tail.windows(5).any(|window| window == b"%%EOF")
}

/// The empty password was tried, which most protected files have for reading.
fn locked(error: DecryptionError) -> Frame {
    match error {
        DecryptionError::PasswordProtected => Frame::NeedsPassword,
        DecryptionError::UnsupportedAlgorithm => Frame::Rejected(Rejection::skipped(
            "encrypted in a way that cannot be read, such as for one person's certificate",
        )),
        DecryptionError::MissingIDEntry | DecryptionError::InvalidEncryption => {
            Frame::NotValid("its encryption is damaged".to_owned())
        }
    }
}

/// Sends what the first reader makes of the pages and returns those it had trouble with; `None`
/// where there was more text than may be kept.
fn read_first(pdf: &Pdf, budget: &mut usize, send: Send<'_>) -> io::Result<Option<Vec<PageRead>>> {
    let title = pdf.metadata().title.as_deref().map(decode_text);
    let pages = guarded(|| pdf.pages().len()).unwrap_or(0);
    if pages == 0 {
        send(Frame::NotValid("it has no pages".to_owned()))?;
        return Ok(Some(Vec::new()));
    }
    send(Frame::Opened {
        pages: u32::try_from(pages).unwrap_or(u32::MAX),
        title,
    })?;
    let mut content = Content::new(pdf.xref());
    let mut doubtful = Vec::new();
    for (number, page) in (1..).zip(pdf.pages().iter()) {
        let mut layout = PageLayout::new(*budget);
        let (read, is_pictured) =
            guarded(|| content.read(page, &mut layout)).unwrap_or((Read::Broken, false));
        let text = guarded(|| layout.text()).unwrap_or_default();
        let page = PageRead {
            number,
            complete: read == Read::Complete || layout.is_full(),
            picture: picture(&text, is_pictured),
            text,
        };
        *budget = budget.saturating_sub(page.text.len());
        if layout.is_full() || *budget == 0 {
            send(Frame::Page(page))?;
            return Ok(None);
        }
        let is_doubtful = read == Read::Broken || is_doubtful(&page.text);
        if is_doubtful && doubtful.len() < MAX_SECOND_OPINIONS {
            doubtful.push(page.clone());
        }
        send(Frame::Page(page))?;
    }
    Ok(Some(doubtful))
}

/// For files that the first reader cannot open.
fn read_second_only(bytes: &[u8], budget: usize, send: Send<'_>) -> io::Result<()> {
    let document = match guarded(|| open_second(bytes)) {
        Some(Ok(document)) => document,
        Some(Err(error)) => return send(Frame::NotValid(damage(bytes, &error))),
        None => return send(Frame::NotValid("it is damaged".to_owned())),
    };
    if document.is_encrypted() {
        return send(Frame::NeedsPassword);
    }
    let pages = guarded(|| document.get_pages()).unwrap_or_default();
    let Some(last) = pages.keys().next_back() else {
        return send(Frame::NotValid("it has no pages".to_owned()));
    };
    send(Frame::Opened {
        pages: *last,
        title: guarded(|| title(&document)).flatten(),
    })?;
    let unread = pages.into_keys().map(|number| PageRead {
        number,
        ..PageRead::default()
    });
    let unread: Vec<PageRead> = unread.collect();
    for page in &unread {
        send(Frame::Page(page.clone()))?;
    }
    read_second(&document, unread, budget, send)
}

fn open_second(bytes: &[u8]) -> Result<Document, pdf_extract::Error> {
    let mut document = Document::load_mem(bytes)?;
    expand_width_ranges(&mut document);
    Ok(document)
}

/// What is wrong with a file that cannot be opened. Most such files were never fully written.
fn damage(bytes: &[u8], error: &pdf_extract::Error) -> String {
    if has_end(bytes) {
        error.to_string()
    } else {
        "its end is missing".to_owned()
    }
}

/// Sends pages again that the second reader reads better.
fn read_second(
    document: &Document,
    pages: Vec<PageRead>,
    mut budget: usize,
    send: Send<'_>,
) -> io::Result<()> {
    for first in pages {
        let number = first.number;
        let mut layout = PageLayout::new(budget);
        let read = guarded(|| output_doc_page(document, &mut layout, number));
        let text = guarded(|| layout.text()).unwrap_or_default();
        let complete = matches!(read, Some(Ok(()))) || layout.is_full();
        // The second reader knows less of encodings and guesses more, so a little more is no better.
        let better = worth(&text) * 10 > worth(&first.text) * 11;
        let both_blank = text.trim().is_empty() && first.text.trim().is_empty();
        if better || (both_blank && complete) {
            budget = budget.saturating_sub(text.len());
            send(Frame::Page(PageRead {
                number,
                complete,
                picture: picture(&text, first.picture == Picture::Unread),
                text,
            }))?;
        }
        if budget == 0 || layout.is_full() {
            return send(Frame::Full);
        }
    }
    Ok(())
}

/// Whether what a page says is in its pictures rather than in this text.
fn picture(text: &str, is_pictured: bool) -> Picture {
    let is_short = || text.chars().filter(|c| c.is_alphanumeric()).count() < FEW_LETTERS;
    if is_garbled(text) || (is_pictured && is_short()) {
        Picture::Unread
    } else {
        Picture::No
    }
}

/// Whether much of a page could not be made out.
fn is_doubtful(text: &str) -> bool {
    let unknown = text
        .chars()
        .filter(|c| *c == char::REPLACEMENT_CHARACTER)
        .count();
    is_garbled(text) || unknown * 10 > text.chars().count()
}

/// How much there is to be had from a page: letters and digits, less what is unknown.
fn worth(text: &str) -> usize {
    if is_garbled(text) {
        return 0;
    }
    let known = text.chars().filter(|c| c.is_alphanumeric()).count();
    let unknown = text
        .chars()
        .filter(|c| *c == char::REPLACEMENT_CHARACTER)
        .count();
    known.saturating_sub(2 * unknown)
}

fn guarded<T>(action: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(action)).ok()
}

/// The title in the document's information dictionary.
fn title(document: &Document) -> Option<String> {
    let info = document.trailer.get(b"Info").ok()?;
    let (_, info) = document.dereference(info).ok()?;
    let (_, title) = document
        .dereference(info.as_dict().ok()?.get(b"Title").ok()?)
        .ok()?;
    decode_text_string(title).ok()
}

/// A string of the document that is meant to be read: UTF-16, UTF-8 or PDF's own encoding.
fn decode_text(bytes: &[u8]) -> String {
    let string = Object::String(bytes.to_vec(), StringFormat::Literal);
    guarded(|| decode_text_string(&string).ok())
        .flatten()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
