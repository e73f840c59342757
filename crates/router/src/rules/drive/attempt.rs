//! One node's go at a task.

use std::{sync::Arc, time::Duration};

use cortensor_protocol::{
    Assignment, AttemptId, CancelReason, Commit, FailureReason, NodeMessage, Precommit, Refused, RouterMessage,
    StreamedToken, TaskEvent, TaskKind, TaskState, TokenId, Usage,
};
use tokio::time::{Instant, sleep};

use super::{Delivery, Drive, EMPTY, Finished, Over, Purse, Step};
use crate::{
    clock::{now, wall_time},
    rules::{
        answer::{Binding, check_commit, check_precommit, check_tokens},
        backlog::Entry,
        pool::{Arrival, Lease},
        price::answer_cost,
        problem::Problem,
    },
    store::{Line, Pay},
};

/// Most characters of what a node says of a failure: the reason is kept with the task.
const LONGEST_REASON: usize = 300;

struct Attempt {
    lease: Lease,
    id: AttemptId,
    assigned: Instant,
    tokens: Vec<TokenId>,
    /// Kept only where it is to be judged.
    text: String,
    first_token: Option<Duration>,
    acked: bool,
    time_called: bool,
}

/// What follows from something that happened.
enum Turn {
    Go,
    /// The task is this node's no more; see what the task says.
    GivenBack,
    /// The node refused; it is left alone for a while.
    Refused,
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
        };
        if self.task.apply(TaskEvent::Assign(attempt.lease.node), now()).is_err() {
            return Some(self.ended());
        }
        attempt.lease.send(self.assignment(&attempt));
        self.tell_round(Step::Assigned);
        loop {
            match self.turn(&mut attempt).await {
                Turn::Go => {}
                Turn::GivenBack => return self.given_back(artifact),
                Turn::Refused => {
                    attempt.lease.refused();
                    self.tell_round(Step::Refused);
                    // A round does not wait for those who cannot now.
                    let round = matches!(self.job.purse, Purse::Round(_));
                    return if round { Some(Over::Problem(Problem::NodesLost)) } else { self.given_back(artifact) };
                }
                Turn::Over(over) => return Some(over),
            }
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

    const fn kind(&self) -> TaskKind {
        match self.job.purse {
            Purse::User { .. } => TaskKind::User,
            Purse::Incentives { .. } | Purse::Round(_) => TaskKind::NetworkTest,
        }
    }

    /// Waits for the next thing to happen and sees to it.
    async fn turn(&mut self, attempt: &mut Attempt) -> Turn {
        self.call_time(attempt);
        let (client, context) = (self.client.clone(), Arc::clone(&self.context));
        let deadline = self.task.wake_at().since(now());
        tokio::select! {
            arrival = attempt.lease.next() => match arrival {
                Some(arrival) => self.hear(attempt, arrival).await,
                None => self.lost(attempt, "the connection to the node was lost".to_owned()).await,
            },
            () = sleep(deadline) => self.tick_attempt(attempt).await,
            () = client.closed(), if !self.client_gone => self.client_left(attempt).await,
            () = context.stopping.giving_up.cancelled() => {
                self.void(attempt, "the router stopped before the answer was whole".to_owned()).await;
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
            NodeMessage::Refuse { .. } => match self.task.apply(TaskEvent::Refuse(node), now()) {
                Ok(_) => Turn::Refused,
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
        self.broken(attempt, format!("it speaks of attempt {number}, which was not made")).await
    }

    async fn acked(&mut self, attempt: &mut Attempt) -> Turn {
        let node = attempt.lease.node;
        if let Err(refused) = self.task.apply(TaskEvent::Ack(node), now()) {
            return self.out_of_order(attempt, refused).await;
        }
        attempt.acked = true;
        // This context may hold the prompt; what ends this attempt is something else.
        self.too_long = None;
        let precision = attempt.lease.offer.precision;
        self.deliver(Delivery::Started { node, precision, assigned: attempt.assigned });
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
        self.broken(attempt, reason).await
    }

    async fn streamed(&mut self, attempt: &mut Attempt, tokens: Vec<StreamedToken>, at: Instant) -> Turn {
        if let Err(refused) = self.task.apply(TaskEvent::Stream(attempt.lease.node), now()) {
            return self.out_of_order(attempt, refused).await;
        }
        attempt.first_token.get_or_insert_with(|| at - attempt.assigned);
        attempt.tokens.extend(tokens.iter().map(|token| token.id));
        if matches!(self.job.purse, Purse::Incentives { question: Some(_), .. }) {
            attempt.text.extend(tokens.iter().map(|token| token.text.as_str()));
        }
        self.delivered.extend(tokens.iter().map(|token| token.id));
        self.deliver(Delivery::Tokens { tokens, at });
        Turn::Go
    }

    async fn precommitted(&mut self, attempt: &mut Attempt, precommit: Precommit) -> Turn {
        let node = attempt.lease.node;
        if let Err(reason) = check_precommit(node, &precommit) {
            return self.broken(attempt, reason).await;
        }
        match self.task.apply(TaskEvent::Precommit(node, precommit.hash.clone()), now()) {
            Ok(_) => {
                self.tell_round(Step::Precommitted(precommit.hash));
                Turn::Go
            }
            Err(refused) => self.out_of_order(attempt, refused).await,
        }
    }

    async fn committed(&mut self, attempt: &mut Attempt, commit: &Commit) -> Turn {
        if let Err(reason) = check_commit(&self.job.prompt, &attempt.tokens, commit) {
            return self.broken(attempt, reason).await;
        }
        let (node, artifact) = (attempt.lease.node, attempt.lease.offer.artifact);
        let hash = Binding { node, task: self.job.id, artifact }.hash(&commit.tokens);
        if let Err(refused) = self.task.apply(TaskEvent::Commit(node, hash), now()) {
            return self.out_of_order(attempt, refused).await;
        }
        self.settle_answer(attempt, commit).await
    }

    async fn settle_answer(&mut self, attempt: &Attempt, commit: &Commit) -> Turn {
        let usage = Usage { prompt_tokens: commit.prompt_tokens, completion_tokens: token_count(&commit.tokens) };
        let line =
            Line { usage, first_token_ms: commit.first_token_ms, total_ms: commit.total_ms, ..self.line(attempt) };
        let pay = match &self.job.purse {
            Purse::Round(_) => return self.to_be_compared(line, commit),
            // Unless the client left first, an empty answer is worth nothing to it, whatever the prompt took.
            Purse::User { .. } if commit.tokens.is_empty() && !self.client_gone => Pay::Void(EMPTY.to_owned()),
            Purse::User { hold, .. } => {
                let cost = answer_cost(&self.context.policy, attempt.lease.offer.precision, usage);
                Pay::User(cost.min(*hold))
            }
            Purse::Incentives { question: Some(question), .. } if !question.accepts(&attempt.text) => {
                Pay::Void("the answer to the network's question is not right".to_owned())
            }
            Purse::Incentives { .. } if commit.tokens.is_empty() => Pay::Void(EMPTY.to_owned()),
            Purse::Incentives { reward, .. } => Pay::Incentive(*reward),
        };
        self.settle(attempt, &line, &pay).await;
        let _ = self.task.apply(TaskEvent::Settle, now());
        let usage = Usage { completion_tokens: self.delivered_tokens(), ..usage };
        let finished = Finished { finish: commit.finish, usage };
        Turn::Over(if matches!(pay, Pay::Void(_)) { Over::Whole(finished) } else { Over::Answered(finished) })
    }

    /// The round settles it, when it has the others' answers.
    fn to_be_compared(&self, line: Line, commit: &Commit) -> Turn {
        let usage = line.usage;
        self.tell_round(Step::Committed(Box::new(line), commit.tokens.clone()));
        Turn::Over(Over::Answered(Finished { finish: commit.finish, usage }))
    }

    async fn failed(&mut self, attempt: &mut Attempt, reason: FailureReason) -> Turn {
        let message = match reason {
            FailureReason::ContextExceeded { prompt_tokens, .. } => return self.too_long(attempt, prompt_tokens).await,
            FailureReason::BadPrompt { message } => cut(&message),
            FailureReason::Engine { message } => {
                return self.lost(attempt, format!("the engine failed: {}", cut(&message))).await;
            }
        };
        self.void(attempt, format!("the request itself was wrong: {message}")).await;
        Turn::Over(Over::Problem(bad_prompt(message, "invalid_prompt")))
    }

    /// A larger context may hold it. Only if none is offered is the request itself wrong, and not by one node's word
    /// against what can be counted here.
    async fn too_long(&mut self, attempt: &mut Attempt, prompt_tokens: u32) -> Turn {
        let context_tokens = attempt.lease.offer.context_tokens;
        let most = self.job.prompt.most_tokens() + u64::from(self.delivered_tokens());
        if most < u64::from(context_tokens) {
            let reason = format!("the prompt has at most {most} tokens and was said not to fit {context_tokens}");
            return self.lost(attempt, reason).await;
        }
        let message = format!(
            "the prompt has {prompt_tokens} tokens and the context holds {context_tokens} with at least one for the \
             answer; shorten the prompt"
        );
        // Behind tokens that were delivered it is not the prompt that is too long.
        self.too_long = self.delivered.is_empty().then(|| bad_prompt(message, "context_length_exceeded"));
        self.job.want.context_over = context_tokens;
        self.lost(attempt, format!("the prompt does not fit this node's context of {context_tokens} tokens")).await
    }

    /// The node cannot (go on with) it: another one may.
    async fn lost(&mut self, attempt: &mut Attempt, reason: String) -> Turn {
        let node = attempt.lease.node;
        self.void(attempt, reason).await;
        self.job.want.avoid.push(node);
        // Refused only if a deadline gave the task back first: that is as well.
        let _ = self.task.apply(TaskEvent::Lost(node), now());
        Turn::GivenBack
    }

    async fn tick_attempt(&mut self, attempt: &mut Attempt) -> Turn {
        let _ = self.task.apply(TaskEvent::Tick, now());
        if self.task.node() == Some(attempt.lease.node) {
            return Turn::Go;
        }
        self.too_late(attempt).await
    }

    async fn too_late(&mut self, attempt: &mut Attempt) -> Turn {
        attempt.lease.send(RouterMessage::Cancel { attempt: attempt.id, reason: CancelReason::TooLate });
        self.void(attempt, "a deadline of the task passed".to_owned()).await;
        self.job.want.avoid.push(attempt.lease.node);
        Turn::GivenBack
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

    async fn out_of_order(&mut self, attempt: &mut Attempt, refused: Refused) -> Turn {
        match refused {
            Refused::Ended | Refused::NotYours => self.too_late(attempt).await,
            // The task went back to the queue by a deadline that the message came too late for.
            Refused::OutOfOrder if self.task.node().is_none() => self.too_late(attempt).await,
            Refused::OutOfOrder | Refused::HashMismatch => self.broken(attempt, refused.to_string()).await,
        }
    }

    /// The node broke the rules. What the client has of it is not to be trusted, so no other node goes on from there.
    async fn broken(&mut self, attempt: &mut Attempt, reason: String) -> Turn {
        tracing::warn!(task = %self.job.id, node = %attempt.lease.node, %reason, "an answer was refused");
        attempt.lease.send(RouterMessage::Cancel { attempt: attempt.id, reason: CancelReason::TooLate });
        self.void(attempt, reason.clone()).await;
        Turn::Over(Over::Problem(Problem::InvalidAnswer { reason }))
    }

    /// Tells a node that took the task why it is not paid.
    async fn void(&self, attempt: &Attempt, reason: String) {
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

fn bad_prompt(message: String, code: &'static str) -> Problem {
    Problem::BadRequest { message, param: Some("messages"), code }
}

fn token_count(tokens: &[TokenId]) -> u32 {
    u32::try_from(tokens.len()).unwrap_or(u32::MAX)
}

fn cut(reason: &str) -> String {
    reason.chars().take(LONGEST_REASON).collect()
}
