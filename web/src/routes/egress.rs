//! `POST /api/egress`: the daemon tries to reach the network, and says how that went.

use axum::Json;
use axum::extract::State;

use super::Shared;
use crate::api::EgressReport;
use crate::error::ApiError;

pub(crate) async fn attempt(State(services): Shared) -> Result<Json<EgressReport>, ApiError> {
    let egress = services.egress.clone();
    let report = tokio::task::spawn_blocking(move || egress.report()).await;
    report.map(Json).map_err(|_| ApiError::unexpected())
}
