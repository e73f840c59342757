//! Attempts that come to nothing: whose fault that is, and where the task goes then.

use cortensor_protocol::{CancelReason, FailureReason, RouterMessage, TaskEvent, TaskState, UnpaidReason};

use super::{
    Drive, Over,
    attempt::{Attempt, Turn},
};
use crate::{
    clock::now,
    rules::{level::Failure, pool::Outcome, problem::Problem},
};

/// Most characters of what a node says of a failure: the reason is kept with the task.
const LONGEST_REASON: usize = 300;

impl Drive {
    pub(super) async fn failed(&mut self, attempt: &mut Attempt, reason: FailureReason) -> Turn {
        let message = match reason {
            FailureReason::ContextExceeded { prompt_tokens, .. } => return self.too_long(attempt, prompt_tokens).await,
            FailureReason::BadPrompt { message } => cut(&message),
            FailureReason::Engine { message } => {
                let reason = UnpaidReason::EngineFailed { message: cut(&message) };
                return self.node_failed(attempt, reason).await;
            }
        };
        self.void(attempt, UnpaidReason::BadRequest { message: message.clone() }).await;
        Turn::Over(Over::Problem(bad_prompt(message, "invalid_prompt")))
    }

    /// A larger context may hold it. Only if none is offered is the request itself wrong, and not by one node's word
    /// against what can be counted here.
    async fn too_long(&mut self, attempt: &mut Attempt, prompt_tokens: u32) -> Turn {
        let context_tokens = attempt.lease.offer.context_tokens;
        let most = self.job.prompt.most_tokens() + u64::from(self.delivered_tokens());
        if most < u64::from(context_tokens) {
            let reason = UnpaidReason::ContextNotExceeded { most_tokens: most, context_tokens };
            return self.node_failed(attempt, reason).await;
        }
        let message = format!(
            "the prompt has {prompt_tokens} tokens and the context holds {context_tokens} with at least one for the \
             answer; shorten the prompt"
        );
        // Behind tokens that were delivered it is not the prompt that is too long.
        self.too_long = self.delivered.is_empty().then(|| bad_prompt(message, "context_length_exceeded"));
        self.job.want.context_over = context_tokens;
        self.give_away(attempt, UnpaidReason::ContextExceeded { context_tokens }).await
    }

    /// The node failed at it.
    pub(super) async fn lost(&mut self, attempt: &mut Attempt, reason: UnpaidReason) -> Turn {
        if attempt.acked {
            self.fell_short(attempt, Failure::MissedDeadline, reason.clone());
        }
        self.give_away(attempt, reason).await
    }

    /// The same, and it is the node's own failure.
    pub(super) async fn node_failed(&mut self, attempt: &mut Attempt, reason: UnpaidReason) -> Turn {
        attempt.lease.judge(Outcome::Failed);
        self.lost(attempt, reason).await
    }

    /// The node cannot (go on with) it: another one may.
    async fn give_away(&mut self, attempt: &mut Attempt, reason: UnpaidReason) -> Turn {
        let node = attempt.lease.node;
        self.void(attempt, reason).await;
        self.job.want.avoid.push(node);
        // Refused only if a deadline gave the task back first: that is as well.
        let _ = self.task.apply(TaskEvent::Lost(node), now());
        Turn::GivenBack
    }

    pub(super) async fn tick_attempt(&mut self, attempt: &mut Attempt) -> Turn {
        let _ = self.task.apply(TaskEvent::Tick, now());
        if self.task.node() == Some(attempt.lease.node) {
            return Turn::Go;
        }
        if self.is_node_s_own_delay(attempt) {
            attempt.lease.judge(Outcome::Failed);
        }
        self.too_late(attempt).await
    }

    /// Not a deadline that the user set: whoever is impatient says nothing of the node.
    fn is_node_s_own_delay(&self, attempt: &Attempt) -> bool {
        let usual = self.context.policy.user_deadlines(self.job.sampling.max_tokens);
        let timed_out = matches!(self.task.state(), TaskState::Ended(cortensor_protocol::Outcome::TimedOut));
        !timed_out && (!attempt.acked || self.job.deadlines.precommit >= usual.precommit)
    }

    pub(super) async fn too_late(&mut self, attempt: &mut Attempt) -> Turn {
        self.late(attempt);
        attempt.lease.send(RouterMessage::Cancel { attempt: attempt.id, reason: CancelReason::TooLate });
        self.void(attempt, UnpaidReason::DeadlinePassed).await;
        self.job.want.avoid.push(attempt.lease.node);
        Turn::GivenBack
    }
}

fn bad_prompt(message: String, code: &'static str) -> Problem {
    Problem::BadRequest { message, param: Some("messages"), code }
}

fn cut(reason: &str) -> String {
    reason.chars().take(LONGEST_REASON).collect()
}
