//! Requests that are refused, each with a status, a code and a message that says what to do.

use cortensor_protocol::{FailureReason, Offer, Precision};
use cortensor_router::{Policy, Router, RouterConfig, RouterError};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{Behaviour, Fault, Practice, config, offer, soon};

#[tokio::test]
async fn wrong_requests_are_refused_in_openai_s_form() {
    let practice = Practice::start().await;
    let _node = practice.node(1).await;
    for (changes, status, code, param) in [
        (json!({"max_tokens": 0}), 400, "out_of_range", json!("max_tokens")),
        (json!({"max_tokens": -1}), 400, "out_of_range", json!("max_tokens")),
        (json!({"temperature": 9}), 400, "out_of_range", json!("temperature")),
        (json!({"messages": [{"role": "wizard", "content": "x"}]}), 400, "invalid_value", json!("messages")),
        (json!({"model": "unknown"}), 404, "model_not_found", json!("model")),
        (json!({"model": "m:q2_k"}), 404, "model_not_found", json!("model")),
    ] {
        for stream in [false, true] {
            let mut changes = changes.clone();
            changes["stream"] = json!(stream);
            let (answered, body) = practice.client.answer(changes.clone()).await;
            let error = &body["error"];
            assert_eq!(
                (answered.as_u16(), &error["code"], &error["param"]),
                (status, &json!(code), &param),
                "{changes}"
            );
            assert!(error["message"].is_string() && error["type"] == "invalid_request_error", "{body}");
        }
    }
    let (_, unknown) = practice.client.answer(json!({"model": "unknown"})).await;
    assert!(unknown["error"]["message"].as_str().unwrap().contains("available: m, m:f16"), "{unknown}");
    practice.settle().await;
}

#[tokio::test]
async fn a_body_that_is_not_json_or_too_large_is_refused_as_json() {
    let practice = Practice::start().await;
    let large = vec![b' '; 10 * 1024 * 1024];
    for (body, status, code) in [
        (b"{".to_vec(), 400, "invalid_json"),
        (Vec::new(), 400, "invalid_json"),
        (vec![0xff, 0xfe], 400, "invalid_json"),
        (large, 413, "request_too_large"),
    ] {
        let response = practice.client.post(body).await;
        assert_eq!(response.status(), status);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"]["code"], code);
    }
    practice.settle().await;
}

#[tokio::test]
async fn a_body_that_never_arrives_is_not_waited_for() {
    let practice = Practice::with(Policy { body_seconds: 1, ..Policy::default() }).await;
    let mut socket = TcpStream::connect(practice.address()).await.unwrap();
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: router\r\ncontent-length: 100\r\n";
    let key = format!("authorization: Bearer {}\r\n\r\n{{", practice.client.key);
    socket.write_all(format!("{head}{key}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon("an answer", socket.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"slow_body\""), "{answer}");
    practice.settle().await;
}

#[tokio::test]
async fn a_key_is_needed_and_must_be_a_known_one() {
    let practice = Practice::start().await;
    for (key, code) in [("sk-wrong", "invalid_api_key"), ("", "missing_api_key")] {
        let (status, body) = practice.client.with_key(key).answer(json!({})).await;
        assert_eq!((status.as_u16(), &body["error"]["code"]), (401, &json!(code)));
    }
    practice.settle().await;
}

#[tokio::test]
async fn an_owner_s_key_is_registered_once_and_a_weak_one_is_refused() {
    let practice = Practice::start().await;
    let key = format!("sk-{}", "a1".repeat(24));
    for _ in 0..2 {
        practice.router.ensure_practice_key(&key).await.unwrap();
    }
    let summary = practice.router.verify_ledger().await.unwrap();
    assert_eq!(summary.deposits, practice.policy.practice_deposit.scaled(2, 1));
    assert_eq!(practice.client.with_key(&key).get("/v1/models").await.0, 200);
    for weak in ["sk-short", "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "sk-with spaces in it and long enough....."] {
        assert!(matches!(practice.router.ensure_practice_key(weak).await, Err(RouterError::BadKey { .. })), "{weak}");
    }
    practice.settle().await;
}

#[tokio::test]
async fn without_any_node_the_client_is_told_what_to_start() {
    let practice = Practice::start().await;
    let (status, body) = practice.client.answer(json!({})).await;
    assert_eq!((status.as_u16(), &body["error"]["code"]), (503, &json!("no_node")));
    assert!(body["error"]["message"].as_str().unwrap().contains("cortensor mine"));
    practice.settle().await;
}

#[tokio::test]
async fn a_deposit_that_is_too_small_is_said_to_be_so() {
    let practice = Practice::with(Policy { practice_deposit: "0.001".parse().unwrap(), ..Policy::default() }).await;
    let _node = practice.node(1).await;
    let (status, body) = practice.client.answer(json!({})).await;
    assert_eq!((status.as_u16(), &body["error"]["code"]), (402, &json!("insufficient_credits")));
    assert_eq!(practice.client.answer(json!({"max_tokens": 4})).await.0, 200);
    practice.settle().await;
}

