//! What every test stands on: a place with its own data directory, the `vade` program run in it, a
//! daemon with its HTTP interface, and waiting for something to come true.
//!
//! Knows nothing of what is tested. Models are the real ones: those of `VADE_MODEL_DIR`, or those
//! that `vade models pull` left in the platform's own directory. `VADE_TEST_LANGUAGE_MODEL` names
//! another language model than the small one, and `VADE_TEST_SAMPLES` another place of the samples,
//! for a screenshot worth looking at.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::{NamedTempFile, TempDir};

/// Anything a test waits for comes true within this, or the test fails.
const PATIENCE: Duration = Duration::from_mins(2);

/// The models that the tests run.
pub(crate) const MODELS: [&str; 4] = [
    "onnxruntime",
    "pp-ocrv6-small",
    EMBEDDING,
    "smollm2-135m-instruct",
];

/// The embedding model, and its file in the store.
pub(crate) const EMBEDDING: &str = "multilingual-e5-small-q4";
pub(crate) const EMBEDDING_FILE: &str = "multilingual-e5-small-q4/e5-small-q4.bin";

/// A directory of its own: settings, data directory, and a folder `notes`.
pub(crate) struct Place {
    pub root: PathBuf,
    pub models: PathBuf,
    /// Where programs are looked for, if not where they are for the tests.
    pub programs: Option<PathBuf>,
    /// What `vade` is started by, where it is not started directly.
    pub wrapper: Vec<String>,
    _directory: TempDir,
}

/// What a finished `vade` left.
pub(crate) struct Ran {
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Place {
    /// With the settings all tests share.
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// With further lines in the settings file.
    pub(crate) fn with(settings: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = std::fs::canonicalize(directory.path()).expect("it exists");
        std::fs::create_dir(root.join("notes")).expect("a folder");
        let language = std::env::var("VADE_TEST_LANGUAGE_MODEL")
            .unwrap_or_else(|_| "smollm2-135m-instruct".to_owned());
        // A screenshot shows what people get; elsewhere short prompts and answers tell as much.
        let sizes = if std::env::var_os("VADE_SCREENSHOT").is_some() {
            "[search]\n"
        } else {
            "answer_tokens = 24\n[search]\npassage_tokens = 240\npassages = 3\n"
        };
        // What is installed on this machine must not change what is read.
        let common = format!("[model]\nlanguage = \"{language}\"\nocr = \"off\"\n{sizes}");
        std::fs::write(root.join("vade.toml"), common + settings).expect("writes");
        Self {
            root,
            models: model_dir(),
            programs: None,
            wrapper: Vec::new(),
            _directory: directory,
        }
    }

    /// A path in the folder `notes`.
    pub(crate) fn note(&self, name: &str) -> PathBuf {
        self.root.join("notes").join(name)
    }

    /// Writes a file in the folder `notes`.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.note(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(&path, content).expect("writes");
        path
    }

