//! Opening tasks: what they may cost is set aside before anybody works.

use cortensor_protocol::{Amount, Millis, ModelId, TaskId, TaskKind};
use sqlx::SqliteConnection;

use super::{
    Doing as _, Durability, KeyId, Store, StoreError, begin,
    ledger::{Account, Transfer, post},
    tasks::kind_text,
};
use crate::rules::session::SessionId;

/// Who pays for tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payer {
    /// The network: they are tests.
    Network,
    /// An account's own deposit.
    Account(KeyId),
    /// A session, which may have no more than this many requests at a time.
    Session(SessionId, u32),
}

/// Tasks to be opened together, for one request.
#[derive(Clone, Debug)]
pub(crate) struct Opening<'a> {
    pub(crate) payer: Payer,
    pub(crate) model: &'a ModelId,
    /// Each with the most it can cost.
    pub(crate) tasks: &'a [(TaskId, Amount)],
    /// The client's own name for the request, in a session.
    pub(crate) reference: Option<&'a str>,
    pub(crate) at: Millis,
}

/// Whether tasks may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// They may; the money is set aside. In a session requests are numbered.
    Held(Option<u32>),
    /// The deposit is too small for all of them.
    TooLittle {
        /// What is left.
        available: Amount,
    },
    /// The session is over.
    SessionOver,
    /// The session has as many requests at a time as it may.
    SessionBusy,
}

impl Store {
    /// Notes tasks and sets aside what each can cost: all of them or none.
    pub(crate) async fn open_tasks(&self, opening: &Opening<'_>) -> Result<Opened, StoreError> {
        let mut connection = self.writer(Durability::Orderly).await?;
        let mut transaction = begin(&mut connection).await?;
        let bill = match bill(&mut transaction, opening).await? {
            Ok(bill) => bill,
            Err(refused) => return Ok(refused),
        };
        if let Some(account) = bill.account {
            let available = self.balances.of(&mut transaction, account).await?;
            let needed: Amount = opening.tasks.iter().map(|(_, hold)| *hold).sum();
            if available < needed {
                return Ok(Opened::TooLittle { available });
            }
        }
        for (task, hold) in opening.tasks {
            insert_task(&mut transaction, *task, &bill, opening).await?;
            if let Some(debit) = bill.account {
                let (key, credit, task) = (format!("hold:{task}"), Account::Hold(*task), Some(*task));
                let hold = Transfer { key, kind: "hold", debit, credit, amount: *hold, task, at: opening.at };
                post(&mut transaction, hold).await?;
            }
        }
        transaction.commit().await.doing("open a task")?;
        Ok(Opened::Held(bill.place.map(|(_, number)| number)))
    }
}

/// Where the money comes from, and where a request has its place.
struct Bill {
    owner: Option<KeyId>,
    account: Option<Account>,
    place: Option<(SessionId, u32)>,
}

/// `Err`: the session does not take it.
async fn bill(connection: &mut SqliteConnection, opening: &Opening<'_>) -> Result<Result<Bill, Opened>, StoreError> {
    Ok(Ok(match opening.payer {
        Payer::Network => Bill { owner: None, account: None, place: None },
        Payer::Account(key) => Bill { owner: Some(key), account: Some(Account::Deposit(key)), place: None },
        Payer::Session(session, most) => match number_in(connection, session, most, opening).await? {
            Ok((owner, number)) => {
                let account = Some(Account::Session(session));
                Bill { owner: Some(owner), account, place: Some((session, number)) }
            }
            Err(refused) => return Ok(Err(refused)),
        },
    }))
}

/// The next number in a session, and whose that is.
async fn number_in(
    connection: &mut SqliteConnection,
    session: SessionId,
    most: u32,
    opening: &Opening<'_>,
) -> Result<Result<(KeyId, u32), Opened>, StoreError> {
    let running: i64 =
        sqlx::query_scalar("SELECT COUNT(DISTINCT number) FROM tasks WHERE session = ? AND ended_at IS NULL")
            .bind(session.0)
            .fetch_one(&mut *connection)
            .await
            .doing("count a session's tasks")?;
    if running >= i64::from(most) {
        return Ok(Err(Opened::SessionBusy));
    }
    let row: Option<(i64, u32)> = sqlx::query_as(
        "UPDATE sessions SET tasks = tasks + 1, updated_at = ? WHERE id = ? AND deactivated_at IS NULL
         RETURNING owner, tasks",
    )
    .bind(opening.at.0)
    .bind(session.0)
    .fetch_optional(&mut *connection)
    .await
    .doing("number a task")?;
    let Some((owner, number)) = row else { return Ok(Err(Opened::SessionOver)) };
    sqlx::query("INSERT INTO session_tasks (session, number, client_reference, created_at) VALUES (?, ?, ?, ?)")
        .bind(session.0)
        .bind(number)
        .bind(opening.reference)
        .bind(opening.at.0)
        .execute(connection)
        .await
        .doing("number a task")?;
    Ok(Ok((KeyId(owner), number)))
}

async fn insert_task(
    connection: &mut SqliteConnection,
    task: TaskId,
    bill: &Bill,
    opening: &Opening<'_>,
) -> Result<(), StoreError> {
    let kind = if bill.owner.is_some() { TaskKind::User } else { TaskKind::NetworkTest };
    let (session, number) = bill.place.unzip();
    sqlx::query("INSERT INTO tasks (id, kind, key, model, created_at, session, number) VALUES (?, ?, ?, ?, ?, ?, ?)")
        .bind(task.to_string())
        .bind(kind_text(kind))
        .bind(bill.owner.map(|key| key.0))
        .bind(opening.model.as_str())
        .bind(opening.at.0)
        .bind(session.map(|session| session.0))
        .bind(number)
        .execute(connection)
        .await
        .doing("note a task")?;
    Ok(())
}
