//! Leaving a node alone that fails one task after the other, and finding out with one task whether it is well again.
//!
//! Refusals, users' own errors and clients that leave say nothing of a node.

use std::{collections::VecDeque, time::Duration};

use cortensor_protocol::Millis;

use crate::policy::BreakerPolicy;

/// What a task says of the node that had it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing.
    #[default]
    Neutral,
    /// The node said no; it is not asked for this artifact again before it gives a sign that something changed.
    Refused,
    /// The node took it and lost it, or broke the rules.
    Failed,
    /// The node did it.
    Done,
}

/// What a node failed lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Breaker {
    failures: VecDeque<Millis>,
    parked_until: Option<Millis>,
    /// After its time alone it has a task: the one that decides.
    probing: bool,
}

impl Breaker {
    /// Whether the node may have a task.
    pub(crate) fn admits(&self, at: Millis) -> bool {
        self.parked_until.is_none_or(|until| until <= at && !self.probing)
    }

    /// The node got a task.
    pub(crate) const fn given(&mut self) {
        self.probing = self.parked_until.is_some();
    }

    /// A task of the node ended. Those that it got before it was parked decide nothing but failures.
    pub(crate) fn ended(&mut self, outcome: Outcome, at: Millis, policy: BreakerPolicy) {
        let probed = std::mem::take(&mut self.probing);
        match outcome {
            Outcome::Failed => self.failed(probed, at, policy),
            Outcome::Done if probed || self.parked_until.is_none() => *self = Self::default(),
            Outcome::Neutral | Outcome::Refused | Outcome::Done => {}
        }
    }

    fn failed(&mut self, probed: bool, at: Millis, policy: BreakerPolicy) {
        let window = Duration::from_secs(policy.window_seconds);
        self.failures.push_back(at);
        self.failures.retain(|failure| at.since(*failure) <= window);
        let most = policy.failures.get() as usize;
        if probed || self.failures.len() >= most {
            self.parked_until = Some(at + Duration::from_secs(policy.park_seconds));
        }
        // Older ones change nothing any more.
        self.failures.drain(..self.failures.len().saturating_sub(most));
    }

    /// When the node may be tried again, if that is still to come.
    pub(crate) fn next_probe(&self, at: Millis) -> Option<Millis> {
        self.parked_until.filter(|until| *until > at)
    }

    /// Whether there is nothing left to remember.
    pub(crate) fn is_forgotten(&self, at: Millis, policy: BreakerPolicy) -> bool {
        let window = Duration::from_secs(policy.window_seconds + policy.park_seconds);
        !self.probing && self.failures.back().is_none_or(|failure| at.since(*failure) > window)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    const POLICY: BreakerPolicy =
        BreakerPolicy { failures: NonZeroU32::new(3).unwrap(), window_seconds: 60, park_seconds: 15 };

    fn after(outcomes: &[(Outcome, i64)]) -> Breaker {
        let mut breaker = Breaker::default();
        for (outcome, second) in outcomes {
            breaker.ended(*outcome, Millis(second * 1000), POLICY);
        }
        breaker
    }

    #[test]
    fn three_failures_within_a_minute_park_a_node_for_a_while_and_nothing_else_does() {
        use Outcome::{Done, Failed, Neutral, Refused};
        for (outcomes, parked) in [
            (vec![(Failed, 0), (Failed, 30), (Failed, 60)], true),
            (vec![(Failed, 0), (Failed, 30), (Failed, 61)], false),
            (vec![(Failed, 0), (Failed, 1)], false),
            (vec![(Refused, 0), (Refused, 1), (Neutral, 2), (Neutral, 3), (Refused, 4)], false),
            (vec![(Failed, 0), (Failed, 1), (Done, 2), (Failed, 3)], false),
            (vec![(Failed, 0), (Failed, 1), (Neutral, 2), (Failed, 3)], true),
        ] {
            let at = Millis(outcomes.last().unwrap().1 * 1000);
            let breaker = after(&outcomes);
            assert_eq!(!breaker.admits(at), parked, "{outcomes:?}");
            assert_eq!(breaker.next_probe(at), parked.then(|| at + Duration::from_secs(15)));
            assert!(breaker.admits(at + Duration::from_secs(15)));
        }
    }

    #[test]
    fn one_probe_decides_and_until_it_has_there_is_no_second() {
        let parked = after(&[(Outcome::Failed, 0), (Outcome::Failed, 1), (Outcome::Failed, 2)]);
        let later = Millis(100_000);
        for (outcome, admits) in [(Outcome::Done, true), (Outcome::Failed, false), (Outcome::Refused, true)] {
            let mut breaker = parked.clone();
            breaker.given();
            assert!(!breaker.admits(later));
            breaker.ended(outcome, later, POLICY);
            assert_eq!(breaker.admits(later), admits, "{outcome:?}");
        }
    }

    #[test]
    fn what_is_long_past_is_forgotten() {
        let breaker = after(&[(Outcome::Failed, 0)]);
        assert!(!breaker.is_forgotten(Millis(75_000), POLICY) && breaker.is_forgotten(Millis(75_001), POLICY));
    }
}
