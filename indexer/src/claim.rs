//! Whose a data directory is: looked at before anything in it is made, changed or removed.
//!
//! A folder is ours where it has our marker, or the ledger of a version that had none. One that is not there,
//! is empty, or holds no more than a start that was ended leaves behind, may become ours. Any other is somebody's,
//! named by mistake: it is refused and stays as it is.

use std::fs::{File, Metadata};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::error::{IndexerError, Result};
use crate::index::now;
use crate::kept::LEDGER;
use crate::lock::{LockFile, make_private};

/// The file that says that a folder is ours.
pub(crate) const MARKER: &str = "vade-data";
/// Its beginning; the format of the directory follows.
const MARKS: &str = "vade data directory, format ";
/// How a data directory is laid out.
const FORMAT: u32 = 1;
/// Where the marker is written before it gets its name.
const MARKER_PART: &str = "vade-data.part";
/// Tables that no ledger was ever without.
const TABLES: [&str; 5] = [
    "meta",
    "folders",
    "documents",
    "tombstones",
    "conversations",
];
/// Small files of ours are at most this long (bytes).
const SMALL: u64 = 4096;
/// So much of a ledger's log is looked at for our tables (bytes).
const LOG: u64 = 16 << 20;

/// What a folder is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// It is not there.
    Absent,
    /// It holds nothing, or what a start that was ended in the middle left.
    Empty,
    /// It is a data directory.
    Ours,
}

/// What the folder `data` is to us. Changes nothing in it.
///
/// # Errors
/// A folder that is somebody else's, cannot be looked at, or belongs to a newer version.
pub fn whose(data: &Path) -> Result<Whose> {
    let found = match std::fs::metadata(data) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return match std::fs::symlink_metadata(data) {
                Ok(_) => Err(refused(data, "it is a link to a place that is not there")),
                Err(_) => Ok(Whose::Absent),
            };
        }
        Err(error) => return Err(refused(data, error.to_string())),
    };
    if !found.is_dir() {
        return Err(refused(data, "it is not a folder"));
    }
    if !is_mine(&found) {
        return Err(refused(data, "it belongs to another user"));
    }
    let marker = marker(data)?;
    if marker == Marker::Ours || has_our_ledger(data) {
        return Ok(Whose::Ours);
    }
    match stranger(data).map_err(|error| refused(data, error.to_string()))? {
        None => Ok(Whose::Empty),
        Some(name) => {
            let name = name.to_string_lossy().into_owned();
            Err(refused(
                data,
                format!("it holds {name:?} and is no data directory of vade"),
            ))
        }
    }
}

/// Makes `data` our own, or refuses to, and takes its lock.
///
/// # Errors
/// As `whose`; a directory that is in use or cannot be written.
pub(crate) fn claim(data: &Path) -> Result<LockFile> {
    whose(data)?;
    make_private(data)?;
    let lock = LockFile::take(data)?;
    // Whoever had the lock before may have been the first to come.
    whose(data)?;
    mark(data)?;
    Ok(lock)
}

/// Takes the lock of a directory that is ours already.
///
/// # Errors
/// As `claim`; a directory with no index in it.
pub(crate) fn enter(data: &Path) -> Result<LockFile> {
    match whose(data)? {
        Whose::Ours => claim(data),
        Whose::Absent | Whose::Empty => Err(IndexerError::Transfer {
            path: data.to_owned(),
            reason: "there is no index: `vade index FOLDER` makes one".to_owned(),
        }),
    }
}

/// Undoes `claim` where the folder held nothing before.
pub(crate) fn disclaim(data: &Path, before: Whose) {
    if before == Whose::Ours {
        return;
    }
    for name in [MARKER, MARKER_PART, "lock"] {
        let _ = std::fs::remove_file(data.join(name));
    }
    if before == Whose::Absent {
        // Only where nothing else is in it.
        let _ = std::fs::remove_dir(data);
    }
}

/// Writes the marker where there is none.
fn mark(data: &Path) -> Result<()> {
    if marker(data)? == Marker::Ours {
        return Ok(());
    }
    let (path, part) = (data.join(MARKER), data.join(MARKER_PART));
    let write = || -> std::io::Result<()> {
        let there = std::fs::symlink_metadata(&path).is_ok();
        if there && !read_small(&path).is_some_and(|text| is_begun(&text)) {
            std::fs::rename(&path, data.join(format!("{MARKER}.aside-{}", now())))?;
        }
        let _ = std::fs::remove_file(&part);
        let mut file = File::options().write(true).create_new(true).open(&part)?;
        writeln!(file, "{MARKS}{FORMAT}")?;
        writeln!(
            file,
            "Made by vade. What lies here is its own, and it removes it when it likes."
        )?;
        file.sync_all()?;
        std::fs::rename(&part, &path)?;
        File::open(data)?.sync_all()
    };
    write().map_err(|source| IndexerError::Io { path, source })
}

