//! Drives one task from the request to its end: waits for a node, passes tokens on, checks the answer, settles it.
//!
//! [`Task`] says what may happen; this does it. A task runs on its own: a client that goes away or a connection that
//! breaks is an event for it, not the end of it, so that what a node did is always settled.

mod attempt;

use std::{pin::pin, sync::Arc};

use cortensor_protocol::{
    Amount, ArtifactDigest, Deadlines, FinishReason, ModelId, NodeAddress, Outcome, Precision, Prompt, Sampling,
    StreamedToken, Task, TaskEvent, TaskId, TaskState, TokenId, Usage,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use super::{
    backlog::Entry,
    pool::{Lease, NoLease, Presence, Want},
    problem::Problem,
    question::Question,
};
use crate::{
    clock::{now, wall_time},
    context::Context,
    store::{Ending, KeyId, Line, Opened},
};

/// Why an answer without a token is not paid.
pub(crate) const EMPTY: &str = "the answer is empty";

/// A task to be done.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: TaskId,
    /// The model as the client wrote it.
    pub(crate) name: String,
    pub(crate) want: Want,
    pub(crate) prompt: Prompt,
    pub(crate) sampling: Sampling,
    pub(crate) deadlines: Deadlines,
    pub(crate) purse: Purse,
}

/// Who pays.
#[derive(Clone, Debug)]
pub(crate) enum Purse {
    /// The user, at most this.
    User { key: KeyId, hold: Amount },
    /// Network incentives, this much, if the answer is right. Without a question every answer is.
    Incentives { question: Option<Question>, reward: Amount },
    /// Network incentives, once the answers of a round were compared: the round settles. Its node sees a user's task.
    Round(mpsc::Sender<RoundStep>),
}

/// How far one node is in a round, for the one who holds it.
#[derive(Debug)]
pub(crate) struct RoundStep {
    pub(crate) task: TaskId,
    pub(crate) what: Step,
}

/// What a node did in a round.
#[derive(Debug)]
pub(crate) enum Step {
    /// The task was sent to it.
    Assigned,
    /// It took the task.
    Acked,
    /// It did not take it, which is nobody's fault.
    Refused,
    /// It has bound itself to an answer with this hash.
    Precommitted(String),
    /// Its answer, which was checked: what a settlement says of it, and its tokens.
    Committed(Box<Line>, Vec<TokenId>),
    /// There is nothing (more) to come of it.
    Ended(Problem),
}

/// What becomes of a task, on its way to the one who asked.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// A node took it.
    Started { node: NodeAddress, precision: Precision, assigned: Instant },
    /// More of the answer.
    Tokens { tokens: Vec<StreamedToken>, at: Instant },
    /// The whole answer was delivered.
    Finished(Finished),
    /// There is no (more) answer.
    Failed(Problem),
}

/// A whole answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Finished {
    pub(crate) finish: FinishReason,
    pub(crate) usage: Usage,
}

/// How a task was over.
enum Over {
    /// Answered and settled.
    Answered(Finished),
    /// Delivered, and nobody is paid: its node was lost at the end, or the answer is empty.
    Whole(Finished),
    /// Nobody waits any more.
    ClientGone,
    Problem(Problem),
}

/// Starts a task. It runs to its end whatever becomes of the receiver.
pub(crate) fn start(context: &Arc<Context>, job: Job) -> mpsc::Receiver<Delivery> {
    // Every message but a few carries a token, so that this is never full and a slow client holds nobody up.
    let room = job.sampling.max_tokens as usize + 4 * job.deadlines.attempts as usize + 8;
    let (client, deliveries) = mpsc::channel(room);
    let task = Task::new(job.deadlines, now());
    let drive = Drive {
        context: Arc::clone(context),
        job,
        task,
        client,
        client_gone: false,
        too_long: None,
        delivered: Vec::new(),
        tries: 0,
    };
    context.tasks.spawn(drive.run());
    deliveries
}

struct Drive {
    context: Arc<Context>,
    job: Job,
    task: Task,
    client: mpsc::Sender<Delivery>,
    client_gone: bool,
    /// What the client is told if no larger context is offered than the one that was too small.
    too_long: Option<Problem>,
    /// What the client has, of all attempts.
    delivered: Vec<TokenId>,
    /// Numbers the attempts and their settlements; unlike the task's own count it includes refusals.
    tries: u32,
}

impl Drive {
    async fn run(mut self) {
        if let Err(problem) = self.open().await {
            self.tell_round(Step::Ended(problem.clone()));
            return self.deliver(Delivery::Failed(problem));
        }
        let over = self.serve().await;
        self.close(over).await;
    }

    async fn open(&self) -> Result<(), Problem> {
        // Before anything is written down: anybody can ask for models that do not exist.
        if self.context.pool.presence(&self.job.want) == Presence::Absent {
            return Err(self.absent());
        }
        if !self.context.backlog.is_empty() {
            return Err(self.not_written());
        }
        let (key, hold) = match self.job.purse {
            Purse::User { key, hold } => (Some(key), hold),
            Purse::Incentives { .. } | Purse::Round(_) => (None, Amount::ZERO),
        };
        let opened = self.context.store.open_task(self.job.id, key, &self.job.want.model, hold, wall_time()).await;
        match opened {
            Ok(Opened::Held) => Ok(()),
            Ok(Opened::TooLittle { available }) => Err(Problem::TooLittleCredit { needed: hold, available }),
            Err(error) => {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(task = %self.job.id, %error, source, "a task could not be opened");
                Err(if error.is_final() { Problem::Internal } else { self.not_written() })
            }
        }
    }

    fn not_written(&self) -> Problem {
        Problem::NotWritten { retry_after: self.context.policy.retry_after_seconds }
    }

