//! The vector store alone, at any size, on made-up vectors: what the nearest are is known by arithmetic.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use vade_indexer::{TrialDocument, VectorTrial};

use super::synthetic::{Synthetic, dot};
use crate::Ended;
use crate::compose::Setup;
use crate::measure::{memory, percentile, processor_seconds};
use crate::output;

const SEED: u64 = 20_261_120;
/// Chunks of a document.
const CHUNKS: usize = 12;
/// Documents in a commit while writing.
const COMMIT: usize = 21;
/// Neighbours that recall counts.
const NEAREST: usize = 10;
/// Neighbours asked for, as a search does.
const ASKED: usize = 150;
/// Saves that are timed.
const SAVES: usize = 40;
/// Numbers of queries and of edits: far from those of chunks.
const QUERY: u64 = 1 << 40;
const EDIT: u64 = 1 << 41;
/// Recall below this is an error.
const RECALL: f64 = 0.95;

pub(crate) async fn run(
    setup: &Setup,
    chunks: usize,
    queries: usize,
    edits: usize,
) -> Result<Ended> {
    ensure!(
        chunks >= 10_000 && queries > 0,
        "at least 10,000 chunks and a query"
    );
    let dimensions = setup.embedder()?.dimensions();
    let index_from = setup.settings.index.approximate_from;
    let documents = chunks / CHUNKS;
    let topics = documents.isqrt().max(16);
    let made = Synthetic::new(SEED, dimensions, topics);
    let queries: Vec<Vec<f32>> = (0..queries as u64)
        .map(|one| made.vector(QUERY + one))
        .collect();
    let directory = tempfile::tempdir()?;
    let mut times = BTreeMap::<String, (usize, f64)>::new();

    let store = VectorTrial::open(directory.path(), dimensions, index_from).await?;
    let started = Instant::now();
    let truth = fill(&store, &made, documents, &queries, &mut times).await?;
    let written = started.elapsed().as_secs_f64();
    let writing = memory();
    let grown = searches(&store, &queries, &truth, false).await?;
    ensure!(
        grown.recall > RECALL,
        "{} of the nearest are found",
        grown.recall
    );
    reset_peak();
    let (build, during) = build(&store, &made, documents).await?;
    let building = memory();
    let approximate = searches(&store, &queries, &truth, false).await?;
    ensure!(
        approximate.recall > RECALL,
        "{} of the nearest are found",
        approximate.recall
    );
    let indexed = saves(&store, &made, documents, 2 * SAVES).await?;
    let mut steps = BTreeMap::new();
    for edit in 0..edits {
        // Spread over the store.
        let number = edit * (documents / edits).max(1) % documents;
        let edited = document(&made, number, EDIT + ((3 * SAVES + edit) * CHUNKS) as u64);
        store.replace(&[edited]).await?;
        tidy(&store, false, &mut steps).await?;
    }
    tidy(&store, true, &mut steps).await?;
    // What was replaced is no longer what it was.
    let step = (documents / edits.max(1)).max(1);
    let stays = |near: &Near| !near.0.is_multiple_of(step) || near.0 / step >= edits;
    let truth: Vec<Vec<Near>> = truth
        .iter()
        .map(|near| near.iter().copied().filter(stays).collect())
        .collect();
    let afterwards = searches(&store, &queries, &truth, false).await?;
    ensure!(
        edits == 0 || afterwards.found > RECALL,
        "after edits {} of the nearest are found",
        afterwards.found
    );
    drop(store);
    reset_peak();
    let closed = memory().0;
    let started = Instant::now();
    let store = VectorTrial::open(directory.path(), dimensions, index_from).await?;
    let opening = started.elapsed().as_secs_f64();
    let first = Instant::now();
    store.search(&queries[0], ASKED, false).await?;
    let first = first.elapsed().as_secs_f64() * 1000.0;

    searches(&store, &queries, &truth, false).await?;
    let searching = memory();
    let exact = searches(&store, &queries, &truth, true).await?;
    let comparing = memory();
    ensure!(
        exact.found > 0.999,
        "exact search finds {} of the nearest",
        exact.found
    );
    let disk = size(directory.path())?;
    let content = documents * CHUNKS * (dimensions * 4 + 1005);
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    let ratio = disk as f64 / content as f64;
    let result = json!({
        "chunks": documents * CHUNKS, "dimensions": dimensions, "topics": topics,
        "queries": queries.len(), "asked": ASKED, "seed": SEED, "approximate_from": index_from,
        "write_seconds": written,
        "write_memory_bytes": { "resident": writing.0, "peak": writing.1 }, "write_upkeep": steps_of(&times),
        "exact": exact.summary(), "as_grown": grown.summary(), "index_made_anew": approximate.summary(),
        "index_seconds": build,
        "index_memory_bytes": { "resident": building.0, "peak": building.1 },
        "save_ms": { "while_indexing": of(&during), "indexed": of(&indexed) },
        "edits": edits, "edits_upkeep": steps_of(&steps), "approximate_after_edits": afterwards.summary(),
        "open_seconds": opening, "first_search_ms": first,
        "reopened_memory_bytes": { "closed": closed, "searched": searching.0, "peak": searching.1, "exactly": comparing.1 },
        "disk_bytes": disk, "disk_ratio": ratio,
    });
    output::figures(&result, setup.json)?;
    Ok(Ended::Done)
}

