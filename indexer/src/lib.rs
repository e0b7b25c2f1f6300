//! From folders to chunks that can be found: scan, watch, extract, chunk, embed, commit, and the
//! on-disk format of the index, reading included.
//!
//! It knows nothing of questions and prompts. Only this crate knows LanceDB and tantivy.

mod analysis;
mod asked;
pub mod chunk;
mod claim;
mod conversations;
mod cutting;
mod error;
pub mod extract;
mod fail;
mod fill;
mod follow;
mod foreign;
mod forget;
mod forgotten;
mod ignoring;
mod index;
mod inside;
mod kept;
mod ledger;
mod lexical;
mod lock;
mod named;
mod names;
mod own_files;
pub mod paths;
mod pipeline;
mod progress;
mod ratings;
mod reconcile;
mod replace;
mod retry;
mod roots;
mod rows;
mod scan;
mod supervise;
mod suspects;
mod tail;
mod transfer;
mod trial;
mod upkeep;
mod vectors;
mod watch;
mod why;
mod words;

pub use asked::QuestionUnderWay;
pub use claim::{Whose, read_small, whose};
pub use conversations::{ConversationRow, MessageRow};
pub use error::{IndexerError, Result};
pub use extract::Ocr;
pub use forget::Receipt;
pub use index::{Chunk, Found, Index, IndexOptions, Name, OcrSource, ScanReport, Surroundings};
pub use inside::open_inside;
pub use ledger::{Counts, Document, DocumentFilter, DocumentId, Fault, Ledger, State};
pub use lock::{Holder, holder, lasting_holder};
pub use paths::{path_named, path_text};
pub use progress::Progress;
pub use ratings::without_paragraphs;
pub use transfer::{Import, Imported, Manifest, Moved, Named, chosen, export, import};
pub use trial::{TrialDocument, VectorTrial};
pub use vectors::Scope;
pub use why::{Standing, Why};
