//! Levels: what nodes do moves them, they are told, and they are tested when they do not expect it.

use std::time::Duration;

use cortensor_protocol::{
    Counter, EventKind, FailureReason, Heartbeat, Hello, NodeMessage, Precision, RouterMessage, SettlementStatus,
    Standing, TaskKind, registration_text,
};
use cortensor_router::Policy;
use serde_json::json;
use tokio::time::timeout;

use crate::support::{Behaviour, FakeNode, Fault, Practice, fake, hello, offer, open, read, say, sign, signer, soon};

/// Tests follow each other at once, and levels come with each.
fn quick() -> Policy {
    let levels: Vec<_> = (0..10).map(|_| "{ consecutive = 1, percentage = 50 }").collect();
    let text = format!(
        "surprise_test_mean_seconds = 1\nsurprise_test_cool_down_seconds = 0\n[level]\nrequirements = [{}]",
        levels.join(", ")
    );
    Policy::from_toml(&text).unwrap()
}

fn last_failure(standing: &Standing) -> Option<(EventKind, &str)> {
    standing.last_tests.iter().find(|test| !test.passed).map(|test| (test.kind, test.seen.as_str()))
}

async fn level(practice: &Practice, node: &FakeNode) -> serde_json::Value {
    practice.client.get("/api/v1/miners").await.1["nodes"][node.address.to_string()]["level"].clone()
}

/// The first test is over, and everything of it is in the record.
fn is_tested(standing: &Standing) -> bool {
    let Standing { streak, counters, .. } = standing;
    let all = Counter { points: 10, counter: 10 };
    *streak == 1 && [counters.prepare, counters.precommit, counters.commit] == [all; 3]
}

async fn tested(practice: &Practice, behaviour: Behaviour) -> (FakeNode, Standing) {
    let mut node = fake(practice.address(), 1, behaviour).await;
    let standing = node.standing("the test", is_tested).await;
    (node, standing)
}

/// Whether nothing is added to its record for so long.
async fn is_quiet(node: &mut FakeNode, milliseconds: u64) -> bool {
    timeout(Duration::from_millis(milliseconds), node.standing("more", |_| true)).await.is_err()
}

#[tokio::test]
async fn a_node_is_told_where_it_stands_when_it_joins_and_after_each_change() {
    let practice = Practice::start().await;
    let mut node = fake(practice.address(), 1, Behaviour::default()).await;
    let first = node.standing("the standing", |_| true).await;
    assert_eq!((first.level.number(), first.next_step.as_str()), (0, "Pass 3 tests in a row to reach level 1."));
    let tested = node.standing("the test", is_tested).await;
    assert_eq!(tested.last_tests.len(), 1, "{tested:?}");
    assert!(tested.last_tests[0].seen.ends_with("of 6 questions right, at least 2 asked for"), "{tested:?}");
    assert_eq!(tested.counters.correctness, Counter { points: 1, counter: 1 });
    assert_eq!(tested.next_step, "Pass 2 tests in a row to reach level 1.");
    node.kill().await;
    let mut again = fake(practice.address(), 1, Behaviour::default()).await;
    assert_eq!(again.standing("the standing", |_| true).await, tested);
    practice.settle().await;
}

#[tokio::test]
async fn an_idle_node_is_tested_again_by_surprise_and_rises_without_a_pause_in_its_mining() {
    let practice = Practice::with(quick()).await;
    let mut node = practice.node(1).await;
    let heard = |message| match message {
        RouterMessage::Testing { .. } => Some(None),
        RouterMessage::Standing(standing) => Some(Some(standing.level.number())),
        _ => None,
    };
    loop {
        match node.hear("level 3", heard).await {
            None => panic!("a surprise is not announced"),
            Some(3) => break,
            Some(_) => {}
        }
    }
    assert!(level(&practice, &node).await.as_u64() >= Some(3));
    practice.settle().await;
}

#[tokio::test]
async fn a_node_that_works_for_users_is_not_surprised() {
    let practice = Practice::with(quick()).await;
    let offer = offer("m", Precision::F16, 2);
    let behaviour = Behaviour { pause_after: Some(1), offer, ..Behaviour::default() };
    let mut node = fake(practice.address(), 1, behaviour).await;
    node.standing("a test", |standing| standing.streak > 0).await;
    let mut events = practice.client.stream(json!({})).await;
    events.text().await;
    // A test that had begun is finished in the other slot.
    while !is_quiet(&mut node, 500).await {}
    assert!(is_quiet(&mut node, 5_000).await);
    node.go_on.notify_one();
    soon("the rest", events.rest()).await;
    practice.settle().await;
}

