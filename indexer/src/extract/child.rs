//! The process that reads a PDF file, seen from the parent: starting it, what is said to it and
//! what it says, and how it ended.
//!
//! Owns the protocol and the wall clock. It knows nothing of PDF; `worker` is the other end, and
//! `pdf` makes a document of the frames.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Limits, Rejection};

/// What the child is told before the file's bytes follow.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub memory_bytes: u64,
    pub seconds: u64,
    pub max_text_bytes: usize,
}

/// What the child reports. Each frame stands on its own, so that what was read before a crash is
/// not lost with the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Frame {
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
    Finished,
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
            Self::Crashed(how) => write!(formatter, "the PDF reader crashed ({how})"),
        }
    }
}

/// Has a child process read a PDF file.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<(Vec<Frame>, Ending), Rejection> {
    let mut child = Command::new(&limits.worker)
        .arg("extract-child")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| not_started(&error))?;
    converse(&mut child, bytes, limits).map_err(|error| not_started(&error))
}

fn not_started(error: &io::Error) -> Rejection {
    Rejection::failed(format!("the PDF reader could not be started: {error}"))
}

fn converse(child: &mut Child, bytes: &[u8], limits: &Limits) -> io::Result<(Vec<Frame>, Ending)> {
    let deadline = Instant::now() + Duration::from_secs(limits.child_seconds);
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(io::Error::other("no pipes"));
    };
    thread::scope(|scope| {
        // A child that is gone does not listen; how it ended says why.
        scope.spawn(|| drop(send(stdin, bytes, limits)));
        let complaint = scope.spawn(|| last_words(stderr));
        let (sender, receiver) = sync_channel(16);
        let max_frame = max_frame_bytes(limits.max_text_bytes);
        scope.spawn(move || forward(stdout, max_frame, &sender));
        let (frames, stopped) = collect(&receiver, deadline);
        if stopped != Stopped::Closed {
            child.kill()?;
        }
        // The reading thread must not wait for room in the channel, nor the scope for the thread.
        drop(receiver);
        let status = child.wait()?;
        let complaint = complaint.join().unwrap_or_default();
        let ending = match stopped {
            Stopped::Finished => Ending::Finished,
            Stopped::Late => Ending::TookTooLong {
                seconds: limits.child_seconds,
            },
            Stopped::Closed => diagnose(status, &complaint, limits),
        };
        Ok((frames, ending))
    })
}

fn send(mut stdin: ChildStdin, bytes: &[u8], limits: &Limits) -> io::Result<()> {
    let request = Request {
        memory_bytes: limits.child_memory_bytes,
        seconds: limits.child_seconds,
        max_text_bytes: limits.max_text_bytes,
    };
    write_frame(&mut stdin, &request)?;
    stdin.write_all(bytes)
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
    Finished,
    Late,
    Closed,
}

fn collect(receiver: &Receiver<Frame>, deadline: Instant) -> (Vec<Frame>, Stopped) {
    let mut frames = Vec::new();
    loop {
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Frame::Finished) => return (frames, Stopped::Finished),
            Ok(frame) => frames.push(frame),
            Err(RecvTimeoutError::Timeout) => return (frames, Stopped::Late),
            Err(RecvTimeoutError::Disconnected) => return (frames, Stopped::Closed),
        }
    }
}

/// What ended a child that did not finish. Running out of memory and out of stack both abort, and
/// only the message of Rust's runtime tells them apart.
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

/// Text in JSON may be escaped to six times its size.
fn max_frame_bytes(max_text_bytes: usize) -> usize {
    max_text_bytes.saturating_mul(6).saturating_add(64 * 1024)
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
        write_frame(&mut pipe, &Frame::Finished).expect("written");
        let mut input = pipe.as_slice();
        assert_eq!(read_frame::<Frame>(&mut input, 1000).expect("first"), frame);
        assert_eq!(
            read_frame::<Frame>(&mut input, 1000).expect("second"),
            Frame::Finished
        );
        assert!(read_frame::<Frame>(&mut input, 1000).is_err());
        assert!(read_frame::<Frame>(&mut pipe.as_slice(), 10).is_err());
    }
}
