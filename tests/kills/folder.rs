//! The folder that is changed while the program is killed: its notes, what became of them, and the log.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Notes that stay at least.
const FEWEST: usize = 25;

/// `SplitMix64`, which is the same everywhere.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).expect("it is below")
    }

    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(super) fn milliseconds(&mut self, limit: usize) -> Duration {
        Duration::from_millis(self.below(limit) as u64)
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Note {
    pub number: usize,
    pub version: usize,
}

impl Note {
    /// A word that this version has, and nothing else.
    pub(super) fn word(self) -> String {
        format!("marker{}v{}x", self.number, self.version)
    }

    fn text(self) -> String {
        let Self { number, version } = self;
        format!(
            "# Walk {number}\n\nAt the gate of sluice {number} somebody wrote {}. The warden of sluice \
             {number} saw an otter, version {version}.\n\n{}\n",
            self.word(),
            "The usual list of gauges, gates and boats follows. ".repeat(10 + number % 40)
        )
    }
}

/// What there is, and what the index should know of it.
pub(super) struct Folder {
    root: PathBuf,
    pub random: Random,
    log: File,
    begun: Instant,
    pub notes: BTreeMap<PathBuf, Note>,
    pub forgotten: BTreeSet<PathBuf>,
    /// Whether these are forgotten is known to the index alone: whoever asked for it had no answer.
    pub doubtful: BTreeSet<PathBuf>,
    /// Words of files that are gone, and of versions that are.
    pub old_words: Vec<String>,
    numbers: usize,
}

impl Folder {
    pub(super) fn new(root: PathBuf, seed: u64, log: &Path, notes: usize) -> Self {
        let mut folder = Self {
            root,
            random: Random(seed),
            log: File::create(log).expect("a log"),
            begun: Instant::now(),
            notes: BTreeMap::new(),
            forgotten: BTreeSet::new(),
            doubtful: BTreeSet::new(),
            old_words: Vec::new(),
            numbers: 0,
        };
        for _ in 0..notes {
            folder.write_new();
        }
        folder
    }

    /// Writes a line to the log.
    pub(super) fn say(&mut self, what: &str) {
        let at = self.begun.elapsed().as_secs_f64();
        writeln!(self.log, "{at:9.3} {what}").expect("the log is written");
    }

    pub(super) fn relative(&self, path: &Path) -> String {
        let inside = path.strip_prefix(&self.root).unwrap_or(path);
        inside.display().to_string()
    }

    /// A change of the folder.
    pub(super) fn change(&mut self) {
        match self.random.below(100) {
            0..25 => self.write_new(),
            25..60 => self.edit(),
            60..75 => self.delete(),
            75..90 => self.rename(),
            90..95 => self.move_folder(),
            _ => self.touch(),
        }
    }

    fn write_new(&mut self) {
        let note = Note {
            number: self.numbers,
            version: 0,
        };
        self.numbers += 1;
        let path = match self.random.below(6) {
            folder @ 0..4 => self.root.join(format!("folder{folder}/{}.md", note.number)),
            _ => self.root.join(format!("{}.md", note.number)),
        };
        self.say(&format!("write {}", self.relative(&path)));
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, note.text()).expect("writes");
        self.notes.insert(path, note);
    }

    /// A note that is there, if possible one that is not forgotten.
    pub(super) fn any_note(&mut self, may_be_forgotten: bool) -> Option<(PathBuf, Note)> {
        let may = |path: &PathBuf| {
            may_be_forgotten || !(self.forgotten.contains(path) || self.doubtful.contains(path))
        };
        let notes: Vec<_> = self.notes.iter().filter(|(path, _)| may(path)).collect();
        if notes.is_empty() {
            return None;
        }
        let (path, note) = notes[self.random.below(notes.len())];
        Some((path.clone(), *note))
    }

    fn edit(&mut self) {
        let Some((path, mut note)) = self.any_note(true) else {
            return;
        };
        self.old_words.push(note.word());
        note.version += 1;
        let beside = self.random.chance(40);
        self.say(&format!(
            "edit {} to {}",
            self.relative(&path),
            note.version
        ));
        if beside {
            // As most editors save.
            let part = path.with_extension("md~");
            fs::write(&part, note.text()).expect("writes");
            fs::rename(&part, &path).expect("renames");
        } else {
            fs::write(&path, note.text()).expect("writes");
        }
        self.notes.insert(path, note);
    }

    fn delete(&mut self) {
        if self.notes.len() <= FEWEST {
            return;
        }
        let Some((path, note)) = self.any_note(true) else {
            return;
        };
        self.say(&format!("delete {}", self.relative(&path)));
        fs::remove_file(&path).expect("deletes");
        self.notes.remove(&path);
        self.forgotten.remove(&path);
        self.doubtful.remove(&path);
        self.old_words.push(note.word());
    }

    fn rename(&mut self) {
        let Some((path, note)) = self.any_note(false) else {
            return;
        };
        let folder = self.random.below(4);
        let to = self.root.join(format!(
            "folder{folder}/{}-{}.md",
            note.number, self.numbers
        ));
        self.numbers += 1;
        self.say(&format!(
            "rename {} to {}",
            self.relative(&path),
            self.relative(&to)
        ));
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        fs::rename(&path, &to).expect("renames");
        self.notes.remove(&path);
        self.notes.insert(to, note);
    }

    fn move_folder(&mut self) {
        let from = self.root.join(format!("folder{}", self.random.below(4)));
        let to = self.root.join(format!("folder{}", self.random.below(8)));
        let mut kept_out = self.forgotten.iter().chain(&self.doubtful);
        let holds_some = kept_out.any(|path| path.starts_with(&from));
        if !from.exists() || to.exists() || holds_some {
            return;
        }
        self.say(&format!(
            "move {} to {}",
            self.relative(&from),
            self.relative(&to)
        ));
        fs::rename(&from, &to).expect("renames");
        let moved = |(path, note): (PathBuf, Note)| match path.strip_prefix(&from) {
            Ok(inside) => (to.join(inside), note),
            Err(_) => (path, note),
        };
        self.notes = std::mem::take(&mut self.notes)
            .into_iter()
            .map(moved)
            .collect();
    }

    fn touch(&mut self) {
        let Some((path, note)) = self.any_note(true) else {
            return;
        };
        self.say(&format!("touch {}", self.relative(&path)));
        fs::write(&path, note.text()).expect("writes");
    }
}
