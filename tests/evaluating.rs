//! `vade eval`: sets are asked, answers judged, and figures given.

use crate::harness::Place;

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
