//! The pipeline: pending documents → words committed → vectors committed.
//!
//! Two tasks. The first reads files and commits their words, so that a folder can be searched within
//! seconds; the second fills in vectors behind it. Each is the only writer of its engine, and each
//! tells the ledger only after its engine has committed.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vade_models::embedding::TextKind;

use crate::chunk::chunk;
use crate::error::{IndexerError, Result};
use crate::extract::{Extracted, Rejection, extract};
use crate::index::{Index, Inner, lock, now};
use crate::ledger::{Document, DocumentId, Indexed, Outcome, State, digest};
use crate::lexical::ChunkRow;
use crate::scan::UNREADABLE;
use crate::vectors::VectorRow;
use crate::watch::{Change, Watch};

/// A commit of words is made when this many documents wait for it,
const COMMIT_DOCUMENTS: usize = 256;
/// or this much text (bytes),
const COMMIT_BYTES: usize = 4 << 20;
/// or when the first of them has waited this long.
const COMMIT_AFTER: Duration = Duration::from_millis(250);
/// A commit of vectors is made when this many chunks wait for it.
const COMMIT_CHUNKS: usize = 256;
/// Chunks embedded in one request to the embedder, which questions can overtake.
const EMBED_SLICE: usize = 4;
/// With more documents than this in the queue, words come before vectors.
const BACKLOG: usize = 32;
/// The vector store is compacted after this many commits.
const COMPACT_EVERY: usize = 64;
/// Folders that cannot be watched, or could not be reached, are scanned again after this.
const RESCAN: Duration = Duration::from_secs(30);

/// How far indexing has got.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// Whether anything is waiting or under way.
    pub active: bool,
    /// Documents read since the queue was last empty.
    pub done: usize,
    /// Documents waiting to be read.
    pub waiting: usize,
    /// Chunks embedded since nothing was last waiting.
    pub embedded: usize,
    /// Chunks waiting for their vector.
    pub to_embed: usize,
    /// Seconds until all is done at the rate so far; none while that cannot be told.
    pub eta_seconds: Option<f64>,
    /// The document that was read last.
    pub current: Option<PathBuf>,
    /// What keeps indexing from going on, such as a full disk.
    pub trouble: Option<String>,
    /// When the present burst of embedding began.
    embedding_since: Option<Instant>,
}

impl Index {
    /// Starts the tasks that index and watch, until `token` is cancelled.
    pub fn start(&self, tracker: &TaskTracker, token: &CancellationToken) {
        tracker.spawn(words(Arc::clone(&self.inner), token.clone()));
        tracker.spawn(vectors(Arc::clone(&self.inner), token.clone()));
    }

    /// Starts watching the folders for changes, until `token` is cancelled.
    pub fn watch(&self, tracker: &TaskTracker, token: &CancellationToken) {
        tracker.spawn(watching(Arc::clone(&self.inner), token.clone()));
    }

    /// Whether everything is indexed, and what is gone has left the engines.
    fn is_settled(&self) -> Result<bool> {
        let ledger = &self.inner.ledger;
        let counts = ledger.counts()?;
        Ok(counts.pending == 0 && counts.lexical == 0 && ledger.tombstones()?.is_empty())
    }

    /// Waits until everything in the queue is indexed, and what is gone has left the engines.
    ///
    /// # Errors
    /// What keeps indexing from going on, once it has been tried.
    pub async fn settle(&self) -> std::result::Result<(), String> {
        let mut progress = self.progress();
        self.inner.words_wake.notify_one();
        self.inner.vectors_wake.notify_one();
        loop {
            let state = progress.borrow_and_update().clone();
            if let Some(trouble) = state.trouble {
                return Err(trouble);
            }
            if self.is_settled().map_err(|error| error.to_string())? {
                return Ok(());
            }
            let _ = tokio::time::timeout(Duration::from_millis(200), progress.changed()).await;
        }
    }
}

