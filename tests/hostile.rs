//! What a folder may hold that no person has written for a person: fields without end, ignore files that are none,
//! names that are no text, the program's own files, what the system makes up, and a file on which the daemon dies.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Daemon, Place, text, until};

fn row(daemon: &Daemon, name: &str) -> Option<Value> {
    let rows = daemon.documents();
    rows.into_iter()
        .find(|row| text(&row["path"]).ends_with(name))
}

fn state_of(daemon: &Daemon, name: &str) -> String {
    let row = row(daemon, name);
    row.map_or_else(String::new, |row| text(&row["state"]).to_owned())
}

/// The most memory a process has held (MiB).
fn most_held(daemon: &Daemon) -> u64 {
    let status = format!("/proc/{}/status", daemon.process());
    let status = fs::read_to_string(status).expect("it runs");
    let mut lines = status.lines();
    let held = lines.find_map(|line| line.strip_prefix("VmHWM:"));
    let held = held.and_then(|held| held.trim().strip_suffix(" kB"));
    held.and_then(|held| held.parse::<u64>().ok())
        .expect("a number")
        / 1024
}

#[test]
fn fields_without_end_cost_no_memory() {
    let place = Place::new();
    let long = "a".repeat(1 << 20);
    let body =
        "The heron waits at the water's edge for hours on end and eats a fish. \n".repeat(30_000);
    let tags: Vec<String> = (0..990).map(|number| format!("t{number:060}")).collect();
    place.write("tag.md", format!("#{long}\n\n{body}"));
    place.write("heading.md", format!("# {long}\n\n{body}"));
    place.write(
        "matter.md",
        format!("---\ntags: [{}]\n---\n{body}", tags.join(", ")),
    );
    place.write(
        "alias.org",
        format!("#+roam_aliases: \"{long}\"\n* heron\n{body}"),
    );
    place.write("neighbour.md", "The quokka of Rottnest smiles.");
    let daemon = place.start(&["notes"]);
    for name in [
        "tag.md",
        "heading.md",
        "matter.md",
        "alias.org",
        "neighbour.md",
    ] {
        until(name, || state_of(&daemon, name).starts_with("indexed"));
    }
    assert!(daemon.finds("quokka"));
    let held = most_held(&daemon);
    assert!(held < 1200, "{held} MiB");
}