/// The chunk with this place in the store, and its nearness.
type Near = (usize, usize, f32);

/// Writes all documents as indexing does, upkeep included; gives what is nearest to each query.
async fn fill(
    store: &VectorTrial,
    made: &Synthetic,
    documents: usize,
    queries: &[Vec<f32>],
    times: &mut BTreeMap<String, (usize, f64)>,
) -> Result<Vec<Vec<Near>>> {
    let mut nearest = vec![Vec::new(); queries.len()];
    for first in (0..documents).step_by(COMMIT) {
        let batch = first..(first + COMMIT).min(documents);
        let batch: Vec<TrialDocument> = batch
            .map(|number| document(made, number, (number * CHUNKS) as u64))
            .collect();
        for (query, nearest) in queries.iter().zip(&mut nearest) {
            look_at(query, &batch, nearest);
        }
        store.replace(&batch).await?;
        tidy(store, false, times).await?;
    }
    Ok(nearest)
}

/// Keeps the nearest of what was known and this batch.
fn look_at(query: &[f32], batch: &[TrialDocument], nearest: &mut Vec<Near>) {
    for document in batch {
        for (ordinal, (_, vector)) in document.chunks.iter().enumerate() {
            nearest.push((document.number, ordinal, dot(query, vector)));
        }
    }
    nearest.sort_by(|a, b| b.2.total_cmp(&a.2));
    nearest.truncate(NEAREST);
}

fn document(made: &Synthetic, number: usize, from: u64) -> TrialDocument {
    let numbers = from..from + CHUNKS as u64;
    let chunks = numbers.map(|number| (made.text(number), made.vector(number)));
    TrialDocument {
        number,
        chunks: chunks.collect(),
    }
}

struct Searches {
    /// Share of the nearest that are among as many found.
    recall: f64,
    /// Share of the nearest that are among all found.
    found: f64,
    milliseconds: Vec<f64>,
    /// Processor time of one, in all threads: what neighbours on the machine do not change.
    processor: f64,
}

impl Searches {
    fn summary(&self) -> Value {
        json!({ "recall_at_10": self.recall, "of_10_in_150": self.found, "ms": of(&self.milliseconds),
            "processor_ms": self.processor,
        })
    }
}

