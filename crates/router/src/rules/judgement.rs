//! Answers that no rule can check: how near several lie to each other, and how good one is.
//!
//! Validators ask for them and say what they measured; what follows from it is decided here and in `rounds`. Prompts and
//! answers are kept in memory only, few, and only while a validator asks.

mod desk;
mod judge;

use cortensor_protocol::{Evidence, Percentage, RubricScore, RubricVerdict, TaskId, TierEvidence};
use uuid::Uuid;

pub(crate) use self::{desk::JudgementDesk, judge::judge};
use super::audit::Claim;
use crate::{
    policy::JudgementPolicy,
    store::{StoreError, ValidatorId},
};

/// How near the answers of a round lie to each other, as one validator measured it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Comparison {
    pub(crate) similarities: Vec<f32>,
    pub(crate) validator: ValidatorId,
}

/// Which answer it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) claim: Claim,
    pub(crate) round: Uuid,
    pub(crate) task: TaskId,
}

/// An answer to an open question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenAnswer {
    pub(crate) subject: Subject,
    pub(crate) question: String,
    pub(crate) answer: String,
}

/// One judgement of such an answer, and what it comes to with those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) subject: Subject,
    pub(crate) score: RubricScore,
    pub(crate) verdict: RubricVerdict,
    /// How many there are.
    pub(crate) judgements: u32,
}

/// Why a report was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JudgementRefused {
    /// It was not asked for, or is there already.
    #[error("nobody waits for this judgement; it may have taken too long: claim another one")]
    Unknown,
    /// Somebody else was asked.
    #[error("another validator was asked for this judgement; report what was handed to you")]
    AnotherValidators,
    /// It does not answer what was asked.
    #[error("the report must answer what was asked: {wanted}; update the validator")]
    Unfit {
        /// What was asked for.
        wanted: String,
    },
    /// It was not kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a node's answers to open questions were worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RubricStanding {
    pub(crate) answers: u32,
    pub(crate) average: Percentage,
}

impl RubricStanding {
    /// What the miner is told of it; nothing before the first answer was judged.
    pub(crate) fn evidence(self, policy: &JudgementPolicy) -> Option<Evidence> {
        let Self { answers, average } = self;
        if answers == 0 {
            return None;
        }
        let needed = policy.moves_levels.then_some(policy.least_percent);
        let found = TierEvidence::OpenQuestions { average, answers, needed };
        Some(Evidence::new(found, needed.is_none_or(|least| average >= least)))
    }
}
