//! What can go wrong with models, as one enum for the crate.
//!
//! Variants are named by what the caller can do about them; every message that has a way out says
//! it. Callers show the message as it stands.

use std::path::{Path, PathBuf};

/// The crate's result.
pub type Result<T, E = ModelsError> = std::result::Result<T, E>;

/// Everything that can go wrong between a model's name and its loaded weights.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelsError {
    /// A catalog file does not say what a catalog may say.
    #[error("catalog {file}: {reason}")]
    InvalidCatalog {
        /// The file, or `(built in)`.
        file: String,
        /// The line and key at fault, and why.
        reason: String,
    },

    /// No entry of the catalog has this id.
    #[error("no model is called `{id}`; did you mean {suggestions}? `vade models list` shows all")]
    UnknownModel {
        /// What was asked for.
        id: String,
        /// The nearest ids, ready to be read out.
        suggestions: String,
    },

    /// The catalog has no ONNX Runtime for this machine.
    #[error(
        "the catalog has no ONNX Runtime for {os} on {arch}; set `runtime.library` to your own"
    )]
    NoRuntime {
        /// Operating system, as Rust names it.
        os: &'static str,
        /// Processor architecture, as Rust names it.
        arch: &'static str,
    },

    /// A model's file is not on this machine.
    #[error("{file} of {id} is missing; `vade models pull {id}` fetches it")]
    Missing {
        /// The model.
        id: String,
        /// The file.
        file: String,
    },

    /// A model's file is on this machine, but its content is not what the catalog says.
    #[error("{file} of {id} is damaged or altered; `vade models pull {id}` fetches it again")]
    Corrupt {
        /// The model.
        id: String,
        /// The file.
        file: String,
    },

    /// The catalog knows no hash for a file, so nothing can be downloaded or loaded as that file.
    #[error(
        "{id} has no verified hash for {file} yet, so it cannot be fetched; \
         add an entry with its sha256 to your own catalog file"
    )]
    NotVerifiable {
        /// The model.
        id: String,
        /// The file.
        file: String,
    },

    /// The disk is too full for the download.
    #[error("{id} needs {needed_mib} MiB in {}, where {free_mib} MiB are free", dir.display())]
    NoSpace {
        /// The model.
        id: String,
        /// What is needed, in MiB, margin included.
        needed_mib: u64,
        /// What is free, in MiB.
        free_mib: u64,
        /// The model directory.
        dir: PathBuf,
    },

    /// A model's weights do not fit the memory that is free.
    #[error(
        "it needs {} MiB of memory and {} MiB are free: close something, or name a smaller one in \
         model.language",
        needed >> 20,
        free >> 20
    )]
    Memory {
        /// What is needed (bytes).
        needed: u64,
        /// What is free (bytes).
        free: u64,
    },

    /// Every source of a model was tried.
    #[error("{id} could not be fetched from any source:\n{reasons}")]
    NotFetched {
        /// The model.
        id: String,
        /// One line a source: what it is, and why it failed.
        reasons: String,
    },

    /// The caller asked for the download to stop. What has arrived is kept.
    #[error("the download of {id} was cancelled; `vade models pull {id}` continues it")]
    Cancelled {
        /// The model.
        id: String,
    },

    /// Another process is fetching the same model.
    #[error("{id} is being fetched by another process; try again when it has finished")]
    Busy {
        /// The model.
        id: String,
    },

    /// The file system refused something.
    #[error("could not {action} {}", path.display())]
    File {
        /// What was attempted, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },

    /// A model that is on this machine cannot be loaded.
    #[error("cannot load the model: {0}")]
    Load(String),

    /// The engine failed while it computed.
    #[error("the model failed: {0}")]
    Inference(String),

    /// An image cannot be decoded: damaged, too large, or of another format.
    #[error("cannot read the image: {0}")]
    Image(String),

    /// The prompt and the longest answer do not fit together.
    #[error(
        "the question and what it needs are too long for the model: {prompt} tokens and {answer} for the answer do not \
         fit into its {context}; ask something shorter, or raise `model.context`"
    )]
    ContextOverflow {
        /// Tokens of the prompt.
        prompt: usize,
        /// Tokens the answer may take.
        answer: usize,
        /// Tokens that fit.
        context: usize,
    },

    /// A thread panicked while it computed; what it had loaded is given up.
    #[error("the model failed unexpectedly and is loaded again when it is next needed: try again")]
    Panicked,

    /// Too many questions wait for the language model.
    #[error("too many questions are waiting: try again in a moment")]
    QueueFull,

    /// The thread that owns the model has ended.
    #[error("the model's thread has ended: start vade again")]
    Stopped,
}

impl ModelsError {
    /// Wraps an I/O error with what was attempted on which path, for `map_err`.
    pub(crate) fn file(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}
