//! The one value a host shows.

use cortensor_hardware::Hardware;
use cortensor_node::{Connection, EarningsSummary, KeyPlace, LiveTask, NodeState, Work};
use cortensor_planner::{Measurement, Plan, RequestShape, TYPICAL_REQUEST, rescaled};
use cortensor_protocol::{Amount, Mode, ModelId, NodeAddress, Precision, PrecisionClass, PriceList, Tier, TierReport};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use ts_rs::TS;

/// Where a status is written.
pub(crate) type StatusSender = watch::Sender<Status>;

/// How the miner is.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
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
    #[serde(serialize_with = "checksummed")]
    #[ts(type = "NodeAddress | null")]
    pub address: Option<NodeAddress>,
    /// Where its key is kept.
    pub key_place: Option<KeyPlace>,
    /// The key's file waits for this passphrase; answer with [`crate::App::give_passphrase`].
    pub passphrase: Option<PassphraseRequest>,
    /// Whether every precision is being measured again.
    pub measuring: bool,
    /// Which side of the switch is being loaded.
    pub switching_to: Option<Mode>,
    /// What the benchmark measured here, the most exact first, whether a mode chose it or not.
    pub measurements: Vec<Measured>,
    /// To the router.
    pub connection: Connection,
    /// Done and all, while the network tests the node.
    #[ts(type = "[number, number] | null")]
    pub testing: Option<(u32, u32)>,
    /// What the network says of the node.
    pub tier: Option<TierReport>,
    /// Tasks being worked on.
    pub running: u32,
    /// The same, one by one, behind those whose settlement is awaited.
    pub tasks: Vec<LiveTask>,
    /// What was earned. On the practice network: practice credits.
    pub earnings: EarningsSummary,
    /// What the life is doing, whatever the network says.
    #[serde(skip)]
    pub(crate) held: Option<Phase>,
}

#[expect(clippy::ref_option, reason = "serde's shape")]
fn checksummed<S: serde::Serializer>(address: &Option<NodeAddress>, serializer: S) -> Result<S::Ok, S::Error> {
    address.as_ref().map(ToString::to_string).serialize(serializer)
}

/// What the benchmark measured of one precision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Measured {
    /// Exact format.
    pub precision: Precision,
    /// What was measured.
    pub measurement: Measurement,
}

/// The passphrase of the key's file is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PassphraseRequest {
    /// Whether it is a new one.
    pub new: bool,
    /// What was wrong with the one before, if there was one.
    pub refused: Option<String>,
}

/// The one word for how the miner is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Step {
    /// Which.
    pub name: StepName,
    /// How far.
    pub state: StepState,
    /// In words.
    pub detail: String,
}

/// The steps, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
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
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ModeView {
    /// Which.
    pub mode: Mode,
    /// Exact format.
    pub precision: Precision,
    /// What the network tells apart and pays by.
    pub precision_class: PrecisionClass,
    /// The tier: what was tested of the hardware, with this precision.
    pub tier: Option<Tier>,
    /// What an hour of typical requests pays, by the benchmark and the network's prices.
    pub predicted_earnings_per_hour: Option<Amount>,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Problem {
    /// For programs.
    pub code: ProblemCode,
    /// For people.
    pub message: String,
}

/// Kinds of problems, by what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
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
    /// The embedded router did not start.
    Network,
    /// Another miner runs on this folder.
    InUse,
}

impl Status {
    /// A miner that did not start.
    pub fn failed(problem: Problem) -> Self {
        Self { phase: Phase::Failed, problem: Some(problem), ..Self::default() }
    }

