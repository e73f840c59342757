//! Who is there: challenge, hello, and what to do when that identity is connected already.

use std::sync::Arc;

use axum::extract::ws::{Message, WebSocket};
use cortensor_protocol::{
    Challenge, Hello, LONGEST_NAME, NodeMessage, RejectionCode, RouterMessage, SUPPORTED_VERSIONS, Welcome, recover,
    registration_text,
};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{Ended, say};
use crate::{
    clock::wall_time,
    context::Context,
    rules::pool::{Link, Membership, Registration},
};

/// Largest hello, in bytes. Whoever sends it has proved nothing yet.
const LARGEST_HELLO: usize = 16 << 10;

/// A node that proved who it is and has its place in the pool.
pub(super) struct Registered {
    pub(super) hello: Hello,
    pub(super) member: Membership,
    pub(super) link: Link,
    pub(super) outgoing: mpsc::Receiver<RouterMessage>,
    pub(super) pings: mpsc::Receiver<oneshot::Sender<()>>,
}

/// Challenges, checks, takes in, welcomes.
pub(super) async fn register(context: &Arc<Context>, socket: &mut WebSocket) -> Result<Registered, Ended> {
    let nonce = hex::encode(rand::random::<[u8; 32]>());
    let challenge = Challenge {
        versions: SUPPORTED_VERSIONS.to_vec(),
        network: context.network.clone(),
        ledger: context.store.ledger().to_owned(),
        nonce: nonce.clone(),
    };
    let hello = async {
        say(socket, &RouterMessage::Challenge(challenge)).await?;
        read_hello(socket).await
    };
    let late = || {
        let seconds = context.policy.handshake().as_secs_f32();
        Ended::violation(format!("no hello came within {seconds} seconds of the challenge; connect again"))
    };
    let hello = tokio::select! {
        hello = timeout(context.policy.handshake(), hello) => hello.map_err(|_| late())??,
        () = context.stopping.closing.cancelled() => return Err(Ended::stopping()),
    };
    check(context, &nonce, &hello)?;
    let registered = take_in(context, hello).await?;
    welcome(context, socket, &registered.hello).await?;
    Ok(registered)
}

async fn read_hello(socket: &mut WebSocket) -> Result<Hello, Ended> {
    loop {
        match socket.recv().await {
            Some(Ok(Message::Text(text))) => return parse_hello(&text),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Binary(_))) => return Err(Ended::violation("the first message must be a hello, as text")),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Ended::Gone),
        }
    }
}

/// A hello of another version may look different, but it says its version in the same place.
pub(super) fn parse_hello(text: &str) -> Result<Hello, Ended> {
    if text.len() > LARGEST_HELLO {
        return Err(Ended::violation(format!("a hello has at most {LARGEST_HELLO} bytes")));
    }
    let value: serde_json::Value = serde_json::from_str(text)
        .map_err(|_| Ended::violation("the first message is not JSON; is this a Cortensor node?"))?;
    let version = value.get("version").and_then(serde_json::Value::as_u64).unwrap_or_default();
    if value.get("type").is_some_and(|kind| kind == "hello")
        && !SUPPORTED_VERSIONS.iter().any(|supported| u64::from(*supported) == version)
    {
        return Err(unsupported(version));
    }
    match serde_json::from_value(value) {
        Ok(NodeMessage::Hello(hello)) if names(&hello).all(|name| name.chars().count() <= LONGEST_NAME) => Ok(hello),
        Ok(NodeMessage::Hello(_)) => {
            Err(Ended::violation(format!("names of software and hardware have at most {LONGEST_NAME} characters")))
        }
        _ => Err(Ended::violation("the first message must be a hello")),
    }
}

fn names(hello: &Hello) -> impl Iterator<Item = &str> {
    [Some(hello.software.as_str()), Some(hello.hardware.cpu.as_str()), hello.hardware.accelerator.as_deref()]
        .into_iter()
        .flatten()
}

fn unsupported(version: u64) -> Ended {
    let ours: Vec<_> = SUPPORTED_VERSIONS.iter().map(ToString::to_string).collect();
    let newest = SUPPORTED_VERSIONS.last().copied().unwrap_or_default();
    let update = if version > u64::from(newest) { "the router" } else { "the node" };
    let message = format!(
        "this router (version {}) speaks protocol version {} and the node speaks {version}; update {update}",
        env!("CARGO_PKG_VERSION"),
        ours.join(", "),
    );
    Ended::rejected(RejectionCode::UnsupportedVersion, message)
}

fn check(context: &Context, nonce: &str, hello: &Hello) -> Result<(), Ended> {
    let text = registration_text(&context.network, nonce, hello.version, &hello.address);
    let bad = |why: String| {
        let message = format!("the hello for {} {why}; sign the registration text with that key", hello.address);
        Ended::rejected(RejectionCode::BadSignature, message)
    };
    match recover(&text, &hello.signature) {
        Ok(signer) if signer == hello.address => Ok(()),
        Ok(_) => Err(bad("is signed by another key".to_owned())),
        Err(error) => Err(bad(format!("is not signed: {error}"))),
    }
}

/// A place in the pool. An older connection of the same identity keeps its place if it answers a ping.
async fn take_in(context: &Arc<Context>, hello: Hello) -> Result<Registered, Ended> {
    let (outgoing, outgoing_queue) = mpsc::channel(context.policy.node_queue_length.max(1));
    let (ping, pings) = mpsc::channel(1);
    let notify = || Arc::new(Notify::new());
    let (settled, judged, record) = (notify(), notify(), notify());
    let link = Link { outgoing, settled, judged, record, ping, dismiss: CancellationToken::new() };
    let registration = Registration { software: hello.software.clone(), hardware: hello.hardware.clone() };
    loop {
        match context.pool.register(hello.address, registration.clone(), link.clone()) {
            Ok(member) => {
                // The first look for settlements is for what the node missed; the record is told to everybody who joins.
                link.settled.notify_one();
                link.record.notify_one();
                return Ok(Registered { hello, member, link, outgoing: outgoing_queue, pings });
            }
            Err(older) if answers(context, &older).await => {
                let message = format!(
                    "node {} is connected already from another place; stop that one, or use another key here",
                    hello.address
                );
                return Err(Ended::rejected(RejectionCode::AlreadyConnected, message));
            }
            Err(older) => context.pool.evict(hello.address, &older),
        }
    }
}

async fn answers(context: &Context, older: &Link) -> bool {
    let (pong, answered) = oneshot::channel();
    let asked = async { older.ping.send(pong).await.is_ok() && answered.await.is_ok() };
    timeout(context.policy.ping(), asked).await.unwrap_or(false)
}

async fn welcome(context: &Context, socket: &mut WebSocket, hello: &Hello) -> Result<(), Ended> {
    let failed = |error: crate::store::StoreError| {
        tracing::error!(%error, "a node could not be taken in");
        Ended::rejected(RejectionCode::Stopping, "this router has trouble with its database; try again soon")
    };
    context.store.node_seen(hello.address, &hello.software, wall_time()).await.map_err(failed)?;
    let known = context.store.latest_report(hello.address).await.map_err(failed)?;
    let welcome = Welcome {
        router: context.name.clone(),
        heartbeat_ms: context.policy.heartbeat_milliseconds,
        tier: known,
        prices: Some(context.policy.prices()),
    };
    tracing::info!(node = %hello.address, software = hello.software, "a node joined");
    say(socket, &RouterMessage::Welcome(welcome)).await
}
