//! Why nothing is earned: the chain from the miner's own state to the power bill, link by link.
//!
//! A pure rule over what the status and the ledger say. Each link is fine, or a cause, or cannot be told now; the first cause is
//! the first thing to fix. Reasons that the network gives come as it words them.

mod cause;

use cortensor_node::Connection;
use cortensor_protocol::{Amount, Level, Millis, Settlement, SettlementStatus};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use self::cause::Cause;
use crate::{ElectricityReport, ModeView, Phase, Status};

/// Without a task for so long, the network is said to have none.
const LONG_IDLE_MS: i64 = 10 * 60 * 1000;
const MINUTE_MS: i64 = 60 * 1000;
/// Settlements of the last hour say whether work is paid now.
const RECENT_MS: i64 = 60 * MINUTE_MS;
/// The other mode must promise a tenth more: predictions are not better than that.
const WORTH_SAYING: (u64, u64) = (11, 10);

/// Why nothing is earned, or that nothing is in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Why {
    /// What was earned in the last hour.
    pub earned_last_hour: Amount,
    /// Every link, in the order in which one depends on the other.
    pub links: Vec<WhyLink>,
    /// The first that is a cause: what to fix first.
    pub first: Option<Link>,
}

/// One link and how it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WhyLink {
    /// Which.
    pub link: Link,
    /// How it is.
    pub finding: Finding,
}

/// The links, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// The miner itself runs.
    Miner,
    /// No rule of the user's has it step aside.
    Rules,
    /// It is not paused.
    Pause,
    /// It is connected to the network.
    Connection,
    /// It passed the network's tests.
    Test,
    /// The network trusts it enough to pay it.
    Standing,
    /// The network has tasks for it.
    Demand,
    /// What it does is paid.
    Pay,
    /// The other mode would not earn more.
    Plan,
    /// Electricity costs less than what is earned.
    Electricity,
}

/// How a link is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Finding {
    /// It is not this.
    Fine,
    /// That cannot be told now: something before it is in the way, or a figure is missing.
    Unknown,
    /// It is this.
    Cause {
        /// What it is, with its facts.
        cause: Cause,
    },
}

/// What is known.
pub(crate) struct Facts<'a> {
    pub(crate) status: &'a Status,
    /// The newest first.
    pub(crate) latest: &'a [Settlement],
    pub(crate) earned_last_hour: Amount,
    /// Of the last 24 hours.
    pub(crate) electricity: &'a ElectricityReport,
    pub(crate) now: Millis,
}

/// Walks the chain. Pure.
pub(crate) fn why(facts: &Facts<'_>) -> Why {
    let Facts { status, latest, earned_last_hour, electricity, now } = *facts;
    let links: Vec<WhyLink> = [
        (Link::Miner, miner(status)),
        (Link::Rules, rules(status)),
        (Link::Pause, pause(status)),
        (Link::Connection, connection(status)),
        (Link::Test, test(status)),
        (Link::Standing, standing(status, now)),
        (Link::Demand, demand(status, now)),
        (Link::Pay, pay(latest, now)),
        (Link::Plan, plan(status)),
        (Link::Electricity, power(electricity)),
    ]
    .map(|(link, finding)| WhyLink { link, finding })
    .into();
    let first = links.iter().find(|one| matches!(one.finding, Finding::Cause { .. })).map(|one| one.link);
    Why { earned_last_hour, links, first }
}

const fn cause(cause: Cause) -> Finding {
    Finding::Cause { cause }
}

fn miner(status: &Status) -> Finding {
    if let Some(problem) = &status.problem {
        return cause(Cause::Problem { problem: problem.code, message: problem.message.clone() });
    }
    match status.phase {
        Phase::Stopped | Phase::Failed => cause(Cause::Stopped),
        _ if status.passphrase.is_some() => cause(Cause::Passphrase),
        _ if status.measuring => cause(Cause::Measuring),
        Phase::Starting => cause(Cause::Starting { step: status.steps.last().map(|step| step.name) }),
        _ => Finding::Fine,
    }
}

/// Whether it takes no tasks because it was told to, by a rule or by the user.
const fn rests(status: &Status) -> bool {
    matches!(status.phase, Phase::Paused | Phase::Draining) && !status.measuring
}

fn rules(status: &Status) -> Finding {
    if rests(status) && !status.aside.is_empty() {
        return cause(Cause::SteppingAside { reasons: status.aside.clone() });
    }
    Finding::Fine
}

fn pause(status: &Status) -> Finding {
    if rests(status) && status.aside.is_empty() { cause(Cause::Paused) } else { Finding::Fine }
}

