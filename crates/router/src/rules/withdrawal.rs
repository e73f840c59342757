//! Withdrawals: a node's pay leaves the ledger, and the node has a statement of it.
//!
//! A node asks by a signed request and not by its connection, so that it can while it does not mine. What stands in the
//! request is good for one withdrawal from one router, whoever sends it and how often.

use cortensor_protocol::{
    Amount, NodeAddress, PRACTICE_CREDITS, SignedRequest, SignedStatement, SigningError, Statement, WithdrawalRequest,
    WithdrawalTerms, recover,
};

use crate::{
    clock::wall_time,
    context::Context,
    store::{StoreError, Withdrawal, Withdrawn},
};

/// Why nothing was withdrawn.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WithdrawalRefused {
    /// It is another router's.
    #[error("the request names another ledger; GET /api/v1/withdrawals says which one this router has")]
    OtherLedger,
    /// Nobody's signature.
    #[error("the request is not signed ({0}); sign the text of docs/withdrawals.md with the node's key")]
    NotSigned(SigningError),
    /// Somebody else's signature.
    #[error("the request is not signed by node {0}; sign the text of docs/withdrawals.md with that node's key")]
    OtherSigner(NodeAddress),
    /// The nonce belongs to another withdrawal.
    #[error("this nonce was used for another payout address or amount; ask with a new one")]
    OtherContents,
    /// There is less, or nothing.
    #[error(
        "{available} of {pending} pending practice credits can be withdrawn now; the others are final {days} after they were earned, or as soon as an audit finds a later answer consistent: ask for less, or later",
        available = Precise(*available), pending = Precise(*pending), days = span(*final_after_seconds)
    )]
    TooMuch {
        /// What can be withdrawn.
        available: Amount,
        /// What is pending.
        pending: Amount,
        /// When the others are final at the latest.
        final_after_seconds: u64,
    },
    /// The statement could not be signed.
    #[error("the statement could not be signed; ask again with the same nonce")]
    Unsigned,
    /// It was not kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An amount to the last digit: rounded down, a refusal would name what is refused again.
struct Precise(Amount);

impl std::fmt::Display for Precise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

fn span(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..7_200 => (seconds.div_ceil(60), "minute"),
        7_200..172_800 => (seconds.div_ceil(3600), "hour"),
        _ => (seconds.div_ceil(86_400), "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// What a node needs to know before it asks.
pub(crate) fn terms(context: &Context) -> WithdrawalTerms {
    WithdrawalTerms {
        network: context.network.clone(),
        ledger: context.store.ledger().to_owned(),
        signer: context.statement_key.address(),
        final_after_seconds: context.policy.audit.final_after_seconds,
    }
}

/// Withdraws what a node asks for, once, and says so.
pub(crate) async fn withdraw(context: &Context, asked: &SignedRequest) -> Result<SignedStatement, WithdrawalRefused> {
    let request = &asked.request;
    check(context, asked)?;
    let policy = &context.policy.audit;
    let withdrawn = match context.store.withdraw(request, policy.final_after(), wall_time()).await? {
        Withdrawn::Done(withdrawn) => withdrawn,
        Withdrawn::OtherContents => return Err(WithdrawalRefused::OtherContents),
        Withdrawn::TooMuch { available, pending } => {
            let final_after_seconds = policy.final_after_seconds;
            return Err(WithdrawalRefused::TooMuch { available, pending, final_after_seconds });
        }
    };
    tracing::info!(node = %request.node, amount = %withdrawn.amount, transfer = withdrawn.transfer, "withdrawn");
    let statement = statement(context, request, &withdrawn);
    context.statement_key.sign(statement).ok_or(WithdrawalRefused::Unsigned)
}

fn check(context: &Context, asked: &SignedRequest) -> Result<(), WithdrawalRefused> {
    let request = &asked.request;
    if request.ledger != context.store.ledger() {
        return Err(WithdrawalRefused::OtherLedger);
    }
    match recover(&request.text(&context.network), &asked.signature) {
        Ok(signer) if signer == request.node => Ok(()),
        Ok(_) => Err(WithdrawalRefused::OtherSigner(request.node)),
        Err(error) => Err(WithdrawalRefused::NotSigned(error)),
    }
}

fn statement(context: &Context, request: &WithdrawalRequest, withdrawn: &Withdrawal) -> Statement {
    Statement {
        what: PRACTICE_CREDITS.to_owned(),
        network: context.network.clone(),
        ledger: request.ledger.clone(),
        node: request.node,
        payout: withdrawn.payout,
        amount: withdrawn.amount,
        total: withdrawn.total,
        at: withdrawn.at,
        transfer: withdrawn.transfer,
        nonce: request.nonce,
        signer: context.statement_key.address(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_amount_to_the_last_digit_and_the_time_in_words() {
        let refused = WithdrawalRefused::TooMuch {
            available: Amount::from_base_units(1),
            pending: Amount::from_credits(2),
            final_after_seconds: 7 * 86_400,
        };
        let text = refused.to_string();
        assert!(text.starts_with("0.000000000000000001 of 2.00 pending") && text.contains("7 days after"), "{text}");
        for (seconds, words) in [(0, "0 seconds"), (1, "1 second"), (90, "2 minutes"), (86_400, "24 hours")] {
            assert_eq!(span(seconds), words);
        }
    }
}
