//! The lock on a data directory: one process at a time, and where it answers.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::claim::{open_plain, read_small};
use crate::error::{IndexerError, Result};
use crate::index::now;

/// A command that reads or writes a little is done with the data directory after this,
const MOMENT: Duration = Duration::from_secs(5);
/// and one that only looks whether somebody else has it, after this.
const GLANCE: Duration = Duration::from_millis(200);

/// The lock file's name.
const NAME: &str = "lock";

/// Makes a directory that only its owner can enter.
pub(crate) fn make_private(directory: &Path) -> Result<()> {
    let failed = |source| IndexerError::Io {
        path: directory.to_owned(),
        source,
    };
    std::fs::create_dir_all(directory).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(directory, mode).map_err(failed)?;
    }
    Ok(())
}

/// The lock on a data directory; the file says who holds it and where it answers.
pub(crate) struct LockFile {
    file: File,
    path: PathBuf,
    /// The directory itself, locked too: the file may be taken away from under its holder.
    _directory: File,
}

/// Who holds a data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Process id.
    pub process: String,
    /// Where it answers; none while it only indexes.
    pub address: Option<String>,
}

/// Who holds the data directory now; `None` when nobody does.
#[must_use]
pub fn holder(data: &Path) -> Option<Holder> {
    let file = open_plain(&data.join(NAME)).ok()?;
    match file.try_lock() {
        Ok(()) => None,
        Err(_) => Some(read_holder(data)),
    }
}

/// Who holds the data directory and will go on doing so: a command that is over in a moment is waited for.
#[must_use]
pub fn lasting_holder(data: &Path) -> Option<Holder> {
    wait_for(&open_plain(&data.join(NAME)).ok()?, data)
}

/// Takes the lock; or who holds it for longer than a moment.
fn wait_for(file: &File, data: &Path) -> Option<Holder> {
    let begun = Instant::now();
    while file.try_lock().is_err() {
        let holder = read_holder(data);
        let patience = match holder.address {
            // It serves: that takes as long as it likes. The file may be one that was left behind, though.
            Some(_) => GLANCE,
            None => MOMENT,
        };
        if begun.elapsed() > patience {
            return Some(holder);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    None
}

/// Opens the lock file, which is made where there is none.
fn open(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    options.open(path)
}

/// Moves aside what stands where the lock file belongs and is none, such as a folder or a link.
fn make_way(path: &Path) -> std::io::Result<()> {
    let there = std::fs::symlink_metadata(path);
    if there.is_ok_and(|found| !found.is_file()) {
        let aside = path.with_file_name(format!("{NAME}.aside-{}", now()));
        tracing::warn!(aside = %aside.display(), "what stood where the lock belongs is no file: it was moved");
        std::fs::rename(path, aside)?;
    }
    Ok(())
}

fn read_holder(data: &Path) -> Holder {
    let text = read_small(&data.join(NAME)).unwrap_or_default();
    let mut lines = text.lines();
    Holder {
        process: lines.next().unwrap_or("unknown").to_owned(),
        address: lines.next().map(str::to_owned),
    }
}

/// Whether the file at `path` is still the one that was opened.
#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let same =
        |(a, b): (std::fs::Metadata, std::fs::Metadata)| (a.dev(), a.ino()) == (b.dev(), b.ino());
    let both = file
        .metadata()
        .ok()
        .zip(std::fs::symlink_metadata(path).ok());
    both.is_some_and(same)
}

#[cfg(not(unix))]
fn is_still(_: &File, _: &Path) -> bool {
    true
}

impl LockFile {
    pub(crate) fn take(data: &Path) -> Result<Self> {
        let path = data.join(NAME);
        let failed = |source| IndexerError::Io {
            path: path.clone(),
            source,
        };
        let locked = |process| IndexerError::Locked {
            directory: data.to_owned(),
            process,
        };
        make_way(&path).map_err(failed)?;
        let file = loop {
            let file = open(&path).map_err(failed)?;
            if let Some(holder) = wait_for(&file, data) {
                return Err(locked(holder.process));
            }
            // Whoever had it may have taken it away.
            if is_still(&file, &path) {
                break file;
            }
        };
        let directory = File::open(data).map_err(failed)?;
        let begun = Instant::now();
        while let Err(TryLockError::WouldBlock) = directory.try_lock() {
            // Whoever ends lets go of the two one after the other.
            if begun.elapsed() > GLANCE {
                return Err(locked("unknown".to_owned()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let lock = Self {
            file,
            path,
            _directory: directory,
        };
        lock.write(&format!("{}\n", std::process::id()))?;
        Ok(lock)
    }

    pub(crate) fn announce(&self, address: &str) -> Result<()> {
        self.write(&format!("{}\n{address}\n", std::process::id()))
    }

    fn write(&self, text: &str) -> Result<()> {
        use std::io::{Seek, SeekFrom};
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))
            .and_then(|_| file.set_len(0))
            .and_then(|()| file.write_all(text.as_bytes()))
            .map_err(|source| IndexerError::Io {
                path: self.path.clone(),
                source,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_no_file_makes_way() {
        for kind in ["folder", "link", "pipe"] {
            let directory = tempfile::tempdir().expect("a temporary directory");
            let (data, lock) = (directory.path(), directory.path().join(NAME));
            let secret = directory.path().join("secret");
            std::fs::write(&secret, "mine").expect("writes");
            match kind {
                "folder" => {
                    std::fs::create_dir(&lock).expect("makes");
                    std::fs::write(lock.join("a.txt"), "mine").expect("writes");
                }
                "link" => std::os::unix::fs::symlink(&secret, &lock).expect("links"),
                _ => {
                    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
                    let fifo = rustix::fs::FileType::Fifo;
                    rustix::fs::mknodat(rustix::fs::CWD, &lock, fifo, mode, 0).expect("makes");
                }
            }
            assert_eq!(holder(data), None, "{kind}");
            assert_eq!(lasting_holder(data), None, "{kind}");
            let taken = LockFile::take(data).expect("takes");
            assert!(lock.is_file(), "{kind}");
            assert_eq!(std::fs::read_to_string(&secret).expect("reads"), "mine");
            // What was there is there still, under another name.
            assert_eq!(std::fs::read_dir(data).expect("lists").count(), 3, "{kind}");
            drop(taken);
        }
    }

    #[test]
    fn who_looks_for_a_holder_makes_no_lock() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        assert_eq!(lasting_holder(directory.path()), None);
        assert_eq!(
            std::fs::read_dir(directory.path()).expect("lists").count(),
            0
        );
    }

    #[test]
    fn a_directory_whose_lock_was_taken_away_is_still_in_use() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let first = LockFile::take(directory.path()).expect("takes");
        std::fs::remove_file(directory.path().join(NAME)).expect("removes");
        assert!(matches!(
            LockFile::take(directory.path()),
            Err(IndexerError::Locked { .. })
        ));
        drop(first);
        LockFile::take(directory.path()).expect("takes");
    }
}
