//! What the database did not take: settlements, endings and what was seen of nodes, written as soon as it does again.
//!
//! Kept in memory, and no more than what was under way: while anything is in it no task is opened, and a task that is
//! open adds at most one settlement for each attempt, its ending, and what its nodes did. A crash loses it; the next
//! start then releases the holds, so that nothing is paid twice.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use cortensor_protocol::{Millis, TaskId};
use tokio::{sync::watch, time::sleep};

use super::conduct::{self, Observation};
use crate::{
    context::Context,
    policy::LevelPolicy,
    store::{Ending, Line, Pay, Store, StoreError},
};

const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What is still to be written, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Backlog(watch::Sender<VecDeque<Entry>>);

/// One thing to be written. Writing it twice is harmless.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// What an attempt pays.
    Settlement(Line, Pay),
    /// How a task ended that was not paid.
    Ending(TaskId, Ending, Millis),
    /// What was seen of nodes.
    Conduct(Vec<Observation>),
}

impl Entry {
    async fn write(&self, store: &Store, policy: &LevelPolicy) -> Result<(), StoreError> {
        match self {
            Self::Settlement(line, pay) => store.settle(line, pay).await,
            Self::Ending(task, ending, at) => store.end_task(*task, *ending, *at).await,
            Self::Conduct(seen) => store.observe(policy, seen).await,
        }
    }
}

impl Backlog {
    /// Keeps what was not written because of `error`, unless the database would say the same again.
    pub(crate) fn keep(&self, entry: Entry, error: &StoreError) {
        let source = std::error::Error::source(error).map(ToString::to_string);
        if error.is_final() {
            return tracing::error!(?entry, %error, source, "this is not in the books; correct it by hand");
        }
        tracing::error!(?entry, %error, source, "not written yet; no new tasks are taken until it is");
        self.0.send_modify(|entries| entries.push_back(entry));
    }

    /// Whether everything is written.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// How much is still to be written.
    pub(crate) fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// Waits until everything is written.
    pub(crate) async fn emptied(&self) {
        // The sender is `self`, so that this cannot fail.
        let _ = self.0.subscribe().wait_for(VecDeque::is_empty).await;
    }

    /// The oldest entry, as soon as there is one.
    async fn oldest(&self) -> Option<Entry> {
        let mut entries = self.0.subscribe();
        entries.wait_for(|entries| !entries.is_empty()).await.ok()?.front().cloned()
    }

    fn done(&self) {
        self.0.send_modify(|entries| drop(entries.pop_front()));
    }

    /// The oldest one is not to be in the way of the others.
    fn put_last(&self) {
        self.0.send_modify(|entries| entries.rotate_left(1));
    }
}

/// Writes what is in the backlog until the router has stopped. Once it stops there is no time for patience.
pub(crate) async fn work_off(context: Arc<Context>) {
    let stopping = &context.stopping;
    let mut wait = FIRST_WAIT;
    loop {
        let entry = tokio::select! {
            biased;
            () = stopping.leaving.cancelled() => return,
            Some(entry) = context.backlog.oldest() => entry,
        };
        if write(&context, &entry).await {
            wait = FIRST_WAIT;
            continue;
        }
        tokio::select! {
            () = sleep(wait) => wait = (wait * 2).min(LONGEST_WAIT),
            () = stopping.giving_up.cancelled(), if wait > FIRST_WAIT => wait = FIRST_WAIT,
        }
    }
}

/// Writes one entry; says whether it is out of the way.
async fn write(context: &Context, entry: &Entry) -> bool {
    match entry.write(&context.store, &context.policy.level).await {
        Err(error) if !error.is_final() => {
            tracing::warn!(%error, "still not written");
            context.backlog.put_last();
            return false;
        }
        Err(error) => tracing::error!(?entry, %error, "this is not in the books; correct it by hand"),
        Ok(()) => tracing::info!(?entry, "written after all"),
    }
    context.backlog.done();
    match entry {
        Entry::Settlement(line, _) => context.pool.settled(line.node),
        Entry::Conduct(seen) => conduct::tell(context, seen),
        Entry::Ending(..) => {}
    }
    true
}
