//! Drives one task from the request to its end: waits for a node, passes tokens on, checks the answer, settles it.
//!
//! [`Task`] says what may happen; this does it. A task runs on its own: a client that goes away or a connection that
//! breaks is an event for it, not the end of it, so that what a node did is always settled.

mod attempt;
mod conduct;
mod failure;
mod order;
mod sample;
mod seat;

use std::{pin::pin, sync::Arc};

use cortensor_protocol::{
    Amount, ArtifactDigest, Capability, Deadlines, FinishReason, ModelId, NodeAddress, Outcome, Precision,
    PrecisionClass, PriceList, Prompt, Sampling, StreamedToken, Task, TaskEvent, TaskId, TaskState, Tier, TokenId,
    Usage,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

pub(crate) use self::{
    conduct::incentive,
    order::{Order, place},
    seat::Committed,
};
use super::{
    backlog::Entry,
    choice::Preference,
    conduct::{Observation, record_all},
    pool::{Lease, NoLease, Presence, Want},
    problem::Problem,
    question::Question,
};
use crate::{
    clock::{now, wall_time},
    context::Context,
    store::{Ending, Payer},
};

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
    /// Validators look at the answer, however well its node is trusted.
    pub(crate) validated: bool,
}

/// Who pays.
#[derive(Clone, Debug)]
pub(crate) enum Purse {
    /// The user, at these prices and at most this.
    User { prices: PriceList, hold: Amount },
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
    /// Its answer, which was checked.
    Committed(Box<Committed>),
    /// There is nothing (more) to come of it.
    Ended(Problem),
}

/// What becomes of a task, on its way to the one who asked.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// A node took it; if it is not as asked for, it is this fallback.
    Started { node: NodeAddress, precision: Precision, fallback: Option<&'static str>, assigned: Instant },
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

/// Starts a test. It runs to its end whatever becomes of the receiver.
pub(crate) fn start(context: &Arc<Context>, job: Job) -> mpsc::Receiver<Delivery> {
    let (drive, deliveries) = Drive::new(context, job);
    context.tasks.spawn(async move {
        match order::open(std::slice::from_ref(&drive), Payer::Network, None).await {
            Ok(_) => drive.work().await,
            Err(problem) => {
                drive.context.metrics.task_ended(drive.job.purse.label(), "not_opened");
                drive.tell_round(Step::Ended(problem.clone()));
                drive.deliver(Delivery::Failed(problem));
            }
        }
    });
    deliveries
}

struct Drive {
    context: Arc<Context>,
    job: Job,
    task: Task,
    client: mpsc::Sender<Delivery>,
    accepted: Instant,
    client_gone: bool,
    /// What the client is told if no larger context is offered than the one that was too small.
    too_long: Option<Problem>,
    /// What the client has, of all attempts.
    delivered: Vec<TokenId>,
    /// Numbers the attempts and their settlements; unlike the task's own count it includes refusals.
    tries: u32,
    /// What its nodes did; kept for when the client has its answer.
    seen: Vec<Observation>,
}

impl Drive {
    fn new(context: &Arc<Context>, job: Job) -> (Self, mpsc::Receiver<Delivery>) {
        // Every message but a few carries a token, so that this is never full and a slow client holds nobody up.
        let room = job.sampling.max_tokens as usize + 4 * job.deadlines.attempts as usize + 8;
        let (client, deliveries) = mpsc::channel(room);
        let drive = Self {
            context: Arc::clone(context),
            task: Task::new(job.deadlines, now()),
            job,
            client,
            accepted: Instant::now(),
            client_gone: false,
            too_long: None,
            delivered: Vec::new(),
            tries: 0,
            seen: Vec::new(),
        };
        (drive, deliveries)
    }

    /// From the queue to the end; the task is open already.
    async fn work(mut self) {
        let over = self.serve().await;
        self.close(over).await;
        record_all(&self.context, self.seen).await;
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

    /// Keeps why this node got the task. Behind the answer, so that no first token waits for it.
    async fn note_decision(&self, lease: &Lease) {
        let Some(decision) = &lease.decision else { return };
        let noted = match serde_json::to_string(decision) {
            Ok(decision) => self.context.store.add_decision(self.job.id, self.tries, &decision).await,
            Err(error) => return tracing::error!(%error, "a decision cannot be written down"),
        };
        if let Err(error) = noted {
            tracing::warn!(task = %self.job.id, %error, "why a node got a task is not kept");
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
            let until = context.pool.next_probe().map_or(until, |probe| until.min(probe));
            tokio::select! {
                lease = &mut lease => return lease.map_err(|none| Over::Problem(self.no_lease(none))),
                () = sleep(until.since(now())) => {
                    context.pool.look_again();
                    self.tick()?;
                }
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
        self.no_capable_node().unwrap_or_else(|| Problem::UnknownModel { wanted: self.job.name.clone(), available })
    }

    /// The model is there, and not as it is wanted: what there is, and what of it may be accepted.
    fn no_capable_node(&self) -> Option<Problem> {
        let preference = self.job.want.choice.preference;
        let tiers = self.context.pool.tiers(&self.job.want.model);
        if tiers.is_empty() || preference == Preference::Any {
            return None;
        }
        let useful = |fallback: &&super::choice::Fallback| tiers.iter().any(|(tier, _)| fallback.accepts(*tier));
        let fallbacks = preference.fallbacks().iter().filter(useful).map(|fallback| fallback.as_str()).collect();
        let there = tiers.iter().map(|(tier, nodes)| format!("{tier} ({nodes})")).collect();
        Some(Problem::NoCapableNode { asked: preference.words(), model: self.job.name.clone(), there, fallbacks })
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

    fn count(&self, ending: Ending) {
        self.context.metrics.task_ended(self.job.purse.label(), ending.as_str());
    }

    async fn close(&self, over: Over) {
        let (delivery, ending) = match over {
            Over::Answered(finished) => {
                self.count(Ending::Task(Outcome::Served));
                return self.deliver(Delivery::Finished(finished));
            }
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
        self.count(ending);
        let at = wall_time();
        if let Err(error) = self.context.store.end_task(self.job.id, ending, at).await {
            self.context.backlog.keep(Entry::Ending(self.job.id, ending, at), &error);
        }
        if let Some(delivery) = delivery {
            self.deliver(delivery);
        }
    }
}

/// The names of every model on offer: as it is, with what may be chosen, and with each precision.
pub(crate) fn available(context: &Context) -> Vec<String> {
    let models = context.pool.models();
    let exact = models.iter().map(|(model, precision, _)| exact_name(model, *precision));
    let chosen = models.iter().flat_map(|(model, ..)| chosen_names(model, &context.pool.tiers(model)));
    let mut names: Vec<String> =
        models.iter().map(|(model, ..)| model.to_string()).chain(exact).chain(chosen).collect();
    names.sort();
    names.dedup();
    names
}

/// `model:precision`.
pub(crate) fn exact_name(model: &ModelId, precision: Precision) -> String {
    format!("{model}:{}", precision.as_str().to_lowercase())
}

/// `model:high-accuracy` and `model:cost-effective`, as far as there are nodes for them.
fn chosen_names(model: &ModelId, tiers: &[(Tier, usize)]) -> Vec<String> {
    let named = |(tier, _): &(Tier, usize)| match (tier.capability, tier.precision) {
        (_, PrecisionClass::Quantized) => Some(format!("{model}:cost-effective")),
        (Capability::HighEnd, PrecisionClass::Full) => Some(format!("{model}:high-accuracy")),
        (Capability::LowEnd, PrecisionClass::Full) => None,
    };
    tiers.iter().filter_map(named).collect()
}
