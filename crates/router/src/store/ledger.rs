//! The ledger: transfers between accounts, and whether they add up.

use std::{collections::BTreeMap, fmt, ops::Add, path::Path};

use cortensor_protocol::{Amount, Millis, NodeAddress, TaskId};
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{Doing as _, KeyId, MIGRATIONS, Store, StoreError};
use crate::rules::session::SessionId;

/// Where money is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Account {
    /// Where practice credits come from; the only one that may be negative.
    Mint,
    /// A user's, by key.
    Deposit(KeyId),
    /// Prepaid for a session.
    Session(SessionId),
    /// Set aside for a task until it ends.
    Hold(TaskId),
    /// Paid by users and not yet allocated.
    Network,
    /// Set aside for tests.
    Incentives,
    /// Earned by a node and not yet withdrawn.
    Pending(NodeAddress),
    /// Withdrawn by a node, with a statement.
    Withdrawn(NodeAddress),
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mint => f.write_str("mint"),
            Self::Deposit(key) => write!(f, "deposit:{}", key.0),
            Self::Session(session) => write!(f, "session:{session}"),
            Self::Hold(task) => write!(f, "hold:{task}"),
            Self::Network => f.write_str("network"),
            Self::Incentives => f.write_str("incentives"),
            Self::Pending(node) => write!(f, "pending:{node}"),
            Self::Withdrawn(node) => write!(f, "withdrawn:{node}"),
        }
    }
}

/// One movement of money.
pub(super) struct Transfer {
    /// Makes writing it twice harmless.
    pub(super) key: String,
    pub(super) kind: &'static str,
    pub(super) debit: Account,
    pub(super) credit: Account,
    pub(super) amount: Amount,
    pub(super) task: Option<TaskId>,
    pub(super) at: Millis,
}

/// Writes a transfer unless its key is there already. Nothing is not written down.
pub(super) async fn post(connection: &mut SqliteConnection, transfer: Transfer) -> Result<(), StoreError> {
    if transfer.amount == Amount::ZERO {
        return Ok(());
    }
    let (billions, units) = transfer.amount.to_limbs();
    sqlx::query(
        "INSERT INTO transfers (key, kind, debit, credit, billions, units, task, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
    )
    .bind(transfer.key)
    .bind(transfer.kind)
    .bind(transfer.debit.to_string())
    .bind(transfer.credit.to_string())
    .bind(billions)
    .bind(units)
    .bind(transfer.task.map(|task| task.to_string()))
    .bind(transfer.at.0)
    .execute(connection)
    .await
    .doing("write a transfer")?;
    Ok(())
}

/// The amount of a transfer that was written already.
pub(super) async fn transferred(connection: &mut SqliteConnection, key: &str) -> Result<Option<Amount>, StoreError> {
    let limbs: Option<(i64, i64)> = sqlx::query_as("SELECT billions, units FROM transfers WHERE key = ?")
        .bind(key)
        .fetch_optional(connection)
        .await
        .doing("look a transfer up")?;
    Ok(limbs.map(|(billions, units)| Amount::from_limbs(billions, units)))
}

/// All that went into an account and out of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sums {
    credited: Amount,
    debited: Amount,
}

impl Sums {
    /// Of billions and units that came in, then of those that went out.
    pub(super) fn of((more, more_units, less, less_units): (i64, i64, i64, i64)) -> Self {
        Self { credited: Amount::from_limbs(more, more_units), debited: Amount::from_limbs(less, less_units) }
    }

    /// Never negative but for the mint, which counts as empty.
    pub(super) fn balance(self) -> Amount {
        self.credited.checked_sub(self.debited).unwrap_or_default()
    }
}

impl Add for Sums {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        let sum = |one, other| [one, other].into_iter().sum();
        Self { credited: sum(self.credited, more.credited), debited: sum(self.debited, more.debited) }
    }
}

/// What is in an account.
pub(super) async fn balance(connection: &mut SqliteConnection, account: Account) -> Result<Amount, StoreError> {
    Ok(sums(connection, account).await?.balance())
}

