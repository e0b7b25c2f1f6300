//! `vade search`: the best passages for a query.

use anyhow::{Result, anyhow};
use reqwest::Method;
use tokio_util::sync::CancellationToken;
use vade_web::api::{SearchRequest, SearchResponse};

use crate::Ended;
use crate::cli;
use crate::client::Client;
use crate::compose::Setup;
use crate::output;

pub(crate) async fn run(setup: &Setup, options: cli::Search) -> Result<Ended> {
    let query = options.query.join(" ");
    let scope = super::scope(&options.scope)?;
    let k = usize::from(options.k);
    let response = if let Some(client) = Client::find(&setup.paths)? {
        let request = SearchRequest {
            query,
            k: Some(k),
            scope,
        };
        client.call(Method::POST, "/api/search", &request).await?
    } else {
        setup.fetch(setup.catalog.runtime()?)?;
        setup.fetch(setup.embedding()?)?;
        let services = setup.services(CancellationToken::new()).await?;
        let scope = vade_web::scope(&scope).map_err(|message| anyhow!(message))?;
        let hits = services.retriever.search(&query, k, &scope).await?;
        SearchResponse {
            hits: hits.hits,
            milliseconds: hits.milliseconds,
        }
    };
    if setup.json {
        output::json(&response)?;
    } else {
        output::hits(&response.hits, response.milliseconds);
    }
    Ok(if response.hits.is_empty() {
        Ended::NothingFound
    } else {
        Ended::Done
    })
}
