//! Whether a watched folder is the one that was indexed.
//!
//! A drive that is not there leaves an empty folder behind, or another drive in its place. So what a folder was
//! is written down: device, inode and birth; where it is another now, some of the documents that are known
//! of it are looked for. The same is done for drives mounted within a folder. Concludes nothing of single files.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::UNIX_EPOCH;

use rusqlite::{OptionalExtension, params};

use crate::error::{IndexerError, Result};
use crate::index::{Index, Inner, lock};
use crate::ledger::{Document, DocumentId, Ledger, text};

/// Documents that are looked for in a folder that is not the one it was.
const SAMPLE: i64 = 64;

/// What tells a folder from another one in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    /// Nanoseconds since 1970, where the file system knows.
    born: Option<u128>,
}

/// What is found where a folder should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The folder that was indexed.
    Same,
    /// It is another one, or the first, with the same documents in it.
    Moved,
    /// Not the folder that was indexed.
    Other,
}

/// Decides by what was written down, what is there, and how many of so many known documents were found.
fn judge(was: Option<&Identity>, is: &Identity, found: usize, of: usize) -> Verdict {
    let enough = match was {
        Some(was) if was.is(is) => return Verdict::Same,
        Some(_) => of.div_ceil(2),
        None => of.min(1),
    };
    if found >= enough {
        Verdict::Moved
    } else {
        Verdict::Other
    }
}

impl Identity {
    /// Of a folder, or of what a link to one leads to.
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        let born = metadata.created().ok();
        let born = born.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        #[cfg(unix)]
        let (device, inode) = {
            use std::os::unix::fs::MetadataExt;
            (metadata.dev(), metadata.ino())
        };
        #[cfg(not(unix))]
        let (device, inode) = (0, 0);
        Ok(Self {
            device,
            inode,
            born: born.map(|since| since.as_nanos()),
        })
    }

    /// Whether both are the same folder.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let born = match (self.born, other.born) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        born && (self.device, self.inode) == (other.device, other.inode)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}:{}:", self.device, self.inode)?;
        self.born.map_or(Ok(()), |born| write!(out, "{born}"))
    }
}

impl FromStr for Identity {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let mut parts = text.split(':');
        let mut next = || parts.next().unwrap_or_default();
        Ok(Self {
            device: next().parse()?,
            inode: next().parse()?,
            born: next().parse().ok(),
        })
    }
}

impl Index {
    /// Why a folder cannot be reached, where it could not be when it was last looked at.
    #[must_use]
    pub fn away(&self, folder: &Path) -> Option<String> {
        lock(&self.inner.unreachable).get(folder).cloned()
    }

    /// Looks whether the watched folders are there, and nothing else.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn find_folders(&self) -> Result<()> {
        for folder in self.inner.ledger.folders()? {
            if self.inner.find_root(&folder).await?.is_some() {
                self.inner.find_drives(&folder).await?;
            }
        }
        Ok(())
    }

    /// Places within a folder where another drive was that is not there now.
    #[must_use]
    pub fn drives_away(&self, folder: &Path) -> Vec<PathBuf> {
        let drives = lock(&self.inner.drives_away);
        drives.get(folder).cloned().unwrap_or_default()
    }
}

impl Inner {
    /// The folder, if it is there and is the one that was indexed; where it is not, that is noted.
    pub(crate) async fn find_root(&self, folder: &Path) -> Result<Option<Identity>> {
        let was = self.ledger.identity_of(folder)?;
        let away = match self.compare(folder, was.as_ref()).await? {
            Ok((is, Verdict::Same)) => return Ok(Some(is)),
            Ok((is, Verdict::Moved)) => {
                self.ledger.note_root(folder, &is)?;
                return Ok(Some(is));
            }
            Ok((_, Verdict::Other)) => {
                let folder = folder.display();
                format!(
                    "it is not the folder that was indexed, perhaps because its drive is not there; nothing is \
                     removed, and once it is back all goes on by itself. If what lies there now is right, say so \
                     with `vade add {folder}`"
                )
            }
            Err(error) => error.to_string(),
        };
        self.note_away(folder, &away);
        Ok(None)
    }

