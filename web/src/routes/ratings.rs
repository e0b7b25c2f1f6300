//! `POST /api/ratings`: what a person says of an answer.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use vade_indexer::path_text;
use vade_retriever::Rating;

use super::{Body, Shared, body};
use crate::api::RatingRequest;
use crate::error::ApiError;

pub(crate) async fn rate(
    State(services): Shared,
    request: Body<RatingRequest>,
) -> Result<Json<Value>, ApiError> {
    let request = body(request)?;
    let rating = Rating {
        question: request.question,
        right: request.right,
        correction: request.correction,
    };
    let file = services.retriever.rate(&request.conversation, &rating)?;
    Ok(Json(json!({ "file": path_text(&file) })))
}
