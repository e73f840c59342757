//! What one asks of a running miner.

use std::{process::ExitCode, time::Duration};

use cortensor_app::{
    Earnings, Folders, PauseLength, PendingPay, Status, Why, Withdrawal, WithdrawalReceipt,
    control::{Door, ModeRequest, PauseRequest},
    forget_memory_limits,
};
use cortensor_node::Ledger;
use cortensor_protocol::{Mode, Settlement, SettlementStatus, TaskKind};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Common, Outcome, show, why};

/// Why a running miner did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// There is none.
    #[error("no miner is running here; start one with `cortensor mine`")]
    NotRunning,
    /// It did not say what was expected.
    #[error("the miner's answer was not understood; is it another version?")]
    Answer(#[source] reqwest::Error),
    /// It refused.
    #[error("{0}")]
    Refused(String),
    /// The door cannot be read.
    #[error(transparent)]
    Door(#[from] cortensor_app::FileError),
}

/// A running miner.
pub(crate) struct Miner {
    door: Door,
    http: reqwest::Client,
}

impl Miner {
    pub(crate) fn find(folders: &Folders) -> Result<Self, ClientError> {
        let door = Door::read(folders)?.ok_or(ClientError::NotRunning)?;
        Ok(Self { door, http: reqwest::Client::new() })
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.send(self.http.get(self.url(path))).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        self.send(self.http.post(self.url(path)).json(body)).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.door.address)
    }

    async fn send<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, ClientError> {
        let answer = request.bearer_auth(&self.door.token).send().await;
        // A door that nobody stands behind was left by a kill.
        let answer = answer.map_err(|_| ClientError::NotRunning)?;
        if answer.status().is_success() {
            return answer.json().await.map_err(ClientError::Answer);
        }
        Err(ClientError::Refused(answer.text().await.map_err(ClientError::Answer)?))
    }
}

/// `cortensor status`
pub(crate) async fn status(common: &Common) -> Outcome {
    let status: Status = Miner::find(&common.folders()?)?.get("status").await?;
    if common.json {
        say!("{}", serde_json::to_string_pretty(&status)?);
        return Ok(ExitCode::SUCCESS);
    }
    say!("{}", show::headline(&status));
    if let Some(problem) = &status.problem {
        say!("  {}", problem.message);
    }
    for view in &status.modes {
        say!("{}", show::mode_line(view, status.mode == Some(view.mode)));
    }
    if let Some(plan) = status.plan.as_ref().filter(|plan| !plan.limits.is_empty()) {
        plan.limits_in_words().iter().for_each(|line| say!("  {line}"));
        say!("  to load it in full again: cortensor retry");
    }
    if let Some(report) = &status.tier {
        for evidence in &report.evidence {
            let met = if evidence.met { "met" } else { "not met" };
            say!("  {}: {} (asked: {}; {met})", evidence.what, evidence.seen, evidence.asked);
        }
        say!("  {}", report.next_step);
    }
    if let Some(standing) = &status.standing {
        show::standing_lines(standing).iter().for_each(|line| say!("  {line}"));
    }
    if let Some(address) = status.address {
        say!("  node {address}");
    }
    Ok(ExitCode::SUCCESS)
}

/// What the running miner withdraws.
pub(crate) async fn withdraw_from_running(
    folders: &Folders,
    wanted: &Withdrawal,
) -> Result<WithdrawalReceipt, ClientError> {
    let miner = Miner::find(folders)?;
    miner.send(miner.http.post(miner.url("withdraw")).json(wanted)).await
}

/// `cortensor earnings`: from the running miner, or from its ledger when none runs.
pub(crate) async fn earnings(common: &Common, limit: u32) -> Outcome {
    let folders = common.folders()?;
    let asked = match Miner::find(&folders) {
        Ok(miner) => miner.get(&format!("earnings?limit={limit}")).await,
        Err(error) => Err(error),
    };
    let earnings: Earnings = match asked {
        Ok(earnings) => earnings,
        Err(ClientError::NotRunning) => stored(&folders, limit).await?,
        Err(error) => return Err(error.into()),
    };
    if common.json {
        say!("{}", serde_json::to_string_pretty(&earnings)?);
    } else {
        print_earnings(&earnings);
    }
    Ok(ExitCode::SUCCESS)
}

