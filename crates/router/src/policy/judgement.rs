//! How validators compare and judge answers that no rule can check, and what follows from it.

use std::time::Duration;

use cortensor_protocol::Percentage;
use serde::{Deserialize, Serialize};

/// How validators compare and judge answers that no rule can check, and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JudgementPolicy {
    /// Answers of rounds with fewer tokens to say something in are not judged: cut off, no answer is useful.
    pub least_tokens: u32,
    /// Things that may wait for a validator or be with one; the oldest answers are dropped. They are kept in memory only.
    pub queue: usize,
    /// Things that a validator is given at a time.
    pub hand_out: usize,
    /// How long a validator may take, and how long a round waits until its answers are compared, in seconds.
    pub within_seconds: u64,
    /// How long an answer waits until enough validators have judged it, in seconds.
    pub keep_seconds: u64,
    /// How long a validator that asks waits for something to judge, in seconds.
    pub wait_seconds: u64,
    /// Rounds are sampled, and answers kept to be judged, only while a validator has asked within so many seconds.
    pub validator_seconds: u64,
    /// Answers that a node's average is made of: the latest so many.
    pub looks_back: u32,
    /// Whether an answer below `least_percent` is a wrong answer to levels. No: the starter model's marks tell good
    /// answers from bad ones not at all (docs/audits.md). With stronger validators, and `rubric.validators` at 3, it can be.
    pub moves_levels: bool,
    /// Below this share of the highest marks an answer is useless.
    pub least_percent: Percentage,
}

/// Evaluated by the compiler, which refuses what is no percentage.
const LEAST: Percentage = match Percentage::new(20) {
    Ok(least) => least,
    Err(_) => panic!("no percentage"),
};

impl Default for JudgementPolicy {
    fn default() -> Self {
        Self {
            least_tokens: 64,
            queue: 64,
            hand_out: 4,
            within_seconds: 120,
            keep_seconds: 900,
            wait_seconds: 25,
            validator_seconds: 60,
            looks_back: 20,
            moves_levels: false,
            least_percent: LEAST,
        }
    }
}

impl JudgementPolicy {
    pub(crate) const fn within(&self) -> Duration {
        Duration::from_secs(self.within_seconds)
    }

    pub(crate) const fn keep(&self) -> Duration {
        Duration::from_secs(self.keep_seconds)
    }

    pub(crate) const fn wait(&self) -> Duration {
        Duration::from_secs(self.wait_seconds)
    }

    /// Long enough to span the time that a validator judges and does not ask.
    pub(crate) const fn validator(&self) -> Duration {
        Duration::from_secs(self.validator_seconds.saturating_add(self.within_seconds))
    }
}
