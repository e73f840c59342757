//! What a router and a validator say to each other: an answer to look at, and what was found.
//!
//! Over HTTP (`POST /api/v1/audits/claim`, `POST /api/v1/audits/{id}`), asked for by the validator, so that it needs no open port either. It is not told whose answer it looks at.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ArtifactDigest, ModelId, Precision, Prompt, TokenId};

/// One look at one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AuditId(pub Uuid);

impl fmt::Display for AuditId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for AuditId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

/// An answer that is said to be one artifact's, decoded greedily.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditJob {
    /// Which.
    pub id: AuditId,
    /// The model that was claimed.
    pub model: ModelId,
    /// The format that was claimed.
    pub precision: Precision,
    /// The file that was claimed: the one to look with.
    pub artifact: ArtifactDigest,
    /// What was asked.
    pub prompt: Prompt,
    /// Tokens of the answer that another node had given before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<TokenId>,
    /// The tokens to look at.
    pub tokens: Vec<TokenId>,
    /// Milliseconds until somebody else is asked.
    pub within_ms: u64,
}

/// A validator asks for answers to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditClaim {
    /// The artifacts it has; it is given nothing else to look at.
    pub held: Vec<ArtifactDigest>,
}

/// Answers to look at, all of one artifact, so that a validator that has room for one loads it once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AuditJobs {
    /// The oldest first; none: nothing came in while the validator waited.
    pub jobs: Vec<AuditJob>,
}

/// What a validator found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditReport {
    /// Name and version of its engine: margins of different ones are not compared.
    pub engine: String,
    /// What it saw.
    #[serde(flatten)]
    pub finding: AuditFinding,
}

/// What a validator saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "snake_case")]
pub enum AuditFinding {
    /// For each token, by how much the reference preferred its own likeliest one, in nats.
    Margins {
        /// As many as there are tokens.
        #[serde(deserialize_with = "crate::number::finite")]
        margins: Vec<f32>,
    },
    /// The validator does not have the artifact: the claim stays unproven.
    NotHeld,
    /// The answer cannot be scored: the prompt does not fit, or a token is in no vocabulary.
    Unusable {
        /// Why.
        message: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_validator_says_reads_back_the_same() {
        for finding in [
            AuditFinding::Margins { margins: vec![0.0, 0.5] },
            AuditFinding::NotHeld,
            AuditFinding::Unusable { message: "too long".to_owned() },
        ] {
            let report = AuditReport { engine: "e 1".to_owned(), finding };
            let text = serde_json::to_string(&report).unwrap();
            assert_eq!(serde_json::from_str::<AuditReport>(&text).unwrap(), report, "{text}");
        }
        let written = r#"{"engine":"e 1","found":"margins","margins":[0.25]}"#;
        let finding = AuditFinding::Margins { margins: vec![0.25] };
        assert_eq!(serde_json::from_str::<AuditReport>(written).unwrap().finding, finding);
    }
}
