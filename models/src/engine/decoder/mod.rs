//! The transformer that writes: one implementation for the Llama family, Qwen 2 and 3, Gemma 2 and 3
//! and Phi 3.
//!
//! A token's numbers depend on the tokens before it only, not on what is computed beside it:
//! a prompt read at once, in parts, from the cache or as a draft gives the same bits.

mod cache;
mod load;
#[cfg(test)]
mod placed;
mod rotary;
#[cfg(test)]
pub(super) mod tests;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use cache::{Cache, Layout};
use rotary::Rotary;

use super::kernels::Kernels;
use super::ops::{Attention, PAGE, QUERIES};
use super::packed::{self, Matrix, Weights};
use super::pool::Pool;
use super::{Inputs, Network, ROWS, TOKENS, Target, each_tile, kernels, multiply, pool};
use crate::ModelsError;
use crate::gguf::Gguf;
use crate::tensors::Tensor;

/// Tokens read in one pass: bounds memory and how late a cancellation is noticed.
pub(crate) const PASS: usize = 256;

/// How a model is loaded.
#[derive(Debug, Clone)]
pub struct Options {
    /// The longest sequence wanted (tokens).
    pub context: usize,
    /// Threads, the caller's own included.
    pub threads: usize,
    /// Memory for keys and values beyond one context, kept for later questions (bytes).
    pub prefix_bytes: usize,
    /// Niceness of the threads that compute, 0 to 19.
    pub nice: i32,
    /// Memory that may be taken, where it is known (bytes).
    pub free_memory: Option<u64>,
    /// The program that runs a file's chat template in a process of its own, as `vade template-child` does;
    /// without one it runs in this process, which a hostile template can bring down.
    pub worker: Option<PathBuf>,
}

#[derive(Clone, Copy)]
struct Shape {
    width: usize,
    heads: usize,
    kv_heads: usize,
    head_size: usize,
    /// Dimensions of a head that are rotated.
    rotated: usize,
    feed: usize,
    vocabulary: usize,
    epsilon: f32,
}

impl Shape {
    fn queries(self) -> usize {
        self.heads * self.head_size
    }

    fn keys(self) -> usize {
        self.kv_heads * self.head_size
    }

    /// Memory of a pass over `PASS` tokens, and of angles for a whole context (bytes).
    fn scratch(self, context: usize) -> usize {
        let stream = 3 * self.width + 2 * self.queries() + 2 * self.keys() + 2 * self.feed;
        let numbers = (PASS * stream).saturating_add(8 * self.vocabulary);
        let angles = context.saturating_mul(self.rotated);
        4 * numbers.saturating_add(angles)
    }
}

/// Where families differ.
struct Family {
    gelu: bool,
    embedding_scale: f32,
    residual_scale: f32,
    attention_scale: f32,
    logit_scale: f32,
    /// Bounds of attention scores and logits; zero for none.
    score_cap: f32,
    logit_cap: f32,
}

struct Linear {
    weights: Arc<Matrix>,
    bias: Option<Vec<f32>>,
}

struct Layer {
    attention_norm: Vec<f32>,
    query_norm: Option<Vec<f32>>,
    key_norm: Option<Vec<f32>>,
    /// Norms of what attention and feed-forward add (Gemma).
    attended_norm: Option<Vec<f32>>,
    fed_norm: Option<Vec<f32>>,
    feed_norm: Vec<f32>,
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    gate: Arc<Matrix>,
    up: Arc<Matrix>,
    down: Linear,
    window: usize,
    /// Which of the decoder's angles.
    rotary: usize,
}

/// Token vectors, read from the file as they are needed.
struct Embedding {
    gguf: Arc<Gguf>,
    tensor: Tensor,
}

/// A loaded model and what it has read.
pub(crate) struct Decoder {
    shape: Shape,
    family: Family,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    head: Arc<Matrix>,
    weights: Weights,
    embedding: Embedding,
    rotaries: Vec<Rotary>,
    layout: Layout,
    cache: Cache,
    pool: Pool,
    kernels: &'static Kernels,
    scratch: Scratch,
    context: usize,
    /// Layers of what is only glanced at.
    glanced: usize,
}

/// Buffers of one pass, kept between passes.
#[derive(Default)]
struct Scratch {
    /// The residual stream `[tokens][width]`.
    x: Vec<f32>,
    /// Normed, or what attention gives.
    y: Vec<f32>,
    /// Queries, keys and values; or what the gates let through.
    z: Vec<f32>,
    inputs: Inputs,
    logits: Vec<f32>,
    /// Attention scores of each thread.
    scores: Vec<Vec<f32>>,
}

impl Network for Decoder {
    fn context(&self) -> usize {
        self.context
    }

