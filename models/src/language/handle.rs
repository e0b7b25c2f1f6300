//! The thread that owns the language model, and the handle to it.
//!
//! Questions queue in a bounded channel and are answered one after the other. The weights are loaded
//! when the first question needs them and dropped after an idle time; a question may name another
//! model, which then takes the place of the one in memory.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::{LanguageModel, Request, Summary};
use crate::ModelsError;
use crate::guard::{give_up, guarded};

/// Questions that may wait.
const QUEUE: usize = 16;

/// Pieces of text that may wait for a slow reader.
const STREAM: usize = 64;

/// Loads a model by its catalog id.
pub type Loader = Box<dyn Fn(&str) -> Result<Box<dyn LanguageModel>, ModelsError> + Send>;

/// What an answer's receiver gets.
#[derive(Debug)]
pub enum Generation {
    /// The next piece of the answer: whole characters.
    Text(String),
    /// The answer is complete.
    Done(Summary),
    /// It failed.
    Failed(ModelsError),
}

/// Whether weights are in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelState {
    /// Not in memory.
    Unloaded,
    /// On the way.
    Loading,
    /// In memory.
    Loaded,
}

enum Command {
    Count {
        model: String,
        texts: Vec<String>,
        reply: oneshot::Sender<Result<Vec<usize>, ModelsError>>,
    },
    Generate {
        model: String,
        request: Box<Request>,
        /// How often something had been forgotten when it was asked.
        forgotten: u64,
        reply: mpsc::Sender<Generation>,
    },
    Unload,
}

/// A cloneable way to the language model's thread, which ends when the last handle is dropped.
#[derive(Clone)]
pub struct LanguageModelHandle {
    commands: SyncSender<Command>,
    forgotten: Arc<AtomicU64>,
    state: watch::Receiver<ModelState>,
    default: Arc<str>,
}

impl LanguageModelHandle {
    /// Starts the thread. `default` is the model used where a question names none.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        default: &str,
        idle_unload: Option<Duration>,
        loader: Loader,
    ) -> Result<Self, ModelsError> {
        let (commands, queue) = sync_channel(QUEUE);
        let (state_sender, state) = watch::channel(ModelState::Unloaded);
        let forgotten = Arc::new(AtomicU64::new(0));
        let owner = Owner {
            loader,
            forgotten: Arc::clone(&forgotten),
            seen: 0,
            model: None,
            state: state_sender,
        };
        std::thread::Builder::new()
            .name("language-model".to_owned())
            .spawn(move || owner.run(&queue, idle_unload))
            .map_err(|error| ModelsError::Load(format!("no thread for it: {error}")))?;
        Ok(Self {
            commands,
            forgotten,
            state,
            default: default.into(),
        })
    }

    /// The model used where a question names none.
    #[must_use]
    pub fn default_model(&self) -> &str {
        &self.default
    }

    /// Whether weights are in memory now.
    #[must_use]
    pub fn state(&self) -> ModelState {
        *self.state.borrow()
    }

    /// Tokens that each of `texts` takes.
    ///
    /// # Errors
    /// When the model cannot be loaded or too many questions wait.
    pub async fn count(
        &self,
        model: Option<&str>,
        texts: Vec<String>,
    ) -> Result<Vec<usize>, ModelsError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Count {
            model: model.unwrap_or(&self.default).to_owned(),
            texts,
            reply,
        })?;
        answer.await.unwrap_or(Err(ModelsError::Stopped))
    }

    /// Asks for an answer. Dropping the receiver stops generation at the next token.
    ///
    /// # Errors
    /// When too many questions wait already.
    pub fn generate(
        &self,
        model: Option<&str>,
        request: Request,
    ) -> Result<mpsc::Receiver<Generation>, ModelsError> {
        let (reply, answer) = mpsc::channel(STREAM);
        self.send(Command::Generate {
            model: model.unwrap_or(&self.default).to_owned(),
            request: Box::new(request),
            forgotten: self.forgotten.load(Ordering::Acquire),
            reply,
        })?;
        Ok(answer)
    }

    /// Drops the weights and everything that was read: at once, or when the answer that is being written is
    /// complete. Nothing that waits is answered before.
    pub fn forget(&self) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        // With a full queue whatever comes next sees it.
        let _ = self.send(Command::Unload);
    }

    fn send(&self, command: Command) -> Result<(), ModelsError> {
        self.commands
            .try_send(command)
            .map_err(|error| match error {
                TrySendError::Full(_) => ModelsError::QueueFull,
                TrySendError::Disconnected(_) => ModelsError::Stopped,
            })
    }
}

struct Owner {
    loader: Loader,
    /// How often something was forgotten, and how often when memory was last cleared for it.
    forgotten: Arc<AtomicU64>,
    seen: u64,
    model: Option<Box<dyn LanguageModel>>,
    state: watch::Sender<ModelState>,
}

