//! Restarts: a daemon killed anywhere, and engines that are not what they were, end in the state of
//! a clean run.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Daemon, Place, number, text, until};

const NOTES: usize = 120;
const QUERIES: [&str; 5] = [
    "the otter near bridge 17",
    "who repaired sluice 88",
    "heavy rain flooding the lower meadow",
    "a small animal that swims",
    "kilometre 64",
];

/// Notes of two or three chunks each, every one with words of its own.
pub(crate) fn write_notes(place: &Place) {
    let animals = [
        "otter",
        "heron",
        "beaver",
        "kingfisher",
        "grebe",
        "newt",
        "vole",
    ];
    let weather = [
        "heavy rain",
        "thick fog",
        "a hard frost",
        "low sun",
        "strong wind",
    ];
    for number in 0..NOTES {
        let mut note = format!(
            "# Walk {number}\n\nAt kilometre {number} there was {}.\n",
            weather[number % 5]
        );
        for part in 0..3 {
            let seen = animals[(number + part) % 7];
            note += &format!(
                "\n## Part {part}\n\nWe saw a {seen} near bridge {number}, {} m from it. Warden {} \
                 repaired sluice {number} and wrote down the level of the water, the colour of the \
                 reeds and the state of the path across the lower meadow, which was passable.\n",
                (number * 37 + part * 11) % 900,
                ["Ines", "Tom", "Aurelio", "Bea"][(number + part) % 4],
            );
            note +=
                &"The rest of the page is the usual list of gauges, gates and boats. ".repeat(8);
        }
        place.write(&format!("{}/walk-{number}.md", number % 6), note);
    }
}

/// What must not depend on how it came about: documents with their state, and the best hits.
#[derive(Debug, PartialEq)]
pub(crate) struct State {
    pub documents: Vec<(String, String, usize)>,
    hits: Vec<Vec<(String, usize)>>,
}

pub(crate) fn state(daemon: &Daemon) -> State {
    let row = |document: &Value| {
        let state = text(&document["state"]).to_owned();
        (
            text(&document["path"]).to_owned(),
            state,
            number(&document["chunks"]),
        )
    };
    let hit = |hit: &Value| (text(&hit["path"]).to_owned(), number(&hit["start"]));
    State {
        documents: daemon.documents().iter().map(row).collect(),
        hits: QUERIES
            .map(|query| {
                clearly_best(&daemon.search(query))
                    .iter()
                    .map(hit)
                    .collect()
            })
            .to_vec(),
    }
}

/// The first three hits, as long as each is clearly better than the next: how rare a word is counts documents
/// that are gone until their segment is merged, and so decides between equals.
fn clearly_best(hits: &[Value]) -> &[Value] {
    let score = |hit: &Value| hit["score"].as_f64().expect("a score");
    let is_clear = |pair: &[Value]| score(&pair[0]) > 1.01 * score(&pair[1]);
    let clear = hits.windows(2).take(3).take_while(|pair| is_clear(pair));
    &hits[..clear.count()]
}

/// The state in `data` once everything is done.
pub(crate) fn settled(place: &Place) -> State {
    let daemon = place.up(&["notes"]);
    let state = state(&daemon);
    daemon.stop();
    state
}

fn indexing(daemon: &Daemon, counter: &str) -> usize {
    number(&daemon.get("/api/status")["indexing"][counter])
}

fn forget_everything(place: &Place) {
    fs::remove_dir_all(place.root.join("data")).expect("removes");
}

#[test]
fn killed_again_and_again_it_ends_like_a_clean_run() {
    let place = Place::new();
    write_notes(&place);
    let clean = settled(&place);
    assert_eq!(clean.documents.len(), NOTES);
    assert!(clean.hits.iter().flatten().count() > 3, "{:?}", clean.hits);
    assert!(
        clean
            .documents
            .iter()
            .all(|(_, state, chunks)| state == "indexed" && *chunks > 1)
    );
    forget_everything(&place);

    place.start(&["notes"]).kill();
    let daemon = place.start(&["notes"]);
    until("the lock is taken", || {
        place.root.join("data/lock").exists()
    });
    daemon.kill();
    let daemon = place.start(&["notes"]);
    daemon.base();
    daemon.kill();
    for (counter, enough) in [
        ("done", 1),
        ("embedded", 1),
        ("embedded", 40),
        ("embedded", 90),
    ] {
        let daemon = place.start(&["notes"]);
        until("it gets on", || indexing(&daemon, counter) >= enough);
        daemon.kill();
    }
    let touched = place.note("3/walk-3.md");
    let daemon = place.start(&["notes"]);
    daemon.base();
    let content = fs::read(&touched).expect("reads");
    fs::write(&touched, [&content[..], b"More."].concat()).expect("writes");
    daemon.kill();
    fs::write(&touched, content).expect("writes");
    assert_eq!(settled(&place), clean);
}

/// The steps of the pipeline after which the process is ended, each as in a power cut.
const POINTS: [&str; 10] = [
    "queued",
    "words-prepared",
    "words-committed",
    "words-noted",
    "vectors-deleted",
    "vectors-added",
    "vectors-noted",
    "removal-committed",
    "removal-noted",
    "pruned",
];

