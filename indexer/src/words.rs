//! The words task: pending documents are read and their words committed.
//!
//! It alone writes the full-text index, and it tells the ledger only after a commit. Whatever goes
//! wrong with a file is that document's outcome; the batch goes on.

use std::collections::HashSet;
use std::io::Read as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cutting::rows;
use crate::error::{IndexerError, Result};
use crate::extract::{Ocr, Rejection};
use crate::fail;
use crate::foreign::{made_up, made_up_file};
use crate::forgotten::Forgotten;
use crate::ignoring;
use crate::index::{Inner, lock, now};
use crate::inside::open_inside;
use crate::ledger::{Document, DocumentId, Indexed, Outcome, State, UNREADABLE, digest};
use crate::lexical::ChunkRow;
use crate::pipeline::pause;
use crate::progress::Part;
use crate::retry::Retries;
use crate::scan::Rules;
use crate::suspects::Noted;

/// A commit of words is made when this many documents wait for it,
const COMMIT_DOCUMENTS: usize = 256;
/// or this much text (bytes),
const COMMIT_BYTES: usize = 4 << 20;
/// or when the first of them has waited this long.
const COMMIT_AFTER: Duration = Duration::from_millis(250);

/// Images are read while fewer documents than this wait for vectors.
const BACKLOG: usize = 32;
/// While there is nothing to do: how long until it is asked again whether images can be read.
const ASK_AGAIN: Duration = Duration::from_secs(10);
/// After a failure it is tried again after this.
const AGAIN: Duration = Duration::from_secs(2);

/// A document that was read, not committed yet.
struct Read {
    document: Document,
    outcome: Outcome,
    rows: Vec<ChunkRow>,
    gone: bool,
    /// It was kept out when it was read, as one that was forgotten.
    kept_out: bool,
}

impl Read {
    /// Which document it is, and whether something else than itself kept it from being read.
    fn was_hindered(&self) -> (DocumentId, bool) {
        let was_hindered = matches!(self.outcome, Outcome::Hindered(_) | Outcome::ImagesHindered);
        (self.document.id.clone(), was_hindered && !self.gone)
    }
}

/// Reads pending documents and commits their words.
pub(crate) async fn words(index: Arc<Inner>, token: CancellationToken) {
    let parallel = std::thread::available_parallelism()
        .map_or(2, std::num::NonZero::get)
        .min(8);
    let mut reading: JoinSet<Read> = JoinSet::new();
    let mut under_way = UnderWay::default();
    let mut retries: Option<Retries> = None;
    let mut queue: Vec<Document> = Vec::new();
    let mut ready: Vec<Read> = Vec::new();
    let mut since: Option<Instant> = None;
    let mut failed = false;
    loop {
        fail::point("words");
        let filled = try_again(&index, &mut retries)
            .and_then(|()| fill(&index, &mut queue, &mut reading, &mut under_way, parallel));
        if let Err(error) = filled {
            failed = true;
            index.trouble(Part::Words, &error);
            if pause(&token, AGAIN).await.is_break() {
                return;
            }
            continue;
        }
        if std::mem::take(&mut failed) {
            index.no_trouble(Part::Words);
        }
        let bytes: usize = ready
            .iter()
            .flat_map(|read| &read.rows)
            .map(|row| row.text.len())
            .sum();
        let waited = since.is_some_and(|since| since.elapsed() >= COMMIT_AFTER);
        let full = ready.len() >= COMMIT_DOCUMENTS || bytes >= COMMIT_BYTES;
        let saved = ready.iter().any(|read| is_saved(&index, &read.document));
        if !ready.is_empty() && (full || waited || saved || reading.is_empty()) {
            since = None;
            let batch = std::mem::take(&mut ready);
            for read in &batch {
                under_way.remove(&read.document.id);
            }
            let outcomes: Vec<_> = batch.iter().map(Read::was_hindered).collect();
            match commit_words(&index, batch).await {
                Ok(()) => {
                    index.no_trouble(Part::Words);
                    note(&mut retries, outcomes);
                }
                Err(error) => {
                    index.trouble(Part::Words, &error);
                    if pause(&token, AGAIN).await.is_break() {
                        return;
                    }
                }
            }
            continue;
        }
        if reading.is_empty() {
            index.extractor.rest();
        }
        let mut deadline = since.map_or(ASK_AGAIN, |since| {
            COMMIT_AFTER.saturating_sub(since.elapsed())
        });
        if let Some(due) = retries.as_ref().and_then(Retries::next) {
            deadline = deadline.min(due.saturating_duration_since(Instant::now()));
        }
        tokio::select! {
            () = token.cancelled() => return,
            () = index.words_wake.notified() => queue.clear(),
            () = tokio::time::sleep(deadline) => {}
            Some(read) = reading.join_next(), if !reading.is_empty() => {
                match read {
                    Ok(read) => {
                        since.get_or_insert_with(Instant::now);
                        ready.push(read);
                    }
                    // Nobody knows which document it was: all that are under way begin anew.
                    Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
                    Err(_) => {}
                }
            }
        }
    }
}

