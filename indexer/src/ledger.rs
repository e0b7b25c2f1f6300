//! The ledger: which documents there are, what state each is in and why, which folders are watched.
//!
//! `SQLite`, one connection behind a mutex; every call is one short transaction. The pending documents
//! are the job queue. The ledger says `indexed` only after both engines have committed; it knows
//! neither engine. What it holds that the files do not is written twice (`kept`).

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::{IndexerError, Result};
use crate::index::now;
use crate::kept;
use crate::paths::{path_named, path_text};
use crate::suspects::stage_over;

/// Begins the reasons of files that the system does not give.
pub(crate) const UNREADABLE: &str = "cannot be read";

/// The format of the data directory.
pub(crate) const FORMAT: i64 = 4;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS folders (path TEXT PRIMARY KEY, added INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS documents (
    id TEXT PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    folder TEXT NOT NULL,
    size INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    stage INTEGER NOT NULL DEFAULT 0,
    hash TEXT,
    chunks INTEGER NOT NULL DEFAULT 0,
    title TEXT,
    tags TEXT NOT NULL DEFAULT '[]',
    links TEXT NOT NULL DEFAULT '[]',
    language TEXT,
    extractor TEXT,
    milliseconds INTEGER,
    indexed INTEGER,
    notice TEXT,
    unread_images INTEGER NOT NULL DEFAULT 0,
    content TEXT,
    fault TEXT
);
CREATE TABLE IF NOT EXISTS roots (folder TEXT PRIMARY KEY, identity TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS mounts (
    path TEXT PRIMARY KEY, folder TEXT NOT NULL, identity TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS forgotten (path TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS under_way (
    document TEXT PRIMARY KEY, deaths INTEGER NOT NULL, active INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS forgotten_contents (
    path TEXT NOT NULL, content TEXT NOT NULL, later INTEGER NOT NULL, PRIMARY KEY (path, content)
);
CREATE TABLE IF NOT EXISTS tombstones (document TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS conversations (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, updated INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY,
    conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    text TEXT NOT NULL,
    detail TEXT NOT NULL,
    created INTEGER NOT NULL
);
";

/// Made when an older ledger has all columns.
const INDICES: &str = "
CREATE INDEX IF NOT EXISTS documents_by_state ON documents (state, modified DESC);
CREATE INDEX IF NOT EXISTS documents_with_images ON documents (modified DESC) WHERE unread_images = 1;
CREATE INDEX IF NOT EXISTS messages_by_conversation ON messages (conversation, id);
";

/// What makes a ledger of format n, at place n - 1, one of format n + 1.
const MIGRATIONS: [&str; 3] = [
    "ALTER TABLE documents ADD COLUMN links TEXT NOT NULL DEFAULT '[]';",
    "ALTER TABLE documents ADD COLUMN unread_images INTEGER NOT NULL DEFAULT 0;
     UPDATE documents SET unread_images = 1 WHERE state = 'skipped' AND reason LIKE '%: needs OCR';",
    "ALTER TABLE documents ADD COLUMN fault TEXT; ALTER TABLE documents ADD COLUMN content TEXT;",
];

/// The columns that `document` reads.
const DOCUMENT: &str =
    "SELECT id, path, folder, size, modified, state, reason, stage, hash, chunks, title, tags, language,
         extractor, milliseconds, indexed, notice, content, fault";

/// Sums over the documents, which are asked for after every commit. This connection is the only one, so they
/// are its own affair: counted once when it opens, kept by every change, and never on disk.
const SUMS: &str = "
CREATE TEMP TABLE sums (
    state TEXT NOT NULL, stage INTEGER NOT NULL, documents INTEGER NOT NULL, chunks INTEGER NOT NULL,
    unread_images INTEGER NOT NULL, PRIMARY KEY (state, stage)
) WITHOUT ROWID;
INSERT INTO sums SELECT state, stage, count(*), sum(chunks), sum(unread_images)
    FROM documents GROUP BY 1, 2;
CREATE TEMP TRIGGER document_came AFTER INSERT ON main.documents BEGIN
    INSERT INTO sums VALUES (new.state, new.stage, 1, new.chunks, new.unread_images)
        ON CONFLICT (state, stage) DO UPDATE SET documents = documents + 1,
        chunks = chunks + new.chunks, unread_images = unread_images + new.unread_images;
END;
CREATE TEMP TRIGGER document_changed AFTER UPDATE OF state, stage, chunks, unread_images
ON main.documents BEGIN
    UPDATE sums SET documents = documents - 1, chunks = chunks - old.chunks,
        unread_images = unread_images - old.unread_images
        WHERE state = old.state AND stage = old.stage;
    INSERT INTO sums VALUES (new.state, new.stage, 1, new.chunks, new.unread_images)
        ON CONFLICT (state, stage) DO UPDATE SET documents = documents + 1,
        chunks = chunks + new.chunks, unread_images = unread_images + new.unread_images;
END;
CREATE TEMP TRIGGER document_went AFTER DELETE ON main.documents BEGIN
    UPDATE sums SET documents = documents - 1, chunks = chunks - old.chunks,
        unread_images = unread_images - old.unread_images
        WHERE state = old.state AND stage = old.stage;
END;
";

/// Names a document: derived from its path, so that replaying a job changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct DocumentId(pub String);

impl DocumentId {
    /// The id of the document at `path`.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        Self(digest(path.as_os_str().as_encoded_bytes()))
    }
}

/// The first 128 bits of SHA-256, in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes)[..16]
        .iter()
        .fold(String::with_capacity(32), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Where a document stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Waiting to be read.
    Pending,
    /// What it says is in images, which are read when everything else is indexed.
    AwaitsOcr,
    /// Found by its words; its vectors are on the way.
    IndexedLexical,
    /// Found by words and by meaning.
    Indexed,
    /// Left out, for a reason that is no fault.
    Skipped,
    /// Could not be read.
    Failed,
}

impl State {
    const ALL: [Self; 6] = [
        Self::Pending,
        Self::AwaitsOcr,
        Self::IndexedLexical,
        Self::Indexed,
        Self::Skipped,
        Self::Failed,
    ];

    /// The name in the ledger and in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::AwaitsOcr => "awaits-ocr",
            Self::IndexedLexical => "indexed-lexical",
            Self::Indexed => "indexed",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }

    /// Whether a state has this name.
    pub(crate) fn is_name(name: &str) -> bool {
        Self::ALL.into_iter().any(|state| state.name() == name)
    }

    fn parse(name: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|state| state.name() == name)
            .unwrap_or(Self::Pending)
    }
}

/// Whose fault it is that a file, or what is in its images, could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The file's: it is tried again when it changes, or another version of the program starts.
    Own,
    /// Something else's: it is tried again after a while, and at each start.
    Circumstance,
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Circumstance => "circumstance",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        let both = [Self::Own, Self::Circumstance];
        both.into_iter().find(|fault| fault.name() == name)
    }
}

/// How far the content named by a document's hash has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    None,
    Lexical,
    Full,
}