    /// A folder cannot be reached now, and why.
    pub(crate) fn note_away(&self, folder: &Path, why: &str) {
        let before = lock(&self.unreachable).insert(folder.to_owned(), why.to_owned());
        if before.as_deref() != Some(why) {
            // Nothing is removed from the index while a root cannot be seen.
            tracing::warn!(folder = %folder.display(), why, "folder not reachable");
        }
    }

    /// Drives within a folder that were there when their documents were indexed and are not now, and those that
    /// hide documents by being there.
    pub(crate) async fn find_drives(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        let was = self.ledger.drives_in(folder)?;
        let mounted = mount_points();
        let mut away = Vec::new();
        let within = |place: &&PathBuf| *place != folder && place.starts_with(folder);
        for place in mounted.keys().filter(within) {
            if was.contains_key(place) {
                continue;
            }
            match self.compare(place, None).await? {
                Ok((_, Verdict::Other)) => away.push(place.clone()),
                Ok((is, _)) => self.ledger.note_drive(folder, place, Some(&is))?,
                Err(_) => {}
            }
        }
        for (drive, was) in was {
            match self.compare(&drive, Some(&was)).await? {
                Ok((_, Verdict::Same)) => {}
                Ok((is, Verdict::Moved)) => {
                    let is = mounted.contains_key(&drive).then_some(is);
                    self.ledger.note_drive(folder, &drive, is.as_ref())?;
                }
                Err(_) if self.ledger.sample(&drive)?.is_empty() => {
                    self.ledger.note_drive(folder, &drive, None)?;
                }
                Ok((_, Verdict::Other)) | Err(_) => away.push(drive),
            }
        }
        away.sort();
        let mut all = lock(&self.drives_away);
        if away.is_empty() {
            all.remove(folder);
        } else if all.insert(folder.to_owned(), away.clone()).as_ref() != Some(&away) {
            tracing::warn!(drives = ?away, "drives are not there: nothing of them is removed");
        }
        Ok(away)
    }

    /// Whether a document's file is missed because its folder, or its drive, is.
    pub(crate) async fn is_away(&self, document: &Document) -> Result<bool> {
        if self.find_root(&document.folder).await?.is_none() {
            return Ok(true);
        }
        let drives = self.find_drives(&document.folder).await?;
        Ok(drives.iter().any(|drive| document.path.starts_with(drive)))
    }

    /// Compares what lies at `place` with what was there.
    async fn compare(
        &self,
        place: &Path,
        was: Option<&Identity>,
    ) -> Result<io::Result<(Identity, Verdict)>> {
        let path = place.to_owned();
        let is = match blocking(move || Identity::of(&path)).await? {
            Ok(is) => is,
            Err(error) => return Ok(Err(error)),
        };
        if was.is_some_and(|was| was.is(&is)) {
            return Ok(Ok((is, Verdict::Same)));
        }
        let sample = self.ledger.sample(place)?;
        let of = sample.len();
        let look = move || {
            let there = |path: &&PathBuf| path.symlink_metadata().is_ok();
            sample.iter().filter(there).count()
        };
        let found = blocking(look).await?;
        let verdict = judge(was, &is, found, of);
        Ok(Ok((is, verdict)))
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| IndexerError::Closed)
}

impl Ledger {
    fn identity_of(&self, folder: &Path) -> Result<Option<Identity>> {
        let query = "SELECT identity FROM roots WHERE folder = ?1";
        let found = self
            .lock()
            .query_row(query, [text(folder)], |row| row.get::<_, String>(0));
        Ok(found.optional()?.and_then(|identity| identity.parse().ok()))
    }

    fn note_root(&self, folder: &Path, identity: &Identity) -> Result<()> {
        self.lock().execute(
            "INSERT INTO roots VALUES (?1, ?2) ON CONFLICT (folder) DO UPDATE SET identity = ?2",
            params![text(folder), identity.to_string()],
        )?;
        Ok(())
    }

