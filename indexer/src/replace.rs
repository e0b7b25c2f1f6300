//! Another embedding model: its vector store is built beside the one that answers, and takes its place
//! once it is complete.
//!
//! `lance/` is the store in use. While `lance-next/` is built the ledger says so in `embedding_next`;
//! when it is complete, in one transaction, that it is the store now, and the next start renames it.

use std::path::Path;

use vade_models::embedding::EmbedderHandle;

use crate::error::{IndexerError, Result};
use crate::index::{Before, Inner, read};
use crate::ledger::{Ledger, Stage};
use crate::lexical::Opened;
use crate::vectors::{self, Vectors};

/// The vector stores of a data directory.
pub(crate) struct Stores {
    /// The one that is written.
    pub vectors: Vectors,
    pub opened: Opened,
    /// The one that answers, while that is another.
    pub before: Option<Before>,
}

impl Stores {
    pub(crate) async fn open(
        data: &Path,
        ledger: &Ledger,
        embedder: &EmbedderHandle,
        previous: impl FnOnce(&str) -> Option<EmbedderHandle>,
        index_from: usize,
    ) -> Result<Self> {
        let open = |directory, dimensions| Vectors::open(directory, dimensions, index_from);
        let (now, next) = (vectors::directory(data), vectors::next_directory(data));
        let failed = |source| IndexerError::Io {
            path: next.clone(),
            source,
        };
        if ledger.meta("vectors_moved")?.is_some() {
            if vectors::is_there(&next) {
                vectors::remove(&now)?;
                vectors::rename(&next, &now).map_err(failed)?;
            }
            ledger.unset_meta("vectors_moved")?;
        }
        let active = ledger.meta("embedding")?.unwrap_or_default();
        let begun = ledger.meta("embedding_next")?;
        let previous = (active != embedder.model() && vectors::is_there(&now))
            .then(|| previous(&active))
            .flatten();
        let Some(previous) = previous else {
            if begun.is_some() {
                // What was embedded for the abandoned model only has to go through again.
                vectors::remove(&next)?;
                ledger.unset_meta("embedding_next")?;
                ledger.set_meta("vectors", "abandoned")?;
            }
            let (vectors, opened) = open(&now, embedder.dimensions()).await?;
            return Ok(Self {
                vectors,
                opened,
                before: None,
            });
        };
        if begun.as_deref() != Some(embedder.model()) {
            vectors::remove(&next)?;
        }
        let (vectors, opened) = open(&next, embedder.dimensions()).await?;
        if opened == Opened::Fresh {
            tracing::warn!(
                from = active,
                to = embedder.model(),
                "the embedding model changed: embedding everything anew, beside what answers"
            );
            let all: Vec<_> = ledger.live()?.into_iter().map(|one| one.id).collect();
            ledger.redo(&all, Stage::Lexical)?;
            ledger.set_meta("embedding_next", embedder.model())?;
            ledger.set_meta("vectors", &vectors.marker().await?)?;
        }
        let (old, _) = open(&now, previous.dimensions()).await?;
        Ok(Self {
            vectors,
            opened: Opened::Existing,
            before: Some(Before {
                vectors: old,
                embedder: previous,
            }),
        })
    }
}

impl Inner {
    /// Lets the new store answer, if there is one and it is complete.
    pub(crate) async fn take_over(&self) -> Result<()> {
        let Some(before) = read(&self.before).clone() else {
            return Ok(());
        };
        self.ledger.vectors_moved(self.embedder.model())?;
        *self
            .before
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = None;
        before.vectors.close().await;
        tracing::info!(
            model = self.embedder.model(),
            "the new embedding model answers"
        );
        vectors::remove(&vectors::directory(&self.data))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::PathBuf;

    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;
    use vade_config::IndexSettings;
    use vade_models::embedding::HashedEmbedder;

    use super::*;
    use crate::extract::tests::worker;
    use crate::index::{Index, IndexOptions};
    use crate::vectors::Scope;

    fn embedder(dimensions: usize) -> EmbedderHandle {
        let name = format!("hashed-{dimensions}");
        let load = move |_| Ok(Box::new(HashedEmbedder::new(dimensions)) as Box<_>);
        EmbedderHandle::start(&name, dimensions, 1, 16, None, load).expect("starts")
    }

    pub(crate) async fn open(data: &Path, dimensions: usize) -> Index {
        open_with(data, embedder(dimensions)).await
    }

    pub(crate) async fn open_with(data: &Path, embedder: EmbedderHandle) -> Index {
        let options = IndexOptions {
            ocr: crate::index::OcrSource::none(),
            data: data.to_owned(),
            own: Vec::new(),
            settings: IndexSettings::default(),
            worker: worker(),
        };
        let previous = |id: &str| Some(self::embedder(id.strip_prefix("hashed-")?.parse().ok()?));
        Index::open(&options, embedder, previous)
            .await
            .expect("opens")
    }

    pub(crate) async fn settle(index: &Index) {
        let (tracker, token) = (TaskTracker::new(), CancellationToken::new());
        index.start(&tracker, &token);
        index.settle().await.expect("settles");
        token.cancel();
        tracker.close();
        tracker.wait().await;
    }

    /// Whether a question finds the note by its vector, whose length is given too.
    async fn finds(index: &Index) -> (usize, bool) {
        let vector = index
            .embed_question("the harbour at night")
            .await
            .expect("embeds");
        let found = index
            .search("harbour", Some(&vector), 5, &Scope::default())
            .await;
        let found = found.expect("searches");
        (
            vector.len(),
            found.iter().any(|found| found.vector.is_some()),
        )
    }

    fn stores(data: &Path) -> [bool; 2] {
        let there = |path: PathBuf| path.exists();
        [
            there(vectors::directory(data)),
            there(vectors::next_directory(data)),
        ]
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_old_model_answers_until_the_new_one_can() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = std::fs::canonicalize(directory.path()).expect("it is there");
        let (data, notes) = (root.join("data"), root.join("notes"));
        std::fs::create_dir(&notes).expect("a folder");
        std::fs::write(notes.join("a.md"), "The harbour at night is lit.").expect("writes");
        let index = open(&data, 32).await;
        index.add_folder(&notes).await.expect("adds");
        settle(&index).await;
        assert_eq!(finds(&index).await, (32, true));
        drop(index);

        let index = open(&data, 48).await;
        assert_eq!(finds(&index).await, (32, true));
        assert_eq!(stores(&data), [true, true]);
        drop(index);
        // Back again before it was complete, and forward again.
        let index = open(&data, 32).await;
        settle(&index).await;
        assert_eq!(
            (finds(&index).await, stores(&data)),
            ((32, true), [true, false])
        );
        drop(index);
        let index = open(&data, 48).await;
        settle(&index).await;
        assert_eq!(
            (finds(&index).await, stores(&data)),
            ((48, true), [false, true])
        );
        drop(index);
        let index = open(&data, 48).await;
        assert_eq!(
            (finds(&index).await, stores(&data)),
            ((48, true), [true, false])
        );
        assert_eq!(index.ledger().counts().expect("counts").indexed, 1);
    }
}
