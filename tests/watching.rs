//! Watching: what happens to a file is soon what a search finds. One daemon; each test has a folder
//! of its own in what it watches, and words that are nowhere else.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

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
fn what_is_appended_is_found_and_what_is_cut_off_is_gone() {
    use std::io::Write;
    let path = write("grow/a.md", "It began with overturely.\n");
    found("overturely");
    let mut file = fs::File::options().append(true).open(&path).expect("opens");
    file.write_all(b"\nLater came codaline.\n")
        .expect("appends");
    drop(file);
    found("codaline");
    fs::File::options()
        .write(true)
        .open(&path)
        .and_then(|file| file.set_len(26))
        .expect("cuts");
    gone("codaline");
    found("overturely");
}

#[test]
fn a_touched_file_is_not_read_into_the_index_again() {
    let (_, daemon) = watched();
    let path = write("touch/a.md", "It says featherweightish.");
    found("featherweightish");
    let row = || daemon.get("/api/documents?query=touch%2Fa.md")["documents"][0].clone();
    until("it has its vectors", || row()["state"] == "indexed");
    let before = row();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(9);
    fs::File::options()
        .write(true)
        .open(&path)
        .and_then(|file| file.set_modified(later))
        .expect("touches");
    until("the new time is known", || {
        row()["modified"] != before["modified"]
    });
    until("it was looked at", || row()["state"] == "indexed");
    assert_eq!(row()["indexed"], before["indexed"]);
}

#[test]
fn a_change_counts_although_its_time_lies_in_the_past() {
    let path = write("clock/a.md", "It says presently.");
    found("presently");
    fs::write(&path, "It says formerlyish.").expect("writes");
    let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_hours(24);
    fs::File::options()
        .write(true)
        .open(&path)
        .and_then(|file| file.set_modified(long_ago))
        .expect("sets the time");
    found("formerlyish");
    gone("presently");
}

#[test]
fn a_file_deleted_and_made_again_says_the_new() {
    for round in 0..3 {
        let path = write("again/a.md", &format!("It says phoenix{round}ly."));
        found(&format!("phoenix{round}ly"));
        fs::remove_file(path).expect("deletes");
    }
    write("again/a.md", "It says phoenixlast.");
    found_only_in("phoenixlast", "again/a.md");
    gone("phoenix2ly");
}

#[test]
fn a_name_that_changes_only_its_case_is_another_name() {
    let path = write("case/readme.md", "It says uppercasely.");
    found("uppercasely");
    fs::rename(&path, note("case/README.md")).expect("renames");
    found_only_in("uppercasely", "case/README.md");
}

#[test]
fn links_are_not_followed_and_say_where_they_lead() {
    let (place, daemon) = watched();
    write("links/real.md", "It says genuinely-here.");
    let outside = place.root.join("elsewhere");
    fs::create_dir_all(&outside).expect("a folder");
    fs::write(outside.join("a.md"), "It says outsiderly.").expect("writes");
    let link = std::os::unix::fs::symlink::<&Path, std::path::PathBuf>;
    link(Path::new("real.md"), note("links/inside.md")).expect("a link");
    link(&outside, note("links/outside")).expect("a link");
    link(Path::new("loop"), note("links/loop")).expect("a link");
    link(Path::new(".."), note("links/up")).expect("a link");
    fs::hard_link(note("links/real.md"), note("links/hard.md")).expect("a link");
    let reason = |name: &str| {
        let found = daemon.get(&format!("/api/documents?query=links%2F{name}"));
        let rows = found["documents"].as_array().expect("rows");
        let row = rows.first();
        row.map(|row| row["reason"].as_str().unwrap_or("none").to_owned())
    };
    for (name, words) in [
        ("inside.md", "indexed where it lies"),
        ("outside", "outside the watched folder"),
        ("loop", "leads nowhere"),
        ("up", "indexed where it lies"),
        // Another name of the same file is a file like any other.
        ("hard.md", "none"),
    ] {
        let said = || reason(name).is_some_and(|reason| reason.contains(words));
        until(&format!("{name} has its reason"), said);
    }
    found("genuinely");
    assert!(!daemon.finds("outsiderly"));
}

