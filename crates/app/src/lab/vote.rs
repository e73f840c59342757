//! What a blind vote is. Which side is which stays here until the vote is cast.

use cortensor_fidelity::Told;
use cortensor_protocol::{Millis, Precision};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{comparison::SamplingChoice, side::SideChoice};
use crate::Failure;

/// One prompt for two sides that are not named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct VoteRequest {
    /// What the user says.
    pub prompt: String,
    /// Instructions for the whole answer.
    pub system: Option<String>,
    /// The two who answer, in any order.
    pub sides: [SideChoice; 2],
    /// How the next token is picked.
    pub sampling: SamplingChoice,
}

/// A vote under way. Nothing in it tells which side is which before the vote is cast: the answers appear together when
/// both are whole, in an order that was thrown for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Vote {
    /// The one word.
    pub phase: VotePhase,
    /// What was asked.
    pub prompt: String,
    /// 0 to 1.
    pub progress: f32,
    /// Answer A.
    pub first: Option<String>,
    /// Answer B.
    pub second: Option<String>,
    /// Whether both answers are the same, letter by letter: there is nothing to vote on, and it does not count.
    pub identical: bool,
    /// What the user chose.
    pub choice: Option<VoteChoice>,
    /// Which is which, once the vote is cast.
    pub revealed: Option<Revealed>,
    /// What went wrong and what to do.
    pub failure: Option<Failure>,
}

/// The one word for how a vote is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum VotePhase {
    /// None was asked for.
    #[default]
    Idle,
    /// Both sides answer, unseen.
    Answering,
    /// The answers are there; the vote is awaited.
    Open,
    /// The vote is cast.
    Cast,
    /// Ended by the user.
    Stopped,
    /// Ended; the failure says why.
    Failed,
}

/// A vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum VoteChoice {
    /// A is better.
    First,
    /// B is better.
    Second,
    /// Neither.
    Equal,
}

/// Which is which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Revealed {
    /// Who gave answer A.
    pub first: Precision,
    /// Who gave answer B.
    pub second: Precision,
}

/// A vote that was cast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KeptVote {
    /// When.
    pub at: Millis,
    /// What was asked.
    pub prompt: String,
    /// Who was who.
    pub sides: Revealed,
    /// How the user voted.
    pub choice: VoteChoice,
}

/// Whether the user tells two precisions apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct VoteSummary {
    /// The more exact one.
    pub exact: Precision,
    /// The other one.
    pub other: Precision,
    /// Votes for the more exact one.
    pub for_exact: u32,
    /// Votes for the other one.
    pub for_other: u32,
    /// That they are equal.
    pub equal: u32,
    /// Share of the votes for the more exact one; "equal" is half a vote for each.
    pub share: f64,
    /// Where that share would be after very many votes, in 95 of 100 cases.
    pub interval: [f64; 2],
    /// What it comes to.
    pub told: Told,
    /// Votes before anything is said.
    pub least_votes: u32,
}
