//! Estimates by the speed of memory, and what prices make of rates.

use cortensor_protocol::{Amount, Price};

use super::*;

fn with_bandwidth(bandwidth: Option<u64>) -> Hardware {
    let mut hardware = machine(20 * GIBI);
    hardware.cpu.memory_bandwidth = bandwidth;
    hardware
}

fn estimates(hardware: &Hardware, measurements: &[Measurement]) -> Vec<Option<SpeedEstimate>> {
    let plan = plan(hardware, &small_model(), measurements, &PlanSettings::default()).unwrap();
    plan.alternatives.iter().map(|one| one.estimate).collect()
}

#[test]
fn before_anything_is_measured_the_speed_of_memory_says_how_fast_answers_come() {
    assert_eq!(estimates(&with_bandwidth(None), &[]), [None, None, None]);
    let [full, eight, four] = estimates(&with_bandwidth(Some(20_000_000_000)), &[])[..] else { panic!("three") };
    let decode = |one: Option<SpeedEstimate>| format!("{:.0}", one.unwrap().decode_tokens_per_second);
    // 8 GB a second: 538 MB of unpacked weights, or the file of a quantized one.
    assert_eq!([full, eight, four].map(decode), ["15", "55", "103"]);
    assert!((full.unwrap().error_factor - 3.0).abs() < 1e-9);
}

#[test]
fn a_measurement_of_another_corrects_the_estimate_and_says_how_far_off_it_is() {
    let hardware = with_bandwidth(Some(20_000_000_000));
    let [_, _, four] = estimates(&hardware, &measured_small()[..2])[..] else { panic!("three") };
    let four = four.unwrap();
    // F16 read 8.6 GB a second, Q8_0 5.1: 6.6 in the middle, at most 1.7 times off.
    assert!((four.decode_tokens_per_second - 85.5).abs() < 1.0, "{four:?}");
    assert!((1.69..1.71).contains(&four.error_factor), "{four:?}");
    // One's own measurement does not count: what it says beside the estimate is the estimate's error.
    let [full, _, _] = estimates(&hardware, &measured_small()[..1])[..] else { panic!("three") };
    assert!((full.unwrap().error_factor - 3.0).abs() < 1e-9);
}

#[test]
fn an_estimate_is_chosen_by_only_where_nothing_is_measured_and_is_said_to_be_one() {
    let (hardware, settings) = (with_bandwidth(Some(20_000_000_000)), PlanSettings::default());
    let volume = plan(&hardware, &small_model(), &[], &settings).unwrap().volume;
    assert_eq!((volume.variant.precision, volume.predicted_requests_per_hour), (Precision::Q4_0, None));
    assert!(volume.reasons[0].starts_with("Estimated by the speed of memory"), "{:?}", volume.reasons);
    assert!(volume.reasons[0].contains("within a factor of 3.0; measure it to know"), "{:?}", volume.reasons);
    let volume = plan(&hardware, &small_model(), &measured_small()[..1], &settings).unwrap().volume;
    assert_eq!(volume.variant.precision, Precision::F16);
    assert!(volume.runners_up[0].why_not.starts_with("not measured yet; estimated at about"), "{volume:?}");
}

#[test]
fn with_prices_volume_is_what_earns_most() {
    use Precision::{F16, Q8_0};
    let price = |credits| Price { prompt: Amount::from_credits(credits), completion: Amount::from_credits(credits) };
    // F16 is half as fast here as Q8_0.
    for (full, volume, words) in [(1, Q8_0, "earns most"), (3, F16, "earns most")] {
        let prices = Some(PriceList { full: price(full), quantized: price(1) });
        let settings = PlanSettings { prices, ..PlanSettings::default() };
        let choice = plan(&machine(20 * GIBI), &small_model(), &measured_small(), &settings).unwrap().volume;
        assert_eq!(choice.variant.precision, volume);
        assert!(choice.reasons[0].contains(words), "{:?}", choice.reasons);
    }
}

#[test]
fn what_would_always_be_late_gives_way_to_what_would_not() {
    use Precision::{F16, Q4K, Q8_0};
    let measured = |rates: [(f64, f64); 3]| -> Vec<Measurement> {
        let all = large_model().into_iter().zip(rates);
        all.map(|(variant, (prefill, decode))| measurement(variant.artifact, prefill, decode)).collect()
    };
    for (rates, chosen, told) in [
        ([(12.0, 1.5), (21.0, 3.6), (42.0, 6.3)], F16, "The most exact weights"),
        ([(4.0, 0.5), (21.0, 3.6), (42.0, 6.3)], Q8_0, "Full precision is too slow here"),
        ([(1.0, 0.2), (1.0, 0.3), (1.0, 0.4)], Q4K, "Everything is slow here"),
    ] {
        let plan = plan(&machine(60 * GIBI), &large_model(), &measured(rates), &PlanSettings::default()).unwrap();
        assert_eq!(plan.precision.variant.precision, chosen, "{rates:?}");
        assert!(plan.precision.reasons[0].starts_with(told), "{:?}", plan.precision.reasons);
        let late =
            plan.precision.runners_up.iter().any(|other| other.why_not.starts_with("too slow here: measured at 11"));
        assert_eq!(late, chosen == Q8_0, "{:?}", plan.precision.runners_up);
    }
}