    /// What lies at `folder` now is right, whatever was there before.
    pub(crate) fn accept_root(&self, folder: &Path) -> Result<()> {
        let identity = Identity::of(folder).map_err(|error| IndexerError::Folder {
            path: folder.to_owned(),
            reason: error.to_string(),
        })?;
        self.note_root(folder, &identity)?;
        self.lock()
            .execute("DELETE FROM mounts WHERE folder = ?1", [text(folder)])?;
        Ok(())
    }

    fn drives_in(&self, folder: &Path) -> Result<HashMap<PathBuf, Identity>> {
        let connection = self.lock();
        let mut statement =
            connection.prepare_cached("SELECT path, identity FROM mounts WHERE folder = ?1")?;
        let rows = statement.query_map([text(folder)], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(rows
            .into_iter()
            .filter_map(|(path, identity)| Some((path.into(), identity.parse().ok()?)))
            .collect())
    }

    fn note_drive(&self, folder: &Path, drive: &Path, identity: Option<&Identity>) -> Result<()> {
        let connection = self.lock();
        match identity {
            Some(identity) => connection.execute(
                "INSERT INTO mounts VALUES (?1, ?2, ?3)
                 ON CONFLICT (path) DO UPDATE SET folder = ?2, identity = ?3",
                params![text(drive), text(folder), identity.to_string()],
            )?,
            None => connection.execute("DELETE FROM mounts WHERE path = ?1", [text(drive)])?,
        };
        Ok(())
    }

    /// Some of the documents under a folder, spread over it.
    fn sample(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT path FROM documents WHERE path > ?1 AND path < ?2 ORDER BY id LIMIT ?3",
        )?;
        let folder = text(folder);
        let folder = folder.trim_end_matches('/');
        let rows = statement.query_map(
            params![format!("{folder}/"), format!("{folder}0"), SAMPLE],
            |row| row.get::<_, String>(0),
        )?;
        let paths = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(paths.into_iter().map(PathBuf::from).collect())
    }
}

/// Where something is mounted now, and what.
pub(crate) fn mount_points() -> HashMap<PathBuf, String> {
    let table = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    parse_mounts(&String::from_utf8_lossy(&table))
}

/// Places at or under `folder` of which one says something else than the other.
pub(crate) fn mounts_differ(
    folder: &Path,
    one: &HashMap<PathBuf, String>,
    other: &HashMap<PathBuf, String>,
) -> bool {
    let places: HashSet<&PathBuf> = one.keys().chain(other.keys()).collect();
    places
        .into_iter()
        .any(|place| place.starts_with(folder) && one.get(place) != other.get(place))
}

/// Mount points with the numbers of mount and device, as the kernel writes them down.
fn parse_mounts(table: &str) -> HashMap<PathBuf, String> {
    let mount = |line: &str| {
        let fields: Vec<&str> = line.split(' ').take(5).collect();
        let [id, _, device, _, place] = fields[..] else {
            return None;
        };
        Some((PathBuf::from(unescaped(place)), format!("{id} {device}")))
    };
    table.lines().filter_map(mount).collect()
}

/// White space and backslashes are written as three octal digits there.
fn unescaped(name: &str) -> String {
    [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ]
    .iter()
    .fold(name.to_owned(), |name, (code, is)| name.replace(code, is))
}

