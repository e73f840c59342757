//! The HTTP side: routes that extract, call a rule and answer.
//!
//! **Invariant:** decides nothing, and logs no prompt and no answer.

mod audits;
mod body;
mod completion;
mod completions;
mod error;
#[cfg(test)]
mod fuzz;
mod judgements;
mod key;
mod limit;
mod metrics;
mod models;
mod network;
mod openapi;
mod operator;
mod schema;
mod sessions;
mod stream;
mod tasks;
mod withdrawals;

use std::sync::Arc;

use axum::{
    Extension, Json, Router,
    extract::{State, WebSocketUpgrade},
    middleware,
    response::Response,
};
use cortensor_listener::Guest;
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use self::error::ApiError;
use crate::{context::Context, rules::limit::Source, socket};

/// Every route. Each is described where it is written, so that none is left out of the document.
pub(crate) fn routes(context: Arc<Context>) -> Router {
    let with_key = with_key().route_layer(middleware::from_fn_with_state(Arc::clone(&context), key::require));
    let with_validator_key =
        with_validator_key().route_layer(middleware::from_fn_with_state(Arc::clone(&context), key::require_validator));
    let with_operator_key =
        with_operator_key().route_layer(middleware::from_fn_with_state(Arc::clone(&context), key::require_operator));
    let all = without_key().merge(with_key).merge(with_validator_key).merge(with_operator_key);
    let (router, document) = all.split_for_parts();
    router
        .merge(operator::pages())
        .layer(Extension(Arc::new(document)))
        .fallback(async || ApiError::NotFound)
        .method_not_allowed_fallback(async || ApiError::WrongMethod)
        .layer(middleware::from_fn_with_state(Arc::clone(&context), limit::by_address))
        .with_state(context)
}

fn without_key() -> OpenApiRouter<Arc<Context>> {
    openapi::described()
        .routes(routes!(health))
        .routes(routes!(node))
        .routes(routes!(withdrawals::terms, withdrawals::withdraw))
}

fn with_key() -> OpenApiRouter<Arc<Context>> {
    OpenApiRouter::new()
        .routes(routes!(models::list))
        .routes(routes!(models::show))
        .routes(routes!(completions::chat))
        .routes(routes!(completions::text))
        .routes(routes!(completions::network))
        .routes(routes!(completions::in_session))
        .routes(routes!(sessions::create))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::show))
        .routes(routes!(sessions::deactivate))
        .routes(routes!(sessions::deposit))
        .routes(routes!(sessions::keys, sessions::add_key))
        .routes(routes!(sessions::delete_key))
        .routes(routes!(tasks::list))
        .routes(routes!(tasks::show))
        .routes(routes!(tasks::decision))
        .routes(routes!(network::info))
        .routes(routes!(network::status))
        .routes(routes!(network::miners))
        .routes(routes!(openapi::document))
}

fn with_validator_key() -> OpenApiRouter<Arc<Context>> {
    OpenApiRouter::new()
        .routes(routes!(audits::claim))
        .routes(routes!(audits::report))
        .routes(routes!(judgements::claim))
        .routes(routes!(judgements::report))
}

fn with_operator_key() -> OpenApiRouter<Arc<Context>> {
    OpenApiRouter::new().routes(routes!(metrics::show)).routes(routes!(operator::overview))
}

/// Whether the router answers.
#[utoipa::path(
    get, path = "/health", tag = "router", security(()),
    responses((status = 200, description = "It does", body = Value))
)]
async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// A node's connection; docs/protocol.md says what is said on it. The node proves its identity there.
#[utoipa::path(
    get, path = "/node/v1", tag = "router", security(()),
    responses(
        (status = 101, description = "The connection is a WebSocket from here on"),
        (status = "default", description = "It was not asked to be one"),
    )
)]
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_in_the_document() {
        let all = without_key().merge(with_key()).merge(with_validator_key()).merge(with_operator_key());
        let (router, document) = all.split_for_parts();
        // A router tells its paths only here, with two for what has no route.
        let told = format!("{router:?}");
        let is_route = |part: &&str| part.starts_with('/') && *part != "/" && !part.starts_with("/{*");
        let paths: BTreeSet<_> = told.split('"').filter(is_route).collect();
        let described: BTreeSet<_> = document.paths.paths.keys().map(String::as_str).collect();
        assert_eq!(paths, described);
        assert!(described.contains("/api/v1/tasks/{sid}/{tid}/decision"), "{described:?}");
    }
}
