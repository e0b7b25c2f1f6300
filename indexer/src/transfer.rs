//! Moving an index between machines: one archive with the ledger, both engines and the settings.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Component, Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use crate::error::{IndexerError, Result};
use crate::index::now;
use crate::kept::SECOND;
use crate::ledger::{FORMAT, Ledger};
use crate::lexical;
use crate::lock::{LockFile, make_private};

const MANIFEST: &str = "manifest.json";
const SETTINGS: &str = "vade.toml";
/// What an archive holds besides.
const PARTS: [&str; 3] = ["ledger.sqlite3", "text", "lance"];

/// What an archive is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Format of the data directory.
    pub format: i64,
    /// The embedding model its vectors were made with.
    pub embedding: String,
    /// The watched folders.
    pub folders: Vec<PathBuf>,
    /// Documents in the index.
    pub documents: usize,
    /// Conversations.
    pub conversations: usize,
    /// When it was made (milliseconds since 1970).
    pub created: i64,
}

/// A folder and where it lies on this machine.
pub type Moved = (PathBuf, PathBuf);

/// Writes the data directory, and the settings file where there is one, to one archive (`.tar.gz`).
///
/// # Errors
/// A data directory that is in use or cannot be read, or an archive that cannot be written.
pub fn export(data: &Path, settings: Option<&Path>, archive: &Path) -> Result<Manifest> {
    let lock = LockFile::take(data)?;
    let ledger = Ledger::open(data)?;
    if ledger.meta("embedding_next")?.is_some() || ledger.meta("vectors_moved")?.is_some() {
        return Err(transfer(
            archive,
            "the index is being embedded anew: let `vade up` finish, and start it once more",
        ));
    }
    let manifest = Manifest {
        format: FORMAT,
        embedding: ledger.meta("embedding")?.unwrap_or_default(),
        folders: ledger.folders()?,
        documents: ledger.live()?.len(),
        conversations: ledger.conversations()?.len(),
        created: now(),
    };
    ledger.vacuum()?;
    drop(ledger);
    let part = archive.with_extension("part");
    let write = || -> std::io::Result<()> {
        let file = BufWriter::new(File::create(&part)?);
        let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::fast()));
        let bytes = serde_json::to_vec(&manifest)?;
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        tar.append_data(&mut header, MANIFEST, bytes.as_slice())?;
        for name in PARTS {
            let path = data.join(name);
            if path.is_dir() {
                tar.append_dir_all(name, path)?;
            } else if path.is_file() {
                tar.append_path_with_name(path, name)?;
            }
        }
        if let Some(settings) = settings.filter(|settings| settings.is_file()) {
            tar.append_path_with_name(settings, SETTINGS)?;
        }
        tar.into_inner()?.finish()?.into_inner()?.sync_all()?;
        std::fs::rename(&part, archive)
    };
    let written = write().map_err(|source| IndexerError::Io {
        path: archive.to_owned(),
        source,
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    drop(lock);
    written.map(|()| manifest)
}

/// Makes a data directory of an archive. `moved` says where folders lie on this machine; what lies in
/// them is read again, and keeps its vectors. Gives the settings the archive holds, too.
///
/// # Errors
/// A data directory that holds an index already, or an archive that is none, is damaged or of another
/// format.
pub fn import(archive: &Path, data: &Path, moved: &[Moved]) -> Result<(Manifest, Option<String>)> {
    make_private(data)?;
    let _lock = LockFile::take(data)?;
    if data.join(PARTS[0]).exists() {
        return Err(transfer(
            data,
            "it holds an index already: name another --data-dir",
        ));
    }
    let arriving = data.join("importing");
    let _ = std::fs::remove_dir_all(&arriving);
    let imported = unpack(archive, &arriving).and_then(|()| {
        let manifest = check(archive, &arriving)?;
        relocate(&arriving, &manifest, moved, archive)?;
        let settings = std::fs::read_to_string(arriving.join(SETTINGS)).ok();
        // The ledger comes last: without it there is no index.
        for name in PARTS.iter().rev() {
            let from = arriving.join(name);
            if from.exists() {
                std::fs::rename(from, data.join(name)).map_err(|source| IndexerError::Io {
                    path: data.join(name),
                    source,
                })?;
            }
        }
        Ok((manifest, settings))
    });
    let _ = std::fs::remove_dir_all(&arriving);
    imported
}

fn transfer(path: &Path, reason: impl Into<String>) -> IndexerError {
    IndexerError::Transfer {
        path: path.to_owned(),
        reason: reason.into(),
    }
}

/// Unpacks what belongs into an archive, and refuses everything else.
fn unpack(archive: &Path, to: &Path) -> Result<()> {
    let read = || -> std::io::Result<()> {
        std::fs::create_dir_all(to)?;
        let mut tar = tar::Archive::new(GzDecoder::new(BufReader::new(File::open(archive)?)));
        for entry in tar.entries()? {
            let mut entry = entry?;
            let path = entry.path()?.into_owned();
            let kind = entry.header().entry_type();
            if !belongs(&path) || !(kind.is_file() || kind.is_dir()) || !entry.unpack_in(to)? {
                return Err(std::io::Error::other(format!(
                    "it holds {}, which does not belong there",
                    path.display()
                )));
            }
        }
        // The checksum comes after everything else.
        std::io::copy(&mut tar.into_inner(), &mut std::io::sink())?;
        Ok(())
    };
    read().map_err(|error| no_archive(archive, &error))
}

/// Whether an archive may hold this.
fn belongs(path: &Path) -> bool {
    let Some(Component::Normal(first)) = path.components().next() else {
        return false;
    };
    let mut names = PARTS.iter().chain(&[MANIFEST, SETTINGS]);
    names.any(|name| first == *name)
}

fn check(archive: &Path, arriving: &Path) -> Result<Manifest> {
    let read = || -> std::io::Result<Manifest> {
        let text = std::fs::read(arriving.join(MANIFEST))?;
        std::fs::metadata(arriving.join(PARTS[0]))?;
        Ok(serde_json::from_slice(&text)?)
    };
    let manifest = read().map_err(|error| no_archive(archive, &error))?;
    if manifest.format > FORMAT {
        let found = manifest.format;
        let reason =
            format!("it has format {found}, this vade knows {FORMAT}: import it with a newer vade");
        return Err(transfer(archive, reason));
    }
    Ok(manifest)
}

fn no_archive(archive: &Path, error: &std::io::Error) -> IndexerError {
    transfer(archive, format!("not an archive of `vade export`: {error}"))
}

fn relocate(arriving: &Path, manifest: &Manifest, moved: &[Moved], archive: &Path) -> Result<()> {
    // Only the ledger counts: its second copy is made anew, here.
    for part in ["", "-wal", "-shm"] {
        let name = format!("{SECOND}{part}");
        let _ = std::fs::remove_file(lexical::directory(arriving).join(name));
    }
    let ledger = Ledger::open(arriving)?;
    for (from, to) in moved {
        if !manifest.folders.contains(from) {
            let folders: Vec<_> = manifest
                .folders
                .iter()
                .map(|one| one.display().to_string())
                .collect();
            return Err(transfer(
                archive,
                format!(
                    "{} is none of its folders: {}",
                    from.display(),
                    folders.join(", ")
                ),
            ));
        }
        ledger.relocate(from, to)?;
    }
    // Its log belongs to where it lies now.
    ledger.vacuum()
}

/// Replaces whole strings, which are names of documents, in the details of messages (JSON).
pub(crate) fn rename_documents(detail: &str, renamed: &HashMap<String, String>) -> String {
    let parts = detail.split('"');
    let changed = parts.map(|part| renamed.get(part).map_or(part, String::as_str));
    changed.collect::<Vec<_>>().join("\"")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn only_what_belongs_is_unpacked() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let archive = directory.path().join("a.tar.gz");
        for name in ["../escape", "/absolute", "elsewhere", "text/../../escape"] {
            let file = File::create(&archive).expect("creates");
            let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::fast()));
            let mut header = tar::Header::new_gnu();
            header.set_size(1);
            header.as_gnu_mut().expect("GNU").name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            tar.append(&header, &b"x"[..]).expect("appends");
            tar.into_inner()
                .expect("ends")
                .finish()
                .expect("ends")
                .flush()
                .expect("writes");
            let data = directory.path().join("data");
            let error = import(&archive, &data, &[])
                .expect_err("refused")
                .to_string();
            assert!(
                error.contains("not an archive of `vade export`"),
                "{name}: {error}"
            );
            assert!(!directory.path().join("escape").exists());
        }
    }

    #[test]
    fn documents_are_renamed_where_they_are_named() {
        let old = "0123456789abcdef0123456789abcdef";
        let renamed = HashMap::from([(old.to_owned(), "f".repeat(32))]);
        let text = format!("see {old} and \\\"{old}\\\"");
        let detail = format!("{{\"document\":\"{old}\",\"text\":\"{text}\"}}");
        let new = "f".repeat(32);
        let expected = format!("{{\"document\":\"{new}\",\"text\":\"{text}\"}}");
        assert_eq!(rename_documents(&detail, &renamed), expected);
    }
}
