//! Who asks.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header::AUTHORIZATION},
    middleware::Next,
    response::Response,
};

use super::error::ApiError;
use crate::{context::Context, store::StoreError};

/// Lets requests with a known key through, and tells the route whose it is.
pub(super) async fn require(
    State(context): State<Arc<Context>>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let key = bearer(request.headers()).ok_or(ApiError::NoKey)?;
    let found = context.store.find_key(key).await.map_err(not_looked_up)?;
    let key = found.ok_or(ApiError::WrongKey)?;
    request.extensions_mut().insert(key);
    Ok(next.run(request).await)
}

/// Lets the operator through, and no user.
pub(super) async fn require_operator(
    State(context): State<Arc<Context>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let key = bearer(request.headers()).ok_or(ApiError::NoOperatorKey)?;
    if !context.store.is_operator_key(key).await.map_err(not_looked_up)? {
        return Err(ApiError::WrongOperatorKey);
    }
    Ok(next.run(request).await)
}

#[expect(clippy::needless_pass_by_value, reason = "it is the end of the error")]
fn not_looked_up(error: StoreError) -> ApiError {
    tracing::error!(%error, "a key could not be looked up");
    ApiError::INTERNAL
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim()).filter(|key| !key.is_empty())
}