    fn level(&self) -> &'static str {
        self.kernels.name
    }

    fn can_draft(&self) -> bool {
        true
    }

    fn start(&mut self, tokens: &[u32]) -> usize {
        self.cache.start(tokens)
    }

    fn length(&self) -> usize {
        self.cache.length()
    }

    fn truncate(&mut self, length: usize) {
        self.cache.truncate(length);
    }

    fn forward(&mut self, tokens: &[u32], wanted: usize) -> Result<&mut [f32], ModelsError> {
        self.begin(tokens)?;
        self.deepen();
        self.read(tokens, 0..self.layers.len())?;
        self.logits(tokens.len(), wanted);
        self.check()?;
        Ok(&mut self.scratch.logits)
    }

    fn glance(&mut self, tokens: &[u32], layer: usize) -> Result<&[f32], ModelsError> {
        self.begin(tokens)?;
        self.glanced = (layer + 1).min(self.layers.len());
        self.read(tokens, 0..self.glanced)?;
        let states = &self.scratch.x[..tokens.len() * self.shape.width];
        self.cache.keep(tokens.len(), states);
        self.check()?;
        Ok(&self.scratch.x[(tokens.len() - 1) * self.shape.width..])
    }
}

impl Decoder {
    /// Checks that tokens fit, and that the processor is free for them.
    fn begin(&mut self, tokens: &[u32]) -> Result<(), ModelsError> {
        let (count, start) = (tokens.len(), self.cache.length());
        if count == 0 || count > PASS || start + count > self.context {
            return Err(ModelsError::Inference(format!(
                "{count} tokens after {start} do not fit the context of {}",
                self.context
            )));
        }
        self.weights.stop();
        let threads = self.pool.threads();
        self.scratch.scores.resize_with(threads, Vec::new);
        Ok(())
    }

    /// Reads tokens after the present sequence as far as some layers go.
    fn read(&mut self, tokens: &[u32], layers: Range<usize>) -> Result<(), ModelsError> {
        let start = self.cache.length();
        self.embed(tokens)?;
        self.cache.extend(tokens);
        self.pass(tokens.len(), start, layers);
        Ok(())
    }

    /// Reads what was only glanced at through the layers that are left.
    fn deepen(&mut self) {
        while let Some((start, states)) = self.cache.glanced(PASS) {
            let count = states.len() / self.shape.width;
            self.scratch.x = states;
            self.pass(count, start, self.glanced..self.layers.len());
        }
    }

    /// Takes the states of `count` tokens from the one at `start` on through some layers.
    fn pass(&mut self, count: usize, start: usize, layers: Range<usize>) {
        let pages: Vec<Target<u16>> = self.cache.pages().into_iter().map(Target).collect();
        for rotary in &mut self.rotaries {
            rotary.reach(start + count);
        }
        for index in layers {
            self.attention(index, count, start, &pages);
            self.feed_forward(index, count);
        }
    }

    fn check(&mut self) -> Result<(), ModelsError> {
        let checked = self.weights.check();
        checked.map_err(|problem| self.embedding.gguf.error(problem))
    }

    /// Fills `x` with the tokens' vectors.
    fn embed(&mut self, tokens: &[u32]) -> Result<(), ModelsError> {
        let width = self.shape.width;
        let Embedding { gguf, tensor } = &self.embedding;
        self.scratch.x.resize(tokens.len() * width, 0.0);
        let row = tensor.length / tensor.rows() as u64;
        let mut bytes = vec![0; usize::try_from(row).unwrap_or_default()];
        for (token, x) in tokens.iter().zip(self.scratch.x.chunks_exact_mut(width)) {
            if *token as usize >= self.shape.vocabulary {
                return Err(ModelsError::Inference(format!("there is no token {token}")));
            }
            gguf.read(tensor.offset + u64::from(*token) * row, &mut bytes)
                .map_err(|error| gguf.error(error))?;
            let vector = packed::dequantised(tensor.kind, &bytes, 1, width)
                .map_err(|error| gguf.error(error))?;
            for (x, value) in x.iter_mut().zip(vector) {
                *x = value * self.family.embedding_scale;
            }
        }
        Ok(())
    }