    /// Takes over what the node says of itself.
    pub(crate) fn follow(&mut self, node: &NodeState) {
        self.connection = node.connection.clone();
        self.testing = node.testing;
        self.tier.clone_from(&node.tier);
        self.running = node.running();
        self.tasks = node.tasks();
        let tier = node.tier.as_ref().and_then(|report| report.tier);
        self.modes.iter_mut().for_each(|view| view.follow(tier, node.prices.as_ref()));
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

    pub(crate) fn is_running(&self, name: StepName) -> bool {
        self.steps.iter().any(|step| step.name == name && matches!(step.state, StepState::Running { .. }))
    }

    fn is_done(&self, name: StepName) -> bool {
        self.steps.iter().any(|step| step.name == name && step.state == StepState::Done)
    }

    /// Begins or goes on with a step; what comes before it is done. What comes behind it is still to come, unless tasks
    /// go on meanwhile.
    pub(crate) fn step(&mut self, name: StepName, progress: Option<f32>, detail: impl Into<String>) {
        self.steps.iter_mut().filter(|step| step.name < name).for_each(|step| step.state = StepState::Done);
        if self.held == Some(Phase::Starting) {
            self.steps.retain(|step| step.name <= name);
        }
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

    /// The life is over: nothing is asked, measured or switched any more.
    pub(crate) fn end(&mut self, phase: Phase) {
        self.phase = phase;
        (self.passphrase, self.measuring, self.switching_to) = (None, false, None);
    }

    pub(crate) fn fail(&mut self, problem: Problem) {
        if let Some(step) = self.steps.iter_mut().rev().find(|step| step.state != StepState::Done) {
            step.state = StepState::Failed;
        }
        self.problem = Some(problem);
        self.end(Phase::Failed);
    }

    fn put(&mut self, step: Step) {
        match self.steps.iter_mut().find(|known| known.name == step.name) {
            Some(known) => *known = step,
            None => self.steps.push(step),
        }
    }
}

impl ModeView {
    fn follow(&mut self, tier: Option<Tier>, prices: Option<&PriceList>) {
        self.tier = tier.map(|tier| Tier { precision: self.precision_class, ..tier });
        self.predicted_earnings_per_hour = prices.and_then(|prices| self.earnings_per_hour(prices));
    }

    fn earnings_per_hour(&self, prices: &PriceList) -> Option<Amount> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate, positive and far below 2⁶⁴"
        )]
        let thousandths = (self.predicted_requests_per_hour? * 1e3) as u64;
        let RequestShape { prompt_tokens, completion_tokens } = TYPICAL_REQUEST;
        let price = prices.of(self.precision_class);
        let tokens =
            [price.prompt.per_thousand(prompt_tokens.into()), price.completion.per_thousand(completion_tokens.into())];
        Some(tokens.into_iter().sum::<Amount>().scaled(thousandths, 1000))
    }

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

/// A problem from an error and everything it came from.
pub(crate) fn problem(code: ProblemCode, error: &dyn std::error::Error) -> Problem {
    Problem { code, message: in_words(error) }
}

/// An error and everything it came from. Some libraries' messages have their causes in them already.
pub(crate) fn in_words(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_message = cause.to_string();
        if !message.contains(&cause_message) {
            message = format!("{message} ({cause_message})");
        }
        source = cause.source();
    }
    message
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
    use cortensor_protocol::{Capability, Price};

    use super::*;

    #[test]
    fn an_hour_of_typical_requests_pays_what_the_network_s_prices_say() {
        let prices = PriceList {
            full: Price { prompt: Amount::from_credits(2), completion: Amount::from_credits(6) },
            quantized: Price { prompt: Amount::from_credits(1), completion: Amount::from_credits(3) },
        };
        let measured = |precision: Precision, rate| ModeView {
            mode: Mode::Volume,
            precision,
            precision_class: precision.class(),
            tier: None,
            predicted_earnings_per_hour: None,
            benchmark: None,
            predicted_requests_per_hour: rate,
            measured_requests_per_hour: None,
            work: Work::default(),
        };
        for (precision, rate, earned) in [
            (Precision::F16, Some(100.0), Some("128.00")),
            (Precision::Q8_0, Some(100.0), Some("64.00")),
            (Precision::Q8_0, None, None),
        ] {
            let mut view = measured(precision, rate);
            view.follow(Some(Tier { capability: Capability::LowEnd, precision: PrecisionClass::Full }), Some(&prices));
            assert_eq!(view.predicted_earnings_per_hour.map(|amount| amount.to_string()).as_deref(), earned);
            assert_eq!(view.tier.unwrap().precision, precision.class());
        }
    }

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