impl Inner {
    /// Tells everybody how far indexing has got.
    pub(crate) fn report_progress(&self) {
        let Ok(counts) = self.ledger.counts() else {
            return;
        };
        self.progress.send_modify(|progress| {
            progress.waiting = counts.pending;
            progress.to_embed = counts.unembedded;
            progress.active = counts.pending > 0 || counts.lexical > 0;
            if !progress.active {
                progress.done = 0;
                progress.embedded = 0;
                progress.embedding_since = None;
                progress.current = None;
            }
            progress.eta_seconds = progress.embedding_since.and_then(|since| {
                #[expect(clippy::cast_precision_loss, reason = "an estimate")]
                let (embedded, left) = (progress.embedded as f64, counts.unembedded as f64);
                (embedded >= 16.0).then(|| since.elapsed().as_secs_f64() / embedded * left)
            });
        });
    }

    fn trouble(&self, error: &IndexerError) {
        tracing::error!(%error, "indexing is held up");
        self.progress
            .send_modify(|progress| progress.trouble = Some(error.to_string()));
    }

    fn no_trouble(&self) {
        self.progress
            .send_if_modified(|progress| progress.trouble.take().is_some());
    }
}

/// A document that was read, not committed yet.
struct Read {
    document: Document,
    outcome: Outcome,
    rows: Vec<ChunkRow>,
    gone: bool,
}

/// Reads pending documents and commits their words.
async fn words(index: Arc<Inner>, token: CancellationToken) {
    let parallel = std::thread::available_parallelism()
        .map_or(2, std::num::NonZero::get)
        .min(8);
    let mut reading: JoinSet<Read> = JoinSet::new();
    let mut under_way: HashSet<DocumentId> = HashSet::new();
    let mut queue: Vec<Document> = Vec::new();
    let mut ready: Vec<Read> = Vec::new();
    let mut since: Option<Instant> = None;
    loop {
        if let Err(error) = fill(&index, &mut queue, &mut reading, &mut under_way, parallel) {
            index.trouble(&error);
        }
        let bytes: usize = ready
            .iter()
            .flat_map(|read| &read.rows)
            .map(|row| row.text.len())
            .sum();
        let waited = since.is_some_and(|since| since.elapsed() >= COMMIT_AFTER);
        let full = ready.len() >= COMMIT_DOCUMENTS || bytes >= COMMIT_BYTES;
        if !ready.is_empty() && (full || waited || reading.is_empty()) {
            since = None;
            let batch = std::mem::take(&mut ready);
            for read in &batch {
                under_way.remove(&read.document.id);
            }
            match commit_words(&index, batch).await {
                Ok(()) => index.no_trouble(),
                Err(error) => {
                    index.trouble(&error);
                    if pause(&token, Duration::from_secs(2)).await.is_break() {
                        return;
                    }
                }
            }
            continue;
        }
        let deadline = since.map_or(Duration::from_secs(3600), |since| {
            COMMIT_AFTER.saturating_sub(since.elapsed())
        });
        tokio::select! {
            () = token.cancelled() => return,
            () = index.words_wake.notified() => queue.clear(),
            () = tokio::time::sleep(deadline), if since.is_some() => {}
            Some(read) = reading.join_next(), if !reading.is_empty() => {
                if let Ok(read) = read {
                    since.get_or_insert_with(Instant::now);
                    ready.push(read);
                }
            }
        }
    }
}

async fn pause(token: &CancellationToken, time: Duration) -> std::ops::ControlFlow<()> {
    tokio::select! {
        () = token.cancelled() => std::ops::ControlFlow::Break(()),
        () = tokio::time::sleep(time) => std::ops::ControlFlow::Continue(()),
    }
}

/// Keeps `parallel` documents being read, the newest first.
fn fill(
    index: &Arc<Inner>,
    queue: &mut Vec<Document>,
    reading: &mut JoinSet<Read>,
    under_way: &mut HashSet<DocumentId>,
    parallel: usize,
) -> Result<()> {
    while reading.len() < parallel {
        if queue.is_empty() {
            let mut pending = index.ledger.pending(64 + under_way.len())?;
            pending.retain(|document| !under_way.contains(&document.id));
            pending.reverse();
            *queue = pending;
        }
        let Some(document) = queue.pop() else {
            return Ok(());
        };
        under_way.insert(document.id.clone());
        let index = Arc::clone(index);
        reading.spawn_blocking(move || read_document(&index, document));
    }
    Ok(())
}

