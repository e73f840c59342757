//! Having the node's pay withdrawn: one signed request over HTTP, whether the node is connected or not.
//!
//! What is asked is written down first, and an open request is finished before another one is made: however often this is
//! interrupted, the router moves the pay once and the node has the statement of it in the end.

use std::time::Duration;

use cortensor_protocol::{
    Amount, NodeAddress, SignedRequest, SignedStatement, WithdrawalNonce, WithdrawalRequest, WithdrawalTerms,
};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{Identity, Ledger, LedgerError};

const PATIENCE: Duration = Duration::from_secs(30);
/// Where nodes connect: a router's other addresses are beside it.
const ENDPOINT: &str = "/node/v1";
/// Most characters of what a router says that are shown.
const LONGEST_MESSAGE: usize = 500;

/// What the miner wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WithdrawalOrder {
    /// Where it is to go.
    pub payout: NodeAddress,
    /// How much; `None`: all that can be withdrawn.
    pub amount: Option<Amount>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithdrawalDone {
    /// The router's statement, checked.
    pub signed: SignedStatement,
    /// It was asked for before, and the answer had not arrived.
    pub resumed: bool,
}

/// Why there is no statement.
#[derive(Debug, thiserror::Error)]
pub enum WithdrawalError {
    /// The router's address is none.
    #[error("{router:?} is not a router's address; write one such as wss://router.example/node/v1")]
    Address {
        /// What was given.
        router: String,
    },
    /// It cannot be reached, or has trouble of its own.
    #[error(
        "the router did not answer ({message}); try again: what was asked is written down, and is withdrawn once only"
    )]
    Unanswered {
        /// What went wrong.
        message: String,
    },
    /// It said no.
    #[error("the router withdrew nothing: {message}")]
    Refused {
        /// What it said.
        message: String,
    },
    /// It does not know withdrawals.
    #[error("this router knows no withdrawals; ask its operator to update it")]
    Unknown,
    /// Its statement is not one.
    #[error("the router's statement is not sound: {message}; keep the logs and ask the router's operator")]
    Unsound {
        /// What is wrong with it.
        message: String,
    },
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The key.
    #[error("the key does not sign")]
    Signing(#[from] alloy_signer::Error),
}

/// Has `order` withdrawn by the router with this node endpoint, or finishes what was asked before.
pub async fn withdraw(
    router: &str,
    identity: &Identity,
    ledger: &Ledger,
    order: WithdrawalOrder,
) -> Result<WithdrawalDone, WithdrawalError> {
    let desk = Desk::of(router)?;
    let terms: WithdrawalTerms = desk.read(desk.http.get(desk.url.clone())).await?;
    check(&terms)?;
    let open = ledger.open_withdrawal(&terms.ledger, identity.address()).await?;
    let resumed = open.is_some();
    let request = match open {
        Some(request) => request,
        None => begin(&terms, identity, ledger, order).await?,
    };
    let signature = identity.sign(&request.text(&terms.network))?;
    let asked = SignedRequest { request, signature };
    let answer = desk.read::<SignedStatement>(desk.http.post(desk.url.clone()).json(&asked)).await;
    if let Err(WithdrawalError::Refused { .. }) = &answer {
        ledger.give_withdrawal_up(asked.request.nonce).await?;
    }
    let signed = sound(answer?, &asked.request, &terms)?;
    ledger.finish_withdrawal(&signed).await?;
    Ok(WithdrawalDone { signed, resumed })
}

async fn begin(
    terms: &WithdrawalTerms,
    identity: &Identity,
    ledger: &Ledger,
    WithdrawalOrder { payout, amount }: WithdrawalOrder,
) -> Result<WithdrawalRequest, WithdrawalError> {
    let (nonce, node) = (WithdrawalNonce(Uuid::now_v7()), identity.address());
    let request = WithdrawalRequest { ledger: terms.ledger.clone(), node, payout, amount, nonce };
    ledger.begin_withdrawal(&request).await?;
    Ok(request)
}

/// A name with a line break in it could say something else in the text that is signed.
fn check(terms: &WithdrawalTerms) -> Result<(), WithdrawalError> {
    let strange = [&terms.network, &terms.ledger].into_iter().any(|name| name.contains(char::is_control));
    let message = "its network's or ledger's name has a line break".to_owned();
    if strange { Err(WithdrawalError::Unsound { message }) } else { Ok(()) }
}

/// The statement, if it is what was asked for and the router's own.
fn sound(
    signed: SignedStatement,
    request: &WithdrawalRequest,
    terms: &WithdrawalTerms,
) -> Result<SignedStatement, WithdrawalError> {
    let unsound = |message: String| Err(WithdrawalError::Unsound { message });
    match signed.check() {
        Err(error) => unsound(error.to_string()),
        Ok(by) if by != terms.signer => unsound(format!("{by} signed it and not {}", terms.signer)),
        Ok(_) if !signed.statement.answers(request) => unsound("it says something else than was asked".to_owned()),
        Ok(_) => Ok(signed),
    }
}

/// Where a router gives its withdrawals out.
struct Desk {
    http: Client,
    url: Url,
}

impl Desk {
    fn of(router: &str) -> Result<Self, WithdrawalError> {
        let error = || WithdrawalError::Address { router: router.to_owned() };
        let url = address(router).ok_or_else(error)?;
        let http = Client::builder().timeout(PATIENCE).build();
        let http = http.map_err(|error| WithdrawalError::Unanswered { message: words(&error) })?;
        Ok(Self { http, url })
    }

    async fn read<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, WithdrawalError> {
        let unanswered = |error: reqwest::Error| WithdrawalError::Unanswered { message: words(&error) };
        let response = request.send().await.map_err(unanswered)?;
        if response.status().is_success() {
            return response.json().await.map_err(unanswered);
        }
        Err(refusal(response).await)
    }
}

async fn refusal(response: Response) -> WithdrawalError {
    let status = response.status();
    let text = response.text().await.unwrap_or_default();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let said = value.pointer("/error/message").and_then(serde_json::Value::as_str).unwrap_or(&text);
    let message = said.chars().take(LONGEST_MESSAGE).collect();
    match status {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => WithdrawalError::Unknown,
        // A proxy's word, or one to come back later.
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => WithdrawalError::Unanswered { message },
        status if status.is_client_error() => WithdrawalError::Refused { message },
        _ => WithdrawalError::Unanswered { message },
    }
}

/// `wss://router.example/node/v1` is beside `https://router.example/api/v1/withdrawals`.
fn address(router: &str) -> Option<Url> {
    let base = router.trim_end_matches('/');
    let base = base.strip_suffix(ENDPOINT).unwrap_or(base);
    let base = base.strip_prefix("ws").filter(|rest| rest.starts_with("://") || rest.starts_with("s://"))?;
    Url::parse(&format!("http{base}/api/v1/withdrawals")).ok().filter(Url::has_host)
}

/// An error and what it came of; the library's own text leaves that out.
fn words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source()).map(ToString::to_string);
    [error.to_string()].into_iter().chain(causes).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests;
