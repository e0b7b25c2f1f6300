//! The deterministic fake: a bag of hashed words, so that texts that share words are near.

use super::{Embedder, TextKind};
use crate::ModelsError;

/// An embedder without weights, for tests.
#[derive(Debug, Clone, Copy)]
pub struct HashedEmbedder {
    dimensions: usize,
}

impl HashedEmbedder {
    /// Vectors of `dimensions`.
    #[must_use]
    pub fn new(dimensions: usize) -> Self {
        Self { dimensions }
    }
}

impl Embedder for HashedEmbedder {
    fn embed(&mut self, texts: &[String], _: TextKind) -> Result<Vec<Vec<f32>>, ModelsError> {
        Ok(texts.iter().map(|text| self.vector(text)).collect())
    }
}

impl HashedEmbedder {
    fn vector(self, text: &str) -> Vec<f32> {
        let mut vector = vec![0.0; self.dimensions];
        for word in text.split(|c: char| !c.is_alphanumeric()) {
            if !word.is_empty() {
                vector[fnv1a(&word.to_lowercase()) % self.dimensions] += 1.0;
            }
        }
        super::normalise(&mut vector);
        vector
    }
}

/// FNV-1a, which unlike the standard library's hash is the same in every build.
fn fnv1a(word: &str) -> usize {
    let hash = word.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    usize::try_from(hash >> 8).unwrap_or_default()
}
