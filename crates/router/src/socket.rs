//! One node's connection: handshake, then messages both ways until one side ends it.
//!
//! docs/protocol.md tells the order of the messages.

#[cfg(test)]
mod fuzz;
mod handshake;
mod session;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::extract::ws::{Message, WebSocket};
use cortensor_protocol::{Rejection, RejectionCode, RouterMessage};
use futures::{Sink, SinkExt as _};
use tokio::time::timeout;

use self::session::Session;
use crate::context::Context;

/// How long a node may take to read one message.
const WRITE: Duration = Duration::from_secs(10);
/// How long a last word may take.
const LAST_WORD: Duration = Duration::from_secs(2);

/// How a connection ended.
#[derive(Debug)]
enum Ended {
    /// By the node, or by the way to it.
    Gone,
    /// By the router.
    Rejected(Rejection),
}

impl Ended {
    fn rejected(code: RejectionCode, message: impl Into<String>) -> Self {
        Self::Rejected(Rejection { code, message: message.into() })
    }

    fn violation(message: impl Into<String>) -> Self {
        Self::rejected(RejectionCode::ProtocolViolation, message)
    }

    fn stopping() -> Self {
        Self::rejected(RejectionCode::Stopping, "this router is stopping; connect again in a few seconds")
    }
}

/// Serves a connection to its end.
pub(crate) async fn serve(context: Arc<Context>, mut socket: WebSocket) {
    let started = Instant::now();
    let ended = match handshake::register(&context, &mut socket).await {
        Ok(registered) => Session::new(&context, registered).run(&mut socket).await,
        Err(ended) => ended,
    };
    match &ended {
        Ended::Gone => tracing::info!(after = ?started.elapsed(), "a node's connection ended"),
        Ended::Rejected(rejection) => tracing::info!(?rejection, after = ?started.elapsed(), "a node was turned away"),
    }
    let _ = timeout(LAST_WORD, last_word(&mut socket, ended)).await;
}

async fn last_word(socket: &mut WebSocket, ended: Ended) {
    if let Ended::Rejected(rejection) = ended {
        let _ = say(socket, &RouterMessage::Rejected(rejection)).await;
    }
    let _ = socket.send(Message::Close(None)).await;
    // Until the node closes too: an end with its messages unread would take the last word away from it.
    while let Some(Ok(_)) = socket.recv().await {}
}

/// Sends one message, within reasonable time.
async fn say<S: Sink<Message> + Unpin>(sink: &mut S, message: &RouterMessage) -> Result<(), Ended> {
    let text = serde_json::to_string(message).map_err(|_| Ended::Gone)?;
    write(sink, Message::Text(text.into())).await
}

async fn write<S: Sink<Message> + Unpin>(sink: &mut S, message: Message) -> Result<(), Ended> {
    match timeout(WRITE, sink.send(message)).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(Ended::Gone),
    }
}