impl Stage {
    fn state(self) -> State {
        match self {
            Self::None => State::Pending,
            Self::Lexical => State::IndexedLexical,
            Self::Full => State::Indexed,
        }
    }
}

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// Absolute path.
    pub path: PathBuf,
    /// The watched folder it lies in.
    pub folder: PathBuf,
    /// File size (bytes).
    pub size: u64,
    /// Modification time (nanoseconds since 1970).
    pub modified: i64,
    /// Where it stands.
    pub state: State,
    /// Why it was skipped or failed.
    pub reason: Option<String>,
    /// Hash of the content that the engines hold; none when they hold none.
    pub hash: Option<String>,
    /// Chunks of that content.
    pub chunks: usize,
    /// Its title, or else the file name's stem.
    pub title: String,
    /// Tags from its front matter and text.
    pub tags: Vec<String>,
    /// Its language, where it was certain.
    pub language: Option<String>,
    /// Which extractor read it.
    pub extractor: Option<String>,
    /// How long that took.
    pub milliseconds: Option<u64>,
    /// When it was indexed (milliseconds since 1970).
    pub indexed: Option<i64>,
    /// What was lost though it could be read.
    pub notice: Option<String>,
    /// Digest of the bytes of its file when it was last read.
    pub(crate) content: Option<String>,
    /// Whose fault it is that it could not be read, or not whole.
    pub fault: Option<Fault>,
    pub(crate) stage: Stage,
}

/// What the file system says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStat {
    /// Absolute path.
    pub path: PathBuf,
    /// Size (bytes).
    pub size: u64,
    /// Modification time (nanoseconds since 1970).
    pub modified: i64,
}

/// What reading one document gave.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// It says what it said before.
    Unchanged,
    /// Its words are in the full-text index.
    Indexed(Indexed),
    /// It is left out: skipped, or failed by its own fault, and why.
    Rejected(State, String),
    /// Something else than the file kept it from being read, and what.
    Hindered(String),
    /// What it says is in images: it waits for them to be read, or is skipped, and why.
    NeedsOcr(State, String),
    /// Its images were looked at, and it says what it said before.
    NothingSeen,
    /// Its folder cannot be reached now: it says what it said before, and is read again when it can be.
    Away,
    /// Something else than the file kept its images from being looked at; it says what it said before.
    ImagesHindered,
}

/// What is written down of a document that was read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Indexed {
    pub hash: String,
    pub chunks: usize,
    pub title: Option<String>,
    pub tags: Vec<String>,
    /// Targets of its wiki links.
    pub links: Vec<String>,
    pub language: Option<String>,
    pub extractor: String,
    pub milliseconds: u64,
    pub notice: Option<String>,
    /// Some of what it says is in images that were not read.
    pub unread_images: bool,
}

/// Documents by state, and chunks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Found by words and by meaning.
    pub indexed: usize,
    /// Found by words; vectors on the way.
    pub lexical: usize,
    /// Waiting to be read.
    pub pending: usize,
    /// Left out.
    pub skipped: usize,
    /// Could not be read.
    pub failed: usize,
    /// Chunks in the index.
    pub chunks: usize,
    /// Of these, chunks that wait for their vector.
    pub unembedded: usize,
    /// Documents that say something in images that were not read.
    pub unread_images: usize,
}

/// Which documents to list.
#[derive(Debug, Clone, Default)]
pub struct DocumentFilter {
    /// Only this state.
    pub state: Option<String>,
    /// Only paths or titles that contain this.
    pub query: Option<String>,
    /// Only under this folder.
    pub folder: Option<PathBuf>,
    /// Rows to pass over.
    pub offset: usize,
    /// Rows to give.
    pub limit: usize,
}

/// The ledger.
pub struct Ledger {
    connection: Mutex<Connection>,
}

impl Ledger {
    /// Opens or makes the ledger of a data directory.
    pub(crate) fn open(directory: &Path) -> Result<Self> {
        let (connection, _) = kept::open(directory)?;
        connection.execute_batch(INDICES)?;
        connection.execute_batch(SUMS)?;
        Ok(Self {
            connection: Mutex::new(connection),
        })
    }

