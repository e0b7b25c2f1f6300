//! From folders to jobs: what is on disk, and how that differs from the ledger.
//!
//! The walk honours what `ignoring` says and follows no link; the difference is a pure function.
//! Both serve start-up (a whole folder) and every file-system event (the paths it names).

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use crate::foreign::{Own, device, made_up, refused};
use crate::ignoring::{self, Ignoring, Rule};
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

/// Walks `root`, or only what these places hold, until `stop`.
///
/// # Errors
/// When the root itself cannot be listed, or is no place for documents: then nothing is known about what is in it.
pub(crate) fn walk(
    root: &Path,
    rules: &Rules,
    within: Option<&Places>,
    stop: &AtomicBool,
) -> std::io::Result<Found> {
    let own = Own::of(&rules.own);
    refused(root, &own)?;
    let mut walk = Walk {
        own,
        within,
        stop,
        found: Found::default(),
        faults: HashSet::new(),
        folders: vec![Folder {
            device: device(&root.metadata()?),
            path: root.to_owned(),
            above: Ignoring::new(root, rules),
        }],
    };
    while let Some(folder) = walk.folders.pop() {
        let path = folder.path.clone();
        walk.found.directories.push(path.clone());
        match walk.enter(&folder) {
            Ok(()) => {}
            Err(error) if path == root || error.kind() == ErrorKind::Interrupted => {
                return Err(error);
            }
            // A folder that cannot be listed has a row with the reason, like a file.
            Err(error) => {
                if is_circumstance(&error) {
                    walk.found.unlisted.push(path.clone());
                }
                walk.found.files.push(FileStat {
                    path,
                    size: 0,
                    modified: 0,
                });
            }
        }
    }
    Ok(walk.found)
}

/// A walk under way.
struct Walk<'a> {
    own: Own,
    within: Option<&'a Places>,
    stop: &'a AtomicBool,
    found: Found,
    /// Ignore files that are not followed: they have a row, whatever their names.
    faults: HashSet<PathBuf>,
    /// Folders still to be entered.
    folders: Vec<Folder>,
}

/// A folder to be entered.
struct Folder {
    path: PathBuf,
    device: Option<u64>,
    above: Ignoring,
}

impl Walk<'_> {
    /// Lists one folder: its files are found, its folders are to be entered.
    fn enter(&mut self, folder: &Folder) -> std::io::Result<()> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(&folder.path)? {
            if self.stop.load(Ordering::Relaxed) {
                return Err(ErrorKind::Interrupted.into());
            }
            let entry = entry?;
            entries.push((entry.file_name(), entry));
        }
        let has = ignoring::kinds_among(entries.iter().map(|(name, _)| name.as_os_str()));
        let (ignoring, faults) = folder.above.enter(&folder.path, has);
        for fault in faults {
            let metadata = fault.path.symlink_metadata().ok();
            self.found.files.push(stat(fault.path.clone(), metadata));
            self.faults.insert(fault.path);
        }
        for (name, entry) in entries {
            let path = folder.path.join(name);
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let is_wanted = self
                .within
                .is_none_or(|places| places.lie_under(&path) || places.hold(&path));
            if !is_wanted || ignoring.rule(&path, is_folder).is_some() {
                continue;
            }
            let metadata = entry.metadata().ok();
            if !is_folder {
                if !self.faults.contains(&path) {
                    self.found.files.push(stat(path, metadata));
                }
                continue;
            }
            if self.own.has(&path, metadata.as_ref()) {
                continue;
            }
            let device = metadata.as_ref().and_then(device);
            if device != folder.device && made_up(&path).is_some() {
                self.found.files.push(stat(path, metadata));
                continue;
            }
            self.folders.push(Folder {
                path,
                device,
                above: ignoring.clone(),
            });
        }
        Ok(())
    }
}

/// The rule that keeps `path` out of the walk of `root`, in words.
pub(crate) fn ignored_by(root: &Path, path: &Path, rules: &Rules) -> Option<String> {
    let own = Own::of(&rules.own);
    let mut ignoring = Ignoring::new(root, rules);
    let mut folder = root.to_owned();
    for part in path.strip_prefix(root).ok()? {
        ignoring = ignoring.enter(&folder, [true; ignoring::KINDS.len()]).0;
        let at = folder.join(part);
        let metadata = at.symlink_metadata().ok();
        let is_folder = metadata.as_ref().is_some_and(std::fs::Metadata::is_dir);
        let name = at.display();
        if is_folder && own.has(&at, metadata.as_ref()) {
            return Some(format!("{name} belongs to vade itself"));
        }
        match ignoring.rule(&at, is_folder) {
            Some(Rule::Hidden) => {
                return Some(format!(
                    "the name of {name} begins with a dot (setting index.hidden)"
                ));
            }
            Some(rule) => return Some(rule.to_string()),
            None => {}
        }
        if is_folder && let Some(reason) = made_up(&at) {
            return Some(format!("{name}: {reason}"));
        }
        folder = at;
    }
    None
}

