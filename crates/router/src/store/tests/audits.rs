//! What a fall takes back, and what it stops.

use cortensor_fidelity::Verdict;
use cortensor_protocol::{AuditId, TierReport};

use super::*;
use crate::{
    policy::AuditPolicy,
    rules::audit::{Claim, Look},
};

const CLAIM: Claim = Claim { node: NODE, artifact: ArtifactDigest::new([4; 32]) };

fn report(at: Millis) -> TierReport {
    TierReport { tier: None, evidence: Vec::new(), tested_at: at, next_step: String::new() }
}

/// A validator finds that one answer to this task cannot come of what was claimed.
async fn fall(store: &Store, task: TaskId) {
    store.add_validator("vk-a", "a", AT).await.unwrap();
    let validator = store.find_validator("vk-a").await.unwrap().unwrap();
    let line = AuditLine { id: AuditId(Uuid::from_u128(1)), claim: CLAIM, task, validator, at: AT };
    let look = Look { engine: "e 1", margins: &[5.0; 40], for_user: true, settled_at: AT };
    let fall = |_: &_, _: &_| Fall { since: Millis(0), reason: "why".to_owned(), report: report(AT) };
    let verdict = store.keep_audit(&AuditPolicy::default(), &line, &look, fall).await.unwrap();
    assert_eq!(verdict, Verdict::NotWhatItClaims);
}

#[tokio::test]
async fn a_claim_that_fell_keeps_no_pay_is_paid_for_nothing_under_way_and_passes_no_test() {
    let (_folder, store) = store().await;
    let key = store.add_key("sk-a", "a", credits(100), AT).await.unwrap();
    open(&store, 1, key, 10).await;
    open(&store, 2, key, 10).await;
    store.settle(&line(task(1), 1), &Pay::User(credits(2))).await.unwrap();
    fall(&store, task(1)).await;
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
    fall(&store, task(3)).await;
    assert_eq!(store.balance(Account::Pending(NODE)).await.unwrap(), credits(2));
    assert_eq!(store.balance(Account::Deposit(key)).await.unwrap(), credits(96));
    store.verify_ledger().await.unwrap().unwrap();
}
