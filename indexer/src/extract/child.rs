//! The processes that read files, seen from the parent: starting them, what is said to them and what
//! they say, and how they ended.
//!
//! Owns the protocol and the wall clock. It knows nothing of formats; `worker` is the other end. A
//! process that came through a file well reads the next one too.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::bounds::Received;
use super::images::Ocr;
use super::sniff::Kind;
use super::{Extracted, Limits, Rejection};

/// What a pipe takes without anybody reading.
const PIPE_BYTES: usize = 32 * 1024;

/// How a process ends whose reader panicked: with the status that Rust's own programs have then.
pub(super) const PANICKED: i32 = 101;

/// A process that has closed its output ends within this.
const ENDS_WITHIN: Duration = Duration::from_secs(3);

/// Ticks a second in which Linux tells processor time to programs.
#[cfg(target_os = "linux")]
const TICKS: u64 = 100;

/// What the child is told before the file's bytes follow.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub kind: Kind,
    pub limits: Limits,
    /// What reads text in images; they are passed over without.
    pub ocr: Option<Ocr>,
    /// Size of the file (bytes).
    pub length: u64,
}

/// What the child reports. Each frame stands on its own, so that what was read before a crash is
/// not lost with the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Frame {
    /// The whole of a file other than PDF.
    Document(Box<Extracted>),
    /// There is nothing to be had from the file.
    Rejected(Rejection),
    /// A PDF or image file could be opened.
    Opened {
        pages: u32,
        title: Option<String>,
    },
    Page(PageRead),
    /// The text limit was reached.
    Full,
    NeedsPassword,
    NotValid(String),
    /// Nothing more comes of this file; `again` where the process can read another.
    Finished {
        again: bool,
    },
}

/// A page of a PDF or image file, as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PageRead {
    /// 1 for the first page of the file.
    pub number: u32,
    pub text: String,
    /// False where the page could be read in part or not at all.
    pub complete: bool,
    pub picture: Picture,
}

/// Whether what a page says is in a picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Picture {
    #[default]
    No,
    /// In one that was not read.
    Unread,
    /// In one that was read.
    Read,
}

/// Why there were no more frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    Finished,
    TookTooLong {
        seconds: u64,
    },
    OutOfMemory {
        bytes: u64,
    },
    NestedTooDeeply,
    Crashed(String),
    /// Somebody else ended the process: a person, or a system that is short of memory.
    Killed {
        signal: i32,
    },
    /// It took too long because the processor was not given to it.
    Starved {
        seconds: u64,
    },
}

impl Ending {
    /// It says nothing of the file.
    pub(super) fn is_circumstance(&self) -> bool {
        matches!(self, Self::Killed { .. } | Self::Starved { .. })
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Finished => write!(formatter, "finished"),
            Self::TookTooLong { seconds } => {
                write!(formatter, "reading took longer than {seconds} seconds")
            }
            Self::OutOfMemory { bytes } => {
                write!(
                    formatter,
                    "reading took more than {} MB of memory",
                    bytes / 1024 / 1024
                )
            }
            Self::NestedTooDeeply => write!(formatter, "it is nested too deeply"),
            Self::Crashed(how) => write!(formatter, "the reader crashed ({how})"),
            Self::Killed { signal } => {
                write!(
                    formatter,
                    "the reader was ended from outside (signal {signal})"
                )
            }
            Self::Starved { seconds } => {
                write!(
                    formatter,
                    "the machine was busy or asleep: reading took longer than {seconds} seconds"
                )
            }
        }
    }
}

/// Reads files, each in a child process.
pub struct Extractor {
    limits: Limits,
    idle: Mutex<Vec<Reader>>,
    /// Those that have loaded what reads images, and give way to all other programs.
    idle_with_ocr: Mutex<Vec<Reader>>,
}

