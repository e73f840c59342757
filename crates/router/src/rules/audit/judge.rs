//! What a validator's report comes to.

use cortensor_fidelity::Verdict;
use cortensor_protocol::{
    AuditFinding, AuditId, AuditReport, EventKind, LevelSighting, Millis, TierReport, TierStep, UnpaidReason,
};

use super::{Claim, ClaimRecord, Look, Sample};
use crate::{
    clock::wall_time,
    context::Context,
    policy::Policy,
    rules::{
        conduct,
        level::{Failure, LevelEvent},
    },
    store::{AuditLine, Fall, StoreError, ValidatorId},
};

/// Most characters of an engine's name.
const LONGEST_ENGINE: usize = 64;

/// Why a report was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditRefused {
    /// It was not asked for.
    #[error("this answer is not being looked at; it may have taken too long: claim another one")]
    Unknown,
    /// As many margins as tokens, none negative.
    #[error("the report must have {tokens} margins, one for each token, none negative; update the validator")]
    Margins {
        /// As many as were asked for.
        tokens: usize,
    },
    /// It was not kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes a report in. If it shows that the claim is false, what was paid for it since it was last proven is taken back,
/// and the node is not given tasks for it for a while.
pub(crate) async fn judge(
    context: &Context,
    validator: ValidatorId,
    id: AuditId,
    report: &AuditReport,
) -> Result<(), AuditRefused> {
    let tokens = context.audits.asked_of(id).ok_or(AuditRefused::Unknown)?;
    let AuditFinding::Margins { margins } = &report.finding else {
        context.audits.take(id);
        tracing::info!(audit = %id, finding = ?report.finding, "an answer could not be looked at");
        return Ok(());
    };
    if margins.len() != tokens || !margins.iter().all(|margin| *margin >= 0.0) {
        return Err(AuditRefused::Margins { tokens });
    }
    let sample = context.audits.take(id).ok_or(AuditRefused::Unknown)?;
    let engine: String = report.engine.chars().take(LONGEST_ENGINE).collect();
    let Sample { device, for_user, settled_at, .. } = sample;
    let class = sample.precision.class();
    let look = Look { engine: &engine, device, class, margins, for_user, settled_at };
    let line = AuditLine { id, claim: sample.claim, task: sample.task, validator, at: wall_time() };
    Ok(keep(context, &line, &sample, &look).await?)
}

async fn keep(context: &Context, line: &AuditLine, sample: &Sample, look: &Look<'_>) -> Result<(), StoreError> {
    let policy = &context.policy;
    let fall = |known: &ClaimRecord, next: &ClaimRecord| fall(policy, sample, look.engine, (known, next), line.at);
    let verdict = context.store.keep_audit(&policy.audit, line, look, fall).await?;
    let Claim { node, artifact } = sample.claim;
    tracing::debug!(%node, %artifact, ?verdict, "an answer was looked at");
    if verdict == Verdict::NotWhatItClaims {
        tracing::warn!(%node, %artifact, precision = %sample.precision, "a node does not run what it claims");
        context.audits.forget(sample.claim);
        context.pool.distrust(sample.claim);
        conduct::record(context, node, failed_audit(sample, look.engine, line.at)).await;
        context.pool.settled(node);
    }
    context.pool.judged(node);
    Ok(())
}

/// What the fall means for the node's level.
fn failed_audit(sample: &Sample, engine: &str, at: Millis) -> LevelEvent {
    let sighting = LevelSighting::AuditFailed { precision: sample.precision, engine: engine.to_owned() };
    LevelEvent::new(EventKind::Correctness, Some(Failure::FailedAudit), at, sighting)
}

/// What follows from a claim that was found false.
fn fall(
    policy: &Policy,
    sample: &Sample,
    engine: &str,
    (known, next): (&ClaimRecord, &ClaimRecord),
    at: Millis,
) -> Fall {
    let reason = UnpaidReason::AuditFailed { precision: sample.precision, engine: engine.to_owned() };
    let again_seconds = next.barred_until().map(|until| until.since(at).as_secs()).unwrap_or_default();
    let evidence = next.evidence(&policy.audit, at).into_iter().collect();
    Fall {
        since: known.unproven_since(),
        reason,
        report: TierReport::new(None, evidence, at, TierStep::ServeAsNamed { again_seconds }),
    }
}
