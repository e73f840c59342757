//! How a node is: its connection, its tier, what it serves and what it works on.
//!
//! One value behind one watch channel, so that "is this still served?" and "it runs now" are one step: after
//! [`NodeState::serve`] no task can begin on what was served before.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::Arc,
    time::Duration,
};

use cortensor_engine::Model;
use cortensor_protocol::{
    ArtifactDigest, Assignment, AttemptId, Millis, Mode, ModelId, Offer, Precision, PriceList, RefusalReason,
    Rejection, Standing, TaskId, TaskKind, TierReport, Usage,
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use ts_rs::TS;

use crate::wall_time;

/// Committed tasks whose settlement is awaited, and settled ones that are remembered; older ones are not.
const MOST_COMMITTED: usize = 64;

/// A node's state.
#[derive(Clone, Debug, Default)]
pub struct NodeState {
    /// To the router.
    pub connection: Connection,
    /// Done and all, while the network tests the node.
    pub testing: Option<(u32, u32)>,
    /// What the network said last.
    pub tier: Option<TierReport>,
    /// How far the network trusts the node, and why; `None` if it did not say.
    pub standing: Option<Standing>,
    /// What was served since [`NodeState::serving`] was last changed.
    pub work: Work,
    /// What the network pays, if it said so.
    pub prices: Option<PriceList>,
    /// Why what is earned cannot be written down, and what to do. Nothing is offered meanwhile.
    pub trouble: Option<String>,
    /// What is to be offered.
    pub serving: Option<Serving>,
    /// Since when, connected to the router, nothing was worked on; `None` while something is, and without a connection.
    pub idle_since: Option<Millis>,
    running: BTreeMap<AttemptId, (ArtifactDigest, LiveTask)>,
    committed: VecDeque<LiveTask>,
    /// The last ones: a settlement may be quicker than the word that its task is done.
    settled: VecDeque<TaskId>,
    busy_since: Option<Instant>,
}

/// A task that the node works on, or has committed and not seen settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LiveTask {
    /// Which.
    pub task: TaskId,
    /// Which go at it, from 1.
    pub attempt: u32,
    /// Where it comes from.
    pub kind: TaskKind,
    /// Model.
    pub model: ModelId,
    /// Exact format.
    pub precision: Precision,
    /// What the miner had chosen.
    pub mode: Mode,
    /// When the node took it.
    pub begun_at: Millis,
    /// Tokens of the prompt, once it is encoded.
    pub prompt_tokens: Option<u32>,
    /// Tokens of the answer so far.
    pub answer_tokens: u32,
    /// How far.
    pub state: LiveTaskState,
}

/// How far a live task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LiveTaskState {
    /// Being worked on; without an answer token yet, the prompt is being read.
    Answering,
    /// Done and bound to; the network has not settled it yet.
    Committed,
}

/// The connection to the router.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Connection {
    /// On the way.
    #[default]
    Connecting,
    /// Registered.
    Connected {
        /// The router's name.
        router: String,
        /// The network's name.
        network: String,
    },
    /// Not there; tried again by itself.
    Offline {
        /// Why.
        reason: String,
        /// When it is tried again, by this machine's clock.
        retry_at: Millis,
    },
    /// Turned away; tried again by itself, though something should be done.
    Rejected {
        /// Why, and what to do.
        rejection: Rejection,
        /// When it is tried again, by this machine's clock.
        retry_at: Millis,
    },
    /// Left on purpose.
    Stopped,
}

impl Connection {
    /// Why there is none, if something says so.
    pub fn trouble(&self) -> Option<&str> {
        match self {
            Self::Offline { reason, .. } => Some(reason),
            Self::Rejected { rejection, .. } => Some(&rejection.message),
            Self::Connecting | Self::Connected { .. } | Self::Stopped => None,
        }
    }
}

/// A loaded model to serve, and what the miner chose it for.
#[derive(Clone)]
pub struct Serving {
    /// The model.
    pub model: Arc<dyn Model>,
    /// The choice.
    pub mode: Mode,
}

/// User tasks that were served, and how long the node was busy with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Work {
    /// Committed user tasks.
    pub served: u64,
    /// Their tokens.
    pub prompt_tokens: u64,
    /// Their answers' tokens.
    pub completion_tokens: u64,
    /// Time in which at least one user task ran.
    #[ts(type = "{ secs: number; nanos: number }")]
    pub busy: Duration,
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serving({} {})", self.mode, self.model.artifact().precision)
    }
}

impl Work {
    /// What was measured: requests in an hour of work. `None` before the first.
    pub fn requests_per_hour(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "counts of requests stay far below 2⁵²")]
        let served = self.served as f64;
        (self.served > 0 && !self.busy.is_zero()).then(|| served * 3600.0 / self.busy.as_secs_f64())
    }

    /// Tokens of the average request and of its answer. `None` before the first.
    pub fn average_tokens(&self) -> Option<(u32, u32)> {
        let average = |tokens: u64| u32::try_from(tokens.checked_div(self.served)?).ok();
        Some((average(self.prompt_tokens)?, average(self.completion_tokens)?))
    }
}

impl Serving {
    pub(super) fn digest(&self) -> ArtifactDigest {
        self.model.artifact().digest
    }

