//! Nodes that fail, cheat or vanish, and clients that hang up.

use cortensor_protocol::{CancelReason, FailureReason, RouterMessage, SettlementStatus, TaskKind};
use cortensor_router::Policy;
use serde_json::{Value, json};

use crate::support::{Behaviour, Fault, Practice, fake, soon};

fn paused_after(pieces: usize) -> Behaviour {
    Behaviour { pause_after: Some(pieces), ..Behaviour::default() }
}

fn faulty(fault: Fault) -> Behaviour {
    Behaviour { fault, ..Behaviour::default() }
}

fn text(events: &[Value]) -> String {
    events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect()
}

#[tokio::test]
async fn a_node_that_is_killed_mid_stream_is_replaced_and_the_client_s_stream_is_whole() {
    let practice = Practice::start().await;
    let first = practice.node_that(1, paused_after(2)).await;
    let mut events = practice.client.stream(json!({"stream_options": {"include_usage": true}})).await;
    assert_eq!((events.text().await, events.text().await), ("Hel".to_owned(), "lo".to_owned()));
    let mut second = practice.node(2).await;
    first.kill().await;
    let rest = soon("the rest", events.rest()).await;
    assert_eq!(text(&rest), ", world");
    assert_eq!(rest.last().unwrap(), "[DONE]");
    assert_eq!(rest[rest.len() - 2]["usage"]["completion_tokens"], 4);
    assert_eq!(second.assignment().await.continue_after, [0, 1]);
    let paid = second.settlement(TaskKind::User).await;
    assert!(matches!(paid.status, SettlementStatus::Paid { .. }));
    assert_eq!(paid.usage.completion_tokens, 2);

    let mut first = fake(practice.address(), 1, Behaviour::default()).await;
    let lost = first.settlement(TaskKind::User).await;
    assert!(matches!(lost.status, SettlementStatus::Void { .. }), "{lost:?}");
    practice.settle().await;
}

#[tokio::test]
async fn an_answer_goes_on_only_on_the_same_artifact() {
    let practice = Practice::with(Policy { absent_model_seconds: 1, ..Policy::default() }).await;
    let first = practice.node_that(1, paused_after(1)).await;
    let mut events = practice.client.stream(json!({})).await;
    events.text().await;
    let offer = crate::support::offer("m", cortensor_protocol::Precision::Q8_0, 1);
    let _other = practice.node_that(2, Behaviour { offer, ..Behaviour::default() }).await;
    first.kill().await;
    let rest = soon("the rest", events.rest()).await;
    assert_eq!(rest.last().unwrap()["error"]["code"], "nodes_lost");
    practice.settle().await;
}

#[tokio::test]
async fn an_answer_that_is_not_the_bound_one_is_not_paid_and_the_client_is_told() {
    let practice = Practice::start().await;
    let faults = [Fault::WrongHash, Fault::WrongTokens, Fault::WrongSigner, Fault::Boasts, Fault::Invents];
    for (number, fault) in (1..).zip(faults) {
        let mut node = practice.node_that(number, faulty(fault.clone())).await;
        let (status, body) = practice.client.answer(json!({})).await;
        assert_eq!((status.as_u16(), &body["error"]["code"]), (502, &json!("invalid_answer")), "{fault:?}");
        let settlement = node.settlement(TaskKind::User).await;
        assert!(matches!(settlement.status, SettlementStatus::Void { .. }), "{settlement:?}");
        let events = practice.client.stream(json!({})).await.rest().await;
        assert_eq!(events.last().unwrap()["error"]["code"], "invalid_answer");
        node.kill().await;
    }
    let summary = practice.router.verify_ledger().await.unwrap();
    assert_eq!(summary.deposits, practice.policy.practice_deposit);
    practice.settle().await;
}

