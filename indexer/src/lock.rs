//! The lock on a data directory: one process at a time, and where it answers.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::{IndexerError, Result};

/// A command that reads or writes a little is done with the data directory after this,
const MOMENT: Duration = Duration::from_secs(5);
/// and one that only looks whether somebody else has it, after this.
const GLANCE: Duration = Duration::from_millis(200);

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
    let file = File::options()
        .read(true)
        .write(true)
        .open(data.join("lock"))
        .ok()?;
    match file.try_lock() {
        Ok(()) => None,
        Err(_) => Some(read_holder(data)),
    }
}

/// Who holds the data directory and will go on doing so: a command that is over in a moment is waited for.
#[must_use]
pub fn lasting_holder(data: &Path) -> Option<Holder> {
    wait_for(&open(data).ok()?, data)
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

fn open(data: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.create(true).truncate(false).read(true).write(true);
    options.open(data.join("lock"))
}

fn read_holder(data: &Path) -> Holder {
    let text = std::fs::read_to_string(data.join("lock")).unwrap_or_default();
    let mut lines = text.lines();
    Holder {
        process: lines.next().unwrap_or("unknown").to_owned(),
        address: lines.next().map(str::to_owned),
    }
}

impl LockFile {
    pub(crate) fn take(data: &Path) -> Result<Self> {
        let path = data.join("lock");
        let failed = |source| IndexerError::Io {
            path: path.clone(),
            source,
        };
        let file = open(data).map_err(failed)?;
        if let Some(holder) = wait_for(&file, data) {
            return Err(IndexerError::Locked {
                directory: data.to_owned(),
                process: holder.process,
            });
        }
        let lock = Self { file, path };
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
