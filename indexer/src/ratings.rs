//! The file `ratings.toml` of the data directory: answers that a person marked as right or wrong, as a case file.
//!
//! What an entry says is the retriever's business; here it is a paragraph of text that names the documents it rests
//! on. A person may edit the file: whatever is in it stays as it is, but for paragraphs that are to go.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::claim::open_plain;
use crate::error::{IndexerError, Result};
use crate::index::{Index, Inner, lock};
use crate::ledger::{in_json, within_json};

/// The file's name.
const NAME: &str = "ratings.toml";
/// What it is written as before it takes its place.
const PART: &str = "ratings.toml.part";

impl Index {
    /// Where ratings are kept.
    #[must_use]
    pub fn ratings_file(&self) -> PathBuf {
        self.inner.data.join(NAME)
    }

    /// Changes the text of the ratings, which is empty where there are none yet. What `change` reads meanwhile is not
    /// being forgotten: whatever it writes, forgetting finds.
    ///
    /// # Errors
    /// What `change` says, or a file that cannot be read or written; it is left as it was then.
    pub fn change_ratings<E: From<IndexerError>>(
        &self,
        change: impl FnOnce(&str) -> std::result::Result<String, E>,
    ) -> std::result::Result<(), E> {
        let _changing = lock(&self.inner.ratings);
        let text = read(&self.inner.data)?;
        let changed = change(&text)?;
        write(&self.inner.data, &changed)?;
        Ok(())
    }
}

impl Inner {
    /// Removes the ratings that name one of these files, or one in a folder among them, or that repeat one of these
    /// pieces of their text; gives how many.
    pub(crate) fn forget_ratings(&self, paths: &[PathBuf], pieces: &[String]) -> Result<usize> {
        let _changing = lock(&self.ratings);
        // What is no text any more may still hold some of it; what is no file is not ours.
        let Ok(bytes) = read_bytes(&self.data) else {
            return Ok(0);
        };
        let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
        let names = paths.iter().flat_map(|path| {
            let path = in_json(path);
            [format!("\"{path}\""), format!("\"{path}/")]
        });
        let pieces = pieces
            .iter()
            .flat_map(|piece| [piece.clone(), within_json(piece)]);
        let wanted: Vec<String> = names.chain(pieces).collect();
        let holds = |paragraph: &str| wanted.iter().any(|one| paragraph.contains(one.as_str()));
        let gone = text.split(BETWEEN).filter(|one| holds(one)).count();
        if gone > 0 {
            write(&self.data, &without_paragraphs(&text, holds))?;
        }
        Ok(gone)
    }
}

/// What stands between paragraphs.
const BETWEEN: &str = "\n\n";

/// A text without those of its paragraphs that are to go; the others stay as they are.
#[must_use]
pub fn without_paragraphs(text: &str, is_gone: impl Fn(&str) -> bool) -> String {
    let kept: Vec<&str> = text.split(BETWEEN).filter(|one| !is_gone(one)).collect();
    kept.join(BETWEEN)
}

fn read(data: &Path) -> Result<String> {
    let failed = |source| IndexerError::Io {
        path: data.join(NAME),
        source,
    };
    match read_bytes(data) {
        Ok(bytes) => {
            let text = String::from_utf8(bytes).map_err(std::io::Error::other);
            Ok(text.map_err(failed)?.replace("\r\n", "\n"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(failed(error)),
    }
}

fn read_bytes(data: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_plain(&data.join(NAME))?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes beside, then in place: there is always a whole one.
fn write(data: &Path, text: &str) -> Result<()> {
    let (path, part) = (data.join(NAME), data.join(PART));
    let write = || -> std::io::Result<()> {
        // One that was being written when the process ended.
        let _ = std::fs::remove_file(&part);
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let mut file = options.open(&part)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&part, &path)?;
        File::open(data)?.sync_all()
    };
    write().map_err(|source| IndexerError::Io { path, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_to_go_goes() {
        let text = "# mine\n\na = 1\nb = 2\n\n\n\nc = 3\n";
        assert_eq!(without_paragraphs(text, |_| false), text);
        assert_eq!(
            without_paragraphs(text, |one| one.contains("b = 2")),
            "# mine\n\n\n\nc = 3\n"
        );
    }

    #[test]
    fn what_is_no_text_is_not_written_over() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let data = directory.path();
        assert_eq!(read(data).expect("there is none yet"), "");
        write(data, "a = 1\r\n").expect("writes");
        std::fs::write(data.join(PART), "half").expect("writes");
        write(data, "a = 2\r\n").expect("writes");
        assert_eq!(read(data).expect("reads"), "a = 2\n");
        assert!(!data.join(PART).exists());
        std::fs::write(data.join(NAME), b"\xff").expect("writes");
        assert!(read(data).is_err());
        #[cfg(unix)]
        {
            std::fs::remove_file(data.join(NAME)).expect("removes");
            std::os::unix::fs::symlink("/etc/hostname", data.join(NAME)).expect("a link");
            assert!(read(data).is_err());
        }
    }
}
