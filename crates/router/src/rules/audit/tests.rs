use cortensor_fidelity::{Calibration, Figures};
use cortensor_protocol::PrecisionClass;

use super::*;
use crate::policy::MeasuredCalibration;

const ARTIFACT: ArtifactDigest = ArtifactDigest::new([1; 32]);
const CLASS: PrecisionClass = PrecisionClass::Full;

fn policy() -> AuditPolicy {
    AuditPolicy { bar_seconds: 100, longest_bar_seconds: 350, ..AuditPolicy::default() }
}

/// So many answers of 40 tokens with these margins, settled at the times they were looked at.
fn looked_at(record: &ClaimRecord, answers: u32, margin: f32, from: i64) -> (ClaimRecord, Vec<Verdict>) {
    let mut record = record.clone();
    let mut verdicts = Vec::new();
    for number in 0..i64::from(answers) {
        let at = Millis(from + number);
        let look = Look {
            engine: "e 1",
            device: DeviceKind::Processor,
            class: CLASS,
            margins: &[margin; 40],
            for_user: true,
            settled_at: at,
        };
        let (next, verdict) = record.after(&policy(), &ARTIFACT, &look, at);
        record = next;
        verdicts.push(verdict);
    }
    (record, verdicts)
}

#[test]
fn a_claim_is_trusted_after_ten_answers_and_a_verdict_then_looked_at_less_and_never_not_at_all() {
    let policy = policy();
    let share = |answers| looked_at(&ClaimRecord::default(), answers, 0.0, 0).0.share(&policy);
    for (answers, expected) in [(0, 1.0), (9, 1.0), (10, 0.1), (40, 0.025), (50, 0.02), (500, 0.02)] {
        assert!((share(answers) - expected).abs() < 1e-9, "{answers}: {}", share(answers));
    }
    let (undecided, _) = looked_at(&ClaimRecord::default(), 2, 0.0, 0);
    assert!((ClaimRecord { clean: 99, ..undecided }.share(&policy) - 1.0).abs() < 1e-9);
}

#[test]
fn tests_do_not_make_a_claim_trusted_and_show_what_is_false_all_the_same() {
    let look = |margin| Look {
        engine: "e 1",
        device: DeviceKind::Processor,
        class: CLASS,
        margins: margin,
        for_user: false,
        settled_at: Millis(1),
    };
    let clean = (0..99)
        .fold(ClaimRecord::default(), |record, _| record.after(&policy(), &ARTIFACT, &look(&[0.0; 40]), Millis(1)).0);
    assert!((clean.share(&policy()) - 1.0).abs() < 1e-9);
    let (_, verdict) = clean.after(&policy(), &ARTIFACT, &look(&[3.0; 40]), Millis(2));
    assert_eq!(verdict, Verdict::NotWhatItClaims);
}

#[test]
fn what_was_paid_since_the_last_answer_that_was_proven_is_in_doubt() {
    let (honest, verdicts) = looked_at(&ClaimRecord::default(), 12, 0.0, 1_000);
    let proven = verdicts.iter().rposition(|verdict| *verdict == Verdict::Consistent).unwrap();
    assert_eq!(honest.unproven_since(), Millis(1_000 + i64::try_from(proven).unwrap()));
    let (fallen, verdicts) = looked_at(&honest, 1, 3.0, 9_000);
    assert_eq!(verdicts, [Verdict::NotWhatItClaims]);
    assert_eq!((fallen.unproven_since(), fallen.barred_until()), (Millis(9_000), Some(Millis(109_000))));
    assert!((fallen.share(&policy()) - 1.0).abs() < 1e-9);
}

#[test]
fn each_fall_bars_for_longer_and_none_for_ever() {
    let mut record = ClaimRecord::default();
    let mut bars = Vec::new();
    for at in [1_000, 2_000, 3_000, 4_000] {
        record = looked_at(&record, 1, 3.0, at).0;
        bars.push((record.barred_until().unwrap().0 - at) / 1_000);
    }
    assert_eq!(bars, [100, 200, 350, 350]);
}

#[test]
fn answers_from_before_a_fall_are_done_with() {
    let (fallen, _) = looked_at(&ClaimRecord::default(), 1, 3.0, 5_000);
    let (after, verdicts) = looked_at(&fallen, 20, 3.0, 4_980);
    assert_eq!((&after, verdicts), (&fallen, vec![Verdict::AskMore; 20]));
    assert_eq!(looked_at(&after, 1, 3.0, 5_001).1, [Verdict::NotWhatItClaims]);
}

