//! From folders to chunks that can be found: scan, watch, extract, chunk, embed, commit, and the
//! on-disk format of the index, reading included.
//!
//! It knows nothing of questions and prompts. Only this crate knows LanceDB and tantivy.

mod analysis;
pub mod chunk;
mod conversations;
mod error;
pub mod extract;
mod index;
mod ledger;
mod lexical;
mod pipeline;
mod scan;
mod vectors;
mod watch;

pub use conversations::{ConversationRow, MessageRow};
pub use error::{IndexerError, Result};
pub use index::{Chunk, Found, Holder, Index, IndexOptions, ScanReport, Surroundings, holder};
pub use ledger::{Counts, Document, DocumentFilter, DocumentId, Ledger, State};
pub use pipeline::Progress;
pub use vectors::Scope;
