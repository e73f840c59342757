//! Precision audits: whether a node runs what it claims, judged by what it answered.
//!
//! A greedy answer can be looked at by anyone who has the same artifact. Validators ask for such answers; what they find
//! adds up, claim by claim, to a verdict ([`cortensor_fidelity::Audit`]). Every answer of a claim that is not trusted yet
//! is looked at, then fewer and fewer, and never none.

mod desk;
mod judge;

use std::collections::BTreeMap;

use cortensor_fidelity::{Audit, Evidence as Seen, Verdict};
use cortensor_protocol::{ArtifactDigest, DeviceKind, Evidence, Millis, NodeAddress, PrecisionClass, TierEvidence};
use serde::{Deserialize, Serialize};

pub(crate) use self::{
    desk::{AuditDesk, Sample},
    judge::{AuditRefused, judge},
};
use crate::policy::AuditPolicy;

/// A node's claim to run an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Claim {
    pub(crate) node: NodeAddress,
    pub(crate) artifact: ArtifactDigest,
}

/// What audits of a claim have come to: all that the next one needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ClaimRecord {
    /// The validators' engine. Evidence of another one begins anew: margins of two are not compared.
    engine: String,
    /// Since the last verdict, for each kind of device apart: a node that says another one each time gains nothing by it.
    seen_on: BTreeMap<DeviceKind, Seen>,
    /// Tokens looked at since the claim was last found false, and those that the reference would not have chosen.
    tokens: u64,
    mismatches: u64,
    /// Users' answers looked at since then. Tests do not count: a node can tell that they are tests.
    clean: u32,
    /// When the newest answer was settled that was found consistent.
    consistent_at: Option<Millis>,
    /// How often the claim was found false.
    failures: u32,
    failed_at: Option<Millis>,
    barred_until: Option<Millis>,
}

/// One answer as a validator saw it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Look<'a> {
    pub(crate) engine: &'a str,
    /// What the node says it computes on.
    pub(crate) device: DeviceKind,
    /// Of what it claims.
    pub(crate) class: PrecisionClass,
    pub(crate) margins: &'a [f32],
    /// Not a test.
    pub(crate) for_user: bool,
    /// When the answer was settled.
    pub(crate) settled_at: Millis,
}

impl ClaimRecord {
    /// Until when the claim is not believed after it was found false.
    pub(crate) fn barred_until(&self) -> Option<Millis> {
        self.barred_until
    }

    /// From when on what was paid for the claim is not known to be earned.
    pub(crate) fn unproven_since(&self) -> Millis {
        self.consistent_at.max(self.failed_at).unwrap_or_default()
    }

    /// Whether most of its answers need not be looked at.
    fn is_trusted(&self, policy: &AuditPolicy) -> bool {
        self.clean >= policy.trusted_after && self.consistent_at > self.failed_at
    }

    /// The share of its answers to look at, 0 to 1.
    pub(crate) fn share(&self, policy: &AuditPolicy) -> f64 {
        if self.is_trusted(policy) { (1.0 / f64::from(self.clean.max(1))).max(policy.least_share) } else { 1.0 }
    }

    /// The record after one more look, and what that came to.
    pub(crate) fn after(
        &self,
        policy: &AuditPolicy,
        artifact: &ArtifactDigest,
        look: &Look<'_>,
        at: Millis,
    ) -> (Self, Verdict) {
        let mut next = self.clone();
        // One lie is one fall, however many answers of it were still waiting.
        if self.failed_at.is_some_and(|failed| look.settled_at <= failed) {
            return (next, Verdict::AskMore);
        }
        if next.engine != look.engine {
            (next.engine, next.seen_on) = (look.engine.to_owned(), BTreeMap::new());
        }
        let before = next.seen_on.get(&look.device).copied().unwrap_or_default();
        let mut audit = Audit::resume(policy.calibration(artifact, look.device, look.class), before);
        look.margins.iter().for_each(|margin| audit.observe(f64::from(*margin)));
        let seen = *audit.evidence();
        next.seen_on.insert(look.device, seen);
        next.tokens += seen.tokens - before.tokens;
        next.mismatches += seen.mismatches - before.mismatches;
        next.clean = next.clean.saturating_add(u32::from(look.for_user));
        let verdict = audit.verdict();
        match verdict {
            Verdict::NotWhatItClaims => next.fail(policy, at),
            Verdict::Consistent => next.hold(look.device, look.settled_at),
            Verdict::AskMore => {}
        }
        (next, verdict)
    }

    /// The claim holds so far. The next verdict is on what comes now, so that a node that changes its mind is found out.
    fn hold(&mut self, device: DeviceKind, settled_at: Millis) {
        self.consistent_at = self.consistent_at.max(Some(settled_at));
        self.seen_on.remove(&device);
    }

    fn fail(&mut self, policy: &AuditPolicy, at: Millis) {
        let bar = policy.bar(self.failures);
        *self = Self {
            engine: std::mem::take(&mut self.engine),
            failures: self.failures.saturating_add(1),
            failed_at: Some(at),
            barred_until: Some(at + bar),
            ..Self::default()
        };
    }

    /// What the miner is told of it; nothing before the first look.
    pub(crate) fn evidence(&self, policy: &AuditPolicy, at: Millis) -> Option<Evidence> {
        let barred = self.barred_until.is_some_and(|until| at < until);
        if self.tokens == 0 && !barred {
            return None;
        }
        let (differing, tokens, needed) = (self.mismatches, self.tokens, policy.trusted_after);
        let found = match (barred, self.consistent_at > self.failed_at) {
            (true, _) => TierEvidence::AuditFailed { needed },
            (false, true) => TierEvidence::AuditConsistent { differing, tokens, needed },
            (false, false) => TierEvidence::AuditOpen { differing, tokens, needed },
        };
        Some(Evidence::new(found, !barred))
    }
}

#[cfg(test)]
mod tests;
