//! The index as the rest of the program sees it: folders in, documents and passages out.
//!
//! Opens a data directory, makes ledger and engines agree, and reads. Writing is `pipeline`'s; the
//! map of live documents here is what makes readers see a consistent pair: a chunk counts only if it
//! was cut from the content that the ledger names.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::{Notify, watch};
use vade_config::IndexSettings;
use vade_models::embedding::{EmbedderHandle, Pause, Reading};

use crate::asked::{Asked, QuestionUnderWay};
use crate::chunk::ChunkSettings;
use crate::claim::claim;
use crate::conversations::MessageRow;
use crate::error::{IndexerError, Result};
use crate::extract::{Extractor, Limits, Ocr};
use crate::fail;
use crate::foreign::{Own, made_up};
use crate::forget::FORGETTING;
use crate::ledger::{Document, DocumentId, Ledger, State, digest};
use crate::lexical::{self, ByWords, Candidate, ChunkKey, ChunkRow, Lexical};
use crate::lock::LockFile;
use crate::names::HEAD;
use crate::progress::{Progress, Trouble};
use crate::replace::Stores;
use crate::roots::retain_gone;
use crate::scan::{self, Places, Rules};
use crate::suspects::Running;
use crate::vectors::{Scope, Vectors};

/// What an index needs to know from outside.
#[derive(Clone)]
pub struct IndexOptions {
    /// The data directory.
    pub data: PathBuf,
    /// Folders of the program's own, never indexed.
    pub own: Vec<PathBuf>,
    /// The `[index]` section.
    pub settings: IndexSettings,
    /// The executable that reads PDF files in a process of its own.
    pub worker: PathBuf,
    /// What reads text in images.
    pub ocr: OcrSource,
}

/// Where what reads images comes from. It may be installed at any time.
#[derive(Clone)]
pub struct OcrSource {
    /// Gives it, if it is there now.
    pub find: Arc<dyn Fn() -> Option<Ocr> + Send + Sync>,
    /// What a person does to have it: the rest of a sentence after "to have them read, ".
    pub help: String,
}

impl OcrSource {
    /// None, ever.
    #[must_use]
    pub fn none() -> Self {
        Self {
            find: Arc::new(|| None),
            help: String::new(),
        }
    }
}

/// A chunk, found.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// Its document.
    pub document: Arc<Document>,
    /// Its place in the document, from 0.
    pub ordinal: u32,
    /// Span in the document's text (bytes).
    pub span: Range<usize>,
    /// Its page, in documents that have pages.
    pub page: Option<u32>,
    /// The headings it stands under, outermost first.
    pub heading: Vec<String>,
    /// The header of the table whose rows it goes on with.
    pub table_header: Option<String>,
    /// The document's text at `span`.
    pub text: String,
}

/// A chunk's scores in the two legs of a search; a leg that did not find it gives none.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    key: ChunkKey,
    /// BM25.
    pub words: Option<f32>,
    /// Cosine.
    pub vector: Option<f32>,
    /// What its document is called, beside the question.
    pub name: Name,
    /// Its places in the two legs, from 1.
    pub ranks: (Option<usize>, Option<usize>),
    /// Its vector is still to be made: that the vector leg did not find it says nothing.
    pub awaits_vector: bool,
}

/// How near what a document is called is to a question.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Name {
    /// How much of the question its names say, by how rare each word is: 0 to 1, and a quarter more where one of them is
    /// the question.
    pub said: f32,
    /// Cosine of its head, which is its name and its beginning. On its first chunk alone.
    pub head: Option<f32>,
}

impl Found {
    /// The document it is in.
    #[must_use]
    pub fn document(&self) -> &DocumentId {
        &self.key.document
    }
}

/// Text around a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// What comes before.
    pub before: String,
    /// The span itself.
    pub text: String,
    /// What comes after.
    pub after: String,
    /// The page the span begins on.
    pub page: Option<u32>,
    /// The headings it stands under.
    pub heading: Vec<String>,
}

/// What scanning folders found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanReport {
    /// Files as they were.
    pub unchanged: usize,
    /// Files new or changed, now in the queue.
    pub queued: usize,
    /// Documents whose files are gone.
    pub removed: usize,
    /// It could not be reached, or is not the folder that was indexed: nothing was looked at.
    pub away: bool,
}

