//! Kills: a folder is edited, renamed, deleted from, forgotten from, moved between data directories and between
//! embedding models, and the program is killed in the middle of it, again and again. Whatever it was doing,
//! the next start makes the index that a clean run would make.
//!
//! `VADE_KILLS` is how often (`make kills KILLS=1000`), `VADE_KILLS_SEED` repeats the operations of a run; their
//! times are chance. Every operation is written to the log that the first line names.

mod folder;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::blocking::Response;
use serde_json::{Value, json};

use self::folder::Folder;
use crate::harness::{Place, client, damaged_models, number, repository, text, until};

/// Kills where nothing else is said, and after how many the index is looked at.
const KILLS: usize = 24;
const LOOK_EVERY: usize = 8;
/// Notes at the beginning.
const NOTES: usize = 40;
/// A daemon lives for less than this (milliseconds).
const LONGEST_LIFE: usize = 2500;
/// After a look at what is left, everything is as it should be within this.
const PATIENCE: Duration = Duration::from_secs(90);

/// Embedding models with the same files: what one made is of no use to the other.
const MODELS: [&str; 2] = ["multilingual-e5-small-q4", "another-embedding"];

/// Changes are seen soon, so that much happens in a short life.
const SETTINGS: &str = "[index]\ndebounce_milliseconds = 40\n";

/// Where a daemon may end itself.
const POINTS: [&str; 13] = [
    "forgetting",
    "remembering",
    "queued",
    "words-prepared",
    "words-committed",
    "words-noted",
    "removal-committed",
    "removal-noted",
    "vectors-deleted",
    "vectors-added",
    "vectors-noted",
    "compacted",
    "pruned",
];

#[test]
fn what_was_being_let_in_again_when_the_program_ended_is_let_in() {
    let mut place = Place::new();
    let note = place.write("a.md", "It says rememberingly.");
    let daemon = place.up(&["notes"]);
    let body = json!({ "path": note });
    daemon.call(Method::POST, "/api/forget", &body);
    until("it is forgotten", || !daemon.finds("rememberingly"));
    daemon.stop();
    place.wrapper = ["env", "VADE_FAIL_AT=remembering"]
        .map(str::to_owned)
        .to_vec();
    let daemon = place.up(&["notes"]);
    let undo = json!({ "path": note, "undo": true });
    let request = daemon.request(Method::POST, "/api/forget").json(&undo);
    assert!(request.send().is_err(), "it ends before it answers");
    drop(daemon);
    place.wrapper.clear();
    let daemon = place.up(&["notes"]);
    until("it is found", || daemon.finds("rememberingly"));
}

#[test]
fn however_often_it_is_killed_nothing_is_lost_or_comes_back() {
    let number = |name: &str| std::env::var(name).ok()?.parse::<usize>().ok();
    let kills = number("VADE_KILLS").unwrap_or(KILLS);
    let seed = number("VADE_KILLS_SEED").unwrap_or(1);
    let mut world = World::new(seed);
    for kill in 1..=kills {
        world.live_and_die(kill);
        if kill % LOOK_EVERY == 0 || kill == kills {
            world.look(kill == kills || kill % (8 * LOOK_EVERY) == 0);
        }
    }
}

/// A daemon that may be gone at any moment.
struct Mortal {
    child: Child,
    port: u16,
    data: PathBuf,
}

impl Mortal {
    /// The answer to a request, if it lives long enough.
    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Option<Response> {
        let token = fs::read_to_string(self.data.join("token")).unwrap_or_default();
        let address = format!("http://127.0.0.1:{}{path}", self.port);
        let mut request = client().request(method, address).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().ok()
    }

    fn get(&self, path: &str) -> Option<Value> {
        let answer = self.call(Method::GET, path, None)?;
        answer.status().is_success().then(|| answer.json().ok())?
    }

    fn search(&self, body: &Value) -> Option<Value> {
        let answer = self.call(Method::POST, "/api/search", Some(body))?;
        answer.status().is_success().then(|| answer.json().ok())?
    }