#[derive(Debug, PartialEq, Eq)]
enum Marker {
    Ours,
    /// There is none, or a damaged one.
    None,
}

fn marker(data: &Path) -> Result<Marker> {
    let path = data.join(MARKER);
    let Ok(found) = std::fs::symlink_metadata(&path) else {
        return Ok(Marker::None);
    };
    if found.is_symlink() || found.is_file() && !is_mine(&found) {
        let reason = format!("its {MARKER} is a link or another user's: remove that");
        return Err(refused(data, reason));
    }
    let text = read_small(&path).unwrap_or_default();
    let format = text
        .strip_prefix(MARKS)
        .and_then(|rest| rest.lines().next());
    match format.and_then(|format| format.parse::<u32>().ok()) {
        Some(format) if format > FORMAT => Err(IndexerError::Format {
            directory: data.to_owned(),
            found: format.into(),
            known: FORMAT.into(),
        }),
        Some(_) => Ok(Marker::Ours),
        None => Ok(Marker::None),
    }
}

/// The first thing that no start of ours leaves in a folder which it has not marked yet.
fn stranger(data: &Path) -> std::io::Result<Option<PathBuf>> {
    for entry in std::fs::read_dir(data)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let kind = entry.file_type()?;
        let number =
            |line: &str| !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit());
        let known = match name.to_str() {
            // A disk of its own has this one.
            Some("lost+found") => kind.is_dir(),
            Some(MARKER | MARKER_PART) => {
                kind.is_file() && read_small(&path).is_some_and(|text| is_begun(&text))
            }
            Some("lock") => read_small(&path).is_some_and(|text| {
                text.lines().next().is_none_or(number) && text.lines().count() <= 2
            }),
            Some("token") => read_small(&path)
                .is_some_and(|text| text.trim().bytes().all(|byte| byte.is_ascii_hexdigit())),
            // Before it had tables.
            Some(
                LEDGER | "ledger.sqlite3-journal" | "ledger.sqlite3-wal" | "ledger.sqlite3-shm",
            ) => kind.is_file() && entry.metadata()?.len() == 0,
            _ => false,
        };
        if !known {
            return Ok(Some(name.into()));
        }
    }
    Ok(None)
}

/// Whether a text is a marker's, or the beginning of one.
fn is_begun(text: &str) -> bool {
    text.starts_with(MARKS) || MARKS.starts_with(text)
}

/// The text of a small file of the data directory; none where there is none, or a link, device or pipe has its
/// name.
#[must_use]
pub fn read_small(path: &Path) -> Option<String> {
    let file = open_plain(path).ok()?;
    let mut text = String::new();
    file.take(SMALL).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Opens a file for reading that is one: links are not followed, and pipes not waited for.
///
/// # Errors
/// What the system says, or that it is something else.
pub(crate) fn open_plain(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC);
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(std::io::Error::other("it is not a file"))
    }
}

/// Whether the ledger there is one that this program made. Looks at it without changing anything beside it.
fn has_our_ledger(data: &Path) -> bool {
    let path = data.join(LEDGER);
    let Ok(mut file) = open_plain(&path) else {
        return false;
    };
    let mut magic = [0; 16];
    if file.read_exact(&mut magic).is_err() || &magic != b"SQLite format 3\0" {
        return false;
    }
    has_our_tables(&path).unwrap_or_default() || has_our_log(&data.join("ledger.sqlite3-wal"))
}

fn has_our_tables(path: &Path) -> rusqlite::Result<bool> {
    let connection = open_unchanged(path)?;
    let count: i64 = connection.query_row(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN (?1, ?2, ?3, ?4, ?5)",
        TABLES,
        |row| row.get(0),
    )?;
    if usize::try_from(count) != Ok(TABLES.len()) {
        return Ok(false);
    }
    let format: String =
        connection.query_row("SELECT value FROM meta WHERE key = 'format'", [], |row| {
            row.get(0)
        })?;
    Ok(format.parse::<i64>().is_ok())
}

/// Opens a database so that nothing is written, neither to it nor beside it; what is only in its log is not seen.
pub(crate) fn open_unchanged(path: &Path) -> rusqlite::Result<Connection> {
    use std::fmt::Write;
    let mut address = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        let _ = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                write!(address, "{}", char::from(*byte))
            }
            byte => write!(address, "%{byte:02x}"),
        };
    }
    address.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(address, flags)
}

/// Whether our tables are in a log: a process that was ended soon after its first start has them nowhere else.
fn has_our_log(path: &Path) -> bool {
    let mut bytes = Vec::new();
    let read = open_plain(path).and_then(|file| file.take(LOG).read_to_end(&mut bytes));
    let says = |table: &str| {
        memchr::memmem::find(&bytes, format!("CREATE TABLE {table} (").as_bytes()).is_some()
    };
    read.is_ok() && TABLES.into_iter().all(says)
}

