//! What mining took in each part of a chart, and what is left of what it earned.

use cortensor_node::{Bucket, Ledger, LedgerError, MinedTime};
use cortensor_protocol::{Amount, Millis};
use serde::Serialize;
use ts_rs::TS;

use super::{Converted, Electricity, converted};
use crate::{Balance, Money};

/// What mining took in the parts of a chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct ChartElectricity {
    /// The currency of the sums.
    pub currency: String,
    /// One for each part of the chart, in its order.
    pub parts: Vec<PartElectricity>,
}

/// What mining took in one part of a chart, what that cost, and what is left of what was earned meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
pub struct PartElectricity {
    /// Time with a model loaded, and the energy of it.
    pub mined: MinedTime,
    /// What the energy cost; `None` without a price, or where nothing was read.
    pub cost: Option<Money>,
    /// What is left of what was earned meanwhile; `None` without a cost, or without what a credit is worth.
    pub net: Option<Balance>,
}

/// What mining took in each of `buckets`, which lie one behind the other and begin at quarters of an hour.
pub(crate) async fn by_parts(
    ledger: &Ledger,
    buckets: &[Bucket],
    settings: &Electricity,
) -> Result<ChartElectricity, LedgerError> {
    let end = buckets.last().map(|bucket| bucket.to);
    let bounds: Vec<_> = buckets.iter().map(|bucket| bucket.from).chain(end).collect();
    let since = ledger.mined_from().await?.unwrap_or_default();
    let mut parts = Vec::with_capacity(buckets.len());
    for (bucket, mined) in buckets.iter().zip(ledger.mined_between(&bounds).await?) {
        let earned = earned_since(ledger, bucket, since).await?;
        let Converted { cost, net, .. } = converted(&mined, earned, settings);
        parts.push(PartElectricity { mined, cost, net });
    }
    Ok(ChartElectricity { currency: settings.currency.clone(), parts })
}

/// What was earned before time was kept is not set against what it took.
async fn earned_since(ledger: &Ledger, bucket: &Bucket, since: Millis) -> Result<Amount, LedgerError> {
    if bucket.from >= since {
        return Ok(bucket.amount);
    }
    let rest = ledger.earned_between(&[since.min(bucket.to), bucket.to]).await?;
    Ok(rest.iter().map(|bucket| bucket.amount).sum())
}

#[cfg(test)]
mod tests {
    use cortensor_node::Served;
    use cortensor_protocol::{Mode, ModelId, Precision, Settlement, SettlementStatus, TaskId, TaskKind, Usage};

    use super::*;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;
    const KILOWATT_HOUR_MJ: u64 = 3_600_000_000;

    fn paid(sequence: u64, at: i64) -> Settlement {
        Settlement {
            sequence,
            task: TaskId(uuid::Uuid::from_u128(sequence.into())),
            kind: TaskKind::User,
            model: ModelId::new("m"),
            precision: Precision::Q8_0,
            mode: Mode::Volume,
            usage: Usage { prompt_tokens: 1, completion_tokens: 1 },
            first_token_ms: 1,
            total_ms: 1,
            status: SettlementStatus::Paid { amount: Amount::from_credits(1) },
            settled_at: Millis(at),
        }
    }

    fn taking(figure_mj: u64) -> MinedTime {
        MinedTime { lasted_ms: 600_000, figure_mj, ..MinedTime::default() }
    }

    /// Four hours: before anything was kept, one with a pay from before, one without any, and one at rest.
    async fn recorded(folder: &tempfile::TempDir) -> Ledger {
        let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).await.unwrap();
        for (sequence, at) in [(1, 5 * MINUTE), (2, HOUR + 20 * MINUTE), (3, HOUR + 50 * MINUTE)] {
            ledger.record("r", &paid(sequence, at)).await.unwrap();
        }
        let served = Served { mode: Mode::Volume, model: ModelId::new("m"), precision: Precision::Q8_0 };
        for (at, energy) in [(HOUR + 40 * MINUTE, 2), (HOUR + 55 * MINUTE, 1), (2 * HOUR + 10 * MINUTE, 1)] {
            ledger.add_mined(&served, Millis(at), taking(energy * KILOWATT_HOUR_MJ)).await.unwrap();
        }
        ledger
    }

    #[tokio::test]
    async fn every_hour_has_its_cost_and_only_what_was_earned_while_time_was_kept_is_set_against_it() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = recorded(&folder).await;
        let bounds: Vec<_> = (0..=4).map(|hour| Millis(hour * HOUR)).collect();
        let buckets = ledger.earned_between(&bounds).await.unwrap();
        let money = Money::from_millionths;
        let rates = Electricity {
            price_per_kwh: Some(money(200_000)),
            value_per_credit: Some(money(1_000_000)),
            ..Electricity::default()
        };
        let told = by_parts(&ledger, &buckets, &rates).await.unwrap();
        let sums: Vec<_> = told.parts.iter().map(|part| (part.mined.lasted_ms, part.cost, part.net)).collect();
        let (dear, cheap) = (money(600_000), money(200_000));
        let expected = [
            (0, None, None),
            (1_200_000, Some(dear), Some(money(1_000_000).less(dear))),
            (600_000, Some(cheap), Some(money(0).less(cheap))),
            (0, None, None),
        ];
        assert_eq!((sums.as_slice(), told.currency.as_str()), (&expected[..], "EUR"));

        let unpriced = by_parts(&ledger, &buckets, &Electricity::default()).await.unwrap();
        let day =
            by_parts(&ledger, &ledger.earned_between(&[Millis(0), Millis(4 * HOUR)]).await.unwrap(), &rates).await;
        assert!(unpriced.parts.iter().all(|part| part.cost.is_none() && part.net.is_none()));
        let day = day.unwrap().parts;
        assert_eq!(
            (day.len(), day[0].cost, day[0].net),
            (1, Some(money(800_000)), Some(money(1_000_000).less(money(800_000))))
        );
    }

    #[tokio::test]
    async fn a_chart_of_nothing_has_no_parts() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).await.unwrap();
        assert!(by_parts(&ledger, &[], &Electricity::default()).await.unwrap().parts.is_empty());
    }
}
