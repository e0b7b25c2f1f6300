//! Moving an index between machines: one archive with the ledger, both engines and the settings.
//!
//! An archive may come from anybody. `archive` unpacks it, `rows` reads its ledger, and both check first; what it
//! names is offered to the person, and not taken.

mod archive;
mod rows;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use self::archive::{Contents, Room};
use self::rows::{Arrived, is_plain};
use crate::claim::{MARKER, Whose, claim, disclaim, enter, whose};
use crate::error::{IndexerError, Result};
use crate::index::now;
use crate::kept::LEDGER;
use crate::ledger::{DocumentId, FORMAT, Ledger};
use crate::lexical::Lexical;
use crate::own_files::{of_vectors, of_words};
use crate::vectors::Vectors;

const MANIFEST: &str = "manifest.json";
const SETTINGS: &str = "vade.toml";
/// The directory of the full-text index,
const WORDS: &str = "text";
/// and that of the vector store.
const VECTORS: &str = "lance";

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
    let lock = enter(data)?;
    let ledger = Ledger::open(data)?;
    if ledger.meta("embedding_next")?.is_some() || ledger.meta("vectors_moved")?.is_some() {
        return Err(transfer(
            archive,
            "the index is being embedded anew: let `vade up` finish, and start it once more",
        ));
    }
    let any = Room {
        allowed: Some(u64::MAX),
        free: None,
    };
    if archive.exists() && archive::check(archive, any).is_err() {
        return Err(transfer(
            archive,
            "this file is there and no archive of `vade export`: name another",
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
    let mut part = archive.as_os_str().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(part);
    let file = File::options().write(true).create_new(true).open(&part);
    let file = file.map_err(at(archive))?;
    let written = write(file, &manifest, data, settings)
        .and_then(|()| std::fs::rename(&part, archive))
        .map_err(at(archive));
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    drop(lock);
    written.map(|()| manifest)
}

fn write(
    file: File,
    manifest: &Manifest,
    data: &Path,
    settings: Option<&Path>,
) -> std::io::Result<()> {
    let mut tar = tar::Builder::new(GzEncoder::new(BufWriter::new(file), Compression::fast()));
    let bytes = serde_json::to_vec(manifest)?;
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o600);
    tar.append_data(&mut header, MANIFEST, bytes.as_slice())?;
    tar.append_path_with_name(data.join(LEDGER), LEDGER)?;
    append(&mut tar, &data.join(WORDS), WORDS, of_words)?;
    append(&mut tar, &data.join(VECTORS), VECTORS, of_vectors)?;
    if let Some(settings) = settings.filter(|settings| settings.is_file()) {
        tar.append_path_with_name(settings, SETTINGS)?;
    }
    tar.into_inner()?.finish()?.into_inner()?.sync_all()
}

/// Adds what is `known` in a directory, under a name.
fn append(
    tar: &mut tar::Builder<impl Write>,
    directory: &Path,
    name: &str,
    known: fn(&Path) -> bool,
) -> std::io::Result<()> {
    let mut left = vec![PathBuf::new()];
    while let Some(below) = left.pop() {
        let Ok(entries) = std::fs::read_dir(directory.join(&below)) else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            let below = below.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() && known(&below) {
                left.push(below);
            } else if kind.is_file() && known(&below) {
                tar.append_path_with_name(entry.path(), Path::new(name).join(below))?;
            }
        }
    }
    Ok(())
}

/// What an import is told.
#[derive(Debug, Clone, Default)]
pub struct Import {
    /// The archive.
    pub archive: PathBuf,
    /// The data directory it becomes.
    pub data: PathBuf,
    /// Folders of the program's own, in which nothing is watched.
    pub own: Vec<PathBuf>,
    /// What it may unpack to (bytes); none leaves that to what it is packed.
    pub most: Option<u64>,
}

/// A folder that an archive names, and how many documents it says are in it.
pub type Named = (PathBuf, usize);

/// What an import gave.
#[derive(Debug)]
pub struct Imported {
    /// The archive's own word, with what came of it in its figures.
    pub manifest: Manifest,
    /// The settings that it holds, which were not taken.
    pub settings: Option<String>,
    /// Folders that are watched now.
    pub taken: Vec<Moved>,
    /// Folders of the archive that are not.
    pub not_taken: Vec<Named>,
    /// Rows of its ledger that are not as this program writes them.
    pub left_out: usize,
}

