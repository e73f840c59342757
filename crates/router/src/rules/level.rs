//! Levels 0-10: from what the network saw of a node, event by event, to how far it trusts it.
//!
//! The record of a node is everything the next event needs: the same events in the same order give the same record, so
//! it can be stored, moved to another router, or made again from the events.

mod explain;

use std::time::Duration;

pub(crate) use cortensor_protocol::LevelFailure as Failure;
use cortensor_protocol::{Counters, EventKind, Level, LevelSighting, LevelTest, Millis, Percentage, known_code};
use serde::{Deserialize, Serialize};

use crate::policy::{Demotion, LevelPolicy, LevelRequirement};

/// What the network knows of a node's conduct.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LevelRecord {
    level: Level,
    /// Tests passed in a row at this level.
    consecutive: u32,
    streak: u32,
    best_streak: u32,
    /// Whether the latest tests were passed, the newest last; as many as the success percentage looks back on.
    recent: Vec<bool>,
    /// As many as the miner is shown, the newest first.
    last_tests: Vec<LevelTest>,
    /// Since the node is known: its reputation.
    counters: Counters,
    /// Failed audits that are not forgotten.
    failed_audits: u32,
    /// What went wrong last at this level or the ones above.
    last_failure: Option<Failure>,
    cool_down_until: Option<Millis>,
}

/// Something the network saw a node do, or not do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LevelEvent {
    pub(crate) kind: EventKind,
    /// `None`: as it should be.
    pub(crate) failure: Option<Failure>,
    pub(crate) at: Millis,
    /// What was seen, for the miner.
    pub(crate) seen: String,
    /// The same for programs; nothing where it was noted before there were codes.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "known_code")]
    pub(crate) sighting: Option<LevelSighting>,
}

impl LevelEvent {
    /// With what was seen in words and for programs.
    pub(crate) fn new(kind: EventKind, failure: Option<Failure>, at: Millis, sighting: LevelSighting) -> Self {
        Self { kind, failure, at, seen: sighting.to_string(), sighting: Some(sighting) }
    }

    /// Whether it is a test, passed or failed. A failed audit always is.
    fn is_test(&self, policy: &LevelPolicy) -> bool {
        match self.failure {
            None => policy.successes.contains(&self.kind),
            Some(Failure::FailedAudit) => true,
            Some(_) => policy.failures.contains(&self.kind),
        }
    }
}

impl LevelRecord {
    pub(crate) const fn level(&self) -> Level {
        self.level
    }

    /// Whether passed tests do not count at this time.
    pub(crate) fn cools_down(&self, now: Millis) -> bool {
        self.cool_down_until.is_some_and(|until| now < until)
    }

    /// Whether an event of a network task earns the network incentive, going by what was known before it.
    pub(crate) fn earns_incentive(&self, policy: &LevelPolicy, event: &LevelEvent) -> bool {
        let precommits = self.counters.of(EventKind::Precommit).success_rate();
        event.failure.is_none()
            && policy.incentive.contains(&event.kind)
            && !self.cools_down(event.at)
            && precommits.is_none_or(|rate| rate >= policy.incentive_precommit_percentage)
    }

    /// The record after one more event.
    pub(crate) fn after(&self, policy: &LevelPolicy, event: &LevelEvent) -> Self {
        let mut next = self.clone();
        next.counters.count(event.kind, event.failure.is_none());
        if event.is_test(policy) {
            next.list(policy, event);
            match event.failure {
                Some(failure) => next.fail(policy, failure, event.at),
                None if self.cools_down(event.at) => {}
                None => next.pass(policy),
            }
        }
        next
    }

    fn list(&mut self, policy: &LevelPolicy, event: &LevelEvent) {
        let LevelEvent { kind, failure, at, seen, sighting } = event.clone();
        let test = LevelTest { kind, at, passed: failure.is_none(), seen, sighting };
        self.last_tests.insert(0, test);
        self.last_tests.truncate(policy.shown_tests.into());
    }

    fn pass(&mut self, policy: &LevelPolicy) {
        self.remember(policy, true);
        self.consecutive = self.consecutive.saturating_add(1);
        self.streak = self.streak.saturating_add(1);
        self.best_streak = self.best_streak.max(self.streak);
        if let Some(next) = self.level.next()
            && self.missing(policy, next) == 0
        {
            self.rise(policy, next);
        }
    }

    fn rise(&mut self, policy: &LevelPolicy, level: Level) {
        self.level = level;
        self.consecutive = 0;
        self.last_failure = None;
        if level >= policy.forgiven_at {
            self.failed_audits = 0;
        }
    }

    fn fail(&mut self, policy: &LevelPolicy, failure: Failure, at: Millis) {
        self.remember(policy, false);
        (self.consecutive, self.streak, self.last_failure) = (0, 0, Some(failure));
        if failure == Failure::FailedAudit {
            self.failed_audits = self.failed_audits.saturating_add(1);
        }
        let Demotion { steps, cool_down_seconds } = self.demotion(policy, failure);
        self.level = self.level.lowered(steps);
        // Also at level 0: else a node that fell to it would wait longer than one that never rose.
        self.cool_down_until = self.cool_down_until.max(Some(at + Duration::from_secs(cool_down_seconds)));
    }

    fn demotion(&self, policy: &LevelPolicy, failure: Failure) -> Demotion {
        match failure {
            Failure::MissedDeadline => policy.missed_deadline,
            Failure::WrongAnswer => policy.wrong_answer,
            Failure::FailedAudit => {
                let doubled = 2_u64.saturating_pow(self.failed_audits.saturating_sub(1));
                let seconds = policy.failed_audit_cool_down_seconds.get().saturating_mul(doubled);
                let cool_down_seconds = seconds.min(policy.longest_cool_down_seconds.get());
                Demotion { steps: Level::HIGHEST.number(), cool_down_seconds }
            }
        }
    }

    fn remember(&mut self, policy: &LevelPolicy, passed: bool) {
        self.recent.push(passed);
        let older = self.recent.len().saturating_sub(policy.percentage_tests.get().into());
        self.recent.drain(..older);
    }

    /// Tests to pass in a row, from now on, until the level is reached.
    fn missing(&self, policy: &LevelPolicy, level: Level) -> u32 {
        let Some(asked) = asked(policy, level) else { return 0 };
        let for_row = asked.consecutive.saturating_sub(self.consecutive);
        for_row.max(self.missing_for_percentage(policy, asked.percentage))
    }

    fn missing_for_percentage(&self, policy: &LevelPolicy, asked: Percentage) -> u32 {
        let tests = policy.percentage_tests.get();
        let enough = |more: &u8| self.percentage(policy, *more).is_some_and(|share| share >= asked);
        // As many passed tests as it looks back on are always enough.
        (0..tests).find(enough).unwrap_or(tests).into()
    }

    /// The success percentage, once so many more tests will have been passed.
    fn percentage(&self, policy: &LevelPolicy, more: u8) -> Option<Percentage> {
        let still = policy.percentage_tests.get().saturating_sub(more);
        let seen = self.recent.iter().rev().take(still.into());
        let passed = seen.clone().filter(|passed| **passed).count() as u64;
        Percentage::of(passed + u64::from(more), seen.count() as u64 + u64::from(more))
    }
}

fn asked(policy: &LevelPolicy, level: Level) -> Option<LevelRequirement> {
    let index = usize::from(level.number()).checked_sub(1)?;
    policy.requirements.get(index).copied()
}

#[cfg(test)]
mod tests;
