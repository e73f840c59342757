//! What a task's driver sees of its nodes: what they did in time, late, wrong or not at all.
//!
//! A refusal and a request's own error are nobody's failure. A node that goes away with a task, or says that its engine
//! failed, has missed the deadline that was next: else going away would be the way around every deadline.

use cortensor_protocol::{Amount, EventKind, Millis, NodeAddress, TaskKind, TaskState};

use super::{Drive, attempt::Attempt};
use crate::{
    clock::{now, wall_time},
    context::Context,
    rules::{
        conduct::Observation,
        level::{Failure, LevelEvent},
    },
    store::Pay,
};

const NO_INCENTIVE: &str =
    "no network incentive is paid in a cool-down, nor to a node that precommits too rarely in time";

/// What a node owes next, and by when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owed {
    kind: EventKind,
    until: Millis,
}

impl Drive {
    /// What the node that has the task owes next.
    pub(super) fn owed(&self) -> Owed {
        let kind = match self.task.state() {
            TaskState::Queued | TaskState::Assigned { .. } => EventKind::Prepare,
            TaskState::Acked { .. } | TaskState::Finishing { .. } => EventKind::Precommit,
            TaskState::Precommitted { .. } | TaskState::Committed { .. } | TaskState::Ended(_) => EventKind::Commit,
        };
        Owed { kind, until: self.task.step_until() }
    }

    /// The node did what it owed.
    pub(super) fn kept(&mut self, attempt: &Attempt) {
        self.note(attempt, attempt.owed.kind, None, in_time(attempt.owed.kind));
    }

    /// The task was taken from the node, by the deadline of its step or by the end of the client's own time, which is
    /// not the node's to keep.
    pub(super) fn late(&mut self, attempt: &Attempt) {
        if attempt.owed.until <= now() {
            self.note(attempt, attempt.owed.kind, Some(Failure::MissedDeadline), missed(attempt.owed.kind));
        }
    }

    /// The node did not do what it had taken, or did it wrong.
    pub(super) fn fell_short(&mut self, attempt: &Attempt, failure: Failure, seen: &str) {
        self.note(attempt, attempt.owed.kind, Some(failure), seen);
    }

    fn note(&mut self, attempt: &Attempt, kind: EventKind, failure: Option<Failure>, seen: &str) {
        let task = match self.kind() {
            TaskKind::User => "a user's request",
            TaskKind::NetworkTest => "a network test",
        };
        let event = LevelEvent { kind, failure, at: wall_time(), seen: format!("{task}: {seen}") };
        self.seen.push(Observation::new(attempt.lease.node, event));
    }
}

/// What network incentives pay a node for a test that it passed.
pub(crate) async fn incentive(context: &Context, node: NodeAddress, reward: Amount) -> Pay {
    let passed = LevelEvent { kind: EventKind::Correctness, failure: None, at: wall_time(), seen: String::new() };
    match context.store.level_record(node).await {
        Ok(record) if !record.earns_incentive(&context.policy.level, &passed) => Pay::Void(NO_INCENTIVE.to_owned()),
        Ok(_) => Pay::Incentive(reward),
        Err(error) => {
            tracing::error!(%error, %node, "a node's record could not be read; its test is paid");
            Pay::Incentive(reward)
        }
    }
}

const fn in_time(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Prepare => "taken in time",
        EventKind::Precommit => "answered in time",
        _ => "the answer was handed in in time",
    }
}

const fn missed(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Prepare => "not taken in time",
        EventKind::Precommit => "not answered in time",
        _ => "the answer was not handed in in time",
    }
}
