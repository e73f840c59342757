//! What every part of a running router shares.

use std::{net::SocketAddr, sync::Arc};

use cortensor_protocol::Millis;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    metrics::Metrics,
    policy::Policy,
    rules::{audit::AuditDesk, backlog::Backlog, books::Books, judgement::JudgementDesk, limit::Limits, pool::Pool},
    statement_key::StatementKey,
    store::Store,
};

/// What every part of a running router shares. Made once, never changed; what changes has its own owner inside.
pub(crate) struct Context {
    pub(crate) name: String,
    pub(crate) network: String,
    pub(crate) address: SocketAddr,
    pub(crate) policy: Policy,
    pub(crate) store: Store,
    pub(crate) statement_key: StatementKey,
    pub(crate) pool: Arc<Pool>,
    pub(crate) backlog: Backlog,
    pub(crate) audits: AuditDesk,
    pub(crate) judgements: JudgementDesk,
    pub(crate) books: Books,
    pub(crate) metrics: Metrics,
    pub(crate) limits: Limits,
    pub(crate) started: Millis,
    /// Tasks that run.
    pub(crate) tasks: TaskTracker,
    /// Connections of nodes, and what works off the backlog.
    pub(crate) sessions: TaskTracker,
    pub(crate) stopping: Stopping,
}

/// The steps of stopping, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stopping {
    /// Nothing new is taken.
    pub(crate) closing: CancellationToken,
    /// What still runs is given up.
    pub(crate) giving_up: CancellationToken,
    /// Nodes are told and let go.
    pub(crate) leaving: CancellationToken,
}

impl Stopping {
    /// All steps at once.
    pub(crate) fn at_once(&self) {
        self.closing.cancel();
        self.giving_up.cancel();
        self.leaving.cancel();
    }
}
