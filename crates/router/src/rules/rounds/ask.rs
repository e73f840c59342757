//! What the nodes of one round are asked, and how they are to answer.

use cortensor_protocol::{Prompt, Sampling};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};

use super::prompt::{Question, question};
use crate::policy::Policy;

/// One round's question.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ask {
    pub(super) question: Question,
    pub(super) sampling: Sampling,
}

impl Ask {
    /// What a seed asks. Sampled only if somebody can compare such answers.
    pub(super) fn new(policy: &Policy, seed: u64, can_compare: bool) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let rounds = &policy.rounds;
        let length = rounds.answer_tokens.choose(&mut random).copied().unwrap_or(policy.answer_tokens);
        let greedy = Sampling::greedy(length.clamp(1, policy.most_answer_tokens.max(1)));
        let temperature = rounds.temperatures.choose(&mut random).copied().unwrap_or_default();
        let sampled = random.random_bool(rounds.sampled_share.clamp(0.0, 1.0)) && can_compare;
        let sampling = if sampled { Sampling { temperature: temperature.clamp(0.0, 2.0), ..greedy } } else { greedy };
        Self { question: question(seed), sampling }
    }

    pub(super) fn prompt(&self) -> Prompt {
        self.question.prompt()
    }

    /// At which it is sampled; `None`: greedy.
    pub(super) fn temperature(&self) -> Option<f32> {
        (!self.sampling.is_greedy()).then_some(self.sampling.temperature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::RoundsPolicy;

    fn temperatures(rounds: RoundsPolicy, can_compare: bool) -> Vec<Option<f32>> {
        let policy = Policy { rounds, ..Policy::default() };
        (0..400).map(|seed| Ask::new(&policy, seed, can_compare).temperature()).collect()
    }

    #[test]
    fn about_as_many_rounds_as_the_policy_says_are_sampled_and_none_that_nobody_can_compare() {
        let rounds = |sampled_share| RoundsPolicy { sampled_share, temperatures: vec![0.7], ..RoundsPolicy::default() };
        let sampled = |share, can_compare| temperatures(rounds(share), can_compare).into_iter().flatten().count();
        assert!((160..240).contains(&sampled(0.5, true)), "{}", sampled(0.5, true));
        assert_eq!((sampled(1.0, true), sampled(0.0, true), sampled(1.0, false)), (400, 0, 0));
        assert!(temperatures(rounds(1.0), true).iter().all(|temperature| *temperature == Some(0.7)));
        // Without a temperature there is nothing to sample at.
        let none = RoundsPolicy { sampled_share: 1.0, temperatures: Vec::new(), ..RoundsPolicy::default() };
        assert!(temperatures(none, true).iter().all(Option::is_none));
    }
}
