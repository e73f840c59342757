use super::{choice::NEAR_TIE, *};
use cortensor_hardware::{Cpu, Disk, Memory};
use cortensor_protocol::{Mode, PrecisionClass};
use proptest::prelude::*;

mod codes;
mod fit;
mod limits;
mod machines;
mod places;
mod speeds;

const MEBI: u64 = 1 << 20;
const GIBI: u64 = 1 << 30;

const SMOLLM2: Geometry = Geometry {
    parameters: 134_515_008,
    layers: 30,
    hidden: 576,
    feed_forward: 1536,
    heads: 9,
    kv_heads: 3,
    head_width: 64,
    context_tokens: 8192,
    vocabulary: 49152,
    tied_embeddings: true,
};

const LLAMA_8B: Geometry = Geometry {
    parameters: 8_030_261_248,
    layers: 32,
    hidden: 4096,
    feed_forward: 14336,
    heads: 32,
    kv_heads: 8,
    head_width: 128,
    context_tokens: 131_072,
    vocabulary: 128_256,
    tied_embeddings: false,
};

fn variant(precision: Precision, bytes: u64, geometry: Geometry) -> Variant {
    Variant { model: ModelId::new("model"), precision, artifact: digest(precision), bytes, geometry }
}

fn measurement(artifact: ArtifactDigest, prefill: f64, decode: f64) -> Measurement {
    Measurement {
        artifact,
        backend: None,
        prefill_tokens_per_second: prefill,
        decode_tokens_per_second: decode,
        first_token_ms: 50.0,
        load_seconds: 1.0,
        taken_by_others: None,
        memory_bytes: 0,
        estimated_memory_bytes: 0,
    }
}

fn digest(precision: Precision) -> ArtifactDigest {
    ArtifactDigest::new([precision as u8; 32])
}

fn small_model() -> Vec<Variant> {
    [(Precision::F16, 270_900_000), (Precision::Q8_0, 144_800_000), (Precision::Q4_0, 77_700_000)]
        .map(|(precision, bytes)| variant(precision, bytes, SMOLLM2))
        .to_vec()
}

fn large_model() -> Vec<Variant> {
    [(Precision::F16, 16_068_000_000), (Precision::Q8_0, 8_541_000_000), (Precision::Q4K, 4_921_000_000)]
        .map(|(precision, bytes)| variant(precision, bytes, LLAMA_8B))
        .to_vec()
}

fn machine(free_bytes: u64) -> Hardware {
    Hardware {
        cpu: Cpu { physical_cores: 2, logical_cores: 2, ..Cpu::default() },
        memory: Memory { total_bytes: free_bytes + GIBI, free_bytes },
        disk: Disk::default(),
        gpus: Vec::new(),
        os: String::new(),
    }
}

/// The rates of the engine's own readings: on this processor four bits were slower than eight.
fn measured_small() -> Vec<Measurement> {
    [(Precision::F16, 281.0, 16.0), (Precision::Q8_0, 307.0, 35.0), (Precision::Q4_0, 60.0, 34.0)]
        .map(|(precision, prefill, decode)| measurement(digest(precision), prefill, decode))
        .to_vec()
}

fn measured_large() -> Vec<Measurement> {
    [(Precision::F16, 12.0, 1.5), (Precision::Q8_0, 21.0, 3.6), (Precision::Q4K, 42.0, 6.3)]
        .map(|(precision, prefill, decode)| measurement(digest(precision), prefill, decode))
        .to_vec()
}

