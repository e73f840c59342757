//! What a comparison is: asked for, under way, and kept.

use std::{fmt, str::FromStr};

use cortensor_models::Artifact;
use cortensor_protocol::{ArtifactDigest, FinishReason, Millis, ModelId, Precision, TokenId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use super::arrangement::{Arrangement, MiningMeanwhile};
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

/// Which model file answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum SideChoice {
    /// The most exact file there is.
    MostExact,
    /// The file of this precision.
    Precision {
        /// Exact format.
        precision: Precision,
    },
    /// This file.
    Artifact {
        /// Digest of the file.
        digest: ArtifactDigest,
        /// What it is called here; nothing: by its precision.
        label: Option<String>,
    },
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

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ComparisonSide {
    /// The model.
    pub model: ModelId,
    /// Exact format.
    pub precision: Precision,
    /// Digest of the file.
    pub artifact: ArtifactDigest,
    /// What the user called it.
    pub label: Option<String>,
    /// Size of the file.
    pub file_bytes: u64,
    /// What the process grew by when it was loaded; nothing where the system does not tell.
    pub memory_bytes: Option<u64>,
    /// What it should take at full context.
    pub estimated_memory_bytes: u64,
    /// How far it is.
    pub state: SideState,
    /// From the request to the first token.
    pub first_token_ms: Option<f64>,
    /// Answer tokens a second behind the first one.
    pub decode_tokens_per_second: Option<f64>,
    /// Whether it answered alone. If not, the sides shared the processor, and speeds are lower than each could have.
    pub alone: bool,
    /// What the benchmark measured here, alone.
    pub benchmark_tokens_per_second: Option<f64>,
    /// What the processor took while it answered alone, in joules; nothing where it cannot be measured.
    pub energy_joules: Option<f64>,
    /// Tokens of the prompt.
    pub prompt_tokens: Option<u32>,
    /// Why the answer ended.
    pub finish: Option<FinishReason>,
    /// The answer.
    pub tokens: Vec<ComparedToken>,
    /// The first token, counted from 0, that is not the reference's; for the reference, the first that any other side
    /// does not have. Nothing as long as they are equal.
    pub first_divergence: Option<u32>,
    /// Tokens that are equal up to there.
    pub equal_tokens: u32,
    /// Mean of the divergences of its tokens, in nats; nothing until scored.
    pub mean_divergence: Option<f64>,
    /// Share of its tokens where this side and the reference expect the same one most (for the reference: it and every
    /// other side); nothing until scored.
    pub same_top: Option<f64>,
}

/// How far a side is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SideState {
    /// Not yet begun.
    #[default]
    Waiting,
    /// Being loaded.
    Loading,
    /// Answering.
    Answering,
    /// Its answer is whole.
    Answered,
    /// Its answer is scored.
    Scored,
}

/// A token of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ComparedToken {
    /// Index in the vocabulary.
    pub id: TokenId,
    /// What it adds to the text; may be empty when a character is not complete yet.
    pub text: String,
    /// KL(reference ‖ this side) behind what this side said so far, in nats: how far apart the two expect what comes
    /// here. On the reference's own answer, the largest over the other sides. Nothing until scored.
    pub divergence: Option<f64>,
    /// What each side expected here most, by side, the likeliest first; empty until scored.
    pub top: Vec<Vec<TopToken>>,
}

/// A token that was expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct TopToken {
    /// Index in the vocabulary.
    pub id: TokenId,
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
    /// The reference first.
    pub precisions: Vec<Precision>,
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

/// A text that names no side.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no model file; say `full`, a precision such as q8_0, or a file's SHA-256")]
pub struct UnknownSide(String);

impl FromStr for SideChoice {
    type Err = UnknownSide;

    /// `full`, a precision, or a digest.
    fn from_str(text: &str) -> Result<Self, UnknownSide> {
        if text.eq_ignore_ascii_case("full") {
            return Ok(Self::MostExact);
        }
        let precision = text.parse().map(|precision| Self::Precision { precision });
        let digest = || text.parse().map(|digest| Self::Artifact { digest, label: None });
        precision.or_else(|_| digest()).map_err(|_| UnknownSide(text.to_owned()))
    }
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

impl ComparisonSide {
    /// A side that has not begun.
    pub(crate) fn of(artifact: &Artifact, label: Option<String>) -> Self {
        Self {
            model: artifact.model.clone(),
            precision: artifact.precision,
            artifact: artifact.digest,
            label,
            file_bytes: artifact.bytes,
            memory_bytes: None,
            estimated_memory_bytes: 0,
            state: SideState::Waiting,
            first_token_ms: None,
            decode_tokens_per_second: None,
            alone: false,
            benchmark_tokens_per_second: None,
            energy_joules: None,
            prompt_tokens: None,
            finish: None,
            tokens: Vec::new(),
            first_divergence: None,
            equal_tokens: 0,
            mean_divergence: None,
            same_top: None,
        }
    }

    /// What it is called.
    pub fn title(&self) -> String {
        self.label.clone().unwrap_or_else(|| self.precision.to_string())
    }

    /// The answer as one text.
    pub fn text(&self) -> String {
        self.tokens.iter().map(|token| token.text.as_str()).collect()
    }

    /// Its token ids.
    pub fn ids(&self) -> Vec<TokenId> {
        self.tokens.iter().map(|token| token.id).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_is_named_by_what_it_is_by_its_precision_or_by_its_digest() {
        assert_eq!("Full".parse(), Ok(SideChoice::MostExact));
        assert_eq!("q8_0".parse(), Ok(SideChoice::Precision { precision: Precision::Q8_0 }));
        let digest = "ab".repeat(32);
        let artifact = SideChoice::Artifact { digest: digest.parse().unwrap(), label: None };
        assert_eq!(digest.parse(), Ok(artifact));
        let error = "q9".parse::<SideChoice>().unwrap_err().to_string();
        assert!(error.contains("q8_0"), "{error}");
    }
}