impl ScanReport {
    const AWAY: Self = Self {
        unchanged: 0,
        queued: 0,
        removed: 0,
        away: true,
    };
}

/// A vector store that is being replaced, and the embedding model it was made with.
pub(crate) struct Before {
    pub vectors: Vectors,
    pub embedder: EmbedderHandle,
}

/// An open index. Cloning it is cheap; the data directory stays locked until the last clone is gone.
#[derive(Clone)]
pub struct Index {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub data: PathBuf,
    pub ledger: Ledger,
    pub lexical: Lexical,
    pub vectors: Vectors,
    pub embedder: EmbedderHandle,
    /// The store of the embedding model before, which answers until the new one's is complete.
    pub before: RwLock<Option<Arc<Before>>>,
    pub rules: Rules,
    pub extractor: Extractor,
    pub ocr: OcrSource,
    /// Whether it was there when it was last looked for.
    pub ocr_found: AtomicBool,
    pub chunks: ChunkSettings,
    pub settings: IndexSettings,
    pub fingerprint: String,
    pub live: RwLock<HashMap<DocumentId, Arc<Document>>>,
    /// How often the live documents have changed.
    pub changes: AtomicU64,
    /// Folders that could not be reached when they were last looked at, and why.
    pub unreachable: Mutex<HashMap<PathBuf, String>>,
    /// Folders in which a drive was that is not there now.
    pub drives_away: Mutex<HashMap<PathBuf, Vec<PathBuf>>>,
    /// Questions under way.
    pub asked: Asked,
    /// Held, folder by folder, while it is walked and compared with the ledger.
    pub looking: Mutex<HashMap<PathBuf, Arc<tokio::sync::Mutex<()>>>>,
    pub notice: Mutex<Option<String>>,
    pub folders_changed: Notify,
    pub words_wake: Notify,
    pub vectors_wake: Notify,
    /// Held while the file of ratings is changed.
    pub ratings: Mutex<()>,
    /// Held over a commit of the full-text index and the ledger's part of it.
    pub words_writer: tokio::sync::Mutex<()>,
    /// Held over a commit of the vector store and the ledger's part of it.
    pub vectors_writer: tokio::sync::Mutex<()>,
    /// What a person has just saved, until it is found by both legs.
    pub saved: Mutex<HashSet<DocumentId>>,
    pub saved_wake: Notify,
    pub progress: watch::Sender<Progress>,
    pub troubles: Mutex<BTreeMap<Trouble, String>>,
    /// Everything is to stop: a walk does so in the middle.
    pub stopping: Arc<AtomicBool>,
    /// Set while documents are worked on.
    pub running: Mutex<Option<Running>>,
    lock: LockFile,
}

impl Index {
    /// Opens or makes the index of a data directory, and makes its parts agree. Where it was made with
    /// another embedding model, `previous` gives that one, if it is still there: it goes on answering
    /// until everything is embedded anew beside it.
    ///
    /// # Errors
    /// A data directory that is in use, of a newer format, or cannot be written.
    pub async fn open(
        options: &IndexOptions,
        embedder: EmbedderHandle,
        previous: impl FnOnce(&str) -> Option<EmbedderHandle>,
    ) -> Result<Self> {
        check_name(&options.data)?;
        let lock = claim(&options.data)?;
        let ledger = Ledger::open(&options.data)?;
        let (lexical, words_opened) = Lexical::open(&lexical::directory(&options.data))?;
        let settings = &options.settings;
        let from = settings.approximate_from;
        let stores = Stores::open(&options.data, &ledger, &embedder, previous, from).await?;
        let opened = stores.opened;
        let mut own = options.own.clone();
        own.push(options.data.clone());
        let inner = Inner {
            data: options.data.clone(),
            ledger,
            lexical,
            vectors: stores.vectors,
            embedder,
            before: RwLock::new(stores.before.map(Arc::new)),
            rules: Rules {
                ignore: settings.ignore.clone(),
                hidden: settings.hidden,
                own,
            },
            extractor: Extractor::new(limits(settings, options.worker.clone())),
            ocr_found: AtomicBool::new((options.ocr.find)().is_some()),
            ocr: options.ocr.clone(),
            chunks: ChunkSettings {
                target_bytes: settings.chunk_target_bytes,
                max_bytes: settings.chunk_max_bytes,
            },
            settings: settings.clone(),
            fingerprint: fingerprint(settings),
            live: RwLock::default(),
            changes: AtomicU64::new(0),
            unreachable: Mutex::default(),
            drives_away: Mutex::default(),
            asked: Asked::default(),
            looking: Mutex::default(),
            notice: Mutex::default(),
            folders_changed: Notify::new(),
            words_wake: Notify::new(),
            vectors_wake: Notify::new(),
            ratings: Mutex::default(),
            words_writer: tokio::sync::Mutex::default(),
            vectors_writer: tokio::sync::Mutex::default(),
            saved: Mutex::default(),
            saved_wake: Notify::new(),
            progress: watch::Sender::new(Progress::default()),
            troubles: Mutex::default(),
            stopping: Arc::default(),
            running: Mutex::default(),
            lock,
        };
        inner.ledger.ocr_is(inner.has_ocr())?;
        inner.reconcile(words_opened, opened).await?;
        inner.look_back()?;
        inner.reload_live()?;
        let index = Self {
            inner: Arc::new(inner),
        };
        if let Some(path) = index.inner.ledger.meta(FORGETTING)? {
            tracing::warn!("forgetting was cut short: it is done again");
            if let Err(error) = Box::pin(index.forget(Path::new(&path))).await {
                tracing::warn!(%error, "it cannot be done again");
            }
        }
        index.inner.keep_out_forgotten().await?;
        Ok(index)
    }

