//! Proof of Inference: now and then a few idle nodes with the same artifact answer the same prompt, and their answers are
//! compared: token by token where they are greedy, by meaning where they are sampled, which takes a validator with an
//! embedding model. A node cannot tell such a task from a user's. The answers of longer ones are also judged: a round is
//! Proof of Useful Work too.
//!
//! Tokens come to this router alone, and a precommit binds the address of its node, so there is nothing to copy: commits
//! are taken as they come and held here until every precommit is in (docs/adr/0005).

mod agreement;
mod ask;
mod nearness;
mod prompt;
mod round;
mod verdict;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use cortensor_protocol::{ArtifactDigest, DeviceKind, Millis, NodeAddress, Offer};
use rand::{Rng, seq::IteratorRandom as _};
use tokio::time::sleep;

use self::round::Round;
use super::pool::Idle;
use crate::{clock::wall_time, context::Context, policy::RoundsPolicy};

/// Fewest nodes of which the answers can be compared.
const FEWEST: usize = 2;
/// How soon to look again at the latest: meanwhile there may be more nodes.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Who answers the next round, and with what.
#[derive(Clone, Debug, PartialEq)]
struct Draw {
    offer: Offer,
    nodes: Vec<NodeAddress>,
}

/// When each node was last in a round.
type Latest = HashMap<NodeAddress, Millis>;

/// Holds rounds until the router stops.
pub(crate) async fn hold(context: Arc<Context>) {
    let policy = &context.policy.rounds;
    let mut latest = Latest::new();
    if policy.mean_seconds == 0 {
        return;
    }
    loop {
        let nodes = context.pool.idle().len();
        let wait = wait(policy, nodes, &mut rand::rng());
        tokio::select! {
            () = sleep(wait) => begin(&context, &mut latest),
            () = context.stopping.closing.cancelled() => return,
        }
    }
}

/// Begins a round if there are nodes for one.
fn begin(context: &Arc<Context>, latest: &mut Latest) {
    let (policy, at) = (&context.policy.rounds, wall_time());
    let cool_down = Duration::from_secs(policy.cool_down_seconds);
    latest.retain(|_, since| *since + cool_down > at);
    let mut ready = context.pool.idle();
    ready.retain(|idle| idle.connected_at + cool_down <= at && !latest.contains_key(&idle.node));
    let Some(draw) = draw(&ready, policy.participants, &mut rand::rng()) else { return };
    latest.extend(draw.nodes.iter().map(|node| (*node, at)));
    // Each takes nodes that have nothing else to do, so there are never many at a time.
    context.tasks.spawn(Round::run(Arc::clone(context), draw, rand::random()));
}

/// The time to the next round: exponential, so that it says nothing of when it comes, and shorter the more nodes there are,
/// so that each takes part as often as the policy says.
fn wait(policy: &RoundsPolicy, nodes: usize, random: &mut impl Rng) -> Duration {
    let most = f64::from(policy.participants.max(1));
    let nodes = f64::from(u32::try_from(nodes).unwrap_or(u32::MAX));
    let mean = Duration::from_secs(policy.mean_seconds).as_secs_f64() * most / nodes.max(most);
    let chance: f64 = random.random();
    Duration::from_secs_f64((-mean * (1.0 - chance).ln()).max(0.0)).min(LONGEST_WAIT)
}

/// Some of those that offer the same file on the same kind of device: on others greedy answers part where two tokens are nearly
/// as likely. A file is drawn as often as it is offered, so that each node has the same chance.
fn draw(ready: &[Idle], most: u32, random: &mut impl Rng) -> Option<Draw> {
    let mut offering = HashMap::<(ArtifactDigest, DeviceKind), BTreeSet<NodeAddress>>::new();
    for idle in ready {
        offering.entry(file(&idle.offer)).or_default().insert(idle.node);
    }
    let comparable = ready.iter().filter(|idle| offering[&file(&idle.offer)].len() >= FEWEST);
    let offer = comparable.choose(random)?.offer.clone();
    // Who calls the same file by another name or number is in its own round, if in any.
    let same = |idle: &&Idle| file(&idle.offer) == file(&offer) && is_same_claim(&idle.offer, &offer);
    let nodes: BTreeSet<_> = ready.iter().filter(same).map(|idle| idle.node).collect();
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let nodes = nodes.into_iter().choose_multiple(random, most);
    (nodes.len() >= FEWEST).then_some(Draw { offer, nodes })
}

/// What has to be the same for answers to be.
const fn file(offer: &Offer) -> (ArtifactDigest, DeviceKind) {
    (offer.artifact, offer.device)
}

fn is_same_claim(one: &Offer, other: &Offer) -> bool {
    (&one.model, one.precision) == (&other.model, other.precision)
}

#[cfg(test)]
mod tests;
