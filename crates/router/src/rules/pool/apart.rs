//! Keeping the parts of one request on different nodes.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use cortensor_protocol::{NodeAddress, TaskId};

/// Which node has, or had last, which part of a request.
#[derive(Debug, Default)]
pub(crate) struct Apart(Mutex<HashMap<TaskId, NodeAddress>>);

impl Apart {
    /// Whether another part of the request is this node's.
    pub(super) fn has_other(&self, task: TaskId, node: NodeAddress) -> bool {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.iter().any(|(other, its)| *other != task && *its == node)
    }

    /// Notes whose a part is from now on.
    pub(super) fn give(&self, task: TaskId, node: NodeAddress) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(task, node);
    }
}
