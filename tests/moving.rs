//! Moving an index between machines: what is exported here is all there, under the names files have there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Daemon, EMBEDDING_FILE, Place, damaged_models, number, text};

const QUESTION: &str = "Which fault code of the boiler means that the water pressure is too low?";

/// A place with notes, an answered question, and the archive of it all.
fn exported() -> (Place, PathBuf) {
    let place = Place::new();
    place.write(
        "heating/boiler.md",
        "# Boiler\n\nThe boiler shows fault code F22 when the water pressure is too low. Open the \
         filling tap until the gauge reads 1.5 bar.\n",
    );
    place.write(
        "ferry.md",
        "# Ferry\n\nThe last ferry to Brannock leaves at 21:40 from pier six.\n",
    );
    let daemon = place.up(&["notes"]);
    assert_eq!(daemon.ask(&json!({ "question": QUESTION }))["found"], true);
    daemon.stop();
    let archive = place.root.join("index.tar.gz");
    let said = place.json(&["export", &archive.to_string_lossy()]);
    assert_eq!(said["manifest"]["documents"], 2);
    assert_eq!(said["manifest"]["conversations"], 1);
    (place, archive)
}

/// `--folder OLD=NEW` for the notes of one place and the folder `papers` of another.
fn moved(from: &Place, to: &Place) -> String {
    let old = from.root.join("notes");
    format!("{}={}", old.display(), to.root.join("papers").display())
}

/// Hits without the times at which they were found.
fn hits(daemon: &Daemon, folder: &Path) -> Vec<(PathBuf, usize, String, String)> {
    let hits = daemon.search("what to do when the pressure is too low");
    let hit = |hit: &Value| {
        let path = Path::new(text(&hit["path"]));
        (
            path.strip_prefix(folder).expect("in the folder").to_owned(),
            number(&hit["start"]),
            text(&hit["text"]).to_owned(),
            hit["score"].to_string(),
        )
    };
    hits.iter().map(hit).collect()
}

#[test]
fn an_index_moves_with_its_conversations_and_embeds_nothing_again() {
    let (here, archive) = exported();
    let daemon = here.up(&[]);
    let before = hits(&daemon, &here.root.join("notes"));
    assert!(before.len() > 1);
    daemon.stop();

    let mut there = Place::new();
    fs::rename(here.root.join("notes"), there.root.join("papers")).expect("moves");
    // Nothing can be embedded while the index arrives.
    let models = there.models.clone();
    there.models = damaged_models(&there, EMBEDDING_FILE);
    let archive = archive.to_string_lossy();
    let said = there.json(&["import", &archive, "--folder", &moved(&here, &there)]);
    assert_eq!(said["manifest"]["documents"], 2);
    let daemon = there.up(&[]);
    let states: Vec<Value> = daemon.documents();
    assert!(
        states.iter().all(|row| row["state"] == "indexed"),
        "{states:?}"
    );
    daemon.stop();

    there.models = models;
    let daemon = there.up(&[]);
    let papers = there.root.join("papers");
    assert_eq!(hits(&daemon, &papers), before);
    let folders = daemon.get("/api/status")["folders"].clone();
    assert_eq!(folders[0]["path"], json!(papers));
    assert_eq!(folders.as_array().map(Vec::len), Some(1));

    let kept = daemon.get("/api/conversations")["conversations"].clone();
    assert_eq!(kept[0]["title"], QUESTION);
    let kept = daemon.get(&format!("/api/conversations/{}", text(&kept[0]["id"])));
    let citation = &kept["messages"][1]["citations"][0];
    assert_eq!(citation["path"], json!(papers.join("heating/boiler.md")));
    let address = format!(
        "/api/documents/{}/text?start={}&end={}",
        text(&citation["document"]),
        citation["start"],
        citation["end"]
    );
    assert_eq!(daemon.get(&address)["text"], citation["quote"]);
    // It is watched where it lies.
    fs::write(papers.join("new.md"), "The new pier says quayside.").expect("writes");
    crate::harness::until("what is new is found", || daemon.finds("quayside"));
}

#[test]
fn what_is_there_already_is_not_overwritten() {
    let (place, archive) = exported();
    let archive = archive.to_string_lossy();
    place.ends(
        &["import", &archive],
        1,
        &["holds an index already", "--data-dir"],
    );
    assert_eq!(place.json(&["status"])["documents"]["indexed"], 2);
    let daemon = place.up(&[]);
    place.ends(&["export", &archive], 1, &["in use by another vade"]);
    place.ends(&["import", &archive], 1, &["in use by another vade"]);
    daemon.stop();
}

