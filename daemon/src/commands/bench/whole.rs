//! The whole path on one folder: indexing, searching, asking, memory.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use vade_indexer::{DocumentFilter, Scope, State};
use vade_retriever::{AskEvent, Question, Retriever};
use vade_web::api::Status;

use super::{elsewhere, lm};
use crate::Ended;
use crate::client::Client;
use crate::commands::{absolute, index};
use crate::compose::Setup;
use crate::measure::{memory, percentile};
use crate::output;

/// Searches to time.
const SEARCHES: usize = 200;
/// Documents to ask about.
const QUESTIONS: usize = 3;

pub(crate) async fn run(setup: &Setup, folder: Option<PathBuf>) -> Result<Ended> {
    let folder = match folder {
        Some(folder) => absolute(&folder)?,
        None => usual_folder(setup).await?,
    };
    let directory = tempfile::tempdir()?;
    let setup = &elsewhere(setup, &directory.path().join("data"));
    setup.fetch_needed()?;
    let services = setup.services(CancellationToken::new()).await?;
    let retriever = &services.retriever;
    // Loading the embedder is not part of the rate.
    let started = Instant::now();
    retriever.index().embed_question("warm").await?;
    let embedder_load_ms = started.elapsed().as_secs_f64() * 1000.0;
    let report = index::here(retriever.index(), &[folder]).await?;
    ensure!(report.chunks > 0, "nothing in this folder could be indexed");
    let titles = titles(retriever)?;
    let searches = search(retriever, &titles).await?;
    let without_model = memory().0;
    let language_model = lm::figures(setup, None, &[512], 64, None)?;
    let answers = ask(retriever, &titles).await?;
    #[expect(clippy::cast_precision_loss, reason = "an index is not that large")]
    let rate = |count: usize| count as f64 / report.seconds;
    let result = json!({
        "documents": report.documents, "chunks": report.chunks,
        "documents_per_second": rate(report.documents), "chunks_per_second": rate(report.chunks),
        "embedder_load_ms": embedder_load_ms,
        "search_ms": { "p50": percentile(&searches, 0.5), "p95": percentile(&searches, 0.95) },
        "language_model": language_model,
        "answers": answers,
        "memory_bytes": { "without_language_model": without_model, "now": memory().0, "peak": memory().1 },
    });
    output::figures(&result, setup.json)?;
    Ok(Ended::Done)
}

/// `samples/` here, or else the first watched folder.
async fn usual_folder(setup: &Setup) -> Result<PathBuf> {
    if let Ok(samples) = absolute(Path::new("samples")) {
        return Ok(samples);
    }
    let status: Status = match Client::find(&setup.paths)? {
        Some(client) => client.get("/api/status").await?,
        None => vade_web::status(&setup.services(CancellationToken::new()).await?)?,
    };
    let first = status.folders.into_iter().next();
    let first = first.context("no folder to measure on: name one")?;
    Ok(PathBuf::from(first.path))
}

/// Titles of indexed documents, which are queries whose best document is known.
pub(super) fn titles(retriever: &Retriever) -> Result<Vec<(String, String)>> {
    let filter = DocumentFilter {
        state: Some(State::Indexed.name().to_owned()),
        limit: SEARCHES,
        ..DocumentFilter::default()
    };
    let documents = retriever.index().ledger().documents(&filter)?.0;
    Ok(documents
        .into_iter()
        .map(|document| (document.title, document.id.0))
        .collect())
}

pub(super) async fn search(retriever: &Retriever, titles: &[(String, String)]) -> Result<Vec<f64>> {
    let (mut times, mut right) = (Vec::new(), 0);
    for (title, id) in titles.iter().cycle().take(SEARCHES) {
        let hits = retriever.search(title, 10, &Scope::default()).await?;
        right += usize::from(hits.hits.iter().any(|hit| hit.document == *id));
        times.push(hits.milliseconds);
    }
    ensure!(
        right * 10 >= SEARCHES * 8,
        "titles find their documents in {right} of {SEARCHES} searches"
    );
    Ok(times)
}

async fn ask(retriever: &Retriever, titles: &[(String, String)]) -> Result<serde_json::Value> {
    let mut answers = Vec::new();
    for (title, _) in titles.iter().take(QUESTIONS) {
        let mut events = retriever.ask(Question {
            text: format!("What does “{title}” say?"),
            ..Question::default()
        });
        while let Some(event) = events.recv().await {
            match event {
                AskEvent::Done(answer) => {
                    ensure!(!answer.answer.is_empty(), "an empty answer");
                    answers.push(json!({ "found": answer.found, "timings": answer.timings }));
                }
                AskEvent::Failed(error) => return Err(error.into()),
                AskEvent::Passages { .. } | AskEvent::Token(_) | AskEvent::Citation(_) => {}
            }
        }
    }
    Ok(json!(answers))
}
