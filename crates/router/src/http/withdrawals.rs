//! Nodes' withdrawals: signed requests in, signed statements out. No key is asked for; the node proves itself by signature.

use std::sync::Arc;

use axum::{Extension, Json, body::Body, extract::State};
use cortensor_protocol::{SignedRequest, SignedStatement, WithdrawalTerms};

use super::{
    body::read_up_to,
    error::ApiError,
    key::wrong,
    schema::{StatementBody, WithdrawalBody, WithdrawalTermsBody},
};
use crate::{
    context::Context,
    rules::{
        limit::Source,
        withdrawal::{self, WithdrawalRefused},
    },
};

/// Largest request, in bytes. Whoever sends it has proved nothing yet.
const LARGEST_REQUEST: usize = 4096;

/// What a request names and a statement is checked by.
#[utoipa::path(
    get, path = "/api/v1/withdrawals", tag = "withdrawals", security(()),
    responses((status = 200, description = "Of this router; it says nothing of any node", body = WithdrawalTermsBody))
)]
pub(super) async fn terms(State(context): State<Arc<Context>>) -> Json<WithdrawalTerms> {
    Json(withdrawal::terms(&context))
}

/// Withdraws a node's pay; the same request again is answered the same.
#[utoipa::path(
    post, path = "/api/v1/withdrawals", tag = "withdrawals", security(()), request_body = WithdrawalBody,
    responses(
        (status = 200, description = "The statement, signed by the router; see docs/withdrawals.md", body = StatementBody),
        (status = "4XX", description = "Not signed by the node, more than can be withdrawn, or a nonce that was used otherwise"),
        (status = 503, description = "The router's database does not take it just now"),
    )
)]
pub(super) async fn withdraw(
    State(context): State<Arc<Context>>,
    Extension(source): Extension<Source>,
    body: Body,
) -> Result<Json<SignedStatement>, ApiError> {
    let bytes = read_up_to(body, &context.policy, LARGEST_REQUEST).await?;
    let asked: SignedRequest = serde_json::from_slice(&bytes)
        .map_err(|error| ApiError::WrongBody { message: error.to_string(), document: "withdrawals.md" })?;
    let statement = withdrawal::withdraw(&context, &asked).await;
    statement.map(Json).map_err(|refused| turned_down(&context, source, refused))
}

fn turned_down(context: &Context, source: Source, refused: WithdrawalRefused) -> ApiError {
    match refused {
        WithdrawalRefused::NotSigned(_) | WithdrawalRefused::OtherSigner(_) => {
            wrong(context, source, ApiError::WrongSignature { message: refused.to_string() })
        }
        WithdrawalRefused::OtherLedger | WithdrawalRefused::OtherContents => {
            ApiError::OtherWithdrawal { message: refused.to_string() }
        }
        WithdrawalRefused::TooMuch { .. } => ApiError::TooLittlePending { message: refused.to_string() },
        WithdrawalRefused::Unsigned => ApiError::INTERNAL,
        WithdrawalRefused::Store(error) => ApiError::store(&error, &context.policy),
    }
}
