//! Nothing leaves: what the daemon asks of the system, from its start to its end, and who may ask the daemon.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use crate::harness::{Daemon, Place, Traced, samples, text, until};

/// What ONNX Runtime would report was asked for after nine seconds, and every few seconds from then on.
const IDLE: Duration = Duration::from_mins(1);

/// The calls that reach the network, or change what is on the disk.
const CALLS: &str = "trace=socket,connect,bind,listen,sendto,sendmsg,sendmmsg,openat,open,creat,mkdir,mkdirat,rename,\
                     renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,truncate,chmod,fchmodat";

#[test]
fn nothing_leaves_the_machine_and_nothing_is_written_elsewhere() {
    let mut place = Place::new();
    place.write(
        "heron.md",
        "# Heron\n\nThe heron waits at the mill of Ashcombe. ![x](http://192.0.2.1/x.png)",
    );
    place.write(
        "page.html",
        "<link rel=stylesheet href=http://192.0.2.1/a.css><p>The otter sleeps at noon.</p>",
    );
    let trace = place.root.join("trace");
    let name = trace.to_string_lossy().into_owned();
    place.wrapper = [
        "strace", "-f", "-qq", "-y", "-s", "300", "-e", CALLS, "-o", &name,
    ]
    .map(str::to_owned)
    .into();
    let daemon = place.up(&["notes"]);
    assert!(daemon.finds("heron"));
    daemon.ask(&json!({ "question": "Where does the heron wait?" }));
    place.write("late.md", "The late wombat digs a burrow.");
    until("what is saved is found", || daemon.finds("wombat"));
    assert_sealed(holder(&place));
    std::thread::sleep(IDLE);
    stop(&place, daemon);

    let trace = Traced::read(&trace);
    let sockets = trace.calls(&["socket"]);
    let network: Vec<_> = sockets
        .iter()
        .filter(|call| !call.contains("AF_UNIX"))
        .collect();
    assert_eq!(
        network.len(),
        1,
        "the listener and nothing else: {network:#?}"
    );
    let bound = trace.calls(&["bind"]);
    assert!(
        bound.len() == 1 && bound[0].contains("inet_addr(\"127.0.0.1\")"),
        "{bound:#?}"
    );
    assert_eq!(trace.calls(&["connect"]), Vec::<String>::new());
    let elsewhere: Vec<_> = trace
        .calls(&["sendto", "sendmsg", "sendmmsg"])
        .into_iter()
        .filter(|call| call.contains("sin_addr") || call.contains("sin6_addr"))
        .collect();
    assert_eq!(elsewhere, Vec::<String>::new());

    let own = [place.root.join("data"), place.models.clone()];
    let written = trace.written();
    assert!(
        written.iter().any(|path| path.starts_with(&own[0])),
        "{written:?}"
    );
    let elsewhere: Vec<_> = written
        .iter()
        .filter(|path| {
            !own.iter().any(|own| path.starts_with(own)) && *path != Path::new("/dev/null")
        })
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
    assert!(!place.root.join(".cache").exists());
}

/// The process that holds the place's data directory.
fn holder(place: &Place) -> u32 {
    let lock = fs::read_to_string(place.root.join("data/lock")).expect("a lock file");
    lock.lines()
        .next()
        .and_then(|id| id.parse().ok())
        .expect("a process id")
}

/// Stops a daemon that another program started, and waits until that program has written everything down.
fn stop(place: &Place, daemon: Daemon) {
    let sent = Command::new("kill")
        .args(["-TERM", &holder(place).to_string()])
        .status();
    assert!(sent.expect("kill runs").success());
    assert_eq!(daemon.ends(), Some(0));
}

