//! Withdrawals: what a node signs to have its pay, and the statement that a router signs for it.
//!
//! Over HTTP (`GET` and `POST /api/v1/withdrawals`), so that a node needs no session, and whoever holds a statement needs
//! nothing but the router's address to check it. docs/withdrawals.md tells the whole of it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Amount, Millis, NodeAddress, SigningError, recover};

/// What is withdrawn on the practice network. It stands in every statement.
pub const PRACTICE_CREDITS: &str = "practice credits, which have no value and cannot be exchanged for anything";

/// One withdrawal, named by the node: asking for it again changes nothing and is answered the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WithdrawalNonce(pub Uuid);

impl fmt::Display for WithdrawalNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for WithdrawalNonce {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

/// What a node needs to know of a router before it asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawalTerms {
    /// The network's name.
    pub network: String,
    /// The name of the router's ledger, as in [`crate::Challenge`].
    pub ledger: String,
    /// Whose key signs statements.
    pub signer: NodeAddress,
    /// After how many seconds pay is final at the latest; only final pay can be withdrawn.
    pub final_after_seconds: u64,
}

/// What a node asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawalRequest {
    /// Of which ledger.
    pub ledger: String,
    /// Whose pay.
    pub node: NodeAddress,
    /// Where it is to go.
    pub payout: NodeAddress,
    /// How much; `None`: all that can be withdrawn.
    pub amount: Option<Amount>,
    /// The node's name for it.
    pub nonce: WithdrawalNonce,
}

impl WithdrawalRequest {
    /// What the node signs: it names the network and the ledger, so that it is good for one router only.
    pub fn text(&self, network: &str) -> String {
        let Self { ledger, node, payout, amount, nonce } = self;
        let amount = amount.map_or_else(|| "all that can be withdrawn".to_owned(), |amount| format!("{amount:#}"));
        format!(
            "Cortensor withdrawal request\nnetwork: {network}\nledger: {ledger}\nnode: {node}\npayout address: {payout}\n\
             amount: {amount}\nnonce: {nonce}"
        )
    }
}

/// A request and the signature of the node's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedRequest {
    /// What is asked for.
    pub request: WithdrawalRequest,
    /// EIP-191 signature of [`WithdrawalRequest::text`], `0x` and 130 hexadecimal digits.
    pub signature: String,
}

/// What a router says of one withdrawal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// What the amounts are: [`PRACTICE_CREDITS`].
    pub what: String,
    /// The network's name.
    pub network: String,
    /// The name of the router's ledger.
    pub ledger: String,
    /// Who earned it.
    pub node: NodeAddress,
    /// Where it goes.
    pub payout: NodeAddress,
    /// How much.
    pub amount: Amount,
    /// What the node has withdrawn so far, this included.
    pub total: Amount,
    /// When, by the router's clock.
    pub at: Millis,
    /// The line in the router's ledger.
    pub transfer: u64,
    /// The node's name for it.
    pub nonce: WithdrawalNonce,
    /// Whose key signed it.
    pub signer: NodeAddress,
}

impl Statement {
    /// What the router signs.
    pub fn text(&self) -> String {
        let Self { what, network, ledger, node, payout, amount, total, at, transfer, nonce, signer } = self;
        format!(
            "Cortensor withdrawal statement\nwhat: {what}\nnetwork: {network}\nledger: {ledger}\nnode: {node}\n\
             payout address: {payout}\namount: {amount:#}\nwithdrawn so far: {total:#}\n\
             time: {} ms since 1970-01-01T00:00Z\ntransfer: {transfer}\nnonce: {nonce}\nrouter: {signer}",
            at.0
        )
    }

    /// Whether it answers this request.
    pub fn answers(&self, request: &WithdrawalRequest) -> bool {
        let asked = (&request.ledger, request.node, request.payout, request.nonce);
        asked == (&self.ledger, self.node, self.payout, self.nonce)
            && request.amount.is_none_or(|amount| amount == self.amount)
    }
}

/// A statement and the signature of the router's key: what is kept, and what anybody can check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedStatement {
    /// What is said.
    pub statement: Statement,
    /// EIP-191 signature of [`Statement::text`], `0x` and 130 hexadecimal digits.
    pub signature: String,
}

