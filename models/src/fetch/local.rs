//! Files already on this machine, copied into the store.
//!
//! The path is a folder that has the files under our names, or the one file itself. Copies are
//! hashed like downloads, and the originals are left as they are.

use std::fs::File;
use std::path::Path;

use super::{FetchError, Job, Partial, PullEvent};
use crate::catalog::ModelFile;

/// Copies the job's files that are there.
pub(super) fn fetch(job: &mut Job<'_>, path: &Path) -> Result<(), FetchError> {
    let is_folder = path.is_dir();
    for file in job.files.clone() {
        let original = if is_folder {
            path.join(&file.name)
        } else {
            path.to_owned()
        };
        copy(job, file, &original)?;
    }
    Ok(())
}

fn copy<'a>(job: &mut Job<'a>, file: &'a ModelFile, original: &Path) -> Result<(), FetchError> {
    let dir = job.dir;
    let mut reader = File::open(original).map_err(FetchError::because(original.display()))?;
    let mut partial = Partial::create(dir, file)?;
    job.tell(PullEvent::File {
        name: file.name.clone(),
        bytes: file.bytes,
        already: 0,
    });
    job.fill(&mut partial, &mut reader, true)?;
    job.finish(partial)
}
