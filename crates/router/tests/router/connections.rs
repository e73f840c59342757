//! Connections of nodes: who is let in, and when they end.

use alloy_primitives::{Signature, U256};
use cortensor_protocol::{Heartbeat, Hello, NodeMessage, Rejection, RejectionCode, RouterMessage, registration_text};
use cortensor_router::Policy;
use futures::SinkExt as _;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Practice, fake, hello, no_task, open, read, say, signer, soon};

async fn rejection(socket: &mut crate::support::Socket) -> Rejection {
    loop {
        match read(socket).await {
            Some(RouterMessage::Rejected(rejection)) => return rejection,
            Some(_) => {}
            None => panic!("the connection ended without a reason"),
        }
    }
}

#[tokio::test]
async fn a_node_of_another_version_is_told_both_versions() {
    let practice = Practice::start().await;
    for (version, update) in [(99, "update the router"), (0, "update the node")] {
        let (mut socket, challenge) = open(practice.address()).await;
        assert_eq!(challenge.versions, [1, 2]);
        say(&mut socket, &NodeMessage::Hello(Hello { version, ..hello(&challenge, 1) })).await;
        let rejected = rejection(&mut socket).await;
        assert_eq!(rejected.code, RejectionCode::UnsupportedVersion);
        assert!(rejected.message.contains(&version.to_string()) && rejected.message.contains(update), "{rejected:?}");
    }
    let (mut socket, _) = open(practice.address()).await;
    let unlike = json!({"type": "hello", "version": 3, "identity": {}}).to_string();
    socket.send(Message::text(unlike)).await.unwrap();
    assert_eq!(rejection(&mut socket).await.code, RejectionCode::UnsupportedVersion);
    practice.settle().await;
}

#[tokio::test]
async fn a_stranger_cannot_fill_the_router_with_names() {
    let practice = Practice::start().await;
    for (letters, told) in [(129, "128 characters"), (20_000, "16384 bytes")] {
        let (mut socket, challenge) = open(practice.address()).await;
        let software = "x".repeat(letters);
        say(&mut socket, &NodeMessage::Hello(Hello { software, ..hello(&challenge, 1) })).await;
        let rejected = rejection(&mut socket).await;
        assert_eq!(rejected.code, RejectionCode::ProtocolViolation);
        assert!(rejected.message.contains(told), "{rejected:?}");
    }
    let (_, miners) = practice.client.get("/api/v1/miners").await;
    assert_eq!(miners["stats"]["total_count"], 0, "{miners}");
    practice.settle().await;
}

#[tokio::test]
async fn a_node_must_prove_its_identity_on_this_very_connection() {
    let practice = Practice::start().await;
    let (_first, earlier) = open(practice.address()).await;
    let cases: [fn(Hello) -> Hello; 4] = [
        |honest| Hello { address: signer(2).address(), ..honest },
        |honest| Hello { signature: "0x00".to_owned(), ..honest },
        |honest| Hello { signature: twin(&honest.signature), ..honest },
        |honest| honest,
    ];
    for (number, change) in cases.into_iter().enumerate() {
        let (mut socket, challenge) = open(practice.address()).await;
        assert_ne!(challenge.nonce, earlier.nonce);
        // The last case is a good hello for another connection.
        let nonce = if number == 3 { &earlier } else { &challenge };
        say(&mut socket, &NodeMessage::Hello(change(hello(nonce, 1)))).await;
        assert_eq!(rejection(&mut socket).await.code, RejectionCode::BadSignature);
    }
    let text = registration_text("practice", &earlier.nonce, 1, &signer(1).address());
    assert!(text.contains(&earlier.nonce));
    practice.settle().await;
}

/// The other signature that the same key could have made of the same text: s' = n - s, with the other parity. Whoever
/// saw the first can make it without the key.
fn twin(signature: &str) -> String {
    let order: U256 = "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141".parse().unwrap();
    let signature: Signature = signature.parse().unwrap();
    let twin = Signature::new(signature.r(), order - signature.s(), !signature.v());
    format!("0x{}", hex::encode(twin.as_bytes()))
}

#[tokio::test]
async fn a_hello_that_was_good_once_is_good_for_no_other_connection() {
    let practice = Practice::start().await;
    let (mut socket, challenge) = open(practice.address()).await;
    let hello = NodeMessage::Hello(hello(&challenge, 1));
    say(&mut socket, &hello).await;
    assert!(matches!(read(&mut socket).await, Some(RouterMessage::Welcome(_))));
    for closed in [false, true] {
        if closed {
            socket.close(None).await.unwrap();
        }
        let (mut again, _) = open(practice.address()).await;
        say(&mut again, &hello).await;
        let rejected = rejection(&mut again).await;
        assert_eq!(rejected.code, RejectionCode::BadSignature, "{rejected:?}");
    }
    practice.settle().await;
}

