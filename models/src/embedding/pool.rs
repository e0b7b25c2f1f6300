//! The threads that own embedding sessions, their queue, and the handle to it.
//!
//! The first thread takes whatever comes; the others help with documents, and are done with their sessions
//! soon after. Questions overtake documents, and while an answer is being generated documents wait: a person is
//! always served before the backlog.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{Embedder, Reading, TextKind};
use crate::ModelsError;
use crate::guard::{give_up, guarded};

type Reply = oneshot::Sender<Result<Vec<Reading>, ModelsError>>;
type Answer = oneshot::Receiver<Result<Vec<Reading>, ModelsError>>;

/// How long texts may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Not at all: a person waits for an answer.
    Question,
    /// A person has just saved them.
    Saved,
    /// Until there is time.
    Backlog,
}

struct Job {
    texts: Vec<String>,
    kind: TextKind,
    urgency: Urgency,
    with_words: bool,
    reply: Reply,
}

#[derive(Default)]
struct Queue {
    questions: VecDeque<Job>,
    saved: VecDeque<Job>,
    documents: VecDeque<Job>,
    /// Answers being generated right now.
    answers: usize,
    closed: bool,
}

/// Sessions at most: each takes about 110 MB.
const SESSIONS: usize = 2;
/// How long a helping thread keeps its session without documents.
const HELPER_IDLE: Duration = Duration::from_secs(20);
/// Sentences of a question that are read at a time: a pass of the engine, so that its threads share them out.
const TOGETHER: usize = 16;

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    /// Jobs that have to wait before a thread that only helps loads a session.
    help_from: usize,
}

impl Shared {
    fn push(&self, job: Job) {
        let mut queue = self.lock();
        match job.urgency {
            Urgency::Question => queue.questions.push_back(job),
            Urgency::Saved => queue.saved.push_back(job),
            Urgency::Backlog => queue.documents.push_back(job),
        }
        drop(queue);
        // All are woken: the one thread that is notified might be one that waits out an answer.
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A cloneable way to the embedding threads, which end when the last handle is dropped.
#[derive(Clone)]
pub struct EmbedderHandle {
    shared: Arc<Shared>,
    _closer: Arc<Closer>,
    model: Arc<str>,
    dimensions: usize,
}

struct Closer(Arc<Shared>);

impl Drop for Closer {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_all();
    }
}

/// While it lives, documents are not embedded.
pub struct Pause(Arc<Shared>);

impl Drop for Pause {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.answers = queue.answers.saturating_sub(1);
        drop(queue);
        self.0.changed.notify_all();
    }
}

