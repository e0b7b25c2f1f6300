//! From a GGUF file to a decoder: which tensors a family has and how its graph differs.

use std::sync::Arc;

use super::super::packed::{Matrix, Rows, Weights, dense};
use super::cache::{Cache, Layout};
use super::rotary::{Pairing, Rotary};
use super::{
    Decoder, Embedding, Family, Layer, Linear, Options, PAGE, Scratch, Shape, kernels, pool,
};
use crate::ModelsError;
use crate::gguf::Gguf;

/// Architectures (`general.architecture`) whose graph the decoder computes.
const ARCHITECTURES: [&str; 8] = [
    "llama", "minicpm", "granite", "qwen2", "qwen3", "gemma2", "gemma3", "phi3",
];

/// Tokens; the largest vocabularies have a quarter.
const LARGEST_VOCABULARY: usize = 1 << 20;

/// What `Gemma 3` rotates by in its local layers, where the file does not say.
const LOCAL_BASE: f32 = 10_000.0;

/// The reading of one file.
struct Reader<'a> {
    gguf: &'a Gguf,
    weights: Weights,
    shape: Shape,
}

impl Decoder {
    /// Reads all weights.
    ///
    /// # Errors
    /// A file whose architecture, tensors or sizes are not those of a supported model, or that does
    /// not fit the memory that is free.
    pub(crate) fn load(gguf: Arc<Gguf>, options: &Options) -> Result<Self, ModelsError> {
        let architecture = gguf.architecture().to_owned();
        if !ARCHITECTURES.contains(&architecture.as_str()) {
            return Err(gguf.error(format!(
                "the architecture {architecture:?} is not supported; supported are {}",
                ARCHITECTURES.join(", ")
            )));
        }
        if architecture == "minicpm" && gguf.float("embedding_scale").is_none() {
            return Err(gguf.error("it was converted before scales were stored: convert it again"));
        }
        if gguf.flag(&format!("{architecture}.rope.scaling.finetuned")) == Some(false)
            && architecture == "granite"
        {
            return Err(gguf.error("models without rotary positions are not supported"));
        }
        let shape = shape(&gguf)?;
        let context = match gguf.number("context_length") {
            Some(trained) => options.context.min(trained),
            None => options.context,
        };
        let layers = gguf.required("block_count")?;
        if gguf
            .tensor(&format!("blk.{}.attn_norm.weight", layers - 1))
            .is_none()
        {
            return Err(gguf.error(format!("it claims {layers} layers and has fewer")));
        }
        let layout = Layout {
            layers,
            kv_heads: shape.kv_heads,
            head_size: shape.head_size,
        };
        let (weights, layers, head, norm) =
            read(&gguf, shape, &architecture, layers).map_err(|problem| gguf.error(problem))?;
        let cache = pages(context, 0).saturating_mul(layout.page_bytes());
        let needed = weights.bytes().saturating_add(cache);
        let needed = needed.saturating_add(shape.scratch(context)) as u64;
        if let Some(free) = options.free_memory
            && needed > free
        {
            return Err(ModelsError::Memory { needed, free });
        }
        let family = family(&gguf, &architecture, shape);
        let rotaries = rotaries(&gguf, &architecture, shape, context)?;
        let spare = options.prefix_bytes / layout.page_bytes();
        let embedding = gguf
            .tensor("token_embd.weight")
            .cloned()
            .ok_or_else(|| gguf.error("the tensor token_embd.weight is missing"))?;
        if embedding.columns() != shape.width {
            return Err(gguf.error("the tensor token_embd.weight has an unexpected size"));
        }
        let mut decoder = Self {
            shape,
            family,
            layers,
            norm,
            head,
            weights,
            embedding: Embedding {
                gguf,
                tensor: embedding,
            },
            rotaries,
            layout,
            cache: Cache::new(layout, pages(context, spare)),
            pool: pool::Pool::new(options.threads, options.nice),
            kernels: kernels::detect(),
            scratch: Scratch::default(),
            context,
            glanced: 0,
        };
        decoder.weights.pack_ahead(options.nice);
        Ok(decoder)
    }
}

/// Weights, layers, the head and its norm.
type Parts = (Weights, Vec<Layer>, Arc<Matrix>, Vec<f32>);

fn read(
    gguf: &Arc<Gguf>,
    shape: Shape,
    architecture: &str,
    layers: usize,
) -> Result<Parts, String> {
    let mut reader = Reader {
        gguf,
        weights: Weights::new(Arc::clone(gguf.file()))?,
        shape,
    };
    let windows = windows(gguf, architecture, layers);
    let layers = windows
        .into_iter()
        .enumerate()
        .map(|(index, window)| reader.layer(index, architecture, window))
        .collect::<Result<_, _>>()?;
    let name = match gguf.tensor("output.weight") {
        Some(_) => "output.weight",
        None => "token_embd.weight",
    };
    let head = reader
        .weights
        .matrix(name, shape.width, shape.vocabulary, None)?;
    let norm = reader.vector("output_norm.weight", shape.width)?;
    Ok((reader.weights, layers, head, norm))
}

