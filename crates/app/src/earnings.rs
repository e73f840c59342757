//! What was earned: sums, the states that pay is in, where it came from, and what is left of it.

use std::path::Path;

use cortensor_node::{
    ActivityFilter, ActivityPage, ActivityQuery, Connection, EarningsSummary, Ledger, LedgerError, SourceEarnings,
};
use cortensor_protocol::{Amount, Millis, Settlement};
use jiff::{ToSpan, Zoned};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    App, EarningsChart, ElectricityReport, Failure, Forecast, PendingPay, Span, Status, chart,
    electricity::{self, Facts},
    export,
    forecast::{Hour, forecast},
    why::{self, Why},
};

/// The name of the network whose credits are worth nothing.
const PRACTICE: &str = "practice";
/// Hours that are looked back for a forecast.
const LOOK_BACK: i64 = 7 * 24;
/// Settlements that are looked at for why nothing is earned.
const LATEST: u32 = 50;

/// Sums and the latest settlements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Earnings {
    /// Today, in all, by mode.
    pub summary: EarningsSummary,
    /// Newest first.
    pub latest: Vec<Settlement>,
    /// Of all that was earned, what routers gave statements for.
    #[serde(default)]
    pub withdrawn: Amount,
    /// Of all that was earned, what was settled and not withdrawn: what the router's ledger calls pending.
    #[serde(default)]
    pub confirmed: Amount,
    /// What is worked on or waits for its settlement; nothing where no miner runs.
    #[serde(default)]
    pub pending: PendingPay,
}

/// Since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Since {
    /// Midnight where the user is.
    Today,
    /// Midnight six days ago.
    Week,
    /// The first run.
    Ever,
}

/// What pay there is, by how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PayStates {
    /// What is not settled yet: an estimate.
    pub pending: PendingPay,
    /// Settled, and not withdrawn. An audit may still take the newest of it back.
    pub confirmed: Amount,
    /// Withdrawn, with the router's statement. It is not taken back.
    pub paid: Amount,
    /// Tasks that were not paid, or whose pay was taken back.
    pub voided_tasks: u64,
    /// What was paid for the latter.
    pub taken_back: Amount,
}

/// Where earnings stand and came from.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct EarningsReport {
    /// Since when `sources` and `electricity` are counted.
    pub since: Since,
    /// All pay there is, since the first run.
    pub states: PayStates,
    /// By what was served, the most first.
    pub sources: Vec<SourceEarnings>,
    /// What it took, and what is left.
    pub electricity: ElectricityReport,
    /// What the next 24 hours may bring, by the hours that were mined.
    pub forecast: Forecast,
    /// What 24 hours of typical requests, one after the other, would pay in the present mode, by the benchmark and the
    /// network's prices.
    pub planned: Option<Amount>,
}

impl App {
    /// What was earned, with the latest `limit` settlements.
    pub async fn earnings(&self, limit: u32) -> Result<Earnings, LedgerError> {
        let pending = PendingPay::of(&self.status.borrow());
        Ok(Earnings { pending, ..earnings(&self.ledger.open().await?, limit).await? })
    }

    /// What was earned over `span`, and what that took in electricity.
    pub async fn chart(&self, span: Span) -> Result<EarningsChart, Failure> {
        let ledger = self.ledger.open().await?;
        let chart = chart::chart(&ledger, span, &Zoned::now()).await?;
        let settings = self.electricity.borrow().clone();
        let electricity = match span {
            Span::Hour => None,
            Span::Day | Span::Week => Some(electricity::by_parts(&ledger, &chart.buckets, &settings).await?),
        };
        Ok(EarningsChart { electricity, ..chart })
    }

    /// Where earnings stand and came from.
    pub async fn earnings_report(&self, since: Since) -> Result<EarningsReport, Failure> {
        let (ledger, now) = (self.ledger.open().await?, Zoned::now());
        let from = since.begin(&now);
        let status = self.status.borrow().clone();
        Ok(EarningsReport {
            since,
            states: pay_states(&ledger, &status).await?,
            sources: ledger.sources(from).await?,
            electricity: self.electricity_since(&ledger, &status, from).await?,
            forecast: forecast(&hours(&ledger, &now).await?),
            planned: planned(&status),
        })
    }

    /// Writes where earnings came from into a CSV file.
    pub async fn export_earnings(&self, since: Since, path: &Path) -> Result<(), Failure> {
        let ledger = self.ledger.open().await?;
        export::export_sources(&ledger.sources(since.begin(&Zoned::now())).await?, path)
    }

