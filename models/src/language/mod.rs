//! Language models: messages in, a streamed answer out.
//!
//! `LanguageModel` is the seam: `LocalModel` runs a GGUF file, `ScriptedModel` is the deterministic
//! fake. One named thread owns the weights, loads them at the first question and lets them go when
//! idle; everybody else holds a cloneable `LanguageModelHandle`.

mod draft;
mod form;
mod handle;
mod judge;
mod local;
mod rendering;
mod sampler;
mod scripted;
mod sentencepiece;
mod stock;
mod template;
#[cfg(test)]
pub(crate) mod tests;
mod tokenizer;

use std::ops::ControlFlow;

pub use form::{Candidate, Choice, Form};
pub use handle::{Generation, LanguageModelHandle, Loader, ModelState};
pub use local::LocalModel;
pub use rendering::template_child_main;
pub use sampler::Sampling;
pub use scripted::ScriptedModel;
#[cfg(test)]
pub(crate) use tokenizer::Tokenizer;

pub use crate::engine::Options;

use crate::ModelsError;

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Instructions.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// The name chat templates use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// One message of a prompt. Its text is data: special tokens in it are plain characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub text: String,
}

impl Message {
    /// A message.
    #[must_use]
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self {
            role,
            text: text.into(),
        }
    }
}

/// What is asked of a language model.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The conversation, ending with a user's message.
    pub messages: Vec<Message>,
    /// How the answer begins: said for the model, which goes on from there. Plain characters, like a message.
    pub begun: String,
    /// What it may be from there on.
    pub form: Form,
    /// Tokens the answer may take, at most.
    pub max_tokens: usize,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Generation ends before any of these texts would be given out.
    pub stop: Vec<String>,
    /// Go on to `max_tokens` when the model is done (to measure speed).
    pub endless: bool,
    /// Guess ahead from what was read; changes the speed, not the answer.
    pub drafting: bool,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The model was done.
    Stop,
    /// `max_tokens` was reached.
    Length,
    /// Nobody listens any more.
    Cancelled,
}

/// Figures of one answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Prompt tokens that were still in memory from before.
    pub cached_tokens: usize,
    /// Tokens generated.
    pub tokens: usize,
    /// From the request's start to the first token (milliseconds).
    pub first_token_ms: f64,
    /// Generation after the first token (tokens a second; 0 when there were fewer than two).
    pub tokens_per_second: f64,
    /// Tokens guessed ahead.
    pub drafted_tokens: usize,
    /// Guessed tokens that were right.
    pub accepted_tokens: usize,
    /// Why it ended.
    pub ending: Ending,
    /// What was chosen, where the answer had a form.
    pub choice: Option<Choice>,
    /// What a judgement says: the log odds that a text answers. None from a model that cannot tell.
    pub judgement: Option<f32>,
}

impl Summary {
    /// Of an answer of which nothing is said yet.
    fn of_prompt(prompt_tokens: usize, cached_tokens: usize) -> Self {
        Self {
            prompt_tokens,
            cached_tokens,
            tokens: 0,
            first_token_ms: 0.0,
            tokens_per_second: 0.0,
            drafted_tokens: 0,
            accepted_tokens: 0,
            ending: Ending::Stop,
            choice: None,
            judgement: None,
        }
    }
}

/// A language model, driven by one thread.
pub trait LanguageModel: Send {
    /// Catalog id.
    fn id(&self) -> &str;

    /// The longest prompt and answer together (tokens).
    fn context(&self) -> usize;

    /// Tokens that `text` takes inside a message.
    ///
    /// # Errors
    /// When the tokenizer fails.
    fn count(&mut self, text: &str) -> Result<usize, ModelsError>;

    /// Generates an answer, handing out whole characters as they become certain; stops as soon as
    /// `emit` says `Break`.
    ///
    /// # Errors
    /// A prompt that does not fit the context, or a failure of the engine.
    fn generate(
        &mut self,
        request: &Request,
        emit: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Summary, ModelsError>;
}
