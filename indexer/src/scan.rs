//! From folders to jobs: what is on disk, and how that differs from the ledger.
//!
//! The walk honours `.gitignore`, `.vadeignore` and the settings; the difference is a pure function.
//! Both serve start-up (a whole folder) and every file-system event (the paths it names).

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use ignore::gitignore::GitignoreBuilder;
use ignore::overrides::OverrideBuilder;
use ignore::{DirEntry, WalkBuilder};

use crate::ledger::{Document, DocumentId, Fault, FileStat, State};

/// What is never indexed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    /// Patterns in `.gitignore` syntax.
    pub ignore: Vec<String>,
    /// Whether names that start with a dot are indexed.
    pub hidden: bool,
    /// Folders that are never entered: the program's own.
    pub own: Vec<PathBuf>,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Every file, and everything else that has a name and no content of its own to walk into.
    pub files: Vec<FileStat>,
    /// Every directory that was entered.
    pub directories: Vec<PathBuf>,
    /// Directories that the system could not list, or not whole: nothing is known of what is in them.
    pub unlisted: Vec<PathBuf>,
}

impl Found {
    /// Whether nothing was found at `path` because its directory could not be listed.
    pub(crate) fn says_nothing_of(&self, path: &Path) -> bool {
        self.unlisted.iter().any(|folder| path.starts_with(folder))
    }
}

/// Some places of a folder, with all that lies under them.
#[derive(Debug)]
pub(crate) struct Places {
    places: HashSet<PathBuf>,
    above: HashSet<PathBuf>,
}

impl Places {
    /// These paths and what lies under them.
    pub(crate) fn new(paths: &[PathBuf]) -> Self {
        let above = paths.iter().flat_map(|path| path.ancestors().skip(1));
        Self {
            above: above.map(Path::to_owned).collect(),
            places: paths.iter().cloned().collect(),
        }
    }

    /// At one of them, or under it.
    pub(crate) fn hold(&self, path: &Path) -> bool {
        path.ancestors().any(|path| self.places.contains(path))
    }

    /// On the way to one of them.
    fn lie_under(&self, path: &Path) -> bool {
        self.above.contains(path)
    }
}

/// How a walk differs from the ledger.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    /// New or changed.
    pub enqueue: Vec<FileStat>,
    /// Gone.
    pub remove: Vec<DocumentId>,
    /// As it was.
    pub unchanged: usize,
}

/// As many of the changes found at once are taken for what a person has just saved; the rest is a backlog.
const SAVED_AT_ONCE: usize = 8;
/// Of more changes than that, only those of files that changed within this (milliseconds).
const SAVED_WITHIN: i64 = 60_000;

/// Walks `root`, or only what these places hold.
///
/// # Errors
/// When the root itself cannot be listed: then nothing is known about what is in it.
pub(crate) fn walk(
    root: &Path,
    rules: &Rules,
    within: Option<Arc<Places>>,
) -> std::io::Result<Found> {
    std::fs::read_dir(root)?;
    let mut overrides = OverrideBuilder::new(root);
    for pattern in &rules.ignore {
        // Overrides are allow-lists: `!` turns a pattern into an ignore rule.
        if let Err(error) = overrides.add(&format!("!{pattern}")) {
            tracing::warn!(%pattern, %error, "index.ignore: not a pattern");
        }
    }
    let own = rules.own.clone();
    let walk = WalkBuilder::new(root)
        .hidden(!rules.hidden)
        .require_git(false)
        .parents(false)
        .git_global(false)
        .follow_links(false)
        .add_custom_ignore_filename(".vadeignore")
        .overrides(
            overrides
                .build()
                .unwrap_or_else(|_| ignore::overrides::Override::empty()),
        )
        .filter_entry(move |entry| {
            let path = entry.path();
            !own.iter().any(|own| path == own)
                && within
                    .as_ref()
                    .is_none_or(|places| places.lie_under(path) || places.hold(path))
        })
        .build();
    let mut found = Found::default();
    for entry in walk {
        match entry {
            Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_dir()) => {
                found.directories.push(entry.into_path());
            }
            Ok(entry) => found.files.push(stat(&entry)),
            Err(error) => {
                let file = unreadable(&error);
                if is_circumstance(&error) {
                    found
                        .unlisted
                        .extend(file.iter().map(|file| file.path.clone()));
                }
                found.files.extend(file);
            }
        }
    }
    Ok(found)
}