fn connection(status: &Status) -> Finding {
    match &status.connection {
        Connection::Connected { .. } => Finding::Fine,
        Connection::Offline { reason, retry_at } => {
            cause(Cause::Offline { reason: reason.clone(), retry_at: *retry_at })
        }
        Connection::Rejected { rejection, retry_at } => {
            cause(Cause::Rejected { message: rejection.message.clone(), retry_at: *retry_at })
        }
        Connection::Connecting if status.loaded.is_some() => cause(Cause::Connecting),
        Connection::Connecting | Connection::Stopped => Finding::Unknown,
    }
}

/// Only what is connected and offers a model is tested and given tasks.
const fn is_offering(status: &Status) -> bool {
    matches!(status.connection, Connection::Connected { .. }) && status.loaded.is_some() && status.problem.is_none()
}

fn test(status: &Status) -> Finding {
    if !is_offering(status) {
        return Finding::Unknown;
    }
    match (&status.tier, status.testing) {
        (_, Some(tests)) => cause(Cause::Testing { tests: Some(tests) }),
        (None, None) => cause(Cause::Testing { tests: None }),
        (Some(report), None) if report.tier.is_none() => {
            cause(Cause::NotPassed { next_step: report.next_step.clone(), step: report.step.clone() })
        }
        (Some(_), None) => Finding::Fine,
    }
}

fn standing(status: &Status, now: Millis) -> Finding {
    let Some(standing) = status.standing.as_ref().filter(|_| is_offering(status)) else { return Finding::Unknown };
    let (next_step, step) = (standing.next_step.clone(), standing.step);
    match standing.cool_down_until.filter(|until| now < *until) {
        Some(until) => cause(Cause::CoolDown { until, next_step, step }),
        None if standing.level == Level::LOWEST && is_waiting_long(status, now) => {
            cause(Cause::LowestLevel { next_step, step })
        }
        None => Finding::Fine,
    }
}

fn demand(status: &Status, now: Millis) -> Finding {
    match status.idle_since {
        _ if test(status) != Finding::Fine => Finding::Unknown,
        Some(since) if is_waiting_long(status, now) => cause(Cause::NoTasks { minutes: minutes(since, now) }),
        _ => Finding::Fine,
    }
}

fn is_waiting_long(status: &Status, now: Millis) -> bool {
    test(status) == Finding::Fine && status.idle_since.is_some_and(|since| now.0 - since.0 >= LONG_IDLE_MS)
}

fn minutes(since: Millis, now: Millis) -> u32 {
    u32::try_from((now.0 - since.0) / MINUTE_MS).unwrap_or_default()
}

/// By what was settled in the last hour.
fn pay(latest: &[Settlement], now: Millis) -> Finding {
    let recent: Vec<&Settlement> = latest.iter().filter(|one| now.0 - one.settled_at.0 < RECENT_MS).collect();
    let back = recent.iter().find_map(|one| match &one.status {
        SettlementStatus::Reversed { amount, reason, why, .. } => Some((*amount, reason.clone(), why.clone())),
        _ => None,
    });
    let unpaid = recent.iter().filter_map(|one| match &one.status {
        SettlementStatus::Void { reason, why } => Some((reason, why)),
        _ => None,
    });
    let (unpaid, of) = (unpaid.collect::<Vec<_>>(), recent.len());
    match (back, unpaid.first()) {
        (Some((amount, reason, why)), _) => cause(Cause::TakenBack { amount, reason, why }),
        (None, Some((reason, why))) if unpaid.len() * 2 > of => {
            let (reason, why) = ((*reason).clone(), (*why).clone());
            cause(Cause::Unpaid { unpaid: counted(unpaid.len()), of: counted(of), reason, why })
        }
        _ if recent.is_empty() => Finding::Unknown,
        _ => Finding::Fine,
    }
}

fn counted(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn plan(status: &Status) -> Finding {
    let promised = |view: &ModeView| view.predicted_earnings_per_hour;
    let present = status.modes.iter().find(|view| Some(view.mode) == status.mode).and_then(promised);
    let other = status.modes.iter().find(|view| Some(view.mode) != status.mode);
    match (present, other.and_then(|view| Some((view, promised(view)?)))) {
        (Some(against), Some((view, amount)))
            if amount >= against.scaled(WORTH_SAYING.0, WORTH_SAYING.1) && amount > against =>
        {
            cause(Cause::EarnsMore { mode: view.mode, precision: view.precision, amount, against })
        }
        (Some(_), Some(_)) => Finding::Fine,
        _ => Finding::Unknown,
    }
}

fn power(electricity: &ElectricityReport) -> Finding {
    match (electricity.net, electricity.cost, electricity.worth) {
        (Some(net), Some(cost), Some(worth)) if net.is_loss() => {
            cause(Cause::CostsMore { cost, worth, currency: electricity.settings.currency.clone() })
        }
        (Some(_), ..) => Finding::Fine,
        _ => Finding::Unknown,
    }
}

#[cfg(test)]
mod tests;
