//! What can go wrong with an index, by what the caller can do about it.

use std::path::PathBuf;

use vade_models::ModelsError;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum IndexerError {
    /// Another process owns the data directory.
    #[error(
        "{directory} is in use by another vade (process {process}): stop it, or name another --data-dir"
    )]
    Locked {
        /// The data directory.
        directory: PathBuf,
        /// The owner's process id, or "unknown".
        process: String,
    },
    /// A folder that is named as data directory and is somebody's.
    #[error(
        "{directory} cannot be the data directory: {reason}; nothing in it was touched: name another --data-dir, or an empty folder"
    )]
    NotOurs {
        /// The folder.
        directory: PathBuf,
        /// What is there.
        reason: String,
    },
    /// A folder that cannot be indexed.
    #[error("cannot index {path}: {reason}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why, and the way out.
        reason: String,
    },
    /// A path that names nothing, or more than it may.
    #[error("{path:?}: {reason}")]
    Path {
        /// The path.
        path: PathBuf,
        /// Why not, and the way out.
        reason: String,
    },
    /// Nothing is known of a path.
    #[error("nothing is indexed from {path}: {verdict}")]
    Unknown {
        /// The path.
        path: PathBuf,
        /// What is known of it.
        verdict: String,
    },
    /// There is no such document.
    #[error("no such document: {0}")]
    NoDocument(String),
    /// The data directory was written by a newer version.
    #[error(
        "the data directory {directory} has format {found}, this vade knows {known}: use a newer vade, or another --data-dir"
    )]
    Format {
        /// The data directory.
        directory: PathBuf,
        /// Its format version.
        found: i64,
        /// The newest version this program reads.
        known: i64,
    },
    /// An archive or data directory that cannot be exported or imported.
    #[error("{path}: {reason}")]
    Transfer {
        /// The archive or data directory.
        path: PathBuf,
        /// Why, and the way out.
        reason: String,
    },
    /// The disk is full or a file cannot be written.
    #[error("cannot write to {path}: {source}")]
    Io {
        /// What was written.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The ledger failed.
    #[error("the ledger: {0}")]
    Ledger(#[from] rusqlite::Error),
    /// The full-text index failed.
    #[error("the full-text index: {0}")]
    Lexical(#[from] tantivy::TantivyError),
    /// The vector store failed.
    #[error("the vector store: {0}")]
    Vectors(#[from] lancedb::Error),
    /// A row has another shape than this program writes.
    #[error("the vector store: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
    /// Embedding failed.
    #[error(transparent)]
    Models(#[from] ModelsError),
    /// The time cannot be told.
    #[error(
        "this machine's clock stands before 1970, which the vector store cannot tell: set it right"
    )]
    Clock,
    /// The index was closed while work was under way.
    #[error("the index is closed")]
    Closed,
}

/// Shorthand.
pub type Result<T> = std::result::Result<T, IndexerError>;
