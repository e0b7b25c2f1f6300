//! The vector store: LanceDB's table `chunks`, which any LanceDB client can open.
//!
//! One task writes, everybody reads. A document is replaced by deleting its rows and adding the new
//! ones; old rows that are still there are told apart by their content hash, so a reader never takes
//! them for current. The table version after a commit is the marker kept in the ledger.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, UInt32Type};
use arrow_array::{
    ArrayRef, FixedSizeListArray, Float32Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt32Array, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use futures::TryStreamExt;
use lancedb::query::{ExecutableQuery, QueryBase, Select};
use lancedb::table::{CompactionOptions, Duration, OptimizeAction};
use lancedb::{DistanceType, Table};
use tokio::sync::RwLock;

use crate::error::{IndexerError, Result};
use crate::fail;
use crate::ledger::{Document, DocumentId};
use crate::lexical::{Candidate, ChunkKey, ChunkRow, Opened};

const TABLE: &str = "chunks";

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
    /// Only documents with this tag.
    pub tag: Option<String>,
    /// Only documents modified at or after this (microseconds since 1970).
    pub after: Option<i64>,
    /// Only documents modified at or before this (microseconds since 1970).
    pub before: Option<i64>,
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
                .is_none_or(|tag| document.tags.contains(tag))
            && self.after.is_none_or(|after| modified >= after)
            && self.before.is_none_or(|before| modified <= before)
    }

    fn predicate(&self) -> Option<String> {
        let mut parts = Vec::new();
        if let Some(folder) = &self.folder {
            let inside = format!("{}/", folder.to_string_lossy().trim_end_matches('/'));
            parts.push(format!("starts_with(path, {})", quoted(&inside)));
        }
        if let Some(tag) = &self.tag {
            parts.push(format!("array_has(tags, {})", quoted(tag)));
        }
        if let Some(after) = self.after {
            parts.push(format!("CAST(modified AS BIGINT) >= {after}"));
        }
        if let Some(before) = self.before {
            parts.push(format!("CAST(modified AS BIGINT) <= {before}"));
        }
        (!parts.is_empty()).then(|| parts.join(" AND "))
    }
}

/// The vector store of a data directory.
pub(crate) struct Vectors {
    table: Table,
    /// Readers hold it shared while they read; old files are deleted under it alone.
    reading: RwLock<()>,
    schema: SchemaRef,
    dimensions: usize,
}

impl Vectors {
    /// Opens the table under `directory`; one that cannot be read, or holds vectors of another
    /// length, is moved out of the way and made anew.
    pub(crate) async fn open(directory: &Path, dimensions: usize) -> Result<(Self, Opened)> {
        let schema = schema(dimensions);
        let existed = directory.join(format!("{TABLE}.lance")).exists();
        if existed {
            match Self::existing(directory, &schema).await {
                Ok(table) => {
                    let vectors = Self {
                        table,
                        reading: RwLock::default(),
                        schema,
                        dimensions,
                    };
                    return Ok((vectors, Opened::Existing));
                }
                Err(reason) => {
                    tracing::warn!(%reason, "the vector store is unusable: building it again");
                    std::fs::remove_dir_all(directory).map_err(|source| IndexerError::Io {
                        path: directory.to_owned(),
                        source,
                    })?;
                }
            }
        }
        let connection = lancedb::connect(&directory.to_string_lossy())
            .execute()
            .await?;
        let table = connection
            .create_empty_table(TABLE, Arc::clone(&schema))
            .execute()
            .await?;
        let vectors = Self {
            table,
            reading: RwLock::default(),
            schema,
            dimensions,
        };
        Ok((vectors, Opened::Fresh))
    }

