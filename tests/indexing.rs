//! Indexing: what becomes of each file, and where hits point.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use expect_test::expect;
use serde_json::{Value, json};

use crate::harness::{
    EMBEDDING_FILE, Place, damaged_models, file_span, fixture, number, sample_folder, samples, text,
};

fn count_files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .map(|path| if path.is_dir() { count_files(&path) } else { 1 })
        .sum()
}

#[test]
fn the_samples_are_indexed_whole_and_stay_as_they_are() {
    let (place, daemon) = samples();
    let before = daemon.documents();
    let report = place.json(&["index", &sample_folder().to_string_lossy()]);
    assert_eq!(
        (&report["failed"], &report["skipped"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(number(&report["documents"]), count_files(&sample_folder()));
    assert_eq!(report["unchanged"], report["documents"]);
    assert!(before.iter().all(|document| document["state"] == "indexed"));
    // With the times at which each was indexed.
    assert_eq!(daemon.documents(), before);
}

#[test]
fn hits_are_spans_of_their_files() {
    let (_, daemon) = samples();
    let queries = [
        "boiler fault code",
        "lentejas",
        "pilot farms",
        "varroa mites",
        "fianza",
        "¿cuándo es la ITV?",
    ];
    let (mut spans, mut kinds) = (0, BTreeMap::<String, usize>::new());
    for hit in queries.iter().flat_map(|query| daemon.search(query)) {
        let path = Path::new(text(&hit["path"]));
        let kind = path
            .extension()
            .expect("an ending")
            .to_string_lossy()
            .into_owned();
        let address = format!(
            "/api/documents/{}/text?start={}&end={}&context=40",
            text(&hit["document"]),
            hit["start"],
            hit["end"]
        );
        assert_eq!(
            daemon.get(&address)["text"],
            hit["text"],
            "{}",
            path.display()
        );
        if ["md", "txt", "py"].contains(&&*kind) {
            assert_eq!(file_span(&hit), text(&hit["text"]), "{}", path.display());
            spans += 1;
        }
        *kinds.entry(kind).or_default() += 1;
    }
    assert!(spans > 50, "{spans} spans, of {kinds:?}");
}

#[test]
fn hits_in_a_pdf_have_their_page() {
    let (_, daemon) = samples();
    let hits = daemon.search("soil moisture probes on nine hectares");
    let pages: Vec<usize> = hits
        .iter()
        .filter(|hit| text(&hit["path"]).ends_with("probes-on-nine-hectares.pdf"))
        .map(|hit| number(&hit["page"]))
        .collect();
    assert!(pages.iter().max() > Some(&1), "{pages:?}");
    let others = hits
        .iter()
        .filter(|hit| text(&hit["path"]).ends_with(".md"));
    assert!(others.clone().count() > 0 && others.into_iter().all(|hit| hit["page"].is_null()));
}

#[test]
fn a_search_keeps_to_its_scope() {
    let (_, daemon) = samples();
    let folder = sample_folder()
        .join("recetas")
        .to_string_lossy()
        .into_owned();
    let search = |body: Value| {
        let found = daemon.call(reqwest::Method::POST, "/api/search", &body);
        found["hits"].as_array().expect("hits").clone()
    };
    let within = search(json!({ "query": "boiler fault code", "folder": folder }));
    assert!(!within.is_empty());
    assert!(
        within
            .iter()
            .all(|hit| text(&hit["path"]).starts_with(&folder))
    );
    assert!(search(json!({ "query": "boiler", "before": "1980-01-01" })).is_empty());
    assert!(search(json!({ "query": "boiler", "tag": "there is no such tag" })).is_empty());
    assert_eq!(search(json!({ "query": "boiler", "k": 2 })).len(), 2);
}

/// Every kind of file that is left out, among good ones.
fn broken_folder() -> Place {
    let place = Place::new();
    for name in [
        "harbour.pdf",
        "latin1.txt",
        "utf16.txt",
        "page.html",
        "protected.pdf",
        "locked.pdf",
        "truncated.pdf",
    ] {
        place.write(name, fixture(name));
    }
    place.write("empty.md", "");
    place.write(
        "binary.md",
        [0x7f, b'E', b'L', b'F', 0, 0, 0, 1, 0xff, 0xfe, 0, 9],
    );
    place.write("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    let huge = std::fs::File::create(place.note("huge.txt")).expect("a file");
    huge.set_len(65 << 20).expect("a sparse file");
    std::os::unix::fs::symlink("/etc/hostname", place.note("link.md")).expect("a link");
    std::os::unix::fs::symlink("/etc", place.note("linked-folder")).expect("a link");
    std::os::unix::fs::symlink("/nowhere", place.note("dangling.md")).expect("a link");
    std::os::unix::net::UnixListener::bind(place.note("socket.md")).expect("a socket");
    place.write("one-line.md", "sesquipedalian ".repeat(700_000));
    place.write("deep.html", "<div>".repeat(200_000) + "deep");
    place.write("deep.json", "[".repeat(300_000));
    place.write("laughs.docx", laughs());
    place.write("bomb.xlsx", bomb());
    // Beyond the longest path that can be named at once: made from within.
    let made = Command::new("sh")
        .arg("-c")
        .arg("while [ $(pwd | wc -c) -lt 4200 ]; do mkdir $0 && cd -P $0 || break; done; echo hi > end.md")
        .arg("name".repeat(60))
        .current_dir(place.note(""))
        .status();
    assert!(made.is_ok());
    let made = Command::new("mkfifo").arg(place.note("pipe.md")).status();
    assert!(made.expect("mkfifo runs").success());
    // Not every file system takes such a name.
    let _ = std::fs::write(
        place.note("").join(OsStr::from_bytes(b"bad-\xff.md")),
        "words",
    );
    place
}

/// A Word document whose entities would expand to gigabytes.
fn laughs() -> Vec<u8> {
    let mut entities = "<!ENTITY l0 \"ha\">".to_owned();
    for level in 1..30 {
        let below = format!("&l{};", level - 1).repeat(10);
        entities += &format!("<!ENTITY l{level} \"{below}\">");
    }
    let document = format!(
        "<!DOCTYPE d [{entities}]><w:document xmlns:w=\"http://schemas.openxmlformats.org/\
         wordprocessingml/2006/main\"><w:body><w:p><w:r><w:t>Laughing &l29;</w:t></w:r></w:p>\
         </w:body></w:document>"
    );
    zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("word/document.xml", document.as_bytes()),
    ])
}

/// A spreadsheet of a few kilobytes that is a gigabyte of spaces.
fn bomb() -> Vec<u8> {
    let spaces = vec![b' '; 256 << 20];
    zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.xml", &spaces),
        ("xl/worksheets/sheet1.xml", &spaces),
    ])
}

