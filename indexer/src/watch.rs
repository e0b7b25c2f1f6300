//! File-system events: which paths may have changed.
//!
//! Each directory is registered by itself, from the same walk that honours the ignore rules, so an
//! ignored tree costs no watches. Nothing is concluded from an event but "look here again"; when
//! events are lost, the answer is "look everywhere again".

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
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

/// Registered directories and the channel their events come through.
pub(crate) struct Watch {
    watcher: Option<RecommendedWatcher>,
    registered: HashSet<PathBuf>,
    /// Why some directories are not watched, where that is so.
    pub limit: Option<String>,
}

impl Watch {
    /// Starts watching nothing; changes arrive at the receiver.
    pub(crate) fn start() -> (Self, mpsc::Receiver<Change>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let lost = Arc::new(AtomicBool::new(false));
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            forward(event, &sender, &lost);
        });
        let (watcher, limit) = match watcher {
            Ok(watcher) => (Some(watcher), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let watch = Self {
            watcher,
            registered: HashSet::new(),
            limit,
        };
        (watch, receiver)
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

fn forward(event: notify::Result<Event>, sender: &mpsc::Sender<Change>, lost: &AtomicBool) {
    // While the queue is full, one "everything" stands for all that does not fit.
    if lost.load(Ordering::Relaxed) && sender.try_send(Change::Everything).is_ok() {
        lost.store(false, Ordering::Relaxed);
    }
    let changes = match event {
        Ok(event) if event.need_rescan() => vec![Change::Everything],
        Ok(event) if is_change(event.kind) => event.paths.into_iter().map(Change::Path).collect(),
        Ok(_) => Vec::new(),
        Err(_) => vec![Change::Everything],
    };
    for change in changes {
        if sender.try_send(change).is_err() {
            lost.store(true, Ordering::Relaxed);
        }
    }
}

fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}
