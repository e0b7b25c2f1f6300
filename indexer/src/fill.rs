//! The vectors task: documents whose words are in get their vectors.
//!
//! It alone writes the vector store, and it tells the ledger only after a commit. A text that was
//! embedded before keeps its vector, whatever became of the file around it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use vade_models::embedding::TextKind;

use crate::error::{IndexerError, Result};
use crate::index::{Inner, now};
use crate::ledger::{Document, DocumentId, digest};
use crate::lexical::ChunkRow;
use crate::pipeline::pause;
use crate::vectors::VectorRow;

/// A commit of vectors is made when this many chunks wait for it.
const COMMIT_CHUNKS: usize = 256;
/// Chunks embedded in one request to the embedder, which questions can overtake.
const EMBED_SLICE: usize = 4;
/// With more documents than this in the queue, words come before vectors.
const BACKLOG: usize = 32;
/// The vector store is compacted after this many commits.
const COMPACT_EVERY: usize = 64;

/// Fills in vectors, and tidies the vector store when there is nothing to fill in.
pub(crate) async fn vectors(index: Arc<Inner>, token: CancellationToken) {
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