    /// `vade` as it would be typed, in this place.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_vade").to_owned();
        let mut words = self.wrapper.iter().chain([&program]);
        let mut command = Command::new(words.next().expect("a program"));
        command.current_dir(&self.root).args(words).args(arguments);
        command.arg("--data-dir").arg(self.root.join("data"));
        command.arg("--model-dir").arg(&self.models);
        command.arg("--config").arg(self.root.join("vade.toml"));
        for name in [
            "VADE_DATA_DIR",
            "VADE_MODEL_DIR",
            "VADE_CONFIG",
            "RUST_LOG",
            "XDG_CONFIG_HOME",
            "XDG_CACHE_HOME",
            "ORT_DISABLE_TELEMETRY",
        ] {
            command.env_remove(name);
        }
        if let Some(programs) = &self.programs {
            command.env("PATH", programs);
        }
        // A person's own catalog must not change what is tested.
        command.env("HOME", &self.root);
        command
    }

    /// Runs `vade` to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().expect("vade starts");
        Ran {
            status: output.status.code(),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// Runs `vade … --json` and reads its result.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(ran.status, Some(0), "vade {arguments:?}: {}", ran.err);
        serde_json::from_str(&ran.out).expect("JSON on standard output")
    }

    /// Runs `vade`, which must end with `status` and say all of `words` on standard error.
    #[track_caller]
    pub(crate) fn ends(&self, arguments: &[&str], status: i32, words: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(
            ran.status,
            Some(status),
            "vade {arguments:?}: {}{}",
            ran.out,
            ran.err
        );
        for word in words {
            assert!(ran.err.contains(word), "{word:?} is not in {:?}", ran.err);
        }
        ran
    }

    /// Starts a daemon over these folders and waits until all is indexed.
    pub(crate) fn up(&self, folders: &[&str]) -> Daemon {
        let daemon = self.start(folders);
        daemon.said("ready: ");
        daemon
    }

    /// Starts a daemon that ends itself at a failure point, and waits until it has.
    pub(crate) fn fails_at(&self, point: &str, folders: &[&str]) {
        let mut child = self
            .command(&[&["up", "--port", "0"], folders].concat())
            .env("VADE_FAIL_AT", point)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("vade starts");
        let what = format!("it ends at {point}");
        eventually(&what, || child.try_wait().expect("a child"));
    }

    /// Starts a daemon, and waits for nothing.
    pub(crate) fn start(&self, arguments: &[&str]) -> Daemon {
        let log = NamedTempFile::new_in(&self.root).expect("a log file");
        let mut child = self
            .command(&[&["up", "--port", "0"], arguments].concat())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.reopen().expect("the log opens"))
            .spawn()
            .expect("vade starts");
        let reaper = reaper(&child, &self.root).inspect_err(|_| drop(child.kill()));
        Daemon {
            reaper: reaper.expect("sh starts"),
            child,
            log,
            data: self.root.join("data"),
            base: OnceLock::new(),
        }
    }
}

/// Tests that share a daemon never drop it: the shell ends it when this process is gone.
fn reaper(child: &Child, root: &Path) -> std::io::Result<Child> {
    Command::new("sh")
        .args(["-c", "read -r _; kill -9 \"$1\" && rm -rf \"$2\"", "sh"])
        .arg(child.id().to_string())
        .arg(root)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

fn model_dir() -> PathBuf {
    let named = std::env::var_os("VADE_MODEL_DIR").map(PathBuf::from);
    let paths = vade_config::Paths::resolve(None, named.as_deref()).expect("a model directory");
    let directory = paths.models;
    for model in MODELS {
        let there = directory.join(model).is_dir();
        assert!(
            there,
            "{model} is not in {}: run `make models`",
            directory.display()
        );
    }
    directory
}

/// A running `vade up`; killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    reaper: Child,
    log: NamedTempFile,
    data: PathBuf,
    base: OnceLock<String>,
}

/// The system calls of a process and its children, as strace writes them.
pub(crate) struct Traced(Vec<String>);

impl Traced {
    pub(crate) fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).expect("a trace");
        Self(whole_calls(&String::from_utf8_lossy(&bytes)))
    }

    /// The calls of these names.
    pub(crate) fn calls(&self, names: &[&str]) -> Vec<String> {
        let calls = self.0.iter().filter(|call| {
            let name = call.split_once('(').map(|(name, _)| name);
            name.is_some_and(|name| names.contains(&name))
        });
        calls.cloned().collect()
    }

    /// The files and directories that were opened for writing, made, renamed or removed.
    pub(crate) fn written(&self) -> Vec<PathBuf> {
        let opened = self.calls(&["open", "openat", "creat"]).into_iter();
        let opened = opened.filter(|call| {
            let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "creat("];
            writes.iter().any(|flag| call.contains(flag)) && !call.contains(") = -1")
        });
        // The descriptor that came of it has its real path.
        let opened = opened.filter_map(|call| {
            let path = call.rsplit_once('<')?.1.split_once('>')?.0.to_owned();
            Some(path.trim_end_matches(" (deleted)").to_owned())
        });
        let changed = [
            "mkdir",
            "mkdirat",
            "rename",
            "renameat",
            "renameat2",
            "link",
            "linkat",
            "symlink",
            "symlinkat",
            "unlink",
            "unlinkat",
            "truncate",
            "chmod",
            "fchmodat",
        ];
        let changed = self.calls(&changed).into_iter();
        let changed = changed.filter(|call| !call.contains(") = -1"));
        let named = changed.flat_map(|call| {
            let quoted = call.split('"').skip(1).step_by(2);
            quoted.map(str::to_owned).collect::<Vec<_>>()
        });
        let absolute = named.filter(|path| path.starts_with('/'));
        opened.chain(absolute).map(PathBuf::from).collect()
    }
}

