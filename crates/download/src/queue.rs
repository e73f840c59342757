//! Downloads one after the other, with pause, resume and cancel, and one status over all of them. What is wanted is kept, and
//! goes on with the next start.

mod kept;

use std::{collections::BTreeMap, sync::Arc};

use cortensor_models::manifest::Manifest;
use cortensor_protocol::{ModelId, Precision};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet, spawn_blocking},
};
use tokio_util::sync::CancellationToken;

use self::kept::{Kept, Wanted};
use crate::{DownloadError, Library, Progress, error::in_words};

/// Most downloads that are kept in mind, finished ones included until they are taken off.
const LONGEST: usize = 64;

/// A download's number in its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DownloadId(u64);

/// A download as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Download {
    /// Its number.
    pub id: DownloadId,
    /// The model.
    pub model: ModelId,
    /// The format.
    pub format: Precision,
    /// How it is.
    pub state: DownloadState,
}

/// How a download is.
#[derive(Clone, Debug, PartialEq)]
pub enum DownloadState {
    /// Others are first.
    Queued,
    /// It runs.
    Running(Progress),
    /// The user stopped it; what came is kept.
    Paused,
    /// The model is here.
    Finished,
    /// The user does not want it any more; what came was thrown away.
    Cancelled,
    /// It failed.
    Failed {
        /// A stable name.
        code: &'static str,
        /// What happened and what to do.
        message: String,
    },
}

/// Why the queue did not do what it was asked.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum QueueError {
    /// Too many.
    #[error("{LONGEST} downloads are in the queue; cancel one or wait until one is finished")]
    Full,
    /// It has ended.
    #[error("downloads have been stopped; start the program again")]
    Ended,
}

/// Works on downloads until it is stopped.
pub struct Queue {
    orders: mpsc::Sender<Order>,
    status: watch::Receiver<Vec<Download>>,
    stop: CancellationToken,
    worker: JoinHandle<()>,
}

enum Order {
    Add(ModelId, Precision),
    Pause(DownloadId),
    Resume(DownloadId),
    Cancel(DownloadId),
    Limit(Option<u64>),
}

/// The one owner of the queue's state.
struct Worker {
    library: Arc<Library>,
    manifest: Manifest,
    parallel: usize,
    next: u64,
    stops: BTreeMap<DownloadId, CancellationToken>,
    running: JoinSet<(DownloadId, Result<(), DownloadError>)>,
    kept: Kept,
    status: Arc<watch::Sender<Vec<Download>>>,
    stop: CancellationToken,
}

impl Queue {
    /// A queue that gets `parallel` models at a time from what `manifest` lists, beginning with what was wanted before.
    pub fn start(library: Arc<Library>, manifest: Manifest, parallel: usize) -> Self {
        let (orders, received) = mpsc::channel(LONGEST);
        let kept = Kept::read(library.inventory().folder());
        library.pace().set(kept.limit);
        let downloads: Vec<_> =
            (1..).zip(kept.wanted.iter().take(LONGEST)).map(|(id, wanted)| taken_up(DownloadId(id), wanted)).collect();
        let next = downloads.len() as u64 + 1;
        let (sender, status) = watch::channel(downloads);
        let stop = CancellationToken::new();
        let worker = Worker {
            library,
            manifest,
            parallel: parallel.max(1),
            next,
            stops: BTreeMap::new(),
            running: JoinSet::new(),
            kept,
            status: Arc::new(sender),
            stop: stop.clone(),
        };
        Self { orders, status, stop, worker: tokio::spawn(worker.work(received)) }
    }

    /// How all downloads are.
    pub fn status(&self) -> watch::Receiver<Vec<Download>> {
        self.status.clone()
    }

    /// Puts a model at the end of the queue; one that is in it already, and not finished, is not put there twice.
    pub fn add(&self, model: ModelId, format: Precision) -> Result<(), QueueError> {
        self.order(Order::Add(model, format))
    }

    /// Stops a download and keeps what came.
    pub fn pause(&self, id: DownloadId) -> Result<(), QueueError> {
        self.order(Order::Pause(id))
    }

    /// Puts a download that was paused or failed back into the queue.
    pub fn resume(&self, id: DownloadId) -> Result<(), QueueError> {
        self.order(Order::Resume(id))
    }

    /// Stops a download and throws away what came.
    pub fn cancel(&self, id: DownloadId) -> Result<(), QueueError> {
        self.order(Order::Cancel(id))
    }

    /// Changes the limit of bytes a second, from the next bytes on and for later starts.
    pub fn limit(&self, bytes_per_second: Option<u64>) -> Result<(), QueueError> {
        self.order(Order::Limit(bytes_per_second))
    }

    /// Stops everything, keeps what came, and waits until all is still.
    pub async fn stop(self) {
        self.stop.cancel();
        // A worker that panicked has nothing left to wait for.
        let _ = self.worker.await;
    }

    fn order(&self, order: Order) -> Result<(), QueueError> {
        self.orders.try_send(order).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => QueueError::Full,
            mpsc::error::TrySendError::Closed(_) => QueueError::Ended,
        })
    }
}

