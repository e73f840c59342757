//! What nodes are known by: their tests, and how far their own ledgers go.

use cortensor_protocol::{ArtifactDigest, Millis, NodeAddress, TierReport};
use sqlx::SqliteConnection;

use super::{Doing as _, Store, StoreError, audits::is_barred, begin, column};
use crate::rules::audit::Claim;

/// A test result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredReport {
    pub(crate) passed: bool,
    pub(crate) report: TierReport,
    /// How many of the latest tests of the artifact failed in a row, this included.
    pub(crate) failures: u32,
}

fn parse((passed, report, failures): (bool, String, u32)) -> Result<StoredReport, StoreError> {
    Ok(StoredReport { passed, report: read_report(&report)?, failures })
}

fn read_report(text: &str) -> Result<TierReport, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Damaged { what: "test report" })
}

impl Store {
    /// The latest test of an artifact on a node.
    pub(crate) async fn report(
        &self,
        node: NodeAddress,
        artifact: ArtifactDigest,
    ) -> Result<Option<StoredReport>, StoreError> {
        let row = sqlx::query_as(
            "SELECT passed, report,
                 (SELECT COUNT(*) FROM reports WHERE node = ?1 AND artifact = ?2 AND id > (
                      SELECT COALESCE(MAX(id), 0) FROM reports WHERE node = ?1 AND artifact = ?2 AND passed))
             FROM reports WHERE node = ?1 AND artifact = ?2 ORDER BY id DESC LIMIT 1",
        )
        .bind(node.to_string())
        .bind(artifact.to_string())
        .fetch_optional(&self.readers)
        .await
        .doing("look a test up")?;
        row.map(parse).transpose()
    }

    /// The latest test of a node, whatever the artifact.
    pub(crate) async fn latest_report(&self, node: NodeAddress) -> Result<Option<TierReport>, StoreError> {
        let text: Option<String> =
            sqlx::query_scalar("SELECT report FROM reports WHERE node = ? ORDER BY id DESC LIMIT 1")
                .bind(node.to_string())
                .fetch_optional(&self.readers)
                .await
                .doing("look a test up")?;
        text.as_deref().map(read_report).transpose()
    }

    /// Keeps a test result, unless the claim fell while it was tested. Says whether it did.
    pub(crate) async fn add_report(
        &self,
        node: NodeAddress,
        artifact: ArtifactDigest,
        report: &TierReport,
    ) -> Result<bool, StoreError> {
        let mut connection = self.writer.acquire().await.doing("keep a test")?;
        let mut transaction = begin(&mut connection).await?;
        if is_barred(&mut transaction, Claim { node, artifact }, report.tested_at).await? {
            return Ok(false);
        }
        insert_report(&mut transaction, node, artifact, report).await?;
        transaction.commit().await.doing("keep a test")?;
        Ok(true)
    }

    /// Notes that a node registered.
    pub(crate) async fn node_seen(&self, node: NodeAddress, software: &str, at: Millis) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO nodes (address, software, seen_at) VALUES (?, ?, ?)
             ON CONFLICT (address) DO UPDATE SET software = excluded.software, seen_at = excluded.seen_at",
        )
        .bind(node.to_string())
        .bind(software)
        .bind(at.0)
        .execute(&self.writer)
        .await
        .doing("note a node")?;
        Ok(())
    }

    /// Notes how far a node's own ledger goes.
    pub(crate) async fn settled_up_to(&self, node: NodeAddress, sequence: u64) -> Result<(), StoreError> {
        sqlx::query("UPDATE nodes SET settled_up_to = MAX(settled_up_to, ?) WHERE address = ?")
            .bind(column(sequence))
            .bind(node.to_string())
            .execute(&self.writer)
            .await
            .doing("note a node's ledger")?;
        Ok(())
    }
}

pub(super) async fn insert_report(
    connection: &mut SqliteConnection,
    node: NodeAddress,
    artifact: ArtifactDigest,
    report: &TierReport,
) -> Result<(), StoreError> {
    let text = serde_json::to_string(report).map_err(|_| StoreError::Damaged { what: "test report" })?;
    sqlx::query("INSERT INTO reports (node, artifact, passed, tested_at, report) VALUES (?, ?, ?, ?, ?)")
        .bind(node.to_string())
        .bind(artifact.to_string())
        .bind(report.tier.is_some())
        .bind(report.tested_at.0)
        .bind(text)
        .execute(connection)
        .await
        .doing("keep a test")?;
    Ok(())
}
