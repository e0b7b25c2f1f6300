//! `vade add` and `vade remove`: which folders are watched.

use std::path::PathBuf;

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use vade_indexer::path_text;
use vade_web::api::{FolderAdded, FolderRequest};

use crate::Ended;
use crate::client::Client;
use crate::compose::Setup;
use crate::output;

pub(crate) async fn add(setup: &Setup, folders: &[PathBuf]) -> Result<Ended> {
    let client = Client::find(&setup.paths)?;
    let index = match client {
        Some(_) => None,
        None => Some(setup.index().await?),
    };
    let mut added = Vec::new();
    for folder in folders {
        let path = super::absolute(folder)?;
        let (queued, removed) = match (&client, &index) {
            (Some(client), _) => {
                let request = request(&path);
                let report: FolderAdded =
                    client.call(Method::POST, "/api/folders", &request).await?;
                (report.queued, report.removed)
            }
            (None, Some(index)) => {
                let report = index.accept_folder(&path).await?;
                (report.queued, report.removed)
            }
            (None, None) => (0, 0),
        };
        if !setup.json {
            output::line(&format!("{}: {queued} files to index", output::path(&path)));
            if removed > 0 {
                output::line(&format!(
                    "  it is taken as it is now: {removed} documents are not there any more and left the index"
                ));
            }
        }
        added.push(json!({ "path": path_text(&path), "queued": queued, "removed": removed }));
    }
    if setup.json {
        output::json(&json!({ "added": added }))?;
    } else if client.is_none() {
        output::say("they are indexed when `vade up` runs, or by `vade index`");
    }
    Ok(Ended::Done)
}

pub(crate) async fn remove(setup: &Setup, folders: &[PathBuf]) -> Result<Ended> {
    let client = Client::find(&setup.paths)?;
    let mut gone = Vec::new();
    for folder in folders {
        // A folder that no longer exists can still be removed.
        let path = super::absolute(folder).or_else(|_| std::path::absolute(folder))?;
        let removed = if let Some(client) = &client {
            let answer: Value = client
                .call(Method::DELETE, "/api/folders", &request(&path))
                .await?;
            answer["removed"].as_u64().unwrap_or_default()
        } else {
            let index = setup.index().await?;
            let removed = index.remove_folder(&path).await?;
            super::index::settle(&index).await?;
            removed as u64
        };
        if !setup.json {
            let path = output::path(&path);
            output::line(&format!(
                "{path}: no longer watched, {removed} documents forgotten"
            ));
        }
        gone.push(json!({ "path": path_text(&path), "documents": removed }));
    }
    if setup.json {
        output::json(&json!({ "removed": gone }))?;
    }
    Ok(Ended::Done)
}

fn request(path: &std::path::Path) -> FolderRequest {
    FolderRequest {
        path: path_text(path).into_owned(),
        accept: None,
    }
}