/// The calls of a trace, each in one piece: one that another thread's came between stands on two lines.
fn whole_calls(trace: &str) -> Vec<String> {
    let (mut calls, mut begun) = (Vec::new(), HashMap::new());
    for line in trace.lines() {
        let Some((thread, call)) = line.split_once(' ') else {
            continue;
        };
        let call = call.trim_start();
        let rest = call.strip_prefix("<... ").and_then(|resumed| {
            let (_, rest) = resumed.split_once(" resumed>")?;
            Some(rest)
        });
        match (rest, call.strip_suffix(" <unfinished ...>")) {
            (Some(rest), _) => {
                let begin: String = begun.remove(thread).unwrap_or_default();
                calls.push(begin + rest);
            }
            (None, Some(begin)) => {
                begun.insert(thread, begin.to_owned());
            }
            (None, None) => calls.push(call.to_owned()),
        }
    }
    // What never returned was tried nevertheless.
    calls.extend(begun.into_values());
    calls
}

/// A server-sent event.
pub(crate) struct Event {
    pub name: String,
    pub data: Value,
}

impl Daemon {
    /// `http://127.0.0.1:port`, once it serves.
    pub(crate) fn base(&self) -> &str {
        self.base.get_or_init(|| {
            let line = self.said(" serves http://");
            let page = line.split(" serves http://").nth(1).unwrap_or_default();
            format!("http://{}", page.split('/').next().unwrap_or_default())
        })
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// The first line on its standard error with `words` in it, once there is one.
    pub(crate) fn said(&self, words: &str) -> String {
        let log = || std::fs::read_to_string(self.log.path()).unwrap_or_default();
        let (mut last, started) = (String::new(), Instant::now());
        while started.elapsed() < PATIENCE {
            last = log();
            if let Some((at, _)) = last.match_indices(words).next()
                && let Some(length) = last[at..].find('\n')
            {
                let start = last[..at].rfind('\n').map_or(0, |end| end + 1);
                return last[start..at + length].to_owned();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the daemon did not say {words:?}, but: {last}");
    }

    /// Kills it in the middle of whatever it does.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it ran");
        self.child.wait().expect("it ends");
    }

    /// Asks it to stop, and gives its exit status.
    pub(crate) fn stop(self) -> Option<i32> {
        let process = self.process().to_string();
        let sent = Command::new("kill").args(["-TERM", &process]).status();
        assert!(sent.expect("kill runs").success());
        self.ends()
    }

    /// Waits until it has ended, and gives its exit status.
    pub(crate) fn ends(mut self) -> Option<i32> {
        eventually("the daemon stops", || {
            self.child.try_wait().expect("a child")
        })
        .code()
    }

    /// A request, with the access token where there is one.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let token = std::fs::read_to_string(self.data.join("token")).unwrap_or_default();
        self.bare(method, path).bearer_auth(token)
    }

    /// A request without the access token.
    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        client().request(method, format!("{}{path}", self.base()))
    }