impl Extractor {
    /// An extractor that has started nothing yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            idle: Mutex::default(),
            idle_with_ocr: Mutex::default(),
        }
    }

    /// How much one file may cost.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Ends the processes that wait for another file.
    pub fn rest(&self) {
        self.idle(false).clear();
        self.idle(true).clear();
    }

    fn idle(&self, with_ocr: bool) -> MutexGuard<'_, Vec<Reader>> {
        let idle = if with_ocr {
            &self.idle_with_ocr
        } else {
            &self.idle
        };
        idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a child process read a file. What ends a process that has read before, and what ends a fresh one
    /// without a limit having been reached, is tried again in a fresh one.
    pub(super) fn read(
        &self,
        kind: Kind,
        bytes: &[u8],
        ocr: Option<&Ocr>,
    ) -> Result<(Vec<Frame>, Ending), Rejection> {
        let idle = self.idle(ocr.is_some()).pop();
        if let Some(reader) = idle {
            let (frames, ending) = self.converse(reader, kind, bytes, ocr);
            // What a process has read before must not count against this file.
            if matches!(ending, Ending::Finished | Ending::TookTooLong { .. }) {
                return Ok((frames, ending));
            }
        }
        let fresh = || {
            let reader = Reader::start(&self.limits).map_err(|error| {
                Rejection::hindered(format!("the reader could not be started: {error}"))
            })?;
            Ok(self.converse(reader, kind, bytes, ocr))
        };
        let (frames, ending) = fresh()?;
        if matches!(ending, Ending::Crashed(_) | Ending::Killed { .. }) {
            return fresh();
        }
        Ok((frames, ending))
    }

    fn converse(
        &self,
        mut reader: Reader,
        kind: Kind,
        bytes: &[u8],
        ocr: Option<&Ocr>,
    ) -> (Vec<Frame>, Ending) {
        let limits = &self.limits;
        let Reader {
            child,
            stdin,
            frames,
            ..
        } = &mut reader;
        let used_before = processor_time(child);
        let conversation = thread::scope(|scope| {
            let mut request = || drop(send(stdin, kind, bytes, limits, ocr));
            // A child that is gone does not listen; how it ended says why.
            if bytes.len() > PIPE_BYTES {
                thread::Builder::new().spawn_scoped(scope, request)?;
            } else {
                request();
            }
            let (frames, stopped) = collect(frames, limits, ocr.is_some());
            let mut used = None;
            if matches!(stopped, Stopped::Late { .. } | Stopped::TooMuch) {
                used = processor_time(child);
                // What still writes to it must not wait.
                let _ = child.kill();
            }
            io::Result::Ok((frames, stopped, used))
        });
        let (frames, stopped, used) = match conversation {
            Ok(conversation) => conversation,
            Err(error) => {
                let hindered = Rejection::hindered(format!("it could not be read: {error}"));
                return (vec![Frame::Rejected(hindered)], Ending::Finished);
            }
        };
        let ending = match stopped {
            Stopped::Finished { again } => {
                if again {
                    self.idle(ocr.is_some()).push(reader);
                }
                Ending::Finished
            }
            Stopped::Late { seconds } => {
                let used = used
                    .zip(used_before)
                    .map(|(now, then)| now.saturating_sub(then));
                late(seconds, used, ocr)
            }
            Stopped::TooMuch => Ending::Crashed("it sent too much".to_owned()),
            Stopped::Closed => reader.diagnose(limits, ocr),
        };
        (frames, ending)
    }
}

/// A child process that waits for a file.
struct Reader {
    child: Child,
    stdin: ChildStdin,
    frames: Receiver<Frame>,
    complaint: Option<JoinHandle<String>>,
}

