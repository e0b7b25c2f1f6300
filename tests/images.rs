//! What is said in images: image files, scans, scans among written pages, and where nothing reads them.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::harness::{Place, text, until};

/// An image of a page that says when a reading room is open.
fn page() -> Vec<u8> {
    std::fs::read("../models/src/ocr/page.png").expect("reads")
}

/// A PNG with a palette as an image of a PDF file, which compresses them the same way; also its size.
fn as_pdf_image(png: &[u8]) -> (u32, u32, Vec<u8>) {
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
    assert_eq!(png[25], 3, "a palette");
    let (width, height, bits) = (number(16), number(20), png[24]);
    let (mut rows, mut palette) = (Vec::new(), String::new());
    let mut at = 8;
    while at < png.len() {
        let length = number(at) as usize;
        let data = &png[at + 8..at + 8 + length];
        match &png[at + 4..at + 8] {
            b"IDAT" => rows.extend_from_slice(data),
            b"PLTE" => data
                .iter()
                .for_each(|byte| write!(palette, "{byte:02x}").expect("a string")),
            _ => {}
        }
        at += 12 + length;
    }
    let last = palette.len() / 6 - 1;
    let dict = format!(
        "/Type /XObject /Subtype /Image /Width {width} /Height {height} /BitsPerComponent {bits} \
         /ColorSpace [/Indexed /DeviceRGB {last} <{palette}>] /Filter /FlateDecode \
         /DecodeParms << /Predictor 15 /Colors 1 /BitsPerComponent {bits} /Columns {width} >>"
    );
    (width, height, stream(&dict, &rows))
}

fn stream(dict: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("<< {dict} /Length {} >>\nstream\n", data.len());
    [head.as_bytes(), data, b"\nendstream"].concat()
}

/// A PDF file whose pages say `written`, and then one that is nothing but an image.
fn with_scan(written: &[&str]) -> Vec<u8> {
    let (width, height, image) = as_pdf_image(&page());
    let count = written.len() + 1;
    let mut kids = String::new();
    let mut objects = vec![b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(), Vec::new()];
    objects.push(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec());
    objects.push(image);
    let drawn = format!("q {width} 0 0 {height} 0 0 cm /I Do Q");
    let written = written
        .iter()
        .map(|text| format!("BT /F 12 Tf 40 100 Td ({text}) Tj ET"));
    for content in written.chain([drawn]) {
        objects.push(stream("", content.as_bytes()));
        let contents = objects.len();
        objects.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Contents {contents} 0 R \
                 /Resources << /Font << /F 3 0 R >> /XObject << /I 4 0 R >> >> >>"
            )
            .into_bytes(),
        );
        write!(kids, "{} 0 R ", objects.len()).expect("a string");
    }
    objects[1] = format!("<< /Type /Pages /Kids [{kids}] /Count {count} >>").into_bytes();
    file_of(&objects)
}

fn file_of(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"%PDF-1.5\n".to_vec();
    let mut table = String::new();
    for (number, object) in (1..).zip(objects) {
        writeln!(table, "{:010} 00000 n ", file.len()).expect("a string");
        file.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
        file.extend_from_slice(object);
        file.extend_from_slice(b"\nendobj\n");
    }
    let (start, size) = (file.len(), objects.len() + 1);
    file.extend_from_slice(
        format!(
            "xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n\
             startxref\n{start}\n%%EOF\n"
        )
        .as_bytes(),
    );
    file
}

/// A place where images are read by what `setting` names.
fn place_with(setting: &str) -> Place {
    let place = Place::new();
    let settings = place.root.join("vade.toml");
    let written = std::fs::read_to_string(&settings).expect("reads");
    assert!(written.contains("ocr = \"off\""), "{written}");
    let changed = written.replace("ocr = \"off\"", &format!("ocr = \"{setting}\""));
    std::fs::write(&settings, changed).expect("writes");
    place
}

#[track_caller]
fn found(place: &Place, query: &str, file: &str) -> Value {
    let hits = place.json(&["search", query])["hits"].clone();
    let all = hits.as_array().expect("hits");
    let hit = all.iter().find(|hit| text(&hit["path"]).ends_with(file));
    hit.unwrap_or_else(|| panic!("{file} is not in {hits}"))
        .clone()
}

