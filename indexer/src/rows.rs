//! What each row of the vector store is: a chunk's document, content hash and place.
//!
//! A file of the store never changes and its number is never given again, so this is read once for
//! each and kept: eight bytes a row, and its documents' names. A search then asks the store for row
//! numbers and distances alone; looking the names up there would take longer than the search.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{UInt32Type, UInt64Type};
use futures::TryStreamExt;
use lance::Dataset;

use crate::error::Result;
use crate::index::read;
use crate::ledger::DocumentId;
use crate::lexical::ChunkKey;
use crate::vectors::{column, engine, fragment, strings};

/// The column with a row's number: its file's number and its place there.
pub(crate) const ROW: &str = "_rowid";

/// No row: it was deleted before its file was read.
const GONE: u32 = u32::MAX;

/// The rows of the files that were read so far.
#[derive(Default)]
pub(crate) struct Rows {
    files: RwLock<HashMap<u64, Arc<File>>>,
}

#[derive(Default)]
struct File {
    documents: Vec<(DocumentId, String)>,
    /// Which of the documents, and the chunk's place in it.
    rows: Vec<(u32, u32)>,
}

/// Some of the rows of some files.
pub(crate) struct Inside(HashMap<u64, Vec<bool>>);

impl Inside {
    /// Which rows of a file, by their places; those further on are not inside.
    pub(crate) fn of_file(&self, number: u64) -> &[bool] {
        self.0.get(&number).map_or(&[], Vec::as_slice)
    }
}

impl Rows {
    /// The chunk in a row, and its content hash; none where the file was not read.
    pub(crate) fn get(&self, row: u64) -> Option<(ChunkKey, String)> {
        let file = Arc::clone(self.files().get(&file_of(row))?);
        let (document, ordinal) = *file.rows.get(place_of(row))?;
        let (document, hash) = file.documents.get(document as usize)?.clone();
        Some((ChunkKey { document, ordinal }, hash))
    }

    /// Which rows of these files, if they were read, are of these documents.
    pub(crate) fn of(
        &self,
        documents: &HashSet<DocumentId>,
        numbers: impl Iterator<Item = u64>,
    ) -> Inside {
        let files = self.files();
        let inside = numbers.filter_map(|number| {
            let file = files.get(&number)?;
            let of = file.documents.iter().map(|(id, _)| documents.contains(id));
            let of: Vec<bool> = of.collect();
            let rows = file.rows.iter();
            let inside = rows.map(|(document, _)| of.get(*document as usize) == Some(&true));
            Some((number, inside.collect()))
        });
        Inside(inside.collect())
    }

    /// Reads those of these files that are in `dataset` and were not read yet.
    pub(crate) async fn read_missing(
        &self,
        dataset: &Dataset,
        files: impl Iterator<Item = u64>,
    ) -> Result<()> {
        let missing: HashSet<u64> = {
            let read = self.files();
            files.filter(|file| !read.contains_key(file)).collect()
        };
        self.read(dataset, missing).await
    }

    /// Reads all files of `dataset`: a missing one is found now rather than in an answer.
    pub(crate) async fn read_all(&self, dataset: &Dataset) -> Result<()> {
        let all = dataset.fragments().iter().map(|file| file.id).collect();
        self.read(dataset, all).await
    }

    async fn read(&self, dataset: &Dataset, numbers: HashSet<u64>) -> Result<()> {
        if numbers.is_empty() {
            return Ok(());
        }
        let mut read = Vec::new();
        for number in numbers {
            let Some(fragment) = fragment(dataset, number) else {
                continue;
            };
            let mut scan = fragment.scan();
            engine(scan.project(&["document_id", "document_hash", "ordinal"]))?.with_row_id();
            let batches = engine(scan.try_into_stream().await)?.try_collect();
            let batches: Vec<RecordBatch> = engine(batches.await)?;
            read.push((number, Arc::new(File::new(&batches)?)));
        }
        let current: HashSet<u64> = dataset.fragments().iter().map(|file| file.id).collect();
        let newest = current.iter().max().copied();
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody who looks at a newer version may have read newer files.
        files.retain(|number, _| current.contains(number) || Some(*number) > newest);
        files.extend(read);
        Ok(())
    }

    fn files(&self) -> std::sync::RwLockReadGuard<'_, HashMap<u64, Arc<File>>> {
        read(&self.files)
    }
}

impl File {
    fn new(batches: &[RecordBatch]) -> Result<Self> {
        let mut file = Self::default();
        for batch in batches {
            let documents = strings(batch, "document_id")?;
            let hashes = strings(batch, "document_hash")?;
            let ordinals = column(batch, "ordinal")?.as_primitive::<UInt32Type>();
            let rows = column(batch, ROW)?.as_primitive::<UInt64Type>();
            for row in 0..batch.num_rows() {
                let (document, hash) = (documents.value(row), hashes.value(row));
                // A document's rows lie side by side.
                let last = file.documents.last();
                if last.is_none_or(|(id, last)| id.0 != document || last != hash) {
                    let id = DocumentId(document.to_owned());
                    file.documents.push((id, hash.to_owned()));
                }
                let place = place_of(rows.value(row));
                if file.rows.len() <= place {
                    file.rows.resize(place + 1, (GONE, 0));
                }
                let document = u32::try_from(file.documents.len() - 1).unwrap_or(GONE);
                file.rows[place] = (document, ordinals.value(row));
            }
        }
        file.rows.shrink_to_fit();
        file.documents.shrink_to_fit();
        Ok(file)
    }
}

/// The file that a row is in.
pub(crate) fn file_of(row: u64) -> u64 {
    row >> 32
}

/// Its place there.
pub(crate) fn place_of(row: u64) -> usize {
    usize::try_from(row & u64::from(u32::MAX)).unwrap_or(usize::MAX)
}
