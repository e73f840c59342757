//! What a router and a validator say to each other of answers that no rule can check: how near several lie to each other,
//! and how good one is.
//!
//! Over HTTP (`POST /api/v1/judgements/claim`, `POST /api/v1/judgements/{id}`), asked for by the validator. It is told of
//! no node, and says what it measured: what follows from it is for the router.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::RubricScore;

/// One thing to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JudgementId(pub Uuid);

impl fmt::Display for JudgementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for JudgementId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

/// What a validator can judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JudgementKind {
    /// How near answers lie to each other: it has an embedding model.
    Meaning,
    /// How good an answer is: it has a language model.
    Rubric,
}

/// A validator asks for something to judge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgementClaim {
    /// What it can; it is given nothing else.
    pub kinds: Vec<JudgementKind>,
}

/// Something to judge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgementJob {
    /// Which.
    pub id: JudgementId,
    /// What is asked.
    #[serde(flatten)]
    pub asked: JudgementAsked,
    /// Milliseconds until nobody waits for it any more.
    pub within_ms: u64,
}

/// What is asked of a validator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "asked", rename_all = "snake_case")]
pub enum JudgementAsked {
    /// How near these answers to one prompt lie to each other. They are in no order that says anything.
    Meaning {
        /// At least two.
        answers: Vec<String>,
    },
    /// How good this answer is.
    Rubric {
        /// What was asked.
        question: String,
        /// What was answered.
        answer: String,
    },
}

impl JudgementAsked {
    /// What it takes to judge it.
    pub const fn kind(&self) -> JudgementKind {
        match self {
            Self::Meaning { .. } => JudgementKind::Meaning,
            Self::Rubric { .. } => JudgementKind::Rubric,
        }
    }
}

/// Things to judge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgementJobs {
    /// The most urgent first; none: nothing came in while the validator waited.
    pub jobs: Vec<JudgementJob>,
}

/// What a validator says of one of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgementReport {
    /// The model that it judged with.
    pub model: String,
    /// What it found.
    #[serde(flatten)]
    pub finding: JudgementFinding,
}

/// What a validator found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "snake_case")]
pub enum JudgementFinding {
    /// For each answer, in the order given, the median of its cosine similarities to the others.
    Meaning {
        /// As many as there are answers.
        similarities: Vec<f32>,
    },
    /// The marks of one answer.
    Rubric {
        /// One for each criterion.
        score: RubricScore,
    },
    /// It cannot be judged: it does not fit the validator's context, or its model failed.
    Unusable {
        /// Why.
        message: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mark;

    #[test]
    fn what_is_asked_and_what_is_found_read_back_the_same() {
        let score = RubricScore { correctness: Mark::HIGHEST, relevance: Mark::default(), usefulness: Mark::default() };
        for (asked, finding, written) in [
            (
                JudgementAsked::Meaning { answers: vec!["a".to_owned(), "b".to_owned()] },
                JudgementFinding::Meaning { similarities: vec![0.25, 0.25] },
                r#"{"model":"m","found":"meaning","similarities":[0.25,0.25]}"#,
            ),
            (
                JudgementAsked::Rubric { question: "q".to_owned(), answer: "a".to_owned() },
                JudgementFinding::Rubric { score },
                r#"{"model":"m","found":"rubric","score":{"correctness":5,"relevance":0,"usefulness":0}}"#,
            ),
            (
                JudgementAsked::Rubric { question: "q".to_owned(), answer: String::new() },
                JudgementFinding::Unusable { message: "too long".to_owned() },
                r#"{"model":"m","found":"unusable","message":"too long"}"#,
            ),
        ] {
            let job = JudgementJob { id: JudgementId(Uuid::nil()), asked, within_ms: 1_000 };
            let text = serde_json::to_string(&job).unwrap();
            assert_eq!(serde_json::from_str::<JudgementJob>(&text).unwrap(), job, "{text}");
            let report = JudgementReport { model: "m".to_owned(), finding };
            assert_eq!(serde_json::to_string(&report).unwrap(), written);
            assert_eq!(serde_json::from_str::<JudgementReport>(written).unwrap(), report);
        }
    }

    #[test]
    fn a_mark_that_does_not_exist_is_not_read() {
        let written = r#"{"model":"m","found":"rubric","score":{"correctness":6,"relevance":0,"usefulness":0}}"#;
        assert!(serde_json::from_str::<JudgementReport>(written).is_err());
    }
}