#[test]
fn a_folder_of_a_thousand_moves_without_being_embedded_again() {
    let (_, daemon) = watched();
    for number in 0..1000 {
        // Most say the same, which is embedded once.
        let word = if number == 999 {
            "carriagelast"
        } else {
            "carriages"
        };
        let text = format!("A note of the moving folder says {word}.");
        write(&format!("many/{}/{number}.md", number % 20), &text);
    }
    let embedded = || {
        let documents = daemon.get("/api/documents?limit=1000&state=indexed&query=many%2F");
        documents["total"].as_u64().unwrap_or_default()
    };
    until("all have their vectors", || embedded() == 1000);
    let folder = note("many");
    fs::rename(&folder, note("moved-many")).expect("moves");
    found_only_in("carriagelast", "moved-many/19/999.md");
    until("all are indexed where they are", || embedded() == 1000);
    let gone = daemon.get("/api/documents?limit=1&query=notes%2Fmany%2F");
    assert_eq!(gone["total"], 0);
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
fn a_save_overtakes_a_folder_that_comes_at_the_same_time() {
    let place = Place::new();
    place.write("first.md", "This note was here before.");
    let daemon = place.up(&["notes"]);
    let hour_ago = SystemTime::now() - Duration::from_hours(1);
    for number in 0..400 {
        let path = place.write(
            &format!("../copied/{number}.md"),
            format!("Ledger {number} lists what lay in shed {number} that winter."),
        );
        let file = fs::File::options().write(true).open(path).expect("opens");
        file.set_modified(hour_ago).expect("sets its time");
    }
    fs::rename(place.note("../copied"), place.note("copied")).expect("moves");
    place.write("saved.md", "The word for it is tidewrackish.");
    let indexed = |name: &str| {
        let documents = daemon.documents().into_iter();
        let of_name = documents.filter(|document| text(&document["path"]).contains(name));
        of_name
            .filter(|document| document["state"] == "indexed")
            .count()
    };
    until("the save is indexed", || indexed("/saved.md") == 1);
    assert_eq!(indexed("/copied/"), 0);
    assert!(daemon.finds("tidewrackish"));
}

#[test]
fn a_note_does_not_wait_for_a_book_that_was_saved_before_it() {
    let place = Place::new();
    let daemon = place.up(&["notes"]);
    let book: String = (0..3000)
        .map(|number| format!("Chapter {number} tells how ship {number} came into port.\n\n"))
        .collect();
    place.write("book.md", format!("The first word is bookishly.\n\n{book}"));
    until("its words are found", || daemon.finds("bookishly"));
    place.write("note.md", "The word for it is notewrackish.");
    let state = |name: &str| {
        let documents = daemon.documents();
        let mut documents = documents.iter();
        let found = documents.find(|document| text(&document["path"]).ends_with(name));
        found.map(|document| text(&document["state"]).to_owned())
    };
    until("the note is indexed", || {
        state("/note.md").as_deref() == Some("indexed")
    });
    assert_eq!(state("/book.md").as_deref(), Some("indexed-lexical"));
    assert!(daemon.finds("notewrackish"));
    until("the book is indexed", || {
        state("/book.md").as_deref() == Some("indexed")
    });
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
fn nothing_is_forgotten_while_a_folder_is_away() {
    let place = Place::new();
    place.write("a.md", "The note says persistently.");
    let away = place.root.join("unmounted");
    let daemon = place.up(&["notes"]);
    assert!(daemon.finds("persistently"));
    fs::rename(place.note(""), &away).expect("the folder goes away");
    until("it is said", || {
        daemon.get("/api/status")["folders"][0]["reachable"] == false
    });
    assert!(daemon.finds("persistently"));
    let again = place.run(&["status", "--why", &place.note("new.md").to_string_lossy()]);
    assert!(again.out.contains("cannot be reached"), "{}", again.out);
    fs::write(away.join("b.md"), "The note says meanwhilely.").expect("writes");
    fs::rename(&away, place.note("")).expect("the folder comes back");
    until("what changed meanwhile is found", || {
        daemon.finds("meanwhilely")
    });
    assert!(daemon.finds("persistently"));
    place.write("c.md", "The note says afterwardsly.");
    until("it is watched again", || daemon.finds("afterwardsly"));
}

#[test]
fn a_file_that_became_a_link_is_not_given_out() {
    let (_, daemon) = watched();
    let path = write("swap/a.md", "It says switchery.");
    found("switchery");
    // Its row, not the first hit: the other tests' notes may be nearer in meaning.
    let row = daemon.get("/api/documents?query=swap%2Fa.md")["documents"][0].clone();
    let id = text(&row["id"]).to_owned();
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
