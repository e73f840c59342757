//! What validators ask for and what they found.

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, State},
    http::StatusCode,
};
use cortensor_protocol::{AuditClaim, AuditId, AuditJobs, AuditReport};
use serde::de::DeserializeOwned;

use super::{body::read, error::ApiError};
use crate::{
    context::Context,
    policy::Policy,
    rules::audit::{AuditRefused, judge},
    store::ValidatorId,
};

/// Most characters of what is wrong with a body: all of it may be in the words.
const LONGEST_REASON: usize = 200;

/// Answers to look at. Waits for them; none is an answer too.
#[utoipa::path(
    post, path = "/api/v1/audits/claim", tag = "audits", request_body = serde_json::Value,
    responses((status = 200, description = "Answers of one artifact; see docs/audits.md", body = serde_json::Value), (status = "4XX", description = "Not a validator's key, or not a claim"))
)]
pub(super) async fn claim(State(context): State<Arc<Context>>, body: Body) -> Result<Json<AuditJobs>, ApiError> {
    let claim: AuditClaim = parse(body, &context.policy).await?;
    let jobs = tokio::select! {
        jobs = context.audits.claim(&claim.held, context.policy.audit.wait()) => jobs,
        () = context.stopping.closing.cancelled() => Vec::new(),
    };
    Ok(Json(AuditJobs { jobs }))
}

/// What was found.
#[utoipa::path(
    post, path = "/api/v1/audits/{audit}", tag = "audits", request_body = serde_json::Value,
    params(("audit" = String, Path, description = "The answer's id, as it was handed out")),
    responses((status = 204, description = "It is taken in"), (status = "4XX", description = "Not a validator's key, not asked for, or not what was asked for"))
)]
pub(super) async fn report(
    State(context): State<Arc<Context>>,
    Extension(validator): Extension<ValidatorId>,
    Path(audit): Path<String>,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let audit: AuditId = audit.parse().map_err(|_| refused(&AuditRefused::Unknown))?;
    let report: AuditReport = parse(body, &context.policy).await?;
    let judging = Arc::clone(&context);
    // Not in the request, which may be given up at any moment: what follows from a verdict follows whole.
    let judged = context.tasks.spawn(async move { judge(&judging, validator, audit, &report).await });
    let judged = judged.await.map_err(|_| ApiError::INTERNAL)?;
    judged.map(|()| StatusCode::NO_CONTENT).map_err(|error| refused(&error))
}

pub(super) async fn parse<T: DeserializeOwned>(body: Body, policy: &Policy) -> Result<T, ApiError> {
    decode(&read(body, policy).await?)
}

pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let wrong = |error: serde_json::Error| error.to_string().chars().take(LONGEST_REASON).collect();
    serde_json::from_slice(body).map_err(|error| ApiError::WrongBody { message: wrong(error), document: "audits.md" })
}

fn refused(error: &AuditRefused) -> ApiError {
    match error {
        AuditRefused::Unknown => ApiError::NoAudit { message: error.to_string() },
        AuditRefused::Margins { .. } => ApiError::WrongBody { message: error.to_string(), document: "audits.md" },
        AuditRefused::Store(source) => {
            tracing::error!(error = %source, "an audit was not kept");
            ApiError::INTERNAL
        }
    }
}
