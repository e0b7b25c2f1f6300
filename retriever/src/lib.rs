//! From a question to a cited answer: candidates, fusion, prompt, stream, citations, conversations.
//!
//! It knows nothing of files on disk and nothing of HTTP. The parts that decide (`fuse`, `condense`,
//! `prompt`, `cite`) are pure functions; `ask` puts them in order. `eval` judges what came of it.

mod answer;
mod ask;
mod calendar;
mod cite;
mod condense;
mod conversation;
mod embedded;
mod error;
pub mod eval;
mod excerpt;
mod expected;
mod explain;
mod fold;
mod fuse;
mod hop;
mod language;
mod library;
mod meaning;
mod naming;
mod nearness;
mod operators;
mod passage;
mod plan;
mod prompt;
mod proof;
mod rating;
mod search;
mod series;
mod summary;
mod talk;
mod values;
mod versus;
mod writer;

pub use ask::{Answer, AskEvent, Question, Timings};
pub use cite::Citation;
pub use conversation::{Conversation, ConversationSummary, Message};
pub use error::{Result, RetrieverError};
pub use explain::{ByName, Expected, Explained, Explanation, Leg};
pub use passage::Passage;
pub use rating::Rating;
pub use search::{Embedding, Hits, Retriever, check_question};
