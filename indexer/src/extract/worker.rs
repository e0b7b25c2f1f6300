//! The child process that reads one PDF file and exits.
//!
//! Owns the limits the process puts on itself and the loop over pages. lopdf and pdf-extract panic,
//! recurse and allocate without bound on hostile files, which is why they run here only. `child` is
//! the other end of the pipes.

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use pdf_extract::{Document, decode_text_string, output_doc_page};

use super::child::{Frame, Request, read_frame, write_frame};
use super::layout::PageLayout;
use super::repair::expand_width_ranges;

/// Deep but honest files nest some hundred levels, at up to kilobytes of stack each.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Serves one request on standard input and exits: the hidden command `vade extract-child`.
pub fn child_main() -> ! {
    serve_and_exit(&mut io::stdin().lock(), io::stdout())
}

pub(super) fn serve_and_exit(input: &mut impl Read, output: impl Write + Send + 'static) -> ! {
    // Panics are expected and reported per page; their messages would be noise.
    std::panic::set_hook(Box::new(|_| {}));
    let served = serve(input, output);
    std::process::exit(i32::from(served.is_err()))
}

fn serve(input: &mut impl Read, mut output: impl Write + Send + 'static) -> io::Result<()> {
    let request: Request = read_frame(input, 4096)?;
    confine(&request)?;
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(move || {
            read_document(&bytes, request.max_text_bytes, &mut output)?;
            write_frame(&mut output, &Frame::Finished)
        })?
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("panicked outside of a page")))
}

/// Lowers the process's own limits: memory on top of what the program itself occupies, processor
/// time, and no core dumps, which would hold the document.
#[cfg(unix)]
#[expect(unsafe_code, reason = "resource limits are set through libc")]
fn confine(request: &Request) -> io::Result<()> {
    let memory = address_space_in_use().saturating_add(request.memory_bytes);
    let limits = [
        (libc::RLIMIT_AS, memory),
        (libc::RLIMIT_CPU, request.seconds),
        (libc::RLIMIT_CORE, 0),
    ];
    for (resource, value) in limits {
        let mut limit = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: `limit` is a valid rlimit for the call to fill in.
        if unsafe { libc::getrlimit(resource, &raw mut limit) } != 0 {
            return Err(io::Error::last_os_error());
        }
        limit.rlim_cur = limit.rlim_max.min(value);
        // SAFETY: `limit` is a valid rlimit, which the call only reads.
        if unsafe { libc::setrlimit(resource, &raw const limit) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Other systems have the parent's wall clock only.
#[cfg(not(unix))]
fn confine(_: &Request) -> io::Result<()> {
    Ok(())
}

/// What the program's own code and libraries occupy, in bytes; 0 where the system does not say.
#[cfg(unix)]
fn address_space_in_use() -> u64 {
    const PAGE_BYTES: u64 = 4096;
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split(' ')
        .next()
        .and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0).saturating_mul(PAGE_BYTES)
}

fn read_document(bytes: &[u8], budget: usize, output: &mut impl Write) -> io::Result<()> {
    let mut document = match guarded(|| Document::load_mem(bytes)) {
        Some(Ok(document)) => document,
        Some(Err(error)) => return write_frame(output, &Frame::NotValid(damage(bytes, &error))),
        None => return write_frame(output, &Frame::NotValid("it is damaged".to_owned())),
    };
    // Loading tries the empty password, which most protected files have for reading.
    if document.is_encrypted() {
        return write_frame(output, &Frame::NeedsPassword);
    }
    guarded(|| expand_width_ranges(&mut document));
    let pages = guarded(|| document.get_pages()).unwrap_or_default();
    if pages.is_empty() {
        return write_frame(output, &Frame::NotValid("it has no pages".to_owned()));
    }
    let title = guarded(|| title(&document)).flatten();
    let count = u32::try_from(pages.len()).unwrap_or(u32::MAX);
    write_frame(
        output,
        &Frame::Opened {
            pages: count,
            title,
        },
    )?;
    read_pages(&document, pages.into_keys(), budget, output)
}

/// What is wrong with a file that cannot be opened. Most such files were never fully written.
fn damage(bytes: &[u8], error: &pdf_extract::Error) -> String {
    let tail = &bytes[bytes.len().saturating_sub(2048)..];
    if tail.windows(5).any(|window| window == b"%%EOF") {
        error.to_string()
    } else {
        "its end is missing".to_owned()
    }
}

/// pdf-extract's own loop stops at the first page it cannot read; this one goes on.
fn read_pages(
    document: &Document,
    pages: impl Iterator<Item = u32>,
    mut budget: usize,
    output: &mut impl Write,
) -> io::Result<()> {
    for number in pages {
        let mut page = PageLayout::new(budget);
        let read = guarded(|| output_doc_page(document, &mut page, number));
        let mut complete = matches!(read, Some(Ok(()))) || page.is_full();
        let mut text = page.text();
        if !complete && let Some(second) = second_opinion(document, number, &text) {
            (text, complete) = (second, true);
        }
        budget = budget.saturating_sub(text.len());
        write_frame(
            output,
            &Frame::Page {
                number,
                text,
                complete,
            },
        )?;
        if budget == 0 || page.is_full() {
            return write_frame(output, &Frame::Full);
        }
    }
    Ok(())
}

/// lopdf's own reader, which knows nothing of positions but more of encodings, for pages that
/// pdf-extract gives up on: those in Chinese, Japanese and Korean mostly.
fn second_opinion(document: &Document, number: u32, first: &str) -> Option<String> {
    let second = guarded(|| document.extract_text(&[number]))?.ok()?;
    (second.trim().len() > first.trim().len()).then_some(second)
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
