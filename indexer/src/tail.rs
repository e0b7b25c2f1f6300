//! Vectors that are compared one by one: those that the index does not hold yet, or all of a small store.
//!
//! They are kept, file by file, as they lie in the store: LanceDB takes longer to plan a look at a few rows
//! than to compare thousands. A file never changes; what changes is which of its rows are deleted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, UInt64Type};
use futures::TryStreamExt;
use lancedb::Table;

use crate::error::{IndexerError, Result};
use crate::rows::ROW;
use crate::vectors::{column, engine};

/// The vectors of some files.
#[derive(Default)]
pub(crate) struct Tail {
    files: Mutex<HashMap<Version, Arc<Held>>>,
}

/// A file by its number, and how many of its rows are deleted.
pub(crate) type Version = (u64, usize);

/// Rows of a file, and their vectors one after the other.
#[derive(Default)]
struct Held {
    rows: Vec<u64>,
    vectors: Vec<f32>,
}

impl Tail {
    /// The rows in these files of `table` that are nearest to `vector`, and one minus their dot products.
    pub(crate) async fn nearest(
        &self,
        table: &Table,
        files: &[Version],
        vector: &[f32],
        limit: usize,
    ) -> Result<Vec<(u64, f32)>> {
        let mut found = Vec::new();
        for held in self.held(table, files).await? {
            let vectors = held.vectors.chunks_exact(vector.len().max(1));
            let distances = vectors.map(|other| 1.0 - dot(vector, other));
            found.extend(held.rows.iter().copied().zip(distances));
        }
        if found.len() > limit {
            found.select_nth_unstable_by(limit, |a, b| a.1.total_cmp(&b.1));
            found.truncate(limit);
        }
        Ok(found)
    }

    async fn held(&self, table: &Table, files: &[Version]) -> Result<Vec<Arc<Held>>> {
        let mut held = Vec::new();
        let mut read = Vec::new();
        for &version in files {
            let known = self.lock().get(&version).cloned();
            if let Some(known) = known {
                held.push(known);
                continue;
            }
            let file = Arc::new(Self::read(table, version.0).await?);
            read.push((version, Arc::clone(&file)));
            held.push(file);
        }
        if !read.is_empty() {
            let mut kept = self.lock();
            kept.retain(|version, _| files.contains(version));
            kept.extend(read);
        }
        Ok(held)
    }

    async fn read(table: &Table, number: u64) -> Result<Held> {
        let dataset = table.dataset().ok_or(IndexerError::Closed)?.get().await?;
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        let mut held = Held::default();
        let Some(fragment) = dataset.get_fragment(number) else {
            return Ok(held);
        };
        let mut scan = fragment.scan();
        engine(scan.project(&["vector"]))?.with_row_id();
        let batches = engine(scan.try_into_stream().await)?.try_collect();
        let batches: Vec<RecordBatch> = engine(batches.await)?;
        for batch in &batches {
            let rows = column(batch, ROW)?.as_primitive::<UInt64Type>();
            held.rows.extend(rows.values());
            let vectors = column(batch, "vector")?.as_fixed_size_list();
            for row in 0..batch.num_rows() {
                let vector = vectors.value(row);
                held.vectors
                    .extend(vector.as_primitive::<Float32Type>().values());
            }
        }
        Ok(held)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Version, Arc<Held>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; 16];
    let (blocks, others) = (a.chunks_exact(16), b.chunks_exact(16));
    let rest = blocks.remainder().iter().zip(others.remainder());
    let rest: f32 = rest.map(|(a, b)| a * b).sum();
    for (a, b) in blocks.zip(others) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + rest
}