#[tokio::test]
async fn a_prompt_over_the_context_is_the_client_s_own_error_and_costs_nothing() {
    let practice = Practice::start().await;
    let fault = Fault::Fails(FailureReason::ContextExceeded { prompt_tokens: 3000, context_tokens: 2048 });
    let _node = practice.node_that(1, Behaviour { fault, ..Behaviour::default() }).await;
    for stream in [false, true] {
        let (status, body) = practice.client.answer(long_prompt(stream)).await;
        assert_eq!((status.as_u16(), &body["error"]["code"]), (400, &json!("context_length_exceeded")));
        assert!(body["error"]["message"].as_str().unwrap().contains("3000"));
    }
    let summary = practice.router.verify_ledger().await.unwrap();
    assert_eq!(summary.deposits, practice.policy.practice_deposit);
    practice.settle().await;
}

fn long_prompt(stream: bool) -> Value {
    json!({"stream": stream, "messages": [{"role": "user", "content": "word ".repeat(3000)}]})
}

#[tokio::test]
async fn a_prompt_over_one_node_s_context_goes_to_a_node_with_a_larger_one() {
    let practice = Practice::start().await;
    let fault = Fault::Fails(FailureReason::ContextExceeded { prompt_tokens: 3000, context_tokens: 2048 });
    let _small = practice.node_that(1, Behaviour { fault, ..Behaviour::default() }).await;
    let offer = Offer { context_tokens: 8192, ..offer("m", Precision::F16, 1) };
    let large = practice.node_that(2, Behaviour { offer, ..Behaviour::default() }).await;
    for _ in 0..6 {
        let (status, answer) = practice.client.answer(long_prompt(false)).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["cortensor"]["node"], large.address.to_string().to_lowercase());
    }
    practice.settle().await;
}

#[tokio::test]
async fn what_a_node_says_of_a_prompt_is_passed_on_in_reasonable_length() {
    let practice = Practice::start().await;
    let fault = Fault::Fails(FailureReason::BadPrompt { message: "bad ".repeat(10_000) });
    let _node = practice.node_that(1, Behaviour { fault, ..Behaviour::default() }).await;
    let (status, body) = practice.client.answer(json!({})).await;
    assert_eq!((status.as_u16(), &body["error"]["code"]), (400, &json!("invalid_prompt")));
    assert_eq!(body["error"]["message"].as_str().unwrap().len(), 300);
    practice.settle().await;
}

#[tokio::test]
async fn beyond_the_queue_s_length_a_client_is_told_to_come_back() {
    let practice = Practice::with(Policy { queue_length: 1, ..Policy::default() }).await;
    let mut node = practice.node_that(1, Behaviour { pause_after: Some(1), ..Behaviour::default() }).await;
    let first = practice.client.answer(json!({}));
    let crowd = async {
        node.assignment().await;
        let second = practice.client.answer(json!({}));
        let third = async {
            let queued = async {
                while practice.client.get("/api/v1/status").await.1["queued_tasks"] != 1 {
                    tokio::task::yield_now().await;
                }
            };
            soon("a queued request", queued).await;
            let response = practice.client.ask(json!({})).await;
            assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &"5".parse().unwrap()));
            node.go_on.notify_one();
            node.assignment().await;
            node.go_on.notify_one();
        };
        tokio::join!(second, third).0
    };
    let (first, second) = soon("two answers", async { tokio::join!(first, crowd) }).await;
    assert_eq!((first.0.as_u16(), second.0.as_u16()), (200, 200));
    practice.settle().await;
}

#[tokio::test]
async fn an_answer_that_is_not_begun_in_time_is_given_up() {
    let policy = Policy { total_seconds: 1, precommit_token_milliseconds: 0, ..Policy::default() };
    let practice = Practice::with(policy).await;
    let mut node = practice.node_that(1, Behaviour { pause_after: Some(0), ..Behaviour::default() }).await;
    let (status, body) = practice.client.answer(json!({})).await;
    assert_eq!((status.as_u16(), &body["error"]["code"]), (504, &json!("timed_out")));
    let cancelled = |message| matches!(message, cortensor_protocol::RouterMessage::Cancel { .. }).then_some(());
    node.hear("a cancel", cancelled).await;
    practice.settle().await;
}

#[tokio::test]
async fn a_taken_port_is_named_with_what_to_do() {
    let practice = Practice::start().await;
    let folder = tempfile::tempdir().unwrap();
    let second = RouterConfig { listen: practice.address(), ..config(&folder, Policy::default()) };
    let Err(error) = Router::start(second).await else { panic!("two routers on one port") };
    assert!(matches!(error, RouterError::PortTaken { .. }));
    assert!(
        error.to_string().contains(&practice.address().port().to_string()) && error.to_string().contains("--listen")
    );
    practice.settle().await;
}
