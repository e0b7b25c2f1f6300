//! The transformer: one implementation for Llama, Qwen2 and Qwen3 graphs, on candle's quantised
//! matrix products.
//!
//! Keys and values live in preallocated buffers with a length, so a sequence can be truncated at
//! any position (prefix reuse) without copying. Rotary angles are computed in f32: candle's stock
//! Qwen3 builds them in f16, which is 0.76 rad wrong by position 1,500.

use candle_core::{DType, Device, IndexOp, Result, Tensor};
use candle_nn::ops::{rms_norm, silu, softmax_last_dim};
use candle_nn::rotary_emb::{rope, rope_i};

use super::weights::{Gguf, Linear};

/// Keys and values grow by this many positions at a time.
const GROWTH: usize = 512;

/// Architectures (`general.architecture`) whose graph this file implements.
pub(super) const ARCHITECTURES: [&str; 3] = ["llama", "qwen2", "qwen3"];

/// A loaded model and the keys and values of what it has read so far.
pub(super) struct Decoder {
    embedding: candle_core::quantized::QTensor,
    layers: Vec<Layer>,
    norm: Norm,
    head: Linear,
    shape: Shape,
    rotary: Rotary,
    length: usize,
    context: usize,
}

#[derive(Clone, Copy)]
struct Shape {
    heads: usize,
    kv_heads: usize,
    head_size: usize,
}

struct Layer {
    attention_norm: Norm,
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    query_norm: Option<Norm>,
    key_norm: Option<Norm>,
    feed_norm: Norm,
    gate: Linear,
    up: Linear,
    down: Linear,
    cache: Option<(Tensor, Tensor)>,
}

struct Norm {
    weight: Tensor,
    epsilon: f32,
}

impl Norm {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        rms_norm(x, &self.weight, self.epsilon)
    }
}

/// Cosines and sines `[positions, head_size / 2]`.
struct Rotary {
    cos: Tensor,
    sin: Tensor,
    interleaved: bool,
}

impl Decoder {
    /// Reads all weights; `context` is the longest sequence that will be asked of it (tokens).
    pub(super) fn load(gguf: &mut Gguf, context: usize) -> Result<Self> {
        let architecture = gguf.architecture();
        if !ARCHITECTURES.contains(&architecture.as_str()) {
            candle_core::bail!("the architecture {architecture:?} is not supported");
        }
        let heads = gguf.required("attention.head_count")?;
        let kv_heads = gguf.number("attention.head_count_kv").unwrap_or(heads);
        let width = gguf.required("embedding_length")?;
        let head_size = gguf
            .number("attention.key_length")
            .unwrap_or(width / heads.max(1));
        if kv_heads == 0 || !heads.is_multiple_of(kv_heads) || !head_size.is_multiple_of(2) {
            candle_core::bail!("the GGUF file's attention heads do not fit together");
        }
        let context = match gguf.number("context_length") {
            Some(trained) => context.min(trained),
            None => context,
        };
        let shape = Shape {
            heads,
            kv_heads,
            head_size,
        };
        let rotary = Rotary::new(gguf, &architecture, head_size, context)?;
        let epsilon = gguf
            .float("attention.layer_norm_rms_epsilon")
            .unwrap_or(1e-5);
        let layers = (0..gguf.required("block_count")?)
            .map(|index| Layer::load(gguf, index, epsilon))
            .collect::<Result<Vec<_>>>()?;
        let head = if gguf.has("output.weight") {
            "output.weight"
        } else {
            "token_embd.weight"
        };
        let head = Linear::new(gguf.quantised(head)?, None)?;
        Ok(Self {
            embedding: gguf.quantised("token_embd.weight")?,
            layers,
            norm: Norm::load(gguf, "output_norm.weight", epsilon)?,
            head,
            shape,
            rotary,
            length: 0,
            context,
        })
    }

    /// The longest sequence this instance can hold (tokens).
    pub(super) fn context(&self) -> usize {
        self.context
    }

