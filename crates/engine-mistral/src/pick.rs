//! Picking the next token from its logits, and telling how likely it was.

use std::{borrow::Cow, collections::HashMap};

use cortensor_protocol::{Sampling, TokenId};
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Candidates looked at first when only the likeliest are wanted: most distributions are narrow, and sorting a whole
/// vocabulary for each token is slow.
const FIRST_CANDIDATES: usize = 64;

/// Picks the tokens of one answer. Its random numbers are its own: requests do not influence each other.
pub(crate) struct Picker {
    sampling: Sampling,
    occurred: HashMap<TokenId, f32>,
    random: StdRng,
}

impl Picker {
    /// For an answer sampled as `sampling` says.
    pub(crate) fn new(sampling: Sampling) -> Self {
        Self { sampling, occurred: HashMap::new(), random: StdRng::from_os_rng() }
    }

    /// The next token, or `None` when the logits are not numbers. Penalties count tokens of the answer, not of the
    /// prompt. Of equally likely tokens greedy picks the first.
    pub(crate) fn pick(&mut self, logits: &[f32]) -> Option<TokenId> {
        if logits.iter().any(|logit| logit.is_nan()) {
            return None;
        }
        let logits = self.penalise(logits);
        let picked = if self.sampling.is_greedy() { likeliest(&logits) } else { self.sample(&logits) }?;
        *self.occurred.entry(picked).or_default() += 1.0;
        Some(picked)
    }

    fn penalise<'a>(&self, logits: &'a [f32]) -> Cow<'a, [f32]> {
        let Sampling { presence_penalty, frequency_penalty, .. } = self.sampling;
        if presence_penalty.abs() + frequency_penalty.abs() <= 0.0 {
            return Cow::Borrowed(logits);
        }
        let mut penalised = logits.to_vec();
        for (token, count) in &self.occurred {
            if let Some(logit) = penalised.get_mut(*token as usize) {
                *logit -= presence_penalty + frequency_penalty * count;
            }
        }
        Cow::Owned(penalised)
    }

    fn sample(&mut self, logits: &[f32]) -> Option<TokenId> {
        let largest = finite_maximum(logits)?;
        let warmth = self.sampling.temperature.max(1e-4);
        let weights: Vec<f32> = logits.iter().map(|logit| ((logit - largest) / warmth).exp()).collect();
        let candidates = self.candidates(&weights);
        let total: f64 = candidates.iter().map(|token| weight(&weights, *token)).sum();
        let mut left = self.random.random::<f64>() * total;
        for token in &candidates {
            left -= weight(&weights, *token);
            if left < 0.0 {
                return Some(*token);
            }
        }
        candidates.into_iter().rev().find(|token| weight(&weights, *token) > 0.0)
    }

    fn candidates(&self, weights: &[f32]) -> Vec<TokenId> {
        let mut tokens: Vec<TokenId> = (0..).take(weights.len()).collect();
        if let Some(count) = self.sampling.top_k.filter(|count| *count > 0) {
            heaviest_first(&mut tokens, weights, count as usize);
            tokens.truncate(count as usize);
        }
        if let Some(share) = self.sampling.top_p.filter(|share| *share < 1.0) {
            keep_nucleus(&mut tokens, weights, f64::from(share));
        }
        tokens
    }
}

/// Natural logarithms of probabilities, before temperature and penalties.
pub(crate) struct LogProbabilities<'a> {
    logits: &'a [f32],
    normaliser: f64,
}

impl<'a> LogProbabilities<'a> {
    /// Of one row of logits; `None` when they are not numbers.
    pub(crate) fn new(logits: &'a [f32]) -> Option<Self> {
        let largest = f64::from(finite_maximum(logits)?);
        let sum: f64 = logits.iter().map(|logit| (f64::from(*logit) - largest).exp()).sum();
        Some(Self { logits, normaliser: largest + sum.ln() })
    }

    /// Of `token`.
    #[expect(clippy::cast_possible_truncation, reason = "the wire carries 32 bits")]
    pub(crate) fn of(&self, token: TokenId) -> f32 {
        let logit = self.logits.get(token as usize).copied().unwrap_or(f32::NEG_INFINITY);
        (f64::from(logit) - self.normaliser) as f32
    }

    /// The `count` likeliest tokens, likeliest first.
    pub(crate) fn likeliest(&self, count: usize) -> Vec<TokenId> {
        let mut tokens: Vec<TokenId> = (0..).take(self.logits.len()).collect();
        heaviest_first(&mut tokens, self.logits, count);
        tokens.truncate(count);
        tokens
    }
}

/// Largest value; of equals, the first. Two passes, because each of them is vectorised.
fn likeliest(logits: &[f32]) -> Option<TokenId> {
    let largest = finite_maximum(logits)?;
    let position = logits.iter().position(|logit| *logit >= largest)?;
    TokenId::try_from(position).ok()
}

fn finite_maximum(logits: &[f32]) -> Option<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    largest.is_finite().then_some(largest)
}

