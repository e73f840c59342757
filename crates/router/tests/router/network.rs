//! Tests of nodes, and what the network says of itself.

use cortensor_protocol::{
    Capability, NodeMessage, Precision, PrecisionClass, RouterMessage, SettlementStatus, TaskKind, Tier,
};
use cortensor_router::Policy;
use serde_json::json;

use crate::support::{Behaviour, Practice, fake, offer, soon};

#[tokio::test]
async fn a_node_is_tested_paid_for_it_and_told_its_tier_with_the_evidence() {
    let practice = Practice::start().await;
    let mut node = fake(practice.address(), 1, Behaviour::default()).await;
    assert_eq!(node.welcome.tier, None);
    let progress =
        |message| if let RouterMessage::Testing { done, total } = message { Some((done, total)) } else { None };
    for done in 0..=10 {
        assert_eq!(node.hear("progress", progress).await, (done, 10));
    }
    let report = node.tier().await;
    // The fake node answers at once, whatever the length of the prompt.
    let tier = Tier { capability: Capability::HighEnd, precision: PrecisionClass::Full };
    assert_eq!(report.tier, Some(tier));
    assert!(report.evidence.iter().any(|evidence| evidence.what == "prefill rate" && evidence.met), "{report:?}");

    let mut again = fake(practice.address(), 2, Behaviour::default()).await;
    let settlement = again.settlement(TaskKind::NetworkTest).await;
    assert!(matches!(settlement.status, SettlementStatus::Paid { .. } | SettlementStatus::Void { .. }));
    let summary = practice.router.verify_ledger().await.unwrap();
    // Two questions that it knows, and four prompts to be measured by.
    assert!(summary.pending >= practice.policy.test_reward.scaled(6, 1), "{summary:?}");

    let (_, miners) = practice.client.get("/api/v1/miners").await;
    let miner = &miners["nodes"][node.address.to_string()];
    assert_eq!(miner["offers"][0]["tier"], json!({"capability": "high_end", "precision": "full"}));
    assert_eq!(miners["stats"]["total_count"], 2);
    again.tier().await;
    practice.settle().await;
}

#[tokio::test]
async fn a_test_is_good_for_the_next_connection_and_not_for_another_artifact() {
    let practice = Practice::start().await;
    let node = practice.node(1).await;
    node.kill().await;
    let mut node = fake(practice.address(), 1, Behaviour::default()).await;
    assert!(node.welcome.tier.is_some());
    let first = |message| match message {
        RouterMessage::Tier(_) => Some("tier"),
        RouterMessage::Testing { .. } => Some("testing"),
        _ => None,
    };
    assert_eq!(node.hear("a tier", first).await, "tier");
    node.say(NodeMessage::Offers { offers: vec![offer("m", Precision::Q8_0, 1)] });
    assert_eq!(node.hear("a test", first).await, "testing");
    let report = node.tier().await;
    assert_eq!(report.tier.unwrap().precision, PrecisionClass::Quantized);
    practice.settle().await;
}

#[tokio::test]
async fn a_node_that_fails_gets_no_user_tasks_and_is_tested_again_by_itself() {
    let practice = Practice::with(Policy { retest_seconds: 1, ..Policy::default() }).await;
    let behaviour = Behaviour { fails_tests: true, ..Behaviour::default() };
    let mut node = fake(practice.address(), 1, behaviour).await;
    let report = node.tier().await;
    assert_eq!(report.tier, None);
    assert!(report.next_step.contains("next test"), "{report:?}");
    let (status, refused) = practice.client.answer(json!({})).await;
    assert_eq!((status.as_u16(), &refused["error"]["code"]), (503, &json!("no_node")));
    let again = node.tier().await;
    assert_eq!(again.tier, None);
    assert!(again.next_step.contains("in 2 seconds"), "each failed test in a row doubles the wait: {again:?}");
    practice.settle().await;
}

#[tokio::test]
async fn a_request_waits_while_the_only_node_switches_precision() {
    let practice = Practice::start().await;
    let mut node = practice.node(1).await;
    node.say(NodeMessage::Offers { offers: Vec::new() });
    let withdrawn = async {
        while practice.client.get("/v1/models").await.1["data"] != json!([]) {
            tokio::task::yield_now().await;
        }
    };
    soon("the withdrawal", withdrawn).await;
    let asked = practice.client.answer(json!({}));
    let switch = async {
        // A test runs before the waiting request: the artifact is new.
        node.say(NodeMessage::Offers { offers: vec![offer("m", Precision::Q8_0, 1)] });
        node.tier().await;
    };
    let ((status, answer), ()) = tokio::join!(asked, switch);
    assert_eq!((status.as_u16(), &answer["cortensor"]["precision"]), (200, &json!("Q8_0")));
    practice.settle().await;
}

#[tokio::test]
async fn the_network_says_what_it_is_to_those_with_a_key() {
    let practice = Practice::start().await;
    let node = practice.node(1).await;
    let (_, info) = practice.client.get("/api/v1/info").await;
    assert_eq!((&info["name"], &info["node_stats"]["total_count"]), (&json!("test router"), &json!(1)));
    let (_, status) = practice.client.get("/api/v1/status").await;
    assert_eq!((&status["connected_miners"], &status["running_tasks"]), (&json!(1), &json!(0)));
    let stranger = practice.client.with_key("sk-wrong");
    for path in ["/api/v1/info", "/api/v1/status", "/api/v1/miners", "/v1/models"] {
        assert_eq!(stranger.get(path).await.0, 401, "{path}");
    }
    assert_eq!(stranger.get("/health").await.0, 200);
    assert_eq!(stranger.get("/nowhere").await.0, 404);
    assert!(!node.challenge.ledger.is_empty());
    practice.settle().await;
}
