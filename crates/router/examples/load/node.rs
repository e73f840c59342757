//! Nodes that speak the protocol and run no model.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use cortensor_protocol::{
    ArtifactDigest, Assignment, Challenge, Commit, DeviceKind, FinishReason, HardwareSummary, Heartbeat, Hello, Mode,
    ModelId, NodeMessage, Offer, PROTOCOL_VERSION, Precision, Precommit, Prompt, RouterMessage, StreamedToken,
    TaskKind, commitment, registration_text,
};
use futures::{SinkExt as _, StreamExt as _, TryStreamExt as _};
use hdrhistogram::Histogram;
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, interval, sleep},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config, tungstenite::Message};

use super::Outcome;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The model that every simulated node offers.
pub(crate) const MODEL: &str = "simulated";
/// How a prompt begins that says when its request was due.
pub(crate) const DUE: &str = "due at microsecond ";
const SLOTS: u32 = 2;
/// Nodes that join at a time.
const JOINING: usize = 64;
/// An answer to a user: so many messages, so far apart, of so many tokens each.
const BATCHES: u32 = 4;
const BATCH_TOKENS: u32 = 4;
const BATCH_TIME: Duration = Duration::from_millis(50);

/// Where nodes write down how long tasks took to reach them.
pub(crate) struct Board {
    pub(crate) started: Instant,
    dispatch: Mutex<Histogram<u64>>,
}

impl Board {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), dispatch: Mutex::new(histogram()) }
    }

    /// What was written down since the last time, in microseconds.
    pub(crate) fn take(&self) -> Histogram<u64> {
        std::mem::replace(&mut self.dispatch.lock().unwrap_or_else(PoisonError::into_inner), histogram())
    }

    /// A task is here; its prompt says when its request was due.
    fn arrived(&self, assignment: &Assignment) {
        let due = text(&assignment.prompt).strip_prefix(DUE).and_then(|due| due.parse().ok());
        let Some(due) = due.map(Duration::from_micros) else { return };
        let took = self.started.elapsed().saturating_sub(due);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.dispatch.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(micros);
    }
}

/// Of microseconds, to three digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(600_000_000, 3).unwrap_or_else(|_| unreachable!("the bounds are sound"))
}

/// Connects nodes and waits until each has passed its first test.
pub(crate) async fn join(nodes: &mut JoinSet<()>, url: &str, count: usize, board: &Arc<Board>) -> Outcome<()> {
    let joining = futures::stream::iter(0..count).map(|_| connect(url)).buffer_unordered(JOINING);
    let mut joining = std::pin::pin!(joining);
    let mut tested = Vec::new();
    while let Some(node) = joining.try_next().await? {
        let (passed, ready) = oneshot::channel();
        let board = Arc::clone(board);
        nodes.spawn(async move { node.work(&board, passed).await });
        tested.push(ready);
        // So that no more than a few wait for their tests at a time, as they would join in practice.
        if tested.len() >= JOINING {
            futures::future::try_join_all(tested.drain(..)).await.map_err(|_| "a node was let go before its test")?;
        }
    }
    futures::future::try_join_all(tested).await.map_err(|_| "a node was let go before its test")?;
    Ok(())
}

struct Node {
    signer: PrivateKeySigner,
    socket: Socket,
    heartbeat: Duration,
}

async fn connect(url: &str) -> Outcome<Node> {
    let signer = PrivateKeySigner::random();
    let (mut socket, _) = connect_async_with_config(url, None, true).await?;
    let RouterMessage::Challenge(challenge) = read(&mut socket).await? else { return Err("no challenge came".into()) };
    say(&mut socket, &NodeMessage::Hello(hello(&signer, &challenge)?)).await?;
    let RouterMessage::Welcome(welcome) = read(&mut socket).await? else { return Err("not welcome".into()) };
    say(&mut socket, &NodeMessage::Offers { offers: vec![offer()] }).await?;
    Ok(Node { signer, socket, heartbeat: Duration::from_millis(welcome.heartbeat_ms) })
}

fn hello(signer: &PrivateKeySigner, challenge: &Challenge) -> Outcome<Hello> {
    let address = signer.address();
    let text = registration_text(&challenge.network, &challenge.nonce, PROTOCOL_VERSION, &address);
    Ok(Hello {
        version: PROTOCOL_VERSION,
        address,
        signature: sign(signer, &text)?,
        software: "simulated".to_owned(),
        hardware: HardwareSummary::default(),
        last_settlement: 0,
    })
}