/// Reads one file: hash, extract, chunk. Whatever goes wrong is that document's outcome.
fn read_document(index: &Inner, document: Document) -> Read {
    let started = Instant::now();
    let mut read = Read {
        outcome: Outcome::Unchanged,
        rows: Vec::new(),
        gone: false,
        document,
    };
    let bytes = match read_file(&read.document.path, index.limits.max_file_bytes) {
        Ok(bytes) => bytes,
        Err(FileError::Gone) => {
            read.gone = true;
            return read;
        }
        Err(FileError::Rejected(state, reason)) => {
            read.outcome = Outcome::Rejected(state, reason);
            return read;
        }
    };
    let hash = digest(&[index.fingerprint.as_bytes(), &digest(&bytes).into_bytes()].concat());
    if read.document.hash.as_ref() == Some(&hash) {
        return read;
    }
    match extract(&read.document.path, &bytes, &index.limits) {
        Ok(extracted) => {
            read.rows = rows(&read.document, &hash, &extracted, &index.chunks);
            read.outcome = Outcome::Indexed(Indexed {
                hash,
                chunks: read.rows.len(),
                title: extracted.title,
                tags: extracted.tags,
                language: extracted.language.map(str::to_owned),
                extractor: extracted.extractor.to_owned(),
                milliseconds: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
                notice: extracted.notice,
            });
        }
        Err(Rejection::Skipped(reason)) => {
            read.outcome = Outcome::Rejected(State::Skipped, reason);
        }
        Err(Rejection::Failed(reason)) => {
            read.outcome = Outcome::Rejected(State::Failed, reason);
        }
    }
    read
}

enum FileError {
    Gone,
    Rejected(State, String),
}

/// The bytes of a regular file of reasonable size.
fn read_file(path: &Path, max_bytes: u64) -> std::result::Result<Vec<u8>, FileError> {
    let skipped = |reason: &str| FileError::Rejected(State::Skipped, reason.to_owned());
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => FileError::Gone,
        std::io::ErrorKind::PermissionDenied => {
            FileError::Rejected(State::Failed, format!("{UNREADABLE}: permission denied"))
        }
        _ => FileError::Rejected(State::Failed, format!("{UNREADABLE}: {error}")),
    };
    if path.to_string_lossy().contains('\u{fffd}') && !path.exists() {
        return Err(skipped("its name is not valid Unicode: rename it"));
    }
    let metadata = std::fs::symlink_metadata(path).map_err(failed)?;
    if metadata.is_symlink() {
        return Err(skipped(
            "a symbolic link: what it points to is indexed where it lies",
        ));
    }
    if metadata.is_dir() {
        return match std::fs::read_dir(path) {
            Ok(_) => Err(FileError::Gone),
            Err(error) => Err(failed(error)),
        };
    }
    if !metadata.is_file() {
        return Err(skipped("not a regular file"));
    }
    if metadata.len() > max_bytes {
        return Err(skipped(&format!("larger than {} MiB", max_bytes >> 20)));
    }
    std::fs::read(path).map_err(failed)
}

/// The chunks of a document as they go into the engines.
fn rows(
    document: &Document,
    hash: &str,
    extracted: &Extracted,
    settings: &crate::chunk::ChunkSettings,
) -> Vec<ChunkRow> {
    let chunks = chunk(extracted, settings);
    let stem = document
        .path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy();
    let names = [
        &[extracted.title.as_deref().unwrap_or_default(), &stem][..],
        &extracted
            .aliases
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>(),
        &extracted
            .tags
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>(),
    ]
    .concat()
    .join(" ");
    let text = &extracted.text;
    (0..chunks.len())
        .map(|place| {
            let chunk = &chunks[place];
            let next = chunks.get(place + 1).map_or(chunk.end, |next| next.start);
            let own = &text[chunk.start..chunk.end];
            ChunkRow {
                document: document.id.clone(),
                hash: hash.to_owned(),
                ordinal: u32::try_from(place).unwrap_or(u32::MAX),
                span: chunk.start..chunk.end,
                page: chunk.page,
                heading: chunk.heading_path.clone(),
                text: own.to_owned(),
                gap: text[chunk.end..next.max(chunk.end)].to_owned(),
                context: format!("{names} {}", chunk.heading_path.join(" ")),
                lead: lead(extracted.title.as_deref(), &chunk.heading_path, own),
                language: extracted.language.map(str::to_owned),
            }
        })
        .collect()
}

