//! Where earnings came from: by what was served.

use cortensor_protocol::{Amount, Millis, ModelId};
use serde::{Deserialize, Serialize};
use sqlx::{Row, sqlite::SqliteRow};
use ts_rs::TS;

use super::{Ledger, LedgerError, Served, count, parsed};

/// What came of serving one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SourceEarnings {
    /// What was served.
    #[serde(flatten)]
    #[ts(flatten)]
    pub served: Served,
    /// Tasks that were paid, the network's tests included.
    pub tasks: u64,
    /// Tokens of their prompts.
    pub prompt_tokens: u64,
    /// Tokens of their answers.
    pub answer_tokens: u64,
    /// What they paid.
    pub earned: Amount,
    /// Milliseconds for which this was loaded; 0 where that was not kept yet.
    pub mined_ms: u64,
    /// What of `earned` was settled since that time is kept.
    pub earned_meanwhile: Amount,
    /// What an hour of serving it brought; `None` for too little time to tell.
    pub per_hour: Option<Amount>,
}

const HOUR_MS: u64 = 3_600_000;
/// Below ten minutes an hour's worth would be chance.
const LEAST_MS: u64 = 600_000;

impl Ledger {
    /// What was earned since `from`, by what was served, the most first.
    pub async fn sources(&self, from: Millis) -> Result<Vec<SourceEarnings>, LedgerError> {
        let rows = sqlx::query(
            "WITH times AS (
                 SELECT mode, model, precision, MIN(began_at) AS began, SUM(lasted_ms) AS lasted
                 FROM mined WHERE from_at >= ?1 GROUP BY mode, model, precision
             )
             SELECT one.mode, one.model, one.precision,
                 COUNT(*) FILTER (WHERE void_reason IS NULL) AS tasks,
                 COALESCE(SUM(prompt_tokens) FILTER (WHERE void_reason IS NULL), 0) AS prompt_tokens,
                 COALESCE(SUM(completion_tokens) FILTER (WHERE void_reason IS NULL), 0) AS answer_tokens,
                 SUM(amount_nano) AS nano, SUM(amount_rest) AS rest,
                 COALESCE(SUM(amount_nano) FILTER (WHERE settled_at >= began), 0) AS meanwhile_nano,
                 COALESCE(SUM(amount_rest) FILTER (WHERE settled_at >= began), 0) AS meanwhile_rest,
                 COALESCE(MAX(lasted), 0) AS mined
             FROM outcomes AS one
             LEFT JOIN times USING (mode, model, precision)
             WHERE settled_at >= ?1
             GROUP BY one.mode, one.model, one.precision
             ORDER BY nano DESC, rest DESC, one.mode, one.model, one.precision",
        )
        .bind(from.0)
        .fetch_all(&self.pool)
        .await
        .map_err(|source| self.unread(source))?;
        rows.iter().map(source).collect::<Result<_, _>>().map_err(|source| self.unread(source))
    }

    /// What was paid and later taken back, since the first run.
    pub async fn taken_back(&self) -> Result<Amount, LedgerError> {
        let sums = "SELECT COALESCE(SUM(amount_nano), 0) AS nano, COALESCE(SUM(amount_rest), 0) AS rest
            FROM settlements WHERE reverses IS NOT NULL";
        let row = sqlx::query(sums).fetch_one(&self.pool).await.map_err(|source| self.unread(source))?;
        amount(&row, "nano", "rest").map_err(|source| self.unread(source))
    }
}

fn source(row: &SqliteRow) -> Result<SourceEarnings, sqlx::Error> {
    let (mined_ms, earned_meanwhile) = (count(row, "mined")?, amount(row, "meanwhile_nano", "meanwhile_rest")?);
    Ok(SourceEarnings {
        served: Served {
            mode: parsed(row, "mode")?,
            model: ModelId::new(row.try_get::<String, _>("model")?),
            precision: parsed(row, "precision")?,
        },
        tasks: count(row, "tasks")?,
        prompt_tokens: count(row, "prompt_tokens")?,
        answer_tokens: count(row, "answer_tokens")?,
        earned: amount(row, "nano", "rest")?,
        mined_ms,
        earned_meanwhile,
        per_hour: (mined_ms >= LEAST_MS).then(|| earned_meanwhile.scaled(HOUR_MS, mined_ms)),
    })
}

fn amount(row: &SqliteRow, nano: &str, rest: &str) -> Result<Amount, sqlx::Error> {
    Ok(Amount::from_limbs(row.try_get(nano)?, row.try_get(rest)?))
}

#[cfg(test)]
mod tests {
    use cortensor_protocol::{Mode, Precision, Settlement, SettlementStatus};

    use super::{
        super::{MinedTime, tests::*},
        *,
    };

    const UNIT: Amount = Amount::from_credits(1);

    fn back(sequence: u64, reverses: u64, at: i64) -> Settlement {
        let status =
            SettlementStatus::Reversed { amount: UNIT, reverses, reason: "the audit failed".to_owned(), why: None };
        Settlement { status, ..paid(sequence, Mode::Volume, UNIT, at) }
    }

    #[tokio::test]
    async fn earnings_are_told_apart_by_what_was_served_and_what_is_taken_back_counts_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(&folder).await;
        let exact = Settlement { precision: Precision::F16, ..paid(4, Mode::Precision, UNIT, 40) };
        let (first, second, third) =
            (paid(1, Mode::Volume, UNIT, 10), paid(2, Mode::Volume, UNIT, 20), paid(3, Mode::Volume, UNIT, 30));
        for settlement in [first, second, third, exact, back(5, 3, 50)] {
            ledger.record("r", &settlement).await.unwrap();
        }
        let told = |sources: Vec<SourceEarnings>| -> Vec<_> {
            let one = |one: SourceEarnings| (one.served.precision, one.tasks, one.answer_tokens, one.earned);
            sources.into_iter().map(one).collect()
        };
        let two = Amount::from_credits(2);
        let all = told(ledger.sources(Millis(0)).await.unwrap());
        assert_eq!(all, [(Precision::Q8_0, 2, 10, two), (Precision::F16, 1, 5, UNIT)]);
        let later = told(ledger.sources(Millis(25)).await.unwrap());
        assert_eq!(later, [(Precision::F16, 1, 5, UNIT), (Precision::Q8_0, 0, 0, Amount::ZERO)]);
        assert_eq!(ledger.taken_back().await.unwrap(), UNIT);
    }

    #[tokio::test]
    async fn an_hour_s_worth_is_of_what_was_earned_while_time_was_kept() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(&folder).await;
        let hour = 3_600_000_i64;
        for (sequence, at) in [(1, hour), (2, 3 * hour - 5), (3, 3 * hour)] {
            ledger.record("r", &paid(sequence, Mode::Volume, UNIT, at)).await.unwrap();
        }
        let untold = ledger.sources(Millis(0)).await.unwrap().remove(0);
        assert_eq!((untold.mined_ms, untold.per_hour), (0, None));
        let half = MinedTime { lasted_ms: 1_800_000, ..MinedTime::default() };
        ledger.add_mined(&untold.served, Millis(3 * hour), half).await.unwrap();
        let told = ledger.sources(Millis(0)).await.unwrap().remove(0);
        assert_eq!((told.earned, told.earned_meanwhile), (Amount::from_credits(3), Amount::from_credits(2)));
        assert_eq!(told.per_hour, Some(Amount::from_credits(4)));
    }
}