    async fn existing(directory: &Path, schema: &SchemaRef) -> std::result::Result<Table, String> {
        let table = async {
            let connection = lancedb::connect(&directory.to_string_lossy())
                .execute()
                .await?;
            connection.open_table(TABLE).execute().await
        };
        let table = table.await.map_err(|error| error.to_string())?;
        let found = table.schema().await.map_err(|error| error.to_string())?;
        if found.fields() != schema.fields() {
            return Err("its columns are not those of this version and model".to_owned());
        }
        // Reading every row's keys finds missing data files now rather than in an answer.
        table
            .query()
            .select(Select::columns(&["document_id"]))
            .execute()
            .await
            .map_err(|error| error.to_string())?
            .try_for_each(|_| async { Ok(()) })
            .await
            .map_err(|error| error.to_string())?;
        Ok(table)
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
        self.delete(documents).await?;
        fail::point("vectors-deleted");
        if !rows.is_empty() {
            let batch = self.batch(rows)?;
            self.table.add(batch).execute().await?;
        }
        self.marker().await
    }

    /// Removes the rows of `documents`.
    pub(crate) async fn delete(&self, documents: &[DocumentId]) -> Result<()> {
        for part in documents.chunks(200) {
            let predicate = format!("document_id IN ({})", list(part.iter().map(|id| &id.0)));
            if self.table.count_rows(Some(predicate.clone())).await? > 0 {
                self.table.delete(&predicate).await?;
            }
        }
        Ok(())
    }

    /// The nearest chunks; `score` is the cosine of the angle.
    pub(crate) async fn search(
        &self,
        vector: &[f32],
        limit: usize,
        scope: &Scope,
    ) -> Result<Vec<Candidate>> {
        let mut query = self.table.query().limit(limit).select(Select::columns(&[
            "document_id",
            "document_hash",
            "ordinal",
            "_distance",
        ]));
        let _reading = self.reading.read().await;
        if let Some(predicate) = scope.predicate() {
            query = query.only_if(predicate);
        }
        let batches: Vec<RecordBatch> = query
            .nearest_to(vector)?
            .distance_type(DistanceType::Dot)
            .execute()
            .await?
            .try_collect()
            .await?;
        let mut candidates = Vec::new();
        for batch in &batches {
            let documents = strings(batch, "document_id")?;
            let hashes = strings(batch, "document_hash")?;
            let ordinals = column(batch, "ordinal")?.as_primitive::<UInt32Type>();
            let distances = column(batch, "_distance")?.as_primitive::<Float32Type>();
            for row in 0..batch.num_rows() {
                candidates.push(Candidate {
                    key: ChunkKey {
                        document: DocumentId(documents.value(row).to_owned()),
                        ordinal: ordinals.value(row),
                    },
                    hash: hashes.value(row).to_owned(),
                    // LanceDB's dot distance is one minus the dot product.
                    score: 1.0 - distances.value(row),
                });
            }
        }
        candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(candidates)
    }

    /// Vectors that are there already, by the hash of the text they were made from.
    pub(crate) async fn known(&self, text_hashes: &[String]) -> Result<HashMap<String, Vec<f32>>> {
        let mut known = HashMap::new();
        if text_hashes.is_empty() || self.table.count_rows(None).await? == 0 {
            return Ok(known);
        }
        for part in text_hashes.chunks(500) {
            let batches: Vec<RecordBatch> = self
                .table
                .query()
                .only_if(format!("text_hash IN ({})", list(part)))
                .select(Select::columns(&["text_hash", "vector"]))
                .execute()
                .await?
                .try_collect()
                .await?;
            for batch in &batches {
                let hashes = strings(batch, "text_hash")?;
                let vectors = column(batch, "vector")?.as_fixed_size_list();
                for row in 0..batch.num_rows() {
                    let vector = vectors.value(row);
                    let vector = vector.as_primitive::<Float32Type>().values().to_vec();
                    known.insert(hashes.value(row).to_owned(), vector);
                }
            }
        }
        Ok(known)
    }