/// Tries to import into an empty place, which must be refused with these words and leave it empty.
#[track_caller]
fn check_refused(place: &Place, archive: &Path, words: &[&str]) {
    place.ends(&["import", &archive.to_string_lossy()], 1, words);
    assert!(!place.root.join("data").exists());
}

#[test]
fn an_archive_that_is_damaged_or_none_is_refused() {
    let (here, archive) = exported();
    let there = Place::new();
    let bytes = fs::read(&archive).expect("reads");
    let damaged = there.root.join("damaged.tar.gz");
    let no_archive = ["damaged.tar.gz: not an archive of `vade export`"];
    for part in 1..8 {
        let at = bytes.len() / 8 * part;
        fs::write(&damaged, &bytes[..at]).expect("writes");
        check_refused(&there, &damaged, &no_archive);
        let mut spoilt = bytes.clone();
        // One bit alone may mean nothing.
        spoilt[at..at + 64]
            .iter_mut()
            .for_each(|byte| *byte ^= 0x5a);
        fs::write(&damaged, spoilt).expect("writes");
        check_refused(&there, &damaged, &no_archive);
    }
    // All of it is there, and its checksum is another's.
    let mut stranger = bytes.clone();
    stranger[bytes.len() - 8] ^= 1;
    fs::write(&damaged, stranger).expect("writes");
    check_refused(&there, &damaged, &no_archive);
    fs::write(&damaged, "Just some words.").expect("writes");
    check_refused(&there, &damaged, &no_archive);
    check_refused(
        &there,
        &there.root.join("nowhere.tar.gz"),
        &["nowhere.tar.gz"],
    );

    // Of a version to come.
    let unpacked = there.root.join("unpacked");
    fs::create_dir(&unpacked).expect("a folder");
    let tar = |arguments: &[&str]| {
        let ran = Command::new("tar")
            .args(arguments)
            .current_dir(&unpacked)
            .status();
        assert!(ran.expect("tar runs").success());
    };
    tar(&["-xzf", &archive.to_string_lossy()]);
    let manifest = unpacked.join("manifest.json");
    let mut said: Value =
        serde_json::from_slice(&fs::read(&manifest).expect("reads")).expect("JSON");
    said["format"] = json!(99);
    fs::write(&manifest, said.to_string()).expect("writes");
    let later = there.root.join("later.tar.gz");
    tar(&["-czf", &later.to_string_lossy(), "."]);
    // What `tar` wrote begins every name with `./`.
    check_refused(&there, &later, &["later.tar.gz"]);
    let names: Vec<_> = fs::read_dir(&unpacked)
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    tar(&[&["-czf", &*later.to_string_lossy()][..], &names].concat());
    check_refused(&there, &later, &["format 99", "newer vade"]);

    // A folder that was not in it; and after all of these, the archive itself.
    let archive = archive.to_string_lossy();
    let stranger = format!("/nowhere={}", there.root.display());
    let folder = here.root.join("notes");
    there.ends(
        &["import", &archive, "--folder", &stranger],
        1,
        &["/nowhere is none of its folders", &folder.to_string_lossy()],
    );
    there.json(&["import", &archive, "--folder", &folder.to_string_lossy()]);
    assert_eq!(there.json(&["status"])["documents"]["indexed"], 2);
}

#[test]
fn an_archive_of_a_stranger_neither_sets_nor_watches_anything() {
    let here = Place::with("[server]\nhosts = [\"evil.example\"]\n");
    here.write("a.md", "The heron waits at the mill.");
    here.json(&["index", "notes"]);
    let archive = here.root.join("index.tar.gz");
    let archive = archive.to_string_lossy();
    // What is exported are the settings of the platform's own place.
    let settings = here.root.join(".config/vade/vade.toml");
    fs::create_dir_all(settings.parent().expect("a parent")).expect("makes");
    fs::copy(here.root.join("vade.toml"), &settings).expect("copies");
    here.json(&["export", &archive]);

    let there = Place::new();
    let ran = there.ends(&["import", &archive], 0, &[]);
    assert!(!there.root.join(".config").exists());
    let notes = here.root.join("notes");
    let notes = notes.to_string_lossy();
    for words in [
        "hosts = [\"evil.example\"]",
        "not taken",
        &*format!("--folder {notes}"),
    ] {
        assert!(ran.out.contains(words), "{words:?} is not in {}", ran.out);
    }
    let status = there.json(&["status"]);
    assert_eq!(status["folders"], json!([]));
    assert_eq!(status["documents"]["indexed"], 0);
    let daemon = there.up(&[]);
    assert!(!daemon.finds("heron"));
    assert_eq!(daemon.documents(), Vec::<Value>::new());
}
