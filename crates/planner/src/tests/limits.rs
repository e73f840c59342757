//! What ran out of memory is planned with less.

use cortensor_hardware::Backend;
use proptest::prelude::*;

use super::*;
use crate::{MemoryLimit, WhatIf, what_if};

const FULL: Load = Load { context_tokens: 4096, slots: 1 };

/// Settings with a limit for each of these, which ran out of memory so often.
fn after(failures: &[(Precision, u32)]) -> PlanSettings {
    let limit = |(precision, times): &(Precision, u32)| {
        let first = MemoryLimit::after(digest(*precision), None, FULL);
        (1..*times)
            .fold(first, |limit, _| MemoryLimit::after(limit.artifact, None, limit.most.unwrap()).and_before(&limit))
    };
    PlanSettings { limits: failures.iter().map(limit).collect(), ..PlanSettings::default() }
}

fn planned(settings: &PlanSettings) -> Result<Plan, PlanError> {
    plan(&machine(20 * GIBI), &small_model(), &measured_small(), settings)
}

#[test]
fn what_ran_out_of_memory_is_loaded_with_less_and_in_the_end_not_at_all() {
    use Precision::{F16, Q4_0, Q8_0};
    for (failures, precision, volume) in [
        (vec![], (F16, 4096), (Q8_0, 4096)),
        (vec![(Q8_0, 1)], (F16, 4096), (Q8_0, 2048)),
        (vec![(Q8_0, 3), (F16, 1)], (F16, 2048), (Q8_0, 512)),
        (vec![(Q8_0, 4)], (F16, 4096), (Q4_0, 4096)),
        (vec![(Q8_0, 4), (F16, 4), (Q4_0, 2)], (Q4_0, 1024), (Q4_0, 1024)),
    ] {
        let plan = planned(&after(&failures)).unwrap();
        let served = |choice: &Choice| (choice.variant.precision, choice.load.context_tokens);
        assert_eq!((served(&plan.precision), served(&plan.volume)), (precision, volume), "{failures:?}");
        assert_eq!(plan.limits.len(), failures.len());
    }
}

#[test]
fn the_plan_says_what_ran_out_of_memory() {
    let plan = planned(&after(&[(Precision::Q8_0, 2), (Precision::Q4_0, 4)])).unwrap();
    let reason = "The context is 1024 tokens instead of 4096, since it ran out of memory with that.";
    assert!(plan.volume.reasons.iter().any(|said| said == reason), "{:?}", plan.volume.reasons);
    let others = &plan.volume.runners_up;
    let why_not = |precision| others.iter().find(|one| one.precision == precision).map(|one| one.why_not.as_str());
    assert_eq!(why_not(Precision::Q4_0), Some("ran out of memory even with a context of 512 tokens"));
    let told = plan.limits_in_words();
    assert!(
        told[0].ends_with("Q8_0 ran out of memory at 4096 tokens of context and is loaded with 1024 since"),
        "{told:?}"
    );
    assert!(
        told[1].ends_with("Q4_0 ran out of memory even with the least context and is not loaded since"),
        "{told:?}"
    );
    let none_left = after(&[Precision::F16, Precision::Q8_0, Precision::Q4_0].map(|precision| (precision, 4)));
    let error = planned(&none_left).unwrap_err();
    assert_eq!(error, PlanError::RanOutOfMemory { precision: Precision::Q4_0 });
    assert!(error.to_string().contains("choose Resume"), "{error}");
}

#[test]
fn fewer_requests_at_a_time_are_said_too() {
    let limit = MemoryLimit::after(digest(Precision::Q8_0), None, Load { slots: 4, ..FULL });
    let settings = PlanSettings { slots: Some(4), limits: vec![limit], ..PlanSettings::default() };
    let plan = planned(&settings).unwrap();
    let told = plan.limits_in_words().concat();
    assert!(told.ends_with("ran out of memory with 4 requests at a time and works on 2 since"), "{told}");
    let volume = plan.volume;
    assert_eq!(volume.load, Load { slots: 2, ..FULL });
    let reason = "It works on 2 requests at a time instead of 4, since it ran out of memory with that.";
    assert!(volume.reasons.iter().any(|said| said == reason), "{:?}", volume.reasons);
}

#[test]
fn a_limit_holds_for_its_device_and_for_the_settings_of_then() {
    let on_a_card = MemoryLimit::after(digest(Precision::Q8_0), Some(Backend::Cuda), FULL);
    let settings = PlanSettings { limits: vec![on_a_card], ..PlanSettings::default() };
    assert_eq!(planned(&settings).unwrap().volume.load, FULL);
    let (settings, hardware) = (after(&[(Precision::Q8_0, 1)]), machine(20 * GIBI));
    let asked = |limits| what_if(&hardware, &small_model(), &measured_small(), &settings, limits).unwrap().volume.load;
    assert_eq!(asked(WhatIf::default()), Load { context_tokens: 2048, ..FULL });
    assert_eq!(asked(WhatIf { context_tokens: Some(3000), ..WhatIf::default() }).context_tokens, 3000);
}

proptest! {
    #[test]
    fn running_out_again_and_again_only_ever_takes_away_and_comes_to_an_end(
        context_tokens in 1..200_000_u32, slots in 0..64_u32,
    ) {
        let (mut load, mut steps) = (Load { context_tokens, slots }, 0);
        while let Some(less) = MemoryLimit::after(digest(Precision::F16), None, load).most {
            prop_assert!(less.context_tokens <= load.context_tokens && less.slots <= load.slots && less != load);
            prop_assert!(less.context_tokens >= context_tokens.min(512) && less.slots >= slots.min(1));
            prop_assert!(less.slots == load.slots || less.context_tokens == load.context_tokens, "one thing at a time");
            (load, steps) = (less, steps + 1);
        }
        prop_assert!(steps <= 16, "{}", steps);
    }
}
