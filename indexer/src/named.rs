//! Paths as people write them, made the ones that the ledger knows.
//!
//! Everything that names a file or folder from outside comes through here: one way to write a path must not
//! mean something else than another.

use std::path::{Component, Path, PathBuf};

use crate::error::{IndexerError, Result};

/// An absolute path without doubled or trailing slashes, `.` and `..`. Where it goes through `..`, the folders
/// before that are followed through links, as the system would.
///
/// # Errors
/// A path that is empty, relative, or none at all.
pub(crate) fn plain(path: &Path) -> Result<PathBuf> {
    let refuse = |reason: &str| IndexerError::Path {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    if path.as_os_str().is_empty() {
        return Err(refuse("it is empty: name a file or folder"));
    }
    if !path.is_absolute() {
        return Err(refuse(
            "it is relative: name it from the root, as /home/me/notes",
        ));
    }
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(refuse("it has a zero byte in it"));
    }
    let mut at = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                at = std::fs::canonicalize(&at).unwrap_or(at);
                at.pop();
            }
            Component::CurDir => {}
            part => at.push(part),
        }
    }
    Ok(at)
}

/// The path with links in the folders it lies in resolved, where that is another one. Folders that are not there
/// stay as they are.
pub(crate) fn without_links(path: &Path) -> Option<PathBuf> {
    let mut missing = vec![path.file_name()?];
    let mut folder = path.parent()?;
    let mut real = loop {
        if let Ok(real) = std::fs::canonicalize(folder) {
            break real;
        }
        missing.push(folder.file_name()?);
        folder = folder.parent()?;
    };
    real.extend(missing.iter().rev());
    (real != path).then_some(real)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Option<&str>) {
        let plain = plain(Path::new(path)).ok();
        assert_eq!(plain.as_deref(), expected.map(Path::new), "{path:?}");
    }

    #[test]
    fn every_way_to_write_a_path_is_the_same_path() {
        for path in [
            "/none/a/b",
            "/none/a/b/",
            "/none/a/b//",
            "//none//a///b",
            "/none/./a/b/.",
            "/none/a/c/../b",
            "/none/a/b/c/../",
            "/../none/a/b",
        ] {
            check(path, Some("/none/a/b"));
        }
        check("/", Some("/"));
        check("/..", Some("/"));
        check("///", Some("/"));
        for path in ["", ".", "..", "a/b", "./a", "~/a", "/a\0b"] {
            check(path, None);
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_in_folders_and_not_in_the_last_name() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = std::fs::canonicalize(directory.path()).expect("it is there");
        std::fs::create_dir_all(root.join("real/inner")).expect("a folder");
        std::os::unix::fs::symlink(root.join("real/inner"), root.join("link")).expect("a link");
        let resolved = |path: &str| without_links(&root.join(path));
        assert_eq!(resolved("link/a.md"), Some(root.join("real/inner/a.md")));
        assert_eq!(
            resolved("link/gone/a.md"),
            Some(root.join("real/inner/gone/a.md"))
        );
        assert_eq!(resolved("link"), None);
        let up = plain(&root.join("link/../b.md")).expect("a path");
        assert_eq!(up, root.join("real/b.md"));
    }
}
