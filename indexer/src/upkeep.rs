//! Upkeep of the vector store: when small files are joined, deleted rows and old versions dropped, and
//! an index made.
//!
//! Every commit adds a file and a version; `due` (pure) says from the store's shape what is worth
//! doing. No step rewrites more than `FULL` rows several times over, except the index, which is made
//! while saves go on. Each step is one change of the table: what was there before is there until it
//! is complete.

use std::sync::atomic::Ordering;

use lance::Dataset;
use lancedb::DistanceType;
use lancedb::index::Index;
use lancedb::index::scalar::BTreeIndexBuilder;
use lancedb::index::vector::IvfRqIndexBuilder;
use lancedb::table::{CompactionOptions, Duration, OptimizeAction, OptimizeOptions};

use crate::error::Result;
use crate::fail;
use crate::vectors::{IO_BUFFER, Indexed, VECTOR, Vectors, dataset_of};

/// Rows of a full file: it is not joined with others.
const FULL: usize = 8192;
/// Rows of a file that may always be rewritten with those after it.
const SMALL: usize = 1024;
/// Files in the index that are not half full are joined when there are this many: the index has to be
/// rewritten with them.
const GATHER: usize = 8;
/// Small files are joined when there are this many; fewer when there is nothing else to do.
const JOIN: [usize; 2] = [16, 8];
/// Old versions are dropped when there may be this many; fewer when there is nothing else to do.
const PRUNE: [usize; 2] = [128, 8];
/// A file is rewritten when more than this share of its rows is deleted.
const DELETED: f32 = 0.25;
/// Rows that are not in the index yet are compared one by one; from this many on they are added to it.
const APPEND: usize = 32_768;
/// Parts of an index, each of which every search looks into, before they are merged.
const PARTS: usize = 4;
/// Rows that one partition of the index aims at.
const PARTITION: u32 = 1024;
/// Bits a dimension in the index.
const BITS: u32 = 7;
/// Columns by which rows are looked up.
const KEYS: [&str; 2] = ["document_id", "text_hash"];

/// A file of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct File {
    pub number: u32,
    /// Rows, deleted ones included.
    pub rows: usize,
    pub deleted: usize,
    /// It is in the index.
    pub covered: bool,
}

/// What the store looks like from outside.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shape {
    /// Oldest first.
    pub files: Vec<File>,
    /// Old versions, at most.
    pub versions: usize,
    /// Parts of the index; none without one.
    pub parts: usize,
    /// Rows from which on there is an index.
    pub index_from: usize,
}

/// Something worth doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Join these files.
    Join(Vec<u32>),
    /// Rewrite this file without its deleted rows.
    Sweep(u32),
    /// Drop old versions.
    Prune,
    /// Make the index.
    Index,
    /// Add to the index what is not in it, as another part or into one.
    Append { merge: bool },
}

impl Step {
    /// Whether it takes long and lets others write meanwhile.
    pub(crate) fn is_long(&self) -> bool {
        matches!(self, Self::Index | Self::Append { .. })
    }
}

/// What is worth doing, the first first; more is, when nothing else is to be done.
pub(crate) fn due(shape: &Shape, idle: bool) -> Vec<Step> {
    let usual = usize::from(idle);
    let live: usize = shape
        .files
        .iter()
        .map(|file| file.rows - file.deleted)
        .sum();
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let is_hollow = |file: &&File| file.deleted as f32 > DELETED * file.rows as f32;
    let hollow: Vec<&File> = shape.files.iter().filter(is_hollow).collect();
    let outside = shape.files.iter().filter(|file| !file.covered);
    let outside: usize = outside.map(|file| file.rows - file.deleted).sum();
    let indexed = shape.index_from > 0 && shape.parts > 0;
    let append = indexed && outside >= APPEND.min(shape.index_from);
    let tail = tail(&shape.files);
    let mut due = Vec::new();
    // What goes into the index is joined before: later it could not be without rewriting the index.
    if tail.len() >= JOIN[usual] || tail.len() > 1 && append {
        due.push(Step::Join(tail));
    }
    let gathered = shape
        .files
        .iter()
        .filter(|file| file.covered && file.rows < FULL / 2);
    let gathered: Vec<u32> = gathered.map(|file| file.number).collect();
    if gathered.len() >= GATHER {
        due.push(Step::Join(gathered));
    }
    if hollow.iter().map(|file| file.rows).sum::<usize>() >= SMALL {
        // One by one: LanceDB takes neighbours together or not at all.
        due.extend(hollow.first().map(|file| Step::Sweep(file.number)));
    }
    if shape.versions >= PRUNE[usual] {
        due.push(Step::Prune);
    }
    if shape.parts == 0 && shape.index_from > 0 && live >= shape.index_from {
        due.push(Step::Index);
    }
    if append {
        due.push(Step::Append {
            merge: shape.parts >= PARTS,
        });
    }
    due
}

