//! Conversations: listing, opening, deleting.

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};
use vade_retriever::Message;

use super::Shared;
use crate::dates;
use crate::error::ApiError;
use crate::render;

pub(crate) async fn list(State(services): Shared) -> Result<Json<Value>, ApiError> {
    let conversations: Vec<Value> = services
        .retriever
        .conversations()?
        .into_iter()
        .map(|conversation| {
            json!({
                "id": conversation.id,
                "title": conversation.title,
                "updated": dates::from_milliseconds(conversation.updated),
                "messages": conversation.messages,
            })
        })
        .collect();
    Ok(Json(json!({ "conversations": conversations })))
}

pub(crate) async fn open(
    State(services): Shared,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let conversation = services.retriever.conversation(&id)?;
    let messages: Vec<Value> = conversation.messages.iter().map(message).collect();
    Ok(Json(json!({
        "id": conversation.id,
        "title": conversation.title,
        "messages": messages,
    })))
}

fn message(message: &Message) -> Value {
    let is_answer = message.role == "assistant";
    json!({
        "role": message.role,
        "html": is_answer.then(|| render::markdown(&message.text)),
        "text": message.text,
        "found": message.detail.found,
        "citations": message.detail.citations,
        "passages": message.detail.passages,
        "plan": message.detail.plan,
        "table": message.detail.table,
        "created": dates::from_milliseconds(message.created),
    })
}

pub(crate) async fn delete(
    State(services): Shared,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let deleted = services.retriever.delete_conversations(Some(&id))?;
    Ok(Json(json!({ "deleted": deleted })))
}

pub(crate) async fn delete_all(State(services): Shared) -> Result<Json<Value>, ApiError> {
    let deleted = services.retriever.delete_conversations(None)?;
    Ok(Json(json!({ "deleted": deleted })))
}