/// Every thread of a process, and of those that it started, is under the filter.
#[track_caller]
fn assert_sealed(process: u32) {
    let processes: Vec<u32> = fs::read_dir("/proc")
        .expect("processes")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|id| *id == process || parent(*id) == Some(process))
        .collect();
    let mut threads = 0;
    for process in processes {
        let Ok(tasks) = fs::read_dir(format!("/proc/{process}/task")) else {
            continue;
        };
        for task in tasks.flatten() {
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            if !status.is_empty() {
                threads += 1;
                assert!(status.contains("Seccomp:\t2"), "{}", task.path().display());
            }
        }
    }
    assert!(threads > 4, "{threads}");
}

fn parent(process: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())
}

#[test]
fn doctor_has_the_daemon_try_to_get_out() {
    let (place, daemon) = samples();
    assert_eq!(daemon.get("/api/status")["egress"], "sealed");
    let report = daemon.call(Method::POST, "/api/egress", &json!({}));
    let attempts = report["attempts"].as_array().expect("attempts");
    assert_eq!(attempts.len(), 3, "{report}");
    for attempt in attempts {
        assert_eq!(attempt["refused"], true, "{report}");
    }
    for (attempt, said) in attempts.iter().zip(["not permitted", "not permitted", ""]) {
        assert!(text(&attempt["said"]).contains(said), "{report}");
    }
    let checked = place.run(&["doctor", "--json"]);
    assert!(
        checked.out.contains("\"egress\":\"sealed\""),
        "{}",
        checked.out
    );
    assert!(place.run(&["status"]).out.contains("sealed"));
}

#[test]
fn without_a_daemon_what_reads_documents_is_sealed_too() {
    let place = Place::new();
    place.write("a.md", "The ferry leaves at nine.");
    place.run(&["index", "notes"]);
    assert_eq!(place.json(&["status"])["egress"], "sealed");
    let checked = place.run(&["doctor"]);
    assert!(
        checked.out.contains("sealed: TCP, UDP, DNS are refused"),
        "{}",
        checked.out
    );
}

#[test]
fn another_user_of_the_machine_gets_nothing_without_the_token() {
    let place = Place::new();
    place.write(
        "letter.md",
        "The combination of the safe is forty-one ninety.",
    );
    let daemon = place.up(&["notes"]);
    assert_eq!(
        daemon
            .bare(Method::GET, "/api/status")
            .send()
            .expect("an answer")
            .status(),
        200
    );
    let is_root = fs::read("/proc/1/environ").is_ok();
    if !is_root {
        // Nobody else's program can be started then; the table that tells users apart has tests of its own.
        return;
    }
    let request = |path: &str, header: &str| {
        let address = daemon.base().trim_start_matches("http://");
        let script = format!(
            "exec 3<>/dev/tcp/{}; printf 'GET {path} HTTP/1.1\\r\\nHost: {address}\\r\\n{header}Connection: close\\r\\n\\r\\n' >&3; cat <&3",
            address.replace(':', "/"),
        );
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "bash",
            "-c",
            &script,
        ]);
        let output = command.output().expect("setpriv runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let refused = request("/api/status", "");
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    assert!(request("/", "").starts_with("HTTP/1.1 200"));
    let token = fs::read_to_string(place.root.join("data/token")).expect("a token");
    let bearer = format!("Authorization: Bearer {token}\\r\\n");
    assert!(request("/api/status", &bearer).starts_with("HTTP/1.1 200"));
}

fn open(daemon: &Daemon) -> TcpStream {
    let stream = TcpStream::connect(daemon.base().trim_start_matches("http://")).expect("connects");
    stream
        .set_read_timeout(Some(Duration::from_secs(40)))
        .expect("a timeout");
    stream
}

