//! What a task's driver sees of its nodes: what they did in time, late, wrong or not at all.
//!
//! A refusal and a request's own error are nobody's failure. A node that goes away with a task, or says that its engine
//! failed, has missed the deadline that was next: else going away would be the way around every deadline.

use cortensor_protocol::{Amount, EventKind, LevelSighting, Millis, NodeAddress, TaskState, UnpaidReason};

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
        self.note(attempt, None, LevelSighting::StepInTime { task: self.kind(), step: attempt.owed.kind });
    }

    /// The task was taken from the node, by the deadline of its step or by the end of the client's own time, which is
    /// not the node's to keep.
    pub(super) fn late(&mut self, attempt: &Attempt) {
        if attempt.owed.until <= now() {
            let sighting = LevelSighting::StepMissed { task: self.kind(), step: attempt.owed.kind };
            self.note(attempt, Some(Failure::MissedDeadline), sighting);
        }
    }

    /// The node did not do what it had taken, or did it wrong.
    pub(super) fn fell_short(&mut self, attempt: &Attempt, failure: Failure, reason: UnpaidReason) {
        self.note(attempt, Some(failure), LevelSighting::TaskFailed { task: self.kind(), reason });
    }

    fn note(&mut self, attempt: &Attempt, failure: Option<Failure>, sighting: LevelSighting) {
        let event = LevelEvent::new(attempt.owed.kind, failure, wall_time(), sighting);
        self.seen.push(Observation::new(attempt.lease.node, event));
    }
}

/// What network incentives pay a node for a test that it passed.
pub(crate) async fn incentive(context: &Context, node: NodeAddress, reward: Amount) -> Pay {
    let (kind, at) = (EventKind::Correctness, wall_time());
    let passed = LevelEvent { kind, failure: None, at, seen: String::new(), sighting: None };
    match context.store.level_record(node).await {
        Ok(record) if !record.earns_incentive(&context.policy.level, &passed) => Pay::Void(UnpaidReason::NoIncentive),
        Ok(_) => Pay::Incentive(reward),
        Err(error) => {
            tracing::error!(%error, %node, "a node's record could not be read; its test is paid");
            Pay::Incentive(reward)
        }
    }
}
