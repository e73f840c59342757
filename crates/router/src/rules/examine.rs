//! Tests nodes: one round of Proof of Useful Work when an artifact is offered for the first time, after a failed test,
//! when the last one is too old, and by surprise. Results are kept, so that a node that comes back need not be tested
//! before it serves.

mod sitting;
mod surprise;

use std::{collections::HashMap, sync::Arc, time::Duration};

use cortensor_protocol::{ArtifactDigest, Evidence, Millis, NodeAddress, Offer, RouterMessage, TierReport};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::sleep,
};

use self::{sitting::Sitting, surprise::surprise_at};
use super::{
    audit::Claim,
    conduct,
    grade::{grade, verdict},
    pool::{Membership, Test},
};
use crate::{
    clock::wall_time,
    context::Context,
    policy::Policy,
    store::{StoreError, StoredReport},
};

/// Tests one connected node.
pub(crate) struct Examiner<'a> {
    pub(crate) context: &'a Arc<Context>,
    pub(crate) node: NodeAddress,
    pub(crate) member: &'a Membership,
    pub(crate) outgoing: mpsc::Sender<RouterMessage>,
    pub(crate) judged: Arc<Notify>,
    pub(crate) offers: watch::Receiver<Vec<Offer>>,
}

/// What is to be done about an artifact.
#[derive(Clone, Debug, PartialEq)]
enum Due {
    /// A test.
    Now,
    /// Nothing until then; this is what holds.
    At(Millis, Test),
}

/// What a node was told of an artifact, and what it was not told.
struct Told {
    report: TierReport,
    /// When it is tested although that result still holds.
    surprise_at: Option<Millis>,
}

fn due(policy: &Policy, known: Option<StoredReport>, barred_until: Option<Millis>, at: Millis) -> Due {
    let Some(StoredReport { passed, report, failures }) = known else { return Due::Now };
    let wait = if passed { Duration::from_secs(policy.test_valid_seconds) } else { policy.retest(failures) };
    let until = report.tested_at + wait;
    let until = barred_until.map_or(until, |barred| if passed { until } else { until.max(barred) });
    if until <= at { Due::Now } else { Due::At(until, standing(report)) }
}

fn standing(report: TierReport) -> Test {
    if report.tier.is_some() { Test::Passed(report) } else { Test::Failed(report) }
}

/// What validators have found since the test goes with the test's own evidence.
fn add_evidence(report: &mut TierReport, found: Option<Evidence>) {
    let Some(found) = found else { return };
    report.evidence.retain(|evidence| evidence.what != found.what);
    report.evidence.push(found);
}

