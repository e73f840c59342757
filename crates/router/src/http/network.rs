//! `GET /api/v1/info | status | miners`, in the shapes that clients of the network know.

use std::sync::Arc;

use axum::{Json, extract::State};
use cortensor_protocol::Offer;
use serde_json::{Map, Value, json};

use super::{error::ApiError, schema::ErrorBody, sessions::stored};
use crate::{
    clock::now,
    context::Context,
    rules::pool::{NodeView, Test},
};

/// Who this router is.
#[utoipa::path(
    get, path = "/api/v1/info", tag = "router",
    responses(
        (status = 200, description = "In the network's form", body = Value),
        (status = "default", description = "Why not", body = ErrorBody),
    )
)]
pub(super) async fn info(State(context): State<Arc<Context>>) -> Result<Json<Value>, ApiError> {
    let served = stored(&context, context.store.served_tasks().await)?;
    let (active, total) = stored(&context, context.store.count_sessions().await)?;
    Ok(Json(json!({
        "name": context.name,
        "version": env!("CARGO_PKG_VERSION"),
        "network": context.network,
        // This router holds no key of its own.
        "address": null,
        "ip_address": context.address.to_string(),
        "active_sessions": active,
        "total_sessions": total,
        "served_tasks": served,
        "node_stats": stats(context.pool.nodes().len()),
    })))
}

/// How it is.
#[utoipa::path(
    get, path = "/api/v1/status", tag = "router",
    responses(
        (status = 200, description = "In the network's form", body = Value),
        (status = "default", description = "Why not", body = ErrorBody),
    )
)]
pub(super) async fn status(State(context): State<Arc<Context>>) -> Result<Json<Value>, ApiError> {
    let (active, _) = stored(&context, context.store.count_sessions().await)?;
    let nodes = context.pool.nodes();
    Ok(Json(json!({
        "uptime": now().since(context.started).as_secs(),
        "connected_miners": nodes.len(),
        "active_sessions": active,
        "running_tasks": nodes.iter().map(|node| node.running).sum::<usize>(),
        "queued_tasks": context.pool.waiting(),
        // Not measured by an embedded router: its host's own load would be all that is seen.
        "cpu_usage": null,
        "memory_usage": null,
    })))
}

/// Its nodes, with their offers, tests and tiers.
#[utoipa::path(
    get, path = "/api/v1/miners", tag = "router",
    responses(
        (status = 200, description = "In the network's form", body = Value),
        (status = "default", description = "Why not", body = ErrorBody),
    )
)]
pub(super) async fn miners(State(context): State<Arc<Context>>) -> Json<Value> {
    let nodes = context.pool.nodes();
    let stats = stats(nodes.len());
    let nodes: Map<_, _> = nodes.iter().map(|node| (node.address.to_string(), miner(node))).collect();
    Json(json!({"nodes": nodes, "stats": stats}))
}

/// Every node is in the pool for all (ephemeral) until there are sessions to reserve it.
fn stats(nodes: usize) -> Value {
    json!({"dedicated_count": 0, "ephemeral_count": nodes, "total_count": nodes})
}

pub(super) fn miner(node: &NodeView) -> Value {
    json!({
        "software": node.software,
        "hardware": node.hardware,
        "connected_at": node.connected_at,
        "level": node.level,
        "running_tasks": node.running,
        "cpu_load": node.heartbeat.cpu_load,
        "free_memory_bytes": node.heartbeat.free_memory_bytes,
        "offers": node.offers.iter().map(offer).collect::<Vec<_>>(),
    })
}

fn offer((offer, test): &(Offer, Test)) -> Value {
    let (state, report) = match test {
        Test::Awaited => ("testing", None),
        Test::Passed(report) => ("passed", Some(report)),
        Test::Failed(report) => ("failed", Some(report)),
    };
    json!({
        "model": offer.model,
        "precision": offer.precision,
        "artifact": offer.artifact,
        "context_tokens": offer.context_tokens,
        "slots": offer.slots,
        "mode": offer.mode,
        "test": state,
        "tier": report.and_then(|report| report.tier),
        "report": report,
    })
}
