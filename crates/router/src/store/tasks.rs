//! Tasks and what they paid.

use cortensor_protocol::{
    Amount, ArtifactDigest, Millis, Mode, ModelId, NodeAddress, Outcome, Precision, Settlement, SettlementStatus,
    TaskId, TaskKind, UnpaidReason, Usage,
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use super::{
    Doing as _, Durability, KeyId, Store, StoreError,
    audits::is_barred,
    begin, column,
    ledger::{Account, Transfer, balance, post},
};
use crate::rules::audit::Claim;
use crate::rules::session::SessionId;

/// How a task ended, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As the task itself says.
    Task(Outcome),
    /// The router stopped or crashed meanwhile.
    Interrupted,
}

impl Ending {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Task(Outcome::Served) => "served",
            Self::Task(Outcome::Cancelled) => "cancelled",
            Self::Task(Outcome::TimedOut) => "timed_out",
            Self::Task(Outcome::Failed) => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What a settlement says, but for the pay and the number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) node: NodeAddress,
    pub(crate) task: TaskId,
    pub(crate) attempt: u32,
    pub(crate) kind: TaskKind,
    pub(crate) model: ModelId,
    pub(crate) precision: Precision,
    pub(crate) artifact: ArtifactDigest,
    pub(crate) mode: Mode,
    pub(crate) usage: Usage,
    pub(crate) first_token_ms: u32,
    pub(crate) total_ms: u32,
    pub(crate) at: Millis,
}

/// What an attempt pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pay {
    /// From the user's hold; the rest of it goes back, and the task is over.
    User(Amount),
    /// From network incentives; the task is over.
    Incentive(Amount),
    /// Nothing. The task may go on elsewhere.
    Void(UnpaidReason),
}

impl Pay {
    fn amount(&self) -> Amount {
        match self {
            Self::User(amount) | Self::Incentive(amount) => *amount,
            Self::Void(_) => Amount::ZERO,
        }
    }
}

pub(super) const fn kind_text(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::User => "user",
        TaskKind::NetworkTest => "network_test",
    }
}

impl Store {
    /// Settles one attempt, once: a second time changes nothing.
    pub(crate) async fn settle(&self, line: &Line, pay: &Pay) -> Result<(), StoreError> {
        let mut connection = self.writer(Durability::Lasting).await?;
        let mut transaction = begin(&mut connection).await?;
        // A claim that fell meanwhile is not paid for what was under way.
        let claim = Claim { node: line.node, artifact: line.artifact };
        if !matches!(pay, Pay::Void(_)) && is_barred(&mut transaction, claim, line.at).await? {
            insert_settlement(&mut transaction, line, &Pay::Void(UnpaidReason::ClaimFell)).await?;
            end(&mut transaction, line.task, Ending::Task(Outcome::Failed), line.at).await?;
            return transaction.commit().await.doing("settle a task");
        }
        if !insert_settlement(&mut transaction, line, pay).await? {
            return Ok(());
        }
        match pay {
            Pay::User(amount) => {
                pay_user(&mut transaction, line, *amount).await?;
                end(&mut transaction, line.task, Ending::Task(Outcome::Served), line.at).await?;
            }
            Pay::Incentive(amount) => {
                pay_incentive(&mut transaction, line, *amount).await?;
                end(&mut transaction, line.task, Ending::Task(Outcome::Served), line.at).await?;
            }
            Pay::Void(_) => {}
        }
        transaction.commit().await.doing("settle a task")
    }

    /// Ends a task that was not paid, and gives the user back what was set aside.
    pub(crate) async fn end_task(&self, task: TaskId, ending: Ending, at: Millis) -> Result<(), StoreError> {
        let mut connection = self.writer(Durability::Orderly).await?;
        let mut transaction = begin(&mut connection).await?;
        end(&mut transaction, task, ending, at).await?;
        transaction.commit().await.doing("end a task")
    }

    /// Ends what a crash left open. Returns how many tasks that were.
    pub(crate) async fn recover(&self, at: Millis) -> Result<usize, StoreError> {
        let mut connection = self.writer(Durability::Lasting).await?;
        let mut transaction = begin(&mut connection).await?;
        let open: Vec<String> = sqlx::query_scalar("SELECT id FROM tasks WHERE ended_at IS NULL")
            .fetch_all(&mut *transaction)
            .await
            .doing("list open tasks")?;
        for task in &open {
            let task = task.parse().map_err(|_| StoreError::Damaged { what: "task id" })?;
            end(&mut transaction, task, Ending::Interrupted, at).await?;
        }
        transaction.commit().await.doing("end open tasks")?;
        Ok(open.len())
    }

    /// The next settlements of a node, in order.
    pub(crate) async fn settlements_after(
        &self,
        node: NodeAddress,
        sequence: u64,
        most: u32,
    ) -> Result<Vec<Settlement>, StoreError> {
        let rows = sqlx::query("SELECT * FROM settlements WHERE node = ? AND sequence > ? ORDER BY sequence LIMIT ?")
            .bind(node.to_string())
            .bind(column(sequence))
            .bind(most)
            .fetch_all(&self.readers)
            .await
            .doing("list settlements")?;
        rows.iter().map(|row| settlement(row).ok_or(StoreError::Damaged { what: "settlement" })).collect()
    }

    /// Tasks that ended well.
    pub(crate) async fn served_tasks(&self) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM tasks WHERE outcome = 'served' AND kind = 'user'")
            .fetch_one(&self.readers)
            .await
            .doing("count tasks")?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}

/// A reason as it is kept for programs, beside its words.
pub(super) fn code_text(reason: &UnpaidReason) -> Option<String> {
    serde_json::to_string(reason).ok()
}

