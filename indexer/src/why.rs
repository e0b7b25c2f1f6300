//! Why a path is in the index, or is not: one sentence for a person.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::Result;
use crate::extract::{NEEDS_OCR, TRIED_AGAIN};
use crate::index::Index;
use crate::ledger::{Document, DocumentId, Fault, State};
use crate::named;
use crate::scan;

/// What is known of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The path, absolute.
    pub path: PathBuf,
    /// The watched folder it lies in.
    pub folder: Option<PathBuf>,
    /// Where it stands.
    pub standing: Standing,
    /// Why, in one sentence.
    pub verdict: String,
    /// Its row in the ledger.
    pub document: Option<Document>,
}

/// Where a path stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It has a row in the ledger, whose state says the rest.
    Known,
    /// It is a folder that is walked.
    Folder,
    /// There is no such file.
    Absent,
    /// It lies in no watched folder.
    Outside,
    /// A rule keeps it out.
    Ignored,
    /// It was not looked at yet.
    Unseen,
    /// Its folder cannot be reached now.
    Unreachable,
}

impl Index {
    /// Why `path` (absolute) is in the index, or is not.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn why(&self, path: &Path) -> Result<Why> {
        let ledger = self.ledger();
        let path = self.known_as(path)?;
        let document = ledger.document(&DocumentId::of(&path))?;
        let folders = ledger.folders()?;
        let folder = folders.into_iter().find(|folder| path.starts_with(folder));
        let why = |standing, verdict: String, document| Why {
            path: path.clone(),
            folder: folder.clone(),
            standing,
            verdict,
            document,
        };
        if let Some(document) = document {
            let verdict = self.verdict(&document)?;
            return Ok(why(Standing::Known, verdict, Some(document)));
        }
        let Some(folder) = &folder else {
            let (standing, verdict) = if path.exists() {
                (
                    Standing::Outside,
                    "it lies in no watched folder: `vade add` its folder",
                )
            } else {
                (Standing::Absent, "there is no such file")
            };
            return Ok(why(standing, verdict.to_owned(), None));
        };
        let (standing, verdict) = if let Some(away) = self.away(folder) {
            let verdict = format!("{} cannot be reached now: {away}", folder.display());
            (Standing::Unreachable, verdict)
        } else if let Err(error) = path.symlink_metadata() {
            match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => {
                    (Standing::Absent, "there is no such file".to_owned())
                }
                ErrorKind::PermissionDenied => {
                    let verdict = "the folder it lies in cannot be read: permission denied";
                    (Standing::Unreachable, verdict.to_owned())
                }
                _ => (
                    Standing::Unreachable,
                    format!("it cannot be reached: {error}"),
                ),
            }
        } else if let Some(rule) = scan::ignored_by(folder, &path, &self.inner.rules) {
            (Standing::Ignored, format!("it is left out: {rule}"))
        } else if path.is_dir() {
            let documents = ledger.under(&path)?;
            let indexed = documents.iter().filter(|one| one.hash.is_some()).count();
            let verdict = format!(
                "a folder that is walked: {} files, {indexed} of them indexed",
                documents.len()
            );
            (Standing::Folder, verdict)
        } else {
            let verdict = "it was not looked at yet: changes are noticed within a second while \
                           `vade up` runs";
            (Standing::Unseen, verdict.to_owned())
        };
        Ok(why(standing, verdict, None))
    }

    /// A path from outside, as the ledger knows it.
    ///
    /// # Errors
    /// A path that is empty or relative.
    pub(crate) fn known_as(&self, path: &Path) -> Result<PathBuf> {
        let path = named::plain(path)?;
        let ledger = self.ledger();
        if ledger.document(&DocumentId::of(&path))?.is_some()
            || ledger.folders()?.contains(&path)
            || !ledger.forgotten_under(&path)?.is_empty()
        {
            return Ok(path);
        }
        Ok(named::without_links(&path).unwrap_or(path))
    }

    fn verdict(&self, document: &Document) -> Result<String> {
        let reason = document.reason.as_deref().unwrap_or("no reason is known");
        let tried_again = document.fault == Some(Fault::Circumstance);
        let verdict = match document.state {
            State::Pending => {
                let before = self.ledger().pending_before(document)?;
                format!("it waits to be read, with {before} others before it")
            }
            State::AwaitsOcr => {
                "what it says is in images, which are read when everything else is indexed"
                    .to_owned()
            }
            State::IndexedLexical => {
                "it is found by its words; its meaning (vectors) is still being computed".to_owned()
            }
            State::Indexed if document.chunks == 0 => "it is indexed and has no text".to_owned(),
            State::Indexed => "it is indexed, by words and by meaning".to_owned(),
            State::Skipped => format!("it was left out: {reason}"),
            State::Failed if tried_again && !reason.ends_with(TRIED_AGAIN) => {
                format!("it could not be read: {reason}; {TRIED_AGAIN}")
            }
            State::Failed => format!("it could not be read: {reason}"),
        };
        let said = document.notice.as_ref().or(document.reason.as_ref());
        let needs_ocr = said.is_some_and(|said| said.ends_with(NEEDS_OCR));
        let help = self.ocr_help().filter(|_| needs_ocr);
        let notice = document
            .notice
            .as_deref()
            .map(|notice| format!("; {notice}"));
        let help = help.map(|help| format!("; to have images read, {help}"));
        Ok([Some(verdict), notice, help]
            .into_iter()
            .flatten()
            .collect())
    }
}
