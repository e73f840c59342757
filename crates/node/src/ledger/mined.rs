//! How long what was served, and what that took in electricity.

use cortensor_protocol::{Millis, Mode, ModelId, Precision};
use serde::{Deserialize, Serialize};
use sqlx::{QueryBuilder, Row, Sqlite, sqlite::SqliteRow};
use ts_rs::TS;

use super::{Ledger, LedgerError, count};

/// Parts of time are kept by this: days begin at a quarter of an hour in every time zone.
const QUARTER_MS: i64 = 15 * 60 * 1000;
/// As [`mined_time`] reads them.
const SUMS: &str = "COALESCE(SUM(lasted_ms), 0) AS lasted, COALESCE(SUM(processor_mj), 0) AS processor,
    COALESCE(SUM(cards_mj), 0) AS cards, COALESCE(SUM(figure_mj), 0) AS figure, COALESCE(SUM(unread_ms), 0) AS unread";

/// What is served: earnings and electricity are told apart by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
pub struct Served {
    /// What the miner had chosen.
    pub mode: Mode,
    /// The model.
    pub model: ModelId,
    /// Exact format.
    pub precision: Precision,
}

/// A stretch of time with a model loaded, and the energy that it took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct MinedTime {
    /// Milliseconds.
    pub lasted_ms: u64,
    /// Millijoules that the processors' own counters told. They count whole packages, whatever runs on them.
    pub processor_mj: u64,
    /// Millijoules that the driver of the graphics card told.
    pub cards_mj: u64,
    /// Millijoules by the figure in watts that the user gave.
    pub figure_mj: u64,
    /// Milliseconds of it for which nothing could be read and no figure was given.
    pub unread_ms: u64,
}

impl MinedTime {
    /// All of the energy that is known of.
    pub const fn millijoules(&self) -> u64 {
        self.processor_mj.saturating_add(self.cards_mj).saturating_add(self.figure_mj)
    }

    /// This and then `other`.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            lasted_ms: self.lasted_ms.saturating_add(other.lasted_ms),
            processor_mj: self.processor_mj.saturating_add(other.processor_mj),
            cards_mj: self.cards_mj.saturating_add(other.cards_mj),
            figure_mj: self.figure_mj.saturating_add(other.figure_mj),
            unread_ms: self.unread_ms.saturating_add(other.unread_ms),
        }
    }
}

impl Ledger {
    /// Adds time that ended at `at` to what is kept. Call it once for each stretch: it adds up.
    pub async fn add_mined(&self, served: &Served, at: Millis, time: MinedTime) -> Result<(), LedgerError> {
        let columns = [time.lasted_ms, time.processor_mj, time.cards_mj, time.figure_mj, time.unread_ms];
        let began = at.0.saturating_sub(signed(time.lasted_ms));
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO mined (from_at, mode, model, precision, began_at, lasted_ms, processor_mj, cards_mj, figure_mj,
                 unread_ms) VALUES (",
        );
        query.push_bind(at.0.div_euclid(QUARTER_MS) * QUARTER_MS);
        query.push(", ").push_bind(served.mode.as_str());
        query.push(", ").push_bind(served.model.as_str());
        query.push(", ").push_bind(served.precision.as_str());
        query.push(", ").push_bind(began);
        for column in columns {
            query.push(", ").push_bind(signed(column));
        }
        query.push(
            ") ON CONFLICT DO UPDATE SET
                 lasted_ms = lasted_ms + excluded.lasted_ms, processor_mj = processor_mj + excluded.processor_mj,
                 cards_mj = cards_mj + excluded.cards_mj, figure_mj = figure_mj + excluded.figure_mj,
                 unread_ms = unread_ms + excluded.unread_ms",
        );
        let done = query.build().execute(&self.pool).await;
        done.map_err(|source| LedgerError::Mined { path: self.path.clone(), source })?;
        Ok(())
    }

