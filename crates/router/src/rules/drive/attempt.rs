//! One node's go at a task.

use std::{sync::Arc, time::Duration};

use cortensor_protocol::{
    Assignment, AttemptId, CancelReason, Commit, NodeMessage, Precommit, Refused, RouterMessage, StreamedToken,
    TaskEvent, TaskKind, TaskState, TokenId, UnpaidReason, Usage,
};
use tokio::time::{Instant, sleep};

use super::{
    Delivery, Drive, Finished, Over, Purse, Step,
    conduct::{Owed, incentive},
};
use crate::{
    clock::{now, wall_time},
    metrics::RefusedAnswer,
    rules::{
        answer::{Binding, check_commit, check_precommit, check_tokens},
        audit::Claim,
        backlog::Entry,
        level::Failure,
        pool::{Arrival, Lease, Outcome},
        price::answer_cost,
        problem::Problem,
    },
    store::{Line, Pay},
};

pub(super) struct Attempt {
    pub(super) lease: Lease,
    pub(super) id: AttemptId,
    assigned: Instant,
    pub(super) tokens: Vec<TokenId>,
    /// Kept only where it is to be judged.
    pub(super) text: String,
    first_token: Option<Duration>,
    pub(super) acked: bool,
    time_called: bool,
    /// What the node owes next.
    pub(super) owed: Owed,
}

impl Attempt {
    pub(super) fn claim(&self) -> Claim {
        Claim { node: self.lease.node, artifact: self.lease.offer.artifact }
    }
}

/// What follows from something that happened.
pub(super) enum Turn {
    Go,
    /// The task is this node's no more; see what the task says.
    GivenBack,
    Over(Over),
}

impl Drive {
    /// Gives the task to the lease's node. `None`: it came back and needs another one.
    pub(super) async fn attempt(&mut self, lease: Lease) -> Option<Over> {
        self.tries += 1;
        let artifact = lease.offer.artifact;
        let mut attempt = Attempt {
            lease,
            id: AttemptId { task: self.job.id, number: self.tries },
            assigned: Instant::now(),
            tokens: Vec::new(),
            text: String::new(),
            first_token: None,
            acked: false,
            time_called: false,
            owed: self.owed(),
        };
        if self.task.apply(TaskEvent::Assign(attempt.lease.node), now()).is_err() {
            return Some(self.ended());
        }
        if self.tries == 1 && self.kind() == TaskKind::User {
            self.context.metrics.dispatched(self.accepted.elapsed());
        }
        attempt.lease.send(self.assignment(&attempt));
        self.tell_round(Step::Assigned);
        let turn = loop {
            match self.turn(&mut attempt).await {
                Turn::Go => {}
                turn => break turn,
            }
        };
        self.note_decision(&attempt.lease).await;
        match turn {
            Turn::Over(over) => Some(over),
            Turn::Go | Turn::GivenBack => self.given_back(artifact),
        }
    }

    fn assignment(&self, attempt: &Attempt) -> RouterMessage {
        // Who knew that it is a test would answer it better than its users.
        let kind = if matches!(self.job.purse, Purse::Round(_)) { TaskKind::User } else { self.kind() };
        let precommit_within_ms = u64::try_from(self.job.deadlines.precommit.as_millis()).unwrap_or(u64::MAX);
        RouterMessage::Assign(Box::new(Assignment {
            attempt: attempt.id,
            kind,
            artifact: attempt.lease.offer.artifact,
            prompt: self.job.prompt.clone(),
            sampling: self.job.sampling.clone(),
            continue_after: self.delivered.clone(),
            precommit_within_ms,
        }))
    }

    pub(super) const fn kind(&self) -> TaskKind {
        match self.job.purse {
            Purse::User { .. } => TaskKind::User,
            Purse::Incentives { .. } | Purse::Round(_) => TaskKind::NetworkTest,
        }
    }

