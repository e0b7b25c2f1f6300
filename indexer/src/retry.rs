//! Documents that something else than themselves kept from being read, and when each is tried again: after a
//! moment at first, then after twice as long each time.
//!
//! Pure; the words task asks what is due. That there are such documents is in the ledger: at a start all of
//! them are tried.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::ledger::DocumentId;

/// A first failure is tried again after this,
const FIRST: Duration = Duration::from_secs(2);
/// and none later than after this.
const LONGEST: Duration = Duration::from_hours(1);

/// What is tried again, and when.
#[derive(Debug, Default)]
pub(crate) struct Retries {
    waiting: HashMap<DocumentId, Wait>,
}

#[derive(Debug)]
struct Wait {
    pause: Duration,
    /// None while it is being tried.
    until: Option<Instant>,
}

impl Retries {
    /// It was tried at this time, in vain.
    pub(crate) fn failed(&mut self, id: &DocumentId, now: Instant) {
        let before = self.waiting.get(id);
        let pause = before.map_or(FIRST, |wait| (2 * wait.pause).min(LONGEST));
        let until = Some(now + pause);
        self.waiting.insert(id.clone(), Wait { pause, until });
    }

    /// Nothing keeps it from being read any more.
    pub(crate) fn succeeded(&mut self, id: &DocumentId) {
        self.waiting.remove(id);
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.waiting.values().filter_map(|wait| wait.until).min()
    }

    /// Those that are due at this time; they are being tried from now on.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<DocumentId> {
        let mut due = Vec::new();
        for (id, wait) in &mut self.waiting {
            if wait.until.take_if(|until| *until <= now).is_some() {
                due.push(id.clone());
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_is_waited_out_twice_as_long() {
        let id = DocumentId("a".to_owned());
        let mut retries = Retries::default();
        let mut now = Instant::now();
        assert_eq!(retries.next(), None);
        for pause in [2, 4, 8, 16] {
            retries.failed(&id, now);
            let due = now + Duration::from_secs(pause);
            assert_eq!(retries.next(), Some(due));
            assert_eq!(
                retries.due(due.checked_sub(Duration::from_millis(1)).unwrap()),
                []
            );
            assert_eq!(retries.due(due), std::slice::from_ref(&id));
            // It is being tried.
            assert_eq!((retries.next(), retries.due(due)), (None, vec![]));
            now = due;
        }
        for _ in 0..20 {
            retries.failed(&id, now);
        }
        assert_eq!(retries.next(), Some(now + LONGEST));
        retries.succeeded(&id);
        assert_eq!(retries.next(), None);
        retries.failed(&id, now);
        assert_eq!(retries.next(), Some(now + FIRST));
    }
}