/// Why a statement says nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum StatementError {
    /// It is not signed.
    #[error("the statement is not signed; ask the router for it again with `cortensor withdraw`")]
    Signature(#[source] SigningError),
    /// It was changed, or somebody else signed it.
    #[error("the statement says that {claimed} signed it, and it does not carry that signature: it was changed")]
    Changed {
        /// Who is said to have signed it.
        claimed: NodeAddress,
    },
}

impl SignedStatement {
    /// Who signed it, if it is as it was signed. That this is the router's own address is for the caller to compare.
    pub fn check(&self) -> Result<NodeAddress, StatementError> {
        let claimed = self.statement.signer;
        match recover(&self.statement.text(), &self.signature) {
            Ok(signer) if signer == claimed => Ok(signer),
            Ok(_) => Err(StatementError::Changed { claimed }),
            Err(error) => Err(StatementError::Signature(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement() -> Statement {
        Statement {
            what: PRACTICE_CREDITS.to_owned(),
            network: "practice".to_owned(),
            ledger: "l".to_owned(),
            node: NodeAddress::repeat_byte(1),
            payout: NodeAddress::repeat_byte(2),
            amount: Amount::from_base_units(1_500_000_000_000_000_001),
            total: Amount::from_credits(2),
            at: Millis(3),
            transfer: 4,
            nonce: WithdrawalNonce(Uuid::nil()),
            signer: NodeAddress::repeat_byte(5),
        }
    }

    #[test]
    fn every_field_of_a_statement_is_in_the_text_that_is_signed() {
        let base = statement();
        let other = NodeAddress::repeat_byte(9);
        let changed = [
            Statement { what: "money".to_owned(), ..base.clone() },
            Statement { network: "x".to_owned(), ..base.clone() },
            Statement { ledger: "x".to_owned(), ..base.clone() },
            Statement { node: other, ..base.clone() },
            Statement { payout: other, ..base.clone() },
            Statement { amount: Amount::from_base_units(1_500_000_000_000_000_000), ..base.clone() },
            Statement { total: Amount::from_credits(3), ..base.clone() },
            Statement { at: Millis(4), ..base.clone() },
            Statement { transfer: 5, ..base.clone() },
            Statement { nonce: WithdrawalNonce(Uuid::from_u128(1)), ..base.clone() },
            Statement { signer: other, ..base.clone() },
        ];
        assert!(changed.iter().all(|changed| changed.text() != base.text()));
        assert!(base.text().contains("no value") && base.text().contains("amount: 1.500000000000000001"));
    }

    #[test]
    fn every_field_of_a_request_is_in_the_text_that_is_signed() {
        let (node, nonce) = (NodeAddress::repeat_byte(1), WithdrawalNonce(Uuid::nil()));
        let base = WithdrawalRequest { ledger: "l".to_owned(), node, payout: node, amount: None, nonce };
        let other = NodeAddress::repeat_byte(9);
        let changed = [
            WithdrawalRequest { ledger: "x".to_owned(), ..base.clone() },
            WithdrawalRequest { node: other, ..base.clone() },
            WithdrawalRequest { payout: other, ..base.clone() },
            WithdrawalRequest { amount: Some(Amount::ZERO), ..base.clone() },
            WithdrawalRequest { nonce: WithdrawalNonce(Uuid::from_u128(1)), ..base.clone() },
        ];
        assert!(changed.iter().all(|changed| changed.text("practice") != base.text("practice")));
        assert_ne!(base.text("practice"), base.text("other"));
    }

    #[test]
    fn a_statement_answers_only_what_was_asked() {
        let said = statement();
        let Statement { ledger, node, payout, nonce, amount, .. } = said.clone();
        let asked = WithdrawalRequest { ledger, node, payout, amount: None, nonce };
        let exact = WithdrawalRequest { amount: Some(amount), ..asked.clone() };
        assert!(said.answers(&asked) && said.answers(&exact));
        for other in [
            WithdrawalRequest { amount: Some(Amount::from_credits(1)), ..asked.clone() },
            WithdrawalRequest { payout: node, ..asked.clone() },
            WithdrawalRequest { nonce: WithdrawalNonce(Uuid::from_u128(1)), ..asked },
        ] {
            assert!(!said.answers(&other), "{other:?}");
        }
    }

    #[test]
    fn what_is_not_signed_is_refused() {
        let unsigned = SignedStatement { statement: statement(), signature: "0x12".to_owned() };
        assert_eq!(unsigned.check(), Err(StatementError::Signature(SigningError::Malformed)));
    }
}
