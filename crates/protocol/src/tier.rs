//! Tiers: {low-end, high-end} x {full precision, quantized}, with the evidence.

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

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

/// One thing the network observed, and what it asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Evidence {
    /// What was looked at, such as `prefill rate`.
    pub what: String,
    /// What was seen, with its unit.
    pub seen: String,
    /// What the next tier asks for, with its unit.
    pub asked: String,
    /// Whether that was met.
    pub met: bool,
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
}