/// Makes a data directory of an archive, which may be a stranger's. Of the folders that it names only those that
/// `choose` gives are watched here, at the places it gives; what lies at another place than before is read again,
/// and keeps its vectors. Nothing of other folders is kept but the conversations.
///
/// # Errors
/// A data directory that is somebody else's or holds an index already; an archive that is none, is damaged, of
/// another format, or holds what an export does not write. Nothing of it remains then.
pub async fn import(
    options: &Import,
    choose: impl FnOnce(&[Named]) -> std::result::Result<Vec<Moved>, String>,
) -> Result<Imported> {
    let Import { archive, data, .. } = options;
    let before = whose(data)?;
    if before == Whose::Ours && data.join(LEDGER).exists() {
        // One that runs is told first.
        drop(claim(data)?);
        return Err(transfer(
            data,
            "it holds an index already: name another --data-dir",
        ));
    }
    let room = Room {
        allowed: options.most,
        free: free_bytes(data),
    };
    let contents = archive::check(archive, room).map_err(|error| no_archive(archive, &error))?;
    if contents.manifest.format > FORMAT {
        return Err(transfer(archive, too_new(contents.manifest.format)));
    }
    let lock = claim(data)?;
    let imported = arrive(options, room, contents, choose).await;
    if imported.is_err() {
        disclaim(data, before);
    }
    drop(lock);
    imported
}

/// Unpacks, checks and moves into place what an archive holds; the data directory is ours.
async fn arrive(
    options: &Import,
    room: Room,
    contents: Contents,
    choose: impl FnOnce(&[Named]) -> std::result::Result<Vec<Moved>, String>,
) -> Result<Imported> {
    let arriving = Arriving::new(&options.data)?;
    let archive = &options.archive;
    let packed = arriving.0.join("packed");
    std::fs::create_dir(&packed).map_err(at(&packed))?;
    archive::unpack(archive, room, &packed).map_err(|error| no_archive(archive, &error))?;

    let ledger = Ledger::open(&arriving.0)?;
    let refused = |reason: String| transfer(archive, reason);
    let arrived = Arrived::open(&packed.join(LEDGER), &ledger).map_err(refused)?;
    let taken = choose(&arrived.folders).map_err(refused)?;
    check_taken(options, &arrived.folders, &taken).map_err(refused)?;
    let rebuilt = arrived.copy(&ledger, &taken)?;
    drop_strays(&packed, &ledger, &rebuilt.strays).await?;
    if ledger.meta("embedding")?.is_none() {
        // Without a word of it, documents would be taken for those of a new index.
        ledger.set_meta("embedding", "imported")?;
    }
    // Its log belongs to where it lies now.
    ledger.vacuum()?;
    drop(ledger);

    let moves = [
        (packed.join(VECTORS), VECTORS),
        (packed.join(WORDS), WORDS),
        // The ledger comes last: without it there is no index.
        (arriving.0.join(LEDGER), LEDGER),
    ];
    for (from, name) in moves {
        let to = options.data.join(name);
        if from.exists() {
            std::fs::rename(from, &to).map_err(at(&to))?;
        }
    }
    let not_taken = |named: &&Named| taken.iter().all(|(old, _)| *old != named.0);
    let not_taken = arrived.folders.iter().filter(not_taken).cloned().collect();
    Ok(Imported {
        manifest: Manifest {
            folders: arrived
                .folders
                .iter()
                .map(|named| named.0.clone())
                .collect(),
            documents: rebuilt.documents,
            conversations: rebuilt.conversations,
            ..contents.manifest
        },
        settings: contents.settings,
        taken,
        not_taken,
        left_out: rebuilt.left_out,
    })
}

/// A folder in the data directory in which an archive is unpacked; it goes with this value.
struct Arriving(PathBuf);

impl Arriving {
    fn new(data: &Path) -> Result<Self> {
        let path = data.join("importing");
        // One that was ended in the middle leaves it, with our marker in it.
        if path.join(MARKER).is_file() {
            std::fs::remove_dir_all(&path).map_err(at(&path))?;
        }
        std::fs::create_dir(&path).map_err(at(&path))?;
        let arriving = Self(path);
        let marker = arriving.0.join(MARKER);
        std::fs::write(&marker, "An archive is unpacked here.\n").map_err(at(&marker))?;
        Ok(arriving)
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "what an archive left cannot be removed");
        }
    }
}

