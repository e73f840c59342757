//! How nodes go up and down the levels. docs/levels.md says the same for people, and a test holds it to this.

use std::num::{NonZeroU8, NonZeroU64};

use cortensor_protocol::{EventKind, Level, Percentage};
use serde::{Deserialize, Serialize};

/// How nodes go up and down the levels 0-10. A node goes up by one level when it has passed enough tests in a row *at
/// its level* and enough of its latest tests; so what one failure costs is earned back without starting over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LevelPolicy {
    /// Kinds of event of which a success is a passed test. Only the verdict on an answer is, so that one round counts
    /// once however many messages it takes.
    pub successes: Vec<EventKind>,
    /// Kinds of event of which a failure is a failed test. Not ping: a computer that sleeps has broken no promise.
    pub failures: Vec<EventKind>,
    /// Tests that the success percentage looks back on. Not all there ever were: a node with a bad past could never
    /// make up for it.
    pub percentage_tests: NonZeroU8,
    /// What missing the deadline of a step in a round costs. Little: it may be a moment's load.
    pub missed_deadline: Demotion,
    /// What a wrong answer costs. More: a user would have paid for it.
    pub wrong_answer: Demotion,
    /// How long, in seconds, passed tests do not count after a failed audit, which also puts a node to level 0: it
    /// does not run what it claims. Each further failed audit doubles this.
    pub failed_audit_cool_down_seconds: NonZeroU64,
    /// The longest that gets, in seconds: there is always a way back.
    pub longest_cool_down_seconds: NonZeroU64,
    /// The level at which earlier failed audits are forgotten.
    pub forgiven_at: Level,
    /// Kinds of event of which a success in a network task earns `test_reward`, the network incentive, outside of
    /// cool-downs.
    pub incentive: Vec<EventKind>,
    /// The share of precommits in time that the network incentive asks for (the network's test net has 60).
    pub incentive_precommit_percentage: Percentage,
    /// Latest tests that the miner is shown.
    pub shown_tests: u8,
    /// What each level asks for, level 1 first. Low ones come within a day, so that a new node gets work; high ones
    /// take weeks without lapses.
    pub requirements: [LevelRequirement; Level::HIGHEST.number() as usize],
}

/// What a failure costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demotion {
    /// Levels down.
    pub steps: u8,
    /// How long passed tests do not count afterwards, in seconds.
    pub cool_down_seconds: u64,
}

/// What a level asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelRequirement {
    /// Tests passed in a row at the level below.
    pub consecutive: u32,
    /// Share of the latest tests that was passed.
    pub percentage: Percentage,
}

impl Default for LevelPolicy {
    fn default() -> Self {
        Self {
            successes: vec![EventKind::Correctness],
            failures: vec![EventKind::Prepare, EventKind::Precommit, EventKind::Commit, EventKind::Correctness],
            percentage_tests: const { NonZeroU8::new(40).unwrap() },
            missed_deadline: Demotion { steps: 1, cool_down_seconds: 300 },
            wrong_answer: Demotion { steps: 2, cool_down_seconds: 900 },
            failed_audit_cool_down_seconds: const { NonZeroU64::new(24 * 3600).unwrap() },
            longest_cool_down_seconds: const { NonZeroU64::new(30 * 24 * 3600).unwrap() },
            forgiven_at: const { level(5) },
            incentive: vec![EventKind::Correctness],
            incentive_precommit_percentage: const { percentage(60) },
            shown_tests: 10,
            requirements: const {
                [
                    asks(3, 60),
                    asks(4, 65),
                    asks(5, 70),
                    asks(8, 75),
                    asks(10, 80),
                    asks(12, 85),
                    asks(15, 88),
                    asks(20, 90),
                    asks(25, 93),
                    asks(30, 95),
                ]
            },
        }
    }
}

// Evaluated by the compiler, which refuses what is out of range.
const fn asks(consecutive: u32, number: u8) -> LevelRequirement {
    LevelRequirement { consecutive, percentage: percentage(number) }
}

const fn percentage(number: u8) -> Percentage {
    match Percentage::new(number) {
        Ok(percentage) => percentage,
        Err(_) => panic!("more than 100 %"),
    }
}

const fn level(number: u8) -> Level {
    match Level::new(number) {
        Ok(level) => level,
        Err(_) => panic!("no such level"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;

    #[test]
    fn levels_can_be_changed_figure_by_figure_and_not_to_what_cannot_be() {
        let policy = Policy::from_toml("[level]\nshown_tests = 3\nfailures = [\"ping\"]").unwrap();
        assert_eq!((policy.level.shown_tests, policy.level.failures.as_slice()), (3, &[EventKind::Ping][..]));
        assert_eq!(policy.level.requirements, LevelPolicy::default().requirements);
        for wrong in [
            "percentage_tests = 0",
            "failed_audit_cool_down_seconds = 0",
            "forgiven_at = 11",
            "incentive = [\"pong\"]",
            "incentive_precommit_percentage = 101",
            "wrong_answer = { steps = 1 }",
            "requirements = [{ consecutive = 1, percentage = 50 }]",
            "unknown = 1",
        ] {
            assert!(Policy::from_toml(&format!("[level]\n{wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_level_asks_for_more_than_the_one_below() {
        let LevelPolicy { requirements, .. } = LevelPolicy::default();
        let more = |pair: &[LevelRequirement]| {
            pair[0].consecutive < pair[1].consecutive && pair[0].percentage < pair[1].percentage
        };
        assert!(requirements.windows(2).all(more));
    }

    #[test]
    fn the_levels_document_says_what_the_policy_says() {
        let document = include_str!("../../../../docs/levels.md");
        let policy = Policy::default();
        let LevelPolicy { requirements, missed_deadline, wrong_answer, percentage_tests, .. } = &policy.level;
        let rows = (1..)
            .zip(requirements)
            .map(|(level, asked)| format!("| {level} | {} | {} |", asked.consecutive, asked.percentage));
        let down = |demotion: &Demotion| format!("| {} | {} s |", demotion.steps, demotion.cool_down_seconds);
        let audit = policy.level.failed_audit_cool_down_seconds;
        let days = policy.level.longest_cool_down_seconds.get() / (24 * 3600);
        let figures = [
            down(missed_deadline),
            down(wrong_answer),
            format!("| all | {audit} s, doubled each time, at most {days} days |"),
            format!("so much of its latest {percentage_tests} tests"),
            format!("right answers to {} kinds", policy.test_pass_mark),
            format!("{} s after a failed test", policy.retest_seconds),
            format!("up to {} hours", policy.longest_retest_seconds / 3600),
            format!("{} days old", policy.test_valid_seconds / (24 * 3600)),
            format!("every {} hours", policy.surprise_test_mean_seconds / 3600),
            format!("sooner than {} minutes", policy.surprise_test_cool_down_seconds / 60),
            format!("forgotten at level {}", policy.level.forgiven_at),
            format!("fewer than {} of the precommits", policy.level.incentive_precommit_percentage),
        ];
        for figure in rows.chain(figures) {
            assert!(document.contains(&figure), "docs/levels.md does not say: {figure}");
        }
    }
}