#[test]
fn each_machine_gets_the_most_exact_and_the_fastest_of_what_fits() {
    use Precision::{F16, Q4_0, Q4K, Q8_0};
    let (small, large) = ((small_model(), measured_small()), (large_model(), measured_large()));
    for (name, free, budget, (variants, measurements), expected) in [
        ("2 GB server", 1536 * MEBI, None, &small, (F16, Q8_0, 4096)),
        ("2 GB server in use", 1200 * MEBI, None, &small, (F16, Q8_0, 2048)),
        ("1 GB server", 600 * MEBI, None, &small, (Q8_0, Q8_0, 1024)),
        ("512 MB server", 430 * MEBI, None, &small, (Q8_0, Q8_0, 512)),
        ("512 MB server in use", 400 * MEBI, None, &small, (Q4_0, Q4_0, 512)),
        ("16 GB laptop in use", 7 * GIBI, None, &large, (Q4K, Q4K, 512)),
        ("16 GB laptop", 13 * GIBI, None, &large, (Q8_0, Q4K, 2048)),
        ("64 GB desktop", 58 * GIBI, None, &large, (F16, Q4K, 4096)),
        ("64 GB desktop with a budget", 58 * GIBI, Some(13 * GIBI), &large, (Q8_0, Q4K, 1024)),
        ("a budget beyond what is free", 9 * GIBI, Some(40 * GIBI), &large, (Q4K, Q4K, 2048)),
    ] {
        let settings = PlanSettings { memory_budget_bytes: budget, slots: Some(2), ..PlanSettings::default() };
        let plan = plan(&machine(free), variants, measurements, &settings).unwrap();
        let precision = &plan.precision;
        let got = (precision.variant.precision, plan.volume.variant.precision, precision.load.context_tokens);
        assert_eq!(got, expected, "{name}: {precision:#?}");
        assert_eq!((precision.mode, plan.volume.mode), (Mode::Precision, Mode::Volume));
        assert_eq!(precision.runners_up.len(), variants.len() - 1);
    }
}

#[test]
fn the_reasons_have_numbers_and_say_why_fewer_bits_lost() {
    let plan = plan(&machine(20 * GIBI), &small_model(), &measured_small(), &PlanSettings::default()).unwrap();
    assert!(plan.volume.reasons[0].contains("802 requests an hour of 256 prompt and 128 answer tokens"));
    assert!(plan.volume.reasons[1].starts_with("It should take "), "{:?}", plan.volume.reasons);
    let why: Vec<_> = plan.volume.runners_up.iter().map(|other| (other.precision, other.why_not.as_str())).collect();
    let slower =
        [(Precision::F16, "measured at 404 requests an hour"), (Precision::Q4_0, "measured at 448 requests an hour")];
    assert_eq!(why, slower);
}

#[test]
fn what_was_not_measured_is_said_and_not_guessed() {
    use Precision::{F16, Q4_0, Q8_0};
    let (hardware, variants, settings) = (machine(20 * GIBI), small_model(), PlanSettings::default());
    let broken = measurement(digest(Q8_0), 0.0, f64::NAN);
    for (measurements, volume, missing) in [
        (vec![], None, vec![F16, Q8_0, Q4_0]),
        (vec![broken], None, vec![F16, Q8_0, Q4_0]),
        (measured_small()[2..].to_vec(), Some(Q4_0), vec![F16, Q8_0]),
        (measured_small(), Some(Q8_0), vec![]),
    ] {
        let choice = plan(&hardware, &variants, &measurements, &settings).unwrap().volume;
        assert_eq!(choice.predicted_requests_per_hour.map(|_| choice.variant.precision), volume);
        assert_eq!(choice.reasons[0].contains("Nothing was measured yet"), volume.is_none());
        let unmeasured = unmeasured(&hardware, &variants, &measurements, &settings);
        assert_eq!(unmeasured.iter().map(|one| one.variant.precision).collect::<Vec<_>>(), missing);
    }
}

#[test]
fn of_variants_about_as_fast_the_most_exact_of_the_quantized_serves() {
    use Precision::{F16, Q4_0, Q8_0};
    for (decode, serves, words) in [
        ([10.0, 10.0, 10.0], Q8_0, "the one that serves most"),
        ([10.0, 9.0, 9.6], Q4_0, "within a twentieth of the one that serves most, and the most exact of the quantized"),
        ([10.0, 9.0, 9.4], F16, "the one that serves most"),
        ([5.0, 9.8, 10.0], Q8_0, "within a twentieth of the one that serves most, and the most exact of the quantized"),
        ([5.0, 9.0, 10.0], Q4_0, "the one that serves most"),
    ] {
        let measured: Vec<_> =
            small_model().iter().zip(decode).map(|(one, decode)| measurement(one.artifact, 1e6, decode)).collect();
        let volume = plan(&machine(20 * GIBI), &small_model(), &measured, &PlanSettings::default()).unwrap().volume;
        assert_eq!(volume.variant.precision, serves, "{decode:?}");
        assert!(volume.reasons[0].contains(&format!("Measured here as {words}: ")), "{:?}", volume.reasons);
    }
}

