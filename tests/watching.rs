//! Watching: what happens to a file is soon what a search finds. One daemon; each test has a folder
//! of its own in what it watches, and words that are nowhere else.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Method;
use serde_json::json;

use crate::harness::{Daemon, Place, text, until};

fn watched() -> &'static (Place, Daemon) {
    static WATCHED: OnceLock<(Place, Daemon)> = OnceLock::new();
    WATCHED.get_or_init(|| {
        let place = Place::new();
        place.write("first.md", "This note was here before.");
        let daemon = place.up(&["notes"]);
        (place, daemon)
    })
}

/// Writes a file, relative to the watched folder.
fn write(name: &str, content: &str) -> PathBuf {
    watched().0.write(name, content)
}

fn note(name: &str) -> PathBuf {
    watched().0.note(name)
}

#[track_caller]
fn found(word: &str) {
    until(&format!("{word} is found"), || watched().1.finds(word));
}

#[track_caller]
fn gone(word: &str) {
    until(&format!("{word} is gone"), || !watched().1.finds(word));
}

/// Waits until a word is found, in exactly this file.
#[track_caller]
fn found_only_in(word: &str, name: &str) {
    let expected = note(name);
    until(&format!("{word} is found in {name} only"), || {
        let hits = watched().1.search(word);
        let mut paths = hits
            .iter()
            .filter(|hit| text(&hit["text"]).contains(word))
            .map(|hit| text(&hit["path"]));
        paths.next().is_some_and(|path| expected == Path::new(path)) && paths.next().is_none()
    });
}

#[test]
fn a_new_file_is_found_and_a_deleted_one_is_not() {
    let path = write("new/a.md", "The password of the boathouse is larkspurine.");
    found("larkspurine");
    fs::remove_file(path).expect("deletes");
    gone("larkspurine");
    let events = watched()
        .1
        .events(&json!({ "question": "What is the password of the boathouse?" }));
    assert_eq!(events.last().expect("events").name, "done");
    for event in &events {
        assert!(
            !event.data.to_string().contains("larkspurine"),
            "{}: {}",
            event.name,
            event.data
        );
    }
}

#[test]
fn an_edit_in_place_replaces_what_was_there() {
    let path = write("edit/a.md", "The keeper is called oldsworthy.");
    found("oldsworthy");
    fs::write(path, "The keeper is called newsworthy.").expect("writes");
    found("newsworthy");
    gone("oldsworthy");
}

#[test]
fn an_atomic_save_replaces_what_was_there() {
    let path = write("save/a.md", "Version one says firstquill.");
    found("firstquill");
    let beside = write("save/.a.md.tmp", "Version two says secondquill.");
    fs::rename(beside, path).expect("renames");
    found_only_in("secondquill", "save/a.md");
    gone("firstquill");
}

#[test]
fn many_saves_in_a_row_end_with_the_last() {
    for version in 0..40 {
        write(
            "burst/a.md",
            &format!("Version {version} of the burst says count{version}quop."),
        );
    }
    found("count39quop");
    gone("count38quop");
}

#[test]
fn a_renamed_file_is_found_under_its_new_name_only() {
    let path = write("rename/before.md", "The mooring is called heronsgate.");
    found("heronsgate");
    fs::rename(path, note("rename/after.md")).expect("renames");
    found_only_in("heronsgate", "rename/after.md");
}

#[test]
fn a_moved_file_is_found_where_it_is() {
    let path = write("move/here/a.md", "The lock is at millbridgeton.");
    write("move/there/b.md", "Another note altogether, otterswick.");
    found("millbridgeton");
    found("otterswick");
    fs::rename(path, note("move/there/a.md")).expect("moves");
    found_only_in("millbridgeton", "move/there/a.md");
}