fn stat(path: PathBuf, metadata: Option<Metadata>) -> FileStat {
    let modified = metadata
        .as_ref()
        .and_then(|metadata| metadata.modified().ok())
        .map_or(0, |time| match time.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX),
        });
    FileStat {
        path,
        size: metadata.map_or(0, |metadata| metadata.len()),
        modified,
    }
}

/// That a directory may not be listed, or is none any more, says something of what is in it; that the system
/// has no file handles left, or a disk or a network does not answer, says nothing.
fn is_circumstance(error: &std::io::Error) -> bool {
    ![
        ErrorKind::PermissionDenied,
        ErrorKind::NotFound,
        ErrorKind::NotADirectory,
    ]
    .contains(&error.kind())
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

    static GO_ON: AtomicBool = AtomicBool::new(false);

    fn names(root: &Path, rules: &Rules, within: Option<&[&str]>) -> Vec<String> {
        let paths =
            |names: &[&str]| -> Vec<PathBuf> { names.iter().map(|name| root.join(name)).collect() };
        let within = within.map(|names| Places::new(&paths(names)));
        let found = walk(root, rules, within.as_ref(), &GO_ON).expect("walks");
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
        let found = walk(root, &rules, None, &GO_ON).expect("walks").files;
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
        let failed = std::io::Error::from_raw_os_error;
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
        let gone = root.path().join("gone");
        assert!(walk(&gone, &Rules::default(), None, &GO_ON).is_err());
    }

    #[test]
    fn a_walk_can_be_stopped() {
        let root = tree(&["a.md", "d/e.md"]);
        let stop = AtomicBool::new(true);
        let error = walk(root.path(), &Rules::default(), None, &stop).expect_err("stops");
        assert_eq!(error.kind(), ErrorKind::Interrupted);
    }

    #[test]
    fn what_the_settings_let_in_no_ignore_file_leaves_out() {
        let root = tree(&["a.tmp", "keep.tmp", ".b/c.md", ".d/e.md"]);
        fs::write(root.path().join(".gitignore"), "keep.tmp\n!.b\n").expect("writes");
        let rules = Rules {
            ignore: vec!["*.tmp".to_owned(), "!keep.tmp".to_owned()],
            ..Rules::default()
        };
        let found = names(root.path(), &rules, None);
        assert_eq!(found, [".b/c.md", "keep.tmp"]);
        for name in [".b/c.md", "keep.tmp", "a.tmp", ".d/e.md"] {
            let ignored = ignored_by(root.path(), &root.path().join(name), &rules);
            let is_found = found.iter().any(|found| found == name);
            assert_eq!(ignored.is_none(), is_found, "{name}: {ignored:?}");
        }
    }

    #[test]
    fn rules_of_folders_above_the_root_are_not_followed() {
        let above = tree(&["root/a.md", "root/b.md"]);
        fs::write(above.path().join(".gitignore"), "a.md\n").expect("writes");
        let root = above.path().join("root");
        assert_eq!(names(&root, &Rules::default(), None), ["a.md", "b.md"]);
    }

    /// A folder whose ignore file is as `make` leaves it: what else is there is found, and the file itself
    /// has a row with a reason.
    #[cfg(unix)]
    #[track_caller]
    fn check_fault(kind: &str, make: impl FnOnce(&Path, &Path), reason: &str) {
        let outside = tree(&["secret"]);
        let root = tree(&["a.md", "sub/b.md", "sub/secret"]);
        let file = root.path().join("sub").join(kind);
        fs::create_dir_all(file.parent().expect("a parent")).expect("makes");
        make(&file, outside.path());
        let rules = Rules::default();
        let named = format!("sub/{kind}");
        let mut expected = vec![named.as_str(), "a.md", "sub/b.md", "sub/secret"];
        expected.sort_unstable();
        assert_eq!(names(root.path(), &rules, None), expected, "{kind}");
        let said = ignoring::fault(root.path(), &file, &rules).expect("a reason");
        assert!(said.contains(reason), "{said}");
        let secret = root.path().join("sub/secret");
        assert_eq!(ignored_by(root.path(), &secret, &rules), None);
    }

    #[cfg(unix)]
    #[test]
    fn ignore_files_that_are_none_hold_nobody_up() {
        use std::os::unix::fs::symlink;
        use std::process::Command;

        for kind in ignoring::KINDS {
            let pipe = |file: &Path, _: &Path| {
                let made = Command::new("mkfifo").arg(file).status();
                assert!(made.expect("runs").success());
            };
            check_fault(kind, pipe, "no regular file");
            let device = |file: &Path, _: &Path| symlink("/dev/zero", file).expect("a link");
            check_fault(kind, device, "a link");
            let leaves = |file: &Path, outside: &Path| {
                fs::write(outside.join("secret"), "secret\n").expect("writes");
                symlink(outside.join("secret"), file).expect("a link");
            };
            check_fault(kind, leaves, "a link");
            let sparse = |file: &Path, _: &Path| {
                let file = fs::File::create(file).expect("creates");
                file.set_len(8 << 30).expect("a sparse file");
            };
            check_fault(kind, sparse, "larger than 64 KiB");
            let many = |file: &Path, _: &Path| {
                let lines: String = (0..5000).map(|number| format!("p{number}\n")).collect();
                fs::write(file, lines).expect("writes");
            };
            check_fault(kind, many, "more than 4096 patterns");
            let wild = |file: &Path, _: &Path| {
                let lines: String = (0..300).map(|number| format!("*{number}*?*\n")).collect();
                fs::write(file, lines).expect("writes");
            };
            check_fault(kind, wild, "more than 1000 wildcards");
            let nested = |file: &Path, _: &Path| {
                let line = "{".repeat(20_000) + &"}".repeat(20_000);
                fs::write(file, line).expect("writes");
            };
            check_fault(kind, nested, "line 1 is longer than 1024 bytes");
        }
    }

    #[test]
    fn patterns_of_folders_above_count_too() {
        let root = tree(&["a.md"]);
        let mut folder = root.path().to_owned();
        let lines: String = (0..4000).map(|number| format!("p{number}\n")).collect();
        for _ in 0..3 {
            fs::write(folder.join(".gitignore"), &lines).expect("writes");
            folder.push("d");
            fs::create_dir(&folder).expect("makes");
        }
        let rules = Rules::default();
        let names = names(root.path(), &rules, None);
        assert_eq!(names, ["a.md", "d/d/.gitignore"]);
        let fault = ignoring::fault(root.path(), &root.path().join(&names[1]), &rules);
        assert!(
            fault
                .expect("a reason")
                .contains("with those of the folders above")
        );
    }

    #[cfg(unix)]
    #[test]
    fn own_folders_are_left_out_whatever_they_are_called() {
        let root = tree(&["a.md", "vault/data/b.md"]);
        let elsewhere = tree(&[]);
        let alias = elsewhere.path().join("alias");
        std::os::unix::fs::symlink(root.path(), &alias).expect("a link");
        let dots = elsewhere.path().join("..");
        let root = fs::canonicalize(root.path()).expect("it is there");
        let inside = root.strip_prefix(fs::canonicalize(&dots).expect("it is there"));
        let dots = dots.join(inside.expect("a temporary directory beside it"));
        for own in [alias.join("vault/data"), dots.join("vault/data")] {
            let rules = Rules {
                own: vec![own.clone()],
                ..Rules::default()
            };
            assert_eq!(names(&root, &rules, None), ["a.md"], "{}", own.display());
            let rule = ignored_by(&root, &root.join("vault/data/b.md"), &rules);
            assert!(rule.is_some_and(|rule| rule.ends_with("belongs to vade itself")));
            assert!(walk(&own, &rules, None, &GO_ON).is_err());
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn names_that_are_no_unicode_are_found_as_they_are() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;

        let root = tree(&[]);
        let mut paths = [
            &b"bad\xff.md"[..],
            b"bad\xfe.md",
            "bad\u{fffd}.md".as_bytes(),
        ]
        .map(|name| root.path().join(OsStr::from_bytes(name)));
        for path in &paths {
            fs::write(path, "x").expect("writes");
        }
        let found = walk(root.path(), &Rules::default(), None, &GO_ON).expect("walks");
        let mut found: Vec<PathBuf> = found.files.into_iter().map(|file| file.path).collect();
        found.sort();
        paths.sort();
        assert_eq!(found, paths);
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
