//! The life of a user's task, as on the network: queued, assigned, acked, precommitted, committed, ended.
//!
//! One owner (the router) holds a [`Task`] and feeds it events; what the task answers is what the owner may do. Every
//! state but the last has a deadline, so no task can hang.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Millis, NodeAddress};

/// How long each state may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// From the request to the end: the client's timeout.
    pub total: Duration,
    /// From assignment to ack.
    pub ack: Duration,
    /// From ack to precommit.
    pub precommit: Duration,
    /// From precommit to commit; also from the end of the time for an answer to the precommit of what there is of it.
    pub commit: Duration,
    /// Attempts there may be, at the same node or another.
    pub attempts: u32,
}

impl Default for Deadlines {
    /// The network's defaults where it has some: 300 s in all, 90 s to the precommit.
    fn default() -> Self {
        Self {
            total: Duration::from_secs(300),
            ack: Duration::from_secs(5),
            precommit: Duration::from_secs(90),
            commit: Duration::from_secs(10),
            attempts: 4,
        }
    }
}

/// Where a task stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// Waiting for a node with a free slot.
    Queued,
    /// Sent to a node.
    Assigned {
        /// Which.
        node: NodeAddress,
    },
    /// The node works on it.
    Acked {
        /// Which.
        node: NodeAddress,
    },
    /// The time for the answer is up while it streams: the node is to bind and commit what there is.
    Finishing {
        /// Which.
        node: NodeAddress,
    },
    /// The node has bound itself to an answer.
    Precommitted {
        /// Which.
        node: NodeAddress,
        /// To what.
        hash: String,
    },
    /// The answer is in and is the one that was bound.
    Committed {
        /// By whom.
        node: NodeAddress,
    },
    /// Over.
    Ended(Outcome),
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered and settled.
    Served,
    /// Ended by the client before an answer was there.
    Cancelled,
    /// The client's time was over.
    TimedOut,
    /// Every attempt was lost.
    Failed,
}

/// What happens to a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskEvent {
    /// The router picked a node.
    Assign(NodeAddress),
    /// The node took it.
    Ack(NodeAddress),
    /// The node did not take it: neutral, and not an attempt.
    Refuse(NodeAddress),
    /// The node sent tokens of its answer.
    Stream(NodeAddress),
    /// The node sent its precommit with this hash.
    Precommit(NodeAddress, String),
    /// The node sent its answer, which hashes to this.
    Commit(NodeAddress, String),
    /// The answer is paid and delivered.
    Settle,
    /// The node is gone, or said it cannot.
    Lost(NodeAddress),
    /// The client is gone.
    ClientGone,
    /// Nothing happened but the time.
    Tick,
}

/// Why an event was refused. The state is as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The task is over.
    #[error("the task is over")]
    Ended,
    /// The task is not this node's (any more).
    #[error("the task belongs to another node")]
    NotYours,
    /// Not what comes next in this state.
    #[error("that is not what comes next for this task")]
    OutOfOrder,
    /// The answer is not the one that was bound.
    #[error("the answer is not the one that the precommit binds")]
    HashMismatch,
}

/// One task and its deadlines.
#[derive(Clone, Debug)]
pub struct Task {
    state: TaskState,
    deadlines: Deadlines,
    ends_at: Millis,
    state_until: Millis,
    attempts: u32,
    /// The client has tokens of the present attempt.
    streamed: bool,
    client_gone: bool,
}

impl Task {
    /// A task that is queued at `now`.
    pub fn new(deadlines: Deadlines, now: Millis) -> Self {
        let ends_at = now + deadlines.total;
        let (state, state_until) = (TaskState::Queued, ends_at);
        Self { state, deadlines, ends_at, state_until, attempts: 0, streamed: false, client_gone: false }
    }

    /// Where it stands.
    pub fn state(&self) -> &TaskState {
        &self.state
    }

    /// The node that has it.
    pub fn node(&self) -> Option<NodeAddress> {
        match &self.state {
            TaskState::Assigned { node }
            | TaskState::Acked { node }
            | TaskState::Finishing { node }
            | TaskState::Precommitted { node, .. }
            | TaskState::Committed { node } => Some(*node),
            TaskState::Queued | TaskState::Ended(_) => None,
        }
    }

    /// Attempts so far that were not refused.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// When [`TaskEvent::Tick`] is next worth sending.
    pub fn wake_at(&self) -> Millis {
        match self.state {
            // What was begun in time may be finished: the client's own time does not count any more.
            TaskState::Finishing { .. } | TaskState::Precommitted { .. } => self.state_until,
            _ => self.state_until.min(self.ends_at),
        }
    }

    /// When the step that the task is at must be over. The client's own time may end before.
    pub fn step_until(&self) -> Millis {
        self.state_until
    }