async fn stored(folders: &Folders, limit: u32) -> Result<Earnings, Box<dyn std::error::Error + Send + Sync>> {
    if !folders.ledger().exists() {
        return Err("nothing was earned here yet; start with `cortensor mine`".into());
    }
    let ledger = Ledger::open(&folders.ledger()).await?;
    let earnings = cortensor_app::earnings(&ledger, limit).await?;
    ledger.close().await;
    Ok(earnings)
}

fn print_earnings(earnings: &Earnings) {
    let summary = &earnings.summary;
    say!("Practice credits (worth nothing): today {}, in all {}", summary.today, summary.total);
    say!("Paid, with a statement: {}; confirmed and not withdrawn yet: {}", earnings.withdrawn, earnings.confirmed);
    if earnings.pending.tasks > 0 {
        say!("Pending: {}", pending(&earnings.pending));
    }
    say!("User requests paid: {}; not paid: {}", summary.requests, summary.requests_void);
    say!("Network tests paid: {}; not paid: {}", summary.tests, summary.tests_void);
    for mode in &summary.by_mode {
        say!("  {:<9} {} for {} user requests and the network's tests", mode.mode, mode.total, mode.requests);
    }
    if earnings.latest.is_empty() {
        say!("No request yet. Send one to the router; `cortensor mine` prints its address and API key.");
        return;
    }
    say!("\n{:<19}  {:<12} {:<22} {:<5} {:>11}  {:>8}  paid", "time", "kind", "model", "", "tokens", "tokens/s");
    earnings.latest.iter().for_each(|settlement| say!("{}", line(settlement)));
}

/// An amount only where one can be reckoned, and never without what is not in it.
fn pending(pending: &PendingPay) -> String {
    let PendingPay { tasks, about, unreckoned } = *pending;
    let (count, rest) = (counted(tasks), counted(unreckoned));
    match about {
        None => format!("{count}; what it pays is known when it is settled"),
        Some(about) if unreckoned == 0 => format!("about {about} for {count}, by the network's prices"),
        Some(about) => format!("about {about} for {count}, by the network's prices and without {rest}"),
    }
}

fn counted(tasks: u64) -> String {
    format!("{tasks} {}", if tasks == 1 { "task" } else { "tasks" })
}

fn line(settlement: &Settlement) -> String {
    let time = jiff::Timestamp::from_millisecond(settlement.settled_at.0).unwrap_or_default();
    let time = time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let kind = match settlement.kind {
        TaskKind::User => "user",
        TaskKind::NetworkTest => "network test",
    };
    let tokens = format!("{} + {}", settlement.usage.prompt_tokens, settlement.usage.completion_tokens);
    let paid = match &settlement.status {
        SettlementStatus::Paid { amount } => amount.to_string(),
        SettlementStatus::Void { reason, .. } => format!("not paid: {reason}"),
        SettlementStatus::Reversed { amount, reason, .. } => format!("-{amount} taken back: {reason}"),
    };
    let (model, precision) = (settlement.model.as_str(), settlement.precision);
    format!("{time}  {kind:<12} {model:<22} {precision:<5} {tokens:>11}  {:>8}  {paid}", rate(settlement))
}

/// Answer tokens a second behind the first one.
fn rate(settlement: &Settlement) -> String {
    settlement.tokens_per_second().map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}"))
}

