//! Start-up: ledger and engines are made to agree.
//!
//! Each engine's last commit carries a marker that the ledger repeats. Where they differ, something
//! was left half done, and all three are compared document by document.

use std::collections::{HashMap, HashSet};

use crate::error::Result;
use crate::index::{Inner, read};
use crate::ledger::{Document, DocumentId, Stage};
use crate::lexical::Opened;

impl Inner {
    /// Start-up: compares ledger and engines by their markers, and mends whatever disagrees.
    pub(crate) async fn reconcile(&self, words: Opened, vectors: Opened) -> Result<()> {
        let model = self.embedder.model().to_owned();
        let model_before = self.ledger.meta("embedding")?;
        let beside = read(&self.before).is_some();
        if model_before.as_ref().is_some_and(|before| *before != model)
            && vectors == Opened::Existing
            && !beside
        {
            tracing::warn!(%model, "the embedding model changed: embedding everything again");
            let all: Vec<DocumentId> = self
                .vectors
                .contents()
                .await?
                .into_iter()
                .map(|(id, _)| id)
                .collect::<HashSet<_>>()
                .into_iter()
                .collect();
            self.vectors.delete(&all).await?;
        }
        let is_new = model_before.is_none() && (words, vectors) == (Opened::Fresh, Opened::Fresh);
        let words_agree =
            self.ledger.meta("lexical")?.unwrap_or_default() == self.lexical.marker()?;
        let vectors_agree =
            self.ledger.meta("vectors")?.unwrap_or_default() == self.vectors.marker().await?;
        if !(is_new || words_agree && vectors_agree) {
            self.mend().await?;
        }
        if !beside {
            self.ledger.set_meta("embedding", &model)?;
        }
        self.ledger.set_meta("lexical", &self.lexical.marker()?)?;
        self.ledger
            .set_meta("vectors", &self.vectors.marker().await?)?;
        if self.ledger.meta("fingerprint")?.as_ref() != Some(&self.fingerprint) {
            self.ledger.requeue_all()?;
            self.ledger.set_meta("fingerprint", &self.fingerprint)?;
        }
        // What one version cannot read, another may.
        let program = env!("CARGO_PKG_VERSION");
        if self.ledger.meta("program")?.as_deref() != Some(program) {
            self.ledger.try_all_failed_again()?;
            self.ledger.set_meta("program", program)?;
        }
        Ok(())
    }

    /// Compares the contents of all three, document by document.
    async fn mend(&self) -> Result<()> {
        let words = census(self.lexical.contents()?);
        let vectors = census(self.vectors.chunks().await?);
        let documents = self.ledger.live()?;
        let complete = |census: &Census, document: &Document| {
            let held = census.get(&document.id);
            match (&document.hash, held) {
                (Some(hash), Some(held)) => {
                    held.len() == 1 && held.get(hash) == Some(&document.chunks)
                }
                (Some(_), None) => document.chunks == 0,
                (None, _) => false,
            }
        };
        let (mut read_again, mut embed_again) = (Vec::new(), Vec::new());
        for document in &documents {
            if !complete(&words, document) {
                read_again.push(document.id.clone());
            } else if document.stage == Stage::Full && !complete(&vectors, document) {
                embed_again.push(document.id.clone());
            }
        }
        let known: HashSet<&DocumentId> = documents.iter().map(|document| &document.id).collect();
        let orphans = |census: &Census| -> Vec<DocumentId> {
            census
                .keys()
                .filter(|id| !known.contains(id))
                .cloned()
                .collect()
        };
        let (strange_words, strange_vectors) = (orphans(&words), orphans(&vectors));
        tracing::warn!(
            read_again = read_again.len(),
            embed_again = embed_again.len(),
            strays = strange_words.len() + strange_vectors.len(),
            "the index was left in the middle of a change: mending it"
        );
        self.ledger.redo(&read_again, Stage::None)?;
        self.ledger.redo(&embed_again, Stage::Lexical)?;
        let mut leave = strange_words;
        leave.extend(read_again);
        if !leave.is_empty() {
            self.lexical.commit(&leave, &[], &self.next_marker()?)?;
        }
        // These leave later: until then what is read again finds its vectors among them.
        self.ledger.bury(&strange_vectors)
    }
}

type Census = HashMap<DocumentId, HashMap<String, usize>>;

/// Chunks by document and content hash.
fn census(contents: Vec<(DocumentId, String)>) -> Census {
    let mut census = Census::new();
    for (id, hash) in contents {
        *census.entry(id).or_default().entry(hash).or_default() += 1;
    }
    census
}