    async fn serve(&mut self) -> Over {
        loop {
            let lease = match self.wait().await {
                Ok(lease) => lease,
                Err(over) => return over,
            };
            if let Some(over) = self.attempt(lease).await {
                return over;
            }
        }
    }

    /// Waits for a node with a free slot.
    async fn wait(&mut self) -> Result<Lease, Over> {
        let context = Arc::clone(&self.context);
        let client = self.client.clone();
        let mut offers = context.pool.offers_changed();
        let mut lease = pin!(Arc::clone(&context.pool).acquire(self.job.id, self.job.want.clone()));
        loop {
            let until = match context.pool.presence(&self.job.want) {
                Presence::Now => self.task.wake_at(),
                Presence::Until(until) => self.task.wake_at().min(until),
                Presence::Absent => return Err(Over::Problem(self.absent())),
            };
            tokio::select! {
                lease = &mut lease => return lease.map_err(|none| Over::Problem(self.no_lease(none))),
                () = sleep(until.since(now())) => self.tick()?,
                () = client.closed() => return Err(self.client_left_early()),
                () = context.stopping.closing.cancelled() => return Err(Over::Problem(Problem::Stopping)),
                _ = offers.changed() => {}
            }
        }
    }

    fn tick(&mut self) -> Result<(), Over> {
        match self.task.apply(TaskEvent::Tick, now()) {
            Ok(TaskState::Ended(_)) => Err(self.ended()),
            _ => Ok(()),
        }
    }

    fn client_left_early(&mut self) -> Over {
        // A queued task that loses its client is over; the answer of `apply` says nothing more.
        let _ = self.task.apply(TaskEvent::ClientGone, now());
        Over::ClientGone
    }

    fn no_lease(&self, none: NoLease) -> Problem {
        match none {
            NoLease::QueueFull(waiting) => {
                Problem::QueueFull { waiting, retry_after: self.context.policy.retry_after_seconds }
            }
            NoLease::Gone => Problem::NodesLost,
        }
    }

    fn absent(&self) -> Problem {
        if self.tries > 0 {
            return self.nodes_lost();
        }
        let available = available(&self.context);
        if available.is_empty() {
            return Problem::NoNode;
        }
        Problem::UnknownModel { wanted: self.job.name.clone(), available }
    }

    /// What the task's own end means to the client.
    fn ended(&self) -> Over {
        match self.task.state() {
            TaskState::Ended(Outcome::TimedOut) => {
                Over::Problem(Problem::TimedOut { seconds: self.job.deadlines.total.as_secs() })
            }
            TaskState::Ended(Outcome::Cancelled) => Over::ClientGone,
            _ => Over::Problem(self.nodes_lost()),
        }
    }

    fn nodes_lost(&self) -> Problem {
        self.too_long.clone().unwrap_or(Problem::NodesLost)
    }

    /// A task that was given back goes to another node, unless it is over or there is nothing left to do.
    fn given_back(&mut self, artifact: ArtifactDigest) -> Option<Over> {
        if matches!(self.task.state(), TaskState::Ended(_)) {
            return Some(self.ended());
        }
        if self.delivered.is_empty() {
            return None;
        }
        if self.delivered.len() >= self.job.sampling.max_tokens as usize {
            let usage = Usage { prompt_tokens: 0, completion_tokens: self.delivered_tokens() };
            return Some(Over::Whole(Finished { finish: FinishReason::Length, usage }));
        }
        self.job.want.artifact = Some(artifact);
        None
    }

    fn delivered_tokens(&self) -> u32 {
        u32::try_from(self.delivered.len()).unwrap_or(u32::MAX)
    }

    /// Tells the round that this is for, if it is for one. There is room for every step, and a round that is given up
    /// needs to know nothing.
    fn tell_round(&self, what: Step) {
        if let Purse::Round(round) = &self.job.purse {
            let _ = round.try_send(RoundStep { task: self.job.id, what });
        }
    }

    /// Says it to the client. That it is gone is noticed elsewhere.
    fn deliver(&self, delivery: Delivery) {
        let _ = self.client.try_send(delivery);
    }

    async fn close(&self, over: Over) {
        let (delivery, ending) = match over {
            Over::Answered(finished) => return self.deliver(Delivery::Finished(finished)),
            Over::Whole(finished) => (Some(Delivery::Finished(finished)), Ending::Task(Outcome::Failed)),
            Over::ClientGone => (None, Ending::Task(Outcome::Cancelled)),
            Over::Problem(problem) => {
                self.tell_round(Step::Ended(problem.clone()));
                let ending = match problem {
                    Problem::Stopping => Ending::Interrupted,
                    Problem::TimedOut { .. } => Ending::Task(Outcome::TimedOut),
                    _ => Ending::Task(Outcome::Failed),
                };
                (Some(Delivery::Failed(problem)), ending)
            }
        };
        let at = wall_time();
        if let Err(error) = self.context.store.end_task(self.job.id, ending, at).await {
            self.context.backlog.keep(Entry::Ending(self.job.id, ending, at), &error);
        }
        if let Some(delivery) = delivery {
            self.deliver(delivery);
        }
    }
}

/// The names of every model on offer, with and without precision.
pub(crate) fn available(context: &Context) -> Vec<String> {
    let models = context.pool.models();
    let exact = models.iter().map(|(model, precision, _)| exact_name(model, *precision));
    let mut names: Vec<String> = models.iter().map(|(model, ..)| model.to_string()).chain(exact).collect();
    names.sort();
    names.dedup();
    names
}

/// `model:precision`.
pub(crate) fn exact_name(model: &ModelId, precision: Precision) -> String {
    format!("{model}:{}", precision.as_str().to_lowercase())
}
