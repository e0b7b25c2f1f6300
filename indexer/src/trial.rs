//! The vector store alone, for measuring it with vectors that no model made.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::ledger::{Document, DocumentId, Stage, State, digest};
use crate::lexical::ChunkRow;
use crate::vectors::{DEEP, Scope, VectorRow, Vectors};

/// A vector store on trial. A document is known by its number.
pub struct VectorTrial {
    vectors: Vectors,
}

/// A document on trial.
pub struct TrialDocument {
    /// Its number.
    pub number: usize,
    /// Texts and vectors of its chunks.
    pub chunks: Vec<(String, Vec<f32>)>,
}

impl VectorTrial {
    /// Opens or makes a store under `directory` whose vectors have `dimensions`; it has an index from
    /// `index_from` chunks on (0: never).
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn open(directory: &Path, dimensions: usize, index_from: usize) -> Result<Self> {
        let (vectors, _) = Vectors::open(directory, dimensions, index_from).await?;
        Ok(Self { vectors })
    }

    /// Replaces documents, as a commit while indexing does.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn replace(&self, documents: &[TrialDocument]) -> Result<()> {
        let mut rows = Vec::new();
        let mut hashes = Vec::new();
        for document in documents {
            let source = Arc::new(source(document.number, document.chunks.len()));
            for (ordinal, (text, vector)) in document.chunks.iter().enumerate() {
                let text_hash = digest(text.as_bytes());
                hashes.push(text_hash.clone());
                rows.push(VectorRow {
                    chunk: chunk(&source, ordinal, text),
                    source: Arc::clone(&source),
                    text_hash,
                    vector: vector.clone(),
                });
            }
        }
        let _: HashMap<String, Vec<f32>> = self.vectors.known(&hashes).await?;
        let ids: Vec<DocumentId> = documents.iter().map(|one| id(one.number)).collect();
        self.vectors.commit(&ids, &rows).await?;
        Ok(())
    }

    /// The nearest chunks: numbers of their documents, their places and cosines. Exactly, or as
    /// questions are searched.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn search(
        &self,
        vector: &[f32],
        limit: usize,
        exactly: bool,
    ) -> Result<Vec<(usize, usize, f32)>> {
        let ask = if exactly { DEEP + 1 } else { limit };
        let mut found = self
            .vectors
            .search(vector, ask, &Scope::default(), None)
            .await?;
        found.truncate(limit);
        let found = found.into_iter().map(|one| {
            let number = usize::from_str_radix(&one.key.document.0, 16);
            let ordinal = one.key.ordinal as usize;
            (number.unwrap_or(usize::MAX), ordinal, one.score)
        });
        Ok(found.collect())
    }

    /// Makes the index anew from all vectors.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn make_index(&self) -> Result<()> {
        self.vectors.make_index().await
    }

    /// Takes one step of the upkeep that is due; its name and the time it took.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn upkeep(&self, idle: bool) -> Result<Option<(String, Duration)>> {
        for step in self.vectors.due(idle).await? {
            let started = Instant::now();
            if self.vectors.take(&step).await? {
                let name = format!("{step:?}");
                let name = name.split(['(', ' ']).next().unwrap_or_default();
                return Ok(Some((name.to_lowercase(), started.elapsed())));
            }
        }
        Ok(None)
    }
}

fn id(number: usize) -> DocumentId {
    DocumentId(format!("{number:032x}"))
}

fn source(number: usize, chunks: usize) -> Document {
    Document {
        fault: None,
        id: id(number),
        path: format!("/notes/{:02}/note-{number}.md", number % 40).into(),
        folder: "/notes".into(),
        size: 0,
        modified: 0,
        state: State::Pending,
        reason: None,
        hash: None,
        chunks,
        title: format!("Note {number}"),
        tags: Vec::new(),
        language: None,
        extractor: None,
        milliseconds: None,
        indexed: None,
        content: None,
        notice: None,
        stage: Stage::Lexical,
    }
}

fn chunk(source: &Document, ordinal: usize, text: &str) -> ChunkRow {
    ChunkRow {
        document: source.id.clone(),
        hash: digest(source.id.0.as_bytes()),
        ordinal: u32::try_from(ordinal).unwrap_or(u32::MAX),
        span: 0..text.len(),
        page: None,
        heading: Vec::new(),
        text: text.to_owned(),
        gap: String::new(),
        context: String::new(),
        names: Vec::new(),
        lead: String::new(),
        table: String::new(),
        language: None,
    }
}
