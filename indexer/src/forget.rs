//! Forgetting: a file leaves the index and every place on disk that repeats it, and that is checked.

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{IndexerError, Result};
use crate::fail;
use crate::index::{Index, Inner, read};
use crate::inside::open_inside;
use crate::kept;
use crate::ledger::{Document, DocumentId, State, digest, text};
use crate::why::Standing;

/// Pieces of the forgotten text that are looked for afterwards, at most.
const PROBES: usize = 64;

/// Bytes of a piece: long enough to be nobody else's.
const PROBE_BYTES: usize = 24;

/// Names what is being forgotten, in the ledger.
pub(crate) const FORGETTING: &str = "forgetting";

/// What was forgotten, and what a look at the disk found afterwards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The file or folder.
    #[serde(with = "crate::paths::as_text")]
    pub path: PathBuf,
    /// Documents that left the index, or that were let in again.
    pub documents: usize,
    /// Of these, documents elsewhere that say exactly what a forgotten one said.
    #[serde(default)]
    pub copies: usize,
    /// Chunks of them.
    pub chunks: usize,
    /// Messages of conversations that quoted them, or followed one that did.
    pub messages: usize,
    /// Ratings of answers that rest on them.
    #[serde(default)]
    pub ratings: usize,
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
    /// Removes what was indexed from `path` (absolute; a file or a folder) and every copy of it from both engines
    /// with their old versions, from the ledger and from conversations, keeps it out from now on under every
    /// name, ends questions whose answers would rest on it, and checks.
    ///
    /// # Errors
    /// A path of which nothing is known, or that holds a whole watched folder, or an engine that fails.
    pub async fn forget(&self, path: &Path) -> Result<Receipt> {
        let inner = &self.inner;
        let path = self.known_as(path)?;
        self.refuse_whole_folders(&path)?;
        let before = inner.ledger.under(&path)?;
        let is_known = !before.is_empty() || inner.ledger.forgotten_as(&path, None)?.is_some();
        let why = self.why(&path)?;
        let contents = Box::pin(inner.contents(before)).await?;
        // From here on nothing of it comes in any more, whatever is being read already.
        if is_known || why.standing == Standing::Unseen {
            inner.ledger.forget_path(&path, &contents)?;
            inner.ledger.set_meta(FORGETTING, &text(&path))?;
        }
        fail::point("forgetting");
        let (documents, probes) = inner.take_out(&path, &contents).await?;
        let ids: Vec<DocumentId> = documents.iter().map(|one| one.id.clone()).collect();
        let named: Vec<DocumentId> = ids.iter().cloned().chain([DocumentId::of(&path)]).collect();
        let has_left = |id: &DocumentId| !read(&inner.live).contains_key(id);
        inner.asked.forget(&named, has_left).ended().await;
        let probes = inner.own_probes(&ids, probes)?;
        let messages = inner.ledger.forget_answers(&named, &path, &probes)?;
        // After the answers: from here on none of them can be rated any more.
        let paths = documents.iter().map(|one| one.path.clone());
        let paths: Vec<PathBuf> = paths.chain([path.clone()]).collect();
        let ratings = inner.forget_ratings(&paths, &probes)?;
        if !is_known && messages + ratings == 0 && why.standing != Standing::Unseen {
            return Err(IndexerError::Unknown {
                path: why.path,
                verdict: why.verdict,
            });
        }
        let copies = documents.iter().filter(|one| !one.path.starts_with(&path));
        let copies: Vec<PathBuf> = copies.map(|one| one.path.clone()).collect();
        if !is_known {
            // It may be restored from a backup.
            inner.ledger.forget_path(&path, &[])?;
        }
        let mut receipt = Receipt {
            documents: documents.len(),
            copies: copies.len(),
            chunks: documents.iter().map(|document| document.chunks).sum(),
            messages,
            ratings,
            kept_out: path.symlink_metadata().is_ok(),
            path,
            ..Receipt::default()
        };
        inner.purge(&ids).await?;
        inner.ledger.unset_meta(FORGETTING)?;
        self.check(&ids, probes, &mut receipt).await?;
        // Each has a row again that says why it is not in the index.
        for path in copies.iter().chain([&receipt.path]) {
            self.look_at(path).await?;
        }
        Ok(receipt)
    }

    /// Lets what was forgotten at or under `path` (absolute) into the index again; what is indexed stays as it is.
    ///
    /// # Errors
    /// When nothing was forgotten there, or the ledger cannot be written.
    pub async fn remember(&self, path: &Path) -> Result<Receipt> {
        let ledger = &self.inner.ledger;
        let path = self.known_as(path)?;
        let mut kept_out = Vec::new();
        for document in ledger.under(&path)? {
            if document.hash.is_none() && self.inner.is_forgotten(&document)? {
                kept_out.push(document);
            }
        }
        let paths = ledger.forgotten_under(&path)?;
        if kept_out.is_empty() && paths.is_empty() {
            return Err(IndexerError::Unknown {
                verdict: "nothing was forgotten there".to_owned(),
                path,
            });
        }
        if paths.is_empty()
            && let Some(why) = ledger.forgotten_as(&path, None)?
        {
            return Err(IndexerError::Path {
                path,
                reason: why.reason(),
            });
        }
        let contents: HashSet<String> = kept_out
            .iter()
            .filter_map(|document| document.content.clone())
            .collect();
        ledger.unforget(&path, &contents)?;
        fail::point("remembering");
        // Other names of the same content are let in with it.
        let copies = ledger.with_contents(&contents, &[])?;
        let copies = copies.into_iter().filter(|copy| {
            copy.hash.is_none() && copy.state == State::Skipped && !copy.path.starts_with(&path)
        });
        kept_out.extend(copies);
        let ids: Vec<DocumentId> = kept_out.iter().map(|one| one.id.clone()).collect();
        self.inner.remove(&ids).await?;
        for document in &kept_out {
            self.look_at(&document.path).await?;
        }
        for path in &paths {
            self.look_at(path).await?;
        }
        Ok(Receipt {
            documents: ids.len(),
            path,
            ..Receipt::default()
        })
    }

    /// Whether a document is one that was forgotten.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn is_forgotten(&self, document: &Document) -> Result<bool> {
        self.inner.is_forgotten(document)
    }

    /// A watched folder is no file of it: that is another thing to want.
    fn refuse_whole_folders(&self, path: &Path) -> Result<()> {
        let folders = self.inner.ledger.folders()?;
        match folders.iter().find(|folder| folder.starts_with(path)) {
            Some(folder) => Err(IndexerError::Path {
                path: path.to_owned(),
                reason: format!(
                    "forgetting a whole watched folder is `vade remove {}`; what lies in it is forgotten one by \
                     one",
                    folder.display()
                ),
            }),
            None => Ok(()),
        }
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

    /// Looks for what should be gone.
    async fn check(
        &self,
        ids: &[DocumentId],
        probes: Vec<String>,
        receipt: &mut Receipt,
    ) -> Result<()> {
        let forgotten: HashSet<&DocumentId> = ids.iter().collect();
        receipt.probes = probes.len();
        (receipt.files, receipt.occurrences) = search_files(&self.inner.data, &probes)?;
        let words = self.inner.lexical.contents()?;
        let vectors = self.inner.vectors.contents().await?;
        let left = words.iter().chain(&vectors);
        receipt.occurrences += left.filter(|(id, _)| forgotten.contains(id)).count();
        Ok(())
    }
}

