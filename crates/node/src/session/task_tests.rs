//! Tasks over a real socket, from a router that says what it is told.

use std::{path::PathBuf, time::Duration};

use cortensor_engine::{
    Device, Engine as _, LoadOptions,
    scripted::{Script, ScriptedEngine},
};
use cortensor_models::{Artifact, Geometry};
use cortensor_protocol::{
    Assignment, AttemptId, CancelReason, Challenge, Commit, Mode, ModelId, NodeMessage, Precision, Precommit, Prompt,
    RouterMessage, SUPPORTED_VERSIONS, Sampling, TaskId, TaskKind, Welcome,
};
use futures::{FutureExt as _, SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};

use super::*;

/// Far longer than anything here takes: a test that waits for this has failed.
async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

fn artifact(precision: Precision) -> Artifact {
    let geometry = Geometry {
        parameters: 1,
        layers: 1,
        hidden: 1,
        feed_forward: 1,
        heads: 1,
        kv_heads: 1,
        head_width: 1,
        context_tokens: 2048,
        vocabulary: 256,
        tied_embeddings: false,
    };
    let (path, digest) = (PathBuf::new(), ArtifactDigest::new([precision as u8; 32]));
    Artifact { model: ModelId::new("m"), precision, path, digest, bytes: 1, geometry, tokenizer: PathBuf::new() }
}

/// A model that is not done before the test is.
async fn endless(precision: Precision, slots: u32) -> Serving {
    let engine = ScriptedEngine::new(Script::saying(&["on "; 500]).paced(Duration::from_millis(50)));
    let options = LoadOptions { context_tokens: 2048, slots, device: Device::Processor };
    let model = engine.load(&artifact(precision), options, watch::Sender::new(0.0)).await.unwrap();
    Serving { model, mode: Mode::Volume }
}

struct FakeRouter {
    socket: WebSocketStream<TcpStream>,
    node: Node,
    _folder: tempfile::TempDir,
}

impl FakeRouter {
    /// With a node that offers this.
    async fn with(serving: Serving) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = NodeConfig {
            router: format!("ws://{}", listener.local_addr().unwrap()),
            if_absent: None,
            identity: Identity::ephemeral(),
            ledger: Ledger::open(&folder.path().join("ledger.sqlite")).await.unwrap(),
            software: "test".to_owned(),
            hardware: HardwareSummary::default(),
            keep_prompts: Arc::default(),
            load: Arc::new(|| (0.0, 0)),
        };
        let node = Node::start(config);
        node.serve(Some(serving));
        let (stream, _) = soon("a connection", listener.accept()).await.unwrap();
        let mut router = Self { socket: accept_async(stream).await.unwrap(), node, _folder: folder };
        router.welcome().await;
        router
    }

    async fn welcome(&mut self) {
        let text = |text: &str| text.to_owned();
        let (versions, nonce) = (SUPPORTED_VERSIONS.to_vec(), "00".repeat(32));
        let challenge = Challenge { versions, network: text("test"), ledger: text("test"), nonce };
        self.say(RouterMessage::Challenge(challenge)).await;
        self.hear("a hello", |message| matches!(message, NodeMessage::Hello(_)).then_some(())).await;
        self.say(RouterMessage::Welcome(Welcome {
            router: text("test"),
            heartbeat_ms: 60_000,
            tier: None,
            prices: None,
        }))
        .await;
    }

    async fn say(&mut self, message: RouterMessage) {
        self.socket.send(Message::text(serde_json::to_string(&message).unwrap())).await.unwrap();
    }

    /// The next message that `pick` picks; others are passed over.
    async fn hear<T>(&mut self, what: &str, pick: impl Fn(NodeMessage) -> Option<T>) -> T {
        loop {
            let frame = soon(what, self.socket.next()).await.unwrap().unwrap();
            let Message::Text(text) = frame else { continue };
            if let Some(picked) = pick(serde_json::from_str(&text).unwrap()) {
                return picked;
            }
        }
    }

    async fn assign(&mut self, attempt: AttemptId, precision: Precision) {
        let assignment = Assignment {
            attempt,
            kind: TaskKind::User,
            artifact: artifact(precision).digest,
            prompt: Prompt::user("go"),
            sampling: Sampling::greedy(500),
            continue_after: Vec::new(),
            precommit_within_ms: 60_000,
        };
        self.say(RouterMessage::Assign(Box::new(assignment))).await;
    }

    /// Whether it takes an assignment.
    async fn takes(&mut self, attempt: AttemptId, precision: Precision) -> bool {
        self.assign(attempt, precision).await;
        self.hear("an answer", |message| match message {
            NodeMessage::Ack { attempt: acked } if acked == attempt => Some(true),
            NodeMessage::Refuse { attempt: refused, .. } if refused == attempt => Some(false),
            _ => None,
        })
        .await
    }
}

