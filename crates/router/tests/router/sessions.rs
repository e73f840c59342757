//! Sessions over HTTP: bought, shown, paid from, ended; and nobody else's.

use cortensor_protocol::Prompt;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Behaviour, Client, Practice};

async fn deposit_of(client: &Client, session: i64) -> Value {
    client.get(&format!("/api/v1/sessions/{session}")).await.1["deposit"].clone()
}

#[tokio::test]
async fn a_session_is_opened_with_its_fields_a_key_and_prices_that_hold() {
    let practice = Practice::start().await;
    let asked = json!({
        "name": "reports", "metadata": "mine", "model_identifier": "m", "precision": "high_accuracy",
        "fallback": "low_end", "sla": 2, "redundant": 2, "max_task_count": 3, "deposit": "2.5",
    });
    let (status, session) = practice.client.call("POST", "/api/v1/create", asked.clone()).await;
    assert_eq!(status, StatusCode::CREATED);
    for (field, value) in asked.as_object().unwrap().iter().filter(|(field, _)| *field != "model_identifier") {
        assert!(session[field] == *value || session[field] == "2.50", "{field}: {session}");
    }
    assert_eq!((&session["active"], &session["min_nodes"], &session["mode"]), (&json!(true), &json!(1), &json!(0)));
    assert_eq!(session["prices"]["full_precision"], json!({"prompt": "0.002", "completion": "0.006"}));
    let id = session["id"].as_i64().unwrap();
    let (_, shown) = practice.client.get(&format!("/api/v1/sessions/{id}")).await;
    assert!(session["key"].as_str().unwrap().starts_with("sk-") && shown.get("key").is_none());
    let (_, list) = practice.client.get("/api/v1/sessions").await;
    assert_eq!((&list["count"], &list["sessions"][0]["id"]), (&json!(1), &json!(id)));
    let (_, info) = practice.client.get("/api/v1/info").await;
    assert_eq!((&info["active_sessions"], &info["total_sessions"]), (&json!(1), &json!(1)));
    practice.settle().await;
}

#[tokio::test]
async fn a_request_to_a_session_is_answered_paid_from_it_and_kept_without_prompt_and_answer() {
    let practice = Practice::start().await;
    let node = practice.node(1).await;
    let (id, session) = practice.client.session(json!({})).await;
    let asked = json!({"prompt": "secret prompt", "client_reference": "mine", "max_tokens": 8});
    let (status, answer) = session.call("POST", "/api/v1/completions", asked).await;
    assert_eq!((status.as_u16(), &answer["object"]), (200, &json!("text_completion")));
    assert_eq!((&answer["task_id"], &answer["model"]), (&json!(1), &json!("default")));
    let choice = json!({"index": 0, "text": "Hello, world", "logprobs": null, "finish_reason": "stop"});
    assert_eq!(answer["choices"], json!([choice]));
    assert_eq!(answer["usage"], json!({"prompt_tokens": 2, "completion_tokens": 4, "total_tokens": 6}));
    assert_eq!(deposit_of(&session, id).await, "9.999972");

    let (_, task) = session.get(&format!("/api/v1/tasks/{id}/1")).await;
    let address = json!(node.address);
    assert_eq!((&task["status"], &task["client_reference"]), (&json!(4), &json!("mine")));
    assert_eq!((&task["assigned_miners"][0], &task["results"]["miners"][0]), (&address, &address));
    assert_eq!((&task["cost"], &task["outcomes"]), (&json!("0.000028"), &json!(["served"])));
    let (_, tasks) = session.get(&format!("/api/v1/tasks/{id}")).await;
    assert_eq!((&tasks["count"], &tasks["tasks"][0]), (&json!(1), &task));
    for name in ["router.sqlite", "router.sqlite-wal"] {
        let kept = std::fs::read(practice.folder.path().join(name)).unwrap();
        let holds = |text: &[u8]| kept.windows(text.len()).any(|window| window == text);
        assert!(!holds(b"secret prompt") && !holds(b"Hello, world"), "{name}");
    }
    practice.settle().await;
}

#[tokio::test]
async fn the_three_kinds_of_prompt_reach_the_node_as_they_are_meant() {
    let practice = Practice::start().await;
    let mut node = practice.node(1).await;
    let (id, session) = practice.client.session(json!({})).await;
    let path = format!("/api/v1/completions/{id}");
    for (changes, expected) in [
        (json!({"prompt_type": 0}), "user: hi"),
        (json!({"prompt_type": 1}), "hi"),
        (json!({"prompt_type": 2, "prompt_template": "be brief"}), "system: be brief\n\nuser: hi"),
    ] {
        let mut body = json!({"prompt": "hi"});
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        assert_eq!(session.call("POST", &path, body).await.0, 200);
        let prompt = node.assignment().await.prompt;
        assert_eq!((prompt.as_text().as_str(), matches!(prompt, Prompt::Text { .. })), (expected, expected == "hi"));
    }
    let (status, answer) = session.call("POST", "/v1/completions", json!({"model": "m", "prompt": "raw"})).await;
    assert_eq!((status.as_u16(), &answer["choices"][0]["text"]), (200, &json!("Hello, world")));
    assert_eq!(node.assignment().await.prompt, Prompt::Text { text: "raw".to_owned() });
    practice.settle().await;
}

