//! The transformer that reads: BERT and XLM-RoBERTa, texts to vectors.
//!
//! Several texts are one run of rows for the matrix products, and attention stays within each text,
//! so nothing is padded. A text's vector is the same bits whoever is read beside it. `EncoderWeights`
//! are shared by threads; each `Encoder` has its own buffers, kept between passes.

mod load;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use super::kernels::{self, Kernels};
use super::ops::{Attention, PAGE, QUERIES};
use super::packed::{self, Matrix, Weights};
use super::pool::Pool;
use super::simd::LANES;
use super::{Inputs, Target, multiply};
use crate::ModelsError;
use crate::tensors::{Tensor, TensorFile};

/// Sizes of an encoder, as its file states them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shape {
    pub(crate) layers: usize,
    pub(crate) width: usize,
    pub(crate) heads: usize,
    pub(crate) feed: usize,
    /// The longest text it was trained for (tokens).
    pub(crate) positions: usize,
    pub(crate) epsilon: f32,
}

impl Shape {
    fn head_size(self) -> usize {
        self.width / self.heads
    }

    /// Numbers of a page's keys and values of one head.
    fn head(self) -> usize {
        2 * PAGE * self.head_size()
    }
}

/// How the tokens' vectors become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    /// The first token's.
    First,
    Mean,
}

struct Linear {
    weights: Arc<Matrix>,
    bias: Vec<f32>,
}

struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    attention_norm: Norm,
    up: Linear,
    down: Linear,
    feed_norm: Norm,
}

/// What a file holds, shared by all who compute with it.
pub(crate) struct EncoderWeights {
    file: Arc<TensorFile>,
    shape: Shape,
    /// Token vectors, read from the file as they are needed.
    words: Tensor,
    /// `[position][width]`, the vector of the first type added.
    positions: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
    weights: Weights,
}

/// Vectors of words, as a layer within the encoder has them.
pub(crate) struct WordVectors<'a> {
    /// Layers that are behind them: the last ones tell what a text says, those before what its words say.
    pub(crate) layers: usize,
    /// Which tokens each word is.
    pub(crate) words: &'a [Range<usize>],
    /// `[words][width]`.
    pub(crate) out: &'a mut [f32],
}

/// Computes with an encoder's weights.
pub(crate) struct Encoder {
    weights: Arc<EncoderWeights>,
    pool: Pool,
    kernels: &'static Kernels,
    scratch: Scratch,
}

/// Buffers of one pass, kept between passes.
#[derive(Default)]
struct Scratch {
    /// The residual stream `[tokens][width]`.
    x: Vec<f32>,
    /// What attention gives.
    y: Vec<f32>,
    /// Queries, or what the feed-forward network holds between its halves.
    z: Vec<f32>,
    inputs: Inputs,
    /// Keys and values of a layer, by page: per head keys `[head_size][PAGE]`, values
    /// `[PAGE][head_size]`.
    pages: Vec<u16>,
    /// Each text's first token, its tokens and its first page.
    texts: Vec<Text>,
    /// Each token's page and place in it.
    places: Vec<(usize, usize)>,
    /// Where each page lies.
    starts: Vec<Target<u16>>,
    /// Attention scores of each thread.
    scores: Vec<Vec<f32>>,
    row: Vec<u8>,
    /// A token's vector, normed.
    normed: Vec<f32>,
}

#[derive(Clone, Copy)]
struct Text {
    first: usize,
    length: usize,
    page: usize,
}

impl Encoder {
    /// Computes with `threads` threads, the caller's own included.
    pub(crate) fn new(weights: Arc<EncoderWeights>, threads: usize) -> Self {
        Self {
            weights,
            pool: Pool::new(threads, 0),
            kernels: kernels::detect(),
            scratch: Scratch::default(),
        }
    }

    #[cfg(test)]
    pub(crate) fn levels() -> usize {
        kernels::available().len()
    }

    /// Computes with another level of vector instructions.
    #[cfg(test)]
    pub(crate) fn set_level(&mut self, level: usize) {
        self.kernels = kernels::available()[level];
    }