fn attempt(task: u128, number: u32) -> AttemptId {
    AttemptId { task: TaskId(uuid::Uuid::from_u128(task)), number }
}

#[tokio::test]
async fn a_task_that_comes_again_outlives_its_first_attempt_and_hears_its_own_cancel() {
    let serving = endless(Precision::Q8_0, 2).await;
    let artifact = serving.digest();
    let mut router = FakeRouter::with(serving).await;
    let (first, second) = (attempt(1, 1), attempt(1, 2));
    for attempt in [first, second] {
        assert!(router.takes(attempt, Precision::Q8_0).await);
    }
    let mut state = router.node.state();
    assert_eq!(state.borrow().running(), 2);

    router.say(RouterMessage::Cancel { attempt: first, reason: CancelReason::TooLate }).await;
    soon("the end of the first", state.wait_for(|state| state.running() < 2)).await.unwrap();
    router.node.serve(None);
    assert!(router.node.drained(artifact).now_or_never().is_none(), "the second still runs");

    router.say(RouterMessage::Cancel { attempt: second, reason: CancelReason::ClientGone }).await;
    let bound =
        |message| if let NodeMessage::Precommit(Precommit { attempt, .. }) = message { Some(attempt) } else { None };
    assert_eq!(router.hear("a precommit", bound).await, second);
    let committed =
        |message| if let NodeMessage::Commit(Commit { attempt, .. }) = message { Some(attempt) } else { None };
    assert_eq!(router.hear("a commit", committed).await, second);
    soon("the drain", router.node.drained(artifact)).await;
    router.node.stop().await;
}

#[tokio::test]
async fn a_cancelled_attempt_leaves_its_slot_to_the_next_one() {
    let mut router = FakeRouter::with(endless(Precision::Q8_0, 1).await).await;
    for number in 1..20 {
        let attempt = attempt(1, number);
        assert!(router.takes(attempt, Precision::Q8_0).await, "attempt {number}");
        router.say(RouterMessage::Cancel { attempt, reason: CancelReason::TooLate }).await;
    }
    router.node.stop().await;
}

#[tokio::test]
async fn what_runs_on_the_model_before_takes_no_slot_of_the_new_one() {
    let mut router = FakeRouter::with(endless(Precision::Q8_0, 1).await).await;
    assert!(router.takes(attempt(1, 1), Precision::Q8_0).await);
    router.node.serve(Some(endless(Precision::F16, 1).await));
    let offered = |message| if let NodeMessage::Offers { offers } = message { Some(offers[0].precision) } else { None };
    while router.hear("the new offer", offered).await != Precision::F16 {}
    assert!(router.takes(attempt(2, 1), Precision::F16).await);
    assert!(!router.takes(attempt(3, 1), Precision::F16).await, "that model's own slot is taken");
    assert_eq!(router.node.state().borrow().running(), 2);
    router.node.stop().await;
}

#[tokio::test]
async fn a_model_from_which_nothing_comes_is_said_to_hang_and_its_task_goes_back() {
    let engine = ScriptedEngine::new(Script::saying(&["never"]).paced(Duration::from_hours(24)));
    let options = LoadOptions { context_tokens: 2048, slots: 1, device: Device::Processor };
    let model = engine.load(&artifact(Precision::Q8_0), options, watch::Sender::new(0.0)).await.unwrap();
    let mut router = FakeRouter::with(Serving { model, mode: Mode::Volume }).await;
    let mut events = router.node.events();
    assert!(router.takes(attempt(1, 1), Precision::Q8_0).await);
    // Minutes go by at once.
    tokio::time::pause();
    let NodeEvent::BrokeDown(breakdown) = events.recv().await.unwrap() else { panic!("something was settled") };
    tokio::time::resume();
    assert_eq!(breakdown.kind, BreakdownKind::Hung, "{breakdown:?}");
    let failed = |message| matches!(message, NodeMessage::Failed { .. }).then_some(());
    router.hear("the failure", failed).await;
    router.node.stop().await;
}

#[tokio::test]
async fn a_node_is_idle_from_the_connection_on_and_not_while_it_works() {
    let mut router = FakeRouter::with(endless(Precision::Q8_0, 1).await).await;
    let mut state = router.node.state();
    soon("idle", state.wait_for(|state| state.idle_since.is_some())).await.unwrap();
    assert!(router.takes(attempt(1, 1), Precision::Q8_0).await);
    assert_eq!(router.node.state().borrow().idle_since, None);
    router.say(RouterMessage::Cancel { attempt: attempt(1, 1), reason: CancelReason::TooLate }).await;
    soon("idle again", state.wait_for(|state| state.idle_since.is_some())).await.unwrap();
    drop(router.socket);
    let gone = |state: &NodeState| !matches!(state.connection, Connection::Connected { .. });
    let lost = soon("the loss", state.wait_for(gone)).await.unwrap().idle_since;
    assert_eq!(lost, None);
    router.node.stop().await;
}
