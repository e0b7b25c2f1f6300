//! Following the folders: file-system events become looks at what they name.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::fail;
use crate::ignoring::KINDS;
use crate::index::{Inner, lock};
use crate::progress::Part;
use crate::roots::{Identity, mount_points, mounts_differ};
use crate::watch::{Change, Changes, Watch};

/// Folders that cannot be watched are scanned again after this,
const RESCAN: Duration = Duration::from_secs(30);
/// and whether each is there, and what is mounted in it, is looked at after this.
const RETRY: Duration = Duration::from_secs(2);

/// Looks at one change, at most, while each finds directories that the one before did not.
const LOOKS: usize = 16;

/// After a failure everything is tried again after this.
const AGAIN: Duration = Duration::from_secs(2);

/// Turns file-system events into looks at what they name. What fails is said, and then everything is
/// looked at again.
pub(crate) async fn watching(index: Arc<Inner>, token: CancellationToken) {
    let (mut watch, mut changes) = Watch::start();
    let mut registered: Vec<PathBuf> = Vec::new();
    let mut retry = tokio::time::interval(RETRY);
    retry.reset();
    let mut seen = Seen::now();
    let mut outcome = sync_folders(&index, &mut watch, &mut registered).await;
    loop {
        fail::point("watching");
        let failed = outcome.is_err();
        if let Err(error) = outcome {
            index.trouble(Part::Watching, &error);
        }
        lock(&index.notice).clone_from(&watch.limit);
        // Until a failure is made good, everything else can wait: it is in what is looked at then.
        outcome = tokio::select! {
            () = token.cancelled() => return,
            () = tokio::time::sleep(AGAIN), if failed => {
                everything(&index, &mut watch, &mut registered).await
            }
            () = index.folders_changed.notified(), if !failed => {
                sync_folders(&index, &mut watch, &mut registered).await
            }
            _ = retry.tick(), if !failed => {
                if changes.lost() {
                    everything(&index, &mut watch, &mut registered).await
                } else {
                    regular(&index, &mut watch, &mut seen).await
                }
            }
            change = changes.next(), if !failed => {
                // The watcher's thread is gone: all begins anew.
                let Some(change) = change else { return };
                let quiet = index.settings.debounce_milliseconds;
                let changed = gather(change, &mut changes, quiet).await;
                look_again(&index, &mut watch, changed).await
            }
        };
        if failed && outcome.is_ok() {
            index.no_trouble(Part::Watching);
        }
    }
}

async fn everything(index: &Inner, watch: &mut Watch, registered: &mut Vec<PathBuf>) -> Result<()> {
    sync_folders(index, watch, registered).await?;
    look_again(index, watch, HashSet::from([None])).await
}

/// Watches folders that were added, and no longer those that were removed.
async fn sync_folders(
    index: &Inner,
    watch: &mut Watch,
    registered: &mut Vec<PathBuf>,
) -> Result<()> {
    let folders = index.ledger.folders()?;
    for gone in registered.iter().filter(|folder| !folders.contains(folder)) {
        watch.remove(gone);
    }
    for folder in folders.iter().filter(|folder| !registered.contains(folder)) {
        // Registered before it is read: what changes in between is noticed.
        watch.add(&index.directories(folder).await?);
        look_and_watch(index, watch, folder, None).await?;
    }
    *registered = folders;
    Ok(())
}

/// What events cannot tell of.
struct Seen {
    /// When everything was last looked at where watching is limited.
    scanned: Instant,
    /// What each folder was.
    roots: HashMap<PathBuf, Option<Identity>>,
    mounts: HashMap<PathBuf, String>,
}

impl Seen {
    fn now() -> Self {
        Self {
            scanned: Instant::now(),
            roots: HashMap::new(),
            mounts: mount_points(),
        }
    }
}

/// What events cannot tell: a folder or a drive in it that went or came back, and everything where watching is
/// limited.
async fn regular(index: &Inner, watch: &mut Watch, seen: &mut Seen) -> Result<()> {
    let everywhere = watch.limit.is_some() && seen.scanned.elapsed() >= RESCAN;
    if everywhere {
        seen.scanned = Instant::now();
        watch.forget_limit();
    }
    let mounts = mount_points();
    let before = std::mem::replace(&mut seen.mounts, mounts);
    for folder in index.ledger.folders()? {
        let was_away = lock(&index.unreachable).contains_key(&folder);
        let is = index.find_root(&folder).await?;
        let was = seen.roots.insert(folder.clone(), is.clone());
        let other = was.is_some_and(|was| was != is);
        let mounted = mounts_differ(&folder, &before, &seen.mounts);
        if was_away || is.is_some() && (everywhere || other || mounted) {
            look_and_watch(index, watch, &folder, None).await?;
        }
    }
    Ok(())
}

/// Looks at a folder, or some paths in it, and watches the directories that are found. What was put into
/// a new one before it was watched made no event: it is looked at again.
async fn look_and_watch(
    index: &Inner,
    watch: &mut Watch,
    folder: &Path,
    scope: Option<Vec<PathBuf>>,
) -> Result<()> {
    let mut seen: HashSet<PathBuf> = HashSet::new();
    for _ in 0..LOOKS {
        let (_, directories) = index.look(folder, scope.clone()).await?;
        watch.add(&directories);
        let inside = |directory: &PathBuf| match &scope {
            Some(scope) => scope.iter().any(|scope| directory.starts_with(scope)),
            None => true,
        };
        let before = seen.len();
        seen.extend(directories.into_iter().filter(inside));
        if seen.len() == before {
            break;
        }
    }
    Ok(())
}

/// Collects changes until it is quiet for a moment: a save is often several events.
async fn gather(
    first: Change,
    changes: &mut Changes,
    quiet_milliseconds: u64,
) -> HashSet<Option<PathBuf>> {
    let quiet = Duration::from_millis(quiet_milliseconds);
    let longest = Instant::now() + 3 * quiet;
    let mut paths = HashSet::new();
    let mut next = Some(first);
    while let Some(change) = next {
        paths.insert(match change {
            Change::Path(path) => Some(path),
            Change::Everything => None,
        });
        if Instant::now() > longest {
            break;
        }
        next = tokio::time::timeout(quiet, changes.next())
            .await
            .ok()
            .flatten();
    }
    if changes.lost() {
        paths.insert(None);
    }
    paths
}

async fn look_again(
    index: &Inner,
    watch: &mut Watch,
    changed: HashSet<Option<PathBuf>>,
) -> Result<()> {
    let everything = changed.contains(&None);
    for folder in index.ledger.folders()? {
        let mut scope: Vec<PathBuf> = changed
            .iter()
            .flatten()
            .filter(|path| path.starts_with(&folder))
            .map(|path| scope_of(path))
            .collect();
        scope.sort();
        scope.dedup();
        if scope.is_empty() && !everything {
            continue;
        }
        let whole = everything || scope.contains(&folder);
        look_and_watch(index, watch, &folder, (!whole).then_some(scope)).await?;
    }
    Ok(())
}

/// Ignore rules change what the whole directory means.
fn scope_of(path: &Path) -> PathBuf {
    let is_rule = path
        .file_name()
        .is_some_and(|name| KINDS.iter().any(|kind| name == *kind));
    match path.parent() {
        Some(parent) if is_rule => parent.to_owned(),
        _ => path.to_owned(),
    }
}
