//! The one value a host shows.

use cortensor_hardware::Hardware;
use cortensor_node::{Connection, EarningsSummary, NodeState, Work};
use cortensor_planner::{Measurement, Plan, RequestShape, TYPICAL_REQUEST, rescaled};
use cortensor_protocol::{Mode, ModelId, NodeAddress, Precision, TierReport};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// Where a status is written.
pub(crate) type StatusSender = watch::Sender<Status>;

/// How the miner is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Status {
    /// The one word.
    pub phase: Phase,
    /// The way from start to mining, step by step.
    pub steps: Vec<Step>,
    /// What must be done by the user, if anything.
    pub problem: Option<Problem>,
    /// What was found.
    pub hardware: Option<Hardware>,
    /// What was decided, and why.
    pub plan: Option<Plan>,
    /// What the user chose.
    pub mode: Option<Mode>,
    /// What is loaded and served.
    pub loaded: Option<Loaded>,
    /// Both sides of the switch.
    pub modes: Vec<ModeView>,
    /// The node's address.
    pub address: Option<NodeAddress>,
    /// To the router.
    pub connection: Connection,
    /// Done and all, while the network tests the node.
    pub testing: Option<(u32, u32)>,
    /// What the network says of the node.
    pub tier: Option<TierReport>,
    /// Tasks being worked on.
    pub running: u32,
    /// What was earned. On the practice network: practice credits.
    pub earnings: EarningsSummary,
    /// What the life is doing, whatever the network says.
    #[serde(skip)]
    pub(crate) held: Option<Phase>,
}

/// The one word for how the miner is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// On the way to the first task; see the steps.
    #[default]
    Starting,
    /// Ready, and without a router.
    Offline,
    /// Being tested by the network.
    Testing,
    /// Tested and not passed: no user tasks.
    Untrusted,
    /// Taking tasks.
    Mining,
    /// Taking no tasks until the problem is seen to; then it goes on by itself.
    Hindered,
    /// Changing the model; tasks go on.
    Switching,
    /// Finishing what runs.
    Draining,
    /// Paused by the user; the memory is given back.
    Paused,
    /// Ended on purpose.
    Stopped,
    /// Ended: something must be done first.
    Failed,
}

/// A step on the way to mining.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Which.
    pub name: StepName,
    /// How far.
    pub state: StepState,
    /// In words.
    pub detail: String,
}

/// The steps, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepName {
    /// What is this machine?
    Hardware,
    /// The node's key.
    Identity,
    /// The model's files.
    Model,
    /// How fast is each precision here?
    Benchmark,
    /// Which precision?
    Plan,
    /// Into memory.
    Load,
    /// To the router.
    Join,
    /// By the network.
    Test,
    /// Taking tasks.
    Mine,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum StepState {
    /// Now.
    Running {
        /// 0 to 1, if it can be told.
        progress: Option<f32>,
    },
    /// Over.
    Done,
    /// It went wrong; the problem says what to do.
    Failed,
}

/// What is loaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loaded {
    /// Model.
    pub model: ModelId,
    /// Exact format.
    pub precision: Precision,
    /// For which mode.
    pub mode: Mode,
    /// What the planner expected the process to grow by when it was loaded, in bytes.
    pub estimated_bytes: u64,
    /// What it did grow by.
    pub measured_bytes: Option<u64>,
    /// What is expected with every slot at work at full context.
    pub most_bytes: u64,
    /// Seconds it took to load.
    pub seconds: f32,
}

/// One side of the switch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModeView {
    /// Which.
    pub mode: Mode,
    /// Exact format.
    pub precision: Precision,
    /// What the benchmark measured.
    pub benchmark: Option<Measurement>,
    /// Typical requests in an hour, by the benchmark.
    pub predicted_requests_per_hour: Option<f64>,
    /// The same by the requests that were served since the mode was chosen, which need not be typical.
    pub measured_requests_per_hour: Option<f64>,
    /// What was served since the mode was chosen.
    pub work: Work,
}

/// What is wrong and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// For programs.
    pub code: ProblemCode,
    /// For people.
    pub message: String,
}

/// Kinds of problems, by what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// Keychain, passphrase or key file.
    Identity,
    /// The model's files.
    Model,
    /// Nothing fits this machine.
    Plan,
    /// The engine did not load or answer.
    Engine,
    /// A file of the miner's own.
    Files,
}

impl Status {
    /// Takes over what the node says of itself.
    pub(crate) fn follow(&mut self, node: &NodeState) {
        self.connection = node.connection.clone();
        self.testing = node.testing;
        self.tier.clone_from(&node.tier);
        self.running = node.running();
        if self.phase != Phase::Failed {
            let problem = |message| Problem { code: ProblemCode::Files, message };
            self.problem = node.trouble.clone().map(problem);
        }
        if let (Some(serving), Some(mode)) = (&node.serving, self.mode) {
            let view = self.modes.iter_mut().find(|view| view.mode == mode && serving.mode == mode);
            if let Some(view) = view.filter(|_| node.work.served > 0) {
                view.work = node.work;
                view.measured_requests_per_hour = view.measured();
            }
        }
        self.settle();
    }

