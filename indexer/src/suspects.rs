//! Documents on which the process died: what was under way then is tried again alone, and what it dies on once more
//! is set aside, so that one file cannot keep everything else from being found.
//!
//! The ledger holds which documents are under way, and of those that were at a death, how often. Only a death that a
//! document can have caused counts: one by a fault of the process itself, or by the system for want of memory. A power
//! cut, or whoever kills it, says nothing of a document. A file in the data directory tells them apart: it holds what the
//! system had counted when the process started, gets a mark when the process crashes, and is gone when it ends well.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::params;
use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::fill::fill_in;
use crate::index::{Inner, now};
use crate::ledger::{Document, DocumentId, Ledger, Outcome, State};
use crate::progress::Part;
use crate::words::read_alone;

/// A document with so many deaths is set aside.
const DEATHS: i64 = 2;

/// Why a document is set aside.
const SET_ASIDE: &str = "vade died twice while it worked on this file, and leaves it out until it changes: save it \
                         again, or `touch` it, to have it tried once more";

/// The file that a running process has in the data directory, and its mark of a crash.
const RUNNING: &str = "running";
const CRASHED: &[u8] = b"!";

impl Ledger {
    /// Work on these documents begins. What is in the ledger outlives the process.
    pub(crate) fn begin<'a>(&self, ids: impl IntoIterator<Item = &'a DocumentId>) -> Result<()> {
        self.lock()
            .prepare_cached(
                "INSERT INTO under_way SELECT value, 0, 1 FROM json_each(?1) WHERE true
                 ON CONFLICT (document) DO UPDATE SET active = 1",
            )?
            .execute([list(ids)])?;
        Ok(())
    }

    /// The process outlived these documents: nothing is held against them.
    pub(crate) fn came_through<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a DocumentId>,
    ) -> Result<()> {
        self.lock().execute(
            "DELETE FROM under_way WHERE document IN (SELECT value FROM json_each(?1))",
            [list(ids)],
        )?;
        Ok(())
    }

    /// Nothing is under way any more, and nobody died of it.
    fn nothing_under_way(&self) -> Result<()> {
        self.lock().execute_batch(
            "DELETE FROM under_way WHERE deaths = 0; UPDATE under_way SET active = 0;",
        )?;
        Ok(())
    }

    /// The process died while it worked on what is under way.
    fn died(&self) -> Result<()> {
        self.lock().execute(
            "UPDATE under_way SET deaths = deaths + active, active = 0",
            [],
        )?;
        Ok(())
    }

    /// Documents that were under way at this many deaths, or more.
    fn under_way_at(&self, deaths: i64) -> Result<Vec<DocumentId>> {
        let connection = self.lock();
        let mut statement =
            connection.prepare("SELECT document FROM under_way WHERE deaths >= ?1")?;
        let ids = statement
            .query_map(params![deaths], |row| Ok(DocumentId(row.get(0)?)))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(ids)
    }
}

/// One stage of a document is over, as part of a transaction; a suspect stays one until all are.
pub(crate) fn stage_over<'a>(
    connection: &rusqlite::Connection,
    ids: impl IntoIterator<Item = &'a DocumentId>,
) -> Result<()> {
    let ids = list(ids);
    for statement in [
        "DELETE FROM under_way WHERE deaths = 0
             AND document IN (SELECT value FROM json_each(?1))",
        "UPDATE under_way SET active = 0 WHERE document IN (SELECT value FROM json_each(?1))",
    ] {
        connection.prepare_cached(statement)?.execute([&ids])?;
    }
    Ok(())
}

fn list<'a>(ids: impl IntoIterator<Item = &'a DocumentId>) -> String {
    let ids: Vec<&str> = ids.into_iter().map(|id| id.0.as_str()).collect();
    serde_json::to_string(&ids).unwrap_or_default()
}

