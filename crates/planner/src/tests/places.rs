//! Where a model is put on machines with cards.

use cortensor_hardware::{Backend, Build, Gpu, GpuUse};

use super::*;

fn card(index: u32, free_bytes: u64, bandwidth: Option<u64>) -> Gpu {
    Gpu {
        index,
        vendor: "NVIDIA".to_owned(),
        model: "Card".to_owned(),
        total_bytes: Some(free_bytes + GIBI),
        free_bytes: Some(free_bytes),
        usable: GpuUse::Usable,
        integrated: Some(false),
        driver: Some("580.95".to_owned()),
        backend: Some(Backend::Cuda),
        memory_bandwidth: bandwidth,
    }
}

fn with_cards(free_bytes: u64, cards: &[u64]) -> Hardware {
    let mut hardware = machine(free_bytes);
    hardware.cpu.memory_bandwidth = Some(40_000_000_000);
    hardware.gpus = (0..).zip(cards).map(|(index, free)| card(index, *free, Some(400_000_000_000))).collect();
    hardware
}

fn cuda() -> PlanSettings {
    PlanSettings { build: Build { cuda: true, metal: false }, ..PlanSettings::default() }
}

fn eight_bits() -> Vec<Variant> {
    large_model()[1..2].to_vec()
}

/// The placement of an 8B model in eight bits, which takes 10 GB on a card.
fn placed(hardware: &Hardware, settings: &PlanSettings) -> Choice {
    plan(hardware, &eight_bits(), &[], settings).unwrap().precision
}

#[test]
fn a_model_computes_on_as_few_cards_as_it_fits_on() {
    let on = |cards: &[u32]| Placement::Cards { backend: Backend::Cuda, cards: cards.to_vec() };
    for (cards, expected) in [
        (vec![16 * GIBI], on(&[0])),
        (vec![16 * GIBI, 24 * GIBI], on(&[1])),
        (vec![8 * GIBI, 8 * GIBI], on(&[0, 1])),
        (vec![9 * GIBI, 9 * GIBI, 9 * GIBI], on(&[0, 1])),
        (vec![], Placement::Processor),
    ] {
        let choice = placed(&with_cards(32 * GIBI, &cards), &cuda());
        assert_eq!(choice.placement, expected, "{cards:?}");
        let layers: u32 = choice.devices.iter().map(|device| device.layers).sum();
        assert_eq!(layers, LLAMA_8B.layers);
        assert!(choice.devices.iter().all(|device| device.needed_bytes <= device.usable_bytes), "{choice:?}");
    }
}

#[test]
fn layers_are_split_only_where_answers_come_clearly_faster() {
    let split = |hardware: &Hardware| matches!(placed(hardware, &cuda()).placement, Placement::Split { .. });
    let half = with_cards(32 * GIBI, &[6 * GIBI]);
    assert!(split(&half));
    let told = placed(&half, &cuda()).reasons;
    assert!(told.iter().any(|reason| reason.contains("times as fast as the processor alone")), "{told:?}");
    // A tenth of the layers, a card that is hardly faster, and one whose speed nobody knows.
    assert!(!split(&with_cards(32 * GIBI, &[3 * GIBI])));
    for bandwidth in [Some(40_000_000_000), None] {
        let mut slow = half.clone();
        slow.gpus[0].memory_bandwidth = bandwidth;
        assert!(!split(&slow), "{bandwidth:?}");
    }
    // Neither has room for all of it.
    assert!(split(&with_cards(7 * GIBI, &[5 * GIBI])));
}

#[test]
fn a_build_without_cards_leaves_them_alone_and_says_which_build_would_not() {
    let hardware = with_cards(32 * GIBI, &[16 * GIBI]);
    let plan = plan(&hardware, &eight_bits(), &[], &PlanSettings::default()).unwrap();
    assert_eq!(plan.precision.placement, Placement::Processor);
    let expected =
        "This build does not use card 0 (Card, 17179 MB free); with the CUDA build model Q8_0 would compute there.";
    assert_eq!(plan.advice, [expected]);
    assert_eq!(plan.other_builds.iter().flatten().map(ToString::to_string).collect::<Vec<_>>(), plan.advice);
    let with_it = super::super::plan(&hardware, &eight_bits(), &[], &cuda()).unwrap();
    assert_eq!((with_it.advice, with_it.precision.placement.backend()), (vec![], Some(Backend::Cuda)));
}

