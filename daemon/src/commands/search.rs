//! `vade search`: the best passages for a query.

use anyhow::{Result, anyhow};
use reqwest::Method;
use tokio_util::sync::CancellationToken;
use vade_indexer::path_text;
use vade_web::api::{SearchRequest, SearchResponse};

use crate::Ended;
use crate::cli;
use crate::client::Client;
use crate::compose::Setup;
use crate::output;

pub(crate) async fn run(setup: &Setup, options: cli::Search) -> Result<Ended> {
    let expect = options.expect.as_deref().map(super::named).transpose()?;
    let request = SearchRequest {
        query: options.query.join(" "),
        k: Some(usize::from(options.k)),
        explain: options.explain,
        expect: expect.map(|path| path_text(&path).into_owned()),
        scope: super::scope(&options.scope)?,
    };
    let response: SearchResponse = if let Some(client) = Client::find(&setup.paths)? {
        client.call(Method::POST, "/api/search", &request).await?
    } else {
        setup.fetch_needed_to_search()?;
        let services = setup.services(CancellationToken::new()).await?;
        let scope = vade_web::scope(&request.scope).map_err(|message| anyhow!(message))?;
        vade_web::find(&services.retriever, &request, &scope).await?
    };
    if setup.json {
        output::json(&response)?;
    } else if let Some(explanation) = &response.explanation {
        output::explanation(explanation, response.milliseconds);
    } else {
        output::hits(&response.hits, response.milliseconds);
    }
    Ok(if response.hits.is_empty() {
        Ended::NothingFound
    } else {
        Ended::Done
    })
}
