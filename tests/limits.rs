//! Where the system sets limits: a full disk, too few watches, lost events, permissions, folders that become
//! links. The daemon says what is wrong, answers meanwhile, and is right again by itself.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::harness::{Daemon, Place, number, text, until};
use crate::restart::{settled, state, write_notes};

/// Whether a command ends well.
fn works(words: &[&str]) -> bool {
    let mut command = Command::new(words[0]);
    let ended = command.args(&words[1..]).stderr(Stdio::null()).status();
    ended.is_ok_and(|status| status.success())
}

#[track_caller]
fn run(words: &[&str]) {
    assert!(works(words), "{words:?}");
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn indexing(daemon: &Daemon) -> Value {
    daemon.get("/api/status")["indexing"].clone()
}

/// Takes room from a daemon, gives it more to index than there is room for, and gives room back.
#[track_caller]
fn check_goes_on_after_trouble(
    place: &mut Place,
    take_room: impl FnOnce(&Daemon),
    check_trouble: impl FnOnce(&Place, &Daemon, &str),
    give_room: impl FnOnce(&Daemon),
) {
    place.write("first.md", "The first note says evergreening.");
    place.write("old.md", "The old note says fadeaway.");
    let daemon = place.up(&["notes"]);
    take_room(&daemon);
    write_notes(place);
    fs::remove_file(place.note("old.md")).expect("deletes");
    until("it is in trouble", || {
        indexing(&daemon)["trouble"].is_string()
    });
    for _ in 0..20 {
        // It stays in trouble, and answers.
        assert!(daemon.finds("evergreening"));
        let now = indexing(&daemon);
        assert!(now["trouble"].is_string(), "{now}");
    }
    let trouble = text(&indexing(&daemon)["trouble"]).to_owned();
    check_trouble(place, &daemon, &trouble);
    give_room(&daemon);
    until("it is out of trouble", || {
        indexing(&daemon)["trouble"].is_null()
    });
    until("all is read", || {
        let now = indexing(&daemon);
        now["done"] == now["total"]
    });
    until("half is embedded", || {
        number(&indexing(&daemon)["to_embed"]) < 240
    });
    until("all is embedded", || indexing(&daemon)["active"] == false);
    until("what is gone is forgotten", || {
        daemon
            .documents()
            .iter()
            .all(|row| row["state"] == "indexed")
            && !daemon.finds("fadeaway")
    });
    let mended = state(&daemon);
    assert_eq!(daemon.stop(), Some(0));

    place.wrapper.clear();
    let _ = fs::remove_dir_all(place.root.join("data"));
    assert_eq!(mended, settled(place));
}

#[test]
fn a_full_disk_is_said_and_survived() {
    let mounted = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"];
    if !works(&mounted) {
        // The test below does the same with a limit that can be set everywhere.
        eprintln!("file systems cannot be mounted here");
        return;
    }
    let mut place = Place::new();
    let data = place.root.join("data");
    fs::create_dir(&data).expect("a folder");
    let script = "mount -t tmpfs -o size=64m tmpfs \"$0\" && exec \"$@\"";
    place.wrapper = words(&[
        "unshare",
        "-rm",
        "sh",
        "-c",
        script,
        &data.to_string_lossy(),
    ]);
    // The daemon's own view of its data directory.
    let ballast = |daemon: &Daemon| {
        let root = PathBuf::from(format!("/proc/{}/root", daemon.process()));
        root.join(data.strip_prefix("/").expect("absolute"))
            .join("ballast")
    };
    check_goes_on_after_trouble(
        &mut place,
        |daemon| {
            let mut file = File::create(ballast(daemon)).expect("creates");
            while file.write_all(&[1; 4096]).is_ok() {}
        },
        |place, daemon, trouble| {
            assert!(trouble.starts_with("the disk is full"), "{trouble}");
            let process = daemon.process().to_string();
            let inside = [
                "nsenter",
                "-t",
                &process,
                "-U",
                "-m",
                "--preserve-credentials",
            ];
            let run = |arguments: &[&str]| {
                let there = place.command(arguments);
                let mut command = Command::new(inside[0]);
                command.args(&inside[1..]).arg(env!("CARGO_BIN_EXE_vade"));
                let from = place.wrapper.len();
                command
                    .args(there.get_args().skip(from))
                    .current_dir(&place.root);
                let output = command.output().expect("nsenter runs");
                String::from_utf8_lossy(&output.stdout).into_owned()
            };
            let status = run(&["status"]);
            assert!(status.contains("trouble: the disk is full"), "{status}");
            let doctor = run(&["doctor"]);
            assert!(doctor.contains("free some space"), "{doctor}");
        },
        |daemon| fs::remove_file(ballast(daemon)).expect("deletes"),
    );
}

#[test]
fn a_disk_on_which_nothing_can_be_written_is_survived() {
    let mut place = Place::new();
    place.wrapper = words(&["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"]);
    // Its log is one of the files that cannot grow.
    let limit = |daemon: &Daemon, size: &str| {
        let process = daemon.process().to_string();
        run(&["prlimit", "--pid", &process, &format!("--fsize={size}:")]);
    };
    check_goes_on_after_trouble(
        &mut place,
        |daemon| limit(daemon, "0"),
        |_, _, _| {},
        |daemon| limit(daemon, "unlimited"),
    );
}

#[test]
fn where_the_system_watches_no_more_it_is_said_and_looked_regularly() {
    let limit = "echo 6 > /proc/sys/user/max_inotify_watches && exec \"$@\"";
    let wrapper = ["unshare", "-Ur", "sh", "-c", limit, "sh"];
    if !works(&[&wrapper[..], &["true"]].concat()) {
        // The unit tests of `watch` have a watcher that stands for such a system.
        eprintln!("there are no user namespaces here");
        return;
    }
    let mut place = Place::new();
    for number in 0..12 {
        place.write(&format!("{number}/a.md"), "A note that was here before.");
    }
    place.wrapper = words(&wrapper);
    let daemon = place.up(&["notes"]);
    until("it is said", || {
        let notice = indexing(&daemon)["notice"].clone();
        notice
            .as_str()
            .is_some_and(|notice| notice.contains("max_user_watches"))
    });
    assert_eq!(indexing(&daemon)["trouble"], Value::Null);
    let status = place.run(&["status"]);
    assert!(
        status.out.contains("notice: the system's limit"),
        "{}",
        status.out
    );
    for number in 0..12 {
        place.write(
            &format!("{number}/b.md"),
            format!("This one says latecomer{number}x."),
        );
    }
    let found = |number: usize| daemon.finds(&format!("latecomer{number}x"));
    // The next look may be half a minute away.
    until("the first are found", || {
        (0..12).filter(|number| found(*number)).count() > 6
    });
    until("all are found", || (0..12).all(found));
    // Asking for a look does not wait for the next one.
    place.write("3/c.md", "This one says onrequestly.");
    assert_eq!(number(&place.json(&["index", "notes"])["documents"]), 25);
    assert!(daemon.finds("onrequestly"));
}

#[test]
fn lost_events_mean_looking_at_everything_again() {
    let place = Place::new();
    place.write("edited.md", "The note says beforehandly.");
    place.write("deleted.md", "The note says vanishingly.");
    let daemon = place.up(&["notes"]);
    let process = daemon.process().to_string();
    run(&["kill", "-STOP", &process]);
    let most = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events");
    let most: usize = most.map_or(16384, |most| most.trim().parse().expect("a number"));
    // Each renaming is two events.
    let names = [place.note("even.txt"), place.note("odd.txt")];
    fs::write(&names[0], "A file that is renamed often.").expect("writes");
    for round in 0..=most / 2 {
        fs::rename(&names[round % 2], &names[(round + 1) % 2]).expect("renames");
    }
    // Of these there is no event.
    place.write("edited.md", "The note says afterwardly.");
    place.write("new/deep/a.md", "The note says newcomingly.");
    fs::remove_file(place.note("deleted.md")).expect("deletes");
    run(&["kill", "-CONT", &process]);
    until("all is as on disk", || {
        daemon.finds("afterwardly")
            && daemon.finds("newcomingly")
            && !daemon.finds("beforehandly")
            && !daemon.finds("vanishingly")
            && daemon.documents().len() == 3
    });
    place.write("new/deep/b.md", "The note says watchfulish.");
    until("it is watched", || daemon.finds("watchfulish"));
}

#[test]
fn permissions_are_lost_and_regained() {
    let mut place = Place::new();
    let mode = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    let file = place.write("file.md", "The file says openlyish.");
    place.write("folder/a.md", "The folder says inwardlyish.");
    let folder = place.note("folder");
    let probe = place.write("probe.txt", "Can this be read by whoever owns everything?");
    mode(&probe, 0);
    if fs::read(&probe).is_ok() {
        // An administrator, who gives up the right to read everything.
        let powers = "--bounding-set=-dac_override,-dac_read_search";
        place.wrapper = words(&["setpriv", powers, "--"]);
    }
    let daemon = place.up(&["notes"]);
    let row = |path: &Path| {
        let mut rows = daemon.documents().into_iter();
        rows.find(|row| Path::new(text(&row["path"])) == path)
    };
    let denied = |path: &Path| {
        row(path).is_some_and(|row| {
            row["state"] == "failed" && row["reason"] == "cannot be read: permission denied"
        })
    };
    let why = |path: &Path| {
        let ran = place.run(&["status", "--why", &path.to_string_lossy()]);
        ran.out + &ran.err
    };
    assert!(daemon.finds("openlyish") && daemon.finds("inwardlyish"));
    assert!(denied(&probe));

    // A file that says something else, and nobody may know what.
    let secret = place.root.join("secret.md");
    fs::write(&secret, "The file says secretively.").expect("writes");
    mode(&secret, 0);
    fs::rename(&secret, &file).expect("renames");
    until("it is said", || denied(&file));
    assert!(!daemon.finds("openlyish"));
    mode(&file, 0o600);
    until("it is read", || daemon.finds("secretively"));

    mode(&folder, 0);
    until("it is said", || denied(&folder));
    assert!(!daemon.finds("inwardlyish"));
    let said = why(&folder.join("a.md"));
    assert!(said.contains("permission denied"), "{said}");
    mode(&folder, 0o700);
    until("it is read", || daemon.finds("inwardlyish"));
    until("nothing is held against it", || row(&folder).is_none());

    // The whole folder: nothing is forgotten.
    let notes = place.root.join("notes");
    mode(&notes, 0);
    until("it is said", || {
        daemon.get("/api/status")["folders"][0]["reachable"] == false
    });
    assert!(daemon.finds("secretively") && daemon.finds("inwardlyish"));
    mode(&notes, 0o700);
    place.write("new.md", "The new one says backagainly.");
    until("it is looked at again", || daemon.finds("backagainly"));
    assert!(daemon.finds("secretively") && daemon.finds("inwardlyish"));
}

#[test]
fn nothing_outside_is_read_while_a_folder_becomes_a_link_and_back() {
    const FILES: usize = 6;
    // About as long as from a look at the folder to the reading of its files.
    const BETWEEN: Duration = Duration::from_millis(1);
    // Many looks make many chances.
    let place = Place::with("[index]\ndebounce_milliseconds = 20\n");
    let outside = place.root.join("outside");
    fs::create_dir(&outside).expect("a folder");
    for number in 0..FILES {
        let name = format!("{number}.md");
        fs::write(outside.join(&name), "It says contraband.").expect("writes");
        place.write(&format!("swapped/{name}"), "It says innocently.");
    }
    let (folder, aside) = (place.note("swapped"), place.root.join("aside"));
    let daemon = place.up(&["notes"]);
    let ids: Vec<String> = daemon
        .documents()
        .iter()
        .map(|row| text(&row["id"]).to_owned())
        .collect();
    // Wherever it is, its files are reached through this.
    let handle = File::open(&folder).expect("opens");
    let real = PathBuf::from(format!("/proc/self/fd/{}", handle.as_raw_fd()));
    let write = |version: &str| {
        for number in 0..FILES {
            let words = format!("It says innocently, version {version}x of {number}.");
            fs::write(real.join(format!("{number}.md")), words).expect("writes");
        }
    };
    let (done, swaps) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let swapping = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                fs::rename(&folder, &aside).expect("moves away");
                symlink(&outside, &folder).expect("a link");
                std::thread::sleep(BETWEEN);
                fs::remove_file(&folder).expect("deletes");
                fs::rename(&aside, &folder).expect("moves back");
                std::thread::sleep(BETWEEN);
                swaps.fetch_add(1, Ordering::Relaxed);
            }
        });
        scope.spawn(|| {
            let mut version = 0;
            while !done.load(Ordering::Relaxed) {
                write(&version.to_string());
                version += 1;
                // Without a pause, nothing would be looked at.
                std::thread::sleep(20 * BETWEEN);
            }
        });
        let stop = Stop(&done);
        let mut round = 0;
        while swaps.load(Ordering::Relaxed) < 2000 && !swapping.is_finished() {
            assert!(!daemon.finds("contraband"), "round {round}");
            let id = &ids[round % FILES];
            let source = daemon.request(Method::GET, &format!("/api/documents/{id}/source"));
            // A file that is cut short while it is given out breaks the answer off.
            let source = source.send().expect("an answer").text().unwrap_or_default();
            assert!(!source.contains("contraband"), "round {round}");
            round += 1;
        }
        drop(stop);
    });
    write("last");
    until("all are found as they are", || {
        let hits = daemon.search("innocently version lastx");
        let last = hits
            .iter()
            .filter(|hit| text(&hit["text"]).contains("lastx"));
        last.count() == FILES && daemon.documents().len() == FILES
    });
    assert!(!daemon.finds("contraband"));
}

/// Ends the threads of a test however it ends.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