#[tokio::test]
async fn who_says_no_hello_is_let_go() {
    let practice = Practice::with(Policy { handshake_milliseconds: 200, ..Policy::default() }).await;
    let (mut socket, _) = open(practice.address()).await;
    assert_eq!(rejection(&mut socket).await.code, RejectionCode::ProtocolViolation);
    practice.settle().await;
}

#[tokio::test]
async fn of_two_nodes_with_one_identity_the_newer_is_turned_away_while_the_older_lives() {
    let practice = Practice::start().await;
    let node = practice.node(1).await;
    let (mut socket, challenge) = open(practice.address()).await;
    say(&mut socket, &NodeMessage::Hello(hello(&challenge, 1))).await;
    let rejected = rejection(&mut socket).await;
    assert_eq!(rejected.code, RejectionCode::AlreadyConnected);
    assert!(rejected.message.contains(&node.address.to_string()));
    assert_eq!(practice.client.answer(json!({})).await.0, 200);
    practice.settle().await;
}

#[tokio::test]
async fn a_connection_that_answers_no_ping_makes_way_for_the_newer_one() {
    let practice = Practice::with(Policy { ping_milliseconds: 200, ..Policy::default() }).await;
    let (mut dead, challenge) = open(practice.address()).await;
    say(&mut dead, &NodeMessage::Hello(hello(&challenge, 1))).await;
    assert!(matches!(read(&mut dead).await, Some(RouterMessage::Welcome(_))));
    // Nobody reads `dead` from here on, so nobody answers its pings.
    let node = practice.node(1).await;
    assert_eq!(practice.client.answer(json!({})).await.0, 200);
    while let Some(message) = read(&mut dead).await {
        assert!(matches!(message, RouterMessage::Standing(_)), "{message:?}");
    }
    let (_, status) = practice.client.get("/api/v1/status").await;
    assert_eq!(status["connected_miners"], 1);
    drop(node);
    practice.settle().await;
}

#[tokio::test]
async fn a_node_without_heartbeats_is_dropped_and_one_with_them_is_not() {
    let practice = Practice::with(Policy { heartbeat_milliseconds: 300, ..Policy::default() }).await;
    let (mut silent, challenge) = open(practice.address()).await;
    say(&mut silent, &NodeMessage::Hello(hello(&challenge, 1))).await;
    let lively = fake(practice.address(), 2, crate::support::Behaviour::default()).await;
    assert_eq!(lively.welcome.heartbeat_ms, 300);
    let beating = async {
        loop {
            lively.say(NodeMessage::Heartbeat(Heartbeat::default()));
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        () = beating => {}
        rejected = rejection(&mut silent) => assert_eq!(rejected.code, RejectionCode::Silent),
    }
    assert_eq!(practice.client.get("/api/v1/status").await.1["connected_miners"], 1);
    practice.settle().await;
}

#[tokio::test]
async fn messages_that_break_the_protocol_end_the_connection_with_a_reason() {
    let practice = Practice::start().await;
    let second_hello =
        |hello: &Hello| Message::text(serde_json::to_string(&NodeMessage::Hello(hello.clone())).unwrap());
    let cases: [fn(&Hello) -> Message; 4] = [
        |_| Message::text("nonsense"),
        |_| Message::text("{\"type\":\"transfer_everything\"}"),
        |_| Message::binary(vec![1, 2, 3]),
        |_| Message::text(" ".repeat(2 * 1024 * 1024)),
    ];
    let cases = cases.iter().map(|case| case as &dyn Fn(&Hello) -> Message).chain([&second_hello as _]);
    for (number, case) in (1..).zip(cases) {
        let (mut socket, challenge) = open(practice.address()).await;
        let hello = hello(&challenge, number);
        say(&mut socket, &NodeMessage::Hello(hello.clone())).await;
        // A message that is too large may find its connection closed while it is sent.
        let _ = socket.send(case(&hello)).await;
        assert_eq!(rejection(&mut socket).await.code, RejectionCode::ProtocolViolation, "case {number}");
    }
    practice.settle().await;
}

#[tokio::test]
async fn what_a_node_says_of_a_task_that_is_not_its_own_changes_nothing() {
    let practice = Practice::start().await;
    let node = practice.node(1).await;
    node.say(NodeMessage::Ack { attempt: no_task() });
    node.say(NodeMessage::Tokens { attempt: no_task(), tokens: Vec::new() });
    assert_eq!(practice.client.answer(json!({})).await.0, 200);
    practice.settle().await;
}

#[tokio::test]
async fn a_router_that_stops_says_so_to_its_nodes() {
    let practice = Practice::start().await;
    let mut node = practice.node(1).await;
    let stopped = |message| if let RouterMessage::Rejected(rejection) = message { Some(rejection) } else { None };
    let (rejected, ()) =
        soon("the stop", async { tokio::join!(node.hear("a goodbye", stopped), practice.settle()) }).await;
    assert_eq!(rejected.code, RejectionCode::Stopping);
}