    /// Finds the one word: what the life does, or else what the network says.
    pub(crate) fn settle(&mut self) {
        if matches!(self.phase, Phase::Stopped | Phase::Failed) {
            return;
        }
        self.phase = self.held.unwrap_or_else(|| self.by_network());
        match self.phase {
            Phase::Testing => {
                self.done(StepName::Join, joined(&self.connection));
                let (progress, words) = tests_in_words(self.testing);
                self.step(StepName::Test, progress, words);
            }
            Phase::Mining if !(self.is_done(StepName::Test) && self.is_done(StepName::Mine)) => {
                let tier = self.tier.as_ref().and_then(|report| report.tier);
                self.done(StepName::Join, joined(&self.connection));
                self.done(StepName::Test, tier.map_or_else(String::new, |tier| format!("tier: {tier}")));
                self.done(StepName::Mine, "taking tasks");
            }
            Phase::Untrusted => {
                self.done(StepName::Join, joined(&self.connection));
                self.done(StepName::Test, "not passed; the network will test again");
            }
            _ => {}
        }
    }

    fn by_network(&self) -> Phase {
        match (&self.connection, self.testing, &self.tier) {
            (Connection::Connected { .. }, ..) if self.problem.is_some() => Phase::Hindered,
            (Connection::Connected { .. }, None, Some(report)) if report.tier.is_some() => Phase::Mining,
            (Connection::Connected { .. }, None, Some(_)) => Phase::Untrusted,
            (Connection::Connected { .. }, _, _) => Phase::Testing,
            _ => Phase::Offline,
        }
    }

    fn is_done(&self, name: StepName) -> bool {
        self.steps.iter().any(|step| step.name == name && step.state == StepState::Done)
    }

    /// Begins or goes on with a step; what comes before it is done.
    pub(crate) fn step(&mut self, name: StepName, progress: Option<f32>, detail: impl Into<String>) {
        self.steps.iter_mut().filter(|step| step.name < name).for_each(|step| step.state = StepState::Done);
        self.put(Step { name, state: StepState::Running { progress }, detail: detail.into() });
    }

    /// Moves a step that is running; one that has ended stays so, for progress can arrive late.
    pub(crate) fn progress(&mut self, name: StepName, done: f32) {
        let running = self.steps.iter_mut().find(|step| step.name == name);
        if let Some(Step { state: StepState::Running { progress }, .. }) = running {
            *progress = Some(done);
        }
    }

    /// Ends a step.
    pub(crate) fn done(&mut self, name: StepName, detail: impl Into<String>) {
        self.put(Step { name, state: StepState::Done, detail: detail.into() });
    }

    pub(crate) fn fail(&mut self, problem: Problem) {
        if let Some(step) = self.steps.iter_mut().rev().find(|step| step.state != StepState::Done) {
            step.state = StepState::Failed;
        }
        self.problem = Some(problem);
        self.phase = Phase::Failed;
    }

    fn put(&mut self, step: Step) {
        match self.steps.iter_mut().find(|known| known.name == step.name) {
            Some(known) => *known = step,
            None => self.steps.push(step),
        }
    }
}

impl ModeView {
    /// The rate of what was served, rescaled to typical requests.
    fn measured(&self) -> Option<f64> {
        let (prompt_tokens, completion_tokens) = self.work.average_tokens()?;
        let served_with = RequestShape { prompt_tokens, completion_tokens };
        rescaled(&self.benchmark?, self.work.requests_per_hour()?, served_with, TYPICAL_REQUEST)
    }
}

fn tests_in_words(testing: Option<(u32, u32)>) -> (Option<f32>, String) {
    let Some((done, total)) = testing else { return (None, "waiting for the network to test".to_owned()) };
    #[expect(clippy::cast_precision_loss, reason = "a handful of tests")]
    let progress = done as f32 / total.max(1) as f32;
    (Some(progress), format!("{done} of {total} tests"))
}

/// A problem from an error and everything it came from. Some libraries' messages have their causes in them already.
pub(crate) fn problem(code: ProblemCode, error: &dyn std::error::Error) -> Problem {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_message = cause.to_string();
        if !message.contains(&cause_message) {
            message = format!("{message} ({cause_message})");
        }
        source = cause.source();
    }
    Problem { code, message }
}

fn joined(connection: &Connection) -> String {
    match connection {
        Connection::Connected { router, network } => format!("registered with {router} on the {network} network"),
        _ => String::new(),
    }
}

impl Phase {
    /// The word, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Offline => "offline: looking for the router",
            Self::Testing => "being tested by the network",
            Self::Untrusted => "not passed: the network will test again",
            Self::Mining => "mining",
            Self::Hindered => "taking no tasks until the problem is seen to",
            Self::Switching => "switching",
            Self::Draining => "finishing what runs",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Failed => "stopped: something must be done first",
        }
    }
}

impl StepName {
    /// The step, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Hardware => "Hardware",
            Self::Identity => "Identity",
            Self::Model => "Model files",
            Self::Benchmark => "Benchmark",
            Self::Plan => "Precision",
            Self::Load => "Loading",
            Self::Join => "Joining",
            Self::Test => "Network test",
            Self::Mine => "Mining",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_that_arrives_late_does_not_begin_a_step_again() {
        let mut status = Status::default();
        status.step(StepName::Load, Some(0.0), "loading");
        status.progress(StepName::Load, 0.5);
        assert_eq!(status.steps[0].state, StepState::Running { progress: Some(0.5) });
        status.done(StepName::Load, "loaded");
        status.step(StepName::Test, None, "testing");
        status.progress(StepName::Load, 1.0);
        let shown: Vec<_> = status.steps.iter().map(|step| (step.state, step.detail.as_str())).collect();
        assert_eq!(shown, [(StepState::Done, "loaded"), (StepState::Running { progress: None }, "testing")]);
    }
}
