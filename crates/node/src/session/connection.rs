//! One connection, from the first word to the last.

use std::{collections::HashMap, sync::Arc, time::Duration};

use cortensor_protocol::{
    Assignment, AttemptId, CancelReason, Heartbeat, NodeMessage, Offer, RouterMessage, Settlement, Usage,
};
use futures::{SinkExt, StreamExt};
use tokio::{
    net::TcpStream,
    sync::{Notify, broadcast, mpsc, watch},
    task::JoinSet,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep_until, timeout},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{self, Message, protocol::WebSocketConfig},
};
use tokio_util::sync::CancellationToken;

use super::{
    Connection, Ended, NodeConfig, NodeEvent, NodeState, handshake,
    unkept::Unkept,
    worker::{Cancellation, Worker},
};
use crate::LedgerError;

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// How long the router may take to read one message.
const WRITE: Duration = Duration::from_secs(10);
/// How long leaving may take.
const PARTING: Duration = Duration::from_secs(3);
const LARGEST_MESSAGE: usize = 4 << 20;
/// Heartbeats are not further apart, nor closer together, whatever the router asks for.
const LONGEST_PERIOD: Duration = Duration::from_secs(60);
const SHORTEST_PERIOD: Duration = Duration::from_millis(100);
/// Heartbeats without a word from the router after which the connection counts as lost.
const SILENT_HEARTBEATS: u32 = 3;

/// Connects, registers and works until the connection ends (`Err`) or `stop` is cancelled (`Ok`).
pub(super) async fn run(
    config: &NodeConfig,
    state: &watch::Sender<NodeState>,
    events: &broadcast::Sender<NodeEvent>,
    stop: &CancellationToken,
    hand_back: &Notify,
) -> Result<(), Ended> {
    let opened = tokio::select! {
        opened = open(config, state) => opened?,
        () = stop.cancelled() => return Ok(()),
    };
    let (socket, ledger_name, heartbeat) = opened;
    let mut session = Session::new(config, state, events, socket, ledger_name);
    let ended = session.work(heartbeat, stop, hand_back).await;
    session.lay_down().await;
    ended
}

async fn open(config: &NodeConfig, state: &watch::Sender<NodeState>) -> Result<(Socket, String, Interval), Ended> {
    let limits = WebSocketConfig::default().max_message_size(Some(LARGEST_MESSAGE));
    let connecting = connect_async_with_config(config.router.as_str(), Some(limits), true);
    let connected = timeout(CONNECT_DEADLINE, connecting).await;
    let connected = connected.map_err(|_| Ended::Unreachable("no answer in 10 s".to_owned()))?;
    let (mut socket, _) = connected.map_err(|error| Ended::Unreachable(error.to_string()))?;
    let (challenge, welcome) = handshake::register(&mut socket, config).await?;
    tracing::info!(router = welcome.router, network = challenge.network, "registered");
    let mut heartbeat = interval(heartbeat_period(welcome.heartbeat_ms));
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    state.send_modify(|state| {
        state.connection = Connection::Connected { router: welcome.router, network: challenge.network };
        state.tier = welcome.tier;
        state.standing = None;
        state.prices = welcome.prices;
        state.forget_committed();
        state.testing = None;
        state.trouble = None;
        state.rest();
    });
    Ok((socket, challenge.ledger, heartbeat))
}

pub(super) fn heartbeat_period(asked_ms: u64) -> Duration {
    Duration::from_millis(asked_ms).clamp(SHORTEST_PERIOD, LONGEST_PERIOD)
}

struct Session<'a> {
    config: &'a NodeConfig,
    state: &'a watch::Sender<NodeState>,
    events: &'a broadcast::Sender<NodeEvent>,
    socket: Socket,
    ledger_name: String,
    workers: JoinSet<(AttemptId, Option<Usage>)>,
    cancels: HashMap<AttemptId, Cancellation>,
    outgoing: mpsc::Receiver<NodeMessage>,
    sender: mpsc::Sender<NodeMessage>,
    offered: Option<Vec<Offer>>,
    heard: Instant,
    unkept: Unkept,
}

impl<'a> Session<'a> {
    fn new(
        config: &'a NodeConfig,
        state: &'a watch::Sender<NodeState>,
        events: &'a broadcast::Sender<NodeEvent>,
        socket: Socket,
        ledger_name: String,
    ) -> Self {
        let (sender, outgoing) = mpsc::channel(64);
        Self {
            config,
            state,
            events,
            socket,
            ledger_name,
            workers: JoinSet::new(),
            cancels: HashMap::new(),
            outgoing,
            sender,
            offered: None,
            heard: Instant::now(),
            unkept: Unkept::default(),
        }
    }

