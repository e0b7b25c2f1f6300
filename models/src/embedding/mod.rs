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

use std::ops::Range;

use crate::ModelsError;

/// What a text is: some models want a different prefix for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// A question.
    Query,
    /// A passage of a document.
    Passage,
}

/// A text that was read word by word.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// Its unit vector.
    pub vector: Vec<f32>,
    /// Its words in order: where each stands (bytes), and a vector of what it says there, of any length. Those of
    /// two texts can be compared once what all words have in common is taken away. None where the model cannot
    /// tell.
    pub words: Vec<(Range<usize>, Vec<f32>)>,
}

impl Reading {
    /// A text whose words are not told.
    fn of(vector: Vec<f32>) -> Self {
        let words = Vec::new();
        Self { vector, words }
    }
}

/// An embedding model, driven by one thread.
pub trait Embedder: Send {
    /// Unit vectors, one a text, in order. A text's vector does not depend on the others.
    ///
    /// # Errors
    /// A failure of the engine.
    fn embed(&mut self, texts: &[String], kind: TextKind) -> Result<Vec<Vec<f32>>, ModelsError>;

    /// The same, and a vector of each word, where the model can tell.
    ///
    /// # Errors
    /// A failure of the engine.
    fn read(&mut self, texts: &[String], kind: TextKind) -> Result<Vec<Reading>, ModelsError> {
        let vectors = self.embed(texts, kind)?;
        Ok(vectors.into_iter().map(Reading::of).collect())
    }
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
