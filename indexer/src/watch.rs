//! File-system events: which paths may have changed.
//!
//! Each directory is registered by itself, from the same walk that honours the ignore rules, so an
//! ignored tree costs no watches. Nothing is concluded from an event but "look here again"; when
//! events are lost, the answer is "look everywhere again". Where the system watches no more, that is said,
//! and `follow` looks regularly.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, EventHandler, RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// Paths that may wait to be looked at.
const QUEUE: usize = 8192;

/// A change that was noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Look at this path again.
    Path(PathBuf),
    /// Events were lost: look at everything again.
    Everything,
}

/// Registered directories.
pub(crate) struct Watch {
    watcher: Option<Box<dyn Watcher + Send>>,
    registered: HashSet<PathBuf>,
    /// Why some directories are not watched, where that is so.
    pub limit: Option<String>,
}

/// What was noticed, in order; never more than fits in the queue.
pub(crate) struct Changes {
    queue: mpsc::Receiver<Change>,
    lost: Arc<AtomicBool>,
    /// Keeps the queue open where nothing will ever come: that there is no watcher is known.
    _open: Option<mpsc::Sender<Change>>,
}

impl Changes {
    /// The next change; none when the watcher is gone.
    pub(crate) async fn next(&mut self) -> Option<Change> {
        self.queue.recv().await
    }

    /// Whether, since this was last asked, more was noticed than there was room for.
    pub(crate) fn lost(&self) -> bool {
        self.lost.swap(false, Ordering::Relaxed)
    }
}

impl Watch {
    /// Starts watching nothing; changes arrive at the receiver.
    pub(crate) fn start() -> (Self, Changes) {
        Self::with(|forward| Ok(Box::new(notify::recommended_watcher(forward)?)))
    }

    fn with(
        watcher: impl FnOnce(Forward) -> notify::Result<Box<dyn Watcher + Send>>,
    ) -> (Self, Changes) {
        let (sender, queue) = mpsc::channel(QUEUE);
        let lost = Arc::new(AtomicBool::new(false));
        let forward = Forward {
            sender: sender.clone(),
            lost: Arc::clone(&lost),
        };
        let (watcher, limit, open) = match watcher(forward) {
            Ok(watcher) => (Some(watcher), None, None),
            Err(error) => (
                None,
                Some(format!(
                    "the system does not tell of changes ({error}): folders are scanned regularly"
                )),
                Some(sender),
            ),
        };
        let watch = Self {
            watcher,
            registered: HashSet::new(),
            limit,
        };
        let changes = Changes {
            queue,
            lost,
            _open: open,
        };
        (watch, changes)
    }

    /// Watches these directories too.
    pub(crate) fn add(&mut self, directories: &[PathBuf]) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        for directory in directories {
            // A directory that was deleted and made again has the same name and no watch: always
            // register, which for one that is watched already changes nothing.
            match watcher.watch(directory, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.registered.insert(directory.clone());
                }
                Err(error) => {
                    if matches!(error.kind, notify::ErrorKind::MaxFilesWatch) {
                        self.limit = Some(
                            "the system's limit of watched directories is reached: raise \
                             fs.inotify.max_user_watches; until then folders are scanned regularly"
                                .to_owned(),
                        );
                    }
                    tracing::warn!(directory = %directory.display(), %error, "not watched");
                }
            }
        }
    }

    /// Before everything is registered again: whether the limit is still there shows then.
    pub(crate) fn forget_limit(&mut self) {
        if self.watcher.is_some() {
            self.limit = None;
        }
    }

    /// Watches nothing at or under `root` any more.
    pub(crate) fn remove(&mut self, root: &Path) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        self.registered.retain(|directory| {
            let inside = directory.starts_with(root);
            if inside {
                let _ = watcher.unwatch(directory);
            }
            !inside
        });
    }
}

/// Puts events into the queue. What does not fit is lost, and that is noted.
struct Forward {
    sender: mpsc::Sender<Change>,
    lost: Arc<AtomicBool>,
}

impl EventHandler for Forward {
    fn handle_event(&mut self, event: notify::Result<Event>) {
        let changes = match event {
            Ok(event) if event.need_rescan() => vec![Change::Everything],
            Ok(event) if is_change(event.kind) => {
                event.paths.into_iter().map(Change::Path).collect()
            }
            Ok(_) => Vec::new(),
            Err(_) => vec![Change::Everything],
        };
        for change in changes {
            if self.sender.try_send(change).is_err() {
                self.lost.store(true, Ordering::Relaxed);
            }
        }
    }
}

fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Watches so many directories and no more.
    struct Limited(usize);

    impl Watcher for Limited {
        fn new<F: EventHandler>(_: F, _: notify::Config) -> notify::Result<Self> {
            Ok(Self(0))
        }

        fn watch(&mut self, _: &Path, _: RecursiveMode) -> notify::Result<()> {
            let left = self.0.checked_sub(1);
            self.0 = left.ok_or(notify::Error::new(notify::ErrorKind::MaxFilesWatch))?;
            Ok(())
        }

        fn unwatch(&mut self, _: &Path) -> notify::Result<()> {
            self.0 += 1;
            Ok(())
        }

        fn kind() -> notify::WatcherKind {
            notify::WatcherKind::NullWatcher
        }
    }

    #[test]
    fn a_limit_of_the_system_is_said_until_it_is_gone() {
        let (mut watch, _changes) = Watch::with(|_| Ok(Box::new(Limited(2))));
        let directories = ["/n", "/n/a", "/n/b"].map(PathBuf::from);
        watch.add(&directories[..2]);
        assert_eq!(watch.limit, None);
        watch.add(&directories[2..]);
        let limit = watch.limit.clone().expect("a limit");
        assert!(limit.contains("max_user_watches"), "{limit}");
        watch.remove(Path::new("/n/a"));
        watch.forget_limit();
        watch.add(&directories[2..]);
        assert_eq!(watch.limit, None);

        let none = |_| Err(notify::Error::generic("too many"));
        let (mut watch, mut changes) = Watch::with(none);
        // Nothing ever comes, and that is no end.
        assert!(
            changes
                .queue
                .try_recv()
                .is_err_and(|error| error == mpsc::error::TryRecvError::Empty)
        );
        watch.add(&directories);
        watch.forget_limit();
        let limit = watch.limit.expect("a limit");
        assert!(limit.contains("scanned regularly"), "{limit}");
    }

    #[tokio::test]
    async fn what_does_not_fit_is_known_to_be_lost() {
        let mut forward = None;
        let (watch, mut changes) = Watch::with(|given| {
            forward = Some(given);
            Ok(Box::new(Limited(0)))
        });
        let mut forward = forward.expect("given");
        let event = |number: usize| {
            let path = PathBuf::from(format!("/n/{number}"));
            Ok(Event::new(EventKind::Any).add_path(path))
        };
        for number in 0..QUEUE {
            forward.handle_event(event(number));
        }
        assert!(!changes.lost());
        // The last thing that happens for a long time.
        forward.handle_event(event(QUEUE));
        assert!(changes.lost());
        assert!(!changes.lost());
        drop((watch, forward));
        let mut noticed = 0;
        while changes.next().await.is_some() {
            noticed += 1;
        }
        assert_eq!(noticed, QUEUE);
    }
}
