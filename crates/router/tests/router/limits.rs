//! Limits: who asks for too much waits, and is told how long; nobody holds the router up.

use std::{
    net::SocketAddr,
    num::{NonZeroU32, NonZeroU64},
};

use cortensor_router::{LimitPolicy, Policy, Rate};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{Practice, open, soon};

/// So many at once, and then one a minute.
fn few(at_once: u32) -> Rate {
    Rate { at_once: NonZeroU32::new(at_once).unwrap(), a_minute: NonZeroU32::MIN }
}

/// A router whose limits hold for this machine.
async fn limited(limits: LimitPolicy) -> Practice {
    Practice::with(Policy { limits: LimitPolicy { this_machine: true, ..limits }, ..Policy::default() }).await
}

async fn get(practice: &Practice, path: &str, key: &str) -> Response {
    practice.client.request(path).bearer_auth(key).send().await.unwrap()
}

/// Turned away, with a time to wait that is the same in the header and in words.
async fn is_turned_away(response: Response, code: &str) {
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let seconds = response.headers()["retry-after"].to_str().unwrap().to_owned();
    assert!((1..=60).contains(&seconds.parse::<u64>().unwrap()), "{seconds}");
    let body: Value = response.json().await.unwrap();
    assert_eq!((&body["error"]["code"], &body["error"]["type"]), (&json!(code), &json!("rate_limit_error")));
    assert!(body["error"]["message"].as_str().unwrap().contains(&format!("in {seconds} seconds")), "{body}");
}

