//! Following the folders: file-system events become looks at what they name.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::index::{Inner, lock};
use crate::watch::{Change, Watch};

/// Folders that cannot be watched, or could not be reached, are scanned again after this.
const RESCAN: Duration = Duration::from_secs(30);

/// Turns file-system events into looks at what they name.
pub(crate) async fn watching(index: Arc<Inner>, token: CancellationToken) {
    let (mut watch, mut changes) = Watch::start();
    let mut registered: Vec<PathBuf> = Vec::new();
    let mut rescan = tokio::time::interval(RESCAN);
    rescan.reset();
    let outcome: Result<()> = async {
        sync_folders(&index, &mut watch, &mut registered).await?;
        loop {
            tokio::select! {
                () = token.cancelled() => return Ok(()),
                () = index.folders_changed.notified() => {
                    sync_folders(&index, &mut watch, &mut registered).await?;
                }
                _ = rescan.tick() => regular(&index, &mut watch).await?,
                change = changes.recv() => {
                    let Some(change) = change else { return Ok(()) };
                    let changed = gather(change, &mut changes, index.settings.debounce_milliseconds).await;
                    look_again(&index, &mut watch, changed).await?;
                }
            }
        }
    }
    .await;
    if let Err(error) = outcome {
        index.trouble(&error);
    }
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
        let (_, directories) = index.look(folder, None).await?;
        watch.add(&directories);
    }
    *registered = folders;
    lock(&index.notice).clone_from(&watch.limit);
    Ok(())
}

/// What events cannot tell: a folder that came back, and everything where watching is limited.
async fn regular(index: &Inner, watch: &mut Watch) -> Result<()> {
    let unreachable: Vec<PathBuf> = lock(&index.unreachable).iter().cloned().collect();
    let folders = if watch.limit.is_some() {
        index.ledger.folders()?
    } else {
        unreachable
    };
    for folder in folders {
        let (_, directories) = index.look(&folder, None).await?;
        watch.add(&directories);
    }
    Ok(())
}

/// Collects changes until it is quiet for a moment: a save is often several events.
async fn gather(
    first: Change,
    changes: &mut mpsc::Receiver<Change>,
    quiet_milliseconds: u64,
) -> HashSet<Option<PathBuf>> {
    let quiet = Duration::from_millis(quiet_milliseconds);
    let longest = Instant::now() + 5 * quiet;
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
        next = tokio::time::timeout(quiet, changes.recv())
            .await
            .ok()
            .flatten();
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
        let (_, directories) = index.look(&folder, (!whole).then_some(scope)).await?;
        watch.add(&directories);
    }
    Ok(())
}

/// Ignore rules change what the whole directory means.
fn scope_of(path: &Path) -> PathBuf {
    let rules = [".gitignore", ".ignore", ".vadeignore"];
    let is_rule = path
        .file_name()
        .is_some_and(|name| rules.iter().any(|rule| name == *rule));
    match path.parent() {
        Some(parent) if is_rule => parent.to_owned(),
        _ => path.to_owned(),
    }
}
