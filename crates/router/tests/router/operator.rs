//! What the operator sees of a router, and nobody else.

use cortensor_protocol::{Heartbeat, NodeMessage, TaskKind};
use cortensor_router::RouterError;
use serde_json::json;

use crate::support::{Behaviour, Fault, Practice, fake, soon};

/// The value of a series, as Prometheus would read it.
fn value<'a>(metrics: &'a str, series: &str) -> &'a str {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{metrics}"))
}

#[tokio::test]
async fn every_door_but_the_health_check_and_the_nodes_own_asks_for_the_right_key() {
    let practice = Practice::start().await;
    let operator = practice.operator().await;
    let (user, stranger) = (&practice.client, practice.client.with_key("sk-wrong"));
    let users = ["/v1/models", "/v1/models/m", "/api/v1/info", "/api/v1/status", "/api/v1/miners"];
    let operators = ["/metrics", "/api/v1/operator/overview"];
    for (path, right, wrong) in
        users.iter().map(|path| (*path, user, &operator)).chain(operators.iter().map(|path| (*path, &operator, user)))
    {
        assert_eq!(practice.client.request(path).send().await.unwrap().status(), 401, "{path} without a key");
        assert_eq!(stranger.request(path).bearer_auth(&stranger.key).send().await.unwrap().status(), 401, "{path}");
        assert_eq!(wrong.request(path).bearer_auth(&wrong.key).send().await.unwrap().status(), 401, "{path}");
        assert_ne!(right.request(path).bearer_auth(&right.key).send().await.unwrap().status(), 401, "{path}");
    }
    assert_eq!(practice.client.request("/health").send().await.unwrap().status(), 200);
    let asked = operator.answer(json!({})).await;
    assert_eq!((asked.0.as_u16(), &asked.1["error"]["code"]), (401, &json!("invalid_api_key")));
    practice.settle().await;
}

#[tokio::test]
async fn another_operator_key_takes_the_place_of_the_first_and_none_that_can_be_guessed_is_taken() {
    let practice = Practice::start().await;
    let first = practice.operator().await;
    let second = format!("op-{}", "1".repeat(48));
    practice.router.set_operator_key(&second).await.unwrap();
    assert_eq!(first.get("/metrics").await.0, 401);
    first.with_key(&second).get_text("/metrics").await;
    for short in ["op-short", "sk-000000000000000000000000000000000000", "op-00000000000000000000 0000000000000"] {
        assert!(matches!(practice.router.set_operator_key(short).await, Err(RouterError::BadKey { .. })), "{short}");
    }
    practice.settle().await;
}

#[tokio::test]
async fn what_happened_can_be_read_from_the_metrics() {
    let practice = Practice::start().await;
    let operator = practice.operator().await;
    let nobody = operator.get_text("/metrics").await;
    assert_eq!(value(&nobody, "cortensor_connected_nodes"), "0");
    assert_eq!(value(&nobody, "cortensor_ledger_adds_up"), "1");
    assert_eq!(value(&nobody, "cortensor_ledger_credits{account=\"deposits\"}"), "1000000.0");

    let mut node = practice.node(1).await;
    assert_eq!(practice.client.answer(json!({})).await.0, 200);
    node.settlement(TaskKind::User).await;
    assert_eq!(practice.client.answer(json!({"model": "unknown"})).await.0, 404);
    let metrics = operator.get_text("/metrics").await;
    for (series, expected) in [
        ("cortensor_connected_nodes", "1"),
        ("cortensor_offers{tier=\"high_end\",class=\"full\",precision=\"F16\",model=\"m\"}", "1"),
        ("cortensor_slots{state=\"free\"}", "1"),
        ("cortensor_slots{state=\"taken\"}", "0"),
        ("cortensor_tasks{state=\"queued\"}", "0"),
        ("cortensor_tasks_ended_total{kind=\"user\",ending=\"served\"}", "1"),
        ("cortensor_tasks_ended_total{kind=\"user\",ending=\"not_opened\"}", "1"),
        ("cortensor_dispatch_seconds_count", "1"),
        ("cortensor_served_tokens_total{model=\"m\",precision=\"F16\",part=\"prompt\"}", "1"),
        ("cortensor_served_tokens_total{model=\"m\",precision=\"F16\",part=\"completion\"}", "4"),
        ("cortensor_network_tests_total{result=\"passed\"}", "1"),
        ("cortensor_database_backlog_entries", "0"),
    ] {
        assert_eq!(value(&metrics, series), expected, "{series}\n{metrics}");
    }
    let tests = value(&metrics, "cortensor_tasks_ended_total{kind=\"network_test\",ending=\"served\"}");
    // Four that measure, and as many right answers as pass a test.
    assert!(tests.parse::<u32>().unwrap() >= 6, "{metrics}");
    practice.settle().await;
}

