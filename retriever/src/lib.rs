//! From a question to a cited answer: candidates, fusion, prompt, stream, citations, conversations.
//!
//! It knows nothing of files on disk and nothing of HTTP. The parts that decide (`fuse`, `condense`,
//! `prompt`, `cite`) are pure functions; `ask` puts them in order.

mod ask;
mod cite;
mod condense;
mod conversation;
mod error;
mod explain;
mod fuse;
mod language;
mod passage;
mod prompt;
mod search;
mod writer;

pub use ask::{Answer, AskEvent, Question, Timings};
pub use cite::Citation;
pub use conversation::{Conversation, ConversationSummary, Message};
pub use error::{Result, RetrieverError};
pub use explain::{Expected, Explained, Explanation, Leg};
pub use passage::Passage;
pub use search::{Hits, Retriever, check_question};