    /// Waits for the next thing to happen and sees to it.
    async fn turn(&mut self, attempt: &mut Attempt) -> Turn {
        self.call_time(attempt);
        attempt.owed = self.owed();
        let (client, context) = (self.client.clone(), Arc::clone(&self.context));
        let deadline = self.task.wake_at().since(now());
        tokio::select! {
            arrival = attempt.lease.next() => match arrival {
                Some(arrival) => self.hear(attempt, arrival).await,
                None => self.node_failed(attempt, UnpaidReason::ConnectionLost).await,
            },
            () = sleep(deadline) => self.tick_attempt(attempt).await,
            () = client.closed(), if !self.client_gone => self.client_left(attempt).await,
            () = context.stopping.giving_up.cancelled() => {
                self.void(attempt, UnpaidReason::RouterStopped).await;
                Turn::Over(Over::Problem(Problem::Stopping))
            }
        }
    }

    /// The time for an answer that streams is up: what there is of it is asked for, once.
    fn call_time(&self, attempt: &mut Attempt) {
        if matches!(self.task.state(), TaskState::Finishing { .. }) && !attempt.time_called {
            attempt.time_called = true;
            attempt.lease.send(RouterMessage::Cancel { attempt: attempt.id, reason: CancelReason::TimeUp });
        }
    }

    async fn hear(&mut self, attempt: &mut Attempt, arrival: Arrival) -> Turn {
        let node = attempt.lease.node;
        if arrival.attempt != attempt.id.number {
            return self.hear_of_another(attempt, arrival.attempt).await;
        }
        match arrival.message {
            NodeMessage::Ack { .. } => self.acked(attempt).await,
            NodeMessage::Refuse { reason, .. } => match self.task.apply(TaskEvent::Refuse(node), now()) {
                Ok(_) => {
                    self.context.metrics.refused(reason);
                    attempt.lease.judge(Outcome::Refused);
                    self.refused_by(attempt)
                }
                Err(refused) => self.out_of_order(attempt, refused).await,
            },
            NodeMessage::Tokens { tokens, .. } => self.tokens(attempt, tokens, arrival.at).await,
            NodeMessage::Precommit(precommit) => self.precommitted(attempt, precommit).await,
            NodeMessage::Commit(commit) => self.committed(attempt, &commit).await,
            NodeMessage::Failed { reason, .. } => self.failed(attempt, reason).await,
            _ => Turn::Go,
        }
    }

    /// What is said of an earlier attempt is late, not hostile: it was on its way when the task was given back, to
    /// the same node too.
    async fn hear_of_another(&mut self, attempt: &mut Attempt, number: u32) -> Turn {
        if (1..attempt.id.number).contains(&number) {
            tracing::debug!(task = %self.job.id, number, "a message about an attempt that is over");
            return Turn::Go;
        }
        let reason = format!("it speaks of attempt {number}, which was not made");
        self.broken(attempt, RefusedAnswer::UnknownAttempt, reason).await
    }

    async fn acked(&mut self, attempt: &mut Attempt) -> Turn {
        let node = attempt.lease.node;
        if let Err(refused) = self.task.apply(TaskEvent::Ack(node), now()) {
            return self.out_of_order(attempt, refused).await;
        }
        attempt.acked = true;
        self.kept(attempt);
        // This context may hold the prompt; what ends this attempt is something else.
        self.too_long = None;
        let Lease { offer, decision, .. } = &attempt.lease;
        let fallback = decision.as_ref().and_then(|decision| decision.fallback);
        self.deliver(Delivery::Started { node, precision: offer.precision, fallback, assigned: attempt.assigned });
        self.tell_round(Step::Acked);
        Turn::Go
    }

