//! The one value a host shows.

mod changes;

use cortensor_hardware::Hardware;
use cortensor_manners::Reason;
use cortensor_node::{Connection, EarningsSummary, KeyPlace, LiveTask, Work};
use cortensor_planner::{Measurement, Plan};
use cortensor_protocol::{
    Amount, Millis, Mode, ModelId, NodeAddress, Precision, PrecisionClass, PriceList, Standing, Tier, TierReport,
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use ts_rs::TS;

use crate::{Incident, MeasuredLoss, ThreadsView};

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
    /// With how many threads the engine computes on the processor; nothing before that is known.
    #[serde(default)]
    pub threads: Option<ThreadsView>,
    /// To the router.
    pub connection: Connection,
    /// Done and all, while the network tests the node.
    #[ts(type = "[number, number] | null")]
    pub testing: Option<(u32, u32)>,
    /// What the network says of the node.
    pub tier: Option<TierReport>,
    /// How far the network trusts the node, and why; nothing from a router that does not say.
    pub standing: Option<Standing>,
    /// Why to step aside just now, by the user's rules. It mines all the same where the user said so.
    #[serde(default)]
    pub aside: Vec<Reason>,
    /// What broke last since the start, and what was done about it; until the user has seen it.
    #[serde(default)]
    pub incident: Option<Incident>,
    /// When the user's pause is over by itself; nothing if it is not, or there is none.
    #[serde(default)]
    pub paused_until: Option<Millis>,
    /// Tasks being worked on.
    pub running: u32,
    /// Since when, connected to the network, nothing was worked on; nothing while something is.
    #[serde(default)]
    pub idle_since: Option<Millis>,
    /// The same, one by one, behind those whose settlement is awaited. Their figures move with every token, so that the
    /// window follows them by themselves, and only while it shows them.
    #[ts(skip)]
    pub tasks: Vec<LiveTask>,
    /// What the network pays, if it said so.
    #[serde(skip)]
    pub(crate) prices: Option<PriceList>,
    /// What was earned. On the practice network: practice credits.
    pub earnings: EarningsSummary,
    /// What the life is doing, whatever the network says.
    #[serde(skip)]
    pub(crate) held: Option<Phase>,
    /// The engine broke down too often: the problem, whatever the node says.
    #[serde(skip)]
    pub(crate) given_up: Option<Problem>,
}

#[expect(clippy::ref_option, reason = "serde's shape")]
fn checksummed<S: serde::Serializer>(address: &Option<NodeAddress>, serializer: S) -> Result<S::Ok, S::Error> {
    address.as_ref().map(ToString::to_string).serialize(serializer)
}

/// What the benchmark measured of one precision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Measured {
    /// The model.
    pub model: ModelId,
    /// Exact format.
    pub precision: Precision,
    /// What was measured.
    pub measurement: Measurement,
    /// What it loses against the reference; nothing if that was not measured, or if it is the reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub loss: Option<MeasuredLoss>,
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
    /// Paused by the user, or by a rule of theirs ([`Status::aside`]); the memory is given back.
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
    /// Number of the graphics card that it computes on; nothing on the processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub card: Option<u32>,
}

/// One side of the switch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ModeView {
    /// Which.
    pub mode: Mode,
    /// The model.
    pub model: ModelId,
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
    /// What it loses against the reference; nothing if that was not measured, or if it is the reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub loss: Option<MeasuredLoss>,
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

/// The same words with a capital at the front.
pub fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
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