impl Inner {
    /// Whether a document is kept out, by its path or by what it says.
    pub(crate) fn is_forgotten(&self, document: &Document) -> Result<bool> {
        let content = document.content.as_deref();
        let found = self.ledger.forgotten_as(&document.path, content)?;
        Ok(found.is_some())
    }

    /// What these documents say: as they were indexed, and as their files are now.
    async fn contents(&self, documents: Vec<Document>) -> Result<Vec<(PathBuf, String)>> {
        let most = self.extractor.limits().max_file_bytes;
        let read = move || {
            let mut contents = Vec::new();
            for document in documents {
                let now = digest_of(&document, most);
                let known = document.content.into_iter().chain(now);
                contents.extend(known.map(|content| (document.path.clone(), content)));
            }
            contents
        };
        tokio::task::spawn_blocking(read)
            .await
            .map_err(|_| IndexerError::Closed)
    }

    /// Takes what lies at or under `path`, and what has one of these contents, out of every answer; gives these
    /// documents, and pieces of their text.
    async fn take_out(
        &self,
        path: &Path,
        contents: &[(PathBuf, String)],
    ) -> Result<(Vec<Document>, Vec<String>)> {
        // What was read before it was forgotten is committed by now, or will not be.
        let writer = self.words_writer.lock().await;
        let mut documents = self.ledger.under(path)?;
        let contents: HashSet<String> = contents.iter().map(|(_, one)| one.clone()).collect();
        let hashes: Vec<String> = contents.iter().flat_map(|one| self.hashes(one)).collect();
        let known: HashSet<DocumentId> = documents.iter().map(|one| one.id.clone()).collect();
        let copies = self.ledger.with_contents(&contents, &hashes)?;
        documents.extend(copies.into_iter().filter(|copy| !known.contains(&copy.id)));
        let mut texts = Vec::new();
        for document in &documents {
            let chunks = self.lexical.chunks(&document.id)?;
            texts.extend(chunks.iter().map(crate::lexical::ChunkRow::passage));
        }
        let ids: Vec<DocumentId> = documents.iter().map(|one| one.id.clone()).collect();
        self.remove_now(&ids)?;
        drop(writer);
        Ok((documents, probes(&texts)))
    }

    /// Pieces of text that these documents have and no other.
    fn own_probes(&self, ids: &[DocumentId], mut probes: Vec<String>) -> Result<Vec<String>> {
        let forgotten: HashSet<&DocumentId> = ids.iter().collect();
        let others = self.lexical.texts_besides(&forgotten)?;
        probes.retain(|probe| !others.iter().any(|text| text.contains(probe.as_str())));
        Ok(probes)
    }

    /// Rewrites whatever still holds these documents.
    async fn purge(&self, ids: &[DocumentId]) -> Result<()> {
        {
            let _writer = self.words_writer.lock().await;
            tokio::task::block_in_place(|| self.lexical.purge())?;
        }
        {
            let _quiet = self.vectors.quiet().await;
            let _writer = self.vectors_writer.lock().await;
            // Those of one that was cut short before are among the tombstones.
            let gone = [ids, &self.ledger.tombstones()?].concat();
            self.vectors.delete(&gone).await?;
            let marker = self.vectors.purge().await?;
            self.ledger.buried(&gone, &marker)?;
        }
        // The store of the embedding model before holds them, too.
        let before = read(&self.before).clone();
        if let Some(before) = before {
            let _quiet = before.vectors.quiet().await;
            before.vectors.delete(ids).await?;
            before.vectors.purge().await?;
        }
        kept::remove_aside(&self.data);
        self.ledger.vacuum()
    }
}

/// Digest of the bytes of a document's file now.
fn digest_of(document: &Document, most: u64) -> Option<String> {
    let file = open_inside(&document.folder, &document.path).ok()?;
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.len() == 0 || metadata.len() > most {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).ok()?;
    Some(digest(&bytes))
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
