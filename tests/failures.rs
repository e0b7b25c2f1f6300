//! Failures that are nobody's fault: readers killed from outside, a program that is replaced while it runs, tasks
//! that panic, a clock that is wrong. They are said, and everything goes on by itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Daemon, Place, text, until};

fn trouble(daemon: &Daemon) -> Value {
    daemon.get("/api/status")["indexing"]["trouble"].clone()
}

/// Whether the note of this name is found by words, and has its vectors.
fn is_indexed(daemon: &Daemon, path: &Path, word: &str) -> bool {
    let is_whole = |row: &Value| Path::new(text(&row["path"])) == path && row["state"] == "indexed";
    daemon.finds(word) && daemon.documents().iter().any(is_whole)
}

#[test]
fn a_note_saved_while_the_program_is_replaced_is_read() {
    let mut place = Place::new();
    let folder = place.root.join("bin");
    fs::create_dir(&folder).expect("a folder");
    let mine = folder.join("vade");
    fs::copy(env!("CARGO_BIN_EXE_vade"), &mine).expect("copies");
    let script = format!("shift && exec '{}' \"$@\"", mine.display());
    place.wrapper = ["sh", "-c", &script, "sh"].map(str::to_owned).to_vec();
    place.write("a.md", "A note that was here before.");
    let daemon = place.up(&["notes"]);
    // While nothing is read, no reader runs that was started before.
    fs::rename(&mine, folder.join("old")).expect("renames");
    let note = place.write("moved.md", "It says movingly.");
    until("it is read", || is_indexed(&daemon, &note, "movingly"));
    fs::write(&mine, "This is another program.").expect("writes");
    let note = place.write("replaced.md", "It says replacingly.");
    until("it is read", || is_indexed(&daemon, &note, "replacingly"));
    fs::remove_dir_all(&folder).expect("deletes");
    let note = place.write("deleted.md", "It says deletingly.");
    until("it is read", || is_indexed(&daemon, &note, "deletingly"));
}

/// The processes that read files for a daemon.
fn readers(daemon: &Daemon) -> Vec<String> {
    let parent = daemon.process().to_string();
    let processes = fs::read_dir("/proc").expect("processes").flatten();
    let is_child = |folder: &PathBuf| {
        let stat = fs::read_to_string(folder.join("stat")).unwrap_or_default();
        let fields = stat.rsplit_once(')').map(|(_, fields)| fields);
        let named = fields.and_then(|fields| fields.split_whitespace().nth(1));
        let words = fs::read(folder.join("cmdline")).unwrap_or_default();
        named == Some(parent.as_str()) && words.windows(13).any(|word| word == b"extract-child")
    };
    processes
        .map(|entry| entry.path())
        .filter(is_child)
        .filter_map(|folder| Some(folder.file_name()?.to_str()?.to_owned()))
        .collect()
}

#[test]
fn files_whose_readers_are_killed_from_outside_are_read_later() {
    let place = Place::new();
    let daemon = place.up(&["notes"]);
    let done = AtomicBool::new(false);
    let row = |path: &Path| {
        let mut rows = daemon.documents().into_iter();
        rows.find(|row| Path::new(text(&row["path"])) == path)
    };
    // Long enough that no reader comes through.
    let long = "Stairs and gates and boats and whatever else there is. ".repeat(200_000);
    let note = place.root.join("note.md");
    fs::write(&note, format!("# A note\n\nIt says killingly.\n\n{long}")).expect("writes");
    let path = place.note("note.md");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for process in readers(&daemon) {
                    let _ = std::process::Command::new("kill")
                        .args(["-9", &process])
                        .status();
                }
            }
        });
        let stop = Stop(&done);
        fs::rename(&note, &path).expect("renames");
        until("it is said", || {
            row(&path).is_some_and(|row| {
                row["state"] == "failed"
                    && text(&row["reason"]).contains("ended from outside (signal 9)")
                    && text(&row["reason"]).ends_with("it is tried again by itself")
            })
        });
        drop(stop);
    });
    until("it is read", || daemon.finds("killingly"));
}

