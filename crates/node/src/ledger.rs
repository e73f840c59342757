//! What this node earned: its own copy of the router's settlements, in `SQLite`.
//!
//! The router's ledger decides. Each settlement has a number; one that comes twice changes nothing, one that was missed
//! comes again after the next hello. So nothing earned is lost by a kill, and nothing is counted twice.

mod activity;
mod error;
mod mined;
mod prompts;
mod sources;
mod withdrawals;

use std::path::{Path, PathBuf};

use cortensor_protocol::{Amount, Millis, Mode, ModelId, Settlement, SettlementStatus, TaskKind, Usage};
use serde::{Deserialize, Serialize};
use sqlx::{
    Row, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};
use ts_rs::TS;

pub use activity::{ActivityFilter, ActivityPage, ActivityQuery, Bucket, Outcome};
pub use error::LedgerError;
pub use mined::{MinedTime, Served};
pub use prompts::KeptPrompt;
pub use sources::SourceEarnings;

/// The ledger's database.
#[derive(Clone)]
pub struct Ledger {
    pool: SqlitePool,
    path: PathBuf,
}

/// Sums over the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct EarningsSummary {
    /// Since the given start of the day.
    pub today: Amount,
    /// Since the first run.
    pub total: Amount,
    /// User requests served and paid since the first run.
    pub requests: u64,
    /// User requests that were not paid.
    pub requests_void: u64,
    /// Network tests passed and paid.
    pub tests: u64,
    /// Network tests that were not paid.
    pub tests_void: u64,
    /// By what the miner had chosen.
    pub by_mode: Vec<ModeEarnings>,
}

/// Sums for one mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ModeEarnings {
    /// Which.
    pub mode: Mode,
    /// Paid, network tests included.
    pub total: Amount,
    /// User requests served and paid.
    pub requests: u64,
}

impl Ledger {
    /// Opens the ledger at `path`, or begins one. Write-ahead log, synced at every settlement.
    pub async fn open(path: &Path) -> Result<Self, LedgerError> {
        let opened_for = |source: std::io::Error| LedgerError::Open { path: path.to_owned(), source: source.into() };
        for_owner_only(path).map_err(opened_for)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            // Forgotten prompts are not to lie about in free pages.
            .pragma("secure_delete", "on")
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let opened = SqlitePoolOptions::new().max_connections(4).connect_with(options).await;
        let pool = opened.map_err(|source| LedgerError::Open { path: path.to_owned(), source })?;
        let mut migrations = sqlx::migrate!("./migrations");
        // An update that was undone leaves the newer version's here: migrations only add what older versions need not know.
        migrations.set_ignore_missing(true);
        let migrated = migrations.run(&pool).await;
        migrated.map_err(|source| LedgerError::Migrate { path: path.to_owned(), source })?;
        Ok(Self { pool, path: path.to_owned() })
    }

    /// Writes a settlement of `router`; says whether it was new.
    pub async fn record(&self, router: &str, settlement: &Settlement) -> Result<bool, LedgerError> {
        let (amount, void_reason, why, reverses) = match &settlement.status {
            SettlementStatus::Paid { amount } => (*amount, None, None, None),
            SettlementStatus::Void { reason, why } => (Amount::ZERO, Some(reason.as_str()), why.as_ref(), None),
            SettlementStatus::Reversed { amount, reverses, reason, why } => {
                let reverses = i64::try_from(*reverses).unwrap_or(i64::MAX);
                (*amount, Some(reason.as_str()), why.as_ref(), Some(reverses))
            }
        };
        let (nano, rest) = amount.to_limbs();
        let done = sqlx::query(
            "INSERT INTO settlements (router, sequence, task, kind, model, precision, mode, prompt_tokens,
                 completion_tokens, first_token_ms, total_ms, void_reason, amount_nano, amount_rest, settled_at,
                 reverses, void_code)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(router)
        .bind(i64::try_from(settlement.sequence).unwrap_or(i64::MAX))
        .bind(settlement.task.to_string())
        .bind(kind_text(settlement.kind))
        .bind(settlement.model.as_str())
        .bind(settlement.precision.as_str())
        .bind(settlement.mode.as_str())
        .bind(settlement.usage.prompt_tokens)
        .bind(settlement.usage.completion_tokens)
        .bind(settlement.first_token_ms)
        .bind(settlement.total_ms)
        .bind(void_reason)
        .bind(nano)
        .bind(rest)
        .bind(settlement.settled_at.0)
        .bind(reverses)
        .bind(why.and_then(|why| serde_json::to_string(why).ok()))
        .execute(&self.pool)
        .await
        .map_err(|source| LedgerError::Record { path: self.path.clone(), source })?;
        Ok(done.rows_affected() == 1)
    }

