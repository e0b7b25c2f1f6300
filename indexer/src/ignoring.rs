//! What ignore files and the settings leave out.
//!
//! An ignore file is anybody's, like every file: only regular files inside the root are read, of a size and with
//! patterns that a person may have written; of another it is said why it is not followed. One set of rules serves the
//! walk and the question why a path is not in the index.
//!
//! Their order is ripgrep's: what the settings say, then `.vadeignore`, `.ignore`, `.gitignore` and git's own list, of each
//! kind the nearest first.

use std::ffi::OsStr;
use std::fmt;
use std::io::{Error, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder, Glob};

use crate::extract::is_leftover;
use crate::inside::open_inside;
use crate::scan::Rules;

/// The kinds of ignore files, the strongest first, as they are named in the folder they are about.
pub(crate) const KINDS: [&str; 4] = [".vadeignore", ".ignore", ".gitignore", ".git/info/exclude"];

/// An ignore file is no larger (bytes),
const MAX_BYTES: u64 = 64 << 10;
/// no line of it is longer (bytes): what is nested in one is read recursively,
const MAX_LINE: usize = 1024;
/// and it has no more patterns, and in them no more wildcards, all of which every name is compared with.
const MOST: Size = Size {
    patterns: 4096,
    wildcards: 1000,
};
/// Nor have all together that are about one folder.
const IN_FORCE: usize = 2;

/// Begins the reason of an ignore file that is not followed.
const NOT_FOLLOWED: &str = "an ignore file that is not followed";

/// What is left out in one folder.
#[derive(Clone)]
pub(crate) struct Ignoring {
    everywhere: Arc<Everywhere>,
    /// Those of this folder and the folders above, up to the root.
    files: Option<Arc<Files>>,
}

struct Everywhere {
    root: PathBuf,
    settings: Gitignore,
    hidden: bool,
}

/// How much there is to compare a name with.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    patterns: usize,
    wildcards: usize,
}

impl Size {
    fn add(&mut self, pattern: &str) {
        self.patterns += 1;
        self.wildcards += pattern.matches(['*', '?', '[', '{']).count();
    }

    fn plus(self, other: Self) -> Self {
        Self {
            patterns: self.patterns + other.patterns,
            wildcards: self.wildcards + other.wildcards,
        }
    }

    /// What there is too much of, if it is more than so many times the most.
    fn excess(self, times: usize) -> Option<String> {
        let kinds = [
            (self.patterns, MOST.patterns, "patterns"),
            (self.wildcards, MOST.wildcards, "wildcards"),
        ];
        let (_, most, kind) = kinds
            .into_iter()
            .find(|(has, most, _)| *has > times * most)?;
        Some(format!("it has more than {} {kind}", times * most))
    }
}

/// The ignore files of a folder.
struct Files {
    above: Option<Arc<Files>>,
    folder: PathBuf,
    matchers: [Gitignore; KINDS.len()],
    /// Of these and of those above.
    size: Size,
}

/// An ignore file that is not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub path: PathBuf,
    pub reason: String,
}

/// What leaves a path out.
pub(crate) enum Rule<'a> {
    Settings(&'a Glob),
    File(PathBuf, &'a Glob),
    Hidden,
}

impl fmt::Display for Rule<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings(glob) => {
                write!(
                    formatter,
                    "index.ignore has the pattern {}",
                    glob.original()
                )
            }
            Self::File(file, glob) => {
                let (file, pattern) = (file.display(), glob.original());
                write!(formatter, "{file} has the pattern {pattern}")
            }
            Self::Hidden => {
                formatter.write_str("its name begins with a dot (setting index.hidden)")
            }
        }
    }
}

impl Ignoring {
    /// What the settings say; no ignore file is read yet.
    pub(crate) fn new(root: &Path, rules: &Rules) -> Self {
        let mut settings = GitignoreBuilder::new(root);
        for pattern in &rules.ignore {
            if let Err(error) = settings.add_line(None, pattern) {
                tracing::warn!(%pattern, %error, "index.ignore: not a pattern");
            }
        }
        let settings = settings.build().unwrap_or_else(|error| {
            tracing::warn!(%error, "index.ignore cannot be followed");
            Gitignore::empty()
        });
        Self {
            everywhere: Arc::new(Everywhere {
                root: root.to_owned(),
                settings,
                hidden: rules.hidden,
            }),
            files: None,
        }
    }

    /// The same in a folder below, with its ignore files; and which of these are not followed. `has` tells of each kind
    /// whether there can be one.
    pub(crate) fn enter(&self, folder: &Path, has: [bool; KINDS.len()]) -> (Self, Vec<Fault>) {
        let before = self.files.as_ref().map(|files| files.size);
        let mut size = before.unwrap_or_default();
        let mut matchers = [const { None }; KINDS.len()];
        let mut faults = Vec::new();
        for (kind, name) in KINDS.into_iter().enumerate().filter(|(kind, _)| has[*kind]) {
            let path = folder.join(name);
            match read(&self.everywhere.root, folder, &path, &mut size) {
                Ok(Some(matcher)) => matchers[kind] = Some(matcher),
                Ok(None) => {}
                Err(reason) => faults.push(Fault { path, reason }),
            }
        }
        if matchers.iter().all(Option::is_none) {
            return (self.clone(), faults);
        }
        let files = Files {
            above: self.files.clone(),
            folder: folder.to_owned(),
            matchers: matchers.map(|matcher| matcher.unwrap_or_else(Gitignore::empty)),
            size,
        };
        let inside = Self {
            everywhere: Arc::clone(&self.everywhere),
            files: Some(Arc::new(files)),
        };
        (inside, faults)
    }

