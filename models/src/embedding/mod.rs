//! Embedding: texts to unit vectors.
//!
//! `Embedder` is the seam: `EngineEmbedder` runs a catalog model on this crate's own engine,
//! `OnnxEmbedder` through fastembed, `HashedEmbedder` is the deterministic fake. Named threads own one session each and share a bounded queue in which
//! questions overtake documents; everybody else holds a cloneable `EmbedderHandle`.

mod container;
mod engine;
mod hashed;
mod normal;
mod onnx;
mod pool;
#[cfg(test)]
mod tests;
mod unigram;

pub use engine::{EngineEmbedder, EngineModel};
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

/// Scales to length one; a zero vector stays.
fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        for x in vector {
            *x /= length;
        }
    }
}
