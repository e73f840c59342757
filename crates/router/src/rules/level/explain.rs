//! A node's level in words: why it is what it is, and the smallest change that would raise it.

use cortensor_protocol::{Level, LevelProgress, Millis, Standing};

use super::{Failure, LevelRecord, asked};
use crate::policy::{LevelPolicy, LevelRequirement};

impl LevelRecord {
    /// What the miner is shown.
    pub(crate) fn explain(&self, policy: &LevelPolicy, now: Millis) -> Standing {
        Standing {
            level: self.level,
            progress: self.level.next().and_then(|next| self.progress(policy, next)),
            streak: self.streak,
            best_streak: self.best_streak,
            counters: self.counters,
            last_tests: self.last_tests.clone(),
            cool_down_until: self.cool_down_until.filter(|until| now < *until),
            next_step: self.next_step(policy, now),
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

    fn next_step(&self, policy: &LevelPolicy, now: Millis) -> String {
        let (Some(next), Some(tests)) = (self.level.next(), self.tests_to_rise(policy)) else {
            return "This is the highest level; passed tests keep it.".to_owned();
        };
        let pass = if self.cools_down(now) { "When the cool-down is over, pass" } else { "Pass" };
        let tests = if tests == 1 { "one test".to_owned() } else { format!("{tests} tests in a row") };
        let why = self.percentage_reason(policy, next).unwrap_or_default();
        let advice = self.last_failure.map(|failure| format!(" {}", advice(failure))).unwrap_or_default();
        format!("{pass} {tests} to reach level {next}{why}.{advice}")
    }

    /// Why more tests are asked for than the row alone needs.
    fn percentage_reason(&self, policy: &LevelPolicy, next: Level) -> Option<String> {
        let LevelRequirement { consecutive, percentage } = asked(policy, next)?;
        let for_row = consecutive.saturating_sub(self.consecutive);
        let had = self.percentage(policy, 0)?;
        (self.missing_for_percentage(policy, percentage) > for_row)
            .then(|| format!(": it asks for {percentage} of the latest tests, and {had} were passed"))
    }
}

fn advice(failure: Failure) -> &'static str {
    match failure {
        Failure::MissedDeadline => {
            "The last failure was a missed deadline: close other programs, or choose a smaller model."
        }
        Failure::WrongAnswer => {
            "The last failure was a wrong answer: a more exact precision or another model may answer better."
        }
        Failure::FailedAudit => {
            "An audit saw answers that the claimed model file does not give: download it again, and offer only what runs."
        }
    }
}
