//! What the network saw a node do.

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{EventKind, Percentage};
use crate::{Precision, TaskKind, UnpaidReason};

/// What counted for a level, or was looked at and did not. Its `Display` is the English sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum LevelSighting {
    /// The questions of a test.
    Questions {
        /// Wholly right answers.
        right: u32,
        /// Of so many.
        questions: u32,
        /// Right ones that are asked for.
        needed: u32,
    },
    /// An answer to an open question.
    OpenQuestion {
        /// What it got of the highest marks.
        marks: Percentage,
        /// What is asked for of them.
        needed: Percentage,
    },
    /// A step of a task, in time.
    StepInTime {
        /// Where the task came from.
        task: TaskKind,
        /// Which step.
        step: EventKind,
    },
    /// A step of a task, not in time.
    StepMissed {
        /// Where the task came from.
        task: TaskKind,
        /// Which step.
        step: EventKind,
    },
    /// A task that the node had taken came to nothing.
    TaskFailed {
        /// Where it came from.
        task: TaskKind,
        /// Why.
        reason: UnpaidReason,
    },
    /// Rounds of Proof of Inference in which the node's answer was another than those of nodes with the same file.
    RoundsParted {
        /// So many,
        parted: u32,
        /// of the last so many.
        rounds: u32,
    },
    /// It was there when a round was drawn.
    RoundDrawn,
    /// It was there when its task of a round came.
    RoundJoined,
    /// It was gone before its task of a round came.
    RoundLeft,
    /// Answers are not those of what was claimed.
    AuditFailed {
        /// What was claimed.
        precision: Precision,
        /// The validators' engine.
        engine: String,
    },
    /// A sign of life.
    Heartbeat,
    /// None in time.
    NoHeartbeat,
}

impl fmt::Display for LevelSighting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Questions { right, questions, needed } => {
                write!(f, "{right} of {questions} questions right, at least {needed} asked for")
            }
            Self::OpenQuestion { marks, needed } => {
                write!(f, "an open question: the answer got {marks} of the highest marks, at least {needed} asked for")
            }
            Self::StepInTime { task, step } => write!(f, "{}: {}", origin(*task), in_time(*step)),
            Self::StepMissed { task, step } => write!(f, "{}: {}", origin(*task), missed(*step)),
            Self::TaskFailed { task, reason } => write!(f, "{}: {reason}", origin(*task)),
            Self::RoundsParted { parted, rounds } => write!(
                f,
                "rounds of Proof of Inference: in {parted} of the last {rounds} rounds the first tokens, or what it was \
                 about, were others than those of nodes with the same file"
            ),
            Self::RoundDrawn => f.write_str("a round: there when it was drawn"),
            Self::RoundJoined => f.write_str("a round: there when its task came"),
            Self::RoundLeft => f.write_str("a round: gone before its task came"),
            Self::AuditFailed { precision, engine } => {
                let reason = UnpaidReason::AuditFailed { precision: *precision, engine: engine.clone() };
                reason.fmt(f)
            }
            Self::Heartbeat => f.write_str("a heartbeat"),
            Self::NoHeartbeat => f.write_str("no heartbeat in time"),
        }
    }
}

const fn origin(task: TaskKind) -> &'static str {
    match task {
        TaskKind::User => "a user's request",
        TaskKind::NetworkTest => "a network test",
    }
}

const fn in_time(step: EventKind) -> &'static str {
    match step {
        EventKind::Prepare => "taken in time",
        EventKind::Precommit => "answered in time",
        _ => "the answer was handed in in time",
    }
}

const fn missed(step: EventKind) -> &'static str {
    match step {
        EventKind::Prepare => "not taken in time",
        EventKind::Precommit => "not answered in time",
        _ => "the answer was not handed in in time",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LevelTest, Millis};

    fn test(sighting: LevelSighting) -> LevelTest {
        let seen = sighting.to_string();
        LevelTest { kind: EventKind::Correctness, at: Millis(1), passed: false, seen, sighting: Some(sighting) }
    }

    #[test]
    fn every_sighting_has_its_sentence_and_reads_back_the_same() {
        let percent = |number| Percentage::new(number).unwrap();
        let (user, network_test) = (TaskKind::User, TaskKind::NetworkTest);
        for (sighting, words) in [
            (
                LevelSighting::Questions { right: 1, questions: 6, needed: 2 },
                "1 of 6 questions right, at least 2 asked for",
            ),
            (
                LevelSighting::OpenQuestion { marks: percent(19), needed: percent(20) },
                "an open question: the answer got 19 % of the highest marks, at least 20 % asked for",
            ),
            (LevelSighting::StepInTime { task: user, step: EventKind::Prepare }, "a user's request: taken in time"),
            (
                LevelSighting::StepMissed { task: user, step: EventKind::Precommit },
                "a user's request: not answered in time",
            ),
            (
                LevelSighting::StepMissed { task: network_test, step: EventKind::Commit },
                "a network test: the answer was not handed in in time",
            ),
            (
                LevelSighting::TaskFailed { task: network_test, reason: UnpaidReason::ConnectionLost },
                "a network test: the connection to the node was lost",
            ),
            (
                LevelSighting::RoundsParted { parted: 3, rounds: 10 },
                "rounds of Proof of Inference: in 3 of the last 10 rounds the first tokens, or what it was about, were \
                 others than those of nodes with the same file",
            ),
            (LevelSighting::RoundDrawn, "a round: there when it was drawn"),
            (LevelSighting::RoundJoined, "a round: there when its task came"),
            (LevelSighting::RoundLeft, "a round: gone before its task came"),
            (
                LevelSighting::AuditFailed { precision: Precision::Q8_0, engine: "e 1".to_owned() },
                "the precision audit failed: Q8_0 was claimed and its answers are not Q8_0's (e 1)",
            ),
            (LevelSighting::Heartbeat, "a heartbeat"),
            (LevelSighting::NoHeartbeat, "no heartbeat in time"),
        ] {
            let test = test(sighting);
            assert_eq!(test.seen, words);
            let written = serde_json::to_string(&test).unwrap();
            assert_eq!(serde_json::from_str::<LevelTest>(&written).unwrap(), test, "{written}");
        }
    }

    #[test]
    fn what_an_older_or_a_newer_router_says_is_read_without_its_code() {
        let newer = r#","sighting":{"code":"task_failed","task":"user","reason":{"code":"a newer one"}}"#;
        for sighting in ["", newer, r#","sighting":{"code":"dance"}"#] {
            let written = format!(r#"{{"kind":"ping","at":1,"passed":true,"seen":"dance"{sighting}}}"#);
            let test: LevelTest = serde_json::from_str(&written).unwrap();
            assert_eq!((test.seen.as_str(), test.sighting), ("dance", None), "{written}");
        }
    }
}