impl Worker {
    async fn work(mut self, mut orders: mpsc::Receiver<Order>) {
        loop {
            self.start_next();
            self.keep().await;
            tokio::select! {
                // First: what this stops is not to be noted as paused by the user, and goes on with the next start.
                biased;
                () = self.stop.cancelled() => break,
                Some(ended) = self.running.join_next() => {
                    if let Ok((id, result)) = ended { self.ended(id, result); }
                }
                order = orders.recv() => match order {
                    Some(order) => self.obey(order),
                    None => break,
                },
            }
        }
        self.stop.cancel();
        while let Some(ended) = self.running.join_next().await {
            if let Ok((id, result)) = ended {
                self.ended(id, result);
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Add(model, format) => self.add(model, format),
            Order::Pause(id) => self.halt(id, DownloadState::Paused),
            Order::Cancel(id) => {
                self.halt(id, DownloadState::Cancelled);
                if !self.stops.contains_key(&id) {
                    self.discard(id);
                }
            }
            Order::Limit(limit) => self.library.pace().set(limit),
            Order::Resume(id) => self.change(id, |state| {
                if matches!(state, DownloadState::Paused | DownloadState::Failed { .. }) {
                    *state = DownloadState::Queued;
                }
            }),
        }
    }

    fn add(&mut self, model: ModelId, format: Precision) {
        let id = DownloadId(self.next);
        self.next += 1;
        self.status.send_modify(|downloads| {
            downloads.retain(|known| known.state.is_open() || (&known.model, known.format) != (&model, format));
            if downloads.iter().any(|known| (&known.model, known.format) == (&model, format)) {
                return;
            }
            if downloads.len() >= LONGEST {
                downloads.retain(|known| known.state.is_open());
            }
            let full = downloads.len() >= LONGEST;
            let message = QueueError::Full.to_string();
            let failed = DownloadState::Failed { code: "queue_full", message };
            let state = if full { failed } else { DownloadState::Queued };
            downloads.push(Download { id, model, format, state });
        });
    }

    /// What a download is to be when it has come to a stop. One that does not run is that at once.
    fn halt(&self, id: DownloadId, to: DownloadState) {
        self.change(id, |state| {
            if state.is_open() || matches!(state, DownloadState::Failed { .. }) {
                *state = to;
            }
        });
        if let Some(stop) = self.stops.get(&id) {
            stop.cancel();
        }
    }

    fn start_next(&mut self) {
        while self.running.len() < self.parallel {
            // One that was paused and taken up again at once has to come to its stop first.
            let queued =
                |known: &&Download| known.state == DownloadState::Queued && !self.stops.contains_key(&known.id);
            let Some(next) = self.status.borrow().iter().find(queued).cloned() else { return };
            self.run(next);
        }
    }

    fn run(&mut self, download: Download) {
        let Download { id, model, format, .. } = download;
        let stop = self.stop.child_token();
        self.stops.insert(id, stop.clone());
        self.change(id, |state| *state = DownloadState::Running(Progress::default()));
        let (library, manifest, status) = (self.library.clone(), self.manifest.clone(), self.status.clone());
        let show = Arc::new(move |progress: Progress| {
            change(&status, id, |state| {
                if let DownloadState::Running(shown) = state {
                    *shown = progress;
                }
            });
        });
        self.running.spawn(async move {
            let got = library.get(&manifest, &model, format, show, &stop).await;
            (id, got.map(|_| ()))
        });
    }

    fn ended(&mut self, id: DownloadId, result: Result<(), DownloadError>) {
        self.stops.remove(&id);
        let outcome = match result {
            Ok(()) => DownloadState::Finished,
            Err(DownloadError::Stopped) => DownloadState::Paused,
            Err(error) => DownloadState::Failed { code: error.code(), message: in_words(&error) },
        };
        self.change(id, |state| {
            if matches!(state, DownloadState::Running(_)) || outcome == DownloadState::Finished {
                *state = outcome;
            }
        });
        self.discard(id);
    }

    /// Notes what is wanted, if that is not what was noted.
    async fn keep(&mut self) {
        let wanted = self.status.borrow().iter().filter_map(Wanted::of).collect();
        let now = Kept { limit: self.library.pace().limit(), wanted };
        if now == self.kept {
            return;
        }
        self.kept = now.clone();
        let folder = self.library.inventory().folder().to_owned();
        let written = spawn_blocking(move || now.write(&folder)).await.map_err(std::io::Error::other);
        if let Err(error) = written.and_then(|written| written) {
            tracing::warn!(%error, "what is to be downloaded cannot be noted; a restart will not go on with it");
        }
    }

    /// Throws away what came of a download that nobody wants any more.
    fn discard(&self, id: DownloadId) {
        let downloads = self.status.borrow().clone();
        let cancelled = |known: &&Download| known.id == id && known.state == DownloadState::Cancelled;
        let Some(download) = downloads.iter().find(cancelled) else { return };
        if let Err(error) = self.library.discard(&self.manifest, &download.model, download.format) {
            let failed = DownloadState::Failed { code: error.code(), message: in_words(&error) };
            self.change(id, |state| *state = failed);
        }
    }

    fn change(&self, id: DownloadId, how: impl FnOnce(&mut DownloadState)) {
        change(&self.status, id, how);
    }
}

impl DownloadState {
    /// Whether there is still something to be done.
    fn is_open(&self) -> bool {
        matches!(self, Self::Queued | Self::Running(_) | Self::Paused)
    }
}

fn taken_up(id: DownloadId, wanted: &Wanted) -> Download {
    let state = if wanted.paused { DownloadState::Paused } else { DownloadState::Queued };
    Download { id, model: wanted.model.clone(), format: wanted.format, state }
}

fn change(status: &watch::Sender<Vec<Download>>, id: DownloadId, how: impl FnOnce(&mut DownloadState)) {
    status.send_modify(|downloads| {
        if let Some(download) = downloads.iter_mut().find(|download| download.id == id) {
            how(&mut download.state);
        }
    });
}
