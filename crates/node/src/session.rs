//! The node's life with a router: one outbound WebSocket, kept alive; tasks come in, answers go out.

mod connection;
mod handshake;
mod state;
#[cfg(test)]
mod task_tests;
#[cfg(test)]
mod tests;
mod unkept;
mod worker;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use cortensor_protocol::{ArtifactDigest, HardwareSummary, Rejection, RejectionCode, Settlement};
use rand::Rng;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{Notify, broadcast, watch},
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use ts_rs::TS;

use crate::{Identity, Ledger, wall_time};

pub use state::{Connection, LiveTask, LiveTaskState, NodeState, Serving, Work};

const FIRST_RETRY: Duration = Duration::from_millis(500);
const LONGEST_RETRY: Duration = Duration::from_secs(30);
/// A connection that lasted as long was a good one: what ends it is no reason to wait long.
const STEADY: Duration = Duration::from_secs(30);
/// A router that turned the node away for what it is will do so again until something is changed.
const REJECTED_RETRY: Duration = Duration::from_secs(60);

/// What a node needs to begin.
#[derive(Clone)]
pub struct NodeConfig {
    /// The router's node endpoint, such as `ws://127.0.0.1:5010/node/v1`.
    pub router: String,
    /// What to do where nothing answers there, if it is not only to wait.
    pub if_absent: Option<String>,
    /// Who the node is.
    pub identity: Identity,
    /// Where it keeps what it earned.
    pub ledger: Ledger,
    /// Name and version of the program.
    pub software: String,
    /// What it runs on.
    pub hardware: HardwareSummary,
    /// Whether prompts and answers of user requests are kept in the ledger; asked at each task.
    pub keep_prompts: Arc<AtomicBool>,
    /// For heartbeats: share of the processor in use (0 to 1) and free memory in bytes, now.
    pub load: Arc<dyn Fn() -> (f32, u64) + Send + Sync>,
}

/// What happened, for whoever listens.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeEvent {
    /// A settlement is in the ledger.
    Settled(Settlement),
    /// The model did not do a task that it should have done. The task goes to another node.
    BrokeDown(Breakdown),
}

/// What a model did instead of answering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breakdown {
    /// In one word.
    pub kind: BreakdownKind,
    /// What the engine said.
    pub message: String,
}

/// How a model broke down, by what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum BreakdownKind {
    /// The engine failed or panicked.
    Failed,
    /// There was no memory left.
    OutOfMemory,
    /// Nothing came of it for longer than even a slow machine takes.
    Hung,
}

/// A running node.
pub struct Node {
    state: watch::Sender<NodeState>,
    events: broadcast::Sender<NodeEvent>,
    stop: CancellationToken,
    hand_back: Arc<Notify>,
    life: JoinHandle<()>,
}

impl Node {
    /// Starts a node. It connects at once, and again whenever the connection is lost; it serves nothing yet.
    pub fn start(config: NodeConfig) -> Self {
        let state = watch::Sender::new(NodeState::default());
        let events = broadcast::Sender::new(256);
        let stop = CancellationToken::new();
        let hand_back = Arc::<Notify>::default();
        let life = tokio::spawn(live(config, state.clone(), events.clone(), stop.clone(), Arc::clone(&hand_back)));
        Self { state, events, stop, hand_back, life }
    }

    /// How it is, now and from now on.
    pub fn state(&self) -> watch::Receiver<NodeState> {
        self.state.subscribe()
    }

    /// What happens from now on.
    pub fn events(&self) -> broadcast::Receiver<NodeEvent> {
        self.events.subscribe()
    }

    /// Serves this from now on, or nothing. Tasks that run go on with what they began with; see [`Node::drained`].
    pub fn serve(&self, serving: Option<Serving>) {
        self.state.send_modify(|state| state.serve(serving));
    }

    /// Waits until no task runs on `artifact` any more. Stop serving it first.
    pub async fn drained(&self, artifact: ArtifactDigest) {
        let mut state = self.state.subscribe();
        let _ = state.wait_for(|state| !state.runs_on(artifact)).await;
    }

    /// Gives every task that still runs back to the router, where another node goes on behind what was said so far, and
    /// comes back to the router without them. Stop serving first. Without a connection nothing runs, and nothing happens.
    pub fn hand_back(&self) {
        self.hand_back.notify_waiters();
    }

    /// Leaves the router. Tasks that still run are given back to it; drain first to finish them.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.life.await {
            tracing::error!(%error, "the node's session ended badly");
        }
    }
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("the router cannot be reached: {0}")]
    Unreachable(String),
    #[error("the router closed the connection")]
    Closed,
    #[error("what ran was given back")]
    HandedBack,
    #[error("the connection was lost: {0}")]
    Lost(String),
    #[error("the router has been silent for too long")]
    Silent,
    #[error("the router said what this version does not understand; update this program")]
    Unintelligible,
    #[error("{}", .0.message)]
    Rejected(Rejection),
    #[error("too many settlements wait for room on the ledger's disk; make room there")]
    TooManyUnkept,
    #[error("settlements cannot be kept: {0}")]
    Ledger(#[from] crate::LedgerError),
    #[error("the key does not sign: {0}")]
    Signing(#[from] alloy_signer::Error),
}

async fn live(
    config: NodeConfig,
    state: watch::Sender<NodeState>,
    events: broadcast::Sender<NodeEvent>,
    stop: CancellationToken,
    hand_back: Arc<Notify>,
) {
    let mut attempt = 0;
    while !stop.is_cancelled() {
        state.send_modify(|state| state.connection = Connection::Connecting);
        let started = Instant::now();
        let ended = connection::run(&config, &state, &events, &stop, &hand_back).await;
        let Err(ended) = ended else { break };
        let was_connected = matches!(state.borrow().connection, Connection::Connected { .. });
        if was_connected && started.elapsed() >= STEADY {
            attempt = 0;
        }
        let wait = retry_after(&ended, attempt);
        attempt += 1;
        tracing::warn!(reason = %ended, retry_in = ?wait, "not connected to the router");
        state.send_modify(|state| {
            state.connection = offline(&ended, config.if_absent.as_deref(), wait);
            state.idle_since = None;
        });
        tokio::select! {
            () = sleep(wait) => {}
            () = stop.cancelled() => {}
        }
    }
    state.send_modify(|state| state.connection = Connection::Stopped);
}

fn offline(ended: &Ended, if_absent: Option<&str>, wait: Duration) -> Connection {
    let retry_at = wall_time() + wait;
    match (ended, if_absent) {
        (Ended::Rejected(rejection), _) => Connection::Rejected { rejection: rejection.clone(), retry_at },
        (Ended::Unreachable(_), Some(what)) => Connection::Offline { reason: what.to_owned(), retry_at },
        _ => Connection::Offline { reason: ended.to_string(), retry_at },
    }
}

/// Doubles from half a second to half a minute, with a quarter of chance so that nodes do not come back in step.
fn retry_after(ended: &Ended, attempt: u32) -> Duration {
    let base = match ended {
        Ended::Rejected(Rejection { code: RejectionCode::AlreadyConnected | RejectionCode::Silent, .. }) => {
            FIRST_RETRY * 4
        }
        Ended::Rejected(Rejection { code, .. }) if *code != RejectionCode::Stopping => REJECTED_RETRY,
        _ => FIRST_RETRY.saturating_mul(1 << attempt.min(10)).min(LONGEST_RETRY),
    };
    base.mul_f64(rand::rng().random_range(0.875..1.125))
}
