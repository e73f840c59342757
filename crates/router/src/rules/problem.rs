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
        "this request may cost up to {needed} credits and your deposit has {available}; \
         ask for fewer tokens (max_tokens) or use a key with a larger deposit"
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