    /// Feeds one event. Deadlines that `now` has passed are seen to first, so a late message meets the state it missed.
    pub fn apply(&mut self, event: TaskEvent, now: Millis) -> Result<&TaskState, Refused> {
        self.expire(now);
        match (&self.state, event) {
            (_, TaskEvent::Tick) => {}
            (TaskState::Ended(_), _) => return Err(Refused::Ended),
            (TaskState::Queued, TaskEvent::Assign(node)) => {
                self.attempts += 1;
                self.streamed = false;
                self.enter(TaskState::Assigned { node }, self.deadlines.ack, now);
            }
            (_, TaskEvent::ClientGone) => self.client_left(),
            (TaskState::Committed { .. }, TaskEvent::Settle) => self.end(Outcome::Served),
            (TaskState::Queued, _) | (_, TaskEvent::Assign(_) | TaskEvent::Settle) => return Err(Refused::OutOfOrder),
            (state, event) => {
                let next = from_node(state, event, self.node())?;
                self.follow(next, now);
            }
        }
        Ok(&self.state)
    }

    fn follow(&mut self, next: Next, now: Millis) {
        match next {
            Next::Refused => {
                self.attempts = self.attempts.saturating_sub(1);
                self.requeue();
            }
            Next::Lost => self.requeue(),
            Next::Streamed => self.streamed = true,
            Next::Acked(node) => self.enter(TaskState::Acked { node }, self.deadlines.precommit, now),
            Next::Precommitted(node, hash) => {
                self.enter(TaskState::Precommitted { node, hash }, self.deadlines.commit, now);
            }
            Next::Committed(node) => self.enter(TaskState::Committed { node }, self.deadlines.commit, now),
        }
    }

    fn enter(&mut self, state: TaskState, lasting: Duration, now: Millis) {
        self.state = state;
        self.state_until = now + lasting;
    }

    fn end(&mut self, outcome: Outcome) {
        self.state = TaskState::Ended(outcome);
    }

    /// A node that works on it may finish what it has; a task without one is over.
    fn client_left(&mut self) {
        self.client_gone = true;
        if self.state == TaskState::Queued {
            self.end(Outcome::Cancelled);
        }
    }

    fn requeue(&mut self) {
        if self.client_gone {
            self.end(Outcome::Cancelled);
        } else if self.attempts >= self.deadlines.attempts {
            self.end(Outcome::Failed);
        } else {
            self.state = TaskState::Queued;
            self.state_until = self.ends_at;
        }
    }

    fn expire(&mut self, now: Millis) {
        // An answer that is in and bound is the owner's to settle: time does not take it away from the node.
        if matches!(self.state, TaskState::Ended(_) | TaskState::Committed { .. }) || now < self.wake_at() {
            return;
        }
        match self.state {
            // What the client has of the answer is worth keeping, and the work on it worth paying.
            TaskState::Acked { node } if self.streamed => {
                self.enter(TaskState::Finishing { node }, self.deadlines.commit, now);
            }
            _ if now < self.ends_at => self.requeue(),
            _ => self.end(if self.client_gone { Outcome::Cancelled } else { Outcome::TimedOut }),
        }
    }
}

enum Next {
    Refused,
    Lost,
    Streamed,
    Acked(NodeAddress),
    Precommitted(NodeAddress, String),
    Committed(NodeAddress),
}

fn from_node(state: &TaskState, event: TaskEvent, owner: Option<NodeAddress>) -> Result<Next, Refused> {
    let (TaskEvent::Ack(sender)
    | TaskEvent::Refuse(sender)
    | TaskEvent::Stream(sender)
    | TaskEvent::Precommit(sender, _)
    | TaskEvent::Commit(sender, _)
    | TaskEvent::Lost(sender)) = event
    else {
        return Err(Refused::OutOfOrder);
    };
    if owner != Some(sender) {
        return Err(Refused::NotYours);
    }
    match (state, event) {
        (TaskState::Assigned { .. }, TaskEvent::Ack(node)) => Ok(Next::Acked(node)),
        (TaskState::Assigned { .. }, TaskEvent::Refuse(_)) => Ok(Next::Refused),
        (TaskState::Acked { .. } | TaskState::Finishing { .. }, TaskEvent::Stream(_)) => Ok(Next::Streamed),
        (TaskState::Acked { .. } | TaskState::Finishing { .. }, TaskEvent::Precommit(node, hash)) => {
            Ok(Next::Precommitted(node, hash))
        }
        (TaskState::Precommitted { hash, .. }, TaskEvent::Commit(node, committed)) if *hash == committed => {
            Ok(Next::Committed(node))
        }
        (TaskState::Precommitted { .. }, TaskEvent::Commit(..)) => Err(Refused::HashMismatch),
        (TaskState::Committed { .. }, TaskEvent::Lost(_)) => Err(Refused::OutOfOrder),
        (_, TaskEvent::Lost(_)) => Ok(Next::Lost),
        _ => Err(Refused::OutOfOrder),
    }
}

#[cfg(test)]
mod tests;