    /// The vectors `[texts][width]` of texts that follow each other in `tokens`; `ends` says where
    /// each ends. They are as pooling gives them, of any length; so are those of words, where they are wanted.
    ///
    /// # Errors
    /// A text that is empty or longer than the model reads, a token that there is not, weights that
    /// cannot be read.
    pub(crate) fn encode(
        &mut self,
        tokens: &[u32],
        ends: &[usize],
        pooling: Pooling,
        out: &mut [f32],
        mut words: Option<WordVectors<'_>>,
    ) -> Result<(), ModelsError> {
        self.place(tokens, ends)?;
        self.embed(tokens)?;
        let weights = Arc::clone(&self.weights);
        let mut norm = &weights.norm;
        for (behind, layer) in weights.layers.iter().enumerate() {
            if let Some(mut words) = words.take_if(|words| words.layers <= behind) {
                self.words(norm, &mut words);
            }
            self.attention(layer, norm);
            self.feed_forward(layer);
            norm = &layer.feed_norm;
        }
        if let Some(mut words) = words {
            self.words(norm, &mut words);
        }
        self.finish(norm, pooling, out);
        weights
            .weights
            .check()
            .map_err(|problem| weights.file.error(problem))
    }

    /// Says where each text's rows and pages are.
    fn place(&mut self, tokens: &[u32], ends: &[usize]) -> Result<(), ModelsError> {
        let shape = self.weights.shape;
        let scratch = &mut self.scratch;
        scratch.texts.clear();
        scratch.places.clear();
        let (mut first, mut page) = (0, 0);
        for end in ends {
            let length = end.saturating_sub(first);
            if length == 0 || length > shape.positions || *end > tokens.len() {
                return Err(ModelsError::Inference(format!(
                    "a text of {length} tokens, where it reads 1 to {}",
                    shape.positions
                )));
            }
            scratch.texts.push(Text {
                first,
                length,
                page,
            });
            let places = (0..length).map(|at| (page + at / PAGE, at % PAGE));
            scratch.places.extend(places);
            first = *end;
            page += length.div_ceil(PAGE);
        }
        let numbers = shape.heads * shape.head();
        if scratch.pages.len() < page * numbers {
            scratch.pages.resize(page * numbers, 0);
        }
        // What lies behind a text's end is given no weight, and must be numbers all the same.
        for text in &scratch.texts {
            let last = text.page + (text.length - 1) / PAGE;
            scratch.pages[last * numbers..(last + 1) * numbers].fill(0);
        }
        let start = scratch.pages.as_mut_ptr();
        scratch.starts.clear();
        // SAFETY: there are as many pages.
        let starts = (0..page).map(|page| Target(unsafe { start.add(page * numbers) }));
        scratch.starts.extend(starts);
        let threads = self.pool.threads();
        scratch.scores.resize_with(threads, Vec::new);
        Ok(())
    }

    /// Fills `x` with the tokens' vectors and their places'.
    fn embed(&mut self, tokens: &[u32]) -> Result<(), ModelsError> {
        let EncoderWeights {
            file,
            shape,
            words,
            positions,
            ..
        } = &*self.weights;
        let Scratch { x, texts, row, .. } = &mut self.scratch;
        let width = shape.width;
        x.resize(tokens.len() * width, 0.0);
        for text in texts {
            let tokens = tokens[text.first..text.first + text.length].iter();
            let rows = x[text.first * width..].chunks_exact_mut(width);
            for ((token, x), position) in tokens.zip(rows).zip(positions.chunks_exact(width)) {
                let token = *token as usize;
                if token >= words.rows() {
                    return Err(ModelsError::Inference(format!("there is no token {token}")));
                }
                packed::row(file, words, token, row, x).map_err(|problem| file.error(problem))?;
                for (x, position) in x.iter_mut().zip(position) {
                    *x += position;
                }
            }
        }
        Ok(())
    }