#[test]
fn a_renamed_folder_takes_its_files_along_and_is_still_watched() {
    write("tree/old/a.md", "One says branchfold.");
    write("tree/old/deep/b.md", "Two says leaffold.");
    found("branchfold");
    found("leaffold");
    fs::rename(note("tree/old"), note("tree/new")).expect("renames");
    found_only_in("branchfold", "tree/new/a.md");
    found_only_in("leaffold", "tree/new/deep/b.md");
    write("tree/new/deep/c.md", "Three says budfold.");
    found_only_in("budfold", "tree/new/deep/c.md");
}

#[test]
fn a_folder_moved_in_is_found_and_moved_out_is_gone() {
    let outside = watched().0.root.join("outside");
    fs::create_dir_all(outside.join("deep")).expect("a folder");
    fs::write(outside.join("deep/a.md"), "It says wanderwort.").expect("writes");
    fs::rename(&outside, note("moved-in")).expect("moves");
    found_only_in("wanderwort", "moved-in/deep/a.md");
    fs::rename(note("moved-in"), outside).expect("moves");
    gone("wanderwort");
}

#[test]
fn a_deleted_folder_takes_its_files_along() {
    write("shed/a.md", "One says hammerling.");
    write("shed/deep/er/b.md", "Two says chiselling.");
    found("hammerling");
    found("chiselling");
    fs::remove_dir_all(note("shed")).expect("deletes");
    gone("hammerling");
    gone("chiselling");
    // Made again, it is watched again.
    write("shed/c.md", "Three says plummeting.");
    found("plummeting");
}

#[test]
fn ignore_rules_count_from_when_they_are_written() {
    write("rules/draft.md", "A draft says inklingish.");
    write("rules/final.md", "The final text says settledly.");
    found("inklingish");
    found("settledly");
    let rules = write("rules/.vadeignore", "draft.md\n");
    gone("inklingish");
    found("settledly");
    fs::remove_file(rules).expect("deletes");
    found("inklingish");
}

#[test]
fn hidden_files_are_left_alone() {
    write("hidden/.secret.md", "It says hushabye.");
    write("hidden/.folder/a.md", "It says hushabye too.");
    write("hidden/plain.md", "It says outspokenly.");
    found("outspokenly");
    assert!(!watched().1.finds("hushabye"));
}

#[test]
fn a_folder_is_added_and_removed_while_the_daemon_runs() {
    let (place, daemon) = watched();
    let folder = place.root.join("second");
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join("a.md"), "The second folder says zephyrine.").expect("writes");
    place.json(&["add", "second"]);
    found("zephyrine");
    fs::write(folder.join("b.md"), "It is watched, says breezily.").expect("writes");
    found("breezily");
    place.json(&["remove", "second"]);
    assert!(!daemon.finds("zephyrine") && !daemon.finds("breezily"));
    let inside = json!({ "path": folder });
    let again = daemon
        .request(Method::DELETE, "/api/folders")
        .json(&inside)
        .send();
    assert_eq!(again.expect("an answer").status(), 400);
}

#[test]
fn a_file_that_became_a_link_is_not_given_out() {
    let (_, daemon) = watched();
    let path = write("swap/a.md", "It says switchery.");
    found("switchery");
    let id = text(&daemon.search("switchery")[0]["document"]).to_owned();
    fs::remove_file(&path).expect("deletes");
    std::os::unix::fs::symlink("/etc/passwd", &path).expect("a link");
    let source = daemon
        .request(Method::GET, &format!("/api/documents/{id}/source"))
        .send();
    let source = source.expect("an answer");
    assert_eq!(source.status(), 404);
    assert!(!source.text().expect("a body").contains("root:"));
    gone("switchery");
}

#[test]
fn searches_never_fail_while_files_change() {
    let (_, daemon) = watched();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let searches = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                daemon.search("the busy note and its words");
            }
        });
        let writes = scope.spawn(|| {
            for version in 0..10 {
                write(
                    "busy/a.md",
                    &format!("The busy note says bustle{version}ing."),
                );
                found(&format!("bustle{version}ing"));
            }
        });
        until("one of the two ends", || {
            searches.is_finished() || writes.is_finished()
        });
        done.store(true, Ordering::Relaxed);
    });
}