    pub(super) fn offer(&self) -> Offer {
        let artifact = self.model.artifact();
        let options = self.model.options();
        Offer {
            model: artifact.model.clone(),
            precision: artifact.precision,
            artifact: artifact.digest,
            context_tokens: options.context_tokens,
            parameters: artifact.geometry.parameters,
            slots: options.slots,
            mode: self.mode,
            device: options.device.kind(),
        }
    }
}

impl NodeState {
    /// Tasks being worked on.
    pub fn running(&self) -> u32 {
        u32::try_from(self.running.len()).unwrap_or(u32::MAX)
    }

    /// What is worked on, the oldest first, behind what waits to be settled.
    pub fn tasks(&self) -> Vec<LiveTask> {
        let mut running: Vec<_> = self.running.values().map(|(_, task)| task.clone()).collect();
        running.sort_by_key(|task| task.begun_at);
        self.committed.iter().cloned().chain(running).collect()
    }

    /// Whether a task runs on `artifact`.
    pub fn runs_on(&self, artifact: ArtifactDigest) -> bool {
        self.running_on(artifact) > 0
    }

    fn running_on(&self, artifact: ArtifactDigest) -> usize {
        self.running.values().filter(|(running, _)| *running == artifact).count()
    }

    pub(super) fn serve(&mut self, serving: Option<Serving>) {
        if serving.is_some() {
            self.work = Work::default();
        }
        self.serving = serving;
        self.rest();
    }

    pub(super) fn offers(&self) -> Vec<Offer> {
        self.serving.iter().filter(|_| self.trouble.is_none()).map(Serving::offer).collect()
    }

    /// Takes a task up, or says why not.
    pub(super) fn begin(&mut self, assignment: &Assignment) -> Result<Serving, RefusalReason> {
        let serving = self.serving.clone().ok_or(RefusalReason::Draining)?;
        if serving.digest() != assignment.artifact {
            return Err(RefusalReason::NotLoaded);
        }
        // What still runs on the model before has its own slots there.
        if self.running_on(assignment.artifact) >= serving.model.options().slots as usize {
            return Err(RefusalReason::AtCapacity);
        }
        self.running.insert(assignment.attempt, (assignment.artifact, live(assignment, &serving)));
        self.idle_since = None;
        if assignment.kind == TaskKind::User {
            self.busy_since.get_or_insert_with(Instant::now);
        }
        Ok(serving)
    }

    /// Notes how far an attempt is.
    pub(super) fn progress(&mut self, attempt: AttemptId, usage: Usage) {
        if let Some((_, task)) = self.running.get_mut(&attempt) {
            task.prompt_tokens = Some(usage.prompt_tokens);
            task.answer_tokens = usage.completion_tokens;
        }
    }

    /// Lays an attempt down; `served` is what was committed, if it was.
    pub(super) fn end(&mut self, attempt: AttemptId, served: Option<Usage>) {
        let Some((artifact, task)) = self.running.remove(&attempt) else { return };
        let kind = task.kind;
        self.rest();
        if let Some(usage) = served {
            self.await_settlement(task, usage);
        }
        if kind != TaskKind::User {
            return;
        }
        let current = self.serving.as_ref().is_none_or(|serving| serving.digest() == artifact);
        if let Some(usage) = served.filter(|_| current) {
            self.work.served += 1;
            self.work.prompt_tokens += u64::from(usage.prompt_tokens);
            self.work.completion_tokens += u64::from(usage.completion_tokens);
        }
        if !self.running.values().any(|(_, task)| task.kind == TaskKind::User) {
            self.work.busy += self.busy_since.take().map_or(Duration::ZERO, |since| since.elapsed());
        }
    }

    /// Waits for a task from now on, if none is worked on.
    pub(super) fn rest(&mut self) {
        let idle = self.running.is_empty() && matches!(self.connection, Connection::Connected { .. });
        self.idle_since = idle.then(wall_time);
    }

    fn await_settlement(&mut self, task: LiveTask, usage: Usage) {
        if self.settled.contains(&task.task) {
            return;
        }
        if self.committed.len() == MOST_COMMITTED {
            self.committed.pop_front();
        }
        let (prompt_tokens, answer_tokens) = (Some(usage.prompt_tokens), usage.completion_tokens);
        self.committed.push_back(LiveTask { prompt_tokens, answer_tokens, state: LiveTaskState::Committed, ..task });
    }

    /// A task is settled: it is history now. Says whether it was waited for.
    pub(super) fn settled(&mut self, task: TaskId) -> bool {
        if self.settled.len() == MOST_COMMITTED {
            self.settled.pop_front();
        }
        self.settled.push_back(task);
        let before = self.committed.len();
        self.committed.retain(|committed| committed.task != task);
        self.committed.len() != before
    }

    /// On a new connection the router says anew what it settled; what it does not know is not waited for.
    pub(super) fn forget_committed(&mut self) {
        self.committed.clear();
    }
}

fn live(assignment: &Assignment, serving: &Serving) -> LiveTask {
    let artifact = serving.model.artifact();
    LiveTask {
        task: assignment.attempt.task,
        attempt: assignment.attempt.number,
        kind: assignment.kind,
        model: artifact.model.clone(),
        precision: artifact.precision,
        mode: serving.mode,
        begun_at: wall_time(),
        prompt_tokens: None,
        answer_tokens: 0,
        state: LiveTaskState::Answering,
    }
}
