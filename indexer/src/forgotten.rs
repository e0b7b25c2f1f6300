//! What was forgotten, as rows: by path, and by content, so that another name does not bring it back.
//!
//! Of a content only its digest is kept. Beside those that were forgotten with a path there is at most one
//! more for each file: what it was last seen to say since.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, params};

use crate::error::Result;
use crate::ledger::{Document, Ledger, text};
use crate::paths::path_named;

/// Begins the reason of a file that was forgotten and is still there.
pub(crate) const FORGOTTEN: &str = "forgotten, as was asked";

/// Why a file is kept out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Forgotten {
    /// It was forgotten itself.
    Itself,
    /// A folder it lies in was.
    Folder(PathBuf),
    /// It says what a forgotten file said.
    Content(PathBuf),
}

impl Forgotten {
    /// In words, with the way back.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Itself => format!("{FORGOTTEN}; `vade forget --undo` lets it in again"),
            Self::Folder(folder) => {
                let folder = folder.display();
                format!(
                    "{FORGOTTEN} with {folder}; `vade forget --undo {folder}` lets that in again"
                )
            }
            Self::Content(origin) => format!(
                "{FORGOTTEN}: it says what {} said; `vade forget --undo` lets it in again",
                origin.display()
            ),
        }
    }
}

/// Everything that was forgotten.
pub(crate) struct AllForgotten {
    paths: HashSet<PathBuf>,
    contents: HashSet<String>,
}

impl AllForgotten {
    /// Whether a document is among it.
    pub(crate) fn has(&self, document: &Document) -> bool {
        let content = document.content.as_ref();
        document
            .path
            .ancestors()
            .any(|path| self.paths.contains(path))
            || content.is_some_and(|content| self.contents.contains(content))
    }
}

impl Ledger {
    /// Keeps what lies at or under `path` out of the index, and everything else that has one of these contents.
    pub(crate) fn forget_path(&self, path: &Path, contents: &[(PathBuf, String)]) -> Result<()> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        transaction.execute("INSERT OR IGNORE INTO forgotten VALUES (?1)", [text(path)])?;
        for (path, content) in contents {
            transaction.execute(
                "INSERT INTO forgotten_contents VALUES (?1, ?2, 0)
                 ON CONFLICT (path, content) DO UPDATE SET later = 0",
                params![text(path), content],
            )?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Why a file with this content is kept out of the index, if it is.
    pub(crate) fn forgotten_as(
        &self,
        path: &Path,
        content: Option<&str>,
    ) -> Result<Option<Forgotten>> {
        let connection = self.lock();
        let by_path: Option<String> = connection
            .prepare_cached(
                "SELECT path FROM forgotten WHERE path = ?1 OR instr(?1, path || '/') = 1
                 ORDER BY length(path) DESC LIMIT 1",
            )?
            .query_row([text(path)], |row| row.get(0))
            .optional()?;
        if let Some(found) = by_path {
            let found = path_named(&found);
            return Ok(Some(if found == path {
                Forgotten::Itself
            } else {
                Forgotten::Folder(found)
            }));
        }
        let by_content: Option<String> = connection
            .prepare_cached("SELECT path FROM forgotten_contents WHERE content = ?1 LIMIT 1")?
            .query_row([content], |row| row.get(0))
            .optional()?;
        Ok(by_content.map(|origin| Forgotten::Content(path_named(&origin))))
    }

    /// Everything that was forgotten.
    pub(crate) fn all_forgotten(&self) -> Result<AllForgotten> {
        let connection = self.lock();
        let column = |query: &str| {
            let mut statement = connection.prepare(query)?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            rows.collect::<rusqlite::Result<HashSet<String>>>()
        };
        let paths = column("SELECT path FROM forgotten")?;
        Ok(AllForgotten {
            paths: paths.iter().map(|path| path_named(path)).collect(),
            contents: column("SELECT content FROM forgotten_contents")?,
        })
    }

    /// A forgotten file says something else now: another name will not bring that back either.
    pub(crate) fn forgotten_says(&self, path: &Path, content: &str) -> Result<()> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let known = "SELECT 1 FROM forgotten_contents WHERE path = ?1 AND content = ?2";
        let known = transaction.query_row(known, params![text(path), content], |_| Ok(()));
        if known.optional()?.is_some() {
            return Ok(());
        }
        transaction.execute(
            "DELETE FROM forgotten_contents WHERE path = ?1 AND later = 1",
            [text(path)],
        )?;
        transaction.execute(
            "INSERT INTO forgotten_contents VALUES (?1, ?2, 1)",
            params![text(path), content],
        )?;
        transaction.commit()?;
        Ok(())
    }

