//! Which precision to serve, from hardware, files and measurements, with the reasons in words.
//!
//! Small is not fast: some formats of fewer bits run slower here than larger ones. So volume is chosen by what was
//! measured, never by bits; what was not measured is not guessed.
//!
//! **Invariant:** pure. No tokio, no files, no network, no clock; the same input gives the same plan.

mod memory;
mod speed;

use cortensor_hardware::Hardware;
use cortensor_models::{Artifact, Geometry};
use cortensor_protocol::{ArtifactDigest, Mode, ModelId, Precision, PrecisionClass};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use memory::{MemoryEstimate, estimate_memory, in_megabytes};
pub use speed::{Measurement, RequestShape, TYPICAL_REQUEST, requests_per_hour, rescaled};

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

/// What the user asked for. Everything has a default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanSettings {
    /// Most memory the model may take, in bytes.
    pub memory_budget_bytes: Option<u64>,
    /// Most tokens of prompt and answer together.
    pub context_tokens: Option<u32>,
    /// Requests worked on at a time.
    pub slots: Option<u32>,
    /// The request that requests per hour are counted in.
    pub shape: RequestShape,
}

impl Default for PlanSettings {
    fn default() -> Self {
        Self { memory_budget_bytes: None, context_tokens: None, slots: None, shape: TYPICAL_REQUEST }
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
}

/// What to serve in one mode, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Choice {
    /// The mode.
    pub mode: Mode,
    /// What to serve.
    pub variant: Variant,
    /// What to load it with.
    pub load: Load,
    /// What it should take.
    pub memory: MemoryEstimate,
    /// By measurement; `None` before there is one.
    pub predicted_requests_per_hour: Option<f64>,
    /// In words, with numbers.
    pub reasons: Vec<String>,
    /// What else there was.
    pub runners_up: Vec<RunnerUp>,
}

/// A variant that was not chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RunnerUp {
    /// Which.
    pub precision: Precision,
    /// In words.
    pub why_not: String,
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
}

const DEFAULT_CONTEXT: u32 = 4096;
const LEAST_CONTEXT: u32 = 512;
/// Measurements of one machine differ by as much from run to run; who is this close to the most is as fast.
const NEAR_TIE: f64 = 0.95;
/// Share of the processor that others may take before it is said: the engine's threads wait for each other.
const BUSY: f32 = 0.15;
/// The engine answers one request after the other: others wait in the router, where another node may take them.
const DEFAULT_SLOTS: u32 = 1;

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
    let candidates = candidates(hardware, variants, measurements, settings)?;
    Ok(Plan { precision: most_exact(&candidates), volume: most_requests(&candidates) })
}

/// The variants that fit and have no measurement yet, the most exact first, with what they would be loaded with.
pub fn unmeasured(
    hardware: &Hardware,
    variants: &[Variant],
    measurements: &[Measurement],
    settings: &PlanSettings,
) -> Vec<(Variant, Load)> {
    let candidates = candidates(hardware, variants, measurements, settings).map(|found| found.fitting);
    let missing = candidates.unwrap_or_default().into_iter().filter(|candidate| candidate.per_hour.is_none());
    missing.map(|candidate| (candidate.variant, candidate.load)).collect()
}

/// What a variant is loaded with where memory is no concern.
fn wished_load(variant: &Variant, settings: &PlanSettings) -> Load {
    let wished = settings.context_tokens.unwrap_or(DEFAULT_CONTEXT);
    Load { context_tokens: wished.min(variant.geometry.context_tokens), slots: settings.slots.unwrap_or(DEFAULT_SLOTS) }
}

#[derive(Clone)]
struct Candidate {
    variant: Variant,
    load: Load,
    wished_context: u32,
    memory: MemoryEstimate,
    per_hour: Option<f64>,
}

struct Candidates {
    fitting: Vec<Candidate>,
    too_large: Vec<RunnerUp>,
    usable_bytes: u64,
    shape: RequestShape,
    taken_by_others: f32,
}

fn candidates(
    hardware: &Hardware,
    variants: &[Variant],
    measurements: &[Measurement],
    settings: &PlanSettings,
) -> Result<Candidates, PlanError> {
    let free = hardware.memory.free_bytes;
    let usable_bytes = settings.memory_budget_bytes.map_or(free, |budget| budget.min(free));
    let mut sorted: Vec<&Variant> = variants.iter().collect();
    sorted.sort_by_key(|variant| (variant.precision, variant.bytes, variant.artifact));
    let (mut fitting, mut too_large) = (Vec::new(), Vec::new());
    for variant in &sorted {
        match fit(variant, usable_bytes, measurements, settings) {
            Ok(candidate) => fitting.push(candidate),
            Err(needed) => too_large.push(RunnerUp {
                precision: variant.precision,
                why_not: format!("needs {}, {} may be used", in_megabytes(needed), in_megabytes(usable_bytes)),
            }),
        }
    }
    if fitting.is_empty() {
        return Err(nothing_fits(&sorted, usable_bytes, settings));
    }
    let taken = measurements.iter().filter_map(|one| one.taken_by_others);
    let taken_by_others = taken.fold(0.0, f32::max);
    Ok(Candidates { fitting, too_large, usable_bytes, shape: settings.shape, taken_by_others })
}