#[test]
fn evidence_of_another_engine_begins_anew() {
    let doubtful = [0.06_f32; 3];
    let look = |engine| Look {
        engine,
        device: DeviceKind::Processor,
        class: CLASS,
        margins: &doubtful,
        for_user: true,
        settled_at: Millis(0),
    };
    let first = ClaimRecord::default().after(&policy(), &ARTIFACT, &look("e 1"), Millis(0)).0;
    let same = first.after(&policy(), &ARTIFACT, &look("e 1"), Millis(0)).0;
    let other = first.after(&policy(), &ARTIFACT, &look("e 2"), Millis(0)).0;
    let since = |record: &ClaimRecord| record.seen_on[&DeviceKind::Processor].tokens;
    assert_eq!((since(&same), since(&other), other.tokens), (6, 3, 6));
}

#[test]
fn a_node_that_says_another_device_each_time_is_found_out_all_the_same() {
    let doubtful = [0.12_f32; 4];
    let found = |devices: &[DeviceKind]| {
        let mut record = ClaimRecord::default();
        let answers = devices.iter().cycle().take(1000).position(|device| {
            let look = Look {
                engine: "e 1",
                device: *device,
                class: CLASS,
                margins: &doubtful,
                for_user: true,
                settled_at: Millis(1),
            };
            let (next, verdict) = record.after(&policy(), &ARTIFACT, &look, Millis(1));
            record = next;
            verdict == Verdict::NotWhatItClaims
        });
        answers.unwrap() + 1
    };
    let (one, three) =
        (found(&[DeviceKind::Processor]), found(&[DeviceKind::Processor, DeviceKind::Cuda, DeviceKind::Metal]));
    assert!(one > 1 && three <= 3 * one, "{one} and {three}");
}

#[test]
fn an_artifact_is_held_to_what_was_measured_on_that_kind_of_device() {
    let wide = policy().calibration;
    let narrow = Figures { honest_mean: 0.002, lie_mean: 0.02, ..*wide.figures() };
    let measured = MeasuredCalibration {
        artifact: ARTIFACT,
        device: DeviceKind::Processor,
        figures: Calibration::new(narrow).unwrap(),
    };
    let policy = AuditPolicy { calibrations: vec![measured], ..policy() };
    let lie = |device, artifact| policy.calibration(artifact, device, CLASS).figures().lie_mean;
    let other = ArtifactDigest::new([2; 32]);
    for (device, artifact, expected) in [
        (DeviceKind::Processor, &ARTIFACT, 0.02),
        (DeviceKind::Cuda, &ARTIFACT, wide.figures().lie_mean),
        (DeviceKind::Processor, &other, wide.figures().lie_mean),
    ] {
        assert!((lie(device, artifact) - expected).abs() < 1e-12, "{device:?} {artifact}");
    }
}

#[test]
fn quantized_answers_of_a_card_are_given_more_room_than_a_processor_s_and_exact_ones_are_not() {
    // About what a 4-bit artifact's answers of a card look like to a processor: one token in eleven is another one.
    let margins: Vec<f32> = (0..440).map(|index| if index % 11 == 0 { 0.25 } else { 0.0 }).collect();
    let verdict = |device, class| {
        let look = Look { engine: "e 1", device, class, margins: &margins, for_user: true, settled_at: Millis(1) };
        ClaimRecord::default().after(&policy(), &ARTIFACT, &look, Millis(1)).1
    };
    let allowed = |device, class| policy().calibration(&ARTIFACT, device, class).figures().honest_mean;
    assert!(
        allowed(DeviceKind::Cuda, PrecisionClass::Quantized)
            > allowed(DeviceKind::Processor, PrecisionClass::Quantized)
    );
    assert!((allowed(DeviceKind::Cuda, PrecisionClass::Full) - allowed(DeviceKind::Processor, CLASS)).abs() < 1e-12);
    assert_eq!(verdict(DeviceKind::Cuda, PrecisionClass::Quantized), Verdict::Consistent);
}

#[test]
fn the_miner_is_told_how_the_audit_stands() {
    let told = |record: &ClaimRecord| record.evidence(&policy(), Millis(0)).map(|told| (told.seen, told.met));
    assert_eq!(told(&ClaimRecord::default()), None);
    let words = |text: &str, met| Some((text.to_owned(), met));
    let (few, _) = looked_at(&ClaimRecord::default(), 1, 0.0, 0);
    assert_eq!(told(&few), words("no verdict yet: 0 of 40 tokens differ from the reference", true));
    let (many, _) = looked_at(&few, 19, 0.0, 1);
    assert_eq!(told(&many), words("consistent with the claim: 0 of 800 tokens differ from the reference", true));
    let (fallen, _) = looked_at(&many, 1, 3.0, 1);
    assert_eq!(told(&fallen), words("the answers are not those of the artifact that was claimed", false));
}
