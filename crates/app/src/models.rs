//! The models on this machine and those that can be had: what they take, and getting, making, importing, keeping and deleting
//! them.
//!
//! Outlives the miner's lives. Downloads go on one after the other and, after a restart, from where they were; importing and
//! making are one job at a time. Whoever follows [`Models::view`] sees all of it; a download's progress is a field of its own,
//! so that the list is not told again with every megabyte.

mod catalogue;
mod usage;
mod view;
mod work;

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cortensor_download::{Download, DownloadId, DownloadState, Hub, Library, Limits, Queue};
use cortensor_models::{
    inventory::{Caches, Condition, Inventory},
    manifest::{Manifest, ManifestStore},
};
use cortensor_protocol::{ModelId, Precision};
use tokio::{
    sync::{Notify, watch},
    task::{JoinHandle, spawn_blocking},
};
use tokio_util::sync::CancellationToken;

pub use usage::{ModelUse, Users};
pub use view::{
    DiskView, DownloadPhase, DownloadView, ListView, ListedFacts, ModelView, ModelsView, VariantPlace, VariantView,
    WorkKind, WorkPhase, WorkView,
};

use self::catalogue::Room;
use crate::{Failure, FailureCode, Folders, Settings, check_unneeded, survey};

/// Models got at a time: together they would only share the connection, and each be there later.
const PARALLEL: usize = 1;

/// The models of this machine. Cheap to clone.
#[derive(Clone)]
pub struct Models(Arc<Place>);

/// What models are got and noted with.
pub struct Shop {
    /// What is here, and how to get more.
    pub library: Library,
    /// The list of what the network serves.
    pub store: ManifestStore,
}

struct Place {
    shop: Result<Shared, Failure>,
    folders: Folders,
    users: Users,
    view: watch::Sender<ModelsView>,
    /// Told when the list is to be looked at again.
    again: Notify,
    running: Mutex<Option<Running>>,
    job: Mutex<Option<work::Job>>,
}

#[derive(Clone)]
struct Shared {
    library: Arc<Library>,
    store: Arc<ManifestStore>,
}

/// What runs from [`Models::begin`] to [`Models::stop`].
struct Running {
    /// None in a node with a name: the models are the main node's to get.
    queue: Option<Queue>,
    follower: JoinHandle<()>,
    stop: CancellationToken,
}

impl Shop {
    /// The shop of this user: the caches of other programs, the hub and its token as they are set.
    pub fn of_user(folders: &Folders) -> Result<Self, Failure> {
        let (folder, variable) = (folders.models(), |name: &str| std::env::var_os(name));
        let home = directories::BaseDirs::new();
        let caches = home.as_ref().map_or_else(Caches::default, |home| Caches::of_user(home.home_dir(), &variable));
        let hub = Hub::of_user(home.as_ref().map(directories::BaseDirs::home_dir), &variable)
            .map_err(|error| failed(&error))?;
        let library =
            Library::new(Inventory::at(&folder), caches, hub, Limits::default()).map_err(|error| failed(&error))?;
        let store = ManifestStore::open(&folder).map_err(|error| failed(&error))?;
        Ok(Self { library, store })
    }
}

impl Models {
    /// The models that `shop` has and gets, with nothing under way. What `users` need is not deleted; whether models fit depends
    /// on the settings in `folders`.
    pub fn new(shop: Result<Shop, Failure>, folders: Folders, users: Users) -> Self {
        let shop = shop.map(|Shop { library, store }| Shared { library: Arc::new(library), store: Arc::new(store) });
        let (failure, shared) = (shop.as_ref().err().cloned(), folders.check_manages_models().is_err());
        let view = ModelsView { failure, shared, ..ModelsView::default() };
        Self(Arc::new(Place {
            shop,
            folders,
            users,
            view: watch::Sender::new(view),
            again: Notify::new(),
            running: Mutex::default(),
            job: Mutex::default(),
        }))
    }

    /// How everything is, now and from now on; looked at anew.
    pub fn view(&self) -> watch::Receiver<ModelsView> {
        if let Err(failure) = self.begin() {
            self.0.view.send_modify(|view| view.failure = Some(failure));
        }
        self.0.again.notify_one();
        self.0.view.subscribe()
    }

