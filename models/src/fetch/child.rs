//! Running the user's own pip or npm for a while, watching its downloads grow.
//!
//! The child gets no input, its output goes to files, and it is killed when the caller cancels or
//! it takes too long. Package managers say nothing machine-readable about progress, so the size of
//! the folders they write to is the progress.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::{FetchError, Job, PullEvent};

/// Longest that one package may take.
const LIMIT: Duration = Duration::from_mins(30);
const POLL: Duration = Duration::from_millis(200);

/// What a package download is told about where it stands.
pub(super) struct Progress {
    /// Bytes of earlier packages.
    pub(super) before: u64,
    /// Bytes expected of all packages, never exceeded in a report.
    pub(super) expected: u64,
}

/// The first way of calling a program that this machine has, found by asking for its version.
pub(super) fn available<'a>(
    program: &str,
    ways: &'a [Vec<String>],
) -> Result<&'a [String], FetchError> {
    ways.iter()
        .find(|way| {
            command(way).is_some_and(|mut command| {
                let status = command
                    .arg("--version")
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status();
                status.is_ok_and(|status| status.success())
            })
        })
        .map(Vec::as_slice)
        .ok_or_else(|| FetchError::Failed(format!("{program} is not installed")))
}

/// A command from its words.
pub(super) fn command(words: &[String]) -> Option<Command> {
    let (program, arguments) = words.split_first()?;
    let mut command = Command::new(program);
    command.args(arguments);
    Some(command)
}

/// Runs the command in the folder `work` to its end. Everything in `work` counts as progress.
pub(super) fn run(
    job: &mut Job<'_>,
    command: &mut Command,
    work: &Path,
    progress: &Progress,
) -> Result<(), FetchError> {
    let log = work.join("errors.log");
    let failed = |error| FetchError::because("starting it")(error);
    let errors = File::create(&log).map_err(failed)?;
    let mut child = command
        .current_dir(work)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()
        .map_err(failed)?;
    let result = wait(job, &mut child, work, progress);
    if result.is_err() {
        stop(&mut child);
    }
    if result?.success() {
        Ok(())
    } else {
        Err(FetchError::Failed(last_words(&log)))
    }
}

fn wait(
    job: &mut Job<'_>,
    child: &mut Child,
    work: &Path,
    progress: &Progress,
) -> Result<ExitStatus, FetchError> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(FetchError::because("waiting"))? {
            return Ok(status);
        }
        if job.cancel.load(Ordering::Relaxed) {
            return Err(FetchError::Cancelled);
        }
        if started.elapsed() > LIMIT {
            let minutes = LIMIT.as_secs() / 60;
            return Err(FetchError::Failed(format!(
                "not done after {minutes} minutes"
            )));
        }
        let bytes = (progress.before + folder_bytes(work)).min(progress.expected);
        job.tell(PullEvent::Advanced { bytes });
        thread::sleep(POLL);
    }
}

fn stop(child: &mut Child) {
    let result = child.kill().and_then(|()| child.wait());
    if let Err(error) = result
        && error.kind() != ErrorKind::InvalidInput
    {
        tracing::warn!(%error, "cannot stop a package manager");
    }
}

/// Size of all files in a folder. Files that come and go meanwhile do not matter.
pub(crate) fn folder_bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?)))
        .map(|(path, metadata)| {
            if metadata.is_dir() {
                folder_bytes(&path)
            } else {
                metadata.len()
            }
        })
        .sum()
}

/// The last lines a program wrote before it failed, shortened.
fn last_words(log: &Path) -> String {
    let mut text = Vec::new();
    let read = File::open(log).and_then(|file| file.take(1 << 20).read_to_end(&mut text));
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let last = lines[lines.len().saturating_sub(3)..].join("; ");
    match read {
        Ok(_) if !last.is_empty() => last.chars().take(600).collect(),
        _ => "it failed without a word".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_what_a_failure_says() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        fs::write(&log, "one\n\ntwo\nthree\n four \n").unwrap();
        assert_eq!(last_words(&log), "two; three; four");
        assert_eq!(
            last_words(&dir.path().join("none")),
            "it failed without a word"
        );
    }

    #[test]
    fn a_folder_is_as_large_as_its_files() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("inner")).unwrap();
        fs::write(dir.path().join("a"), b"12345").unwrap();
        fs::write(dir.path().join("inner/b"), b"123").unwrap();
        assert_eq!(folder_bytes(dir.path()), 8);
        assert_eq!(folder_bytes(&dir.path().join("none")), 0);
    }

    #[test]
    fn a_program_that_is_not_there_is_not_available() {
        let ways = [vec!["vade-no-such-program".to_owned()], vec![]];
        assert_eq!(
            available("pip", &ways),
            Err(FetchError::Failed("pip is not installed".to_owned()))
        );
    }
}
