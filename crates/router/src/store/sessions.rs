//! Sessions: what users bought, what is in their accounts, and the keys that open them.

use cortensor_protocol::{Amount, Millis};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use super::{
    Doing as _, Durability, KeyId, Store, StoreError, begin,
    keys::digest,
    ledger::{Account, Transfer, balance, post, transferred},
};
use crate::rules::session::{Session, SessionId, SessionKey, SessionKeyId, Terms};

/// Whether money came into a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deposited {
    /// It did.
    Done,
    /// It had already, with the same key.
    Before,
    /// The same key was used for another amount.
    Otherwise(Amount),
    /// The account has too little.
    TooLittle {
        /// What is left.
        available: Amount,
    },
    /// The session is over.
    Over,
}

impl Store {
    /// Opens a session and moves its first deposit from its owner's. `Err`: what the owner has, which is too little.
    pub(crate) async fn create_session(
        &self,
        owner: KeyId,
        terms: &Terms,
        key: (&str, &str),
        deposit: Amount,
        at: Millis,
    ) -> Result<Result<SessionId, Amount>, StoreError> {
        let mut connection = self.writer(Durability::Lasting).await?;
        let mut transaction = begin(&mut connection).await?;
        let available = balance(&mut transaction, Account::Deposit(owner)).await?;
        if available < deposit {
            return Ok(Err(available));
        }
        let id = insert(&mut transaction, owner, terms, at).await?;
        insert_key(&mut transaction, id, key, at).await?;
        let (debit, credit) = (Account::Deposit(owner), Account::Session(id));
        let key = format!("session-opening:{id}");
        post(&mut transaction, Transfer { key, kind: "session", debit, credit, amount: deposit, task: None, at })
            .await?;
        transaction.commit().await.doing("open a session")?;
        Ok(Ok(id))
    }

    /// A session of this owner.
    pub(crate) async fn session(&self, owner: KeyId, id: SessionId) -> Result<Option<Session>, StoreError> {
        let mut connection = self.readers.acquire().await.doing("read a session")?;
        let row = sqlx::query("SELECT * FROM sessions WHERE id = ? AND owner = ?").bind(id.0).bind(owner.0);
        let Some(row) = row.fetch_optional(&mut *connection).await.doing("read a session")? else { return Ok(None) };
        read(&mut connection, &row).await.map(Some)
    }

    /// The newest sessions of this owner, older than `before`, and how many there are in all.
    pub(crate) async fn sessions(
        &self,
        owner: KeyId,
        before: Option<i64>,
        most: u32,
    ) -> Result<(u64, Vec<Session>), StoreError> {
        // One read transaction: the rows and the balances are of one moment.
        let mut snapshot = self.readers.begin().await.doing("list sessions")?;
        let rows = sqlx::query("SELECT * FROM sessions WHERE owner = ? AND id < ? ORDER BY id DESC LIMIT ?")
            .bind(owner.0)
            .bind(before.unwrap_or(i64::MAX))
            .bind(most)
            .fetch_all(&mut *snapshot)
            .await
            .doing("list sessions")?;
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sessions WHERE owner = ?")
            .bind(owner.0)
            .fetch_one(&mut *snapshot)
            .await
            .doing("count sessions")?;
        let mut sessions = Vec::with_capacity(rows.len());
        for row in &rows {
            sessions.push(read(&mut snapshot, row).await?);
        }
        Ok((u64::try_from(count).unwrap_or_default(), sessions))
    }

    /// How many sessions are active, and how many there ever were.
    pub(crate) async fn count_sessions(&self) -> Result<(u64, u64), StoreError> {
        let (active, total): (i64, i64) =
            sqlx::query_as("SELECT COUNT(*) FILTER (WHERE deactivated_at IS NULL), COUNT(*) FROM sessions")
                .fetch_one(&self.readers)
                .await
                .doing("count sessions")?;
        Ok((u64::try_from(active).unwrap_or_default(), u64::try_from(total).unwrap_or_default()))
    }

    /// Moves money from the owner's deposit to the session, once for each `key`.
    pub(crate) async fn deposit(
        &self,
        owner: KeyId,
        id: SessionId,
        key: &str,
        amount: Amount,
        at: Millis,
    ) -> Result<Deposited, StoreError> {
        let mut connection = self.writer(Durability::Lasting).await?;
        let mut transaction = begin(&mut connection).await?;
        let key = format!("session-deposit:{id}:{key}");
        if let Some(before) = transferred(&mut transaction, &key).await? {
            return Ok(if before == amount { Deposited::Before } else { Deposited::Otherwise(before) });
        }
        if !touch(&mut transaction, id, at).await? {
            return Ok(Deposited::Over);
        }
        let available = balance(&mut transaction, Account::Deposit(owner)).await?;
        if available < amount {
            return Ok(Deposited::TooLittle { available });
        }
        let (debit, credit) = (Account::Deposit(owner), Account::Session(id));
        post(&mut transaction, Transfer { key, kind: "session", debit, credit, amount, task: None, at }).await?;
        transaction.commit().await.doing("deposit into a session")?;
        Ok(Deposited::Done)
    }

