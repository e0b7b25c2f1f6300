//! Forgetting: by whatever way a path is written, by content, while a question is under way, and after an
//! accident to the ledger. The sentence is nowhere afterwards, and what was not named is still there.

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Daemon, Place, number, text, until};

/// Notes 0 to 2 in each of these folders, each with a word of its own.
fn notes(place: &Place, folders: &[&str]) {
    for folder in folders {
        for number in 0..3 {
            place.write(
                &format!("{folder}/{number}.md"),
                format!(
                    "# Note\n\nThe {folder} ferry says {}.\n",
                    word(folder, number)
                ),
            );
        }
    }
}

fn word(folder: &str, number: usize) -> String {
    format!("{folder}ly{}", ["quillon", "zephyr", "gambeson"][number])
}

/// Which of a folder's notes can be found.
fn found(daemon: &Daemon, folder: &str) -> usize {
    (0..3)
        .filter(|number| daemon.finds(&word(folder, *number)))
        .count()
}

fn forget(daemon: &Daemon, body: &Value) -> (u16, Value) {
    let answer = daemon
        .request(Method::POST, "/api/forget")
        .json(body)
        .send();
    let answer = answer.expect("an answer");
    (answer.status().as_u16(), answer.json().expect("JSON"))
}

/// The reason a file has for not being in the index.
fn reason(daemon: &Daemon, path: &Path) -> String {
    let rows = daemon.documents();
    let row = rows
        .iter()
        .find(|row| Path::new(text(&row["path"])) == path);
    let reason = row.and_then(|row| row["reason"].as_str());
    reason.unwrap_or_default().to_owned()
}

#[track_caller]
fn kept_out(daemon: &Daemon, path: &Path) {
    until("it is said that it was forgotten", || {
        reason(daemon, path).contains("vade forget --undo")
    });
}

/// Files under a folder in which some bytes are.
fn holding(folder: &Path, bytes: &[u8]) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.extend(holding(&path, bytes));
        } else if fs::read(&path).is_ok_and(|all| all.windows(bytes.len()).any(|one| one == bytes))
        {
            all.push(path);
        }
    }
    all
}

#[test]
fn every_way_to_write_a_path_keeps_out_what_the_receipt_says() {
    let place = Place::new();
    notes(&place, &["open", "private", "other", "shell", "linked"]);
    let link = place.root.join("link");
    std::os::unix::fs::symlink(place.note(""), &link).expect("a link");
    let daemon = place.up(&["notes"]);
    let notes = place.root.join("notes").display().to_string();
    for (folder, path) in [
        ("private", format!("{notes}/private/")),
        ("other", format!("{notes}//other")),
        ("open", format!("{notes}/shell/../open/.")),
        ("linked", format!("{}/linked", link.display())),
    ] {
        let (status, receipt) = forget(&daemon, &json!({ "path": path }));
        assert_eq!(status, 200, "{path}: {receipt}");
        assert_eq!(
            (
                number(&receipt["documents"]),
                number(&receipt["occurrences"])
            ),
            (3, 0)
        );
        assert_eq!(receipt["path"], format!("{notes}/{folder}"));
        assert_eq!(receipt["kept_out"], true);
        kept_out(&daemon, &place.note(&format!("{folder}/0.md")));
        assert_eq!(found(&daemon, folder), 0, "{path}");
    }
    assert_eq!(found(&daemon, "shell"), 3);
    place.json(&["forget", "notes/shell/"]);
    kept_out(&daemon, &place.note("shell/2.md"));
    // Whatever is written there later stays out, too; and none of it comes back by itself.
    place.write("private/new.md", "A new note says privatelynew.");
    kept_out(&daemon, &place.note("private/new.md"));
    daemon.stop();
    let daemon = place.up(&["notes"]);
    for folder in ["open", "private", "other", "shell", "linked"] {
        assert_eq!(found(&daemon, folder), 0, "{folder}");
    }
    let undone = place.json(&["forget", "--undo", "notes/private/"]);
    assert_eq!(number(&undone["forgotten"][0]["documents"]), 4);
    until("it is found again", || found(&daemon, "private") == 3);
    assert!(daemon.finds("privatelynew"));
    assert_eq!(found(&daemon, "open"), 0);
}

