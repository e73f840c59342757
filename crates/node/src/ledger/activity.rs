//! The settlements as a user looks at them: filtered, page by page, and summed over spans of time.

use cortensor_protocol::{Amount, Millis, Mode, Settlement, TaskKind};
use serde::{Deserialize, Serialize};
use sqlx::{QueryBuilder, Row, Sqlite, sqlite::SqliteRow};
use ts_rs::TS;

use super::{Ledger, LedgerError, count, kind_text, settlement};

/// Which settlements.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ActivityFilter {
    /// Words in the task's id, the model, the format or the reason it was not paid; empty: all.
    pub search: String,
    /// Only these.
    pub kind: Option<TaskKind>,
    /// Only these.
    pub outcome: Option<Outcome>,
    /// Only these.
    pub mode: Option<Mode>,
}

/// What became of a task's pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Booked for the node.
    Paid,
    /// Not paid.
    Void,
    /// Paid, and taken back later.
    Reversed,
}

/// A part of what a filter lets through, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ActivityQuery {
    /// Which settlements.
    pub filter: ActivityFilter,
    /// How many to leave out.
    pub offset: u32,
    /// How many at most.
    pub limit: u32,
}

/// What a query found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ActivityPage {
    /// Newest first.
    pub entries: Vec<Settlement>,
    /// All that the filter lets through.
    pub total: u64,
    /// All there are.
    pub known: u64,
}

/// What was earned in a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Bucket {
    /// Its start.
    pub from: Millis,
    /// Its end, which is the next one's start.
    pub to: Millis,
    /// What was paid.
    pub amount: Amount,
    /// User requests paid.
    pub requests: u64,
    /// Network tests paid.
    pub tests: u64,
}

impl Ledger {
    /// The settlements that `query` asks for.
    pub async fn activity(&self, query: &ActivityQuery) -> Result<ActivityPage, LedgerError> {
        let read = async {
            let mut entries = QueryBuilder::new("SELECT * FROM settlements");
            restrict(&mut entries, &query.filter);
            entries.push(" ORDER BY settled_at DESC, sequence DESC LIMIT ").push_bind(query.limit);
            entries.push(" OFFSET ").push_bind(query.offset);
            let entries = entries.build().fetch_all(&self.pool).await?;
            let mut total = QueryBuilder::new("SELECT COUNT(*) AS total FROM settlements");
            restrict(&mut total, &query.filter);
            let total = count(&total.build().fetch_one(&self.pool).await?, "total")?;
            let known = sqlx::query("SELECT COUNT(*) AS known FROM settlements").fetch_one(&self.pool).await?;
            let entries = entries.iter().map(settlement).collect::<Result<_, _>>()?;
            Ok(ActivityPage { entries, total, known: count(&known, "known")? })
        };
        read.await.map_err(|source| self.unread(source))
    }

    /// What was earned between each two neighbours of `bounds`, which ascend.
    pub async fn earned_between(&self, bounds: &[Millis]) -> Result<Vec<Bucket>, LedgerError> {
        let spans: Vec<_> = bounds.windows(2).map(|pair| (pair[0], pair[1])).collect();
        if spans.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::<Sqlite>::new("WITH spans (start, stop) AS (");
        query.push_values(&spans, |mut row, (start, stop)| {
            row.push_bind(start.0).push_bind(stop.0);
        });
        query.push(
            ") SELECT start, stop, COALESCE(SUM(amount_nano), 0) AS nano, COALESCE(SUM(amount_rest), 0) AS rest,
                 COUNT(*) FILTER (WHERE kind = 'user' AND void_reason IS NULL) AS requests,
                 COUNT(*) FILTER (WHERE kind = 'network_test' AND void_reason IS NULL) AS tests
             FROM spans LEFT JOIN outcomes ON settled_at >= start AND settled_at < stop
             GROUP BY start, stop ORDER BY start",
        );
        let rows = query.build().fetch_all(&self.pool).await.map_err(|source| self.unread(source))?;
        rows.iter().map(bucket).collect::<Result<_, _>>().map_err(|source| self.unread(source))
    }
}