    async fn tokens(&mut self, attempt: &mut Attempt, tokens: Vec<StreamedToken>, at: Instant) -> Turn {
        let room = self.job.sampling.max_tokens as usize - self.delivered.len();
        let reason = match check_tokens(self.job.sampling.top_logprobs, &tokens) {
            _ if !attempt.acked => "tokens came before the ack".to_owned(),
            _ if tokens.len() > room => "more tokens came than were asked for".to_owned(),
            Err(reason) => reason,
            Ok(()) if tokens.is_empty() => return Turn::Go,
            Ok(()) => return self.streamed(attempt, tokens, at).await,
        };
        self.broken(attempt, RefusedAnswer::Tokens, reason).await
    }

    async fn streamed(&mut self, attempt: &mut Attempt, tokens: Vec<StreamedToken>, at: Instant) -> Turn {
        if let Err(refused) = self.task.apply(TaskEvent::Stream(attempt.lease.node), now()) {
            return self.out_of_order(attempt, refused).await;
        }
        attempt.first_token.get_or_insert_with(|| at - attempt.assigned);
        attempt.tokens.extend(tokens.iter().map(|token| token.id));
        if matches!(self.job.purse, Purse::Incentives { question: Some(_), .. } | Purse::Round(_)) {
            attempt.text.extend(tokens.iter().map(|token| token.text.as_str()));
        }
        self.delivered.extend(tokens.iter().map(|token| token.id));
        self.deliver(Delivery::Tokens { tokens, at });
        Turn::Go
    }

    async fn precommitted(&mut self, attempt: &mut Attempt, precommit: Precommit) -> Turn {
        let node = attempt.lease.node;
        if let Err(reason) = check_precommit(node, &precommit) {
            return self.broken(attempt, RefusedAnswer::Precommit, reason).await;
        }
        match self.task.apply(TaskEvent::Precommit(node, precommit.hash.clone()), now()) {
            Ok(_) => {
                self.kept(attempt);
                self.tell_round(Step::Precommitted(precommit.hash));
                Turn::Go
            }
            Err(refused) => self.out_of_order(attempt, refused).await,
        }
    }

    async fn committed(&mut self, attempt: &mut Attempt, commit: &Commit) -> Turn {
        if let Err(reason) = check_commit(&self.job.prompt, &attempt.tokens, commit) {
            return self.broken(attempt, RefusedAnswer::Commit, reason).await;
        }
        let (node, artifact) = (attempt.lease.node, attempt.lease.offer.artifact);
        let hash = Binding { node, task: self.job.id, artifact }.hash(&commit.tokens);
        if let Err(refused) = self.task.apply(TaskEvent::Commit(node, hash), now()) {
            return self.out_of_order(attempt, refused).await;
        }
        self.kept(attempt);
        self.settle_answer(attempt, commit).await
    }

    async fn settle_answer(&mut self, attempt: &mut Attempt, commit: &Commit) -> Turn {
        let usage = Usage { prompt_tokens: commit.prompt_tokens, completion_tokens: token_count(&commit.tokens) };
        let line =
            Line { usage, first_token_ms: commit.first_token_ms, total_ms: commit.total_ms, ..self.line(attempt) };
        let pay = match &self.job.purse {
            Purse::Round(_) => return self.to_be_compared(attempt, line, commit).await,
            // Unless the client left first, an empty answer is worth nothing to it, whatever the prompt took.
            Purse::User { .. } if commit.tokens.is_empty() && !self.client_gone => Pay::Void(UnpaidReason::EmptyAnswer),
            Purse::User { hold, prices } => {
                let cost = answer_cost(prices, attempt.lease.offer.precision, usage);
                Pay::User(cost.min(*hold))
            }
            Purse::Incentives { question: Some(question), .. } if !question.accepts(&attempt.text) => {
                Pay::Void(UnpaidReason::WrongAnswer)
            }
            Purse::Incentives { .. } if commit.tokens.is_empty() => Pay::Void(UnpaidReason::EmptyAnswer),
            Purse::Incentives { reward, .. } => incentive(&self.context, attempt.lease.node, *reward).await,
        };
        if !matches!(pay, Pay::Void(_)) {
            attempt.lease.judge(Outcome::Done);
        }
        self.settle(attempt, &line, &pay).await;
        if matches!(pay, Pay::User(_)) {
            self.context.metrics.served(&line.model, line.precision, usage);
        }
        self.offer_for_audit(attempt, &line).await;
        let _ = self.task.apply(TaskEvent::Settle, now());
        let usage = Usage { completion_tokens: self.delivered_tokens(), ..usage };
        let finished = Finished { finish: commit.finish, usage };
        Turn::Over(if matches!(pay, Pay::Void(_)) { Over::Whole(finished) } else { Over::Answered(finished) })
    }

