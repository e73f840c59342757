//! One slot on one node, for one task.

use std::sync::Arc;

use cortensor_protocol::{NodeAddress, Offer, RouterMessage, TaskId};
use tokio::sync::mpsc;

use super::{Arrival, Link, Pool, State};
use crate::clock::now;

/// One slot on one node for one task. Dropping it gives the slot back.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    task: TaskId,
    connection: u64,
    link: Link,
    arrivals: mpsc::Receiver<Arrival>,
    refused: bool,
    pub(crate) node: NodeAddress,
    pub(crate) offer: Offer,
}

impl Lease {
    pub(super) fn new(
        pool: Arc<Pool>,
        task: TaskId,
        node: NodeAddress,
        connection: u64,
        offer: Offer,
        link: Link,
        arrivals: mpsc::Receiver<Arrival>,
    ) -> Self {
        Self { pool, task, connection, link, arrivals, refused: false, node, offer }
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

    /// The node refused: it is not asked for this artifact again before it gives a sign that something changed.
    pub(crate) fn refused(mut self) {
        self.refused = true;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.pool.update(|state| self.give_back(state)) {
            self.pool.offers_changed.send_replace(());
        }
    }
}

impl Lease {
    /// Says whether the artifact is not offered any more.
    fn give_back(&self, state: &mut State) -> bool {
        let node = state.nodes.get_mut(&self.node).filter(|node| node.connection == self.connection);
        let Some((node, ended)) = node.and_then(|node| node.running.remove(&self.task).map(|ended| (node, ended)))
        else {
            return false;
        };
        if let Some(ours) = node.offers.iter_mut().find(|standing| standing.offer.artifact == self.offer.artifact) {
            // A slot that was used and is free again is a sign that something changed.
            ours.parked = self.refused;
            return false;
        }
        if ended.for_user {
            // The node finishes what runs before it switches; how long it is waited for counts from here.
            state.withdrawn.insert(ended.wares, now());
        }
        true
    }
}