/// Ends the thread of a test however it ends.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_task_that_panics_is_said_and_goes_on() {
    let mut place = Place::new();
    place.write("before.md", "It says beforehandly.");
    for point in ["words", "vectors", "watching"] {
        place.wrapper = vec!["env".to_owned(), format!("VADE_PANIC_AT={point}")];
        let daemon = place.start(&["notes"]);
        until("it is said", || {
            let trouble = trouble(&daemon);
            let is_said = |words: &str| words.contains("starts again by itself");
            trouble.as_str().is_some_and(is_said)
        });
        let word = format!("afterwards{point}x");
        let note = place.write(&format!("{point}.md"), format!("It says {word}."));
        until("it goes on", || is_indexed(&daemon, &note, &word));
        until("it is out of trouble", || trouble(&daemon).is_null());
        assert_eq!(daemon.stop(), Some(0));
    }
}

#[test]
fn a_file_that_makes_reading_panic_once_is_read() {
    let mut place = Place::new();
    place.wrapper = ["env", "VADE_PANIC_AT=reading"].map(str::to_owned).to_vec();
    let note = place.write("a.md", "It says nevertheless.");
    let daemon = place.up(&["notes"]);
    assert!(is_indexed(&daemon, &note, "nevertheless"));
    // And one that does it again has a reason.
    let mut place = Place::new();
    let twice = ["env", "VADE_PANIC_AT=reading,reading"];
    place.wrapper = twice.map(str::to_owned).to_vec();
    place.write("a.md", "It says nothing.");
    let daemon = place.up(&["notes"]);
    let row = daemon.documents().remove(0);
    assert_eq!(row["state"], "failed", "{row}");
    assert!(text(&row["reason"]).contains("vade itself failed"), "{row}");
    let other = place.write("b.md", "It says otherwisely.");
    until("others are read", || {
        is_indexed(&daemon, &other, "otherwisely")
    });
}

#[test]
fn a_clock_that_stands_before_1970_is_said_and_everything_goes_on_when_it_is_set() {
    let libraries = ["x86_64-linux-gnu", "aarch64-linux-gnu", ""].map(|folder| {
        let folder = Path::new("/usr/lib").join(folder);
        folder.join("faketime/libfaketimeMT.so.1")
    });
    let Some(library) = libraries.iter().find(|library| library.exists()) else {
        eprintln!("faketime is not installed here");
        return;
    };
    let mut place = Place::new();
    place.write("before.md", "It says beforehandly.");
    let clock = place.root.join("clock");
    let set = |time: &str| fs::write(&clock, time).expect("writes");
    set("+0");
    place.wrapper = vec![
        "env".to_owned(),
        format!("LD_PRELOAD={}", library.display()),
        format!("FAKETIME_TIMESTAMP_FILE={}", clock.display()),
        "FAKETIME_NO_CACHE=1".to_owned(),
        "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
    ];
    let daemon = place.up(&["notes"]);
    set("-100y");
    let note = place.write("while.md", "It says meanwhilely.");
    daemon.said("clock stands before 1970");
    std::thread::sleep(Duration::from_millis(500));
    set("+0");
    until("it is read", || is_indexed(&daemon, &note, "meanwhilely"));
    until("it is out of trouble", || trouble(&daemon).is_null());
    for (jump, word) in [
        ("-10y", "tenyearly"),
        ("+80y", "eightyyearly"),
        ("+0", "nowadaysly"),
    ] {
        set(jump);
        let note = place.write(&format!("{word}.md"), format!("It says {word}."));
        until("it is read", || is_indexed(&daemon, &note, word));
        assert_eq!(trouble(&daemon), Value::Null, "{jump}");
    }
}

#[test]
fn times_of_files_may_be_anything() {
    let place = Place::new();
    let seconds = |seconds: u64| Duration::from_secs(seconds);
    let epoch = std::time::UNIX_EPOCH;
    let times = [
        epoch - seconds(1),
        epoch - seconds(1 << 31),
        epoch,
        epoch + seconds(1 << 33),
        epoch + seconds((1 << 34) - 1),
    ];
    for (number, time) in times.into_iter().enumerate() {
        let note = place.write(&format!("{number}.md"), format!("It says timely{number}x."));
        let file = fs::File::options().write(true).open(note).expect("opens");
        // A file system may know fewer times.
        let _ = file.set_modified(time);
    }
    let daemon = place.up(&["notes"]);
    for number in 0..times.len() {
        let path = place.note(&format!("{number}.md"));
        assert!(
            is_indexed(&daemon, &path, &format!("timely{number}x")),
            "{number}"
        );
    }
}
