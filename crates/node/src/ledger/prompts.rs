//! Prompts and answers, for a user who wants to see what the machine was asked. Off unless turned on.

use cortensor_protocol::TaskId;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use ts_rs::TS;

use super::{Ledger, LedgerError};

/// What a user task asked and what was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KeptPrompt {
    /// Which task.
    pub task: TaskId,
    /// What was asked.
    pub prompt: String,
    /// What was answered.
    pub answer: String,
}

impl Ledger {
    /// Keeps a prompt and its answer; of two attempts at a task, the last.
    pub(crate) async fn keep_prompt(&self, task: TaskId, prompt: &str, answer: &str) -> Result<(), LedgerError> {
        sqlx::query("INSERT INTO kept_prompts (task, prompt, answer) VALUES (?, ?, ?) ON CONFLICT (task) DO UPDATE SET prompt = excluded.prompt, answer = excluded.answer")
            .bind(task.to_string())
            .bind(prompt)
            .bind(answer)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(|source| self.prompts(source))
    }

    /// What was kept of a task.
    pub async fn kept_prompt(&self, task: TaskId) -> Result<Option<KeptPrompt>, LedgerError> {
        let read = async {
            let query = sqlx::query("SELECT prompt, answer FROM kept_prompts WHERE task = ?").bind(task.to_string());
            let Some(row) = query.fetch_optional(&self.pool).await? else { return Ok(None) };
            Ok(Some(KeptPrompt { task, prompt: row.try_get("prompt")?, answer: row.try_get("answer")? }))
        };
        read.await.map_err(|source| self.unread(source))
    }

    /// How many are kept, and how many bytes they are.
    pub async fn kept_prompts(&self) -> Result<(u64, u64), LedgerError> {
        let sum = "SELECT COUNT(*) AS count, COALESCE(SUM(LENGTH(CAST(prompt || answer AS BLOB))), 0) AS bytes FROM kept_prompts";
        let read = async {
            let row = sqlx::query(sum).fetch_one(&self.pool).await?;
            let number = |name| row.try_get::<i64, _>(name).map(|number| u64::try_from(number).unwrap_or(0));
            Ok((number("count")?, number("bytes")?))
        };
        read.await.map_err(|source| self.unread(source))
    }

    /// Deletes everything that was kept.
    pub async fn forget_prompts(&self) -> Result<(), LedgerError> {
        let forget = async {
            sqlx::query("DELETE FROM kept_prompts").execute(&self.pool).await?;
            // What was written lately stands in the log beside the database, too.
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.pool).await
        };
        forget.await.map(drop).map_err(|source| self.prompts(source))
    }

    fn prompts(&self, source: sqlx::Error) -> LedgerError {
        LedgerError::Prompts { path: self.path.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::*, *};

    #[tokio::test]
    async fn what_was_kept_is_found_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(&folder).await;
        let task = TaskId(uuid::Uuid::from_u128(1));
        assert_eq!(ledger.kept_prompt(task).await.unwrap(), None);
        ledger.keep_prompt(task, "2 + 2?", "5").await.unwrap();
        ledger.keep_prompt(task, "2 + 2?", "four – 4").await.unwrap();
        assert_eq!(ledger.kept_prompt(task).await.unwrap().unwrap().answer, "four – 4");
        assert_eq!(ledger.kept_prompts().await.unwrap(), (1, 16));
        ledger.forget_prompts().await.unwrap();
        assert_eq!(ledger.kept_prompts().await.unwrap(), (0, 0));
        assert_eq!(ledger.kept_prompt(task).await.unwrap(), None);
    }
}