#[test]
fn requests_that_never_arrive_keep_nobody_out() {
    let place = Place::new();
    let daemon = place.up(&["notes"]);
    let host = daemon.base().trim_start_matches("http://").to_owned();
    let head = format!("GET /api/status HTTP/1.1\r\nHost: {host}\r\nX: ");
    let mut held: Vec<TcpStream> = (0..400).map(|_| open(&daemon)).collect();
    for stream in &mut held {
        // The first have made way by now.
        let _ = stream.write_all(head.as_bytes());
    }
    daemon.get("/api/status");
    let large = "a".repeat(1_900_000);
    let head = format!(
        "POST /api/search HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 2000000\r\n\r\n"
    );
    let mut bodies: Vec<TcpStream> = (0..60).map(|_| open(&daemon)).collect();
    for stream in &mut bodies {
        let _ = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(large.as_bytes()));
    }
    daemon.get("/api/status");
    // What is silent is closed in the end.
    let mut rest = Vec::new();
    let _ = held.last_mut().expect("one").read_to_end(&mut rest);
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_source_comes_in_ranges_and_never_to_another_website() {
    let place = Place::new();
    let path = place.write("a.txt", "The ferry leaves at nine.");
    let daemon = place.up(&["notes"]);
    let id = text(&daemon.documents()[0]["id"]).to_owned();
    let source = format!("/api/documents/{id}/source");
    let get = |name: &str, value: &str| {
        daemon
            .request(Method::GET, &source)
            .header(name, value)
            .send()
            .expect("an answer")
    };
    let whole = get("accept", "*/*");
    assert_eq!(whole.headers()["content-length"], "25");
    assert_eq!(whole.text().expect("a body"), "The ferry leaves at nine.");
    let part = get("range", "bytes=4-8");
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 4-8/25");
    assert_eq!(part.text().expect("a body"), "ferry");
    assert_eq!(get("range", "bytes=25-").status(), 416);
    assert_eq!(get("sec-fetch-site", "cross-site").status(), 403);
    assert_eq!(get("sec-fetch-site", "same-origin").status(), 200);

    // What stands where a small document stood is not given out in its name.
    let huge = fs::File::create(place.note("huge.txt")).expect("creates");
    huge.set_len(1 << 30).expect("grows");
    let before = resident(daemon.process());
    let row = || {
        let documents = daemon.documents();
        let row = documents
            .iter()
            .find(|one| text(&one["path"]).ends_with("huge.txt"));
        row.map(|row| text(&row["id"]).to_owned())
    };
    let mut id = None;
    until("it is listed", || {
        id = row();
        id.is_some()
    });
    let path_of_huge = format!("/api/documents/{}/source", id.expect("a row"));
    let mut response = daemon
        .request(Method::GET, &path_of_huge)
        .send()
        .expect("an answer");
    let mut some = vec![1; 1 << 20];
    response.read_exact(&mut some).expect("reads");
    assert!(some.iter().all(|byte| *byte == 0));
    let after = resident(daemon.process());
    assert!(after < before + (200 << 10), "{before} -> {after} KiB");
    drop((response, path));
}

/// Memory that a process holds (KiB).
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("its memory");
    line.trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number")
}

#[test]
fn it_stops_while_a_file_is_read_that_never_ends() {
    let place = Place::new();
    let daemon = place.start(&["notes"]);
    daemon.said("ready: ");
    place.write(
        "big.html",
        "<p>The heron waits at the mill and eats eels. ".repeat(100_000),
    );
    let mut child = None;
    until("a process reads it", || {
        child = reader_of(daemon.process());
        child.is_some()
    });
    let child = child.expect("a process").to_string();
    let stopped = Command::new("kill").args(["-STOP", &child]).status();
    assert!(stopped.expect("kill runs").success());
    let begun = Instant::now();
    assert_eq!(daemon.stop(), Some(0));
    // It would read for a minute; everything else has its second.
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    let _ = Command::new("kill").args(["-CONT", &child]).status();
    let running = format!("/proc/{child}/exe");
    until("the reader ends, too", || fs::read_link(&running).is_err());
}

fn reader_of(process: u32) -> Option<u32> {
    let processes = fs::read_dir("/proc").ok()?;
    let mut ids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    ids.find(|id| {
        let words = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        parent(*id) == Some(process) && words.ends_with(b"extract-child\0")
    })
}