/// Searches for every query twice, and times the second time.
#[expect(clippy::cast_precision_loss, reason = "shares and means")]
async fn searches(
    store: &VectorTrial,
    queries: &[Vec<f32>],
    truth: &[Vec<Near>],
    exactly: bool,
) -> Result<Searches> {
    let mut milliseconds = Vec::new();
    let (mut right, mut found, mut all) = (0, 0, 0_u32);
    let mut processor = 0.0;
    for timed in [false, true] {
        processor = processor_seconds();
        for (query, truth) in queries.iter().zip(truth) {
            let started = Instant::now();
            let near = store.search(query, ASKED, exactly).await?;
            if timed {
                milliseconds.push(started.elapsed().as_secs_f64() * 1000.0);
                continue;
            }
            let key = |near: &Near| (near.0, near.1);
            let first: HashSet<_> = near.iter().take(NEAREST).map(key).collect();
            let near: HashSet<_> = near.iter().map(key).collect();
            right += truth.iter().filter(|one| first.contains(&key(one))).count();
            found += truth.iter().filter(|one| near.contains(&key(one))).count();
            all += u32::try_from(truth.len())?;
        }
    }
    let processor = (processor_seconds() - processor) * 1000.0;
    let share = |count: usize| count as f64 / f64::from(all.max(1));
    Ok(Searches {
        recall: share(right),
        found: share(found),
        processor: processor / milliseconds.len().max(1) as f64,
        milliseconds,
    })
}

/// Replaces new documents one by one, and checks that each is found at once.
async fn saves(
    store: &VectorTrial,
    made: &Synthetic,
    documents: usize,
    from: usize,
) -> Result<Vec<f64>> {
    let mut milliseconds = Vec::new();
    for save in from..from + SAVES {
        milliseconds.push(self::save(store, made, documents + 1, save).await?);
    }
    Ok(milliseconds)
}

async fn save(store: &VectorTrial, made: &Synthetic, number: usize, save: usize) -> Result<f64> {
    let saved = document(made, number, EDIT + (save * CHUNKS) as u64);
    let vector = saved.chunks[3].1.clone();
    let started = Instant::now();
    store.replace(&[saved]).await?;
    let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
    let found = store.search(&vector, ASKED, false).await?;
    let is_it = found
        .first()
        .is_some_and(|one| (one.0, one.1) == (number, 3));
    ensure!(is_it, "what was saved is not the nearest to itself");
    Ok(milliseconds)
}

/// Makes the index anew, and saves meanwhile; how long it took, and each save.
async fn build(store: &VectorTrial, made: &Synthetic, documents: usize) -> Result<(f64, Vec<f64>)> {
    let building = async {
        let started = Instant::now();
        store.make_index().await?;
        anyhow::Ok(started.elapsed().as_secs_f64())
    };
    let mut building = std::pin::pin!(building);
    let mut milliseconds = Vec::new();
    for number in SAVES.. {
        tokio::select! {
            seconds = &mut building => return Ok((seconds?, milliseconds)),
            () = tokio::time::sleep(Duration::from_millis(300)) => {}
        }
        // The index is made by the other task meanwhile.
        let saving = save(store, made, documents + 2, SAVES + number % SAVES);
        tokio::select! {
            seconds = &mut building => return Ok((seconds?, milliseconds)),
            time = saving => milliseconds.push(time?),
        }
    }
    unreachable!("numbers do not end")
}

/// All of the upkeep that is due, by step: how often and how long.
async fn tidy(
    store: &VectorTrial,
    idle: bool,
    times: &mut BTreeMap<String, (usize, f64)>,
) -> Result<()> {
    while let Some((step, took)) = store.upkeep(idle).await? {
        let (count, seconds) = times.entry(step).or_default();
        *count += 1;
        *seconds += took.as_secs_f64();
    }
    Ok(())
}

fn steps_of(times: &BTreeMap<String, (usize, f64)>) -> Value {
    let step = |(count, seconds): &(usize, f64)| json!({ "times": count, "seconds": seconds });
    times
        .iter()
        .map(|(name, sums)| (name.clone(), step(sums)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn of(times: &[f64]) -> Value {
    json!({
        "count": times.len(), "p50": percentile(times, 0.5), "p95": percentile(times, 0.95),
        "max": percentile(times, 1.0),
    })
}

/// Begins to count the highest memory anew; where that is not possible it stays what it was.
fn reset_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn size(path: &Path) -> std::io::Result<u64> {
    if !path.is_dir() {
        return Ok(path.metadata()?.len());
    }
    std::fs::read_dir(path)?
        .map(|entry| size(&entry?.path()))
        .sum()
}
