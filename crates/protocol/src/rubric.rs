//! Rubric scores: how validators judge answers to open questions, and what follows from several such judgements.
//!
//! The three criteria are the network's. The scale, the weights and the rule that adds them up are this project's own.

use std::{fmt, num::NonZeroU32};

use serde::{Deserialize, Serialize};

use crate::Percentage;

/// How well an answer meets a criterion, 0 to 5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Mark(u8);

/// Why a number is not a [`Mark`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a mark; write a number from 0 to {highest}", highest = Mark::HIGHEST)]
pub struct MarkError(u8);

impl Mark {
    /// The best there is.
    pub const HIGHEST: Self = Self(5);

    /// The mark with this number.
    pub const fn new(number: u8) -> Result<Self, MarkError> {
        if number <= Self::HIGHEST.0 { Ok(Self(number)) } else { Err(MarkError(number)) }
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Mark {
    type Error = MarkError;

    fn try_from(number: u8) -> Result<Self, MarkError> {
        Self::new(number)
    }
}

impl From<Mark> for u8 {
    fn from(mark: Mark) -> Self {
        mark.0
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One validator's judgement of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RubricScore {
    /// Whether what it says is true.
    pub correctness: Mark,
    /// Whether it is about what was asked.
    pub relevance: Mark,
    /// Whether it helps the one who asked.
    pub usefulness: Mark,
}

/// How much each criterion counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RubricWeights {
    /// Of correctness; it always counts, so that there is something to divide by.
    pub correctness: NonZeroU32,
    /// Of relevance.
    pub relevance: u32,
    /// Of usefulness.
    pub usefulness: u32,
}

/// When judgements are enough to say something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RubricRule {
    /// How much each criterion counts.
    pub weights: RubricWeights,
    /// Validators to hear at least.
    pub validators: u32,
    /// Most that the marks of one criterion may lie apart; further apart, one more validator is asked.
    pub apart: Mark,
}

/// What several judgements of one answer say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RubricVerdict {
    /// Ask so many more validators: too few were heard, or they do not agree.
    AskMore(u32),
    /// The share of the highest marks.
    Scored(Percentage),
}

impl RubricRule {
    /// What these judgements say together. Of each criterion the median counts, so that one validator that lies or errs
    /// changes little once three were heard. They agree if at least the middle ones do: of three or more the lowest and
    /// the highest are left out.
    pub fn judge(&self, scores: &[RubricScore]) -> RubricVerdict {
        let heard = u32::try_from(scores.len()).unwrap_or(u32::MAX);
        if heard < self.validators.max(1) {
            return RubricVerdict::AskMore(self.validators.max(1) - heard);
        }
        let criteria = [
            (self.weights.correctness.get(), sorted(scores, |score| score.correctness)),
            (self.weights.relevance, sorted(scores, |score| score.relevance)),
            (self.weights.usefulness, sorted(scores, |score| score.usefulness)),
        ];
        if criteria.iter().any(|(weight, marks)| *weight > 0 && spread(marks) > self.apart.0) {
            return RubricVerdict::AskMore(1);
        }
        let total =
            |of: &dyn Fn(&[Mark]) -> u64| criteria.iter().map(|(weight, marks)| u64::from(*weight) * of(marks)).sum();
        let (had, most) = (total(&twice_the_median), total(&|_| 2 * u64::from(Mark::HIGHEST.0)));
        RubricVerdict::Scored(Percentage::of(had, most).unwrap_or_default())
    }
}

fn sorted(scores: &[RubricScore], criterion: impl Fn(&RubricScore) -> Mark) -> Vec<Mark> {
    let mut marks: Vec<_> = scores.iter().map(criterion).collect();
    marks.sort_unstable();
    marks
}

/// How far the marks lie apart, the lowest and the highest of three or more left out.
fn spread(sorted: &[Mark]) -> u8 {
    let middle = if sorted.len() > 2 { &sorted[1..sorted.len() - 1] } else { sorted };
    middle.last().zip(middle.first()).map_or(0, |(highest, lowest)| highest.0 - lowest.0)
}

/// Twice, because the median of an even number of marks may lie between two.
fn twice_the_median(sorted: &[Mark]) -> u64 {
    let at = |index: usize| sorted.get(index).map_or(0, |mark| u64::from(mark.0));
    at(sorted.len() / 2) + at(sorted.len().saturating_sub(1) / 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn score(correctness: u8, relevance: u8, usefulness: u8) -> RubricScore {
        let [correctness, relevance, usefulness] =
            [correctness, relevance, usefulness].map(|number| Mark::new(number).unwrap());
        RubricScore { correctness, relevance, usefulness }
    }

    fn rule(validators: u32) -> RubricRule {
        let weights = RubricWeights { correctness: NonZeroU32::new(2).unwrap(), relevance: 1, usefulness: 1 };
        RubricRule { weights, validators, apart: Mark(2) }
    }

    #[test]
    fn judgements_add_up_by_the_median_once_enough_of_them_agree() {
        let (ask, scored) = (RubricVerdict::AskMore, |number| RubricVerdict::Scored(Percentage::new(number).unwrap()));
        for (validators, scores, expected) in [
            (1, vec![], ask(1)),
            (3, vec![score(5, 5, 5)], ask(2)),
            (0, vec![], ask(1)),
            (1, vec![score(5, 5, 5)], scored(100)),
            (1, vec![score(0, 0, 0)], scored(0)),
            // Correctness counts as much as the other two together.
            (1, vec![score(5, 0, 0)], scored(50)),
            (2, vec![score(4, 4, 4), score(5, 5, 5)], scored(90)),
            (2, vec![score(2, 5, 5), score(5, 5, 5)], ask(1)),
            // One liar among three changes nothing.
            (3, vec![score(4, 4, 4), score(0, 0, 0), score(4, 4, 4)], scored(80)),
            // Two camps among four are no agreement.
            (3, vec![score(5, 5, 5), score(5, 5, 5), score(1, 1, 1), score(1, 1, 1)], ask(1)),
        ] {
            assert_eq!(rule(validators).judge(&scores), expected, "{scores:?}");
        }
    }

    #[test]
    fn a_criterion_without_weight_is_not_fought_over() {
        let weights = RubricWeights { correctness: NonZeroU32::MIN, relevance: 0, usefulness: 0 };
        let rule = RubricRule { weights, ..rule(2) };
        let verdict = rule.judge(&[score(5, 0, 5), score(5, 5, 0)]);
        assert_eq!(verdict, RubricVerdict::Scored(Percentage::new(100).unwrap()));
    }

    #[test]
    fn a_mark_is_a_number_from_0_to_5_on_the_wire_too() {
        let read = |text: &str| serde_json::from_str::<Mark>(text).ok().map(Mark::number);
        for (text, expected) in [("0", Some(0)), ("5", Some(5)), ("6", None), ("-1", None)] {
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(Mark::new(6).unwrap_err().to_string(), "6 is not a mark; write a number from 0 to 5");
    }

    proptest! {
        #[test]
        fn one_of_many_cannot_move_the_verdict_beyond_the_others(
            honest in proptest::collection::vec(0u8..=5, 3..9), lie in 0u8..=5,
        ) {
            let scores: Vec<_> = honest.iter().chain([&lie]).map(|mark| score(*mark, *mark, *mark)).collect();
            if let RubricVerdict::Scored(percentage) = rule(1).judge(&scores) {
                let bound = |mark: Option<&u8>| mark.map_or(0, |mark| mark * 20);
                prop_assert!(percentage.number() >= bound(honest.iter().min()));
                prop_assert!(percentage.number() <= bound(honest.iter().max()));
            }
        }
    }
}