fn offer() -> Offer {
    Offer {
        model: ModelId::new(MODEL),
        precision: Precision::Q8_0,
        artifact: ArtifactDigest::new([7; 32]),
        context_tokens: 4096,
        parameters: 135_000_000,
        slots: SLOTS,
        mode: Mode::Volume,
        device: DeviceKind::Processor,
    }
}

impl Node {
    /// Until the connection ends.
    async fn work(mut self, board: &Board, passed: oneshot::Sender<()>) {
        let (saying, mut said) = mpsc::channel(64);
        let mut heartbeat = interval(self.heartbeat);
        let mut passed = Some(passed);
        loop {
            let sent = tokio::select! {
                message = read(&mut self.socket) => {
                    let Ok(message) = message else { return };
                    self.hear(message, board, &saying, &mut passed);
                    Ok(())
                }
                Some(message) = said.recv() => say(&mut self.socket, &message).await,
                _ = heartbeat.tick() => say(&mut self.socket, &NodeMessage::Heartbeat(Heartbeat::default())).await,
            };
            if sent.is_err() {
                return;
            }
        }
    }

    fn hear(
        &self,
        message: RouterMessage,
        board: &Board,
        saying: &mpsc::Sender<NodeMessage>,
        passed: &mut Option<oneshot::Sender<()>>,
    ) {
        match message {
            RouterMessage::Assign(assignment) => {
                board.arrived(&assignment);
                tokio::spawn(answer(*assignment, self.signer.clone(), saying.clone()));
            }
            RouterMessage::Tier(report) if report.tier.is_some() => {
                if let Some(passed) = passed.take() {
                    let _ = passed.send(());
                }
            }
            _ => {}
        }
    }
}

/// Answers a test at once with its own question, and a user as slowly as a model would.
async fn answer(assignment: Assignment, signer: PrivateKeySigner, saying: mpsc::Sender<NodeMessage>) {
    let attempt = assignment.attempt;
    let _ = saying.send(NodeMessage::Ack { attempt }).await;
    let (batches, time) = match assignment.kind {
        TaskKind::User => (BATCHES, BATCH_TIME),
        TaskKind::NetworkTest => (1, Duration::ZERO),
    };
    let given = u32::try_from(assignment.continue_after.len()).unwrap_or(u32::MAX);
    let room = assignment.sampling.max_tokens.saturating_sub(given);
    let mut tokens = Vec::new();
    for batch in 0..batches {
        sleep(time).await;
        let ids: Vec<_> = (batch * BATCH_TOKENS..(batch + 1) * BATCH_TOKENS).take_while(|id| *id < room).collect();
        let token = |id: &u32| StreamedToken { id: *id, text: format!(" {id}"), logprob: None };
        let _ = saying.send(NodeMessage::Tokens { attempt, tokens: ids.iter().map(token).collect() }).await;
        tokens.extend(ids);
    }
    let hash = commitment(&signer.address(), attempt.task, &assignment.artifact, &tokens);
    let Ok(signature) = sign(&signer, &hash) else { return };
    let _ = saying.send(NodeMessage::Precommit(Precommit { attempt, hash, signature })).await;
    let whole = batches * BATCH_TOKENS <= room;
    let finish = if whole { FinishReason::Stop } else { FinishReason::Length };
    let commit = Commit { attempt, tokens, finish, prompt_tokens: 1, first_token_ms: 50, total_ms: 200 };
    let _ = saying.send(NodeMessage::Commit(commit)).await;
}

fn text(prompt: &Prompt) -> &str {
    match prompt {
        Prompt::Text { text } => text,
        Prompt::Chat { messages } => messages.last().map_or("", |message| message.content.as_str()),
        Prompt::Tokens { .. } => "",
    }
}

/// An EIP-191 signature as the protocol writes it.
pub(crate) fn sign(signer: &PrivateKeySigner, text: &str) -> Outcome<String> {
    Ok(format!("0x{}", hex::encode(signer.sign_message_sync(text.as_bytes())?.as_bytes())))
}

async fn say(socket: &mut Socket, message: &NodeMessage) -> Outcome<()> {
    Ok(socket.send(Message::text(serde_json::to_string(message)?)).await?)
}

async fn read(socket: &mut Socket) -> Outcome<RouterMessage> {
    loop {
        match socket.next().await.ok_or("the connection ended")?? {
            Message::Text(text) => return Ok(serde_json::from_str(&text)?),
            Message::Close(_) => return Err("the router ended the connection".into()),
            _ => {}
        }
    }
}
