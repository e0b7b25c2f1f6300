//! Recall and ranking on questions whose paragraph is known (`SQuAD` 1.1 layout, such as `XQuAD`),
//! and how often an answer's first citation is the right file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use vade_indexer::Scope;
use vade_retriever::{AskEvent, Question, Retriever};

use super::elsewhere;
use crate::Ended;
use crate::commands::index;
use crate::compose::{Setup, judged};
use crate::measure::percentile;
use crate::output;

/// A question and the file that answers it.
struct Case {
    question: String,
    file: PathBuf,
    answers: Vec<String>,
}

pub(crate) async fn run(
    setup: &Setup,
    file: &Path,
    questions: usize,
    answers: usize,
) -> Result<Ended> {
    let directory = tempfile::tempdir()?;
    let notes = directory.path().join("notes");
    let cases = read_cases(file, &notes)?;
    let cases = spread(cases, questions);
    let setup = elsewhere(setup, &directory.path().join("data"));
    setup.fetch_needed()?;
    let services = setup.services(CancellationToken::new()).await?;
    let notes = std::fs::canonicalize(notes)?;
    let report = index::here(services.retriever.index(), &[notes]).await?;
    ensure!(
        report.failed.is_empty() && report.skipped.is_empty(),
        "files were left out"
    );
    let mut legs = BTreeMap::new();
    for (leg, weight) in [
        ("words", 0.0),
        ("vectors", 1.0),
        ("hybrid", setup.settings.search.vector_weight),
    ] {
        let mut search = setup.settings.search.clone();
        search.vector_weight = weight;
        if leg != "hybrid" {
            search.foreign_vector_weight = weight;
        }
        let retriever = Retriever::new(
            services.retriever.index().clone(),
            services.retriever.model().clone(),
            search,
            setup.settings.model.clone(),
            judged(setup.embedding()?),
        );
        legs.insert(leg, rank(&retriever, &cases).await?);
    }
    let mut result = json!({
        "questions": cases.len(), "documents": report.documents, "chunks": report.chunks,
        "embedding": setup.settings.model.embedding, "legs": legs,
    });
    if answers > 0 {
        let cases = spread(cases, answers);
        result["answers"] = ask(&services.retriever, &cases).await?;
    }
    output::figures(&result, setup.json)?;
    Ok(Ended::Done)
}

/// Writes each paragraph to a file, and gives the questions on them.
fn read_cases(file: &Path, notes: &Path) -> Result<Vec<Case>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let squad: Value = serde_json::from_str(&text)?;
    std::fs::create_dir_all(notes)?;
    let notes = std::fs::canonicalize(notes)?;
    let mut cases = Vec::new();
    let articles = squad["data"].as_array().context("no `data` in it")?;
    let paragraphs = articles
        .iter()
        .flat_map(|article| article["paragraphs"].as_array().into_iter().flatten());
    for (number, paragraph) in paragraphs.enumerate() {
        let path = notes.join(format!("{number:04}.txt"));
        std::fs::write(&path, paragraph["context"].as_str().unwrap_or_default())?;
        for question in paragraph["qas"].as_array().into_iter().flatten() {
            let answers = question["answers"].as_array().into_iter().flatten();
            cases.push(Case {
                question: question["question"].as_str().unwrap_or_default().to_owned(),
                file: path.clone(),
                answers: answers
                    .filter_map(|answer| answer["text"].as_str().map(str::to_owned))
                    .collect(),
            });
        }
    }
    ensure!(!cases.is_empty(), "no questions in {}", file.display());
    Ok(cases)
}

/// `count` of the cases, evenly spread; all of them for zero.
fn spread(cases: Vec<Case>, count: usize) -> Vec<Case> {
    let step = match count {
        0 => 1,
        count => (cases.len() / count).max(1),
    };
    let limit = if count == 0 { cases.len() } else { count };
    cases.into_iter().step_by(step).take(limit).collect()
}

#[expect(clippy::cast_precision_loss, reason = "thousands of questions at most")]
async fn rank(retriever: &Retriever, cases: &[Case]) -> Result<Value> {
    let (mut first, mut gain, mut times) = (0, 0.0, Vec::new());
    let mut evidence = Vec::new();
    for case in cases {
        let hits = retriever
            .search(&case.question, 30, &Scope::default())
            .await?;
        times.push(hits.milliseconds);
        evidence.push(f64::from(hits.evidence));
        // Files, each once, in the order of their best passage.
        let mut files: Vec<&str> = Vec::new();
        for hit in &hits.hits {
            if !files.contains(&hit.path.as_str()) {
                files.push(&hit.path);
            }
        }
        let place = files
            .iter()
            .take(10)
            .position(|path| Path::new(path) == case.file);
        if let Some(place) = place {
            first += usize::from(place == 0);
            gain += 1.0 / (place as f64 + 2.0).log2();
        }
    }
    let count = cases.len() as f64;
    Ok(json!({
        "recall_at_1": first as f64 / count,
        "ndcg_at_10": gain / count,
        "search_ms": { "p50": percentile(&times, 0.5), "p95": percentile(&times, 0.95) },
        "evidence": { "p1": percentile(&evidence, 0.01), "p5": percentile(&evidence, 0.05), "p50": percentile(&evidence, 0.5) },
    }))
}

#[expect(clippy::cast_precision_loss, reason = "hundreds of questions at most")]
async fn ask(retriever: &Retriever, cases: &[Case]) -> Result<Value> {
    let (mut found, mut right, mut contains) = (0, 0, 0);
    let (mut first_token, mut speed) = (Vec::new(), Vec::new());
    for case in cases {
        let mut events = retriever.ask(Question {
            text: case.question.clone(),
            ..Question::default()
        });
        while let Some(event) = events.recv().await {
            match event {
                AskEvent::Done(answer) => {
                    found += usize::from(answer.found);
                    let cited = answer
                        .citations
                        .first()
                        .map(|citation| Path::new(&citation.path));
                    right += usize::from(cited == Some(&case.file));
                    let lower = answer.answer.to_lowercase();
                    let holds = case
                        .answers
                        .iter()
                        .any(|gold| lower.contains(&gold.to_lowercase()));
                    contains += usize::from(holds);
                    first_token.push(answer.timings.first_token_ms);
                    speed.push(answer.timings.tokens_per_second);
                    tracing::info!(
                        question = case.question,
                        answer = answer.answer,
                        right = cited == Some(&case.file),
                        holds
                    );
                }
                AskEvent::Failed(error) => return Err(error.into()),
                AskEvent::Passages { .. } | AskEvent::Token(_) | AskEvent::Citation(_) => {}
            }
        }
    }
    let count = cases.len() as f64;
    Ok(json!({
        "questions": cases.len(),
        "model": retriever.model().default_model(),
        "found": f64::from(u32::try_from(found)?) / count,
        "first_citation_right": f64::from(u32::try_from(right)?) / count,
        "answer_contains_gold": f64::from(u32::try_from(contains)?) / count,
        "first_token_ms": { "p50": percentile(&first_token, 0.5), "p95": percentile(&first_token, 0.95) },
        "tokens_per_second": percentile(&speed, 0.5),
    }))
}