/// Title and headings that the chunk does not say itself: a passage is about what it stands under.
fn lead(title: Option<&str>, heading_path: &[String], text: &str) -> String {
    let opening = &text[..text.floor_char_boundary(200)];
    let mut lead: Vec<&str> = Vec::new();
    for name in title
        .into_iter()
        .chain(heading_path.iter().map(String::as_str))
    {
        if !opening.contains(name) && !lead.contains(&name) {
            lead.push(name);
        }
    }
    lead.join(" > ")
}

async fn commit_words(index: &Inner, batch: Vec<Read>) -> Result<()> {
    let _writer = index.words_writer.lock().await;
    let (mut replaced, mut rows, mut outcomes, mut gone) = (vec![], vec![], vec![], vec![]);
    let count = batch.len();
    for read in batch {
        // Removed from the ledger while it was being read: it must not come back.
        if index.ledger.document(&read.document.id)?.is_none() {
            continue;
        }
        if read.gone {
            gone.push(read.document.id);
            continue;
        }
        if !matches!(read.outcome, Outcome::Unchanged) {
            replaced.push(read.document.id.clone());
        }
        rows.extend(read.rows);
        outcomes.push((read.document, read.outcome));
    }
    replaced.extend(gone.iter().cloned());
    let marker = if replaced.is_empty() {
        index.lexical.marker()?
    } else {
        let marker = index.next_marker()?;
        tokio::task::block_in_place(|| index.lexical.commit(&replaced, &rows, &marker))?;
        marker
    };
    index.ledger.words_committed(&outcomes, &marker, now())?;
    index.ledger.remove(&gone, &marker)?;
    let ids = outcomes.iter().map(|(document, _)| &document.id);
    index.refresh_live(ids.chain(&gone))?;
    index.progress.send_modify(|progress| {
        progress.done += count;
        progress.current = outcomes.last().map(|(document, _)| document.path.clone());
    });
    index.report_progress();
    index.vectors_wake.notify_one();
    Ok(())
}

/// Fills in vectors, and tidies the vector store when there is nothing to fill in.
async fn vectors(index: Arc<Inner>, token: CancellationToken) {
    let mut commits = 0;
    loop {
        let round = tokio::select! {
            () = token.cancelled() => return,
            round = round_of_vectors(&index, &mut commits) => round,
        };
        match round {
            Ok(true) => index.no_trouble(),
            Ok(false) => {
                index.report_progress();
                tokio::select! {
                    () = token.cancelled() => return,
                    () = index.vectors_wake.notified() => {}
                }
            }
            Err(error) => {
                index.trouble(&error);
                if pause(&token, Duration::from_secs(2)).await.is_break() {
                    return;
                }
            }
        }
    }
}

/// One round; false when there was nothing to do.
async fn round_of_vectors(index: &Inner, commits: &mut usize) -> Result<bool> {
    let counts = index.ledger.counts()?;
    if counts.pending > BACKLOG {
        // Words first: look again when the next batch of them is in.
        let _ = tokio::time::timeout(Duration::from_secs(1), index.vectors_wake.notified()).await;
        return Ok(true);
    }
    let documents = index.ledger.lexical(64)?;
    if !documents.is_empty() {
        fill_in(index, documents, commits).await?;
        return Ok(true);
    }
    if counts.pending > 0 {
        return Ok(false);
    }
    let tombstones = index.ledger.tombstones()?;
    if !tombstones.is_empty() {
        index.vectors.delete(&tombstones).await?;
        index
            .ledger
            .buried(&tombstones, &index.vectors.marker().await?)?;
        *commits += 1;
        return Ok(true);
    }
    if *commits > 0 {
        *commits = 0;
        let marker = index.vectors.compact().await?;
        index.ledger.vectors_committed(&[], &marker, now())?;
    }
    Ok(false)
}

