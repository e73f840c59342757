//! Balances that are asked for again and again: each time only what was written since is added up. To add all of a large
//! account up takes the one writer longer with every request that its owner ever made.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use cortensor_protocol::Amount;
use sqlx::SqliteConnection;

use super::{
    Doing as _, StoreError,
    ledger::{Account, Sums, sums},
};

/// Accounts that are known; beyond that all are forgotten and added up again when they are asked for.
const MOST_KNOWN: usize = 10_000;
/// Of what was written since, at most so many transfers are looked through; an account by itself is shorter then.
const MOST_NEW: i64 = 10_000;

/// What went through accounts up to some transfer.
#[derive(Debug, Default)]
pub(super) struct Balances(Mutex<HashMap<Account, Known>>);

#[derive(Clone, Copy, Debug)]
struct Known {
    /// The last transfer that is counted.
    up_to: i64,
    sums: Sums,
}

impl Balances {
    /// What is in an account. To be asked before the transaction of this connection writes a transfer: what is taken
    /// back later would be remembered.
    pub(super) async fn of(&self, connection: &mut SqliteConnection, account: Account) -> Result<Amount, StoreError> {
        let last = last(connection).await?;
        let known = self.known(account).filter(|known| last - known.up_to <= MOST_NEW);
        let sums = match known {
            Some(known) => known.sums + since(connection, account, known.up_to).await?,
            None => sums(connection, account).await?,
        };
        self.know(account, Known { up_to: last, sums });
        Ok(sums.balance())
    }

    fn known(&self, account: Account) -> Option<Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&account).copied()
    }

    fn know(&self, account: Account, known: Known) {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.len() >= MOST_KNOWN {
            accounts.clear();
        }
        accounts.insert(account, known);
    }
}

async fn last(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    sqlx::query_scalar("SELECT COALESCE(MAX(id), 0) FROM transfers")
        .fetch_one(connection)
        .await
        .doing("add up an account")
}

async fn since(connection: &mut SqliteConnection, account: Account, up_to: i64) -> Result<Sums, StoreError> {
    let limbs: (i64, i64, i64, i64) = sqlx::query_as(
        "SELECT COALESCE(SUM(CASE WHEN credit = ?1 THEN billions END), 0),
                COALESCE(SUM(CASE WHEN credit = ?1 THEN units END), 0),
                COALESCE(SUM(CASE WHEN debit = ?1 THEN billions END), 0),
                COALESCE(SUM(CASE WHEN debit = ?1 THEN units END), 0)
         FROM transfers WHERE id > ?2",
    )
    .bind(account.to_string())
    .bind(up_to)
    .fetch_one(connection)
    .await
    .doing("add up an account")?;
    Ok(Sums::of(limbs))
}

#[cfg(test)]
mod tests {
    use cortensor_protocol::Millis;
    use proptest::prelude::*;

    use super::*;
    use crate::store::{
        Durability, KeyId, Store, begin,
        ledger::{Transfer, balance, post},
    };

    const ACCOUNTS: [Account; 3] = [Account::Mint, Account::Deposit(KeyId(1)), Account::Network];

    /// A transaction: who is asked for first, what it moves (from, to, how much), and whether it is kept.
    type Step = (usize, Vec<(usize, usize, u64)>, bool);

    async fn take(store: &Store, number: usize, (asked, transfers, kept): Step) {
        let mut connection = store.writer(Durability::Orderly).await.unwrap();
        let mut transaction = begin(&mut connection).await.unwrap();
        let remembered = store.balances.of(&mut transaction, ACCOUNTS[asked]).await.unwrap();
        assert_eq!(remembered, balance(&mut transaction, ACCOUNTS[asked]).await.unwrap());
        for (place, (from, to, amount)) in transfers.into_iter().enumerate().filter(|(_, (from, to, _))| from != to) {
            let (key, amount) = (format!("{number}.{place}"), Amount::from_base_units(amount.into()));
            let (debit, credit, kind, at) = (ACCOUNTS[from], ACCOUNTS[to], "test", Millis(1));
            post(&mut transaction, Transfer { key, kind, debit, credit, amount, task: None, at }).await.unwrap();
        }
        if kept { transaction.commit().await } else { transaction.rollback().await }.unwrap();
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn a_balance_that_is_remembered_is_the_one_that_the_ledger_adds_up_to(
            steps in prop::collection::vec(
                (0..3_usize, prop::collection::vec((0..3_usize, 0..3_usize, 1..5_000_000_000_u64), 0..4), any::<bool>()),
                1..12,
            )
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let folder = tempfile::tempdir().unwrap();
                let store = Store::open(&folder.path().join("router.sqlite")).await.unwrap();
                for (number, step) in steps.into_iter().enumerate() {
                    take(&store, number, step).await;
                }
            });
        }
    }
}
