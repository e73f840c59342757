//! Which node gets which work, and what the user is told of it.

use cortensor_protocol::{FailureReason, Precision};
use serde_json::{Value, json};

use crate::support::{Behaviour, FakeNode, Fault, Practice, offer, on};

/// A node that says its name.
async fn node(practice: &Practice, number: u8, name: &'static str, precision: Precision, high_end: bool) -> FakeNode {
    let offer = on(high_end, offer("m", precision, 4));
    practice.node_that(number, Behaviour { pieces: vec![name], offer, ..Behaviour::default() }).await
}

/// The text of an answer, or the code of an error.
async fn said(practice: &Practice, changes: Value) -> Value {
    let (status, mut answer) = practice.client.answer(changes).await;
    if status == 200 { answer["choices"][0]["message"]["content"].take() } else { answer["error"]["code"].take() }
}

#[tokio::test]
async fn each_kind_of_work_goes_to_the_nodes_it_was_bought_for() {
    let practice = Practice::start().await;
    let _nodes = [
        node(&practice, 1, "full high", Precision::F16, true).await,
        node(&practice, 2, "full low", Precision::F16, false).await,
        node(&practice, 3, "small high", Precision::Q4_0, true).await,
        node(&practice, 4, "small low", Precision::Q4_0, false).await,
    ];
    for _ in 0..6 {
        for (changes, possible) in [
            (json!({"precision": "high_accuracy"}), &["full high"][..]),
            (json!({"precision": "high_accuracy", "fallback": "low_end"}), &["full high"]),
            (json!({"model": "m:high-accuracy", "fallback": "quantized"}), &["full high"]),
            (json!({"model": "m:cost-effective"}), &["small high", "small low"]),
            (json!({"precision": "cost_effective", "task_class": "basic"}), &["small low"]),
            (json!({"task_class": "basic"}), &["full low", "small low"]),
        ] {
            let said = said(&practice, changes.clone()).await;
            assert!(possible.iter().any(|name| said == *name), "{changes}: {said}");
        }
    }
    practice.settle().await;
}

#[tokio::test]
async fn without_a_capable_node_the_user_is_told_what_is_there_and_gets_only_what_was_accepted() {
    let practice = Practice::start().await;
    let _low = node(&practice, 1, "full low", Precision::F16, false).await;
    let (status, body) = practice.client.answer(json!({"precision": "high_accuracy"})).await;
    assert_eq!((status.as_u16(), &body["error"]["code"]), (503, &json!("no_capable_node")));
    let message = body["error"]["message"].as_str().unwrap();
    for part in ["high-end, full-precision", "low-end, full precision (1)", "`fallback`: low_end"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!message.contains("quantized"), "what is not there cannot be accepted: {message}");
    for (changes, expected) in [
        (json!({"precision": "high_accuracy", "fallback": "quantized"}), "no_capable_node"),
        (json!({"precision": "high_accuracy", "fallback": "low_end"}), "full low"),
        (json!({"precision": "cost_effective"}), "no_capable_node"),
        (json!({"precision": "cost_effective", "fallback": "full_precision"}), "full low"),
    ] {
        assert_eq!(said(&practice, changes.clone()).await, expected, "{changes}");
    }
    let (_, answer) = practice.client.answer(json!({"precision": "high_accuracy", "fallback": "low_end"})).await;
    assert_eq!(answer["cortensor"]["fallback"], "low_end");
    let (id, session) = practice.client.session(json!({"precision": "high_accuracy"})).await;
    let path = format!("/api/v1/completions/{id}");
    let (status, _) = session.call("POST", &path, json!({"prompt": "hi"})).await;
    let (accepted, _) = session.call("POST", &path, json!({"prompt": "hi", "fallback": "low_end"})).await;
    assert_eq!((status.as_u16(), accepted.as_u16()), (503, 200));
    practice.settle().await;
}

#[tokio::test]
async fn a_user_can_ask_why_this_node_and_is_told_of_every_other() {
    let practice = Practice::start().await;
    let chosen = node(&practice, 1, "full high", Precision::F16, true).await;
    let low = node(&practice, 2, "full low", Precision::F16, false).await;
    let small = node(&practice, 3, "small high", Precision::Q4_0, true).await;
    let (id, session) = practice.client.session(json!({"precision": "high_accuracy", "fallback": "low_end"})).await;
    assert_eq!(session.call("POST", "/api/v1/completions", json!({"prompt": "hi"})).await.0, 200);
    let (status, body) = session.get(&format!("/api/v1/tasks/{id}/1/decision")).await;
    assert_eq!((status.as_u16(), body["decisions"].as_array().unwrap().len()), (200, 1));
    let decision = &body["decisions"][0]["decision"];
    assert_eq!((&decision["node"], &decision["fallback"]), (&json!(chosen.address), &json!(null)));
    for (node, verdict) in [(&chosen, "chosen"), (&low, "fallback_not_needed"), (&small, "unfit")] {
        let considered = decision["considered"].as_array().unwrap();
        let told = considered.iter().find(|considered| considered["node"] == json!(node.address)).unwrap();
        assert_eq!(told["verdict"], verdict, "{told}");
        assert!(told["why"].as_str().unwrap().len() > 10 && told["tier"].is_string(), "{told}");
    }
    practice.settle().await;
}

#[tokio::test]
async fn a_node_that_fails_again_and_again_is_left_alone_and_every_attempt_has_its_decision() {
    let practice = Practice::start().await;
    let engine = FailureReason::Engine { message: "broken".to_owned() };
    let broken = practice.node_that(1, Behaviour { fault: Fault::Fails(engine), ..Behaviour::default() }).await;
    let well = practice.node(2).await;
    let (id, session) = practice.client.session(json!({})).await;
    let mut nodes = Vec::new();
    for task in 1..=12 {
        assert_eq!(session.call("POST", "/api/v1/completions", json!({"prompt": "hi"})).await.0, 200);
        let (_, body) = session.get(&format!("/api/v1/tasks/{id}/{task}/decision")).await;
        let decisions = body["decisions"].as_array().unwrap().clone();
        assert_eq!(decisions.last().unwrap()["decision"]["node"], json!(well.address));
        assert_eq!(decisions.last().unwrap()["attempt"], decisions.len());
        nodes.extend(decisions);
    }
    let failed = nodes.iter().filter(|decision| decision["decision"]["node"] == json!(broken.address)).count();
    assert_eq!(failed, 3);
    let others = nodes.last().unwrap()["decision"]["considered"].as_array().unwrap().clone();
    assert_eq!(others[1]["verdict"], "parked", "{others:?}");
    practice.settle().await;
}

#[tokio::test]
async fn among_equals_a_new_node_gets_the_next_task() {
    let practice = Practice::start().await;
    let _old = node(&practice, 1, "old", Precision::F16, false).await;
    assert_eq!(said(&practice, json!({})).await, "old");
    let _new = node(&practice, 2, "new", Precision::F16, false).await;
    for name in ["new", "old", "new", "old"] {
        assert_eq!(said(&practice, json!({})).await, name);
    }
    practice.settle().await;
}
