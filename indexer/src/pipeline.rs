//! The pipeline: pending documents → words committed → vectors committed.
//!
//! Two tasks, one a writer of each engine: words come first, so that a folder can be searched within
//! seconds, and vectors are filled in behind. A third follows what changes on disk. Each is supervised.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::Result;
use crate::fill::vectors;
use crate::follow::watching;
use crate::index::{Index, lock, read};
use crate::progress::Part;
use crate::supervise::supervised;
use crate::suspects::{Running, retry};
use crate::words::words;

impl Index {
    /// Starts the tasks that index and watch, until `token` is cancelled.
    ///
    /// What a process before died of is tried first, with nothing beside it.
    pub fn start(&self, tracker: &TaskTracker, token: &CancellationToken) {
        let (index, tasks, token) = (Arc::clone(&self.inner), tracker.clone(), token.clone());
        {
            let mut running = lock(&index.running);
            // The one before takes its file away.
            drop(running.take());
            *running = Some(Running::new(&index.data));
        }
        tracker.spawn(async move {
            // Whatever becomes of that, the tasks begin.
            let _ = AssertUnwindSafe(retry(&index, &token)).catch_unwind().await;
            let inner = || Arc::clone(&index);
            tasks.spawn(supervised(inner(), Part::Words, token.clone(), words));
            tasks.spawn(supervised(inner(), Part::Vectors, token.clone(), vectors));
        });
    }

    /// Once `token` is cancelled, whatever looks through folders stops in the middle, for good.
    pub fn stop_looking(&self, tracker: &TaskTracker, token: &CancellationToken) {
        let (token, stopping) = (token.clone(), Arc::clone(&self.inner.stopping));
        tracker.spawn(async move {
            token.cancelled().await;
            stopping.store(true, Ordering::Relaxed);
        });
    }

    /// Starts watching the folders for changes, until `token` is cancelled.
    pub fn watch(&self, tracker: &TaskTracker, token: &CancellationToken) {
        let inner = Arc::clone(&self.inner);
        tracker.spawn(supervised(inner, Part::Watching, token.clone(), watching));
    }

    /// Whether everything is indexed, what is gone has left the engines, and no store waits to be replaced.
    fn is_settled(&self) -> Result<bool> {
        let ledger = &self.inner.ledger;
        let counts = ledger.counts()?;
        let replaced = read(&self.inner.before).is_none();
        let unread = self.inner.has_ocr() && !ledger.with_unread_images(1)?.is_empty();
        let empty = counts.pending == 0 && counts.lexical == 0 && !unread;
        Ok(empty && replaced && ledger.tombstones()?.is_empty())
    }

    /// Waits until everything in the queue is indexed, and what is gone has left the engines.
    ///
    /// # Errors
    /// What keeps indexing from going on, once it has been tried.
    pub async fn settle(&self) -> std::result::Result<(), String> {
        let mut progress = self.progress();
        self.inner.words_wake.notify_one();
        self.inner.vectors_wake.notify_one();
        loop {
            let state = progress.borrow_and_update().clone();
            if let Some(trouble) = state.trouble {
                return Err(trouble);
            }
            if self.is_settled().map_err(|error| error.to_string())? {
                return Ok(());
            }
            let _ = tokio::time::timeout(Duration::from_millis(200), progress.changed()).await;
        }
    }
}

/// Waits, unless everything is to stop.
pub(crate) async fn pause(token: &CancellationToken, time: Duration) -> std::ops::ControlFlow<()> {
    tokio::select! {
        () = token.cancelled() => std::ops::ControlFlow::Break(()),
        () = tokio::time::sleep(time) => std::ops::ControlFlow::Continue(()),
    }
}
