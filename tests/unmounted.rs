//! Drives that go away and come back: nothing of them leaves the index, it is said, and what changed meanwhile is
//! found. What a person takes out is gone, and a person can say that what is there now is right.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Daemon, Place, text, until};

/// A place whose daemon has mounts of its own, `script` being run before it; none where that is not possible.
fn with_mounts(script: &str) -> Option<Place> {
    let test = ["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"];
    let mut command = Command::new("unshare");
    let works = command.args(test).stderr(Stdio::null()).status();
    if !works.is_ok_and(|status| status.success()) {
        eprintln!("file systems cannot be mounted here");
        return None;
    }
    let mut place = Place::new();
    set_script(&mut place, script);
    Some(place)
}

/// What is run before the daemon, in the place.
fn set_script(place: &mut Place, script: &str) {
    let script = format!("cd \"$0\" && {script} && exec \"$@\"");
    let root = place.root.display().to_string();
    let words = ["unshare", "-rm", "sh", "-c", &script, &root];
    place.wrapper = words.map(str::to_owned).to_vec();
}

/// Runs a line of shell where the daemon's mounts are.
#[track_caller]
fn inside(place: &Place, daemon: &Daemon, script: &str) {
    let process = daemon.process().to_string();
    let words = [
        "-t",
        &process,
        "-U",
        "-m",
        "--preserve-credentials",
        "sh",
        "-ec",
    ];
    let script = format!("cd '{}'; {script}", place.root.display());
    let ran = Command::new("nsenter").args(words).arg(&script).status();
    assert!(ran.expect("nsenter runs").success(), "{script}");
}

fn folder(daemon: &Daemon) -> Value {
    daemon.get("/api/status")["folders"][0].clone()
}

#[track_caller]
fn reachable(daemon: &Daemon, is: bool) {
    until("it is noticed", || folder(daemon)["reachable"] == is);
}

fn note(place: &Place, folder: &str, name: &str, word: &str) -> PathBuf {
    let path = place.root.join(folder).join(name);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(&path, format!("The note says {word}.\n")).expect("writes");
    path
}

#[test]
fn a_drive_that_goes_while_it_is_watched_takes_nothing_with_it() {
    let Some(place) = with_mounts("mount --bind disk notes") else {
        return;
    };
    for (number, word) in ["quillonly", "zephyrly", "gambesonly"].iter().enumerate() {
        note(&place, "disk", &format!("{number}.md"), word);
    }
    let daemon = place.up(&["notes"]);
    assert!(daemon.finds("quillonly"));
    inside(&place, &daemon, "umount notes");
    reachable(&daemon, false);
    assert!(daemon.finds("quillonly") && daemon.documents().len() == 3);
    let why = text(&folder(&daemon)["away"]).to_owned();
    assert!(why.contains("vade add"), "{why}");
    // What changes while it is away is found when it is back, and later changes are, too.
    note(&place, "disk", "new.md", "meanwhilely");
    fs::remove_file(place.root.join("disk/1.md")).expect("deletes");
    inside(&place, &daemon, "mount --bind disk notes");
    reachable(&daemon, true);
    until("what changed is found", || {
        daemon.finds("meanwhilely") && !daemon.finds("zephyrly")
    });
    note(&place, "disk", "later.md", "afterwardsly");
    until("it is watched again", || daemon.finds("afterwardsly"));
    // What is taken out of it while it is there is gone, to the last.
    inside(&place, &daemon, "rm notes/*");
    until("it is empty", || daemon.documents().is_empty());
    assert_eq!(folder(&daemon)["reachable"], true);
}

#[test]
#[cfg(unix)]
fn a_folder_that_is_gone_at_the_start_is_waited_for() {
    let place = Place::new();
    note(&place, "notes", "a.md", "quillonly");
    let [folder, link, moved] = ["notes", "link", "moved"].map(|name| place.root.join(name));
    std::os::unix::fs::symlink(&folder, &link).expect("links");
    let daemon = place.up(&["link"]);
    assert!(daemon.finds("quillonly"));
    daemon.stop();
    fs::rename(&folder, &moved).expect("renames");
    for (name, in_its_place) in [("notes", false), ("link", false), ("notes", true)] {
        if in_its_place {
            fs::write(&folder, "a file").expect("writes");
        }
        let daemon = place.up(&[name]);
        reachable(&daemon, false);
        assert!(daemon.finds("quillonly") && daemon.documents().len() == 1);
        if in_its_place {
            fs::remove_file(&folder).expect("deletes");
        }
        fs::rename(&moved, &folder).expect("renames");
        reachable(&daemon, true);
        daemon.stop();
        fs::rename(&folder, &moved).expect("renames");
    }
    place.ends(&["up", "nowhere"], 1, &["no such folder"]);
}