    /// What a person should know of what was lost.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn loss(&self) -> Result<Option<String>> {
        let loss = self.meta("loss")?;
        Ok(loss.and_then(|loss| kept::said(&loss, now())))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A named value.
    pub(crate) fn meta(&self, key: &str) -> Result<Option<String>> {
        Ok(self
            .lock()
            .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
                row.get(0)
            })
            .optional()?)
    }

    /// Sets a named value.
    pub(crate) fn set_meta(&self, key: &str, value: &str) -> Result<()> {
        set_meta(&self.lock(), key, value)
    }

    /// Removes a named value.
    pub(crate) fn unset_meta(&self, key: &str) -> Result<()> {
        self.lock()
            .execute("DELETE FROM meta WHERE key = ?1", [key])?;
        Ok(())
    }

    /// The store that was built for this embedding model is the one in use from now on.
    pub(crate) fn vectors_moved(&self, model: &str) -> Result<()> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        set_meta(&transaction, "embedding", model)?;
        set_meta(&transaction, "vectors_moved", "1")?;
        transaction.execute("DELETE FROM meta WHERE key = 'embedding_next'", [])?;
        transaction.commit()?;
        Ok(())
    }

    /// The watched folders, in the order they were added.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn folders(&self) -> Result<Vec<PathBuf>> {
        let connection = self.lock();
        let mut statement = connection.prepare("SELECT path FROM folders ORDER BY added, path")?;
        let folders = statement
            .query_map([], |row| Ok(path_named(&row.get::<_, String>(0)?)))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(folders)
    }

    /// Adds a folder; nothing happens when it is there already.
    pub(crate) fn add_folder(&self, path: &Path, now: i64) -> Result<()> {
        self.lock().execute(
            "INSERT OR IGNORE INTO folders VALUES (?1, ?2)",
            params![text(path), now],
        )?;
        Ok(())
    }

    /// Removes a folder; its documents are the caller's to remove.
    pub(crate) fn remove_folder(&self, path: &Path) -> Result<bool> {
        let connection = self.lock();
        for table in ["roots", "mounts"] {
            let query = format!("DELETE FROM {table} WHERE folder = ?1");
            connection.execute(&query, [text(path)])?;
        }
        let removed = connection.execute("DELETE FROM folders WHERE path = ?1", [text(path)])?;
        Ok(removed > 0)
    }

    /// Puts a file into the queue: a new row, or the old one made pending again.
    pub(crate) fn enqueue(&self, folder: &Path, files: &[FileStat]) -> Result<()> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        for file in files {
            let stem = file.path.file_stem().unwrap_or_default().to_string_lossy();
            transaction.execute(
                "INSERT INTO documents (id, path, folder, size, modified, state, title)
                 VALUES (?1, ?2, ?3, ?4, ?5, 'pending', ?6)
                 ON CONFLICT (id) DO UPDATE SET
                     folder = ?3, size = ?4, modified = ?5, state = 'pending', reason = NULL, fault = NULL",
                params![
                    DocumentId::of(&file.path).0,
                    text(&file.path),
                    text(folder),
                    integer(file.size),
                    file.modified,
                    stem,
                ],
            )?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// The newest pending documents.
    pub(crate) fn pending(&self, limit: usize) -> Result<Vec<Document>> {
        self.select(
            "WHERE state = 'pending' ORDER BY modified DESC, path LIMIT ?1",
            params![integer(limit)],
        )
    }

    /// Pending documents that are read before this one.
    pub(crate) fn pending_before(&self, document: &Document) -> Result<usize> {
        let count: i64 = self.lock().query_row(
            "SELECT count(*) FROM documents WHERE state = 'pending' AND modified > ?1",
            [document.modified],
            |row| row.get(0),
        )?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    /// Documents in the queue.
    pub(crate) fn pending_count(&self) -> Result<usize> {
        let count: i64 = self.lock().query_row(
            "SELECT count(*) FROM documents WHERE state = 'pending'",
            [],
            |row| row.get(0),
        )?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    /// The newest documents whose images could be read now.
    pub(crate) fn with_unread_images(&self, limit: usize) -> Result<Vec<Document>> {
        self.select(
            "WHERE unread_images = 1 AND state != 'pending' ORDER BY modified DESC LIMIT ?1",
            params![integer(limit)],
        )
    }

    /// From now on there is something that reads images, or there is not.
    pub(crate) fn ocr_is(&self, available: bool) -> Result<()> {
        let (from, to) = if available {
            (State::Skipped, State::AwaitsOcr)
        } else {
            (State::AwaitsOcr, State::Skipped)
        };
        self.lock().execute(
            "UPDATE documents SET state = ?2 WHERE unread_images = 1 AND state = ?1",
            [from.name(), to.name()],
        )?;
        Ok(())
    }

    /// Rewrites the file, and its second copy, without what was deleted.
    pub(crate) fn vacuum(&self) -> Result<()> {
        let connection = self.lock();
        connection.execute_batch(
            "VACUUM main; VACUUM kept; PRAGMA main.wal_checkpoint(TRUNCATE);
             PRAGMA kept.wal_checkpoint(TRUNCATE);",
        )?;
        Ok(())
    }

    /// The newest documents that wait for vectors.
    pub(crate) fn lexical(&self, limit: usize) -> Result<Vec<Document>> {
        self.select(
            "WHERE state = 'indexed-lexical' ORDER BY modified DESC, path LIMIT ?1",
            params![integer(limit)],
        )
    }

    /// Documents whose content is in the engines.
    pub(crate) fn live(&self) -> Result<Vec<Document>> {
        self.select("WHERE hash IS NOT NULL", [])
    }

    /// Documents whose file had one of these contents, or whose content in the engines has one of these hashes.
    pub(crate) fn with_contents(
        &self,
        contents: &HashSet<String>,
        hashes: &[String],
    ) -> Result<Vec<Document>> {
        if contents.is_empty() && hashes.is_empty() {
            return Ok(Vec::new());
        }
        let hashes: HashSet<&String> = hashes.iter().collect();
        let mut documents = self.select("WHERE content IS NOT NULL OR hash IS NOT NULL", [])?;
        documents.retain(|document| {
            let content = document.content.as_ref();
            let hash = document.hash.as_ref();
            content.is_some_and(|content| contents.contains(content))
                || hash.is_some_and(|hash| hashes.contains(hash))
        });
        Ok(documents)
    }

    /// All documents at or under `path`.
    pub(crate) fn under(&self, path: &Path) -> Result<Vec<Document>> {
        let path = text(path);
        let folder = path.trim_end_matches('/');
        // What begins with the folder and a slash lies between that and the folder and '0', the character after the slash.
        self.select(
            "WHERE path = ?1 OR path > ?2 AND path < ?3",
            params![path, format!("{folder}/"), format!("{folder}0")],
        )
    }

    /// One document by id.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn document(&self, id: &DocumentId) -> Result<Option<Document>> {
        Ok(self.select("WHERE id = ?1", [&id.0])?.pop())
    }

    /// Documents for people, sorted by path, and how many there are in all.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn documents(&self, filter: &DocumentFilter) -> Result<(Vec<Document>, usize)> {
        let inside = filter
            .folder
            .as_ref()
            .map(|folder| format!("{}/", text(folder).trim_end_matches('/')));
        let needle = filter.query.as_ref().map(|query| query.to_lowercase());
        let matching = "WHERE (?1 IS NULL OR state = ?1)
            AND (?2 IS NULL OR instr(lower(path), ?2) > 0 OR instr(lower(title), ?2) > 0)
            AND (?3 IS NULL OR instr(path, ?3) = 1)";
        let total: i64 = self.lock().query_row(
            &format!("SELECT count(*) FROM documents {matching}"),
            params![filter.state, needle, inside],
            |row| row.get(0),
        )?;
        let documents = self.select(
            &format!("{matching} ORDER BY path LIMIT ?4 OFFSET ?5"),
            params![
                filter.state,
                needle,
                inside,
                integer(filter.limit),
                integer(filter.offset)
            ],
        )?;
        Ok((documents, usize::try_from(total).unwrap_or_default()))
    }

    /// Documents by state, and chunks.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn counts(&self) -> Result<Counts> {
        let connection = self.lock();
        let sums = "SELECT state, stage, documents, chunks, unread_images FROM sums";
        let mut statement = connection.prepare_cached(sums)?;
        let mut counts = Counts::default();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let documents = usize::try_from(row.get::<_, i64>(2)?).unwrap_or_default();
            let chunks = usize::try_from(row.get::<_, i64>(3)?).unwrap_or_default();
            match State::parse(&row.get::<_, String>(0)?) {
                State::Pending | State::AwaitsOcr => counts.pending += documents,
                State::IndexedLexical => counts.lexical += documents,
                State::Indexed => counts.indexed += documents,
                State::Skipped => counts.skipped += documents,
                State::Failed => counts.failed += documents,
            }
            counts.chunks += chunks;
            let unread = usize::try_from(row.get::<_, i64>(4)?).unwrap_or_default();
            counts.unread_images += unread;
            if stage_of(row.get(1)?) == Stage::Lexical {
                counts.unembedded += chunks;
            }
        }
        Ok(counts)
    }

    /// After a commit of the full-text index: what became of these documents, as they were queued.
    ///
    /// A document whose file changed again meanwhile stays in the queue.
    pub(crate) fn words_committed(
        &self,
        outcomes: &[(Document, Outcome)],
        marker: &str,
        now: i64,
    ) -> Result<()> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        for (document, outcome) in outcomes {
            if let Some(content) = &document.content {
                transaction.execute(
                    "UPDATE documents SET content = ?2 WHERE id = ?1",
                    [&document.id.0, content],
                )?;
            }
            match outcome {
                Outcome::Away
                | Outcome::Unchanged
                | Outcome::NothingSeen
                | Outcome::ImagesHindered => {}
                Outcome::Indexed(indexed) => {
                    bury_old_vectors(&transaction, &document.id)?;
                    note_indexed(&transaction, &document.id, indexed, now)?;
                }
                Outcome::Rejected(..) | Outcome::Hindered(_) | Outcome::NeedsOcr(..) => {
                    bury_old_vectors(&transaction, &document.id)?;
                    transaction.execute(
                        "UPDATE documents SET stage = 0, hash = NULL, chunks = 0, notice = NULL,
                             indexed = NULL WHERE id = ?1",
                        [&document.id.0],
                    )?;
                }
            }
            note_state(&transaction, document, outcome)?;
        }
        stage_over(
            &transaction,
            outcomes.iter().map(|(document, _)| &document.id),
        )?;
        set_meta(&transaction, "lexical", marker)?;
        transaction.commit()?;
        Ok(())
    }

    /// Queues what could not be read once more: `ids`, or all documents, where that was not their own fault. Of
    /// what could be read without its images these are looked at again.
    pub(crate) fn try_again(&self, ids: Option<&[DocumentId]>) -> Result<()> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        {
            let mut statement = transaction.prepare(
                "UPDATE documents SET fault = NULL, reason = NULL,
                     unread_images = CASE state WHEN 'failed' THEN unread_images ELSE 1 END,
                     state = CASE state WHEN 'failed' THEN 'pending' ELSE state END
                 WHERE fault = 'circumstance' AND state != 'pending' AND (?1 IS NULL OR id = ?1)",
            )?;
            match ids {
                None => {
                    statement.execute([None::<&str>])?;
                }
                Some(ids) => {
                    for id in ids {
                        statement.execute([&id.0])?;
                    }
                }
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Queues every file that could not be read, whoever's fault that was.
    pub(crate) fn try_all_failed_again(&self) -> Result<()> {
        self.lock().execute(
            "UPDATE documents SET state = 'pending', fault = NULL, reason = NULL WHERE state = 'failed'",
            [],
        )?;
        self.try_again(None)
    }

    /// Puts every document back into the queue; what the engines hold stays until it is replaced.
    pub(crate) fn requeue_all(&self) -> Result<()> {
        self.lock()
            .execute("UPDATE documents SET state = 'pending'", [])?;
        Ok(())
    }

    /// Documents that are gone: their rows leave at once, their vectors leave later.
    pub(crate) fn remove(&self, ids: &[DocumentId], marker: &str) -> Result<()> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        for id in ids {
            bury_old_vectors(&transaction, id)?;
            transaction.execute("DELETE FROM documents WHERE id = ?1", [&id.0])?;
            transaction.execute("DELETE FROM under_way WHERE document = ?1", [&id.0])?;
        }
        set_meta(&transaction, "lexical", marker)?;
        transaction.commit()?;
        Ok(())
    }

    /// After a commit of the vector store: these (document, hash) pairs are complete.
    pub(crate) fn vectors_committed(
        &self,
        complete: &[(DocumentId, String)],
        marker: &str,
        now: i64,
    ) -> Result<()> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        for (id, hash) in complete {
            let current = transaction.execute(
                "UPDATE documents SET stage = 2, indexed = ?3,
                     state = CASE state WHEN 'indexed-lexical' THEN 'indexed' ELSE state END
                 WHERE id = ?1 AND hash = ?2",
                params![id.0, hash, now],
            )?;
            // A document that changed or went meanwhile leaves vectors that must go.
            let tombstone = if current > 0 {
                "DELETE FROM tombstones WHERE document = ?1"
            } else {
                "INSERT OR IGNORE INTO tombstones VALUES (?1)"
            };
            transaction.execute(tombstone, [&id.0])?;
        }
        stage_over(&transaction, complete.iter().map(|(id, _)| id))?;
        set_meta(&transaction, "vectors", marker)?;
        transaction.commit()?;
        Ok(())
    }

    /// Documents of which old vectors may be left in the store.
    pub(crate) fn tombstones(&self) -> Result<Vec<DocumentId>> {
        let connection = self.lock();
        let mut statement = connection.prepare("SELECT document FROM tombstones LIMIT 2000")?;
        let ids = statement
            .query_map([], |row| Ok(DocumentId(row.get(0)?)))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(ids)
    }

    /// Old vectors of these are in the store and have to go.
    pub(crate) fn bury(&self, ids: &[DocumentId]) -> Result<()> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        for id in ids {
            transaction.execute("INSERT OR IGNORE INTO tombstones VALUES (?1)", [&id.0])?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// The old vectors of these are gone from the store.
    pub(crate) fn buried(&self, ids: &[DocumentId], marker: &str) -> Result<()> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        for id in ids {
            transaction.execute("DELETE FROM tombstones WHERE document = ?1", [&id.0])?;
        }
        set_meta(&transaction, "vectors", marker)?;
        transaction.commit()?;
        Ok(())
    }

    /// Makes documents go through the pipeline again from `stage` on.
    pub(crate) fn redo(&self, ids: &[DocumentId], stage: Stage) -> Result<()> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        for id in ids {
            transaction.execute(
                "UPDATE documents SET
                     state = CASE state WHEN 'pending' THEN state ELSE ?2 END, stage = ?3,
                     hash = CASE ?3 WHEN 0 THEN NULL ELSE hash END,
                     chunks = CASE ?3 WHEN 0 THEN 0 ELSE chunks END
                 WHERE id = ?1",
                params![id.0, stage.state().name(), stage as i64],
            )?;
        }
        transaction.commit()?;
        Ok(())
    }

    pub(crate) fn select(
        &self,
        rest: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<Document>> {
        let connection = self.lock();
        let query = format!("{DOCUMENT} FROM documents {rest}");
        let mut statement = connection.prepare_cached(&query)?;
        let documents = statement
            .query_map(parameters, document)?
            .collect::<rusqlite::Result<_>>()?;
        Ok(documents)
    }
}

