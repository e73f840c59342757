//! Figures of the rounds in which nodes are compared, and of the rubric.

use std::num::NonZeroU32;

use cortensor_protocol::{Mark, RubricRule, RubricWeights};
use serde::{Deserialize, Serialize};

/// When rounds of Proof of Inference are held, and what follows from them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoundsPolicy {
    /// How often a node takes part on average, in seconds; 0: there are no rounds. The time between two rounds is drawn
    /// from an exponential distribution, so that the last one says nothing of when the next one comes.
    pub mean_seconds: u64,
    /// Most nodes in a round (a draft of the network has 5). Two are the least: with one there is nothing to compare.
    pub participants: u32,
    /// How long a node is left alone after a round, and after it connected, when it is tested anyway; in seconds.
    pub cool_down_seconds: u64,
    /// How long answers may be: one of these is drawn for each round. Lengths that users ask for, so that none tells a
    /// round.
    pub answer_tokens: Vec<u32>,
    /// A node that parts from the majority within so many tokens parts early. Honest nodes with different processors
    /// part too, where two tokens are nearly as likely as each other, and most often later in an answer; other weights
    /// part at once.
    pub early_tokens: u32,
    /// The share of rounds whose answers are sampled, as those of most users are, and compared by meaning; 0 to 1. There are
    /// none while no validator asks that has an embedding model.
    pub sampled_share: f64,
    /// The temperatures of these: one is drawn for each round.
    pub temperatures: Vec<f32>,
    /// An answer of which the median cosine similarity to the others is below this is not like them. The network's
    /// example is 0.85; docs/audits.md says why this is lower.
    pub least_similarity: f32,
    /// Judged rounds that are looked back on, for each node and artifact.
    pub looks_back: u32,
    /// Early partings, and answers that lay apart, among these from which on each one is a wrong answer. With 3 of 10, a node that parts early in one
    /// round of fifty by chance is blamed in one of a thousand such spans, and one that does in half of its rounds in 95
    /// of a hundred. Once or twice proves nothing and costs nothing but that round's reward.
    pub flagged_after: NonZeroU32,
}

impl Default for RoundsPolicy {
    fn default() -> Self {
        Self {
            mean_seconds: 1800,
            participants: 5,
            cool_down_seconds: 300,
            answer_tokens: vec![32, 64, 100, 128, 256],
            early_tokens: 16,
            sampled_share: 0.5,
            temperatures: vec![0.5, 0.7, 1.0],
            least_similarity: 0.15,
            looks_back: 10,
            flagged_after: const { NonZeroU32::new(3).unwrap() },
        }
    }
}

/// One validator, because that is what most networks have; with three, one that errs is outvoted. What is wrong cannot be
/// useful: correctness counts most.
pub(super) const fn rubric() -> RubricRule {
    let weights = RubricWeights { correctness: const { NonZeroU32::new(3).unwrap() }, relevance: 1, usefulness: 2 };
    RubricRule { weights, validators: 1, apart: const { mark(2) } }
}

// Evaluated by the compiler, which refuses what is out of range.
const fn mark(number: u8) -> Mark {
    match Mark::new(number) {
        Ok(mark) => mark,
        Err(_) => panic!("no such mark"),
    }
}