/// Whether the folders can be watched together, where they are said to lie.
fn check_taken(
    options: &Import,
    named: &[Named],
    taken: &[Moved],
) -> std::result::Result<(), String> {
    for (place, (old, new)) in taken.iter().enumerate() {
        let shown = new.display();
        if !named.iter().any(|(folder, _)| folder == old) {
            return Err(none_of(&old.to_string_lossy(), named));
        }
        if !is_plain(new) || new.to_str().is_none() {
            return Err(format!(
                "{shown} cannot be watched: name a folder by its whole path"
            ));
        }
        if std::fs::canonicalize(new).is_ok_and(|real| real != *new) {
            let real = std::fs::canonicalize(new).unwrap_or_default();
            return Err(format!(
                "{shown} is a link here: add `--folder {}={}`",
                old.display(),
                real.display()
            ));
        }
        let mut own = options.own.iter().chain([&options.data]);
        if own.any(|own| new.starts_with(own)) {
            return Err(format!(
                "{shown} cannot be watched: it belongs to vade itself"
            ));
        }
        for (_, other) in &taken[..place] {
            if new.starts_with(other) || other.starts_with(new) {
                let other = other.display();
                return Err(format!(
                    "{shown} and {other} lie in each other: take one of them"
                ));
            }
        }
    }
    Ok(())
}

/// What `--folder` says: a folder of the archive, and where it lies here if that is another place.
///
/// # Errors
/// A folder that the archive does not name.
pub fn chosen(
    pair: &str,
    named: &[Named],
) -> std::result::Result<(PathBuf, Option<PathBuf>), String> {
    let known = |old: &str| named.iter().any(|(folder, _)| folder == Path::new(old));
    if known(pair) {
        return Ok((pair.into(), None));
    }
    // Names may hold the sign themselves.
    let mut pairs = pair
        .rmatch_indices('=')
        .map(|(at, _)| (&pair[..at], &pair[at + 1..]));
    match pairs.find(|(old, _)| known(old)) {
        Some((old, new)) => Ok((old.into(), Some(new.into()))),
        None => Err(none_of(pair.split('=').next().unwrap_or(pair), named)),
    }
}

fn none_of(folder: &str, named: &[Named]) -> String {
    let named: Vec<_> = named
        .iter()
        .map(|(one, _)| one.display().to_string())
        .collect();
    format!("{folder} is none of its folders: {}", named.join(", "))
}

/// Removes documents whose rows did not come along from both engines, with their texts.
async fn drop_strays(packed: &Path, ledger: &Ledger, strays: &[DocumentId]) -> Result<()> {
    if strays.is_empty() {
        return Ok(());
    }
    let (words, _) = Lexical::open(&packed.join(WORDS))?;
    let agreed = ledger.meta("lexical")?.unwrap_or_default() == words.marker()?;
    for strays in strays.chunks(1000) {
        words.commit(strays, &[], &words.marker()?)?;
    }
    words.purge()?;
    if !agreed {
        ledger.set_meta("lexical", "imported")?;
    }
    if let Some(vectors) = Vectors::open_as_it_is(&packed.join(VECTORS)).await {
        let agreed = ledger.meta("vectors")?.unwrap_or_default() == vectors.marker().await?;
        for strays in strays.chunks(1000) {
            vectors.delete(strays).await?;
        }
        let marker = vectors.purge().await?;
        let marker = if agreed {
            marker
        } else {
            "imported".to_owned()
        };
        ledger.set_meta("vectors", &marker)?;
    }
    Ok(())
}

/// What the disk has that a directory is, or will be, on (bytes).
fn free_bytes(data: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let there = data.ancestors().find(|path| path.exists())?;
        let disk = rustix::fs::statvfs(there).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = data;
        None
    }
}

fn transfer(path: &Path, reason: impl Into<String>) -> IndexerError {
    IndexerError::Transfer {
        path: path.to_owned(),
        reason: reason.into(),
    }
}

fn no_archive(archive: &Path, error: &std::io::Error) -> IndexerError {
    transfer(archive, format!("not an archive of `vade export`: {error}"))
}

fn too_new(format: i64) -> String {
    format!("it has format {format}, this vade knows {FORMAT}: import it with a newer vade")
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> IndexerError + use<> {
    let path = path.to_owned();
    move |source| IndexerError::Io { path, source }
}

/// Replaces whole strings, which are names of documents, in the details of messages (JSON).
fn rename_documents(detail: &str, renamed: &HashMap<String, String>) -> String {
    let parts = detail.split('"');
    let changed = parts.map(|part| renamed.get(part).map_or(part, String::as_str));
    changed.collect::<Vec<_>>().join("\"")
}

#[cfg(test)]
mod tests;
