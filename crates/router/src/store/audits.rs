//! Audits, what they have come to, and what they take back.

use cortensor_fidelity::Verdict;
use cortensor_protocol::{AuditId, Millis, TaskId, TierReport, UnpaidReason};
use sqlx::SqliteConnection;

use super::{
    Doing as _, Durability, Store, StoreError, begin, column, keys::digest, reports::insert_report, tasks::code_text,
    withdrawals::final_until,
};
use crate::{
    policy::AuditPolicy,
    rules::audit::{Claim, ClaimRecord, Look},
};

/// One validator's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ValidatorId(i64);

impl ValidatorId {
    pub(super) const fn number(self) -> i64 {
        self.0
    }

    /// For rules that are tested without a database.
    #[cfg(test)]
    pub(crate) const fn test(number: i64) -> Self {
        Self(number)
    }
}

/// One look at an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AuditLine {
    pub(crate) id: AuditId,
    pub(crate) claim: Claim,
    pub(crate) task: TaskId,
    pub(crate) validator: ValidatorId,
    pub(crate) at: Millis,
}

/// What follows from a claim that was found false.
#[derive(Clone, Debug)]
pub(crate) struct Fall {
    /// What was paid for the claim from then on is taken back, unless it is final by its age.
    pub(crate) since: Millis,
    pub(crate) reason: UnpaidReason,
    /// What the node is told: no tier.
    pub(crate) report: TierReport,
}

impl Store {
    /// Registers a validator's key; a known one stays as it is.
    pub(crate) async fn add_validator(&self, key: &str, label: &str, at: Millis) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO validators (hash, label, created_at) VALUES (?, ?, ?) ON CONFLICT (hash) DO NOTHING")
            .bind(digest(key))
            .bind(label)
            .bind(at.0)
            .execute(&self.writer)
            .await
            .doing("register a validator")?;
        Ok(())
    }

    /// Whose key this is, if it is a validator's.
    pub(crate) async fn find_validator(&self, key: &str) -> Result<Option<ValidatorId>, StoreError> {
        let found = sqlx::query_scalar("SELECT id FROM validators WHERE hash = ?").bind(digest(key));
        Ok(found.fetch_optional(&self.readers).await.doing("look a key up")?.map(ValidatorId))
    }

    /// What audits of a claim have come to.
    pub(crate) async fn claim_record(&self, claim: Claim) -> Result<ClaimRecord, StoreError> {
        let mut connection = self.readers.acquire().await.doing("look a claim up")?;
        claim_record(&mut connection, claim).await
    }

    /// Keeps one look and what it comes to, all in one transaction.
    pub(crate) async fn keep_audit(
        &self,
        policy: &AuditPolicy,
        line: &AuditLine,
        look: &Look<'_>,
        fall: impl FnOnce(&ClaimRecord, &ClaimRecord) -> Fall,
    ) -> Result<Verdict, StoreError> {
        let mut connection = self.writer(Durability::Lasting).await?;
        let mut transaction = begin(&mut connection).await?;
        let known = claim_record(&mut transaction, line.claim).await?;
        let (next, verdict) = known.after(policy, &line.claim.artifact, look, line.at);
        insert_audit(&mut transaction, policy, line, look, verdict).await?;
        write_record(&mut transaction, line, &next).await?;
        if verdict == Verdict::NotWhatItClaims {
            let fall = fall(&known, &next);
            let old = final_until(&mut transaction, line.claim.node, policy.final_after(), line.at).await?;
            let fall = Fall { since: fall.since.max(old), ..fall };
            take_back(&mut transaction, line, &fall).await?;
            insert_report(&mut transaction, line.claim.node, line.claim.artifact, &fall.report).await?;
        }
        transaction.commit().await.doing("keep an audit")?;
        Ok(verdict)
    }
}

/// Whether a claim is not believed at this time.
pub(super) async fn is_barred(connection: &mut SqliteConnection, claim: Claim, at: Millis) -> Result<bool, StoreError> {
    sqlx::query_scalar("SELECT EXISTS (SELECT * FROM claims WHERE node = ? AND artifact = ? AND barred_until > ?)")
        .bind(claim.node.to_string())
        .bind(claim.artifact.to_string())
        .bind(at.0)
        .fetch_one(connection)
        .await
        .doing("look a claim up")
}

async fn claim_record(connection: &mut SqliteConnection, claim: Claim) -> Result<ClaimRecord, StoreError> {
    let record: Option<String> = sqlx::query_scalar("SELECT record FROM claims WHERE node = ? AND artifact = ?")
        .bind(claim.node.to_string())
        .bind(claim.artifact.to_string())
        .fetch_optional(connection)
        .await
        .doing("look a claim up")?;
    let Some(record) = record else { return Ok(ClaimRecord::default()) };
    serde_json::from_str(&record).map_err(|_| StoreError::Damaged { what: "claim record" })
}