    fn lives(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Waits until it answers, dies, or it is time.
    fn answers_within(&mut self, time: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < time && self.lives() {
            if self.get("/api/status").is_some() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder, its index, and what reads it.
struct World {
    place: Place,
    port: u16,
    folder: Folder,
    log: PathBuf,
    model: usize,
}

impl World {
    fn new(seed: usize) -> Self {
        let mut place = Place::with(SETTINGS);
        place.models = damaged_models(&place, "none");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let log = std::env::temp_dir().join(format!("vade-kills-{}.log", std::process::id()));
        eprintln!("VADE_KILLS_SEED={seed}, logged to {}", log.display());
        let world = Self {
            port: free.expect("a free port").port(),
            folder: Folder::new(place.root.join("notes"), seed as u64, &log, NOTES),
            log,
            model: 0,
            place,
        };
        world.add_second_model();
        world
    }

    /// Puts the entry of the first embedding model into the catalog of this place once more, with another name.
    fn add_second_model(&self) {
        let catalog = fs::read_to_string(repository("models/catalog.toml")).expect("the catalog");
        let mut entries = catalog.split("[[model]]\n");
        let named = format!("id = \"{}\"\n", MODELS[0]);
        let entry = entries
            .find(|entry| entry.starts_with(&named))
            .expect("its entry");
        let entry = entry.replace(&named, &format!("id = \"{}\"\n", MODELS[1]));
        let folder = self.place.root.join(".config/vade");
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("catalog.toml"), format!("[[model]]\n{entry}")).expect("writes");
        let models = &self.place.models;
        fs::create_dir(models.join(MODELS[1])).expect("a folder");
        for file in fs::read_dir(models.join(MODELS[0])).expect("a folder") {
            let file = file.expect("a file");
            let copy = models.join(MODELS[1]).join(file.file_name());
            fs::copy(file.path(), copy).expect("copies");
        }
    }

    /// One daemon, from before its start to its death.
    fn live_and_die(&mut self, kill: usize) {
        for _ in 0..self.folder.random.below(3) {
            self.folder.change();
        }
        let changes_model = self.folder.random.chance(6);
        if changes_model {
            self.change_model();
        } else if self.folder.random.chance(6) {
            self.move_to_another_directory();
        }
        let random = &mut self.folder.random;
        let point = random.chance(40).then(|| {
            let point = POINTS[random.below(POINTS.len())];
            format!("{point}:{}", 1 + random.below(6))
        });
        let life = Duration::from_millis(50) + random.milliseconds(LONGEST_LIFE);
        let planned = format!("{kill}: starts, {} ms to live, {point:?}", life.as_millis());
        self.folder.say(&planned);
        let begun = Instant::now();
        let mut daemon = self.start(point.as_deref());
        let serves = daemon.answers_within(life);
        while begun.elapsed() < life && daemon.lives() {
            if serves && self.folder.random.chance(30) {
                self.ask_for(&daemon);
            } else {
                self.folder.change();
            }
            std::thread::sleep(self.folder.random.milliseconds(100));
        }
        let end = if daemon.lives() {
            "is killed"
        } else {
            "has ended itself"
        };
        drop(daemon);
        self.folder.say(&format!("{kill}: {end}"));
    }

    fn start(&self, point: Option<&str>) -> Mortal {
        let port = self.port.to_string();
        let mut command = self.place.command(&["up", "--port", &port, "notes"]);
        if let Some(point) = point {
            command.env("VADE_FAIL_AT", point);
        }
        let log = self.place.root.join("daemon.log");
        let log = File::options().create(true).append(true).open(log);
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.expect("a log"))
            .spawn();
        Mortal {
            child: child.expect("vade starts"),
            port: self.port,
            data: self.place.root.join("data"),
        }
    }

    /// A request to the daemon.
    fn ask_for(&mut self, daemon: &Mortal) {
        match self.folder.random.below(10) {
            0..4 => {
                daemon.search(&json!({ "query": "who saw the otter at the sluice" }));
            }
            4 => {
                self.folder.say("look at the folder again");
                let folder = json!({ "path": self.place.root.join("notes") });
                daemon.call(Method::POST, "/api/folders", Some(&folder));
            }
            5..8 => {
                if let Some((path, _)) = self.folder.any_note(false) {
                    self.forget(daemon, path, false);
                }
            }
            _ => {
                let forgotten = self.folder.forgotten.len().max(1);
                let place = self.folder.random.below(forgotten);
                if let Some(path) = self.folder.forgotten.iter().nth(place).cloned() {
                    self.forget(daemon, path, true);
                }
            }
        }
    }

    /// Forgets a file, or lets it in again.
    fn forget(&mut self, daemon: &Mortal, path: PathBuf, undo: bool) {
        let name = self.folder.relative(&path);
        let what = if undo { "remember" } else { "forget" };
        self.folder.say(&format!("{what} {name}"));
        let body = json!({ "path": path, "undo": undo });
        let status = daemon
            .call(Method::POST, "/api/forget", Some(&body))
            .map(|answer| answer.status().as_u16());
        self.folder.say(&format!("{what} {name}: {status:?}"));
        match status {
            Some(200) if undo => {
                self.folder.forgotten.remove(&path);
            }
            Some(200) => {
                self.folder.forgotten.insert(path);
            }
            // Nothing was known of it yet.
            Some(404) => {}
            _ => {
                self.folder.forgotten.remove(&path);
                self.folder.doubtful.insert(path);
            }
        }
    }

    fn change_model(&mut self) {
        self.model = 1 - self.model;
        let (from, to) = (MODELS[1 - self.model], MODELS[self.model]);
        self.folder.say(&format!("the embedding model is {to}"));
        let settings = self.place.root.join("vade.toml");
        let text = fs::read_to_string(&settings).expect("the settings");
        let (old, new) = (
            format!("embedding = \"{from}\""),
            format!("embedding = \"{to}\""),
        );
        let text = if text.contains(&old) {
            text.replace(&old, &new)
        } else {
            text.replace("[model]\n", &format!("[model]\n{new}\n"))
        };
        fs::write(settings, text).expect("writes");
    }

    /// Exports the index and imports it again, killed on the way.
    fn move_to_another_directory(&mut self) {
        let archive = self.place.root.join("moved.tar.gz");
        let archive = archive.to_string_lossy();
        let exported = self.place.run(&["export", &archive]);
        self.folder.say(&format!(
            "export: {:?} {}",
            exported.status,
            exported.err.trim()
        ));
        if exported.status != Some(0) {
            return;
        }
        fs::remove_dir_all(self.place.root.join("data")).expect("removes");
        let mut import = self.place.command(&["import", &archive]);
        let quiet = import.stdout(Stdio::null()).stderr(Stdio::null());
        let mut import = quiet.spawn().expect("vade starts");
        std::thread::sleep(self.folder.random.milliseconds(120));
        let _ = import.kill();
        let _ = import.wait();
        let again = self.place.run(&["import", &archive]);
        self.folder
            .say(&format!("import: {:?} {}", again.status, again.err.trim()));
        let is_there = again.status == Some(0) || again.err.contains("holds an index already");
        assert!(
            is_there,
            "an import that was killed stands in the way: {}",
            again.err
        );
    }

    /// Starts once more, and holds what is there against what should be, and at times against a clean run.
    fn look(&mut self, rebuild: bool) {
        self.folder.say("look");
        let mut daemon = self.start(None);
        assert!(
            daemon.answers_within(PATIENCE),
            "it does not start: {}",
            self.told()
        );
        let rows = self.settled(&daemon);
        self.check_words(&daemon);
        drop(daemon);
        self.check_rubbish();
        if rebuild {
            self.check_clean_run(&rows);
        }
        self.folder.say("all is well");
        // What is gone from one look is gone from the next.
        let kept = self.folder.old_words.len().saturating_sub(300);
        self.folder.old_words.drain(..kept);
    }

    /// The rows of the library, once they are as they should be.
    fn settled(&mut self, daemon: &Mortal) -> BTreeMap<PathBuf, (String, usize)> {
        let (mut begun, mut before) = (Instant::now(), Value::Null);
        loop {
            let rows = rows(daemon).unwrap_or_default();
            let wrong = self.wrong(&rows);
            let status = daemon.get("/api/status").unwrap_or_default();
            let indexing = &status["indexing"];
            // However long it takes, as long as it goes on.
            let now = json!([indexing["done"], indexing["embedded"], indexing["to_embed"]]);
            if now != before {
                (begun, before) = (Instant::now(), now);
            }
            if wrong.is_empty() && indexing["active"] == false && indexing["to_embed"] == 0 {
                return rows;
            }
            if begun.elapsed() > PATIENCE {
                let why = |path: &PathBuf| {
                    let path = path.display();
                    format!("{path}: {:?}", daemon.get(&format!("/api/why?path={path}")))
                };
                let why: Vec<_> = wrong.iter().map(why).collect();
                panic!("lost: {why:#?}, status {indexing}, {}", self.told());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Paths whose rows are not as they should be.
    fn wrong(&mut self, rows: &BTreeMap<PathBuf, (String, usize)>) -> BTreeSet<PathBuf> {
        let folder = &mut self.folder;
        for path in std::mem::take(&mut folder.doubtful) {
            match rows.get(&path).map(|row| row.0.as_str()) {
                Some("skipped") => {
                    folder.forgotten.insert(path);
                }
                Some("indexed") => {}
                _ => {
                    folder.doubtful.insert(path);
                }
            }
        }
        let right = |path: &PathBuf| {
            let state = rows.get(path).map(|row| row.0.as_str());
            let should = if folder.forgotten.contains(path) {
                "skipped"
            } else {
                "indexed"
            };
            state == Some(should)
        };
        let wrong = folder.notes.keys().filter(|path| !right(path));
        let strange = rows.keys().filter(|path| !folder.notes.contains_key(*path));
        wrong.chain(strange).cloned().collect()
    }

    /// Each note is found by its word and by its vector, and nothing by an old one.
    fn check_words(&self, daemon: &Mortal) {
        let told = self.told();
        let holding = |word: &str| -> BTreeSet<PathBuf> {
            let found = daemon.search(&json!({ "query": word, "k": 20 }));
            let found = found.unwrap_or_else(|| panic!("no search for {word}: {told}"));
            let hits = found["hits"].as_array().expect("hits").iter();
            let hits = hits.filter(|hit| text(&hit["text"]).contains(word));
            hits.map(|hit| PathBuf::from(text(&hit["path"]))).collect()
        };
        for (path, note) in &self.folder.notes {
            let word = note.word();
            if self.folder.forgotten.contains(path) {
                assert_eq!(holding(&word), BTreeSet::new(), "forgotten: {told}");
                continue;
            }
            assert_eq!(
                holding(&word),
                BTreeSet::from([path.clone()]),
                "{word}: {told}"
            );
            let request = json!({ "query": word, "k": 1, "expect": path });
            let found = daemon.search(&request).expect("an answer");
            let expected = &found["explanation"]["expected"];
            let ranks = (&expected["lexical_rank"], &expected["vector_rank"]);
            assert!(
                ranks.0 == 1 && ranks.1.is_u64(),
                "{word}: {expected}, {told}"
            );
        }
        for word in &self.folder.old_words {
            assert_eq!(holding(word), BTreeSet::new(), "old: {word}, {told}");
        }
    }

    /// Nothing half done is left, and old versions do not pile up.
    fn check_rubbish(&self) {
        let data = self.place.root.join("data");
        for entry in fs::read_dir(&data).expect("a folder").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_rubbish = name.contains("importing") || name.contains("damaged");
            assert!(!is_rubbish, "{name}, {}", self.told());
        }
        let bytes = size(&data);
        assert!(bytes < 100 << 20, "{bytes} bytes, {}", self.told());
    }

    /// A clean run has the same rows for all that is not forgotten.
    fn check_clean_run(&mut self, rows: &BTreeMap<PathBuf, (String, usize)>) {
        let (data, aside) = (self.place.root.join("data"), self.place.root.join("aside"));
        fs::rename(&data, &aside).expect("renames");
        let forgotten = std::mem::take(&mut self.folder.forgotten);
        let mut daemon = self.start(None);
        assert!(
            daemon.answers_within(PATIENCE),
            "it does not start: {}",
            self.told()
        );
        let mut clean = self.settled(&daemon);
        drop(daemon);
        let mut rows = rows.clone();
        for path in &forgotten {
            clean.remove(path);
            rows.remove(path);
        }
        assert_eq!(rows, clean, "{}", self.told());
        self.folder.forgotten = forgotten;
        fs::remove_dir_all(&data).expect("removes");
        fs::rename(&aside, &data).expect("renames");
    }

    /// Where more can be read.
    fn told(&self) -> String {
        let log = fs::read_to_string(self.place.root.join("daemon.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(12)..].join("\n");
        format!(
            "the operations are in {}; vade said: {last}",
            self.log.display()
        )
    }
}

/// The library by path: state and chunks.
fn rows(daemon: &Mortal) -> Option<BTreeMap<PathBuf, (String, usize)>> {
    let found = daemon.get("/api/documents?limit=1000")?;
    let row = |row: &Value| {
        let state = text(&row["state"]).to_owned();
        (
            PathBuf::from(text(&row["path"])),
            (state, number(&row["chunks"])),
        )
    };
    Some(found["documents"].as_array()?.iter().map(row).collect())
}

/// Bytes of all files under a folder.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}
