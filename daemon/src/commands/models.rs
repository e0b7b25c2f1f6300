//! `vade models`: what the catalog has, what is here, and moving the one into the other.

use anyhow::{Result, bail};
use serde_json::json;
use vade_models::catalog::{Model, Role};
use vade_models::store::FileState;
use vade_web::api::ModelRow;

use crate::Ended;
use crate::cli;
use crate::compose::Setup;
use crate::output;

pub(crate) fn run(setup: &Setup, command: cli::Models) -> Result<Ended> {
    match command {
        cli::Models::List => list(setup),
        cli::Models::Pull(models) => pull(setup, &models.ids),
        cli::Models::Verify(models) => verify(setup, &models.ids),
        cli::Models::Rm(models) => remove(setup, &models.ids),
    }
}

fn list(setup: &Setup) -> Result<Ended> {
    let active = [setup.embedding()?.id.clone(), setup.language()?.id.clone()];
    let rows: Vec<ModelRow> = setup
        .catalog
        .iter()
        .map(|model| vade_web::model_row(model, &setup.store, &active))
        .collect();
    if setup.json {
        output::json(&json!({ "models": rows }))?;
    } else {
        output::models(&rows);
    }
    Ok(Ended::Done)
}

fn pull(setup: &Setup, ids: &[String]) -> Result<Ended> {
    let models = match ids {
        [] => setup.needed()?,
        ids => named(setup, ids)?,
    };
    // Networks that read images are of no use without it, and nothing else may have asked for it.
    if models.iter().any(|model| model.role == Role::Ocr) {
        setup.fetch(setup.catalog.runtime()?)?;
    }
    for model in &models {
        setup.fetch(model)?;
    }
    let ids: Vec<&str> = models.iter().map(|model| model.id.as_str()).collect();
    if setup.json {
        output::json(&json!({ "present": ids }))?;
    } else {
        output::line(&format!(
            "{} in {}",
            ids.join(", "),
            output::path(setup.store.dir())
        ));
    }
    Ok(Ended::Done)
}

fn verify(setup: &Setup, ids: &[String]) -> Result<Ended> {
    let models = match ids {
        [] => setup
            .catalog
            .iter()
            .filter(|model| setup.store.is_present(model))
            .collect(),
        ids => named(setup, ids)?,
    };
    let (mut wrong, mut checks) = (Vec::new(), Vec::new());
    for model in models {
        for check in setup.store.verify(model)? {
            if check.state != FileState::Verified {
                wrong.push(model.id.clone());
            }
            if !setup.json {
                let state = json!(check.state);
                let state = state.as_str().unwrap_or_default().to_owned();
                output::line(&format!("{state:14} {}", output::path(&check.path)));
            }
            checks.push(json!({ "model": model.id, "file": check.name, "state": check.state }));
        }
    }
    if setup.json {
        output::json(&json!({ "files": checks }))?;
    }
    wrong.dedup();
    if !wrong.is_empty() {
        bail!(
            "not all files are right: `vade models pull {}` fetches them again",
            wrong.join(" ")
        );
    }
    Ok(Ended::Done)
}

fn remove(setup: &Setup, ids: &[String]) -> Result<Ended> {
    let mut freed = 0;
    for model in named(setup, ids)? {
        freed += setup.store.remove(model)?;
    }
    if setup.json {
        output::json(&json!({ "freed_bytes": freed }))?;
    } else {
        output::line(&format!("{} MB freed", freed / 1_000_000));
    }
    Ok(Ended::Done)
}

fn named<'a>(setup: &'a Setup, ids: &[String]) -> Result<Vec<&'a Model>> {
    ids.iter().map(|id| Ok(setup.catalog.get(id)?)).collect()
}
