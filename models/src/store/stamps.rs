//! Which files have been verified, and what they looked like then.
//!
//! Hashing a gigabyte takes seconds, so it is done once: `.verified.json` in a model's folder
//! records size, modification time and hash of each verified file, and a file that still looks so
//! is not read again. The record is a cache: losing it, or not being able to write it, only costs
//! another hash.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::catalog::ModelFile;

pub(super) const NAME: &str = ".verified.json";

/// The record of one model's folder.
pub(super) struct Stamps {
    folder: PathBuf,
    files: BTreeMap<String, Stamp>,
    is_changed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    modified_ns: u64,
    sha256: String,
}

impl Stamps {
    /// Reads the record; an unreadable one is an empty one.
    pub(super) fn load(folder: &Path) -> Self {
        let files = fs::read(folder.join(NAME))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        Self {
            folder: folder.to_owned(),
            files,
            is_changed: false,
        }
    }

    /// Whether the file was verified with this hash and has not changed since.
    pub(super) fn hold(&self, file: &ModelFile) -> bool {
        let now = look(&self.folder.join(&file.name), &file.sha256);
        now.is_some() && now.as_ref() == self.files.get(&file.name)
    }

    /// Records that the file has its hash now.
    pub(super) fn record(&mut self, file: &ModelFile) {
        if let Some(stamp) = look(&self.folder.join(&file.name), &file.sha256) {
            self.files.insert(file.name.clone(), stamp);
            self.is_changed = true;
        }
    }

    /// Records that the file is not, or no longer, what it should be.
    pub(super) fn forget(&mut self, file: &ModelFile) {
        self.is_changed |= self.files.remove(&file.name).is_some();
    }

    /// Writes the record if it has changed.
    pub(super) fn save(&self) {
        if !self.is_changed {
            return;
        }
        let beside = self.folder.join(format!("{NAME}.partial"));
        let written = serde_json::to_vec_pretty(&self.files)
            .map_err(std::io::Error::other)
            .and_then(|text| fs::write(&beside, text))
            .and_then(|()| fs::rename(&beside, self.folder.join(NAME)));
        if let Err(error) = written {
            tracing::debug!(folder = %self.folder.display(), %error, "cannot record verified files");
        }
    }
}

fn look(path: &Path, sha256: &str) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Stamp {
        bytes: metadata.len(),
        modified_ns: u64::try_from(modified.as_nanos()).ok()?,
        sha256: sha256.to_owned(),
    })
}