impl Inner {
    /// Start-up: finds out whether the process before died of its work, and sets aside what it died of twice.
    pub(crate) fn look_back(&self) -> Result<()> {
        if died_of_its_work(&self.data) {
            self.ledger.died()?;
        } else {
            self.ledger.nothing_under_way()?;
        }
        let ids = self.ledger.under_way_at(DEATHS)?;
        if ids.is_empty() {
            return Ok(());
        }
        let mut aside: Vec<(Document, Outcome)> = Vec::new();
        for id in &ids {
            if let Some(document) = self.ledger.document(id)? {
                tracing::warn!(path = %document.path.display(), "set aside: the process died on it twice");
                let outcome = Outcome::Rejected(State::Failed, SET_ASIDE.to_owned());
                aside.push((document, outcome));
            }
        }
        let marker = self.next_marker()?;
        self.lexical.commit(&ids, &[], &marker)?;
        self.ledger.words_committed(&aside, &marker, now())?;
        self.ledger.came_through(&ids)
    }
}

/// Tries what was under way at a death again, each document with nothing beside it.
pub(crate) async fn retry(index: &Arc<Inner>, token: &CancellationToken) {
    let suspects = index.ledger.under_way_at(1);
    let suspects = suspects.inspect_err(|error| index.trouble(Part::Words, error));
    for id in suspects.unwrap_or_default() {
        tokio::select! {
            () = token.cancelled() => return,
            outcome = alone(index, &id) => if let Err(error) = outcome {
                // It is tried again with the others, which wait for the same.
                index.trouble(Part::Words, &error);
                return;
            }
        }
    }
}

async fn alone(index: &Arc<Inner>, id: &DocumentId) -> Result<()> {
    let of_state = |state: State| -> Result<Option<Document>> {
        let document = index.ledger.document(id)?;
        Ok(document.filter(|document| document.state == state))
    };
    if let Some(document) = of_state(State::Pending)? {
        index.ledger.begin([id])?;
        read_alone(index, document).await?;
    }
    if let Some(document) = of_state(State::IndexedLexical)? {
        index.ledger.begin([id])?;
        index.lexical.refresh()?;
        fill_in(index, vec![document]).await?;
    }
    index.ledger.came_through([id])
}

/// What a running process leaves behind if it dies.
pub(crate) struct Running {
    path: PathBuf,
    file: Option<File>,
}

impl Running {
    /// This process runs from now on.
    pub(crate) fn new(data: &Path) -> Self {
        let path = data.join(RUNNING);
        let write = || {
            std::fs::write(&path, counted())?;
            File::options().append(true).open(&path)
        };
        // Without it no death is held against anything.
        let file = write().inspect_err(|error| tracing::warn!(%error, "crashes go unnoticed"));
        let file = file.ok();
        if let Some(file) = &file {
            crash::mark(file);
        }
        Self { path, file }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            crash::no_longer(file);
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Err(error) = self.ledger.nothing_under_way() {
            tracing::warn!(%error, "what was under way stays noted");
        }
    }
}

/// Whether the process before died in a way that a document can have caused.
fn died_of_its_work(data: &Path) -> bool {
    let path = data.join(RUNNING);
    let Ok(left) = std::fs::read(&path) else {
        return false;
    };
    let _ = std::fs::remove_file(&path);
    is_of_its_work(&left, &counted())
}

/// By what the process before left, and what the system counts now.
fn is_of_its_work(left: &[u8], now: &str) -> bool {
    if left.ends_with(CRASHED) {
        return true;
    }
    let left = String::from_utf8_lossy(left);
    let parse = |text: &str| -> Option<(String, u64)> {
        let (boot, killed) = text.trim().split_once(' ')?;
        Some((boot.to_owned(), killed.parse().ok()?))
    };
    match (parse(&left), parse(now)) {
        (Some((boot, before)), Some((same, after))) => boot == same && after > before,
        _ => false,
    }
}

/// Which start of the system this is, and how many processes it has killed since for want of memory.
fn counted() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let boot = read("/proc/sys/kernel/random/boot_id");
    let events = read("/proc/vmstat");
    let mut lines = events.lines();
    let killed = lines.find_map(|line| line.strip_prefix("oom_kill "));
    format!("{} {}\n", boot.trim(), killed.unwrap_or("0"))
}

