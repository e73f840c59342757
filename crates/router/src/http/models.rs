//! `GET /v1/models`, in `OpenAI`'s form.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::{Value, json};

use super::{error::ApiError, schema::ErrorBody};
use crate::{
    context::Context,
    rules::{drive::available, problem::Problem},
};

/// The models on offer: as they are, with what may be chosen of them, and with each precision.
#[utoipa::path(
    get, path = "/v1/models", tag = "router",
    responses(
        (status = 200, description = "In OpenAI's form", body = Value),
        (status = "default", description = "Why not", body = ErrorBody),
    )
)]
pub(super) async fn list(State(context): State<Arc<Context>>) -> Json<Value> {
    let data: Vec<_> = available(&context).iter().map(|name| model(&context, name)).collect();
    Json(json!({"object": "list", "data": data}))
}

/// One model.
#[utoipa::path(
    get, path = "/v1/models/{model}", tag = "router",
    params(("model" = String, Path, description = "Its name, as in the list")),
    responses(
        (status = 200, description = "In OpenAI's form", body = Value),
        (status = "default", description = "Why not", body = ErrorBody),
    )
)]
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