/// Queues what is to be tried again by now: at first everything that is in the ledger as such.
fn try_again(index: &Inner, retries: &mut Option<Retries>) -> Result<()> {
    let Some(retries) = retries else {
        index.ledger.try_again(None)?;
        *retries = Some(Retries::default());
        return Ok(());
    };
    let due = retries.due(Instant::now());
    if !due.is_empty() {
        index.ledger.try_again(Some(&due))?;
    }
    Ok(())
}

/// Notes which documents are to be tried again.
fn note(retries: &mut Option<Retries>, outcomes: Vec<(DocumentId, bool)>) {
    let Some(retries) = retries else { return };
    for (id, was_hindered) in outcomes {
        if was_hindered {
            retries.failed(&id, Instant::now());
        } else {
            retries.succeeded(&id);
        }
    }
}

/// Documents that are being read or wait for their commit.
#[derive(Default)]
struct UnderWay {
    all: HashSet<DocumentId>,
    /// Of these, the one whose images are read.
    images: Option<DocumentId>,
    /// What the ledger has noted already of those that come next.
    noted: Noted,
}

impl UnderWay {
    fn insert(&mut self, id: &DocumentId) {
        self.all.insert(id.clone());
    }

    fn contains(&self, id: &DocumentId) -> bool {
        self.all.contains(id)
    }

    fn remove(&mut self, id: &DocumentId) {
        self.all.remove(id);
        self.images.take_if(|images| images == id);
    }
}

/// Reads one document and commits its words, while nothing else is read.
pub(crate) async fn read_alone(index: &Arc<Inner>, document: Document) -> Result<()> {
    let inner = Arc::clone(index);
    let read = tokio::task::spawn_blocking(move || read_guarded(&inner, &document, None)).await;
    commit_words(index, vec![read.map_err(|_| IndexerError::Closed)?]).await
}

/// Keeps `parallel` documents being read, the newest first, and beside them what was just saved; when there is
/// nothing else to do, one whose images say something.
fn fill(
    index: &Arc<Inner>,
    queue: &mut Vec<Document>,
    reading: &mut JoinSet<Read>,
    under_way: &mut UnderWay,
    parallel: usize,
) -> Result<()> {
    let saved: Vec<DocumentId> = lock(&index.saved).iter().cloned().collect();
    for id in saved {
        let document = index.ledger.document(&id)?;
        match document.filter(|document| document.state == State::Pending) {
            Some(document) if !under_way.contains(&id) => {
                under_way
                    .noted
                    .begin(&index.ledger, &id, std::iter::empty())?;
                under_way.insert(&id);
                let index = Arc::clone(index);
                reading.spawn_blocking(move || read_guarded(&index, &document, None));
            }
            _ => {}
        }
    }
    while reading.len() < parallel + usize::from(under_way.images.is_some()) {
        if queue.is_empty() {
            let mut pending = index.ledger.pending(64 + under_way.all.len())?;
            pending.retain(|document| !under_way.contains(&document.id));
            pending.reverse();
            *queue = pending;
        }
        let Some(document) = queue.pop() else {
            return look_at_images(index, reading, under_way);
        };
        if under_way.contains(&document.id) {
            continue;
        }
        let next = queue.iter().rev().map(|document| &document.id);
        under_way.noted.begin(&index.ledger, &document.id, next)?;
        under_way.insert(&document.id);
        let index = Arc::clone(index);
        reading.spawn_blocking(move || read_guarded(&index, &document, None));
    }
    Ok(())
}

