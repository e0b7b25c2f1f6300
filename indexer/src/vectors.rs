//! The vector store: LanceDB's table `chunks`, which any LanceDB client can open.
//!
//! One task writes, everybody reads. A document is replaced by deleting its rows and adding the new
//! ones; old rows that are still there are told apart by their content hash, so a reader never takes
//! them for current. The table version after a commit is the marker kept in the ledger. Files are
//! tidied and the index made by `upkeep`; what a row is, `rows` remembers.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, UInt64Type};
use arrow_array::{
    ArrayRef, FixedSizeListArray, Float32Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt32Array, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use futures::{Stream, TryStreamExt};
use lance::Dataset;
use lance::dataset::fragment::FileFragment;
use lance::index::DatasetIndexExt;
use lancedb::query::{ExecutableQuery, Query, QueryBase, Select};
use lancedb::{DistanceType, ObjectStoreRegistry, Session, Table};
use tokio::sync::{Mutex, Notify, RwLock};

use crate::error::{IndexerError, Result};
use crate::fail;
use crate::index::check_clock;
use crate::ledger::{Document, DocumentId};
use crate::lexical::{Candidate, ChunkRow, Opened};
use crate::names::HEAD;
use crate::own_files;
use crate::paths::path_text;
use crate::rows::{ROW, Rows, file_of};
use crate::tail::{Tail, Version};
use crate::upkeep::{File, files_of};

const TABLE: &str = "chunks";
/// The column that has the approximate index.
pub(crate) const VECTOR: &str = "vector";
/// What LanceDB may keep of indices (bytes).
const INDEX_CACHE: usize = 64 << 20;
/// What LanceDB may keep of files' descriptions (bytes).
const METADATA_CACHE: usize = 32 << 20;
/// What a look at all rows may read ahead (bytes).
pub(crate) const IO_BUFFER: u64 = 16 << 20;
/// Up to so many rows are compared in memory, at a byte for each dimension.
const KEPT: usize = 262_144;
/// Who asks for more neighbours than this wants to know exactly, and is not in a hurry.
pub(crate) const DEEP: usize = 500;
/// Partitions of the index that a search looks into; one more for each `ROWS_A_PROBE` rows.
const PROBES: usize = 32;
const ROWS_A_PROBE: usize = 16_384;

/// Whether a tag is this one, or nested in it: `a/b` in `a`.
fn is_within(tag: &str, wanted: &str) -> bool {
    let nested = tag.strip_prefix(wanted);
    nested.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Documents that a question to LanceDB names one by one, at most.
const NAMED: usize = 1000;

/// A chunk with its vector, on its way into the store.
#[derive(Debug, Clone)]
pub(crate) struct VectorRow {
    pub chunk: ChunkRow,
    pub source: Arc<Document>,
    /// Hash of the text that was embedded: equal texts share a vector.
    pub text_hash: String,
    pub vector: Vec<f32>,
}

/// What a search may be restricted to, in terms of the table's columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scope {
    /// Only documents under this folder.
    pub folder: Option<PathBuf>,
    /// Only documents with this tag, or one nested in it.
    pub tag: Option<String>,
    /// Only documents modified at or after this (microseconds since 1970).
    pub after: Option<i64>,
    /// Only documents modified at or before this (microseconds since 1970).
    pub before: Option<i64>,
    /// Only these documents.
    pub documents: Option<Arc<HashSet<DocumentId>>>,
}

impl Scope {
    /// Whether it lets everything through.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a document is inside.
    #[must_use]
    pub fn admits(&self, document: &Document) -> bool {
        let modified = document.modified / 1000;
        self.folder
            .as_ref()
            .is_none_or(|folder| document.path.starts_with(folder))
            && self
                .tag
                .as_ref()
                .is_none_or(|tag| document.tags.iter().any(|one| is_within(one, tag)))
            && self.after.is_none_or(|after| modified >= after)
            && self.before.is_none_or(|before| modified <= before)
            && self
                .documents
                .as_ref()
                .is_none_or(|documents| documents.contains(&document.id))
    }

    fn predicate(&self) -> Option<String> {
        let mut parts = Vec::new();
        if let Some(folder) = &self.folder {
            let inside = format!("{}/", path_text(folder).trim_end_matches('/'));
            parts.push(format!("starts_with(path, {})", quoted(&inside)));
        }
        if let Some(tag) = &self.tag {
            let nested = format!("\n{tag}/");
            parts.push(format!(
                "(array_has(tags, {}) OR contains(concat({line}, array_to_string(tags, {line})), {}))",
                quoted(tag),
                quoted(&nested),
                line = quoted("\n"),
            ));
        }
        if let Some(after) = self.after {
            parts.push(format!("CAST(modified AS BIGINT) >= {after}"));
        }
        if let Some(before) = self.before {
            parts.push(format!("CAST(modified AS BIGINT) <= {before}"));
        }
        // More are told apart when they are found.
        let few = self.documents.as_ref();
        if let Some(documents) = few.filter(|documents| documents.len() <= NAMED) {
            let ids = documents.iter().map(|id| &id.0);
            parts.push(format!("document_id IN ({})", list(ids)));
        }
        (!parts.is_empty()).then(|| parts.join(" AND "))
    }
}

/// The vector store of a data directory.
pub(crate) struct Vectors {
    pub(crate) table: Table,
    /// Readers hold it shared while they read; old files are deleted under it alone.
    pub(crate) reading: RwLock<()>,
    /// Held while an index is made.
    pub(crate) indexing: Mutex<()>,
    /// Whoever makes an index is to stop.
    pub(crate) give_way: Notify,
    /// The index could not be made or grown, and it is not tried again.
    pub(crate) no_index: AtomicBool,
    /// Old versions, at most.
    pub(crate) versions: AtomicUsize,
    /// Rows from which on there is an index; never with 0.
    pub(crate) index_from: usize,
    rows: Rows,
    tail: Tail,
    schema: SchemaRef,
    dimensions: usize,
}

impl Vectors {
    /// Opens the table under `directory`; one that cannot be read, or holds vectors of another
    /// length, is moved out of the way and made anew. From `index_from` rows on (0: never) it has an
    /// index, and the nearest are found approximately.
    pub(crate) async fn open(
        directory: &Path,
        dimensions: usize,
        index_from: usize,
    ) -> Result<(Self, Opened)> {
        check_clock()?;
        let schema = schema(dimensions);
        if is_there(directory) {
            match Self::existing(directory, &schema).await {
                Ok((table, rows)) => {
                    let vectors = Self::new(table, rows, schema, dimensions, index_from);
                    return Ok((vectors, Opened::Existing));
                }
                Err(reason) => {
                    tracing::warn!(%reason, "the vector store is unusable: building it again");
                    remove(directory)?;
                }
            }
        }
        let table = connect(directory)
            .await?
            .create_empty_table(TABLE, Arc::clone(&schema))
            .execute()
            .await?;
        let vectors = Self::new(table, Rows::default(), schema, dimensions, index_from);
        Ok((vectors, Opened::Fresh))
    }

    /// Opens the store in a directory whatever the length of its vectors; none where it cannot be read.
    pub(crate) async fn open_as_it_is(directory: &Path) -> Option<Self> {
        let table = connect(directory).await.ok()?.open_table(TABLE).execute();
        let schema = table.await.ok()?.schema().await.ok()?;
        let DataType::FixedSizeList(_, length) = schema.field_with_name(VECTOR).ok()?.data_type()
        else {
            return None;
        };
        let dimensions = usize::try_from(*length).ok()?;
        let (vectors, _) = Self::open(directory, dimensions, 0).await.ok()?;
        Some(vectors)
    }

    fn new(
        table: Table,
        rows: Rows,
        schema: SchemaRef,
        dimensions: usize,
        index_from: usize,
    ) -> Self {
        Self {
            table,
            reading: RwLock::default(),
            indexing: Mutex::default(),
            give_way: Notify::new(),
            no_index: AtomicBool::new(false),
            // What a process that was ended has left is not known.
            versions: AtomicUsize::new(usize::MAX / 2),
            index_from,
            rows,
            tail: Tail::default(),
            schema,
            dimensions,
        }
    }

    async fn existing(
        directory: &Path,
        schema: &SchemaRef,
    ) -> std::result::Result<(Table, Rows), String> {
        let table = async { connect(directory).await?.open_table(TABLE).execute().await };
        let table = table.await.map_err(|error| error.to_string())?;
        let found = table.schema().await.map_err(|error| error.to_string())?;
        if found.fields() != schema.fields() {
            return Err("its columns are not those of this version and model".to_owned());
        }
        let dataset = dataset_of(&table)
            .await
            .map_err(|error| error.to_string())?;
        if !dataset.manifest().base_paths.is_empty() {
            return Err("it names files that lie elsewhere".to_owned());
        }
        let rows = Rows::default();
        let read = async { rows.read_all(&*dataset_of(&table).await?).await };
        read.await.map_err(|error| error.to_string())?;
        Ok((table, rows))
    }

    /// Length of its vectors.
    pub(crate) fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Waits until nobody reads.
    pub(crate) async fn close(&self) {
        drop(self.reading.write().await);
    }

    /// The marker of the last commit.
    pub(crate) async fn marker(&self) -> Result<String> {
        Ok(self.table.version().await?.to_string())
    }

    /// Replaces the rows of `documents` by `rows`; gives the new marker.
    pub(crate) async fn commit(
        &self,
        documents: &[DocumentId],
        rows: &[VectorRow],
    ) -> Result<String> {
        check_clock()?;
        self.delete(documents).await?;
        fail::point("vectors-deleted");
        if !rows.is_empty() {
            let batch = self.batch(rows)?;
            self.table.add(batch).execute().await?;
            self.written(1);
        }
        self.marker().await
    }

    /// Versions were added to the table.
    pub(crate) fn written(&self, versions: usize) {
        self.versions.fetch_add(versions, Ordering::Relaxed);
    }

    /// Removes the rows of `documents`.
    pub(crate) async fn delete(&self, documents: &[DocumentId]) -> Result<()> {
        check_clock()?;
        for part in documents.chunks(200) {
            let predicate = format!("document_id IN ({})", list(part.iter().map(|id| &id.0)));
            if self.table.count_rows(Some(predicate.clone())).await? > 0 {
                self.table.delete(&predicate).await?;
                self.written(1);
            }
        }
        Ok(())
    }

    /// The nearest chunks; `score` is the cosine of the angle. With an index, nearly the nearest, and
    /// nearly their cosines, unless very many are asked for. `within` are the documents in `scope`, if it
    /// is not open.
    pub(crate) async fn search(
        &self,
        vector: &[f32],
        limit: usize,
        scope: &Scope,
        within: Option<&HashSet<DocumentId>>,
    ) -> Result<Vec<Candidate>> {
        check_clock()?;
        let _reading = self.reading.read().await;
        let table = self.table.query_snapshot().await?;
        let dataset = dataset_of(&table).await?;
        let predicate = scope.predicate();
        let query = Float32Array::from(vector.to_vec());
        let scan = || {
            let mut scan = dataset.scan();
            engine(scan.nearest(VECTOR, &query, limit))?
                .distance_metric(DistanceType::Dot.into())
                .with_row_id()
                .prefilter(true);
            engine(scan.project(&["_distance"]))?;
            if let Some(predicate) = &predicate {
                engine(scan.filter(predicate))?;
            }
            Result::Ok(scan)
        };
        let index = if limit <= DEEP && self.index_from > 0 {
            Indexed::of(&dataset).await?
        } else {
            Indexed::default()
        };
        let files = files_of(&dataset, &index);
        let compared: Vec<&File> = files.iter().filter(|file| !file.covered).collect();
        let mut found = Vec::new();
        if index.parts > 0 {
            let all: usize = files.iter().map(|file| file.rows).sum();
            let probes = PROBES + all / ROWS_A_PROBE;
            let mut scan = scan()?;
            scan.fast_search();
            if scope.is_open() {
                scan.nprobes(probes);
            } else {
                // What is in a scope lies in more places: in all of them, if there is little.
                scan.minimum_nprobes(4 * probes);
            }
            found = near(engine(scan.try_into_stream().await)?).await?;
        }
        let to_compare: usize = compared.iter().map(|file| file.rows).sum();
        if to_compare <= KEPT && limit <= DEEP {
            let versions = compared
                .iter()
                .map(|file| (u64::from(file.number), file.deleted));
            let versions: Vec<Version> = versions.collect();
            let inside = match within {
                Some(documents) => {
                    let files = versions.iter().map(|version| version.0);
                    self.rows.read_missing(&dataset, files.clone()).await?;
                    Some(self.rows.of(documents, files))
                }
                None => None,
            };
            let nearest = self
                .tail
                .nearest(&dataset, &versions, vector, limit, inside.as_ref());
            found.extend(nearest.await?);
        } else if !compared.is_empty() {
            // LanceDB by itself would do both at once, and read all vectors that it found again.
            let fragments = dataset.fragments().iter();
            let fragments = fragments.filter(|fragment| !index.files.contains(&fragment.id));
            let mut scan = scan()?;
            scan.use_index(false)
                .with_fragments(fragments.cloned().collect())
                .batch_size(1024)
                .batch_readahead(2)
                .fragment_readahead(2)
                .io_buffer_size(IO_BUFFER);
            found.extend(near(engine(scan.try_into_stream().await)?).await?);
        }
        found.sort_by(|a, b| a.1.total_cmp(&b.1));
        found.truncate(limit);
        let files = found.iter().map(|(row, _)| file_of(*row));
        self.rows.read_missing(&dataset, files).await?;
        let candidate = |(row, distance)| {
            let (key, hash) = self.rows.get(row)?;
            // LanceDB's dot distance is one minus the dot product.
            let score = 1.0 - distance;
            Some(Candidate { key, hash, score })
        };
        let found = found.into_iter().filter_map(candidate);
        let is_inside = |one: &Candidate| within.is_none_or(|ids| ids.contains(&one.key.document));
        Ok(found.filter(is_inside).collect())
    }

    /// Reads what the first search would have to read.
    pub(crate) async fn warm(&self) -> Result<()> {
        let anything = vec![0.0; self.dimensions];
        self.search(&anything, 1, &Scope::default(), None)
            .await
            .map(drop)
    }

    /// Vectors that are there already, by the hash of the text they were made from.
    pub(crate) async fn known(&self, text_hashes: &[String]) -> Result<HashMap<String, Vec<f32>>> {
        check_clock()?;
        let mut known = HashMap::new();
        if text_hashes.is_empty() || self.table.count_rows(None).await? == 0 {
            return Ok(known);
        }
        let table = self.table.query_snapshot().await?;
        let dataset = dataset_of(&table).await?;
        for part in text_hashes.chunks(500) {
            let mut scan = dataset.scan();
            engine(scan.filter(&format!("text_hash IN ({})", list(part))))?;
            engine(scan.project(&["text_hash", VECTOR]))?
                .batch_readahead(2)
                .fragment_readahead(2)
                .io_buffer_size(IO_BUFFER);
            let batches = engine(scan.try_into_stream().await)?.try_collect();
            let batches: Vec<RecordBatch> = engine(batches.await)?;
            for batch in &batches {
                let hashes = strings(batch, "text_hash")?;
                let vectors = column(batch, VECTOR)?.as_fixed_size_list();
                for row in 0..batch.num_rows() {
                    let vector = vectors.value(row);
                    let vector = vector.as_primitive::<Float32Type>().values().to_vec();
                    known.insert(hashes.value(row).to_owned(), vector);
                }
            }
        }
        Ok(known)
    }

    /// What the store holds: (document, content hash) of every row.
    pub(crate) async fn contents(&self) -> Result<Vec<(DocumentId, String)>> {
        self.held(self.table.query()).await
    }

    /// The same of every chunk: heads are left out.
    pub(crate) async fn chunks(&self) -> Result<Vec<(DocumentId, String)>> {
        let query = self.table.query();
        self.held(query.only_if(format!("ordinal != {HEAD}"))).await
    }

    async fn held(&self, query: Query) -> Result<Vec<(DocumentId, String)>> {
        check_clock()?;
        let batches: Vec<RecordBatch> = query
            .select(Select::columns(&["document_id", "document_hash"]))
            .execute()
            .await?
            .try_collect()
            .await?;
        let mut contents = Vec::new();
        for batch in &batches {
            let documents = strings(batch, "document_id")?;
            let hashes = strings(batch, "document_hash")?;
            for row in 0..batch.num_rows() {
                let id = DocumentId(documents.value(row).to_owned());
                contents.push((id, hashes.value(row).to_owned()));
            }
        }
        Ok(contents)
    }

    fn batch(&self, rows: &[VectorRow]) -> Result<RecordBatch> {
        fn text<'a>(rows: &'a [VectorRow], of: impl Fn(&'a VectorRow) -> String) -> ArrayRef {
            Arc::new(StringArray::from_iter_values(rows.iter().map(of)))
        }
        let mut tags = ListBuilder::new(StringBuilder::new()).with_field(Field::new(
            "item",
            DataType::Utf8,
            true,
        ));
        for row in rows {
            for tag in &row.source.tags {
                tags.values().append_value(tag);
            }
            tags.append(true);
        }
        let values: Vec<f32> = rows
            .iter()
            .flat_map(|row| row.vector.iter().copied())
            .collect();
        let vectors = FixedSizeListArray::try_new(
            Arc::new(Field::new("item", DataType::Float32, true)),
            length(self.dimensions),
            Arc::new(Float32Array::from(values)),
            None,
        )?;
        let span = |of: fn(&ChunkRow) -> usize| -> ArrayRef {
            let values = rows.iter().map(|row| of(&row.chunk) as u64);
            Arc::new(UInt64Array::from_iter_values(values))
        };
        let columns: Vec<ArrayRef> = vec![
            text(rows, |row| {
                format!("{}-{}", row.chunk.document.0, row.chunk.ordinal)
            }),
            text(rows, |row| row.chunk.document.0.clone()),
            text(rows, |row| row.chunk.hash.clone()),
            text(rows, |row| path_text(&row.source.folder).into_owned()),
            text(rows, |row| path_text(&row.source.path).into_owned()),
            text(rows, |row| row.source.title.clone()),
            text(rows, |row| row.chunk.heading.join(" > ")),
            Arc::new(
                rows.iter()
                    .map(|row| row.chunk.page)
                    .collect::<UInt32Array>(),
            ),
            Arc::new(UInt32Array::from_iter_values(
                rows.iter().map(|row| row.chunk.ordinal),
            )),
            span(|chunk| chunk.span.start),
            span(|chunk| chunk.span.end),
            text(rows, |row| row.chunk.text.clone()),
            Arc::new(tags.finish()),
            Arc::new(
                TimestampMicrosecondArray::from_iter_values(
                    rows.iter().map(|row| row.source.modified / 1000),
                )
                .with_timezone("UTC"),
            ),
            text(rows, |row| row.text_hash.clone()),
            Arc::new(vectors),
        ];
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

/// The directory of a data directory's vector store.
pub(crate) fn directory(data: &Path) -> PathBuf {
    data.join("lance")
}

/// The directory of a store that is built to replace it.
pub(crate) fn next_directory(data: &Path) -> PathBuf {
    data.join("lance-next")
}

/// Whether a directory holds a store.
pub(crate) fn is_there(directory: &Path) -> bool {
    directory.join(format!("{TABLE}.lance")).exists()
}

/// Removes the store in a directory, and the directory if nothing else is in it.
pub(crate) fn remove(directory: &Path) -> Result<()> {
    own_files::remove(directory, own_files::of_vectors).map_err(|source| IndexerError::Io {
        path: directory.to_owned(),
        source,
    })
}

/// Makes the store in one directory that of another, which has none.
pub(crate) fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    let table = format!("{TABLE}.lance");
    std::fs::create_dir_all(to)?;
    std::fs::rename(from.join(&table), to.join(&table))?;
    // Something else may be in it.
    let _ = std::fs::remove_dir(from);
    Ok(())
}

/// An error of LanceDB's engine as one of LanceDB.
pub(crate) fn engine<T, E>(result: std::result::Result<T, E>) -> Result<T>
where
    lancedb::Error: From<E>,
{
    Ok(result.map_err(lancedb::Error::from)?)
}

/// What a table holds now.
pub(crate) async fn dataset_of(table: &Table) -> Result<Arc<Dataset>> {
    Ok(table.dataset().ok_or(IndexerError::Closed)?.get().await?)
}

/// The file with this number, if it is there.
pub(crate) fn fragment(dataset: &Dataset, number: u64) -> Option<FileFragment> {
    dataset.get_fragment(usize::try_from(number).ok()?)
}

/// What is in the approximate index.
#[derive(Default)]
pub(crate) struct Indexed {
    /// Its parts; none without an index.
    pub parts: usize,
    /// Numbers of the files whose rows it has.
    pub files: HashSet<u64>,
}

impl Indexed {
    pub(crate) async fn of(dataset: &Dataset) -> Result<Self> {
        let indices = engine(dataset.load_indices().await)?;
        let column = dataset.schema().field(VECTOR).map(|field| field.id);
        let mut indexed = Self::default();
        for part in indices.iter() {
            if let Some(files) = &part.fragment_bitmap
                && column.is_some_and(|column| part.fields == [column])
            {
                indexed.parts += 1;
                indexed.files.extend(files.iter().map(u64::from));
            }
        }
        Ok(indexed)
    }
}

/// Rows and distances.
async fn near<E>(
    batches: impl Stream<Item = std::result::Result<RecordBatch, E>>,
) -> Result<Vec<(u64, f32)>>
where
    lancedb::Error: From<E>,
{
    let batches: Vec<RecordBatch> = engine(batches.try_collect().await)?;
    let mut found = Vec::new();
    for batch in &batches {
        let rows = column(batch, ROW)?.as_primitive::<UInt64Type>();
        let distances = column(batch, "_distance")?.as_primitive::<Float32Type>();
        found.extend(
            rows.values()
                .iter()
                .copied()
                .zip(distances.values().iter().copied()),
        );
    }
    Ok(found)
}

async fn connect(directory: &Path) -> lancedb::Result<lancedb::Connection> {
    let stores = Arc::new(ObjectStoreRegistry::default());
    let session = Session::new(INDEX_CACHE, METADATA_CACHE, stores);
    lancedb::connect(&directory.to_string_lossy())
        .session(Arc::new(session))
        .execute()
        .await
}

fn schema(dimensions: usize) -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let item = |kind: DataType| Arc::new(Field::new("item", kind, true));
    Arc::new(Schema::new(vec![
        text("id"),
        text("document_id"),
        text("document_hash"),
        text("folder"),
        text("path"),
        text("title"),
        text("heading"),
        Field::new("page", DataType::UInt32, true),
        Field::new("ordinal", DataType::UInt32, false),
        Field::new("start", DataType::UInt64, false),
        Field::new("end", DataType::UInt64, false),
        text("text"),
        Field::new("tags", DataType::List(item(DataType::Utf8)), false),
        Field::new(
            "modified",
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            false,
        ),
        text("text_hash"),
        Field::new(
            VECTOR,
            DataType::FixedSizeList(item(DataType::Float32), length(dimensions)),
            false,
        ),
    ]))
}

fn length(dimensions: usize) -> i32 {
    i32::try_from(dimensions).unwrap_or(i32::MAX)
}

pub(crate) fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch
        .column_by_name(name)
        .ok_or_else(|| arrow_schema::ArrowError::SchemaError(format!("no column {name}")).into())
}

