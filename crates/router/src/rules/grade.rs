//! From what a test saw to a tier, with the evidence.
//!
//! High-end is a matter of prefill work: parameters x prompt tokens a second. Prefill is bound by arithmetic, which is
//! where GPUs and CPUs differ most; times the parameters, because a small model runs many more tokens a second on the
//! same hardware. The rate is the slope between a short and a long prompt, so that the way to the node, its queue and
//! its start cancel out. The cut-off is this project's own design.

use std::{collections::BTreeMap, time::Duration};

use cortensor_protocol::{
    Capability, EventKind, Evidence, LevelSighting, Millis, Percentage, Precision, PrecisionClass, Tier, TierEvidence,
    TierReport, TierStep,
};

use super::{
    level::{Failure, LevelEvent},
    question::Kind,
};
use crate::policy::Policy;

/// What a test saw. Of each kind of question the best answer counts, where there was more than one set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    /// Sets of questions that were begun.
    pub(crate) sets: u32,
    /// The best answer of each kind.
    best: BTreeMap<Kind, Percentage>,
    /// Kinds with an answer that was wholly right.
    pub(crate) correct: u32,
    /// Hundredths of right answers, those of partly right ones included.
    pub(crate) score: u32,
    pub(crate) questions: u32,
    /// Of the short and the long prompt: tokens and the shortest time to the first token of the answer.
    pub(crate) short: Option<Prefill>,
    pub(crate) long: Option<Prefill>,
    /// Tokens a second after the first batch.
    pub(crate) decode: Option<f64>,
}

impl Seen {
    /// The first set, before anything of it was answered.
    pub(crate) const fn of(questions: u32) -> Self {
        Self { sets: 1, best: BTreeMap::new(), correct: 0, score: 0, questions, short: None, long: None, decode: None }
    }

    /// Counts one more answer.
    pub(crate) fn count(&mut self, kind: Kind, score: Percentage) {
        let best = self.best.entry(kind).or_default();
        if score.number() > best.number() {
            self.correct += u32::from(score.number() == 100);
            self.score += u32::from(score.number() - best.number());
            *best = score;
        }
    }
}

/// Time to the first token of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefill {
    pub(crate) tokens: u32,
    pub(crate) first_token: Duration,
}

/// Time below which two first tokens cannot be told apart over a socket.
const RESOLUTION: Duration = Duration::from_millis(1);

/// Prompt tokens a second.
pub(crate) fn prefill_rate(short: Prefill, long: Prefill) -> f64 {
    let tokens = f64::from(long.tokens.saturating_sub(short.tokens));
    let time = long.first_token.saturating_sub(short.first_token).max(RESOLUTION);
    tokens / time.as_secs_f64()
}

/// Whether enough was right.
pub(crate) const fn passes(policy: &Policy, seen: &Seen) -> bool {
    seen.correct >= policy.test_pass_mark
}

/// The report of one test. If it failed, the next one comes `again` later.
pub(crate) fn grade(
    policy: &Policy,
    precision: Precision,
    parameters: u64,
    seen: &Seen,
    again: Duration,
    at: Millis,
) -> TierReport {
    #[expect(clippy::cast_precision_loss, reason = "parameters are far below 2^52")]
    let parameters = parameters as f64;
    let rate = seen.short.zip(seen.long).map(|(short, long)| prefill_rate(short, long));
    let work = rate.map(|rate| rate * parameters);
    let fast = work.is_some_and(|work| work >= policy.high_end_work_rate);
    let passed = passes(policy, seen) && work.is_some();
    let capability = if fast { Capability::HighEnd } else { Capability::LowEnd };
    let tier = passed.then_some(Tier { capability, precision: precision.class() });
    let evidence =
        vec![answers(policy, seen), prefill(policy, rate, work, fast), decode(seen.decode), weights(precision)];
    TierReport::new(tier, evidence, at, step(policy, seen, (work, tier), again))
}

/// What a test says of a node's conduct: one event, whatever the number of its questions. A small model that gets as
/// many right as a small model does has told no lie.
pub(crate) fn verdict(policy: &Policy, seen: &Seen, at: Millis) -> LevelEvent {
    let failure = (!passes(policy, seen)).then_some(Failure::WrongAnswer);
    let Seen { correct: right, questions, .. } = *seen;
    let sighting = LevelSighting::Questions { right, questions, needed: policy.test_pass_mark };
    LevelEvent::new(EventKind::Correctness, failure, at, sighting)
}

fn answers(policy: &Policy, seen: &Seen) -> Evidence {
    let found = TierEvidence::Answers {
        right: seen.correct,
        questions: seen.questions,
        score_hundredths: seen.score,
        sets: seen.sets,
        needed: policy.test_pass_mark,
    };
    Evidence::new(found, passes(policy, seen))
}

fn prefill(policy: &Policy, rate: Option<f64>, work: Option<f64>, met: bool) -> Evidence {
    let found = TierEvidence::PrefillRate {
        tokens_a_second: rate.map(rounded),
        work_a_second: work.map(whole),
        needed_a_second: whole(policy.high_end_work_rate),
    };
    Evidence::new(found, met)
}

fn decode(rate: Option<f64>) -> Evidence {
    Evidence::new(TierEvidence::DecodeRate { tokens_a_second_tenths: rate.map(tenths) }, true)
}

/// Answer tokens a second, as a report's evidence has it: reports are kept as they are told, old ones in words only.
pub(crate) fn decode_rate(report: &TierReport) -> Option<f64> {
    report.evidence.iter().find_map(|evidence| match &evidence.found {
        Some(TierEvidence::DecodeRate { tokens_a_second_tenths }) => Some(f64::from((*tokens_a_second_tenths)?) / 10.0),
        None if evidence.what == "decode rate" => evidence.seen.strip_suffix(" tokens/s")?.parse().ok(),
        _ => None,
    })
}