/// Has the images of one document read.
fn look_at_images(
    index: &Arc<Inner>,
    reading: &mut JoinSet<Read>,
    under_way: &mut UnderWay,
) -> Result<()> {
    if under_way.images.is_some() {
        return Ok(());
    }
    let documents = index.ledger.with_unread_images(1 + under_way.all.len())?;
    let mut documents = documents.into_iter();
    let Some(document) = documents.find(|document| !under_way.contains(&document.id)) else {
        return Ok(());
    };
    let Some(ocr) = index.find_ocr()? else {
        return Ok(());
    };
    if index.ledger.lexical(BACKLOG)?.len() < BACKLOG {
        under_way.insert(&document.id);
        under_way.images = Some(document.id.clone());
        let index = Arc::clone(index);
        reading.spawn_blocking(move || read_guarded(&index, &document, Some(&ocr)));
    }
    Ok(())
}

/// Reads one file. Where that makes this program itself fail, it is tried once more, and then it is the file's
/// outcome.
fn read_guarded(index: &Inner, document: &Document, ocr: Option<&Ocr>) -> Read {
    let read = || {
        catch_unwind(AssertUnwindSafe(|| {
            fail::point("reading");
            read_document(index, document.clone(), ocr)
        }))
    };
    read().or_else(|_| read()).unwrap_or_else(|_| {
        tracing::error!(document = %document.path.display(), "reading it failed unexpectedly");
        let reason = "vade itself failed when it read this file; its log says where".to_owned();
        Read {
            outcome: match ocr {
                Some(_) if document.hash.is_some() => Outcome::NothingSeen,
                _ => Outcome::Rejected(State::Failed, reason),
            },
            rows: Vec::new(),
            gone: false,
            kept_out: false,
            document: document.clone(),
        }
    })
}

/// Reads one file: hash, extract, chunk. Whatever goes wrong is that document's outcome. Images are read with
/// `ocr`, where that is what is left to do.
fn read_document(index: &Inner, document: Document, ocr: Option<&Ocr>) -> Read {
    let started = Instant::now();
    let mut read = Read {
        outcome: Outcome::Unchanged,
        rows: Vec::new(),
        gone: false,
        kept_out: false,
        document,
    };
    let most = index.extractor.limits().max_file_bytes;
    let bytes = match read_file(&read.document, most, &index.rules) {
        Ok(bytes) => bytes,
        Err(FileError::Gone) => {
            read.gone = true;
            return read;
        }
        Err(FileError::Skipped(reason)) => {
            read.outcome = Outcome::Rejected(State::Skipped, reason);
            return read;
        }
        // What is not given now may be given later.
        Err(FileError::Hindered(_)) if ocr.is_some() && read.document.hash.is_some() => {
            read.outcome = Outcome::ImagesHindered;
            return read;
        }
        Err(FileError::Hindered(reason)) => {
            read.outcome = Outcome::Hindered(reason);
            return read;
        }
    };
    let content = digest(&bytes);
    read.document.content = (!bytes.is_empty()).then(|| content.clone());
    match forgotten(index, &read.document) {
        Ok(None) => {}
        Ok(Some(outcome)) => {
            read.outcome = outcome;
            read.kept_out = true;
            return read;
        }
        Err(error) => {
            read.outcome = Outcome::Hindered(format!("{UNREADABLE}: {error}"));
            return read;
        }
    }
    let [plain, with_images] = index.hashes(&content);
    let known = read.document.hash.as_ref();
    if ocr.is_none() && (known == Some(&plain) || known == Some(&with_images)) {
        return read;
    }
    let is_indexed = known.is_some();
    let hash = if ocr.is_some() { with_images } else { plain };
    match index.extractor.extract(&read.document.path, &bytes, ocr) {
        Ok(mut extracted) => {
            read.rows = rows(&read.document, &hash, &mut extracted, &index.chunks);
            fail::document("reading", &read.document.path);
            read.outcome = Outcome::Indexed(Indexed {
                hash,
                chunks: read.rows.len(),
                title: extracted.title,
                tags: extracted.tags,
                links: extracted.links,
                language: extracted.language.map(str::to_owned),
                extractor: extracted.extractor.into_owned(),
                milliseconds: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
                notice: extracted.notice,
                unread_images: ocr.is_none() && extracted.unread_images,
            });
        }
        Err(Rejection::Hindered(_)) if ocr.is_some() && is_indexed => {
            read.outcome = Outcome::ImagesHindered;
        }
        Err(hindered @ Rejection::Hindered(_)) => {
            read.outcome = Outcome::Hindered(hindered.to_string());
        }
        // What could be read without is better than nothing.
        Err(_) if ocr.is_some() && is_indexed => read.outcome = Outcome::NothingSeen,
        Err(Rejection::NeedsOcr(reason)) if ocr.is_none() => {
            let state = if index.has_ocr() {
                State::AwaitsOcr
            } else {
                State::Skipped
            };
            let reason = Rejection::NeedsOcr(reason).to_string();
            read.outcome = Outcome::NeedsOcr(state, reason);
        }
        Err(Rejection::NeedsOcr(reason) | Rejection::Skipped(reason)) => {
            read.outcome = Outcome::Rejected(State::Skipped, reason);
        }
        Err(Rejection::Failed(reason)) => {
            read.outcome = Outcome::Rejected(State::Failed, reason);
        }
    }
    read
}

