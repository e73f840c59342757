//! What the network has come to think of a connected node.

use std::sync::Arc;

use cortensor_protocol::{Level, NodeAddress};

use super::{Pool, Test};
use crate::rules::audit::Claim;

impl Pool {
    /// Tells a node's connection, if it has one, that an answer of its was looked at.
    pub(crate) fn judged(&self, address: NodeAddress) {
        if let Some(node) = self.lock().nodes.get(&address) {
            node.link.judged.notify_one();
        }
    }

    /// Gives a node no more tasks for an artifact, from now on and until a test says otherwise.
    pub(crate) fn distrust(self: &Arc<Self>, claim: Claim) {
        self.update(|state| {
            let offers = state.nodes.get_mut(&claim.node).into_iter().flat_map(|node| &mut node.offers);
            let of_claim = offers.filter(|standing| standing.offer.artifact == claim.artifact);
            of_claim.for_each(|standing| standing.test = Test::Awaited);
        });
        self.offers_changed.send_replace(());
    }

    /// Tells a node's connection, if it has one, that there is more in its record.
    pub(crate) fn record_changed(&self, address: NodeAddress) {
        if let Some(node) = self.lock().nodes.get(&address) {
            node.link.record.notify_one();
        }
    }

    /// Notes how far the network trusts a node.
    pub(crate) fn set_level(&self, address: NodeAddress, level: Level) {
        if let Some(node) = self.lock().nodes.get_mut(&address) {
            node.level = level;
        }
    }

    /// Whether a connected node works on nothing.
    pub(crate) fn is_idle(&self, address: NodeAddress) -> bool {
        self.lock().nodes.get(&address).is_some_and(|node| node.running.is_empty())
    }

    /// Whether a node works for users.
    pub(crate) fn serves_users(&self, address: NodeAddress) -> bool {
        let state = self.lock();
        state.nodes.get(&address).is_some_and(|node| node.running.values().any(|running| running.for_user))
    }
}
