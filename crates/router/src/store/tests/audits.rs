//! What a fall takes back, and what it stops.

use cortensor_fidelity::Verdict;
use cortensor_protocol::{AuditId, DeviceKind, PrecisionClass, TierReport};

use super::*;
use crate::rules::audit::{Claim, ClaimRecord, Look};

pub(super) const CLAIM: Claim = Claim { node: NODE, artifact: ArtifactDigest::new([4; 32]) };

fn report(at: Millis) -> TierReport {
    TierReport { tier: None, evidence: Vec::new(), tested_at: at, next_step: String::new(), step: None }
}

/// A validator looks at an answer that was settled now, token by token this far from what the claimed file would say.
pub(super) async fn look(
    store: &Store,
    policy: &AuditPolicy,
    (audit, task): (u128, TaskId),
    margin: f32,
    at: Millis,
) -> Verdict {
    store.add_validator("vk-a", "a", AT).await.unwrap();
    let validator = store.find_validator("vk-a").await.unwrap().unwrap();
    let line = AuditLine { id: AuditId(Uuid::from_u128(audit)), claim: CLAIM, task, validator, at };
    let margins = vec![margin; 2_000];
    let look = Look {
        engine: "e 1",
        device: DeviceKind::Processor,
        class: PrecisionClass::Full,
        margins: &margins,
        for_user: true,
        settled_at: at,
    };
    let fall = |known: &ClaimRecord, _: &ClaimRecord| Fall {
        since: known.unproven_since(),
        reason: UnpaidReason::AuditFailed { precision: Precision::Q4K, engine: "e 1".to_owned() },
        report: report(at),
    };
    store.keep_audit(policy, &line, &look, fall).await.unwrap()
}

/// A validator finds that one answer cannot come of what was claimed; not twice by the same audit, and of no task that is not
/// there.
pub(super) async fn fall(store: &Store, policy: &AuditPolicy, audit: u128, at: Millis) {
    let first: Option<String> =
        sqlx::query_scalar("SELECT id FROM tasks LIMIT 1").fetch_optional(&store.readers).await.unwrap();
    let before: bool = sqlx::query_scalar("SELECT EXISTS (SELECT * FROM audits WHERE id = ?)")
        .bind(AuditId(Uuid::from_u128(audit)).to_string())
        .fetch_one(&store.readers)
        .await
        .unwrap();
    let (Some(first), false) = (first, before) else { return };
    assert_eq!(look(store, policy, (audit, first.parse().unwrap()), 5.0, at).await, Verdict::NotWhatItClaims);
}

#[tokio::test]
async fn a_claim_that_fell_keeps_no_pay_is_paid_for_nothing_under_way_and_passes_no_test() {
    let (_folder, store) = store().await;
    let key = store.add_key("sk-a", "a", credits(100), AT).await.unwrap();
    open(&store, 1, key, 10).await;
    open(&store, 2, key, 10).await;
    store.settle(&line(task(1), 1), &Pay::User(credits(2))).await.unwrap();
    fall(&store, &AuditPolicy::default(), 1, AT).await;
    store.settle(&line(task(2), 1), &Pay::User(credits(3))).await.unwrap();
    for (account, expected) in
        [(Account::Deposit(key), 100), (Account::Hold(task(2)), 0), (Account::Network, 0), (Account::Pending(NODE), 0)]
    {
        assert_eq!(store.balance(account).await.unwrap(), credits(expected), "{account}");
    }
    store.verify_ledger().await.unwrap().unwrap();
    let told = store.settlements_after(NODE, 0, 9).await.unwrap();
    assert_eq!(told.iter().map(|line| line.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(!store.add_report(NODE, CLAIM.artifact, &report(AT)).await.unwrap());
    let bar = store.claim_record(CLAIM).await.unwrap().barred_until().unwrap();
    assert!(store.add_report(NODE, CLAIM.artifact, &report(bar)).await.unwrap());
}

#[tokio::test]
async fn what_another_file_or_node_was_paid_stays() {
    let (_folder, store) = store().await;
    let key = store.add_key("sk-a", "a", credits(100), AT).await.unwrap();
    let other_file = Line { artifact: ArtifactDigest::new([5; 32]), ..line(task(1), 1) };
    let other_node = Line { node: NodeAddress::repeat_byte(8), ..line(task(2), 1) };
    for (number, line) in [(1, other_file), (2, other_node), (3, line(task(3), 1))] {
        open(&store, number, key, 10).await;
        store.settle(&line, &Pay::User(credits(2))).await.unwrap();
    }
    fall(&store, &AuditPolicy::default(), 1, AT).await;
    assert_eq!(store.balance(Account::Pending(NODE)).await.unwrap(), credits(2));
    assert_eq!(store.balance(Account::Deposit(key)).await.unwrap(), credits(96));
    store.verify_ledger().await.unwrap().unwrap();
}
