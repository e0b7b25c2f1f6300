//! The JSON shapes of requests and answers. Paths are absolute, times RFC 3339, sizes bytes.

use serde::{Deserialize, Serialize};
use vade_retriever::{Explanation, Passage};

/// `GET /api/status`, `vade status --json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// The watched folders.
    pub folders: Vec<FolderStatus>,
    /// Documents by state.
    pub documents: DocumentCounts,
    /// Chunks in the index.
    pub chunks: usize,
    /// The models in use.
    pub models: ModelsInUse,
    /// The program's version.
    pub version: String,
    /// How far indexing has got.
    pub indexing: Indexing,
    /// What is in images.
    #[serde(default)]
    pub images: Images,
    /// `sealed` where the process cannot reach the network, else `open`.
    #[serde(default)]
    pub egress: String,
    /// What keeps the process from being sealed wholly.
    #[serde(default)]
    pub egress_notice: Option<String>,
    /// What a person should know of what was lost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
}

/// What the process can reach besides this machine.
#[derive(Debug, Clone)]
pub struct Egress {
    /// Whether the process cannot reach the network.
    pub sealed: bool,
    /// What keeps it from being sealed wholly.
    pub notice: Option<String>,
    /// Tries to reach the network in every way there is.
    pub attempt: fn() -> Vec<EgressAttempt>,
}

/// An attempt to reach the network.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EgressAttempt {
    /// What was tried.
    pub what: String,
    /// Whether it was refused.
    pub refused: bool,
    /// What the system said.
    pub said: String,
}

/// `POST /api/egress`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EgressReport {
    /// `sealed` or `open`.
    pub egress: String,
    /// What keeps the process from being sealed wholly.
    pub notice: Option<String>,
    /// What was tried just now; nothing where the process is open.
    pub attempts: Vec<EgressAttempt>,
}

impl Egress {
    /// `sealed` or `open`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        if self.sealed { "sealed" } else { "open" }
    }

    /// Where a sealed process is, it proves it; an open one must not try, as it could get through.
    #[must_use]
    pub fn report(&self) -> EgressReport {
        EgressReport {
            egress: self.name().to_owned(),
            notice: self.notice.clone(),
            attempts: if self.sealed {
                (self.attempt)()
            } else {
                Vec::new()
            },
        }
    }
}

/// Documents that say something in images.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Images {
    /// Documents with images that were not read.
    pub unread: usize,
    /// What a person does to have them read, where nothing reads them now: the rest of a sentence.
    pub help: Option<String>,
}

/// A watched folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FolderStatus {
    /// Where it is.
    pub path: String,
    /// Whether it could be listed when it was last looked at, and is the folder that was indexed.
    pub reachable: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away: Option<String>,
    /// Places in it where a drive was that is not there now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drives_away: Vec<String>,
    /// Documents in it, of every state.
    pub documents: usize,
}

/// Documents by state.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct DocumentCounts {
    /// Found by their words, most of them by meaning too.
    pub indexed: usize,
    /// Waiting to be read.
    pub pending: usize,
    /// Left out, for a reason that is no fault.
    pub skipped: usize,
    /// Could not be read.
    pub failed: usize,
}

/// The models in use.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ModelsInUse {
    /// The embedding model.
    pub embedding: ModelInUse,
    /// The reranker; none is installed.
    pub reranker: Option<ModelInUse>,
    /// The language model.
    pub language_model: ModelInUse,
}

/// A model in use.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ModelInUse {
    /// Catalog id.
    pub id: String,
    /// `missing`, `ready` or `loaded`.
    pub state: String,
}

/// How far indexing has got.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Indexing {
    /// Whether anything is waiting or under way.
    pub active: bool,
    /// Documents read since the queue was last empty.
    pub done: usize,
    /// Of so many.
    pub total: usize,
    /// Chunks embedded since nothing was last waiting.
    pub embedded: usize,
    /// Chunks waiting for their vector.
    pub to_embed: usize,
    /// Seconds until all is done, at the rate so far.
    pub eta_seconds: Option<f64>,
    /// The document that was read last.
    pub current: Option<String>,
    /// What keeps indexing from going on.
    pub trouble: Option<String>,
    /// What limits watching, so that changes are noticed late.
    #[serde(default)]
    pub notice: Option<String>,
}

