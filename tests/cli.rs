//! The command line: shapes of results, exit statuses, and what is said when something is wrong.

use std::collections::BTreeMap;
use std::net::TcpListener;

use expect_test::{Expect, expect};
use serde_json::Value;

use crate::harness::{Place, fixture, text, until};

/// Every key of a result with the types of its values, one line each.
fn shape(value: &Value) -> String {
    fn visit(value: &Value, path: String, found: &mut BTreeMap<String, Vec<&'static str>>) {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(items) => {
                for item in items {
                    visit(item, format!("{path}[]"), found);
                }
                return;
            }
            Value::Object(members) => {
                for (name, member) in members {
                    visit(member, format!("{path}.{name}"), found);
                }
                return;
            }
        };
        let kinds = found.entry(path).or_default();
        kinds.push(kind);
        kinds.sort_unstable();
        kinds.dedup();
    }
    let mut found = BTreeMap::new();
    visit(value, String::new(), &mut found);
    found
        .iter()
        .map(|(path, kinds)| format!("{path}: {}\n", kinds.join("|")))
        .collect()
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "an Expect is made where it is used"
)]
fn check_shape(value: &Value, expected: Expect) {
    expected.assert_eq(&shape(value));
}

fn notes() -> Place {
    let place = Place::new();
    place.write(
        "ferry/times.md",
        "# Ferry\n\nThe last ferry to Brannock leaves at 21:40 from pier six.\n",
    );
    place.write("harbour.pdf", fixture("harbour.pdf"));
    place
}