    /// Forgets everything after the first `length` tokens.
    pub(super) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Reads `tokens` after what was read before; gives the logits `[vocabulary]` after the last.
    pub(super) fn forward(&mut self, tokens: &[u32]) -> Result<Tensor> {
        let count = tokens.len();
        if count == 0 || self.length + count > self.context {
            candle_core::bail!(
                "{count} tokens after {} do not fit the context of {}",
                self.length,
                self.context
            );
        }
        let ids = Tensor::new(tokens, &Device::Cpu)?;
        let mut x = self.embedding.embedding(&ids)?;
        let mask = (count > 1)
            .then(|| causal_mask(count, self.length))
            .transpose()?;
        let step = Step {
            start: self.length,
            count,
            mask: mask.as_ref(),
            cos: self.rotary.cos.narrow(0, self.length, count)?,
            sin: self.rotary.sin.narrow(0, self.length, count)?,
            interleaved: self.rotary.interleaved,
            shape: self.shape,
            context: self.context,
        };
        for layer in &mut self.layers {
            x = layer.forward(&x, &step)?;
        }
        self.length += count;
        let last = x.narrow(0, count - 1, 1)?;
        self.head.forward(&self.norm.forward(&last)?)?.i(0)
    }
}

/// What one forward pass hands every layer.
struct Step<'a> {
    start: usize,
    count: usize,
    mask: Option<&'a Tensor>,
    cos: Tensor,
    sin: Tensor,
    interleaved: bool,
    shape: Shape,
    context: usize,
}

impl Norm {
    fn load(gguf: &mut Gguf, name: &str, epsilon: f32) -> Result<Self> {
        let weight = gguf.dense(name)?;
        Ok(Self { weight, epsilon })
    }

    fn optional(gguf: &mut Gguf, name: &str, epsilon: f32) -> Result<Option<Self>> {
        let weight = gguf.optional(name)?;
        Ok(weight.map(|weight| Self { weight, epsilon }))
    }
}

impl Layer {
    fn load(gguf: &mut Gguf, index: usize, epsilon: f32) -> Result<Self> {
        let name = |part: &str| format!("blk.{index}.{part}");
        Ok(Self {
            attention_norm: Norm::load(gguf, &name("attn_norm.weight"), epsilon)?,
            query: gguf.linear(&name("attn_q"))?,
            key: gguf.linear(&name("attn_k"))?,
            value: gguf.linear(&name("attn_v"))?,
            output: gguf.linear(&name("attn_output"))?,
            query_norm: Norm::optional(gguf, &name("attn_q_norm.weight"), epsilon)?,
            key_norm: Norm::optional(gguf, &name("attn_k_norm.weight"), epsilon)?,
            feed_norm: Norm::load(gguf, &name("ffn_norm.weight"), epsilon)?,
            gate: gguf.linear(&name("ffn_gate"))?,
            up: gguf.linear(&name("ffn_up"))?,
            down: gguf.linear(&name("ffn_down"))?,
            cache: None,
        })
    }

    fn forward(&mut self, x: &Tensor, step: &Step) -> Result<Tensor> {
        let attended = self.attend(&self.attention_norm.forward(x)?, step)?;
        let x = (x + self.output.forward(&attended)?)?;
        let y = self.feed_norm.forward(&x)?;
        let gated = (silu(&self.gate.forward(&y)?)? * self.up.forward(&y)?)?;
        x + self.down.forward(&gated)?
    }

    /// `x`: `[count, width]`; gives `[count, heads · head_size]`.
    ///
    /// Query heads that share a key head are laid out as further rows of one matrix, so grouped
    /// attention needs no copies of keys or values.
    fn attend(&mut self, x: &Tensor, step: &Step) -> Result<Tensor> {
        let Shape {
            heads,
            kv_heads,
            head_size,
        } = step.shape;
        let group = heads / kv_heads;
        let query = self.query.forward(x)?;
        let query = step.heads(&query, heads, self.query_norm.as_ref(), true)?;
        let key = step.heads(
            &self.key.forward(x)?,
            kv_heads,
            self.key_norm.as_ref(),
            true,
        )?;
        let value = step.heads(&self.value.forward(x)?, kv_heads, None, false)?;
        let (keys, values) = self.remember(&key, &value, step)?;

        let query = query.reshape((kv_heads, group * step.count, head_size))?;
        #[expect(clippy::cast_precision_loss, reason = "head sizes are small")]
        let scale = 1.0 / (head_size as f64).sqrt();
        let mut scores = (query.matmul(&keys.transpose(1, 2)?)? * scale)?;
        if let Some(mask) = step.mask {
            let length = step.start + step.count;
            scores = scores
                .reshape((kv_heads, group, step.count, length))?
                .broadcast_add(mask)?
                .reshape((kv_heads, group * step.count, length))?;
        }
        softmax_last_dim(&scores)?
            .matmul(&values)?
            .reshape((heads, step.count, head_size))?
            .transpose(0, 1)?
            .contiguous()?
            .reshape((step.count, heads * head_size))
    }