/// A document in the library.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DocumentRow {
    /// Its id.
    pub id: String,
    /// Where it is.
    pub path: String,
    /// The watched folder it lies in.
    pub folder: String,
    /// Its title, or else the file name's stem.
    pub title: String,
    /// `pending`, `awaits-ocr`, `indexed-lexical`, `indexed`, `skipped` or `failed`.
    pub state: String,
    /// Why it was skipped or failed, or what was lost.
    pub reason: Option<String>,
    /// Chunks of it in the index.
    pub chunks: usize,
    /// File size.
    pub bytes: u64,
    /// When the file changed.
    pub modified: String,
    /// When it was indexed.
    pub indexed: Option<String>,
    /// Which extractor read it.
    pub extractor: Option<String>,
    /// How long that took.
    pub milliseconds: Option<u64>,
}

/// `GET /api/documents`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Documents {
    /// One page of rows.
    pub documents: Vec<DocumentRow>,
    /// Rows in all.
    pub total: usize,
}

/// `GET /api/why`, `vade status --why --json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Why {
    /// The path that was asked about.
    pub path: String,
    /// The watched folder it lies in.
    pub folder: Option<String>,
    /// `known`, `folder`, `absent`, `outside`, `ignored`, `unseen` or `unreachable`.
    pub standing: String,
    /// Why it is in the index, or is not: one sentence.
    pub verdict: String,
    /// Its row, where it has one.
    pub document: Option<DocumentRow>,
}

/// The query of `GET /api/why`; the body of `POST /api/forget`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathRequest {
    /// Absolute path of a file or folder.
    pub path: String,
    /// Let what was forgotten in again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undo: bool,
}

/// The query of `GET /api/documents`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentsQuery {
    /// Only this state.
    pub state: Option<String>,
    /// Only paths or titles that contain this.
    pub query: Option<String>,
    /// Only under this folder.
    pub folder: Option<String>,
    /// Rows to pass over.
    pub offset: Option<usize>,
    /// Rows to give, at most 1000.
    pub limit: Option<usize>,
}

/// Restricts a search or a question.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ScopeRequest {
    /// Only documents under this folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Only documents with this tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Only documents changed on or after this day or time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Only documents changed on or before this day or time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

/// The body of `POST /api/search`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SearchRequest {
    /// What to look for.
    pub query: String,
    /// Passages wanted (default 10, at most 100).
    pub k: Option<usize>,
    /// Give each candidate's way, and not only the result.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub explain: bool,
    /// Say what became of this file (absolute path).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
    /// Where to look.
    #[serde(flatten)]
    pub scope: ScopeRequest,
}

/// `POST /api/search`, `vade search --json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SearchResponse {
    /// The passages, the best first.
    pub hits: Vec<Passage>,
    /// How long it took.
    pub milliseconds: f64,
    /// Each candidate's way, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
}

/// The body of `POST /api/ask`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AskRequest {
    /// The question.
    pub question: String,
    /// The conversation it continues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// The language model to ask, where not the usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What the answer may rest on.
    #[serde(flatten)]
    pub scope: ScopeRequest,
}

/// The body of `POST /api/ratings`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RatingRequest {
    /// The conversation of the answer.
    pub conversation: String,
    /// The question that was answered.
    pub question: String,
    /// Whether the answer is right.
    pub right: bool,
    /// What a right answer says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction: Option<String>,
}

/// The body of `POST` and `DELETE /api/folders`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FolderRequest {
    /// Absolute path.
    pub path: String,
    /// Take what lies there now for right, where it is not the folder that was indexed (default: yes).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept: Option<bool>,
}

/// `POST /api/folders`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FolderAdded {
    /// Files as they were.
    pub unchanged: usize,
    /// Files now in the queue.
    pub queued: usize,
    /// Documents whose files are not there any more.
    #[serde(default)]
    pub removed: usize,
    /// Why it was not looked at, where it is not the folder that was indexed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away: Option<String>,
}

/// `vade index --json`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct IndexReport {
    /// Documents of these folders in the index.
    pub documents: usize,
    /// Chunks of them.
    pub chunks: usize,
    /// Of the documents, those that were as before.
    pub unchanged: usize,
    /// Files left out.
    pub skipped: Vec<LeftOut>,
    /// Files that could not be read.
    pub failed: Vec<LeftOut>,
    /// How long it took.
    pub seconds: f64,
}

/// A file that is not in the index.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LeftOut {
    /// Where it is.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// A model of the catalog.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ModelRow {
    /// Catalog id.
    pub id: String,
    /// `embedding`, `reranker`, `language-model` or `runtime`.
    pub role: String,
    /// `tested` or `listed`.
    pub status: String,
    /// Whether it is on this machine.
    pub present: bool,
    /// Whether it is in use.
    pub active: bool,
    /// Size of its files.
    pub bytes: u64,
    /// Its licence.
    pub licence: String,
    /// The languages it is good at.
    pub languages: Vec<String>,
}