    /// The ledger, for reading.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.inner.ledger
    }

    /// How far indexing has got.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.inner.progress.subscribe()
    }

    /// What a person should know about watching, such as a limit of the system.
    #[must_use]
    pub fn notice(&self) -> Option<String> {
        lock(&self.inner.notice).clone()
    }

    /// What a person does to have images read that are not read now.
    #[must_use]
    pub fn ocr_help(&self) -> Option<&str> {
        (!self.inner.has_ocr()).then_some(self.inner.ocr.help.as_str())
    }

    /// Whether a folder could be listed when it was last looked at, and was the one that was indexed.
    #[must_use]
    pub fn is_reachable(&self, folder: &Path) -> bool {
        !lock(&self.inner.unreachable).contains_key(folder)
    }

    /// A question is asked: what is forgotten until the guard is dropped can end it.
    #[must_use]
    pub fn begin_question(&self) -> QuestionUnderWay {
        self.inner.asked.begin()
    }

    /// Adds the messages of a question to its conversation, which is made with this title if there is none; not
    /// where something was forgotten that its answer rests on. Says whether it was kept.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn keep_answer(
        &self,
        question: &QuestionUnderWay,
        conversation: &str,
        title: &str,
        messages: &[MessageRow],
    ) -> Result<bool> {
        let ledger = &self.inner.ledger;
        ledger.append_unless(conversation, title, messages, || question.is_cut_off())
    }

    /// Says in the lock file at which address this process answers.
    ///
    /// # Errors
    /// When the lock file cannot be written.
    pub fn announce(&self, address: &str) -> Result<()> {
        self.inner.lock.announce(address)
    }

    /// Adds a folder and puts what is in it into the queue.
    ///
    /// # Errors
    /// A folder that is none, lies inside another or is the program's own.
    pub async fn add_folder(&self, folder: &Path) -> Result<ScanReport> {
        let folder = self.check_folder(folder)?;
        self.inner.ledger.add_folder(&folder, now())?;
        let (report, _) = self.inner.look(&folder, None).await?;
        self.inner.folders_changed.notify_one();
        Ok(report)
    }

    /// Adds a folder, or takes one that is watched already as it is now: what was indexed from it and is not in
    /// it leaves the index, even if another folder lies in its place.
    ///
    /// # Errors
    /// As for `add_folder`.
    pub async fn accept_folder(&self, folder: &Path) -> Result<ScanReport> {
        let path = self.check_folder(folder)?;
        self.inner.ledger.accept_root(&path)?;
        self.add_folder(&path).await
    }

    /// Removes a folder with everything indexed from it. The files stay.
    ///
    /// # Errors
    /// A folder that is not watched.
    pub async fn remove_folder(&self, folder: &Path) -> Result<usize> {
        let absolute = self.known_as(folder)?;
        let is_watched = self.inner.ledger.folders()?.contains(&absolute);
        let real = std::fs::canonicalize(&absolute).ok();
        let absolute = real.filter(|_| !is_watched).unwrap_or(absolute);
        if !self.inner.ledger.remove_folder(&absolute)? {
            return Err(IndexerError::Folder {
                path: folder.to_owned(),
                reason: "it is not watched; `vade status` lists the folders that are".to_owned(),
            });
        }
        // Whoever looks at it now may be about to queue what is in it.
        let looking = Arc::clone(
            lock(&self.inner.looking)
                .entry(absolute.clone())
                .or_default(),
        );
        let _looking = looking.lock().await;
        let gone: Vec<DocumentId> = self
            .inner
            .ledger
            .under(&absolute)?
            .into_iter()
            .map(|document| document.id)
            .collect();
        self.inner.remove(&gone).await?;
        lock(&self.inner.unreachable).remove(&absolute);
        lock(&self.inner.drives_away).remove(&absolute);
        self.inner.folders_changed.notify_one();
        Ok(gone.len())
    }

    /// Chunks that match a question by words and, where its vector is given, by meaning: at most
    /// `limit` from each leg.
    ///
    /// # Errors
    /// When an engine fails.
    pub async fn search(
        &self,
        question: &str,
        vector: Option<&[f32]>,
        limit: usize,
        scope: &Scope,
    ) -> Result<Vec<Found>> {
        let within: Option<HashSet<DocumentId>> = (!scope.is_open()).then(|| {
            let live = read(&self.inner.live);
            live.values()
                .filter(|document| scope.admits(document))
                .map(|document| document.id.clone())
                .collect()
        });
        // Old versions that still wait to be removed take places: ask for some more than needed.
        let ask = limit + limit / 2;
        let words = self.inner.lexical.search(question, ask, within.as_ref())?;
        let before = read(&self.inner.before).clone();
        let vectors = before
            .as_ref()
            .map_or(&self.inner.vectors, |before| &before.vectors);
        let near = match vector {
            // A question embedded just before the stores changed places finds nothing by meaning. Heads take places.
            Some(vector) if vector.len() == vectors.dimensions() => {
                match vectors
                    .search(vector, 2 * ask, scope, within.as_ref())
                    .await
                {
                    Err(IndexerError::Clock) => Vec::new(),
                    near => near?,
                }
            }
            _ => Vec::new(),
        };
        let near = self.inner.lexical.admitted(question, near)?;
        let left_out = self.inner.lexical.left_out(question)?;
        let mut found = self.inner.join(words, near, limit);
        found.retain(|found| !left_out.contains(found.document()));
        Ok(found)
    }

    /// Embeds a question.
    ///
    /// # Errors
    /// When the embedding model cannot be loaded or fails.
    pub async fn embed_question(&self, question: &str) -> Result<Vec<f32>> {
        Ok(self.embedder().embed_question(question).await?)
    }

    /// Reads a question word by word.
    ///
    /// # Errors
    /// When the embedding model cannot be loaded or fails.
    pub async fn read_question(&self, question: &str) -> Result<Reading> {
        Ok(self.embedder().read_question(question).await?)
    }

    /// Reads sentences of documents word by word, which are compared with a question while a person waits.
    ///
    /// # Errors
    /// When the embedding model cannot be loaded or fails.
    pub async fn read_sentences(&self, sentences: Vec<String>) -> Result<Vec<Reading>> {
        Ok(self.embedder().read_sentences(sentences).await?)
    }

    /// The embedding model in use: while another one is put in its place, the one before.
    fn embedder(&self) -> EmbedderHandle {
        let before = read(&self.inner.before);
        let before = before.as_ref().map(|before| &before.embedder);
        before.unwrap_or(&self.inner.embedder).clone()
    }

    /// While the guard lives, documents are not embedded: a person is waiting.
    #[must_use]
    pub fn hold_back(&self) -> Pause {
        self.inner.embedder.pause()
    }

    /// The chunk behind a search result; `None` when it has just gone.
    ///
    /// # Errors
    /// When the full-text index fails.
    pub fn chunk(&self, found: &Found) -> Result<Option<Chunk>> {
        let Some(document) = self.live(&found.key.document) else {
            return Ok(None);
        };
        let row = self.inner.lexical.chunk(&found.key)?;
        Ok(row
            .filter(|row| document.hash.as_ref() == Some(&row.hash))
            .map(|row| chunk(document, row)))
    }

    /// How much of a question's words a chunk and what it stands under have, weighted by how rare
    /// each word is in the index: 0 to 1.
    #[must_use]
    pub fn coverage(&self, question: &str, chunk: &Chunk) -> f32 {
        let path = &chunk.document.path;
        let folder = path.parent().and_then(Path::file_name);
        let names = [path.file_stem(), folder].into_iter().flatten();
        let names: Vec<_> = names.map(std::ffi::OsStr::to_string_lossy).collect();
        // Numbers of two names are not one.
        let text = format!(
            "{}\n{}\n{}\n{}",
            chunk.document.title,
            names.join("\n"),
            chunk.heading.join("\n"),
            chunk.text
        );
        let language = chunk.document.language.as_deref();
        self.inner.lexical.coverage(question, &text, language)
    }

    /// The texts of a document's chunks as they are embedded.
    ///
    /// # Errors
    /// When the full-text index fails.
    pub fn passages(&self, id: &DocumentId) -> Result<Vec<String>> {
        let chunks = self.inner.lexical.chunks(id)?;
        Ok(chunks.iter().map(ChunkRow::passage).collect())
    }

    /// The chunks of a document, in order; none where its content is not in the index.
    ///
    /// # Errors
    /// When the full-text index fails.
    pub fn chunks(&self, id: &DocumentId) -> Result<Vec<Chunk>> {
        let Some(document) = self.live(id) else {
            return Ok(Vec::new());
        };
        let rows = self.inner.lexical.chunks(id)?.into_iter();
        let current = rows.filter(|row| document.hash.as_ref() == Some(&row.hash));
        Ok(current
            .map(|row| chunk(Arc::clone(&document), row))
            .collect())
    }

    /// The document, if its content is in the index.
    #[must_use]
    pub fn live(&self, id: &DocumentId) -> Option<Arc<Document>> {
        read(&self.inner.live).get(id).cloned()
    }

    /// All documents whose content is in the index, and how often they have changed before they were read.
    #[must_use]
    pub fn all_live(&self) -> (u64, Vec<Arc<Document>>) {
        let changes = self.changes();
        (changes, read(&self.inner.live).values().cloned().collect())
    }

    /// How often the documents in the index have changed since it was opened.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.inner.changes.load(Ordering::Acquire)
    }

    /// The text at `span` of a document and up to `context` bytes on each side.
    ///
    /// # Errors
    /// A document that is not in the index.
    pub fn surroundings(
        &self,
        id: &DocumentId,
        span: Range<usize>,
        context: usize,
    ) -> Result<Surroundings> {
        let missing = || IndexerError::NoDocument(id.0.clone());
        let document = self.live(id).ok_or_else(missing)?;
        let chunks: Vec<ChunkRow> = self
            .inner
            .lexical
            .chunks(id)?
            .into_iter()
            .filter(|chunk| document.hash.as_ref() == Some(&chunk.hash))
            .collect();
        let first = chunks.first().ok_or_else(missing)?.span.start;
        let holder = chunks
            .iter()
            .find(|chunk| chunk.span.end > span.start)
            .unwrap_or(&chunks[0]);
        let (page, heading) = (holder.page, holder.heading.clone());
        let text: String = chunks
            .iter()
            .flat_map(|chunk| [chunk.text.as_str(), chunk.gap.as_str()])
            .collect();
        let at = |offset: usize| {
            let offset = offset.saturating_sub(first).min(text.len());
            text.floor_char_boundary(offset)
        };
        let (start, end) = (at(span.start), at(span.end.max(span.start)));
        let from = text.ceil_char_boundary(start.saturating_sub(context));
        let to = text.floor_char_boundary((end + context).min(text.len()));
        Ok(Surroundings {
            before: text[from.min(start)..start].to_owned(),
            text: text[start..end].to_owned(),
            after: text[end..to.max(end)].to_owned(),
            page,
            heading,
        })
    }

    fn check_folder(&self, folder: &Path) -> Result<PathBuf> {
        let refuse = |reason: &str| IndexerError::Folder {
            path: folder.to_owned(),
            reason: reason.to_owned(),
        };
        let absolute = std::fs::canonicalize(folder).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => refuse("there is no such folder"),
            _ => refuse(&error.to_string()),
        })?;
        if !absolute.is_dir() {
            return Err(refuse("it is not a folder: name the folder it lies in"));
        }
        std::fs::read_dir(&absolute).map_err(|error| refuse(&error.to_string()))?;
        if absolute.to_str().is_none() {
            return Err(refuse("its name is not valid Unicode: rename it"));
        }
        if Own::of(&self.inner.rules.own).hold(&absolute) {
            return Err(refuse(
                "it belongs to vade itself: name a folder with your documents",
            ));
        }
        if let Some(reason) = made_up(&absolute) {
            return Err(refuse(&format!(
                "{reason}: name a folder with your documents"
            )));
        }
        for other in self.inner.ledger.folders()? {
            if absolute != other && absolute.starts_with(&other) {
                return Err(refuse(&format!(
                    "it lies inside {}, which is watched already",
                    other.display()
                )));
            }
            if absolute != other && other.starts_with(&absolute) {
                return Err(refuse(&format!(
                    "{}, which is watched already, lies inside it: remove that one first",
                    other.display()
                )));
            }
        }
        Ok(absolute)
    }
}