fn restrict(query: &mut QueryBuilder<Sqlite>, filter: &ActivityFilter) {
    query.push(" WHERE TRUE");
    if let Some(kind) = filter.kind {
        query.push(" AND kind = ").push_bind(kind_text(kind));
    }
    if let Some(mode) = filter.mode {
        query.push(" AND mode = ").push_bind(mode.as_str());
    }
    match filter.outcome {
        Some(Outcome::Paid) => query.push(" AND void_reason IS NULL"),
        Some(Outcome::Void) => query.push(" AND void_reason IS NOT NULL AND reverses IS NULL"),
        Some(Outcome::Reversed) => query.push(" AND reverses IS NOT NULL"),
        None => query,
    };
    for word in filter.search.split_whitespace() {
        query.push(" AND instr(lower(task || ' ' || model || ' ' || precision || ' ' || COALESCE(void_reason, '')), ");
        query.push_bind(word.to_lowercase()).push(") > 0");
    }
}

fn bucket(row: &SqliteRow) -> Result<Bucket, sqlx::Error> {
    Ok(Bucket {
        from: Millis(row.try_get("start")?),
        to: Millis(row.try_get("stop")?),
        amount: Amount::from_limbs(row.try_get("nano")?, row.try_get("rest")?),
        requests: count(row, "requests")?,
        tests: count(row, "tests")?,
    })
}

#[cfg(test)]
mod tests {
    use cortensor_protocol::SettlementStatus;

    use super::{
        super::{EarningsSummary, tests::*},
        *,
    };

    #[tokio::test]
    async fn a_filter_lets_through_what_has_everything_that_it_asks_for() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(&folder).await;
        let reason = "the answer came Too Late".to_owned();
        let void = Settlement {
            status: SettlementStatus::Void { reason, why: None },
            ..paid(3, Mode::Volume, Amount::ZERO, 30)
        };
        let test = Settlement { kind: TaskKind::NetworkTest, ..paid(2, Mode::Precision, Amount::ZERO, 20) };
        for settlement in [paid(1, Mode::Volume, Amount::ZERO, 10), test, void] {
            ledger.record("r", &settlement).await.unwrap();
        }
        let EarningsSummary { requests, requests_void, tests, tests_void, .. } =
            ledger.summary(Millis(0)).await.unwrap();
        assert_eq!((requests, requests_void, tests, tests_void), (1, 1, 1, 0));
        let all = ActivityFilter::default();
        let words = |search: &str| ActivityFilter { search: search.to_owned(), ..all.clone() };
        for (filter, found) in [
            (all.clone(), vec![3, 2, 1]),
            (words("late q8_0"), vec![3]),
            (words("late F16"), vec![]),
            (words("100%_"), vec![]),
            (ActivityFilter { kind: Some(TaskKind::NetworkTest), ..all.clone() }, vec![2]),
            (ActivityFilter { mode: Some(Mode::Volume), outcome: Some(Outcome::Paid), ..all.clone() }, vec![1]),
            (ActivityFilter { outcome: Some(Outcome::Void), ..all.clone() }, vec![3]),
        ] {
            let page = ledger.activity(&ActivityQuery { filter: filter.clone(), offset: 0, limit: 9 }).await.unwrap();
            let sequences: Vec<_> = page.entries.iter().map(|settlement| settlement.sequence).collect();
            assert_eq!((sequences, page.total, page.known), (found.clone(), found.len() as u64, 3), "{filter:?}");
        }
        let second = ActivityQuery { filter: all, offset: 1, limit: 1 };
        let page = ledger.activity(&second).await.unwrap();
        assert_eq!((page.entries.len(), page.entries[0].sequence, page.total), (1, 2, 3));
    }

    #[tokio::test]
    async fn what_was_earned_falls_into_the_span_it_was_settled_in_and_empty_spans_stay() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(&folder).await;
        let amount = Amount::from_base_units(7);
        for (sequence, at) in [(1, 9), (2, 10), (3, 19), (4, 40)] {
            ledger.record("r", &paid(sequence, Mode::Volume, amount, at)).await.unwrap();
        }
        let buckets = ledger.earned_between(&[Millis(10), Millis(20), Millis(30), Millis(41)]).await.unwrap();
        let seen: Vec<_> = buckets.iter().map(|one| (one.from.0, one.amount.base_units(), one.requests)).collect();
        assert_eq!(seen, [(10, 14, 2), (20, 0, 0), (30, 7, 1)]);
        assert!(ledger.earned_between(&[]).await.unwrap().is_empty());
    }
}