/// All that went through an account.
pub(super) async fn sums(connection: &mut SqliteConnection, account: Account) -> Result<Sums, StoreError> {
    let limbs = sqlx::query_as(
        "SELECT (SELECT COALESCE(SUM(billions), 0) FROM transfers WHERE credit = ?1),
                (SELECT COALESCE(SUM(units), 0) FROM transfers WHERE credit = ?1),
                (SELECT COALESCE(SUM(billions), 0) FROM transfers WHERE debit = ?1),
                (SELECT COALESCE(SUM(units), 0) FROM transfers WHERE debit = ?1)",
    )
    .bind(account.to_string())
    .fetch_one(connection)
    .await
    .doing("add up an account")?;
    Ok(Sums::of(limbs))
}

/// A ledger that adds up, by kind of account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerSummary {
    /// Lines in the ledger.
    pub transfers: u64,
    /// Practice credits made.
    pub minted: Amount,
    /// In users' accounts.
    pub deposits: Amount,
    /// Prepaid for sessions.
    pub sessions: Amount,
    /// Set aside for tasks that run.
    pub held: Amount,
    /// Paid by users and not allocated.
    pub network: Amount,
    /// Set aside for tests and not spent.
    pub incentives: Amount,
    /// Earned by nodes and not withdrawn.
    pub pending: Amount,
    /// Withdrawn by nodes.
    pub withdrawn: Amount,
}

/// What is in all accounts of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountTotal {
    /// The kind, for programs.
    pub account: &'static str,
    /// What it is, for people.
    pub what: &'static str,
    /// How much.
    pub credits: Amount,
}

impl LedgerSummary {
    /// What was minted, then the kinds of account that it is in now.
    pub fn accounts(&self) -> [AccountTotal; 8] {
        [
            ("minted", "practice credits made", self.minted),
            ("deposits", "in users' accounts", self.deposits),
            ("sessions", "prepaid for sessions", self.sessions),
            ("held", "set aside for tasks that run", self.held),
            ("network", "paid by users and not yet allocated", self.network),
            ("incentives", "set aside for tests and not spent", self.incentives),
            ("pending", "earned by nodes and not yet withdrawn", self.pending),
            ("withdrawn", "withdrawn by nodes, with a statement for each", self.withdrawn),
        ]
        .map(|(account, what, credits)| AccountTotal { account, what, credits })
    }
}

/// Why a ledger does not add up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerFault {
    /// More went out of an account than came in.
    #[error("account {0} is overdrawn; keep the database and report this")]
    Overdrawn(String),
    /// The accounts do not add up to what was minted.
    #[error("the accounts do not add up to what was minted; keep the database and report this")]
    Unbalanced,
    /// Money is set aside for a task that is over.
    #[error("account {0} holds money for a task that is over; keep the database and report this")]
    HoldLeft(String),
    /// Money is left in a session that is over.
    #[error("account {0} holds money of a session that is over; keep the database and report this")]
    SessionLeft(String),
    /// A node was told of another pay than was booked for it.
    #[error("account {0} differs from what the node was told it earned; keep the database and report this")]
    ToldOtherwise(String),
    /// A node's statements say something else than was withdrawn.
    #[error("account {0} differs from what the node's statements say; keep the database and report this")]
    StatedOtherwise(String),
    /// A node's settlements are not numbered without gaps.
    #[error("the settlements of node {0} have a gap; keep the database and report this")]
    Gap(String),
}

impl Store {
    /// What is in an account.
    #[cfg(test)]
    pub(crate) async fn balance(&self, account: Account) -> Result<Amount, StoreError> {
        let mut connection = self.readers.acquire().await.doing("read an account")?;
        balance(&mut connection, account).await
    }

    /// Adds everything up.
    pub(crate) async fn verify_ledger(&self) -> Result<Result<LedgerSummary, LedgerFault>, StoreError> {
        let mut connection = self.readers.acquire().await.doing("read its ledger")?;
        verify(&mut connection).await
    }
}

