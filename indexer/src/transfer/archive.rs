//! The archive of `vade export`, read as a stranger's: every name, kind, count and size is checked before
//! anything is written, and only what this program makes is unpacked.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Error, Read, Result};
use std::path::{Component, Path};

use flate2::read::GzDecoder;

use super::{LEDGER, MANIFEST, Manifest, SETTINGS, VECTORS, WORDS};
use crate::own_files::{of_vectors, of_words};

/// Files and folders in an archive, at most.
const ENTRIES: usize = 100_000;
/// Length of a name (bytes), at most.
const NAME: usize = 512;
/// Size of the manifest or the settings (bytes), at most.
const SMALL: u64 = 1 << 20;
/// What tar adds to each file (bytes), at most.
const AROUND: u64 = 1024;
const MIB: u64 = 1 << 20;

/// How much an archive may unpack to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// What the person allows, instead of a share of what it is packed (bytes).
    pub allowed: Option<u64>,
    /// What the disk has (bytes); none where that cannot be told.
    pub free: Option<u64>,
}

/// What an archive says of itself.
pub(super) struct Contents {
    pub manifest: Manifest,
    pub settings: Option<String>,
}

/// Reads a whole archive and writes nothing.
///
/// # Errors
/// Anything in it that an export does not write, too much of it, or a damaged archive.
pub(super) fn check(archive: &Path, room: Room) -> Result<Contents> {
    let (mut manifest, mut settings, mut ledger) = (None, None, false);
    walk(archive, room, |name, is_file, content| {
        match name.to_str() {
            Some(MANIFEST) => manifest = Some(text(content)?),
            Some(SETTINGS) => settings = Some(text(content)?),
            Some(LEDGER) => ledger = is_file,
            _ => {}
        }
        Ok(())
    })?;
    let manifest = manifest.ok_or_else(|| Error::other("it has no manifest.json"))?;
    if !ledger {
        return Err(Error::other("it has no ledger.sqlite3"));
    }
    let manifest = serde_json::from_str(&manifest)?;
    Ok(Contents { manifest, settings })
}

/// Unpacks ledger and engines below `to`, which is empty.
///
/// # Errors
/// As `check`, and what the disk says.
pub(super) fn unpack(archive: &Path, room: Room, to: &Path) -> Result<()> {
    let mut segments = vec!["meta.json".to_owned()];
    std::fs::create_dir(to.join(WORDS))?;
    walk(archive, room, |name, is_file, content| {
        let text = name.to_string_lossy();
        let last = name.file_name().unwrap_or_default().to_string_lossy();
        let wanted = text == LEDGER || name.starts_with(WORDS) || name.starts_with(VECTORS);
        // What the full-text index may delete is listed anew, and locks are nobody's.
        if !is_file || !wanted || name.starts_with(WORDS) && last.starts_with('.') {
            return Ok(());
        }
        if name.starts_with(WORDS) {
            segments.push(last.into_owned());
        }
        let path = to.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = File::options().write(true).create_new(true).open(path)?;
        std::io::copy(content, &mut file)?;
        Ok(())
    })?;
    segments.sort_unstable();
    segments.dedup();
    let listed = to.join(WORDS).join(".managed.json");
    std::fs::write(listed, serde_json::to_vec(&segments)?)
}

fn text(content: &mut dyn Read) -> Result<String> {
    let mut text = String::new();
    content.read_to_string(&mut text)?;
    Ok(text)
}

/// Hands over name, whether it is a file, and content of everything in an archive, once that is known to be in
/// order.
fn walk(
    archive: &Path,
    room: Room,
    mut each: impl FnMut(&Path, bool, &mut dyn Read) -> Result<()>,
) -> Result<()> {
    let found = std::fs::metadata(archive)?;
    if !found.is_file() {
        return Err(Error::other("it is not a file"));
    }
    let most = room.most(found.len());
    let unpacked = GzDecoder::new(BufReader::new(File::open(archive)?));
    // Whatever the names and sizes in it say, no more than this is ever unpacked.
    let unpacked = unpacked.take(most.saturating_add(AROUND * (ENTRIES as u64 + 2)));
    let mut tar = tar::Archive::new(unpacked);
    let (mut names, mut total) = (HashSet::new(), 0_u64);
    // Raw: names that continue elsewhere, links and sparse files are told as what they are.
    for entry in tar.entries()?.raw(true) {
        let mut entry = entry?;
        let name = entry.path()?.into_owned();
        let kind = entry.header().entry_type();
        let size = entry.size();
        let strange = |what: &str| {
            let name = name.to_string_lossy();
            let name: String = name.chars().take(100).collect();
            Error::other(format!("it holds {name:?}, {what}"))
        };
        if !(kind.is_file() || kind.is_dir()) || !belongs(&name, kind.is_file()) {
            return Err(strange("which does not belong there"));
        }
        if kind.is_dir() && size > 0 || is_small(&name) && size > SMALL {
            return Err(strange("which is too large"));
        }
        if !names.insert(name.clone()) {
            return Err(strange("and holds it twice"));
        }
        if names.len() > ENTRIES {
            return Err(Error::other(format!("it holds more than {ENTRIES} files")));
        }
        total = total.saturating_add(size);
        if total > most {
            return Err(room.too_much(most));
        }
        each(&name, kind.is_file(), &mut entry)?;
    }
    // The checksum comes after everything else.
    let mut rest = tar.into_inner();
    std::io::copy(&mut rest, &mut std::io::sink())?;
    if rest.limit() == 0 {
        return Err(room.too_much(most));
    }
    Ok(())
}

impl Room {
    /// What an archive of this size may unpack to (bytes).
    fn most(self, packed: u64) -> u64 {
        // Vectors hardly shrink, and words are packed already.
        let share = packed.saturating_mul(20).saturating_add(64 * MIB);
        let most = self.allowed.unwrap_or(share);
        self.free
            .map_or(most, |free| most.min(free.saturating_sub(64 * MIB)))
    }

    fn too_much(self, most: u64) -> Error {
        let mib = most / MIB;
        if self
            .free
            .is_some_and(|free| free.saturating_sub(64 * MIB) <= most)
        {
            return Error::other(format!(
                "it unpacks to more than the {mib} MiB that are free on the disk"
            ));
        }
        Error::other(format!(
            "it unpacks to more than {mib} MiB, far more than it is; if you know where it comes from, allow more \
             with --max-unpacked MIB"
        ))
    }
}

/// Whether an archive may hold this.
fn belongs(name: &Path, is_file: bool) -> bool {
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    if name.as_os_str().len() > NAME || !name.components().all(plain) {
        return false;
    }
    let below = |folder: &str| name.strip_prefix(folder).ok();
    match (below(WORDS), below(VECTORS)) {
        (Some(rest), _) | (_, Some(rest)) if rest.as_os_str().is_empty() => !is_file,
        (Some(rest), _) => is_file && of_words(rest),
        (_, Some(rest)) => of_vectors(rest),
        _ => is_file && (name == Path::new(LEDGER) || is_small(name)),
    }
}

fn is_small(name: &Path) -> bool {
    name == Path::new(MANIFEST) || name == Path::new(SETTINGS)
}
