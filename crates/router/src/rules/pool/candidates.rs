//! Matching: which node gets a task.

use std::{collections::VecDeque, sync::Arc};

use cortensor_protocol::{NodeAddress, Offer};
use rand::seq::IndexedRandom as _;
use tokio::sync::{mpsc, oneshot};

use super::{Arrival, INBOX_LENGTH, Lease, Node, Pool, Running, Standing, State, Test, Waiter, Want, Wares};

/// A free slot.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    address: NodeAddress,
    offer: &'a Offer,
    running: usize,
}

impl Candidate<'_> {
    /// Whether a smaller share of its slots is taken than of the other's.
    fn is_freer_than(&self, other: &Self) -> bool {
        let share = |candidate: &Self, of: &Self| candidate.running as u64 * u64::from(of.offer.slots);
        share(self, other) < share(other, self)
    }
}

impl Standing {
    fn serves(&self, want: &Want, address: NodeAddress) -> bool {
        let allowed = match want.node {
            Some(node) => node == address,
            None => matches!(self.test, Test::Passed(_)),
        };
        allowed && !self.parked && want.fits(&Wares::from(&self.offer))
    }
}

impl Node {
    fn running_on(&self, offer: &Offer) -> usize {
        self.running.values().filter(|running| running.wares.artifact == offer.artifact).count()
    }
}

impl State {
    /// What is on offer, now or as soon as it is tested.
    pub(super) fn offered(&self) -> impl Iterator<Item = Wares> {
        let standings = self.nodes.values().flat_map(|node| &node.offers);
        standings.filter(|standing| !matches!(standing.test, Test::Failed(_))).map(|standing| (&standing.offer).into())
    }

    /// What users' tasks run on, offered still or not.
    pub(super) fn served(&self) -> impl Iterator<Item = Wares> {
        let running = self.nodes.values().flat_map(|node| node.running.values());
        running.filter(|running| running.for_user).map(|running| running.wares.clone())
    }

    pub(super) fn could_serve(&self, want: &Want) -> bool {
        self.pick(want).is_some()
    }

    /// Gives free slots to those who wait, in their order.
    pub(super) fn grant(&mut self, pool: &Arc<Pool>) -> Vec<(oneshot::Sender<Lease>, Lease)> {
        let mut granted = Vec::new();
        let mut waiting = VecDeque::with_capacity(self.queue.len());
        for waiter in std::mem::take(&mut self.queue) {
            if waiter.reply.is_closed() || self.is_in_vain(&waiter.want) {
                continue;
            }
            match self.lease(pool, &waiter) {
                Some(lease) => granted.push((waiter.reply, lease)),
                None => waiting.push_back(waiter),
            }
        }
        self.queue = waiting;
        granted
    }

    /// A test of what is not there any more.
    fn is_in_vain(&self, want: &Want) -> bool {
        let Some(address) = want.node else { return false };
        let offers = self.nodes.get(&address).map(|node| &node.offers);
        !offers.is_some_and(|offers| offers.iter().any(|standing| want.fits(&Wares::from(&standing.offer))))
    }

    fn lease(&mut self, pool: &Arc<Pool>, waiter: &Waiter) -> Option<Lease> {
        let (address, offer) = self.pick(&waiter.want)?;
        let node = self.nodes.get_mut(&address)?;
        let (inbox, arrivals) = mpsc::channel::<Arrival>(INBOX_LENGTH);
        let (wares, for_user) = (Wares::from(&offer), waiter.want.node.is_none());
        node.running.insert(waiter.task, Running { wares, for_user, inbox });
        let link = node.link.clone();
        Some(Lease::new(Arc::clone(pool), waiter.task, address, node.connection, offer, link, arrivals))
    }

    /// Of two random nodes with a free slot, the one with the smaller load. Nodes to be avoided only if no other
    /// connected one could do it.
    fn pick(&self, want: &Want) -> Option<(NodeAddress, Offer)> {
        let (others, free) = self.candidates(want);
        let preferred: Vec<_> =
            free.iter().filter(|candidate| !others || !want.avoid.contains(&candidate.address)).copied().collect();
        let mut two = preferred.choose_multiple(&mut rand::rng(), 2);
        let (first, second) = (two.next()?, two.next());
        let best = second.filter(|second| second.is_freer_than(first)).unwrap_or(first);
        Some((best.address, best.offer.clone()))
    }

    /// Whether there is any node but the ones to be avoided, busy or not; and every free slot.
    fn candidates<'a>(&'a self, want: &Want) -> (bool, Vec<Candidate<'a>>) {
        let mut others = false;
        let mut free = Vec::new();
        for (address, node) in &self.nodes {
            for standing in node.offers.iter().filter(|standing| standing.serves(want, *address)) {
                others |= !want.avoid.contains(address);
                let running = node.running_on(&standing.offer);
                if running < standing.offer.slots as usize {
                    free.push(Candidate { address: *address, offer: &standing.offer, running });
                }
            }
        }
        (others, free)
    }
}
