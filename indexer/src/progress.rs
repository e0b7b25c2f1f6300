//! How far indexing has got, and what holds it up.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::error::IndexerError;
use crate::index::{Inner, lock};

/// How far indexing has got.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// Whether anything is waiting or under way.
    pub active: bool,
    /// Documents read since the queue was last empty.
    pub done: usize,
    /// Documents waiting to be read.
    pub waiting: usize,
    /// Chunks embedded since nothing was last waiting.
    pub embedded: usize,
    /// Chunks waiting for their vector.
    pub to_embed: usize,
    /// Seconds until all is done at the rate so far; none while that cannot be told.
    pub eta_seconds: Option<f64>,
    /// The document that was read last.
    pub current: Option<PathBuf>,
    /// What keeps indexing from going on, such as a full disk.
    pub trouble: Option<String>,
    /// When the present burst of embedding began.
    pub(crate) embedding_since: Option<Instant>,
}

/// What can be held up, each by itself: that one goes on says nothing of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Words,
    Vectors,
    Watching,
}

impl Part {
    /// What it does, for a person.
    fn work(self) -> &'static str {
        match self {
            Self::Words => "reads files",
            Self::Vectors => "computes vectors",
            Self::Watching => "follows folders",
        }
    }
}

/// What is said of a part, each to be taken back by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// Its task ended and starts again.
    Stopped(Part),
    /// It cannot go on.
    HeldUp(Part),
}

impl Inner {
    /// Tells everybody how far indexing has got.
    pub(crate) fn report_progress(&self) {
        let Ok(counts) = self.ledger.counts() else {
            return;
        };
        self.progress.send_modify(|progress| {
            progress.waiting = counts.pending;
            progress.to_embed = counts.unembedded;
            progress.active = counts.pending > 0 || counts.lexical > 0;
            if !progress.active {
                progress.done = 0;
                progress.embedded = 0;
                progress.embedding_since = None;
                progress.current = None;
            }
            progress.eta_seconds = progress.embedding_since.and_then(|since| {
                #[expect(clippy::cast_precision_loss, reason = "an estimate")]
                let (embedded, left) = (progress.embedded as f64, counts.unembedded as f64);
                (embedded >= 16.0).then(|| since.elapsed().as_secs_f64() / embedded * left)
            });
        });
    }

    pub(crate) fn trouble(&self, part: Part, error: &IndexerError) {
        tracing::error!(?part, %error, "indexing is held up");
        let words = in_words(&error.to_string(), &self.data);
        self.set_trouble(Trouble::HeldUp(part), Some(words));
    }

    pub(crate) fn no_trouble(&self, part: Part) {
        self.set_trouble(Trouble::HeldUp(part), None);
    }

    /// The task of this part ended before it was told to.
    pub(crate) fn has_stopped(&self, part: Part) {
        let words = format!(
            "the part that {} failed unexpectedly and starts again by itself; the log says where",
            part.work()
        );
        self.set_trouble(Trouble::Stopped(part), Some(words));
    }

    /// The task of this part has run for a while.
    pub(crate) fn is_steady(&self, part: Part) {
        self.set_trouble(Trouble::Stopped(part), None);
    }

    fn set_trouble(&self, trouble: Trouble, words: Option<String>) {
        let mut troubles = lock(&self.troubles);
        match words {
            Some(words) => troubles.insert(trouble, words),
            None => troubles.remove(&trouble),
        };
        let first = troubles.values().next().cloned();
        self.progress.send_if_modified(|progress| {
            let changed = progress.trouble != first;
            progress.trouble = first;
            changed
        });
    }
}

/// What a person can do something about is said in their words; the log has the engine's.
fn in_words(error: &str, data: &Path) -> String {
    let full = ["No space left on device", "disk is full", "os error 28"];
    if full.iter().any(|sign| error.contains(sign)) {
        return format!(
            "the disk is full: free some space for {}, indexing then goes on by itself",
            data.display()
        );
    }
    error.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_said_in_words() {
        let data = Path::new("/d");
        let engine = "lance error: LanceError(IO): No space left on device (os error 28)";
        assert!(in_words(engine, data).starts_with("the disk is full"));
        assert_eq!(in_words("something else", data), "something else");
    }
}
