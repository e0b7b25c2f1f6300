//! What people are told about single files: why one is in the index or is not, where it ranked, and that
//! it was forgotten.

use std::fs;
use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Place, number, text, until};

fn verdict(place: &Place, path: &Path, status: i32) -> (String, Value) {
    let ran = place.run(&["status", "--why", &path.to_string_lossy(), "--json"]);
    assert_eq!(ran.status, Some(status), "{}", ran.err);
    let why: Value = serde_json::from_str(&ran.out).expect("JSON");
    (text(&why["verdict"]).to_owned(), why)
}

#[test]
fn every_file_has_a_reason() {
    let place = Place::with("[index]\nignore = [\"*.draft\"]\n");
    let good = place.write("good.md", "# Tides\n\nHigh water is at nine.");
    let draft = place.write("plan.draft", "A plan.");
    let empty = place.write("empty.md", " \n");
    let broken = place.write("broken.docx", b"PK\x03\x04 and then nothing of use");
    let hidden = place.write(".hidden/a.md", "Hidden.");
    let listed = place.write("logs/a.md", "A log.");
    place.write("logs/.gitignore", "*.md\n");
    let outside = place.root.join("outside.md");
    fs::write(&outside, "Outside.").expect("writes");
    let link = place.note("link.md");
    std::os::unix::fs::symlink(&outside, &link).expect("a link");
    place.json(&["index", "notes"]);

    let (said, why) = verdict(&place, &good, 0);
    assert_eq!(said, "it is indexed, by words and by meaning");
    assert_eq!(text(&why["document"]["extractor"]), "markdown");
    assert_eq!(number(&why["document"]["chunks"]), 1);
    for (path, status, words) in [
        (&draft, 3, "index.ignore has the pattern *.draft"),
        (&empty, 0, "left out: empty"),
        (&broken, 0, "could not be read"),
        (&hidden, 3, "begins with a dot"),
        (&listed, 3, ".gitignore has the pattern *.md"),
        (&outside, 3, "in no watched folder"),
        (&link, 0, "outside the watched folder"),
        (&place.note("never.md"), 3, "no such file"),
        (&place.note(""), 3, "a folder that is walked"),
    ] {
        let (said, _) = verdict(&place, path, status);
        assert!(said.contains(words), "{}: {said}", path.display());
    }
}

#[test]
fn a_search_says_what_became_of_a_file() {
    let place = Place::new();
    for number in 0..6 {
        place.write(
            &format!("ferry-{number}.md"),
            format!(
                "# Ferry {number}\n\nThe ferry number {number} to Brannock leaves from the pier."
            ),
        );
    }
    let mushrooms = place.write("soup.md", "# Soup\n\nFry the mushrooms in butter.");
    let empty = place.write("empty.md", "\n");
    place.json(&["index", "notes"]);
    let explain = |expect: &Path| {
        let expect = expect.to_string_lossy();
        let found = place.json(&[
            "search",
            "ferry to Brannock",
            "--explain",
            "--expect",
            &expect,
        ]);
        found["explanation"].clone()
    };
    let explanation = explain(&place.note("ferry-3.md"));
    let candidates = explanation["candidates"].as_array().expect("candidates");
    assert!(candidates.len() >= 6);
    let first = &candidates[0];
    assert_eq!(number(&first["rank"]), 1);
    assert!(number(&first["lexical"]["rank"]) >= 1 && number(&first["vector"]["rank"]) >= 1);
    assert!(text(&first["outcome"]).starts_with("in the prompt"));
    let expected = &explanation["expected"];
    let rank = number(&expected["rank"]);
    assert_eq!(candidates[rank - 1]["path"], expected["path"]);

    let far = explain(&mushrooms)["expected"].clone();
    assert_eq!(far["lexical_rank"], Value::Null);
    assert!(number(&far["vector_rank"]) > 1);
    assert!(text(&far["verdict"]).contains("none of the question's words"));
    let none = explain(&empty)["expected"].clone();
    assert!(text(&none["verdict"]).starts_with("not indexed: it was left out: empty"));
}

#[test]
fn what_is_forgotten_is_nowhere_on_disk() {
    let place = Place::new();
    let secret = "The combination of the boathouse safe is quillonwise 4417 to the left.";
    let path = place.write("secret.md", format!("# Safe\n\n{secret}\n"));
    place.write(
        "other.md",
        "# Boats\n\nThe boats are painted in spring, which takes a week.\n",
    );
    let daemon = place.up(&["notes"]);
    let asked =
        daemon.ask(&json!({ "question": "What is the combination of the boathouse safe?" }));
    assert!(asked["answer"].is_string());
    let kept = || {
        daemon.get("/api/conversations")["conversations"]
            .as_array()
            .map(Vec::len)
    };
    assert_eq!(kept(), Some(1));

    let receipt = place.json(&["forget", &path.to_string_lossy()]);
    let receipt = &receipt["forgotten"][0];
    assert_eq!(number(&receipt["documents"]), 1);
    assert_eq!(number(&receipt["messages"]), 2);
    assert!(number(&receipt["probes"]) > 0 && number(&receipt["files"]) > 3);
    assert_eq!(number(&receipt["occurrences"]), 0);
    assert_eq!(kept(), Some(0));
    assert!(!daemon.finds("quillonwise") && daemon.finds("painted"));
    assert_eq!(occurrences(&place.root.join("data"), b"quillonwise"), 0);

    // The file is still there: neither an edit nor a restart brings it back.
    place.write("secret.md", format!("# Safe\n\n{secret} Really.\n"));
    until("the edit was looked at", || {
        verdict(&place, &path, 0).0.contains("forgotten")
    });
    daemon.stop();
    let daemon = place.up(&["notes"]);
    assert!(!daemon.finds("quillonwise"));
    assert_eq!(occurrences(&place.root.join("data"), b"quillonwise"), 0);
    place.json(&["forget", "--undo", &path.to_string_lossy()]);
    until("it is found again", || daemon.finds("quillonwise"));

    let unknown = json!({ "path": place.note("never.md") });
    let answer = daemon
        .request(Method::POST, "/api/forget")
        .json(&unknown)
        .send();
    assert_eq!(answer.expect("an answer").status(), 404);
}

/// How many files under a folder contain some bytes.
fn occurrences(folder: &Path, bytes: &[u8]) -> usize {
    fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                return occurrences(&path, bytes);
            }
            let content = fs::read(&path).expect("reads");
            usize::from(content.windows(bytes.len()).any(|window| window == bytes))
        })
        .sum()
}
