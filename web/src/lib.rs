//! The HTTP interface: API, server-sent events, the page, access control.
//!
//! It knows shapes, status codes and headers, and nothing of how anything is computed. The shapes in
//! `api` are stable: scripts depend on them, and the command line prints the same ones.

pub mod access;
pub mod api;
mod assets;
mod connections;
mod dates;
mod error;
pub mod peer;
mod render;
mod routes;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::FutureExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use vade_models::catalog::Catalog;
use vade_models::store::Store;
use vade_retriever::Retriever;

use error::ApiError;

pub use access::Access;
pub use api::Egress;
pub use routes::ask::event;
pub use routes::documents::why_of;
pub use routes::{find, model_row, scope, status};

/// What the routes answer from.
#[derive(Clone)]
pub struct Services {
    /// Answers questions.
    pub retriever: Retriever,
    /// The models there are.
    pub catalog: Arc<Catalog>,
    /// The models that are here.
    pub store: Store,
    /// Catalog id of the embedding model in use.
    pub embedding: String,
    /// What the process can reach besides this machine.
    pub egress: Egress,
    /// Ends open streams when the server stops.
    pub stop: CancellationToken,
}

/// Serves until `services.stop` is cancelled and the last answer is out, or has had time to end.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    services: Services,
    access: Access,
) -> std::io::Result<()> {
    let stop = services.stop.clone();
    connections::serve(listener, router(services, access), stop).await
}

fn router(services: Services, access: Access) -> Router {
    let api = Router::new()
        .route("/api/status", get(routes::get_status))
        .route("/api/documents", get(routes::documents::list))
        .route("/api/documents/{id}/text", get(routes::documents::text))
        .route("/api/documents/{id}/source", get(routes::source::source))
        .route("/api/why", get(routes::documents::why))
        .route("/api/forget", post(routes::documents::forget))
        .route("/api/search", post(routes::search))
        .route("/api/ask", post(routes::ask::ask))
        .route(
            "/api/conversations",
            get(routes::conversations::list).delete(routes::conversations::delete_all),
        )
        .route(
            "/api/conversations/{id}",
            get(routes::conversations::open).delete(routes::conversations::delete),
        )
        .route(
            "/api/folders",
            post(routes::folders::add).delete(routes::folders::remove),
        )
        .route("/api/ratings", post(routes::ratings::rate))
        .route("/api/egress", post(routes::egress::attempt))
        .route("/api/models", get(routes::models))
        .fallback(assets::serve)
        .method_not_allowed_fallback(routes::wrong_method)
        .with_state(Arc::new(services));
    let api = api.layer(axum::middleware::from_fn(answered));
    api.layer(axum::middleware::from_fn_with_state(
        Arc::new(access),
        access::guard,
    ))
}

/// A request that makes a part of the program panic has an answer too.
async fn answered(request: Request, next: Next) -> Response {
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answer.unwrap_or_else(|_| ApiError::unexpected().into_response())
}