    /// What the store holds: (document, content hash) of every chunk.
    pub(crate) async fn contents(&self) -> Result<Vec<(DocumentId, String)>> {
        let batches: Vec<RecordBatch> = self
            .table
            .query()
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

    /// Rewrites small files into larger ones and drops old versions; gives the new marker.
    pub(crate) async fn compact(&self) -> Result<String> {
        self.rewrite(CompactionOptions::default()).await
    }

    /// Rewrites every file that holds a deleted row, and drops old versions; gives the new marker.
    pub(crate) async fn purge(&self) -> Result<String> {
        self.rewrite(CompactionOptions {
            materialize_deletions: true,
            materialize_deletions_threshold: 0.0,
            ..CompactionOptions::default()
        })
        .await
    }

    async fn rewrite(&self, options: CompactionOptions) -> Result<String> {
        self.table
            .optimize(OptimizeAction::Compact {
                options,
                remap_options: None,
            })
            .await?;
        fail::point("compacted");
        let _alone = self.reading.write().await;
        self.table
            .optimize(OptimizeAction::Prune {
                older_than: Some(Duration::seconds(0)),
                // This process holds the data directory's lock: nobody else writes.
                delete_unverified: Some(true),
                error_if_tagged_old_versions: None,
            })
            .await?;
        fail::point("pruned");
        self.marker().await
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
            text(rows, |row| row.source.folder.to_string_lossy().into_owned()),
            text(rows, |row| row.source.path.to_string_lossy().into_owned()),
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
            "vector",
            DataType::FixedSizeList(item(DataType::Float32), length(dimensions)),
            false,
        ),
    ]))
}

fn length(dimensions: usize) -> i32 {
    i32::try_from(dimensions).unwrap_or(i32::MAX)
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch
        .column_by_name(name)
        .ok_or_else(|| arrow_schema::ArrowError::SchemaError(format!("no column {name}")).into())
}

fn strings<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
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
                lead: String::new(),
                language: None,
            },
            source: Arc::new(Document {
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
                tags: vec![document.to_owned(), "all".to_owned()],
                language: None,
                extractor: None,
                milliseconds: None,
                indexed: None,
                notice: None,
                stage: Stage::Lexical,
            }),
            text_hash: text.to_owned(),
            vector: vector.to_vec(),
        }
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
        let (vectors, _) = Vectors::open(directory.path(), 2).await.expect("opens");
        let rows = [
            row("a", "1", "one", [1.0, 0.0]),
            row("b", "1", "two", [0.6, 0.8]),
        ];
        vectors.commit(&[], &rows).await.expect("commits");
        let all = vectors
            .search(&[1.0, 0.0], 9, &Scope::default())
            .await
            .expect("searches");
        assert_eq!(names(&all), ["a", "b"]);
        assert!((all[1].score - 0.6).abs() < 1e-5);
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
            let found = vectors
                .search(&[1.0, 0.0], 9, &scope)
                .await
                .expect("searches");
            assert_eq!(names(&found), expect, "{scope:?}");
            let admitted = rows.iter().filter(|row| scope.admits(&row.source)).count();
            assert_eq!(admitted, expect.len(), "{scope:?}");
        }
    }

    #[tokio::test]
    async fn a_text_that_was_embedded_before_has_a_vector() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (vectors, _) = Vectors::open(directory.path(), 2).await.expect("opens");
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
        let (vectors, _) = Vectors::open(directory.path(), 2).await.expect("opens");
        let id = DocumentId("a".to_owned());
        for version in ["1", "2", "3"] {
            let rows = [row("a", version, version, [1.0, 0.0])];
            vectors
                .commit(std::slice::from_ref(&id), &rows)
                .await
                .expect("commits");
        }
        let marker = vectors.compact().await.expect("compacts");
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

    #[tokio::test]
    async fn vectors_of_another_length_start_anew() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (vectors, _) = Vectors::open(directory.path(), 2).await.expect("opens");
        drop(vectors);
        let (_, opened) = Vectors::open(directory.path(), 2).await.expect("opens");
        assert_eq!(opened, Opened::Existing);
        let (_, opened) = Vectors::open(directory.path(), 3).await.expect("opens");
        assert_eq!(opened, Opened::Fresh);
    }
}