    /// The last settlement of `router` before the first gap; 0 if there is none.
    pub async fn last_sequence(&self, router: &str) -> Result<u64, LedgerError> {
        let (count, last): (i64, i64) =
            sqlx::query_as("SELECT COUNT(*), COALESCE(MAX(sequence), 0) FROM settlements WHERE router = ?")
                .bind(router)
                .fetch_one(&self.pool)
                .await
                .map_err(|source| self.unread(source))?;
        // They are positive and distinct: as many as the last one says means that none is missing.
        let whole = if count == last { last } else { self.before_first_gap(router).await? };
        Ok(u64::try_from(whole).unwrap_or_default())
    }

    /// The first settlement without a next one; none if the very first is missing.
    async fn before_first_gap(&self, router: &str) -> Result<i64, LedgerError> {
        sqlx::query_scalar(
            "SELECT COALESCE(MIN(sequence), 0) FROM settlements AS one WHERE router = ?1
                 AND EXISTS (SELECT * FROM settlements WHERE router = ?1 AND sequence = 1)
                 AND NOT EXISTS (SELECT * FROM settlements WHERE router = ?1 AND sequence = one.sequence + 1)",
        )
        .bind(router)
        .fetch_one(&self.pool)
        .await
        .map_err(|source| self.unread(source))
    }

    /// Sums, with `today` counted from `start_of_today`.
    pub async fn summary(&self, start_of_today: Millis) -> Result<EarningsSummary, LedgerError> {
        let rows = sqlx::query(
            "SELECT mode, SUM(amount_nano) AS nano, SUM(amount_rest) AS rest,
                 SUM(CASE WHEN settled_at >= ?1 THEN amount_nano ELSE 0 END) AS today_nano,
                 SUM(CASE WHEN settled_at >= ?1 THEN amount_rest ELSE 0 END) AS today_rest,
                 COUNT(*) FILTER (WHERE kind = 'user' AND void_reason IS NULL) AS requests,
                 COUNT(*) FILTER (WHERE kind = 'user' AND void_reason IS NOT NULL) AS requests_void,
                 COUNT(*) FILTER (WHERE kind <> 'user' AND void_reason IS NULL) AS tests,
                 COUNT(*) FILTER (WHERE kind <> 'user' AND void_reason IS NOT NULL) AS tests_void
             FROM outcomes GROUP BY mode ORDER BY mode",
        )
        .bind(start_of_today.0)
        .fetch_all(&self.pool)
        .await
        .map_err(|source| self.unread(source))?;
        rows.iter().try_fold(EarningsSummary::default(), add_mode).map_err(|source| self.unread(source))
    }

    /// The latest settlements, newest first.
    pub async fn latest(&self, limit: u32) -> Result<Vec<Settlement>, LedgerError> {
        let rows = sqlx::query("SELECT * FROM settlements ORDER BY settled_at DESC, sequence DESC LIMIT ?")
            .bind(limit)
            .fetch_all(&self.pool)
            .await
            .map_err(|source| self.unread(source))?;
        rows.iter().map(settlement).collect::<Result<_, _>>().map_err(|source| self.unread(source))
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.pool.is_closed()
    }

