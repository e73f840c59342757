//! What validators compare and judge, and what they found.

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, State},
    http::StatusCode,
};
use cortensor_protocol::{JudgementClaim, JudgementId, JudgementJobs, JudgementReport};

use super::{audits::parse, error::ApiError};
use crate::{
    context::Context,
    rules::judgement::{JudgementRefused, judge},
    store::ValidatorId,
};

/// Answers to compare or to judge. Waits for them; none is an answer too.
#[utoipa::path(
    post, path = "/api/v1/judgements/claim", tag = "audits", request_body = serde_json::Value,
    responses((status = 200, description = "What to judge; see docs/audits.md", body = serde_json::Value), (status = "4XX", description = "Not a validator's key, or not a claim"))
)]
pub(super) async fn claim(
    State(context): State<Arc<Context>>,
    Extension(validator): Extension<ValidatorId>,
    body: Body,
) -> Result<Json<JudgementJobs>, ApiError> {
    let claim: JudgementClaim = parse(body, &context.policy).await?;
    let jobs = tokio::select! {
        jobs = context.judgements.claim(validator, &claim.kinds, context.policy.judgement.wait()) => jobs,
        () = context.stopping.closing.cancelled() => Vec::new(),
    };
    Ok(Json(JudgementJobs { jobs }))
}

/// What was found.
#[utoipa::path(
    post, path = "/api/v1/judgements/{judgement}", tag = "audits", request_body = serde_json::Value,
    params(("judgement" = String, Path, description = "Its id, as it was handed out")),
    responses((status = 204, description = "It is taken in"), (status = "4XX", description = "Not a validator's key, not asked for, handed to another one, or not what was asked for"))
)]
pub(super) async fn report(
    State(context): State<Arc<Context>>,
    Extension(validator): Extension<ValidatorId>,
    Path(judgement): Path<String>,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let judgement: JudgementId = judgement.parse().map_err(|_| refused(&JudgementRefused::Unknown))?;
    let report: JudgementReport = parse(body, &context.policy).await?;
    let judging = Arc::clone(&context);
    // Not in the request, which may be given up at any moment: what follows from a judgement follows whole.
    let judged = context.tasks.spawn(async move { judge(&judging, validator, judgement, &report).await });
    let judged = judged.await.map_err(|_| ApiError::INTERNAL)?;
    judged.map(|()| StatusCode::NO_CONTENT).map_err(|error| refused(&error))
}

fn refused(error: &JudgementRefused) -> ApiError {
    let message = error.to_string();
    match error {
        JudgementRefused::Unknown => ApiError::NoJudgement { message },
        JudgementRefused::AnotherValidators => ApiError::AnotherValidators { message },
        JudgementRefused::Unfit { .. } => ApiError::WrongBody { message, document: "audits.md" },
        JudgementRefused::Store(source) => {
            tracing::error!(error = %source, "a judgement was not kept");
            ApiError::INTERNAL
        }
    }
}