impl Inner {
    /// Whether there was something that reads images when it was last looked for.
    pub(crate) fn has_ocr(&self) -> bool {
        self.ocr_found.load(Ordering::Relaxed)
    }

    /// What reads images, if it is there now.
    pub(crate) fn find_ocr(&self) -> Result<Option<Ocr>> {
        let found = (self.ocr.find)();
        if self.ocr_found.swap(found.is_some(), Ordering::Relaxed) != found.is_some() {
            self.ledger.ocr_is(found.is_some())?;
            self.report_progress();
        }
        Ok(found)
    }

    /// Walks a folder, or some paths in it, queues what changed, removes what is gone. Also gives
    /// the directories that were found.
    pub(crate) async fn look(
        &self,
        folder: &Path,
        within: Option<Vec<PathBuf>>,
    ) -> Result<(ScanReport, Vec<PathBuf>)> {
        // What one look finds in the ledger must not be what another has found since this one began.
        let looking = Arc::clone(lock(&self.looking).entry(folder.to_owned()).or_default());
        let _looking = looking.lock().await;
        if !self
            .ledger
            .folders()?
            .iter()
            .any(|watched| watched == folder)
        {
            return Ok((ScanReport::default(), Vec::new()));
        }
        let Some(root) = self.find_root(folder).await? else {
            return Ok((ScanReport::AWAY, Vec::new()));
        };
        let places = within.as_deref().map(|paths| Arc::new(Places::new(paths)));
        let found = match self.walk(folder, places.clone()).await? {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {
                return Ok((ScanReport::default(), Vec::new()));
            }
            Err(error) => {
                self.note_away(folder, &error.to_string());
                return Ok((ScanReport::AWAY, Vec::new()));
            }
        };
        let away = self.find_drives(folder).await?;
        // What was unmounted meanwhile looks like what was deleted.
        match self.find_root(folder).await? {
            Some(now) if now.is(&root) => lock(&self.unreachable).remove(folder),
            _ => return Ok((ScanReport::AWAY, Vec::new())),
        };
        let mut known = match &within {
            None => self.ledger.under(folder)?,
            Some(paths) => {
                let mut known = Vec::new();
                for path in paths {
                    known.extend(self.ledger.under(path)?);
                }
                known.sort_by(|a, b| a.id.cmp(&b.id));
                known.dedup_by(|a, b| a.id == b.id);
                known
            }
        };
        if !found.unlisted.is_empty() {
            let there: HashSet<&Path> = found.files.iter().map(|file| &*file.path).collect();
            known.retain(|document| {
                let path = document.path.as_path();
                there.contains(path) || !found.says_nothing_of(path)
            });
        }
        let mut files = found.files;
        if let Some(places) = &places {
            files.retain(|file| places.hold(&file.path));
        }
        let mut difference = scan::difference(files, &known);
        retain_gone(&mut difference.remove, &known, &away);
        let report = ScanReport {
            unchanged: difference.unchanged,
            queued: difference.enqueue.len(),
            removed: difference.remove.len(),
            away: false,
        };
        self.remove(&difference.remove).await?;
        // What is found where nothing was known is not a person's saving.
        if within.is_some() || !known.is_empty() {
            let known = known.iter().map(|document| document.path.as_path());
            let saved = scan::just_saved(&difference.enqueue, known, now());
            lock(&self.saved).extend(saved.map(|file| DocumentId::of(&file.path)));
        }
        self.ledger.enqueue(folder, &difference.enqueue)?;
        fail::point("queued");
        if report.queued > 0 {
            self.words_wake.notify_one();
        }
        Ok((report, found.directories))
    }

