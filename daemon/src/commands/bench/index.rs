//! Indexing at scale, on a copy of a folder: rates, saves while a tenth of it comes on top of the rest, search,
//! edits, start-up, memory, disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vade_indexer::{Document, DocumentFilter, DocumentId, Index, Scope, State};
use vade_models::embedding::Urgency;

use super::synthetic::Random;
use super::{elsewhere, whole};
use crate::Ended;
use crate::compose::Setup;
use crate::measure::{memory, percentile};
use crate::output;

/// Texts embedded by the model alone.
const ALONE: usize = 1024;
/// Texts in one request to the embedder, as the indexer sends them.
const SLICE: usize = 1;
/// Time between two saves while indexing.
const BETWEEN: Duration = Duration::from_millis(500);
/// A save that is not found after this is an error.
const LOST: Duration = Duration::from_mins(2);

/// One file of so many comes on top, when the rest is indexed.
const ON_TOP: usize = 10;
/// Edits made at once, and then waited for.
const EDITS_AT_ONCE: usize = 50;

pub(crate) async fn run(setup: &Setup, folder: &Path, saves: usize, edits: usize) -> Result<Ended> {
    let directory = tempfile::tempdir()?;
    let notes = std::fs::canonicalize(directory.path())?.join("notes");
    let mut later = Vec::new();
    copy(folder, &notes, &mut 0, &mut later)
        .with_context(|| format!("cannot copy {}", folder.display()))?;
    let setup = &elsewhere(setup, &directory.path().join("data"));
    setup.fetch_needed_to_search()?;

    let services = setup.services(CancellationToken::new()).await?;
    let index = services.retriever.index().clone();
    index.embed_question("warm").await?;
    let (tracker, token) = (TaskTracker::new(), CancellationToken::new());
    index.start(&tracker, &token);
    index.watch(&tracker, &token);
    let started = Instant::now();
    index.add_folder(&notes).await?;
    let (_, lexical, left) = while_indexing(&index, &notes, 0).await?;
    let lexical_seconds = (lexical - started).as_secs_f64();
    let (seconds, vector_seconds) = (
        started.elapsed().as_secs_f64(),
        lexical.elapsed().as_secs_f64(),
    );
    let (documents, first) = (all(&index)?, index.ledger().counts()?);
    ensure!(first.chunks > 0, "nothing in this folder could be indexed");
    let titles = whole::titles(&services.retriever)?;
    let searches = whole::search(&services.retriever, &titles).await?;
    for (from, to) in later {
        copy_file(&from, &to)?;
    }
    index.add_folder(&notes).await?;
    let (busy, ..) = while_indexing(&index, &notes, saves).await?;
    let idle = saves_in_a_row(&index, &notes, saves, "idle").await?;
    let edited = edit(&index, &notes, edits).await?;
    settled(&index, &notes).await?;
    let (resident, peak) = memory();
    let counts = index.ledger().counts()?;

    let at_the_end = all(&index)?;
    token.cancel();
    tracker.close();
    tracker.wait().await;
    drop((index, services));
    let disk = disk(&setup.paths.data)?;
    let started = Instant::now();
    let index = setup.index().await?;
    let report = index.add_folder(&notes).await?;
    let startup = started.elapsed().as_secs_f64();
    ensure!(
        report.queued == 0,
        "{} files had to be read again",
        report.queued
    );
    drop(index);
    let alone = embedder_alone(setup, &documents, first.chunks).await?;

    #[expect(clippy::cast_precision_loss, reason = "an index is not that large")]
    let per_second = |count: usize, seconds: f64| count as f64 / seconds;
    let dimensions = setup.embedder()?.dimensions();
    let text: u64 = at_the_end.iter().map(|document| document.size).sum();
    let vectors = (counts.chunks * dimensions * 4) as u64;
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    let disk_ratio = disk.values().sum::<u64>() as f64 / (text + vectors) as f64;
    let pipeline = per_second(left, vector_seconds);
    let result = json!({
        "documents": documents.len(), "chunks": first.chunks,
        "documents_at_the_end": counts.indexed, "chunks_at_the_end": counts.chunks,
        "skipped": counts.skipped, "failed": counts.failed, "text_bytes": text,
        "lexical_seconds": lexical_seconds, "seconds": seconds,
        "documents_per_second": per_second(documents.len(), lexical_seconds),
        "chunks_per_second": per_second(first.chunks, seconds),
        "embedding": {
            "pipeline_chunks_per_second": pipeline, "alone_chunks_per_second": alone,
            "ratio": pipeline / alone,
        },
        "formats": formats(&documents),
        "save_to_searchable_ms": { "while_indexing": busy.summary(), "idle": idle.summary() },
        "edits": edited,
        "search_ms": { "p50": percentile(&searches, 0.5), "p95": percentile(&searches, 0.95) },
        "startup_seconds": startup,
        "memory_bytes": { "resident": resident, "peak": peak },
        "disk_bytes": disk, "disk_ratio": disk_ratio,
    });
    output::figures(&result, setup.json)?;
    Ok(Ended::Done)
}

