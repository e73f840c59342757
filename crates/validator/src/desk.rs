//! A router's desk, where answers to look at are fetched and findings are left.

use std::time::Duration;

use cortensor_protocol::{
    ArtifactDigest, AuditClaim, AuditId, AuditJobs, AuditReport, JudgementClaim, JudgementId, JudgementJobs,
    JudgementKind, JudgementReport,
};
use reqwest::{Client, Response, StatusCode};
use serde::{Serialize, de::DeserializeOwned};

/// Longer than a router lets a validator wait for answers.
const PATIENCE: Duration = Duration::from_secs(120);
/// Most characters of what a router says that are shown.
const LONGEST_MESSAGE: usize = 300;

/// A router's desk.
pub struct Desk {
    http: Client,
    router: String,
    key: String,
}

/// Why the desk did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// It cannot be reached, or does not answer.
    #[error("the router {router} does not answer ({message}); check its address and that it runs")]
    Unreachable {
        /// Its address.
        router: String,
        /// What went wrong.
        message: String,
    },
    /// It has trouble of its own.
    #[error("the router {router} says: {message}")]
    Trouble {
        /// Its address.
        router: String,
        /// What it said.
        message: String,
    },
    /// The key is no validator's.
    #[error("the router {router} does not take this key: {message}")]
    Refused {
        /// Its address.
        router: String,
        /// What it said.
        message: String,
    },
    /// It speaks another language.
    #[error("what the router {router} says cannot be read ({message}); update the validator or the router")]
    Unreadable {
        /// Its address.
        router: String,
        /// What is wrong with it.
        message: String,
    },
}

impl DeskError {
    /// Whether it may be over by itself.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Trouble { .. })
    }
}

impl Desk {
    /// The desk of the router at `router`, such as `http://127.0.0.1:5010`, for the validator with this key.
    pub fn new(router: &str, key: &str) -> Result<Self, DeskError> {
        let http = Client::builder().timeout(PATIENCE).build();
        let router = router.trim_end_matches('/').to_owned();
        let http = http.map_err(|error| DeskError::Unreachable { router: router.clone(), message: words(&error) })?;
        Ok(Self { http, router, key: key.to_owned() })
    }

    /// Answers to look at, of what is held; waits for some, and none is an answer too.
    pub(crate) async fn claim(&self, held: &[ArtifactDigest]) -> Result<AuditJobs, DeskError> {
        self.ask("audits/claim", &AuditClaim { held: held.to_vec() }).await
    }

    /// Things to judge, of the kinds that one can; waits for some, and none is an answer too.
    pub(crate) async fn claim_judgements(&self, kinds: &[JudgementKind]) -> Result<JudgementJobs, DeskError> {
        self.ask("judgements/claim", &JudgementClaim { kinds: kinds.to_vec() }).await
    }

    /// Leaves what was found. An answer that nobody waits for any more is no error.
    pub(crate) async fn report(&self, audit: AuditId, report: &AuditReport) -> Result<(), DeskError> {
        self.post(&format!("audits/{audit}"), report).await.map(drop)
    }

    /// Leaves a judgement. One that nobody waits for any more is no error.
    pub(crate) async fn report_judgement(&self, id: JudgementId, report: &JudgementReport) -> Result<(), DeskError> {
        self.post(&format!("judgements/{id}"), report).await.map(drop)
    }

    async fn ask<T: DeserializeOwned>(&self, what: &str, claim: &impl Serialize) -> Result<T, DeskError> {
        let response = self.post(what, claim).await?;
        let text = response.text().await.map_err(|error| self.unreachable(&error))?;
        let unreadable = |error: serde_json::Error| DeskError::Unreadable {
            router: self.router.clone(),
            message: error.to_string(),
        };
        serde_json::from_str(&text).map_err(unreadable)
    }

    async fn post(&self, what: &str, body: &impl Serialize) -> Result<Response, DeskError> {
        let url = format!("{}/api/v1/{what}", self.router);
        let sent = self.http.post(url).bearer_auth(&self.key).json(body).send().await;
        let response = sent.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        self.refused(response).await
    }

    async fn refused(&self, response: Response) -> Result<Response, DeskError> {
        let (router, status) = (self.router.clone(), response.status());
        if is_late(&response) {
            tracing::info!("a finding came too late");
            return Ok(response);
        }
        let text = response.text().await.unwrap_or_default();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let said = value.pointer("/error/message").and_then(serde_json::Value::as_str).unwrap_or(&text);
        let message: String = said.chars().take(LONGEST_MESSAGE).collect();
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => DeskError::Refused { router, message },
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                DeskError::Trouble { router, message }
            }
            status => DeskError::Unreadable { router, message: format!("{status}: {message}") },
        })
    }

    fn unreachable(&self, error: &reqwest::Error) -> DeskError {
        DeskError::Unreachable { router: self.router.clone(), message: words(error) }
    }
}

/// The router has no such desk when it is another program: only an answer that was handed out can be late.
fn is_late(response: &Response) -> bool {
    response.status() == StatusCode::NOT_FOUND && !response.url().path().ends_with("/claim")
}

/// The innermost cause: the outer ones say only that a request failed.
fn words(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