#[test]
fn a_drive_that_is_not_there_at_the_start_is_waited_for() {
    let Some(mut place) = with_mounts("mount -t tmpfs tmpfs notes && cp disk/* notes/") else {
        return;
    };
    for (number, word) in ["quillonly", "zephyrly", "gambesonly"].iter().enumerate() {
        note(&place, "disk", &format!("{number}.md"), word);
    }
    let daemon = place.up(&["notes"]);
    assert!(daemon.finds("quillonly"));
    daemon.stop();

    // Without the drive, named or not; then with another one in its place.
    for (script, folders) in [
        ("true", &[][..]),
        ("true", &["notes"][..]),
        (
            "mount -t tmpfs tmpfs notes && echo other > notes/other.md",
            &["notes"][..],
        ),
    ] {
        set_script(&mut place, script);
        let daemon = place.up(folders);
        reachable(&daemon, false);
        assert!(
            daemon.finds("quillonly") && daemon.documents().len() == 3,
            "{script}"
        );
        daemon.stop();
    }
    set_script(&mut place, "true");
    let status = place.run(&["status"]).out;
    assert!(status.contains("not reachable"), "{status}");
    place.ends(&["index", "notes"], 1, &["not the folder that was indexed"]);

    // It comes back as a copy on a new disk, with a change.
    let daemon = place.up(&[]);
    note(&place, "disk", "new.md", "meanwhilely");
    inside(
        &place,
        &daemon,
        "mount -t tmpfs tmpfs notes && cp disk/* notes/",
    );
    reachable(&daemon, true);
    until("what changed is found", || daemon.finds("meanwhilely"));
    inside(
        &place,
        &daemon,
        "cp disk/new.md notes/later.md; echo afterwardsly >> notes/later.md",
    );
    until("it is watched again", || daemon.finds("afterwardsly"));
    daemon.stop();

    // A person says that it is really empty now.
    let daemon = place.up(&[]);
    reachable(&daemon, false);
    let added = daemon.call(
        Method::POST,
        "/api/folders",
        &json!({ "path": place.root.join("notes") }),
    );
    assert_eq!(added["removed"], 5);
    assert!(daemon.documents().is_empty());
    assert_eq!(folder(&daemon)["reachable"], true);
}

#[test]
fn a_drive_within_a_folder_keeps_its_documents_while_it_is_away() {
    let script = "mkdir -p notes/usb && mount --bind disk notes/usb";
    let Some(mut place) = with_mounts(script) else {
        return;
    };
    note(&place, "disk", "a.md", "quillonly");
    note(&place, "disk", "b.md", "zephyrly");
    place.write("own.md", "The note says evergreening.");
    place.write("gone.md", "The note says fadeaway.");
    let daemon = place.up(&["notes"]);
    assert!(daemon.finds("quillonly") && daemon.finds("evergreening"));
    inside(&place, &daemon, "umount notes/usb; rm notes/gone.md");
    until("it is noticed", || {
        let drives = folder(&daemon)["drives_away"].clone();
        drives.as_array().is_some_and(|drives| drives.len() == 1)
    });
    until("what was deleted is gone", || !daemon.finds("fadeaway"));
    assert!(daemon.finds("quillonly"));
    daemon.stop();
    set_script(&mut place, "true");
    let daemon = place.up(&[]);
    until("it is noticed", || {
        folder(&daemon)["drives_away"][0].is_string()
    });
    assert!(daemon.finds("quillonly") && daemon.finds("zephyrly"));
    note(&place, "disk", "c.md", "meanwhilely");
    fs::remove_file(place.root.join("disk/b.md")).expect("deletes");
    inside(&place, &daemon, "mount --bind disk notes/usb");
    until("what changed is found", || {
        daemon.finds("meanwhilely") && !daemon.finds("zephyrly")
    });
    assert!(folder(&daemon)["drives_away"].is_null());
    // Gone for good: a person says so.
    inside(&place, &daemon, "umount notes/usb");
    until("it is noticed", || {
        folder(&daemon)["drives_away"][0].is_string()
    });
    place.wrapper.clear();
    let added = place.run(&["add", "notes"]);
    assert!(
        added.out.contains("2 documents are not there"),
        "{}",
        added.out
    );
    until("its documents are gone", || !daemon.finds("quillonly"));
    assert!(daemon.finds("evergreening"));
    assert!(Path::new(&place.note("usb")).is_dir());
}