#[test]
fn nothing_takes_a_whole_folder_and_undoing_touches_only_what_was_forgotten() {
    let place = Place::new();
    notes(&place, &["a", "b"]);
    let daemon = place.up(&["notes"]);
    daemon.ask(&json!({ "question": "What does the a ferry say?" }));
    let notes = place.root.join("notes").display().to_string();
    let above = place.root.display().to_string();
    let (slash, dots) = (format!("{notes}/"), format!("{notes}/a/.."));
    for (path, words) in [
        ("", "empty"),
        ("notes/a", "relative"),
        (".", "relative"),
        ("/", "vade remove"),
        ("//", "vade remove"),
        (above.as_str(), "vade remove"),
        (notes.as_str(), "vade remove"),
        (slash.as_str(), "vade remove"),
        (dots.as_str(), "vade remove"),
    ] {
        let (status, answer) = forget(&daemon, &json!({ "path": path }));
        assert_eq!(status, 400, "{path:?}: {answer}");
        let said = text(&answer["error"]["message"]);
        assert!(said.contains(words), "{path:?}: {said}");
    }
    let nothing = [notes.as_str(), "/", above.as_str()];
    for path in nothing {
        let (status, _) = forget(&daemon, &json!({ "path": path, "undo": true }));
        assert_eq!(status, 404, "{path}");
    }
    assert_eq!(forget(&daemon, &json!({ "path": "", "undo": true })).0, 400);
    let kept = daemon.get("/api/conversations")["conversations"].clone();
    assert_eq!(kept.as_array().map(Vec::len), Some(1));
    assert_eq!((found(&daemon, "a"), found(&daemon, "b")), (3, 3));
    let before = daemon.documents();

    forget(&daemon, &json!({ "path": format!("{notes}/a/1.md") }));
    kept_out(&daemon, &place.note("a/1.md"));
    let (status, undone) = forget(&daemon, &json!({ "path": above, "undo": true }));
    assert_eq!((status, number(&undone["documents"])), (200, 1));
    until("it is found again", || found(&daemon, "a") == 3);
    until("all is as it was", || {
        let times = |rows: &[Value]| -> Vec<Value> {
            let others = rows
                .iter()
                .filter(|row| !text(&row["path"]).ends_with("a/1.md"));
            others.map(|row| row["indexed"].clone()).collect()
        };
        times(&daemon.documents()) == times(&before)
    });
    // What is out because its folder is, is let in with the folder.
    forget(&daemon, &json!({ "path": format!("{notes}/b") }));
    let (status, answer) = forget(
        &daemon,
        &json!({ "path": format!("{notes}/b/0.md"), "undo": true }),
    );
    let said = text(&answer["error"]["message"]);
    assert!(
        status == 400 && said.contains(&format!("--undo {notes}/b")),
        "{said}"
    );
}

