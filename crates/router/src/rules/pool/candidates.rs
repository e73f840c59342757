//! Matching: which node gets a task.

use std::{collections::VecDeque, sync::Arc};

use cortensor_protocol::{NodeAddress, Offer, TaskId, Tier, TierReport};
use tokio::sync::{mpsc, oneshot};

use super::{
    Arrival, Decision, INBOX_LENGTH, Lease, Node, Pool, Running, Standing, State, Test, Waiter, Want, Wares,
    lease::Place,
    ranking::{Availability, Contender, rank},
};
use crate::clock::now;

/// A node that can take a task.
struct Picked {
    address: NodeAddress,
    wares: Wares,
    offer: Offer,
    decision: Option<Decision>,
}

impl Standing {
    /// What it offers, with what its test says of the hardware.
    pub(super) fn wares(&self) -> Wares {
        Wares::new(&self.offer, self.tier().map(|tier| tier.capability))
    }

    pub(super) const fn tier(&self) -> Option<Tier> {
        if let Test::Passed(TierReport { tier, .. }) = &self.test { *tier } else { None }
    }
}

impl Node {
    fn running_on(&self, offer: &Offer) -> u32 {
        let running = self.running.values().filter(|running| running.wares.artifact == offer.artifact).count();
        u32::try_from(running).unwrap_or(u32::MAX)
    }
}

impl State {
    /// What is on offer, now or as soon as it is tested.
    pub(super) fn offered(&self) -> impl Iterator<Item = Wares> {
        let standings = self.nodes.values().flat_map(|node| &node.offers);
        standings.filter(|standing| !matches!(standing.test, Test::Failed(_))).map(Standing::wares)
    }

    /// What users' tasks run on, offered still or not.
    pub(super) fn served(&self) -> impl Iterator<Item = Wares> {
        let running = self.nodes.values().flat_map(|node| node.running.values());
        running.filter(|running| running.for_user).map(|running| running.wares.clone())
    }

    pub(super) fn could_serve(&self, task: TaskId, want: &Want) -> bool {
        self.pick(task, want).is_some()
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
        !offers.is_some_and(|offers| offers.iter().any(|standing| want.fits(&standing.wares())))
    }

    fn lease(&mut self, pool: &Arc<Pool>, waiter: &Waiter) -> Option<Lease> {
        let Picked { address, wares, offer, decision } = self.pick(waiter.task, &waiter.want)?;
        let node = self.nodes.get_mut(&address)?;
        let (inbox, arrivals) = mpsc::channel::<Arrival>(INBOX_LENGTH);
        let for_user = waiter.want.node.is_none();
        let reserve = waiter.want.reserve.filter(|_| for_user);
        node.running.insert(waiter.task, Running { wares, for_user, reserve, inbox });
        let (link, connection) = (node.link.clone(), node.connection);
        if for_user {
            node.last_task = Some(now());
            if let Some(breaker) = self.breakers.get_mut(&address) {
                breaker.given();
            }
        }
        if let Some(reserve) = reserve {
            self.reservations.keep(address, reserve, self.nodes.len(), now());
        }
        if let Some(apart) = &waiter.want.apart {
            apart.give(waiter.task, address);
        }
        let at = Place { task: waiter.task, node: address, connection };
        Some(Lease::new(Arc::clone(pool), at, offer, link, arrivals, decision))
    }

    fn pick(&self, task: TaskId, want: &Want) -> Option<Picked> {
        let Some(address) = want.node else { return self.pick_among_all(task, want) };
        // A test is for one node, tested or not, whatever it did before.
        let node = self.nodes.get(&address)?;
        let free = |standing: &&Standing| {
            !standing.parked && want.fits(&standing.wares()) && node.running_on(&standing.offer) < standing.offer.slots
        };
        let standing = node.offers.iter().find(free)?;
        Some(Picked { address, wares: standing.wares(), offer: standing.offer.clone(), decision: None })
    }

    fn pick_among_all(&self, task: TaskId, want: &Want) -> Option<Picked> {
        let offers = self.offers_of(want);
        let contenders: Vec<_> = offers
            .iter()
            .map(|(address, node, standing)| self.contender(task, want, **address, node, standing))
            .collect();
        let ranking = rank(want.choice, &contenders, &mut rand::rng());
        let (address, _, standing) = offers.get(ranking.chosen?)?;
        let decision = Decision::new(want.choice, &contenders, &ranking);
        Some(Picked { address: **address, wares: standing.wares(), offer: standing.offer.clone(), decision })
    }

    /// Everyone who offers the model, in whatever form.
    fn offers_of<'a>(&'a self, want: &Want) -> Vec<(&'a NodeAddress, &'a Node, &'a Standing)> {
        let nodes = self.nodes.iter();
        let offers = nodes.flat_map(|(address, node)| node.offers.iter().map(move |offer| (address, node, offer)));
        offers.filter(|(.., standing)| standing.offer.model == want.model).collect()
    }

    fn contender(
        &self,
        task: TaskId,
        want: &Want,
        address: NodeAddress,
        node: &Node,
        standing: &Standing,
    ) -> Contender {
        Contender {
            node: address,
            precision: standing.offer.precision,
            tier: standing.tier(),
            level: node.level,
            decode: standing.decode,
            running: node.running_on(&standing.offer),
            slots: standing.offer.slots,
            last_task: node.last_task,
            availability: self.availability(task, want, address, node, standing),
            lost_it: want.avoid.contains(&address),
            keeper: self.reservations.keeper(address, want.reserve, now()),
        }
    }

    fn availability(
        &self,
        task: TaskId,
        want: &Want,
        address: NodeAddress,
        node: &Node,
        standing: &Standing,
    ) -> Availability {
        let elsewhere = || want.apart.as_ref().is_some_and(|apart| apart.has_other(task, address));
        match standing {
            Standing { test: Test::Awaited | Test::Failed(_), .. } => Availability::Untested,
            Standing { offer, .. } if !want.suits(offer) => Availability::Unsuited,
            _ if elsewhere() => Availability::Elsewhere,
            Standing { parked: true, .. } => Availability::Refusing,
            _ if self.breakers.get(&address).is_some_and(|breaker| !breaker.admits(now())) => Availability::Parked,
            Standing { offer, .. } if node.running_on(offer) >= offer.slots => Availability::Busy,
            _ => Availability::Free,
        }
    }
}
