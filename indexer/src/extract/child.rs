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

use super::sniff::Kind;
use super::{Extracted, Limits, Rejection};

/// What a pipe takes without anybody reading.
const PIPE_BYTES: usize = 32 * 1024;

/// What the child is told before the file's bytes follow.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub kind: Kind,
    pub limits: Limits,
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
    /// A PDF file could be opened.
    Opened {
        pages: u32,
        title: Option<String>,
    },
    /// `complete` is false where the page could be read in part or not at all.
    Page {
        number: u32,
        text: String,
        complete: bool,
    },
    /// The text limit was reached.
    Full,
    NeedsPassword,
    NotValid(String),
    /// Nothing more comes of this file; `again` where the process can read another.
    Finished {
        again: bool,
    },
}

/// Why there were no more frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    Finished,
    TookTooLong { seconds: u64 },
    OutOfMemory { bytes: u64 },
    NestedTooDeeply,
    Crashed(String),
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
        }
    }
}

/// Reads files, each in a child process.
pub struct Extractor {
    limits: Limits,
    idle: Mutex<Vec<Reader>>,
}

impl Extractor {
    /// An extractor that has started nothing yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            idle: Mutex::default(),
        }
    }

    /// How much one file may cost.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Ends the processes that wait for another file.
    pub fn rest(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Reader>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a child process read a file.
    pub(super) fn read(&self, kind: Kind, bytes: &[u8]) -> Result<(Vec<Frame>, Ending), Rejection> {
        let idle = self.idle().pop();
        if let Some(reader) = idle {
            let (frames, ending) = self.converse(reader, kind, bytes);
            // What a process has read before must not count against this file.
            if matches!(ending, Ending::Finished | Ending::TookTooLong { .. }) {
                return Ok((frames, ending));
            }
        }
        let reader = Reader::start(&self.limits).map_err(|error| {
            Rejection::failed(format!("the reader could not be started: {error}"))
        })?;
        Ok(self.converse(reader, kind, bytes))
    }

    fn converse(&self, mut reader: Reader, kind: Kind, bytes: &[u8]) -> (Vec<Frame>, Ending) {
        let limits = &self.limits;
        let deadline = Instant::now() + Duration::from_secs(limits.child_seconds);
        let Reader {
            child,
            stdin,
            frames,
            ..
        } = &mut reader;
        let (frames, stopped) = thread::scope(|scope| {
            let mut request = || drop(send(stdin, kind, bytes, limits));
            // A child that is gone does not listen; how it ended says why.
            if bytes.len() > PIPE_BYTES {
                scope.spawn(request);
            } else {
                request();
            }
            let collected = collect(frames, deadline);
            if collected.1 == Stopped::Late {
                // What still writes to it must not wait.
                let _ = child.kill();
            }
            collected
        });
        let ending = match stopped {
            Stopped::Finished { again } => {
                if again {
                    self.idle().push(reader);
                }
                Ending::Finished
            }
            Stopped::Late => Ending::TookTooLong {
                seconds: limits.child_seconds,
            },
            Stopped::Closed => reader.diagnose(limits),
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
        let mut child = Command::new(&limits.worker)
            .arg("extract-child")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other("no pipes"));
        };
        let complaint = thread::Builder::new().spawn(move || last_words(stderr))?;
        let (sender, frames) = sync_channel(16);
        let max_frame = max_frame_bytes(limits.max_text_bytes);
        thread::Builder::new().spawn(move || forward(stdout, max_frame, &sender))?;
        Ok(Self {
            child,
            stdin,
            frames,
            complaint: Some(complaint),
        })
    }

    /// What ended the process. Running out of memory and out of stack both abort, and only the message
    /// of Rust's runtime tells them apart.
    fn diagnose(mut self, limits: &Limits) -> Ending {
        let status = match self.child.wait() {
            Ok(status) => status,
            Err(error) => return Ending::Crashed(error.to_string()),
        };
        let complaint = self.complaint.take().map(JoinHandle::join);
        let complaint = complaint.and_then(Result::ok).unwrap_or_default();
        diagnose(status, &complaint, limits)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn send(stdin: &mut ChildStdin, kind: Kind, bytes: &[u8], limits: &Limits) -> io::Result<()> {
    let request = Request {
        kind,
        limits: limits.clone(),
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
    Finished { again: bool },
    Late,
    Closed,
}

fn collect(receiver: &Receiver<Frame>, deadline: Instant) -> (Vec<Frame>, Stopped) {
    let mut frames = Vec::new();
    loop {
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Frame::Finished { again }) => return (frames, Stopped::Finished { again }),
            Ok(frame) => frames.push(frame),
            Err(RecvTimeoutError::Timeout) => return (frames, Stopped::Late),
            Err(RecvTimeoutError::Disconnected) => return (frames, Stopped::Closed),
        }
    }
}

fn diagnose(status: ExitStatus, complaint: &str, limits: &Limits) -> Ending {
    if complaint.contains("memory allocation of") {
        return Ending::OutOfMemory {
            bytes: limits.child_memory_bytes,
        };
    }
    if complaint.contains("has overflowed its stack") {
        return Ending::NestedTooDeeply;
    }
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return if signal == libc::SIGXCPU {
            Ending::TookTooLong {
                seconds: limits.child_seconds,
            }
        } else {
            Ending::Crashed(format!("signal {signal}"))
        };
    }
    Ending::Crashed(status.to_string())
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
    use super::{Frame, read_frame, write_frame};

    #[test]
    fn frames_survive_the_pipe_and_too_long_ones_are_refused() {
        let frame = Frame::Page {
            number: 3,
            text: "a\n\u{1}\"é".to_owned(),
            complete: true,
        };
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