/// The newest files that are not in the index, not full, and not much larger than those after them: a row is rewritten a few
/// times until its file is full, and not at each save.
fn tail(files: &[File]) -> Vec<u32> {
    let mut tail = Vec::new();
    let mut sum = 0;
    for file in files.iter().rev() {
        if file.covered || file.rows >= FULL || file.rows > (2 * sum).max(SMALL) {
            break;
        }
        sum += file.rows;
        tail.push(file.number);
    }
    tail
}

/// The files of the store as it is in `dataset`, oldest first.
pub(crate) fn files_of(dataset: &Dataset, index: &Indexed) -> Vec<File> {
    let files = dataset.fragments().iter().map(|fragment| File {
        number: u32::try_from(fragment.id).unwrap_or(u32::MAX),
        rows: fragment.physical_rows.unwrap_or_default(),
        deleted: fragment
            .deletion_file
            .as_ref()
            .and_then(|file| file.num_deleted_rows)
            .unwrap_or_default(),
        covered: index.files.contains(&fragment.id),
    });
    files.collect()
}

impl Vectors {
    /// What is worth doing, the first first.
    pub(crate) async fn due(&self, idle: bool) -> Result<Vec<Step>> {
        let (files, parts) = self.files().await?;
        let shape = Shape {
            files,
            versions: self.versions.load(Ordering::Relaxed),
            parts,
            index_from: self.index_from,
        };
        let mut due = due(&shape, idle);
        if self.no_index.load(Ordering::Relaxed) {
            due.retain(|step| !step.is_long());
        }
        Ok(due)
    }

    /// Does it; false when there was nothing to do after all.
    pub(crate) async fn take(&self, step: &Step) -> Result<bool> {
        match step {
            Step::Join(files) => self.join(files).await,
            Step::Sweep(file) => self.join(&[*file]).await,
            Step::Prune => self.prune().await.map(|()| true),
            Step::Index => self.make_index().await.map(|()| true),
            Step::Append { merge } => self.append_to_index(*merge).await.map(|()| true),
        }
    }

    /// The store's files, oldest first, and how many parts its index has.
    pub(crate) async fn files(&self) -> Result<(Vec<File>, usize)> {
        let dataset = dataset_of(&self.table).await?;
        let index = Indexed::of(&dataset).await?;
        Ok((files_of(&dataset, &index), index.parts))
    }

    /// Rewrites every file that holds a deleted row, and drops old versions; gives the new marker.
    pub(crate) async fn purge(&self) -> Result<String> {
        self.compact(CompactionOptions {
            materialize_deletions_threshold: 0.0,
            ..options()
        })
        .await?;
        self.prune().await?;
        self.marker().await
    }

    /// Until the guard is gone no index is made: its files would be taken for left over by `prune`. One
    /// that is being made is given up.
    pub(crate) async fn quiet(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.give_way.notify_waiters();
        self.indexing.lock().await
    }

    async fn join(&self, files: &[u32]) -> Result<bool> {
        let all = self.files().await?.0.into_iter().map(|file| file.number);
        let excluded_fragment_ids = all.filter(|number| !files.contains(number)).collect();
        self.compact(CompactionOptions {
            excluded_fragment_ids,
            ..options()
        })
        .await
    }