    /// The directories of a folder that are not ignored; none when it cannot be listed.
    pub(crate) async fn directories(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        let walked = self.walk(folder, None).await?;
        Ok(walked.map(|found| found.directories).unwrap_or_default())
    }

    /// Walks a folder, or some paths in it, off the async threads.
    async fn walk(
        &self,
        folder: &Path,
        within: Option<Arc<Places>>,
    ) -> Result<std::io::Result<scan::Found>> {
        let (root, rules) = (folder.to_owned(), self.rules.clone());
        let stop = Arc::clone(&self.stopping);
        tokio::task::spawn_blocking(move || scan::walk(&root, &rules, within.as_deref(), &stop))
            .await
            .map_err(|error| match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => IndexerError::Closed,
            })
    }

    /// Takes documents out of every answer, now; their vectors follow when there is time.
    pub(crate) async fn remove(&self, ids: &[DocumentId]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let _writer = self.words_writer.lock().await;
        self.remove_now(ids)
    }

    /// The same, for whoever holds the words' writer.
    pub(crate) fn remove_now(&self, ids: &[DocumentId]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        {
            let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
            let mut saved = lock(&self.saved);
            for id in ids {
                live.remove(id);
                saved.remove(id);
            }
        }
        self.changes.fetch_add(1, Ordering::Release);
        let removed = self.remove_everywhere(ids);
        if removed.is_err() {
            // What could not be removed is still there.
            self.refresh_live(ids.iter())?;
        }
        self.vectors_wake.notify_one();
        self.report_progress();
        removed
    }

    fn remove_everywhere(&self, ids: &[DocumentId]) -> Result<()> {
        let marker = self.next_marker()?;
        self.lexical.commit(ids, &[], &marker)?;
        fail::point("removal-committed");
        self.ledger.remove(ids, &marker)?;
        fail::point("removal-noted");
        Ok(())
    }

    /// What was forgotten is not in the index, although this process was ended in the middle of it, or a part that
    /// was restored says so.
    async fn keep_out_forgotten(&self) -> Result<()> {
        let all = self.ledger.all_forgotten()?;
        let live: Vec<Arc<Document>> = read(&self.live).values().cloned().collect();
        let forgotten: Vec<DocumentId> = live
            .iter()
            .filter(|document| all.has(document))
            .map(|document| document.id.clone())
            .collect();
        self.remove(&forgotten).await
    }

    /// The hashes that a document with this content has: without its images, and with them.
    pub(crate) fn hashes(&self, content: &str) -> [String; 2] {
        ["", "images"].map(|way| {
            digest(
                [self.fingerprint.as_str(), way, content]
                    .concat()
                    .as_bytes(),
            )
        })
    }

    /// The marker of the next commit of the full-text index.
    pub(crate) fn next_marker(&self) -> Result<String> {
        let last = self.lexical.marker()?.parse::<u64>().unwrap_or_default();
        Ok((last + 1).to_string())
    }

    /// Reads these documents' rows into the map of live documents.
    pub(crate) fn refresh_live<'a>(&self, ids: impl Iterator<Item = &'a DocumentId>) -> Result<()> {
        for id in ids {
            // Taken first: what another task has read of it later must not be replaced by what was read here.
            let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
            let document = self.ledger.document(id)?;
            match document.filter(|document| document.hash.is_some()) {
                Some(document) => live.insert(id.clone(), Arc::new(document)),
                None => live.remove(id),
            };
        }
        self.changes.fetch_add(1, Ordering::Release);
        Ok(())
    }

    fn reload_live(&self) -> Result<()> {
        let documents = self.ledger.live()?;
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        *live = documents
            .into_iter()
            .map(|document| (document.id.clone(), Arc::new(document)))
            .collect();
        self.changes.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Merges what was found; what was cut from content that is no longer current is left out.
    fn join(&self, words: ByWords, near: Vec<Candidate>, limit: usize) -> Vec<Found> {
        let live = read(&self.live);
        let current = |candidate: &Candidate| {
            live.get(&candidate.key.document)
                .is_some_and(|document| document.hash.as_ref() == Some(&candidate.hash))
        };
        let current = |candidates: Vec<Candidate>| {
            let current = candidates.into_iter().filter(current).take(limit);
            (1..).zip(current.collect::<Vec<_>>())
        };
        let awaits_vector = |document: &DocumentId| {
            let document = live.get(document);
            document.is_some_and(|document| document.state != State::Indexed)
        };
        let mut found: HashMap<ChunkKey, Found> = HashMap::new();
        let mut of = |key: ChunkKey, note: &dyn Fn(&mut Found)| {
            let found = found.entry(key.clone()).or_insert_with(|| Found {
                awaits_vector: awaits_vector(&key.document),
                key,
                words: None,
                vector: None,
                name: Name::default(),
                ranks: (None, None),
            });
            note(found);
        };
        for (place, candidate) in current(words.chunks) {
            of(candidate.key, &|found| {
                found.words = Some(candidate.score);
                found.ranks.0 = Some(place);
            });
        }
        let (heads, near): (Vec<_>, Vec<_>) =
            near.into_iter().partition(|one| one.key.ordinal == HEAD);
        for (place, candidate) in current(near) {
            of(candidate.key, &|found| {
                found.vector = Some(candidate.score);
                found.ranks.1 = Some(place);
            });
        }
        let first = |document: DocumentId| ChunkKey {
            document,
            ordinal: 0,
        };
        for (_, candidate) in current(heads) {
            of(first(candidate.key.document), &|found| {
                found.name.head = Some(candidate.score);
            });
        }
        let mut said: HashMap<DocumentId, f32> = HashMap::new();
        for (_, candidate) in current(words.named) {
            said.insert(candidate.key.document.clone(), candidate.score);
            of(first(candidate.key.document), &|_| {});
        }
        let mut found: Vec<Found> = found.into_values().collect();
        for found in &mut found {
            found.name.said = said.get(&found.key.document).copied().unwrap_or_default();
        }
        found.sort_by(|a, b| {
            (&a.key.document, a.key.ordinal).cmp(&(&b.key.document, b.key.ordinal))
        });
        found
    }
}

