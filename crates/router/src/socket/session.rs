//! A registered node's messages, both ways.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::ws::{Message, WebSocket};
use cortensor_protocol::{
    Commit, EventKind, Heartbeat, LevelSighting, NodeAddress, NodeMessage, Offer, Precommit, REVERSAL_VERSION,
    RejectionCode, RouterMessage, STANDING_VERSION, Settlement, SettlementStatus,
};
use futures::{
    StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, timeout_at},
};

use super::{Ended, handshake::Registered, say, write};
use crate::{
    clock::wall_time,
    context::Context,
    metrics::RefusedAnswer,
    rules::{
        conduct,
        examine::Examiner,
        level::{Failure, LevelEvent},
        pool::{Link, Membership},
    },
    store::StoreError,
};

/// Settlements read from the store at a time.
const PAGE: u32 = 64;
const MOST_OFFERS: usize = 16;
const MOST_SLOTS: u32 = 256;
const LONGEST_MODEL_NAME: usize = 128;
/// Most characters of what is wrong with a message.
const LONGEST_REASON: usize = 200;

pub(super) struct Session<'a> {
    context: &'a Arc<Context>,
    node: NodeAddress,
    /// Of the protocol.
    version: u16,
    member: Membership,
    link: Link,
    outgoing: mpsc::Receiver<RouterMessage>,
    pings: mpsc::Receiver<oneshot::Sender<()>>,
    /// The last settlement that was sent.
    settled: u64,
}

/// Those who wait for a pong.
type Pongs = Mutex<Vec<oneshot::Sender<()>>>;

impl<'a> Session<'a> {
    pub(super) fn new(context: &'a Arc<Context>, registered: Registered) -> Self {
        let Registered { hello, member, link, outgoing, pings } = registered;
        let (node, version) = (hello.address, hello.version);
        Self { context, node, version, member, link, outgoing, pings, settled: hello.last_settlement }
    }

    /// Until one side ends it. The node is out of the pool when this returns.
    pub(super) async fn run(self, socket: &mut WebSocket) -> Ended {
        let Self { context, node, version, member, link, outgoing, pings, settled } = self;
        let (sink, stream) = socket.split();
        let (offers, offered) = watch::channel(Vec::new());
        let pongs = Pongs::default();
        let examiner = Examiner {
            context,
            node,
            member: &member,
            outgoing: link.outgoing.clone(),
            judged: Arc::clone(&link.judged),
            offers: offered,
        };
        let ping_counted = Instant::now();
        let reader = Reader { context, node, member: &member, offers, pongs: &pongs, ping_counted };
        let mut writer = Writer { context, node, version, link: &link, outgoing, pings, pongs: &pongs, settled, sink };
        let ended = tokio::select! {
            ended = reader.run(stream) => ended,
            ended = writer.run() => ended,
            ended = examine(examiner) => ended,
            () = link.dismiss.cancelled() => Ended::Gone,
            () = context.stopping.leaving.cancelled() => Ended::stopping(),
        };
        if matches!(ended, Ended::Rejected(_)) {
            // What was settled last is told before the door closes; if not, it is told next time.
            let _ = writer.send_settlements().await;
        }
        ended
    }
}

async fn examine(examiner: Examiner<'_>) -> Ended {
    match examiner.run().await {
        // The router stops: running tasks go on for a moment.
        Ok(()) => std::future::pending().await,
        Err(error) => in_trouble(&error, "a node could not be tested"),
    }
}

fn in_trouble(error: &StoreError, what: &str) -> Ended {
    tracing::error!(%error, "{what}");
    Ended::rejected(RejectionCode::Stopping, "this router has trouble with its database; try again soon")
}

struct Writer<'a, 'socket> {
    context: &'a Arc<Context>,
    node: NodeAddress,
    version: u16,
    link: &'a Link,
    outgoing: mpsc::Receiver<RouterMessage>,
    pings: mpsc::Receiver<oneshot::Sender<()>>,
    pongs: &'a Pongs,
    settled: u64,
    sink: SplitSink<&'socket mut WebSocket, Message>,
}

impl Writer<'_, '_> {
    async fn run(&mut self) -> Ended {
        loop {
            let written = tokio::select! {
                Some(message) = self.outgoing.recv() => say(&mut self.sink, &message).await,
                Some(pong) = self.pings.recv() => self.send_ping(pong).await,
                () = self.link.settled.notified() => self.send_settlements().await,
                () = self.link.record.notified() => self.send_standing().await,
            };
            if let Err(ended) = written {
                return ended;
            }
        }
    }

    async fn send_ping(&mut self, pong: oneshot::Sender<()>) -> Result<(), Ended> {
        self.pongs.lock().unwrap_or_else(PoisonError::into_inner).push(pong);
        write(&mut self.sink, Message::Ping(axum::body::Bytes::new())).await
    }