    /// Norms `x` in place, then adds what a layer's attention gives.
    fn attention(&mut self, layer: &Layer, norm: &Norm) {
        let shape = self.weights.shape;
        let (kernels, width) = (self.kernels, shape.width);
        let (head_size, heads) = (shape.head_size(), shape.heads);
        let projections = [&layer.query, &layer.key, &layer.value];
        let matrices = projections.map(|linear| &*linear.weights);
        self.norm(norm, &matrices);
        let Scratch {
            x,
            y,
            z,
            inputs,
            texts,
            places,
            starts,
            scores,
            ..
        } = &mut self.scratch;
        let count = places.len();
        z.resize(count * width, 0.0);
        let queries = Target(z.as_mut_ptr());
        let pages = &**starts;
        let finish = |which: usize, row: usize, token: usize, values: &[f32]| {
            let mut biased = [0.0; super::ROWS];
            let biased = &mut biased[..values.len()];
            let bias = &projections[which].bias[row..];
            for ((out, value), bias) in biased.iter_mut().zip(values).zip(bias) {
                *out = value + bias;
            }
            if which == 0 {
                // SAFETY: each tile and token has its own part of `z`.
                unsafe { queries.part(token * width + row, values.len()) }.copy_from_slice(biased);
                return;
            }
            let (page, place) = places[token];
            let mut halves = [0_u16; super::ROWS];
            // SAFETY: the processor has the level; each token has its own place in its page.
            unsafe {
                (kernels.halves)(biased, &mut halves);
                // Heads are whole runs of sixteen.
                for (part, halves) in halves[..values.len()].chunks_exact(LANES).enumerate() {
                    let at = row + part * LANES;
                    let start = at / head_size * shape.head();
                    let dimension = at % head_size;
                    if which == 1 {
                        let to = pages[page].at(start + dimension * PAGE + place);
                        for (dimension, half) in halves.iter().enumerate() {
                            to.add(dimension * PAGE).write(*half);
                        }
                    } else {
                        let to = pages[page].at(start + (PAGE + place) * head_size + dimension);
                        std::ptr::copy_nonoverlapping(halves.as_ptr(), to, LANES);
                    }
                }
            }
        };
        multiply(&mut self.pool, kernels, inputs, count, &matrices, finish);

        y.resize(count * width, 0.0);
        let attended = Target(y.as_mut_ptr());
        let scores = Target(scores.as_mut_ptr());
        let texts = &**texts;
        let scale = 1.0 / (head_size as f32).sqrt();
        self.pool.run(texts.len() * heads, |piece, thread| {
            let (text, head) = (texts[piece / heads], piece % heads);
            let last = text.page + text.length.div_ceil(PAGE);
            for start in (0..text.length).step_by(QUERIES) {
                let mut rows = [(std::ptr::null(), std::ptr::null_mut(), 0); QUERIES];
                let length = QUERIES.min(text.length - start);
                // SAFETY: each row and head has its own part of `y`; `z` and the pages are only read
                // now, and the scratch space is this thread's own.
                unsafe {
                    for (offset, row) in rows[..length].iter_mut().enumerate() {
                        let at = (text.first + start + offset) * width + head * head_size;
                        // A row sees the whole text, as its last token would.
                        let from = queries.at(at).cast_const();
                        *row = (from, attended.at(at), text.length - 1);
                    }
                    let job = Attention {
                        rows: &rows[..length],
                        pages: &pages[text.page..last],
                        offset: head * shape.head(),
                        head_size,
                        scale,
                        cap: 0.0,
                        window: usize::MAX,
                    };
                    (kernels.attend)(&job, &mut *scores.at(thread));
                }
            }
        });
        let matrices = [&*layer.output.weights];
        inputs.quantise(&mut self.pool, kernels, (y, width, count), &matrices);
        add(&mut self.pool, kernels, inputs, &layer.output, x, count);
    }