/// Whether these documents, which a look at a folder did not find, are gone: not those of drives that are away.
pub(crate) fn retain_gone(gone: &mut Vec<DocumentId>, known: &[Document], away: &[PathBuf]) {
    if away.is_empty() {
        return;
    }
    let missed: HashSet<&DocumentId> = known
        .iter()
        .filter(|document| away.iter().any(|drive| document.path.starts_with(drive)))
        .map(|document| &document.id)
        .collect();
    gone.retain(|id| !missed.contains(id));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replace::tests::{open, settle};

    fn identity(device: u64, inode: u64, born: Option<u128>) -> Identity {
        Identity {
            device,
            inode,
            born,
        }
    }

    #[test]
    fn a_folder_is_told_by_what_it_is_or_by_what_is_in_it() {
        let was = identity(7, 2, Some(100));
        let check = |is: &Identity, found, of| judge(Some(&was), is, found, of);
        // Emptied by a person, or as it was.
        assert_eq!(check(&was, 0, 64), Verdict::Same);
        assert_eq!(check(&identity(7, 2, None), 0, 64), Verdict::Same);
        // Its mount point, another drive, a fresh one with the numbers of the old.
        assert_eq!(check(&identity(1, 99, Some(5)), 0, 64), Verdict::Other);
        assert_eq!(check(&identity(8, 2, Some(7)), 31, 64), Verdict::Other);
        assert_eq!(check(&identity(7, 2, Some(101)), 0, 64), Verdict::Other);
        // Copied to a new disk; a device number that changes at each mount.
        assert_eq!(check(&identity(8, 2, Some(100)), 32, 64), Verdict::Moved);
        assert_eq!(check(&identity(9, 1, None), 1, 1), Verdict::Moved);
        // Nothing is known of it that could be lost.
        assert_eq!(check(&identity(9, 1, None), 0, 0), Verdict::Moved);
        assert_eq!(judge(None, &was, 0, 0), Verdict::Moved);
        assert_eq!(judge(None, &was, 1, 64), Verdict::Moved);
        assert_eq!(judge(None, &was, 0, 64), Verdict::Other);
    }

    #[test]
    fn an_identity_is_written_down_and_read_again() {
        for one in [identity(7, 2, Some(100)), identity(u64::MAX, 0, None)] {
            assert_eq!(one.to_string().parse(), Ok(one));
        }
    }

    #[test]
    fn mounts_are_read_from_the_kernels_table() {
        let table = "36 35 98:0 /mnt1 /n/my\\040drive rw,noatime master:1 - ext3 /dev/root rw\n\
                     37 35 98:1 / /n2 rw - tmpfs tmpfs rw\n";
        let mounts = parse_mounts(table);
        assert_eq!(mounts[Path::new("/n/my drive")], "36 98:0");
        let none = HashMap::new();
        assert!(mounts_differ(Path::new("/n"), &mounts, &none));
        assert!(mounts_differ(Path::new("/n2"), &mounts, &none));
        assert!(!mounts_differ(Path::new("/m"), &mounts, &none));
        assert!(!mounts_differ(Path::new("/n"), &mounts, &mounts.clone()));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_empty_folder_in_the_place_of_the_indexed_one_empties_nothing() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = std::fs::canonicalize(directory.path()).expect("it is there");
        let (notes, away) = (root.join("notes"), root.join("away"));
        std::fs::create_dir(&notes).expect("a folder");
        for number in 0..4 {
            std::fs::write(
                notes.join(format!("{number}.md")),
                format!("Pier {number}."),
            )
            .expect("writes");
        }
        let index = open(&root.join("data"), 32).await;
        index.add_folder(&notes).await.expect("adds");
        settle(&index).await;
        drop(index);

        std::fs::rename(&notes, &away).expect("goes away");
        std::fs::create_dir(&notes).expect("a mount point");
        let index = open(&root.join("data"), 32).await;
        let report = index.add_folder(&notes).await.expect("looks");
        assert_eq!((report.removed, report.away), (0, true));
        let why = index.away(&notes).expect("it is said");
        assert!(why.contains("vade add"), "{why}");
        let count = |index: &Index| index.ledger().counts().expect("counts").indexed;
        assert_eq!(count(&index), 4);

        // What was there comes back as another folder.
        for number in 0..3 {
            let name = format!("{number}.md");
            std::fs::copy(away.join(&name), notes.join(&name)).expect("copies");
        }
        let report = index.add_folder(&notes).await.expect("looks");
        assert_eq!((report.removed, report.away), (1, false));
        assert_eq!(index.away(&notes), None);

        // Emptied, it is empty; and whatever lies in its place is right when a person says so.
        std::fs::remove_dir_all(&notes).expect("goes");
        std::fs::create_dir(&notes).expect("another");
        assert!(index.add_folder(&notes).await.expect("looks").away);
        let report = index.accept_folder(&notes).await.expect("accepts");
        assert_eq!((report.removed, report.away), (3, false));
    }
}
