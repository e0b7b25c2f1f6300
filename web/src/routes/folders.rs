//! Folders: adding and removing what is watched.

use std::path::PathBuf;

use axum::Json;
use axum::extract::State;
use serde_json::json;
use vade_indexer::path_named;

use super::{Body, Shared, body};
use crate::api::{FolderAdded, FolderRequest};
use crate::error::ApiError;

pub(crate) async fn add(
    State(services): Shared,
    request: Body<FolderRequest>,
) -> Result<Json<FolderAdded>, ApiError> {
    let request = body(request)?;
    let accept = request.accept.unwrap_or(true);
    let path = absolute(&request)?;
    let index = services.retriever.index();
    let report = if accept {
        index.accept_folder(&path).await?
    } else {
        index.add_folder(&path).await?
    };
    Ok(Json(FolderAdded {
        unchanged: report.unchanged,
        queued: report.queued,
        removed: report.removed,
        away: index.away(&path).filter(|_| report.away),
    }))
}

pub(crate) async fn remove(
    State(services): Shared,
    request: Body<FolderRequest>,
) -> Result<Json<serde_json::Value>, ApiError> {
    let path = absolute(&body(request)?)?;
    let removed = services.retriever.index().remove_folder(&path).await?;
    Ok(Json(json!({ "removed": removed })))
}

fn absolute(request: &FolderRequest) -> Result<PathBuf, ApiError> {
    let path = path_named(&request.path);
    if path.is_absolute() {
        Ok(path)
    } else {
        let message = format!("{:?} is no absolute path", request.path);
        Err(ApiError::bad_request(message))
    }
}
