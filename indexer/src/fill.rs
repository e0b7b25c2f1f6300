//! The vectors task: documents whose words are in get their vectors.
//!
//! It alone writes the vector store, and it tells the ledger only after a commit. A text that was
//! embedded before keeps its vector, whatever became of the file around it. What a person has just
//! saved overtakes the rest.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use vade_models::embedding::Urgency;

use crate::error::{IndexerError, Result};
use crate::fail;
use crate::index::{Inner, check_clock, lock, now};
use crate::ledger::{Document, DocumentId, State, digest};
use crate::lexical::ChunkRow;
use crate::names::head;
use crate::pipeline::pause;
use crate::progress::Part;
use crate::upkeep::Step;
use crate::vectors::VectorRow;

/// A commit of vectors is made when this many chunks wait for it.
const COMMIT_CHUNKS: usize = 256;
/// Chunks embedded in one request to the embedder: a question waits for those under way.
const EMBED_SLICE: usize = 1;
/// Documents taken from the queue at once.
const ROUND: usize = 512;
/// Chunks of saves in one commit. A save with more to embed joins the backlog: the next is not to wait for a book.
const SAVED_CHUNKS: usize = 64;
/// With more documents than this in the queue, words come before vectors.
const BACKLOG: usize = 32;

/// Fills in vectors, and tidies the vector store when there is nothing to fill in.
pub(crate) async fn vectors(index: Arc<Inner>, token: CancellationToken) {
    if let Err(error) = index.vectors.warm().await {
        tracing::debug!(%error, "the first search will read the vectors");
    }
    loop {
        let round = tokio::select! {
            () = token.cancelled() => return,
            round = round_of_vectors(&index) => round,
        };
        match round {
            Ok(true) => index.no_trouble(Part::Vectors),
            Ok(false) => {
                index.no_trouble(Part::Vectors);
                index.report_progress();
                tokio::select! {
                    () = token.cancelled() => return,
                    () = index.vectors_wake.notified() => {}
                }
            }
            Err(error) => {
                index.trouble(Part::Vectors, &error);
                if pause(&token, Duration::from_secs(2)).await.is_break() {
                    return;
                }
            }
        }
    }
}