/// Makes the tables that are not there, and brings an older ledger to this format.
pub(crate) fn prepare(connection: &mut Connection, directory: &Path) -> Result<()> {
    let transaction = connection.transaction()?;
    let is_new = !transaction.table_exists(None::<&str>, "meta")?;
    transaction.execute_batch(SCHEMA)?;
    if is_new {
        set_meta(&transaction, "format", &FORMAT.to_string())?;
    }
    migrate(&transaction, directory)?;
    // As they were once written down, these kept nothing out.
    transaction.execute_batch(
        "UPDATE OR IGNORE forgotten SET path = rtrim(path, '/') WHERE path LIKE '%/';
         DELETE FROM forgotten WHERE path = '' OR path LIKE '%/';",
    )?;
    transaction.commit()?;
    Ok(())
}

/// Brings an older ledger to this format.
fn migrate(transaction: &rusqlite::Transaction, directory: &Path) -> Result<()> {
    let format = "SELECT value FROM meta WHERE key = 'format'";
    let found: String = transaction.query_row(format, [], |row| row.get(0))?;
    let found = found.parse::<i64>().unwrap_or(-1);
    let steps = usize::try_from(found - 1)
        .ok()
        .and_then(|done| MIGRATIONS.get(done..));
    let Some(steps) = steps.filter(|_| found <= FORMAT) else {
        return Err(IndexerError::Format {
            directory: directory.to_owned(),
            found,
            known: FORMAT,
        });
    };
    for step in steps {
        transaction.execute_batch(step)?;
    }
    if found < FORMAT {
        set_meta(transaction, "format", &FORMAT.to_string())?;
    }
    Ok(())
}

