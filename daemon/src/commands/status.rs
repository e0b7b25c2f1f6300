//! `vade status`: what is indexed, and how far indexing has got.

use anyhow::Result;
use tokio_util::sync::CancellationToken;
use vade_web::api::Status;

use crate::Ended;
use crate::client::Client;
use crate::compose::Setup;
use crate::output;

pub(crate) async fn run(setup: &Setup) -> Result<Ended> {
    let status: Status = if let Some(client) = Client::find(&setup.paths)? {
        client.get("/api/status").await?
    } else {
        let services = setup.services(CancellationToken::new()).await?;
        vade_web::status(&services)?
    };
    if setup.json {
        output::json(&status)?;
    } else {
        output::status(&status);
    }
    Ok(Ended::Done)
}