    /// Why nothing is earned, or that nothing is in the way.
    pub async fn why(&self) -> Result<Why, Failure> {
        let (ledger, now) = (self.ledger.open().await?, Zoned::now());
        let status = self.status.borrow().clone();
        let day_ago = now.checked_sub(24.hours()).unwrap_or_else(|_| now.clone());
        let electricity = self.electricity_since(&ledger, &status, millis(&day_ago)).await?;
        Ok(why::why(&why::Facts {
            status: &status,
            latest: &ledger.latest(LATEST).await?,
            earned_last_hour: chart::chart(&ledger, Span::Hour, &now).await?.total,
            electricity: &electricity,
            now: millis(&now),
        }))
    }

    /// Settled tasks, page by page.
    pub async fn activity(&self, query: &ActivityQuery) -> Result<ActivityPage, Failure> {
        Ok(self.ledger.open().await?.activity(query).await?)
    }

    /// Writes settled tasks into a CSV file.
    pub async fn export_activity(&self, filter: ActivityFilter, path: &Path) -> Result<(), Failure> {
        export::export(&self.ledger.open().await?, filter, path).await
    }

    async fn electricity_since(
        &self,
        ledger: &Ledger,
        status: &Status,
        from: Millis,
    ) -> Result<ElectricityReport, LedgerError> {
        let facts = Facts {
            mined: ledger.mined_since(from).await?,
            counter: cortensor_hardware::processor_counter(),
            earned: ledger.sources(from).await?.iter().map(|source| source.earned_meanwhile).sum(),
            practice: is_practice(status),
        };
        Ok(electricity::report(&facts, &self.electricity.borrow()))
    }
}

impl Since {
    fn begin(self, now: &Zoned) -> Millis {
        let midnight = now.start_of_day().unwrap_or_else(|_| now.clone());
        match self {
            Self::Today => millis(&midnight),
            Self::Week => midnight.checked_sub(6.days()).map_or(Millis(0), |day| millis(&day)),
            Self::Ever => Millis(0),
        }
    }
}

/// What a ledger says was earned, with the latest `limit` settlements. Also works when no miner runs.
pub async fn earnings(ledger: &Ledger, limit: u32) -> Result<Earnings, LedgerError> {
    let summary = ledger.summary(Since::Today.begin(&Zoned::now())).await?;
    let withdrawn = ledger.withdrawn().await?;
    let confirmed = summary.total.checked_sub(withdrawn).unwrap_or_default();
    let (latest, pending) = (ledger.latest(limit).await?, PendingPay::default());
    Ok(Earnings { summary, latest, withdrawn, confirmed, pending })
}

async fn pay_states(ledger: &Ledger, status: &Status) -> Result<PayStates, LedgerError> {
    let Earnings { summary, withdrawn, confirmed, .. } = earnings(ledger, 0).await?;
    Ok(PayStates {
        pending: PendingPay::of(status),
        confirmed,
        paid: withdrawn,
        voided_tasks: summary.requests_void + summary.tests_void,
        taken_back: ledger.taken_back().await?,
    })
}

/// The whole hours until now, the newest last.
async fn hours(ledger: &Ledger, now: &Zoned) -> Result<Vec<Hour>, LedgerError> {
    let bounds = chart::whole_hours(now, LOOK_BACK);
    let mined = ledger.mined_between(&bounds).await?;
    let earned = ledger.earned_between(&bounds).await?;
    let pairs = mined.into_iter().zip(earned);
    Ok(pairs.map(|(mined, bucket)| Hour { mined_ms: mined.lasted_ms, earned: bucket.amount }).collect())
}

fn planned(status: &Status) -> Option<Amount> {
    let view = status.modes.iter().find(|view| Some(view.mode) == status.mode)?;
    Some(view.predicted_earnings_per_hour?.scaled(24, 1))
}

/// Before the network is known, nothing is claimed to be worth anything.
fn is_practice(status: &Status) -> bool {
    !matches!(&status.connection, Connection::Connected { network, .. } if network != PRACTICE)
}

fn millis(at: &Zoned) -> Millis {
    Millis(at.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_is_today_and_the_six_days_before() {
        let now: Zoned = "2026-11-25T10:02:30+01:00[Europe/Berlin]".parse().unwrap();
        for (since, begins) in [
            (Since::Today, "2026-11-25T00:00+01:00[Europe/Berlin]"),
            (Since::Week, "2026-11-19T00:00+01:00[Europe/Berlin]"),
            (Since::Ever, "1970-01-01T00:00+00:00[UTC]"),
        ] {
            assert_eq!(since.begin(&now), millis(&begins.parse().unwrap()), "{since:?}");
        }
    }

    #[test]
    fn only_a_network_that_says_its_name_is_more_than_practice() {
        let connected = |network: &str| Connection::Connected { router: "r".to_owned(), network: network.to_owned() };
        for (connection, practice) in
            [(Connection::Connecting, true), (connected("practice"), true), (connected("main"), false)]
        {
            assert_eq!(is_practice(&Status { connection, ..Status::default() }), practice);
        }
    }
}
