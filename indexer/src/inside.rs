//! Opening what lies in a folder, and nothing else.
//!
//! Between the look that found a file and the moment it is read, any folder on the way may have become a
//! link to somewhere else. So the way is walked step by step, and no step follows a link. Knows nothing of
//! what is read.

use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::path::{Component, Path};

/// Opens the file at `path` for reading, if the way to it from `folder` goes through no link. The folder
/// itself may lie behind links: it was named by a person.
///
/// # Errors
/// Also where something on the way is a link: `NotADirectory` for a folder.
pub fn open_inside(folder: &Path, path: &Path) -> Result<File> {
    let outside = || Error::new(ErrorKind::NotFound, "it does not lie in its folder");
    let mut names = Vec::new();
    for part in path.strip_prefix(folder).map_err(|_| outside())? {
        match Path::new(part).components().next() {
            Some(Component::Normal(name)) => names.push(name),
            _ => return Err(outside()),
        }
    }
    let (name, folders) = names.split_last().ok_or_else(outside)?;
    step::by_step(folder, folders, name)
}

#[cfg(unix)]
#[expect(unsafe_code, reason = "the standard library opens by whole paths only")]
mod step {
    use std::ffi::{CString, OsStr};
    use std::fs::File;
    use std::io::{Error, Result};
    use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    /// A folder that is only passed need not be readable.
    #[cfg(target_os = "linux")]
    const PASS: libc::c_int = libc::O_PATH | libc::O_DIRECTORY;
    #[cfg(not(target_os = "linux"))]
    const PASS: libc::c_int = libc::O_RDONLY | libc::O_DIRECTORY;

    /// A pipe that took a file's place must not hold anybody up, nor a terminal become this process's own.
    const READ: libc::c_int = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY;

    pub(super) fn by_step(folder: &Path, folders: &[&OsStr], name: &OsStr) -> Result<File> {
        let mut at = OwnedFd::from(File::open(folder)?);
        for folder in folders {
            at = open(at.as_fd(), folder, PASS)?;
        }
        open(at.as_fd(), name, READ).map(File::from)
    }

    fn open(at: BorrowedFd, name: &OsStr, flags: libc::c_int) -> Result<OwnedFd> {
        let name = CString::new(name.as_bytes())?;
        let flags = flags | libc::O_NOFOLLOW | libc::O_CLOEXEC;
        // SAFETY: `name` ends with a zero byte and outlives the call.
        let opened = unsafe { libc::openat(at.as_raw_fd(), name.as_ptr(), flags) };
        if opened < 0 {
            return Err(Error::last_os_error());
        }
        // SAFETY: the descriptor was just opened, and nobody else has it.
        Ok(unsafe { OwnedFd::from_raw_fd(opened) })
    }
}

#[cfg(not(unix))]
mod step {
    use std::ffi::OsStr;
    use std::fs::File;
    use std::io::{Error, ErrorKind, Result};
    use std::path::Path;

    pub(super) fn by_step(folder: &Path, folders: &[&OsStr], name: &OsStr) -> Result<File> {
        let mut path = folder.to_owned();
        for name in folders.iter().chain([&name]) {
            path.push(name);
            if path.symlink_metadata()?.is_symlink() {
                return Err(Error::new(ErrorKind::NotADirectory, "a link"));
            }
        }
        File::open(path)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn nothing_behind_a_link_is_opened() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = directory.path().join("root");
        std::fs::create_dir_all(root.join("a/b")).expect("folders");
        std::fs::write(root.join("a/b/c.md"), "inside").expect("writes");
        let outside = directory.path().join("outside");
        std::fs::create_dir_all(outside.join("b")).expect("folders");
        std::fs::write(outside.join("b/c.md"), "outside").expect("writes");
        symlink(&outside, root.join("folder")).expect("a link");
        symlink(outside.join("b/c.md"), root.join("file.md")).expect("a link");
        symlink(&root, directory.path().join("link")).expect("a link");

        let read = |path: &Path| {
            let mut text = String::new();
            open_inside(&root, path)?.read_to_string(&mut text)?;
            Ok::<_, Error>(text)
        };
        assert_eq!(read(&root.join("a/b/c.md")).expect("reads"), "inside");
        for path in [
            "folder/b/c.md",
            "file.md",
            "a/../../outside/b/c.md",
            "",
            "a/none",
        ] {
            assert!(read(&root.join(path)).is_err(), "{path}");
        }
        assert!(read(&outside.join("b/c.md")).is_err());
        // A folder that a person named by a link.
        let link = directory.path().join("link");
        assert!(open_inside(&link, &link.join("a/b/c.md")).is_ok());
    }
}