impl Examiner<'_> {
    /// Tests what is offered, whenever that is due, until the router stops.
    pub(crate) async fn run(mut self) -> Result<(), StoreError> {
        let mut told = HashMap::new();
        loop {
            let offers = self.offers.borrow_and_update().clone();
            let mut next = None;
            for offer in &offers {
                let until = self.see_to(offer, &mut told).await?;
                next = next.into_iter().chain(until).min();
            }
            let closing = self.context.stopping.closing.clone();
            let until_next = async {
                match next {
                    Some(next) => sleep(next.since(wall_time())).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = self.offers.changed() => {
                    if changed.is_err() { return Ok(()) }
                    told.clear();
                }
                () = until_next => {}
                () = self.judged.notified() => {}
                () = closing.cancelled() => return Ok(()),
            }
        }
    }

    /// Tests an artifact if it is time, and tells the node what holds. Returns when it is time again.
    async fn see_to(
        &self,
        offer: &Offer,
        told: &mut HashMap<ArtifactDigest, Told>,
    ) -> Result<Option<Millis>, StoreError> {
        let known = self.context.store.report(self.node, offer.artifact).await?;
        let record = self.context.store.claim_record(Claim { node: self.node, artifact: offer.artifact }).await?;
        let surprise = told.get(&offer.artifact).is_some_and(|told| self.is_surprise_due(told));
        let failures = known.as_ref().map_or(0, |known| known.failures);
        let known = match due(&self.context.policy, known, record.barred_until(), wall_time()) {
            Due::Now => self.test(offer, failures, false).await?,
            Due::At(_, Test::Passed(_)) if surprise => self.test(offer, failures, true).await?,
            due @ Due::At(..) => Some(due),
        };
        let Some(Due::At(until, mut test)) = known else { return Ok(Some(self.next_chance())) };
        let (Test::Passed(report) | Test::Failed(report)) = &mut test else { return Ok(None) };
        add_evidence(report, record.evidence(&self.context.policy.audit, wall_time()));
        add_evidence(report, self.open_questions(offer.artifact).await?);
        let report = report.clone();
        self.tell(offer.artifact, &test, report, told).await;
        let surprise = told.get(&offer.artifact).and_then(|told| told.surprise_at);
        Ok(surprise.map(|at| self.or_next_chance(at)).into_iter().chain([until]).min())
    }

    /// What its answers to open questions were worth, if any were judged.
    async fn open_questions(&self, artifact: ArtifactDigest) -> Result<Option<Evidence>, StoreError> {
        let policy = &self.context.policy.judgement;
        let claim = Claim { node: self.node, artifact };
        Ok(self.context.store.rubric_standing(claim, policy.looks_back).await?.evidence(policy))
    }

    /// Tells the node what holds, unless it was told so before.
    async fn tell(
        &self,
        artifact: ArtifactDigest,
        test: &Test,
        report: TierReport,
        told: &mut HashMap<ArtifactDigest, Told>,
    ) {
        let before = told.get(&artifact);
        if before.is_some_and(|told| told.report == report) {
            return;
        }
        // An audit adds to what is told of a test; the surprise after that test stays when it was.
        let same_test = before.filter(|told| told.report.tested_at == report.tested_at);
        let surprise_at = same_test.map_or_else(|| self.surprise_at(test), |told| told.surprise_at);
        told.insert(artifact, Told { report: report.clone(), surprise_at });
        self.member.tested(artifact, test);
        // A node that does not listen any more ends elsewhere.
        let _ = self.outgoing.send(RouterMessage::Tier(report)).await;
    }

    /// A surprise that is overdue waits for a node that is busy.
    fn or_next_chance(&self, at: Millis) -> Millis {
        if at > wall_time() { at } else { self.next_chance() }
    }

    fn surprise_at(&self, test: &Test) -> Option<Millis> {
        let Test::Passed(report) = test else { return None };
        surprise_at(&self.context.policy, report.tested_at, wall_time(), rand::random())
    }

    /// Only an idle node is surprised: users come first.
    fn is_surprise_due(&self, told: &Told) -> bool {
        told.surprise_at.is_some_and(|at| at <= wall_time()) && self.context.pool.is_idle(self.node)
    }

    /// When to try again what came to no result. If that was because the offers changed, they say so earlier.
    fn next_chance(&self) -> Millis {
        wall_time() + Duration::from_secs(self.context.policy.retest_seconds)
    }

    /// `None`: the claim was found false meanwhile, the node does not offer it any more, users came first, the router stops, or its database fails.
    async fn test(&self, offer: &Offer, failures: u32, surprise: bool) -> Result<Option<Due>, StoreError> {
        let sitting = Sitting { examiner: self, offer, seed: rand::random(), surprise };
        let Some(seen) = sitting.run().await else { return Ok(None) };
        let policy = &self.context.policy;
        let again = policy.retest(failures.saturating_add(1));
        let report = grade(policy, offer.precision, offer.parameters, &seen, again, wall_time());
        tracing::info!(node = %self.node, model = %offer.model, precision = %offer.precision, ?seen, "tested");
        if !self.context.store.add_report(self.node, offer.artifact, &report).await? {
            return Ok(None);
        }
        self.context.metrics.tested(report.tier.is_some());
        conduct::record(self.context, self.node, verdict(policy, &seen, report.tested_at)).await;
        let passed = report.tier.is_some();
        let failures = if passed { 0 } else { failures.saturating_add(1) };
        Ok(Some(due(policy, Some(StoredReport { passed, report, failures }), None, wall_time())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_due_without_a_result_after_its_time_and_after_a_cool_down_or_a_bar() {
        let policy =
            Policy { test_valid_seconds: 100, retest_seconds: 10, longest_retest_seconds: 1_000, ..Policy::default() };
        let after = |passed: bool, failures: u32| {
            let tier = passed.then_some(cortensor_protocol::Tier {
                capability: cortensor_protocol::Capability::LowEnd,
                precision: cortensor_protocol::PrecisionClass::Full,
            });
            let report = TierReport {
                tier,
                evidence: Vec::new(),
                tested_at: Millis(1_000),
                next_step: String::new(),
                step: None,
            };
            Some(StoredReport { passed, report, failures })
        };
        let (tested, failed) = (|passed| after(passed, u32::from(!passed)), |failures| after(false, failures));
        for (known, barred_until, at, expected) in [
            (None, None, 0, None),
            (tested(true), None, 100_999, Some(101_000)),
            (tested(true), None, 101_000, None),
            (tested(false), None, 10_999, Some(11_000)),
            (tested(false), None, 11_000, None),
            (failed(3), None, 40_999, Some(41_000)),
            (failed(30), None, 900_000, Some(1_001_000)),
            (tested(false), Some(50_000), 11_000, Some(50_000)),
            (tested(false), Some(50_000), 50_000, None),
            (tested(false), Some(2_000), 10_999, Some(11_000)),
            // Passed after the bar was over.
            (tested(true), Some(500), 2_000, Some(101_000)),
        ] {
            let until = match due(&policy, known, barred_until.map(Millis), Millis(at)) {
                Due::Now => None,
                Due::At(until, _) => Some(until.0),
            };
            assert_eq!(until, expected);
        }
    }
}
