//! When a node is tested again although its last test still holds.

use std::time::Duration;

use cortensor_protocol::Millis;

use crate::policy::Policy;

/// A random time after the cool-down, by a `roll` from 0 to 1. However long a node has waited, the next test is no nearer
/// and no further: nothing that it sees tells it when to behave. For the same reason it wins nothing by coming back anew.
pub(super) fn surprise_at(policy: &Policy, tested_at: Millis, now: Millis, roll: f64) -> Option<Millis> {
    let mean = Duration::from_secs(policy.surprise_test_mean_seconds).as_secs_f64();
    let earliest = tested_at + Duration::from_secs(policy.surprise_test_cool_down_seconds);
    let means = -(1.0 - roll.clamp(0.0, 1.0)).max(f64::EPSILON).ln();
    let wait = Duration::try_from_secs_f64(mean * means).ok();
    wait.filter(|_| mean > 0.0).map(|wait| earliest.max(now) + wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(mean: u64) -> Policy {
        Policy { surprise_test_mean_seconds: mean, surprise_test_cool_down_seconds: 10, ..Policy::default() }
    }

    #[test]
    fn a_surprise_comes_after_the_cool_down_and_not_at_a_time_that_can_be_known() {
        for (mean, now, roll, expected) in [
            (100, 0, 0.0, Some(10_000)),
            (100, 50_000, 0.0, Some(50_000)),
            (100, 50_000, 0.5, Some(50_000 + 69_314)),
            (100, 0, 0.5, Some(10_000 + 69_314)),
            (0, 0, 0.5, None),
        ] {
            let at = surprise_at(&policy(mean), Millis(0), Millis(now), roll).map(|at| at.0);
            assert_eq!(at, expected, "{mean} {now} {roll}");
        }
    }

    #[test]
    fn surprises_are_as_far_apart_as_the_policy_says_and_never_endlessly() {
        let rolls = 10_000;
        let wait =
            |roll: i32| surprise_at(&policy(100), Millis(-10_000), Millis(0), f64::from(roll) / f64::from(rolls));
        let waits: Vec<_> = (0..=rolls).map(|roll| wait(roll).unwrap().0).collect();
        let mean = waits.iter().sum::<i64>() / i64::from(rolls);
        assert!((99_000..101_000).contains(&mean), "{mean}");
        assert!(waits.iter().all(|wait| *wait < 40 * 100_000));
    }
}
