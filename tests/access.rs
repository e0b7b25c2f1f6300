//! Access: who is answered, and with which headers.

use std::os::unix::fs::PermissionsExt;

use reqwest::Method;
use reqwest::blocking::Response;
use serde_json::json;

use crate::harness::{Daemon, Place, samples, text};

/// What a request gets that has these headers.
#[track_caller]
fn send(daemon: &Daemon, path: &str, headers: &[(&str, &str)]) -> Response {
    let request = daemon.bare(Method::GET, path);
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    request.send().expect("an answer")
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().expect("ASCII"))
}

#[test]
fn other_names_and_other_websites_are_refused() {
    let (_, daemon) = samples();
    let port = daemon.base().rsplit(':').next().expect("a port");
    let check = |headers: &[(&str, &str)], status: u16| {
        for path in ["/", "/api/status"] {
            assert_eq!(
                send(daemon, path, headers).status(),
                status,
                "{path} {headers:?}"
            );
        }
    };
    check(&[], 200);
    check(&[("host", &format!("localhost:{port}"))], 200);
    check(&[("host", &format!("evil.example:{port}"))], 403);
    check(&[("host", "127.0.0.1:1")], 403);
    check(&[("origin", daemon.base())], 200);
    check(&[("origin", "https://evil.example")], 403);
    check(&[("origin", "null")], 403);
    let search = daemon
        .bare(Method::POST, "/api/search")
        .json(&json!({ "query": "boiler" }));
    let refused = search
        .header("origin", "http://evil.example")
        .send()
        .expect("an answer");
    assert_eq!(refused.status(), 403);
    assert!(!refused.text().expect("a body").contains("hits"));
}

#[test]
fn a_form_of_another_website_changes_nothing() {
    let (_, daemon) = samples();
    let body = r#"{"path":"/etc"}"#;
    let simple = daemon
        .bare(Method::POST, "/api/folders")
        .header("content-type", "text/plain");
    assert_eq!(simple.body(body).send().expect("an answer").status(), 400);
    let folders = daemon.get("/api/status")["folders"]
        .as_array()
        .expect("folders")
        .len();
    assert_eq!(folders, 1);
}

#[test]
fn every_answer_keeps_the_page_to_itself() {
    let (_, daemon) = samples();
    for path in ["/", "/main.js", "/api/status", "/api/nothing", "/nothing"] {
        let response = send(daemon, path, &[]);
        let policy = header(&response, "content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'"),
            "{path}: {policy}"
        );
        assert!(
            !policy.contains("unsafe") && !policy.contains('*'),
            "{path}: {policy}"
        );
        assert_eq!(
            header(&response, "x-content-type-options"),
            "nosniff",
            "{path}"
        );
        assert_eq!(header(&response, "x-frame-options"), "DENY", "{path}");
        assert_eq!(
            header(&response, "referrer-policy"),
            "no-referrer",
            "{path}"
        );
        assert_eq!(
            header(&response, "access-control-allow-origin"),
            "",
            "{path}"
        );
    }
    let refused = send(daemon, "/", &[("host", "evil.example")]);
    assert_eq!(header(&refused, "x-content-type-options"), "nosniff");
}

#[test]
fn a_source_never_runs_as_a_page() {
    let (_, daemon) = samples();
    let source = |ending: &str| {
        let documents = daemon.documents();
        let mut endings = documents
            .iter()
            .filter(|document| text(&document["path"]).ends_with(ending));
        let id = text(&endings.next().expect("such a sample")["id"]).to_owned();
        send(daemon, &format!("/api/documents/{id}/source"), &[])
    };
    let pdf = source(".pdf");
    assert_eq!(header(&pdf, "content-type"), "application/pdf");
    assert!(pdf.bytes().expect("a body").starts_with(b"%PDF-"));
    for ending in [".html", ".md", ".py"] {
        let response = source(ending);
        assert_eq!(
            header(&response, "content-type"),
            "text/plain; charset=utf-8"
        );
        assert!(header(&response, "content-security-policy").contains("sandbox"));
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    }
}

#[test]
fn only_indexed_documents_can_be_read() {
    let (_, daemon) = samples();
    for id in [
        "0",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "%2Fetc%2Fpasswd",
        "..",
        "' OR 1=1 --",
    ] {
        for what in ["source", "text?start=0&end=9"] {
            let response = send(daemon, &format!("/api/documents/{id}/{what}"), &[]);
            assert_eq!(response.status(), 404, "{id}");
        }
    }
    for path in [
        "/../../etc/passwd",
        "/..%2f..%2fetc/passwd",
        "//etc/passwd",
        "/main.js/../index.html%00",
    ] {
        let body = send(daemon, path, &[]).text().expect("a body");
        assert!(!body.contains("root:"), "{path}");
    }
}

#[test]
fn with_a_token_the_api_asks_for_it() {
    let place = Place::with("[server]\ntoken = true\n");
    place.write("a.md", "The ferry leaves at nine.");
    let daemon = place.up(&["notes"]);
    let path = place.root.join("data/token");
    let token = std::fs::read_to_string(&path).expect("a token");
    let bearer = format!("Bearer {}", token.trim());
    let status = |path: &str, headers: &[(&str, &str)]| send(&daemon, path, headers).status();
    assert_eq!(status("/", &[]), 200);
    assert_eq!(status("/api/status", &[]), 401);
    assert_eq!(
        status("/api/status", &[("authorization", "Bearer wrong")]),
        401
    );
    assert_eq!(status(&format!("/api/status?token={token}"), &[]), 401);
    assert_eq!(status("/api/status", &[("authorization", &bearer)]), 200);
    let id = text(&daemon.documents()[0]["id"]).to_owned();
    assert_eq!(status(&format!("/api/documents/{id}/source"), &[]), 401);
    assert_eq!(
        status(&format!("/api/documents/{id}/source?token={token}"), &[]),
        200
    );
    let mode = |path| {
        std::fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!((mode(path), mode(place.root.join("data"))), (0o600, 0o700));
    // The command line finds the token by itself.
    assert_eq!(
        place.json(&["search", "ferry"])["hits"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[test]
fn beyond_loopback_there_is_always_a_token() {
    let place = Place::new();
    let daemon = place.up(&["--address", "0.0.0.0"]);
    let port = daemon.base().rsplit(':').next().expect("a port");
    let host = format!("localhost:{port}");
    let token = std::fs::read_to_string(place.root.join("data/token")).expect("a token");
    let bearer = format!("Bearer {token}");
    let status = |headers: &[(&str, &str)]| send(&daemon, "/api/status", headers).status();
    assert_eq!(status(&[("host", &host)]), 401);
    assert_eq!(status(&[("host", &host), ("authorization", &bearer)]), 200);
    let numbers = format!("127.0.0.1:{port}");
    assert_eq!(
        status(&[("host", &numbers), ("authorization", &bearer)]),
        200
    );
    assert_eq!(status(&[("host", &format!("evil.example:{port}"))]), 403);
    daemon.said(&format!("/#token={token}"));
    assert_eq!(daemon.stop(), Some(0));
}
