//! The router's database: one file, one writer, every change of money in one transaction with what it is for.
//!
//! **Invariant:** all SQL of this crate is in this module and the ones below it.

mod audits;
mod balances;
mod history;
mod judgements;
mod keys;
mod latest;
mod ledger;
mod levels;
mod opening;
mod reports;
mod rounds;
mod sessions;
mod tasks;
#[cfg(test)]
mod tests;
mod withdrawals;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

use sqlx::{
    Connection as _, Sqlite, SqlitePool, Transaction,
    migrate::Migrator,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use self::balances::Balances;
pub use ledger::{AccountTotal, LedgerFault, LedgerSummary, verify_ledger};
pub(crate) use {
    audits::{AuditLine, Fall, ValidatorId},
    history::{PastTask, SessionTask},
    judgements::JudgementLine,
    keys::KeyId,
    opening::{Opened, Opening, Payer},
    reports::StoredReport,
    rounds::{RoundAnswer, RoundRecord},
    sessions::Deposited,
    tasks::{Ending, Line, Pay},
    withdrawals::{Withdrawal, Withdrawn},
};

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It does not open.
    #[error("the router's database {path} cannot be opened; check that the folder exists and can be written", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// It does not open to be read.
    #[error("the router's database {path} cannot be read; check that this is its file", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// It is another database.
    #[error("{path} holds no ledger of a router; name the right file", path = path.display())]
    NotALedger {
        /// The file.
        path: PathBuf,
    },
    /// It is of an earlier version of this program.
    #[error(
        "{path} was written by an older version of this program and can only be added up by this one once it is brought up to date; start `cortensor router` on it once (or the miner whose router it is), or use the version that wrote it",
        path = path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
    },
    /// It is of a later version of this program.
    #[error("{path} was written by a newer version of this program; use that one", path = path.display())]
    Newer {
        /// The file.
        path: PathBuf,
    },
    /// It was not brought to this program's version.
    #[error("the router's database {path} cannot be brought up to date; if a newer program wrote it, use that one", path = path.display())]
    Migrate {
        /// The file.
        path: PathBuf,
        /// What the database said.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// A statement failed.
    #[error("the router's database could not {doing}; check the free space on its disk")]
    Statement {
        /// What was to be done.
        doing: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// A value that this program did not write.
    #[error("the router's database holds a damaged {what}; restore it from a copy")]
    Damaged {
        /// Which kind of value.
        what: &'static str,
    },
}

impl StoreError {
    /// Whether the database would say the same again, however much room it had.
    pub(crate) fn is_final(&self) -> bool {
        let Self::Statement { source: sqlx::Error::Database(error), .. } = self else {
            return matches!(self, Self::Damaged { .. });
        };
        !matches!(error.kind(), sqlx::error::ErrorKind::Other)
    }
}

/// Names what was being done when the database said no.
pub(crate) trait Doing<T> {
    fn doing(self, doing: &'static str) -> Result<T, StoreError>;
}

impl<T> Doing<T> for Result<T, sqlx::Error> {
    fn doing(self, doing: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Statement { doing, source })
    }
}

/// What makes a database of any earlier version one of this version. One of a later version, which an update that was undone
/// leaves, is taken as it is: migrations only add what earlier versions need not know.
static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!("./migrations");
    migrations.set_ignore_missing(true);
    migrations
});

/// The database.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    writer: SqlitePool,
    readers: SqlitePool,
    ledger: String,
    balances: Arc<Balances>,
}

impl Store {
    /// Opens or makes the database at `path`.
    pub(crate) async fn open(path: &Path) -> Result<Self, StoreError> {
        let open = |source| StoreError::Open { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await.map_err(|error| open(sqlx::Error::Io(error)))?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            // When the disk is full SQLite takes a transaction back by itself. The connection does not learn of it and
            // would refuse to begin another one for as long as it lives, so a new one takes its place.
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
            .connect_with(options.clone())
            .await
            .map_err(open)?;
        let migrated = MIGRATIONS.run(&writer).await;
        migrated.map_err(|source| StoreError::Migrate { path: path.to_owned(), source })?;
        let readers = SqlitePoolOptions::new().max_connections(4).connect_with(options).await.map_err(open)?;
        let ledger = identity(&writer).await?;
        Ok(Self { writer, readers, ledger, balances: Arc::default() })
    }

    /// The name of the ledger in this database: a UUID, made with it.
    pub(crate) fn ledger(&self) -> &str {
        &self.ledger
    }

    /// Closes every connection.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// The one connection that writes.
    async fn writer(&self, durability: Durability) -> Result<PoolConnection<Sqlite>, StoreError> {
        let mut connection = self.writer.acquire().await.doing("be written to")?;
        let pragma = match durability {
            Durability::Lasting => "PRAGMA synchronous = FULL",
            Durability::Orderly => "PRAGMA synchronous = NORMAL",
        };
        sqlx::query(pragma).execute(&mut *connection).await.doing("be written to")?;
        Ok(connection)
    }
}

/// What of a transaction survives a power failure. A crash of the program takes away neither kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Durability {
    /// All of it, as soon as it is done: what somebody was told.
    Lasting,
    /// All or nothing, and nothing later without it: what is undone at the next start anyway. Does not wait for the
    /// disk, which would be in the way of every first token.
    Orderly,
}

/// A transaction that holds the write lock from its first statement on, so that what it read stays true.
async fn begin(connection: &mut PoolConnection<Sqlite>) -> Result<Transaction<'_, Sqlite>, StoreError> {
    connection.begin_with("BEGIN IMMEDIATE").await.doing("start a transaction")
}

async fn identity(writer: &SqlitePool) -> Result<String, StoreError> {
    sqlx::query("INSERT INTO identity (one, ledger) VALUES (1, ?) ON CONFLICT DO NOTHING")
        .bind(uuid::Uuid::new_v4().to_string())
        .execute(writer)
        .await
        .doing("name its ledger")?;
    sqlx::query_scalar("SELECT ledger FROM identity").fetch_one(writer).await.doing("read its ledger's name")
}

/// A count in a column. Its integers are signed; counts never reach their end.
fn column(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
