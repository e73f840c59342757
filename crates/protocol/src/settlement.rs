//! What work pays: prices, usage, and the settlements that a node's ledger is a copy of.

mod unpaid;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use self::unpaid::UnpaidReason;
use crate::{Amount, Millis, Mode, ModelId, Precision, PrecisionClass, TaskId, TaskKind};

/// Tokens in and out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of the answer.
    pub completion_tokens: u32,
}

/// What became of a task's pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum SettlementStatus {
    /// Booked for the node.
    Paid {
        /// How much.
        amount: Amount,
    },
    /// Not paid.
    Void {
        /// Why, for people.
        reason: String,
        /// The same for programs; nothing where the router is older, or its code is newer than the node.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::known_code")]
        #[ts(optional)]
        why: Option<UnpaidReason>,
    },
    /// An earlier pay was taken back: the claim that it was paid for was found not to hold.
    Reversed {
        /// How much.
        amount: Amount,
        /// Number of the settlement that it was booked with.
        reverses: u64,
        /// Why, for people.
        reason: String,
        /// The same for programs; nothing where the router is older, or its code is newer than the node.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::known_code")]
        #[ts(optional)]
        why: Option<UnpaidReason>,
    },
}

/// One line of the router's ledger that concerns the node. The node's own ledger is a copy of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Settlement {
    /// Counts up by one for each node; the key that makes receiving it twice harmless.
    pub sequence: u64,
    /// Which task.
    pub task: TaskId,
    /// Where the task came from.
    pub kind: TaskKind,
    /// Model.
    pub model: ModelId,
    /// Exact format it was served in.
    pub precision: Precision,
    /// What the miner had chosen.
    pub mode: Mode,
    /// Tokens in and out.
    pub usage: Usage,
    /// Milliseconds from taking the task to the first token.
    pub first_token_ms: u32,
    /// Milliseconds from taking the task to the last token.
    pub total_ms: u32,
    /// What it paid, or why not.
    #[serde(flatten)]
    pub status: SettlementStatus,
    /// When.
    pub settled_at: Millis,
}

impl Settlement {
    /// Answer tokens a second behind the first one; `None` for an answer too short to tell.
    pub fn tokens_per_second(&self) -> Option<f64> {
        let milliseconds = self.total_ms.saturating_sub(self.first_token_ms);
        let tokens = self.usage.completion_tokens.saturating_sub(1);
        (milliseconds > 0 && tokens > 0).then(|| f64::from(tokens) * 1e3 / f64::from(milliseconds))
    }
}

/// What a network pays by the precision that served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PriceList {
    /// For full-precision answers.
    pub full: Price,
    /// For quantized answers.
    pub quantized: Price,
}

impl PriceList {
    /// What a class of precision is paid.
    pub const fn of(&self, class: PrecisionClass) -> Price {
        match class {
            PrecisionClass::Full => self.full,
            PrecisionClass::Quantized => self.quantized,
        }
    }
}

/// Credits for a thousand tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Price {
    /// Of the prompt.
    pub prompt: Amount,
    /// Of the answer.
    pub completion: Amount,
}

impl Price {
    /// What so many tokens cost, rounded down to base units for each part.
    pub fn of_usage(self, usage: Usage) -> Amount {
        let prompt = self.prompt.per_thousand(usage.prompt_tokens.into());
        let completion = self.completion.per_thousand(usage.completion_tokens.into());
        [prompt, completion].into_iter().sum()
    }
}
