//! A node that does as it is told.

use std::{net::SocketAddr, sync::Arc};

use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use cortensor_protocol::{
    ArtifactDigest, Assignment, AttemptId, Challenge, Commit, DeviceKind, FailureReason, FinishReason, HardwareSummary,
    Hello, Mode, ModelId, NodeAddress, NodeMessage, Offer, PROTOCOL_VERSION, Precision, Precommit, Prompt,
    RefusalReason, RouterMessage, Settlement, Standing, StreamedToken, TaskId, TaskKind, TierReport, TokenLogprob,
    Welcome, commitment, registration_text,
};
use futures::{SinkExt as _, StreamExt as _};
use tokio::{
    net::TcpStream,
    sync::{Notify, mpsc},
    task::JoinHandle,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config, tungstenite::Message};

use super::soon;

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What a node does with users' tasks. Tests it always answers: the two kinds of question that it knows, and else by
/// saying the question.
#[derive(Clone)]
pub(crate) struct Behaviour {
    pub(crate) pieces: Vec<&'static str>,
    /// After this many pieces of an answer it waits for `go_on`, or for a cancel.
    pub(crate) pause_after: Option<usize>,
    pub(crate) go_on: Arc<Notify>,
    pub(crate) fault: Fault,
    pub(crate) offer: Offer,
    pub(crate) last_settlement: u64,
    /// Answers the network's questions with nonsense.
    pub(crate) fails_tests: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Fault {
    #[default]
    None,
    /// Binds itself to other tokens than it sent.
    WrongHash,
    /// Commits other tokens than it sent.
    WrongTokens,
    /// Signs with another key.
    WrongSigner,
    /// Claims more prompt tokens than there can be.
    Boasts,
    /// Says no.
    Refuses,
    /// Takes the task and fails.
    Fails(FailureReason),
    /// Says nothing at all.
    Silent,
    /// Is held up: what it says to its first attempt at a task comes with the second.
    HeldUp,
    /// Speaks of an attempt that nobody made.
    Invents,
    /// Sends a book as the text of one token.
    Floods,
    /// Sends log-probabilities that nobody asked for.
    Volunteers,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            pieces: vec!["Hel", "lo", ", ", "world"],
            pause_after: None,
            go_on: Arc::default(),
            fault: Fault::None,
            offer: offer("m", Precision::F16, 1),
            last_settlement: 0,
            fails_tests: false,
        }
    }
}

pub(crate) fn offer(model: &str, precision: Precision, slots: u32) -> Offer {
    let mut digest = [0; 32];
    digest[..model.len()].copy_from_slice(model.as_bytes());
    digest[31] = precision as u8;
    Offer {
        model: ModelId::new(model),
        precision,
        artifact: ArtifactDigest::new(digest),
        context_tokens: 2048,
        parameters: 135_000_000,
        slots,
        mode: Mode::Precision,
        device: DeviceKind::Processor,
    }
}

pub(crate) fn signer(number: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_slice(&[number; 32]).unwrap()
}

pub(crate) fn sign(signer: &PrivateKeySigner, text: &str) -> String {
    format!("0x{}", hex::encode(signer.sign_message_sync(text.as_bytes()).unwrap().as_bytes()))
}