#[test]
fn an_ignore_file_that_is_none_holds_nobody_up() {
    let place = Place::new();
    place.write("a.md", "The ferry leaves at dawn: evergreening.");
    place.write("sub/b.md", "The ferry leaves at noon: greenhornish.");
    place.write("sub/hunter2", "Not a note.");
    fs::write(place.root.join("outside"), "hunter2\n").expect("writes");
    let pipe = Command::new("mkfifo")
        .arg(place.note(".gitignore"))
        .status();
    assert!(pipe.expect("runs").success());
    symlink("/dev/zero", place.note(".ignore")).expect("a link");
    symlink(place.root.join("outside"), place.note("sub/.gitignore")).expect("a link");
    let sparse = File::create(place.note("sub/.vadeignore")).expect("creates");
    sparse.set_len(8 << 30).expect("a sparse file");
    // Above the folder too.
    let pipe = Command::new("mkfifo")
        .arg(place.root.join(".gitignore"))
        .status();
    assert!(pipe.expect("runs").success());

    let daemon = place.up(&["notes"]);
    assert!(daemon.finds("evergreening") && daemon.finds("greenhornish"));
    for (name, why) in [
        ("notes/.gitignore", "no regular file"),
        ("notes/.ignore", "a link"),
        ("sub/.gitignore", "a link"),
        ("sub/.vadeignore", "larger than 64 KiB"),
    ] {
        let row = row(&daemon, name).expect("a row");
        assert_eq!(row["state"], "skipped", "{row}");
        assert!(text(&row["reason"]).contains(why), "{row}");
    }
    assert_ne!(
        state_of(&daemon, "hunter2"),
        "",
        "what the link says is not read"
    );
    // Mended, it is followed.
    fs::remove_file(place.note("sub/.gitignore")).expect("removes");
    place.write("sub/.gitignore", "hunter2\n");
    until("it is followed", || {
        row(&daemon, "hunter2").is_none() && row(&daemon, "sub/.gitignore").is_none()
    });
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn its_own_files_are_never_indexed_whatever_they_are_called() {
    let place = Place::new();
    place.write("a.md", "The ferry leaves at dawn: evergreening.");
    fs::create_dir_all(place.note("vault/data")).expect("a folder");
    symlink(place.root.join("notes"), place.root.join("alias")).expect("a link");
    symlink(place.root.join("alias/vault/data"), place.root.join("data")).expect("a link");
    let daemon = place.up(&["notes"]);
    place.write("b.md", "The ferry leaves at noon: greenhornish.");
    until("it is found", || daemon.finds("greenhornish"));
    let rows = daemon.documents();
    assert_eq!(rows.len(), 2, "{rows:?}");
    daemon.stop();
    for name in ["data", "data/text", "alias/vault/data"] {
        place.ends(&["add", name], 1, &["belongs to vade itself"]);
    }
}

#[test]
fn what_the_system_makes_up_cannot_be_added() {
    let place = Place::new();
    place.write("a.md", "The ferry leaves at dawn.");
    let daemon = place.up(&["notes"]);
    for path in ["/proc", "/proc/self", "/sys", "/sys/kernel", "/dev"] {
        let request = daemon.request(Method::POST, "/api/folders");
        let answer = request
            .json(&json!({ "path": path }))
            .send()
            .expect("an answer");
        assert!(
            answer.status().is_client_error(),
            "{path}: {}",
            answer.status()
        );
        let said = answer.text().expect("a body");
        assert!(
            said.contains("name a folder with your documents"),
            "{path}: {said}"
        );
    }
    assert_eq!(daemon.documents().len(), 1);
}

#[test]
fn names_that_are_no_text_have_rows_that_can_be_opened() {
    let place = Place::new();
    let names = [
        &b"bad\xff.md"[..],
        b"bad\xfe.md",
        "bad\u{fffd}.md".as_bytes(),
    ];
    let paths = names.map(|name| place.root.join("notes").join(OsStr::from_bytes(name)));
    for (number, path) in paths.iter().enumerate() {
        fs::write(path, format!("Ferry {number} leaves from quay {number}.")).expect("writes");
    }
    let daemon = place.up(&["notes"]);
    let rows = daemon.documents();
    assert_eq!(rows.len(), 3, "{rows:?}");
    let mut said: Vec<String> = Vec::new();
    for row in &rows {
        assert_eq!(row["state"], "indexed", "{row}");
        let id = text(&row["id"]);
        let source = daemon.request(Method::GET, &format!("/api/documents/{id}/source"));
        said.push(source.send().expect("an answer").text().expect("a body"));
        // Its path, as it is shown, names it.
        let why = daemon
            .request(Method::GET, "/api/why")
            .query(&[("path", text(&row["path"]))]);
        let why: Value = why.send().expect("an answer").json().expect("JSON");
        assert_eq!(why["document"]["id"], row["id"], "{why}");
    }
    said.sort();
    let all: Vec<String> = (0..3)
        .map(|number| format!("Ferry {number} leaves from quay {number}."))
        .collect();
    assert_eq!(said, all);

    // One is forgotten, and kept out; the others stay.
    let forget = |path: &Path| {
        let mut command = place.command(&["forget"]);
        command
            .arg(path)
            .output()
            .expect("vade runs")
            .status
            .success()
    };
    assert!(forget(&paths[0]));
    let ferries = |daemon: &Daemon| {
        (0..3)
            .map(|n| daemon.finds(&format!("Ferry {n}")))
            .collect::<Vec<_>>()
    };
    until("it is kept out", || ferries(&daemon) == [false, true, true]);
    let rows = daemon.documents();
    let shown = rows.iter().find(|row| row["state"] == "skipped");
    let path = text(&shown.expect("a row")["path"]);
    daemon.call(
        Method::POST,
        "/api/forget",
        &json!({ "path": path, "undo": true }),
    );
    until("the rest stays", || ferries(&daemon)[1..] == [true, true]);
    daemon.stop();
}

/// The daemon dies at `step` of one file, again and again.
#[track_caller]
fn check_set_aside(step: &str) {
    let mut place = Place::new();
    for number in 0..12 {
        place.write(
            &format!("{number}.md"),
            format!("The ferry {number} leaves at dawn."),
        );
    }
    let bad = place.write("bad.md", "The ferry leaves at dusk: evergreening.");
    let point = format!("{step} bad.md");
    place.fails_at(&point, &["notes"]);
    place.fails_at(&point, &["notes"]);
    place.wrapper = ["env".to_owned(), format!("VADE_FAIL_AT={point}")].to_vec();
    let daemon = place.up(&["notes"]);
    for number in 0..12 {
        assert_eq!(state_of(&daemon, &format!("/{number}.md")), "indexed");
    }
    let row = row(&daemon, "bad.md").expect("a row");
    assert_eq!(row["state"], "failed", "{row}");
    assert!(
        text(&row["reason"]).contains("vade died twice while it worked on this file"),
        "{row}"
    );
    assert!(!daemon.finds("evergreening"));
    daemon.stop();

    place.wrapper.clear();
    let daemon = place.up(&["notes"]);
    assert_eq!(state_of(&daemon, "bad.md"), "failed", "it did not change");
    fs::write(bad, "The ferry leaves at dusk, as ever: evergreening.").expect("writes");
    until("it changed", || daemon.finds("evergreening"));
    daemon.stop();
}

#[test]
fn a_file_that_cannot_be_read_alive_is_set_aside() {
    check_set_aside("reading");
}

#[test]
fn a_file_that_cannot_be_embedded_alive_is_set_aside() {
    check_set_aside("embedding");
}

#[test]
fn who_is_killed_holds_it_against_no_file() {
    let place = Place::new();
    let sentences = (0..4000).map(|number| format!("The ferry {number} leaves at dawn. "));
    place.write("a.md", sentences.collect::<String>());
    for _ in 0..3 {
        let daemon = place.start(&["notes"]);
        // Its vectors are on the way then.
        until("its words are in", || {
            state_of(&daemon, "a.md").starts_with("indexed")
        });
        daemon.kill();
    }
    let daemon = place.up(&["notes"]);
    assert_eq!(state_of(&daemon, "a.md"), "indexed");
    daemon.stop();
}
