//! Rounds, and what became of each node in them.

use cortensor_protocol::{ArtifactDigest, Millis, ModelId, NodeAddress, TaskId};
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::{Doing as _, Durability, Store, StoreError, ValidatorId, begin, column};

/// A round that is over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RoundRecord {
    pub(crate) id: Uuid,
    pub(crate) model: ModelId,
    pub(crate) artifact: ArtifactDigest,
    /// Makes the prompt again.
    pub(crate) seed: u64,
    /// At which it was sampled; `None`: greedy.
    pub(crate) temperature: Option<f32>,
    /// Who compared its answers by meaning.
    pub(crate) validator: Option<ValidatorId>,
    pub(crate) began_at: Millis,
    pub(crate) ended_at: Millis,
    pub(crate) answers: Vec<RoundAnswer>,
}

/// What became of one node in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RoundAnswer {
    pub(crate) node: NodeAddress,
    pub(crate) task: TaskId,
    /// One word, as the table lists them.
    pub(crate) outcome: &'static str,
    pub(crate) position: Option<usize>,
    /// Where answers were compared by meaning: the median of its similarities to the others.
    pub(crate) similarity: Option<f32>,
    pub(crate) tokens: usize,
}

impl Store {
    /// Keeps a round, once.
    pub(crate) async fn add_round(&self, round: &RoundRecord) -> Result<(), StoreError> {
        let mut connection = self.writer(Durability::Orderly).await?;
        let mut transaction = begin(&mut connection).await?;
        if insert_round(&mut transaction, round).await? {
            for answer in &round.answers {
                insert_answer(&mut transaction, round, answer).await?;
            }
        }
        transaction.commit().await.doing("keep a round")
    }

    /// How many of a node's latest judged answers with an artifact, of at most `looks_back`, parted early or lay apart, and
    /// how many there are.
    pub(crate) async fn partings(
        &self,
        node: NodeAddress,
        artifact: ArtifactDigest,
        looks_back: u32,
    ) -> Result<(u32, u32), StoreError> {
        sqlx::query_as(
            "SELECT COALESCE(SUM(outcome IN ('parted_early', 'lay_apart')), 0), COUNT(*) FROM (
                 SELECT outcome FROM round_answers
                 WHERE node = ? AND artifact = ? AND outcome IN ('agreed', 'parted_late', 'parted_early', 'lay_apart')
                 ORDER BY ended_at DESC, rowid DESC LIMIT ?)",
        )
        .bind(node.to_string())
        .bind(artifact.to_string())
        .bind(looks_back)
        .fetch_one(&self.readers)
        .await
        .doing("look rounds up")
    }
}

/// Says whether it was not there before.
async fn insert_round(connection: &mut SqliteConnection, round: &RoundRecord) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "INSERT INTO rounds (id, model, artifact, seed, temperature, validator, began_at, ended_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(round.id.to_string())
    .bind(round.model.as_str())
    .bind(round.artifact.to_string())
    // The same 64 bits; a column is signed.
    .bind(round.seed.cast_signed())
    .bind(round.temperature)
    .bind(round.validator.map(ValidatorId::number))
    .bind(round.began_at.0)
    .bind(round.ended_at.0)
    .execute(connection)
    .await
    .doing("keep a round")?;
    Ok(done.rows_affected() == 1)
}

async fn insert_answer(
    connection: &mut SqliteConnection,
    round: &RoundRecord,
    answer: &RoundAnswer,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO round_answers (round, node, artifact, task, outcome, position, similarity, tokens, ended_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(round.id.to_string())
    .bind(answer.node.to_string())
    .bind(round.artifact.to_string())
    .bind(answer.task.to_string())
    .bind(answer.outcome)
    .bind(answer.position.map(|position| column(position as u64)))
    .bind(answer.similarity)
    .bind(column(answer.tokens as u64))
    .bind(round.ended_at.0)
    .execute(connection)
    .await
    .doing("keep a round")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn partings_are_counted_among_the_latest_judged_answers_of_a_node_with_an_artifact() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("router.sqlite")).await.unwrap();
        let (node, other) = (NodeAddress::repeat_byte(1), NodeAddress::repeat_byte(2));
        let (artifact, elsewhere) = (ArtifactDigest::new([1; 32]), ArtifactDigest::new([2; 32]));
        let outcomes = ["lay_apart", "agreed", "refused", "parted_early", "undecided", "parted_late", "agreed"];
        for (number, outcome) in (1_u8..).zip(outcomes) {
            let answer = |node, outcome| RoundAnswer {
                node,
                task: TaskId(Uuid::from_u128(number.into())),
                outcome,
                position: Some(3),
                similarity: Some(0.5),
                tokens: 9,
            };
            let round = RoundRecord {
                id: Uuid::from_u128(number.into()),
                model: ModelId::new("m"),
                artifact,
                seed: u64::MAX,
                temperature: Some(0.5),
                validator: None,
                began_at: Millis(0),
                ended_at: Millis(number.into()),
                answers: vec![answer(node, outcome), answer(other, "agreed")],
            };
            store.add_round(&round).await.unwrap();
            store.add_round(&round).await.unwrap();
        }
        for (node, artifact, looks_back, expected) in [
            (node, artifact, 10, (2, 5)),
            (node, artifact, 3, (1, 3)),
            (node, artifact, 2, (0, 2)),
            (node, elsewhere, 10, (0, 0)),
            (other, artifact, 10, (0, 7)),
        ] {
            assert_eq!(store.partings(node, artifact, looks_back).await.unwrap(), expected);
        }
    }
}
