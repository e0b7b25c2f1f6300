//! Everything that runs weights: the catalog, the store they are downloaded to, the embedder, the
//! language model, and the reader of text in images.
//!
//! It knows nothing of documents or HTTP. Two seams, `Embedder` and `LanguageModel`, are object-safe
//! and synchronous; named threads drive them, and the rest of the program holds their handles.

pub mod catalog;
pub mod embedding;
mod engine;
mod error;
mod fetch;
mod gguf;
mod guard;
pub mod language;
pub mod ocr;
pub mod store;
mod tensors;

pub use error::{ModelsError, Result};
