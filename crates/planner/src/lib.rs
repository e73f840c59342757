//! Which model and precision to serve, where on the machine and with what load, from hardware, files and measurements, with
//! the reasons in words.
//!
//! Small is not fast: some formats of fewer bits run slower here than larger ones. So volume is chosen by what was
//! measured, never by bits; what was not measured is estimated by the speed of memory, where that is known, and said to be.
//!
//! **Invariant:** pure. No tokio, no files, no network, no clock; the same input gives the same plan.

mod advice;
mod candidate;
mod choice;
mod device;
mod estimate;
mod fit;
mod limit;
mod memory;
mod reason;
mod speed;
mod verdict;

use cortensor_hardware::{Backend, Build, Hardware};
use cortensor_models::{Artifact, Geometry};
use cortensor_protocol::{ArtifactDigest, ModelId, Precision, PriceList, known_code};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use self::{
    candidate::{Candidates, ever_less},
    memory::estimate_on,
};

pub use advice::{Advice, IdleCard};
pub use candidate::{Alternative, Fit};
pub use choice::Choice;
pub use device::{DeviceMemory, Placement};
pub use estimate::SpeedEstimate;
pub use fit::{Badge, Listed, fit};
pub use limit::MemoryLimit;
pub use memory::{MemoryEstimate, estimate_memory, in_megabytes};
pub use reason::{CardName, ChoiceReason, Most};
pub use speed::{Measurement, RequestShape, TYPICAL_REQUEST, requests_per_hour, rescaled};
pub use verdict::Verdict;

/// A model file that could be served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Variant {
    /// Model.
    pub model: ModelId,
    /// Exact format.
    pub precision: Precision,
    /// Digest of the file.
    pub artifact: ArtifactDigest,
    /// Size of the file.
    pub bytes: u64,
    /// The model's shape.
    pub geometry: Geometry,
}

/// What the user asked for, what this build can do, what ran out of memory, and what the network pays. Everything has a
/// default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanSettings {
    /// Most memory the model may take, in bytes, on all devices together. It is a cap: a tenth of it is left over.
    pub memory_budget_bytes: Option<u64>,
    /// Most tokens of prompt and answer together.
    pub context_tokens: Option<u32>,
    /// Requests worked on at a time.
    pub slots: Option<u32>,
    /// The request that requests per hour are counted in.
    pub shape: RequestShape,
    /// What the engine computes on, beside the processor.
    pub build: Build,
    /// Whether the engine lays one model over several devices.
    pub spread: bool,
    /// What the network pays, if it said so: volume is then what earns most.
    pub prices: Option<PriceList>,
    /// What ran out of memory with these settings.
    pub limits: Vec<MemoryLimit>,
}

impl Default for PlanSettings {
    fn default() -> Self {
        Self {
            memory_budget_bytes: None,
            context_tokens: None,
            slots: None,
            shape: TYPICAL_REQUEST,
            build: Build::default(),
            spread: true,
            prices: None,
            limits: Vec::new(),
        }
    }
}

/// What to load with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Load {
    /// Most tokens of prompt and answer together.
    pub context_tokens: u32,
    /// Requests worked on at a time.
    pub slots: u32,
}

/// Both sides of the switch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Plan {
    /// For high-accuracy work.
    pub precision: Choice,
    /// For most requests.
    pub volume: Choice,
    /// Everything there is, the worthiest for precision first, then what does not fit.
    pub alternatives: Vec<Alternative>,
    /// What another build would make of this machine.
    pub advice: Vec<String>,
    /// The same for programs, in the same order; nothing where the miner is older, or one of its codes is newer.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "known_code")]
    #[ts(optional)]
    pub other_builds: Option<Vec<Advice>>,
    /// What ran out of memory, and is planned with less since.
    #[serde(default)]
    pub limits: Vec<MemoryLimit>,
}

/// A variant that was not chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct RunnerUp {
    /// Which model.
    pub model: ModelId,
    /// In which format.
    pub precision: Precision,
    /// Its file.
    pub artifact: ArtifactDigest,
    /// In words.
    pub why_not: String,
    /// The same for programs; nothing where the miner is older, or its code is newer.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "known_code")]
    #[ts(optional)]
    pub why: Option<Verdict>,
}

impl RunnerUp {
    fn new(variant: &Variant, why: Verdict) -> Self {
        Self {
            model: variant.model.clone(),
            precision: variant.precision,
            artifact: variant.artifact,
            why_not: why.to_string(),
            why: Some(why),
        }
    }
}

