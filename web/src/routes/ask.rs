//! `POST /api/ask`: an answer as server-sent events.

use std::convert::Infallible;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::{Stream, StreamExt};
use serde_json::{Value, json};
use tokio_stream::wrappers::ReceiverStream;
use vade_retriever::{AskEvent, Question, check_question};

use super::{Body, Shared, body, scope};
use crate::api::AskRequest;
use crate::error::ApiError;
use crate::render;

pub(crate) async fn ask(
    State(services): Shared,
    request: Body<AskRequest>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let request = body(request)?;
    check_question(&request.question)?;
    if let Some(id) = &request.conversation {
        services.retriever.conversation(id)?;
    }
    if let Some(model) = &request.model {
        services.catalog.get(model)?;
    }
    let question = Question {
        scope: scope(&request.scope).map_err(ApiError::bad_request)?,
        text: request.question,
        keep_as: request.conversation.is_none().then(new_id).transpose()?,
        conversation: request.conversation,
        model: request.model,
        ..Question::default()
    };
    let mut answer = String::new();
    let events = ReceiverStream::new(services.retriever.ask(question)).map(move |next| {
        let (name, data) = event(next, &mut answer);
        Ok(Event::default().event(name).data(data.to_string()))
    });
    // An open stream must not keep the server from stopping.
    let stop = services.stop.clone();
    let events = events.take_until(async move { stop.cancelled().await });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// An event's name and data; `answer` collects the words so far.
#[must_use]
pub fn event(event: AskEvent, answer: &mut String) -> (&'static str, Value) {
    match event {
        AskEvent::Passages {
            conversation,
            passages,
        } => {
            let data = json!({ "conversation": conversation, "passages": passages });
            ("passages", data)
        }
        AskEvent::Token(text) => {
            answer.push_str(&text);
            (
                "token",
                json!({ "text": text, "html": render::markdown(answer) }),
            )
        }
        AskEvent::Citation(citation) => ("citation", json!(citation)),
        AskEvent::Done(done) => {
            let mut data = json!(done);
            data["html"] = Value::String(render::markdown(&done.answer));
            ("done", data)
        }
        AskEvent::Failed(error) => ("error", ApiError::from(error).body()),
    }
}

/// A fresh id for a conversation.
fn new_id() -> Result<String, ApiError> {
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes)
        .map_err(|error| ApiError::bad_request(format!("no random numbers: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