impl Reader {
    fn start(limits: &Limits) -> io::Result<Self> {
        let mut command = Command::new(&limits.worker);
        #[cfg(unix)]
        if let Some(name) = std::env::args_os().next() {
            // Where the program is started by the system's name for it, its own says more.
            std::os::unix::process::CommandExt::arg0(&mut command, name);
        }
        let mut child = command
            .arg("extract-child")
            // A library that is preloaded here cannot reach its own files from there.
            .env_remove("LD_PRELOAD")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other("no pipes"));
        };
        let (sender, frames) = sync_channel(16);
        // From here on the process is ended and waited for, whatever else fails.
        let mut reader = Self {
            child,
            stdin,
            frames,
            complaint: None,
        };
        let max_frame = max_frame_bytes(limits.max_text_bytes);
        reader.complaint = Some(thread::Builder::new().spawn(move || last_words(stderr))?);
        thread::Builder::new().spawn(move || forward(stdout, max_frame, &sender))?;
        Ok(reader)
    }

    /// What ended the process. Running out of memory and out of stack both abort, and only the message
    /// of Rust's runtime tells them apart.
    fn diagnose(mut self, limits: &Limits, ocr: Option<&Ocr>) -> Ending {
        let status = match self.ended() {
            Ok(Some(status)) => status,
            Ok(None) => return Ending::Crashed("it said something else than it should".to_owned()),
            Err(error) => return Ending::Crashed(error.to_string()),
        };
        let complaint = self.complaint.take().map(JoinHandle::join);
        let complaint = complaint.and_then(Result::ok).unwrap_or_default();
        diagnose(status, &complaint, limits, ocr)
    }

    /// How the process ended that has closed its output; none where it lives on, and had to be killed.
    fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        let end = Instant::now() + ENDS_WITHIN;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            thread::sleep(Duration::from_millis(2));
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(None)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn send(
    stdin: &mut ChildStdin,
    kind: Kind,
    bytes: &[u8],
    limits: &Limits,
    ocr: Option<&Ocr>,
) -> io::Result<()> {
    let request = Request {
        kind,
        limits: limits.clone(),
        ocr: ocr.cloned(),
        length: bytes.len() as u64,
    };
    write_frame(stdin, &request)?;
    stdin.write_all(bytes)?;
    stdin.flush()
}

/// What the dying child wrote, of which only the kind is of interest.
fn last_words(stderr: impl Read) -> String {
    let mut bytes = Vec::new();
    // Unreadable last words are none.
    let _ = stderr.take(64 * 1024).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Passes frames on until the child closes its output or sends something else than frames.
fn forward(mut stdout: impl Read, max_frame: usize, frames: &SyncSender<Frame>) {
    while let Ok(frame) = read_frame(&mut stdout, max_frame) {
        if frames.send(frame).is_err() {
            return;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stopped {
    Finished {
        again: bool,
    },
    Late {
        seconds: u64,
    },
    /// It sent more than anybody needs.
    TooMuch,
    Closed,
}

/// What the child sends in time. A file may take its time in all; where images are read, each of its pages
/// may take that long, and all of them together more.
fn collect(receiver: &Receiver<Frame>, limits: &Limits, with_ocr: bool) -> (Vec<Frame>, Stopped) {
    let in_all = if with_ocr {
        limits.ocr_seconds
    } else {
        limits.child_seconds
    };
    // A century is as good as any longer time, and can be added to any.
    let longest = 100 * 365 * 24 * 3600;
    let end = Instant::now() + Duration::from_secs(in_all.min(longest));
    let mut frames = Vec::new();
    let mut received = Received::default();
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let each = Duration::from_secs(limits.child_seconds);
        match receiver.recv_timeout(left.min(each)) {
            Ok(Frame::Finished { again }) => return (frames, Stopped::Finished { again }),
            Ok(frame) if !received.admits(&frame, limits.max_text_bytes) => {
                return (frames, Stopped::TooMuch);
            }
            Ok(frame) => frames.push(frame),
            Err(RecvTimeoutError::Timeout) => {
                let seconds = if left < each {
                    in_all
                } else {
                    limits.child_seconds
                };
                return (frames, Stopped::Late { seconds });
            }
            Err(RecvTimeoutError::Disconnected) => return (frames, Stopped::Closed),
        }
    }
}

/// What it says of a file that reading it took too long: nothing, where the process was not given the processor
/// for half of that time. Tesseract works in a process of its own, whose time is not known.
fn late(seconds: u64, used: Option<Duration>, ocr: Option<&Ocr>) -> Ending {
    let is_known = !matches!(ocr, Some(Ocr::Tesseract { .. }));
    let starved = |used: Duration| used < Duration::from_secs(seconds) / 2;
    if is_known && used.is_some_and(starved) {
        Ending::Starved { seconds }
    } else {
        Ending::TookTooLong { seconds }
    }
}

/// Processor time that a process has used, where the system tells it.
#[cfg(target_os = "linux")]
fn processor_time(child: &Child) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    // The name before it may hold anything, in parentheses; user and system time are fields 14 and 15.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11);
    let mut ticks = || times.next()?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks()? + ticks()?) * 1000 / TICKS))
}

