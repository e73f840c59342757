use proptest::prelude::*;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::*;

const SCALE: Scale = Scale { tie: 0.05, clear: 1.0 };
const FIGURES: Figures =
    Figures { scale: SCALE, honest_mean: 0.002, lie_mean: 0.02, false_alarm: 1e-3, missed_lie: 1e-3 };
const CALIBRATION: Calibration = match Calibration::new(FIGURES) {
    Ok(calibration) => calibration,
    Err(_) => panic!("figures that make no sense"),
};

fn audit() -> Audit {
    Audit::new(CALIBRATION)
}

/// Tokens until the first verdict, at most `most`, of answers whose score is 1 with probability `mean`.
fn judged(mean: f64, most: u64, seed: u64) -> (Verdict, u64) {
    let (mut audit, mut random) = (audit(), StdRng::seed_from_u64(seed));
    while audit.verdict() == Verdict::AskMore && audit.evidence().tokens < most {
        audit.observe(if random.random_bool(mean) { 2.0 } else { 0.0 });
    }
    (audit.verdict(), audit.evidence().tokens)
}

#[test]
fn perfect_answers_end_as_consistent_and_wrong_ones_at_once_as_not_what_they_claim() {
    let (verdict, tokens) = judged(0.0, 10_000, 1);
    assert_eq!(verdict, Verdict::Consistent);
    // Each clean token is worth ln(1 + 0.9 × 0.02 / 0.98); ln(1000) and the spread over six stakes have to be earned.
    assert!((300..700).contains(&tokens), "{tokens}");
    assert_eq!(judged(1.0, 10_000, 1).0, Verdict::NotWhatItClaims);
    assert!(judged(1.0, 10_000, 1).1 < 5);
}

#[test]
fn honest_answers_are_accused_no_more_often_than_was_said() {
    // The honest mean itself, the worst that honesty may be, looked at after each token.
    let accused = (0..2_000).filter(|seed| judged_to_the_end(FIGURES.honest_mean, 3_000, *seed)).count();
    // 2 are to be expected at most; 10 would be a chance of one in ten thousand.
    assert!(accused < 10, "{accused} of 2000");
}

/// Whether answers are ever accused.
fn judged_to_the_end(mean: f64, tokens: u64, seed: u64) -> bool {
    let (mut audit, mut random) = (audit(), StdRng::seed_from_u64(seed));
    (0..tokens).any(|_| {
        audit.observe(if random.random_bool(mean) { 2.0 } else { 0.0 });
        audit.evidence.most_against_honesty >= -FIGURES.false_alarm.ln()
    })
}

#[test]
fn the_nearest_lie_is_found_out_and_seldom_called_consistent() {
    let verdicts: Vec<_> = (0..500).map(|seed| judged(FIGURES.lie_mean, 20_000, seed).0).collect();
    let count = |verdict| verdicts.iter().filter(|one| **one == verdict).count();
    assert!(count(Verdict::NotWhatItClaims) >= 490, "{verdicts:?}");
    assert!(count(Verdict::Consistent) < 5);
}

#[test]
fn figures_that_make_no_sense_together_are_refused() {
    for (figures, error) in [
        (Figures { scale: Scale { tie: -1.0, ..SCALE }, ..FIGURES }, CalibrationError::Margins),
        (Figures { scale: Scale { clear: 0.05, ..SCALE }, ..FIGURES }, CalibrationError::Margins),
        (Figures { scale: Scale { clear: f64::NAN, ..SCALE }, ..FIGURES }, CalibrationError::Margins),
        (Figures { honest_mean: 0.0, ..FIGURES }, CalibrationError::Means),
        (Figures { honest_mean: 0.02, ..FIGURES }, CalibrationError::Means),
        (Figures { lie_mean: 1.0, ..FIGURES }, CalibrationError::Means),
        (Figures { false_alarm: 0.0, ..FIGURES }, CalibrationError::Errors),
        (Figures { missed_lie: f64::NAN, ..FIGURES }, CalibrationError::Errors),
    ] {
        assert_eq!(Calibration::new(figures).unwrap_err(), error, "{figures:?}");
    }
}

proptest! {
    #[test]
    fn a_score_is_between_0_and_1_and_grows_with_the_margin(margin in prop::num::f64::ANY, more in 0.0f64..10.0) {
        let score = SCALE.score(margin);
        prop_assert!((0.0..=1.0).contains(&score));
        prop_assert!(margin.is_nan() || SCALE.score(margin + more) >= score);
    }

    #[test]
    fn an_audit_that_is_put_down_and_taken_up_goes_on_as_if_it_had_not_been(
        margins in prop::collection::vec(0.0f64..2.0, 0..200), at in 0usize..200,
    ) {
        let at = at.min(margins.len());
        let mut whole = audit();
        margins.iter().for_each(|margin| whole.observe(*margin));
        let mut first = audit();
        margins[..at].iter().for_each(|margin| first.observe(*margin));
        let mut second = Audit::resume(CALIBRATION, *first.evidence());
        margins[at..].iter().for_each(|margin| second.observe(*margin));
        prop_assert_eq!(second, whole);
    }

    #[test]
    fn what_is_found_not_to_be_what_it_claims_stays_so(
        margins in prop::collection::vec(0.0f64..2.0, 0..400),
    ) {
        let (mut audit, mut accused) = (audit(), false);
        for margin in margins {
            audit.observe(margin);
            accused |= audit.verdict() == Verdict::NotWhatItClaims;
            prop_assert!(!accused || audit.verdict() == Verdict::NotWhatItClaims);
        }
    }

    #[test]
    fn a_worse_answer_is_never_better_evidence(
        margins in prop::collection::vec(0.0f64..2.0, 1..100), at in 0usize..100, more in 0.0f64..2.0,
    ) {
        let at = at % margins.len();
        let (mut better, mut worse) = (audit(), audit());
        for (index, margin) in margins.iter().enumerate() {
            better.observe(*margin);
            worse.observe(if index == at { margin + more } else { *margin });
        }
        let honesty = |audit: &Audit| together(&audit.evidence.against_honesty);
        prop_assert!(honesty(&worse) >= honesty(&better) - 1e-9);
    }
}
