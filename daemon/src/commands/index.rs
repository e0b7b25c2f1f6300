//! `vade index`: folders are indexed once, with progress, and a report says what became of each.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use reqwest::Method;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vade_indexer::{DocumentFilter, Index, State, path_text};
use vade_web::api::{
    Documents, DocumentsQuery, FolderAdded, FolderRequest, IndexReport, LeftOut, Status,
};

use crate::Ended;
use crate::client::Client;
use crate::compose::Setup;
use crate::output;
use crate::progress;

pub(crate) async fn run(setup: &Setup, folders: &[PathBuf]) -> Result<Ended> {
    let folders: Vec<PathBuf> = folders
        .iter()
        .map(|folder| super::absolute(folder))
        .collect::<Result<_>>()?;
    let report = if let Some(client) = Client::find(&setup.paths)? {
        by_daemon(&client, &folders).await?
    } else {
        setup.fetch_needed_to_search()?;
        here(&setup.index().await?, &folders).await?
    };
    if setup.json {
        output::json(&report)?;
    } else {
        output::report(&report);
    }
    Ok(Ended::Done)
}

/// Indexes folders in this process.
pub(crate) async fn here(index: &Index, folders: &[PathBuf]) -> Result<IndexReport> {
    let started = Instant::now();
    let mut unchanged = 0;
    for folder in folders {
        let report = index.add_folder(folder).await?;
        if let Some(away) = index.away(folder).filter(|_| report.away) {
            bail!("{}: {away}", folder.display());
        }
        unchanged += report.unchanged;
    }
    settle(index).await?;
    let mut report = IndexReport {
        unchanged,
        seconds: started.elapsed().as_secs_f64(),
        ..IndexReport::default()
    };
    for folder in folders {
        let filter = DocumentFilter {
            folder: Some(folder.clone()),
            limit: usize::MAX,
            ..DocumentFilter::default()
        };
        for document in index.ledger().documents(&filter)?.0 {
            let path = path_text(&document.path).into_owned();
            let reason = document.reason.unwrap_or_default();
            count(
                &mut report,
                document.state,
                document.chunks,
                LeftOut { path, reason },
            );
        }
    }
    Ok(report)
}

/// Works off the queue in this process, with progress.
pub(super) async fn settle(index: &Index) -> Result<()> {
    let (tracker, token) = (TaskTracker::new(), CancellationToken::new());
    index.start(&tracker, &token);
    let bar = progress::Indexing::new();
    let mut progress = index.progress();
    let settled = index.settle();
    tokio::pin!(settled);
    let outcome = loop {
        tokio::select! {
            outcome = &mut settled => break outcome,
            _ = progress.changed() => bar.show(&progress.borrow_and_update().clone()),
        }
    };
    bar.finish();
    token.cancel();
    tracker.close();
    tracker.wait().await;
    outcome.map_err(|trouble| anyhow!(trouble))
}

fn count(report: &mut IndexReport, state: State, chunks: usize, file: LeftOut) {
    match state {
        State::Skipped => report.skipped.push(file),
        State::Failed => report.failed.push(file),
        State::Pending | State::AwaitsOcr | State::IndexedLexical | State::Indexed => {
            report.documents += 1;
            report.chunks += chunks;
        }
    }
}

async fn by_daemon(client: &Client, folders: &[PathBuf]) -> Result<IndexReport> {
    let started = Instant::now();
    let mut unchanged = 0;
    for folder in folders {
        let request = FolderRequest {
            path: path_text(folder).into_owned(),
            accept: Some(false),
        };
        let added: FolderAdded = client.call(Method::POST, "/api/folders", &request).await?;
        if let Some(away) = added.away {
            bail!("{}: {away}", folder.display());
        }
        unchanged += added.unchanged;
    }
    loop {
        let status: Status = client.get("/api/status").await?;
        if !status.indexing.active {
            break;
        }
        if let Some(trouble) = status.indexing.trouble {
            bail!("{trouble}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let mut report = IndexReport {
        unchanged,
        seconds: started.elapsed().as_secs_f64(),
        ..IndexReport::default()
    };
    for folder in folders {
        read_rows(client, folder, &mut report).await?;
    }
    Ok(report)
}

async fn read_rows(client: &Client, folder: &Path, report: &mut IndexReport) -> Result<()> {
    let mut offset = 0;
    loop {
        let query = DocumentsQuery {
            folder: Some(path_text(folder).into_owned()),
            offset: Some(offset),
            limit: Some(1000),
            ..DocumentsQuery::default()
        };
        let page: Documents = client.get_with("/api/documents", &query).await?;
        offset += page.documents.len();
        let last = page.documents.is_empty() || offset >= page.total;
        for document in page.documents {
            let state = match document.state.as_str() {
                "skipped" => State::Skipped,
                "failed" => State::Failed,
                _ => State::Indexed,
            };
            let reason = document.reason.unwrap_or_default();
            let file = LeftOut {
                path: document.path,
                reason,
            };
            count(report, state, document.chunks, file);
        }
        if last {
            return Ok(());
        }
    }
}
