//! Catalog embedders on this crate's own engine, without ONNX Runtime.
//!
//! What a file holds is read once and shared by the threads that embed with it; each has its own
//! buffers. Texts are read in passes of a few hundred tokens.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::container::Container;
use super::unigram::{Scratch, Unigram, Word};
use super::{Embedder, Reading, TextKind, normalise};
use crate::ModelsError;
use crate::catalog::{EmbeddingSpec, Pooling};
use crate::engine::{self, Encoder, EncoderWeights, WordVectors};
use crate::store::ModelPaths;

/// Tokens that are read in one pass, if no single text has more: enough to share out the reading of
/// weights, and what is computed of so many stays near the processor.
const PASS: usize = 512;
/// Bytes of a text for each token that is read of it, at most: a longer piece than this is none.
const PER_TOKEN: usize = 256;

/// A model of the catalog, loaded while anybody embeds with it.
pub struct EngineModel {
    spec: EmbeddingSpec,
    loaded: Mutex<Weak<Loaded>>,
}

pub(super) struct Loaded {
    weights: Arc<EncoderWeights>,
    tokenizer: Unigram,
}

impl EngineModel {
    /// The model that `spec` describes; nothing is loaded yet.
    #[must_use]
    pub fn new(spec: EmbeddingSpec) -> Self {
        Self {
            spec,
            loaded: Mutex::default(),
        }
    }

    /// An embedder of `threads` threads, the calling one among them. Those that live at the same time
    /// share their weights.
    ///
    /// # Errors
    /// Files that cannot be read, or that are not what the catalog says.
    pub fn embedder(
        &self,
        paths: &ModelPaths,
        threads: usize,
    ) -> Result<EngineEmbedder, ModelsError> {
        let mut shared = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = if let Some(loaded) = shared.upgrade() {
            loaded
        } else {
            let loaded = Arc::new(load(paths.ending(".bin")?, &self.spec)?);
            *shared = Arc::downgrade(&loaded);
            loaded
        };
        Ok(EngineEmbedder::new(loaded, &self.spec, threads))
    }
}

pub(super) fn load(path: &Path, spec: &EmbeddingSpec) -> Result<Loaded, ModelsError> {
    let Container {
        file,
        shape,
        tokenizer,
    } = Container::open(path)?;
    let weights = EncoderWeights::load(&file, shape)?;
    if weights.width() != spec.dimensions {
        return Err(file.error(format!(
            "its vectors have {} dimensions, and the catalog says {}",
            weights.width(),
            spec.dimensions
        )));
    }
    if tokenizer.len() > weights.vocabulary() {
        return Err(file.error(format!(
            "it has {} tokens and vectors for {}",
            tokenizer.len(),
            weights.vocabulary()
        )));
    }
    if spec.max_tokens < 3 || spec.max_tokens > weights.positions() {
        return Err(file.error(format!(
            "it reads 3 to {} tokens, and `max-tokens` of its catalog entry is {}",
            weights.positions(),
            spec.max_tokens
        )));
    }
    Ok(Loaded {
        weights: Arc::new(weights),
        tokenizer,
    })
}

/// Embeds with an encoder.
pub struct EngineEmbedder {
    loaded: Arc<Loaded>,
    encoder: Encoder,
    spec: EmbeddingSpec,
    scratch: Scratch,
    /// Prefix and text.
    text: String,
    /// Tokens of a pass, and where each text ends.
    tokens: Vec<u32>,
    ends: Vec<usize>,
    /// The words of each text, where they are wanted.
    words: Vec<Vec<Word>>,
    vectors: Vec<f32>,
}

impl EngineEmbedder {
    pub(super) fn new(loaded: Arc<Loaded>, spec: &EmbeddingSpec, threads: usize) -> Self {
        Self {
            encoder: Encoder::new(Arc::clone(&loaded.weights), threads),
            loaded,
            spec: spec.clone(),
            scratch: Scratch::default(),
            text: String::new(),
            tokens: Vec::new(),
            ends: Vec::new(),
            words: Vec::new(),
            vectors: Vec::new(),
        }
    }

    #[cfg(test)]
    pub(super) fn levels() -> usize {
        Encoder::levels()
    }

