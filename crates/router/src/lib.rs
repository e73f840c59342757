//! The network side: takes nodes in, tests them, gives them tasks, and keeps the ledger.
//!
//! A library, so that the desktop app and the command line can run a practice network of their own and an operator can
//! run a public one: a host calls [`Router::start`]. Inside, `http` and `socket` extract, call a rule and answer;
//! `rules` decide; `store` keeps. What a host may want to choose is [`Policy`].
//!
//! **Invariant:** sees no node's key and keeps no prompt and no answer. Money moves only in a transaction that also
//! says what for, and never twice.

mod clock;
mod context;
#[cfg(test)]
mod fuzz;
mod http;
mod metrics;
mod policy;
mod router;
mod rules;
mod server;
mod socket;
mod statement_key;
mod store;

pub use policy::{
    AuditPolicy, BreakerPolicy, Demotion, JudgementPolicy, LevelPolicy, LevelRequirement, LimitPolicy,
    MeasuredCalibration, Policy, PolicyError, Price, Rate, RoundsPolicy,
};
pub use router::{Router, RouterConfig, RouterError};
pub use rules::question::{Kind as QuestionKind, QUESTION_TOKENS, Question, questions};
pub use statement_key::StatementKeyError;
pub use store::{AccountTotal, LedgerFault, LedgerSummary, StoreError, verify_ledger};
