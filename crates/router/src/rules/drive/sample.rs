//! Answers that validators may look at.

use rand::Rng as _;

use super::{Drive, Purse, attempt::Attempt};
use crate::{rules::audit::Sample, store::Line};

impl Drive {
    /// A greedy answer can be looked at by a validator. Of a claim that is trusted, few are, but
    /// for sessions that want all of them looked at.
    pub(super) async fn offer_for_audit(&self, attempt: &Attempt, line: &Line) {
        let sampling = &self.job.sampling;
        let plain = sampling.is_greedy() && sampling.presence_penalty == 0.0 && sampling.frequency_penalty == 0.0;
        if !plain || attempt.tokens.is_empty() || !self.context.audits.is_open() {
            return;
        }
        let record = match self.context.store.claim_record(attempt.claim()).await {
            Ok(record) => record,
            Err(error) => return tracing::warn!(%error, "an answer is not offered to validators"),
        };
        let barred = record.barred_until().is_some_and(|until| line.at < until);
        let share = if self.job.validated { 1.0 } else { record.share(&self.context.policy.audit).clamp(0.0, 1.0) };
        if barred || !rand::rng().random_bool(share) {
            return;
        }
        let before = self.delivered.len().saturating_sub(attempt.tokens.len());
        self.context.audits.add(Sample {
            claim: attempt.claim(),
            task: line.task,
            // What the node could not tell from a user's counts as such.
            for_user: !matches!(self.job.purse, Purse::Incentives { .. }),
            model: line.model.clone(),
            precision: line.precision,
            device: attempt.lease.offer.device,
            prompt: self.job.prompt.clone(),
            before: self.delivered.iter().take(before).copied().collect(),
            tokens: attempt.tokens.clone(),
            settled_at: line.at,
        });
    }
}