    /// Appends keys and values; gives all of them so far, `[kv_heads, length, head_size]`.
    fn remember(&mut self, key: &Tensor, value: &Tensor, step: &Step) -> Result<(Tensor, Tensor)> {
        let length = step.start + step.count;
        let room = match &self.cache {
            Some((keys, _)) => keys.dim(1)?,
            None => 0,
        };
        if length > room {
            let grown = length.next_multiple_of(GROWTH).min(step.context);
            let old = self.cache.take();
            let (old_keys, old_values) = old.unzip();
            self.cache = Some((
                step.grow(old_keys.as_ref(), grown)?,
                step.grow(old_values.as_ref(), grown)?,
            ));
        }
        let Some((keys, values)) = &self.cache else {
            candle_core::bail!("the cache was just made");
        };
        keys.slice_set(key, 1, step.start)?;
        values.slice_set(value, 1, step.start)?;
        Ok((keys.narrow(1, 0, length)?, values.narrow(1, 0, length)?))
    }
}

impl Step<'_> {
    /// `[count, heads · head_size]` → `[heads, count, head_size]`, normed and rotated.
    fn heads(&self, x: &Tensor, heads: usize, norm: Option<&Norm>, rotate: bool) -> Result<Tensor> {
        let x = x.reshape((self.count, heads, self.shape.head_size))?;
        let x = match norm {
            Some(norm) => norm.forward(&x)?,
            None => x,
        };
        let x = x.transpose(0, 1)?.contiguous()?;
        if !rotate {
            return Ok(x);
        }
        let x = x.unsqueeze(0)?;
        let rotated = if self.interleaved {
            rope_i(&x, &self.cos, &self.sin)?
        } else {
            rope(&x, &self.cos, &self.sin)?
        };
        rotated.squeeze(0)
    }

    /// A larger buffer that begins with what is in `old`.
    fn grow(&self, old: Option<&Tensor>, length: usize) -> Result<Tensor> {
        let Shape {
            kv_heads,
            head_size,
            ..
        } = self.shape;
        let buffer = Tensor::zeros((kv_heads, length, head_size), DType::F32, &Device::Cpu)?;
        if let Some(old) = old {
            buffer.slice_set(old, 1, 0)?;
        }
        Ok(buffer)
    }
}

impl Rotary {
    fn new(gguf: &mut Gguf, architecture: &str, head_size: usize, context: usize) -> Result<Self> {
        let base = gguf.float("rope.freq_base").unwrap_or(10_000.0);
        // Llama 3.x stores its long-context scaling as one divisor a frequency.
        let factors = match gguf.optional("rope_freqs.weight")? {
            Some(factors) => factors.to_vec1::<f32>()?,
            None => vec![1.0; head_size / 2],
        };
        if factors.len() != head_size / 2 {
            candle_core::bail!("rope_freqs.weight does not fit a head of {head_size}");
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "head sizes and positions are small"
        )]
        let angles: Vec<f32> = (0..context)
            .flat_map(|position| {
                factors.iter().enumerate().map(move |(pair, factor)| {
                    let exponent = (2 * pair) as f64 / head_size as f64;
                    let frequency = 1.0 / f64::from(base).powf(exponent) / f64::from(*factor);
                    #[expect(clippy::cast_possible_truncation, reason = "angles are stored in f32")]
                    let angle = (position as f64 * frequency) as f32;
                    angle
                })
            })
            .collect();
        let angles = Tensor::from_vec(angles, (context, head_size / 2), &Device::Cpu)?;
        Ok(Self {
            cos: angles.cos()?,
            sin: angles.sin()?,
            // llama.cpp permutes Llama's weights when it converts them, to rotate neighbours.
            interleaved: architecture == "llama",
        })
    }
}

/// `[count, start + count]`: zero where a token may look, minus infinity where it may not.
fn causal_mask(count: usize, start: usize) -> Result<Tensor> {
    let mask: Vec<f32> = (0..count)
        .flat_map(|row| {
            (0..start + count).map(move |column| {
                if column <= start + row {
                    0.0
                } else {
                    f32::NEG_INFINITY
                }
            })
        })
        .collect();
    Tensor::from_vec(mask, (count, start + count), &Device::Cpu)
}

#[cfg(test)]
mod tests;
