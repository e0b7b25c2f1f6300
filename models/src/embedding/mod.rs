//! Embedding: texts to unit vectors.
//!
//! `Embedder` is the seam: `OnnxEmbedder` runs a catalog model through fastembed, `HashedEmbedder` is
//! the deterministic fake. Named threads own one session each and share a bounded queue in which
//! questions overtake documents; everybody else holds a cloneable `EmbedderHandle`.

mod hashed;
mod onnx;
mod pool;

pub use hashed::HashedEmbedder;
pub use onnx::{OnnxEmbedder, Runtime};
pub use pool::{EmbedderHandle, Pause, Urgency};

use crate::ModelsError;

/// What a text is: some models want a different prefix for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// A question.
    Query,
    /// A passage of a document.
    Passage,
}

/// An embedding model, driven by one thread.
pub trait Embedder: Send {
    /// Unit vectors, one a text, in order. A text's vector does not depend on the others.
    ///
    /// # Errors
    /// A failure of the engine.
    fn embed(&mut self, texts: &[String], kind: TextKind) -> Result<Vec<Vec<f32>>, ModelsError>;
}
