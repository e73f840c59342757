//! What a comparison is: asked for, under way, and kept.

use std::fmt;

use cortensor_protocol::{Millis, TokenId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use super::{
    arrangement::{Arrangement, MiningMeanwhile},
    side::{ComparisonSide, SideChoice},
};
use crate::Failure;

/// One comparison. Version 7, so that the order of ids is the order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(transparent)]
pub struct ComparisonId(pub Uuid);

/// One prompt for two or more sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ComparisonRequest {
    /// What the user says.
    pub prompt: String,
    /// Instructions for the whole answer.
    pub system: Option<String>,
    /// Who answers, two to four of them. The first is the reference that the others are compared with.
    pub sides: Vec<SideChoice>,
    /// How the next token is picked.
    pub sampling: SamplingChoice,
    /// Whether the sides answer one after the other even where all fit into memory: then speed and energy are each one's
    /// own, and the answers do not stream side by side.
    pub in_turn: bool,
    /// What it is called in the history; nothing: by its prompt.
    pub name: Option<String>,
}

/// How the next token is picked. A temperature of 0 is greedy: always the likeliest one, reproducible.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct SamplingChoice {
    /// 0 to 2.
    pub temperature: f32,
    /// Keep the smallest set of tokens whose probabilities add up to this: above 0, at most 1.
    pub top_p: Option<f32>,
    /// Most tokens of an answer: 1 to 1024.
    pub max_tokens: u32,
}

/// A comparison, under way or over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Comparison {
    /// Which; nothing before the first one.
    pub id: Option<ComparisonId>,
    /// The one word.
    pub phase: ComparisonPhase,
    /// What was asked.
    pub request: Option<ComparisonRequest>,
    /// What it is called.
    pub name: String,
    /// When it began.
    pub started_at: Option<Millis>,
    /// Whether the models are in memory together, and why.
    pub arrangement: Option<Arrangement>,
    /// What the miner does meanwhile.
    pub mining: MiningMeanwhile,
    /// 0 to 1.
    pub progress: f32,
    /// The reference first.
    pub sides: Vec<ComparisonSide>,
    /// The first token, counted from 0, where an answer is not the reference's; nothing as long as they are equal.
    pub first_divergence: Option<u32>,
    /// What went wrong and what to do.
    pub failure: Option<Failure>,
}

/// The one word for how a comparison is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ComparisonPhase {
    /// None was asked for.
    #[default]
    Idle,
    /// Looks at files and memory; waits for the miner to finish what runs if its memory is needed.
    Waiting,
    /// A model is being loaded.
    Loading,
    /// Answers come.
    Answering,
    /// Every answer is scored on every side.
    Scoring,
    /// Over, and kept.
    Done,
    /// Ended by the user; what there was is kept.
    Stopped,
    /// Ended; the failure says why.
    Failed,
}

/// A token of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ComparedToken {
    /// Index in the vocabulary; of the network's text, as a tokenizer of this machine cuts it.
    pub id: TokenId,
    /// What it adds to the text; may be empty when a character is not complete yet.
    pub text: String,
    /// KL(reference ‖ this side) behind what this side said so far, in nats: how far apart the two expect what comes
    /// here. On the reference's own answer, the largest over the other sides. Nothing until scored.
    pub divergence: Option<f64>,
    /// What each side expected here most, by side, the likeliest first; empty until scored, and for sides of other tokens.
    pub top: Vec<Vec<TopToken>>,
}

/// A token that was expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct TopToken {
    /// Index in the vocabulary; nothing where the network did not tell it.
    pub id: Option<TokenId>,
    /// The token, for people.
    pub text: String,
    /// 0 to 1.
    pub probability: f64,
}

/// A comparison in the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ComparisonEntry {
    /// Which.
    pub id: ComparisonId,
    /// What it is called.
    pub name: String,
    /// What was asked.
    pub prompt: String,
    /// When it began.
    pub started_at: Millis,
    /// What its sides are called, the reference first.
    #[serde(alias = "precisions")]
    pub sides: Vec<String>,
    /// How it ended.
    pub phase: ComparisonPhase,
    /// The first token where an answer is not the reference's.
    pub first_divergence: Option<u32>,
}

/// What was kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct ComparisonHistory {
    /// Newest first.
    pub entries: Vec<ComparisonEntry>,
    /// Files that cannot be read and were left out.
    pub damaged: Vec<std::path::PathBuf>,
    /// As many are kept; of more, the oldest goes.
    pub most: u32,
}

/// How a comparison is written down for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// For people.
    Markdown,
    /// For a spreadsheet: a line for each token.
    Csv,
}

impl ComparisonId {
    /// A new one.
    pub(crate) fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for ComparisonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ComparisonPhase {
    /// The word, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Idle => "nothing to do",
            Self::Waiting => "looking at files and memory",
            Self::Loading => "loading",
            Self::Answering => "answering",
            Self::Scoring => "scoring",
            Self::Done => "done",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing more will happen.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Idle | Self::Done | Self::Stopped | Self::Failed)
    }
}

impl ExportFormat {
    /// What a file is called that the user has not named.
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Markdown => "cortensor-comparison.md",
            Self::Csv => "cortensor-comparison.csv",
        }
    }
}
