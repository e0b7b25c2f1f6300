//! What the store has found: verified files to load, or the state of each file.
//!
//! A [`ModelPaths`] exists only for files that have been verified; `store` alone makes them, and the
//! engines take them.

use std::path::{Path, PathBuf};

use crate::error::{ModelsError, Result};

/// Where the verified files of a model are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelPaths {
    pub(super) id: String,
    pub(super) files: Vec<PathBuf>,
}

impl ModelPaths {
    /// The model.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// All files, in the catalog's order.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The first file whose name ends so: `tokenizer.json`, `.onnx`, `.gguf`.
    ///
    /// # Errors
    ///
    /// [`ModelsError::Missing`] if the model has no such file.
    pub fn ending(&self, ending: &str) -> Result<&Path> {
        let is_it = |path: &&PathBuf| path.to_str().is_some_and(|name| name.ends_with(ending));
        self.files
            .iter()
            .find(is_it)
            .map(PathBuf::as_path)
            .ok_or_else(|| ModelsError::Missing {
                id: self.id.clone(),
                file: ending.to_owned(),
            })
    }
}

/// What a file in the store is found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileState {
    /// It has the hash the catalog says.
    Verified,
    /// It is not there.
    Missing,
    /// It is there with another size or hash.
    Corrupt,
    /// The catalog has no hash for it.
    NotVerifiable,
}

/// One file's verification.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FileCheck {
    /// Its name.
    pub name: String,
    /// Where it is, or would be.
    pub path: PathBuf,
    /// What it was found to be.
    pub state: FileState,
}