    async fn work(
        &mut self,
        mut heartbeat: Interval,
        stop: &CancellationToken,
        hand_back: &Notify,
    ) -> Result<(), Ended> {
        let mut changes = self.state.subscribe();
        // Heard from here on, whatever is done meanwhile.
        let mut handing_back = std::pin::pin!(hand_back.notified());
        handing_back.as_mut().enable();
        self.offer().await?;
        loop {
            tokio::select! {
                frame = self.socket.next() => {
                    self.heard = Instant::now();
                    if let Some(message) = parse(frame)? {
                        self.hear(message).await?;
                    }
                }
                Some(message) = self.outgoing.recv() => send(&mut self.socket, &message).await?,
                Some(ended) = self.workers.join_next() => self.ended(ended),
                Ok(()) = changes.changed() => self.offer().await?,
                () = sleep_until(self.unkept.next_try()), if !self.unkept.is_empty() => self.keep().await?,
                _ = heartbeat.tick() => self.beat(heartbeat.period()).await?,
                () = &mut handing_back => {
                    let _ = timeout(PARTING, self.leave()).await;
                    return Err(Ended::HandedBack);
                }
                () = stop.cancelled() => return timeout(PARTING, self.leave()).await.unwrap_or(Ok(())),
            }
        }
    }

    async fn hear(&mut self, message: RouterMessage) -> Result<(), Ended> {
        match message {
            RouterMessage::Assign(assignment) => self.assigned(*assignment).await,
            RouterMessage::Cancel { attempt, reason } => {
                self.cancel(attempt, reason);
                Ok(())
            }
            RouterMessage::Settlement(settlement) => self.settled(settlement).await,
            RouterMessage::Testing { done, total } => {
                self.state.send_modify(|state| state.testing = Some((done, total)));
                Ok(())
            }
            RouterMessage::Tier(report) => {
                self.state.send_modify(|state| {
                    state.tier = Some(report);
                    state.testing = None;
                });
                Ok(())
            }
            RouterMessage::Standing(standing) => {
                self.state.send_modify(|state| state.standing = Some(*standing));
                Ok(())
            }
            RouterMessage::Rejected(rejection) => Err(Ended::Rejected(rejection)),
            RouterMessage::Challenge(_) | RouterMessage::Welcome(_) => Err(Ended::Unintelligible),
        }
    }

    async fn assigned(&mut self, assignment: Assignment) -> Result<(), Ended> {
        let attempt = assignment.attempt;
        let mut begun = None;
        self.state.send_modify(|state| begun = Some(state.begin(&assignment)));
        let serving = match begun {
            Some(Ok(serving)) => serving,
            Some(Err(reason)) => return send(&mut self.socket, &NodeMessage::Refuse { attempt, reason }).await,
            None => return Ok(()),
        };
        send(&mut self.socket, &NodeMessage::Ack { attempt }).await?;
        let cancellation = Cancellation::default();
        self.cancels.insert(attempt, cancellation.clone());
        let worker = Worker {
            assignment,
            model: serving.model,
            identity: self.config.identity.clone(),
            outgoing: self.sender.clone(),
            cancellation,
            state: self.state.clone(),
            events: self.events.clone(),
            ledger: self.config.ledger.clone(),
            keep_prompts: Arc::clone(&self.config.keep_prompts),
        };
        self.workers.spawn(worker.run());
        Ok(())
    }

    fn cancel(&mut self, attempt: AttemptId, reason: CancelReason) {
        if let Some(cancellation) = self.cancels.get(&attempt) {
            cancellation.cancel(reason);
        }
        // The router gave the slot to the next attempt with this message; that must not find it taken.
        if reason == CancelReason::TooLate {
            self.state.send_modify(|state| state.end(attempt, None));
        }
    }

    fn ended(&mut self, ended: Result<(AttemptId, Option<Usage>), tokio::task::JoinError>) {
        match ended {
            Ok((attempt, served)) => {
                self.cancels.remove(&attempt);
                self.state.send_modify(|state| state.end(attempt, served));
            }
            Err(error) => tracing::error!(%error, "a task ended badly"),
        }
    }

    async fn settled(&mut self, settlement: Settlement) -> Result<(), Ended> {
        let others_wait = !self.unkept.is_empty();
        self.unkept.push(settlement)?;
        if others_wait { Ok(()) } else { self.keep().await }
    }