fn weight(weights: &[f32], token: TokenId) -> f64 {
    weights.get(token as usize).map_or(0.0, |weight| f64::from(*weight))
}

/// Puts the `count` heaviest tokens first and in order; the rest stays in any order.
fn heaviest_first(tokens: &mut [TokenId], weights: &[f32], count: usize) {
    let heavier = |left: &TokenId, right: &TokenId| {
        let by_weight = weights[*right as usize].total_cmp(&weights[*left as usize]);
        by_weight.then_with(|| left.cmp(right))
    };
    if count == 0 {
        return;
    }
    if count < tokens.len() {
        tokens.select_nth_unstable_by(count - 1, heavier);
    }
    let count = count.min(tokens.len());
    tokens[..count].sort_unstable_by(heavier);
}

/// Keeps the smallest set of tokens whose weights add up to `share` of all weights.
fn keep_nucleus(tokens: &mut Vec<TokenId>, weights: &[f32], share: f64) {
    let wanted = share * tokens.iter().map(|token| weight(weights, *token)).sum::<f64>();
    let mut looked_at = FIRST_CANDIDATES.min(tokens.len());
    loop {
        heaviest_first(tokens, weights, looked_at);
        let mut sum = 0.0;
        let enough = tokens[..looked_at].iter().position(|token| {
            sum += weight(weights, *token);
            sum >= wanted
        });
        if let Some(last) = enough {
            return tokens.truncate(last + 1);
        }
        if looked_at == tokens.len() {
            return;
        }
        looked_at = (looked_at * 8).min(tokens.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(sampling: &Sampling, logits: &[f32], times: usize) -> Vec<TokenId> {
        let mut picks: Vec<TokenId> = (0..times).map(|_| Picker::new(sampling.clone()).pick(logits).unwrap()).collect();
        picks.sort_unstable();
        picks.dedup();
        picks
    }

    fn warm() -> Sampling {
        Sampling { temperature: 1.0, ..Sampling::greedy(1) }
    }

    #[test]
    fn greedy_picks_the_first_of_the_likeliest() {
        assert_eq!(picked(&Sampling::greedy(1), &[0.0, 3.0, 3.0, -1.0], 3), [1]);
    }

    #[test]
    fn logits_that_are_not_numbers_pick_nothing() {
        for logits in [[f32::NAN, 1.0], [f32::NEG_INFINITY; 2], [f32::INFINITY, 1.0]] {
            assert_eq!(Picker::new(Sampling::greedy(1)).pick(&logits), None);
            assert_eq!(Picker::new(warm()).pick(&logits), None);
        }
    }

    #[test]
    fn top_k_and_top_p_bound_what_is_picked() {
        let logits = [2.0, 1.9, 1.8, 1.7];
        assert_eq!(picked(&warm(), &logits, 400), [0, 1, 2, 3]);
        assert_eq!(picked(&Sampling { top_k: Some(2), ..warm() }, &logits, 200), [0, 1]);
        assert_eq!(picked(&Sampling { top_p: Some(0.5), ..warm() }, &logits, 200), [0, 1]);
        assert_eq!(picked(&Sampling { top_p: Some(1e-6), ..warm() }, &logits, 50), [0]);
    }

    #[test]
    fn the_nucleus_of_a_flat_distribution_is_found_beyond_the_first_candidates() {
        let weights = vec![1.0; 2000];
        let mut tokens: Vec<TokenId> = (0..2000).collect();
        keep_nucleus(&mut tokens, &weights, 0.5);
        assert_eq!(tokens.len(), 1000);
    }

    #[test]
    fn frequencies_follow_the_probabilities() {
        let mut picker = Picker::new(warm());
        let logits = [0.75_f32.ln(), 0.25_f32.ln()];
        let ones = (0..4000).filter(|_| picker.pick(&logits) == Some(1)).count();
        assert!((800..1200).contains(&ones), "{ones} of 4000");
    }

    #[test]
    fn penalties_turn_away_from_tokens_of_the_answer() {
        let mut present = Picker::new(Sampling { presence_penalty: 1.0, ..Sampling::greedy(9) });
        let picks: Vec<_> = (0..4).map(|_| present.pick(&[1.0, 0.5, -3.0]).unwrap()).collect();
        assert_eq!(picks, [0, 1, 0, 0]);
        let mut frequent = Picker::new(Sampling { frequency_penalty: 1.0, ..Sampling::greedy(9) });
        let picks: Vec<_> = (0..4).map(|_| frequent.pick(&[1.0, 0.5, -3.0]).unwrap()).collect();
        assert_eq!(picks, [0, 1, 0, 1]);
    }

    #[test]
    fn log_probabilities_are_natural_and_sum_to_one() {
        let logits = [0.1, 2.0, -1.0];
        let all = LogProbabilities::new(&logits).unwrap();
        let sum: f32 = (0..3).map(|token| all.of(token).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-6);
        assert_eq!(all.likeliest(2), [1, 0]);
        assert_eq!(all.likeliest(9).len(), 3);
    }
}
