//! The nodes that are connected, and who gets which task.
//!
//! A node's offers grant slots; a [`Lease`] takes one and gives it back when it is dropped. Requests that find no free
//! slot wait in the order they came, and every change that could free one looks through the queue: nobody polls.
//!
//! **Invariant:** one lock, never held across an await, and no lease is dropped while it is held.

mod apart;
mod breaker;
mod candidates;
mod decision;
mod idle;
mod lease;
mod membership;
mod ranking;
mod reserved;
mod trust;
mod view;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cortensor_protocol::{
    ArtifactDigest, Capability, Heartbeat, Level, Millis, ModelId, NodeAddress, NodeMessage, Offer, Precision,
    RouterMessage, TaskId, Tier, TierReport,
};
use tokio::{
    sync::{Notify, mpsc, oneshot, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

pub(crate) use self::{
    apart::Apart,
    breaker::Outcome,
    decision::Decision,
    idle::Idle,
    lease::Lease,
    membership::{Membership, Registration},
    reserved::Reserve,
    view::NodeView,
};
use self::{breaker::Breaker, reserved::Reservations};
use super::{choice::Choice, session::SessionId};
use crate::{clock::now, policy::BreakerPolicy};

/// Messages of one task that may wait for its driver.
const INBOX_LENGTH: usize = 1024;

/// The nodes that are connected, and the requests that wait for one.
pub(crate) struct Pool {
    state: Mutex<State>,
    offers_changed: watch::Sender<()>,
    queue_length: usize,
    absent_model: Duration,
    breaker: BreakerPolicy,
}

#[derive(Default)]
struct State {
    nodes: HashMap<NodeAddress, Node>,
    queue: VecDeque<Waiter>,
    /// When what is not offered now was offered or served last.
    withdrawn: HashMap<Wares, Millis>,
    /// What nodes failed lately; outlives their connections.
    breakers: HashMap<NodeAddress, Breaker>,
    /// Nodes that sessions have to themselves for a while; outlives their connections.
    reservations: Reservations,
    connections: u64,
}

/// What a request can ask for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Wares {
    model: ModelId,
    precision: Precision,
    artifact: ArtifactDigest,
    context_tokens: u32,
    /// Of the hardware it is served on, once that is known.
    capability: Option<Capability>,
}

impl Wares {
    fn new(offer: &Offer, capability: Option<Capability>) -> Self {
        let Offer { precision, artifact, context_tokens, .. } = *offer;
        Self { model: offer.model.clone(), precision, artifact, context_tokens, capability }
    }
}

struct Node {
    connection: u64,
    link: Link,
    registration: Registration,
    connected_at: Millis,
    heartbeat: Heartbeat,
    heartbeat_at: Option<Millis>,
    offers: Vec<Standing>,
    running: HashMap<TaskId, Running>,
    level: Level,
    /// When it got a user's task last, on this connection.
    last_task: Option<Millis>,
}

struct Standing {
    offer: Offer,
    test: Test,
    /// Answer tokens a second in that test.
    decode: Option<f64>,
    /// The node refused a task on it; not asked again before it gives a sign.
    parked: bool,
}

/// What is known of an artifact on a node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    /// Nothing yet.
    Awaited,
    /// It may serve users.
    Passed(TierReport),
    /// It may not.
    Failed(TierReport),
}

struct Running {
    wares: Wares,
    /// Not a test: it passed one, so it is worth waiting for when it is not offered.
    for_user: bool,
    /// The session that keeps the node.
    reserve: Option<Reserve>,
    inbox: mpsc::Sender<Arrival>,
}

/// What a node says of a task, and when it came in.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// Which of the task's attempts it is about, by the node's word.
    pub(crate) attempt: u32,
    pub(crate) message: NodeMessage,
    pub(crate) at: Instant,
}

/// How to reach a node's connection.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) outgoing: mpsc::Sender<RouterMessage>,
    /// There are new settlements.
    pub(crate) settled: Arc<Notify>,
    /// An audit was looked at: what is known of its artifacts may have changed.
    pub(crate) judged: Arc<Notify>,
    /// There is more in the node's record.
    pub(crate) record: Arc<Notify>,
    /// Asks for a ping; answered by the pong.
    pub(crate) ping: mpsc::Sender<oneshot::Sender<()>>,
    /// Ends the connection.
    pub(crate) dismiss: CancellationToken,
}

/// What a task needs.
#[derive(Clone, Debug)]
pub(crate) struct Want {
    pub(crate) model: ModelId,
    pub(crate) choice: Choice,
    /// Only this file: an answer that was begun goes on as the same model.
    pub(crate) artifact: Option<ArtifactDigest>,
    /// Only a larger context than this: one of this size was too small.
    pub(crate) context_over: u32,
    /// Only this node, tested or not: this is a test.
    pub(crate) node: Option<NodeAddress>,
    /// Rather not these: they lost the task before.
    pub(crate) avoid: Vec<NodeAddress>,
    /// None that has another part of the same request.
    pub(crate) apart: Option<Arc<Apart>>,
    /// The session that it is for, if that has nodes set aside.
    pub(crate) reserve: Option<Reserve>,
}

impl Want {
    /// A node for this model and choice, whichever.
    pub(crate) const fn new(model: ModelId, choice: Choice) -> Self {
        Self {
            model,
            choice,
            artifact: None,
            context_over: 0,
            node: None,
            avoid: Vec::new(),
            apart: None,
            reserve: None,
        }
    }