#[cfg(unix)]
fn is_mine(found: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    found.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn is_mine(_: &Metadata) -> bool {
    true
}

fn refused(data: &Path, reason: impl Into<String>) -> IndexerError {
    IndexerError::NotOurs {
        directory: data.to_owned(),
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Ledger;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let data = directory.path().join("data");
        (directory, data)
    }

    /// Every path under a folder with its mode and, for files, its bytes.
    fn everything(folder: &Path) -> Vec<(PathBuf, u32, Vec<u8>)> {
        use std::os::unix::fs::PermissionsExt;
        let mut found = Vec::new();
        let mut left = vec![folder.to_owned()];
        while let Some(path) = left.pop() {
            let metadata = std::fs::symlink_metadata(&path).expect("it is there");
            let bytes = if metadata.is_file() {
                std::fs::read(&path).expect("reads")
            } else {
                Vec::new()
            };
            if metadata.is_dir() {
                let entries = std::fs::read_dir(&path).expect("lists");
                left.extend(entries.map(|entry| entry.expect("an entry").path()));
            }
            found.push((path, metadata.permissions().mode(), bytes));
        }
        found.sort();
        found
    }

    #[track_caller]
    fn check_refused(data: &Path, words: &str) {
        let before = everything(data);
        for outcome in [
            whose(data).map(drop),
            claim(data).map(drop),
            enter(data).map(drop),
        ] {
            let error = outcome.expect_err("refused").to_string();
            assert!(error.contains(words), "{error}");
        }
        assert_eq!(everything(data), before);
    }

    #[test]
    fn a_folder_of_somebody_is_refused_and_stays_as_it_is() {
        use std::os::unix::fs::PermissionsExt;
        for name in [
            "text/novel.txt",
            "text/meta.json",
            "lance/chunks.lance/horse.txt",
            "importing/a.txt",
            "ledger.sqlite3",
            "lock",
            "token",
            "vade-data",
            ".hidden",
            "lance-next/x",
        ] {
            let (_directory, data) = folder();
            let path = data.join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("makes");
            std::fs::write(&path, "Ten years of work.").expect("writes");
            std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o1777)).expect("sets");
            check_refused(&data, "name another --data-dir");
        }
    }

    #[test]
    fn somebody_elses_database_is_no_ledger() {
        let (_directory, data) = folder();
        std::fs::create_dir(&data).expect("makes");
        let other = Connection::open(data.join(LEDGER)).expect("opens");
        other
            .execute_batch("CREATE TABLE meta (key, value); CREATE TABLE accounts (name);")
            .expect("makes");
        drop(other);
        check_refused(&data, "ledger.sqlite3");
    }

    #[test]
    fn what_was_begun_or_is_of_the_version_before_is_ours() {
        let (_directory, data) = folder();
        assert_eq!(whose(&data).expect("looks"), Whose::Absent);
        std::fs::create_dir(&data).expect("makes");
        for (name, text) in [
            ("lock", "4711\n127.0.0.1:4747\n"),
            ("vade-data.part", "vade data dir"),
            ("vade-data", ""),
            ("token", "0123456789abcdef0123456789abcdef"),
        ] {
            std::fs::write(data.join(name), text).expect("writes");
            assert_eq!(whose(&data).expect("looks"), Whose::Empty, "{name}");
        }
        drop(claim(&data).expect("claims"));
        assert_eq!(whose(&data).expect("looks"), Whose::Ours);
        std::fs::write(data.join("somebody's.txt"), "x").expect("writes");
        assert_eq!(whose(&data).expect("looks"), Whose::Ours);

        // As the version before left it, closed in order or killed at once.
        let ledger = Ledger::open(&data).expect("opens");
        std::fs::remove_file(data.join(MARKER)).expect("removes");
        assert_eq!(whose(&data).expect("looks"), Whose::Ours);
        drop(ledger);
        for damage in ["", "vade data directory, format x\n"] {
            std::fs::write(data.join(MARKER), damage).expect("writes");
            drop(claim(&data).expect("claims"));
            let text = std::fs::read_to_string(data.join(MARKER)).expect("reads");
            assert!(
                text.starts_with("vade data directory, format 1\n"),
                "{text}"
            );
        }
        std::fs::write(data.join(MARKER), "vade data directory, format 99\n").expect("writes");
        assert!(matches!(
            claim(&data),
            Err(IndexerError::Format { found: 99, .. })
        ));
    }

    #[test]
    fn a_marker_that_is_a_link_is_refused() {
        let (directory, data) = folder();
        drop(claim(&data).expect("claims"));
        let elsewhere = directory.path().join("marker");
        std::fs::rename(data.join(MARKER), &elsewhere).expect("moves");
        std::os::unix::fs::symlink(&elsewhere, data.join(MARKER)).expect("links");
        check_refused(&data, "is a link");
    }

    #[test]
    fn what_was_claimed_in_vain_is_as_it_was() {
        let (directory, data) = folder();
        drop(claim(&data).expect("claims"));
        disclaim(&data, Whose::Absent);
        assert_eq!(everything(directory.path()).len(), 1);
    }
}