#[test]
fn images_and_scans_are_read_and_cited_by_page() {
    let place = place_with("pp-ocrv6-small");
    place.write("rules.png", page());
    place.write("scan.pdf", with_scan(&[]));
    let first =
        "The minutes of the meeting in the library, at which the reading room was spoken of.";
    place.write("mixed.pdf", with_scan(&[first]));
    let report = place.json(&["index", "notes"]);
    assert_eq!(report["documents"], 3, "{report}");
    assert_eq!(
        (&report["skipped"], &report["failed"]),
        (&json!([]), &json!([]))
    );
    for (file, page) in [
        ("rules.png", json!(null)),
        ("scan.pdf", json!(1)),
        ("mixed.pdf", json!(2)),
    ] {
        let hit = found(
            &place,
            "Where are bags left? In the lockers on the ground floor",
            file,
        );
        assert_eq!(hit["page"], page, "{hit}");
        let said = text(&hit["text"]).replace('\n', " ");
        assert!(
            said.contains("Bags are left in the lockers on the ground floor"),
            "{said}"
        );
    }
    assert_eq!(
        found(&place, "minutes of the meeting", "mixed.pdf")["page"],
        1
    );
    let status = place.json(&["status"]);
    assert_eq!(status["images"]["unread"], 0, "{status}");
    // Nothing is read twice.
    assert_eq!(place.json(&["index", "notes"])["unchanged"], 3);
}

#[test]
fn images_that_nothing_reads_are_said_until_something_does() {
    let mut place = place_with("tesseract");
    place.write("rules.png", page());
    let mixed = "A written page about the ferry, which leaves from the old pier at nine.";
    place.write("mixed.pdf", with_scan(&[mixed]));
    place.write("note.md", "A note beside them.");
    let programs = place.root.join("programs");
    std::fs::create_dir(&programs).expect("a folder");
    place.programs = Some(programs.clone());
    let daemon = place.up(&["notes"]);
    let status = daemon.get("/api/status");
    assert_eq!(status["documents"]["skipped"], 1, "{status}");
    assert_eq!(
        status["images"],
        json!({ "unread": 2, "help": "install tesseract" })
    );
    let why = place.json(&["status", "--why", "notes/rules.png"]);
    assert_eq!(
        why["verdict"],
        "it was left out: image (PNG): needs OCR; to have images read, install tesseract"
    );
    assert_eq!(found(&place, "the ferry leaves", "mixed.pdf")["page"], 1);

    let program = programs.join("tesseract");
    let script = "#!/bin/sh\nif [ \"$1\" = --list-langs ]; then printf 'List:\\neng\\n'; exit; fi\n\
                  /bin/cat > /dev/null; echo 'The heron waits by the weir.'\n";
    std::fs::write(&program, script).expect("writes");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).expect("ours");
    // It is looked for again when something changes, and from time to time.
    place.write("note.md", "Another note beside them.");
    until("images are read", || {
        daemon.get("/api/status")["images"]["unread"] == 0
    });
    found(&place, "heron by the weir", "rules.png");
    assert_eq!(found(&place, "heron by the weir", "mixed.pdf")["page"], 2);
    assert_eq!(found(&place, "the ferry leaves", "mixed.pdf")["page"], 1);
}

#[test]
fn an_image_without_text_or_not_whole_has_its_reason() {
    let place = place_with("pp-ocrv6-small");
    let whole = page();
    place.write("half.png", &whole[..whole.len() / 2]);
    // A grey dot.
    place.write("dot.gif", b"GIF89a\x01\0\x01\0\x80\0\0\x80\x80\x80\0\0\0!\xf9\x04\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;");
    let report = place.json(&["index", "notes"]);
    let reason = |list: &str, name: &str| {
        let files = report[list].as_array().expect("a list").iter();
        let mut files = files.filter(|file| text(&file["path"]).ends_with(name));
        let file = files
            .next()
            .unwrap_or_else(|| panic!("{name} is not among {list}: {report}"));
        text(&file["reason"]).to_owned()
    };
    assert_eq!(reason("skipped", "dot.gif"), "no text in its images");
    assert!(!reason("failed", "half.png").is_empty());
}