impl Owner {
    fn run(mut self, queue: &Receiver<Command>, idle: Option<Duration>) {
        loop {
            let command = match idle.filter(|_| self.model.is_some()) {
                None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(idle) => queue.recv_timeout(idle),
            };
            match command {
                Ok(command) => self.serve(command),
                Err(RecvTimeoutError::Timeout) => {
                    tracing::info!("language model idle: unloading");
                    self.unload();
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn serve(&mut self, command: Command) {
        let forgotten = self.forgotten.load(Ordering::Acquire);
        if forgotten != self.seen {
            self.seen = forgotten;
            self.unload();
        }
        match command {
            // It was sent because of what has just been dropped.
            Command::Unload => {}
            // Nobody waits for it: what is not wanted any more is not even read.
            Command::Generate { reply, .. } if reply.is_closed() => {}
            Command::Count {
                model,
                texts,
                reply,
            } => {
                let counts = self.with(&model, |model| {
                    texts.iter().map(|text| model.count(text)).collect()
                });
                let _ = reply.send(counts);
            }
            Command::Generate {
                model,
                request,
                forgotten,
                reply,
            } => {
                let outcome = self.with(&model, |model| {
                    model.generate(&request, &mut |text| {
                        let gone = if text.is_empty() {
                            reply.is_closed()
                        } else {
                            reply
                                .blocking_send(Generation::Text(text.to_owned()))
                                .is_err()
                        };
                        if gone {
                            ControlFlow::Break(())
                        } else {
                            ControlFlow::Continue(())
                        }
                    })
                });
                let _ = reply.blocking_send(match outcome {
                    Ok(summary) => Generation::Done(summary),
                    Err(error) => Generation::Failed(error),
                });
                // What it read may be what was forgotten while it waited.
                if forgotten < self.seen {
                    self.unload();
                }
            }
        }
    }

    /// What the model of this id does. One that panics is given up.
    fn with<T>(
        &mut self,
        id: &str,
        work: impl FnOnce(&mut dyn LanguageModel) -> Result<T, ModelsError>,
    ) -> Result<T, ModelsError> {
        let done = guarded(|| self.ready(id).and_then(work));
        if matches!(done, Err(ModelsError::Panicked)) {
            self.unload();
        }
        done
    }

    /// The model of this id, loaded in place of another if need be.
    fn ready(&mut self, id: &str) -> Result<&mut dyn LanguageModel, ModelsError> {
        if self.model.as_ref().is_some_and(|model| model.id() != id) {
            self.unload();
        }
        if self.model.is_none() {
            self.state.send_replace(ModelState::Loading);
            let loaded = (self.loader)(id);
            self.state.send_replace(match &loaded {
                Ok(_) => ModelState::Loaded,
                Err(_) => ModelState::Unloaded,
            });
            self.model = Some(loaded?);
        }
        match &mut self.model {
            Some(model) => Ok(model.as_mut()),
            None => Err(ModelsError::Stopped),
        }
    }

    fn unload(&mut self) {
        give_up(&mut self.model);
        self.state.send_replace(ModelState::Unloaded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::{Ending, Message, Role, Sampling, ScriptedModel};

    fn request(question: &str) -> Request {
        Request {
            messages: vec![Message::new(Role::User, question)],
            max_tokens: 50,
            sampling: Sampling::default(),
            stop: Vec::new(),
            endless: false,
            drafting: true,
            ..Request::default()
        }
    }

    fn handle(idle: Option<Duration>) -> LanguageModelHandle {
        let loader: Loader = Box::new(|id| {
            if id == "absent" {
                return Err(ModelsError::Load("absent".to_owned()));
            }
            assert!(id != "broken", "as it was told");
            let answer = |request: &Request| {
                assert!(request.messages[0].text != "panic", "as it was told");
                "one two three".to_owned()
            };
            Ok(Box::new(ScriptedModel::new(id, answer)))
        });
        LanguageModelHandle::start("scripted", idle, loader).expect("starts")
    }

    #[tokio::test]
    async fn an_answer_streams_and_ends_with_its_figures() {
        let mut answer = handle(None).generate(None, request("?")).expect("accepted");
        let mut text = String::new();
        loop {
            match answer.recv().await.expect("an end") {
                Generation::Text(piece) => text.push_str(&piece),
                Generation::Done(summary) => {
                    assert_eq!(summary.ending, Ending::Stop);
                    break;
                }
                Generation::Failed(error) => panic!("{error}"),
            }
        }
        assert_eq!(text, "one two three");
    }

    #[tokio::test]
    async fn a_model_that_cannot_be_loaded_fails_that_question_only() {
        let handle = handle(None);
        let mut answer = handle
            .generate(Some("absent"), request("?"))
            .expect("accepted");
        assert!(matches!(
            answer.recv().await,
            Some(Generation::Failed(ModelsError::Load(_)))
        ));
        assert_eq!(
            handle
                .count(None, vec!["a b".to_owned()])
                .await
                .expect("counts"),
            [2]
        );
    }

    #[tokio::test]
    async fn what_is_to_be_forgotten_is_not_in_memory_when_the_next_question_is_answered() {
        let handle = handle(None);
        handle.count(None, vec![]).await.expect("loads");
        let mut first = handle.generate(None, request("?")).expect("accepted");
        // Whoever asked this has gone before it is its turn.
        drop(handle.generate(None, request("?")).expect("accepted"));
        for _ in 0..2 * QUEUE {
            handle.forget();
        }
        while first.recv().await.is_some() {}
        let mut state = handle.state.clone();
        state
            .wait_for(|state| *state == ModelState::Unloaded)
            .await
            .expect("the thread lives");
    }

    #[tokio::test]
    async fn a_model_that_panics_fails_that_question_only() {
        let handle = handle(None);
        for (model, question) in [(None, "panic"), (Some("broken"), "?")] {
            handle.count(None, vec![]).await.expect("loads");
            let mut answer = handle.generate(model, request(question)).expect("accepted");
            let last = answer.recv().await;
            assert!(
                matches!(last, Some(Generation::Failed(ModelsError::Panicked))),
                "{last:?}"
            );
            assert_eq!(handle.state(), ModelState::Unloaded);
        }
        let counted = handle.count(None, vec!["a b".to_owned()]).await;
        assert_eq!(counted.expect("counts"), [2]);
    }

    #[tokio::test]
    async fn idle_weights_are_unloaded() {
        let handle = handle(Some(Duration::from_millis(1)));
        handle.count(None, vec![]).await.expect("loads");
        let mut state = handle.state.clone();
        state
            .wait_for(|state| *state == ModelState::Unloaded)
            .await
            .expect("the thread lives");
    }
}
