//! One function a route: read the request, call a service, give its answer a shape.

pub(crate) mod ask;
pub(crate) mod conversations;
pub(crate) mod documents;
pub(crate) mod egress;
pub(crate) mod folders;
pub(crate) mod ratings;
pub(crate) mod source;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use serde_json::json;
use vade_indexer::{DocumentFilter, Scope, path_named, path_text};
use vade_models::catalog::Model;
use vade_models::language::ModelState;
use vade_models::store::Store;
use vade_retriever::{Passage, Retriever};

use crate::Services;
use crate::api::{
    DocumentCounts, FolderStatus, Images, Indexing, ModelInUse, ModelRow, ModelsInUse,
    ScopeRequest, SearchRequest, SearchResponse, Status,
};
use crate::dates;
use crate::error::ApiError;

pub(crate) type Shared = State<Arc<Services>>;

/// A body, or what is wrong with it in the usual shape of errors.
pub(crate) type Body<T> = Result<Json<T>, JsonRejection>;

pub(crate) fn body<T>(body: Body<T>) -> Result<T, ApiError> {
    match body {
        Ok(Json(body)) => Ok(body),
        Err(rejection) => Err(ApiError::bad_request(rejection.body_text())),
    }
}

pub(crate) async fn wrong_method() -> ApiError {
    ApiError::wrong_method()
}

pub(crate) async fn get_status(State(services): Shared) -> Result<Json<Status>, ApiError> {
    Ok(Json(status(&services)?))
}

/// The state of everything, as `GET /api/status` gives it.
///
/// # Errors
/// When the ledger cannot be read.
pub fn status(services: &Services) -> Result<Status, vade_indexer::IndexerError> {
    let index = services.retriever.index();
    let counts = index.ledger().counts()?;
    let folders = index
        .ledger()
        .folders()?
        .into_iter()
        .map(|folder| {
            let filter = DocumentFilter {
                folder: Some(folder.clone()),
                ..DocumentFilter::default()
            };
            Ok(FolderStatus {
                path: path_text(&folder).into_owned(),
                reachable: index.is_reachable(&folder),
                away: index.away(&folder),
                drives_away: index
                    .drives_away(&folder)
                    .iter()
                    .map(|drive| path_text(drive).into_owned())
                    .collect(),
                documents: index.ledger().documents(&filter)?.1,
            })
        })
        .collect::<Result<_, vade_indexer::IndexerError>>()?;
    let progress = index.progress().borrow().clone();
    Ok(Status {
        folders,
        documents: DocumentCounts {
            indexed: counts.indexed + counts.lexical,
            pending: counts.pending,
            skipped: counts.skipped,
            failed: counts.failed,
        },
        chunks: counts.chunks,
        models: models_in_use(services),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        indexing: Indexing {
            active: counts.pending + counts.lexical > 0,
            done: progress.done,
            total: progress.done + counts.pending,
            embedded: progress.embedded,
            to_embed: counts.unembedded,
            eta_seconds: progress.eta_seconds,
            current: progress.current.map(|path| path_text(&path).into_owned()),
            trouble: progress.trouble,
            notice: index.notice(),
        },
        images: Images {
            unread: counts.unread_images,
            help: index
                .ocr_help()
                .filter(|_| counts.unread_images > 0)
                .map(str::to_owned),
        },
        egress: services.egress.name().to_owned(),
        egress_notice: services.egress.notice.clone(),
        notices: index.ledger().loss()?.into_iter().collect(),
    })
}

fn models_in_use(services: &Services) -> ModelsInUse {
    let present = |id: &str| {
        let model = services.catalog.get(id);
        model.is_ok_and(|model| services.store.is_present(model))
    };
    let state = |id: &str, loaded: bool| ModelInUse {
        id: id.to_owned(),
        state: match (loaded, present(id)) {
            (true, _) => "loaded",
            (false, true) => "ready",
            (false, false) => "missing",
        }
        .to_owned(),
    };
    let language = services.retriever.model();
    ModelsInUse {
        embedding: state(&services.embedding, false),
        reranker: None,
        language_model: state(
            language.default_model(),
            language.state() == ModelState::Loaded,
        ),
    }
}

pub(crate) async fn search(
    State(services): Shared,
    request: Body<SearchRequest>,
) -> Result<Json<SearchResponse>, ApiError> {
    let request = body(request)?;
    let scope = scope(&request.scope).map_err(ApiError::bad_request)?;
    Ok(Json(find(&services.retriever, &request, &scope).await?))
}

/// Searches, and explains where that is asked for.
///
/// # Errors
/// An empty or overlong query, or an engine that fails.
pub async fn find(
    retriever: &Retriever,
    request: &SearchRequest,
    scope: &Scope,
) -> vade_retriever::Result<SearchResponse> {
    let k = request.k.unwrap_or(10).clamp(1, 100);
    let expect = request.expect.as_deref().map(path_named);
    let (hits, explanation) = if request.explain || expect.is_some() {
        let (query, expect) = (&request.query, expect.as_deref());
        let (hits, explanation) = retriever.explain(query, k, scope, expect).await?;
        (hits, Some(explanation))
    } else {
        (retriever.search(&request.query, k, scope).await?, None)
    };
    Ok(SearchResponse {
        hits: hits.hits.into_iter().map(Passage::shown).collect(),
        milliseconds: hits.milliseconds,
        explanation,
    })
}

/// A scope as the index knows it.
///
/// # Errors
/// A date that is none, in words for whoever wrote it.
pub fn scope(request: &ScopeRequest) -> Result<Scope, String> {
    let time = |text: &Option<String>, end: bool| {
        text.as_deref()
            .map(|text| {
                dates::to_microseconds(text, end).ok_or_else(|| {
                    format!("{text:?} is no date: write 2026-03-04 or 2026-03-04T10:00:00Z")
                })
            })
            .transpose()
    };
    Ok(Scope {
        folder: request.folder.as_deref().map(path_named),
        tag: request.tag.clone(),
        after: time(&request.after, false)?,
        before: time(&request.before, true)?,
        documents: None,
    })
}

pub(crate) async fn models(State(services): Shared) -> Json<serde_json::Value> {
    Json(json!({ "models": model_rows(&services) }))
}

/// The catalog as it is listed.
fn model_rows(services: &Services) -> Vec<ModelRow> {
    let active = [
        services.embedding.clone(),
        services.retriever.model().default_model().to_owned(),
    ];
    services
        .catalog
        .iter()
        .map(|model| model_row(model, &services.store, &active))
        .collect()
}

/// A model as it is listed; `active` are the ids in use.
#[must_use]
pub fn model_row(model: &Model, store: &Store, active: &[String]) -> ModelRow {
    ModelRow {
        id: model.id.clone(),
        role: name(&model.role),
        status: name(&model.status),
        present: store.is_present(model),
        active: active.contains(&model.id),
        bytes: model.bytes(),
        licence: model.licence.clone(),
        languages: model.languages.clone(),
    }
}

/// The name an enum has in JSON.
fn name(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}
