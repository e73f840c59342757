//! How near several answers to one prompt lie to each other.

use crate::Embedding;

/// For each of these answers the median of its cosine similarities to the others; 1 if there are none. What follows from
/// it is for whoever has the rule.
pub fn median_similarities(answers: &[Embedding]) -> Vec<f32> {
    (0..answers.len()).map(|answer| median_similarity(answers, answer)).collect()
}

fn median_similarity(answers: &[Embedding], of: usize) -> f32 {
    let others = answers.iter().enumerate().filter(|(other, _)| *other != of);
    let mut similarities: Vec<_> = others.map(|(_, other)| answers[of].similarity(other)).collect();
    similarities.sort_unstable_by(f32::total_cmp);
    // Of two in the middle the larger one: half of the others agree with it.
    similarities.get(similarities.len() / 2).copied().unwrap_or(1.0)
}
