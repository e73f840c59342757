//! What was asked of a session, what became of it, and why which node got it.

use cortensor_protocol::{Amount, Millis, NodeAddress, TaskId, Usage};
use sqlx::{Row as _, sqlite::SqliteRow};

use super::{Doing as _, Durability, Store, StoreError};
use crate::rules::session::SessionId;

/// One request to a session.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SessionTask {
    pub(crate) number: u32,
    pub(crate) reference: Option<String>,
    pub(crate) created_at: Millis,
    /// One for each node that was asked for.
    pub(crate) tasks: Vec<PastTask>,
}

/// One node's part of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PastTask {
    pub(crate) id: TaskId,
    /// When and how it ended.
    pub(crate) ended: Option<(Millis, String)>,
    /// Those that took it, the last of them last.
    pub(crate) attempts: Vec<PastAttempt>,
}

/// What a node that took a task was told at its end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PastAttempt {
    pub(crate) node: NodeAddress,
    pub(crate) usage: Usage,
    pub(crate) paid: Amount,
    pub(crate) void_reason: Option<String>,
}

impl Store {
    /// The newest requests to a session that are older than number `before`, newest first.
    pub(crate) async fn session_tasks(
        &self,
        session: SessionId,
        before: i64,
        most: u32,
    ) -> Result<Vec<SessionTask>, StoreError> {
        let rows = sqlx::query(
            "SELECT page.number, page.client_reference, page.created_at, tasks.id, tasks.ended_at, tasks.outcome,
                    settlements.node, settlements.prompt_tokens, settlements.completion_tokens,
                    settlements.billions, settlements.units,
                    COALESCE(settlements.void_reason, back.void_reason) AS void_reason
             FROM (SELECT * FROM session_tasks WHERE session = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3) AS page
             JOIN tasks ON tasks.session = page.session AND tasks.number = page.number
             LEFT JOIN settlements ON settlements.task = tasks.id AND settlements.reverses IS NULL
             LEFT JOIN settlements AS back ON back.node = settlements.node AND back.reverses = settlements.sequence
             ORDER BY page.number DESC, tasks.id, settlements.attempt",
        )
        .bind(session.0)
        .bind(before)
        .bind(most)
        .fetch_all(&self.readers)
        .await
        .doing("list a session's tasks")?;
        let mut requests = Vec::new();
        for row in &rows {
            add(&mut requests, row).ok_or(StoreError::Damaged { what: "task" })?;
        }
        Ok(requests)
    }

    /// One request to a session.
    pub(crate) async fn session_task(
        &self,
        session: SessionId,
        number: u32,
    ) -> Result<Option<SessionTask>, StoreError> {
        let newest = self.session_tasks(session, i64::from(number) + 1, 1).await?;
        Ok(newest.into_iter().next().filter(|task| task.number == number))
    }

    /// Notes why a node got a task. `decision` is JSON.
    pub(crate) async fn add_decision(&self, task: TaskId, attempt: u32, decision: &str) -> Result<(), StoreError> {
        let mut connection = self.writer(Durability::Orderly).await?;
        sqlx::query("INSERT INTO decisions (task, attempt, decision) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
            .bind(task.to_string())
            .bind(attempt)
            .bind(decision)
            .execute(&mut *connection)
            .await
            .doing("note a decision")?;
        Ok(())
    }

    /// Why nodes got a task: the number of the attempt, and JSON.
    pub(crate) async fn decisions(&self, task: TaskId) -> Result<Vec<(u32, String)>, StoreError> {
        sqlx::query_as("SELECT attempt, decision FROM decisions WHERE task = ? ORDER BY attempt")
            .bind(task.to_string())
            .fetch_all(&self.readers)
            .await
            .doing("list decisions")
    }
}

/// Adds one row to the request and the task it belongs to. `None`: it cannot be read.
fn add(requests: &mut Vec<SessionTask>, row: &SqliteRow) -> Option<()> {
    let number = row.try_get("number").ok()?;
    if requests.last().is_none_or(|request| request.number != number) {
        let reference = row.try_get("client_reference").ok()?;
        let created_at = Millis(row.try_get("created_at").ok()?);
        requests.push(SessionTask { number, reference, created_at, tasks: Vec::new() });
    }
    let tasks = &mut requests.last_mut()?.tasks;
    let id = row.try_get::<String, _>("id").ok()?.parse().ok()?;
    if tasks.last().is_none_or(|task| task.id != id) {
        let ended = row.try_get::<Option<i64>, _>("ended_at").ok()?.map(Millis);
        let outcome: Option<String> = row.try_get("outcome").ok()?;
        tasks.push(PastTask { id, ended: ended.zip(outcome), attempts: Vec::new() });
    }
    if let Some(node) = row.try_get::<Option<String>, _>("node").ok()? {
        tasks.last_mut()?.attempts.push(attempt(row, &node)?);
    }
    Some(())
}

fn attempt(row: &SqliteRow, node: &str) -> Option<PastAttempt> {
    let number = |name: &str| row.try_get::<u32, _>(name).ok();
    Some(PastAttempt {
        node: node.parse().ok()?,
        usage: Usage { prompt_tokens: number("prompt_tokens")?, completion_tokens: number("completion_tokens")? },
        paid: Amount::from_limbs(row.try_get("billions").ok()?, row.try_get("units").ok()?),
        void_reason: row.try_get("void_reason").ok()?,
    })
}
