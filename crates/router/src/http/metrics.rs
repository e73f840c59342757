//! `GET /metrics`, for Prometheus.

use std::sync::Arc;

use axum::{
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse as _, Response},
};
use prometheus_client::encoding::prometheus_text;

use super::error::ApiError;
use crate::{context::Context, metrics::Standing, rules::books::Audit};

#[utoipa::path(
    get, path = "/metrics", tag = "operator",
    responses((status = 200, description = "Prometheus' text form", content_type = "text/plain", body = String), (status = "4XX", description = "Not the operator's key"))
)]
pub(super) async fn show(State(context): State<Arc<Context>>) -> Result<Response, ApiError> {
    let text = context.metrics.text(&standing(&context).await).map_err(|error| {
        tracing::error!(%error, "the metrics could not be written");
        ApiError::INTERNAL
    })?;
    Ok(([(CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], text).into_response())
}

async fn standing(context: &Context) -> Standing {
    Standing {
        nodes: context.pool.nodes(),
        queued: context.pool.waiting(),
        backlog: context.backlog.len(),
        audit: audit(context).await,
    }
}

/// A database in trouble is what the other figures are looked at for: it does not take them away.
pub(super) async fn audit(context: &Context) -> Option<Audit> {
    let audit = context.books.audit(&context.store).await;
    audit.inspect_err(|error| tracing::error!(%error, "the ledger could not be added up")).ok()
}
