//! Which files of the two engines this program makes, by their names, so that nothing else is ever removed
//! with them, and nothing else comes with an archive.

use std::ffi::OsStr;
use std::path::{Component, Path};

use crate::kept::SECOND;

/// The table of the vector store.
const TABLE: &str = "chunks.lance";
/// Its folders.
const TABLE_FOLDERS: [&str; 7] = [
    "_versions",
    "_transactions",
    "_deletions",
    "_indices",
    "_refs",
    "_fri",
    "data",
];
/// What files in these are called.
const TABLE_FILES: [&str; 7] = ["manifest", "txn", "lance", "arrow", "bin", "idx", "json"];
/// Folders below each other in the vector store, at most.
const DEPTH: usize = 6;

/// The lock files of the full-text index.
pub(crate) const LOCKS: [&str; 2] = [".tantivy-writer.lock", ".tantivy-meta.lock"];

/// Whether the full-text index may hold this (a path below its directory).
pub(crate) fn of_words(path: &Path) -> bool {
    let mut names = path.components();
    let (Some(Component::Normal(name)), None) = (names.next(), names.next()) else {
        return false;
    };
    let Some(name) = name.to_str() else {
        return false;
    };
    let segment = || {
        let id = name.split('.').next().unwrap_or_default();
        id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) && name.len() > 33
    };
    ["meta.json", ".managed.json"].contains(&name)
        || LOCKS.contains(&name)
        || segment()
        || is_begun(name)
}

/// Whether this is the second copy of what the ledger holds, which lies beside the full-text index.
fn is_kept(path: &Path) -> bool {
    path.as_os_str()
        .as_encoded_bytes()
        .starts_with(SECOND.as_bytes())
}

/// Whether the vector store may hold this (a path below its directory).
pub(crate) fn of_vectors(path: &Path) -> bool {
    let names: Option<Vec<&str>> = path.components().map(plain).collect();
    match names.as_deref() {
        Some([TABLE]) => true,
        Some([TABLE, folder]) => TABLE_FOLDERS.contains(folder),
        Some([TABLE, folder, rest @ .., name]) => {
            let extension = Path::new(name).extension().and_then(OsStr::to_str);
            let is_file = extension.is_some_and(|extension| TABLE_FILES.contains(&extension));
            TABLE_FOLDERS.contains(folder)
                && rest.len() < DEPTH
                && rest.iter().all(|folder| is_uuid(folder))
                && (is_file || is_uuid(name) || is_begun(name))
        }
        _ => false,
    }
}

fn plain(component: Component<'_>) -> Option<&str> {
    match component {
        Component::Normal(name) => name.to_str(),
        _ => None,
    }
}

fn is_uuid(name: &str) -> bool {
    name.len() == 36
        && name
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// Whether a file was being written when the process ended.
fn is_begun(name: &str) -> bool {
    let number = |end: &str| !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit());
    name.starts_with(".tmp") || name.rsplit_once('#').is_some_and(|(_, end)| number(end))
}

/// Removes from `directory` what `known` (asked with paths below it) says is ours, and then the directory if
/// nothing else is in it. Links are not followed.
///
/// # Errors
/// What the system says; a directory that is not there is none.
pub(crate) fn remove(directory: &Path, known: fn(&Path) -> bool) -> std::io::Result<()> {
    match remove_below(directory, Path::new(""), known) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => {
            // Something may be left, or it may be a link to another disk.
            let _ = std::fs::remove_dir(directory);
            Ok(())
        }
    }
}

fn remove_below(root: &Path, below: &Path, known: fn(&Path) -> bool) -> std::io::Result<()> {
    for entry in std::fs::read_dir(root.join(below))? {
        let entry = entry?;
        let (path, below) = (entry.path(), below.join(entry.file_name()));
        if is_kept(&below) {
            continue;
        }
        if !known(&below) {
            tracing::warn!(path = %path.display(), "this is none of vade's files: it is left alone");
        } else if entry.file_type()?.is_dir() {
            remove_below(root, &below, known)?;
            let _ = std::fs::remove_dir(path);
        } else {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_is_ours() {
        let id = "0123456789abcdef0123456789abcdef";
        let uuid = "01234567-89ab-cdef-0123-456789abcdef";
        let ours = [
            "meta.json",
            ".managed.json",
            &format!("{id}.idx"),
            &format!("{id}.12.del"),
        ];
        for name in ours {
            assert!(of_words(Path::new(name)), "{name}");
        }
        for name in [
            "novel.txt",
            "a/meta.json",
            "../meta.json",
            "/meta.json",
            "",
            id,
            "0.idx",
        ] {
            assert!(!of_words(Path::new(name)), "{name}");
        }
        let ours = [
            "chunks.lance".to_owned(),
            "chunks.lance/data".to_owned(),
            format!("chunks.lance/data/{id}.lance"),
            "chunks.lance/_versions/18446744073709551614.manifest".to_owned(),
            format!("chunks.lance/_indices/{uuid}"),
            format!("chunks.lance/_indices/{uuid}/auxiliary.idx"),
        ];
        for name in &ours {
            assert!(of_vectors(Path::new(name)), "{name}");
        }
        for name in [
            "notes.lance/horse.txt",
            "chunks.lance/mine.txt",
            "chunks.lance/data/mine.txt",
            "chunks.lance/mine/a.lance",
            "chunks.lance/data/mine/a.lance",
            "chunks.lance/data/../a.lance",
        ] {
            assert!(!of_vectors(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn what_is_not_ours_is_left() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let text = directory.path().join("text");
        std::fs::create_dir_all(text.join("mine")).expect("makes");
        std::fs::create_dir(text.join("meta.json")).expect("makes");
        for name in [
            "novel.txt",
            "mine/a.txt",
            ".managed.json",
            "0123456789abcdef0123456789abcdef.idx",
        ] {
            std::fs::write(text.join(name), "x").expect("writes");
        }
        remove(&text, of_words).expect("removes");
        let left = std::fs::read_dir(&text).expect("lists");
        let mut left: Vec<_> = left
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["mine", "novel.txt"]);
        std::fs::remove_dir_all(text.join("mine")).expect("removes");
        std::fs::remove_file(text.join("novel.txt")).expect("removes");
        remove(&text, of_words).expect("removes");
        assert!(!text.exists());
        remove(&text, of_words).expect("there is nothing to remove");
    }
}
