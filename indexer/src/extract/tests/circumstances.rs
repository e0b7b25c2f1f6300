//! Readers that end for reasons that are not in the file: programs that stand for them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{limits, worker};
use crate::extract::child::{Ending, Frame, PageRead};
use crate::extract::sniff::Kind;
use crate::extract::{Extractor, Limits, Rejection, finish};

/// A program that notes each of its starts and then does what `script` says.
struct Program {
    folder: tempfile::TempDir,
}

impl Program {
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let program = Self { folder };
        let starts = program.starts_file();
        let text = format!("#!/bin/sh\necho >> '{}'\n{script}\n", starts.display());
        std::fs::write(program.path(), text).expect("script");
        let executable = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(program.path(), executable).expect("permissions");
        program
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("reader")
    }

    fn starts_file(&self) -> PathBuf {
        self.folder.path().join("starts")
    }

    fn starts(&self) -> usize {
        let starts = std::fs::read_to_string(self.starts_file()).unwrap_or_default();
        starts.lines().count()
    }

    fn read(&self, seconds: u64) -> Result<String, Rejection> {
        let limits = Limits {
            child_seconds: seconds,
            worker: self.path(),
            ..limits()
        };
        let note = b"# A note\n\nIt says something.";
        let read = Extractor::new(limits).extract(Path::new("a.md"), note, None);
        read.map(|document| document.text)
    }
}

#[track_caller]
fn check(script: &str, starts: usize, expected: &Rejection) {
    let program = Program::new(script);
    assert_eq!(program.read(60).as_ref(), Err(expected));
    assert_eq!(program.starts(), starts);
}

#[test]
fn a_reader_that_is_killed_from_outside_says_nothing_of_the_file() {
    for (name, number) in [("KILL", 9), ("TERM", 15), ("INT", 2), ("HUP", 1)] {
        let reason = format!("the reader was ended from outside (signal {number})");
        let script = format!("kill -s {name} $$\nsleep 10");
        check(&script, 2, &Rejection::Hindered(reason));
    }
}

#[test]
fn a_reader_that_is_killed_once_reads_the_file_in_another_process() {
    // `$0` is where the program lies, and beside it the list of its starts.
    let program = Program::new(&format!(
        "[ $(wc -l < \"$(dirname \"$0\")/starts\") -gt 1 ] || kill -s KILL $$\nexec '{}' \"$@\"",
        worker().display()
    ));
    let text = program.read(60).expect("read");
    assert!(text.contains("It says something."), "{text}");
    assert_eq!(program.starts(), 2);
}

#[test]
fn a_reader_that_crashes_twice_says_it_of_the_file() {
    let crashed = |how: &str| Rejection::Failed(format!("the reader crashed ({how})"));
    check("kill -s SEGV $$\nsleep 10", 2, &crashed("signal 11"));
    check("exit 101", 2, &crashed("panic"));
    check("exit 3", 2, &crashed("exit status: 3"));
    // One that closes its output and lives on is ended.
    let strange = crashed("it said something else than it should");
    check("exec >&- 2>&-\nexec sleep 1000", 2, &strange);
}

#[test]
fn a_reader_that_is_not_given_the_processor_says_nothing_of_the_file() {
    let program = Program::new("exec sleep 1000");
    let reason = "the machine was busy or asleep: reading took longer than 1 seconds";
    assert_eq!(program.read(1), Err(Rejection::Hindered(reason.to_owned())));
    let busy = Program::new("while :; do :; done");
    // On a machine that is busy itself this one may get too little, too.
    match busy.read(2) {
        Err(Rejection::Failed(reason)) => assert_eq!(reason, "reading took longer than 2 seconds"),
        Err(Rejection::Hindered(reason)) => assert!(reason.contains("busy"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reader_that_cannot_be_started_says_nothing_of_the_file() {
    let program = Program::new("");
    let plain = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(program.path(), plain).expect("permissions");
    let reason = "the reader could not be started: Permission denied (os error 13)";
    assert_eq!(
        program.read(60),
        Err(Rejection::Hindered(reason.to_owned()))
    );
}

#[test]
fn what_a_killed_reader_had_read_is_not_taken_for_the_whole() {
    let frames = || {
        let page = PageRead {
            number: 1,
            text: "The first page".to_owned(),
            complete: true,
            ..PageRead::default()
        };
        let opened = Frame::Opened {
            pages: 3,
            title: None,
        };
        vec![opened, Frame::Page(page)]
    };
    let finished = |ending| finish(Kind::Pdf, frames(), &ending, &limits());
    let killed = finished(Ending::Killed { signal: 9 });
    assert!(matches!(killed, Err(Rejection::Hindered(_))), "{killed:?}");
    let starved = finished(Ending::Starved { seconds: 60 });
    assert!(
        matches!(starved, Err(Rejection::Hindered(_))),
        "{starved:?}"
    );
    let crashed = finished(Ending::Crashed("signal 11".to_owned()));
    assert_eq!(crashed.expect("the first page").text, "The first page");
}
