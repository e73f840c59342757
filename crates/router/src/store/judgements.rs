//! Judgements of answers to open questions, and what they came to.

use cortensor_protocol::{JudgementId, Millis, Percentage, RubricVerdict};
use sqlx::SqliteConnection;

use super::{Doing as _, Durability, Store, StoreError, ValidatorId, begin};
use crate::rules::{
    audit::Claim,
    judgement::{Judged, RubricStanding},
};

/// One judgement, as it was handed in.
#[derive(Clone, Debug)]
pub(crate) struct JudgementLine {
    pub(crate) id: JudgementId,
    pub(crate) validator: ValidatorId,
    /// The model that judged.
    pub(crate) model: String,
    pub(crate) at: Millis,
}

impl Store {
    /// Keeps one judgement and what it came to with those before it, all in one transaction.
    pub(crate) async fn keep_judgement(&self, line: &JudgementLine, judged: &Judged) -> Result<(), StoreError> {
        let mut connection = self.writer(Durability::Orderly).await?;
        let mut transaction = begin(&mut connection).await?;
        insert_judgement(&mut transaction, line, judged).await?;
        if let RubricVerdict::Scored(percent) = judged.verdict {
            insert_score(&mut transaction, line, judged, percent).await?;
        }
        transaction.commit().await.doing("keep a judgement")
    }

    /// What the latest answers of a claim to open questions were worth.
    pub(crate) async fn rubric_standing(&self, claim: Claim, looks_back: u32) -> Result<RubricStanding, StoreError> {
        let (answers, average): (u32, f64) = sqlx::query_as(
            "SELECT COUNT(*), COALESCE(AVG(percent), 0.0) FROM (
                 SELECT percent FROM rubric_scores WHERE node = ? AND artifact = ?
                 ORDER BY scored_at DESC, rowid DESC LIMIT ?)",
        )
        .bind(claim.node.to_string())
        .bind(claim.artifact.to_string())
        .bind(looks_back)
        .fetch_one(&self.readers)
        .await
        .doing("look judgements up")?;
        Ok(RubricStanding { answers, average: percentage(average) })
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 100, and rounded")]
fn percentage(average: f64) -> Percentage {
    Percentage::new(average.clamp(0.0, 100.0).round() as u8).unwrap_or_default()
}

async fn insert_judgement(
    connection: &mut SqliteConnection,
    line: &JudgementLine,
    judged: &Judged,
) -> Result<(), StoreError> {
    let Judged { subject, score, .. } = judged;
    sqlx::query(
        "INSERT INTO judgements (id, round, node, artifact, task, validator, model, correctness, relevance, usefulness,
             judged_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(line.id.to_string())
    .bind(subject.round.to_string())
    .bind(subject.claim.node.to_string())
    .bind(subject.claim.artifact.to_string())
    .bind(subject.task.to_string())
    .bind(line.validator.number())
    .bind(&line.model)
    .bind(score.correctness.number())
    .bind(score.relevance.number())
    .bind(score.usefulness.number())
    .bind(line.at.0)
    .execute(connection)
    .await
    .doing("keep a judgement")?;
    Ok(())
}

async fn insert_score(
    connection: &mut SqliteConnection,
    line: &JudgementLine,
    judged: &Judged,
    percent: Percentage,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO rubric_scores (task, node, artifact, percent, judgements, scored_at) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(judged.subject.task.to_string())
    .bind(judged.subject.claim.node.to_string())
    .bind(judged.subject.claim.artifact.to_string())
    .bind(percent.number())
    .bind(judged.judgements)
    .bind(line.at.0)
    .execute(connection)
    .await
    .doing("keep a judgement")?;
    Ok(())
}
