//! Documents: the library's rows, text around a span, the file itself.

use std::io::Read;
use std::path::{Path as FilePath, PathBuf};

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use vade_indexer::{Document, DocumentFilter, DocumentId, Receipt, open_inside};

use super::{Body, Shared, body};
use crate::api::{DocumentRow, Documents, DocumentsQuery, PathRequest, Why};
use crate::dates;
use crate::error::ApiError;

/// Text around a span, at most (bytes).
const LONGEST_CONTEXT: usize = 20_000;

/// A query, or what is wrong with it in the usual shape of errors.
type Parameters<T> = Result<Query<T>, QueryRejection>;

fn parameters<T>(query: Parameters<T>) -> Result<T, ApiError> {
    match query {
        Ok(Query(query)) => Ok(query),
        Err(rejection) => Err(ApiError::bad_request(rejection.body_text())),
    }
}

pub(crate) async fn list(
    State(services): Shared,
    query: Parameters<DocumentsQuery>,
) -> Result<Json<Documents>, ApiError> {
    let query = parameters(query)?;
    let filter = DocumentFilter {
        state: query.state.filter(|state| !state.is_empty()),
        query: query.query.filter(|query| !query.is_empty()),
        folder: query
            .folder
            .filter(|folder| !folder.is_empty())
            .map(PathBuf::from),
        offset: query.offset.unwrap_or(0),
        limit: query.limit.unwrap_or(100).min(1000),
    };
    let (documents, total) = services.retriever.index().ledger().documents(&filter)?;
    let documents = documents.into_iter().map(row).collect();
    Ok(Json(Documents { documents, total }))
}

pub(crate) async fn why(
    State(services): Shared,
    query: Parameters<PathRequest>,
) -> Result<Json<Why>, ApiError> {
    let query = parameters(query)?;
    let index = services.retriever.index();
    Ok(Json(why_of(index.why(FilePath::new(&query.path))?)))
}

/// Why a path is or is not in the index, as it is told.
#[must_use]
pub fn why_of(why: vade_indexer::Why) -> Why {
    Why {
        path: why.path.to_string_lossy().into_owned(),
        folder: why
            .folder
            .map(|folder| folder.to_string_lossy().into_owned()),
        standing: super::name(&why.standing),
        verdict: why.verdict,
        document: why.document.map(row),
    }
}

pub(crate) async fn forget(
    State(services): Shared,
    request: Body<PathRequest>,
) -> Result<Json<Receipt>, ApiError> {
    let request = body(request)?;
    let path = FilePath::new(&request.path);
    if request.undo {
        return Ok(Json(services.retriever.index().remember(path).await?));
    }
    Ok(Json(services.retriever.forget(path).await?))
}

fn row(document: Document) -> DocumentRow {
    DocumentRow {
        id: document.id.0,
        path: document.path.to_string_lossy().into_owned(),
        folder: document.folder.to_string_lossy().into_owned(),
        title: document.title,
        state: document.state.name().to_owned(),
        reason: document.reason.or(document.notice),
        chunks: document.chunks,
        bytes: document.size,
        modified: dates::from_milliseconds(document.modified / 1_000_000),
        indexed: document.indexed.map(dates::from_milliseconds),
        extractor: document.extractor,
        milliseconds: document.milliseconds,
    }
}

#[derive(Deserialize)]
pub(crate) struct SpanQuery {
    start: usize,
    end: usize,
    context: Option<usize>,
}

pub(crate) async fn text(
    State(services): Shared,
    Path(id): Path<String>,
    query: Parameters<SpanQuery>,
) -> Result<Json<serde_json::Value>, ApiError> {
    let query = parameters(query)?;
    let index = services.retriever.index();
    let id = DocumentId(id);
    let context = query.context.unwrap_or(1500).min(LONGEST_CONTEXT);
    let text = index.surroundings(&id, query.start..query.end, context)?;
    let document = index
        .live(&id)
        .ok_or_else(|| ApiError::not_found("this document has just left the index"))?;
    Ok(Json(json!({
        "document": id.0,
        "path": document.path.to_string_lossy(),
        "title": document.title,
        "page": text.page,
        "heading": (!text.heading.is_empty()).then(|| text.heading.join(" > ")),
        "before": text.before,
        "text": text.text,
        "after": text.after,
    })))
}

pub(crate) async fn source(
    State(services): Shared,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let gone = || ApiError::not_found("there is no such document");
    let index = services.retriever.index();
    let document = index.ledger().document(&DocumentId(id))?.ok_or_else(gone)?;
    if index.is_forgotten(&document)? {
        return Err(gone());
    }
    let bytes = tokio::task::spawn_blocking(move || read_inside(&document.path, &document.folder))
        .await
        .map_err(|_| gone())?
        .ok_or_else(|| ApiError::not_found("its file cannot be read any more"))?;
    // Nothing a document contains may run as a page of this server: a PDF goes to the browser's
    // viewer, everything else is shown as text.
    let (kind, policy) = if bytes.starts_with(b"%PDF-") {
        ("application/pdf", "frame-ancestors 'none'")
    } else {
        ("text/plain; charset=utf-8", "default-src 'none'; sandbox")
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CONTENT_DISPOSITION, "inline"),
    ];
    Ok((headers, bytes).into_response())
}

/// A file's bytes, unless the way to it leads out of its folder by now.
fn read_inside(path: &FilePath, folder: &FilePath) -> Option<Vec<u8>> {
    let mut file = open_inside(folder, path).ok()?;
    let mut bytes = Vec::new();
    let is_file = file.metadata().ok()?.is_file();
    (is_file && file.read_to_end(&mut bytes).is_ok()).then_some(bytes)
}