async fn write_record(
    connection: &mut SqliteConnection,
    line: &AuditLine,
    record: &ClaimRecord,
) -> Result<(), StoreError> {
    let text = serde_json::to_string(record).map_err(|_| StoreError::Damaged { what: "claim record" })?;
    sqlx::query(
        "INSERT INTO claims (node, artifact, record, barred_until, proven_until, updated_at) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (node, artifact) DO UPDATE SET record = excluded.record, barred_until = excluded.barred_until,
             proven_until = excluded.proven_until, updated_at = excluded.updated_at",
    )
    .bind(line.claim.node.to_string())
    .bind(line.claim.artifact.to_string())
    .bind(text)
    .bind(record.barred_until().map(|until| until.0))
    .bind(record.unproven_since().0)
    .bind(line.at.0)
    .execute(connection)
    .await
    .doing("keep an audit")?;
    Ok(())
}

async fn insert_audit(
    connection: &mut SqliteConnection,
    policy: &AuditPolicy,
    line: &AuditLine,
    look: &Look<'_>,
    verdict: Verdict,
) -> Result<(), StoreError> {
    let scale = policy.calibration(&line.claim.artifact, look.device, look.class).figures().scale;
    let scores = || look.margins.iter().map(|margin| scale.score(f64::from(*margin)));
    let count = |number: usize| column(u64::try_from(number).unwrap_or(u64::MAX));
    sqlx::query(
        "INSERT INTO audits (id, node, artifact, task, validator, engine, device, tokens, mismatches, score, verdict, looked_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(line.id.to_string())
    .bind(line.claim.node.to_string())
    .bind(line.claim.artifact.to_string())
    .bind(line.task.to_string())
    .bind(line.validator.number())
    .bind(look.engine)
    .bind(look.device.as_str())
    .bind(count(look.margins.len()))
    .bind(count(scores().filter(|score| *score > 0.0).count()))
    .bind(scores().sum::<f64>())
    .bind(verdict_text(verdict))
    .bind(line.at.0)
    .execute(connection)
    .await
    .doing("keep an audit")?;
    Ok(())
}

const fn verdict_text(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Consistent => "consistent",
        Verdict::NotWhatItClaims => "not_what_it_claims",
        Verdict::AskMore => "ask_more",
    }
}

/// Takes back what was paid for the claim: users get theirs back, network incentives theirs, and the node is told by
/// settlements like any others, numbered behind its last one. Once: what was taken back is not paid any more.
async fn take_back(connection: &mut SqliteConnection, line: &AuditLine, fall: &Fall) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO settlements (node, sequence, task, attempt, kind, model, precision, artifact, mode, prompt_tokens,
             completion_tokens, first_token_ms, total_ms, billions, units, void_reason, void_code, reverses, settled_at)
         SELECT node, (SELECT MAX(sequence) FROM settlements WHERE node = ?1) + ROW_NUMBER() OVER (ORDER BY sequence),
             task, attempt, kind, model, precision, artifact, mode, prompt_tokens, completion_tokens, first_token_ms,
             total_ms, billions, units, ?4, ?6, sequence, ?5
         FROM settlements AS paid
         WHERE node = ?1 AND artifact = ?2 AND settled_at > ?3 AND void_reason IS NULL AND (billions > 0 OR units > 0)
             AND NOT EXISTS (SELECT * FROM settlements WHERE node = ?1 AND reverses = paid.sequence)",
    )
    .bind(line.claim.node.to_string())
    .bind(line.claim.artifact.to_string())
    .bind(fall.since.0)
    .bind(fall.reason.to_string())
    .bind(line.at.0)
    .bind(code_text(&fall.reason))
    .execute(&mut *connection)
    .await
    .doing("take a pay back")?;
    for statement in [REVERSAL, REFUND] {
        let done = sqlx::query(statement).bind(line.claim.node.to_string()).bind(line.at.0);
        done.execute(&mut *connection).await.doing("take a pay back")?;
    }
    Ok(())
}

/// From the node back to where its pay came from.
const REVERSAL: &str = "INSERT INTO transfers (key, kind, debit, credit, billions, units, task, created_at)
    SELECT 'reversal:' || task || ':' || attempt, 'reversal', 'pending:' || node,
        CASE kind WHEN 'user' THEN 'network' ELSE 'incentives' END, billions, units, task, settled_at
    FROM settlements WHERE node = ?1 AND reverses IS NOT NULL AND settled_at = ?2 ORDER BY sequence
    ON CONFLICT (key) DO NOTHING";

/// And from there to who had paid: the account that the task's hold was taken from, its owner's if that is a session which is
/// over, or the mint.
const REFUND: &str = "INSERT INTO transfers (key, kind, debit, credit, billions, units, task, created_at)
    SELECT 'refund:' || task || ':' || attempt, 'refund',
        CASE kind WHEN 'user' THEN 'network' ELSE 'incentives' END,
        CASE kind WHEN 'user' THEN (
            SELECT CASE WHEN deactivated_at IS NULL THEN hold.debit ELSE 'deposit:' || owner END
            FROM transfers AS hold LEFT JOIN sessions ON hold.debit = 'session:' || sessions.id
            WHERE hold.key = 'hold:' || paid.task
        ) ELSE 'mint' END,
        billions, units, task, settled_at
    FROM settlements AS paid WHERE node = ?1 AND reverses IS NOT NULL AND settled_at = ?2 ORDER BY sequence
    ON CONFLICT (key) DO NOTHING";