/// Reads every document, as it is read later.
pub(crate) fn verify_documents(connection: &Connection) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!("{DOCUMENT} FROM documents"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        document(row)?;
    }
    Ok(())
}

/// What the engines hold of a document is out of date from now on.
fn bury_old_vectors(transaction: &rusqlite::Transaction, id: &DocumentId) -> Result<()> {
    transaction.execute(
        "INSERT OR IGNORE INTO tombstones
         SELECT id FROM documents WHERE id = ?1 AND hash IS NOT NULL",
        [&id.0],
    )?;
    Ok(())
}

fn note_indexed(
    transaction: &rusqlite::Transaction,
    id: &DocumentId,
    indexed: &Indexed,
    now: i64,
) -> Result<()> {
    transaction.execute(
        "UPDATE documents SET
             stage = CASE WHEN ?3 = 0 THEN 2 ELSE 1 END, hash = ?2, chunks = ?3,
             title = coalesce(?4, title), tags = ?5, language = ?6, extractor = ?7,
             milliseconds = ?8, notice = ?9, indexed = ?10, links = ?11, unread_images = ?12
         WHERE id = ?1",
        params![
            id.0,
            indexed.hash,
            integer(indexed.chunks),
            indexed.title,
            serde_json::to_string(&indexed.tags).unwrap_or_default(),
            indexed.language,
            indexed.extractor,
            integer(indexed.milliseconds),
            indexed.notice,
            now,
            serde_json::to_string(&indexed.links).unwrap_or_default(),
            indexed.unread_images,
        ],
    )?;
    Ok(())
}

/// The new state, unless the file changed since it was queued.
fn note_state(
    transaction: &rusqlite::Transaction,
    queued: &Document,
    outcome: &Outcome,
) -> Result<()> {
    if matches!(outcome, Outcome::Away) {
        return note_away(transaction, queued);
    }
    let (state, reason, unread_images) = match outcome {
        Outcome::Rejected(state, reason) => (Some(*state), Some(reason), Some(false)),
        Outcome::Hindered(reason) => (Some(State::Failed), Some(reason), Some(false)),
        Outcome::NeedsOcr(state, reason) => (Some(*state), Some(reason), Some(true)),
        Outcome::NothingSeen | Outcome::ImagesHindered => (None, None, Some(false)),
        Outcome::Away | Outcome::Unchanged | Outcome::Indexed(_) => (None, None, None),
    };
    let fault = match outcome {
        Outcome::Rejected(State::Failed, _) => Some(Fault::Own),
        Outcome::Hindered(_) | Outcome::ImagesHindered => Some(Fault::Circumstance),
        _ => None,
    };
    transaction.execute(
        "UPDATE documents SET reason = ?3, unread_images = coalesce(?6, unread_images), fault = ?7,
             state = coalesce(?2,
             CASE stage WHEN 2 THEN 'indexed' WHEN 1 THEN 'indexed-lexical' ELSE 'pending' END)
         WHERE id = ?1 AND size = ?4 AND modified = ?5",
        params![
            queued.id.0,
            state.map(State::name),
            reason,
            integer(queued.size),
            queued.modified,
            unread_images,
            fault.map(Fault::name)
        ],
    )?;
    Ok(())
}

