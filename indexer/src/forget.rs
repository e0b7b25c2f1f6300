//! Forgetting: a file leaves the index and every place on disk that repeats it, and that is checked.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{IndexerError, Result};
use crate::fail;
use crate::index::Index;
use crate::ledger::DocumentId;

/// Pieces of the forgotten text that are looked for afterwards, at most.
const PROBES: usize = 64;

/// Bytes of a piece: long enough to be nobody else's.
const PROBE_BYTES: usize = 24;

/// Begins the reason of a file that was forgotten and is still there.
pub(crate) const FORGOTTEN: &str = "forgotten, as was asked; `vade forget --undo` lets it in again";

/// What was forgotten, and what a look at the disk found afterwards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The file or folder.
    pub path: PathBuf,
    /// Documents that left the index.
    pub documents: usize,
    /// Chunks of them.
    pub chunks: usize,
    /// Messages of conversations that quoted them, or followed one that did.
    pub messages: usize,
    /// Pieces of their text that were looked for.
    pub probes: usize,
    /// Files of the data directory that were searched for these.
    pub files: usize,
    /// Places where one was still found.
    pub occurrences: usize,
    /// The file is still there and is kept out of the index from now on.
    pub kept_out: bool,
}

impl Index {
    /// Removes what was indexed from `path` (absolute; a file or a folder) from both engines with
    /// their old versions, from the ledger and from conversations, keeps it out from now on, and
    /// checks.
    ///
    /// # Errors
    /// A path of which nothing is known, or an engine that fails.
    pub async fn forget(&self, path: &Path) -> Result<Receipt> {
        let inner = &self.inner;
        let why = self.why(path)?;
        let documents = inner.ledger.under(&why.path)?;
        if documents.is_empty() {
            return Err(IndexerError::Unknown {
                path: why.path,
                verdict: why.verdict,
            });
        }
        let ids: Vec<DocumentId> = documents.iter().map(|one| one.id.clone()).collect();
        let mut receipt = Receipt {
            chunks: documents.iter().map(|document| document.chunks).sum(),
            documents: documents.len(),
            kept_out: why.path.symlink_metadata().is_ok(),
            path: why.path,
            ..Receipt::default()
        };
        let mut texts = Vec::new();
        for id in &ids {
            texts.extend(self.passages(id)?);
        }
        if receipt.kept_out {
            inner.ledger.set_forgotten(&receipt.path, true)?;
            fail::point("forgetting");
        }
        inner.remove(&ids).await?;
        let erased = self.erase(&ids, probes(&texts), &mut receipt).await;
        // Whatever became of that: it has a row again that says why it is not in the index.
        if receipt.kept_out {
            self.look_at(&receipt.path).await?;
        }
        erased?;
        Ok(receipt)
    }

    /// Removes from disk what has left the index, and looks for it there.
    async fn erase(
        &self,
        ids: &[DocumentId],
        mut probes: Vec<String>,
        receipt: &mut Receipt,
    ) -> Result<()> {
        let inner = &self.inner;
        let forgotten: HashSet<&DocumentId> = ids.iter().collect();
        receipt.messages = inner.ledger.forget_answers(ids)?;
        let others = inner.lexical.texts_besides(&forgotten)?;
        probes.retain(|probe| !others.iter().any(|text| text.contains(probe.as_str())));
        {
            let _writer = inner.words_writer.lock().await;
            tokio::task::block_in_place(|| inner.lexical.purge())?;
        }
        {
            let _quiet = inner.vectors.quiet().await;
            let _writer = inner.vectors_writer.lock().await;
            inner.vectors.delete(ids).await?;
            let marker = inner.vectors.purge().await?;
            inner.ledger.buried(ids, &marker)?;
        }
        inner.ledger.vacuum()?;
        receipt.probes = probes.len();
        (receipt.files, receipt.occurrences) = search_files(&inner.data, &probes)?;
        receipt.occurrences += self.occurrences(&forgotten).await?;
        Ok(())
    }

    /// Lets what was forgotten at `path` (absolute) into the index again.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn remember(&self, path: &Path) -> Result<()> {
        let ledger = &self.inner.ledger;
        ledger.set_forgotten(path, false)?;
        fail::point("remembering");
        for document in ledger.under(path)? {
            self.inner.remove(&[document.id]).await?;
        }
        self.look_at(path).await
    }

    /// Looks at one path again, as after an event.
    async fn look_at(&self, path: &Path) -> Result<()> {
        for folder in self.inner.ledger.folders()? {
            if path.starts_with(&folder) {
                self.inner
                    .look(&folder, Some(vec![path.to_owned()]))
                    .await?;
            }
        }
        Ok(())
    }

    /// Rows of these documents that an engine still holds.
    async fn occurrences(&self, ids: &HashSet<&DocumentId>) -> Result<usize> {
        let words = self.inner.lexical.contents()?;
        let vectors = self.inner.vectors.contents().await?;
        let left = words.iter().chain(&vectors);
        Ok(left.filter(|(id, _)| ids.contains(id)).count())
    }
}

/// Pieces of texts to look for, spread over them.
fn probes(texts: &[String]) -> Vec<String> {
    let pieces: Vec<&str> = texts
        .iter()
        .flat_map(|text| text.lines())
        .filter(|line| line.len() >= PROBE_BYTES)
        .map(|line| {
            let start = line.floor_char_boundary((line.len() - PROBE_BYTES) / 2);
            &line[start..line.ceil_char_boundary(start + PROBE_BYTES)]
        })
        .collect();
    let step = pieces.len().div_ceil(PROBES).max(1);
    let mut probes: Vec<String> = pieces
        .into_iter()
        .step_by(step)
        .map(str::to_owned)
        .collect();
    probes.sort();
    probes.dedup();
    probes
}

/// Searches all files under `folder` for the probes: how many files, how many finds.
fn search_files(folder: &Path, probes: &[String]) -> Result<(usize, usize)> {
    let (mut files, mut found) = (0, 0);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |source| IndexerError::Io {
            path: folder.clone(),
            source,
        };
        for entry in std::fs::read_dir(&folder).map_err(failed)?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                files += 1;
                let holds =
                    |probe: &&String| memchr::memmem::find(&bytes, probe.as_bytes()).is_some();
                found += probes.iter().filter(holds).count();
            }
        }
    }
    Ok((files, found))
}
