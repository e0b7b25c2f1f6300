//! Errors as answers: a status code and `{"error":{"code","message"}}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use vade_indexer::IndexerError;
use vade_models::ModelsError;
use vade_retriever::RetrieverError;

/// A request that cannot be answered.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", message)
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    pub(crate) fn unauthorized() -> Self {
        let message = "the access token is missing or wrong: it is in the file `token` of the \
                       data directory";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    pub(crate) fn wrong_method() -> Self {
        let message = "this route does not take this method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", message)
    }

    pub(crate) fn too_large(most: usize) -> Self {
        let message = format!("the body is longer than {most} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", message)
    }

    pub(crate) fn too_slow() -> Self {
        let message = "the request did not arrive in time";
        Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", message)
    }

    pub(crate) fn busy() -> Self {
        let message = "too much is being sent at once: try again in a moment";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", message)
    }

    /// A part of the program panicked.
    pub(crate) fn unexpected() -> Self {
        let message = "this request failed unexpectedly; the log says where";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "unexpected", message)
    }

    /// The error as an event or a body.
    pub(crate) fn body(&self) -> serde_json::Value {
        json!({ "error": { "code": self.code, "message": self.message } })
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(self.body())).into_response()
    }
}

impl From<IndexerError> for ApiError {
    fn from(error: IndexerError) -> Self {
        let message = error.to_string();
        match error {
            IndexerError::NoDocument(_) | IndexerError::Unknown { .. } => Self::not_found(message),
            IndexerError::Folder { .. } | IndexerError::Path { .. } => Self::bad_request(message),
            IndexerError::Models(error) => error.into(),
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "index", message),
        }
    }
}

impl From<ModelsError> for ApiError {
    fn from(error: ModelsError) -> Self {
        let message = error.to_string();
        match error {
            ModelsError::UnknownModel { .. } | ModelsError::ContextOverflow { .. } => {
                Self::bad_request(message)
            }
            ModelsError::Missing { .. } | ModelsError::Corrupt { .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "model-missing", message)
            }
            ModelsError::QueueFull => Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", message),
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "model", message),
        }
    }
}

impl From<RetrieverError> for ApiError {
    fn from(error: RetrieverError) -> Self {
        let message = error.to_string();
        match error {
            RetrieverError::EmptyQuestion
            | RetrieverError::LongQuestion { .. }
            | RetrieverError::Rating(_) => Self::bad_request(message),
            RetrieverError::NoConversation(_) | RetrieverError::NoQuestion(_) => {
                Self::not_found(message)
            }
            RetrieverError::Forgotten => Self::new(StatusCode::CONFLICT, "forgotten", message),
            RetrieverError::Panicked => Self::unexpected(),
            RetrieverError::Index(error) => error.into(),
            RetrieverError::Models(error) => error.into(),
        }
    }
}
