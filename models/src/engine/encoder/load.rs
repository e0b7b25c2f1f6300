//! From a file of tensors to an encoder: names as GGUF files of BERT have them.

use std::sync::Arc;

use super::super::packed::{self, Weights};
use super::{EncoderWeights, Layer, Linear, Norm, Shape};
use crate::ModelsError;
use crate::tensors::TensorFile;

/// Sizes that no encoder comes near. Products of these do not overflow.
const MOST_LAYERS: usize = 256;
const WIDEST: usize = 1 << 14;
const LONGEST: usize = 1 << 16;

struct Reader<'a> {
    file: &'a TensorFile,
    weights: Weights,
    width: usize,
}

impl EncoderWeights {
    /// Finds all weights; matrices are read when they are first wanted.
    ///
    /// # Errors
    /// Sizes that do not fit together, tensors that are absent or of other sizes.
    pub(crate) fn load(file: &Arc<TensorFile>, shape: Shape) -> Result<Self, ModelsError> {
        Self::read(file, shape).map_err(|problem| file.error(problem))
    }

    fn read(file: &Arc<TensorFile>, shape: Shape) -> Result<Self, String> {
        check(shape)?;
        let words = file.tensor("token_embd.weight");
        let words = words.ok_or("the tensor token_embd.weight is missing")?;
        if words.columns() != shape.width {
            return Err("the tensor token_embd.weight has an unexpected size".to_owned());
        }
        let mut reader = Reader {
            file,
            weights: Weights::new(Arc::clone(file))?,
            width: shape.width,
        };
        let mut positions = reader.vector("position_embd.weight", shape.positions * shape.width)?;
        if file.tensor("token_types.weight").is_some() {
            let types = reader.start_of("token_types.weight", shape.width)?;
            for position in positions.chunks_exact_mut(shape.width) {
                for (position, kind) in position.iter_mut().zip(&types) {
                    *position += kind;
                }
            }
        }
        Ok(Self {
            file: Arc::clone(file),
            shape,
            words: words.clone(),
            positions,
            norm: reader.norm("token_embd_norm")?,
            layers: (0..shape.layers)
                .map(|index| reader.layer(index, shape.feed))
                .collect::<Result<_, _>>()?,
            weights: reader.weights,
        })
    }

    /// Length of its vectors.
    pub(crate) fn width(&self) -> usize {
        self.shape.width
    }

    /// The longest text it reads (tokens).
    pub(crate) fn positions(&self) -> usize {
        self.shape.positions
    }

    /// Tokens that there are vectors for.
    pub(crate) fn vocabulary(&self) -> usize {
        self.words.rows()
    }
}

fn check(shape: Shape) -> Result<(), String> {
    let Shape {
        layers,
        width,
        heads,
        feed,
        positions,
        epsilon,
    } = shape;
    let sizes = [
        ("layers", layers, MOST_LAYERS),
        ("width", width, WIDEST),
        ("heads", heads, WIDEST),
        ("feed-forward width", feed, 4 * WIDEST),
        ("longest text", positions, LONGEST),
    ];
    for (what, size, most) in sizes {
        if size == 0 || size > most {
            return Err(format!(
                "its {what} is {size}, and 1 to {most} is supported"
            ));
        }
    }
    let fits = width.is_multiple_of(heads)
        && (width / heads).is_multiple_of(16)
        && width.is_multiple_of(32)
        && feed.is_multiple_of(32);
    if !fits {
        return Err(format!(
            "{heads} heads, width {width}, feed-forward {feed}: these do not fit together"
        ));
    }
    if !(epsilon > 0.0 && epsilon < 1.0) {
        return Err(format!("the epsilon of its norms is {epsilon}"));
    }
    Ok(())
}

impl Reader<'_> {
    fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>, String> {
        let tensor = self.file.tensor(name);
        let tensor = tensor.ok_or_else(|| format!("the tensor {name} is missing"))?;
        if tensor.dimensions.iter().product::<usize>() != length {
            return Err(format!("the tensor {name} does not have {length} numbers"));
        }
        packed::dense(self.file, tensor)
    }

    /// The first row of a tensor.
    fn start_of(&self, name: &str, length: usize) -> Result<Vec<f32>, String> {
        let tensor = self.file.tensor(name);
        let tensor = tensor.filter(|tensor| tensor.columns() == length);
        let tensor = tensor.ok_or_else(|| format!("rows of the tensor {name} are no {length}"))?;
        let mut row = vec![0.0; length];
        packed::row(self.file, tensor, 0, &mut Vec::new(), &mut row)?;
        Ok(row)
    }

    fn norm(&self, name: &str) -> Result<Norm, String> {
        Ok(Norm {
            weight: self.vector(&format!("{name}.weight"), self.width)?,
            bias: self.vector(&format!("{name}.bias"), self.width)?,
        })
    }

    fn linear(&mut self, name: &str, columns: usize, rows: usize) -> Result<Linear, String> {
        let weights = format!("{name}.weight");
        Ok(Linear {
            weights: self.weights.matrix(&weights, columns, rows, None)?,
            bias: self.vector(&format!("{name}.bias"), rows)?,
        })
    }

    fn layer(&mut self, index: usize, feed: usize) -> Result<Layer, String> {
        let width = self.width;
        let name = |part: &str| format!("blk.{index}.{part}");
        Ok(Layer {
            query: self.linear(&name("attn_q"), width, width)?,
            key: self.linear(&name("attn_k"), width, width)?,
            value: self.linear(&name("attn_v"), width, width)?,
            output: self.linear(&name("attn_output"), width, width)?,
            attention_norm: self.norm(&name("attn_output_norm"))?,
            up: self.linear(&name("ffn_up"), width, feed)?,
            down: self.linear(&name("ffn_down"), feed, width)?,
            feed_norm: self.norm(&name("layer_output_norm"))?,
        })
    }
}
