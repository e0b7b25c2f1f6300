//! The process in which a model file's chat template runs, both ends of it.
//!
//! A template is a program of whoever made the file. Steps can be counted, but one step may double a text or walk
//! a list that contains itself a million times, so it runs where memory, time and what it says are limited from
//! outside, and where it may crash. It is given roles and marks, never what is said.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Processor time of a template (seconds); real ones need a thousandth.
const SECONDS: u64 = 2;
/// Time until it is given up, whatever else the machine does.
const PATIENCE: Duration = Duration::from_secs(10);
/// Memory on top of what the program itself occupies (bytes).
const MEMORY: u64 = 128 << 20;
/// What it may say (bytes).
pub(super) const LONGEST: u64 = 1 << 20;

/// What a template is given.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Job {
    pub source: String,
    pub beginning: String,
    pub end: String,
    /// Roles and contents, which are marks.
    pub messages: Vec<(String, String)>,
}

/// Runs a job in a process of the program `worker`, started as `vade template-child`.
///
/// # Errors
/// What the template says, or that it takes too much.
pub(super) fn run(worker: &Path, job: &Job) -> Result<String, String> {
    let failed = |error: io::Error| format!("cannot be run: {error}");
    let mut command = Command::new(worker);
    command.arg("template-child").env_clear();
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::null()).spawn().map_err(failed)?;
    let answer = converse(&mut child, job).map_err(failed);
    let _ = child.kill();
    let _ = child.wait();
    answer?.ok_or_else(|| "takes too much memory or time, says too much, or crashes".to_owned())?
}

/// Sends a job and waits for what comes of it; nothing where the process ends without an answer.
fn converse(child: &mut Child, job: &Job) -> io::Result<Option<Result<String, String>>> {
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Ok(None);
    };
    let job = serde_json::to_vec(job)?;
    let (sender, answer) = sync_channel(1);
    std::thread::Builder::new()
        .name("language-template".to_owned())
        .spawn(move || {
            // A process that is gone does not listen, and says nothing.
            let _ = stdin.write_all(&job);
            drop(stdin);
            let mut text = Vec::new();
            // Escapes make it longer.
            let _ = stdout.take(LONGEST * 8).read_to_end(&mut text);
            let _ = sender.send(text);
        })?;
    match answer.recv_timeout(PATIENCE) {
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(None),
    }
}

/// Serves one job: the hidden command `vade template-child`.
pub fn template_child_main() -> ! {
    serve_and_exit(io::stdin().lock(), io::stdout())
}

pub(super) fn serve_and_exit(mut input: impl Read, mut output: impl Write) -> ! {
    // That it crashes is expected, and told by the end of it.
    std::panic::set_hook(Box::new(|_| {}));
    let mut serve = || -> io::Result<()> {
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes)?;
        let job: Job = serde_json::from_slice(&bytes)?;
        confine()?;
        let answer = super::template::run(&job).and_then(|text| {
            if text.len() as u64 > LONGEST {
                return Err(format!("says more than {LONGEST} bytes"));
            }
            Ok(text)
        });
        let answer = answer.map_err(|problem| problem.chars().take(500).collect::<String>());
        output.write_all(&serde_json::to_vec(&answer)?)?;
        output.flush()
    };
    let served = serve();
    std::process::exit(i32::from(served.is_err()))
}

/// Sets the process's own limits: memory on top of what the program occupies, processor time, no core dumps.
#[cfg(unix)]
#[expect(unsafe_code, reason = "resource limits are set through libc")]
fn confine() -> io::Result<()> {
    const PAGE_BYTES: u64 = 4096;
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split(' ')
        .next()
        .and_then(|pages| pages.parse::<u64>().ok());
    let occupied = pages.unwrap_or_default().saturating_mul(PAGE_BYTES);
    for (resource, value) in [
        (libc::RLIMIT_AS, occupied.saturating_add(MEMORY)),
        (libc::RLIMIT_CPU, SECONDS),
        (libc::RLIMIT_CORE, 0),
        (libc::RLIMIT_FSIZE, 0),
    ] {
        let limit = libc::rlimit {
            rlim_cur: value,
            rlim_max: value,
        };
        // SAFETY: the limit is a valid value that outlives the call.
        if unsafe { libc::setrlimit(resource, &raw const limit) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn confine() -> io::Result<()> {
    Ok(())
}
