//! What router, node, validator and their clients say to each other: wire types, versions, the texts that are signed,
//! and the lives of a user's task and a network task.
//!
//! Router and node are built and updated apart from each other. They meet only here, so that a change to what they say
//! is one diff in one place, and so that the rules of a task can be tested without sockets, clocks or models.
//!
//! **Invariant:** pure. No tokio, no files, no network, no clock: time comes in as [`Millis`], randomness as an argument.

mod amount;
mod audit;
mod code;
mod id;
mod judgement;
mod level;
mod message;
mod network_task;
mod number;
mod precision;
mod prompt;
mod rubric;
mod settlement;
mod signing;
mod task;
mod tier;
mod withdrawal;

pub use amount::{Amount, AmountError};
pub use audit::{AuditClaim, AuditFinding, AuditId, AuditJob, AuditJobs, AuditReport};
pub use code::known_code;
pub use id::{ArtifactDigest, ArtifactDigestError, AttemptId, Millis, ModelId, NodeAddress, TaskId, TokenId};
pub use judgement::{
    JudgementAsked, JudgementClaim, JudgementFinding, JudgementId, JudgementJob, JudgementJobs, JudgementKind,
    JudgementReport,
};
pub use level::{
    Counter, Counters, EventKind, Level, LevelError, LevelFailure, LevelProgress, LevelShare, LevelSighting, LevelStep,
    LevelTest, Percentage, PercentageError, Standing,
};
pub use message::{
    Assignment, CancelReason, Challenge, Commit, DeviceKind, FailureReason, HardwareSummary, Heartbeat, Hello,
    LONGEST_NAME, NodeMessage, Offer, PROTOCOL_VERSION, Precommit, REVERSAL_VERSION, RefusalReason, Rejection,
    RejectionCode, RouterMessage, STANDING_VERSION, SUPPORTED_VERSIONS, StreamedToken, TaskKind, TokenLogprob, Welcome,
};
pub use network_task::{
    NetworkTask, NetworkTaskDeadlines, NetworkTaskEnd, NetworkTaskEvent, NetworkTaskRefused, NetworkTaskState,
    Participant, ParticipantProgress, ParticipantStep,
};
pub use precision::{Mode, Precision, PrecisionClass, UnknownMode, UnknownPrecision};
pub use prompt::{ChatMessage, FinishReason, Prompt, Role, Sampling};
pub use rubric::{Mark, MarkError, RubricRule, RubricScore, RubricVerdict, RubricWeights};
pub use settlement::{Price, PriceList, Settlement, SettlementStatus, UnpaidReason, Usage};
pub use signing::{SigningError, commitment, recover, registration_text};
pub use task::{Deadlines, Outcome, Refused, Task, TaskEvent, TaskState};
pub use tier::{Capability, Evidence, Tier, TierEvidence, TierReport, TierStep};
pub use withdrawal::{
    PRACTICE_CREDITS, SignedRequest, SignedStatement, Statement, StatementError, WithdrawalNonce, WithdrawalRequest,
    WithdrawalTerms,
};