/// What becomes of a document that was forgotten, by its path or by what it says.
fn forgotten(index: &Inner, document: &Document) -> Result<Option<Outcome>> {
    let (path, content) = (&document.path, document.content.as_deref());
    let Some(found) = index.ledger.forgotten_as(path, content)? else {
        return Ok(None);
    };
    if let (Some(content), Forgotten::Itself | Forgotten::Folder(_)) = (content, &found) {
        index.ledger.forgotten_says(path, content)?;
    }
    Ok(Some(Outcome::Rejected(State::Skipped, found.reason())))
}

enum FileError {
    Gone,
    Skipped(String),
    /// The system does not give it now.
    Hindered(String),
}

/// The bytes of a regular file of reasonable size.
fn read_file(
    document: &Document,
    max_bytes: u64,
    rules: &Rules,
) -> std::result::Result<Vec<u8>, FileError> {
    let path = document.path.as_path();
    let skipped = |reason: &str| FileError::Skipped(reason.to_owned());
    let failed = |error: std::io::Error| match error.kind() {
        // A folder on the way that has become a link, or no folder, holds nothing any more.
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => FileError::Gone,
        std::io::ErrorKind::PermissionDenied => {
            FileError::Hindered(format!("{UNREADABLE}: permission denied"))
        }
        _ => FileError::Hindered(format!("{UNREADABLE}: {error}")),
    };
    let metadata = std::fs::symlink_metadata(path).map_err(failed)?;
    if let Some(reason) = ignoring::fault(&document.folder, path, rules) {
        return Err(skipped(&reason));
    }
    if metadata.is_symlink() {
        return Err(skipped(&link(path, &document.folder)));
    }
    if metadata.is_dir() {
        if let Some(reason) = made_up(path) {
            return Err(skipped(&reason));
        }
        return match std::fs::read_dir(path) {
            Ok(_) => Err(FileError::Gone),
            Err(error) => Err(failed(error)),
        };
    }
    if !metadata.is_file() {
        return Err(skipped("not a regular file"));
    }
    // What was looked at may be something else by now: what is opened decides.
    let file = open_inside(&document.folder, path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(skipped("not a regular file"));
    }
    if let Some(reason) = made_up_file(&file) {
        return Err(skipped(&reason));
    }
    let mut bytes = Vec::new();
    if metadata.len() <= max_bytes {
        // It may be growing.
        let mut most = file.take(max_bytes + 1);
        most.read_to_end(&mut bytes).map_err(failed)?;
    }
    if metadata.len().max(bytes.len() as u64) > max_bytes {
        return Err(skipped(&format!("larger than {} MiB", max_bytes >> 20)));
    }
    Ok(bytes)
}