/// Pages for a whole context, one to copy into, and so many more.
fn pages(context: usize, spare: usize) -> usize {
    context.div_ceil(PAGE) + 2 + spare
}

fn shape(gguf: &Gguf) -> Result<Shape, ModelsError> {
    let width = gguf.required("embedding_length")?;
    let heads = gguf.required("attention.head_count")?;
    let kv_heads = gguf.number("attention.head_count_kv").unwrap_or(heads);
    let head_size = gguf.number("attention.key_length").unwrap_or(width / heads);
    let rotated = gguf.number("rope.dimension_count").unwrap_or(head_size);
    let fits = kv_heads > 0
        && heads.is_multiple_of(kv_heads)
        && head_size > 0
        && head_size.is_multiple_of(16)
        && width.is_multiple_of(16)
        && rotated.is_multiple_of(2)
        && rotated <= head_size;
    if !fits {
        return Err(gguf.error(format!(
            "{heads} heads of {head_size}, {kv_heads} of keys, width {width}: these do not fit together"
        )));
    }
    let vocabulary = match gguf.tensor("token_embd.weight") {
        Some(tensor) => tensor.rows(),
        None => return Err(gguf.error("the tensor token_embd.weight is missing")),
    };
    if vocabulary > LARGEST_VOCABULARY {
        return Err(gguf.error(format!(
            "it has {vocabulary} tokens, and {LARGEST_VOCABULARY} at most are supported"
        )));
    }
    Ok(Shape {
        width,
        heads,
        kv_heads,
        head_size,
        rotated,
        feed: gguf.required("feed_forward_length")?,
        vocabulary,
        epsilon: gguf
            .float("attention.layer_norm_rms_epsilon")
            .unwrap_or(1e-5),
    })
}

fn family(gguf: &Gguf, architecture: &str, shape: Shape) -> Family {
    let gemma = architecture.starts_with("gemma");
    // Zero stands for an absent scale.
    let scale = |key: &str, families: &[&str]| {
        let stored = families.contains(&architecture).then(|| gguf.float(key));
        stored.flatten().filter(|scale| *scale != 0.0)
    };
    let scaled = ["minicpm", "granite"];
    let embedding = if gemma {
        (shape.width as f32).sqrt()
    } else {
        scale("embedding_scale", &scaled).unwrap_or(1.0)
    };
    Family {
        gelu: gemma,
        embedding_scale: embedding,
        residual_scale: scale("residual_scale", &scaled).unwrap_or(1.0),
        attention_scale: scale("attention.scale", &["granite"])
            .unwrap_or(1.0 / (shape.head_size as f32).sqrt()),
        logit_scale: 1.0 / scale("logit_scale", &scaled).unwrap_or(1.0),
        score_cap: gguf.float("attn_logit_softcapping").unwrap_or(0.0),
        logit_cap: gguf.float("final_logit_softcapping").unwrap_or(0.0),
    }
}

/// The angles of global layers, and those of local ones where they differ.
fn rotaries(
    gguf: &Gguf,
    architecture: &str,
    shape: Shape,
    context: usize,
) -> Result<Vec<Rotary>, ModelsError> {
    let pairing = match architecture {
        "llama" | "minicpm" | "granite" => Pairing::Neighbours,
        _ => Pairing::Halves,
    };
    let base = gguf.float("rope.freq_base").unwrap_or(10_000.0);
    let scaling = gguf.string(&format!("{architecture}.rope.scaling.type"));
    let mut divisors = match (scaling, gguf.float("rope.scaling.factor")) {
        (Some("linear"), Some(factor)) if factor > 0.0 => Some(vec![factor; shape.rotated / 2]),
        _ => None,
    };
    // Llama 3.x and long Phi 3 store their scaling as one divisor a frequency.
    let original = gguf.number("rope.scaling.original_context_length");
    let factors = if original.is_some_and(|original| context > original) {
        "rope_factors_long.weight"
    } else {
        "rope_factors_short.weight"
    };
    for name in ["rope_freqs.weight", factors] {
        if let Some(tensor) = gguf.tensor(name) {
            if tensor.dimensions.iter().product::<usize>() != shape.rotated / 2 {
                return Err(gguf.error(format!("the tensor {name} does not fit the heads")));
            }
            divisors = Some(dense(gguf.file(), tensor).map_err(|problem| gguf.error(problem))?);
        }
    }
    let magnitude = gguf.float("rope.scaling.attn_factor").unwrap_or(1.0);
    let global = Rotary::new(shape.rotated, base, divisors.as_deref(), magnitude, pairing);
    let local_base = gguf.float("rope.freq_base_swa").unwrap_or(LOCAL_BASE);
    let local = (architecture == "gemma3")
        .then(|| Rotary::new(shape.rotated, local_base, None, 1.0, pairing));
    Ok(std::iter::once(global).chain(local).collect())
}