    /// Adds a layer's attention to `x`.
    #[expect(clippy::too_many_lines, reason = "one step after the other")]
    fn attention(&mut self, index: usize, count: usize, start: usize, pages: &[Target<u16>]) {
        let shape = self.shape;
        let layer = &self.layers[index];
        let Scratch {
            x,
            y,
            z,
            inputs,
            scores,
            ..
        } = &mut self.scratch;
        let kernels = self.kernels;
        let projections = [&layer.query, &layer.key, &layer.value];
        inputs.norm(
            &mut self.pool,
            kernels,
            (x, shape.width, count),
            (&layer.attention_norm, shape.epsilon),
            &projections.map(|linear| &*linear.weights),
        );
        let (queries, keys) = (shape.queries(), shape.keys());
        let stride = queries + 2 * keys;
        z.resize(count * stride, 0.0);
        let firsts = [0, queries, queries + keys];
        let out = Target(z.as_mut_ptr());
        multiply(
            &mut self.pool,
            kernels,
            inputs,
            count,
            &projections.map(|linear| &*linear.weights),
            |which, row, token, values| {
                let linear = projections[which];
                // SAFETY: each tile and token has its own part of `z`.
                let out = unsafe { out.part(token * stride + firsts[which] + row, values.len()) };
                match &linear.bias {
                    Some(bias) => {
                        for ((out, value), bias) in out.iter_mut().zip(values).zip(&bias[row..]) {
                            *out = value + bias;
                        }
                    }
                    None => out.copy_from_slice(values),
                }
            },
        );

        let rotary = &self.rotaries[layer.rotary];
        let (layout, head_size) = (self.layout, shape.head_size);
        self.pool.run(count, |token, _| {
            // SAFETY: each token has its own part of `z` and its own position in the pages.
            unsafe {
                let projected = out.part(token * stride, stride);
                let position = start + token;
                let page = pages[position / PAGE];
                let (query, rest) = projected.split_at_mut(queries);
                let (key, value) = rest.split_at_mut(keys);
                for (part, norm) in [(query, &layer.query_norm), (&mut *key, &layer.key_norm)] {
                    for head in part.chunks_exact_mut(head_size) {
                        if let Some(weight) = norm {
                            let copy = head.to_vec();
                            (kernels.norm)(&copy, weight, shape.epsilon, head);
                        }
                        rotary.rotate(head, position);
                    }
                }
                let mut halves = vec![0_u16; keys];
                (kernels.halves)(key, &mut halves);
                for (head, key) in halves.chunks_exact(head_size).enumerate() {
                    let to = page.at(layout.offset(index, head) + position % PAGE);
                    for (dimension, key) in key.iter().enumerate() {
                        to.add(dimension * PAGE).write(*key);
                    }
                }
                (kernels.halves)(value, &mut halves);
                for (head, value) in halves.chunks_exact(head_size).enumerate() {
                    let at = PAGE * head_size + position % PAGE * head_size;
                    let to = page.at(layout.offset(index, head) + at);
                    std::ptr::copy_nonoverlapping(value.as_ptr(), to, head_size);
                }
            }
        });

        y.resize(count * queries, 0.0);
        let attended = Target(y.as_mut_ptr());
        let group = shape.heads / shape.kv_heads;
        let rows = count * group;
        let wanted = (rows * shape.kv_heads).div_ceil(2 * self.pool.threads());
        let pieces = rows.div_ceil(wanted.clamp(1, QUERIES));
        let each = rows.div_ceil(pieces);
        let scores = Target(scores.as_mut_ptr());
        let scale = self.family.attention_scale;
        let cap = self.family.score_cap;
        self.pool.run(pieces * shape.kv_heads, |piece, thread| {
            let (head, piece) = (piece % shape.kv_heads, piece / shape.kv_heads);
            // Long rows first, so that the threads end together.
            let first = (pieces - 1 - piece) * each;
            let mut chosen = [(std::ptr::null(), std::ptr::null_mut(), 0); QUERIES];
            let mut length = 0;
            for row in first..(first + each).min(rows) {
                let (token, member) = (row / group, row % group);
                let at = (head * group + member) * head_size;
                // SAFETY: each row has its own part of `y`; `z` and the pages are only read now.
                unsafe {
                    chosen[length] = (
                        out.at(token * stride + at).cast_const(),
                        attended.at(token * queries + at),
                        start + token,
                    );
                }
                length += 1;
            }
            // SAFETY: pages are only read, and the scratch space is this thread's own.
            unsafe {
                let scores = &mut *scores.at(thread);
                let job = Attention {
                    rows: &chosen[..length],
                    pages,
                    offset: layout.offset(index, head),
                    head_size,
                    scale,
                    cap,
                    window: layer.window,
                };
                (kernels.attend)(&job, scores);
            }
        });

        inputs.quantise(
            &mut self.pool,
            kernels,
            (y, queries, count),
            &[&layer.output.weights],
        );
        self.add(index, count, Branch::Attention);
    }

