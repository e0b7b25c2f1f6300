//! Documents: the library's rows, text around a span, why a file is in or out, forgetting.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::json;
use vade_indexer::{Document, DocumentFilter, DocumentId, Receipt, path_named, path_text};

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
            .map(|folder| path_named(&folder)),
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
    Ok(Json(why_of(index.why(&path_named(&query.path))?)))
}

/// Why a path is or is not in the index, as it is told.
#[must_use]
pub fn why_of(why: vade_indexer::Why) -> Why {
    Why {
        path: path_text(&why.path).into_owned(),
        folder: why.folder.map(|folder| path_text(&folder).into_owned()),
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
    let path = path_named(&request.path);
    if request.undo {
        return Ok(Json(services.retriever.index().remember(&path).await?));
    }
    Ok(Json(services.retriever.forget(&path).await?))
}

fn row(document: Document) -> DocumentRow {
    DocumentRow {
        id: document.id.0,
        path: path_text(&document.path).into_owned(),
        folder: path_text(&document.folder).into_owned(),
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
        "path": path_text(&document.path),
        "title": document.title,
        "page": text.page,
        "heading": (!text.heading.is_empty()).then(|| text.heading.join(" > ")),
        "before": text.before,
        "text": text.text,
        "after": text.after,
    })))
}