    /// Ends a session and gives its owner back what is left. What running tasks hold follows as they end. Says how
    /// much came back at once; a second time it is nothing.
    pub(crate) async fn deactivate_session(&self, id: SessionId, at: Millis) -> Result<Amount, StoreError> {
        let mut connection = self.writer(Durability::Lasting).await?;
        let mut transaction = begin(&mut connection).await?;
        let owner: Option<i64> = sqlx::query_scalar(
            "UPDATE sessions SET deactivated_at = ?1, updated_at = ?1 WHERE id = ?2 AND deactivated_at IS NULL
             RETURNING owner",
        )
        .bind(at.0)
        .bind(id.0)
        .fetch_optional(&mut *transaction)
        .await
        .doing("end a session")?;
        let Some(owner) = owner else { return Ok(Amount::ZERO) };
        let amount = balance(&mut transaction, Account::Session(id)).await?;
        let (debit, credit) = (Account::Session(id), Account::Deposit(KeyId(owner)));
        let key = format!("session-return:{id}");
        post(&mut transaction, Transfer { key, kind: "return", debit, credit, amount, task: None, at }).await?;
        transaction.commit().await.doing("end a session")?;
        Ok(amount)
    }

    /// Adds a key to a session, unless it has `most` already.
    pub(crate) async fn add_session_key(
        &self,
        id: SessionId,
        key: (&str, &str),
        most: u32,
        at: Millis,
    ) -> Result<Option<SessionKeyId>, StoreError> {
        let mut connection = self.writer(Durability::Lasting).await?;
        let mut transaction = begin(&mut connection).await?;
        let count: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM session_keys WHERE session = ? AND revoked_at IS NULL")
                .bind(id.0)
                .fetch_one(&mut *transaction)
                .await
                .doing("count a session's keys")?;
        if count >= i64::from(most) {
            return Ok(None);
        }
        let key = insert_key(&mut transaction, id, key, at).await?;
        transaction.commit().await.doing("add a key to a session")?;
        Ok(Some(key))
    }

    /// The keys of a session that still open it.
    pub(crate) async fn session_keys(&self, id: SessionId) -> Result<Vec<SessionKey>, StoreError> {
        let rows: Vec<(i64, String, i64)> = sqlx::query_as(
            "SELECT id, label, created_at FROM session_keys WHERE session = ? AND revoked_at IS NULL ORDER BY id",
        )
        .bind(id.0)
        .fetch_all(&self.readers)
        .await
        .doing("list a session's keys")?;
        let key = |(id, label, at)| SessionKey { id: SessionKeyId(id), label, created_at: Millis(at) };
        Ok(rows.into_iter().map(key).collect())
    }

    /// Makes a key of a session open nothing any more. Says whether it did until now.
    pub(crate) async fn revoke_session_key(
        &self,
        id: SessionId,
        key: SessionKeyId,
        at: Millis,
    ) -> Result<bool, StoreError> {
        let mut connection = self.writer(Durability::Lasting).await?;
        let revoke = "UPDATE session_keys SET revoked_at = ? WHERE id = ? AND session = ? AND revoked_at IS NULL";
        let revoked = sqlx::query(revoke).bind(at.0).bind(key.0).bind(id.0);
        let revoked = revoked.execute(&mut *connection).await.doing("revoke a session's key")?;
        Ok(revoked.rows_affected() == 1)
    }
}

async fn insert(
    connection: &mut SqliteConnection,
    owner: KeyId,
    terms: &Terms,
    at: Millis,
) -> Result<SessionId, StoreError> {
    let terms = serde_json::to_string(terms).map_err(|_| StoreError::Damaged { what: "session's terms" })?;
    sqlx::query_scalar(
        "INSERT INTO sessions (owner, terms, created_at, updated_at) VALUES (?1, ?2, ?3, ?3) RETURNING id",
    )
    .bind(owner.0)
    .bind(terms)
    .bind(at.0)
    .fetch_one(connection)
    .await
    .map(SessionId)
    .doing("open a session")
}

async fn insert_key(
    connection: &mut SqliteConnection,
    session: SessionId,
    (key, label): (&str, &str),
    at: Millis,
) -> Result<SessionKeyId, StoreError> {
    sqlx::query_scalar("INSERT INTO session_keys (session, hash, label, created_at) VALUES (?, ?, ?, ?) RETURNING id")
        .bind(session.0)
        .bind(digest(key))
        .bind(label)
        .bind(at.0)
        .fetch_one(connection)
        .await
        .map(SessionKeyId)
        .doing("add a key to a session")
}

/// Notes that an active session changed. Says whether it is one.
async fn touch(connection: &mut SqliteConnection, id: SessionId, at: Millis) -> Result<bool, StoreError> {
    let touched = sqlx::query("UPDATE sessions SET updated_at = ? WHERE id = ? AND deactivated_at IS NULL")
        .bind(at.0)
        .bind(id.0)
        .execute(connection)
        .await
        .doing("update a session")?;
    Ok(touched.rows_affected() == 1)
}

async fn read(connection: &mut SqliteConnection, row: &SqliteRow) -> Result<Session, StoreError> {
    let damaged = || StoreError::Damaged { what: "session" };
    let number = |name: &str| row.try_get::<i64, _>(name).map_err(|_| damaged());
    let terms: String = row.try_get("terms").map_err(|_| damaged())?;
    let ended: Option<i64> = row.try_get("deactivated_at").map_err(|_| damaged())?;
    let id = SessionId(number("id")?);
    Ok(Session {
        id,
        owner: KeyId(number("owner")?),
        terms: serde_json::from_str(&terms).map_err(|_| damaged())?,
        active: ended.is_none(),
        tasks: u32::try_from(number("tasks")?).unwrap_or(u32::MAX),
        created_at: Millis(number("created_at")?),
        updated_at: Millis(number("updated_at")?),
        balance: balance(connection, Account::Session(id)).await?,
    })
}