/// Connects and reads the challenge.
pub(crate) async fn open(address: SocketAddr) -> (Socket, Challenge) {
    let (mut socket, _) = connect_async_with_config(format!("ws://{address}/node/v1"), None, true).await.unwrap();
    match read(&mut socket).await {
        Some(RouterMessage::Challenge(challenge)) => (socket, challenge),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn hello(challenge: &Challenge, number: u8) -> Hello {
    let signer = signer(number);
    let address = signer.address();
    let text = registration_text(&challenge.network, &challenge.nonce, PROTOCOL_VERSION, &address);
    Hello {
        version: PROTOCOL_VERSION,
        address,
        signature: sign(&signer, &text),
        software: "fake 1".to_owned(),
        hardware: HardwareSummary::default(),
        last_settlement: 0,
    }
}

pub(crate) async fn say(socket: &mut Socket, message: &NodeMessage) {
    socket.send(Message::text(serde_json::to_string(message).unwrap())).await.unwrap();
}

/// The next message; `None` at the end.
pub(crate) async fn read(socket: &mut Socket) -> Option<RouterMessage> {
    loop {
        match soon("a message", socket.next()).await {
            Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
            Some(Ok(_)) => {}
        }
    }
}

/// A node that works in the background and remembers what it was told.
pub(crate) struct FakeNode {
    pub(crate) address: NodeAddress,
    pub(crate) welcome: Welcome,
    pub(crate) challenge: Challenge,
    pub(crate) go_on: Arc<Notify>,
    heard: mpsc::UnboundedReceiver<RouterMessage>,
    saying: mpsc::UnboundedSender<NodeMessage>,
    running: JoinHandle<()>,
}

/// Connects a node and lets it work.
pub(crate) async fn fake(address: SocketAddr, number: u8, behaviour: Behaviour) -> FakeNode {
    let (mut socket, challenge) = open(address).await;
    let hello = Hello { last_settlement: behaviour.last_settlement, ..hello(&challenge, number) };
    say(&mut socket, &NodeMessage::Hello(hello)).await;
    let Some(RouterMessage::Welcome(welcome)) = read(&mut socket).await else { panic!("not welcome") };
    say(&mut socket, &NodeMessage::Offers { offers: vec![behaviour.offer.clone()] }).await;
    let (telling, heard) = mpsc::unbounded_channel();
    let (saying, said) = mpsc::unbounded_channel();
    let go_on = Arc::clone(&behaviour.go_on);
    let worker = Worker { number, behaviour, saying: saying.clone(), cancelled: Arc::default() };
    let running = tokio::spawn(work(socket, worker, telling, said));
    FakeNode { address: signer(number).address(), welcome, challenge, go_on, heard, saying, running }
}

async fn work(
    mut socket: Socket,
    worker: Worker,
    telling: mpsc::UnboundedSender<RouterMessage>,
    mut said: mpsc::UnboundedReceiver<NodeMessage>,
) {
    loop {
        tokio::select! {
            message = socket.next() => {
                let Some(Ok(message)) = message else { return };
                let Message::Text(text) = message else { continue };
                let message: RouterMessage = serde_json::from_str(&text).unwrap();
                match &message {
                    RouterMessage::Assign(assignment) => {
                        tokio::spawn(worker.clone().serve(assignment.as_ref().clone()));
                    }
                    RouterMessage::Cancel { .. } => worker.cancelled.notify_one(),
                    _ => {}
                }
                if telling.send(message).is_err() { return }
            }
            Some(message) = said.recv() => say(&mut socket, &message).await,
        }
    }
}

impl FakeNode {
    /// The next message that `pick` picks; others are passed over.
    pub(crate) async fn hear<T>(&mut self, what: &str, pick: impl Fn(RouterMessage) -> Option<T>) -> T {
        loop {
            let message = soon(what, self.heard.recv()).await;
            if let Some(picked) = pick(message.unwrap_or_else(|| panic!("the connection ended before {what}"))) {
                return picked;
            }
        }
    }

    pub(crate) async fn tier(&mut self) -> TierReport {
        self.hear("a tier", |message| if let RouterMessage::Tier(report) = message { Some(report) } else { None }).await
    }

    /// Where it stands, as soon as `is` so.
    pub(crate) async fn standing(&mut self, what: &str, is: impl Fn(&Standing) -> bool) -> Standing {
        let wanted = |message| match message {
            RouterMessage::Standing(standing) => Some(*standing).filter(&is),
            _ => None,
        };
        self.hear(what, wanted).await
    }

    pub(crate) async fn settlement(&mut self, kind: TaskKind) -> Settlement {
        self.hear("a settlement", |message| match message {
            RouterMessage::Settlement(settlement) if settlement.kind == kind => Some(settlement),
            _ => None,
        })
        .await
    }

    pub(crate) async fn assignment(&mut self) -> Assignment {
        self.hear("an assignment", |message| match message {
            RouterMessage::Assign(assignment) if assignment.kind == TaskKind::User => Some(*assignment),
            _ => None,
        })
        .await
    }

    pub(crate) fn say(&self, message: NodeMessage) {
        self.saying.send(message).unwrap();
    }

    /// Ends the connection without a word.
    pub(crate) async fn kill(self) {
        self.running.abort();
        let _ = self.running.await;
    }
}

#[derive(Clone)]
struct Worker {
    number: u8,
    behaviour: Behaviour,
    saying: mpsc::UnboundedSender<NodeMessage>,
    cancelled: Arc<Notify>,
}

impl Worker {
    async fn serve(self, assignment: Assignment) {
        let attempt = assignment.attempt;
        if assignment.kind == TaskKind::NetworkTest {
            self.say(NodeMessage::Ack { attempt });
            let text = question(&assignment.prompt);
            let answer = if self.behaviour.fails_tests { "what?" } else { known_answer(&text) };
            let pieces = answer.split_inclusive(' ');
            let tokens: Vec<_> = (0..).zip(pieces).take(assignment.sampling.max_tokens as usize).collect();
            return self.commit(&assignment, self.stream(&assignment, tokens).await, FinishReason::Stop);
        }
        match &self.behaviour.fault {
            Fault::Silent => return,
            Fault::HeldUp if attempt.number == 1 => return,
            Fault::HeldUp => {
                let late = AttemptId { number: 1, ..attempt };
                self.say(NodeMessage::Ack { attempt: late });
                let token = StreamedToken { id: 0, text: "late".to_owned(), logprob: None };
                self.say(NodeMessage::Tokens { attempt: late, tokens: vec![token] });
                self.say(NodeMessage::Ack { attempt });
            }
            Fault::Refuses => return self.say(NodeMessage::Refuse { attempt, reason: RefusalReason::AtCapacity }),
            Fault::Fails(reason) => {
                self.say(NodeMessage::Ack { attempt });
                return self.say(NodeMessage::Failed { attempt, reason: reason.clone() });
            }
            _ => self.say(NodeMessage::Ack { attempt }),
        }
        // The pieces' places in the answer are their ids, so that another node can go on from there.
        let given = assignment.continue_after.len();
        let pieces: Vec<_> = (0..).zip(self.behaviour.pieces.iter().copied()).skip(given).collect();
        let asked = assignment.sampling.max_tokens as usize;
        let most = asked.saturating_sub(given);
        let finish = if pieces.len() > most { FinishReason::Length } else { FinishReason::Stop };
        let wanted = pieces.len().min(most);
        let sent = self.stream(&assignment, pieces.into_iter().take(most).collect()).await;
        let finish = if sent.len() < wanted { FinishReason::Cancelled } else { finish };
        self.commit(&assignment, sent, finish);
    }

    async fn stream(&self, assignment: &Assignment, pieces: Vec<(u32, &str)>) -> Vec<u32> {
        let mut sent = Vec::new();
        for (id, piece) in pieces {
            if assignment.kind == TaskKind::User && self.behaviour.pause_after == Some(id as usize) {
                tokio::select! {
                    () = self.cancelled.notified() => return sent,
                    () = self.behaviour.go_on.notified() => {}
                }
            }
            let fault = if assignment.kind == TaskKind::User { &self.behaviour.fault } else { &Fault::None };
            let asked = assignment.sampling.top_logprobs.is_some() || *fault == Fault::Volunteers;
            let most = if *fault == Fault::Volunteers { 1 } else { assignment.sampling.top_logprobs.unwrap_or(0) };
            let top = [(id, piece.to_owned(), -0.5)].into_iter().take(most.into()).collect();
            let logprob = asked.then_some(TokenLogprob { logprob: -0.5, top });
            let text = piece.repeat(if *fault == Fault::Floods { 1000 } else { 1 });
            let token = StreamedToken { id, text, logprob };
            self.say(NodeMessage::Tokens { attempt: assignment.attempt, tokens: vec![token] });
            sent.push(id);
        }
        sent
    }

    fn commit(&self, assignment: &Assignment, mut tokens: Vec<u32>, finish: FinishReason) {
        let user = assignment.kind == TaskKind::User;
        let fault = if user { self.behaviour.fault.clone() } else { Fault::None };
        let mut attempt = assignment.attempt;
        attempt.number += u32::from(fault == Fault::Invents);
        let mut bound = tokens.clone();
        match fault {
            Fault::WrongHash => bound.push(99),
            Fault::WrongTokens => {
                tokens.push(99);
                bound.push(99);
            }
            _ => {}
        }
        let hash = commitment(&signer(self.number).address(), attempt.task, &assignment.artifact, &bound);
        let key = signer(if fault == Fault::WrongSigner { self.number + 1 } else { self.number });
        self.say(NodeMessage::Precommit(Precommit { attempt, signature: sign(&key, &hash), hash }));
        let prompt_tokens = if fault == Fault::Boasts { 1_000_000 } else { prompt_tokens(&assignment.prompt) };
        self.say(NodeMessage::Commit(Commit {
            attempt,
            tokens,
            finish,
            prompt_tokens,
            first_token_ms: 1,
            total_ms: 2,
        }));
    }

    fn say(&self, message: NodeMessage) {
        // The connection may be over: that is what some tests are about.
        let _ = self.saying.send(message);
    }
}

fn known_answer(question: &str) -> &str {
    let after = |start: &str| question.split_once(start).map(|(_, rest)| rest);
    let mut words = question.split(' ');
    let age = words.find(|word| question.contains("How old is") && word.parse::<u32>().is_ok());
    after("Repeat this number: ").or(after("Repeat this sentence: ")).or(age).unwrap_or(question)
}

fn question(prompt: &Prompt) -> String {
    match prompt {
        Prompt::Chat { messages } => messages[0].content.clone(),
        prompt => prompt.as_text(),
    }
}

/// Hardware that is high-end, or low-end, whatever load the machine is under while it is tested.
pub(crate) fn on(high_end: bool, offer: Offer) -> Offer {
    Offer { parameters: if high_end { 1_000_000_000_000 } else { 1 }, ..offer }
}

/// One token a word.
pub(crate) fn prompt_tokens(prompt: &Prompt) -> u32 {
    u32::try_from(question(prompt).split(' ').count()).unwrap()
}

/// For messages about tasks that do not exist.
pub(crate) fn no_task() -> AttemptId {
    AttemptId { task: TaskId(uuid::Uuid::nil()), number: 1 }
}