/// Puts a mark into a file when the process crashes.
#[cfg(unix)]
#[expect(unsafe_code, reason = "signal handlers are set through libc")]
mod crash {
    use std::fs::File;
    use std::os::fd::AsRawFd;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicI32, Ordering};

    /// Signals of a process that does wrong, or gives up.
    const SIGNALS: [libc::c_int; 5] = [
        libc::SIGABRT,
        libc::SIGBUS,
        libc::SIGFPE,
        libc::SIGILL,
        libc::SIGSEGV,
    ];

    static MARKED: AtomicI32 = AtomicI32::new(-1);
    /// What is done at each of these signals otherwise.
    static OTHERWISE: OnceLock<Vec<libc::sigaction>> = OnceLock::new();

    pub(super) fn mark(file: &File) {
        MARKED.store(file.as_raw_fd(), Ordering::Relaxed);
        let mut is_first = false;
        OTHERWISE.get_or_init(|| {
            is_first = true;
            SIGNALS.map(present).to_vec()
        });
        if is_first {
            SIGNALS.into_iter().for_each(catch);
        }
    }

    pub(super) fn no_longer(file: &File) {
        let (marked, relaxed) = (file.as_raw_fd(), Ordering::Relaxed);
        let _ = MARKED.compare_exchange(marked, -1, relaxed, relaxed);
    }

    fn present(signal: libc::c_int) -> libc::sigaction {
        // SAFETY: an all-zero `sigaction` is a valid one.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: `action` is a valid sigaction for the call to fill in.
        unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) };
        action
    }

    fn catch(signal: libc::c_int) {
        let mut action = present(signal);
        action.sa_sigaction = on_crash as *const () as libc::sighandler_t;
        // A stack that has overflowed has no room.
        action.sa_flags = libc::SA_ONSTACK;
        // SAFETY: `action` is a valid sigaction, and its handler does only what a handler may.
        unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) };
    }

    /// Leaves the mark; then everything goes on as it would have without: who aborts raises the signal again, and what
    /// was wrong is done again.
    extern "C" fn on_crash(signal: libc::c_int) {
        let file = MARKED.load(Ordering::Relaxed);
        let otherwise = OTHERWISE.get().and_then(|actions| {
            let place = SIGNALS.iter().position(|&one| one == signal)?;
            actions.get(place)
        });
        // SAFETY: a handler may call both, and the pointers are to statics.
        unsafe {
            if file >= 0 {
                libc::write(file, super::CRASHED.as_ptr().cast(), super::CRASHED.len());
            }
            match otherwise {
                Some(action) => libc::sigaction(signal, action, std::ptr::null_mut()),
                None => libc::_exit(134),
            };
        }
    }
}

#[cfg(not(unix))]
mod crash {
    use std::fs::File;

    pub(super) fn mark(_: &File) {}

    pub(super) fn no_longer(_: &File) {}
}

/// Documents that are noted as under way, a few at once.
#[derive(Default)]
pub(crate) struct Noted(HashSet<DocumentId>);

impl Noted {
    /// Documents noted ahead: writing each down by itself would take longer than trying a few more again.
    const AHEAD: usize = 15;

