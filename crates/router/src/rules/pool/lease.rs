//! One slot on one node, for one task.

use std::sync::Arc;

use cortensor_protocol::{NodeAddress, Offer, RouterMessage, TaskId};
use tokio::sync::mpsc;

use super::{Arrival, Link, Pool};

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
        let (address, connection, refused) = (self.node, self.connection, self.refused);
        self.pool.update(|state| {
            let Some(node) = state.nodes.get_mut(&address).filter(|node| node.connection == connection) else { return };
            node.running.remove(&self.task);
            let ours = node.offers.iter_mut().filter(|standing| standing.offer.artifact == self.offer.artifact);
            // A slot that was used and is free again is a sign that something changed.
            ours.for_each(|standing| standing.parked = refused);
        });
    }
}