/// Each layer's window and which angles it takes.
fn windows(gguf: &Gguf, architecture: &str, layers: usize) -> Vec<(usize, usize)> {
    let window = gguf
        .number("attention.sliding_window")
        .filter(|window| *window > 0)
        .unwrap_or(usize::MAX);
    (0..layers)
        .map(|layer| match architecture {
            "gemma2" if layer % 2 == 0 => (window, 0),
            "gemma3" if layer % 6 != 5 => (window, 1),
            _ => (usize::MAX, 0),
        })
        .collect()
}

impl Reader<'_> {
    fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>, String> {
        match self.optional(name, length)? {
            Some(vector) => Ok(vector),
            None => Err(format!("the tensor {name} is missing")),
        }
    }

    fn optional(&self, name: &str, length: usize) -> Result<Option<Vec<f32>>, String> {
        let Some(tensor) = self.gguf.tensor(name) else {
            return Ok(None);
        };
        if tensor.dimensions.iter().product::<usize>() != length {
            return Err(format!("the tensor {name} does not have {length} numbers"));
        }
        dense(self.gguf.file(), tensor).map(Some)
    }

    fn linear(
        &mut self,
        name: &str,
        columns: usize,
        rows: usize,
        part: Rows,
    ) -> Result<Linear, String> {
        let weights = self
            .weights
            .matrix(&format!("{name}.weight"), columns, rows, part)?;
        let bias = self.optional(&format!("{name}.bias"), rows)?;
        let bias = bias.map(|bias| match part {
            Some((first, count)) => bias[first..first + count].to_vec(),
            None => bias,
        });
        Ok(Linear { weights, bias })
    }

    /// A layer with its window and which angles it takes.
    fn layer(
        &mut self,
        index: usize,
        architecture: &str,
        (window, rotary): (usize, usize),
    ) -> Result<Layer, String> {
        let shape = self.shape;
        let (width, feed) = (shape.width, shape.feed);
        let (queries, keys) = (shape.queries(), shape.keys());
        let name = |part: &str| format!("blk.{index}.{part}");
        let norm = |part: &str| format!("blk.{index}.{part}.weight");
        let fused = self.gguf.tensor(&norm("attn_qkv")).is_some();
        let mut project = |own: &str, first: usize, rows: usize| {
            if fused {
                let part = Some((first, rows));
                self.linear(&name("attn_qkv"), width, queries + 2 * keys, part)
            } else {
                self.linear(&name(own), width, rows, None)
            }
        };
        let query = project("attn_q", 0, queries)?;
        let key = project("attn_k", queries, keys)?;
        let value = project("attn_v", queries + keys, keys)?;
        let output = self.linear(&name("attn_output"), queries, width, None)?;
        let (gate, up) = if architecture == "phi3" {
            let up = norm("ffn_up");
            (
                self.weights.matrix(&up, width, 2 * feed, Some((0, feed)))?,
                self.weights
                    .matrix(&up, width, 2 * feed, Some((feed, feed)))?,
            )
        } else {
            (
                self.weights.matrix(&norm("ffn_gate"), width, feed, None)?,
                self.weights.matrix(&norm("ffn_up"), width, feed, None)?,
            )
        };
        for part in ["ffn_gate.bias", "ffn_up.bias"] {
            if self.gguf.tensor(&name(part)).is_some() {
                return Err(format!("the tensor {} is not supported", name(part)));
            }
        }
        let down = self.linear(&name("ffn_down"), feed, width, None)?;
        Ok(Layer {
            attention_norm: self.vector(&norm("attn_norm"), width)?,
            query_norm: self.optional(&norm("attn_q_norm"), shape.head_size)?,
            key_norm: self.optional(&norm("attn_k_norm"), shape.head_size)?,
            attended_norm: self.optional(&norm("post_attention_norm"), width)?,
            feed_norm: self.vector(&norm("ffn_norm"), width)?,
            fed_norm: self.optional(&norm("post_ffw_norm"), width)?,
            query,
            key,
            value,
            output,
            gate,
            up,
            down,
            window,
            rotary,
        })
    }
}
