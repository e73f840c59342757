//! What would be served within other limits, from what the miner knows already.

use cortensor_hardware::Hardware;
use cortensor_planner::{Measurement, Plan, PlanError, PlanSettings, Variant, WhatIf};

use crate::{Failure, FailureCode, Settings, SettingsError, Status, survey::plan_settings};

/// Plans within `limits` as the miner would, with `free_bytes` of memory free now. Nothing is changed, and nothing is read:
/// the answer comes at once.
pub(crate) fn what_if(status: &Status, settings: &Settings, limits: WhatIf, free_bytes: u64) -> Result<Plan, Failure> {
    let (Some(hardware), Some(plan)) = (&status.hardware, &status.plan) else { return Err(too_early()) };
    check(settings, limits)?;
    let variants: Vec<Variant> = plan.alternatives.iter().map(|one| one.variant.clone()).collect();
    let measurements: Vec<Measurement> = status.measurements.iter().map(|one| one.measurement).collect();
    let hardware = as_of_now(hardware, status, free_bytes);
    let settings = PlanSettings { limits: plan.limits.clone(), ..plan_settings(settings) };
    let plan = cortensor_planner::what_if(&hardware, &variants, &measurements, &settings, limits);
    plan.map_err(|error| Failure::of(code(&error), &error))
}

fn too_early() -> Failure {
    let message = "the miner is still looking at this computer; ask again when Home says that it is ready";
    Failure::new(FailureCode::Request, message.to_owned())
}

/// The limits are those of the settings, so they may be what the settings may be.
fn check(settings: &Settings, limits: WhatIf) -> Result<(), SettingsError> {
    let WhatIf { memory_budget_bytes, context_tokens, slots } = limits;
    Settings { memory_budget_bytes, context_tokens, slots, ..settings.clone() }.check("what if".into())
}

/// What our own model takes would be free for another one.
fn as_of_now(hardware: &Hardware, status: &Status, free_bytes: u64) -> Hardware {
    let held = status.loaded.as_ref().and_then(|loaded| loaded.measured_bytes).unwrap_or_default();
    let mut hardware = hardware.clone();
    hardware.memory.free_bytes = free_bytes.saturating_add(held).min(hardware.memory.total_bytes);
    hardware
}

fn code(error: &PlanError) -> FailureCode {
    match error {
        PlanError::NoVariants => FailureCode::Model,
        PlanError::NothingFits { .. } | PlanError::RanOutOfMemory { .. } => FailureCode::Memory,
    }
}

#[cfg(test)]
mod tests {
    use cortensor_hardware::Memory;
    use cortensor_models::Geometry;
    use cortensor_planner::PlanSettings;
    use cortensor_protocol::{ArtifactDigest, ModelId, Precision};

    use super::*;

    const GIGA: u64 = 1_000_000_000;

    fn variant(precision: Precision, bytes: u64) -> Variant {
        let geometry = Geometry {
            parameters: GIGA,
            layers: 16,
            hidden: 2048,
            feed_forward: 8192,
            heads: 32,
            kv_heads: 8,
            head_width: 64,
            context_tokens: 8192,
            vocabulary: 49_152,
            tied_embeddings: true,
        };
        let artifact = ArtifactDigest::new([precision as u8; 32]);
        Variant { model: ModelId::new("model"), precision, artifact, bytes, geometry }
    }

    /// A miner that found 16 GB free when it started.
    fn planned() -> Status {
        let memory = Memory { total_bytes: 20 * GIGA, free_bytes: 16 * GIGA };
        let hardware = Hardware { memory, ..Hardware::default() };
        let variants = [variant(Precision::F16, 2 * GIGA), variant(Precision::Q8_0, GIGA)];
        let plan = cortensor_planner::plan(&hardware, &variants, &[], &PlanSettings::default()).unwrap();
        Status { hardware: Some(hardware), plan: Some(plan), ..Status::default() }
    }

    #[test]
    fn other_limits_are_answered_from_what_is_known_now() {
        let limits = |memory_budget_bytes, context_tokens| WhatIf { memory_budget_bytes, context_tokens, slots: None };
        for (limits, free, served, context) in [
            (limits(None, None), 16 * GIGA, Precision::F16, 4096),
            (limits(None, Some(8192)), 16 * GIGA, Precision::F16, 8192),
            (limits(Some(4 * GIGA), None), 16 * GIGA, Precision::Q8_0, 4096),
            (limits(None, None), 3 * GIGA, Precision::Q8_0, 4096),
        ] {
            let plan = what_if(&planned(), &Settings::default(), limits, free).unwrap();
            let Plan { precision, alternatives, .. } = plan;
            assert_eq!((precision.variant.precision, precision.load.context_tokens), (served, context), "{limits:?}");
            assert_eq!(alternatives.len(), 2);
        }
    }

    #[test]
    fn what_cannot_be_answered_says_why() {
        let ask = |status: &Status, limits, free| what_if(status, &Settings::default(), limits, free).unwrap_err();
        let early = ask(&Status::default(), WhatIf::default(), GIGA);
        assert_eq!(early.code, FailureCode::Request);
        let context = WhatIf { context_tokens: Some(3), ..WhatIf::default() };
        let refused = ask(&planned(), context, 16 * GIGA);
        assert_eq!((refused.code, refused.field.as_deref()), (FailureCode::Settings, Some("context_tokens")));
        let little = ask(&planned(), WhatIf::default(), GIGA / 2);
        assert!(little.code == FailureCode::Memory && little.message.contains("no model fits"), "{little:?}");
    }
}