#[cfg(not(target_os = "linux"))]
fn processor_time(_: &Child) -> Option<Duration> {
    None
}

fn diagnose(status: ExitStatus, complaint: &str, limits: &Limits, ocr: Option<&Ocr>) -> Ending {
    if complaint.contains("memory allocation of") {
        return Ending::OutOfMemory {
            bytes: limits.memory(ocr.is_some()),
        };
    }
    if complaint.contains("has overflowed its stack") {
        return Ending::NestedTooDeeply;
    }
    if let Some(signal) = killed_from_outside(status) {
        return Ending::Killed { signal };
    }
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return if signal == libc::SIGXCPU {
            Ending::TookTooLong {
                seconds: limits.seconds(ocr),
            }
        } else {
            Ending::Crashed(format!("signal {signal}"))
        };
    }
    if status.code() == Some(PANICKED) {
        return Ending::Crashed("panic".to_owned());
    }
    Ending::Crashed(status.to_string())
}

/// The signal that ended a process, if it is none that a program brings upon itself by what it reads.
pub(super) fn killed_from_outside(status: ExitStatus) -> Option<i32> {
    #[cfg(unix)]
    {
        let own = [
            libc::SIGABRT,
            libc::SIGBUS,
            libc::SIGFPE,
            libc::SIGILL,
            libc::SIGSEGV,
            libc::SIGSYS,
            libc::SIGTRAP,
            libc::SIGXCPU,
            libc::SIGXFSZ,
        ];
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        signal.filter(|signal| !own.contains(signal))
    }
    #[cfg(not(unix))]
    {
        let _ = status;
        None
    }
}

/// Text in JSON may be escaped to six times its size, and headings repeat some of it.
fn max_frame_bytes(max_text_bytes: usize) -> usize {
    max_text_bytes.saturating_mul(8).saturating_add(1024 * 1024)
}

/// Writes a length (four bytes, little-endian) and that many bytes of JSON.
pub(super) fn write_frame(output: &mut impl Write, frame: &impl Serialize) -> io::Result<()> {
    let json = serde_json::to_vec(frame)?;
    let length = u32::try_from(json.len()).map_err(io::Error::other)?;
    output.write_all(&length.to_le_bytes())?;
    output.write_all(&json)?;
    output.flush()
}

/// Reads what [`write_frame`] wrote, if it is no longer than `max_bytes`.
pub(super) fn read_frame<T: DeserializeOwned>(
    input: &mut impl Read,
    max_bytes: usize,
) -> io::Result<T> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_le_bytes(length)).map_err(io::Error::other)?;
    if length > max_bytes {
        return Err(io::Error::other("frame too long"));
    }
    let mut json = vec![0; length];
    input.read_exact(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_survive_the_pipe_and_too_long_ones_are_refused() {
        let frame = Frame::Page(PageRead {
            number: 3,
            text: "a\n\u{1}\"é".to_owned(),
            ..PageRead::default()
        });
        let mut pipe = Vec::new();
        write_frame(&mut pipe, &frame).expect("written");
        write_frame(&mut pipe, &Frame::Finished { again: true }).expect("written");
        let mut input = pipe.as_slice();
        assert_eq!(read_frame::<Frame>(&mut input, 1000).expect("first"), frame);
        assert_eq!(
            read_frame::<Frame>(&mut input, 1000).expect("second"),
            Frame::Finished { again: true }
        );
        assert!(read_frame::<Frame>(&mut input, 1000).is_err());
        assert!(read_frame::<Frame>(&mut pipe.as_slice(), 10).is_err());
    }
}
