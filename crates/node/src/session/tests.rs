use cortensor_protocol::{
    ArtifactDigest, Assignment, AttemptId, Challenge, Counters, Level, Prompt, RouterMessage, SUPPORTED_VERSIONS,
    Sampling, Standing, TaskId, TaskKind, Welcome,
};
use futures::{SinkExt as _, StreamExt as _};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};

use super::*;

/// Far longer than anything here takes: a test that waits for this has failed.
async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), future).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

/// A port for a router whose receive buffers are small.
fn listen() -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket.listen(8).unwrap()
}

async fn node(router: &TcpListener) -> (TempDir, Node) {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(NodeConfig {
        router: format!("ws://{}/node/v1", router.local_addr().unwrap()),
        if_absent: None,
        identity: Identity::ephemeral(),
        ledger: Ledger::open(&folder.path().join("ledger.sqlite")).await.unwrap(),
        software: "test".to_owned(),
        hardware: HardwareSummary::default(),
        keep_prompts: Arc::default(),
        load: Arc::new(|| (0.0, 0)),
    });
    (folder, node)
}

/// Takes the node in, as any router would.
async fn register(router: &TcpListener, heartbeat_ms: u64) -> WebSocketStream<TcpStream> {
    let (stream, _) = soon("a connection", router.accept()).await.unwrap();
    let mut socket = accept_async(stream).await.unwrap();
    let challenge = Challenge {
        versions: SUPPORTED_VERSIONS.to_vec(),
        network: "practice".to_owned(),
        ledger: "ledger".to_owned(),
        nonce: "nonce".to_owned(),
    };
    socket.send(text(&RouterMessage::Challenge(challenge))).await.unwrap();
    soon("a hello", socket.next()).await.unwrap().unwrap();
    let welcome = Welcome { router: "router".to_owned(), heartbeat_ms, tier: None, prices: None };
    socket.send(text(&RouterMessage::Welcome(welcome))).await.unwrap();
    socket
}

fn text(message: &RouterMessage) -> Message {
    Message::text(serde_json::to_string(message).unwrap())
}

/// A task that a node without a model refuses.
fn assignment() -> RouterMessage {
    RouterMessage::Assign(Box::new(Assignment {
        attempt: AttemptId { task: TaskId(uuid::Uuid::nil()), number: 1 },
        kind: TaskKind::User,
        artifact: ArtifactDigest::new([0; 32]),
        prompt: Prompt::user("hi"),
        sampling: Sampling::greedy(1),
        continue_after: Vec::new(),
        precommit_within_ms: 1_000,
    }))
}

#[tokio::test]
async fn a_router_that_reads_nothing_any_more_is_lost_and_the_node_can_be_stopped() {
    let router = listen();
    let (_folder, node) = node(&router).await;
    let mut frozen = register(&router, 10_000).await;
    let task = text(&assignment());
    // Until the node does not read either, because its answers do not go out.
    while timeout(Duration::from_secs(1), frozen.send(task.clone())).await.is_ok() {}
    tokio::time::pause();
    let mut state = node.state();
    let lost = |state: &NodeState| matches!(&state.connection, Connection::Offline { reason, .. } if reason.contains("read nothing") || reason.contains("silent"));
    soon("the loss", state.wait_for(lost)).await.unwrap();
    soon("the stop", node.stop()).await;
}

#[tokio::test]
async fn where_the_node_stands_is_what_this_router_said_last() {
    let router = listen();
    let (_folder, node) = node(&router).await;
    let mut state = node.state();
    let mut socket = register(&router, 10_000).await;
    for number in [3, 4] {
        let standing = Standing {
            level: Level::new(number).unwrap(),
            progress: None,
            streak: 0,
            best_streak: 0,
            counters: Counters::default(),
            last_tests: Vec::new(),
            cool_down_until: None,
            next_step: String::new(),
            step: None,
        };
        socket.send(text(&RouterMessage::Standing(Box::new(standing.clone())))).await.unwrap();
        soon("the standing", state.wait_for(|state| state.standing.as_ref() == Some(&standing))).await.unwrap();
    }
    drop(socket);
    let _again = register(&router, 10_000).await;
    soon("another router's silence", state.wait_for(|state| state.standing.is_none())).await.unwrap();
    node.stop().await;
}

#[test]
fn retries_slow_down_to_half_a_minute() {
    for (attempt, least, most) in [(0, 430, 570), (1, 870, 1_130), (4, 7_000, 9_000), (60, 26_000, 34_000)] {
        let wait = retry_after(&Ended::Closed, attempt).as_millis();
        assert!((least..=most).contains(&wait), "{attempt}: {wait}");
    }
}

#[tokio::test]
async fn a_connection_that_never_lasts_is_tried_less_and_less_often() {
    let router = listen();
    let (_folder, node) = node(&router).await;
    let mut state = node.state();
    let mut waits = Vec::new();
    for _ in 0..3 {
        drop(register(&router, 10_000).await);
        let offline = |state: &NodeState| matches!(state.connection, Connection::Offline { .. });
        let lost = soon("the loss", state.wait_for(offline)).await.unwrap().clone();
        let Connection::Offline { retry_at, .. } = lost.connection else { panic!("{lost:?}") };
        waits.push(retry_at.since(wall_time()));
    }
    assert!(waits.is_sorted() && waits[2] > Duration::from_millis(1_200), "{waits:?}");
    node.stop().await;
}

#[test]
fn where_nothing_answers_it_is_said_what_to_do_if_that_is_known() {
    let says = |ended: Ended, if_absent| match offline(&ended, if_absent, Duration::ZERO) {
        Connection::Offline { reason, .. } => reason,
        other => panic!("{other:?}"),
    };
    let away = || Ended::Unreachable("refused".to_owned());
    assert_eq!(says(away(), Some("start it")), "start it");
    assert!(says(away(), None).contains("refused"));
    assert!(says(Ended::Silent, Some("start it")).contains("silent"), "something answered");
}

#[test]
fn an_absurd_heartbeat_is_not_followed_to_the_letter() {
    for (asked, milliseconds) in [(0, 100), (10_000, 10_000), (u64::MAX, 60_000)] {
        assert_eq!(connection::heartbeat_period(asked), Duration::from_millis(milliseconds));
    }
}