#[tokio::test]
async fn the_page_holds_nothing_and_lets_nothing_in_from_elsewhere() {
    let practice = Practice::start().await;
    let node = practice.node(1).await;
    for (path, kind, text) in [
        ("/operator", "text/html; charset=utf-8", "/operator/page.js"),
        ("/operator/page.css", "text/css; charset=utf-8", "prefers-color-scheme: dark"),
        ("/operator/page.js", "text/javascript; charset=utf-8", "/api/v1/operator/overview"),
    ] {
        let response = practice.client.request(path).send().await.unwrap();
        assert_eq!((response.status().as_u16(), &response.headers()["content-type"]), (200, &kind.parse().unwrap()));
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let body = response.text().await.unwrap();
        assert!(body.contains(text) && !body.contains(&node.address.to_string()), "{body}");
        assert!(!body.contains("http://") && !body.contains("https://") && !body.contains("innerHTML"), "{body}");
        assert!(!body.contains("<style") && !body.contains("style="), "{body}");
    }
    practice.settle().await;
}

#[tokio::test]
async fn the_overview_shows_nodes_queue_tasks_tests_sessions_and_the_ledger() {
    let practice = Practice::start().await;
    let operator = practice.operator().await;
    let empty = operator.get("/api/v1/operator/overview").await.1;
    for list in ["nodes", "tasks", "tests", "sessions", "audits", "judgements"] {
        assert_eq!(empty[list], json!([]), "{list}");
    }
    let (session, _) = practice.client.session(json!({"precision": "any"})).await;
    let opened = &operator.get("/api/v1/operator/overview").await.1["sessions"][0];
    assert_eq!((&opened["id"], &opened["model"], &opened["tasks"]), (&json!(session), &json!("m"), &json!(0)));
    assert_eq!(empty["ledger"]["adds_up"], true);
    assert_eq!(empty["ledger"]["accounts"][1]["credits"], "1000000.00");

    let mut node = practice.node_that(1, Behaviour { pause_after: Some(1), ..Behaviour::default() }).await;
    node.say(NodeMessage::Heartbeat(Heartbeat { running: 0, cpu_load: 0.5, free_memory_bytes: 1 }));
    let mut first = practice.client.stream(json!({})).await;
    first.text().await;
    let second = practice.client.answer(json!({}));
    let look = async {
        loop {
            let overview = operator.get("/api/v1/operator/overview").await.1;
            // The tasks are read before the queue, so that the second one may be in the queue only.
            if overview["queue"]["waiting"] != json!([]) && overview["tasks"].as_array().map(Vec::len) == Some(12) {
                return overview;
            }
        }
    };
    let go_on = async {
        let overview = soon("a queue", look).await;
        node.go_on.notify_one();
        first.rest().await;
        node.assignment().await;
        node.assignment().await;
        node.go_on.notify_one();
        overview
    };
    let ((status, _), overview) = tokio::join!(second, go_on);
    assert_eq!(status, 200);
    let shown = &overview["nodes"][0];
    assert_eq!((&shown["address"], &shown["software"]), (&json!(node.address.to_string()), &json!("fake 1")));
    assert_eq!((&shown["running_tasks"], &shown["cpu_load"]), (&json!(1), &json!(0.5)));
    assert!(shown["heartbeat_at"].is_i64(), "{shown}");
    assert_eq!(shown["offers"][0]["tier"], json!({"capability": "high_end", "precision": "full"}));
    assert_eq!((&overview["queue"]["waiting"][0]["model"], &overview["queue"]["most"]), (&json!("m"), &json!(64)));
    assert_eq!(
        (&overview["tests"][0]["passed"], &overview["tests"][0]["node"]),
        (&json!(true), &json!(node.address.to_string()))
    );
    let tasks = overview["tasks"].as_array().unwrap();
    assert_eq!((tasks.len(), &tasks[0]["kind"], &tasks[0]["ending"]), (12, &json!("user"), &json!(null)));
    assert_eq!((&tasks[2]["kind"], &tasks[2]["ending"]), (&json!("network_test"), &json!("served")));
    node.settlement(TaskKind::User).await;
    practice.settle().await;
}

#[tokio::test]
async fn what_was_refused_is_counted_by_its_reason() {
    let practice = Practice::start().await;
    let operator = practice.operator().await;
    for (number, fault, reason) in [
        (1, Fault::WrongHash, "hash_mismatch"),
        (2, Fault::WrongSigner, "precommit"),
        (3, Fault::Boasts, "commit"),
        (4, Fault::Floods, "tokens"),
        (5, Fault::Invents, "unknown_attempt"),
    ] {
        let node = practice.node_that(number, Behaviour { fault, ..Behaviour::default() }).await;
        assert_eq!(practice.client.answer(json!({})).await.0, 502);
        let series = format!("cortensor_refused_answers_total{{reason=\"{reason}\"}}");
        assert_eq!(value(&operator.get_text("/metrics").await, &series), "1", "{reason}");
        node.kill().await;
    }
    let failing = fake(practice.address(), 6, Behaviour { fails_tests: true, ..Behaviour::default() });
    failing.await.tier().await;
    assert_eq!(value(&operator.get_text("/metrics").await, "cortensor_network_tests_total{result=\"failed\"}"), "1");
    practice.settle().await;
}