/// Adds up the ledger in a router's database file, which is only read: the router may run or not.
pub async fn verify_ledger(database: &Path) -> Result<Result<LedgerSummary, LedgerFault>, StoreError> {
    let unreadable = |source| StoreError::Read { path: database.to_owned(), source };
    let options = SqliteConnectOptions::new().filename(database).read_only(true);
    let mut connection = SqliteConnection::connect_with(&options).await.map_err(unreadable)?;
    let tables: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM sqlite_schema WHERE name IN ('transfers', 'settlements', '_sqlx_migrations')",
    )
    .fetch_one(&mut connection)
    .await
    .map_err(unreadable)?;
    if tables != 3 {
        return Err(StoreError::NotALedger { path: database.to_owned() });
    }
    let versions: Vec<i64> = sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success")
        .fetch_all(&mut connection)
        .await
        .map_err(unreadable)?;
    check_versions(database, &versions)?;
    verify(&mut connection).await
}

/// The sums ask for the tables of this version.
fn check_versions(database: &Path, found: &[i64]) -> Result<(), StoreError> {
    let path = || database.to_owned();
    if found.iter().any(|version| !MIGRATIONS.version_exists(*version)) {
        return Err(StoreError::Newer { path: path() });
    }
    let missing = MIGRATIONS.iter().any(|migration| !found.contains(&migration.version));
    if missing { Err(StoreError::Older { path: path() }) } else { Ok(()) }
}

async fn verify(connection: &mut SqliteConnection) -> Result<Result<LedgerSummary, LedgerFault>, StoreError> {
    // One read transaction: all sums are of one moment.
    let mut snapshot = connection.begin().await.doing("read its ledger")?;
    let balances = balances(&mut snapshot).await?;
    let transfers: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM transfers")
        .fetch_one(&mut *snapshot)
        .await
        .doing("count its transfers")?;
    let paid = paid(&mut snapshot).await?;
    let stated = stated(&mut snapshot).await?;
    let open: Vec<String> = sqlx::query_scalar("SELECT id FROM tasks WHERE ended_at IS NULL")
        .fetch_all(&mut *snapshot)
        .await
        .doing("list open tasks")?;
    let over: Vec<i64> = sqlx::query_scalar("SELECT id FROM sessions WHERE deactivated_at IS NOT NULL")
        .fetch_all(&mut *snapshot)
        .await
        .doing("list ended sessions")?;
    let summary = summarize(&balances).and_then(|summary| {
        check_holds(&balances, &open)?;
        check_sessions(&balances, &over)?;
        check_statements(&balances, &stated)?;
        check_pay(&balances, &paid)?;
        Ok(LedgerSummary { transfers: u64::try_from(transfers).unwrap_or_default(), ..summary })
    });
    Ok(summary)
}

type Balances = BTreeMap<String, i128>;

fn signed(billions: i64, units: i64) -> i128 {
    i128::from(billions) * 1_000_000_000 + i128::from(units)
}

async fn balances(connection: &mut SqliteConnection) -> Result<Balances, StoreError> {
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT credit, SUM(billions), SUM(units) FROM transfers GROUP BY credit
         UNION ALL SELECT debit, -SUM(billions), -SUM(units) FROM transfers GROUP BY debit",
    )
    .fetch_all(connection)
    .await
    .doing("add up its accounts")?;
    let mut balances = Balances::new();
    for (account, billions, units) in rows {
        *balances.entry(account).or_default() += signed(billions, units);
    }
    Ok(balances)
}

struct Paid {
    node: String,
    amount: i128,
    count: i64,
    last: i64,
}

async fn paid(connection: &mut SqliteConnection) -> Result<Vec<Paid>, StoreError> {
    let rows: Vec<(String, i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT node, SUM(CASE WHEN reverses IS NULL THEN billions ELSE -billions END),
             SUM(CASE WHEN reverses IS NULL THEN units ELSE -units END), COUNT(*), MAX(sequence)
         FROM settlements GROUP BY node",
    )
    .fetch_all(connection)
    .await
    .doing("add up its settlements")?;
    let paid = |(node, billions, units, count, last)| Paid { node, amount: signed(billions, units), count, last };
    Ok(rows.into_iter().map(paid).collect())
}