fn zip(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in parts {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(*name, options).expect("starts");
        std::io::Write::write_all(&mut archive, content).expect("writes");
    }
    archive.finish().expect("ends").into_inner()
}

/// `name: reason`, one line for each file of a report's list.
fn reasons(report: &Value, list: &str) -> String {
    let files = report[list].as_array().expect("a list").iter();
    let mut lines: Vec<String> = files
        .map(|file| {
            let name = Path::new(text(&file["path"]))
                .file_name()
                .expect("a name")
                .to_string_lossy();
            format!("{name}: {}\n", text(&file["reason"]))
        })
        .collect();
    lines.sort();
    lines.concat()
}

#[test]
fn each_broken_file_has_its_reason_and_stops_no_other() {
    let place = broken_folder();
    let report = place.json(&["index", "notes"]);
    expect![[r#"
        binary.md: binary file
        bomb.xlsx: larger than 128 MB when unpacked
        dangling.md: a symbolic link that leads nowhere
        empty.md: empty
        huge.txt: larger than 64 MiB
        link.md: a symbolic link to /etc/hostname, outside the watched folder: `vade add` that folder
        linked-folder: a symbolic link to /etc, outside the watched folder: `vade add` that folder
        locked.pdf: needs a password
        picture.png: image (PNG): needs OCR
        pipe.md: not a regular file
        socket.md: not a regular file
    "#]]
    .assert_eq(&reasons(&report, "skipped"));
    expect![[r#"
        deep.html: not readable HTML: elements nested too deeply
        namenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamename: cannot be read: File name too long (os error 36)
        truncated.pdf: not valid PDF: its end is missing
    "#]]
    .assert_eq(&reasons(&report, "failed"));
    // One of them has a name that is no text.
    assert_eq!(report["documents"], 9);
    let again = place.json(&["index", "notes"]);
    assert_eq!(
        (&again["skipped"], &again["failed"]),
        (&report["skipped"], &report["failed"])
    );
}

#[test]
fn old_encodings_are_read() {
    let place = broken_folder();
    place.json(&["index", "notes"]);
    let hits = |query| place.json(&["search", query])["hits"].clone();
    for (name, words) in [
        ("latin1.txt", "café du port"),
        ("utf16.txt", "Leuchtturmwärter Køhler"),
    ] {
        let all = hits(words);
        let hit = all
            .as_array()
            .expect("hits")
            .iter()
            .find(|hit| text(&hit["path"]).ends_with(name));
        let found = text(&hit.unwrap_or_else(|| panic!("{name} is not in {all}"))["text"]);
        assert!(!found.contains('\u{fffd}') && !found.is_ascii(), "{found}");
    }
}

#[test]
fn an_unreadable_file_says_so_until_it_can_be_read() {
    let place = Place::new();
    let path = place.write("secret.md", "The hidden word is quixotically.");
    place.write("open.md", "An open note.");
    let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode));
    mode(0o000).expect("it is ours");
    let is_root = std::fs::read(&path).is_ok();
    let report = place.json(&["index", "notes"]);
    if !is_root {
        assert_eq!(
            reasons(&report, "failed"),
            "secret.md: cannot be read: permission denied\n"
        );
        assert_eq!(report["documents"], 1);
    }
    mode(0o600).expect("it is ours");
    let report = place.json(&["index", "notes"]);
    assert_eq!(
        (&report["documents"], &report["failed"]),
        (&json!(2), &json!([]))
    );
}

#[test]
fn what_was_embedded_is_not_embedded_again() {
    let mut place = Place::new();
    for number in 0..5 {
        place.write(
            &format!("{number}.md"),
            format!("Note {number} is about the number {number}."),
        );
    }
    place.json(&["index", "notes"]);
    // From here on nothing can be embedded.
    place.models = damaged_models(&place, EMBEDDING_FILE);
    assert_eq!(place.json(&["index", "notes"])["unchanged"], 5);
    // These names say nothing; what others say is embedded with the beginning of the note, once.
    std::fs::rename(place.note("0.md"), place.note("00.md")).expect("renames");
    std::fs::create_dir(place.note("9")).expect("a folder");
    std::fs::rename(place.note("1.md"), place.note("9/1.md")).expect("moves");
    std::fs::copy(place.note("2.md"), place.note("2b.md")).expect("copies");
    let touched = std::fs::read(place.note("3.md")).expect("reads");
    place.write("3.md", touched);
    let report = place.json(&["index", "notes"]);
    assert_eq!(
        (&report["documents"], &report["chunks"]),
        (&json!(6), &json!(6))
    );
    place.write("4.md", "Other words.");
    place.ends(&["index", "notes"], 1, &["e5-small-q4.bin"]);
}
