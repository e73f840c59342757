//! What the network saw of nodes, and the record that follows from it.

use cortensor_protocol::NodeAddress;
use sqlx::SqliteConnection;

use super::{Doing as _, Durability, Store, StoreError, begin};
use crate::{
    policy::LevelPolicy,
    rules::{conduct::Observation, level::LevelRecord},
};

impl Store {
    /// Adds what was seen to the nodes' records, each thing once: a second time changes nothing.
    pub(crate) async fn observe(&self, policy: &LevelPolicy, seen: &[Observation]) -> Result<(), StoreError> {
        let mut connection = self.writer(Durability::Orderly).await?;
        let mut transaction = begin(&mut connection).await?;
        for observation in seen {
            let Observation { node, event, .. } = observation;
            if insert_event(&mut transaction, observation).await? {
                let record = read_record(&mut transaction, *node).await?.after(policy, event);
                write_record(&mut transaction, *node, &record).await?;
            }
        }
        transaction.commit().await.doing("note what was seen of a node")
    }

    /// What the network knows of a node's conduct; of a new one, nothing.
    pub(crate) async fn level_record(&self, node: NodeAddress) -> Result<LevelRecord, StoreError> {
        let mut connection = self.readers.acquire().await.doing("look a node's level up")?;
        read_record(&mut connection, node).await
    }
}

/// Says whether it was not there before.
async fn insert_event(connection: &mut SqliteConnection, seen: &Observation) -> Result<bool, StoreError> {
    let inserted = sqlx::query("INSERT INTO level_events (key, node, event) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
        .bind(seen.id.to_string())
        .bind(seen.node.to_string())
        .bind(text(&seen.event)?)
        .execute(connection)
        .await
        .doing("note what was seen of a node")?;
    Ok(inserted.rows_affected() > 0)
}

async fn read_record(connection: &mut SqliteConnection, node: NodeAddress) -> Result<LevelRecord, StoreError> {
    let record: Option<String> = sqlx::query_scalar("SELECT record FROM levels WHERE node = ?")
        .bind(node.to_string())
        .fetch_optional(connection)
        .await
        .doing("look a node's level up")?;
    let record = record.map(|record| serde_json::from_str(&record)).transpose();
    Ok(record.map_err(|_| StoreError::Damaged { what: "level record" })?.unwrap_or_default())
}

async fn write_record(
    connection: &mut SqliteConnection,
    node: NodeAddress,
    record: &LevelRecord,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO levels (node, record) VALUES (?, ?) ON CONFLICT (node) DO UPDATE SET record = excluded.record",
    )
    .bind(node.to_string())
    .bind(text(record)?)
    .execute(connection)
    .await
    .doing("note a node's level")?;
    Ok(())
}

fn text(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Damaged { what: "level record" })
}

#[cfg(test)]
mod tests {
    use cortensor_protocol::{EventKind, LevelSighting, Millis, TaskKind};
    use proptest::prelude::*;

    use super::*;
    use crate::rules::level::{Failure, LevelEvent};

    const A: NodeAddress = NodeAddress::repeat_byte(1);
    const B: NodeAddress = NodeAddress::repeat_byte(2);

    async fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("router.sqlite")).await.unwrap();
        (folder, store)
    }

    /// Everything that was seen of a node, the oldest first.
    async fn events(store: &Store, node: NodeAddress) -> Vec<LevelEvent> {
        let rows = sqlx::query_scalar("SELECT event FROM level_events WHERE node = ? ORDER BY id");
        let rows: Vec<String> = rows.bind(node.to_string()).fetch_all(&store.readers).await.unwrap();
        rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
    }

    fn observation(node: NodeAddress, kind: EventKind, failure: Option<Failure>, at: i64) -> Observation {
        let sighting = LevelSighting::StepInTime { task: TaskKind::User, step: kind };
        Observation::new(node, LevelEvent::new(kind, failure, Millis(at), sighting))
    }

    fn passed(node: NodeAddress, at: i64) -> Observation {
        observation(node, EventKind::Correctness, None, at)
    }

    #[tokio::test]
    async fn each_node_has_its_own_record_and_what_is_written_twice_counts_once() {
        let (_folder, store) = store().await;
        let policy = LevelPolicy::default();
        let seen = [passed(A, 1), passed(B, 2), passed(A, 3), passed(A, 4)];
        for _ in 0..2 {
            store.observe(&policy, &seen).await.unwrap();
        }
        let levels = [A, B, NodeAddress::repeat_byte(3)].map(|node| store.level_record(node));
        let levels = futures::future::try_join_all(levels).await.unwrap();
        assert_eq!(levels.iter().map(|record| record.level().number()).collect::<Vec<_>>(), [1, 0, 0]);
        assert_eq!(events(&store, A).await.len(), 3);
    }

    #[tokio::test]
    async fn what_was_seen_cannot_be_rewritten() {
        let (_folder, store) = store().await;
        store.observe(&LevelPolicy::default(), &[passed(A, 1)]).await.unwrap();
        for rewriting in ["UPDATE level_events SET node = 'x'", "DELETE FROM level_events"] {
            let refused = sqlx::query(rewriting).execute(&store.writer).await.unwrap_err();
            assert!(refused.to_string().contains("append-only"), "{refused}");
        }
    }

    fn any_observation() -> impl Strategy<Value = Observation> {
        let failures = vec![Failure::MissedDeadline, Failure::WrongAnswer, Failure::FailedAudit];
        let failure = prop_oneof![4 => Just(None), 1 => prop::sample::select(failures).prop_map(Some)];
        (any::<bool>(), prop::sample::select(EventKind::ALL.to_vec()), failure, 0..1_000_000_i64)
            .prop_map(|(first, kind, failure, at)| observation(if first { A } else { B }, kind, failure, at))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn replaying_the_events_gives_the_stored_record(
            batches in prop::collection::vec(prop::collection::vec(any_observation(), 1..4), 1..15)
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (_folder, store) = store().await;
                let policy = LevelPolicy::default();
                for batch in batches {
                    store.observe(&policy, &batch).await.unwrap();
                }
                for node in [A, B] {
                    let events = events(&store, node).await;
                    let replayed =
                        events.iter().fold(LevelRecord::default(), |record, event| record.after(&policy, event));
                    assert_eq!(store.level_record(node).await.unwrap(), replayed);
                }
            });
        }
    }
}
