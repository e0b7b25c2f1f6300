//! `vade bench`: speed and quality on this machine, in a temporary index.
//!
//! Each figure is given only after the answer behind it was checked.

mod index;
mod lm;
mod retrieval;
mod synthetic;
mod vectors;
mod whole;

use std::path::Path;

use anyhow::Result;
use vade_config::Paths;

use crate::Ended;
use crate::cli::Bench;
use crate::compose::Setup;

pub(crate) async fn run(setup: &Setup, what: Option<Bench>) -> Result<Ended> {
    match what.unwrap_or(Bench::All { folder: None }) {
        Bench::All { folder } => whole::run(setup, folder).await,
        Bench::Index {
            folder,
            saves,
            edits,
        } => index::run(setup, &crate::commands::absolute(&folder)?, saves, edits).await,
        Bench::Vectors {
            chunks,
            queries,
            edits,
        } => vectors::run(setup, chunks, queries, edits).await,
        Bench::Retrieval {
            file,
            questions,
            answers,
        } => retrieval::run(setup, &file, questions, answers).await,
        Bench::Lm {
            model,
            prompt,
            generate,
            threads,
            messages: None,
            ..
        } => lm::run(setup, model.as_deref(), &prompt, generate, threads),
        Bench::Lm {
            model,
            threads,
            messages: Some(file),
            max_tokens,
            no_drafting,
            ..
        } => lm::answer(
            setup,
            model.as_deref(),
            threads,
            &file,
            max_tokens,
            !no_drafting,
        ),
    }
}

/// The same settings and models over an index of its own.
pub(super) fn elsewhere(setup: &Setup, data: &Path) -> Setup {
    Setup {
        paths: Paths {
            data: data.to_owned(),
            ..setup.paths.clone()
        },
        settings: setup.settings.clone(),
        catalog: std::sync::Arc::clone(&setup.catalog),
        store: setup.store.clone(),
        json: setup.json,
    }
}
