//! A file of tensors: where each lies, and how its bytes are read.
//!
//! Readers of file formats (`gguf`, the embedder's container) check a header and make one; the engine
//! takes weights from it. It knows no format, no model and no text.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::ModelsError;

/// Length of what is said of a file (characters): it may quote the file.
const LONGEST_PROBLEM: usize = 500;

/// Where a tensor lies and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tensor {
    /// `ggml` type number.
    pub(super) kind: u32,
    /// Dimensions, fastest first: `[columns, rows, …]`.
    pub(super) dimensions: Vec<usize>,
    /// From the file's beginning (bytes).
    pub(super) offset: u64,
    /// Its length (bytes).
    pub(super) length: u64,
}

impl Tensor {
    /// Numbers in a row.
    pub(super) fn columns(&self) -> usize {
        self.dimensions[0]
    }

    /// Rows.
    pub(super) fn rows(&self) -> usize {
        self.dimensions[1..].iter().product()
    }
}

/// A file and the tensors in it, all of which lie within its length.
pub(super) struct TensorFile {
    pub(super) path: PathBuf,
    file: File,
    tensors: HashMap<String, Tensor>,
}

impl TensorFile {
    pub(super) fn new(path: &Path, file: File, tensors: HashMap<String, Tensor>) -> Self {
        Self {
            path: path.to_owned(),
            file,
            tensors,
        }
    }

    /// An error about this file.
    pub(super) fn error(&self, problem: impl std::fmt::Display) -> ModelsError {
        about(&self.path, &problem.to_string())
    }

    /// All tensors, in no order.
    pub(super) fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.tensors.values()
    }

    /// Where a tensor lies.
    pub(super) fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// Reads bytes from `offset` on.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        #[cfg(unix)]
        {
            std::os::unix::fs::FileExt::read_exact_at(&self.file, out, offset)
        }
        #[cfg(windows)]
        {
            let mut done = 0;
            while done < out.len() {
                let at = offset + done as u64;
                match std::os::windows::fs::FileExt::seek_read(&self.file, &mut out[done..], at)? {
                    0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                    count => done += count,
                }
            }
            Ok(())
        }
    }
}

/// Numbers and bytes of one block of a `ggml` type, where it is known.
pub(super) fn block(kind: u32) -> Option<(usize, usize)> {
    Some(match kind {
        0 => (1, 4),
        1 | 30 => (1, 2),
        2 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        9 => (32, 36),
        10 => (256, 84),
        11 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        15 => (256, 292),
        _ => return None,
    })
}

/// An error about the file at `path`.
pub(super) fn about(path: &Path, problem: &str) -> ModelsError {
    let problem: String = problem.chars().take(LONGEST_PROBLEM).collect();
    ModelsError::Load(format!("{}: {problem}", path.display()))
}