impl EmbedderHandle {
    /// Starts threads that own a session each, two at most, among which `threads` are shared out; each calls
    /// `load` with its share at its first text, and drops the session after `idle_unload` without any, all but
    /// the first sooner. All but the first load none before `help_from` jobs wait, which take as long as loading one.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        model: &str,
        dimensions: usize,
        threads: usize,
        help_from: usize,
        idle_unload: Option<Duration>,
        load: impl Fn(usize) -> Result<Box<dyn Embedder>, ModelsError> + Send + Sync + 'static,
    ) -> Result<Self, ModelsError> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            changed: Condvar::new(),
            help_from,
        });
        let load = Arc::new(load);
        let threads = threads.max(1);
        let sessions = threads.min(SESSIONS);
        for index in 0..sessions {
            let share = (threads + index) / sessions;
            let first = index == 0;
            let idle = idle_unload.map(|idle| if first { idle } else { idle.min(HELPER_IDLE) });
            let (shared, load) = (Arc::clone(&shared), Arc::clone(&load));
            std::thread::Builder::new()
                .name(format!("embedder-{index}"))
                .spawn(move || run(&shared, idle, first, || load(share)))
                .map_err(|error| ModelsError::Load(format!("no thread for it: {error}")))?;
        }
        Ok(Self {
            _closer: Arc::new(Closer(Arc::clone(&shared))),
            shared,
            model: model.into(),
            dimensions,
        })
    }

    /// Catalog id of the model.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Length of its vectors.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Embeds a question, before everything else.
    ///
    /// # Errors
    /// When the model cannot be loaded or its engine fails.
    pub async fn embed_question(&self, question: &str) -> Result<Vec<f32>, ModelsError> {
        Ok(self.question(question, false).await?.vector)
    }

    /// Reads a question word by word, before everything else.
    ///
    /// # Errors
    /// When the model cannot be loaded or its engine fails.
    pub async fn read_question(&self, question: &str) -> Result<Reading, ModelsError> {
        self.question(question, true).await
    }

    /// Reads sentences word by word for a question, before everything else.
    ///
    /// # Errors
    /// When the model cannot be loaded or its engine fails.
    pub async fn read_sentences(&self, texts: Vec<String>) -> Result<Vec<Reading>, ModelsError> {
        let jobs = texts.chunks(TOGETHER);
        let answers: Vec<Answer> = jobs
            .map(|texts| self.submit(texts.to_vec(), TextKind::Passage, Urgency::Question, true))
            .collect();
        let mut readings = Vec::with_capacity(texts.len());
        for answer in answers {
            readings.extend(answer.await.unwrap_or(Err(ModelsError::Stopped))?);
        }
        Ok(readings)
    }

    /// Embeds passages; callers bound how many they have under way.
    ///
    /// # Errors
    /// When the model cannot be loaded or its engine fails.
    pub async fn embed_passages(
        &self,
        texts: Vec<String>,
        urgency: Urgency,
    ) -> Result<Vec<Vec<f32>>, ModelsError> {
        let readings = self.run(texts, TextKind::Passage, urgency, false).await?;
        Ok(readings.into_iter().map(|one| one.vector).collect())
    }

    async fn question(&self, question: &str, with_words: bool) -> Result<Reading, ModelsError> {
        let texts = vec![question.to_owned()];
        let reading = self.run(texts, TextKind::Query, Urgency::Question, with_words);
        let read = reading.await?.into_iter().next();
        read.ok_or(ModelsError::Stopped)
    }

    async fn run(
        &self,
        texts: Vec<String>,
        kind: TextKind,
        urgency: Urgency,
        with_words: bool,
    ) -> Result<Vec<Reading>, ModelsError> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let answer = self.submit(texts, kind, urgency, with_words);
        answer.await.unwrap_or(Err(ModelsError::Stopped))
    }

    fn submit(
        &self,
        texts: Vec<String>,
        kind: TextKind,
        urgency: Urgency,
        with_words: bool,
    ) -> Answer {
        let (reply, answer) = oneshot::channel();
        self.shared.push(Job {
            texts,
            kind,
            urgency,
            with_words,
            reply,
        });
        answer
    }

    /// Holds back documents until the guard is dropped.
    #[must_use]
    pub fn pause(&self) -> Pause {
        self.shared.lock().answers += 1;
        Pause(Arc::clone(&self.shared))
    }
}

/// Does jobs until the queue is closed. Who is not the first loads no session for a few: they would wait for it.
fn run(
    shared: &Shared,
    idle: Option<Duration>,
    first: bool,
    load: impl Fn() -> Result<Box<dyn Embedder>, ModelsError>,
) {
    let mut session: Option<Box<dyn Embedder>> = None;
    loop {
        let loaded = session.is_some();
        let job = match next(shared, idle.filter(|_| loaded), first || loaded) {
            Next::Job(job) => job,
            Next::Idle => {
                give_up(&mut session);
                continue;
            }
            Next::Closed => return,
        };
        if job.reply.is_closed() {
            continue;
        }
        let vectors = guarded(|| {
            let session = match &mut session {
                Some(session) => session,
                none => none.insert(load()?),
            };
            if job.with_words {
                return session.read(&job.texts, job.kind);
            }
            let vectors = session.embed(&job.texts, job.kind)?;
            Ok(vectors.into_iter().map(Reading::of).collect())
        });
        if matches!(vectors, Err(ModelsError::Panicked)) {
            give_up(&mut session);
        }
        let _ = job.reply.send(vectors);
    }
}

enum Next {
    Job(Job),
    Idle,
    Closed,
}