    /// Adds a layer's feed-forward network to `x`.
    fn feed_forward(&mut self, index: usize, count: usize) {
        let shape = self.shape;
        let layer = &self.layers[index];
        let kernels = self.kernels;
        let gelu = self.family.gelu;
        let Scratch { x, z, inputs, .. } = &mut self.scratch;
        inputs.norm(
            &mut self.pool,
            kernels,
            (x, shape.width, count),
            (&layer.feed_norm, shape.epsilon),
            &[&layer.gate, &layer.up],
        );
        z.resize(count * shape.feed, 0.0);
        let out = Target(z.as_mut_ptr());
        let source = &*inputs;
        each_tile(&mut self.pool, layer.gate.tiles(), count, |tile| {
            let rows = ROWS.min(shape.feed - tile * ROWS);
            let mut gates = [[0.0; ROWS]; TOKENS];
            let mut ups = [[0.0; ROWS]; TOKENS];
            for first in (0..count).step_by(TOKENS) {
                let tokens = TOKENS.min(count - first);
                source.tile(kernels, &layer.gate, tile, first, tokens, &mut gates);
                source.tile(kernels, &layer.up, tile, first, tokens, &mut ups);
                for token in 0..tokens {
                    // SAFETY: the processor has the level; each tile and token has its own part of
                    // `z`.
                    unsafe {
                        (kernels.gated)(&mut gates[token], &ups[token], gelu);
                        out.part((first + token) * shape.feed + tile * ROWS, rows)
                            .copy_from_slice(&gates[token][..rows]);
                    }
                }
            }
        });
        inputs.quantise(
            &mut self.pool,
            kernels,
            (z, shape.feed, count),
            &[&layer.down.weights],
        );
        self.add(index, count, Branch::FeedForward);
    }

    /// Multiplies the quantised inputs by a branch's last matrix and adds the result to `x`.
    fn add(&mut self, index: usize, count: usize, branch: Branch) {
        let width = self.shape.width;
        let layer = &self.layers[index];
        let (linear, norm) = match branch {
            Branch::Attention => (&layer.output, &layer.attended_norm),
            Branch::FeedForward => (&layer.down, &layer.fed_norm),
        };
        let Scratch { x, y, inputs, .. } = &mut self.scratch;
        let kernels = self.kernels;
        let scale = self.family.residual_scale;
        if norm.is_some() {
            y.resize(count * width, 0.0);
        }
        let residual = Target(x.as_mut_ptr());
        let apart = Target(y.as_mut_ptr());
        multiply(
            &mut self.pool,
            kernels,
            inputs,
            count,
            &[&linear.weights],
            |_, row, token, values| {
                let target = if norm.is_some() { apart } else { residual };
                // SAFETY: each tile and token has its own part of the buffer.
                let out = unsafe { target.part(token * width + row, values.len()) };
                for (offset, (out, value)) in out.iter_mut().zip(values).enumerate() {
                    let bias = linear.bias.as_ref().map_or(0.0, |bias| bias[row + offset]);
                    if norm.is_some() {
                        *out = value + bias;
                    } else {
                        *out += scale * (value + bias);
                    }
                }
            },
        );
        if let Some(weight) = norm {
            let epsilon = self.shape.epsilon;
            let mut normed = vec![0.0; width];
            for (x, y) in x.chunks_exact_mut(width).zip(y.chunks_exact(width)) {
                // SAFETY: the processor has the level.
                unsafe {
                    (kernels.norm)(y, weight, epsilon, &mut normed);
                }
                for (x, normed) in x.iter_mut().zip(&normed) {
                    *x += scale * normed;
                }
            }
        }
    }

    /// Computes the logits after the last `wanted` tokens.
    fn logits(&mut self, count: usize, wanted: usize) {
        let Shape {
            width,
            vocabulary,
            epsilon,
            ..
        } = self.shape;
        let Scratch {
            x, inputs, logits, ..
        } = &mut self.scratch;
        let wanted = wanted.min(count);
        let last = &x[(count - wanted) * width..count * width];
        logits.resize(wanted * vocabulary, 0.0);
        if wanted == 0 {
            return;
        }
        inputs.norm(
            &mut self.pool,
            self.kernels,
            (last, width, wanted),
            (&self.norm, epsilon),
            &[&self.head],
        );
        let out = Target(logits.as_mut_ptr());
        let (scale, cap) = (self.family.logit_scale, self.family.logit_cap);
        multiply(
            &mut self.pool,
            self.kernels,
            inputs,
            wanted,
            &[&self.head],
            |_, row, token, values| {
                // SAFETY: each tile and token has its own part of the logits.
                let out = unsafe { out.part(token * vocabulary + row, values.len()) };
                for (out, value) in out.iter_mut().zip(values) {
                    let value = value * scale;
                    *out = if cap > 0.0 {
                        cap * (value / cap).tanh()
                    } else {
                        value
                    };
                }
            },
        );
    }
}

#[derive(Clone, Copy)]
enum Branch {
    Attention,
    FeedForward,
}
