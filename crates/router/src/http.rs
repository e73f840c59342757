//! The HTTP side: routes that extract, call a rule and answer.
//!
//! **Invariant:** decides nothing, and logs no prompt and no answer.

mod audits;
mod body;
mod chat;
mod completion;
mod error;
mod key;
mod limit;
mod metrics;
mod models;
mod network;
mod operator;
mod stream;

use std::sync::Arc;

use axum::{
    Extension, Json, Router,
    extract::{State, WebSocketUpgrade},
    middleware,
    response::Response,
    routing::{get, post},
};
use serde_json::{Value, json};

use self::error::ApiError;
use crate::{context::Context, rules::limit::Source, server::Guest, socket};

/// Every route.
pub(crate) fn routes(context: Arc<Context>) -> Router {
    let with_key = Router::new()
        .route("/v1/models", get(models::list))
        .route("/v1/models/{model}", get(models::show))
        .route("/v1/chat/completions", post(chat::complete))
        .route("/api/v1/info", get(network::info))
        .route("/api/v1/status", get(network::status))
        .route("/api/v1/miners", get(network::miners))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&context), key::require));
    let with_validator_key = Router::new()
        .route("/api/v1/audits/claim", post(audits::claim))
        .route("/api/v1/audits/{audit}", post(audits::report))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&context), key::require_validator));
    let with_operator_key = Router::new()
        .route("/metrics", get(metrics::show))
        .route("/api/v1/operator/overview", get(operator::overview))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&context), key::require_operator));
    Router::new()
        .route("/health", get(health))
        .route("/node/v1", get(node))
        .route("/operator", get(operator::page))
        .route("/operator/page.css", get(operator::style))
        .route("/operator/page.js", get(operator::script))
        .merge(with_key)
        .merge(with_validator_key)
        .merge(with_operator_key)
        .fallback(async || ApiError::NotFound)
        .method_not_allowed_fallback(async || ApiError::WrongMethod)
        .layer(middleware::from_fn_with_state(Arc::clone(&context), limit::by_address))
        .with_state(context)
}

async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

async fn node(
    State(context): State<Arc<Context>>,
    Extension(source): Extension<Source>,
    Extension(guest): Extension<Guest>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    context.limits.node_connection(source).map_err(|too_many| limit::turned_away(&context, too_many))?;
    // Room for a message that is too large to be read whole, so that its sender can be told instead of cut off.
    let most = context.policy.node_message_bytes.saturating_mul(4);
    let sessions = context.sessions.clone();
    let serve = async move |stream| {
        socket::serve(context, stream).await;
        // The connection is over; until then it takes its place among those that may be open.
        drop(guest);
    };
    let upgrade = upgrade.max_message_size(most).max_frame_size(most);
    Ok(upgrade.on_upgrade(move |stream| sessions.track_future(serve(stream))))
}