#[tokio::test]
async fn a_key_that_asks_too_often_is_told_when_to_come_back_and_other_keys_are_served() {
    let practice = limited(LimitPolicy { key_requests: few(3), ..LimitPolicy::default() }).await;
    let operator = practice.operator().await;
    for _ in 0..3 {
        assert_eq!(practice.client.get("/v1/models").await.0, 200);
    }
    is_turned_away(get(&practice, "/v1/models", &practice.client.key).await, "key_requests").await;
    is_turned_away(practice.client.ask(json!({})).await, "key_requests").await;
    let other = practice.router.create_practice_key("other").await.unwrap();
    assert_eq!(get(&practice, "/v1/models", &other).await.status(), 200);
    let metrics = operator.get_text("/metrics").await;
    assert!(metrics.contains("cortensor_turned_away_total{limit=\"key_requests\"} 2"), "{metrics}");
    practice.settle().await;
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_turned_away_whatever_it_asks_for() {
    let practice = limited(LimitPolicy { address_requests: few(2), ..LimitPolicy::default() }).await;
    assert_eq!(practice.client.request("/health").send().await.unwrap().status(), 200);
    assert_eq!(practice.client.request("/nowhere").send().await.unwrap().status(), 404);
    for path in ["/health", "/nowhere", "/v1/models", "/operator", "/metrics"] {
        is_turned_away(get(&practice, path, &practice.client.key).await, "address_requests").await;
    }
    practice.settle().await;
}

#[tokio::test]
async fn who_guesses_keys_is_slowed_down_and_a_right_key_from_there_still_opens() {
    let practice = limited(LimitPolicy { address_wrong_keys: few(3), ..LimitPolicy::default() }).await;
    let operator = practice.operator().await;
    assert_eq!(practice.client.request("/v1/models").send().await.unwrap().status(), 401);
    assert_eq!(get(&practice, "/v1/models", "sk-guess").await.status(), 401);
    assert_eq!(get(&practice, "/metrics", "op-guess").await.status(), 401);
    for (path, key) in
        [("/v1/models", "sk-guess"), ("/metrics", "op-guess"), ("/metrics", practice.client.key.as_str())]
    {
        is_turned_away(get(&practice, path, key).await, "wrong_keys").await;
    }
    assert_eq!(practice.client.get("/v1/models").await.0, 200);
    operator.get_text("/metrics").await;
    practice.settle().await;
}

#[tokio::test]
async fn nodes_that_connect_too_often_from_one_address_are_told_to_wait() {
    let practice = limited(LimitPolicy { address_node_connections: few(2), ..LimitPolicy::default() }).await;
    let (_first, _second) = (open(practice.address()).await, open(practice.address()).await);
    let url = format!("ws://{}/node/v1", practice.address());
    let refused = tokio_tungstenite::connect_async(url).await.unwrap_err();
    let tokio_tungstenite::tungstenite::Error::Http(response) = refused else { panic!("{refused}") };
    assert_eq!(response.status().as_u16(), 429);
    assert!(response.headers().contains_key("retry-after"));
    practice.settle().await;
}

#[tokio::test]
async fn this_machine_is_not_limited_unless_the_policy_says_so() {
    let limits = LimitPolicy {
        key_requests: few(1),
        address_requests: few(1),
        address_wrong_keys: few(1),
        address_node_connections: few(1),
        address_connections: NonZeroU32::MIN,
        ..LimitPolicy::default()
    };
    let practice = Practice::with(Policy { limits, ..Policy::default() }).await;
    for _ in 0..3 {
        assert_eq!(practice.client.get("/v1/models").await.0, 200);
        assert_eq!(get(&practice, "/v1/models", "sk-guess").await.status(), 401);
    }
    let (_first, _second) = (open(practice.address()).await, open(practice.address()).await);
    practice.settle().await;
}

/// Everything that the router says until it ends the connection.
async fn rest(mut connection: TcpStream) -> String {
    let mut answer = Vec::new();
    // The end may be an abrupt one.
    let _ = soon("the end of the connection", connection.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn connect(address: SocketAddr, said: &[u8]) -> TcpStream {
    let mut connection = TcpStream::connect(address).await.unwrap();
    // It may be closed while it is written to.
    let _ = connection.write_all(said).await;
    connection
}

#[tokio::test]
async fn how_long_a_head_may_take_is_as_the_policy_says() {
    let head_seconds = NonZeroU64::MIN;
    let limits = LimitPolicy { head_seconds, ..LimitPolicy::default() };
    let practice = Practice::with(Policy { limits, ..Policy::default() }).await;
    let slow = rest(connect(practice.address(), b"GET /health HTTP/1.1\r\nhost: ").await).await;
    assert!(!slow.contains(" 200 "), "{slow}");
    practice.settle().await;
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_until_one_ends() {
    let limits = LimitPolicy { connections: NonZeroU32::new(2).unwrap(), ..LimitPolicy::default() };
    let practice = Practice::with(Policy { limits, ..Policy::default() }).await;
    let (node, _challenge) = open(practice.address()).await;
    let (other, _challenge) = open(practice.address()).await;
    let asked = b"GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let mut waiting = connect(practice.address(), asked).await;
    let mut byte = [0];
    // Both places are taken by nodes' connections, long after their requests were answered.
    let early = tokio::time::timeout(std::time::Duration::from_millis(300), waiting.read(&mut byte)).await;
    assert!(early.is_err(), "{early:?}");
    drop(node);
    assert!(rest(waiting).await.contains(" 200 "));
    drop(other);
    practice.settle().await;
}

#[tokio::test]
async fn one_address_cannot_take_every_connection() {
    let limits = LimitPolicy { address_connections: NonZeroU32::new(2).unwrap(), ..LimitPolicy::default() };
    let practice = limited(limits).await;
    let (node, _challenge) = open(practice.address()).await;
    let (_other, _challenge) = open(practice.address()).await;
    assert_eq!(rest(connect(practice.address(), b"").await).await, "");
    drop(node);
    let served = async {
        loop {
            let asked = b"GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
            if rest(connect(practice.address(), asked).await).await.contains(" 200 ") {
                return;
            }
        }
    };
    soon("a free place", served).await;
    practice.settle().await;
}