/// One round; false when there was nothing to do.
async fn round_of_vectors(index: &Inner) -> Result<bool> {
    check_clock()?;
    fail::point("vectors");
    fill_in_saved(index).await?;
    let pending = index.ledger.pending_count()?;
    if pending > BACKLOG {
        // Words first: look again when the next batch of them is in.
        tokio::select! {
            () = index.saved_wake.notified() => {}
            () = index.vectors_wake.notified() => {}
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
        return Ok(true);
    }
    index.lexical.refresh()?;
    let mut documents = index.ledger.lexical(ROUND)?;
    if !documents.is_empty() {
        // Words of a save may have come in since the saves were filled in: the next round begins with them.
        documents.retain(|document| !lock(&index.saved).contains(&document.id));
        fill_in(index, documents).await?;
        return Ok(true);
    }
    if pending > 0 {
        return Ok(false);
    }
    let tombstones = index.ledger.tombstones()?;
    if !tombstones.is_empty() {
        let _writer = index.vectors_writer.lock().await;
        index.vectors.delete(&tombstones).await?;
        index
            .ledger
            .buried(&tombstones, &index.vectors.marker().await?)?;
        return Ok(true);
    }
    index.take_over().await?;
    // Now there is time to read images.
    index.words_wake.notify_one();
    upkeep(index, true).await
}

/// Takes the steps of the vector store's upkeep that are due; saves go on meanwhile. False when none was.
async fn upkeep(index: &Inner, idle: bool) -> Result<bool> {
    let mut any = false;
    while let Some(step) = next_step(index, idle).await? {
        tracing::debug!(?step, "upkeep of the vector store");
        any = true;
    }
    Ok(any)
}

/// Takes the first step that is due and finds something to do.
async fn next_step(index: &Inner, idle: bool) -> Result<Option<Step>> {
    for step in index.vectors.due(idle).await? {
        if Box::pin(while_saving(index, keep(index, &step))).await? {
            return Ok(Some(step));
        }
    }
    Ok(None)
}

async fn keep(index: &Inner, step: &Step) -> Result<bool> {
    let writer = if step.is_long() {
        None
    } else {
        Some(index.vectors_writer.lock().await)
    };
    let done = index.vectors.take(step).await?;
    let _writer = match writer {
        Some(writer) => writer,
        None => index.vectors_writer.lock().await,
    };
    let marker = index.vectors.marker().await?;
    index.ledger.vectors_committed(&[], &marker, now())?;
    Ok(done)
}

/// Does some work, and fills in what is saved meanwhile.
async fn while_saving<T>(index: &Inner, work: impl Future<Output = Result<T>>) -> Result<T> {
    let finished = Notify::new();
    let working = async {
        let done = work.await?;
        finished.notify_one();
        Result::Ok(done)
    };
    let saving = async {
        loop {
            tokio::select! {
                () = finished.notified() => return Result::Ok(()),
                () = index.saved_wake.notified() => fill_in_saved(index).await?,
            }
        }
    };
    let (done, ()) = tokio::try_join!(working, saving)?;
    Ok(done)
}

/// What one commit writes, and what it completes.
#[derive(Default)]
struct Batch {
    chunks: Vec<(Arc<Document>, ChunkRow)>,
    replaced: Vec<DocumentId>,
    complete: Vec<(DocumentId, String)>,
}

impl Batch {
    /// Notes that its documents are under way.
    fn begin(&self, index: &Inner) -> Result<()> {
        let documents = self.chunks.iter().map(|(document, _)| document);
        let paths: HashMap<&DocumentId, &Path> = documents
            .map(|document| (&document.id, document.path.as_path()))
            .collect();
        index.ledger.begin(paths.keys().copied())?;
        for path in paths.values() {
            fail::document("embedding", path);
        }
        Ok(())
    }
}

/// Fills in vectors of these documents; while one batch is embedded the one before is committed.
pub(crate) async fn fill_in(index: &Inner, documents: Vec<Document>) -> Result<()> {
    let mut documents = documents.into_iter();
    let mut left = Vec::new();
    let mut done = None;
    while let Some(mut batch) = next_batch(index, &mut documents, &mut left, COMMIT_CHUNKS)? {
        batch.begin(index)?;
        let chunks = std::mem::take(&mut batch.chunks);
        let previous = done.take();
        let committing = async {
            match previous {
                Some((batch, rows)) => commit_vectors(index, batch, rows).await,
                None => Ok(()),
            }
        };
        let working = async {
            let embedding = embed(index, &chunks, Urgency::Backlog);
            let (rows, ()) = tokio::try_join!(embedding, committing)?;
            Ok(rows)
        };
        let rows = Box::pin(while_saving(index, working)).await?;
        done = Some((batch, rows));
        upkeep(index, false).await?;
    }
    match done {
        Some((batch, rows)) => commit_vectors(index, batch, rows).await,
        None => Ok(()),
    }
}

/// Fills in what was just saved, before everything else.
async fn fill_in_saved(index: &Inner) -> Result<()> {
    let mut documents = Vec::new();
    for id in lock(&index.saved).iter() {
        documents.extend(index.ledger.document(id)?);
    }
    documents.retain(|document| document.state == State::IndexedLexical);
    documents.sort_by_key(|document| document.chunks);
    let long = documents.partition_point(|document| document.chunks <= SAVED_CHUNKS);
    for document in documents.split_off(long) {
        if missing(index, &document).await? <= SAVED_CHUNKS {
            documents.push(document);
        } else {
            lock(&index.saved).remove(&document.id);
        }
    }
    let mut documents = documents.into_iter();
    let mut left = Vec::new();
    while let Some(mut batch) = next_batch(index, &mut documents, &mut left, SAVED_CHUNKS)? {
        batch.begin(index)?;
        let chunks = std::mem::take(&mut batch.chunks);
        let rows = embed(index, &chunks, Urgency::Saved).await?;
        commit_vectors(index, batch, rows).await?;
    }
    Ok(())
}

/// How many of a document's chunks have no vector yet.
async fn missing(index: &Inner, document: &Document) -> Result<usize> {
    let chunks = current_chunks(index, document)?;
    let mut hashes: Vec<String> = chunks
        .map(|chunk| digest(chunk.passage().as_bytes()))
        .collect();
    let known = index.vectors.known(&hashes).await?;
    hashes.retain(|hash| !known.contains_key(hash));
    Ok(hashes.len())
}

/// What is embedded of what a document says now: its chunks, and its head where it has one.
fn current_chunks<'a>(
    index: &Inner,
    document: &'a Document,
) -> Result<impl Iterator<Item = ChunkRow> + use<'a>> {
    let chunks = index.lexical.chunks(&document.id)?.into_iter();
    let mut chunks = chunks
        .filter(|chunk| document.hash.as_ref() == Some(&chunk.hash))
        .peekable();
    let head = chunks.peek().and_then(|first| head(document, first));
    Ok(chunks.chain(head))
}

