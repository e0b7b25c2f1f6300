//! Catalog embedders through fastembed and ONNX Runtime.
//!
//! Each text runs in a batch of its own: padding wastes no arithmetic, and the output of a
//! dynamically quantised model depends on what else is in the batch, which would make vectors
//! irreproducible. Larger batches are not faster on a CPU.

use std::path::Path;

use fastembed::{
    InitOptionsUserDefined, Pooling as FastPooling, QuantizationMode, TextEmbedding,
    TokenizerFiles, UserDefinedEmbeddingModel,
};

use super::{Embedder, TextKind, normalise};
use crate::ModelsError;
use crate::catalog::{EmbeddingSpec, Pooling};
use crate::store::ModelPaths;

/// What the environment must have for ONNX Runtime not to report what it is used for.
const NO_REPORTS: &str = "ORT_DISABLE_TELEMETRY";

/// ONNX Runtime, loaded once in a process.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) environment: ort::environment::Environment,
}

impl Runtime {
    /// Loads the shared library. It reports what it is used for unless the environment forbids it, which only the
    /// program can see to, before it has threads.
    ///
    /// # Errors
    /// A library that is missing, of another version, or loaded already from elsewhere; an environment that lets it
    /// report.
    pub fn load(library: &Path) -> Result<Self, ModelsError> {
        let failed = |error: String| {
            ModelsError::Load(format!("ONNX Runtime at {}: {error}", library.display()))
        };
        if std::env::var_os(NO_REPORTS).is_none() {
            return Err(failed(format!("{NO_REPORTS} is not set")));
        }
        let environment = ort::init_from(library)
            .map_err(|error| failed(error.to_string()))?
            .with_name("vade")
            .with_telemetry(false)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self { environment })
    }
}

/// Gives what is free back to the system: after loading some 13 MB a session, after a session all of it.
fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "glibc is asked")]
    // SAFETY: the call takes no pointers, and only pages that are free are given back.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// One ONNX session and its tokenizer.
pub struct OnnxEmbedder {
    model: TextEmbedding,
    query_prefix: String,
    passage_prefix: String,
    /// Dropped last.
    _given_back: GivenBack,
}

/// When it is dropped, what is free goes back to the system.
struct GivenBack;

impl Drop for GivenBack {
    fn drop(&mut self) {
        give_back();
    }
}

impl OnnxEmbedder {
    /// Loads a catalog model; its operators use `threads` threads, the calling one among them.
    ///
    /// # Errors
    /// Files that cannot be read or that ONNX Runtime refuses.
    pub fn load(
        runtime: &Runtime,
        spec: &EmbeddingSpec,
        paths: &ModelPaths,
        threads: usize,
    ) -> Result<Self, ModelsError> {
        let read = |name: &str| {
            let path = paths.ending(name)?;
            std::fs::read(path)
                .map_err(|error| ModelsError::Load(format!("{}: {error}", path.display())))
        };
        let tokenizer = TokenizerFiles {
            tokenizer_file: read("tokenizer.json")?,
            config_file: read("config.json")?,
            special_tokens_map_file: read("special_tokens_map.json")?,
            tokenizer_config_file: read("tokenizer_config.json")?,
        };
        let pooling = match spec.pooling {
            Pooling::Cls => FastPooling::Cls,
            Pooling::Mean => FastPooling::Mean,
        };
        let mut model = UserDefinedEmbeddingModel::new(read(".onnx")?, tokenizer)
            .with_pooling(pooling)
            .with_quantization(QuantizationMode::None);
        if let Ok(data) = read(".onnx_data") {
            model = model.with_external_initializer("model.onnx_data".to_owned(), data);
        }
        let options = InitOptionsUserDefined::new()
            .with_environment(runtime.environment.clone())
            .with_max_length(spec.max_tokens)
            .with_intra_threads(threads);
        let model = TextEmbedding::try_new_from_user_defined(model, options)
            .map_err(|error| ModelsError::Load(error.to_string()))?;
        give_back();
        Ok(Self {
            model,
            query_prefix: spec.query_prefix.clone(),
            passage_prefix: spec.passage_prefix.clone(),
            _given_back: GivenBack,
        })
    }
}

impl Embedder for OnnxEmbedder {
    fn embed(&mut self, texts: &[String], kind: TextKind) -> Result<Vec<Vec<f32>>, ModelsError> {
        let prefix = match kind {
            TextKind::Query => &self.query_prefix,
            TextKind::Passage => &self.passage_prefix,
        };
        let prefixed: Vec<String> = texts.iter().map(|text| format!("{prefix}{text}")).collect();
        let mut vectors = self
            .model
            .embed(&prefixed, Some(1))
            .map_err(|error| ModelsError::Inference(error.to_string()))?;
        for vector in &mut vectors {
            normalise(vector);
        }
        Ok(vectors)
    }
}