    #[cfg(test)]
    pub(super) fn set_level(&mut self, level: usize) {
        self.encoder.set_level(level);
    }

    /// Reads texts in passes.
    fn run(
        &mut self,
        texts: &[String],
        kind: TextKind,
        with_words: bool,
    ) -> Result<Vec<Reading>, ModelsError> {
        let mut readings = Vec::with_capacity(texts.len());
        self.tokens.clear();
        self.ends.clear();
        self.words.clear();
        for text in texts {
            self.add(text, kind, with_words);
            if self.tokens.len() > PASS {
                let rest = usize::from(self.ends.len() > 1);
                self.flush(rest, &mut readings)?;
            }
        }
        self.flush(0, &mut readings)?;
        Ok(readings)
    }

    /// Appends a text's tokens to the pass.
    fn add(&mut self, text: &str, kind: TextKind, with_words: bool) {
        let prefix = match kind {
            TextKind::Query => &self.spec.query_prefix,
            TextKind::Passage => &self.spec.passage_prefix,
        };
        let most = self.spec.max_tokens;
        let text = start(text, most * PER_TOKEN);
        let (tokenizer, scratch) = (&self.loaded.tokenizer, &mut self.scratch);
        if with_words {
            let words = tokenizer.encode_words((prefix, text), most, scratch, &mut self.tokens);
            self.words.push(words);
        } else {
            self.text.clear();
            self.text.push_str(prefix);
            self.text.push_str(text);
            tokenizer.encode(&self.text, most, scratch, &mut self.tokens);
        }
        self.ends.push(self.tokens.len());
    }

    /// Embeds the texts of the pass but the last `rest` and leaves those.
    fn flush(&mut self, rest: usize, out: &mut Vec<Reading>) -> Result<(), ModelsError> {
        let texts = self.ends.len() - rest;
        let Some(end) = texts.checked_sub(1).map(|last| self.ends[last]) else {
            return Ok(());
        };
        let width = self.spec.dimensions;
        self.vectors.resize(texts * width, 0.0);
        let pooling = match self.spec.pooling {
            Pooling::Cls => engine::Pooling::First,
            Pooling::Mean => engine::Pooling::Mean,
        };
        let read = texts.min(self.words.len());
        let words: Vec<Vec<Word>> = self.words.drain(..read).collect();
        let spans: Vec<_> = words
            .iter()
            .flatten()
            .map(|word| word.tokens.clone())
            .collect();
        let mut of_words = vec![0.0; spans.len() * width];
        let wanted = WordVectors {
            layers: self.spec.word_layers,
            words: &spans,
            out: &mut of_words,
        };
        self.encoder.encode(
            &self.tokens[..end],
            &self.ends[..texts],
            pooling,
            &mut self.vectors,
            (!spans.is_empty()).then_some(wanted),
        )?;
        let mut words = words.into_iter();
        let mut of_words = of_words.chunks_exact(width);
        for vector in self.vectors.chunks_exact_mut(width) {
            normalise(vector);
            let words = words.next().unwrap_or_default().into_iter();
            out.push(Reading {
                vector: vector.to_vec(),
                words: words
                    .map(|word| word.bytes)
                    .zip(of_words.by_ref().map(<[f32]>::to_vec))
                    .collect(),
            });
        }
        self.tokens.drain(..end);
        self.ends.drain(..texts);
        for rest in &mut self.ends {
            *rest -= end;
        }
        for word in self.words.iter_mut().flatten() {
            word.tokens.start -= end;
            word.tokens.end -= end;
        }
        Ok(())
    }
}

impl Embedder for EngineEmbedder {
    fn embed(&mut self, texts: &[String], kind: TextKind) -> Result<Vec<Vec<f32>>, ModelsError> {
        let readings = self.run(texts, kind, false)?;
        Ok(readings.into_iter().map(|one| one.vector).collect())
    }

    fn read(&mut self, texts: &[String], kind: TextKind) -> Result<Vec<Reading>, ModelsError> {
        self.run(texts, kind, self.spec.word_layers > 0)
    }
}

/// The beginning of a text, of at most so many bytes.
fn start(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}