pub(crate) fn strings<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    column(batch, name)?
        .as_string_opt::<i32>()
        .ok_or_else(|| arrow_schema::ArrowError::SchemaError(format!("{name} is no text")).into())
}

/// A list of string literals.
fn list(texts: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    texts
        .into_iter()
        .map(|text| quoted(text.as_ref()))
        .collect::<Vec<_>>()
        .join(",")
}

/// A string literal: nothing a user writes can leave it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Stage, State};

    fn row(document: &str, hash: &str, text: &str, vector: [f32; 2]) -> VectorRow {
        let id = DocumentId(document.to_owned());
        VectorRow {
            chunk: ChunkRow {
                document: id.clone(),
                hash: hash.to_owned(),
                ordinal: 0,
                span: 3..3 + text.len(),
                page: None,
                heading: vec!["A".to_owned()],
                text: text.to_owned(),
                gap: String::new(),
                context: String::new(),
                names: Vec::new(),
                lead: String::new(),
                table: String::new(),
                language: None,
            },
            source: Arc::new(Document {
                fault: None,
                id,
                path: format!("/n/o'brien/{document}.md").into(),
                folder: "/n".into(),
                size: 1,
                modified: 5_000_000,
                state: State::Pending,
                reason: None,
                hash: None,
                chunks: 1,
                title: document.to_owned(),
                tags: vec![
                    document.to_owned(),
                    "all".to_owned(),
                    format!("n/{document}"),
                ],
                language: None,
                extractor: None,
                milliseconds: None,
                indexed: None,
                content: None,
                notice: None,
                stage: Stage::Lexical,
            }),
            text_hash: text.to_owned(),
            vector: vector.to_vec(),
        }
    }

    async fn open(directory: &Path, dimensions: usize, index_from: usize) -> Vectors {
        let opened = Vectors::open(directory, dimensions, index_from).await;
        opened.expect("opens").0
    }

    /// The documents in a scope, if it is not open.
    fn within(rows: &[VectorRow], scope: &Scope) -> Option<HashSet<DocumentId>> {
        let inside = rows.iter().filter(|row| scope.admits(&row.source));
        let inside = inside.map(|row| row.chunk.document.clone());
        (!scope.is_open()).then(|| inside.collect())
    }

    fn names(candidates: &[Candidate]) -> Vec<&str> {
        candidates
            .iter()
            .map(|candidate| candidate.key.document.0.as_str())
            .collect()
    }

    #[tokio::test]
    async fn the_nearest_come_first_and_scopes_hold() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let vectors = open(directory.path(), 2, 0).await;
        let rows = [
            row("a", "1", "one", [1.0, 0.0]),
            row("b", "1", "two", [0.6, 0.8]),
        ];
        vectors.commit(&[], &rows).await.expect("commits");
        let all = vectors
            .search(&[1.0, 0.0], 9, &Scope::default(), None)
            .await
            .expect("searches");
        assert_eq!(names(&all), ["a", "b"]);
        assert!((all[1].score - 0.6).abs() < 5e-3);
        let exactly = vectors
            .search(&[1.0, 0.0], DEEP + 1, &Scope::default(), None)
            .await
            .expect("searches");
        assert!((exactly[1].score - 0.6).abs() < 1e-5);
        let scopes = [
            (
                Scope {
                    tag: Some("b".into()),
                    ..Scope::default()
                },
                vec!["b"],
            ),
            (
                Scope {
                    tag: Some("n".into()),
                    ..Scope::default()
                },
                vec!["a", "b"],
            ),
            (
                Scope {
                    tag: Some("n/a".into()),
                    ..Scope::default()
                },
                vec!["a"],
            ),
            (
                Scope {
                    folder: Some("/n/o'brien".into()),
                    ..Scope::default()
                },
                vec!["a", "b"],
            ),
            (
                Scope {
                    folder: Some("/n/o".into()),
                    ..Scope::default()
                },
                vec![],
            ),
            (
                Scope {
                    after: Some(5_001),
                    ..Scope::default()
                },
                vec![],
            ),
            (
                Scope {
                    before: Some(5_000),
                    ..Scope::default()
                },
                vec!["a", "b"],
            ),
        ];
        for (scope, expect) in scopes {
            // In memory, and by LanceDB.
            for limit in [9, DEEP + 1] {
                let within = within(&rows, &scope);
                let found = vectors
                    .search(&[1.0, 0.0], limit, &scope, within.as_ref())
                    .await
                    .expect("searches");
                assert_eq!(names(&found), expect, "{scope:?}");
            }
            let admitted = rows.iter().filter(|row| scope.admits(&row.source)).count();
            assert_eq!(admitted, expect.len(), "{scope:?}");
        }
    }

    #[tokio::test]
    async fn a_text_that_was_embedded_before_has_a_vector() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let vectors = open(directory.path(), 2, 0).await;
        assert!(
            vectors
                .known(&["one".into()])
                .await
                .expect("reads")
                .is_empty()
        );
        let rows = [row("a", "1", "one", [1.0, 0.0])];
        vectors.commit(&[], &rows).await.expect("commits");
        let known = vectors
            .known(&["one".into(), "two".into()])
            .await
            .expect("reads");
        assert_eq!(known.len(), 1);
        assert_eq!(known["one"], [1.0, 0.0]);
    }

    #[tokio::test]
    async fn replacing_and_compacting_leave_one_version() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let vectors = open(directory.path(), 2, 0).await;
        let id = DocumentId("a".to_owned());
        for version in ["1", "2", "3"] {
            let rows = [row("a", version, version, [1.0, 0.0])];
            vectors
                .commit(std::slice::from_ref(&id), &rows)
                .await
                .expect("commits");
        }
        let marker = vectors.purge().await.expect("purges");
        assert_eq!(vectors.marker().await.expect("marker"), marker);
        assert_eq!(
            vectors.contents().await.expect("reads"),
            [(id, "3".to_owned())]
        );
        assert_eq!(
            vectors.table.list_versions().await.expect("versions").len(),
            1
        );
    }

    const DIMENSIONS: usize = 32;

    /// Rows of documents of four chunks each; vectors of length one around as many centres as documents.
    fn cloud(documents: std::ops::Range<u32>, version: u32) -> Vec<VectorRow> {
        let mut rows = Vec::new();
        for document in documents {
            for ordinal in 0..4 {
                let mut state = u64::from(document * 7 + ordinal * 3 + version * 11) + 1;
                let mut noise = || {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    f32::from(u16::try_from(state >> 48).expect("16 bits")) / 32768.0 - 1.0
                };
                let mut vector: Vec<f32> = (0..DIMENSIONS).map(|_| 0.4 * noise()).collect();
                vector[document as usize % DIMENSIONS] += 1.0;
                vector[document as usize / DIMENSIONS % DIMENSIONS] += 0.7;
                let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
                for x in &mut vector {
                    *x /= length;
                }
                let (id, hash) = (format!("d{document}"), format!("v{version}"));
                let text = format!("{id} {hash} {ordinal}");
                let mut row = row(&id, &hash, &text, [0.0, 0.0]);
                row.chunk.ordinal = ordinal;
                row.vector = vector;
                rows.push(row);
            }
        }
        rows
    }

    fn ids(documents: std::ops::Range<u32>) -> Vec<DocumentId> {
        documents.map(|one| DocumentId(format!("d{one}"))).collect()
    }

    /// A store with an index of `documents`, one commit for every eight.
    async fn indexed(directory: &Path, documents: u32) -> Vectors {
        let vectors = open(directory, DIMENSIONS, 1000).await;
        for start in (0..documents).step_by(8) {
            let rows = cloud(start..(start + 8).min(documents), 0);
            vectors.commit(&[], &rows).await.expect("commits");
        }
        tidy(&vectors).await;
        let (_, parts) = vectors.files().await.expect("reads");
        assert_eq!(parts, 1);
        vectors
    }

    /// All of the upkeep that is due.
    async fn tidy(vectors: &Vectors) {
        for _ in 0..50 {
            let mut done = false;
            for step in vectors.due(true).await.expect("reads") {
                done = vectors.take(&step).await.expect("works");
                if done {
                    break;
                }
            }
            if !done {
                return;
            }
        }
        panic!("it never ends");
    }

    /// Documents and places of the nearest, by the store and by arithmetic.
    async fn nearest(
        vectors: &Vectors,
        rows: &[VectorRow],
        query: &[f32],
        limit: usize,
        scope: &Scope,
    ) -> [Vec<(String, u32)>; 2] {
        let within = within(rows, scope);
        let found = vectors.search(query, limit, scope, within.as_ref());
        let found = found.await.expect("searches").into_iter();
        let found = found.map(|one| (one.key.document.0, one.key.ordinal));
        let dot = |row: &VectorRow| {
            row.vector
                .iter()
                .zip(query)
                .map(|(a, b)| a * b)
                .sum::<f32>()
        };
        let mut all: Vec<&VectorRow> = rows
            .iter()
            .filter(|row| scope.admits(&row.source))
            .collect();
        all.sort_by(|a, b| dot(b).total_cmp(&dot(a)));
        let name = |row: &&VectorRow| (row.chunk.document.0.clone(), row.chunk.ordinal);
        [found.collect(), all.iter().take(limit).map(name).collect()]
    }

    /// Which share of the ten nearest to some vectors is among fifty found.
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    async fn recall(vectors: &Vectors, rows: &[VectorRow], scope: &Scope) -> f64 {
        let (mut right, mut all) = (0, 0);
        for query in cloud(0..40, 9).into_iter().step_by(3) {
            let [found, mut expected] = nearest(vectors, rows, &query.vector, 50, scope).await;
            assert_eq!(found.len(), expected.len());
            let different: HashSet<_> = found.iter().collect();
            assert_eq!(different.len(), found.len(), "a row comes once");
            expected.truncate(10);
            right += expected.iter().filter(|one| found.contains(one)).count();
            all += expected.len();
        }
        right as f64 / all as f64
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_index_finds_what_is_nearest() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let vectors = indexed(directory.path(), 400).await;
        let rows = cloud(0..400, 0);
        let open = Scope::default();
        let found = recall(&vectors, &rows, &open).await;
        assert!(found > 0.97, "{found}");
        // Asked for very many it compares all.
        let query = &cloud(3..4, 9)[0].vector;
        let [found, expected] = nearest(&vectors, &rows, query, DEEP + 1, &open).await;
        assert_eq!(found, expected);
        // Within a scope there are as many as there can be.
        let scope = Scope {
            tag: Some("d77".to_owned()),
            ..Scope::default()
        };
        let [mut found, mut expected] = nearest(&vectors, &rows, query, 10, &scope).await;
        found.sort();
        expected.sort();
        assert_eq!((found.len(), found), (4, expected));
        drop(vectors);
        let (vectors, opened) = Vectors::open(directory.path(), DIMENSIONS, 1000)
            .await
            .expect("opens");
        assert_eq!(opened, Opened::Existing);
        let found = recall(&vectors, &rows, &open).await;
        assert!(found > 0.97, "{found}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn with_an_index_new_rows_are_found_and_deleted_ones_are_not() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let vectors = indexed(directory.path(), 300).await;
        // Some documents say something else, some are gone, some are new.
        let mut changed = cloud(0..100, 1);
        changed.extend(cloud(300..350, 1));
        let mut gone = ids(0..100);
        gone.extend(ids(200..250));
        vectors.commit(&gone, &changed).await.expect("commits");
        let mut rows = cloud(100..200, 0);
        rows.extend(cloud(250..300, 0));
        rows.extend(changed);
        let mut vectors = vectors;
        for tidied in [false, true] {
            if tidied {
                tidy(&vectors).await;
            } else {
                // Some rows are in the index and some are not, as a daemon that was ended may leave it.
                drop(vectors);
                vectors = open(directory.path(), DIMENSIONS, 1000).await;
            }
            let all = Scope {
                tag: Some("all".to_owned()),
                ..Scope::default()
            };
            for scope in [Scope::default(), all] {
                let found = recall(&vectors, &rows, &scope).await;
                assert!(found > 0.97, "{found}, tidied: {tidied}, {scope:?}");
            }
            for query in cloud(200..210, 0) {
                let scope = Scope::default();
                let found = vectors.search(&query.vector, 50, &scope, None).await;
                let found = found.expect("searches");
                let gone = |one: &Candidate| ids(200..250).contains(&one.key.document);
                assert!(!found.iter().any(gone), "tidied: {tidied}");
                let old =
                    |one: &Candidate| ids(0..100).contains(&one.key.document) && one.hash == "v0";
                assert!(!found.iter().any(old), "tidied: {tidied}");
            }
        }
        let held = vectors.contents().await.expect("reads");
        assert_eq!(held.len(), rows.len());
        let texts = ["d3 v1 2".into(), "d3 v0 2".into(), "d120 v0 1".into()];
        let known = vectors.known(&texts);
        assert_eq!(known.await.expect("reads").len(), 2);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn neighbours_that_lost_rows_are_rewritten() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let vectors = open(directory.path(), DIMENSIONS, 0).await;
        for start in [0, 2000] {
            let rows = cloud(start..start + 2000, 0);
            vectors.commit(&[], &rows).await.expect("commits");
        }
        vectors.delete(&ids(1400..2600)).await.expect("deletes");
        tidy(&vectors).await;
        let (files, _) = vectors.files().await.expect("reads");
        assert_eq!(files.iter().map(|file| file.deleted).sum::<usize>(), 0);
        assert_eq!(files.iter().map(|file| file.rows).sum::<usize>(), 4 * 2800);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn files_versions_and_left_overs_do_not_pile_up() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let vectors = indexed(directory.path(), 300).await;
        let left_over = directory.path().join("chunks.lance/_indices/left-over");
        std::fs::create_dir(&left_over).expect("a folder");
        std::fs::write(left_over.join("index.idx"), "an index half made").expect("writes");
        for version in 1..60 {
            let (id, rows) = (ids(5..6), cloud(5..6, version));
            vectors.commit(&id, &rows).await.expect("commits");
            tidy(&vectors).await;
        }
        let versions = vectors.table.list_versions().await.expect("versions").len();
        assert!(versions <= 24, "{versions} versions");
        let files = std::fs::read_dir(directory.path().join("chunks.lance/data"));
        let files = files.expect("a folder").count();
        assert!(files <= 24, "{files} files");
        assert!(!left_over.exists());
        assert_eq!(vectors.contents().await.expect("reads").len(), 1200);
        vectors.purge().await.expect("purges");
        let versions = vectors.table.list_versions().await.expect("versions").len();
        assert_eq!(versions, 1);
        let found = recall(
            &vectors,
            &[&cloud(0..5, 0)[..], &cloud(5..6, 59), &cloud(6..300, 0)].concat(),
            &Scope::default(),
        )
        .await;
        assert!(found > 0.97, "{found}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_full_file_is_not_rewritten() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let vectors = open(directory.path(), DIMENSIONS, 0).await;
        let data = || -> std::collections::BTreeSet<_> {
            let files = std::fs::read_dir(directory.path().join("chunks.lance/data"));
            let files = files.expect("a folder");
            files
                .map(|file| file.expect("a file").file_name())
                .collect()
        };
        vectors
            .commit(&[], &cloud(0..1100, 0))
            .await
            .expect("commits");
        let full = data();
        for one in 1100..1140 {
            let rows = cloud(one..one + 1, 0);
            vectors.commit(&[], &rows).await.expect("commits");
            tidy(&vectors).await;
        }
        assert!(full.is_subset(&data()));
        assert!(data().len() < 12, "{:?}", data());
        assert_eq!(vectors.contents().await.expect("reads").len(), 4560);
    }

    #[tokio::test]
    async fn vectors_of_another_length_start_anew() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let vectors = open(directory.path(), 2, 0).await;
        drop(vectors);
        let (_, opened) = Vectors::open(directory.path(), 2, 0).await.expect("opens");
        assert_eq!(opened, Opened::Existing);
        let (_, opened) = Vectors::open(directory.path(), 3, 0).await.expect("opens");
        assert_eq!(opened, Opened::Fresh);
    }
}