    /// Goes on with what was wanted when the program ended. Must be called where tasks can be spawned.
    pub fn begin(&self) -> Result<(), Failure> {
        let shop = self.0.shop()?;
        let mut running = self.0.running();
        if running.is_none() {
            let manages = self.0.folders.name().is_none();
            let list = shop.list()?;
            let queue = manages.then(|| Queue::start(Arc::clone(&shop.library), list, PARALLEL));
            let cancelled = CancellationToken::new();
            let none = || watch::channel(Vec::new()).1;
            let downloads = queue.as_ref().map_or_else(none, Queue::status);
            let follower = tokio::spawn(follow(Arc::clone(&self.0), downloads, cancelled.clone()));
            *running = Some(Running { queue, follower, stop: cancelled });
        }
        Ok(())
    }

    /// Gets a model, behind what is wanted already. How it goes on is in the view.
    pub fn get(&self, id: &ModelId, format: Precision) -> Result<(), Failure> {
        self.0.check_manages()?;
        self.begin()?;
        let shop = self.0.shop()?;
        catalogue::check_wanted(&shop.list()?, id, format)?;
        let held = shop.library.inventory().find(id, format).map_err(|error| failed(&error))?;
        if held.is_some_and(|held| held.condition() == Condition::Whole) {
            self.0.again.notify_one();
            return Ok(());
        }
        self.order(|queue| queue.add(id.clone(), format))
    }

    /// Stops a download and keeps what came.
    pub fn pause(&self, id: &ModelId, format: Precision) -> Result<(), Failure> {
        let download = self.download(id, format)?;
        self.order(|queue| queue.pause(download))
    }

    /// Goes on with a download that was paused or failed.
    pub fn resume(&self, id: &ModelId, format: Precision) -> Result<(), Failure> {
        let download = self.download(id, format)?;
        self.order(|queue| queue.resume(download))
    }

    /// Stops a download and throws away what came.
    pub fn cancel(&self, id: &ModelId, format: Precision) -> Result<(), Failure> {
        let download = self.download(id, format)?;
        self.order(|queue| queue.cancel(download))
    }

    /// Most bytes a second that all downloads take together, from now on and after a restart; `None`: no limit.
    pub fn limit(&self, bytes_per_second: Option<u64>) -> Result<(), Failure> {
        let limit = bytes_per_second.filter(|limit| *limit > 0);
        self.order(|queue| queue.limit(limit))?;
        self.0.view.send_modify(|view| view.limit_bytes_per_second = limit);
        Ok(())
    }

    /// Begins to use a GGUF file, or those in a folder, where they are.
    pub fn import(&self, path: PathBuf) -> Result<(), Failure> {
        self.0.check_manages()?;
        work::import(&self.0, path)
    }

    /// Begins to make a format of a model from its most exact file.
    pub fn make(&self, id: ModelId, format: Precision) -> Result<(), Failure> {
        self.0.check_manages()?;
        work::make(&self.0, id, format)
    }

    /// Ends importing or making. Done when it has ended.
    pub async fn stop_work(&self) {
        work::stop(&self.0).await;
    }

    /// Says whether a model is to be protected from being deleted.
    pub async fn keep(&self, id: ModelId, format: Precision, keep: bool) -> Result<(), Failure> {
        self.0.change(move |inventory| inventory.keep(&id, format, keep)).await
    }

    /// Deletes a model's files if they are ours, and else forgets it. Tells how many bytes became free.
    pub async fn remove(&self, id: ModelId, format: Precision) -> Result<u64, Failure> {
        usage::check_unused(&self.0.users, &id, format)?;
        check_unneeded(&self.0.folders, &id, format).await?;
        self.0.change(move |inventory| inventory.remove(&id, format)).await
    }

    /// Ends everything; what came is kept, and gone on with at the next [`Models::begin`].
    pub async fn stop(&self) {
        self.stop_work().await;
        let running = self.0.running().take();
        if let Some(Running { queue, follower, stop }) = running {
            stop.cancel();
            if let Some(queue) = queue {
                queue.stop().await;
            }
            if let Err(error) = follower.await {
                tracing::error!(%error, "the downloads were not followed to the end");
            }
        }
    }

    fn order(&self, order: impl FnOnce(&Queue) -> Result<(), cortensor_download::QueueError>) -> Result<(), Failure> {
        self.0.check_manages()?;
        self.begin()?;
        let running = self.0.running();
        let queue = running.as_ref().and_then(|running| running.queue.as_ref()).ok_or_else(ended)?;
        order(queue).map_err(|error| Failure::of(FailureCode::Busy, &error))
    }

