//! Keeps the status true to what the node says and earns.

use cortensor_node::{Connection, Ledger, Node, NodeEvent, NodeState};
use tokio::{
    sync::{broadcast, watch},
    task::JoinHandle,
};

use crate::Status;

/// Follows until the node has stopped.
pub(super) fn start(node: &Node, ledger: Ledger, status: watch::Sender<Status>) -> JoinHandle<()> {
    tokio::spawn(follow(node.state(), node.events(), ledger, status))
}

async fn follow(
    mut state: watch::Receiver<NodeState>,
    mut events: broadcast::Receiver<NodeEvent>,
    ledger: Ledger,
    status: watch::Sender<Status>,
) {
    count(&ledger, &status).await;
    loop {
        let now = state.borrow_and_update().clone();
        status.send_modify(|status| status.follow(&now));
        if now.connection == Connection::Stopped {
            return;
        }
        tokio::select! {
            changed = state.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            event = events.recv() => {
                if !matches!(event, Err(broadcast::error::RecvError::Closed)) {
                    count(&ledger, &status).await;
                }
            }
        }
    }
}

async fn count(ledger: &Ledger, status: &watch::Sender<Status>) {
    match crate::earnings(ledger, 0).await {
        Ok(earnings) => status.send_modify(|status| status.earnings = earnings.summary),
        Err(error) => tracing::error!(%error, "the earnings could not be counted"),
    }
}