    /// The answer to `GET path`.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        answer(self.request(Method::GET, path).send().expect("an answer"))
    }

    /// The answer to a request with a body.
    #[track_caller]
    pub(crate) fn call(&self, method: Method, path: &str, body: &Value) -> Value {
        answer(
            self.request(method, path)
                .json(body)
                .send()
                .expect("an answer"),
        )
    }

    /// Passages for a query.
    #[track_caller]
    pub(crate) fn search(&self, query: &str) -> Vec<Value> {
        let found = self.call(
            Method::POST,
            "/api/search",
            &json!({ "query": query, "k": 20 }),
        );
        found["hits"].as_array().expect("hits").clone()
    }

    /// Whether a search for a word finds a passage with that word.
    #[track_caller]
    pub(crate) fn finds(&self, word: &str) -> bool {
        self.search(word)
            .iter()
            .any(|hit| text(&hit["text"]).contains(word))
    }

    /// All documents, in the order of their paths.
    #[track_caller]
    pub(crate) fn documents(&self) -> Vec<Value> {
        let found = self.get("/api/documents?limit=1000");
        let mut documents = found["documents"].as_array().expect("documents").clone();
        documents.sort_by_key(|document| text(&document["path"]).to_owned());
        documents
    }

    /// The stream of events that answers a question.
    #[track_caller]
    pub(crate) fn open_stream(&self, body: &Value) -> impl Iterator<Item = Event> + use<> {
        let request = self.request(Method::POST, "/api/ask").json(body);
        let response = request.send().expect("an answer");
        assert_eq!(response.status(), 200);
        let (mut name, mut lines) = (String::new(), BufReader::new(response).lines());
        std::iter::from_fn(move || {
            loop {
                let line = lines.next()?.expect("a line");
                if let Some(data) = line.strip_prefix("data: ") {
                    let data = serde_json::from_str(data).expect("JSON");
                    return Some(Event {
                        name: name.clone(),
                        data,
                    });
                }
                if let Some(event) = line.strip_prefix("event: ") {
                    event.clone_into(&mut name);
                }
            }
        })
    }

    /// Asks, and gives all events.
    #[track_caller]
    pub(crate) fn events(&self, body: &Value) -> Vec<Event> {
        self.open_stream(body).collect()
    }

    /// Asks, and gives the last event's data: the answer.
    #[track_caller]
    pub(crate) fn ask(&self, body: &Value) -> Value {
        let last = self.events(body).pop().expect("events");
        assert_eq!(last.name, "done", "{}", last.data);
        last.data
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // In this order: the shell must not end a process that has this one's id by then.
        for child in [&mut self.reaper, &mut self.child] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[track_caller]
fn answer(response: Response) -> Value {
    let status = response.status();
    let text = response.text().expect("a body");
    assert!(status.is_success(), "{status}: {text}");
    serde_json::from_str(&text).expect("JSON")
}

/// The client all requests go through.
pub(crate) fn client() -> &'static Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let builder = Client::builder().no_proxy().timeout(4 * PATIENCE);
        builder.build().expect("a client")
    })
}

/// A daemon over the sample documents, shared by all tests that change nothing in it.
pub(crate) fn samples() -> &'static (Place, Daemon) {
    static SAMPLES: OnceLock<(Place, Daemon)> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let place = Place::new();
        let daemon = place.up(&[&sample_folder().to_string_lossy()]);
        (place, daemon)
    })
}

pub(crate) fn sample_folder() -> PathBuf {
    match std::env::var_os("VADE_TEST_SAMPLES") {
        Some(folder) => std::fs::canonicalize(folder).expect("VADE_TEST_SAMPLES is a folder"),
        None => repository("samples"),
    }
}

/// A file of `tests/fixtures`.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(repository("tests/fixtures").join(name)).expect("a fixture")
}

pub(crate) fn repository(path: &str) -> PathBuf {
    // Tests run in their package's directory, wherever they were built.
    std::fs::canonicalize(Path::new("..").join(path)).expect("it is in the repository")
}

/// Waits until `probe` gives something.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = probe() {
            return value;
        }
        assert!(started.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until `probe` holds.
#[track_caller]
pub(crate) fn until(what: &str, mut probe: impl FnMut() -> bool) {
    eventually(what, || probe().then_some(()));
}

/// A JSON string.
#[track_caller]
pub(crate) fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no string"))
}

/// A JSON number.
#[track_caller]
pub(crate) fn number(value: &Value) -> usize {
    let number = value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no number"));
    usize::try_from(number).expect("it fits")
}

/// The bytes of a file that a JSON object with `path`, `start` and `end` points at.
#[track_caller]
pub(crate) fn file_span(place: &Value) -> String {
    let bytes = std::fs::read(text(&place["path"])).expect("the file is there");
    let span = number(&place["start"])..number(&place["end"]);
    String::from_utf8(bytes[span].to_vec()).expect("a span on character boundaries")
}

/// A model directory in `place` where one file, `id/file`, has one bit wrong, if there is one of that name.
pub(crate) fn damaged_models(place: &Place, file: &str) -> PathBuf {
    let directory = place.root.join("models");
    for model in MODELS {
        std::fs::create_dir_all(directory.join(model)).expect("a folder");
        for entry in std::fs::read_dir(place.models.join(model)).expect("the model is there") {
            let from = entry.expect("an entry").path();
            let name = from
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            let to = directory.join(model).join(&name);
            if format!("{model}/{name}") == file {
                let mut bytes = std::fs::read(&from).expect("reads");
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                let mut copy = std::fs::File::create(&to).expect("a copy");
                copy.write_all(&bytes).expect("writes");
            } else if !name.starts_with('.') && std::fs::hard_link(&from, &to).is_err() {
                std::fs::copy(&from, &to).expect("copies");
            }
        }
    }
    directory
}