    /// Norms `x` in place, then adds what a layer's feed-forward network gives.
    fn feed_forward(&mut self, layer: &Layer) {
        let (kernels, feed) = (self.kernels, self.weights.shape.feed);
        self.norm(&layer.attention_norm, &[&layer.up.weights]);
        let Scratch {
            x,
            z,
            inputs,
            places,
            ..
        } = &mut self.scratch;
        let count = places.len();
        z.resize(count * feed, 0.0);
        let out = Target(z.as_mut_ptr());
        let matrices = [&*layer.up.weights];
        let bias = &layer.up.bias;
        let finish = |_: usize, row: usize, token: usize, values: &[f32]| {
            // SAFETY: the processor has the level; each tile and token has its own part of `z`.
            unsafe {
                let out = out.part(token * feed + row, values.len());
                (kernels.gelu)(values, &bias[row..row + values.len()], out);
            }
        };
        multiply(&mut self.pool, kernels, inputs, count, &matrices, finish);
        let matrices = [&*layer.down.weights];
        inputs.quantise(&mut self.pool, kernels, (z, feed, count), &matrices);
        add(&mut self.pool, kernels, inputs, &layer.down, x, count);
    }

    /// Norms `x` in place and quantises it for the matrices.
    fn norm(&mut self, norm: &Norm, matrices: &[&Matrix]) {
        let Shape { width, epsilon, .. } = self.weights.shape;
        let kernels = self.kernels;
        let Scratch {
            x, inputs, places, ..
        } = &mut self.scratch;
        let count = places.len();
        let rows = Target(x.as_mut_ptr());
        inputs.fill(
            &mut self.pool,
            kernels,
            width,
            count,
            matrices,
            |token, with| {
                // SAFETY: the processor has the level; each token has its own row.
                unsafe {
                    let x = rows.part(token * width, width);
                    (kernels.layer_norm)(x, &norm.weight, &norm.bias, epsilon);
                    with(x);
                }
            },
        );
    }

    /// The vector of each word: the mean of its tokens', normed; `x` stays as it is.
    fn words(&mut self, norm: &Norm, words: &mut WordVectors<'_>) {
        let Shape { width, epsilon, .. } = self.weights.shape;
        let Scratch { x, normed, .. } = &mut self.scratch;
        words.out.fill(0.0);
        for (word, out) in words.words.iter().zip(words.out.chunks_exact_mut(width)) {
            let tokens = x[word.start * width..word.end * width].chunks_exact(width);
            let count = tokens.len() as f32;
            for token in tokens {
                normed.clear();
                normed.extend_from_slice(token);
                // SAFETY: the processor has the level.
                unsafe {
                    (self.kernels.layer_norm)(normed, &norm.weight, &norm.bias, epsilon);
                }
                for (out, x) in out.iter_mut().zip(&*normed) {
                    *out += x / count;
                }
            }
        }
    }

    /// Norms what is wanted of `x` and pools it.
    fn finish(&mut self, norm: &Norm, pooling: Pooling, out: &mut [f32]) {
        let Shape { width, epsilon, .. } = self.weights.shape;
        let Scratch { x, texts, .. } = &mut self.scratch;
        for (text, out) in texts.iter().zip(out.chunks_exact_mut(width)) {
            let rows = match pooling {
                Pooling::First => 1,
                Pooling::Mean => text.length,
            };
            out.fill(0.0);
            for x in x[text.first * width..].chunks_exact_mut(width).take(rows) {
                // SAFETY: the processor has the level.
                unsafe {
                    (self.kernels.layer_norm)(x, &norm.weight, &norm.bias, epsilon);
                }
                for (out, x) in out.iter_mut().zip(x) {
                    *out += *x / rows as f32;
                }
            }
        }
    }
}

/// Multiplies the quantised inputs by a matrix and adds the result to `x`.
fn add(
    pool: &mut Pool,
    kernels: &Kernels,
    inputs: &Inputs,
    linear: &Linear,
    x: &mut [f32],
    count: usize,
) {
    let width = linear.weights.rows;
    let out = Target(x.as_mut_ptr());
    let finish = |_: usize, row: usize, token: usize, values: &[f32]| {
        // SAFETY: each tile and token has its own part of `x`.
        let out = unsafe { out.part(token * width + row, values.len()) };
        for ((out, value), bias) in out.iter_mut().zip(values).zip(&linear.bias[row..]) {
            *out += value + bias;
        }
    };
    multiply(pool, kernels, inputs, count, &[&linear.weights], finish);
}