    /// Takes over where the node stands by its record, and tells it if it knows the message.
    async fn send_standing(&mut self) -> Result<(), Ended> {
        let record = self.context.store.level_record(self.node).await;
        let record = record.map_err(|error| in_trouble(&error, "a node could not be told where it stands"))?;
        self.context.pool.set_level(self.node, record.level());
        if self.version < STANDING_VERSION {
            return Ok(());
        }
        let standing = record.explain(&self.context.policy.level, wall_time());
        say(&mut self.sink, &RouterMessage::Standing(Box::new(standing))).await
    }

    /// Sends what the node does not have yet, in order and without gaps: old and new ones the same way.
    async fn send_settlements(&mut self) -> Result<(), Ended> {
        loop {
            let page = self.context.store.settlements_after(self.node, self.settled, PAGE).await;
            let page = page.map_err(|error| in_trouble(&error, "settlements could not be sent"))?;
            if page.is_empty() {
                return Ok(());
            }
            for settlement in page {
                let sequence = settlement.sequence;
                let settlement = understood(settlement, self.version);
                say(&mut self.sink, &RouterMessage::Settlement(settlement)).await?;
                self.settled = sequence;
            }
        }
    }
}

/// A settlement as nodes of this version understand it. An older one is told that the task was not paid: it keeps the pay of
/// before in its own ledger, which is a copy only, and its numbers have no gap.
fn understood(settlement: Settlement, version: u16) -> Settlement {
    match settlement.status {
        SettlementStatus::Reversed { reason, why, .. } if version < REVERSAL_VERSION => {
            Settlement { status: SettlementStatus::Void { reason, why }, ..settlement }
        }
        status => Settlement { status, ..settlement },
    }
}

struct Reader<'a> {
    context: &'a Arc<Context>,
    node: NodeAddress,
    member: &'a Membership,
    offers: watch::Sender<Vec<Offer>>,
    pongs: &'a Pongs,
    /// When a sign of life was counted last.
    ping_counted: Instant,
}

impl Reader<'_> {
    async fn run(mut self, mut stream: SplitStream<&mut WebSocket>) -> Ended {
        let silence = self.context.policy.silence();
        let mut silent_at = Instant::now() + silence;
        loop {
            let Ok(message) = timeout_at(silent_at, stream.next()).await else {
                self.count_ping(Some(Failure::MissedDeadline)).await;
                let message = format!("no heartbeat came for {silence:?}; connect again");
                return Ended::rejected(RejectionCode::Silent, message);
            };
            let heard = match message {
                Some(Ok(Message::Text(text))) => {
                    silent_at = Instant::now() + silence;
                    self.hear(&text).await
                }
                Some(Ok(Message::Ping(_))) => Ok(()),
                Some(Ok(Message::Pong(_))) => {
                    self.pong();
                    Ok(())
                }
                Some(Ok(Message::Binary(_))) => Err(Ended::violation("messages are text; this one was binary")),
                Some(Ok(Message::Close(_)) | Err(_)) | None => Err(Ended::Gone),
            };
            if let Err(ended) = heard {
                return ended;
            }
        }
    }

    fn pong(&self) {
        let waiting = std::mem::take(&mut *self.pongs.lock().unwrap_or_else(PoisonError::into_inner));
        for pong in waiting {
            let _ = pong.send(());
        }
    }

    /// Signs of life come often: one of many is counted.
    async fn heartbeat(&mut self, heartbeat: Heartbeat) {
        self.member.heartbeat(heartbeat);
        if self.ping_counted.elapsed() >= self.context.policy.counted_ping() {
            self.ping_counted = Instant::now();
            self.count_ping(None).await;
        }
    }

    async fn count_ping(&self, failure: Option<Failure>) {
        let sighting = if failure.is_some() { LevelSighting::NoHeartbeat } else { LevelSighting::Heartbeat };
        let event = LevelEvent::new(EventKind::Ping, failure, wall_time(), sighting);
        conduct::record(self.context, self.node, event).await;
    }

    async fn hear(&mut self, text: &str) -> Result<(), Ended> {
        let most = self.context.policy.node_message_bytes;
        if text.len() > most {
            return Err(Ended::violation(format!("a message is larger than {most} bytes")));
        }
        let message = parse(text)?;
        match message {
            NodeMessage::Hello(_) => Err(Ended::violation("a second hello came")),
            NodeMessage::Offers { offers } => self.offered(offers),
            NodeMessage::Heartbeat(heartbeat) => {
                self.heartbeat(heartbeat).await;
                Ok(())
            }
            NodeMessage::SettledUpTo { sequence } => self.settled_up_to(sequence).await,
            NodeMessage::Goodbye => Err(Ended::Gone),
            NodeMessage::Ack { attempt }
            | NodeMessage::Refuse { attempt, .. }
            | NodeMessage::Tokens { attempt, .. }
            | NodeMessage::Precommit(Precommit { attempt, .. })
            | NodeMessage::Commit(Commit { attempt, .. })
            | NodeMessage::Failed { attempt, .. } => {
                let answers = matches!(message, NodeMessage::Precommit(_) | NodeMessage::Commit(_));
                if !self.member.deliver(attempt, message).await && answers {
                    self.context.metrics.refused_answer(RefusedAnswer::Late);
                }
                Ok(())
            }
        }
    }

    fn offered(&self, offers: Vec<Offer>) -> Result<(), Ended> {
        check_offers(&offers)?;
        self.member.offer(offers.clone());
        self.offers.send_replace(offers);
        Ok(())
    }

    async fn settled_up_to(&self, sequence: u64) -> Result<(), Ended> {
        if let Err(error) = self.context.store.settled_up_to(self.node, sequence).await {
            tracing::warn!(%error, "how far a node's ledger goes was not noted");
        }
        Ok(())
    }
}

