//! What the network sees nodes do, on its way into their records.

use cortensor_protocol::{EventKind, NodeAddress};
use uuid::Uuid;

use super::{backlog::Entry, level::LevelEvent};
use crate::context::Context;

/// Something seen of a node. It counts once, however often it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Observation {
    pub(crate) id: Uuid,
    pub(crate) node: NodeAddress,
    pub(crate) event: LevelEvent,
}

impl Observation {
    pub(crate) fn new(node: NodeAddress, event: LevelEvent) -> Self {
        Self { id: Uuid::now_v7(), node, event }
    }
}

/// Adds one event to a node's record, and tells the node where it stands.
pub(crate) async fn record(context: &Context, node: NodeAddress, event: LevelEvent) {
    record_all(context, vec![Observation::new(node, event)]).await;
}

/// Adds events to the records of the nodes that they are about, all of them or none.
pub(crate) async fn record_all(context: &Context, seen: Vec<Observation>) {
    if seen.is_empty() {
        return;
    }
    match context.store.observe(&context.policy.level, &seen).await {
        Ok(()) => tell(context, &seen),
        // They come by themselves whether anybody mines or not, and move no level: not worth stopping everything for.
        Err(error) if seen.iter().all(|seen| seen.event.kind == EventKind::Ping) => {
            tracing::warn!(%error, "a sign of life was not counted");
        }
        Err(error) => context.backlog.keep(Entry::Conduct(seen), &error),
    }
}

/// Lets the connections of these nodes know that their records have changed.
pub(crate) fn tell(context: &Context, seen: &[Observation]) {
    for observation in seen {
        context.pool.record_changed(observation.node);
    }
}
