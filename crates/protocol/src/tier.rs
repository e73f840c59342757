//! Tiers: {low-end, high-end} x {full precision, quantized}, with the evidence.

mod evidence;
mod step;

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use self::{
    evidence::{Evidence, TierEvidence},
    step::TierStep,
};
use crate::{Millis, PrecisionClass};

/// What the network measured the hardware to be capable of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Basic, cost-effective, non-urgent work.
    LowEnd,
    /// High volume, or high accuracy.
    HighEnd,
}

/// What the network sells a node's work as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
pub struct Tier {
    /// By measured throughput.
    pub capability: Capability,
    /// By the artifact that is served.
    pub precision: PrecisionClass,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let capability = match self.capability {
            Capability::LowEnd => "low-end",
            Capability::HighEnd => "high-end",
        };
        write!(f, "{capability}, {}", self.precision)
    }
}

/// A node's tier and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct TierReport {
    /// `None`: the node did not pass its tests and gets no user tasks.
    pub tier: Option<Tier>,
    /// What was observed.
    pub evidence: Vec<Evidence>,
    /// When.
    pub tested_at: Millis,
    /// The smallest change that would raise the tier, in words.
    pub next_step: String,
    /// The same for programs; nothing where the router is older, or its code is newer than the node.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::known_code")]
    #[ts(optional)]
    pub step: Option<TierStep>,
}

impl TierReport {
    /// With the next step in words and for programs.
    pub fn new(tier: Option<Tier>, evidence: Vec<Evidence>, tested_at: Millis, step: TierStep) -> Self {
        Self { tier, evidence, tested_at, next_step: step.to_string(), step: Some(step) }
    }
}
