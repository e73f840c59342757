//! What would raise a node's level.

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Level, Percentage};

/// The smallest change that would raise a level. Its `Display` is the English sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum LevelStep {
    /// To pass tests.
    Pass {
        /// So many in a row.
        tests: u32,
        /// The next level.
        level: Level,
        /// They count only when the cool-down is over.
        after_cool_down: bool,
        /// Why it is more tests than the row alone needs, if it is.
        share: Option<LevelShare>,
        /// What went wrong last, if anything did.
        last_failure: Option<LevelFailure>,
    },
    /// There is no higher one.
    Highest,
}

/// What a level asks for of the latest tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LevelShare {
    /// So much is to be passed.
    pub needed: Percentage,
    /// So much was.
    pub had: Percentage,
}

/// How something failed that a node was to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LevelFailure {
    /// Not in time.
    MissedDeadline,
    /// In time and wrong.
    WrongAnswer,
    /// Not what the artifact that the node claims to run would say.
    FailedAudit,
}

impl LevelFailure {
    /// What to do about it.
    const fn advice(self) -> &'static str {
        match self {
            Self::MissedDeadline => {
                "The last failure was a missed deadline: close other programs, or choose a smaller model."
            }
            Self::WrongAnswer => {
                "The last failure was a wrong answer: a more exact precision or another model may answer better."
            }
            Self::FailedAudit => {
                "An audit saw answers that the claimed model file does not give: download it again, and offer only what \
                 runs."
            }
        }
    }
}

impl fmt::Display for LevelStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Pass { tests, level, after_cool_down, share, last_failure } = self else {
            return f.write_str("This is the highest level; passed tests keep it.");
        };
        f.write_str(if *after_cool_down { "When the cool-down is over, pass " } else { "Pass " })?;
        match tests {
            1 => f.write_str("one test")?,
            tests => write!(f, "{tests} tests in a row")?,
        }
        write!(f, " to reach level {level}")?;
        if let Some(LevelShare { needed, had }) = share {
            write!(f, ": it asks for {needed} of the latest tests, and {had} were passed")?;
        }
        f.write_str(".")?;
        last_failure.map_or(Ok(()), |failure| write!(f, " {}", failure.advice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Counters, Standing};

    fn standing(step: LevelStep) -> Standing {
        Standing {
            level: Level::LOWEST,
            progress: None,
            streak: 0,
            best_streak: 0,
            counters: Counters::default(),
            last_tests: Vec::new(),
            cool_down_until: None,
            next_step: step.to_string(),
            step: Some(step),
        }
    }

    #[test]
    fn every_step_has_its_sentence_and_reads_back_the_same() {
        let percent = |number| Percentage::new(number).unwrap();
        let share = Some(LevelShare { needed: percent(60), had: percent(50) });
        let pass = |tests, after_cool_down, share, last_failure| LevelStep::Pass {
            tests,
            level: Level::new(2).unwrap(),
            after_cool_down,
            share,
            last_failure,
        };
        for (step, words) in [
            (pass(1, false, None, None), "Pass one test to reach level 2."),
            (
                pass(2, false, share, Some(LevelFailure::MissedDeadline)),
                "Pass 2 tests in a row to reach level 2: it asks for 60 % of the latest tests, and 50 % were passed. The \
                 last failure was a missed deadline: close other programs, or choose a smaller model.",
            ),
            (
                pass(3, true, None, Some(LevelFailure::WrongAnswer)),
                "When the cool-down is over, pass 3 tests in a row to reach level 2. The last failure was a wrong answer: \
                 a more exact precision or another model may answer better.",
            ),
            (
                pass(1, true, None, Some(LevelFailure::FailedAudit)),
                "When the cool-down is over, pass one test to reach level 2. An audit saw answers that the claimed model \
                 file does not give: download it again, and offer only what runs.",
            ),
            (LevelStep::Highest, "This is the highest level; passed tests keep it."),
        ] {
            assert_eq!(step.to_string(), words);
            let text = serde_json::to_string(&standing(step)).unwrap();
            assert_eq!(serde_json::from_str::<Standing>(&text).unwrap(), standing(step), "{text}");
        }
    }

    #[test]
    fn what_an_older_or_a_newer_router_says_is_read_without_its_code() {
        let mut value = serde_json::to_value(standing(LevelStep::Highest)).unwrap();
        for step in [Some(serde_json::json!({"code": "dance"})), Some(serde_json::json!(7)), None] {
            match step {
                Some(step) => value["step"] = step,
                None => drop(value.as_object_mut().unwrap().remove("step")),
            }
            let read: Standing = serde_json::from_value(value.clone()).unwrap();
            assert_eq!(read, Standing { step: None, ..standing(LevelStep::Highest) });
        }
    }
}
