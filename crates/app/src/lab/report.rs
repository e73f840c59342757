//! What a fidelity report is: asked for, under way, and kept.

use std::path::PathBuf;

use cortensor_fidelity::Statistics;
use cortensor_protocol::{ArtifactDigest, Millis, Mode, ModelId, Precision};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{
    arrangement::{Arrangement, MiningMeanwhile},
    side::SideChoice,
};
use crate::Failure;

/// A text, a reference, and the precisions to hold against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct FidelityRequest {
    /// The text.
    pub text: TextChoice,
    /// What the others are compared with.
    pub reference: SideChoice,
    /// Which; none: all the others.
    pub precisions: Vec<Precision>,
    /// Most windows of 512 tokens to score; nothing: the whole text.
    pub most_windows: Option<u32>,
}

/// Which text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum TextChoice {
    /// The one that comes with the program, which is in the public domain.
    Bundled,
    /// The user's.
    File {
        /// A text file.
        path: PathBuf,
    },
}

/// A report under way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct FidelityRun {
    /// The one word.
    pub phase: FidelityPhase,
    /// What was asked.
    pub request: Option<FidelityRequest>,
    /// Whether the models are in memory together, and why.
    pub arrangement: Option<Arrangement>,
    /// What the miner does meanwhile.
    pub mining: MiningMeanwhile,
    /// 0 to 1.
    pub progress: f32,
    /// What is being loaded or scored.
    pub precision: Option<Precision>,
    /// Windows scored on all precisions.
    pub windows_done: u32,
    /// Windows in all.
    pub windows: u32,
    /// Of these, known from an earlier run that was stopped.
    pub windows_resumed: u32,
    /// Tokens scored a second, over all models.
    pub tokens_per_second: Option<f64>,
    /// Seconds until the end, by what was scored so far.
    pub seconds_left: Option<f64>,
    /// The same by model, the reference first.
    pub scoring: Vec<ScoringSpeed>,
    /// What is known so far.
    pub report: Option<FidelityReport>,
    /// What went wrong and what to do.
    pub failure: Option<Failure>,
}

/// How fast a model scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ScoringSpeed {
    /// Exact format.
    pub precision: Precision,
    /// Tokens a second.
    pub tokens_per_second: f64,
}

/// The one word for how a report is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum FidelityPhase {
    /// None was asked for.
    #[default]
    Idle,
    /// Looks at files and memory; waits for the miner to finish what runs if its memory is needed.
    Waiting,
    /// A model is being loaded.
    Loading,
    /// Windows are scored.
    Scoring,
    /// Over, and kept.
    Done,
    /// Ended by the user; asked for again, it goes on.
    Stopped,
    /// Ended; the failure says why.
    Failed,
}

/// How far precisions are from the reference over a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct FidelityReport {
    /// When the latest window was scored.
    pub at: Millis,
    /// Over what.
    pub text: TextFacts,
    /// The engine and its version: figures hold for one version.
    pub engine: String,
    /// The model.
    pub model: ModelId,
    /// What the others are compared with.
    pub reference: ReportedFile,
    /// The most exact first; the reference is not among them.
    pub precisions: Vec<FidelityRow>,
}

/// A text, as it was scored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct TextFacts {
    /// What it is called.
    pub name: String,
    /// SHA-256 of the text, in hexadecimal digits.
    pub digest: String,
    /// Tokens of the whole text.
    pub tokens: u64,
    /// Windows that are scored; what is left over at the end is not.
    pub windows: u32,
    /// Tokens of a window.
    pub window_tokens: u32,
    /// Whether the text is longer than what is scored of it.
    pub cut: bool,
}

/// A model file in a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ReportedFile {
    /// Exact format.
    pub precision: Precision,
    /// Digest of the file.
    pub artifact: ArtifactDigest,
    /// Size of the file.
    pub file_bytes: u64,
    /// What the benchmark measured here; nothing if it did not.
    pub decode_tokens_per_second: Option<f64>,
    /// For which modes the planner chooses it.
    pub chosen_for: Vec<Mode>,
}

/// One precision against the reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct FidelityRow {
    /// The file.
    pub file: ReportedFile,
    /// Windows scored.
    pub windows: u32,
    /// Whether these are all of the text.
    pub whole: bool,
    /// The figures.
    pub statistics: Statistics,
    /// The loss, for people.
    pub words: String,
}

/// What a precision loses against the reference, as the newest report measured it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct MeasuredLoss {
    /// What it was compared with.
    pub reference: Precision,
    /// Share of the words where both expect the same one most.
    pub same_top: f64,
    /// Mean divergence, in nats.
    pub divergence: f64,
    /// Words that were scored.
    pub tokens: u64,
    /// The same, for people.
    pub words: String,
}

/// The reports that were kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct FidelityReports {
    /// Newest first.
    pub reports: Vec<FidelityReport>,
    /// Files that cannot be read and were left out.
    pub damaged: Vec<PathBuf>,
}

impl FidelityPhase {
    /// The word, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Idle => "nothing to do",
            Self::Waiting => "looking at files and memory",
            Self::Loading => "loading",
            Self::Scoring => "scoring",
            Self::Done => "done",
            Self::Stopped => "stopped; the next run goes on from here",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing more will happen.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Idle | Self::Done | Self::Stopped | Self::Failed)
    }
}