    /// Writes the oldest settlement down; it is acknowledged only once it is on disk. If more wait, it is time for the
    /// next at once: a slow disk must not keep the connection from being read.
    async fn keep(&mut self) -> Result<(), Ended> {
        let Some(settlement) = self.unkept.oldest() else { return Ok(()) };
        let sequence = settlement.sequence;
        match self.config.ledger.record(&self.ledger_name, settlement).await {
            Ok(new) => {
                self.kept(new);
                send(&mut self.socket, &NodeMessage::SettledUpTo { sequence }).await
            }
            Err(error) => {
                self.not_kept(&error);
                Ok(())
            }
        }
    }

    fn kept(&mut self, new: bool) {
        let kept = self.unkept.kept();
        if let Some(settlement) = &kept {
            self.state.send_if_modified(|state| state.settled(settlement.task));
        }
        if let Some(settlement) = kept.filter(|_| new) {
            let _ = self.events.send(NodeEvent::Settled(settlement));
        }
        let over = self.unkept.is_empty();
        self.state.send_if_modified(|state| over && state.trouble.take().is_some());
    }

    /// What cannot be written down is not to be earned either: nothing is offered until it can.
    fn not_kept(&mut self, error: &LedgerError) {
        let source = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        self.unkept.wait();
        let trouble = Some(format!("{error} ({source})"));
        let is_new = self.state.send_if_modified(|state| {
            let before = std::mem::replace(&mut state.trouble, trouble);
            state.trouble != before
        });
        if is_new {
            tracing::error!(%error, source, "a settlement is not in the ledger yet");
        }
    }

    /// Sends the offers if they are other than the last ones.
    async fn offer(&mut self) -> Result<(), Ended> {
        let offers = self.state.borrow().offers();
        if self.offered.as_ref() == Some(&offers) {
            return Ok(());
        }
        self.offered = Some(offers.clone());
        send(&mut self.socket, &NodeMessage::Offers { offers }).await
    }

    async fn beat(&mut self, period: Duration) -> Result<(), Ended> {
        if self.heard.elapsed() > period * SILENT_HEARTBEATS {
            return Err(Ended::Silent);
        }
        let (cpu_load, free_memory_bytes) = (self.config.load)();
        let heartbeat = Heartbeat { running: self.state.borrow().running(), cpu_load, free_memory_bytes };
        send(&mut self.socket, &NodeMessage::Heartbeat(heartbeat)).await?;
        write(&mut self.socket, Message::Ping(Vec::new().into())).await
    }

    /// Says what is still to be said (a commit may be on its way), then goodbye.
    async fn leave(&mut self) -> Result<(), Ended> {
        while let Ok(message) = self.outgoing.try_recv() {
            send(&mut self.socket, &message).await?;
        }
        send(&mut self.socket, &NodeMessage::Goodbye).await?;
        let _ = self.socket.close(None).await;
        Ok(())
    }

    /// Gives up what still runs: the router has it again.
    async fn lay_down(&mut self) {
        self.cancels.values().for_each(|cancellation| cancellation.cancel(CancelReason::TooLate));
        self.outgoing.close();
        while let Some(ended) = self.workers.join_next().await {
            self.ended(ended.map(|(attempt, _)| (attempt, None)));
        }
    }
}

/// The router's next message.
pub(super) async fn receive(socket: &mut Socket) -> Result<RouterMessage, Ended> {
    loop {
        if let Some(message) = parse(socket.next().await)? {
            return Ok(message);
        }
    }
}

/// What a frame says; `None` for pings and pongs, which the library answers.
fn parse(frame: Option<Result<Message, tungstenite::Error>>) -> Result<Option<RouterMessage>, Ended> {
    match frame {
        Some(Ok(Message::Text(text))) => serde_json::from_str(&text).map(Some).map_err(|error| {
            tracing::error!(%error, "the router said what this version does not understand");
            Ended::Unintelligible
        }),
        Some(Ok(Message::Close(_))) | None => Err(Ended::Closed),
        Some(Ok(_)) => Ok(None),
        Some(Err(error)) => Err(Ended::Lost(error.to_string())),
    }
}

/// Says `message` to the router.
pub(super) async fn send(socket: &mut Socket, message: &NodeMessage) -> Result<(), Ended> {
    let text = serde_json::to_string(message).map_err(|error| Ended::Lost(error.to_string()))?;
    write(socket, Message::text(text)).await
}

/// Nothing else is seen to while a message is written, so a router that reads nothing must not take long.
async fn write(socket: &mut Socket, message: Message) -> Result<(), Ended> {
    let written = timeout(WRITE, socket.send(message)).await;
    let written = written.map_err(|_| Ended::Lost(format!("the router has read nothing for {WRITE:?}")))?;
    written.map_err(|error| Ended::Lost(error.to_string()))
}