    /// Closes the database; what was written is on disk.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    fn unread(&self, source: sqlx::Error) -> LedgerError {
        LedgerError::Read { path: self.path.clone(), source }
    }
}

/// Makes the file, if there is none, and makes it unreadable for others; what the database puts beside it follows it.
fn for_owner_only(path: &Path) -> std::io::Result<()> {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    drop(file);
    Ok(())
}

fn add_mode(mut summary: EarningsSummary, row: &SqliteRow) -> Result<EarningsSummary, sqlx::Error> {
    let mode = parsed(row, "mode")?;
    let total = Amount::from_limbs(row.try_get("nano")?, row.try_get("rest")?);
    let today = Amount::from_limbs(row.try_get("today_nano")?, row.try_get("today_rest")?);
    let requests = count(row, "requests")?;
    summary.by_mode.push(ModeEarnings { mode, total, requests });
    summary.total = [summary.total, total].into_iter().sum();
    summary.today = [summary.today, today].into_iter().sum();
    summary.requests += requests;
    summary.requests_void += count(row, "requests_void")?;
    summary.tests += count(row, "tests")?;
    summary.tests_void += count(row, "tests_void")?;
    Ok(summary)
}

fn settlement(row: &SqliteRow) -> Result<Settlement, sqlx::Error> {
    let amount = Amount::from_limbs(row.try_get("amount_nano")?, row.try_get("amount_rest")?);
    let void: Option<String> = row.try_get("void_reason")?;
    let why: Option<String> = row.try_get("void_code")?;
    let why = why.and_then(|code| serde_json::from_str(&code).ok());
    let reverses: Option<i64> = row.try_get("reverses")?;
    Ok(Settlement {
        sequence: count(row, "sequence")?,
        task: parsed(row, "task")?,
        kind: if row.try_get::<String, _>("kind")? == kind_text(TaskKind::User) {
            TaskKind::User
        } else {
            TaskKind::NetworkTest
        },
        model: ModelId::new(row.try_get::<String, _>("model")?),
        precision: parsed(row, "precision")?,
        mode: parsed(row, "mode")?,
        usage: Usage {
            prompt_tokens: row.try_get("prompt_tokens")?,
            completion_tokens: row.try_get("completion_tokens")?,
        },
        first_token_ms: row.try_get("first_token_ms")?,
        total_ms: row.try_get("total_ms")?,
        status: match (void, reverses) {
            (None, _) => SettlementStatus::Paid { amount },
            (Some(reason), None) => SettlementStatus::Void { reason, why },
            (Some(reason), Some(reverses)) => SettlementStatus::Reversed {
                amount,
                reverses: u64::try_from(reverses).unwrap_or_default(),
                reason,
                why,
            },
        },
        settled_at: Millis(row.try_get("settled_at")?),
    })
}

fn parsed<T>(row: &SqliteRow, column: &str) -> Result<T, sqlx::Error>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    row.try_get::<String, _>(column)?.parse().map_err(|source| sqlx::Error::Decode(Box::new(source)))
}

fn count(row: &SqliteRow, column: &str) -> Result<u64, sqlx::Error> {
    row.try_get::<i64, _>(column).map(|count| u64::try_from(count).unwrap_or_default())
}

const fn kind_text(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::User => "user",
        TaskKind::NetworkTest => "network_test",
    }
}

#[cfg(test)]
pub(super) mod tests {
    use cortensor_protocol::{Precision, TaskId, UnpaidReason};

    use super::*;

    pub(super) fn paid(sequence: u64, mode: Mode, amount: Amount, at: i64) -> Settlement {
        Settlement {
            sequence,
            task: TaskId(uuid::Uuid::from_u128(sequence.into())),
            kind: TaskKind::User,
            model: ModelId::new("model"),
            precision: Precision::Q8_0,
            mode,
            usage: Usage { prompt_tokens: 3, completion_tokens: 5 },
            first_token_ms: 10,
            total_ms: 110,
            status: SettlementStatus::Paid { amount },
            settled_at: Millis(at),
        }
    }