fn weights(precision: Precision) -> Evidence {
    Evidence::new(TierEvidence::Precision { precision }, precision.class() == PrecisionClass::Full)
}

fn step(policy: &Policy, seen: &Seen, (work, tier): (Option<f64>, Option<Tier>), again: Duration) -> TierStep {
    let again_seconds = again.as_secs();
    let Some(tier) = tier else {
        return if passes(policy, seen) {
            TierStep::NotTimed { again_seconds }
        } else {
            TierStep::TooFewRight { again_seconds }
        };
    };
    let missing = policy.high_end_work_rate / work.unwrap_or(1.0).max(1.0);
    match (tier.capability, tier.precision) {
        (Capability::LowEnd, _) => TierStep::ReadFaster { times_tenths: tenths(missing) },
        (Capability::HighEnd, PrecisionClass::Quantized) => TierStep::FullWeights,
        (Capability::HighEnd, PrecisionClass::Full) => TierStep::Highest,
    }
}

fn tenths(number: f64) -> u32 {
    rounded(number * 10.0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded; what is out of range ends there")]
fn rounded(number: f64) -> u32 {
    number.round() as u32
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded; what is out of range ends there")]
fn whole(number: f64) -> u64 {
    number.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(correct: u32, short_ms: u64, long_ms: u64) -> Seen {
        let prefill = |tokens, ms| Some(Prefill { tokens, first_token: Duration::from_millis(ms) });
        let (short, long) = (prefill(20, short_ms), prefill(520, long_ms));
        Seen { correct, score: 100 * correct, short, long, decode: Some(30.0), ..Seen::of(6) }
    }

    #[test]
    fn the_tier_follows_from_answers_work_rate_and_precision() {
        let (low, high) = (Capability::LowEnd, Capability::HighEnd);
        let (full, quantized) = (PrecisionClass::Full, PrecisionClass::Quantized);
        for (seen, precision, parameters, expected) in [
            (seen(6, 100, 1100), Precision::F16, 135_000_000, Some((low, full))),
            (seen(2, 100, 1100), Precision::Q4_0, 135_000_000, Some((low, quantized))),
            (seen(6, 10, 30), Precision::Q8_0, 135_000_000, Some((high, quantized))),
            (seen(6, 100, 1100), Precision::F16, 8_000_000_000, Some((high, full))),
            (seen(1, 10, 30), Precision::F16, 135_000_000, None),
            (Seen { long: None, ..seen(6, 10, 30) }, Precision::F16, 135_000_000, None),
        ] {
            let again = Duration::from_secs(240);
            let report = grade(&Policy::default(), precision, parameters, &seen, again, Millis(1));
            let tier = report.tier.map(|tier| (tier.capability, tier.precision));
            assert_eq!(tier, expected, "{report:?}");
            assert!(!report.next_step.is_empty() && report.evidence.len() == 4);
            assert_eq!(report.next_step.contains("in 4 minutes"), report.tier.is_none(), "{}", report.next_step);
        }
    }

    #[test]
    fn a_decode_rate_is_read_from_reports_of_now_and_of_before() {
        let report = |evidence| {
            TierReport::new(
                None,
                vec![answers(&Policy::default(), &seen(6, 1, 2)), evidence],
                Millis(1),
                TierStep::Highest,
            )
        };
        let before = |words: &str| Evidence {
            what: "decode rate".to_owned(),
            seen: words.to_owned(),
            asked: "no minimum".to_owned(),
            met: true,
            found: None,
        };
        for (evidence, expected) in [
            (decode(Some(13.64)), Some(13.6)),
            (decode(None), None),
            (before("13.6 tokens/s"), Some(13.6)),
            (before("not measured"), None),
            (weights(Precision::F16), None),
        ] {
            assert_eq!(decode_rate(&report(evidence.clone())), expected, "{evidence:?}");
        }
    }

    #[test]
    fn a_test_is_one_event_that_fails_below_the_pass_mark() {
        for (correct, failure) in [(1, Some(Failure::WrongAnswer)), (2, None), (6, None)] {
            let event = verdict(&Policy::default(), &seen(correct, 10, 30), Millis(1));
            assert_eq!((event.kind, event.failure), (EventKind::Correctness, failure));
            assert_eq!(event.seen, format!("{correct} of 6 questions right, at least 2 asked for"));
        }
    }

    #[test]
    fn of_each_kind_the_best_answer_counts_and_one_kind_alone_is_not_enough() {
        let percent = |number| Percentage::new(number).unwrap();
        let mut seen = Seen::of(6);
        for (kind, score, counted) in [
            (Kind::Copy, 50, (0, 50)),
            (Kind::Copy, 100, (1, 100)),
            (Kind::Copy, 0, (1, 100)),
            (Kind::Copy, 100, (1, 100)),
            (Kind::Recall, 100, (2, 200)),
        ] {
            assert!(!passes(&Policy::default(), &seen));
            seen.count(kind, percent(score));
            assert_eq!((seen.correct, seen.score), counted);
        }
        assert!(passes(&Policy::default(), &seen));
    }

    #[test]
    fn the_way_to_the_node_cancels_out() {
        let rate = |seen: &Seen| prefill_rate(seen.short.unwrap(), seen.long.unwrap());
        let (near, far) = (seen(6, 10, 510), seen(6, 310, 810));
        assert!((rate(&near) - rate(&far)).abs() < 1e-9);
        assert!((rate(&near) - 1000.0).abs() < 1e-9);
        assert!(rate(&seen(6, 20, 10)).is_finite());
    }
}