/// `cortensor why`
pub(crate) async fn why(common: &Common) -> Outcome {
    let why: Why = Miner::find(&common.folders()?)?.get("why").await?;
    if common.json {
        say!("{}", serde_json::to_string_pretty(&why)?);
    } else {
        why::lines(&why).iter().for_each(|line| say!("{line}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// `cortensor mode`
pub(crate) async fn mode(common: &Common, mode: Mode) -> Outcome {
    let miner = Miner::find(&common.folders()?)?;
    let before: Status = miner.get("status").await?;
    if !common.json {
        before.modes.iter().for_each(|view| say!("{}", show::mode_line(view, before.mode == Some(view.mode))));
    }
    let request = ModeRequest { mode };
    let mut switching = std::pin::pin!(miner.post::<serde_json::Value>("mode", &request));
    let mut shown = String::new();
    loop {
        tokio::select! {
            switched = &mut switching => {
                switched?;
                break;
            }
            () = tokio::time::sleep(Duration::from_millis(250)) => progress(&miner, &mut shown, common.json).await,
        }
    }
    let after: Status = miner.get("status").await?;
    if common.json {
        say!("{}", serde_json::to_string_pretty(&after.modes)?);
    } else {
        say!("{}", show::headline(&after));
    }
    Ok(ExitCode::SUCCESS)
}

async fn progress(miner: &Miner, shown: &mut String, quiet: bool) {
    let Ok(status) = miner.get::<Status>("status").await else { return };
    let line = format!("{}: {} running", status.phase.words(), status.running);
    if !quiet && line != *shown {
        eprintln!("{line}");
        *shown = line;
    }
}

/// `cortensor pause`
pub(crate) async fn pause(common: &Common, length: PauseLength) -> Outcome {
    tell(common, "pause", &PauseRequest { length }, "paused; the memory is given back").await
}

/// `cortensor retry`: through the running miner, or for the next start when none runs.
pub(crate) async fn retry(common: &Common) -> Outcome {
    let folders = common.folders()?;
    let asked = match Miner::find(&folders) {
        Ok(miner) => miner.post::<serde_json::Value>("retry", &serde_json::json!({})).await.map(drop),
        Err(error) => Err(error),
    };
    let done = match asked {
        Ok(()) => "nothing is held back for want of memory any more",
        Err(ClientError::NotRunning) => forgotten(&folders)?,
        Err(error) => return Err(error.into()),
    };
    say!("{}", if common.json { "{}" } else { done });
    Ok(ExitCode::SUCCESS)
}

/// One that is just starting has the folder, and no door yet.
fn forgotten(folders: &Folders) -> Result<&'static str, Box<dyn std::error::Error + Send + Sync>> {
    let _lock = folders.lock()?;
    let any = forget_memory_limits(folders)?;
    Ok(if any { "the next start loads in full what ran out of memory" } else { "nothing has run out of memory here" })
}

/// Has the running miner finish what runs and end.
pub(crate) async fn quit(folders: &Folders) -> Result<(), ClientError> {
    Miner::find(folders)?.post::<serde_json::Value>("quit", &serde_json::json!({})).await.map(drop)
}

/// `cortensor pause`, `resume`, `quit`
pub(crate) async fn tell(common: &Common, what: &str, how: &impl Serialize, done: &str) -> Outcome {
    let answer: serde_json::Value = Miner::find(&common.folders()?)?.post(what, how).await?;
    if common.json {
        say!("{answer}");
    } else {
        say!("{done}");
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use cortensor_protocol::Amount;

    use super::*;

    #[test]
    fn what_is_pending_is_an_amount_only_with_about_and_what_is_not_in_it() {
        for (tasks, about, unreckoned, words) in [
            (1, None, 1, "1 task; what it pays is known when it is settled"),
            (2, Some(3), 0, "about 3.00 for 2 tasks, by the network's prices"),
            (2, Some(3), 1, "about 3.00 for 2 tasks, by the network's prices and without 1 task"),
        ] {
            let about = about.map(Amount::from_credits);
            assert_eq!(pending(&PendingPay { tasks, about, unreckoned }), words);
        }
    }
}