/// Chunks for one commit, `most` at most, from `left` and then from the documents; a long document takes several.
fn next_batch(
    index: &Inner,
    documents: &mut impl Iterator<Item = Document>,
    left: &mut Vec<(Arc<Document>, ChunkRow)>,
    most: usize,
) -> Result<Option<Batch>> {
    let mut batch = Batch::default();
    loop {
        let room = most - batch.chunks.len();
        let taken = left.len().min(room);
        batch.chunks.extend(left.drain(..taken));
        if !left.is_empty() {
            return Ok(Some(batch));
        }
        if taken > 0
            && let Some((document, chunk)) = batch.chunks.last()
        {
            let complete = (document.id.clone(), chunk.hash.clone());
            batch.complete.push(complete);
        }
        if batch.chunks.len() == most {
            return Ok(Some(batch));
        }
        let Some(document) = documents.next() else {
            return Ok((!batch.complete.is_empty()).then_some(batch));
        };
        let Some(hash) = document.hash.clone() else {
            continue;
        };
        let document = Arc::new(document);
        left.extend(current_chunks(index, &document)?.map(|chunk| (Arc::clone(&document), chunk)));
        batch.replaced.push(document.id.clone());
        if left.is_empty() {
            batch.complete.push((document.id.clone(), hash));
        }
    }
}