/// What a symbolic link is, in words. None is followed: what lies in the folder is indexed where it lies,
/// and nothing outside is read.
fn link(path: &Path, folder: &Path) -> String {
    match std::fs::canonicalize(path) {
        Ok(target) if target.starts_with(folder) => format!(
            "a symbolic link to {}, which is indexed where it lies",
            target.display()
        ),
        Ok(target) => format!(
            "a symbolic link to {}, outside the watched folder: `vade add` that folder",
            target.display()
        ),
        Err(_) => "a symbolic link that leads nowhere".to_owned(),
    }
}

async fn commit_words(index: &Inner, batch: Vec<Read>) -> Result<()> {
    let writer = index.words_writer.lock().await;
    let (mut replaced, mut rows, mut outcomes, mut left) = (vec![], vec![], vec![], vec![]);
    let count = batch.len();
    for mut read in batch {
        // Removed from the ledger while it was being read: it must not come back.
        if index.ledger.document(&read.document.id)?.is_none() {
            continue;
        }
        // Nor what was forgotten while it was being read.
        match forgotten(index, &read.document)? {
            Some(outcome) => {
                read.rows.clear();
                read.outcome = outcome;
            }
            // It was let in again while it was being read: it waits to be read once more.
            None if read.kept_out => continue,
            None => {}
        }
        let missed = read.gone || matches!(read.outcome, Outcome::Hindered(_));
        if missed && index.is_away(&read.document).await? {
            outcomes.push((read.document, Outcome::Away));
            continue;
        }
        if read.gone {
            left.push(read.document);
            continue;
        }
        if !matches!(
            read.outcome,
            Outcome::Unchanged | Outcome::NothingSeen | Outcome::ImagesHindered
        ) {
            replaced.push(read.document.id.clone());
        }
        rows.extend(read.rows);
        outcomes.push((read.document, read.outcome));
    }
    let gone: Vec<DocumentId> = left.iter().map(|document| document.id.clone()).collect();
    replaced.extend(gone.iter().cloned());
    let marker = if replaced.is_empty() {
        index.lexical.marker()?
    } else {
        let marker = index.next_marker()?;
        tokio::task::block_in_place(|| index.lexical.commit(&replaced, &rows, &marker))?;
        fail::point("words-committed");
        marker
    };
    index.ledger.words_committed(&outcomes, &marker, now())?;
    index.ledger.remove(&gone, &marker)?;
    fail::point("words-noted");
    let ids = outcomes.iter().map(|(document, _)| &document.id);
    index.refresh_live(ids.chain(&gone))?;
    index.progress.send_modify(|progress| {
        progress.done += count;
        progress.current = outcomes.last().map(|(document, _)| document.path.clone());
    });
    {
        let done = |outcome: &Outcome| !matches!(outcome, Outcome::Indexed(_));
        let mut saved = lock(&index.saved);
        for (document, _) in outcomes.iter().filter(|(_, outcome)| done(outcome)) {
            saved.remove(&document.id);
        }
        for id in &gone {
            saved.remove(id);
        }
    }
    index.report_progress();
    index.vectors_wake.notify_one();
    if outcomes
        .iter()
        .any(|(document, _)| is_saved(index, document))
    {
        index.saved_wake.notify_one();
    }
    drop(writer);
    // One that came back before its row left was nothing new to whoever looked then.
    for document in left {
        if document.path.symlink_metadata().is_ok() {
            let path = vec![document.path];
            index.look(&document.folder, Some(path)).await?;
        }
    }
    Ok(())
}

/// Whether a person has just saved it.
fn is_saved(index: &Inner, document: &Document) -> bool {
    lock(&index.saved).contains(&document.id)
}
