//! A node's place in the pool, from registration to the end of its connection.

use std::{collections::HashMap, sync::Arc};

use cortensor_protocol::{
    ArtifactDigest, AttemptId, HardwareSummary, Heartbeat, Level, NodeAddress, NodeMessage, Offer,
};
use tokio::time::Instant;

use super::{Arrival, Link, Node, Pool, Standing, Test, Wares};
use crate::clock::{now, wall_time};

/// What a node said of itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Registration {
    pub(crate) software: String,
    pub(crate) hardware: HardwareSummary,
}

/// A node's place in the pool. Dropping it takes the node out; its tasks go to others.
pub(crate) struct Membership {
    pool: Arc<Pool>,
    address: NodeAddress,
    connection: u64,
}

impl Pool {
    /// Takes a node in, or says how to reach the connection that has its identity already.
    pub(crate) fn register(
        self: &Arc<Self>,
        address: NodeAddress,
        registration: Registration,
        link: Link,
    ) -> Result<Membership, Link> {
        self.update(|state| {
            if let Some(older) = state.nodes.get(&address) {
                return Err(older.link.clone());
            }
            state.connections += 1;
            let connection = state.connections;
            let node = Node {
                connection,
                link,
                registration,
                connected_at: wall_time(),
                heartbeat: Heartbeat::default(),
                level: Level::LOWEST,
                offers: Vec::new(),
                running: HashMap::new(),
            };
            state.nodes.insert(address, node);
            Ok(Membership { pool: Arc::clone(self), address, connection })
        })
    }

    /// Takes out whatever connection has this identity.
    pub(crate) fn evict(self: &Arc<Self>, address: NodeAddress, link: &Link) {
        link.dismiss.cancel();
        let connection = {
            let state = self.lock();
            state
                .nodes
                .get(&address)
                .filter(|node| node.link.outgoing.same_channel(&link.outgoing))
                .map(|node| node.connection)
        };
        if let Some(connection) = connection {
            drop(Membership { pool: Arc::clone(self), address, connection });
        }
    }
}

impl Membership {
    fn update<T>(&self, change: impl FnOnce(&mut Node) -> T) -> Option<T> {
        self.pool.update(|state| {
            let node = state.nodes.get_mut(&self.address).filter(|node| node.connection == self.connection);
            node.map(change)
        })
    }

    /// Replaces what the node serves. What is known of an artifact stays known.
    pub(crate) fn offer(&self, offers: Vec<Offer>) {
        self.withdraw();
        self.update(|node| {
            let tests: HashMap<_, _> =
                node.offers.drain(..).map(|standing| (standing.offer.artifact, standing.test)).collect();
            let standing = |offer: Offer| {
                let test = tests.get(&offer.artifact).cloned().unwrap_or(Test::Awaited);
                Standing { offer, test, parked: false }
            };
            node.offers = offers.into_iter().map(standing).collect();
        });
        self.pool.offers_changed.send_replace(());
    }

    /// Notes when what is offered or served now was so last: now.
    fn withdraw(&self) {
        let at = now();
        self.pool.update(|state| {
            let keep = self.pool.absent_model;
            state.withdrawn.retain(|_, since| *since + keep > at);
            let node = state.nodes.get(&self.address).filter(|node| node.connection == self.connection);
            let standings = node.into_iter().flat_map(|node| &node.offers);
            // Only what a node has proved to serve is worth waiting for, and so nobody can fill this with names.
            let lasting = standings.filter(|standing| matches!(standing.test, Test::Passed(_)));
            let served = node.into_iter().flat_map(|node| node.running.values()).filter(|running| running.for_user);
            let served = served.map(|running| running.wares.clone());
            let wares: Vec<_> = lasting.map(|standing| Wares::from(&standing.offer)).chain(served).collect();
            state.withdrawn.extend(wares.into_iter().map(|wares| (wares, at)));
        });
    }

    /// What a test said of an artifact.
    pub(crate) fn tested(&self, artifact: ArtifactDigest, test: &Test) {
        self.update(|node| {
            let standings = node.offers.iter_mut().filter(|standing| standing.offer.artifact == artifact);
            standings.for_each(|standing| standing.test = test.clone());
        });
        self.pool.offers_changed.send_replace(());
    }

    /// A sign of life. Also a sign that refusals may be over.
    pub(crate) fn heartbeat(&self, heartbeat: Heartbeat) {
        self.update(|node| {
            node.heartbeat = heartbeat;
            node.offers.iter_mut().for_each(|standing| standing.parked = false);
        });
    }

    /// Passes on what the node says of a task. What it says of a task that is not its own (any more) is dropped.
    pub(crate) async fn deliver(&self, attempt: AttemptId, message: NodeMessage) {
        let at = Instant::now();
        let inbox = {
            let state = self.pool.lock();
            let node = state.nodes.get(&self.address).filter(|node| node.connection == self.connection);
            node.and_then(|node| node.running.get(&attempt.task)).map(|running| running.inbox.clone())
        };
        let Some(inbox) = inbox else {
            return tracing::debug!(node = %self.address, %attempt, "a message about a task that is over");
        };
        // Its driver may have ended meanwhile.
        let _ = inbox.send(Arrival { attempt: attempt.number, message, at }).await;
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.withdraw();
        let gone = self.pool.update(|state| {
            let ours = state.nodes.get(&self.address).is_some_and(|node| node.connection == self.connection);
            ours.then(|| state.nodes.remove(&self.address)).flatten()
        });
        // Its tasks' inboxes close here, outside the lock.
        drop(gone);
        self.pool.offers_changed.send_replace(());
    }
}
