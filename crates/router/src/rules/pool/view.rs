//! The pool as people see it.

use std::collections::HashMap;

use cortensor_protocol::{
    HardwareSummary, Heartbeat, Level, Millis, ModelId, NodeAddress, Offer, Precision, TaskId, Tier,
};
use serde::Serialize;

use super::{Node, Pool, Test, Waiter};

/// A request that waits, for people.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Queued {
    task: TaskId,
    model: ModelId,
    /// `None`: any.
    precision: Option<Precision>,
    /// A test of this node.
    node: Option<String>,
}

/// A connected node, for people.
#[derive(Clone, Debug)]
pub(crate) struct NodeView {
    pub(crate) address: NodeAddress,
    pub(crate) software: String,
    pub(crate) hardware: HardwareSummary,
    pub(crate) connected_at: Millis,
    pub(crate) heartbeat: Heartbeat,
    /// `None`: there was none yet.
    pub(crate) heartbeat_at: Option<Millis>,
    pub(crate) level: Level,
    pub(crate) running: usize,
    pub(crate) offers: Vec<(Offer, Test)>,
}

impl Pool {
    /// Every model and precision on offer, and by how many nodes.
    pub(crate) fn models(&self) -> Vec<(ModelId, Precision, usize)> {
        let mut counts = HashMap::<_, usize>::new();
        for wares in self.lock().offered() {
            *counts.entry((wares.model, wares.precision)).or_default() += 1;
        }
        let mut models: Vec<_> =
            counts.into_iter().map(|((model, precision), nodes)| (model, precision, nodes)).collect();
        models.sort();
        models
    }

    /// The tiers in which a model was tested, and by how many nodes each is offered.
    pub(crate) fn tiers(&self, model: &ModelId) -> Vec<(Tier, usize)> {
        let mut counts = Vec::<(Tier, usize)>::new();
        for wares in self.lock().offered().filter(|wares| wares.model == *model) {
            let Some(capability) = wares.capability else { continue };
            let tier = Tier { capability, precision: wares.precision.class() };
            match counts.iter_mut().find(|(counted, _)| *counted == tier) {
                Some((_, count)) => *count += 1,
                None => counts.push((tier, 1)),
            }
        }
        counts.sort_by_key(|(tier, _)| tier.to_string());
        counts
    }

    /// Every connected node.
    pub(crate) fn nodes(&self) -> Vec<NodeView> {
        let view = |(address, node): (&NodeAddress, &Node)| NodeView {
            address: *address,
            software: node.registration.software.clone(),
            hardware: node.registration.hardware.clone(),
            connected_at: node.connected_at,
            heartbeat: node.heartbeat,
            heartbeat_at: node.heartbeat_at,
            level: node.level,
            running: node.running.len(),
            offers: node.offers.iter().map(|standing| (standing.offer.clone(), standing.test.clone())).collect(),
        };
        self.lock().nodes.iter().map(view).collect()
    }

    /// What waits for a free slot, in its order.
    pub(crate) fn queue(&self) -> Vec<Queued> {
        let queued = |waiter: &Waiter| Queued {
            task: waiter.task,
            model: waiter.want.model.clone(),
            precision: waiter.want.choice.exact,
            node: waiter.want.node.map(|node| node.to_string()),
        };
        self.lock().queue.iter().filter(|waiter| !waiter.reply.is_closed()).map(queued).collect()
    }
}