    async fn compact(&self, options: CompactionOptions) -> Result<bool> {
        let action = OptimizeAction::Compact {
            options,
            remap_options: None,
        };
        let done = self.table.optimize(action).await?.compaction;
        fail::point("compacted");
        let done = done.is_some_and(|done| done.fragments_removed > 0);
        if done {
            self.written(2);
        }
        Ok(done)
    }

    async fn prune(&self) -> Result<()> {
        let _alone = self.reading.write().await;
        self.versions.store(0, Ordering::Relaxed);
        self.table
            .optimize(OptimizeAction::Prune {
                older_than: Some(Duration::seconds(0)),
                // This process holds the data directory's lock: nobody else writes.
                delete_unverified: Some(true),
                error_if_tagged_old_versions: None,
            })
            .await?;
        fail::point("pruned");
        Ok(())
    }

    pub(crate) async fn make_index(&self) -> Result<()> {
        let vector = IvfRqIndexBuilder::default()
            .distance_type(DistanceType::Dot)
            .num_bits(BITS)
            .target_partition_size(PARTITION)
            .sample_rate(64)
            .max_iterations(20);
        let make = async {
            for key in KEYS {
                let index = Index::BTree(BTreeIndexBuilder::default());
                self.table.create_index(&[key], index).execute().await?;
                self.written(1);
            }
            let index = Index::IvfRq(vector);
            self.table.create_index(&[VECTOR], index).execute().await
        };
        self.indexing(make).await
    }

    async fn append_to_index(&self, merge: bool) -> Result<()> {
        let options = if merge {
            OptimizeOptions::merge(PARTS + 1).with_partition_rebalancing()
        } else {
            OptimizeOptions::append()
        };
        let append = async {
            let action = OptimizeAction::Index(options);
            self.table.optimize(action).await.map(drop)
        };
        self.indexing(append).await
    }

    /// Makes an index, unless somebody needs quiet.
    async fn indexing(&self, make: impl Future<Output = lancedb::Result<()>>) -> Result<()> {
        let asked = self.give_way.notified();
        let _quiet = self.indexing.lock().await;
        let outside = async || {
            let files = self.files().await?.0.into_iter();
            let outside = files.filter(|file| !file.covered).map(|file| file.number);
            Result::Ok(outside.collect::<Vec<u32>>())
        };
        let before = outside().await?;
        let begun = async {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            fail::point("vectors-indexing");
            std::future::pending::<()>().await;
        };
        tokio::select! {
            made = make => if let Err(error) = made {
                tracing::warn!(%error, "the index of the vectors cannot be made or grown: others are compared one by one");
                self.no_index.store(true, Ordering::Relaxed);
                return Ok(());
            },
            () = asked => return Ok(()),
            () = begun => {}
        }
        self.written(1);
        let left_out = outside().await?;
        if left_out.iter().any(|file| before.contains(file)) {
            tracing::warn!(
                ?left_out,
                "the index of the vectors does not take them all: it stays as it is"
            );
            self.no_index.store(true, Ordering::Relaxed);
        }
        fail::point("vectors-indexed");
        Ok(())
    }
}

