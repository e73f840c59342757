//! `GET /api/v1/info | status | miners`, in the shapes that clients of the network know.

use std::sync::Arc;

use axum::{Json, extract::State};
use cortensor_protocol::Offer;
use serde_json::{Map, Value, json};

use super::error::ApiError;
use crate::{
    clock::now,
    context::Context,
    rules::pool::{NodeView, Test},
};

pub(super) async fn info(State(context): State<Arc<Context>>) -> Result<Json<Value>, ApiError> {
    let served = context.store.served_tasks().await.map_err(|error| {
        tracing::error!(%error, "tasks could not be counted");
        ApiError::INTERNAL
    })?;
    Ok(Json(json!({
        "name": context.name,
        "version": env!("CARGO_PKG_VERSION"),
        "network": context.network,
        // This router holds no key of its own.
        "address": null,
        "ip_address": context.address.to_string(),
        "active_sessions": 0,
        "total_sessions": 0,
        "served_tasks": served,
        "node_stats": stats(context.pool.nodes().len()),
    })))
}

pub(super) async fn status(State(context): State<Arc<Context>>) -> Json<Value> {
    let nodes = context.pool.nodes();
    Json(json!({
        "uptime": now().since(context.started).as_secs(),
        "connected_miners": nodes.len(),
        "active_sessions": 0,
        "running_tasks": nodes.iter().map(|node| node.running).sum::<usize>(),
        "queued_tasks": context.pool.waiting(),
        // Not measured by an embedded router: its host's own load would be all that is seen.
        "cpu_usage": null,
        "memory_usage": null,
    }))
}

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

fn miner(node: &NodeView) -> Value {
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
