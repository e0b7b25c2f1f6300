//! `vade forget`: files leave the index and everything that repeats them.

use anyhow::{Result, bail};
use reqwest::Method;
use tokio_util::sync::CancellationToken;
use vade_indexer::{Receipt, path_text};
use vade_web::api::PathRequest;

use crate::Ended;
use crate::cli;
use crate::client::Client;
use crate::compose::Setup;
use crate::output;

pub(crate) async fn run(setup: &Setup, options: cli::Forget) -> Result<Ended> {
    let client = Client::find(&setup.paths)?;
    let mut receipts = Vec::new();
    for path in &options.paths {
        let path = super::named(path)?;
        let receipt = if let Some(client) = &client {
            let request = PathRequest {
                path: path_text(&path).into_owned(),
                undo: options.undo,
            };
            client.call(Method::POST, "/api/forget", &request).await?
        } else {
            let services = setup.services(CancellationToken::new()).await?;
            let index = services.retriever.index();
            if options.undo {
                index.remember(&path).await?
            } else {
                index.forget(&path).await?
            }
        };
        if !setup.json {
            print(&receipt, options.undo);
        }
        receipts.push(receipt);
    }
    if setup.json {
        output::json(&serde_json::json!({ "forgotten": receipts }))?;
    }
    let left: usize = receipts.iter().map(|receipt| receipt.occurrences).sum();
    if left > 0 {
        bail!("{left} pieces of it were still found on disk: please report this");
    }
    Ok(Ended::Done)
}

fn print(receipt: &Receipt, undo: bool) {
    let path = output::path(&receipt.path);
    if undo {
        let documents = receipt.documents;
        output::line(&format!("{path}: {documents} files let in again"));
        return;
    }
    output::line(&format!(
        "{path}: {} documents ({} chunks) and {} messages forgotten",
        receipt.documents, receipt.chunks, receipt.messages
    ));
    if receipt.ratings > 0 {
        let ratings = receipt.ratings;
        output::line(&format!(
            "  and {ratings} ratings of answers that rest on them"
        ));
    }
    if receipt.copies > 0 {
        let copies = receipt.copies;
        output::line(&format!(
            "  {copies} of them are copies that lie elsewhere: they say exactly the same"
        ));
    }
    output::line(&format!(
        "  checked: {} pieces of text looked for in {} files, {} found",
        receipt.probes, receipt.files, receipt.occurrences
    ));
    if receipt.kept_out {
        output::line("  the file is still there; it is kept out until `vade forget --undo`");
    }
}
