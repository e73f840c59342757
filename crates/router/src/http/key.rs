//! Who asks.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderMap, header::AUTHORIZATION},
    middleware::Next,
    response::Response,
};

use super::{error::ApiError, limit::turned_away};
use crate::{context::Context, rules::limit::Source, store::StoreError};

/// Lets requests with a known key through, and tells the route whose it is.
pub(super) async fn require(
    State(context): State<Arc<Context>>,
    Extension(source): Extension<Source>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let key = bearer(request.headers()).ok_or_else(|| wrong(&context, source, ApiError::NoKey))?;
    let found = context.store.find_caller(key).await.map_err(not_looked_up)?;
    let caller = found.ok_or_else(|| wrong(&context, source, ApiError::WrongKey))?;
    // What an account's sessions ask for is the account's.
    context.limits.key_request(source, caller.account).map_err(|too_many| turned_away(&context, too_many))?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// Lets validators through, and tells the route which one it is.
pub(super) async fn require_validator(
    State(context): State<Arc<Context>>,
    Extension(source): Extension<Source>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let key = bearer(request.headers()).ok_or_else(|| wrong(&context, source, ApiError::NoKey))?;
    let found = context.store.find_validator(key).await.map_err(not_looked_up)?;
    let found = found.ok_or_else(|| wrong(&context, source, ApiError::NoValidator))?;
    request.extensions_mut().insert(found);
    Ok(next.run(request).await)
}

/// Lets the operator through, and no user.
pub(super) async fn require_operator(
    State(context): State<Arc<Context>>,
    Extension(source): Extension<Source>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let key = bearer(request.headers()).ok_or_else(|| wrong(&context, source, ApiError::NoOperatorKey))?;
    if !context.store.is_operator_key(key).await.map_err(not_looked_up)? {
        return Err(wrong(&context, source, ApiError::WrongOperatorKey));
    }
    Ok(next.run(request).await)
}

/// What one who has no right key is told: that, or to come back later.
pub(super) fn wrong(context: &Context, source: Source, error: ApiError) -> ApiError {
    match context.limits.wrong_key(source) {
        Ok(()) => error,
        Err(too_many) => turned_away(context, too_many),
    }
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
