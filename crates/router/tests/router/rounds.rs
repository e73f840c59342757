//! Rounds of Proof of Inference.

use std::time::Duration;

use cortensor_protocol::{Assignment, RouterMessage, Settlement, SettlementStatus, Standing, TaskKind};
use cortensor_router::{Policy, RoundsPolicy};
use serde_json::json;

use crate::support::{Behaviour, FakeNode, Fault, Practice, soon};

/// Rounds about every second, as soon as there are nodes.
fn policy() -> Policy {
    let rounds = RoundsPolicy { mean_seconds: 1, cool_down_seconds: 0, ..RoundsPolicy::default() };
    Policy { rounds, ack_seconds: 1, ..Policy::default() }
}

fn saying(pieces: &[&'static str]) -> Behaviour {
    Behaviour { pieces: pieces.to_vec(), ..Behaviour::default() }
}

/// The next round of a node: what it was asked, and what came of it.
async fn round(node: &mut FakeNode) -> (Assignment, Settlement) {
    let assignment = node.assignment().await;
    let task = assignment.attempt.task;
    let settlement = node.hear("the round's settlement", |message| match message {
        RouterMessage::Settlement(settlement) if settlement.task == task => Some(settlement),
        _ => None,
    });
    let settlement = settlement.await;
    (assignment, settlement)
}

/// No user asked for anything yet.
async fn assert_rounds_are_counted_apart(practice: &Practice) {
    let operator = practice.operator().await;
    let counted = async {
        loop {
            let metrics = operator.get_text("/metrics").await;
            if served(&metrics, "round").is_some() {
                return metrics;
            }
        }
    };
    let metrics = soon("a round is counted", counted).await;
    // Two nodes were tested with ten tasks each, some of which may have been answered wrong.
    assert!(served(&metrics, "network_test").is_some_and(|tests| tests <= 20), "{metrics}");
    assert_eq!(served(&metrics, "user"), None, "{metrics}");
}

fn served(metrics: &str, kind: &str) -> Option<u32> {
    let name = format!("cortensor_tasks_ended_total{{kind=\"{kind}\",ending=\"served\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok())
}

#[tokio::test]
async fn who_takes_part_is_counted_as_asked_and_as_there() {
    let practice = Practice::with(policy()).await;
    let (mut node, _other) = (practice.node(1).await, practice.node(2).await);
    let asked = |standing: &Standing| standing.counters.request.counter > 0;
    let counters = node.standing("a round in the record", asked).await.counters;
    assert_eq!((counters.request.points, counters.create), (counters.request.counter, counters.request));
    practice.settle().await;
}

fn void_reason(settlement: &Settlement) -> &str {
    match &settlement.status {
        SettlementStatus::Void { reason, .. } => reason,
        _ => panic!("{settlement:?}"),
    }
}

#[tokio::test]
async fn nodes_that_agree_are_paid_for_what_looks_like_a_users_task() {
    let practice = Practice::with(policy()).await;
    let mut nodes = [practice.node(1).await, practice.node(2).await];
    let (assignment, settlement) = round(&mut nodes[0]).await;
    let amount = practice.policy.test_reward;
    assert_eq!((settlement.kind, &settlement.status), (TaskKind::NetworkTest, &SettlementStatus::Paid { amount }));
    let asked = assignment.sampling.max_tokens;
    assert_rounds_are_counted_apart(&practice).await;
    assert!(assignment.sampling.is_greedy() && practice.policy.rounds.answer_tokens.contains(&asked));

    // A user's task of that length, for comparison.
    let asked = practice.client.answer(json!({"max_tokens": asked, "temperature": 0}));
    let (status, _) = asked.await;
    assert_eq!(status, 200);
    let users = async {
        loop {
            for node in &mut nodes {
                let other = node.assignment().await;
                if other.prompt.as_text() == "user: hi" {
                    return other;
                }
            }
        }
    };
    let users = tokio::time::timeout(Duration::from_secs(20), users).await.unwrap();
    let form = |assignment: &Assignment| {
        let mut value = serde_json::to_value(assignment).unwrap();
        for different in ["task", "prompt"] {
            value.as_object_mut().unwrap().remove(different);
        }
        value
    };
    assert_eq!(form(&assignment), form(&users));
    practice.settle().await;
}

#[tokio::test]
async fn a_node_that_says_something_else_than_the_others_is_not_paid_and_they_are() {
    let practice = Practice::with(policy()).await;
    let mut honest = practice.node_that(1, saying(&["a", "b", "c"])).await;
    let _other = practice.node_that(2, saying(&["a", "b", "c"])).await;
    let mut cheat = practice.node_that(3, saying(&["a", "b"])).await;
    let (_, settlement) = loop {
        let round = round(&mut cheat).await;
        // Before all three were there, there may have been rounds of two.
        if !void_reason(&round.1).contains("no majority") {
            break round;
        }
    };
    assert!(void_reason(&settlement).contains("at token 3"), "{settlement:?}");
    loop {
        let (_, settlement) = round(&mut honest).await;
        if matches!(settlement.status, SettlementStatus::Paid { .. }) {
            break;
        }
    }
    practice.settle().await;
}

#[tokio::test]
async fn two_that_differ_say_nothing_about_each_other() {
    let practice = Practice::with(policy()).await;
    let mut one = practice.node_that(1, saying(&["a", "b", "c"])).await;
    let mut other = practice.node_that(2, saying(&["a", "b"])).await;
    for node in [&mut one, &mut other] {
        let (_, settlement) = round(node).await;
        assert!(void_reason(&settlement).contains("no majority"), "{settlement:?}");
    }
    practice.settle().await;
}

#[tokio::test]
async fn a_node_that_says_nothing_or_breaks_the_rules_does_not_keep_the_others_from_their_pay() {
    for fault in [Fault::Silent, Fault::WrongHash, Fault::WrongSigner, Fault::Refuses] {
        let practice = Practice::with(policy()).await;
        let mut nodes = [practice.node(1).await, practice.node(2).await];
        let _faulty = practice.node_that(3, Behaviour { fault: fault.clone(), ..Behaviour::default() }).await;
        for node in &mut nodes {
            let (_, settlement) = round(node).await;
            assert!(matches!(settlement.status, SettlementStatus::Paid { .. }), "{fault:?}: {settlement:?}");
        }
        practice.settle().await;
    }
}