#[tokio::test]
async fn what_a_node_does_with_users_tasks_counts_and_a_refusal_does_not() {
    let short = Policy { ack_seconds: 1, attempts: 1, ..Policy::default() };
    let engine = FailureReason::Engine { message: "it broke".to_owned() };
    let bad = FailureReason::BadPrompt { message: "no words".to_owned() };
    for (fault, expected) in [
        (Fault::None, None),
        (Fault::Silent, Some((EventKind::Prepare, "a user's request: not taken in time"))),
        (Fault::Fails(engine), Some((EventKind::Precommit, "a user's request: the engine failed: it broke"))),
        (
            Fault::WrongHash,
            Some((EventKind::Commit, "a user's request: the answer is not the one that the precommit binds")),
        ),
        (Fault::Fails(bad), None),
    ] {
        let practice = Practice::with(short.clone()).await;
        let (mut node, _) = tested(&practice, Behaviour { fault: fault.clone(), ..Behaviour::default() }).await;
        practice.client.answer(json!({})).await;
        let eleven = |standing: &Standing| standing.counters.prepare.counter == 11;
        let standing = node.standing("the request", eleven).await;
        assert_eq!(last_failure(&standing), expected, "{fault:?}");
        assert_eq!(standing.cool_down_until.is_some(), expected.is_some());
        practice.settle().await;
    }
}

#[tokio::test]
async fn a_refusal_costs_nothing() {
    let practice = Practice::start().await;
    let (node, before) = tested(&practice, Behaviour { fault: Fault::Refuses, ..Behaviour::default() }).await;
    let request = practice.client.ask(json!({}));
    assert!(timeout(Duration::from_millis(300), request).await.is_err());
    node.kill().await;
    let mut again = fake(practice.address(), 1, Behaviour::default()).await;
    assert_eq!(again.standing("the standing", |_| true).await, before);
    practice.settle().await;
}

#[tokio::test]
async fn a_wrong_answer_costs_levels_and_the_incentive_until_the_cool_down_is_over() {
    let practice = Practice::with(Policy { retest_seconds: 1, ..quick() }).await;
    let mut honest = fake(practice.address(), 1, Behaviour::default()).await;
    honest.standing("level 2", |standing| standing.level.number() == 2).await;
    honest.kill().await;
    let mut failing = fake(practice.address(), 1, Behaviour { fails_tests: true, ..Behaviour::default() }).await;
    let fallen = failing.standing("the fall", |standing| standing.level.number() == 0).await;
    assert!(fallen.cool_down_until.is_some() && fallen.next_step.contains("a wrong answer"), "{fallen:?}");
    failing.kill().await;
    let mut back = fake(practice.address(), 1, Behaviour::default()).await;
    let reason = |message| match message {
        RouterMessage::Settlement(settlement) if settlement.kind == TaskKind::NetworkTest => match settlement.status {
            SettlementStatus::Void { reason, .. } if reason.contains("cool-down") => Some(reason),
            _ => None,
        },
        _ => None,
    };
    back.hear("a test that is not paid", reason).await;
    practice.settle().await;
}

#[tokio::test]
async fn signs_of_life_are_counted_now_and_then_and_a_missing_one_too() {
    let policy = Policy { heartbeat_milliseconds: 300, counted_ping_seconds: 0, ..Policy::default() };
    let practice = Practice::with(policy).await;
    let mut node = fake(practice.address(), 1, Behaviour::default()).await;
    node.say(NodeMessage::Heartbeat(Heartbeat::default()));
    node.standing("a ping", |standing| standing.counters.ping == Counter { points: 1, counter: 1 }).await;
    let gone = |message| matches!(message, RouterMessage::Rejected(_)).then_some(());
    node.hear("the end", gone).await;
    let mut again = fake(practice.address(), 1, Behaviour::default()).await;
    let standing = again.standing("the standing", |_| true).await;
    assert_eq!(standing.counters.ping, Counter { points: 1, counter: 2 });
    assert_eq!(last_failure(&standing), None);
    practice.settle().await;
}

#[tokio::test]
async fn a_node_of_the_first_version_is_not_told_what_it_would_not_understand() {
    let practice = Practice::start().await;
    let (mut socket, challenge) = open(practice.address()).await;
    let newer = hello(&challenge, 1);
    let text = registration_text(&challenge.network, &challenge.nonce, 1, &newer.address);
    let signature = sign(&signer(1), &text);
    say(&mut socket, &NodeMessage::Hello(Hello { version: 1, signature, ..newer })).await;
    assert!(matches!(read(&mut socket).await, Some(RouterMessage::Welcome(_))));
    say(&mut socket, &NodeMessage::Offers { offers: vec![offer("m", Precision::F16, 1)] }).await;
    assert!(matches!(read(&mut socket).await, Some(RouterMessage::Testing { done: 0, .. })));
    assert!(matches!(read(&mut socket).await, Some(RouterMessage::Assign(_))));
    drop(socket);
    practice.settle().await;
}