#[test]
fn index_reports_every_file() {
    let place = notes();
    place.write("broken.pdf", fixture("truncated.pdf"));
    place.write("empty.md", "");
    check_shape(
        &place.json(&["index", "notes"]),
        expect![[r#"
        .chunks: number
        .documents: number
        .failed[].path: string
        .failed[].reason: string
        .seconds: number
        .skipped[].path: string
        .skipped[].reason: string
        .unchanged: number
    "#]],
    );
}

#[test]
fn results_have_their_shapes_and_are_the_same_from_a_daemon() {
    let place = notes();
    place.json(&["index", "notes"]);
    let queries: [&[&str]; 2] = [
        &["search", "when does the last ferry leave the harbour"],
        &[
            "ask",
            "When does the last ferry to Brannock leave?",
            "--folder",
            "notes/ferry",
        ],
    ];
    let here = queries.map(|query| place.json(query));
    let status = place.json(&["status"]);
    check_shape(
        &here[0],
        expect![[r#"
        .hits[].document: string
        .hits[].end: number
        .hits[].heading: null|string
        .hits[].page: null|number
        .hits[].path: string
        .hits[].score: number
        .hits[].start: number
        .hits[].text: string
        .hits[].title: string
        .milliseconds: number
    "#]],
    );
    check_shape(
        &here[1],
        expect![[r#"
        .answer: string
        .citations[].document: string
        .citations[].end: number
        .citations[].heading: string
        .citations[].marker: number
        .citations[].page: null
        .citations[].path: string
        .citations[].quote: string
        .citations[].start: number
        .citations[].title: string
        .found: bool
        .model: string
        .timings.accepted_tokens: number
        .timings.cached_tokens: number
        .timings.drafted_tokens: number
        .timings.first_token_ms: number
        .timings.prepare_ms: number
        .timings.prompt_tokens: number
        .timings.read_ms: number
        .timings.retrieve_ms: number
        .timings.tokens: number
        .timings.tokens_per_second: number
    "#]],
    );
    check_shape(
        &status,
        expect![[r#"
        .chunks: number
        .documents.failed: number
        .documents.indexed: number
        .documents.pending: number
        .documents.skipped: number
        .folders[].documents: number
        .folders[].path: string
        .folders[].reachable: bool
        .images.help: null
        .images.unread: number
        .indexing.active: bool
        .indexing.current: null
        .indexing.done: number
        .indexing.embedded: number
        .indexing.eta_seconds: null
        .indexing.notice: null
        .indexing.to_embed: number
        .indexing.total: number
        .indexing.trouble: null
        .models.embedding.id: string
        .models.embedding.state: string
        .models.language_model.id: string
        .models.language_model.state: string
        .models.reranker: null
        .version: string
    "#]],
    );
    let daemon = place.up(&[]);
    let there = queries.map(|query| place.json(query));
    assert_eq!(here[0]["hits"], there[0]["hits"]);
    for key in ["answer", "found", "citations", "model"] {
        assert_eq!(here[1][key], there[1][key], "{key}");
    }
    let through_daemon = place.json(&["status"]);
    for key in ["folders", "documents", "chunks", "version"] {
        assert_eq!(status[key], through_daemon[key], "{key}");
    }
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn nothing_found_is_status_three() {
    let place = Place::new();
    let search = place.ends(&["search", "anything", "--json"], 3, &[]);
    assert!(search.out.starts_with(r#"{"hits":[],"#), "{}", search.out);
    let ask = place.ends(&["ask", "Where is the anything?", "--json"], 3, &[]);
    let answer: Value = serde_json::from_str(&ask.out).expect("JSON");
    assert_eq!(answer["found"], false);
    assert_eq!(answer["model"], Value::Null);
    assert_eq!(answer["timings"]["tokens"], 0);
}

#[test]
fn bad_usage_is_status_two() {
    let place = Place::new();
    place.ends(&["search", "word", "--colour"], 2, &["--colour"]);
    place.ends(&["index"], 2, &["FOLDER"]);
    place.ends(&["search", "word", "-k", "0"], 2, &["1..=100"]);
    place.ends(&["frobnicate"], 2, &["frobnicate"]);
}

#[test]
fn what_fails_says_why_and_is_status_one() {
    let place = Place::new();
    let file = place.write("file.md", "words");
    place.ends(&["index", "nowhere"], 1, &["there is no folder nowhere"]);
    place.ends(&["index", &file.to_string_lossy()], 1, &["not a folder"]);
    place.ends(&["index", "data"], 1, &["belongs to vade itself"]);
    place.ends(
        &["search", "word", "--after", "yesterday"],
        1,
        &["yesterday", "2026-03-04"],
    );
    place.ends(&["remove", "notes"], 1, &["not watched", "vade status"]);
}

#[test]
fn an_unknown_setting_is_named() {
    let place = Place::with("passage_tokenz = 9\n");
    place.ends(&["status"], 1, &["vade.toml", "passage_tokenz"]);
    let place = Place::with("[server]\nport = 123456\n");
    place.ends(&["status"], 1, &["vade.toml", "port"]);
}

#[test]
fn a_data_directory_has_one_daemon() {
    let place = Place::new();
    let daemon = place.up(&[]);
    let process = format!("process {}", daemon.process());
    place.ends(
        &["up", "--port", "0"],
        1,
        &[&process, daemon.base(), "--data-dir"],
    );
    assert_eq!(daemon.stop(), Some(0));
    // It let go of the directory.
    place.json(&["status"]);
}

#[test]
fn an_occupied_port_is_named_with_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let words = [&*format!("port {port} is taken"), "--port"];
    Place::new().ends(&["up", "--port", &port], 1, &words);
}

#[test]
fn folders_are_added_and_removed() {
    let place = notes();
    let added = place.json(&["add", "notes"]);
    assert_eq!(added["added"][0]["queued"], 2);
    let status = place.json(&["status"]);
    assert_eq!(status["documents"]["pending"], 2);
    assert_eq!(
        text(&status["folders"][0]["path"]),
        place.note("").to_string_lossy().trim_end_matches('/')
    );
    let removed = place.json(&["remove", "notes"]);
    assert_eq!(removed["removed"][0]["documents"], 2);
    assert_eq!(place.json(&["status"])["folders"], serde_json::json!([]));
    place.ends(&["search", "ferry"], 3, &[]);
    assert!(place.note("ferry/times.md").exists());
}

#[test]
fn a_daemon_waits_for_a_command_that_is_over_soon() {
    let place = Place::new();
    let data = place.root.join("data");
    std::fs::create_dir(&data).expect("a folder");
    let lock = std::fs::File::create(data.join("lock")).expect("creates");
    lock.lock().expect("locks");
    let daemon = place.start(&[]);
    let holds = |path: &std::path::Path| {
        let files = std::fs::read_dir(format!("/proc/{}/fd", daemon.process()));
        let mut files = files.expect("it runs").flatten();
        files.any(|file| std::fs::read_link(file.path()).is_ok_and(|held| held == path))
    };
    until("it waits", || holds(&data.join("lock")));
    drop(lock);
    daemon.said("ready: ");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn whoever_reads_only_the_first_line_sees_no_failure() {
    let place = notes();
    place.json(&["index", "notes"]);
    let mut command = place.command(&["search", "ferry"]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("vade starts");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    assert_eq!(ended.status.code(), Some(0));
}
