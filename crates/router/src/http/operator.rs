//! The operator's read-only page, and the one route that it reads.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{
        HeaderName, HeaderValue,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::{error::ApiError, metrics, network::miner};
use crate::{
    clock::{now, wall_time},
    context::Context,
    rules::{books::Audit, pool::NodeView},
    store::{AccountTotal, StoreError},
};

/// Nothing from elsewhere, nothing inline, nowhere to be framed, and no text that becomes code.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";
/// Tasks and tests that are shown.
const LATEST: u32 = 50;

/// The page, which holds nothing: it asks for the key, and with it for the overview.
pub(super) fn pages() -> Router<Arc<Context>> {
    Router::new()
        .route("/operator", get(page))
        .route("/operator/page.css", get(style))
        .route("/operator/page.js", get(script))
}

async fn page() -> impl IntoResponse {
    file("text/html; charset=utf-8", include_str!("operator/page.html"))
}

async fn style() -> impl IntoResponse {
    file("text/css; charset=utf-8", include_str!("operator/page.css"))
}

async fn script() -> impl IntoResponse {
    file("text/javascript; charset=utf-8", include_str!("operator/page.js"))
}

fn file(kind: &'static str, text: &'static str) -> ([(HeaderName, HeaderValue); 5], &'static str) {
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        // A newer router has a newer page.
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers.map(|(name, value)| (name, HeaderValue::from_static(value))), text)
}

/// Everything that the operator's page shows, as it stands now.
#[utoipa::path(
    get, path = "/api/v1/operator/overview", tag = "operator",
    responses((status = 200, description = "Nodes, queue, tasks, tests, ledger", body = Value), (status = "4XX", description = "Not the operator's key"))
)]
pub(super) async fn overview(State(context): State<Arc<Context>>) -> Result<Response, ApiError> {
    let overview = gather(&context).await.map_err(|error| {
        tracing::error!(%error, "the overview could not be read");
        ApiError::INTERNAL
    })?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(overview)).into_response())
}

async fn gather(context: &Context) -> Result<Value, StoreError> {
    let (tasks, tests) = (context.store.latest_tasks(LATEST).await?, context.store.latest_tests(LATEST).await?);
    let (sessions, audits) = (context.store.latest_sessions(LATEST).await?, context.store.latest_audits(LATEST).await?);
    let judgements = context.store.latest_judgements(LATEST).await?;
    let audit = metrics::audit(context).await;
    let mut nodes = context.pool.nodes();
    nodes.sort_by_key(|node| node.connected_at);
    Ok(json!({
        "at": wall_time(),
        "router": {
            "name": context.name,
            "network": context.network,
            "version": env!("CARGO_PKG_VERSION"),
            "uptime_seconds": now().since(context.started).as_secs(),
        },
        "nodes": nodes.iter().map(node).collect::<Vec<_>>(),
        "queue": {"most": context.policy.queue_length, "waiting": context.pool.queue()},
        "tasks": tasks,
        "tests": tests,
        "sessions": sessions,
        "audits": audits,
        "judgements": judgements,
        "ledger": audit.as_ref().map(ledger),
        "backlog": context.backlog.len(),
    }))
}

fn node(node: &NodeView) -> Value {
    let mut shown = miner(node);
    shown["address"] = json!(node.address.to_string());
    shown["heartbeat_at"] = json!(node.heartbeat_at);
    shown
}

fn ledger(audit: &Audit) -> Value {
    let mut shown = json!({"added_up_at": audit.at, "adds_up": audit.found.is_ok()});
    match &audit.found {
        Ok(summary) => {
            shown["transfers"] = json!(summary.transfers);
            shown["accounts"] = summary.accounts().iter().map(total).collect();
        }
        Err(fault) => shown["fault"] = json!(fault.to_string()),
    }
    shown
}

fn total(total: &AccountTotal) -> Value {
    json!({"account": total.account, "what": total.what, "credits": format!("{:#}", total.credits)})
}