fn nothing_fits(variants: &[&Variant], free_bytes: u64, settings: &PlanSettings) -> PlanError {
    let smallest = variants.iter().map(|variant| (least(variant, settings).total(), variant.precision)).min();
    smallest.map_or(PlanError::NoVariants, |(needed_bytes, precision)| PlanError::NothingFits {
        precision,
        needed_bytes,
        free_bytes,
    })
}

fn least(variant: &Variant, settings: &PlanSettings) -> MemoryEstimate {
    let load = wished_load(variant, settings);
    estimate_memory(variant, Load { context_tokens: load.context_tokens.min(LEAST_CONTEXT), ..load })
}

/// Halves the context until the variant fits; or says what it needs with the least.
fn fit(
    variant: &Variant,
    usable_bytes: u64,
    measurements: &[Measurement],
    settings: &PlanSettings,
) -> Result<Candidate, u64> {
    let mut load = wished_load(variant, settings);
    let wished_context = load.context_tokens;
    loop {
        let memory = estimate_memory(variant, load);
        if memory.total() <= usable_bytes {
            let measured = measurements.iter().find(|one| one.artifact == variant.artifact);
            let per_hour = measured.and_then(|one| requests_per_hour(one, settings.shape));
            return Ok(Candidate { variant: variant.clone(), load, wished_context, memory, per_hour });
        }
        if load.context_tokens <= LEAST_CONTEXT {
            return Err(memory.total());
        }
        load.context_tokens = (load.context_tokens / 2).max(LEAST_CONTEXT);
    }
}

/// Candidates are sorted by exactness, and not empty.
fn most_exact(candidates: &Candidates) -> Choice {
    let chosen = 0;
    let mut reasons = Vec::new();
    match candidates.fitting.first().map(|best| best.variant.precision.class()) {
        Some(PrecisionClass::Full) => reasons.push("The most exact weights that fit into free memory.".to_owned()),
        _ => reasons.push("No full-precision file fits here; this is the most exact one that does.".to_owned()),
    }
    choice(Mode::Precision, candidates, chosen, reasons, |_| "less exact".to_owned())
}

fn most_requests(candidates: &Candidates) -> Choice {
    let rated = || candidates.fitting.iter().enumerate().filter_map(|(index, one)| Some((index, one.per_hour?)));
    let most = rated().map(|(_, rate)| rate).max_by(f64::total_cmp);
    let near = || rated().filter(|(_, rate)| most.is_some_and(|most| *rate >= most * NEAR_TIE));
    // Who chooses volume is given the requests for quantized answers, and full precision gets none of them: a tie goes to
    // the most exact of the quantized.
    let quantized = |index: usize| candidates.fitting[index].variant.precision.class() == PrecisionClass::Quantized;
    let chosen = near().find(|(index, _)| quantized(*index)).or_else(|| near().next());
    let (Some(most), Some((chosen, rate))) = (most, chosen) else {
        let reasons =
            vec!["Nothing was measured yet; measure it on the Node screen or with `cortensor bench`.".to_owned()];
        return choice(Mode::Volume, candidates, 0, reasons, |_| "not measured yet".to_owned());
    };
    let RequestShape { prompt_tokens, completion_tokens } = candidates.shape;
    let what = if rate < most {
        "within a twentieth of the one that serves most, and the most exact of the quantized"
    } else {
        "the one that serves most"
    };
    let mut reasons = vec![format!(
        "Measured here as {what}: {rate:.0} requests an hour of {prompt_tokens} prompt and {completion_tokens} answer tokens."
    )];
    if candidates.taken_by_others > BUSY {
        let percent = candidates.taken_by_others * 100.0;
        reasons.push(format!(
            "Other programs took up to {percent:.0} % of the processor meanwhile; measure again when it is quiet."
        ));
    }
    choice(Mode::Volume, candidates, chosen, reasons, |other| match other.per_hour {
        Some(other) => format!("measured at {other:.0} requests an hour"),
        None => "not measured yet".to_owned(),
    })
}

fn choice(
    mode: Mode,
    candidates: &Candidates,
    chosen: usize,
    mut reasons: Vec<String>,
    why_not: impl Fn(&Candidate) -> String,
) -> Choice {
    let Candidate { variant, load, wished_context, memory, per_hour } = candidates.fitting[chosen].clone();
    reasons.push(format!(
        "It should take {} of the {} that may be used.",
        in_megabytes(memory.total()),
        in_megabytes(candidates.usable_bytes)
    ));
    if load.context_tokens < wished_context {
        reasons.push(format!(
            "The context is {} tokens instead of {wished_context}, so that it fits.",
            load.context_tokens
        ));
    }
    let others = candidates.fitting.iter().enumerate().filter(|(index, _)| *index != chosen);
    let others = others.map(|(_, other)| RunnerUp { precision: other.variant.precision, why_not: why_not(other) });
    Choice {
        mode,
        variant,
        load,
        memory,
        predicted_requests_per_hour: per_hour,
        reasons,
        runners_up: others.chain(candidates.too_large.iter().cloned()).collect(),
    }
}

#[cfg(test)]
mod tests;