/// Other limits, to see what would be. Nothing: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WhatIf {
    /// Most memory the model may take, in bytes.
    pub memory_budget_bytes: Option<u64>,
    /// Most tokens of prompt and answer together.
    pub context_tokens: Option<u32>,
    /// Requests worked on at a time.
    pub slots: Option<u32>,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Nothing to choose from.
    #[error("there is no model file to choose from; run `./dev run` to get the starter model")]
    NoVariants,
    /// Too little memory for any.
    #[error("no model fits: the smallest, {precision}, needs {} and {} may be used; close other programs or raise memory_budget_bytes in settings.toml", in_megabytes(*needed_bytes), in_megabytes(*free_bytes))]
    NothingFits {
        /// The smallest.
        precision: Precision,
        /// What it needs.
        needed_bytes: u64,
        /// What there is.
        free_bytes: u64,
    },
    /// Whatever fits ran out of memory at work, even with the least.
    #[error(
        "no model is left to try: even {precision} ran out of memory with the least context; close other programs or get a smaller model on the Models screen, then choose Resume or start the miner again"
    )]
    RanOutOfMemory {
        /// The smallest of them.
        precision: Precision,
    },
}

impl From<&Artifact> for Variant {
    fn from(artifact: &Artifact) -> Self {
        Self {
            model: artifact.model.clone(),
            precision: artifact.precision,
            artifact: artifact.digest,
            bytes: artifact.bytes,
            geometry: artifact.geometry,
        }
    }
}

/// Decides for both modes. The order of `variants` does not matter.
pub fn plan(
    hardware: &Hardware,
    variants: &[Variant],
    measurements: &[Measurement],
    settings: &PlanSettings,
) -> Result<Plan, PlanError> {
    let candidates = Candidates::of(hardware, variants, measurements, settings);
    if candidates.fitting.is_empty() {
        return Err(nothing_fits(&candidates));
    }
    let other_builds = advice::advice(hardware, variants, settings);
    Ok(Plan {
        precision: choice::most_exact(hardware, &candidates),
        volume: choice::most_requests(hardware, &candidates),
        alternatives: candidates.alternatives(),
        advice: other_builds.iter().map(Advice::to_string).collect(),
        other_builds: Some(other_builds),
        limits: settings.limits.clone(),
    })
}

fn nothing_fits(candidates: &Candidates) -> PlanError {
    let ran_out = candidates.too_large.iter().filter(|misfit| misfit.ran_out.is_some());
    if let Some(smallest) = ran_out.min_by_key(|misfit| misfit.needed_bytes()) {
        return PlanError::RanOutOfMemory { precision: smallest.variant.precision };
    }
    let smallest = candidates.too_large.iter().map(|misfit| (misfit.needed_bytes(), misfit.variant.precision)).min();
    smallest.map_or(PlanError::NoVariants, |(needed_bytes, precision)| PlanError::NothingFits {
        precision,
        needed_bytes,
        free_bytes: candidates.usable_bytes,
    })
}

/// A variant that fits and was not measured yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Unmeasured {
    /// Which.
    pub variant: Variant,
    /// With what it would be loaded.
    pub load: Load,
    /// Where it would compute.
    pub placement: Placement,
}

/// The variants that fit and have no measurement yet, the worthiest for precision first.
pub fn unmeasured(
    hardware: &Hardware,
    variants: &[Variant],
    measurements: &[Measurement],
    settings: &PlanSettings,
) -> Vec<Unmeasured> {
    let fitting = Candidates::of(hardware, variants, measurements, settings).fitting;
    let missing = fitting.into_iter().filter(|candidate| candidate.per_hour.is_none());
    let missing = missing.map(|one| Unmeasured { variant: one.variant, load: one.load, placement: one.placement });
    missing.collect()
}

/// What would be decided within other limits.
pub fn what_if(
    hardware: &Hardware,
    variants: &[Variant],
    measurements: &[Measurement],
    settings: &PlanSettings,
    limits: WhatIf,
) -> Result<Plan, PlanError> {
    let WhatIf { memory_budget_bytes, context_tokens, slots } = limits;
    let mut other = PlanSettings { memory_budget_bytes, context_tokens, slots, ..settings.clone() };
    if other != *settings {
        // What ran out of memory did so within the settings of then.
        other.limits.clear();
    }
    plan(hardware, variants, measurements, &other)
}

/// What `wished` becomes where its device, the processor or a card of `backend`, has no more than `usable_bytes` for it now,
/// and what that takes; `None`: not even the least context fits.
pub fn shrunk(
    variant: &Variant,
    wished: Load,
    backend: Option<Backend>,
    usable_bytes: u64,
) -> Option<(Load, MemoryEstimate)> {
    let mut all = ever_less(wished).map(|load| (load, estimate_on(variant, load, backend)));
    all.find(|(_, memory)| memory.total() <= usable_bytes)
}

#[cfg(test)]
mod tests;