/// Chunks with their vectors: those that are known, and the others embedded.
async fn embed(
    index: &Inner,
    chunks: &[(Arc<Document>, ChunkRow)],
    urgency: Urgency,
) -> Result<Vec<VectorRow>> {
    let texts: Vec<String> = chunks.iter().map(|(_, chunk)| chunk.passage()).collect();
    let hashes: Vec<String> = texts.iter().map(|text| digest(text.as_bytes())).collect();
    let mut vectors: HashMap<String, Vec<f32>> = index.vectors.known(&hashes).await?;
    let mut missing: HashMap<String, String> = HashMap::new();
    for (hash, text) in hashes.iter().zip(texts) {
        if !vectors.contains_key(hash) {
            missing.insert(hash.clone(), text);
        }
    }
    let mut missing: Vec<(String, String)> = missing.into_iter().collect();
    // The longest first, so that all threads end together.
    missing.sort_by_key(|(hash, text)| (std::cmp::Reverse(text.len()), hash.clone()));
    index.progress.send_modify(|progress| {
        progress.embedding_since.get_or_insert_with(Instant::now);
    });
    let slices = missing.chunks(EMBED_SLICE).map(|slice| async move {
        let texts = slice.iter().map(|(_, text)| text.clone()).collect();
        let vectors = index.embedder.embed_passages(texts, urgency).await?;
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
        .filter_map(|((document, chunk), text_hash)| {
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

/// Commits vectors, except those of documents that meanwhile say something else, or are gone: the store may
/// hold what they say now already.
async fn commit_vectors(index: &Inner, mut batch: Batch, mut rows: Vec<VectorRow>) -> Result<()> {
    let _writer = index.vectors_writer.lock().await;
    let mut hashes: HashMap<DocumentId, Option<String>> = HashMap::new();
    let embedded = rows.iter().map(|row| &row.chunk.document);
    let complete = batch.complete.iter().map(|(id, _)| id);
    for id in embedded.chain(complete) {
        if !hashes.contains_key(id) {
            let document = index.ledger.document(id)?;
            hashes.insert(id.clone(), document.and_then(|document| document.hash));
        }
    }
    let is_current = |id: &DocumentId, hash: &String| {
        hashes
            .get(id)
            .is_some_and(|current| current.as_ref() == Some(hash))
    };
    let stale: HashSet<DocumentId> = rows
        .iter()
        .map(|row| (&row.chunk.document, &row.chunk.hash))
        .chain(batch.complete.iter().map(|(id, hash)| (id, hash)))
        .filter(|(id, hash)| !is_current(id, hash))
        .map(|(id, _)| id.clone())
        .collect();
    rows.retain(|row| !stale.contains(&row.chunk.document));
    batch.replaced.retain(|id| !stale.contains(id));
    batch.complete.retain(|(id, _)| !stale.contains(id));
    if !stale.is_empty() {
        index.ledger.came_through(&stale)?;
    }
    let marker = index.vectors.commit(&batch.replaced, &rows).await?;
    fail::point("vectors-added");
    index
        .ledger
        .vectors_committed(&batch.complete, &marker, now())?;
    fail::point("vectors-noted");
    {
        let mut saved = lock(&index.saved);
        for (id, _) in &batch.complete {
            saved.remove(id);
        }
    }
    index.refresh_live(batch.complete.iter().map(|(id, _)| id))?;
    index.report_progress();
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use vade_models::ModelsError;
    use vade_models::embedding::{Embedder, EmbedderHandle, HashedEmbedder, TextKind};

    use super::*;
    use crate::replace::tests::{open, open_with, settle};
    use crate::vectors::Scope;

    #[tokio::test(flavor = "multi_thread")]
    async fn vectors_of_an_older_content_do_not_replace_newer_ones() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = std::fs::canonicalize(directory.path()).expect("it is there");
        let notes = root.join("notes");
        std::fs::create_dir(&notes).expect("a folder");
        let path = notes.join("a.md");
        std::fs::write(&path, "The pier is old.").expect("writes");
        let index = open(&root.join("data"), 32).await;
        index.add_folder(&notes).await.expect("adds");
        settle(&index).await;
        let inner = &index.inner;
        let document = || {
            let document = inner.ledger.document(&DocumentId::of(&path));
            Arc::new(document.expect("reads").expect("a row"))
        };

        // A batch that was embedded before the file was saved again, and comes to its commit after it.
        let old = document();
        let chunks = inner.lexical.chunks(&old.id).expect("reads");
        let chunks: Vec<_> = chunks
            .into_iter()
            .map(|chunk| (Arc::clone(&old), chunk))
            .collect();
        let rows = embed(inner, &chunks, Urgency::Backlog)
            .await
            .expect("embeds");
        let batch = Batch {
            chunks: Vec::new(),
            replaced: vec![old.id.clone()],
            complete: vec![(old.id.clone(), old.hash.clone().expect("a hash"))],
        };
        std::fs::write(&path, "The pier is new and longer.").expect("writes");
        inner.look(&notes, None).await.expect("looks");
        settle(&index).await;
        commit_vectors(inner, batch, rows).await.expect("commits");
        settle(&index).await;

        let new = document();
        assert_ne!(new.hash, old.hash);
        assert_eq!(new.state, State::Indexed);
        let held = inner.vectors.contents().await.expect("reads");
        assert_eq!(held, [(new.id.clone(), new.hash.clone().expect("a hash"))]);
    }

    /// An embedder that counts its texts.
    struct Counting(HashedEmbedder, Arc<AtomicUsize>);

    impl Embedder for Counting {
        fn embed(
            &mut self,
            texts: &[String],
            kind: TextKind,
        ) -> std::result::Result<Vec<Vec<f32>>, ModelsError> {
            self.1.fetch_add(texts.len(), Ordering::Relaxed);
            self.0.embed(texts, kind)
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_new_name_costs_its_head_and_nothing_else() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = std::fs::canonicalize(directory.path()).expect("it is there");
        let notes = root.join("notes");
        std::fs::create_dir(&notes).expect("a folder");
        let text = "# Times\n\nBring the card at ten.\n\n# Way\n\nTake the tram to the end.\n";
        std::fs::write(notes.join("7.md"), text.repeat(40)).expect("writes");
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let load = move |_| {
            let hashed = HashedEmbedder::new(32);
            Ok(Box::new(Counting(hashed, Arc::clone(&counted))) as Box<_>)
        };
        let embedder = EmbedderHandle::start("hashed-32", 32, 1, 16, None, load).expect("starts");
        let index = open_with(&root.join("data"), embedder).await;
        index.add_folder(&notes).await.expect("adds");
        settle(&index).await;
        let embedded = || count.load(Ordering::Relaxed);
        let texts = embedded();
        assert!(texts > 1, "{texts}");

        let mut before = texts;
        for (from, to, costs) in [
            ("7.md", "Dentist.md", 1),
            ("Dentist.md", "8.md", 0),
            ("8.md", "Health/Dentist.md", 1),
        ] {
            std::fs::create_dir_all(notes.join(to).parent().expect("a folder")).expect("makes");
            std::fs::rename(notes.join(from), notes.join(to)).expect("renames");
            index.inner.look(&notes, None).await.expect("looks");
            settle(&index).await;
            assert_eq!(embedded() - before, costs, "{from} to {to}");
            before = embedded();
            let heads = index.inner.vectors.contents().await.expect("reads").len();
            let chunks = index.inner.vectors.chunks().await.expect("reads").len();
            assert_eq!(heads - chunks, usize::from(to.contains("Dentist")), "{to}");
        }

        // A head leads to the beginning of its document.
        let vector = index.embed_question("health").await.expect("embeds");
        let everywhere = Scope::default();
        let found = index.search("nothing of it", Some(&vector), 50, &everywhere);
        let found = found.await.expect("searches");
        let headed: Vec<_> = found.iter().filter(|one| one.name.head.is_some()).collect();
        assert_eq!(headed.len(), 1);
        let chunk = index.chunk(headed[0]).expect("reads").expect("a chunk");
        assert_eq!(chunk.ordinal, 0);
        assert!(
            found
                .iter()
                .all(|one| index.chunk(one).expect("reads").is_some())
        );
    }
}