#[test]
fn another_name_does_not_bring_back_what_was_forgotten() {
    let place = Place::new();
    let said = "# Safe\n\nThe boathouse safe opens with quillonwise.\n";
    let secret = place.write("secret.md", said);
    place.write("twin.md", said);
    place.write("other.md", "The boats are painted in spring: evergreening.");
    fs::create_dir(place.root.join("second")).expect("a folder");
    let daemon = place.up(&["notes", "second"]);
    let id = |path: &Path| {
        let rows = daemon.documents();
        let row = rows
            .iter()
            .find(|row| Path::new(text(&row["path"])) == path);
        text(&row.expect("a row")["id"]).to_owned()
    };
    let source = |path: &Path| {
        let source = format!("/api/documents/{}/source", id(path));
        let answer = daemon.request(Method::GET, &source).send();
        answer.expect("an answer").status().as_u16()
    };
    assert_eq!(source(&secret), 200);
    let (_, receipt) = forget(&daemon, &json!({ "path": secret }));
    assert_eq!(
        (number(&receipt["documents"]), number(&receipt["copies"])),
        (2, 1)
    );
    assert_eq!(number(&receipt["occurrences"]), 0);
    kept_out(&daemon, &place.note("twin.md"));
    assert_eq!(
        (source(&secret), source(&place.note("twin.md"))),
        (404, 404)
    );

    // Renamed, restored from a backup in another folder, and what it says after an edit renamed.
    let renamed = place.note("renamed.md");
    fs::rename(&secret, &renamed).expect("renames");
    kept_out(&daemon, &renamed);
    let restored = place.root.join("second/backup.md");
    fs::write(&restored, said).expect("writes");
    kept_out(&daemon, &restored);
    assert_eq!((source(&renamed), source(&restored)), (404, 404));
    let edited = format!("{said}Really: quillonwise.\n");
    fs::write(&secret, &edited).expect("writes");
    kept_out(&daemon, &secret);
    fs::rename(&secret, place.note("edited.md")).expect("renames");
    kept_out(&daemon, &place.note("edited.md"));
    assert!(!daemon.finds("quillonwise") && daemon.finds("evergreening"));
    daemon.stop();
    let daemon = place.up(&["notes", "second"]);
    assert!(!daemon.finds("quillonwise"));
    assert_eq!(
        holding(&place.root.join("data"), b"quillonwise"),
        Vec::<PathBuf>::new()
    );

    place.json(&["forget", "--undo", "notes/renamed.md"]);
    until("all copies are found again", || {
        let hits = daemon.search("quillonwise");
        let names: Vec<&str> = hits.iter().map(|hit| text(&hit["path"])).collect();
        ["renamed.md", "twin.md", "backup.md"]
            .iter()
            .all(|name| names.iter().any(|path| path.ends_with(name)))
    });
}

#[test]
fn an_answer_that_rests_on_what_is_forgotten_meanwhile_is_not_kept() {
    let place = Place::new();
    let secret = place.write(
        "secret.md",
        "# Vault\n\nThe vault of Quillfeather and Sons opens with the number seven four one nine zero. It stands \
         in the cellar of the old mill behind the wine racks.\n",
    );
    for number in 0..4 {
        place.write(
            &format!("{number}.md"),
            format!("# Ferry {number}\n\nThe ferry {number} leaves at dawn. Its captain has a grey parrot.\n"),
        );
    }
    let daemon = place.up(&["notes"]);
    let asked = |question: &str| json!({ "question": question });
    let vault = asked("With which number does the vault of Quillfeather and Sons open?");
    // A first answer of the conversation that the last question continues.
    let first = daemon.ask(&vault);
    let mut follow_up = asked("And where does the vault stand?");
    follow_up["conversation"] = first["conversation"].clone();
    let ferries = asked("Tell me about the captains of the ferries and their grey parrots.");
    // The first is being answered while the others wait for their turn, or are still being searched for.
    let mut streams: Vec<_> = [&ferries, &ferries, &vault, &follow_up]
        .map(|body| daemon.open_stream(body))
        .into();
    assert_eq!(streams[0].next().expect("an event").name, "passages");
    let (status, receipt) = forget(&daemon, &json!({ "path": secret }));
    assert_eq!(
        (status, number(&receipt["occurrences"])),
        (200, 0),
        "{receipt}"
    );
    assert!(number(&receipt["probes"]) > 0);
    let ends = streams
        .into_iter()
        .map(|stream| stream.last().expect("an end"));
    for (place, end) in ends.enumerate() {
        let cut_off = end.data["error"]["code"] == "forgotten";
        assert!(end.name == "done" || place >= 2 && cut_off, "{}", end.data);
    }
    // One that is in the middle of it.
    let restored = place.note("restored.md");
    daemon.call(
        Method::POST,
        "/api/forget",
        &json!({ "path": secret, "undo": true }),
    );
    until("it is found again", || daemon.finds("Quillfeather"));
    let mut stream = daemon.open_stream(&vault);
    assert_eq!(stream.next().expect("an event").name, "passages");
    fs::rename(&secret, &restored).expect("renames");
    until("it has its new name and no other", || {
        let rows = daemon.documents();
        let has = |path: &Path| {
            let mut rows = rows.iter();
            rows.any(|row| Path::new(text(&row["path"])) == path && row["state"] == "indexed")
        };
        has(&restored) && !has(&secret)
    });
    forget(&daemon, &json!({ "path": restored }));
    stream.for_each(drop);
    daemon.stop();
    let left = holding(&place.root.join("data"), b"seven four one nine");
    assert_eq!(left, Vec::<PathBuf>::new());
}