    /// Time with a model loaded since `from`, and what it took.
    pub async fn mined_since(&self, from: Millis) -> Result<MinedTime, LedgerError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
        query.push(SUMS).push(" FROM mined WHERE from_at >= ").push_bind(from.0);
        let row = query.build().fetch_one(&self.pool).await.map_err(|source| self.unread(source))?;
        mined_time(&row).map_err(|source| self.unread(source))
    }

    /// Since when such time is kept; `None` before there is any.
    pub async fn mined_from(&self) -> Result<Option<Millis>, LedgerError> {
        let read = async {
            let row = sqlx::query("SELECT MIN(began_at) AS began FROM mined").fetch_one(&self.pool).await?;
            row.try_get::<Option<i64>, _>("began")
        };
        read.await.map(|began| began.map(Millis)).map_err(|source| self.unread(source))
    }

    /// Time with a model loaded, and what it took, between each two neighbours of `bounds`, which ascend. It is kept by
    /// quarters of an hour: between closer ones it is told as of where a quarter begins.
    pub async fn mined_between(&self, bounds: &[Millis]) -> Result<Vec<MinedTime>, LedgerError> {
        if bounds.len() < 2 {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::<Sqlite>::new("WITH spans (start, stop) AS (");
        query.push_values(bounds.windows(2), |mut row, pair| {
            row.push_bind(pair[0].0).push_bind(pair[1].0);
        });
        query.push(") SELECT ").push(SUMS).push(
            " FROM spans LEFT JOIN mined ON from_at >= start AND from_at < stop
             GROUP BY start, stop ORDER BY start",
        );
        let rows = query.build().fetch_all(&self.pool).await.map_err(|source| self.unread(source))?;
        rows.iter().map(mined_time).collect::<Result<_, _>>().map_err(|source| self.unread(source))
    }
}

fn mined_time(row: &SqliteRow) -> Result<MinedTime, sqlx::Error> {
    Ok(MinedTime {
        lasted_ms: count(row, "lasted")?,
        processor_mj: count(row, "processor")?,
        cards_mj: count(row, "cards")?,
        figure_mj: count(row, "figure")?,
        unread_ms: count(row, "unread")?,
    })
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{super::tests::*, *};

    fn served(precision: Precision) -> Served {
        Served { mode: Mode::Volume, model: ModelId::new("model"), precision }
    }

    fn minute(millijoules: u64) -> MinedTime {
        MinedTime { lasted_ms: 60_000, processor_mj: millijoules, ..MinedTime::default() }
    }

    #[tokio::test]
    async fn time_adds_up_by_quarters_of_an_hour_and_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let first = ledger(&folder).await;
        assert_eq!(first.mined_from().await.unwrap(), None);
        for at in [60_000, 120_000, QUARTER_MS + 60_000] {
            first.add_mined(&served(Precision::Q8_0), Millis(at), minute(7)).await.unwrap();
        }
        assert_eq!(first.mined_from().await.unwrap(), Some(Millis(0)));
        first.close().await;
        let again = ledger(&folder).await;
        again.add_mined(&served(Precision::F16), Millis(180_000), minute(1)).await.unwrap();
        let all = again.mined_since(Millis(0)).await.unwrap();
        assert_eq!((all.lasted_ms, all.processor_mj, all.millijoules()), (240_000, 22, 22));
        assert_eq!(again.mined_since(Millis(QUARTER_MS)).await.unwrap(), minute(7));
        let told =
            |times: &[MinedTime]| -> Vec<_> { times.iter().map(|time| (time.lasted_ms, time.processor_mj)).collect() };
        let bounds = [0, QUARTER_MS, 2 * QUARTER_MS, 3 * QUARTER_MS].map(Millis);
        assert_eq!(told(&again.mined_between(&bounds).await.unwrap()), [(180_000, 15), (60_000, 7), (0, 0)]);
    }

    #[test]
    fn energy_of_every_source_is_counted() {
        let time = MinedTime { lasted_ms: 1, processor_mj: 2, cards_mj: 3, figure_mj: 4, unread_ms: 5 };
        assert_eq!(time.millijoules(), 9);
        let twice = MinedTime { lasted_ms: 2, processor_mj: 4, cards_mj: 6, figure_mj: 8, unread_ms: 10 };
        assert_eq!(time.and(time), twice);
    }
}
