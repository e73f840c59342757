//! API keys and the operator's key: only their digests are kept.

use cortensor_protocol::{Amount, Millis};
use sha2::{Digest as _, Sha256};

use super::{
    Doing as _, Durability, Store, StoreError, begin,
    ledger::{Account, Transfer, post},
};
use crate::rules::session::{Caller, SessionId};

/// One API key, and with it one deposit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyId(pub(crate) i64);

/// Looking a digest up says nothing about the key by the time it takes. An index compares byte by byte and stops where
/// two differ, but whoever guesses chooses a key and not its digest: to come one byte nearer to a known digest is to
/// search for a preimage, and the next byte takes 256 times as long again.
pub(super) fn digest(key: &str) -> String {
    hex::encode(Sha256::digest(key))
}

impl Store {
    /// Whose key this is, if it is one: an account's own, or one of a session.
    pub(crate) async fn find_caller(&self, key: &str) -> Result<Option<Caller>, StoreError> {
        let found: Option<(i64, Option<i64>)> = sqlx::query_as(
            "SELECT id, NULL FROM keys WHERE hash = ?1
             UNION ALL SELECT sessions.owner, sessions.id FROM session_keys JOIN sessions ON sessions.id = session
                       WHERE hash = ?1 AND revoked_at IS NULL",
        )
        .bind(digest(key))
        .fetch_optional(&self.readers)
        .await
        .doing("look a key up")?;
        Ok(found.map(|(account, session)| Caller { account: KeyId(account), session: session.map(SessionId) }))
    }

    /// Whether this is the operator's key.
    pub(crate) async fn is_operator_key(&self, key: &str) -> Result<bool, StoreError> {
        let found = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM operator WHERE hash = ?)").bind(digest(key));
        found.fetch_one(&self.readers).await.doing("look the operator's key up")
    }

    /// Makes this the operator's key, and an earlier one no key at all.
    pub(crate) async fn set_operator_key(&self, key: &str, at: Millis) -> Result<(), StoreError> {
        let mut connection = self.writer(Durability::Lasting).await?;
        sqlx::query(
            "INSERT INTO operator (one, hash, created_at) VALUES (1, ?1, ?2)
             ON CONFLICT (one) DO UPDATE SET hash = ?1, created_at = ?2 WHERE hash <> ?1",
        )
        .bind(digest(key))
        .bind(at.0)
        .execute(&mut *connection)
        .await
        .doing("keep the operator's key")?;
        Ok(())
    }

    /// Registers a key with a deposit of practice credits; a known one stays as it is.
    pub(crate) async fn add_key(
        &self,
        key: &str,
        label: &str,
        deposit: Amount,
        at: Millis,
    ) -> Result<KeyId, StoreError> {
        let mut connection = self.writer(Durability::Lasting).await?;
        let mut transaction = begin(&mut connection).await?;
        sqlx::query("INSERT INTO keys (hash, label, created_at) VALUES (?, ?, ?) ON CONFLICT (hash) DO NOTHING")
            .bind(digest(key))
            .bind(label)
            .bind(at.0)
            .execute(&mut *transaction)
            .await
            .doing("register a key")?;
        let id = sqlx::query_scalar("SELECT id FROM keys WHERE hash = ?").bind(digest(key));
        let id = KeyId(id.fetch_one(&mut *transaction).await.doing("look a key up")?);
        let transfer = Transfer {
            key: format!("deposit:{}", id.0),
            kind: "deposit",
            debit: Account::Mint,
            credit: Account::Deposit(id),
            amount: deposit,
            task: None,
            at,
        };
        post(&mut transaction, transfer).await?;
        transaction.commit().await.doing("register a key")?;
        Ok(id)
    }
}