/// The most that a process grew by with every slot full, in MB, on Linux (`tests/estimate.rs` measures some of it again).
#[test]
fn the_estimate_is_close_to_what_was_measured() {
    for (precision, context_tokens, slots, measured) in [
        (0, 1024, 1, 831),
        (0, 2048, 1, 935),
        (0, 256, 2, 809),
        (0, 1024, 2, 940),
        (0, 2048, 2, 1126),
        (1, 1024, 1, 435),
        (1, 2048, 1, 549),
        (1, 256, 2, 435),
        (1, 1024, 2, 585),
        (1, 2048, 2, 730),
    ] {
        let (variant, load) = (&small_model()[precision], Load { context_tokens, slots });
        let estimate = estimate_memory(variant, load).total() / 1_000_000;
        let allowed = (measured / 10).max(60);
        assert!(estimate.abs_diff(measured) < allowed, "{} {load:?}: {estimate} MB", variant.precision);
    }
}

#[test]
fn the_settings_and_the_model_bound_the_context() {
    for (context, slots, expected) in
        [(None, None, (4096, 1)), (Some(1000), Some(1), (1000, 1)), (Some(1 << 20), Some(3), (8192, 3))]
    {
        let settings = PlanSettings { context_tokens: context, slots, ..PlanSettings::default() };
        let plan = plan(&machine(20 * GIBI), &small_model(), &[], &settings).unwrap();
        assert_eq!((plan.precision.load.context_tokens, plan.precision.load.slots), expected);
    }
    let two = PlanSettings { slots: Some(2), ..PlanSettings::default() };
    let tight = plan(&machine(600 * MEBI), &small_model(), &[], &two).unwrap();
    let reduced = "The context is 1024 tokens instead of 4096, so that it fits.";
    assert!(tight.precision.reasons.iter().any(|reason| reason == reduced), "{:?}", tight.precision.reasons);
}

#[test]
fn no_plan_says_what_is_missing_and_what_to_do() {
    let settings = PlanSettings::default();
    assert_eq!(plan(&machine(GIBI), &[], &[], &settings), Err(PlanError::NoVariants));
    let error = plan(&machine(2 * GIBI), &large_model(), &[], &settings).unwrap_err();
    let small =
        matches!(error, PlanError::NothingFits { precision: Precision::Q4K, free_bytes, .. } if free_bytes == 2 * GIBI);
    assert!(small && error.to_string().contains("close other programs"), "{error}");
}

#[test]
fn a_rate_needs_a_measurement() {
    let empty = RequestShape { prompt_tokens: 0, completion_tokens: 0 };
    for (prefill, decode, shape, expected) in [
        (256.0, 128.0, TYPICAL_REQUEST, Some(1800.0)),
        (256.0, 128.0, empty, None),
        (0.0, 128.0, TYPICAL_REQUEST, None),
        (256.0, -1.0, TYPICAL_REQUEST, None),
        (256.0, f64::NAN, TYPICAL_REQUEST, None),
    ] {
        let rate = requests_per_hour(&measurement(digest(Precision::F16), prefill, decode), shape);
        assert_eq!(rate, expected, "{prefill} {decode}");
    }
}

#[test]
fn a_busy_machine_is_told_with_what_to_do() {
    for (taken, told) in [(None, None), (Some(0.1), None), (Some(0.55), Some("up to 55 % of the processor"))] {
        let mut measured = measured_small();
        measured[1].taken_by_others = taken;
        let plan = plan(&machine(20 * GIBI), &small_model(), &measured, &PlanSettings::default()).unwrap();
        let reason = plan.volume.reasons.iter().find(|reason| reason.contains("measure again"));
        assert_eq!(reason.is_some(), told.is_some());
        assert!(told.is_none_or(|told| reason.unwrap().contains(told)), "{reason:?}");
    }
}

