//! Errors in the form that `OpenAI` clients read.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{
    policy::Policy,
    rules::{limit::TooMany, problem::Problem},
    store::StoreError,
};

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ApiError {
    #[error("the API key is missing; send `Authorization: Bearer sk-...`")]
    NoKey,
    #[error("the API key is not known to this router; use the one it printed at its start, or make a new one")]
    WrongKey,
    #[error(
        "only a validator may do this, and the key is not a validator's; ask the router's operator for one (`vk-...`)"
    )]
    NoValidator,
    #[error("the body cannot be read: {message}; see docs/{document}")]
    WrongBody { message: String, document: &'static str },
    #[error("{message}")]
    WrongSignature { message: String },
    #[error("{message}")]
    OtherWithdrawal { message: String },
    #[error("{message}")]
    TooLittlePending { message: String },
    #[error("{message}")]
    NoAudit { message: String },
    #[error("{message}")]
    NoJudgement { message: String },
    #[error("{message}")]
    AnotherValidators { message: String },
    #[error("the operator's key is missing; send `Authorization: Bearer op-...`")]
    NoOperatorKey,
    #[error("this is not the operator's key; use the one that `cortensor router` printed at its start")]
    WrongOperatorKey,
    #[error("the body is larger than {most} bytes; send less")]
    TooLarge { most: usize },
    #[error("the body did not arrive within {seconds} seconds; send less, or try again over a faster connection")]
    SlowBody { seconds: u64 },
    #[error("the body broke off; send the request again")]
    BrokenBody,
    #[error("there is nothing here; GET /api/openapi.json says what this router serves")]
    NotFound,
    #[error("this address takes another HTTP method")]
    WrongMethod,
    #[error(transparent)]
    TooMany(TooMany),
    #[error(transparent)]
    Problem(#[from] Problem),
}

/// Status, `OpenAI`'s type, code and field.
type Shape = (StatusCode, &'static str, &'static str, Option<&'static str>);

impl ApiError {
    pub(super) const INTERNAL: Self = Self::Problem(Problem::Internal);

    /// The database did not do what it was asked: soon, if it is only for want of room.
    pub(super) fn store(error: &StoreError, policy: &Policy) -> Self {
        let source = std::error::Error::source(error).map(ToString::to_string);
        tracing::error!(%error, source, "a request could not be answered");
        if error.is_final() {
            return Self::INTERNAL;
        }
        Self::Problem(Problem::NotWritten { retry_after: policy.retry_after_seconds })
    }

    fn shape(&self) -> Shape {
        const WRONG: &str = "invalid_request_error";
        match self {
            Self::NoKey => (StatusCode::UNAUTHORIZED, WRONG, "missing_api_key", None),
            Self::WrongKey => (StatusCode::UNAUTHORIZED, WRONG, "invalid_api_key", None),
            Self::NoValidator => (StatusCode::FORBIDDEN, WRONG, "not_a_validator", None),
            Self::WrongBody { .. } => (StatusCode::BAD_REQUEST, WRONG, "invalid_body", None),
            Self::WrongSignature { .. } => (StatusCode::UNAUTHORIZED, WRONG, "wrong_signature", None),
            Self::OtherWithdrawal { .. } => (StatusCode::CONFLICT, WRONG, "other_withdrawal", None),
            Self::TooLittlePending { .. } => (StatusCode::CONFLICT, WRONG, "too_little_pending", None),
            Self::NoAudit { .. } => (StatusCode::NOT_FOUND, WRONG, "no_such_audit", None),
            Self::NoJudgement { .. } => (StatusCode::NOT_FOUND, WRONG, "no_such_judgement", None),
            Self::AnotherValidators { .. } => (StatusCode::FORBIDDEN, WRONG, "another_validators", None),
            Self::NoOperatorKey => (StatusCode::UNAUTHORIZED, WRONG, "missing_operator_key", None),
            Self::WrongOperatorKey => (StatusCode::UNAUTHORIZED, WRONG, "invalid_operator_key", None),
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, WRONG, "request_too_large", None),
            Self::SlowBody { .. } => (StatusCode::REQUEST_TIMEOUT, WRONG, "slow_body", None),
            Self::BrokenBody => (StatusCode::BAD_REQUEST, WRONG, "broken_body", None),
            Self::NotFound => (StatusCode::NOT_FOUND, WRONG, "not_found", None),
            Self::WrongMethod => (StatusCode::METHOD_NOT_ALLOWED, WRONG, "method_not_allowed", None),
            Self::TooMany(too_many) => (StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", too_many.code(), None),
            Self::Problem(problem) => shape(problem),
        }
    }

    /// Seconds after which it is worth trying again.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany(too_many) => Some(too_many.retry_after()),
            Self::Problem(Problem::QueueFull { retry_after, .. } | Problem::NotWritten { retry_after }) => {
                Some(*retry_after)
            }
            _ => None,
        }
    }

    /// The body, also sent as an event when the answer has begun.
    pub(super) fn body(&self) -> Value {
        let (_, kind, code, param) = self.shape();
        json!({"error": {"message": self.to_string(), "type": kind, "param": param, "code": code}})
    }
}

const fn shape(problem: &Problem) -> Shape {
    const SERVER: &str = "server_error";
    match problem {
        Problem::BadRequest { param, code, .. } => (StatusCode::BAD_REQUEST, "invalid_request_error", code, *param),
        Problem::TooLittleCredit { .. } => {
            (StatusCode::PAYMENT_REQUIRED, "insufficient_quota", "insufficient_credits", None)
        }
        Problem::UnknownModel { .. } => {
            (StatusCode::NOT_FOUND, "invalid_request_error", "model_not_found", Some("model"))
        }
        Problem::Unknown { .. } => (StatusCode::NOT_FOUND, "invalid_request_error", "not_found", None),
        Problem::AccountOnly => (StatusCode::FORBIDDEN, "invalid_request_error", "account_key_needed", None),
        Problem::SessionOver => (StatusCode::CONFLICT, "invalid_request_error", "session_inactive", None),
        Problem::OtherDeposit(_) => (StatusCode::CONFLICT, "invalid_request_error", "other_deposit", Some("key")),
        Problem::TooManyKeys { .. } => (StatusCode::CONFLICT, "invalid_request_error", "too_many_keys", None),
        Problem::SessionBusy { .. } => (StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", "session_busy", None),
        Problem::QueueFull { .. } => (StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", "queue_full", None),
        Problem::NoCapableNode { .. } => (StatusCode::SERVICE_UNAVAILABLE, SERVER, "no_capable_node", Some("fallback")),
        Problem::TooFewNodes { .. } => (StatusCode::SERVICE_UNAVAILABLE, SERVER, "too_few_nodes", None),
        Problem::NoNode => (StatusCode::SERVICE_UNAVAILABLE, SERVER, "no_node", None),
        Problem::NodesLost => (StatusCode::SERVICE_UNAVAILABLE, SERVER, "nodes_lost", None),
        Problem::NotWritten { .. } => (StatusCode::SERVICE_UNAVAILABLE, SERVER, "not_written", None),
        Problem::Stopping => (StatusCode::SERVICE_UNAVAILABLE, SERVER, "stopping", None),
        Problem::InvalidAnswer { .. } => (StatusCode::BAD_GATEWAY, SERVER, "invalid_answer", None),
        Problem::TimedOut { .. } => (StatusCode::GATEWAY_TIMEOUT, SERVER, "timed_out", None),
        Problem::Internal => (StatusCode::INTERNAL_SERVER_ERROR, SERVER, "internal", None),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, ..) = self.shape();
        let mut response = (status, Json(self.body())).into_response();
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