/// What each node's statements add up to, by the account that it is in.
async fn stated(connection: &mut SqliteConnection) -> Result<Balances, StoreError> {
    let rows: Vec<(String, i64, i64)> =
        sqlx::query_as("SELECT 'withdrawn:' || node, SUM(billions), SUM(units) FROM withdrawals GROUP BY node")
            .fetch_all(connection)
            .await
            .doing("add up its withdrawals")?;
    Ok(rows.into_iter().map(|(account, billions, units)| (account, signed(billions, units))).collect())
}

fn summarize(balances: &Balances) -> Result<LedgerSummary, LedgerFault> {
    let mut summary = LedgerSummary::default();
    for (account, balance) in balances {
        let kind = account.split(':').next().unwrap_or_default();
        let (balance, total) = match kind {
            "mint" => (-balance, &mut summary.minted),
            "deposit" => (*balance, &mut summary.deposits),
            "session" => (*balance, &mut summary.sessions),
            "hold" => (*balance, &mut summary.held),
            "incentives" => (*balance, &mut summary.incentives),
            "pending" => (*balance, &mut summary.pending),
            "withdrawn" => (*balance, &mut summary.withdrawn),
            _ => (*balance, &mut summary.network),
        };
        let balance = u128::try_from(balance).map_err(|_| LedgerFault::Overdrawn(account.clone()))?;
        *total = total.checked_add(Amount::from_base_units(balance)).ok_or(LedgerFault::Unbalanced)?;
    }
    let LedgerSummary { deposits, sessions, held, network, incentives, pending, withdrawn, .. } = summary;
    let all: Amount = [deposits, sessions, held, network, incentives, pending, withdrawn].into_iter().sum();
    if all == summary.minted { Ok(summary) } else { Err(LedgerFault::Unbalanced) }
}

fn check_holds(balances: &Balances, open: &[String]) -> Result<(), LedgerFault> {
    let left = |(account, balance): &(&String, &i128)| {
        let task = account.strip_prefix("hold:");
        task.is_some_and(|task| **balance != 0 && !open.iter().any(|open| open == task))
    };
    balances.iter().find(left).map_or(Ok(()), |(account, _)| Err(LedgerFault::HoldLeft(account.clone())))
}

fn check_sessions(balances: &Balances, over: &[i64]) -> Result<(), LedgerFault> {
    let accounts = over.iter().map(|id| Account::Session(SessionId(*id)).to_string());
    let left = accounts.into_iter().find(|account| balances.get(account).is_some_and(|balance| *balance != 0));
    left.map_or(Ok(()), |account| Err(LedgerFault::SessionLeft(account)))
}

fn check_statements(balances: &Balances, stated: &Balances) -> Result<(), LedgerFault> {
    let withdrawn = balances.iter().filter(|(account, _)| account.starts_with("withdrawn:"));
    let mut accounts = withdrawn.chain(stated).map(|(account, _)| account);
    let differs = accounts.find(|account| balances.get(*account) != stated.get(*account));
    differs.map_or(Ok(()), |account| Err(LedgerFault::StatedOtherwise(account.clone())))
}

/// What a node was told that it earned is pending, or withdrawn.
fn check_pay(balances: &Balances, paid: &[Paid]) -> Result<(), LedgerFault> {
    for (account, pending) in balances.iter().filter(|(account, _)| account.starts_with("pending:")) {
        let told = paid.iter().find(|paid| account.ends_with(&paid.node)).map_or(0, |paid| paid.amount);
        let withdrawn = balances.get(&account.replace("pending:", "withdrawn:")).copied().unwrap_or_default();
        if pending + withdrawn != told {
            return Err(LedgerFault::ToldOtherwise(account.clone()));
        }
    }
    let gap = paid.iter().find(|paid| paid.count != paid.last);
    gap.map_or(Ok(()), |paid| Err(LedgerFault::Gap(paid.node.clone())))
}