    /// What leaves out a path directly in this folder; none where it is let in.
    pub(crate) fn rule(&self, path: &Path, is_folder: bool) -> Option<Rule<'_>> {
        match self.everywhere.settings.matched(path, is_folder) {
            Match::Ignore(glob) => return Some(Rule::Settings(glob)),
            Match::Whitelist(_) => return None,
            Match::None => {}
        }
        for (kind, name) in KINDS.into_iter().enumerate() {
            let mut files = self.files.as_deref();
            while let Some(here) = files {
                match here.matchers[kind].matched(path, is_folder) {
                    Match::Ignore(glob) => return Some(Rule::File(here.folder.join(name), glob)),
                    Match::Whitelist(_) => return None,
                    Match::None => files = here.above.as_deref(),
                }
            }
        }
        let is_hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        // What programs leave beside documents is told for what it is.
        let is_left_out = is_hidden && !self.everywhere.hidden && !is_leftover(path, is_folder);
        is_left_out.then_some(Rule::Hidden)
    }
}

/// Which kinds of ignore files a folder may have, by the names in it.
pub(crate) fn kinds_among<'a>(names: impl Iterator<Item = &'a OsStr>) -> [bool; KINDS.len()] {
    let mut has = [false; KINDS.len()];
    for name in names.filter(|name| name.as_encoded_bytes().starts_with(b".")) {
        for (kind, file) in KINDS.into_iter().enumerate() {
            has[kind] |= Path::new(file).iter().next() == Some(name);
        }
    }
    has
}

/// Why an ignore file in `root` is not followed; none where it is, or is none.
pub(crate) fn fault(root: &Path, path: &Path, rules: &Rules) -> Option<String> {
    let kind = KINDS.iter().find(|kind| path.ends_with(kind))?;
    let folder = path.ancestors().nth(Path::new(kind).iter().count())?;
    let inside = folder.strip_prefix(root).ok()?;
    let mut ignoring = Ignoring::new(root, rules);
    let mut at = root.to_owned();
    for part in inside {
        ignoring = ignoring.enter(&at, [true; KINDS.len()]).0;
        at.push(part);
    }
    let faults = ignoring.enter(&at, [true; KINDS.len()]).1;
    let fault = faults.into_iter().find(|fault| fault.path == path)?;
    Some(format!("{NOT_FOLLOWED}: {}", fault.reason))
}

/// The patterns of an ignore file, none where there is no such file; or why they are not followed. They are added
/// to those `above`.
fn read(
    root: &Path,
    folder: &Path,
    path: &Path,
    above: &mut Size,
) -> std::result::Result<Option<Gitignore>, String> {
    let Some(bytes) = read_bytes(root, path)? else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&bytes);
    let mut builder = GitignoreBuilder::new(folder);
    let mut size = Size::default();
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        if line.len() > MAX_LINE {
            let line = number + 1;
            return Err(format!("its line {line} is longer than {MAX_LINE} bytes"));
        }
        size.add(line);
        if let Some(excess) = size.excess(1) {
            return Err(excess);
        }
        if let Some(excess) = above.plus(size).excess(IN_FORCE) {
            return Err(format!("with those of the folders above {excess}"));
        }
        if let Err(error) = builder.add_line(None, line) {
            tracing::debug!(file = %path.display(), %error, "not a pattern");
        }
    }
    *above = above.plus(size);
    builder.build().map(Some).map_err(|error| {
        tracing::debug!(file = %path.display(), %error, "patterns that cannot be followed");
        "its patterns are too large together, or one of them is no pattern".to_owned()
    })
}

/// The bytes of a regular file inside the root; none where nothing is there.
fn read_bytes(root: &Path, path: &Path) -> std::result::Result<Option<Vec<u8>>, String> {
    let failed = |error: Error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Ok(None),
        _ => Err(format!("it cannot be read: {error}")),
    };
    let too_large = || Err(format!("it is larger than {} KiB", MAX_BYTES >> 10));
    // Opening some special files does something: they are left alone.
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_symlink() => {
            return Err("it is a link: put a file in its place".to_owned());
        }
        Ok(metadata) if !metadata.is_file() => return Err("it is no regular file".to_owned()),
        Ok(metadata) if metadata.len() > MAX_BYTES => return too_large(),
        Ok(_) => {}
        Err(error) => return failed(error),
    }
    let file = match open_inside(root, path) {
        Ok(file) => file,
        Err(error) => return failed(error),
    };
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err("it is no regular file".to_owned());
    }
    let mut bytes = Vec::new();
    if let Err(error) = file.take(MAX_BYTES + 1).read_to_end(&mut bytes) {
        return failed(error);
    }
    if bytes.len() as u64 > MAX_BYTES {
        return too_large();
    }
    Ok(Some(bytes))
}