    pub(super) async fn ledger(folder: &tempfile::TempDir) -> Ledger {
        Ledger::open(&folder.path().join("ledger.sqlite")).await.unwrap()
    }

    #[tokio::test]
    async fn a_settlement_that_comes_twice_counts_once_and_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let amount = Amount::from_base_units(1_999_999_999_999_999_999);
        let first = ledger(&folder).await;
        assert!(first.record("practice/a", &paid(1, Mode::Volume, amount, 50)).await.unwrap());
        assert!(!first.record("practice/a", &paid(1, Mode::Volume, amount, 50)).await.unwrap());
        drop(first);
        let again = ledger(&folder).await;
        assert!(again.record("practice/a", &paid(2, Mode::Precision, amount, 150)).await.unwrap());
        let summary = again.summary(Millis(100)).await.unwrap();
        assert_eq!(summary.total, amount.checked_add(amount).unwrap());
        assert_eq!((summary.today, summary.requests, summary.by_mode.len()), (amount, 2, 2));
        assert_eq!(again.latest(1).await.unwrap(), [paid(2, Mode::Precision, amount, 150)]);
    }

    #[tokio::test]
    async fn a_gap_is_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(&folder).await;
        for (sequence, last) in [(2, 0), (4, 0), (1, 2), (5, 2), (3, 5), (6, 6)] {
            ledger.record("r", &paid(sequence, Mode::Volume, Amount::ZERO, 0)).await.unwrap();
            assert_eq!(ledger.last_sequence("r").await.unwrap(), last, "after {sequence}");
        }
        assert_eq!(ledger.last_sequence("another router").await.unwrap(), 0);
    }

    #[tokio::test]
    async fn an_unpaid_task_is_kept_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(&folder).await;
        let reason = "the answer is not the one that was bound".to_owned();
        let status = SettlementStatus::Void { reason, why: None };
        let void = Settlement { status, ..paid(1, Mode::Volume, Amount::ZERO, 0) };
        ledger.record("r", &void).await.unwrap();
        assert_eq!(ledger.latest(9).await.unwrap(), [void]);
        let summary = ledger.summary(Millis(0)).await.unwrap();
        assert_eq!((summary.requests_void + summary.tests_void, summary.requests, summary.total), (1, 0, Amount::ZERO));
    }

    #[tokio::test]
    async fn what_is_taken_back_was_not_earned_and_both_lines_stay() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(&folder).await;
        let amount = Amount::from_credits(2);
        for sequence in [1, 2] {
            ledger.record("r", &paid(sequence, Mode::Precision, amount, 10)).await.unwrap();
        }
        let why = UnpaidReason::AuditFailed { precision: Precision::Q8_0, engine: "e".to_owned() };
        let status = SettlementStatus::Reversed { amount, reverses: 2, reason: why.to_string(), why: Some(why) };
        let back = Settlement { status, ..paid(3, Mode::Precision, amount, 50) };
        ledger.record("r", &back).await.unwrap();
        assert_eq!(ledger.latest(9).await.unwrap()[0], back);
        let summary = ledger.summary(Millis(40)).await.unwrap();
        assert_eq!((summary.total, summary.today), (amount, Amount::ZERO));
        assert_eq!((summary.requests, summary.requests_void), (1, 1));
        let buckets = ledger.earned_between(&[Millis(0), Millis(40), Millis(60)]).await.unwrap();
        assert_eq!(buckets.iter().map(|bucket| bucket.amount).collect::<Vec<_>>(), [amount, Amount::ZERO]);
        assert_eq!(ledger.last_sequence("r").await.unwrap(), 3);
    }
}
