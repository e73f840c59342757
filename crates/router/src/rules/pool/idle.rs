//! Nodes that have nothing to do.

use cortensor_protocol::{Millis, NodeAddress, Offer};

use super::{Pool, Test};

/// One artifact on a node that has passed its test on it and has nothing to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Idle {
    pub(crate) node: NodeAddress,
    pub(crate) offer: Offer,
    pub(crate) connected_at: Millis,
}

impl Pool {
    /// Whether it is there, busy or not.
    pub(crate) fn is_connected(&self, address: NodeAddress) -> bool {
        self.lock().nodes.contains_key(&address)
    }

    /// What nodes without work offer.
    pub(crate) fn idle(&self) -> Vec<Idle> {
        let state = self.lock();
        let nodes = state.nodes.iter().filter(|(_, node)| node.running.is_empty());
        let offers = nodes.flat_map(|(address, node)| {
            let standings = node.offers.iter().filter(|standing| !standing.parked);
            let passed = standings.filter(|standing| matches!(standing.test, Test::Passed(_)));
            passed.map(|standing| Idle {
                node: *address,
                offer: standing.offer.clone(),
                connected_at: node.connected_at,
            })
        });
        offers.collect()
    }
}
