//! Archives of strangers: what they hold, what their ledgers say, and what remains when they are refused.

use std::io::Cursor;

use flate2::read::GzDecoder;
use rusqlite::Connection;

use super::*;
use crate::ledger::{DocumentFilter, FileStat};

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        let root = std::fs::canonicalize(self.directory.path()).expect("it is there");
        root.join(name)
    }

    /// An archive of two folders with a document each, and a conversation; the ledger in it is changed.
    fn exported(&self, change: &str) -> PathBuf {
        let (data, archive) = (self.path("from"), self.path("index.tar.gz"));
        drop(claim(&data).expect("claims"));
        let ledger = Ledger::open(&data).expect("opens");
        for folder in ["/here/notes", "/here/papers"] {
            let folder = Path::new(folder);
            ledger.add_folder(folder, 1).expect("adds");
            let file = FileStat {
                path: folder.join("a.md"),
                size: 1,
                modified: 1,
            };
            ledger.enqueue(folder, &[file]).expect("queues");
        }
        let message = |role: &str| crate::conversations::MessageRow {
            role: role.to_owned(),
            text: "text".to_owned(),
            detail: r#"{"passages":[{"path":"/here/notes/a.md"}]}"#.to_owned(),
            created: 1,
        };
        let messages = [message("user"), message("assistant")];
        ledger.append("c", "title", &messages).expect("keeps");
        drop(ledger);
        export(&data, None, &archive).expect("exports");
        if !change.is_empty() {
            let raw = Connection::open(data.join(LEDGER)).expect("opens");
            raw.execute_batch(change).expect("changes");
            raw.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
                .expect("writes");
            drop(raw);
            let changed = std::fs::read(data.join(LEDGER)).expect("reads");
            rewrite(&archive, Some(&changed), &[]);
        }
        archive
    }

    /// Imports into `data` what `pairs` name.
    async fn import(&self, archive: &Path, pairs: &[&str]) -> Result<Imported> {
        let options = Import {
            archive: archive.to_owned(),
            data: self.path("data"),
            ..Import::default()
        };
        import(&options, |named| {
            let taken = pairs.iter().map(|pair| chosen(pair, named));
            let place = |(old, new): (PathBuf, Option<PathBuf>)| (old.clone(), new.unwrap_or(old));
            taken.map(|taken| taken.map(place)).collect()
        })
        .await
    }

    async fn check_refused(&self, archive: &Path, words: &str) {
        let error = self
            .import(archive, &[])
            .await
            .expect_err("refused")
            .to_string();
        assert!(error.contains(words), "{error}");
        assert!(!self.path("data").exists(), "{error}");
        assert!(!self.path("escape").exists(), "{error}");
    }

    fn paths(&self) -> Vec<String> {
        let ledger = Ledger::open(&self.path("data")).expect("opens");
        let filter = DocumentFilter {
            limit: 100,
            ..DocumentFilter::default()
        };
        let documents = ledger.documents(&filter).expect("lists").0.into_iter();
        documents
            .map(|one| one.path.to_string_lossy().into_owned())
            .collect()
    }
}

/// A header, with the name as it is.
fn header(name: &str, kind: tar::EntryType, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o600);
    header.set_entry_type(kind);
    header.as_gnu_mut().expect("GNU").name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_cksum();
    header
}

/// An archive with what another holds, and more.
fn with(archive: &Path, more: &[(tar::Header, &[u8])]) {
    rewrite(archive, None, more);
}