    /// Paths that were forgotten at or under this one.
    pub(crate) fn forgotten_under(&self, path: &Path) -> Result<Vec<PathBuf>> {
        let connection = self.lock();
        let query = format!("SELECT path FROM forgotten WHERE {UNDER}");
        let mut statement = connection.prepare(&query)?;
        let paths = statement.query_map(under(path), |row| row.get::<_, String>(0))?;
        let paths = paths.collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(paths.iter().map(|path| path_named(path)).collect())
    }

    /// Lets in again what was forgotten at or under `path`, and these contents wherever they are.
    pub(crate) fn unforget(&self, path: &Path, contents: &HashSet<String>) -> Result<()> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let mut contents = contents.clone();
        {
            let query = format!("SELECT content FROM forgotten_contents WHERE {UNDER}");
            let mut statement = transaction.prepare(&query)?;
            let rows = statement.query_map(under(path), |row| row.get::<_, String>(0))?;
            contents.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
        }
        transaction.execute(&format!("DELETE FROM forgotten WHERE {UNDER}"), under(path))?;
        // Queued in the same moment: reading makes of each row what is wanted now, also when the program ends before
        // anything else is done.
        transaction.execute(&format!("{QUEUE} {UNDER}"), under(path))?;
        for content in contents {
            transaction.execute(
                "DELETE FROM forgotten_contents WHERE content = ?1",
                [&content],
            )?;
            transaction.execute(&format!("{QUEUE} content = ?1"), [&content])?;
        }
        transaction.commit()?;
        Ok(())
    }
}

/// Has what was left out read again, where it
const QUEUE: &str = "UPDATE documents SET state = 'pending', reason = NULL, fault = NULL
     WHERE hash IS NULL AND state = 'skipped' AND";

/// What lies at ?1, or begins with ?2.
const UNDER: &str = "(path = ?1 OR instr(path, ?2) = 1)";

fn under(path: &Path) -> [String; 2] {
    let path = text(path);
    let folder = format!("{}/", path.trim_end_matches('/'));
    [path, folder]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forgotten_is_known_by_path_and_by_content() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let ledger = Ledger::open(directory.path()).expect("opens");
        let path = |path: &str| PathBuf::from(path);
        let said = |path: &str, content: &str| {
            ledger
                .forgotten_as(Path::new(path), Some(content))
                .expect("reads")
        };
        ledger
            .forget_path(&path("/n/a.md"), &[(path("/n/a.md"), "x".to_owned())])
            .expect("forgets");
        ledger.forget_path(&path("/n/d"), &[]).expect("forgets");
        assert_eq!(said("/n/a.md", "y"), Some(Forgotten::Itself));
        assert_eq!(
            said("/n/b.md", "x"),
            Some(Forgotten::Content(path("/n/a.md")))
        );
        assert_eq!(
            said("/n/d/e/f.md", "z"),
            Some(Forgotten::Folder(path("/n/d")))
        );
        assert_eq!(said("/n/d2/f.md", "z"), None);

        // What it says later is known too, and only the last of it.
        for content in ["x", "y", "z"] {
            ledger
                .forgotten_says(&path("/n/a.md"), content)
                .expect("notes");
        }
        assert!(said("/n/b.md", "x").is_some() && said("/n/b.md", "z").is_some());
        assert_eq!(said("/n/b.md", "y"), None);

        assert_eq!(ledger.forgotten_under(&path("/")).expect("reads").len(), 2);
        ledger
            .unforget(&path("/n/a.md"), &HashSet::new())
            .expect("lets in");
        assert_eq!(said("/n/a.md", "x"), None);
        assert_eq!(said("/n/b.md", "z"), None);
        assert!(said("/n/d/f.md", "z").is_some());
    }
}