/// Waits for work, at most `idle` long; who is not `ready` waits for much of it.
fn next(shared: &Shared, idle: Option<Duration>, ready: bool) -> Next {
    let since = Instant::now();
    let mut queue = shared.lock();
    loop {
        let takes = |waiting: usize| ready || waiting >= shared.help_from;
        let question = takes(queue.questions.len()).then(|| queue.questions.pop_front());
        let question = question.flatten();
        if let Some(job) = question {
            return Next::Job(job);
        }
        if queue.closed {
            return Next::Closed;
        }
        if queue.answers == 0 && takes(queue.saved.len() + queue.documents.len()) {
            let saved = queue.saved.pop_front();
            if let Some(job) = saved.or_else(|| queue.documents.pop_front()) {
                return Next::Job(job);
            }
        }
        let left = idle.map(|idle| idle.saturating_sub(since.elapsed()));
        if left.is_some_and(|left| left.is_zero()) {
            return Next::Idle;
        }
        queue = match left {
            None => shared
                .changed
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner),
            Some(left) => {
                let waited = shared.changed.wait_timeout(queue, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::HashedEmbedder;

    fn handle() -> EmbedderHandle {
        EmbedderHandle::start("hashed", 64, 2, 16, None, |_| {
            Ok(Box::new(HashedEmbedder::new(64)))
        })
        .expect("starts")
    }

    fn dot(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[tokio::test]
    async fn texts_that_share_words_are_nearer() {
        let texts = ["the red house", "a red house", "cold soup"].map(str::to_owned);
        let vectors = handle()
            .embed_passages(texts.to_vec(), Urgency::Backlog)
            .await
            .expect("embeds");
        assert!(dot(&vectors[0], &vectors[1]) > dot(&vectors[0], &vectors[2]));
    }

    #[tokio::test]
    async fn questions_pass_while_documents_are_held_back() {
        let handle = handle();
        let pause = handle.pause();
        let background = handle.clone();
        let documents = tokio::spawn(async move {
            background
                .embed_passages(vec!["later".to_owned()], Urgency::Backlog)
                .await
        });
        handle
            .embed_question("now")
            .await
            .expect("a question is embedded");
        assert!(!documents.is_finished());
        drop(pause);
        documents.await.expect("joins").expect("embeds");
    }

    /// Panics at a text that says so.
    struct Fragile(HashedEmbedder);

    impl Embedder for Fragile {
        fn embed(
            &mut self,
            texts: &[String],
            kind: TextKind,
        ) -> Result<Vec<Vec<f32>>, ModelsError> {
            assert!(texts[0] != "panic", "as it was told");
            self.0.embed(texts, kind)
        }
    }

    #[tokio::test]
    async fn a_session_that_panics_fails_that_text_only() {
        let loaded = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = Arc::clone(&loaded);
        let handle = EmbedderHandle::start("fragile", 64, 1, 16, None, move |_| {
            let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            assert!(number != 1, "as it was told");
            Ok(Box::new(Fragile(HashedEmbedder::new(64))))
        });
        let handle = handle.expect("starts");
        handle.embed_question("before").await.expect("embeds");
        // At the first it panics while it embeds, at the second while it loads.
        for text in ["panic", "whatever"] {
            let failed = handle.embed_question(text).await;
            assert!(matches!(failed, Err(ModelsError::Panicked)), "{failed:?}");
        }
        handle.embed_question("after").await.expect("embeds");
        assert_eq!(loaded.load(std::sync::atomic::Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn helpers_load_no_session_for_a_few() {
        let loaded = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = Arc::clone(&loaded);
        let handle = EmbedderHandle::start("hashed", 64, 3, 16, None, move |_| {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(20));
            Ok(Box::new(HashedEmbedder::new(64)))
        });
        let handle = handle.expect("starts");
        let sessions = || loaded.load(std::sync::atomic::Ordering::SeqCst);
        for question in ["one", "two", "three"] {
            handle.embed_question(question).await.expect("embeds");
        }
        let few = (0..4).map(|_| handle.embed_passages(vec!["few".to_owned()], Urgency::Saved));
        futures_of(few).await;
        assert_eq!(sessions(), 1);
        // The first is held up, so that the rest of many waits.
        let many =
            (0..64).map(|_| handle.embed_passages(vec!["many".to_owned(); 2000], Urgency::Backlog));
        futures_of(many).await;
        assert!(sessions() > 1, "{}", sessions());
    }

    async fn futures_of<F>(all: impl Iterator<Item = F>)
    where
        F: Future<Output = Result<Vec<Vec<f32>>, ModelsError>>,
    {
        let mut all: Vec<_> = all.map(Box::pin).collect();
        std::future::poll_fn(|context| {
            all.retain_mut(|one| match one.as_mut().poll(context) {
                std::task::Poll::Ready(vectors) => {
                    vectors.expect("embeds");
                    false
                }
                std::task::Poll::Pending => true,
            });
            if all.is_empty() {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
    }
}
