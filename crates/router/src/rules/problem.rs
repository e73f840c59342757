//! Why a request was not served, for the client.

use cortensor_protocol::Amount;

/// Why a request was not served. Says what the client can do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    /// The request itself is wrong.
    #[error("{message}")]
    BadRequest {
        /// What, and how to correct it.
        message: String,
        /// The field.
        param: Option<&'static str>,
        /// For programs.
        code: &'static str,
    },
    /// The deposit is too small.
    #[error(
        "this may cost up to {needed} credits and the deposit has {available}; ask for fewer tokens (max_tokens), \
         deposit more into the session, or use a key with a larger deposit"
    )]
    TooLittleCredit {
        /// Most it can cost.
        needed: Amount,
        /// What is there.
        available: Amount,
    },
    /// No node offers the model.
    #[error("{}", not_offered(wanted, available))]
    UnknownModel {
        /// As asked for.
        wanted: String,
        /// What there is.
        available: Vec<String>,
    },
    /// No node offers any model.
    #[error(
        "no node offers a model at the moment; start one with `cortensor mine` (or resume a paused one) and try again"
    )]
    NoNode,
    /// Nodes offer the model, and none as it is wanted.
    #[error("{}", not_as_asked(asked, model, there, fallbacks))]
    NoCapableNode {
        /// What was asked for, in words.
        asked: &'static str,
        /// As asked for.
        model: String,
        /// Tiers, and how many nodes there are in each.
        there: Vec<String>,
        /// What of it may be accepted.
        fallbacks: Vec<&'static str>,
    },
    /// Too few nodes for a redundant request.
    #[error(
        "this request is to be answered by {wanted} different nodes and {there} that can do it are there; try again \
         later, or open a session with a smaller `redundant` or with a `fallback`"
    )]
    TooFewNodes {
        /// How many are to answer.
        wanted: usize,
        /// How many can.
        there: usize,
    },
    /// No session of this account has this number, or no task of the session.
    #[error("your account has no {what} {number} here; `GET /api/v1/sessions` lists what it has")]
    Unknown {
        /// What was looked for.
        what: &'static str,
        /// Its number.
        number: i64,
    },
    /// The session was deactivated.
    #[error("the session is deactivated and its deposit given back; open another one with POST /api/v1/create")]
    SessionOver,
    /// The session has as many requests at a time as it may.
    #[error("the session has {most} requests under way, the most it may (`max_task_count`); wait for one to end")]
    SessionBusy {
        /// How many it may have.
        most: u32,
    },
    /// A session's key was used for what only its owner may do.
    #[error("a session's key cannot do this; use the key of the account that opened the session")]
    AccountOnly,
    /// The same deposit was made before, with another amount.
    #[error("a deposit with this `key` was made before, of {0} credits; use another key for another deposit")]
    OtherDeposit(Amount),
    /// The session has all the keys it may.
    #[error("the session has {most} keys, the most it may; delete one first")]
    TooManyKeys {
        /// How many it may have.
        most: u32,
    },
    /// Too many requests wait already.
    #[error("{waiting} requests wait for a free node already; try again in {retry_after} seconds")]
    QueueFull {
        /// How many.
        waiting: usize,
        /// Seconds.
        retry_after: u64,
    },
    /// The client's time was over.
    #[error("no answer was ready within {seconds} seconds; ask for fewer tokens (max_tokens) or try again later")]
    TimedOut {
        /// Seconds.
        seconds: u64,
    },
    /// Nodes took the task and lost it.
    #[error("the nodes that took this request were lost before the answer was whole; send it again")]
    NodesLost,
    /// The answer broke the rules; its node is not paid.
    #[error("the node's answer was refused ({reason}) and costs nothing; send the request again")]
    InvalidAnswer {
        /// Why.
        reason: String,
    },
    /// The router stops.
    #[error("the router is stopping; try again in a few seconds")]
    Stopping,
    /// The router cannot keep its books.
    #[error(
        "the router cannot write to its database and takes no requests meanwhile; try again in {retry_after} seconds \
         (its operator: look at the log; if the disk is full, make room, then it goes on by itself)"
    )]
    NotWritten {
        /// Seconds.
        retry_after: u64,
    },
    /// The router failed.
    #[error("the router could not do its own book-keeping; look at its log, then send the request again")]
    Internal,
}

fn not_offered(wanted: &str, available: &[String]) -> String {
    format!("no node offers the model `{wanted}`; available: {}", available.join(", "))
}

fn not_as_asked(asked: &str, model: &str, there: &[String], fallbacks: &[&str]) -> String {
    let there = there.join(", ");
    let instead = match fallbacks {
        [] => "try again later".to_owned(),
        fallbacks => format!("to accept one of these instead, send `fallback`: {}", fallbacks.join(" or ")),
    };
    format!("no {asked} serves `{model}` at the moment; there are: {there}; {instead}")
}
