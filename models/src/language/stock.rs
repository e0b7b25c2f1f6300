//! Models that candle-transformers runs: families our own decoder does not compute, and all it can
//! where the program is built for a GPU and there is one.
//!
//! Its caches cannot be cut back, so a sequence is reused only where a prompt continues it, and nothing
//! is guessed ahead.

use std::fs::File;
use std::io::BufReader;

use candle_core::quantized::gguf_file::Content;
use candle_core::{Device, IndexOp, Tensor};
use candle_transformers::models::{
    quantized_gemma3, quantized_llama, quantized_phi, quantized_phi3, quantized_qwen2,
};

use crate::ModelsError;
use crate::engine::Network;
use crate::gguf::Gguf;

/// Architectures that are run on a GPU.
const ON_A_GPU: [&str; 5] = ["llama", "qwen2", "gemma3", "phi2", "phi3"];
/// Architectures that are run on the CPU for want of our own.
const ON_THE_CPU: [&str; 1] = ["phi2"];
/// Positions that these modules have angles for.
const LONGEST: usize = 4096;

enum Model {
    Llama(quantized_llama::ModelWeights),
    Qwen2(quantized_qwen2::ModelWeights),
    Gemma3(quantized_gemma3::ModelWeights),
    Phi2(quantized_phi::ModelWeights),
    Phi3(quantized_phi3::ModelWeights),
}

/// A model of candle-transformers and what it has read.
pub(super) struct Stock {
    model: Model,
    device: Device,
    context: usize,
    read: Vec<u32>,
    logits: Vec<f32>,
}

/// The device that a model is run on here, if it is run here.
pub(super) fn device(architecture: &str) -> Option<Device> {
    if ON_A_GPU.contains(&architecture)
        && let Some(device) = gpu()
    {
        return Some(device);
    }
    ON_THE_CPU.contains(&architecture).then_some(Device::Cpu)
}

/// The GPU that the program was built for, if it is there.
fn gpu() -> Option<Device> {
    let found = if cfg!(feature = "cuda") {
        Device::new_cuda(0)
    } else if cfg!(feature = "metal") {
        Device::new_metal(0)
    } else {
        return None;
    };
    match found {
        Ok(device) => Some(device),
        Err(error) => {
            tracing::warn!("no GPU can be used, so the CPU is: {error}");
            None
        }
    }
}

impl Stock {
    /// Loads a file whose header was checked; `context` is the longest sequence wanted.
    ///
    /// # Errors
    /// What candle makes of the file.
    pub(super) fn load(gguf: &Gguf, device: Device, context: usize) -> Result<Self, ModelsError> {
        let trained = gguf.number("context_length").unwrap_or(LONGEST);
        let model = Model::load(gguf, &device).map_err(|error| gguf.error(error))?;
        Ok(Self {
            model,
            device,
            context: context.min(trained).min(LONGEST),
            read: Vec::new(),
            logits: Vec::new(),
        })
    }
}

impl Model {
    fn load(gguf: &Gguf, device: &Device) -> candle_core::Result<Self> {
        let mut reader = BufReader::new(File::open(&gguf.file().path)?);
        let content = Content::read(&mut reader)?;
        let reader = &mut reader;
        Ok(match gguf.architecture() {
            "llama" => Self::Llama(quantized_llama::ModelWeights::from_gguf(
                content, reader, device,
            )?),
            "qwen2" => Self::Qwen2(quantized_qwen2::ModelWeights::from_gguf(
                content, reader, device,
            )?),
            "gemma3" => Self::Gemma3(quantized_gemma3::ModelWeights::from_gguf(
                content, reader, device,
            )?),
            "phi2" => Self::Phi2(quantized_phi::ModelWeights::from_gguf(
                content, reader, device,
            )?),
            "phi3" => Self::Phi3(quantized_phi3::ModelWeights::from_gguf(
                false, content, reader, device,
            )?),
            other => candle_core::bail!("the architecture {other:?} is not supported"),
        })
    }

    /// Logits after the last of `[1, tokens]`. A start at zero forgets what was read.
    fn forward(&mut self, tokens: &Tensor, start: usize) -> candle_core::Result<Tensor> {
        match self {
            Self::Llama(model) => model.forward(tokens, start),
            Self::Qwen2(model) => model.forward(tokens, start),
            Self::Gemma3(model) => model.forward(tokens, start),
            Self::Phi2(model) => model.forward(tokens, start),
            Self::Phi3(model) => model.forward(tokens, start),
        }
    }
}

impl Network for Stock {
    fn context(&self) -> usize {
        self.context
    }

    fn level(&self) -> &'static str {
        match self.device {
            Device::Cpu => "candle on the CPU",
            Device::Cuda(_) => "candle on CUDA",
            Device::Metal(_) => "candle on Metal",
        }
    }

    fn can_draft(&self) -> bool {
        false
    }

    fn start(&mut self, tokens: &[u32]) -> usize {
        if !tokens.starts_with(&self.read) {
            self.read.clear();
        }
        self.read.len()
    }

    fn length(&self) -> usize {
        self.read.len()
    }

    fn truncate(&mut self, length: usize) {
        if length < self.read.len() {
            self.read.clear();
        }
    }

    fn forward(&mut self, tokens: &[u32], _: usize) -> Result<&mut [f32], ModelsError> {
        let failed = |error: candle_core::Error| ModelsError::Inference(error.to_string());
        let start = self.read.len();
        if tokens.is_empty() || start + tokens.len() > self.context {
            return Err(ModelsError::Inference(format!(
                "{} tokens after {start} do not fit the context of {}",
                tokens.len(),
                self.context
            )));
        }
        let compute = |model: &mut Model| {
            let input = Tensor::new(tokens, &self.device)?.unsqueeze(0)?;
            let logits = model.forward(&input, start)?;
            let logits = if logits.rank() == 3 {
                logits.i((0, logits.dim(1)? - 1))?
            } else {
                logits.i(0)?
            };
            logits.to_vec1::<f32>()
        };
        self.logits = compute(&mut self.model).map_err(failed)?;
        self.read.extend_from_slice(tokens);
        Ok(&mut self.logits)
    }

    fn glance(&mut self, tokens: &[u32], _: usize) -> Result<&[f32], ModelsError> {
        self.forward(tokens, 0)?;
        Ok(&[])
    }
}