/// What is wrong with a message may have all of it in its words; the node gets enough to know which it was.
pub(super) fn parse(text: &str) -> Result<NodeMessage, Ended> {
    let wrong = |error: serde_json::Error| {
        let why: String = error.to_string().chars().take(LONGEST_REASON).collect();
        Ended::violation(format!("a message cannot be read: {why}; update the node"))
    };
    serde_json::from_str(text).map_err(wrong)
}

pub(super) fn check_offers(offers: &[Offer]) -> Result<(), Ended> {
    let distinct = |offer: &Offer| offers.iter().filter(|other| other.artifact == offer.artifact).count() == 1;
    let sound = |offer: &Offer| {
        (1..=MOST_SLOTS).contains(&offer.slots)
            && offer.context_tokens > 1
            && (1..=LONGEST_MODEL_NAME).contains(&offer.model.as_str().len())
    };
    if offers.len() <= MOST_OFFERS && offers.iter().all(|offer| distinct(offer) && sound(offer)) {
        return Ok(());
    }
    Err(Ended::violation(format!(
        "offers must be at most {MOST_OFFERS}, of different artifacts, each with 1 to {MOST_SLOTS} slots, a context \
         and a model name of up to {LONGEST_MODEL_NAME} bytes"
    )))
}

#[cfg(test)]
mod tests {
    use cortensor_protocol::{
        Amount, ArtifactDigest, DeviceKind, Millis, Mode, ModelId, Precision, TaskId, TaskKind, UnpaidReason, Usage,
    };

    use super::*;

    #[test]
    fn an_older_node_is_told_of_a_reversal_in_words_that_it_knows() {
        let why = UnpaidReason::AuditFailed { precision: Precision::F16, engine: "e".to_owned() };
        let (reason, why) = (why.to_string(), Some(why));
        let reversed = SettlementStatus::Reversed {
            amount: Amount::from_credits(1),
            reverses: 1,
            reason: reason.clone(),
            why: why.clone(),
        };
        let paid = SettlementStatus::Paid { amount: Amount::from_credits(1) };
        for (status, version, told) in [
            (reversed.clone(), 1, SettlementStatus::Void { reason, why }),
            (reversed.clone(), 2, reversed),
            (paid.clone(), 1, paid),
        ] {
            assert_eq!(understood(settlement(status), version), settlement(told), "{version}");
        }
    }

    fn settlement(status: SettlementStatus) -> Settlement {
        Settlement {
            sequence: 2,
            task: TaskId(uuid::Uuid::nil()),
            kind: TaskKind::User,
            model: ModelId::new("m"),
            precision: Precision::F16,
            mode: Mode::Precision,
            usage: Usage::default(),
            first_token_ms: 1,
            total_ms: 2,
            status,
            settled_at: Millis(3),
        }
    }

    #[test]
    fn offers_that_make_no_sense_are_refused() {
        let offer = |artifact: u8, slots: u32, name: &str| Offer {
            model: ModelId::new(name),
            precision: Precision::F16,
            artifact: ArtifactDigest::new([artifact; 32]),
            context_tokens: 2048,
            parameters: 1,
            slots,
            mode: Mode::Precision,
            device: DeviceKind::Processor,
        };
        for (offers, sound) in [
            (vec![], true),
            (vec![offer(1, 1, "m"), offer(2, 256, "m")], true),
            (vec![offer(1, 1, "m"), offer(1, 1, "n")], false),
            (vec![offer(1, 0, "m")], false),
            (vec![offer(1, 257, "m")], false),
            (vec![offer(1, 1, "")], false),
            ((0..17).map(|number| offer(number, 1, "m")).collect(), false),
        ] {
            assert_eq!(check_offers(&offers).is_ok(), sound, "{offers:?}");
        }
    }
}
