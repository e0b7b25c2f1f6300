//! Whoever answers: a running daemon, or services in this process. And what was heard of an answer.

use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use vade_indexer::{DocumentFilter, DocumentId, Scope, State, path_text};
use vade_models::catalog::Role;
use vade_retriever::Question;
use vade_web::Services;
use vade_web::api::{AskRequest, Documents, ScopeRequest, SearchRequest, SearchResponse};

use crate::client::Client;
use crate::commands::bench::elsewhere;
use crate::commands::index;
use crate::compose::Setup;
use crate::output;

/// Passages searched for, enough for ten documents.
const SEARCHED: usize = 30;
/// No text is longer (bytes).
const WHOLE: usize = 1 << 30;

/// Whoever answers.
pub(super) enum Service {
    Daemon(Client),
    Here(Box<Services>),
}

/// A document of the index.
pub(super) struct Listed {
    pub id: String,
    pub path: String,
}

/// How a question stands to a conversation.
#[derive(Clone, Copy)]
pub(super) enum Thread<'a> {
    Alone,
    Opens(&'a str),
    Continues(&'a str),
}

/// What was heard of an answer.
#[derive(Default)]
pub(super) struct Heard {
    /// The answer as `POST /api/ask` ends; null where it failed.
    pub done: Value,
    pub passages: Vec<String>,
    pub conversation: Option<String>,
    pub first_token_ms: Option<f64>,
    pub total_ms: f64,
    pub error: Option<String>,
}

impl Service {
    /// Over the person's own index.
    pub(super) async fn own(setup: &Setup, model: Option<&str>) -> Result<Self> {
        if let Some(client) = Client::find(&setup.paths)? {
            return Ok(Self::Daemon(client));
        }
        fetch(setup, model)?;
        let services = setup.services(CancellationToken::new()).await?;
        Ok(Self::Here(Box::new(services)))
    }

    /// Over a folder, with an index of its own.
    pub(super) async fn over(
        setup: &Setup,
        notes: &Path,
        data: &Path,
        model: Option<&str>,
    ) -> Result<Self> {
        let setup = &elsewhere(setup, data);
        fetch(setup, model)?;
        let services = setup.services(CancellationToken::new()).await?;
        let report = index::here(services.retriever.index(), &[notes.to_owned()]).await?;
        ensure!(
            report.documents > 0,
            "nothing in {} could be indexed",
            notes.display()
        );
        for left_out in report.failed.iter().chain(&report.skipped) {
            output::say(&format!("left out: {}: {}", left_out.path, left_out.reason));
        }
        Ok(Self::Here(Box::new(services)))
    }

    /// Has the model judge every likely quote; a daemon judges as it always does.
    pub(super) fn judge_all(&mut self) {
        if let Self::Here(services) = self {
            services.retriever.judge_all();
        }
    }

    /// The documents that are found by their words.
    pub(super) async fn documents(&self) -> Result<Vec<Listed>> {
        match self {
            Self::Here(services) => {
                let filter = DocumentFilter {
                    state: Some(State::Indexed.name().to_owned()),
                    limit: usize::MAX,
                    ..DocumentFilter::default()
                };
                let documents = services.retriever.index().ledger().documents(&filter)?.0;
                let listed = documents.into_iter().map(|document| Listed {
                    path: path_text(&document.path).into_owned(),
                    id: document.id.0,
                });
                Ok(listed.collect())
            }
            Self::Daemon(client) => {
                let mut listed = Vec::new();
                loop {
                    let query = json!({
                        "state": State::Indexed.name(), "offset": listed.len(), "limit": 1000,
                    });
                    let page: Documents = client.get_with("/api/documents", &query).await?;
                    let last = page.documents.is_empty();
                    listed.extend(page.documents.into_iter().map(|document| Listed {
                        id: document.id,
                        path: document.path,
                    }));
                    if last || listed.len() >= page.total {
                        return Ok(listed);
                    }
                }
            }
        }
    }

    /// The whole text of a document; empty where it is not in the index any more.
    pub(super) async fn text(&self, document: &str) -> String {
        match self {
            Self::Here(services) => {
                let (index, id) = (services.retriever.index(), DocumentId(document.to_owned()));
                let whole = index.surroundings(&id, 0..WHOLE, 0);
                whole.map(|whole| whole.text).unwrap_or_default()
            }
            Self::Daemon(client) => {
                let query = json!({ "start": 0, "end": WHOLE, "context": 0 });
                let path = format!("/api/documents/{document}/text");
                let whole: Result<Value> = client.get_with(&path, &query).await;
                let whole = whole.unwrap_or_default();
                whole["text"].as_str().unwrap_or_default().to_owned()
            }
        }
    }

    /// Paths of the passages that a search finds, the best first.
    pub(super) async fn search(&self, query: &str) -> Result<Vec<String>> {
        let request = SearchRequest {
            query: query.to_owned(),
            k: Some(SEARCHED),
            explain: false,
            expect: None,
            scope: ScopeRequest::default(),
        };
        let found: SearchResponse = match self {
            Self::Daemon(client) => client.call(Method::POST, "/api/search", &request).await?,
            Self::Here(services) => {
                vade_web::find(&services.retriever, &request, &Scope::default()).await?
            }
        };
        Ok(found.hits.into_iter().map(|hit| hit.path).collect())
    }

    /// Asks, and listens to the end.
    pub(super) async fn ask(
        &self,
        question: &str,
        thread: Thread<'_>,
        model: Option<&str>,
    ) -> Result<Heard> {
        let started = Instant::now();
        let mut heard = Heard::default();
        let (keep_as, conversation) = match thread {
            Thread::Alone => (None, None),
            Thread::Opens(name) => (Some(format!("eval-{}-{name}", now())), None),
            Thread::Continues(id) => (None, Some(id.to_owned())),
        };
        match self {
            Self::Daemon(client) => {
                let request = AskRequest {
                    question: question.to_owned(),
                    conversation,
                    model: model.map(str::to_owned),
                    scope: ScopeRequest::default(),
                };
                let listen = |name: &str, data| heard.event(name, data, started);
                client.stream("/api/ask", &request, listen).await?;
            }
            Self::Here(services) => {
                let mut events = services.retriever.ask(Question {
                    text: question.to_owned(),
                    conversation,
                    keep_as,
                    model: model.map(str::to_owned),
                    ..Question::default()
                });
                let mut answer = String::new();
                while let Some(event) = events.recv().await {
                    let (name, data) = vade_web::event(event, &mut answer);
                    heard.event(name, data, started);
                }
            }
        }
        heard.total_ms = milliseconds(started);
        if heard.done.is_null() && heard.error.is_none() {
            heard.error = Some("the answer broke off".to_owned());
        }
        Ok(heard)
    }

    /// Removes a conversation that was kept.
    pub(super) async fn forget(&self, conversation: &str) -> Result<()> {
        match self {
            Self::Daemon(client) => {
                let path = format!("/api/conversations/{conversation}");
                let _: Value = client.call(Method::DELETE, &path, &json!({})).await?;
            }
            Self::Here(services) => {
                services
                    .retriever
                    .delete_conversations(Some(conversation))?;
            }
        }
        Ok(())
    }

    /// Whether a question that stands alone is kept, too.
    pub(super) fn keeps_all(&self) -> bool {
        matches!(self, Self::Daemon(_))
    }
}

impl Heard {
    fn event(&mut self, name: &str, data: Value, started: Instant) {
        match name {
            "passages" => {
                let passages = data["passages"].as_array().into_iter().flatten();
                let paths = passages.filter_map(|passage| passage["path"].as_str());
                self.passages = paths.map(str::to_owned).collect();
                self.conversation = data["conversation"].as_str().map(str::to_owned);
            }
            "token" if self.first_token_ms.is_none() => {
                self.first_token_ms = Some(milliseconds(started));
            }
            "done" => {
                if let Some(conversation) = data["conversation"].as_str() {
                    self.conversation = Some(conversation.to_owned());
                }
                self.done = data;
            }
            "error" => {
                let message = data["error"]["message"].as_str();
                self.error = Some(message.unwrap_or("it failed").to_owned());
            }
            _ => {}
        }
    }
}

/// Models have to be here before an index is opened: from then on nothing reaches the network.
pub(super) fn fetch(setup: &Setup, model: Option<&str>) -> Result<()> {
    setup.fetch_needed()?;
    if let Some(id) = model {
        setup.fetch(setup.catalog.get_as(id, Role::LanguageModel)?)?;
    }
    Ok(())
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

fn now() -> i64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    time.map_or(0, |time| {
        i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
    })
}
