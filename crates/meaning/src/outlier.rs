//! Which of several answers to one prompt lies apart from the others.

use serde::{Deserialize, Serialize};

use crate::Embedding;

/// When an answer lies apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutlierRule {
    /// An answer of which the median cosine similarity to the others is below this lies apart. The network names 0.85 as
    /// an example, and it is the only figure that it names.
    pub similarity: f32,
}

impl Default for OutlierRule {
    fn default() -> Self {
        Self { similarity: 0.85 }
    }
}

/// How one answer lies to the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// The median of its cosine similarities to the others; 1 if there are none.
    pub similarity: f32,
    /// Whether it lies apart from a majority that agrees.
    pub outlier: bool,
}

/// How these answers lie to each other, in their order. Only a minority can lie apart: where no majority agrees, the prompt
/// allows for different answers and says nothing about anybody. With fewer than three nobody is blamed.
pub fn positions(answers: &[Embedding], rule: OutlierRule) -> Vec<Position> {
    let similarities: Vec<_> = (0..answers.len()).map(|answer| median_similarity(answers, answer)).collect();
    let apart = similarities.iter().filter(|similarity| **similarity < rule.similarity).count();
    let blamed = 2 * apart < answers.len() && answers.len() > 2;
    let position = |similarity| Position { similarity, outlier: blamed && similarity < rule.similarity };
    similarities.into_iter().map(position).collect()
}

fn median_similarity(answers: &[Embedding], of: usize) -> f32 {
    let others = answers.iter().enumerate().filter(|(other, _)| *other != of);
    let mut similarities: Vec<_> = others.map(|(_, other)| answers[of].similarity(other)).collect();
    similarities.sort_unstable_by(f32::total_cmp);
    // Of two in the middle the larger one: half of the others agree with it.
    similarities.get(similarities.len() / 2).copied().unwrap_or(1.0)
}
