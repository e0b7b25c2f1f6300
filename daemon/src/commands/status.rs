//! `vade status`: what is indexed, how far indexing has got, and why a file is or is not in.

use std::path::Path;

use anyhow::Result;
use tokio_util::sync::CancellationToken;
use vade_indexer::path_text;
use vade_web::api::{PathRequest, Status, Why};

use crate::Ended;
use crate::cli;
use crate::client::Client;
use crate::compose::Setup;
use crate::output;

pub(crate) async fn run(setup: &Setup, options: cli::Status) -> Result<Ended> {
    if let Some(path) = options.why {
        return why(setup, &path).await;
    }
    let status = now(setup).await?;
    if setup.json {
        output::json(&status)?;
    } else {
        output::status(&status);
    }
    Ok(Ended::Done)
}

/// The state of everything, from the daemon or from the index itself.
pub(super) async fn now(setup: &Setup) -> Result<Status> {
    if let Some(client) = Client::find(&setup.paths)? {
        return client.get("/api/status").await;
    }
    let services = setup.services(CancellationToken::new()).await?;
    services.retriever.index().find_folders().await?;
    Ok(vade_web::status(&services)?)
}

async fn why(setup: &Setup, path: &Path) -> Result<Ended> {
    let path = super::named(path)?;
    let why: Why = if let Some(client) = Client::find(&setup.paths)? {
        let query = PathRequest {
            path: path_text(&path).into_owned(),
            undo: false,
        };
        client.get_with("/api/why", &query).await?
    } else {
        vade_web::why_of(setup.index().await?.why(&path)?)
    };
    if setup.json {
        output::json(&why)?;
    } else {
        output::why(&why);
    }
    Ok(match why.document {
        Some(_) => Ended::Done,
        None => Ended::NothingFound,
    })
}
