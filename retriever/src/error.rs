//! What can go wrong between a question and its answer.

use vade_indexer::IndexerError;
use vade_models::ModelsError;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum RetrieverError {
    /// The question has no words.
    #[error("the question is empty")]
    EmptyQuestion,
    /// The question is too long to be one.
    #[error("the question is longer than {limit} characters: shorten it")]
    LongQuestion {
        /// Characters a question may have.
        limit: usize,
    },
    /// There is no such conversation.
    #[error("no such conversation: {0}")]
    NoConversation(String),
    /// There is no such question in the conversation.
    #[error("no such question in this conversation: {0}")]
    NoQuestion(String),
    /// What a person says of an answer is nothing to judge answers by.
    #[error("this cannot be noted: {0}")]
    Rating(String),
    /// What the answer would have rested on was forgotten before it was complete.
    #[error("a document that this answer rests on was forgotten just now: ask again")]
    Forgotten,
    /// A part of the program panicked.
    #[error("answering failed unexpectedly: ask again; the log says where")]
    Panicked,
    /// The index failed.
    #[error(transparent)]
    Index(#[from] IndexerError),
    /// A model failed or is not there.
    #[error(transparent)]
    Models(#[from] ModelsError),
}

/// Shorthand.
pub type Result<T> = std::result::Result<T, RetrieverError>;