/// Rows that wait for a commit, and what the commit will complete.
#[derive(Default)]
struct Waiting {
    rows: Vec<VectorRow>,
    replaced: Vec<DocumentId>,
    complete: Vec<(DocumentId, String)>,
}

async fn fill_in(index: &Inner, documents: Vec<Document>, commits: &mut usize) -> Result<()> {
    let mut waiting = Waiting::default();
    for document in documents {
        let Some(hash) = document.hash.clone() else {
            continue;
        };
        let document = Arc::new(document);
        let chunks = index.lexical.chunks(&document.id)?;
        waiting.replaced.push(document.id.clone());
        let chunks: Vec<ChunkRow> = chunks
            .into_iter()
            .filter(|chunk| chunk.hash == hash)
            .collect();
        for part in chunks.chunks(COMMIT_CHUNKS) {
            waiting.rows.extend(embed(index, &document, part).await?);
            if waiting.rows.len() >= COMMIT_CHUNKS {
                commit_vectors(index, &mut waiting, commits).await?;
            }
        }
        waiting.complete.push((document.id.clone(), hash));
        // What just changed should not wait for a batch to fill.
        if index.ledger.counts()?.lexical <= waiting.complete.len() {
            commit_vectors(index, &mut waiting, commits).await?;
        }
    }
    commit_vectors(index, &mut waiting, commits).await
}

/// Chunks with their vectors: those that are known, and the others embedded.
async fn embed(
    index: &Inner,
    document: &Arc<Document>,
    chunks: &[ChunkRow],
) -> Result<Vec<VectorRow>> {
    let texts: Vec<String> = chunks
        .iter()
        .map(|chunk| match chunk.lead.as_str() {
            "" => chunk.text.clone(),
            lead => format!("{lead}\n{}", chunk.text),
        })
        .collect();
    let hashes: Vec<String> = texts.iter().map(|text| digest(text.as_bytes())).collect();
    let mut vectors: HashMap<String, Vec<f32>> = index.vectors.known(&hashes).await?;
    let mut missing: Vec<(String, String)> = Vec::new();
    for (hash, text) in hashes.iter().zip(texts) {
        if !vectors.contains_key(hash) && !missing.iter().any(|(known, _)| known == hash) {
            missing.push((hash.clone(), text));
        }
    }
    index.progress.send_modify(|progress| {
        progress.embedding_since.get_or_insert_with(Instant::now);
    });
    let slices = missing.chunks(EMBED_SLICE).map(|slice| async move {
        let texts = slice.iter().map(|(_, text)| text.clone()).collect();
        let vectors = index.embedder.embed(texts, TextKind::Passage).await?;
        index
            .progress
            .send_modify(|progress| progress.embedded += slice.len());
        let hashes = slice.iter().map(|(hash, _)| hash.clone());
        Ok::<_, IndexerError>(hashes.zip(vectors).collect::<Vec<_>>())
    });
    for slice in futures::future::try_join_all(slices).await? {
        vectors.extend(slice);
    }
    Ok(chunks
        .iter()
        .zip(hashes)
        .filter_map(|(chunk, text_hash)| {
            let vector = vectors.get(&text_hash)?.clone();
            Some(VectorRow {
                chunk: chunk.clone(),
                source: Arc::clone(document),
                text_hash,
                vector,
            })
        })
        .collect())
}

async fn commit_vectors(index: &Inner, waiting: &mut Waiting, commits: &mut usize) -> Result<()> {
    let Waiting {
        rows,
        replaced,
        complete,
    } = std::mem::take(waiting);
    if rows.is_empty() && complete.is_empty() {
        return Ok(());
    }
    let mut marker = index.vectors.commit(&replaced, &rows).await?;
    *commits += 1;
    if commits.is_multiple_of(COMPACT_EVERY) {
        marker = index.vectors.compact().await?;
    }
    index.ledger.vectors_committed(&complete, &marker, now())?;
    index.refresh_live(complete.iter().map(|(id, _)| id))?;
    index.report_progress();
    Ok(())
}