#[test]
fn a_rate_of_short_requests_is_told_for_typical_ones() {
    let measurement = measurement(digest(Precision::F16), 256.0, 64.0);
    let short = RequestShape { prompt_tokens: 64, completion_tokens: 16 };
    // By the benchmark a short request takes half a second and a typical one three: what was seen was as fast.
    assert_eq!(rescaled(&measurement, 7200.0, short, TYPICAL_REQUEST), Some(1200.0));
    assert_eq!(rescaled(&measurement, 3600.0, short, TYPICAL_REQUEST), Some(600.0));
}

fn any_variants() -> impl Strategy<Value = Vec<Variant>> {
    let precisions = prop::sample::subsequence(Precision::ALL.to_vec(), 1..8);
    (precisions, any::<bool>(), 1..20_u64).prop_map(|(precisions, large, scale)| {
        let geometry = if large { LLAMA_8B } else { SMOLLM2 };
        precisions.into_iter().map(|precision| variant(precision, scale * 500_000_000, geometry)).collect()
    })
}

fn any_measurements() -> impl Strategy<Value = Vec<Measurement>> {
    let one = (prop::sample::select(Precision::ALL.to_vec()), 0..400_u32, 0..40_u32);
    prop::collection::vec(one, 0..10).prop_map(|all| {
        let rate = |(precision, prefill, decode)| measurement(digest(precision), f64::from(prefill), f64::from(decode));
        all.into_iter().map(rate).collect()
    })
}

fn any_settings() -> impl Strategy<Value = PlanSettings> {
    let (budget, context) = (prop::option::of(0..80 * GIBI), prop::option::of(1..20_000_u32));
    (budget, context, prop::option::of(1..9_u32)).prop_map(|(memory_budget_bytes, context_tokens, slots)| {
        PlanSettings { memory_budget_bytes, context_tokens, slots, ..PlanSettings::default() }
    })
}

proptest! {
    #[test]
    fn a_plan_stays_within_free_memory_and_budget(
        free in 0..80 * GIBI, variants in any_variants(), measurements in any_measurements(), settings in any_settings(),
    ) {
        let Ok(plan) = plan(&machine(free), &variants, &measurements, &settings) else { return Ok(()) };
        for choice in [&plan.precision, &plan.volume] {
            prop_assert!(choice.memory.total() <= free);
            prop_assert!(settings.memory_budget_bytes.is_none_or(|budget| choice.memory.total() <= budget));
            prop_assert!(choice.load.context_tokens <= choice.variant.geometry.context_tokens);
        }
    }

    #[test]
    fn the_order_of_the_variants_does_not_matter(
        free in 0..80 * GIBI,
        (variants, shuffled) in any_variants().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        measurements in any_measurements(), settings in any_settings(),
    ) {
        let plan = |variants: &[Variant]| plan(&machine(free), variants, &measurements, &settings);
        prop_assert_eq!(plan(&variants), plan(&shuffled));
    }

    #[test]
    fn more_memory_never_gives_a_worse_class(
        free in 0..80 * GIBI, more in 0..40 * GIBI, variants in any_variants(), settings in any_settings(),
    ) {
        let full = |free: u64| {
            let plan = plan(&machine(free), &variants, &[], &settings).ok()?;
            Some(plan.precision.variant.precision.class() == PrecisionClass::Full)
        };
        prop_assert!(full(free + more) >= full(free));
    }

    #[test]
    fn volume_is_the_best_measured_of_what_fits_or_close_to_it(
        free in 0..80 * GIBI, variants in any_variants(), measurements in any_measurements(), settings in any_settings(),
    ) {
        let rate = |variants: &[Variant]| {
            let plan = plan(&machine(free), variants, &measurements, &settings).ok()?;
            plan.volume.predicted_requests_per_hour
        };
        let best = rate(&variants);
        for alone in &variants {
            let alone = rate(std::slice::from_ref(alone)).unwrap_or_default();
            prop_assert!(best.unwrap_or_default() >= alone * NEAR_TIE);
        }
    }
}