    /// Before work on a document begins: notes it, and with it those that are `next`.
    pub(crate) fn begin<'a>(
        &mut self,
        ledger: &Ledger,
        id: &'a DocumentId,
        next: impl Iterator<Item = &'a DocumentId>,
    ) -> Result<()> {
        if self.0.remove(id) {
            return Ok(());
        }
        let next: Vec<&DocumentId> = next.take(Self::AHEAD).collect();
        ledger.begin(next.iter().copied().chain([id]))?;
        self.0 = next.into_iter().cloned().collect();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replace::tests::{open, settle};

    fn id(name: &str) -> DocumentId {
        DocumentId(name.to_owned())
    }

    #[test]
    fn a_death_counts_for_what_was_under_way_and_did_not_come_through() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let ledger = Ledger::open(directory.path()).expect("opens");
        let [a, b, c, d] = ["a", "b", "c", "d"].map(id);
        ledger.begin([&a, &b, &c, &d]).expect("begins");
        stage_over(&ledger.lock(), [&a]).expect("over");
        ledger.came_through([&b]).expect("comes through");
        ledger.died().expect("dies");
        assert_eq!(
            ledger.under_way_at(1).expect("reads"),
            [c.clone(), d.clone()]
        );
        // A suspect that got through one stage dies in the next.
        ledger.begin([&c]).expect("begins");
        stage_over(&ledger.lock(), [&c]).expect("over");
        ledger.begin([&c, &a]).expect("begins");
        ledger.died().expect("dies");
        assert_eq!(
            ledger.under_way_at(2).expect("reads"),
            std::slice::from_ref(&c)
        );
        // Who is killed, or stops, leaves no suspects, and does not clear any.
        ledger.begin([&b]).expect("begins");
        ledger.nothing_under_way().expect("stops");
        ledger.died().expect("dies");
        assert_eq!(ledger.under_way_at(1).expect("reads"), [a, c, d]);
    }

    #[test]
    fn only_deaths_of_its_work_count() {
        let now = "boot-1 5\n";
        assert!(is_of_its_work(b"boot-1 5\n!", now));
        assert!(is_of_its_work(b"boot-1 4\n", now));
        assert!(!is_of_its_work(b"boot-1 5\n", now));
        assert!(!is_of_its_work(b"boot-0 4\n", now));
        assert!(!is_of_its_work(b"", now));
        assert!(!is_of_its_work(b"boot-1\n", now));
    }

    #[test]
    fn documents_are_noted_a_few_at_once() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let ledger = Ledger::open(directory.path()).expect("opens");
        let ids: Vec<DocumentId> = (0..40).map(|number| id(&format!("{number:02}"))).collect();
        let mut noted = Noted::default();
        let mut count = 0;
        for (place, id) in ids.iter().enumerate() {
            noted
                .begin(&ledger, id, ids[place + 1..].iter())
                .expect("notes");
            let before = std::mem::replace(&mut count, ledger.lock().total_changes());
            let is_written = count > before;
            assert_eq!(is_written, place % (Noted::AHEAD + 1) == 0, "{place}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_it_died_of_twice_is_set_aside_until_it_changes() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = std::fs::canonicalize(directory.path()).expect("it is there");
        let (notes, data) = (root.join("notes"), root.join("data"));
        std::fs::create_dir(&notes).expect("a folder");
        let paths = ["good.md", "bad.md"].map(|name| notes.join(name));
        for path in &paths {
            std::fs::write(path, "The pier is old.").expect("writes");
        }
        let [good, bad] = paths.each_ref().map(|path| DocumentId::of(path));
        let index = open(&data, 32).await;
        index.add_folder(&notes).await.expect("adds");
        settle(&index).await;
        assert!(data.join(RUNNING).exists());
        drop(index);
        assert!(!data.join(RUNNING).exists());
        for under_way in [vec![&good, &bad], vec![&bad]] {
            drop(open(&data, 32).await);
            // What a process leaves that dies in the middle.
            let ledger = Ledger::open(&data).expect("opens");
            ledger.begin(under_way).expect("begins");
            std::fs::write(data.join(RUNNING), "boot 0\n!").expect("writes");
        }
        let index = open(&data, 32).await;
        settle(&index).await;
        let document = |id: &DocumentId| {
            let document = index.inner.ledger.document(id).expect("reads");
            document.expect("a row")
        };
        assert_eq!(document(&good).state, State::Indexed);
        assert_eq!(document(&bad).state, State::Failed);
        assert_eq!(document(&bad).reason.as_deref(), Some(SET_ASIDE));
        assert_eq!(index.inner.lexical.chunks(&bad).expect("reads"), []);
        index.inner.look(&notes, None).await.expect("looks");
        settle(&index).await;
        assert_eq!(document(&bad).state, State::Failed);
        std::fs::write(&paths[1], "The pier is new and longer.").expect("writes");
        index.inner.look(&notes, None).await.expect("looks");
        settle(&index).await;
        assert_eq!(document(&bad).state, State::Indexed);
        assert_eq!(index.inner.ledger.under_way_at(0).expect("reads"), []);
    }
}
