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
#[expect(clippy::too_many_lines, reason = "the shapes are long")]
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
        .phrase: string
        .plan.kind: string
        .plan.named: string
        .plan.searched: string
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
        .egress: string
        .egress_notice: null
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

/// Every path under a folder with its mode and, for files, its bytes.
fn everything(folder: &std::path::Path) -> Vec<(std::path::PathBuf, u32, Vec<u8>)> {
    use std::os::unix::fs::PermissionsExt;
    let (mut found, mut left) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(path) = left.pop() {
        let metadata = std::fs::metadata(&path).expect("it is there");
        let mut bytes = Vec::new();
        if metadata.is_dir() {
            let entries = std::fs::read_dir(&path).expect("lists");
            left.extend(entries.map(|entry| entry.expect("an entry").path()));
        } else {
            bytes = std::fs::read(&path).expect("reads");
        }
        found.push((path, metadata.permissions().mode(), bytes));
    }
    found.sort();
    found
}

#[test]
fn a_folder_named_as_data_directory_by_mistake_is_refused_and_stays_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let place = notes();
    let data = place.root.join("data");
    for name in [
        "text/novel.txt",
        "lance/notes.lance/horse.txt",
        "importing/a.txt",
        "a.md",
    ] {
        let path = data.join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("makes");
        std::fs::write(path, "Ten years of work.").expect("writes");
    }
    let mode = std::fs::Permissions::from_mode(0o1777);
    std::fs::set_permissions(&data, mode).expect("sets");
    let before = everything(&data);
    let archive = place.root.join("a.tar.gz");
    let archive = archive.to_string_lossy();
    for command in [
        &["up", "notes", "--port", "0"][..],
        &["index", "notes"],
        &["search", "ferry"],
        &["ask", "When does the ferry leave?"],
        &["status"],
        &["status", "--why", "notes/ferry/times.md"],
        &["forget", "notes/ferry/times.md"],
        &["export", &archive],
        &["import", &archive],
        &["add", "notes"],
        &["remove", "notes"],
    ] {
        place.ends(command, 1, &["cannot be the data directory", "--data-dir"]);
        assert_eq!(everything(&data), before, "{command:?}");
    }
    let doctor = place.ends(&["doctor"], 1, &[]);
    assert!(
        doctor.out.contains("cannot be the data directory"),
        "{}",
        doctor.out
    );
    place.ends(&["models", "list"], 0, &[]);
    assert_eq!(everything(&data), before);
}

#[test]
fn commands_that_only_read_make_no_data_directory() {
    let place = notes();
    place.ends(&["search", "ferry"], 3, &[]);
    place.json(&["status"]);
    place.ends(&["status", "--why", "notes/ferry/times.md"], 3, &[]);
    place.run(&["doctor"]);
    place.ends(&["remove", "notes"], 1, &["not watched"]);
    place.ends(&["export", "a.tar.gz"], 1, &["no index"]);
    assert!(!place.root.join("data").exists());
}

#[test]
fn a_data_directory_of_the_version_before_goes_on() {
    let place = notes();
    place.json(&["index", "notes"]);
    let marker = place.root.join("data/vade-data");
    std::fs::remove_file(&marker).expect("there is one");
    assert_eq!(place.json(&["status"])["documents"]["indexed"], 2);
    assert!(marker.is_file());
}

#[test]
fn a_lock_or_token_that_is_no_file_is_told_or_moved_away() {
    let place = Place::with("[server]\ntoken = true\n");
    place.write("a.md", "The ferry leaves at nine.");
    place.write("b.md", "The bus leaves at ten.");
    place.json(&["index", "notes"]);
    let data = place.root.join("data");
    std::fs::remove_file(data.join("lock")).expect("removes");
    std::fs::create_dir(data.join("lock")).expect("makes");
    assert_eq!(place.json(&["status"])["documents"]["indexed"], 2);
    assert!(data.join("lock").is_file());
    let made = std::process::Command::new("mkfifo")
        .arg(data.join("token"))
        .status();
    assert!(made.expect("mkfifo runs").success());
    place.json(&["status"]);
    place.ends(&["up", "--port", "0"], 1, &["data/token", "move it away"]);
}

#[test]
fn the_terminal_gets_no_commands_out_of_names_and_texts() {
    let place = Place::new();
    let name = "\u{1b}]0;owned\u{7}\u{202e}esc\n.md";
    place.write(
        name,
        "# Quillon \u{1b}]52;c;ZXZpbA==\u{7} title\n\nThe quillon \u{1b}[31mred\u{1b}[0m \u{9b}1m ferry leaves at \
         dawn from quay seven, says the harbour master to all.\n",
    );
    place.write("bad\u{1b}[2J.pdf", "no PDF");
    let path = place.note(name);
    let path = path.to_string_lossy();
    for command in [
        &["index", "notes"][..],
        &["search", "quillon red title"],
        &["search", "quillon", "--explain", "--expect", &path],
        &["search", "quillon", "--json"],
        &["status", "--why", &path],
        &["status", "--why", &path, "--json"],
        &["status", "--why", "\u{1b}[2J"],
        &["ask", "When does the quillon ferry leave?"],
        &["search", "quillon", "--folder", "\u{1b}[2J"],
        &["add", "\u{1b}[2J"],
        &["-vv", "forget", &path],
    ] {
        let ran = place.run(command);
        let steers = |character: char| {
            character.is_control() && character != '\n' && character != '\t'
                || character == '\u{202e}'
        };
        let both = ran.out + &ran.err;
        assert!(!both.contains(steers), "{command:?}: {both:?}");
        assert!(!both.contains("esc\n.md"), "{command:?}: {both:?}");
    }
}
