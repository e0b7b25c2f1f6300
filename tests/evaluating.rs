//! `vade eval`: sets are asked, answers judged, and figures given.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Place, text};

const CASES: &str = r#"
name = "harbour"

[documents]
"harbour.md" = "The harbour master is Enid Crowe. A berth costs 310 pounds a year."
"bees.md" = "The hives stand behind the orchard wall. Smoke calms the bees."

[[question]]
question = "Who is the harbour master?"
language = "en"
expect = ["Enid Crowe"]
cites = "harbour.md"

[[question]]
question = "What is the boiling point of tungsten in kelvin?"
kind = "absent"
language = "en"
found = false
"#;

#[test]
fn a_set_is_asked_in_an_index_of_its_own() {
    let place = Place::new();
    let cases = place.write("cases.toml", CASES);
    let page = place.root.join("page.html");
    let (cases, page_name) = (
        cases.to_str().expect("UTF-8"),
        page.to_str().expect("UTF-8"),
    );
    let outcome = &place.json(&["eval", cases, "--report", page_name])["harbour"];
    assert_eq!(outcome["figures"]["n"], 2);
    assert_eq!(outcome["figures"]["recall_1"]["mean"], 1.0);
    assert_eq!(outcome["by_kind"]["absent"]["absent_refused"]["mean"], 1.0);
    let first = &outcome["questions"][0];
    assert_eq!(first["passages"][0], "harbour.md");
    assert!(first["verdict"]["gold"].is_number());
    let page = std::fs::read_to_string(page).expect("a page");
    assert!(page.contains("Who is the harbour master?"));
    // Nothing of it stays.
    assert!(!place.root.join("data").exists());
}

#[test]
fn a_file_that_is_no_set_says_what_is_wrong() {
    let place = Place::new();
    let cases = place.write("cases.toml", CASES.replace("\"Enid Crowe\"", "\"/(/\""));
    let cases = cases.to_str().expect("UTF-8");
    place.ends(&["eval", cases], 1, &["harbour master"]);
    place.ends(&["eval", cases, "--only", "nothing"], 1, &[]);
    place.ends(&["eval"], 2, &["FILE"]);
}

#[test]
fn what_a_person_marks_becomes_a_set() {
    let place = Place::new();
    let hives = "The hives stand behind the orchard wall, beside the old cistern.";
    place.write(
        "bees.md",
        format!("---\ntags: [bees]\n---\n# Hives\n\n{hives}\n"),
    );
    place.write("boat.md", "The harbour master is Enid Crowe.");
    let daemon = place.up(&["notes"]);
    let [tagged, mentioned] = [
        "List the notes tagged bees",
        "Which notes mention Enid Crowe?",
    ];
    let marked = |question: &str, asked: &str, right: bool, correction: Option<&str>| {
        let answer = daemon.ask(&json!({ "question": question }));
        let body = json!({
            "conversation": answer["conversation"], "question": asked, "right": right, "correction": correction,
        });
        let request = daemon.request(Method::POST, "/api/ratings").json(&body);
        let answer = request.send().expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().expect("JSON"))
    };
    assert_eq!(marked(tagged, "What?", true, None).0, 404);
    assert_eq!(marked(tagged, tagged, false, Some("/(/")).0, 400);
    assert_eq!(marked(tagged, tagged, false, Some("orchard wall")).0, 200);
    assert_eq!(marked(mentioned, mentioned, false, Some("Nobody")).0, 200);
    let (status, kept) = marked(tagged, tagged, true, None);
    assert_eq!(status, 200, "{kept}");

    let file = text(&kept["file"]);
    let outcome = &place.json(&["eval", file])["ratings"];
    assert_eq!(outcome["figures"]["n"], 2);
    assert_eq!(outcome["by_kind"]["rated-right"]["right"]["mean"], 1.0);
    assert_eq!(outcome["by_kind"]["rated-wrong"]["right"]["mean"], 0.0);

    // What was forgotten is not told by what was said of it.
    let receipt = &place.json(&["forget", "notes/bees.md"])["forgotten"][0];
    assert_eq!(
        (&receipt["ratings"], &receipt["occurrences"]),
        (&json!(1), &json!(0))
    );
    let left = std::fs::read_to_string(file).expect("the file");
    assert!(
        left.starts_with("# Answers") && left.contains(mentioned),
        "{left}"
    );
    assert!(!left.contains("bees"), "{left}");
}

/// The model that most people get.
const DEFAULT: &str = "qwen2.5-coder-1.5b-instruct";

#[test]
fn the_samples_are_answered_by_the_default_model() {
    let place = Place::new();
    let settings = format!("[model]\nlanguage = \"{DEFAULT}\"\nocr = \"off\"\n");
    std::fs::write(place.root.join("vade.toml"), settings).expect("writes");
    let cases = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/eval/samples/cases.toml"
    );
    let outcome = &place.json(&["eval", cases])["samples"];
    let questions = outcome["questions"].as_array().expect("questions");
    let is_right = |one: &&Value| one["verdict"]["right"] == 1.0;
    // The question of `make run`.
    assert!(is_right(&&questions[0]), "{}", questions[0]);
    let wrong: Vec<&str> = questions
        .iter()
        .filter(|one| !is_right(one))
        .map(|one| text(&one["question"]))
        .collect();
    assert!(wrong.len() <= 3, "of {}: {wrong:?}", questions.len());
    assert_eq!(outcome["by_kind"]["absent"]["absent_refused"]["mean"], 1.0);
}
