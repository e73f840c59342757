//! One slot on one node, for one task.

use std::sync::Arc;

use cortensor_protocol::{NodeAddress, Offer, RouterMessage, TaskId};
use tokio::sync::mpsc;

use super::{Arrival, Decision, Link, Outcome, Pool, State};
use crate::{clock::now, policy::BreakerPolicy};

/// One slot on one node for one task. Dropping it gives the slot back.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    task: TaskId,
    connection: u64,
    link: Link,
    arrivals: mpsc::Receiver<Arrival>,
    outcome: Outcome,
    pub(crate) node: NodeAddress,
    pub(crate) offer: Offer,
    /// Why this node; `None` for a test.
    pub(crate) decision: Option<Decision>,
}

/// Whose slot it is, and for which task.
pub(super) struct Place {
    pub(super) task: TaskId,
    pub(super) node: NodeAddress,
    pub(super) connection: u64,
}

impl Lease {
    pub(super) fn new(
        pool: Arc<Pool>,
        Place { task, node, connection }: Place,
        offer: Offer,
        link: Link,
        arrivals: mpsc::Receiver<Arrival>,
        decision: Option<Decision>,
    ) -> Self {
        Self { pool, task, connection, link, arrivals, outcome: Outcome::Neutral, node, offer, decision }
    }

    /// What the node says of the task next; `None` when it is gone.
    pub(crate) async fn next(&mut self) -> Option<Arrival> {
        self.arrivals.recv().await
    }

    /// Sends the node a message. A node that lets its queue fill up is let go, and all it holds with it.
    pub(crate) fn send(&self, message: RouterMessage) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.link.outgoing.try_send(message) {
            tracing::warn!(node = %self.node, "the node does not read its messages; letting it go");
            self.link.dismiss.cancel();
        }
    }

    /// Tells the node's connection that there is a settlement for it.
    pub(crate) fn settled(&self) {
        self.link.settled.notify_one();
    }

    /// What this task says of the node, when it is over.
    pub(crate) const fn judge(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let policy = self.pool.breaker;
        let given_back = self.pool.update(|state| {
            let withdrawn = self.give_back(state);
            // Of a test nothing follows but its result.
            if self.decision.is_some() {
                state.judge(self.node, self.outcome, policy);
            }
            withdrawn
        });
        if given_back {
            self.pool.offers_changed.send_replace(());
        }
    }
}

impl Lease {
    /// Says whether the artifact is not offered any more.
    fn give_back(&self, state: &mut State) -> bool {
        let connected = state.nodes.len();
        let node = state.nodes.get_mut(&self.node).filter(|node| node.connection == self.connection);
        let Some((node, ended)) = node.and_then(|node| node.running.remove(&self.task).map(|ended| (node, ended)))
        else {
            return false;
        };
        if let Some(reserve) = ended.reserve {
            state.reservations.keep(self.node, reserve, connected, now());
        }
        if let Some(ours) = node.offers.iter_mut().find(|standing| standing.offer.artifact == self.offer.artifact) {
            // A slot that was used and is free again is a sign that something changed.
            ours.parked = self.outcome == Outcome::Refused;
            return false;
        }
        if ended.for_user {
            // The node finishes what runs before it switches; how long it is waited for counts from here.
            state.withdrawn.insert(ended.wares, now());
        }
        true
    }
}

impl State {
    fn judge(&mut self, node: NodeAddress, outcome: Outcome, policy: BreakerPolicy) {
        let at = now();
        if outcome == Outcome::Failed {
            // Nodes come and go: only what may still decide something is kept.
            self.breakers.retain(|_, breaker| !breaker.is_forgotten(at, policy));
            self.breakers.entry(node).or_default();
        }
        if let Some(breaker) = self.breakers.get_mut(&node) {
            breaker.ended(outcome, at, policy);
            if let Some(until) = breaker.next_probe(at) {
                tracing::warn!(%node, seconds = until.since(at).as_secs(), "a node that fails is left alone");
            }
        }
    }
}
