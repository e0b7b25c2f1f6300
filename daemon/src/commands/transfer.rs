//! `vade export` and `vade import`: an index moves between machines.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::json;
use vade_indexer::Moved;

use crate::Ended;
use crate::cli;
use crate::compose::Setup;
use crate::output;

pub(crate) fn export(setup: &Setup, options: &cli::Export) -> Result<Ended> {
    let paths = &setup.paths;
    let archive = std::path::absolute(&options.archive)?;
    let manifest = vade_indexer::export(&paths.data, Some(&paths.settings), &archive)?;
    let bytes = archive.metadata()?.len();
    if setup.json {
        output::json(&json!({ "archive": archive, "bytes": bytes, "manifest": manifest }))?;
    } else {
        #[expect(clippy::cast_precision_loss, reason = "megabytes")]
        let megabytes = bytes as f64 / 1e6;
        output::line(&format!(
            "{}: {} documents, {} conversations, {megabytes:.1} MB",
            archive.display(),
            manifest.documents,
            manifest.conversations
        ));
    }
    Ok(Ended::Done)
}

pub(crate) fn import(setup: &Setup, options: &cli::Import) -> Result<Ended> {
    let moved = options.folders.iter().map(|pair| moved(pair));
    let moved = moved.collect::<Result<Vec<Moved>>>()?;
    let archive = std::path::absolute(&options.archive)?;
    let (manifest, settings) = vade_indexer::import(&archive, &setup.paths.data, &moved)?;
    let settings = settings
        .map(|settings| keep_settings(&setup.paths.settings, &settings))
        .transpose()?;
    if setup.json {
        output::json(&json!({ "manifest": manifest, "settings": settings }))?;
        return Ok(Ended::Done);
    }
    output::line(&format!(
        "{}: {} documents, {} conversations",
        setup.paths.data.display(),
        manifest.documents,
        manifest.conversations
    ));
    if let Some(settings) = settings {
        output::line(&format!("its settings are in {}", settings.display()));
    }
    for folder in &manifest.folders {
        let here = moved.iter().find(|(from, _)| from == folder);
        let here = here.map_or(folder, |(_, to)| to);
        if !here.is_dir() {
            let (old, here) = (folder.display(), here.display());
            output::line(&format!(
                "{here} is not there: nothing of it is dropped until it is; \
                 `--folder {old}=NEW` names another place"
            ));
        }
    }
    Ok(Ended::Done)
}

fn moved(pair: &str) -> Result<Moved> {
    let Some((old, new)) = pair.split_once('=') else {
        bail!("--folder {pair}: write OLD=NEW");
    };
    let new = std::fs::canonicalize(new).with_context(|| format!("there is no folder {new}"))?;
    Ok((PathBuf::from(old), new))
}

/// Settings that are here already are not overwritten.
fn keep_settings(path: &Path, settings: &str) -> Result<PathBuf> {
    let path = if path.exists() {
        path.with_extension("imported.toml")
    } else {
        path.to_owned()
    };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(&path, settings)?;
    Ok(path)
}
