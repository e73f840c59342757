//! `GET /v1/models`.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::{Value, json};

use super::error::ApiError;
use crate::{
    context::Context,
    rules::{drive::available, problem::Problem},
};

pub(super) async fn list(State(context): State<Arc<Context>>) -> Json<Value> {
    let data: Vec<_> = available(&context).iter().map(|name| model(&context, name)).collect();
    Json(json!({"object": "list", "data": data}))
}

pub(super) async fn show(
    State(context): State<Arc<Context>>,
    Path(wanted): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let available = available(&context);
    if available.contains(&wanted) {
        return Ok(Json(model(&context, &wanted)));
    }
    Err(Problem::UnknownModel { wanted, available }.into())
}

fn model(context: &Context, name: &str) -> Value {
    json!({"id": name, "object": "model", "created": context.started.0 / 1000, "owned_by": context.network})
}
