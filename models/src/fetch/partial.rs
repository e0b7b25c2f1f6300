//! A file on its way into the store.
//!
//! Bytes are hashed while they are written to `<file>.partial`; the rename to the real name happens
//! only after size and hash agree with the catalog. What has arrived is kept when the transfer
//! breaks off: the hash fixes the content, so any source may continue what another began, and a
//! wrong beginning is found out at the end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::FetchError;
use crate::catalog::ModelFile;

/// Where the bytes of a file collect before it is complete.
pub(crate) fn partial_path(dir: &Path, file: &ModelFile) -> PathBuf {
    dir.join(format!("{}.partial", file.name))
}

/// SHA-256 of a file as lower case hexadecimal.
pub(crate) fn hash_file(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    absorb(&mut File::open(path)?, &mut hash)?;
    Ok(hexadecimal(&hash.finalize()))
}

/// A file being written and hashed.
pub(crate) struct Partial<'a> {
    file: &'a ModelFile,
    dir: &'a Path,
    output: File,
    hash: Sha256,
    written: u64,
    is_usable: bool,
}

impl<'a> Partial<'a> {
    /// Begins the file from nothing.
    pub(crate) fn create(dir: &'a Path, file: &'a ModelFile) -> Result<Self, FetchError> {
        let path = partial_path(dir, file);
        let output = File::create(&path).map_err(FetchError::because(path.display()))?;
        Ok(Self {
            file,
            dir,
            output,
            hash: Sha256::new(),
            written: 0,
            is_usable: true,
        })
    }

    /// Continues the file where an earlier transfer broke off, if one did.
    pub(crate) fn resume(dir: &'a Path, file: &'a ModelFile) -> Result<Self, FetchError> {
        let path = partial_path(dir, file);
        let length = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        if length == 0 || length > file.bytes {
            return Self::create(dir, file);
        }
        let failed = |error| FetchError::because(path.display())(error);
        let mut output = OpenOptions::new()
            .read(true)
            .append(true)
            .open(&path)
            .map_err(failed)?;
        let mut hash = Sha256::new();
        let written = absorb(&mut output, &mut hash).map_err(failed)?;
        Ok(Self {
            file,
            dir,
            output,
            hash,
            written,
            is_usable: true,
        })
    }

    /// Which file it is.
    pub(crate) fn file(&self) -> &'a ModelFile {
        self.file
    }

    /// Bytes here so far.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Whether it can be continued: false after it could not be written to, or was given too much.
    pub(crate) fn is_usable(&self) -> bool {
        self.is_usable
    }

    /// Forgets what has arrived, because the source sends the file from its beginning.
    pub(crate) fn restart(&mut self) -> Result<(), FetchError> {
        if self.written > 0 {
            let path = partial_path(self.dir, self.file);
            self.output = File::create(&path).map_err(FetchError::because(path.display()))?;
            self.hash = Sha256::new();
            self.written = 0;
        }
        Ok(())
    }

    /// Appends bytes; more than the file should have are refused and the partial removed.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        let length = self.written + bytes.len() as u64;
        if length > self.file.bytes {
            self.is_usable = false;
            self.remove();
            return Err(FetchError::Wrong(format!(
                "{} is longer than its {} bytes",
                self.file.name, self.file.bytes
            )));
        }
        if let Err(error) = self.output.write_all(bytes) {
            // Some of the bytes may have arrived: only reading the file again can tell.
            self.is_usable = false;
            return Err(FetchError::because(format!("writing {}", self.file.name))(
                error,
            ));
        }
        self.hash.update(bytes);
        self.written = length;
        Ok(())
    }

    /// Moves the file into place if it is what the catalog says. A file that is too short is kept
    /// to be continued; one with the wrong hash is removed.
    pub(crate) fn finish(self) -> Result<(), FetchError> {
        if self.written < self.file.bytes {
            return Err(FetchError::Wrong(format!(
                "{} ends after {} of {} bytes",
                self.file.name, self.written, self.file.bytes
            )));
        }
        let found = hexadecimal(&self.hash.clone().finalize());
        if found != self.file.sha256 {
            self.remove();
            return Err(FetchError::Wrong(format!(
                "{} has the wrong sha256 {found}",
                self.file.name
            )));
        }
        let failed = |error| FetchError::because(format!("storing {}", self.file.name))(error);
        self.output.sync_all().map_err(failed)?;
        fs::rename(
            partial_path(self.dir, self.file),
            self.dir.join(&self.file.name),
        )
        .map_err(failed)
    }

    fn remove(&self) {
        let path = partial_path(self.dir, self.file);
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), %error, "cannot remove a partial file");
        }
    }
}

fn absorb(reader: &mut impl Read, hash: &mut Sha256) -> io::Result<u64> {
    let mut buffer = vec![0; 1 << 20];
    let mut total = 0;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(total),
            Ok(count) => {
                hash.update(&buffer[..count]);
                total += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
pub(crate) fn sha256_of(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &[u8]) -> ModelFile {
        ModelFile {
            name: "weights.bin".to_owned(),
            bytes: content.len() as u64,
            sha256: sha256_of(content),
            os: None,
            arch: None,
        }
    }

    #[test]
    fn a_complete_file_is_moved_into_place() {
        let dir = tempfile::tempdir().unwrap();
        let file = file(b"weights");
        let mut partial = Partial::create(dir.path(), &file).unwrap();
        partial.write(b"wei").unwrap();
        partial.write(b"ghts").unwrap();
        partial.finish().unwrap();
        assert_eq!(
            fs::read(dir.path().join("weights.bin")).unwrap(),
            b"weights"
        );
        assert!(!partial_path(dir.path(), &file).exists());
    }

    #[test]
    fn a_broken_off_file_is_continued() {
        let dir = tempfile::tempdir().unwrap();
        let file = file(b"weights");
        let mut first = Partial::create(dir.path(), &file).unwrap();
        first.write(b"wei").unwrap();
        assert!(
            matches!(first.finish(), Err(FetchError::Wrong(reason)) if reason.contains("3 of 7"))
        );
        let mut second = Partial::resume(dir.path(), &file).unwrap();
        assert_eq!(second.written(), 3);
        second.write(b"ghts").unwrap();
        second.finish().unwrap();
        assert_eq!(
            hash_file(&dir.path().join("weights.bin")).unwrap(),
            file.sha256
        );
    }

    #[test]
    fn a_wrong_hash_never_gets_the_real_name() {
        let dir = tempfile::tempdir().unwrap();
        let file = file(b"weights");
        let mut partial = Partial::create(dir.path(), &file).unwrap();
        partial.write(b"weighty").unwrap();
        assert!(
            matches!(partial.finish(), Err(FetchError::Wrong(reason)) if reason.contains("sha256"))
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn bytes_beyond_the_size_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = file(b"weights");
        let mut partial = Partial::create(dir.path(), &file).unwrap();
        assert!(partial.write(b"weights and more").is_err());
        assert!(!partial_path(dir.path(), &file).exists());
    }

    #[test]
    fn an_overlong_partial_is_begun_again() {
        let dir = tempfile::tempdir().unwrap();
        let file = file(b"weights");
        fs::write(partial_path(dir.path(), &file), b"something else").unwrap();
        assert_eq!(Partial::resume(dir.path(), &file).unwrap().written(), 0);
    }
}