#[tokio::test]
async fn tokens_larger_than_was_asked_for_are_not_passed_on() {
    let practice = Practice::start().await;
    for (number, fault) in (1..).zip([Fault::Floods, Fault::Volunteers]) {
        let mut node = practice.node_that(number, faulty(fault.clone())).await;
        let (status, body) = practice.client.answer(json!({"stream": true})).await;
        assert_eq!((status.as_u16(), &body["error"]["code"]), (502, &json!("invalid_answer")), "{fault:?}");
        let settlement = node.settlement(TaskKind::User).await;
        assert!(matches!(settlement.status, SettlementStatus::Void { .. }), "{settlement:?}");
        node.kill().await;
    }
    practice.settle().await;
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_the_work_and_pays_for_what_it_got() {
    let practice = Practice::start().await;
    let mut node = practice.node_that(1, paused_after(2)).await;
    let mut events = practice.client.stream(json!({})).await;
    assert_eq!((events.text().await, events.text().await), ("Hel".to_owned(), "lo".to_owned()));
    drop(events);
    let cancel = |message| if let RouterMessage::Cancel { reason, .. } = message { Some(reason) } else { None };
    assert_eq!(node.hear("a cancel", cancel).await, CancelReason::ClientGone);
    let settlement = node.settlement(TaskKind::User).await;
    let amount = "0.000014".parse().unwrap();
    assert_eq!(settlement.status, SettlementStatus::Paid { amount });
    assert_eq!(settlement.usage.completion_tokens, 2);
    practice.settle().await;
}

#[tokio::test]
async fn a_client_that_hangs_up_before_there_is_anything_pays_nothing() {
    let practice = Practice::start().await;
    let mut node = practice.node_that(1, faulty(Fault::Silent)).await;
    let asked = practice.client.answer(json!({}));
    tokio::select! {
        _ = asked => panic!("answered by nobody"),
        _ = node.assignment() => {}
    }
    let cancel = |message| if let RouterMessage::Cancel { reason, .. } = message { Some(reason) } else { None };
    assert_eq!(node.hear("a cancel", cancel).await, CancelReason::ClientGone);
    node.kill().await;
    let released = async {
        while practice.router.verify_ledger().await.unwrap().deposits != practice.policy.practice_deposit {
            tokio::task::yield_now().await;
        }
    };
    soon("the release of the hold", released).await;
    practice.settle().await;
}

#[tokio::test]
async fn a_node_that_refuses_fails_or_is_silent_is_passed_over() {
    let engine = Fault::Fails(FailureReason::Engine { message: "out of memory".to_owned() });
    // Of a prompt of two letters.
    let too_long = Fault::Fails(FailureReason::ContextExceeded { prompt_tokens: 3000, context_tokens: 2048 });
    for fault in [Fault::Refuses, engine, too_long, Fault::Silent] {
        let practice = Practice::with(Policy { ack_seconds: 1, ..Policy::default() }).await;
        let _faulty = practice.node_that(1, faulty(fault.clone())).await;
        let honest = practice.node(2).await;
        for _ in 0..4 {
            let (status, answer) = soon("an answer", practice.client.answer(json!({}))).await;
            assert_eq!(status, 200, "{fault:?}: {answer}");
            assert_eq!(answer["cortensor"]["node"], honest.address.to_string().to_lowercase());
        }
        practice.settle().await;
    }
}

#[tokio::test]
async fn what_a_held_up_node_says_of_its_first_attempt_does_not_disturb_its_second() {
    let practice = Practice::with(Policy { ack_seconds: 1, ..Policy::default() }).await;
    let mut node = practice.node_that(1, faulty(Fault::HeldUp)).await;
    let (status, answer) = soon("an answer", practice.client.answer(json!({}))).await;
    assert_eq!((status.as_u16(), &answer["choices"][0]["message"]["content"]), (200, &json!("Hello, world")));
    let first = node.assignment().await.attempt;
    let cancel =
        |message| if let RouterMessage::Cancel { attempt, reason } = message { Some((attempt, reason)) } else { None };
    assert_eq!(node.hear("a cancel", cancel).await, (first, CancelReason::TooLate));
    let second = node.assignment().await.attempt;
    assert_eq!((first.number, second.number, first.task), (1, 2, second.task));
    assert!(matches!(node.settlement(TaskKind::User).await.status, SettlementStatus::Paid { .. }));
    practice.settle().await;
}

#[tokio::test]
async fn an_answer_that_streams_when_its_time_is_up_is_cut_and_what_there_is_of_it_paid() {
    let policy = Policy { precommit_token_milliseconds: 0, ..Policy::default() };
    for policy in [Policy { total_seconds: 3, ..policy.clone() }, Policy { precommit_seconds: 3, ..policy }] {
        let practice = Practice::with(policy).await;
        let mut node = practice.node_that(1, paused_after(2)).await;
        let (status, answer) = soon("an answer", practice.client.answer(json!({}))).await;
        assert_eq!((status.as_u16(), &answer["choices"][0]["message"]["content"]), (200, &json!("Hello")));
        assert_eq!(answer["choices"][0]["finish_reason"], "length");
        let cancel = |message| if let RouterMessage::Cancel { reason, .. } = message { Some(reason) } else { None };
        assert_eq!(node.hear("a cancel", cancel).await, CancelReason::TimeUp);
        let settlement = node.settlement(TaskKind::User).await;
        assert!(matches!(settlement.status, SettlementStatus::Paid { .. }), "{settlement:?}");
        assert_eq!(settlement.usage.completion_tokens, 2);
        practice.settle().await;
    }
}

#[tokio::test]
async fn a_router_that_stops_ends_a_long_answer_with_a_reason() {
    let practice = Practice::with(Policy { stop_milliseconds: 100, ..Policy::default() }).await;
    let mut node = practice.node_that(1, paused_after(1)).await;
    let mut events = practice.client.stream(json!({})).await;
    events.text().await;
    let (rest, ()) = soon("the stop", async { tokio::join!(events.rest(), practice.router.stop()) }).await;
    assert_eq!(rest.last().unwrap()["error"]["code"], "stopping");
    let settlement = node.settlement(TaskKind::User).await;
    assert!(matches!(settlement.status, SettlementStatus::Void { .. }));
}
