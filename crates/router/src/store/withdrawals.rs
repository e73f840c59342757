//! Withdrawals: what of a node's pay is final, and its way out of the ledger.
//!
//! Final is what no audit takes back any more: what was settled before an answer of the same claim that was found
//! consistent, and what is old enough. [`super::audits`] takes nothing back that is final by the same figures, so that what
//! was withdrawn can never be missing.

use std::time::Duration;

use cortensor_protocol::{Amount, Millis, NodeAddress, WithdrawalRequest};
use sqlx::SqliteConnection;

use super::{
    Doing as _, Durability, Store, StoreError, begin,
    ledger::{Account, Transfer, balance, post},
};

/// A withdrawal as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Withdrawal {
    pub(crate) payout: NodeAddress,
    /// It was asked for without an amount.
    pub(crate) everything: bool,
    pub(crate) amount: Amount,
    /// What the node has withdrawn, this included.
    pub(crate) total: Amount,
    pub(crate) at: Millis,
    /// The line in the ledger.
    pub(crate) transfer: u64,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Withdrawn {
    /// It is done, now or before.
    Done(Withdrawal),
    /// There is less, or nothing.
    TooMuch {
        /// What can be withdrawn.
        available: Amount,
        /// What is pending, this included.
        pending: Amount,
    },
    /// Another withdrawal has that name.
    OtherContents,
}

#[derive(sqlx::FromRow)]
struct Row {
    payout: String,
    everything: bool,
    billions: i64,
    units: i64,
    total_billions: i64,
    total_units: i64,
    withdrawn_at: i64,
    transfer: i64,
}

impl Store {
    /// Moves what is asked for from pending to withdrawn, once for each nonce.
    pub(crate) async fn withdraw(
        &self,
        request: &WithdrawalRequest,
        final_after: Duration,
        at: Millis,
    ) -> Result<Withdrawn, StoreError> {
        let mut connection = self.writer(Durability::Lasting).await?;
        let mut transaction = begin(&mut connection).await?;
        if let Some(known) = find(&mut transaction, request).await? {
            let same = known.payout == request.payout && known.is_for(request.amount);
            return Ok(if same { Withdrawn::Done(known) } else { Withdrawn::OtherContents });
        }
        let until = final_until(&mut transaction, request.node, final_after, at).await?;
        let pending = balance(&mut transaction, Account::Pending(request.node)).await?;
        let available = available(&mut transaction, request.node, until).await?.min(pending);
        let amount = request.amount.unwrap_or(available);
        if amount == Amount::ZERO || amount > available {
            return Ok(Withdrawn::TooMuch { available, pending });
        }
        take_out(&mut transaction, request, amount, (until, at)).await?;
        let done = find(&mut transaction, request).await?.ok_or(StoreError::Damaged { what: "withdrawal" })?;
        transaction.commit().await.doing("keep a withdrawal")?;
        Ok(Withdrawn::Done(done))
    }
}

impl Withdrawal {
    fn is_for(&self, amount: Option<Amount>) -> bool {
        amount.map_or(self.everything, |amount| !self.everything && self.amount == amount)
    }
}

/// Until when pay is final by its age. What an earlier withdrawal went by stays: neither another policy nor a clock that was
/// set back makes it uncertain again.
pub(super) async fn final_until(
    connection: &mut SqliteConnection,
    node: NodeAddress,
    final_after: Duration,
    at: Millis,
) -> Result<Millis, StoreError> {
    let known: Option<i64> = sqlx::query_scalar("SELECT MAX(final_until) FROM withdrawals WHERE node = ?")
        .bind(node.to_string())
        .fetch_one(connection)
        .await
        .doing("look withdrawals up")?;
    let age = i64::try_from(final_after.as_millis()).unwrap_or(i64::MAX);
    Ok(Millis(known.unwrap_or(i64::MIN).max(at.0.saturating_sub(age))))
}

/// What is final and not withdrawn.
async fn available(connection: &mut SqliteConnection, node: NodeAddress, until: Millis) -> Result<Amount, StoreError> {
    let (billions, units): (i64, i64) = sqlx::query_as(
        "SELECT COALESCE(SUM(paid.billions), 0), COALESCE(SUM(paid.units), 0) FROM settlements AS paid
             LEFT JOIN claims ON claims.node = paid.node AND claims.artifact = paid.artifact
         WHERE paid.node = ?1 AND paid.void_reason IS NULL
             AND NOT EXISTS (SELECT * FROM settlements WHERE node = ?1 AND reverses = paid.sequence)
             AND (paid.artifact IS NULL OR paid.settled_at <= MAX(?2, COALESCE(claims.proven_until, ?2)))",
    )
    .bind(node.to_string())
    .bind(until.0)
    .fetch_one(&mut *connection)
    .await
    .doing("add up what is final")?;
    let withdrawn = balance(connection, Account::Withdrawn(node)).await?;
    Ok(Amount::from_limbs(billions, units).checked_sub(withdrawn).unwrap_or_default())
}

async fn take_out(
    connection: &mut SqliteConnection,
    request: &WithdrawalRequest,
    amount: Amount,
    (until, at): (Millis, Millis),
) -> Result<(), StoreError> {
    let (debit, credit) = (Account::Pending(request.node), Account::Withdrawn(request.node));
    let transfer = Transfer { key: key(request), kind: "withdrawal", debit, credit, amount, task: None, at };
    post(connection, transfer).await?;
    let total = balance(connection, credit).await?;
    let ((billions, units), (total_billions, total_units)) = (amount.to_limbs(), total.to_limbs());
    sqlx::query(
        "INSERT INTO withdrawals (node, nonce, payout, everything, billions, units, total_billions, total_units,
             final_until, withdrawn_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(request.node.to_string())
    .bind(request.nonce.to_string())
    .bind(request.payout.to_string())
    .bind(request.amount.is_none())
    .bind(billions)
    .bind(units)
    .bind(total_billions)
    .bind(total_units)
    .bind(until.0)
    .bind(at.0)
    .execute(connection)
    .await
    .doing("keep a withdrawal")?;
    Ok(())
}

fn key(request: &WithdrawalRequest) -> String {
    format!("withdrawal:{}:{}", request.node, request.nonce)
}

async fn find(
    connection: &mut SqliteConnection,
    request: &WithdrawalRequest,
) -> Result<Option<Withdrawal>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT payout, everything, withdrawals.billions, withdrawals.units, total_billions, total_units, withdrawn_at,
             transfers.id AS transfer
         FROM withdrawals JOIN transfers ON transfers.key = ?1 WHERE node = ?2 AND nonce = ?3",
    )
    .bind(key(request))
    .bind(request.node.to_string())
    .bind(request.nonce.to_string())
    .fetch_optional(connection)
    .await
    .doing("look a withdrawal up")?;
    row.map(|row| row.read().ok_or(StoreError::Damaged { what: "withdrawal" })).transpose()
}

impl Row {
    fn read(self) -> Option<Withdrawal> {
        Some(Withdrawal {
            payout: self.payout.parse().ok()?,
            everything: self.everything,
            amount: Amount::from_limbs(self.billions, self.units),
            total: Amount::from_limbs(self.total_billions, self.total_units),
            at: Millis(self.withdrawn_at),
            transfer: u64::try_from(self.transfer).ok()?,
        })
    }
}