/// Says whether it was not there before.
async fn insert_settlement(connection: &mut SqliteConnection, line: &Line, pay: &Pay) -> Result<bool, StoreError> {
    let (billions, units) = pay.amount().to_limbs();
    let reason = if let Pay::Void(reason) = pay { Some(reason) } else { None };
    let done = sqlx::query(
        "INSERT INTO settlements (node, sequence, task, attempt, kind, model, precision, artifact, mode, prompt_tokens,
             completion_tokens, first_token_ms, total_ms, billions, units, void_reason, settled_at, void_code)
         SELECT ?1, COALESCE(MAX(sequence), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17
         FROM settlements WHERE node = ?1
         ON CONFLICT (task, attempt) WHERE reverses IS NULL DO NOTHING",
    )
    .bind(line.node.to_string())
    .bind(line.task.to_string())
    .bind(line.attempt)
    .bind(kind_text(line.kind))
    .bind(line.model.as_str())
    .bind(line.precision.as_str())
    .bind(line.artifact.to_string())
    .bind(line.mode.as_str())
    .bind(line.usage.prompt_tokens)
    .bind(line.usage.completion_tokens)
    .bind(line.first_token_ms)
    .bind(line.total_ms)
    .bind(billions)
    .bind(units)
    .bind(reason.map(ToString::to_string))
    .bind(line.at.0)
    .bind(reason.and_then(code_text))
    .execute(connection)
    .await
    .doing("write a settlement")?;
    Ok(done.rows_affected() == 1)
}

async fn pay_user(connection: &mut SqliteConnection, line: &Line, amount: Amount) -> Result<(), StoreError> {
    let pending = Account::Pending(line.node);
    let ways = [("usage", Account::Hold(line.task), Account::Network), ("allocation", Account::Network, pending)];
    pay(connection, line, amount, ways).await
}

async fn pay_incentive(connection: &mut SqliteConnection, line: &Line, amount: Amount) -> Result<(), StoreError> {
    let pending = Account::Pending(line.node);
    let ways = [("funding", Account::Mint, Account::Incentives), ("incentive", Account::Incentives, pending)];
    pay(connection, line, amount, ways).await
}

async fn pay(
    connection: &mut SqliteConnection,
    line: &Line,
    amount: Amount,
    ways: [(&'static str, Account, Account); 2],
) -> Result<(), StoreError> {
    for (kind, debit, credit) in ways {
        let key = format!("{kind}:{}:{}", line.task, line.attempt);
        post(connection, Transfer { key, kind, debit, credit, amount, task: Some(line.task), at: line.at }).await?;
    }
    Ok(())
}

async fn end(connection: &mut SqliteConnection, task: TaskId, ending: Ending, at: Millis) -> Result<(), StoreError> {
    let ended: Option<(Option<i64>, Option<i64>)> = sqlx::query_as(
        "UPDATE tasks SET ended_at = ?, outcome = ? WHERE id = ? AND ended_at IS NULL RETURNING key, session",
    )
    .bind(at.0)
    .bind(ending.as_str())
    .bind(task.to_string())
    .fetch_optional(&mut *connection)
    .await
    .doing("end a task")?;
    let Some((Some(owner), session)) = ended else { return Ok(()) };
    let amount = balance(connection, Account::Hold(task)).await?;
    let debit = Account::Hold(task);
    let credit = payer(connection, KeyId(owner), session).await?;
    let line =
        Transfer { key: format!("release:{task}"), kind: "release", debit, credit, amount, task: Some(task), at };
    post(connection, line).await
}

/// Where what is left of a hold goes: to the session that paid it, or to its owner if that is over.
async fn payer(connection: &mut SqliteConnection, owner: KeyId, session: Option<i64>) -> Result<Account, StoreError> {
    let active: Option<i64> = sqlx::query_scalar("SELECT id FROM sessions WHERE id = ? AND deactivated_at IS NULL")
        .bind(session)
        .fetch_optional(connection)
        .await
        .doing("look a session up")?;
    Ok(active.map_or(Account::Deposit(owner), |session| Account::Session(SessionId(session))))
}

fn settlement(row: &SqliteRow) -> Option<Settlement> {
    let number = |name: &str| row.try_get::<u32, _>(name).ok();
    let text = |name: &str| row.try_get::<String, _>(name).ok();
    let amount = Amount::from_limbs(row.try_get("billions").ok()?, row.try_get("units").ok()?);
    let void: Option<String> = row.try_get("void_reason").ok()?;
    let why: Option<String> = row.try_get("void_code").ok()?;
    let why = why.and_then(|code| serde_json::from_str(&code).ok());
    let reverses: Option<i64> = row.try_get("reverses").ok()?;
    Some(Settlement {
        sequence: u64::try_from(row.try_get::<i64, _>("sequence").ok()?).ok()?,
        task: text("task")?.parse().ok()?,
        kind: if text("kind")? == "user" { TaskKind::User } else { TaskKind::NetworkTest },
        model: ModelId::new(text("model")?),
        precision: text("precision")?.parse().ok()?,
        mode: text("mode")?.parse().ok()?,
        usage: Usage { prompt_tokens: number("prompt_tokens")?, completion_tokens: number("completion_tokens")? },
        first_token_ms: number("first_token_ms")?,
        total_ms: number("total_ms")?,
        status: match (void, reverses) {
            (None, _) => SettlementStatus::Paid { amount },
            (Some(reason), None) => SettlementStatus::Void { reason, why },
            (Some(reason), Some(reverses)) => {
                SettlementStatus::Reversed { amount, reverses: u64::try_from(reverses).ok()?, reason, why }
            }
        },
        settled_at: Millis(row.try_get("settled_at").ok()?),
    })
}