#[tokio::test]
async fn a_streamed_answer_has_the_network_s_form() {
    let practice = Practice::start().await;
    let _node = practice.node(1).await;
    let (id, session) = practice.client.session(json!({})).await;
    let events = session.events(&format!("/api/v1/completions/{id}"), json!({"prompt": "hi"})).await.rest().await;
    let text: String = events.iter().filter_map(|event| event["choices"][0]["text"].as_str()).collect();
    assert_eq!(text, "Hello, world");
    let [finish, done] = events.last_chunk().unwrap();
    assert_eq!((&finish["choices"][0]["finish_reason"], done), (&json!("stop"), &json!("[DONE]")));
    assert!(events.iter().all(|event| event == "[DONE]" || event["task_id"] == 1), "{events:?}");
    practice.settle().await;
}

#[tokio::test]
async fn a_redundant_request_has_a_choice_from_each_of_as_many_nodes_and_each_is_paid() {
    let practice = Practice::start().await;
    let (id, session) = practice.client.session(json!({"redundant": 3})).await;
    let path = format!("/api/v1/completions/{id}");
    let mut nodes = Vec::new();
    for number in 1..=2 {
        nodes.push(practice.node(number).await);
    }
    let (status, few) = session.call("POST", &path, json!({"prompt": "hi"})).await;
    assert_eq!((status.as_u16(), &few["error"]["code"]), (503, &json!("too_few_nodes")));
    assert!(few["error"]["message"].as_str().unwrap().contains("3 different nodes and 2"), "{few}");

    nodes.push(practice.node(3).await);
    for _ in 0..4 {
        let (status, answer) = session.call("POST", &path, json!({"prompt": "hi"})).await;
        assert_eq!(status, 200, "{answer}");
        let choices = answer["choices"].as_array().unwrap();
        assert_eq!(choices.iter().map(|choice| choice["index"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1, 2]);
        let mut served: Vec<_> = answer["cortensor"]["choices"]
            .as_array()
            .unwrap()
            .iter()
            .map(|choice| choice["node"].to_string())
            .collect();
        served.sort();
        served.dedup();
        assert_eq!((served.len(), &answer["usage"]["total_tokens"]), (3, &json!(15)));
    }
    let (_, task) = session.get(&format!("/api/v1/tasks/{id}/1")).await;
    assert_eq!((&task["cost"], task["results"]["miners"].as_array().unwrap().len()), (&json!("0.000078"), 3));
    assert_eq!(deposit_of(&session, id).await, "9.999688");
    let events = session.events(&path, json!({"prompt": "hi"})).await.rest().await;
    for index in 0..3 {
        let of_choice = |event: &&Value| event["choices"][0]["index"] == index;
        let text: String =
            events.iter().filter(of_choice).filter_map(|event| event["choices"][0]["text"].as_str()).collect();
        assert_eq!(text, "Hello, world");
    }
    assert_eq!(events.last().unwrap(), "[DONE]");
    practice.settle().await;
}

#[tokio::test]
async fn another_s_session_is_as_unknown_as_none() {
    let practice = Practice::start().await;
    let _node = practice.node(1).await;
    let (id, session) = practice.client.session(json!({})).await;
    let (_, second) = practice.client.session(json!({})).await;
    let other = practice.client.with_key(&practice.router.create_practice_key("other").await.unwrap());
    assert_eq!(session.call("POST", "/api/v1/completions", json!({"prompt": "hi"})).await.0, 200);
    for client in [&other, &second] {
        for (method, path, body) in [
            ("GET", format!("/api/v1/sessions/{id}"), json!(null)),
            ("POST", format!("/api/v1/sessions/{id}/deactivate"), json!(null)),
            ("POST", format!("/api/v1/sessions/{id}/deposit"), json!({"key": "a", "amount": "1"})),
            ("GET", format!("/api/v1/sessions/{id}/keys"), json!(null)),
            ("POST", format!("/api/v1/sessions/{id}/keys"), json!({})),
            ("DELETE", format!("/api/v1/sessions/{id}/keys/1"), json!(null)),
            ("GET", format!("/api/v1/tasks/{id}"), json!(null)),
            ("GET", format!("/api/v1/tasks/{id}/1"), json!(null)),
            ("GET", format!("/api/v1/tasks/{id}/1/decision"), json!(null)),
            ("POST", format!("/api/v1/completions/{id}"), json!({"prompt": "hi"})),
            ("POST", "/api/v1/completions".to_owned(), json!({"prompt": "hi", "session_id": id})),
        ] {
            let (status, body) = client.call(method, &path, body).await;
            assert_eq!((status.as_u16(), &body["error"]["code"]), (404, &json!("not_found")), "{method} {path}");
        }
    }
    assert_eq!(other.get("/api/v1/sessions").await.1, json!({"count": 0, "sessions": []}));
    practice.settle().await;
}

#[tokio::test]
async fn a_session_s_key_asks_and_looks_and_no_more() {
    let practice = Practice::start().await;
    let (id, session) = practice.client.session(json!({})).await;
    let path = format!("/api/v1/sessions/{id}");
    assert_eq!(session.get(&path).await.0, 200);
    assert_eq!(session.get("/api/v1/sessions").await.1["count"], 1);
    for (method, path, body) in [
        ("POST", "/api/v1/create".to_owned(), json!({"model": "m"})),
        ("POST", format!("{path}/deactivate"), json!(null)),
        ("POST", format!("{path}/deposit"), json!({"key": "a", "amount": "1"})),
        ("POST", format!("{path}/keys"), json!({})),
        ("DELETE", format!("{path}/keys/1"), json!(null)),
    ] {
        let (status, body) = session.call(method, &path, body).await;
        assert_eq!((status.as_u16(), &body["error"]["code"]), (403, &json!("account_key_needed")), "{method} {path}");
    }
    let (status, key) = practice.client.call("POST", &format!("{path}/keys"), json!({"label": "second"})).await;
    assert_eq!((status.as_u16(), &key["label"]), (201, &json!("second")));
    let second = practice.client.with_key(key["key"].as_str().unwrap());
    assert_eq!(second.get(&path).await.0, 200);
    let delete = format!("{path}/keys/{}", key["id"]);
    assert_eq!(practice.client.call("DELETE", &delete, json!(null)).await, (StatusCode::NO_CONTENT, json!(null)));
    assert_eq!(second.get(&path).await.0, 401);
    assert_eq!(practice.client.call("DELETE", &delete, json!(null)).await.0, 404);
    practice.settle().await;
}

#[tokio::test]
async fn deposits_are_made_once_and_what_is_left_goes_back_at_the_end() {
    let practice = Practice::start().await;
    let node = practice.node_that(1, Behaviour { pause_after: Some(1), ..Behaviour::default() }).await;
    let (id, session) = practice.client.session(json!({"deposit": "1"})).await;
    let path = format!("/api/v1/sessions/{id}");
    let deposit = |key: &'static str, amount: &'static str| {
        let body = json!({"key": key, "amount": amount});
        practice.client.call("POST", format!("{path}/deposit").leak(), body)
    };
    for (key, amount, status, field, value) in [
        ("a", "2.5", 200, "repeated", json!(false)),
        ("a", "2.5", 200, "repeated", json!(true)),
        ("b", "1000000", 402, "error", json!(null)),
        ("a", "3", 409, "error", json!(null)),
    ] {
        let (answered, body) = deposit(key, amount).await;
        assert!(answered.as_u16() == status && (body[field] == value || field == "error"), "{body}");
    }
    let mut events = session.events("/api/v1/completions", json!({"prompt": "hi"})).await;
    assert!(events.next().await.unwrap().contains("Hel"));
    let (_, ended) = practice.client.call("POST", &format!("{path}/deactivate"), json!(null)).await;
    assert!(ended["active"] == false && ended["returned"].as_str().unwrap().starts_with("3.4"), "{ended}");
    node.go_on.notify_one();
    assert_eq!(events.rest().await.last().unwrap(), "[DONE]");
    let (status, over) = session.call("POST", "/api/v1/completions", json!({"prompt": "hi"})).await;
    assert_eq!((status.as_u16(), &over["error"]["code"]), (409, &json!("session_inactive")));
    let summary = practice.router.verify_ledger().await.unwrap();
    assert_eq!((summary.sessions.base_units(), summary.held.base_units()), (0, 0));
    practice.settle().await;
}

#[tokio::test]
async fn a_session_takes_no_more_requests_at_a_time_than_it_was_bought_for() {
    let practice = Practice::start().await;
    let mut node = practice.node_that(1, Behaviour { pause_after: Some(1), ..Behaviour::default() }).await;
    let (_, session) = practice.client.session(json!({"max_task_count": 1})).await;
    let mut events = session.events("/api/v1/completions", json!({"prompt": "hi"})).await;
    events.next().await.unwrap();
    let (status, busy) = session.call("POST", "/api/v1/completions", json!({"prompt": "hi"})).await;
    assert_eq!((status.as_u16(), &busy["error"]["code"]), (429, &json!("session_busy")));
    node.assignment().await;
    node.go_on.notify_one();
    events.rest().await;
    practice.settle().await;
}

#[tokio::test]
async fn an_answer_that_is_not_there_in_the_client_s_own_time_is_given_up() {
    let practice = Practice::start().await;
    let _node = practice.node_that(1, Behaviour { pause_after: Some(0), ..Behaviour::default() }).await;
    let (_, session) = practice.client.session(json!({})).await;
    let (status, late) = session.call("POST", "/api/v1/completions", json!({"prompt": "hi", "timeout": 1})).await;
    assert_eq!((status.as_u16(), &late["error"]["code"]), (504, &json!("timed_out")));
    practice.settle().await;
}
