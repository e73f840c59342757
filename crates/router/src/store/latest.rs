//! What happened last, for the operator.

use serde::Serialize;

use super::{Doing as _, Store, StoreError};

/// A task as it is kept.
#[derive(Debug, Serialize, sqlx::FromRow)]
pub(crate) struct TaskRow {
    id: String,
    kind: String,
    model: String,
    created_at: i64,
    /// `None`: it is open.
    ended_at: Option<i64>,
    ending: Option<String>,
    /// The node that was settled with last.
    node: Option<String>,
    precision: Option<String>,
    completion_tokens: Option<i64>,
    /// Why that node was not paid.
    void_reason: Option<String>,
}

/// A test as it is kept.
#[derive(Debug, sqlx::FromRow)]
struct KeptTest {
    node: String,
    artifact: String,
    passed: bool,
    tested_at: i64,
    report: String,
}

/// A test, with what was seen.
#[derive(Debug, Serialize)]
pub(crate) struct TestRow {
    node: String,
    artifact: String,
    passed: bool,
    tested_at: i64,
    report: serde_json::Value,
}

/// A session as it is kept.
#[derive(Debug, Serialize, sqlx::FromRow)]
pub(crate) struct SessionRow {
    id: i64,
    model: Option<String>,
    precision: Option<String>,
    tasks: i64,
    created_at: i64,
    /// `None`: it may be used.
    deactivated_at: Option<i64>,
}

/// A look at an answer, as it is kept.
#[derive(Debug, Serialize, sqlx::FromRow)]
pub(crate) struct AuditRow {
    id: String,
    node: String,
    artifact: String,
    tokens: i64,
    mismatches: i64,
    verdict: String,
    engine: String,
    looked_at: i64,
}

/// A judgement as it is kept.
#[derive(Debug, Serialize, sqlx::FromRow)]
pub(crate) struct JudgementRow {
    id: String,
    node: String,
    artifact: String,
    model: String,
    correctness: i64,
    relevance: i64,
    usefulness: i64,
    /// What the judgements of this answer came to; `None`: more are wanted.
    percent: Option<i64>,
    judged_at: i64,
}

impl Store {
    /// The judgements that were made last, newest first.
    pub(crate) async fn latest_judgements(&self, most: u32) -> Result<Vec<JudgementRow>, StoreError> {
        let judgements = sqlx::query_as(
            "SELECT id, judgements.node, judgements.artifact, model, correctness, relevance, usefulness, percent, judged_at
             FROM judgements LEFT JOIN rubric_scores USING (task) ORDER BY judgements.rowid DESC LIMIT ?",
        );
        judgements.bind(most).fetch_all(&self.readers).await.doing("list its latest judgements")
    }

    /// The sessions that were opened last, newest first.
    pub(crate) async fn latest_sessions(&self, most: u32) -> Result<Vec<SessionRow>, StoreError> {
        let sessions = sqlx::query_as(
            "SELECT id, json_extract(terms, '$.model') AS model, json_extract(terms, '$.precision') AS precision,
                 tasks, created_at, deactivated_at
             FROM sessions ORDER BY id DESC LIMIT ?",
        );
        sessions.bind(most).fetch_all(&self.readers).await.doing("list its latest sessions")
    }

    /// The answers that were looked at last, newest first.
    pub(crate) async fn latest_audits(&self, most: u32) -> Result<Vec<AuditRow>, StoreError> {
        let audits = sqlx::query_as(
            "SELECT id, node, artifact, tokens, mismatches, verdict, engine, looked_at
             FROM audits ORDER BY rowid DESC LIMIT ?",
        );
        audits.bind(most).fetch_all(&self.readers).await.doing("list its latest audits")
    }

    /// The tasks that were opened last, newest first.
    pub(crate) async fn latest_tasks(&self, most: u32) -> Result<Vec<TaskRow>, StoreError> {
        let tasks = sqlx::query_as(
            "SELECT latest.id, latest.kind, latest.model, created_at, ended_at, outcome AS ending,
                    node, precision, completion_tokens, void_reason
             FROM (SELECT id, kind, model, created_at, ended_at, outcome FROM tasks ORDER BY rowid DESC LIMIT ?) AS latest
             LEFT JOIN settlements ON settlements.task = latest.id AND reverses IS NULL AND settlements.attempt =
                 (SELECT MAX(attempt) FROM settlements WHERE settlements.task = latest.id)
             ORDER BY created_at DESC, latest.id DESC",
        );
        tasks.bind(most).fetch_all(&self.readers).await.doing("list its latest tasks")
    }

    /// The latest tests, newest first.
    pub(crate) async fn latest_tests(&self, most: u32) -> Result<Vec<TestRow>, StoreError> {
        let tests = sqlx::query_as::<_, KeptTest>(
            "SELECT node, artifact, passed, tested_at, report FROM reports ORDER BY id DESC LIMIT ?",
        );
        let tests = tests.bind(most).fetch_all(&self.readers).await.doing("list its latest tests")?;
        tests.into_iter().map(KeptTest::read).collect()
    }
}

impl KeptTest {
    fn read(self) -> Result<TestRow, StoreError> {
        let Self { node, artifact, passed, tested_at, report } = self;
        let report = serde_json::from_str(&report).map_err(|_| StoreError::Damaged { what: "test report" })?;
        Ok(TestRow { node, artifact, passed, tested_at, report })
    }
}