    /// What the node has is settled when it commits it; until then the task stays its own.
    async fn client_left(&mut self, attempt: &mut Attempt) -> Turn {
        self.client_gone = true;
        if self.task.apply(TaskEvent::ClientGone, now()).is_err() {
            return self.too_late(attempt).await;
        }
        attempt.lease.send(RouterMessage::Cancel { attempt: attempt.id, reason: CancelReason::ClientGone });
        Turn::Go
    }

    pub(super) async fn out_of_order(&mut self, attempt: &mut Attempt, refused: Refused) -> Turn {
        let kind = match refused {
            Refused::Ended | Refused::NotYours => RefusedAnswer::Late,
            // The task went back to the queue by a deadline that the message came too late for.
            Refused::OutOfOrder if self.task.node().is_none() => RefusedAnswer::Late,
            Refused::OutOfOrder => RefusedAnswer::OutOfOrder,
            Refused::HashMismatch => RefusedAnswer::HashMismatch,
        };
        if kind == RefusedAnswer::Late {
            self.context.metrics.refused_answer(kind);
            return self.too_late(attempt).await;
        }
        self.broken(attempt, kind, refused.to_string()).await
    }

    /// The node broke the rules. What the client has of it is not to be trusted, so no other node goes on from there.
    pub(super) async fn broken(&mut self, attempt: &mut Attempt, kind: RefusedAnswer, reason: String) -> Turn {
        self.context.metrics.refused_answer(kind);
        tracing::warn!(task = %self.job.id, node = %attempt.lease.node, %reason, "an answer was refused");
        attempt.lease.judge(Outcome::Failed);
        attempt.lease.send(RouterMessage::Cancel { attempt: attempt.id, reason: CancelReason::TooLate });
        let broken = UnpaidReason::RulesBroken { message: reason.clone() };
        self.fell_short(attempt, Failure::WrongAnswer, broken.clone());
        self.void(attempt, broken).await;
        Turn::Over(Over::Problem(Problem::InvalidAnswer { reason }))
    }

    /// Tells a node that took the task why it is not paid.
    pub(super) async fn void(&self, attempt: &Attempt, reason: UnpaidReason) {
        if attempt.acked {
            self.settle(attempt, &self.line(attempt), &Pay::Void(reason)).await;
        }
    }

    fn line(&self, attempt: &Attempt) -> Line {
        let offer = &attempt.lease.offer;
        let milliseconds = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        Line {
            node: attempt.lease.node,
            task: self.job.id,
            attempt: attempt.id.number,
            kind: self.kind(),
            model: offer.model.clone(),
            precision: offer.precision,
            artifact: offer.artifact,
            mode: offer.mode,
            usage: Usage { prompt_tokens: 0, completion_tokens: token_count(&attempt.tokens) },
            first_token_ms: milliseconds(attempt.first_token.unwrap_or_default()),
            total_ms: milliseconds(attempt.assigned.elapsed()),
            at: wall_time(),
        }
    }

    async fn settle(&self, attempt: &Attempt, line: &Line, pay: &Pay) {
        match self.context.store.settle(line, pay).await {
            Ok(()) => attempt.lease.settled(),
            Err(error) => self.context.backlog.keep(Entry::Settlement(line.clone(), pay.clone()), &error),
        }
    }
}

fn token_count(tokens: &[TokenId]) -> u32 {
    u32::try_from(tokens.len()).unwrap_or(u32::MAX)
}
