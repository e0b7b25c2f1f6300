//! Questions under way, and what is forgotten while they are.
//!
//! A question says which documents its answer rests on. Forgetting one of them ends the question, and waits
//! for that: nothing of its answer is kept afterwards.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::index::lock;
use crate::ledger::DocumentId;

/// A question that was cut off is over within this, or is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// All questions under way.
#[derive(Default)]
pub(crate) struct Asked(Mutex<Vec<Weak<State>>>);

/// A question under way, until it is dropped.
pub struct QuestionUnderWay(Arc<State>);

#[derive(Default)]
struct State {
    documents: Mutex<Documents>,
    cut: CancellationToken,
    ended: CancellationToken,
}

#[derive(Default)]
struct Documents {
    /// What the answer rests on.
    rests: HashSet<DocumentId>,
    /// What was forgotten since it was asked.
    forgotten: HashSet<DocumentId>,
}

impl Asked {
    /// A question is asked.
    pub(crate) fn begin(&self) -> QuestionUnderWay {
        let state = Arc::new(State::default());
        let mut all = lock(&self.0);
        all.retain(|state| state.strong_count() > 0);
        all.push(Arc::downgrade(&state));
        QuestionUnderWay(state)
    }

    /// Cuts off every question that rests on one of these documents, now or later; and on one that has left the
    /// index, which may be one of these under the name that it had.
    pub(crate) fn forget(
        &self,
        documents: &[DocumentId],
        has_left: impl Fn(&DocumentId) -> bool,
    ) -> CutOff {
        let all = lock(&self.0);
        let mut ended = Vec::new();
        for state in all.iter().filter_map(Weak::upgrade) {
            {
                let mut known = lock(&state.documents);
                let left: Vec<_> = known
                    .rests
                    .iter()
                    .filter(|id| has_left(id))
                    .cloned()
                    .collect();
                known
                    .forgotten
                    .extend(documents.iter().cloned().chain(left));
            }
            state.compare();
            if state.cut.is_cancelled() {
                ended.push(state.ended.clone());
            }
        }
        CutOff(ended)
    }
}

/// Questions that were cut off.
pub(crate) struct CutOff(Vec<CancellationToken>);

impl CutOff {
    /// Waits until they are over.
    pub(crate) async fn ended(self) {
        let ends = self.0.iter().map(CancellationToken::cancelled);
        let all = futures::future::join_all(ends);
        if tokio::time::timeout(PATIENCE, all).await.is_err() {
            tracing::warn!("a question that rests on what was forgotten is still under way");
        }
    }
}

impl QuestionUnderWay {
    /// The answer rests on these documents, too.
    pub fn rests_on(&self, documents: impl IntoIterator<Item = DocumentId>) {
        lock(&self.0.documents).rests.extend(documents);
        self.0.compare();
    }

    /// Whether something it rests on was forgotten since it was asked.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.0.cut.is_cancelled()
    }

    /// Waits for something it rests on to be forgotten.
    pub async fn cut_off(&self) {
        self.0.cut.cancelled().await;
    }
}

impl State {
    fn compare(&self) {
        let documents = lock(&self.documents);
        if !documents.rests.is_disjoint(&documents.forgotten) {
            self.cut.cancel();
        }
    }
}

impl Drop for QuestionUnderWay {
    fn drop(&mut self) {
        self.0.ended.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> DocumentId {
        DocumentId(name.to_owned())
    }

    #[tokio::test]
    async fn only_what_rests_on_the_forgotten_is_cut_off() {
        let asked = Asked::default();
        let (before, after, other) = (asked.begin(), asked.begin(), asked.begin());
        before.rests_on([id("a"), id("b")]);
        other.rests_on([id("c")]);
        let cut = asked.forget(&[id("b")], |_| false);
        assert!(before.is_cut_off() && !after.is_cut_off());
        // What was found before it was forgotten, and is only now said.
        after.rests_on([id("b")]);
        assert!(after.is_cut_off() && !other.is_cut_off());
        drop(before);
        cut.ended().await;
        let later = asked.begin();
        later.rests_on([id("b")]);
        assert!(!later.is_cut_off());
        // It was renamed after it was found.
        let renamed = asked.begin();
        renamed.rests_on([id("old name")]);
        let _ = asked.forget(&[id("new name")], |one| *one == id("old name"));
        assert!(renamed.is_cut_off() && !later.is_cut_off());
    }
}
