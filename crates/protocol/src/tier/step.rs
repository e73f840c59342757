//! What would raise a node's tier.

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::code::span;

/// The smallest change that would raise a tier. Its `Display` is the English sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum TierStep {
    /// Too few answers were right.
    TooFewRight {
        /// When the next test follows by itself, in seconds from the test.
        again_seconds: u64,
    },
    /// The throughput test was not answered in time.
    NotTimed {
        /// When the next test follows by itself, in seconds from the test.
        again_seconds: u64,
    },
    /// A precision audit found that the answers are not those of the artifact that was claimed.
    ServeAsNamed {
        /// When the claim is tested and believed again, in seconds from the verdict.
        again_seconds: u64,
    },
    /// The prompt has to be read faster for high-end.
    ReadFaster {
        /// How many times as fast, in tenths.
        times_tenths: u32,
    },
    /// Full weights are given high-accuracy work first.
    FullWeights,
    /// There is no higher one.
    Highest,
}

impl fmt::Display for TierStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewRight { again_seconds } => write!(
                f,
                "Too few answers were right; a more exact precision or another model may answer better; the next test \
                 follows by itself in {}.",
                span(*again_seconds)
            ),
            Self::NotTimed { again_seconds } => write!(
                f,
                "The throughput test was not answered in time; close other programs; the next test follows by itself in {}.",
                span(*again_seconds)
            ),
            Self::ServeAsNamed { again_seconds } => write!(
                f,
                "Serve the model in the precision that it is named with; in {} the claim is tested again and believed again.",
                span(*again_seconds)
            ),
            Self::ReadFaster { times_tenths } => {
                let times = f64::from(*times_tenths) / 10.0;
                write!(f, "High-end asks for {times:.1} times this prefill rate: a GPU that the engine can use.")
            }
            Self::FullWeights => {
                f.write_str("Switch to precision mode (full weights) to be given high-accuracy work first.")
            }
            Self::Highest => f.write_str("This is the highest tier."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Millis, TierReport};

    #[test]
    fn every_step_has_its_sentence_and_reads_back_the_same() {
        for (step, words) in [
            (
                TierStep::TooFewRight { again_seconds: 60 },
                "Too few answers were right; a more exact precision or another model may answer better; the next test \
                 follows by itself in 60 seconds.",
            ),
            (
                TierStep::NotTimed { again_seconds: 240 },
                "The throughput test was not answered in time; close other programs; the next test follows by itself in \
                 4 minutes.",
            ),
            (
                TierStep::ServeAsNamed { again_seconds: 86_400 },
                "Serve the model in the precision that it is named with; in 24 hours the claim is tested again and \
                 believed again.",
            ),
            (
                TierStep::ReadFaster { times_tenths: 318 },
                "High-end asks for 31.8 times this prefill rate: a GPU that the engine can use.",
            ),
            (TierStep::FullWeights, "Switch to precision mode (full weights) to be given high-accuracy work first."),
            (TierStep::Highest, "This is the highest tier."),
        ] {
            let report = TierReport::new(None, Vec::new(), Millis(1), step);
            assert_eq!(report.next_step, words);
            let text = serde_json::to_string(&report).unwrap();
            assert_eq!(serde_json::from_str::<TierReport>(&text).unwrap(), report, "{text}");
        }
    }

    #[test]
    fn a_report_of_an_older_or_a_newer_router_is_read_without_its_code() {
        for step in ["", r#","step":{"code":"dance","times":3}"#, r#","step":null"#] {
            let text = format!(r#"{{"tier":null,"evidence":[],"tested_at":1,"next_step":"dance"{step}}}"#);
            let report: TierReport = serde_json::from_str(&text).unwrap();
            assert_eq!((report.next_step.as_str(), report.step), ("dance", None), "{text}");
        }
    }
}
