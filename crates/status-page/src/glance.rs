//! What the page shows: a part of the status, with nothing in it that others should not read.

use cortensor_app::{Connection, Phase, ProblemCode, Reason, Status};
use cortensor_protocol::{Amount, Level, Millis, Mode, ModelId, Precision, Tier};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The practice network's name.
const PRACTICE: &str = "practice";

/// How the miner is, for whoever looks from another device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Glance {
    /// The one word.
    pub phase: Phase,
    /// Since when that is so, as far as the page has seen.
    pub since: Millis,
    /// When the user's pause is over by itself.
    pub paused_until: Option<Millis>,
    /// Why it steps aside.
    pub aside: Vec<AsideKind>,
    /// What must be seen to, by what helps. The words of the miner name files, and stay there.
    pub problem: Option<ProblemCode>,
    /// What is served.
    pub model: Option<ModelId>,
    /// In which exact format.
    pub precision: Option<Precision>,
    /// What the user chose.
    pub mode: Option<Mode>,
    /// Requests being answered.
    pub running: u32,
    /// What the network tested of it.
    pub tier: Option<Tier>,
    /// How far the network trusts it.
    pub level: Option<Level>,
    /// User requests served and paid.
    pub requests: u64,
    /// Earned today.
    pub today: Amount,
    /// Earned in all.
    pub total: Amount,
    /// Whether that is worth nothing. So it is taken to be until the network is known.
    pub practice: bool,
    /// Answer tokens a second, as the benchmark measured them.
    pub tokens_per_second: Option<f64>,
    /// Requests in an hour since the mode was chosen.
    pub requests_per_hour: Option<f64>,
    /// What to know beside that.
    pub warnings: Vec<Warning>,
}

/// Why the miner steps aside; without the figures and names, which are settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum AsideKind {
    /// Somebody uses the computer.
    InUse,
    /// It runs on its battery.
    Battery,
    /// A program fills the screen.
    FullScreen,
    /// A program that the user named runs.
    Program,
    /// Too hot.
    Hot,
    /// Others need the processor.
    Processor,
    /// Others need the graphics card.
    Graphics,
    /// The connection is paid for by volume.
    Metered,
    /// Not the time for it.
    Hours,
}

/// Something to know that does not stop the miner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Warning {
    /// The engine broke down, and what could be done was done.
    EngineBroke {
        /// When.
        at: Millis,
    },
    /// Passed tests do not count for the level for a while.
    CoolingDown {
        /// Until when.
        until: Millis,
    },
}

impl Glance {
    /// What the page shows of a status, after what it showed before.
    pub fn of(status: &Status, before: Option<&Self>, now: Millis) -> Self {
        let serving = status.modes.iter().find(|view| Some(view.mode) == status.mode);
        let measured = serving.and_then(|view| view.benchmark.as_ref());
        Self {
            phase: status.phase,
            since: before.filter(|before| before.phase == status.phase).map_or(now, |before| before.since),
            paused_until: status.paused_until,
            aside: status.aside.iter().map(AsideKind::from).collect(),
            problem: status.problem.as_ref().map(|problem| problem.code),
            model: status.loaded.as_ref().map(|loaded| loaded.model.clone()),
            precision: status.loaded.as_ref().map(|loaded| loaded.precision),
            mode: status.mode,
            running: status.running,
            tier: status.tier.as_ref().and_then(|report| report.tier),
            level: status.standing.as_ref().map(|standing| standing.level),
            requests: status.earnings.requests,
            today: status.earnings.today,
            total: status.earnings.total,
            practice: network(status)
                .map_or_else(|| before.is_none_or(|before| before.practice), |name| name == PRACTICE),
            tokens_per_second: measured.map(|measured| measured.decode_tokens_per_second),
            requests_per_hour: serving.and_then(|view| view.measured_requests_per_hour),
            warnings: warnings(status, now),
        }
    }
}

fn network(status: &Status) -> Option<&str> {
    match &status.connection {
        Connection::Connected { network, .. } => Some(network),
        _ => None,
    }
}

fn warnings(status: &Status, now: Millis) -> Vec<Warning> {
    let broke = status.incident.as_ref().map(|incident| Warning::EngineBroke { at: incident.at });
    let until = status.standing.as_ref().and_then(|standing| standing.cool_down_until).filter(|until| *until > now);
    broke.into_iter().chain(until.map(|until| Warning::CoolingDown { until })).collect()
}

impl From<&Reason> for AsideKind {
    fn from(reason: &Reason) -> Self {
        match reason {
            Reason::InUse => Self::InUse,
            Reason::Battery => Self::Battery,
            Reason::FullScreen => Self::FullScreen,
            Reason::Program { .. } => Self::Program,
            Reason::Hot { .. } => Self::Hot,
            Reason::Processor { .. } => Self::Processor,
            Reason::Graphics { .. } => Self::Graphics,
            Reason::Metered => Self::Metered,
            Reason::Hours { .. } => Self::Hours,
        }
    }
}