#[test]
fn ended_at_each_step_it_ends_like_a_clean_run() {
    let place = Place::new();
    let note = |number: usize, version: &str| {
        let text = format!(
            "# Gate {number}\n\nWarden {version} keeps gate {number} of the lower meadow.\n"
        );
        place.write(&format!("gate-{number}.md"), text);
    };
    (0..12).for_each(|number| note(number, "Ines"));
    settled(&place);
    for (round, point) in POINTS.iter().enumerate() {
        // Each round changes a file, adds one and removes one.
        note(round, &format!("Tom{round}"));
        note(100 + round, "Bea");
        let _ = fs::remove_file(place.note(&format!("gate-{}.md", 99 + round)));
        let _ = fs::remove_file(place.note(&format!("gate-{}.md", 11 - round.min(1))));
        place.fails_at(point, &["notes"]);
        let daemon = place.up(&["notes"]);
        until("what is gone has left", || {
            indexing(&daemon, "to_embed") == 0
                && daemon
                    .documents()
                    .iter()
                    .all(|row| row["state"] == "indexed")
        });
        let mended = state(&daemon);
        daemon.stop();
        fs::rename(place.root.join("data"), place.root.join("mended")).expect("renames");
        let clean = settled(&place);
        assert_eq!(mended, clean, "after {point}");
        forget_everything(&place);
        fs::rename(place.root.join("mended"), place.root.join("data")).expect("renames");
    }
}

#[test]
fn ended_while_files_are_joined_it_ends_like_a_clean_run() {
    let place = Place::new();
    let note = |number: usize| {
        let text = format!("# Gate {number}\n\nWarden {number} keeps gate {number}.\n");
        place.write(&format!("gate-{number}.md"), text);
    };
    // Each run leaves a file in the vector store; eight are joined.
    for number in 0..7 {
        note(number);
        place.json(&["index", "notes"]);
    }
    note(7);
    place.fails_at("compacted", &["notes"]);
    let mended = settled(&place);
    assert_eq!(mended.documents.len(), 8);
    forget_everything(&place);
    assert_eq!(settled(&place), mended);
}

#[test]
fn ended_while_an_index_is_made_it_ends_like_a_clean_run() {
    let place = Place::with("[index]\napproximate_from = 8\n");
    for number in 0..40 {
        place.write(
            &format!("gate-{number}.md"),
            format!(
                "# Gate {number}\n\nWarden {number} keeps gate {number} of the lower meadow.\n"
            ),
        );
    }
    let indices = place.root.join("data/lance/chunks.lance/_indices");
    let made = || fs::read_dir(&indices).is_ok_and(|all| all.count() == 3);
    let best = |daemon: &Daemon| {
        [3, 17, 31].map(|number| {
            let hits = daemon.search(&format!("Who keeps gate {number}?"));
            text(&hits[0]["path"]).to_owned()
        })
    };
    let daemon = place.up(&["notes"]);
    until("there is an index", made);
    let (documents, clean) = (state(&daemon).documents, best(&daemon));
    daemon.stop();
    assert!(clean[0].ends_with("/gate-3.md"), "{clean:?}");
    for point in ["vectors-indexing", "vectors-indexed"] {
        forget_everything(&place);
        place.fails_at(point, &["notes"]);
        let daemon = place.up(&["notes"]);
        until("there is an index and nothing else", made);
        let mended = (state(&daemon).documents, best(&daemon));
        daemon.stop();
        assert_eq!(mended.0, documents, "after {point}");
        assert_eq!(mended.1, clean, "after {point}");
    }
}

#[test]
fn killed_while_files_come_and_go_it_forgets_what_is_gone() {
    let place = Place::new();
    place.write("stays.md", "This note stays: evergreening.");
    for number in 0..30 {
        place.write(
            &format!("old/{number}.md"),
            format!("Old note {number} says fadeaway{number}x."),
        );
    }
    let daemon = place.up(&["notes"]);
    fs::remove_dir_all(place.note("old")).expect("deletes");
    place.write("new.md", "This note is new: greenhornish.");
    until("some are gone", || daemon.documents().len() < 30);
    daemon.kill();
    let daemon = place.up(&["notes"]);
    until("all is as on disk", || daemon.documents().len() == 2);
    assert!(daemon.finds("evergreening") && daemon.finds("greenhornish"));
    assert!((0..30).all(|number| !daemon.finds(&format!("fadeaway{number}x"))));
}

/// Does something to the data directory of a stopped daemon, and expects the same state again.
#[track_caller]
fn check_rebuilt(damage: impl FnOnce(&Path)) {
    let place = Place::new();
    for number in 0..24 {
        place.write(
            &format!("{number}.md"),
            format!("# Walk {number}\n\nBridge {number} has an otter near it, or a vole.\n"),
        );
    }
    let before = settled(&place);
    assert_eq!(before.documents.len(), 24);
    damage(&place.root.join("data"));
    assert_eq!(settled(&place), before);
}

#[test]
fn without_the_word_index_it_is_built_again() {
    check_rebuilt(|data| fs::remove_dir_all(data.join("text")).expect("it was there"));
}

#[test]
fn without_the_vectors_they_are_built_again() {
    check_rebuilt(|data| fs::remove_dir_all(data.join("lance")).expect("it was there"));
}

#[test]
fn a_word_index_that_is_garbage_is_built_again() {
    check_rebuilt(|data| {
        let meta = data.join("text/meta.json");
        assert!(meta.exists());
        fs::write(meta, "no JSON at all").expect("writes");
    });
}

#[test]
fn without_the_ledger_everything_is_built_again() {
    check_rebuilt(|data| {
        for entry in fs::read_dir(data).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.to_string_lossy().contains("ledger.sqlite3") {
                fs::remove_file(path).expect("removes");
            }
        }
    });
}