/// Turns file-system events into looks at what they name.
async fn watching(index: Arc<Inner>, token: CancellationToken) {
    let (mut watch, mut changes) = Watch::start();
    let mut registered: Vec<PathBuf> = Vec::new();
    let mut rescan = tokio::time::interval(RESCAN);
    rescan.reset();
    let outcome: Result<()> = async {
        sync_folders(&index, &mut watch, &mut registered).await?;
        loop {
            tokio::select! {
                () = token.cancelled() => return Ok(()),
                () = index.folders_changed.notified() => {
                    sync_folders(&index, &mut watch, &mut registered).await?;
                }
                _ = rescan.tick() => regular(&index, &mut watch).await?,
                change = changes.recv() => {
                    let Some(change) = change else { return Ok(()) };
                    let changed = gather(change, &mut changes, index.settings.debounce_milliseconds).await;
                    look_again(&index, &mut watch, changed).await?;
                }
            }
        }
    }
    .await;
    if let Err(error) = outcome {
        index.trouble(&error);
    }
}

/// Watches folders that were added, and no longer those that were removed.
async fn sync_folders(
    index: &Inner,
    watch: &mut Watch,
    registered: &mut Vec<PathBuf>,
) -> Result<()> {
    let folders = index.ledger.folders()?;
    for gone in registered.iter().filter(|folder| !folders.contains(folder)) {
        watch.remove(gone);
    }
    for folder in folders.iter().filter(|folder| !registered.contains(folder)) {
        // Registered before it is read: what changes in between is noticed.
        watch.add(&index.directories(folder).await?);
        let (_, directories) = index.look(folder, None).await?;
        watch.add(&directories);
    }
    *registered = folders;
    *lock(&index.notice) = watch.limit.clone();
    Ok(())
}

/// What events cannot tell: a folder that came back, and everything where watching is limited.
async fn regular(index: &Inner, watch: &mut Watch) -> Result<()> {
    let unreachable: Vec<PathBuf> = lock(&index.unreachable).iter().cloned().collect();
    let folders = if watch.limit.is_some() {
        index.ledger.folders()?
    } else {
        unreachable
    };
    for folder in folders {
        let (_, directories) = index.look(&folder, None).await?;
        watch.add(&directories);
    }
    Ok(())
}

/// Collects changes until it is quiet for a moment: a save is often several events.
async fn gather(
    first: Change,
    changes: &mut mpsc::Receiver<Change>,
    quiet_milliseconds: u64,
) -> HashSet<Option<PathBuf>> {
    let quiet = Duration::from_millis(quiet_milliseconds);
    let longest = Instant::now() + 5 * quiet;
    let mut paths = HashSet::new();
    let mut next = Some(first);
    while let Some(change) = next {
        paths.insert(match change {
            Change::Path(path) => Some(path),
            Change::Everything => None,
        });
        if Instant::now() > longest {
            break;
        }
        next = tokio::time::timeout(quiet, changes.recv())
            .await
            .ok()
            .flatten();
    }
    paths
}

async fn look_again(
    index: &Inner,
    watch: &mut Watch,
    changed: HashSet<Option<PathBuf>>,
) -> Result<()> {
    let everything = changed.contains(&None);
    for folder in index.ledger.folders()? {
        let mut scope: Vec<PathBuf> = changed
            .iter()
            .flatten()
            .filter(|path| path.starts_with(&folder))
            .map(|path| scope_of(path))
            .collect();
        scope.sort();
        scope.dedup();
        if scope.is_empty() && !everything {
            continue;
        }
        let whole = everything || scope.contains(&folder);
        let (_, directories) = index.look(&folder, (!whole).then_some(scope)).await?;
        watch.add(&directories);
    }
    Ok(())
}

/// Ignore rules change what the whole directory means.
fn scope_of(path: &Path) -> PathBuf {
    let rules = [".gitignore", ".ignore", ".vadeignore"];
    let is_rule = path
        .file_name()
        .is_some_and(|name| rules.iter().any(|rule| name == *rule));
    match path.parent() {
        Some(parent) if is_rule => parent.to_owned(),
        _ => path.to_owned(),
    }
}