/// The state it had, and a time that is not its file's: so it is read when its folder is there again.
fn note_away(transaction: &rusqlite::Transaction, queued: &Document) -> Result<()> {
    transaction.execute(
        "UPDATE documents SET modified = 0,
             reason = CASE stage WHEN 0 THEN ?2 ELSE NULL END,
             fault = CASE stage WHEN 0 THEN ?3 ELSE NULL END,
             state = CASE stage WHEN 2 THEN 'indexed' WHEN 1 THEN 'indexed-lexical' ELSE 'failed' END
         WHERE id = ?1",
        params![
            queued.id.0,
            format!("{UNREADABLE}: its folder cannot be reached now"),
            Fault::Circumstance.name()
        ],
    )?;
    Ok(())
}

pub(crate) fn set_meta(connection: &Connection, key: &str, value: &str) -> Result<()> {
    connection.execute(
        "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
        [key, value],
    )?;
    Ok(())
}

fn document(row: &Row) -> rusqlite::Result<Document> {
    let number = |column: usize| -> rusqlite::Result<Option<u64>> {
        let value: Option<i64> = row.get(column)?;
        Ok(value.and_then(|value| u64::try_from(value).ok()))
    };
    Ok(Document {
        id: DocumentId(row.get(0)?),
        path: path_named(&row.get::<_, String>(1)?),
        folder: path_named(&row.get::<_, String>(2)?),
        size: number(3)?.unwrap_or_default(),
        modified: row.get(4)?,
        state: State::parse(&row.get::<_, String>(5)?),
        reason: row.get(6)?,
        stage: stage_of(row.get(7)?),
        hash: row.get(8)?,
        chunks: usize::try_from(number(9)?.unwrap_or_default()).unwrap_or_default(),
        title: row.get::<_, Option<String>>(10)?.unwrap_or_default(),
        tags: serde_json::from_str(&row.get::<_, String>(11)?).unwrap_or_default(),
        language: row.get(12)?,
        extractor: row.get(13)?,
        milliseconds: number(14)?,
        indexed: row.get(15)?,
        notice: row.get(16)?,
        content: row.get(17)?,
        fault: row
            .get::<_, Option<String>>(18)?
            .and_then(|name| Fault::parse(&name)),
    })
}

fn stage_of(number: i64) -> Stage {
    match number {
        2 => Stage::Full,
        1 => Stage::Lexical,
        _ => Stage::None,
    }
}

/// A path as it is written within a JSON string.
pub(crate) fn in_json(path: &Path) -> String {
    within_json(&text(path))
}

/// A text as it is written within a JSON string.
pub(crate) fn within_json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    let inside = quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inside.unwrap_or_default().to_owned()
}

pub(crate) fn text(path: &Path) -> String {
    path_text(path).into_owned()
}