/// An archive with what another holds, with another ledger where one is given, and more.
fn rewrite(archive: &Path, ledger: Option<&[u8]>, more: &[(tar::Header, &[u8])]) {
    let mut bytes = Vec::new();
    let packed = File::open(archive).expect("opens");
    std::io::Read::read_to_end(&mut GzDecoder::new(packed), &mut bytes).expect("unpacks");
    let file = File::create(archive).expect("creates");
    let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::fast()));
    for entry in tar::Archive::new(Cursor::new(bytes))
        .entries()
        .expect("lists")
    {
        let entry = entry.expect("an entry");
        let mut header = entry.header().clone();
        match ledger.filter(|_| entry.path().is_ok_and(|path| path == Path::new(LEDGER))) {
            Some(ledger) => {
                header.set_size(ledger.len() as u64);
                header.set_cksum();
                tar.append(&header, ledger).expect("replaces");
            }
            None => tar.append(&header, entry).expect("copies"),
        }
    }
    for (header, content) in more {
        tar.append(header, *content).expect("appends");
    }
    tar.into_inner().expect("ends").finish().expect("ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_with_what_does_not_belong_is_refused_and_leaves_nothing() {
    use tar::EntryType as Kind;
    let place = Place::new();
    let archive = place.exported("");
    let good = std::fs::read(&archive).expect("reads");
    let segment = "text/0123456789abcdef0123456789abcdef.idx";
    for (name, kind) in [
        ("../escape", Kind::Regular),
        ("/tmp/vade-absolute", Kind::Regular),
        ("elsewhere", Kind::Regular),
        ("token", Kind::Regular),
        ("./vade-data", Kind::Regular),
        ("text/../../escape", Kind::Regular),
        ("text/novel.txt", Kind::Regular),
        ("text/deep/meta.json", Kind::Regular),
        ("lance/notes.lance/data/a.lance", Kind::Regular),
        ("lance/chunks.lance/data/a.sh", Kind::Regular),
        ("text", Kind::Regular),
        ("ledger.sqlite3", Kind::Directory),
        (segment, Kind::Symlink),
        (segment, Kind::Link),
        (segment, Kind::Fifo),
        (segment, Kind::Char),
        (segment, Kind::GNUSparse),
        ("././@LongLink", Kind::GNULongName),
        ("ledger.sqlite3", Kind::Regular),
    ] {
        std::fs::write(&archive, &good).expect("writes");
        with(&archive, &[(header(name, kind, 0), b"")]);
        place
            .check_refused(&archive, "not an archive of `vade export`")
            .await;
    }
    std::fs::write(&archive, &good).expect("writes");
    place.import(&archive, &[]).await.expect("imports");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_unpacks_to_far_more_than_it_is_is_refused() {
    let place = Place::new();
    let archive = place.exported("");
    let zeros = vec![0; 100 << 20];
    let name = "text/0123456789abcdef0123456789abcdef.idx";
    with(
        &archive,
        &[(header(name, tar::EntryType::Regular, 100 << 20), &zeros)],
    );
    place.check_refused(&archive, "--max-unpacked").await;
    // What comes after the end of an archive is unpacked no further.
    let liar = place.path("liar.tar.gz");
    let file = File::create(&liar).expect("creates");
    let mut packed = GzEncoder::new(file, Compression::fast());
    packed.write_all(&[0; 1024]).expect("writes");
    for _ in 0..2 {
        packed.write_all(&zeros).expect("writes");
    }
    packed.finish().expect("ends");
    place.check_refused(&liar, "not an archive").await;
    // Whoever knows it may allow it.
    let options = Import {
        archive,
        data: place.path("data"),
        most: Some(200 << 20),
        ..Import::default()
    };
    import(&options, |_| Ok(Vec::new())).await.expect("imports");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_folders_that_were_chosen_come_along() {
    let place = Place::new();
    let archive = place.exported("");
    let imported = place
        .import(&archive, &["/here/notes"])
        .await
        .expect("imports");
    assert_eq!(place.paths(), ["/here/notes/a.md"]);
    assert_eq!(imported.not_taken, [(PathBuf::from("/here/papers"), 1)]);
    assert_eq!(
        (imported.manifest.documents, imported.manifest.conversations),
        (1, 1)
    );

    let place = Place::new();
    let archive = place.exported("");
    std::fs::create_dir(place.path("new")).expect("makes");
    let pair = format!("/here/papers={}", place.path("new").display());
    place.import(&archive, &[&pair]).await.expect("imports");
    let path = place.path("new/a.md").to_string_lossy().into_owned();
    assert_eq!(place.paths(), [path]);

    let place = Place::new();
    let archive = place.exported("");
    let imported = place.import(&archive, &[]).await.expect("imports");
    assert_eq!(place.paths(), Vec::<String>::new());
    assert_eq!(imported.not_taken.len(), 2);
    assert_eq!(imported.manifest.conversations, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_cannot_be_watched_are_refused() {
    for (pair, words) in [
        ("/etc", "is none of its folders"),
        ("/here/notes=relative", "whole path"),
        ("/here/notes=/here/../etc", "whole path"),
        ("/here/notes=DATA/x", "belongs to vade itself"),
        ("/here/notes=/here/papers/x", "lie in each other"),
    ] {
        let place = Place::new();
        let archive = place.exported("");
        let pair = pair.replace("DATA", &place.path("data").to_string_lossy());
        let error = place.import(&archive, &["/here/papers", &pair]).await;
        let error = error.expect_err("refused").to_string();
        assert!(error.contains(words), "{pair}: {error}");
        assert!(!place.path("data").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_computes_is_refused() {
    for change in [
        "CREATE TRIGGER evil AFTER UPDATE ON documents BEGIN DELETE FROM conversations; END",
        "CREATE VIEW evil AS SELECT 1",
        "CREATE TABLE evil (a)",
        "ALTER TABLE messages RENAME TO old; CREATE VIEW messages AS SELECT * FROM old",
        "ALTER TABLE documents ADD COLUMN evil AS (zeroblob(1000000000))",
    ] {
        let place = Place::new();
        place
            .check_refused(&place.exported(change), "vade never")
            .await;
    }
    let place = Place::new();
    let archive = place.exported("");
    let bytes = std::fs::read(&archive).expect("reads");
    std::fs::write(&archive, &bytes[..bytes.len() - 100]).expect("writes");
    place
        .check_refused(&archive, "not an archive of `vade export`")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_not_as_they_are_written_stay_behind() {
    let place = Place::new();
    let id = |path: &str| DocumentId::of(Path::new(path)).0;
    let row = |id: &str, path: &str, folder: &str| {
        format!(
            "INSERT INTO documents (id, path, folder, size, modified, state, hash, stage, chunks)
             VALUES ('{id}', '{path}', '{folder}', 1, 1, 'indexed', 'ab', 2, 1);"
        )
    };
    let outside = row(&id("/etc/hostname"), "/etc/hostname", "/here/notes");
    let climbing = "/here/notes/../../etc/passwd";
    let changes = [
        outside,
        row(&id(climbing), climbing, "/here/notes"),
        row(&id("/here/notes/other.md"), "/here/notes/b.md", "/here/notes"),
        row(&id("/here/notes/c.md"), "/here/notes/c.md", "/"),
        row(&id("/here/notes/d.md"), "/here/notes/d.md", "/here/notes"),
        row(&id("/here/notes/e.md"), "/here/notes/e.md", "/here/notes"),
        row(&id("/here/notes/f.md"), "/here/notes/f.md", "/here/notes"),
        row(&id("/here/notes/g.md"), "/here/notes/g.md", "/here/notes"),
        "UPDATE documents SET tags = '[[[1' WHERE path LIKE '%/d.md';".to_owned(),
        "UPDATE documents SET chunks = 9000000000000000 WHERE path LIKE '%/e.md';".to_owned(),
        "UPDATE documents SET title = zeroblob(2000000) WHERE path LIKE '%/f.md';".to_owned(),
        "UPDATE documents SET state = 'odd' WHERE path LIKE '%/g.md';".to_owned(),
        "INSERT INTO forgotten VALUES ('/etc'), ('/'), ('/here/papers'), ('/here/notes/secret.md'),
             ('/here/papers/secret.md');"
            .to_owned(),
        "INSERT INTO folders VALUES ('/here/notes/../..', 1);".to_owned(),
        "INSERT INTO tombstones VALUES ('not an id');".to_owned(),
        "INSERT INTO meta VALUES ('evil', '1');".to_owned(),
        format!("INSERT INTO conversations VALUES ('../x', 't', 1), ('late', 't', {});", i64::MAX),
        "INSERT INTO messages (conversation, role, text, detail, created) VALUES ('c', 'system', 't', '{}', 1);"
            .to_owned(),
        format!(
            "INSERT INTO messages (conversation, role, text, detail, created)
             VALUES ('c', 'user', 't', '{}', 1);",
            "[".repeat(100_000)
        ),
    ];
    let archive = place.exported(&changes.join("\n"));
    let imported = place
        .import(&archive, &["/here/notes"])
        .await
        .expect("imports");
    assert_eq!(place.paths(), ["/here/notes/a.md"]);
    assert!(imported.left_out >= 9, "{}", imported.left_out);
    let ledger = Ledger::open(&place.path("data")).expect("opens");
    assert_eq!(ledger.folders().expect("lists"), [Path::new("/here/notes")]);
    let forgotten = |path| ledger.forgotten_as(Path::new(path), None).expect("reads");
    assert!(forgotten("/here/notes/secret.md").is_some());
    assert!(
        forgotten("/here/papers/secret.md").is_some(),
        "its folder may be added later"
    );
    assert!(forgotten("/here/papers/a.md").is_none());
    assert!(forgotten("/etc/x").is_none());
    assert_eq!(ledger.tombstones().expect("reads"), []);
    let conversations = ledger.conversations().expect("lists");
    assert_eq!((conversations.len(), conversations[0].messages), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_somebody_in_the_data_directory_is_left_alone() {
    let place = Place::new();
    let archive = place.exported("");
    let mine = place.path("data/text/mine.txt");
    std::fs::create_dir_all(mine.parent().expect("a parent")).expect("makes");
    std::fs::write(&mine, "x").expect("writes");
    let error = place.import(&archive, &[]).await.expect_err("refused");
    assert!(matches!(error, IndexerError::NotOurs { .. }), "{error}");
    assert!(mine.exists());
    // Neither where the rest is ours.
    std::fs::remove_dir_all(place.path("data")).expect("removes");
    drop(claim(&place.path("data")).expect("claims"));
    let mine = place.path("data/importing/mine.txt");
    std::fs::create_dir(place.path("data/importing")).expect("makes");
    std::fs::write(&mine, "x").expect("writes");
    place.import(&archive, &[]).await.expect_err("refused");
    assert!(mine.exists());
    // What an import that was ended has left makes way.
    std::fs::write(place.path("data/importing").join(MARKER), "").expect("writes");
    place.import(&archive, &[]).await.expect("imports");
    assert!(!place.path("data/importing").exists());
}

#[test]
fn no_file_of_somebody_is_written_over_by_an_export() {
    let place = Place::new();
    let archive = place.exported("");
    export(&place.path("from"), None, &archive).expect("writes over its own");
    std::fs::write(&archive, "Ten years of work.").expect("writes");
    export(&place.path("from"), None, &archive).expect_err("refused");
    let text = std::fs::read_to_string(&archive).expect("reads");
    assert_eq!(text, "Ten years of work.");
}

#[test]
fn folders_are_named_as_they_are() {
    let named = [(PathBuf::from("/a=b"), 1), (PathBuf::from("/a"), 1)];
    let pair = |old: &str, new: Option<&str>| Ok((old.into(), new.map(PathBuf::from)));
    assert_eq!(chosen("/a=b", &named), pair("/a=b", None));
    assert_eq!(chosen("/a=/c", &named), pair("/a", Some("/c")));
    assert_eq!(chosen("/a=b=/c", &named), pair("/a=b", Some("/c")));
    assert!(chosen("/c=/a", &named).is_err());
}

#[test]
fn documents_are_renamed_where_they_are_named() {
    let old = "0123456789abcdef0123456789abcdef";
    let renamed = HashMap::from([(old.to_owned(), "f".repeat(32))]);
    let text = format!("see {old} and \\\"{old}\\\"");
    let detail = format!("{{\"document\":\"{old}\",\"text\":\"{text}\"}}");
    let new = "f".repeat(32);
    let expected = format!("{{\"document\":\"{new}\",\"text\":\"{text}\"}}");
    assert_eq!(rename_documents(&detail, &renamed), expected);
}
