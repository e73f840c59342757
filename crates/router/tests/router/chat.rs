//! Answers, whole and streamed.

use cortensor_protocol::{Amount, Mode, Precision, SettlementStatus, TaskKind, Usage};
use serde_json::{Value, json};

use crate::support::{Behaviour, Practice, offer, on};

#[tokio::test]
async fn a_request_is_answered_charged_and_paid() {
    let practice = Practice::start().await;
    let mut node = practice.node(1).await;
    let response = practice.client.ask(json!({})).await;
    assert_eq!(response.status(), 200);
    let task = response.headers()["x-cortensor-task"].to_str().unwrap().to_owned();
    let answer: Value = response.json().await.unwrap();
    let message = json!({"role": "assistant", "content": "Hello, world"});
    assert_eq!(answer["choices"][0]["message"], message);
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert_eq!(answer["usage"], json!({"prompt_tokens": 1, "completion_tokens": 4, "total_tokens": 5}));
    let served = json!({"task_id": task, "node": node.address.to_string().to_lowercase(), "precision": "F16"});
    assert_eq!(answer["cortensor"], served);

    let settlement = node.settlement(TaskKind::User).await;
    let amount: Amount = "0.000026".parse().unwrap();
    assert_eq!(settlement.status, SettlementStatus::Paid { amount });
    assert_eq!(settlement.task.to_string(), task);
    assert_eq!((settlement.precision, settlement.mode), (Precision::F16, Mode::Precision));
    assert_eq!(settlement.usage, Usage { prompt_tokens: 1, completion_tokens: 4 });
    let summary = practice.router.verify_ledger().await.unwrap();
    assert_eq!(summary.deposits.checked_add(amount), Some(practice.policy.practice_deposit));
    practice.settle().await;
}

#[tokio::test]
async fn a_streamed_answer_has_the_form_that_clients_expect() {
    let practice = Practice::start().await;
    let _node = practice.node(1).await;
    let asked = json!({"stream_options": {"include_usage": true}, "logprobs": true, "top_logprobs": 1});
    let events = practice.client.stream(asked).await.rest().await;
    assert_eq!(events[0]["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
    assert_eq!(events[0]["object"], "chat.completion.chunk");
    let text: String = events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, "Hello, world");
    assert_eq!(events[1]["choices"][0]["logprobs"]["content"][0]["top_logprobs"][0]["token"], "Hel");
    let [finish, usage, done] = events.last_chunk().unwrap();
    assert_eq!(finish["choices"][0]["finish_reason"], "stop");
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"]["total_tokens"], 5);
    assert_eq!(done, "[DONE]");
    practice.settle().await;
}

#[tokio::test]
async fn an_answer_that_reaches_max_tokens_says_so() {
    let practice = Practice::start().await;
    let _node = practice.node(1).await;
    let (_, answer) = practice.client.answer(json!({"max_tokens": 2})).await;
    assert_eq!(answer["choices"][0]["message"]["content"], "Hello");
    assert_eq!(answer["choices"][0]["finish_reason"], "length");
    practice.settle().await;
}

#[tokio::test]
async fn a_model_can_be_asked_for_in_one_precision() {
    let practice = Practice::start().await;
    let that = |pieces, offer| Behaviour { pieces, offer: on(true, offer), ..Behaviour::default() };
    let _quantized = practice.node_that(1, that(vec!["quick"], offer("m", Precision::Q4_0, 1))).await;
    let _full = practice.node_that(2, that(vec!["exact"], offer("m", Precision::F16, 1))).await;
    for _ in 0..4 {
        for (model, text, precision) in [
            ("m:f16", "exact", "F16"),
            ("m:q4_0", "quick", "Q4_0"),
            ("m:high-accuracy", "exact", "F16"),
            ("m:cost-effective", "quick", "Q4_0"),
        ] {
            let (_, answer) = practice.client.answer(json!({"model": model})).await;
            assert_eq!(answer["choices"][0]["message"]["content"], text);
            assert_eq!((&answer["model"], &answer["cortensor"]["precision"]), (&json!(model), &json!(precision)));
        }
    }
    let (_, models) = practice.client.get("/v1/models").await;
    let names: Vec<_> = models["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(names, ["m", "m:cost-effective", "m:f16", "m:high-accuracy", "m:q4_0"]);
    practice.settle().await;
}

#[tokio::test]
async fn requests_beyond_the_slots_wait_their_turn_and_all_are_answered() {
    let practice = Practice::start().await;
    let _node = practice.node(1).await;
    let asked = (0..12).map(|_| practice.client.answer(json!({})));
    for (status, answer) in futures::future::join_all(asked).await {
        assert_eq!((status.as_u16(), &answer["usage"]["total_tokens"]), (200, &json!(5)));
    }
    practice.settle().await;
}