/// `SQLite` has signed integers only; nothing counted here comes near their limit.
fn integer<T: TryInto<i64>>(value: T) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> (tempfile::TempDir, Ledger) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let ledger = Ledger::open(directory.path()).expect("opens");
        (directory, ledger)
    }

    fn file(path: &str, modified: i64) -> FileStat {
        FileStat {
            path: path.into(),
            size: 10,
            modified,
        }
    }

    fn enqueue(ledger: &Ledger, path: &str, modified: i64) {
        ledger
            .enqueue(Path::new("/n"), &[file(path, modified)])
            .expect("enqueues");
    }

    /// What the pipeline does once it has read the newest document.
    fn read_newest(ledger: &Ledger, hash: &str) -> Document {
        let queued = ledger.pending(1).expect("pending").remove(0);
        commit(ledger, &queued, hash);
        queued
    }

    fn commit(ledger: &Ledger, queued: &Document, hash: &str) {
        let indexed = Indexed {
            hash: hash.to_owned(),
            chunks: 2,
            ..Indexed::default()
        };
        ledger
            .words_committed(&[(queued.clone(), Outcome::Indexed(indexed))], "1", 0)
            .expect("commits");
    }

    fn only(ledger: &Ledger) -> Document {
        let filter = DocumentFilter {
            limit: 10,
            ..DocumentFilter::default()
        };
        let (mut documents, total) = ledger.documents(&filter).expect("lists");
        assert_eq!(total, 1);
        documents.remove(0)
    }

    #[test]
    fn newest_documents_come_first() {
        let (_directory, ledger) = ledger();
        let files = [file("/n/old.md", 1), file("/n/new.md", 2)];
        ledger.enqueue(Path::new("/n"), &files).expect("enqueues");
        let pending = ledger.pending(9).expect("pending");
        assert_eq!(pending[0].path, Path::new("/n/new.md"));
        assert_eq!(pending.len(), 2);
    }

    #[test]
    fn a_burst_of_saves_is_one_job() {
        let (_directory, ledger) = ledger();
        for modified in 0..5 {
            ledger
                .enqueue(Path::new("/n"), &[file("/n/a.md", modified)])
                .expect("enqueues");
        }
        assert_eq!(ledger.pending(9).expect("pending").len(), 1);
    }

    #[test]
    fn a_document_is_indexed_only_after_both_commits() {
        let (_directory, ledger) = ledger();
        enqueue(&ledger, "/n/a.md", 1);
        let id = read_newest(&ledger, "h1").id;
        assert_eq!(only(&ledger).state, State::IndexedLexical);
        // Vectors of another version of the content complete nothing, and have to go again.
        ledger
            .vectors_committed(&[(id.clone(), "h0".to_owned())], "1", 0)
            .expect("commits");
        assert_eq!(only(&ledger).state, State::IndexedLexical);
        assert_eq!(
            ledger.tombstones().expect("tombstones"),
            std::slice::from_ref(&id)
        );
        ledger
            .vectors_committed(&[(id, "h1".to_owned())], "2", 0)
            .expect("commits");
        assert_eq!(only(&ledger).state, State::Indexed);
        assert_eq!(ledger.meta("vectors").expect("meta").as_deref(), Some("2"));
        assert_eq!(ledger.tombstones().expect("tombstones"), []);
    }

    #[test]
    fn a_touched_file_goes_back_to_the_state_it_had() {
        let (_directory, ledger) = ledger();
        enqueue(&ledger, "/n/a.md", 1);
        read_newest(&ledger, "h1");
        enqueue(&ledger, "/n/a.md", 2);
        let queued = only(&ledger);
        assert_eq!(queued.state, State::Pending);
        ledger
            .words_committed(&[(queued, Outcome::Unchanged)], "1", 0)
            .expect("goes back");
        assert_eq!(only(&ledger).state, State::IndexedLexical);
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_stays_in_the_queue() {
        let (_directory, ledger) = ledger();
        enqueue(&ledger, "/n/a.md", 1);
        let queued = ledger.pending(1).expect("pending").remove(0);
        enqueue(&ledger, "/n/a.md", 2);
        commit(&ledger, &queued, "h1");
        assert_eq!(only(&ledger).state, State::Pending);
        assert_eq!(only(&ledger).hash.as_deref(), Some("h1"));
    }

    #[test]
    fn a_document_that_can_no_longer_be_read_leaves_the_engines() {
        let (_directory, ledger) = ledger();
        enqueue(&ledger, "/n/a.md", 1);
        let queued = read_newest(&ledger, "h1");
        let outcome = Outcome::Rejected(State::Failed, "why".to_owned());
        ledger
            .words_committed(&[(queued.clone(), outcome)], "2", 0)
            .expect("commits");
        let document = only(&ledger);
        assert_eq!(document.state, State::Failed);
        assert_eq!(document.reason.as_deref(), Some("why"));
        assert_eq!((document.hash, document.chunks), (None, 0));
        assert_eq!(ledger.tombstones().expect("tombstones"), [queued.id]);
    }

    #[test]
    fn what_failed_by_no_fault_of_its_own_is_queued_again_and_nothing_else() {
        let (_directory, ledger) = ledger();
        let outcomes = [
            Outcome::Rejected(State::Failed, "its own".to_owned()),
            Outcome::Hindered("killed".to_owned()),
            Outcome::Rejected(State::Skipped, "no file".to_owned()),
        ];
        for (name, outcome) in ["/n/own.md", "/n/killed.md", "/n/skipped.md"]
            .iter()
            .zip(outcomes)
        {
            enqueue(&ledger, name, 1);
            let queued = ledger.pending(1).expect("pending").remove(0);
            ledger
                .words_committed(&[(queued, outcome)], "1", 0)
                .expect("commits");
        }
        let waiting = || -> Vec<PathBuf> {
            let pending = ledger.pending(9).expect("pending").into_iter();
            pending.map(|document| document.path).collect()
        };
        let killed = DocumentId::of(Path::new("/n/killed.md"));
        let row = ledger.document(&killed).expect("reads").expect("a row");
        assert_eq!(row.fault, Some(Fault::Circumstance));
        let own = DocumentId::of(Path::new("/n/own.md"));
        ledger.try_again(Some(&[own])).expect("queues");
        assert_eq!(waiting(), [] as [PathBuf; 0]);
        ledger.try_again(Some(&[killed])).expect("queues");
        assert_eq!(waiting(), [PathBuf::from("/n/killed.md")]);
        ledger.try_all_failed_again().expect("queues");
        assert_eq!(waiting(), ["/n/killed.md", "/n/own.md"].map(PathBuf::from));
    }

    #[test]
    fn what_is_let_in_again_is_queued_in_the_same_moment() {
        let (_directory, ledger) = ledger();
        enqueue(&ledger, "/n/a/b.md", 1);
        let (folder, path) = (Path::new("/n/a"), Path::new("/n/a/b.md"));
        ledger.forget_path(folder, &[]).expect("forgets");
        let left_out = Outcome::Rejected(State::Skipped, "forgotten".to_owned());
        ledger
            .words_committed(&[(only(&ledger), left_out)], "1", 0)
            .expect("commits");
        assert_eq!(ledger.pending_count().expect("counts"), 0);
        assert!(ledger.forgotten_as(path, None).expect("reads").is_some());
        ledger.unforget(folder, &HashSet::new()).expect("lets in");
        assert_eq!(ledger.pending_count().expect("counts"), 1);
        assert!(ledger.forgotten_as(path, None).expect("reads").is_none());
    }

    #[test]
    fn images_that_could_not_be_looked_at_are_looked_at_again() {
        let (directory, ledger) = ledger();
        enqueue(&ledger, "/n/a.pdf", 1);
        let queued = ledger.pending(1).expect("pending").remove(0);
        let indexed = Indexed {
            hash: "h1".to_owned(),
            chunks: 2,
            unread_images: true,
            ..Indexed::default()
        };
        ledger
            .words_committed(&[(queued.clone(), Outcome::Indexed(indexed))], "1", 0)
            .expect("commits");
        ledger
            .words_committed(&[(queued, Outcome::ImagesHindered)], "2", 0)
            .expect("commits");
        assert_eq!(ledger.with_unread_images(9).expect("selects"), []);
        assert_eq!(only(&ledger).state, State::IndexedLexical);
        ledger.try_again(None).expect("queues");
        assert_eq!(ledger.with_unread_images(9).expect("selects").len(), 1);
        assert_eq!(only(&ledger).state, State::IndexedLexical);
        let kept = ledger.counts().expect("counts");
        drop(ledger);
        assert_counted(&directory, &kept);
    }

    #[test]
    fn a_removed_document_leaves_a_tombstone_for_its_vectors() {
        let (_directory, ledger) = ledger();
        enqueue(&ledger, "/n/a.md", 1);
        let id = read_newest(&ledger, "h1").id;
        ledger
            .remove(std::slice::from_ref(&id), "2")
            .expect("removes");
        assert_eq!(
            ledger.tombstones().expect("tombstones"),
            std::slice::from_ref(&id)
        );
        ledger.buried(&[id], "3").expect("buries");
        assert_eq!(ledger.tombstones().expect("tombstones"), []);
    }

    /// Counting the documents anew gives the sums that were kept.
    #[track_caller]
    fn assert_counted(directory: &tempfile::TempDir, kept: &Counts) {
        let counted = Ledger::open(directory.path()).expect("opens");
        assert_eq!(counted.counts().expect("counts"), *kept);
    }

    #[test]
    fn the_sums_are_those_of_the_documents() {
        let (directory, ledger) = ledger();
        let files: Vec<FileStat> = (0..9).map(|n| file(&format!("/n/{n}.md"), n)).collect();
        ledger.enqueue(Path::new("/n"), &files).expect("enqueues");
        let ids: Vec<DocumentId> = (0..6).map(|_| read_newest(&ledger, "h1").id).collect();
        let complete = |id: &DocumentId| (id.clone(), "h1".to_owned());
        let complete: Vec<_> = ids[..4].iter().map(complete).collect();
        ledger
            .vectors_committed(&complete, "1", 0)
            .expect("commits");
        ledger.remove(&ids[..1], "2").expect("removes");
        ledger.redo(&ids[1..2], Stage::None).expect("queues again");
        ledger
            .enqueue(Path::new("/n"), &files[4..5])
            .expect("queues again");
        let queued = ledger.pending(1).expect("pending").remove(0);
        let outcome = Outcome::Rejected(State::Failed, "why".to_owned());
        ledger
            .words_committed(&[(queued, outcome)], "3", 0)
            .expect("commits");
        let kept = ledger.counts().expect("counts");
        assert_eq!(
            (kept.indexed, kept.lexical, kept.pending, kept.failed),
            (2, 1, 4, 1)
        );
        assert_eq!((kept.chunks, kept.unembedded), (8, 4));
        drop(ledger);
        assert_counted(&directory, &kept);
    }

    #[test]
    fn unread_images_are_counted_until_they_are_looked_at() {
        let (directory, ledger) = ledger();
        for (place, name) in ["/n/a.png", "/n/b.png", "/n/c.png"].into_iter().enumerate() {
            enqueue(&ledger, name, i64::try_from(place).expect("small"));
            let queued = ledger.pending(1).expect("pending").remove(0);
            let outcome = Outcome::NeedsOcr(State::Skipped, "image: needs OCR".to_owned());
            ledger
                .words_committed(&[(queued, outcome)], "1", 0)
                .expect("commits");
        }
        ledger.ocr_is(true).expect("changes");
        let unread = ledger.with_unread_images(9).expect("selects");
        let outcome = Outcome::Rejected(State::Skipped, "no text".to_owned());
        ledger
            .words_committed(&[(unread[0].clone(), outcome)], "2", 0)
            .expect("commits");
        ledger
            .remove(std::slice::from_ref(&unread[1].id), "3")
            .expect("removes");
        let kept = ledger.counts().expect("counts");
        assert_eq!((kept.unread_images, kept.pending, kept.skipped), (1, 1, 1));
        drop(ledger);
        assert_counted(&directory, &kept);
    }

    #[test]
    fn under_does_not_take_a_sibling_for_a_child() {
        let (_directory, ledger) = ledger();
        let files = [
            file("/n/ab/x.md", 1),
            file("/n/a/x.md", 1),
            file("/n/a/é/x.md", 1),
            file("/n/a.md", 1),
            file("/n/a0.md", 1),
            file("/n/a!/x.md", 1),
        ];
        ledger.enqueue(Path::new("/n"), &files).expect("enqueues");
        let under = |path: &str| -> Vec<PathBuf> {
            let documents = ledger.under(Path::new(path)).expect("selects").into_iter();
            let mut paths: Vec<PathBuf> = documents.map(|document| document.path).collect();
            paths.sort();
            paths
        };
        let inside = ["/n/a/x.md", "/n/a/é/x.md"].map(PathBuf::from);
        assert_eq!(under("/n/a"), inside);
        assert_eq!(under("/n/a/"), inside);
        assert_eq!(under("/n/a.md"), [PathBuf::from("/n/a.md")]);
        assert_eq!(under("/n").len(), files.len());
        assert_eq!(under("/").len(), files.len());
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_unicode_have_rows_of_their_own() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;

        let (_directory, ledger) = ledger();
        let names = [
            &b"/n/bad\xff/a.md"[..],
            b"/n/bad\xfe/a.md",
            b"/n/bad\xef\xbf\xbd/a.md",
        ];
        let paths = names.map(|name| PathBuf::from(OsStr::from_bytes(name)));
        let files = paths.clone().map(|path| FileStat {
            path,
            size: 1,
            modified: 1,
        });
        ledger.enqueue(Path::new("/n"), &files).expect("enqueues");
        for path in &paths {
            let document = ledger.document(&DocumentId::of(path)).expect("reads");
            assert_eq!(&document.expect("a row").path, path);
            let folder = path.parent().expect("a parent");
            let under = ledger.under(folder).expect("selects");
            let under: Vec<_> = under.iter().map(|document| &document.path).collect();
            assert_eq!(under, [path]);
        }
        let kept_out = paths[0].parent().expect("a parent");
        ledger.forget_path(kept_out, &[]).expect("forgets");
        let is_forgotten =
            |path: &PathBuf| ledger.forgotten_as(path, None).expect("reads").is_some();
        let forgotten = paths.each_ref().map(is_forgotten);
        assert_eq!(forgotten, [true, false, false]);
    }

    #[test]
    fn an_older_ledger_is_brought_up_to_date() {
        let (directory, ledger) = ledger();
        enqueue(&ledger, "/n/a.md", 1);
        let older = "DROP INDEX documents_with_images; ALTER TABLE documents DROP COLUMN unread_images;
            ALTER TABLE documents DROP COLUMN content; DROP TABLE forgotten_contents; DROP TABLE roots;
            ALTER TABLE documents DROP COLUMN fault;
            ALTER TABLE documents DROP COLUMN links; UPDATE meta SET value = '1' WHERE key = 'format';";
        drop(ledger);
        let file = Connection::open(directory.path().join("ledger.sqlite3")).expect("opens");
        file.execute_batch(older).expect("as it was");
        drop(file);
        for _ in 0..2 {
            let ledger = Ledger::open(directory.path()).expect("opens");
            read_newest(&ledger, "h1");
            assert_eq!(only(&ledger).hash.as_deref(), Some("h1"));
            enqueue(&ledger, "/n/a.md", 2);
        }
    }

    #[test]
    fn a_newer_format_is_refused() {
        let (directory, ledger) = ledger();
        ledger.set_meta("format", "99").expect("sets");
        drop(ledger);
        assert!(matches!(
            Ledger::open(directory.path()),
            Err(IndexerError::Format { found: 99, .. })
        ));
    }
}
