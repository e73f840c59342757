//! What a round's answers come to, compared token by token or by meaning.

use std::collections::BTreeMap;

use cortensor_fidelity::nearness;
use cortensor_protocol::{NodeAddress, TokenId};
use rand::seq::SliceRandom as _;

use super::{
    FEWEST,
    agreement::compare,
    verdict::{Compared, Outcome},
};
use crate::{context::Context, policy::RoundsPolicy};

/// Greedy answers, token by token.
pub(super) fn by_token(policy: &RoundsPolicy, answers: &[(NodeAddress, &[TokenId])]) -> Compared {
    let tokens: Vec<_> = answers.iter().map(|(_, tokens)| *tokens).collect();
    let compared = answers.iter().zip(compare(&tokens));
    let outcomes = compared.map(|((node, _), relation)| (*node, Outcome::of(policy, relation))).collect();
    Compared { outcomes, ..Compared::default() }
}

/// Sampled answers, by a validator. Shuffled, so that their order tells nothing of the nodes.
pub(super) async fn by_meaning(context: &Context, mut answers: Vec<(NodeAddress, String)>) -> Compared {
    answers.shuffle(&mut rand::rng());
    let (nodes, texts): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
    let uncompared = |outcome: Outcome| Compared {
        outcomes: nodes.iter().map(|node| (*node, outcome.clone())).collect(),
        ..Compared::default()
    };
    if nodes.len() < FEWEST {
        return uncompared(Outcome::Unlike);
    }
    let comparison = context.stopping.closing.run_until_cancelled(context.judgements.compare(texts)).await;
    let Some(comparison) = comparison.flatten() else { return uncompared(Outcome::NotCompared) };
    let nearness = nearness(&comparison.similarities, context.policy.rounds.least_similarity);
    Compared {
        outcomes: nodes.iter().copied().zip(nearness.into_iter().map(Outcome::from)).collect(),
        similarities: nodes.iter().copied().zip(comparison.similarities).collect::<BTreeMap<_, _>>(),
        validator: Some(comparison.validator),
    }
}
