//! The child process that reads files.
//!
//! Owns the limits the process puts on itself. Readers run here only: they are mostly other people's
//! code, which may panic, recurse and allocate without bound on hostile files. `child` is the other end
//! of the pipes.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use super::child::{Frame, PANICKED, Request, read_frame, write_frame};
use super::images::{self, ImageReader};
use super::sniff::Kind;
use super::{Rejection, pdf_pages, read, walls};

/// Deep but honest files nest some hundred levels, at up to kilobytes of stack each.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// A process that has read so many files, or keeps so much memory (bytes), makes way for a new one.
const MOST_FILES: usize = 1000;
const MOST_KEPT: u64 = 128 * 1024 * 1024;
/// The same where it has loaded what reads images.
const MOST_KEPT_WITH_OCR: u64 = 1024 * 1024 * 1024;

/// How often it is looked whether the process that started this one is still there.
const LOOK_FOR_PARENT: std::time::Duration = std::time::Duration::from_millis(200);

/// Reading images gives way to every other program.
#[cfg(unix)]
const NICE: libc::c_int = 19;

/// Serves requests on standard input until it ends: the hidden command `vade extract-child`.
pub fn child_main() -> ! {
    serve_and_exit(&mut io::stdin().lock(), io::stdout())
}

pub(super) fn serve_and_exit(input: &mut impl Read, mut output: impl Write + Send) -> ! {
    // Panics are expected and reported; their messages would be noise.
    std::panic::set_hook(Box::new(|_| {}));
    let served = serve(input, &mut output);
    std::process::exit(i32::from(served.is_err()))
}

fn serve(input: &mut impl Read, output: &mut (impl Write + Send)) -> io::Result<()> {
    let memory = MemoryFile::open();
    let before = memory.read();
    let parent = parent();
    thread::Builder::new().spawn(move || end_with(parent))?;
    let mut walls = false;
    let mut images: Option<ImageReader> = None;
    for served in 1.. {
        let request: Request = match read_frame(input, 64 * 1024) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            request => request?,
        };
        if !std::mem::replace(&mut walls, true) {
            walls::build(request.ocr.as_ref());
        }
        let mut bytes = Vec::new();
        input.take(request.length).read_to_end(&mut bytes)?;
        if let Err(error) = confine(&request, before.occupied) {
            return refuse(output, &error);
        }
        if images.as_ref().map(ImageReader::ocr) != request.ocr.as_ref() {
            images = request.ocr.clone().map(ImageReader::new);
            give_way();
        }
        let responded = thread::scope(|scope| {
            let images = images.as_mut().filter(|_| request.ocr.is_some());
            let respond = || respond(&request, &bytes, images, output);
            let thread = thread::Builder::new().stack_size(STACK_BYTES);
            let thread = thread.spawn_scoped(scope, respond)?;
            let crashed = || Err(io::Error::other("panicked outside of a reader"));
            io::Result::Ok(thread.join().unwrap_or_else(|_| crashed()))
        });
        match responded {
            Ok(responded) => responded?,
            Err(error) => return refuse(output, &error),
        }
        let kept = memory.read().resident.saturating_sub(before.resident);
        let most = if request.ocr.is_some() {
            MOST_KEPT_WITH_OCR
        } else {
            MOST_KEPT
        };
        let again = served < MOST_FILES && kept < most;
        write_frame(output, &Frame::Finished { again })?;
        if !again {
            break;
        }
    }
    Ok(())
}

/// Says that the system did not give what reading takes, and ends the process.
fn refuse(output: &mut impl Write, error: &io::Error) -> io::Result<()> {
    let hindered = Rejection::hindered(format!("the reader could not begin: {error}"));
    write_frame(output, &Frame::Rejected(hindered))?;
    write_frame(output, &Frame::Finished { again: false })
}

fn respond(
    request: &Request,
    bytes: &[u8],
    images: Option<&mut ImageReader>,
    output: &mut impl Write,
) -> io::Result<()> {
    let Request { kind, limits, .. } = request;
    let send = &mut |frame| write_frame(output, &frame);
    match (kind, images) {
        (Kind::Pdf, images) => return pdf_pages::read(bytes, limits.max_text_bytes, images, send),
        (Kind::Image, Some(images)) => return images::read(bytes, images, send),
        _ => {}
    }
    let read = catch_unwind(AssertUnwindSafe(|| read(*kind, bytes, limits)));
    let frame = match read {
        Ok(Ok(document)) => Frame::Document(Box::new(document)),
        Ok(Err(rejection)) => Frame::Rejected(rejection),
        // What it left behind must not count against another file.
        Err(_) => std::process::exit(PANICKED),
    };
    write_frame(output, &frame)
}

/// Sets the process's own limits: memory on top of what the program itself occupies, processor time
/// from now on, and no core dumps, which would hold the document.
#[cfg(unix)]
#[expect(unsafe_code, reason = "resource limits are set through libc")]
fn confine(Request { limits, ocr, .. }: &Request, occupied: u64) -> io::Result<()> {
    let seconds = seconds_used().saturating_add(limits.seconds(ocr.as_ref()));
    let limits = [
        (
            libc::RLIMIT_AS,
            occupied.saturating_add(limits.memory(ocr.is_some())),
        ),
        (libc::RLIMIT_CPU, seconds),
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
fn confine(_: &Request, _: u64) -> io::Result<()> {
    Ok(())
}

/// Lets every other program go first.
fn give_way() {
    #[cfg(unix)]
    #[expect(unsafe_code, reason = "priorities are set through libc")]
    // SAFETY: the call takes no pointers. Where it fails, this process is as any other.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, NICE);
    }
}

/// Processor time used so far, in whole seconds.
#[cfg(unix)]
#[expect(unsafe_code, reason = "the time is asked of libc")]
fn seconds_used() -> u64 {
    // SAFETY: an all-zero `rusage` is a valid one.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is a valid rusage for the call to fill in.
    if unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) } != 0 {
        return 0;
    }
    let seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec;
    u64::try_from(seconds).unwrap_or(0)
}

/// Memory of this process, in bytes; 0 where the system does not say.
struct Memory {
    /// Addresses taken.
    occupied: u64,
    /// Memory really held.
    resident: u64,
}

/// Where the system says it; opened before the walls are built.
struct MemoryFile(Option<File>);

impl MemoryFile {
    fn open() -> Self {
        Self(File::open("/proc/self/statm").ok())
    }

    fn read(&self) -> Memory {
        const PAGE_BYTES: u64 = 4096;
        let mut statm = String::new();
        if let Some(mut file) = self.0.as_ref() {
            // What cannot be read says nothing.
            let _ = file.rewind().and_then(|()| file.read_to_string(&mut statm));
        }
        let mut fields = statm.split(' ').map(|pages| pages.parse().unwrap_or(0));
        let mut next = || fields.next().unwrap_or(0u64).saturating_mul(PAGE_BYTES);
        Memory {
            occupied: next(),
            resident: next(),
        }
    }
}

/// The process that started this one.
fn parent() -> u32 {
    #[cfg(unix)]
    return std::os::unix::process::parent_id();
    #[cfg(not(unix))]
    return 0;
}

/// Ends this process when the one that started it is gone: nobody waits for what it reads any more.
fn end_with(started_by: u32) {
    while parent() == started_by {
        thread::sleep(LOOK_FOR_PARENT);
    }
    std::process::exit(1);
}