/// The rule that keeps `path` out of the walk of `root`, in words.
pub(crate) fn ignored_by(root: &Path, path: &Path, rules: &Rules) -> Option<String> {
    let inside = path.strip_prefix(root).ok()?;
    let mut settings = GitignoreBuilder::new(root);
    for pattern in &rules.ignore {
        let _ = settings.add_line(None, pattern);
    }
    let settings = settings.build().ok();
    let mut at = root.to_owned();
    for part in inside {
        let folder = at.clone();
        at.push(part);
        let is_folder = at.is_dir();
        let name = at.display();
        if rules.own.contains(&at) {
            return Some(format!("{name} belongs to vade itself"));
        }
        if !rules.hidden && part.as_encoded_bytes().starts_with(b".") {
            return Some(format!(
                "the name of {name} begins with a dot (setting index.hidden)"
            ));
        }
        if let Some(settings) = &settings
            && let ignore::Match::Ignore(glob) = settings.matched(&at, is_folder)
        {
            return Some(format!("index.ignore has the pattern {}", glob.original()));
        }
        for above in folder
            .ancestors()
            .take_while(|above| above.starts_with(root))
        {
            match ignore_files(above, &at, is_folder) {
                ControlFlow::Break(Some(rule)) => return Some(rule),
                ControlFlow::Break(None) => break,
                ControlFlow::Continue(()) => {}
            }
        }
    }
    None
}

/// Whether one folder's ignore files decide about a path: by the rule that keeps it out, or by none where it
/// is let in expressly.
fn ignore_files(folder: &Path, path: &Path, is_folder: bool) -> ControlFlow<Option<String>> {
    for name in [".vadeignore", ".ignore", ".gitignore", ".git/info/exclude"] {
        let file = folder.join(name);
        let mut builder = GitignoreBuilder::new(folder);
        if !file.is_file() || builder.add(&file).is_some() {
            continue;
        }
        let Ok(rules) = builder.build() else { continue };
        match rules.matched(path, is_folder) {
            ignore::Match::Ignore(glob) => {
                let pattern = glob.original();
                let rule = format!("{} has the pattern {pattern}", file.display());
                return ControlFlow::Break(Some(rule));
            }
            ignore::Match::Whitelist(_) => return ControlFlow::Break(None),
            ignore::Match::None => {}
        }
    }
    ControlFlow::Continue(())
}

fn stat(entry: &DirEntry) -> FileStat {
    let metadata = entry.metadata().ok();
    let modified = metadata
        .as_ref()
        .and_then(|metadata| metadata.modified().ok())
        .map_or(0, |time| match time.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX),
        });
    FileStat {
        // A name that is not Unicode gets a row too; reading it by this name says what is wrong.
        path: PathBuf::from(entry.path().to_string_lossy().into_owned()),
        size: metadata.map_or(0, |metadata| metadata.len()),
        modified,
    }
}

/// That a directory may not be listed, or is none any more, says something of what is in it; that the system
/// has no file handles left, or a disk or a network does not answer, says nothing.
fn is_circumstance(error: &ignore::Error) -> bool {
    let says_something = [
        ErrorKind::PermissionDenied,
        ErrorKind::NotFound,
        ErrorKind::NotADirectory,
    ];
    let kind = error.io_error().map(std::io::Error::kind);
    kind.is_some_and(|kind| !says_something.contains(&kind))
}

/// A directory that cannot be listed has a row with the reason, like a file.
fn unreadable(error: &ignore::Error) -> Option<FileStat> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(FileStat {
            path: path.clone(),
            size: 0,
            modified: 0,
        }),
        ignore::Error::WithDepth { err, .. } => unreadable(err),
        _ => None,
    }
}