fn options() -> CompactionOptions {
    CompactionOptions {
        target_rows_per_fragment: FULL,
        num_threads: Some(1),
        // By itself LanceDB reads as much ahead as it can.
        batch_size: Some(512),
        io_buffer_size: Some(IO_BUFFER),
        ..CompactionOptions::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(rows: &[usize]) -> Vec<File> {
        let number = |place: usize| u32::try_from(place).expect("few files");
        rows.iter()
            .enumerate()
            .map(|(place, &rows)| File {
                number: number(place),
                rows,
                deleted: 0,
                covered: false,
            })
            .collect()
    }

    fn shape(rows: &[usize]) -> Shape {
        Shape {
            files: files(rows),
            index_from: 200_000,
            ..Shape::default()
        }
    }

    #[test]
    fn a_few_saves_rewrite_nothing() {
        let mut rows = vec![FULL; 8];
        rows.extend([3000, 12, 9, 20]);
        let mut shape = Shape {
            versions: 7,
            parts: 1,
            ..shape(&rows)
        };
        shape.files[..8]
            .iter_mut()
            .for_each(|file| file.covered = true);
        assert_eq!(due(&shape, true), []);
    }

    #[test]
    fn small_files_are_joined_and_full_ones_are_not() {
        let mut rows = vec![FULL, 3000, 256];
        rows.extend([12; 8]);
        let shape = shape(&rows);
        assert_eq!(due(&shape, false), []);
        // The one with 3,000 rows waits until there is more to join it with.
        let expected: Vec<u32> = (2..11).rev().collect();
        assert_eq!(due(&shape, true), [Step::Join(expected)]);
    }

    /// Commits of 256 rows: each row is rewritten a few times at most until its file is full.
    #[test]
    fn a_row_is_rewritten_a_few_times() {
        let (mut store, mut rewritten) = (Vec::new(), 0);
        for number in 0..1000 {
            store.push(File {
                number,
                rows: 256,
                deleted: 0,
                covered: false,
            });
            let shape = Shape {
                files: store.clone(),
                ..Shape::default()
            };
            for step in due(&shape, false) {
                let Step::Join(files) = step else {
                    panic!("{step:?}");
                };
                let joined = |file: &File| files.contains(&file.number);
                let rows = store
                    .iter()
                    .filter(|file| joined(file))
                    .map(|file| file.rows)
                    .sum();
                store.retain(|file| !joined(file));
                store.push(File {
                    number,
                    rows,
                    deleted: 0,
                    covered: false,
                });
                rewritten += rows;
            }
        }
        assert!(rewritten <= 5 * 256 * 1000, "{rewritten}");
        assert!(store.len() <= 1000 * 256 / FULL + 2 * JOIN[0]);
    }

    #[test]
    fn deleted_rows_old_versions_and_a_large_table_are_seen_to() {
        let mut hollow = shape(&[FULL, FULL]);
        hollow.files[0].deleted = FULL / 3;
        assert_eq!(due(&hollow, false), [Step::Sweep(0)]);
        let many = Shape {
            versions: PRUNE[0],
            ..shape(&[FULL])
        };
        assert_eq!(due(&many, false), [Step::Prune]);
        assert_eq!(due(&shape(&[FULL; 25]), false), [Step::Index]);
        let never = Shape {
            index_from: 0,
            ..shape(&[FULL; 25])
        };
        assert_eq!(due(&never, false), []);
        let no_more = Shape { parts: 1, ..never };
        assert_eq!(due(&no_more, false), []);
    }

    #[test]
    fn what_is_not_in_the_index_is_joined_and_added() {
        let grown = |rows: &[usize], parts| {
            let mut shape = shape(rows);
            shape.files[..3]
                .iter_mut()
                .for_each(|file| file.covered = true);
            shape.parts = parts;
            shape
        };
        let append = |merge| Step::Append { merge };
        let full = 3 + APPEND / FULL;
        assert_eq!(due(&grown(&[FULL; 6], 1), false), []);
        assert_eq!(due(&grown(&vec![FULL; full], 1), false), [append(false)]);
        assert_eq!(due(&grown(&vec![FULL; full], PARTS), false), [append(true)]);
        let mut small = vec![FULL; full - 1];
        small.extend([8000, 300, 300]);
        let small = grown(&small, 1);
        let newest = u32::try_from(full).expect("few files");
        let join = Step::Join(vec![newest + 1, newest]);
        assert_eq!(due(&small, false), [join, append(false)]);
        let mut many = grown(&[3000; 14], 1);
        assert_eq!(due(&many, false).last(), Some(&append(false)));
        many.files.iter_mut().for_each(|file| file.covered = true);
        assert_eq!(due(&many, false), [Step::Join((0..14).collect())]);
    }
}