#[test]
fn a_card_in_use_counts_with_what_is_free_of_it() {
    let mut hardware = with_cards(32 * GIBI, &[16 * GIBI]);
    assert_eq!(placed(&hardware, &cuda()).placement.backend(), Some(Backend::Cuda));
    hardware.gpus[0].free_bytes = Some(GIBI);
    assert_eq!(placed(&hardware, &cuda()).placement, Placement::Processor);
}

#[test]
fn a_budget_is_one_for_all_devices_and_keeps_a_tenth() {
    let hardware = with_cards(32 * GIBI, &[8 * GIBI, 8 * GIBI]);
    for budget in [14 * GIBI, 12 * GIBI] {
        let choice = placed(&hardware, &PlanSettings { memory_budget_bytes: Some(budget), ..cuda() });
        assert!(choice.memory.total() <= budget / 10 * 9 + 9, "{choice:?}");
        assert!(choice.reasons.iter().any(|reason| reason.contains("A tenth of your memory budget")), "{choice:?}");
    }
}

#[test]
fn a_measurement_holds_for_the_kind_of_device_it_was_made_on() {
    let hardware = with_cards(32 * GIBI, &[16 * GIBI]);
    let mut measured = measurement(eight_bits()[0].artifact, 1000.0, 50.0);
    let rate =
        |measured| plan(&hardware, &eight_bits(), &[measured], &cuda()).unwrap().volume.predicted_requests_per_hour;
    assert_eq!(rate(measured), None);
    measured.backend = Some(Backend::Cuda);
    assert!(rate(measured).is_some());
}

#[test]
fn memory_that_shrank_since_the_plan_takes_context_away_or_refuses() {
    let (variant, wished) = (&eight_bits()[0], Load { context_tokens: 4096, slots: 1 });
    let needed = |context_tokens| estimate_memory(variant, Load { context_tokens, slots: 1 }).total();
    for (usable, context) in
        [(needed(4096), Some(4096)), (needed(4096) - 1, Some(2048)), (needed(512), Some(512)), (needed(512) - 1, None)]
    {
        assert_eq!(shrunk(variant, wished, None, usable).map(|(load, _)| load.context_tokens), context);
    }
}

#[test]
fn other_limits_are_tried_without_changing_anything() {
    let (hardware, settings) = (machine(60 * GIBI), PlanSettings::default());
    let asked = |memory_budget_bytes, context_tokens| {
        let limits = WhatIf { memory_budget_bytes, context_tokens, slots: None };
        what_if(&hardware, &large_model(), &measured_large(), &settings, limits)
    };
    let served = |plan: Plan| (plan.precision.variant.precision, plan.precision.load.context_tokens);
    assert_eq!(asked(None, None), plan(&hardware, &large_model(), &measured_large(), &settings));
    assert_eq!(served(asked(Some(13 * GIBI), None).unwrap()), (Precision::Q8_0, 2048));
    assert_eq!(served(asked(None, Some(8192)).unwrap()), (Precision::F16, 8192));
    assert!(matches!(asked(Some(GIBI), None), Err(PlanError::NothingFits { .. })));
}

#[test]
fn alternatives_are_all_there_is_with_what_fits_first() {
    use Precision::{F16, Q4K, Q8_0};
    let plan = plan(&machine(13 * GIBI), &large_model(), &measured_large(), &PlanSettings::default()).unwrap();
    let all: Vec<_> =
        plan.alternatives.iter().map(|one| (one.variant.precision, one.fit, one.load.context_tokens)).collect();
    assert_eq!(all, [(Q8_0, Fit::Fits, 4096), (Q4K, Fit::Fits, 4096), (F16, Fit::DoesNotFit, 512)]);
    assert!(plan.alternatives[2].reason.contains("MB, 13958 MB may be used"), "{}", plan.alternatives[2].reason);
}
