//! GGUF tensors made ready for candle's fast matrix products.
//!
//! candle multiplies quantised matrices fast only when the inner dimension is a multiple of 256 and
//! the type is `Q4_K`, `Q6_K` or `Q8_0` (`candle-core/src/quantized/repack_x86.rs`); anything else falls
//! to a loop that is up to ten times slower. `Linear` therefore zero-pads and requantises to `Q8_0`
//! whatever does not qualify, once, at load. Zero columns change no product.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use candle_core::quantized::{GgmlDType, QMatMul, QTensor, gguf_file};
use candle_core::{D, Device, Module, Result, Tensor};

/// The inner dimension must be a multiple of this for the repacked kernels.
const BLOCK: usize = 256;

/// An opened GGUF file: its metadata, and tensors read on demand.
pub(super) struct Gguf {
    pub(super) content: gguf_file::Content,
    reader: BufReader<File>,
    device: Device,
}

impl Gguf {
    /// Opens `path` and reads its header.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut reader = BufReader::with_capacity(1 << 20, File::open(path)?);
        let content = gguf_file::Content::read(&mut reader)?;
        Ok(Self {
            content,
            reader,
            device: Device::Cpu,
        })
    }

    /// `general.architecture`, or an empty string.
    pub(super) fn architecture(&self) -> String {
        self.string("general.architecture").unwrap_or_default()
    }

    /// A metadata string.
    pub(super) fn string(&self, key: &str) -> Option<String> {
        self.content.metadata.get(key)?.to_string().ok().cloned()
    }

    /// A metadata number under the architecture's prefix.
    pub(super) fn number(&self, key: &str) -> Option<usize> {
        let key = format!("{}.{key}", self.architecture());
        let value = self.content.metadata.get(&key)?.to_u64().ok()?;
        usize::try_from(value).ok()
    }

    /// A metadata float under the architecture's prefix.
    pub(super) fn float(&self, key: &str) -> Option<f32> {
        let key = format!("{}.{key}", self.architecture());
        self.content.metadata.get(&key)?.to_f32().ok()
    }

    /// A metadata number that the model cannot do without.
    pub(super) fn required(&self, key: &str) -> Result<usize> {
        match self.number(key) {
            Some(value) if value > 0 => Ok(value),
            _ => candle_core::bail!("the GGUF file lacks {}.{key}", self.architecture()),
        }
    }

    /// Whether the file has a tensor of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    /// A tensor as it is stored.
    pub(super) fn quantised(&mut self, name: &str) -> Result<QTensor> {
        self.content.tensor(&mut self.reader, name, &self.device)
    }

    /// A small tensor (norm, bias) in f32.
    pub(super) fn dense(&mut self, name: &str) -> Result<Tensor> {
        self.quantised(name)?.dequantize(&self.device)
    }

    /// A small tensor that not every model has.
    pub(super) fn optional(&mut self, name: &str) -> Result<Option<Tensor>> {
        self.has(name).then(|| self.dense(name)).transpose()
    }

    /// A weight matrix `[outputs, inputs]` and its bias where the file has one.
    pub(super) fn linear(&mut self, name: &str) -> Result<Linear> {
        let weight = self.quantised(&format!("{name}.weight"))?;
        let bias = self.optional(&format!("{name}.bias"))?;
        Linear::new(weight, bias)
    }
}

/// `x · Wᵀ + b` over a quantised `W`.
pub(super) struct Linear {
    weight: QMatMul,
    bias: Option<Tensor>,
    padding: usize,
}

impl Linear {
    /// Takes `[outputs, inputs]`, padded and requantised where candle would be slow.
    pub(super) fn new(weight: QTensor, bias: Option<Tensor>) -> Result<Self> {
        let (outputs, inputs) = weight.shape().dims2()?;
        let padding = inputs.next_multiple_of(BLOCK) - inputs;
        let fast = matches!(
            weight.dtype(),
            GgmlDType::Q4K | GgmlDType::Q6K | GgmlDType::Q8_0
        );
        let weight = if (fast && padding == 0) || !outputs.is_multiple_of(16) {
            weight
        } else {
            let dense = weight.dequantize(&Device::Cpu)?;
            let dense = dense.pad_with_zeros(D::Minus1, 0, padding)?;
            QTensor::quantize(&dense, GgmlDType::Q8_0)?
        };
        let padding = weight.shape().dims2()?.1 - inputs;
        Ok(Self {
            weight: QMatMul::from_qtensor(weight)?,
            bias,
            padding,
        })
    }

    /// `x`: `[…, inputs]` in f32; gives `[…, outputs]`.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = if self.padding == 0 {
            self.weight.forward(x)?
        } else {
            self.weight
                .forward(&x.pad_with_zeros(D::Minus1, 0, self.padding)?)?
        };
        match &self.bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        }
    }
}