fn chunk(document: Arc<Document>, row: ChunkRow) -> Chunk {
    Chunk {
        document,
        ordinal: row.ordinal,
        span: row.span,
        page: row.page,
        heading: row.heading,
        table_header: Some(row.table).filter(|table| !table.is_empty()),
        text: row.text,
    }
}

/// The vector store takes names of files as text.
fn check_name(data: &Path) -> Result<()> {
    if data.to_str().is_some() {
        return Ok(());
    }
    let reason = "its name is not valid Unicode: name another --data-dir";
    Err(IndexerError::Io {
        path: data.to_owned(),
        source: std::io::Error::other(reason),
    })
}

fn limits(settings: &IndexSettings, worker: PathBuf) -> Limits {
    const MIB: u64 = 1 << 20;
    Limits {
        max_file_bytes: settings.max_file_mib * MIB,
        child_memory_bytes: settings.extract_memory_mib * MIB,
        child_seconds: settings.extract_seconds,
        ..Limits::new(worker)
    }
}

/// Changes with everything that changes what a file's chunks are.
fn fingerprint(settings: &IndexSettings) -> String {
    const EXTRACTION: u32 = 4;
    format!(
        "{EXTRACTION} {} {} {}",
        settings.chunk_target_bytes, settings.chunk_max_bytes, settings.max_file_mib
    )
}

/// The vector store cannot tell a time before 1970, and panics.
pub(crate) fn check_clock() -> Result<()> {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(_) => Ok(()),
        Err(_) => Err(IndexerError::Clock),
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| {
            i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
        })
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn read<T>(value: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    value.read().unwrap_or_else(PoisonError::into_inner)
}