    /// Whether it does, or may turn out to do when it is tested.
    fn fits(&self, wares: &Wares) -> bool {
        let Wares { precision, capability, .. } = *wares;
        let fits = match capability {
            Some(capability) => self.choice.fit(precision, Tier { capability, precision: precision.class() }).is_some(),
            None => self.choice.may_fit(precision),
        };
        fits && self.model == wares.model && self.goes_on_with(wares.artifact, wares.context_tokens)
    }

    fn suits(&self, offer: &Offer) -> bool {
        self.goes_on_with(offer.artifact, offer.context_tokens)
    }

    fn goes_on_with(&self, artifact: ArtifactDigest, context_tokens: u32) -> bool {
        self.artifact.is_none_or(|wanted| wanted == artifact) && context_tokens > self.context_over
    }
}

struct Waiter {
    task: TaskId,
    want: Want,
    reply: oneshot::Sender<Lease>,
}

/// Why there is no lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoLease {
    /// This many wait already.
    QueueFull(usize),
    /// The node to be tested is gone, or does not offer the artifact any more.
    Gone,
}

/// Whether waiting for something makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It is offered, or a node that does not offer it any more still works on it: it is switching, and has yet to
    /// come back.
    Now,
    /// It was a moment ago; worth waiting until then.
    Until(Millis),
    /// It is not.
    Absent,
}

impl Pool {
    /// An empty pool.
    pub(crate) fn new(queue_length: usize, absent_model: Duration, breaker: BreakerPolicy) -> Arc<Self> {
        let (offers_changed, _) = watch::channel(());
        Arc::new(Self { state: Mutex::default(), offers_changed, queue_length, absent_model, breaker })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something, then hands out what that freed.
    fn update<T>(self: &Arc<Self>, change: impl FnOnce(&mut State) -> T) -> T {
        let (result, granted) = {
            let mut state = self.lock();
            let result = change(&mut state);
            (result, state.grant(self))
        };
        for (reply, lease) in granted {
            // Who does not wait any more gives the slot back by dropping the lease, here, outside the lock.
            drop(reply.send(lease));
        }
        result
    }

    /// A slot on a node that fits, as soon as there is one. Dropping the future gives the place in the queue up.
    pub(crate) async fn acquire(self: Arc<Self>, task: TaskId, want: Want) -> Result<Lease, NoLease> {
        let (reply, lease) = oneshot::channel();
        let most = self.queue_length;
        self.update(|state| {
            state.queue.retain(|waiter| !waiter.reply.is_closed());
            // Queued tasks that could be served at once are not waiting: the bound is for those that cannot.
            let waiting = state.queue.iter().filter(|waiter| waiter.want.node.is_none()).count();
            if want.node.is_none() && waiting >= most && !state.could_serve(task, &want) {
                return Err(NoLease::QueueFull(waiting));
            }
            state.queue.push_back(Waiter { task, want, reply });
            Ok(())
        })?;
        lease.await.map_err(|_| NoLease::Gone)
    }

    /// Whether it makes sense to wait for this.
    pub(crate) fn presence(&self, want: &Want) -> Presence {
        let state = self.lock();
        if want.node.is_some() || state.offered().chain(state.served()).any(|wares| want.fits(&wares)) {
            return Presence::Now;
        }
        let fitting = state.withdrawn.iter().filter(|(wares, _)| want.fits(wares));
        let until = fitting.map(|(_, at)| *at + self.absent_model).max();
        until.filter(|until| *until > now()).map_or(Presence::Absent, Presence::Until)
    }

    /// Fires when [`Pool::presence`] may have changed.
    pub(crate) fn offers_changed(&self) -> watch::Receiver<()> {
        self.offers_changed.subscribe()
    }

    /// How many different nodes could do it, busy or not.
    pub(crate) fn capable(&self, want: &Want) -> usize {
        let serves = |standing: &Standing| matches!(standing.test, Test::Passed(_)) && want.fits(&standing.wares());
        self.lock().nodes.values().filter(|node| node.offers.iter().any(serves)).count()
    }

    /// When a node that is left alone may be tried again next.
    pub(crate) fn next_probe(&self) -> Option<Millis> {
        let at = now();
        self.lock().breakers.values().filter_map(|breaker| breaker.next_probe(at)).min()
    }

    /// Hands out what time alone has freed.
    pub(crate) fn look_again(self: &Arc<Self>) {
        self.update(|_| ());
    }

    /// The node that has a task now.
    pub(crate) fn node_of(&self, task: TaskId) -> Option<NodeAddress> {
        let state = self.lock();
        state.nodes.iter().find(|(_, node)| node.running.contains_key(&task)).map(|(address, _)| *address)
    }

    /// Gives back what was set aside for a session that is over.
    pub(crate) fn release(self: &Arc<Self>, session: SessionId) {
        self.update(|state| state.reservations.release(session));
    }

    /// Tells a node's connection, if it has one, that there is a settlement for it.
    pub(crate) fn settled(&self, address: NodeAddress) {
        if let Some(node) = self.lock().nodes.get(&address) {
            node.link.settled.notify_one();
        }
    }

    /// Requests that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().queue.iter().filter(|waiter| !waiter.reply.is_closed()).count()
    }
}

#[cfg(test)]
mod tests;
