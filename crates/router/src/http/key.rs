//! Who asks.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header::AUTHORIZATION},
    middleware::Next,
    response::Response,
};

use super::error::ApiError;
use crate::context::Context;

/// Lets requests with a known key through, and tells the route whose it is.
pub(super) async fn require(
    State(context): State<Arc<Context>>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let key = bearer(request.headers()).ok_or(ApiError::NoKey)?;
    let found = context.store.find_caller(key).await.map_err(|error| {
        tracing::error!(%error, "a key could not be looked up");
        ApiError::INTERNAL
    })?;
    let caller = found.ok_or(ApiError::WrongKey)?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim()).filter(|key| !key.is_empty())
}