    fn download(&self, id: &ModelId, format: Precision) -> Result<DownloadId, Failure> {
        self.0.check_manages()?;
        self.begin()?;
        let running = self.0.running();
        let queue = running.as_ref().and_then(|running| running.queue.as_ref()).ok_or_else(ended)?;
        let status = queue.status();
        let wanted = |one: &&Download| one.model == *id && one.format == format && !is_over(one);
        let found = status.borrow().iter().find(wanted).map(|one| one.id);
        found.ok_or_else(|| {
            let message = format!("{id} {format} is not being downloaded any more; get it anew");
            Failure::new(FailureCode::Request, message)
        })
    }
}

impl Place {
    /// Models are there for all nodes of a user, and one of them has the say.
    fn check_manages(&self) -> Result<(), Failure> {
        self.folders.check_manages_models().map_err(|error| Failure::of(FailureCode::Request, &error))
    }

    fn shop(&self) -> Result<&Shared, Failure> {
        self.shop.as_ref().map_err(Clone::clone)
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn job(&self) -> MutexGuard<'_, Option<work::Job>> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Inventory) -> Result<T, cortensor_models::inventory::InventoryError> + Send + 'static,
    ) -> Result<T, Failure> {
        self.check_manages()?;
        let library = Arc::clone(&self.shop()?.library);
        let changed = spawn_blocking(move || change(library.inventory())).await;
        let changed = changed.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
        self.again.notify_one();
        Ok(changed)
    }

    /// Looks at the disk and the list, and shows what there is.
    async fn look(&self) {
        let Ok(shop) = self.shop().cloned() else { return };
        let (in_use, hardware, folders) = (self.users.now(), self.users.hardware(), self.folders.clone());
        let look = move || {
            // What cannot be read is told where the settings are shown.
            let settings = survey::plan_settings(&Settings::read(&folders).unwrap_or_default());
            let room = hardware.map(|hardware| Room { hardware, settings });
            catalogue::look(&shop.library, &shop.list()?, &in_use, room.as_ref())
        };
        let seen = spawn_blocking(look).await;
        let seen = seen.unwrap_or_else(|error| Err(failed(&error)));
        self.view.send_modify(|view| match seen {
            Ok(seen) => {
                (view.models, view.disk, view.list) = (Some(seen.models), Some(seen.disk), Some(seen.list));
                (view.limit_bytes_per_second, view.failure) = (seen.limit, None);
            }
            Err(failure) => view.failure = Some(failure),
        });
    }

    /// Shows how downloads are.
    ///
    /// What is over and was not in `over` has the list looked at again. One that is missing would not do: it may have come and
    /// ended between two looks.
    fn show(&self, downloads: &[Download], over: &mut BTreeSet<DownloadId>) {
        self.view.send_modify(|view| view.downloads = DownloadView::of_all(downloads, &view.downloads));
        let now: BTreeSet<_> = downloads.iter().filter(|one| is_over(one)).map(|one| one.id).collect();
        if !now.is_subset(over) {
            self.again.notify_one();
        }
        *over = now;
    }
}

impl Shared {
    fn list(&self) -> Result<Manifest, Failure> {
        self.store.current().map(|signed| signed.manifest).map_err(|error| failed(&error))
    }
}

/// Keeps the view true until it is stopped.
async fn follow(place: Arc<Place>, mut downloads: watch::Receiver<Vec<Download>>, stop: CancellationToken) {
    let mut users = place.users.clone();
    let mut seen = (users.now(), users.hardware());
    let mut over = BTreeSet::new();
    place.show(&downloads.borrow_and_update(), &mut over);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = place.again.notified() => place.look().await,
            Ok(()) = downloads.changed() => place.show(&downloads.borrow_and_update(), &mut over),
            () = users.changed() => {
                let now = (users.now(), users.hardware());
                if now != seen {
                    seen = now;
                    place.again.notify_one();
                }
            }
        }
    }
}

fn is_over(download: &Download) -> bool {
    matches!(download.state, DownloadState::Finished | DownloadState::Cancelled)
}

fn failed(error: &dyn std::error::Error) -> Failure {
    Failure::of(FailureCode::Model, error)
}

fn ended() -> Failure {
    Failure::new(FailureCode::Stopped, "the program is being closed; start it again".to_owned())
}

#[cfg(test)]
mod tests;
