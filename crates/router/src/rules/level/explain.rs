//! A node's level in words: why it is what it is, and the smallest change that would raise it.

use cortensor_protocol::{Level, LevelProgress, LevelShare, LevelStep, Millis, Standing};

use super::{LevelRecord, asked};
use crate::policy::{LevelPolicy, LevelRequirement};

impl LevelRecord {
    /// What the miner is shown.
    pub(crate) fn explain(&self, policy: &LevelPolicy, now: Millis) -> Standing {
        let step = self.step(policy, now);
        Standing {
            level: self.level,
            progress: self.level.next().and_then(|next| self.progress(policy, next)),
            streak: self.streak,
            best_streak: self.best_streak,
            counters: self.counters,
            last_tests: self.last_tests.clone(),
            cool_down_until: self.cool_down_until.filter(|until| now < *until),
            next_step: step.to_string(),
            step: Some(step),
        }
    }

    /// Tests to pass in a row until the level rises; `None` at the highest.
    pub(super) fn tests_to_rise(&self, policy: &LevelPolicy) -> Option<u32> {
        // A level is only ever reached by a test, also after the policy was made easier.
        self.level.next().map(|next| self.missing(policy, next).max(1))
    }

    fn progress(&self, policy: &LevelPolicy, level: Level) -> Option<LevelProgress> {
        let asked = asked(policy, level)?;
        Some(LevelProgress {
            level,
            consecutive_needed: asked.consecutive,
            consecutive_had: self.consecutive.min(asked.consecutive),
            percentage_needed: asked.percentage,
            percentage_had: self.percentage(policy, 0),
        })
    }

    fn step(&self, policy: &LevelPolicy, now: Millis) -> LevelStep {
        let (Some(level), Some(tests)) = (self.level.next(), self.tests_to_rise(policy)) else {
            return LevelStep::Highest;
        };
        LevelStep::Pass {
            tests,
            level,
            after_cool_down: self.cools_down(now),
            share: self.share(policy, level),
            last_failure: self.last_failure,
        }
    }

    /// Why more tests are asked for than the row alone needs.
    fn share(&self, policy: &LevelPolicy, next: Level) -> Option<LevelShare> {
        let LevelRequirement { consecutive, percentage: needed } = asked(policy, next)?;
        let for_row = consecutive.saturating_sub(self.consecutive);
        let had = self.percentage(policy, 0)?;
        (self.missing_for_percentage(policy, needed) > for_row).then_some(LevelShare { needed, had })
    }
}