/// How long saves took until they were found (milliseconds).
#[derive(Default)]
struct Saves {
    /// By their words.
    words: Vec<f64>,
    /// By words and by meaning.
    both: Vec<f64>,
}

impl Saves {
    fn summary(&self) -> Value {
        let of = |times: &[f64]| {
            json!({
                "p50": percentile(times, 0.5), "p95": percentile(times, 0.95),
                "max": percentile(times, 1.0),
            })
        };
        json!({ "saves": self.both.len(), "words": of(&self.words), "both": of(&self.both) })
    }
}

/// Saves notes until everything is indexed, `most` at most; also gives when all words were in, and how
/// many chunks then waited for vectors.
async fn while_indexing(
    index: &Index,
    notes: &Path,
    most: usize,
) -> Result<(Saves, Instant, usize)> {
    let mut saves = Saves::default();
    let mut lexical = None;
    loop {
        let counts = index.ledger().counts()?;
        if counts.pending == 0 && lexical.is_none() {
            lexical = Some((Instant::now(), counts.unembedded));
        }
        if let Some((at, left)) = lexical
            && counts.pending + counts.lexical == 0
        {
            return Ok((saves, at, left));
        }
        if let Some(trouble) = index.progress().borrow().trouble.clone() {
            bail!("{trouble}");
        }
        if saves.both.len() < most {
            save(
                index,
                notes,
                &format!("busy{}", saves.both.len()),
                &mut saves,
            )
            .await?;
            tokio::time::sleep(BETWEEN).await;
        } else {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn saves_in_a_row(index: &Index, notes: &Path, count: usize, name: &str) -> Result<Saves> {
    let mut saves = Saves::default();
    for number in 0..count {
        save(index, notes, &format!("{name}{number}"), &mut saves).await?;
    }
    Ok(saves)
}

/// Saves a note and waits until both legs find it.
async fn save(index: &Index, notes: &Path, name: &str, saves: &mut Saves) -> Result<()> {
    let word = format!("zq{name}zq");
    let path = notes.join(format!("{word}.md"));
    let text = format!("# Saved\n\nThe word of this note is {word}. It was saved to be found.\n");
    let started = Instant::now();
    std::fs::write(&path, text)?;
    let id = DocumentId::of(&path);
    let milliseconds = || started.elapsed().as_secs_f64() * 1000.0;
    let mut words = None;
    while started.elapsed() < LOST {
        if words.is_none() {
            let found = index.search(&word, None, 1, &Scope::default()).await?;
            if found.iter().any(|found| *found.document() == id) {
                words = Some(milliseconds());
            }
        }
        if let Some(words) = words
            && index
                .live(&id)
                .is_some_and(|document| document.state == State::Indexed)
        {
            saves.words.push(words);
            saves.both.push(milliseconds());
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Err(anyhow!("{} was not found within {LOST:?}", path.display()))
}

fn all(index: &Index) -> Result<Vec<Document>> {
    let filter = DocumentFilter {
        limit: usize::MAX,
        ..DocumentFilter::default()
    };
    let documents = index.ledger().documents(&filter)?.0;
    Ok(documents
        .into_iter()
        .filter(|document| document.hash.is_some())
        .collect())
}

/// By extension: documents, chunks, bytes, and how fast one thread reads them.
fn formats(documents: &[Document]) -> Value {
    let mut formats: BTreeMap<String, (usize, usize, u64, u64)> = BTreeMap::new();
    for document in documents {
        let extension = document.path.extension().unwrap_or_default();
        let extension = extension.to_string_lossy().to_lowercase();
        let sums = formats.entry(extension).or_default();
        sums.0 += 1;
        sums.1 += document.chunks;
        sums.2 += document.size;
        sums.3 += document.milliseconds.unwrap_or_default();
    }
    let row = |(documents, chunks, bytes, milliseconds): (usize, usize, u64, u64)| {
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let per_second = |count: usize| count as f64 * 1000.0 / milliseconds.max(1) as f64;
        json!({
            "documents": documents, "chunks": chunks, "bytes": bytes,
            "documents_per_second": per_second(documents), "chunks_per_second": per_second(chunks),
        })
    };
    formats
        .into_iter()
        .map(|(extension, sums)| (extension, row(sums)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Chunks a second that the embedding model does alone, on every so many-th of these documents' `chunks`.
async fn embedder_alone(setup: &Setup, documents: &[Document], chunks: usize) -> Result<f64> {
    let index = setup.index().await?;
    let step = chunks.div_ceil(ALONE).max(1);
    let (mut texts, mut seen) = (Vec::new(), 0);
    for document in documents {
        for passage in index.passages(&document.id)? {
            if seen % step == 0 {
                texts.push(passage);
            }
            seen += 1;
        }
    }
    drop(index);
    texts.sort_by_key(String::len);
    let embedder = setup.embedder()?;
    embedder.embed_question("warm").await?;
    let started = Instant::now();
    let slices = texts
        .chunks(SLICE)
        .map(|slice| embedder.embed_passages(slice.to_vec(), Urgency::Backlog));
    let vectors: usize = futures::future::try_join_all(slices)
        .await?
        .iter()
        .map(Vec::len)
        .sum();
    ensure!(
        vectors == texts.len(),
        "{vectors} vectors of {} texts",
        texts.len()
    );
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    Ok(vectors as f64 / started.elapsed().as_secs_f64())
}

/// Bytes by what lies in the data directory.
fn disk(data: &Path) -> Result<BTreeMap<String, u64>> {
    fn size(path: &Path) -> std::io::Result<u64> {
        if !path.is_dir() {
            return Ok(path.metadata()?.len());
        }
        std::fs::read_dir(path)?
            .map(|entry| size(&entry?.path()))
            .sum()
    }
    let mut sizes = BTreeMap::new();
    for entry in std::fs::read_dir(data)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        sizes.insert(name.to_string_lossy().into_owned(), size(&path)?);
    }
    Ok(sizes)
}

/// Changes, moves, removes and adds text files, a few at a time; gives how many, and how long both legs took.
async fn edit(index: &Index, notes: &Path, count: usize) -> Result<Value> {
    let mut random = Random::new(1, 0);
    let mut paths: Vec<PathBuf> = all(index)?
        .into_iter()
        .map(|document| document.path)
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "md" || extension == "txt")
        })
        .collect();
    ensure!(count == 0 || !paths.is_empty(), "no text files to edit");
    let started = Instant::now();
    let mut done = 0;
    while done < count {
        for _ in 0..EDITS_AT_ONCE.min(count - done) {
            let place = random.below(paths.len());
            let path = &mut paths[place];
            let text = std::fs::read_to_string(&*path)?;
            let word = ["harbour", "ledger", "sluice", "orchard"][random.below(4)];
            let line = format!("Edit {done} speaks of the {word}.");
            match random.below(10) {
                0 => {
                    let moved = path.with_file_name(format!("moved-{done}.md"));
                    std::fs::rename(&*path, &moved)?;
                    *path = moved;
                }
                1 => {
                    std::fs::remove_file(&*path)?;
                    *path = path.with_file_name(format!("new-{done}.md"));
                    std::fs::write(&*path, format!("# New {done}\n\n{line}\n"))?;
                }
                2..5 => std::fs::write(&*path, format!("{text}\n{line}\n"))?,
                _ => {
                    let middle = text.floor_char_boundary(text.len() / 2);
                    let (before, after) = text.split_at(middle);
                    std::fs::write(&*path, format!("{before}\n\n{line}\n\n{after}"))?;
                }
            }
            done += 1;
        }
        settled(index, notes).await?;
    }
    Ok(json!({ "count": done, "seconds": started.elapsed().as_secs_f64() }))
}

/// Waits until all that was written is indexed.
async fn settled(index: &Index, notes: &Path) -> Result<()> {
    index.add_folder(notes).await?;
    index.settle().await.map_err(|trouble| anyhow!("{trouble}"))
}

/// Copies a folder's files and folders, times of change included, except for one file in `ON_TOP`: those are
/// listed in `later`, with where they go.
fn copy(
    from: &Path,
    to: &Path,
    seen: &mut usize,
    later: &mut Vec<(PathBuf, PathBuf)>,
) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target, seen, later)?;
        } else if kind.is_file() {
            *seen += 1;
            if seen.is_multiple_of(ON_TOP) {
                later.push((entry.path(), target));
            } else {
                copy_file(&entry.path(), &target)?;
            }
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::copy(from, to)?;
    let modified = from.metadata()?.modified()?;
    std::fs::File::options()
        .write(true)
        .open(to)?
        .set_modified(modified)
}
