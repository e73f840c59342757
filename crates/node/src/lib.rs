//! A node: an identity, one connection to a router, the tasks that come over it, and what they earned.
//!
//! [`Node`] keeps the connection alive and answers tasks with whatever [`Serving`] it was last given. [`Identity`] is
//! the key it proves itself with. [`Ledger`] is its own copy of what the router settled. [`withdraw`] has it paid out.
//!
//! **Invariant:** knows no engine, no user interface and no router's inside; a private key never leaves [`Identity`].

mod clock;
mod identity;
mod ledger;
mod session;
mod withdrawal;

pub use clock::wall_time;
pub use identity::{Identity, IdentityError, KeyPlace, PassphraseSource, PlainKey, is_keystore, keychain_runs};
pub use ledger::{
    ActivityFilter, ActivityPage, ActivityQuery, Bucket, EarningsSummary, KeptPrompt, Ledger, LedgerError, MinedTime,
    ModeEarnings, Outcome, Served, SourceEarnings,
};
pub use session::{
    Breakdown, BreakdownKind, Connection, LiveTask, LiveTaskState, Node, NodeConfig, NodeEvent, NodeState, Serving,
    Work,
};
pub use withdrawal::{WithdrawalDone, WithdrawalError, WithdrawalOrder, withdraw};
