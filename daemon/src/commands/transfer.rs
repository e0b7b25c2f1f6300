//! `vade export` and `vade import`: an index moves between machines.

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;
use vade_indexer::{Imported, Moved, Named};

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
            output::path(&archive),
            manifest.documents,
            manifest.conversations
        ));
    }
    Ok(Ended::Done)
}

pub(crate) async fn import(setup: &Setup, options: &cli::Import) -> Result<Ended> {
    let import = vade_indexer::Import {
        archive: std::path::absolute(&options.archive)?,
        data: setup.paths.data.clone(),
        own: vec![setup.paths.models.clone()],
        most: options.max_unpacked.map(|mib| mib.saturating_mul(1 << 20)),
    };
    let choose = |named: &[Named]| choose(setup, &options.folders, named);
    let imported = vade_indexer::import(&import, choose).await?;
    if setup.json {
        let pair = |(old, new): &Moved| json!({ "folder": old, "here": new });
        let named =
            |(folder, documents): &Named| json!({ "folder": folder, "documents": documents });
        output::json(&json!({
            "manifest": imported.manifest,
            "settings": imported.settings,
            "taken": imported.taken.iter().map(pair).collect::<Vec<_>>(),
            "not_taken": imported.not_taken.iter().map(named).collect::<Vec<_>>(),
            "left_out": imported.left_out,
        }))?;
    } else {
        print(setup, &imported);
    }
    Ok(Ended::Done)
}

/// The folders to watch: those that were named, or that the person says yes to.
fn choose(setup: &Setup, pairs: &[String], named: &[Named]) -> Result<Vec<Moved>, String> {
    let mut taken = Vec::new();
    for pair in pairs {
        let (old, new) = vade_indexer::chosen(pair, named)?;
        taken.push(here(old, new)?);
    }
    let asks = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if pairs.is_empty() && asks && !setup.json {
        for (folder, documents) in named {
            let folder_shown = output::name(&folder.to_string_lossy());
            output::say(&format!(
                "the archive names the folder {folder_shown} ({documents} documents); watch it here? \
                 yes, no, or the place where it lies now: [no] "
            ));
            let mut answer = String::new();
            let _ = std::io::stdin().read_line(&mut answer);
            match answer.trim() {
                "" | "n" | "no" => {}
                "y" | "yes" => taken.push(here(folder.clone(), None)?),
                place => taken.push(here(folder.clone(), Some(place.into()))?),
            }
        }
    }
    Ok(taken)
}

/// A folder and where it lies here; at the same place it may not be there just now.
fn here(old: PathBuf, new: Option<PathBuf>) -> Result<Moved, String> {
    let Some(new) = new else {
        return Ok((old.clone(), old));
    };
    match std::fs::canonicalize(&new) {
        Ok(found) if found.is_dir() => Ok((old, found)),
        _ => Err(format!("there is no folder {}", new.display())),
    }
}

fn print(setup: &Setup, imported: &Imported) {
    output::line(&format!(
        "{}: {} documents, {} conversations",
        output::path(&setup.paths.data),
        imported.manifest.documents,
        imported.manifest.conversations
    ));
    for (_, folder) in &imported.taken {
        let state = if folder.is_dir() {
            "is watched"
        } else {
            "is not there: nothing of it is dropped until it is"
        };
        output::line(&format!("  {} {state}", output::path(folder)));
    }
    for (folder, documents) in &imported.not_taken {
        let folder = output::path(folder);
        output::line(&format!(
            "  {folder} ({documents} documents) was not taken: import again into an empty --data-dir with \
             `--folder {folder}`, or `--folder {folder}=NEW` if it lies elsewhere"
        ));
    }
    if imported.left_out > 0 {
        let rows = imported.left_out;
        output::line(&format!(
            "  {rows} rows of its ledger are not as vade writes them: left out"
        ));
    }
    if let Some(settings) = &imported.settings {
        let path = output::path(&setup.paths.settings);
        output::line(&format!(
            "the archive holds settings, which are not taken; copy what you want into {path}:\n"
        ));
        output::line(settings);
    }
}