#[test]
fn what_was_forgotten_stays_so_whatever_becomes_of_the_ledger() {
    let place = Place::new();
    let secret = place.write("secret.md", "# Safe\n\nThe safe opens with quillonwise.\n");
    place.write(
        "other.md",
        "# Boats\n\nThe boats are painted in spring: evergreening.\n",
    );
    let daemon = place.up(&["notes"]);
    forget(&daemon, &json!({ "path": secret }));
    // It rests on nothing that was forgotten.
    daemon.ask(&json!({ "question": "When are the boats painted?" }));
    daemon.stop();
    let (data, good) = (place.root.join("data"), place.root.join("good"));
    fs::rename(&data, &good).expect("renames");
    for how in ["cut", "empty", "flipped", "gone", "folder"] {
        let _ = fs::remove_dir_all(&data);
        copy(&good, &data);
        hurt(&data.join("ledger.sqlite3"), how);
        let daemon = place.up(&[]);
        until("it is indexed again", || daemon.finds("evergreening"));
        kept_out(&daemon, &secret);
        assert!(!daemon.finds("quillonwise"), "{how}");
        let kept = daemon.get("/api/conversations")["conversations"].clone();
        assert_eq!(kept.as_array().map(Vec::len), Some(1), "{how}");
        let notices = daemon.get("/api/status")["notices"].clone();
        if how != "flipped" {
            assert!(
                text(&notices[0]).contains("second copy"),
                "{how}: {notices}"
            );
            let status = place.run(&["status"]).out;
            assert!(status.contains("notice: the ledger was"), "{how}: {status}");
            let doctor = place.run(&["doctor"]).out;
            assert!(doctor.contains("the ledger was"), "{how}: {doctor}");
        }
        daemon.stop();
        let names = fs::read_dir(&data).expect("a folder").flatten();
        let strays: Vec<String> = names
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| name.contains("damaged"))
            .collect();
        assert!(strays.is_empty(), "{how}: {strays:?}");
        assert_eq!(
            holding(&data, b"quillonwise"),
            Vec::<PathBuf>::new(),
            "{how}"
        );
    }
}

/// Does to a file what an accident may.
fn hurt(path: &Path, how: &str) {
    let mut bytes = fs::read(path).expect("reads");
    let (half, third) = (bytes.len() / 2, bytes.len() / 3);
    match how {
        "cut" => bytes.truncate(half),
        "empty" => bytes.clear(),
        "flipped" => bytes[third..third + 64]
            .iter_mut()
            .for_each(|byte| *byte ^= 0xff),
        _ => {}
    }
    fs::remove_file(path).expect("removes");
    match how {
        "gone" => {}
        "folder" => fs::create_dir(path).expect("a folder"),
        _ => fs::write(path, bytes).expect("writes"),
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("copies");
        }
    }
}

#[test]
fn forgetting_that_was_cut_short_is_done_at_the_next_start() {
    let place = Place::new();
    let secret = place.write("secret.md", "# Safe\n\nThe safe opens with quillonwise.\n");
    place.write("other.md", "The boats are painted in spring: evergreening.");
    let daemon = place.up(&["notes"]);
    daemon.ask(&json!({ "question": "What does the safe open with?" }));
    daemon.stop();
    let mut command = place.command(&["forget", &secret.to_string_lossy()]);
    let ended = command.env("VADE_FAIL_AT", "forgetting").output();
    assert!(!ended.expect("vade starts").status.success());
    let daemon = place.up(&["notes"]);
    kept_out(&daemon, &secret);
    assert!(!daemon.finds("quillonwise") && daemon.finds("evergreening"));
    assert_eq!(daemon.get("/api/conversations")["conversations"], json!([]));
    assert_eq!(
        holding(&place.root.join("data"), b"quillonwise"),
        Vec::<PathBuf>::new()
    );
}