/// Compares what is on disk with what the ledger knows of the same places.
pub(crate) fn difference(files: Vec<FileStat>, ledger: &[Document]) -> Difference {
    let mut known: HashMap<&Path, &Document> = ledger
        .iter()
        .map(|document| (document.path.as_path(), document))
        .collect();
    let mut difference = Difference::default();
    for file in files {
        match known.remove(file.path.as_path()) {
            Some(document) if !needs_reading(&file, document) => difference.unchanged += 1,
            _ => difference.enqueue.push(file),
        }
    }
    difference.remove = known
        .into_values()
        .map(|document| document.id.clone())
        .collect();
    difference.remove.sort();
    difference
}

fn needs_reading(file: &FileStat, document: &Document) -> bool {
    let worth_another_try =
        document.state == State::Failed && document.fault == Some(Fault::Circumstance);
    file.size != document.size || file.modified != document.modified || worth_another_try
}

/// Of the files to read, those that a person has probably just saved at this time (milliseconds since 1970):
/// of a few all, of many the newest. A folder that is being copied comes with old times, or with new names.
pub(crate) fn just_saved<'a>(
    enqueue: &'a [FileStat],
    ledger: impl Iterator<Item = &'a Path>,
    now: i64,
) -> impl Iterator<Item = &'a FileStat> {
    let mut saved: Vec<&FileStat> = enqueue.iter().collect();
    if saved.len() > SAVED_AT_ONCE {
        let known: HashSet<&Path> = ledger.collect();
        saved.retain(|file| file.modified / 1_000_000 > now - SAVED_WITHIN);
        saved.sort_by_key(|file| {
            let is_known = known.contains(file.path.as_path());
            Reverse((is_known, file.modified))
        });
        saved.truncate(SAVED_AT_ONCE);
    }
    saved.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn names(root: &Path, rules: &Rules, within: Option<&[&str]>) -> Vec<String> {
        let paths =
            |names: &[&str]| -> Vec<PathBuf> { names.iter().map(|name| root.join(name)).collect() };
        let within = within.map(|names| Arc::new(Places::new(&paths(names))));
        let found = walk(root, rules, within).expect("walks");
        let mut names: Vec<String> = found
            .files
            .iter()
            .filter_map(|file| Some(file.path.strip_prefix(root).ok()?.to_str()?.to_owned()))
            .collect();
        names.sort();
        names
    }

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a temporary directory");
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("makes");
            fs::write(path, "x").expect("writes");
        }
        root
    }

    #[test]
    fn ignore_files_and_settings_are_honoured() {
        let root = tree(&[
            "a.md", "b.log", "c.tmp", "d/e.md", "d/f.md", ".g.md", "own/h.md",
        ]);
        fs::write(root.path().join(".gitignore"), "*.log\n").expect("writes");
        fs::write(root.path().join("d/.vadeignore"), "f.md\n").expect("writes");
        let rules = Rules {
            ignore: vec!["*.tmp".to_owned()],
            hidden: false,
            own: vec![root.path().join("own")],
        };
        assert_eq!(names(root.path(), &rules, None), ["a.md", "d/e.md"]);
    }

    #[test]
    fn the_rule_that_leaves_a_file_out_is_named() {
        let root = tree(&[
            "a.log",
            "b.tmp",
            ".h/c.md",
            "d/e/f.md",
            "d/keep.log",
            "own/g.md",
            "h.md",
        ]);
        let root = root.path();
        fs::write(root.join(".gitignore"), "*.log\n").expect("writes");
        fs::write(root.join("d/.vadeignore"), "!keep.log\ne/\n").expect("writes");
        let rules = Rules {
            ignore: vec!["*.tmp".to_owned()],
            hidden: false,
            own: vec![root.join("own")],
        };
        let found = walk(root, &rules, None).expect("walks").files;
        for (name, rule) in [
            ("a.log", Some(".gitignore has the pattern *.log")),
            ("b.tmp", Some("index.ignore has the pattern *.tmp")),
            (".h/c.md", Some("begins with a dot (setting index.hidden)")),
            ("d/e/f.md", Some(".vadeignore has the pattern e/")),
            ("own/g.md", Some("belongs to vade itself")),
            ("d/keep.log", None),
            ("h.md", None),
        ] {
            let path = root.join(name);
            let named = ignored_by(root, &path, &rules);
            let walked = found.iter().any(|file| file.path == path);
            assert_eq!(walked, rule.is_none(), "{name}");
            match (&named, rule) {
                (Some(named), Some(rule)) => assert!(named.ends_with(rule), "{name}: {named}"),
                (named, rule) => assert_eq!(named.as_deref(), rule, "{name}"),
            }
        }
    }

    #[test]
    fn a_walk_can_be_kept_to_some_paths() {
        let root = tree(&["a.md", "d/e.md", "d/f.md", "de/g.md"]);
        let rules = Rules::default();
        assert_eq!(
            names(root.path(), &rules, Some(&["d"])),
            ["d/e.md", "d/f.md"]
        );
        assert_eq!(
            names(root.path(), &rules, Some(&["d/f.md", "a.md"])),
            ["a.md", "d/f.md"]
        );
        assert!(names(root.path(), &rules, Some(&["gone"])).is_empty());
    }

    #[test]
    fn a_folder_that_the_system_cannot_list_says_nothing_of_its_files() {
        let failed = |number| ignore::Error::WithDepth {
            depth: 1,
            err: Box::new(ignore::Error::WithPath {
                path: "/n/a".into(),
                err: Box::new(std::io::Error::from_raw_os_error(number).into()),
            }),
        };
        for number in [libc::EIO, libc::EMFILE, libc::ESTALE, libc::ENOMEM] {
            assert!(is_circumstance(&failed(number)), "{number}");
        }
        for number in [libc::EACCES, libc::ENOENT, libc::ENOTDIR] {
            assert!(!is_circumstance(&failed(number)), "{number}");
        }
        let found = Found {
            unlisted: vec![PathBuf::from("/n/a")],
            ..Found::default()
        };
        assert!(found.says_nothing_of(Path::new("/n/a/b.md")));
        assert!(!found.says_nothing_of(Path::new("/n/ab.md")));
    }

    #[test]
    fn a_root_that_is_gone_is_an_error_and_not_an_empty_folder() {
        let root = tree(&[]);
        assert!(walk(&root.path().join("gone"), &Rules::default(), None).is_err());
    }

    #[test]
    fn of_many_changes_the_newest_are_taken_for_saves() {
        let now = 1_000_000;
        let file = |name: String, milliseconds: i64| FileStat {
            path: PathBuf::from(name),
            size: 1,
            modified: milliseconds * 1_000_000,
        };
        let names = |files: &[FileStat], ledger: &[&str]| -> Vec<String> {
            just_saved(files, ledger.iter().map(Path::new), now)
                .map(|file| file.path.display().to_string())
                .collect()
        };
        let copied = |count: usize, milliseconds| {
            (0..count).map(move |number| file(format!("copy{number:03}"), milliseconds))
        };

        let few: Vec<_> = copied(SAVED_AT_ONCE, 5).collect();
        assert_eq!(names(&few, &[]).len(), SAVED_AT_ONCE);
        let old: Vec<_> = copied(100, 5).collect();
        assert!(names(&old, &[]).is_empty());
        let mut among_old = old;
        among_old.insert(50, file("note".to_owned(), now - 10));
        assert_eq!(names(&among_old, &[]), ["note"]);
        let mut among_new: Vec<_> = copied(100, now - 5).collect();
        among_new.insert(50, file("note".to_owned(), now - 10));
        let saved = names(&among_new, &["note"]);
        assert_eq!(saved.len(), SAVED_AT_ONCE);
        assert_eq!(saved[0], "note");
    }
}
