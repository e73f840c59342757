//! A miner that can be started again, with one status over all its lives.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use cortensor_app::{
    App, Failure, FailureCode, FirstRun, ImportedEnv, Lab, Models, NetworkAccess, Phase, Problem, Settings,
    SettingsView, Shop, Status, Users,
};
use cortensor_status_page::StatusPage;
use tokio::{sync::watch, task::JoinHandle};

use crate::{NetworkView, Options, Practice, Running, network, network_url};

/// A miner in a host that outlives it.
pub struct Miner {
    options: Options,
    status: watch::Sender<Status>,
    lab: Lab,
    models: Models,
    first_run: FirstRun,
    /// The last key that was taken over from another program's file, which still has it.
    pub(crate) imported: Mutex<Option<ImportedEnv>>,
    /// Held while a miner starts or stops, so that there are never two.
    running: tokio::sync::Mutex<Option<Life>>,
    now: Mutex<Option<Now>>,
    closed: AtomicBool,
}

struct Life {
    running: Running,
    mirror: JoinHandle<()>,
}

/// What is asked of the miner of now.
#[derive(Clone)]
struct Now {
    app: App,
    practice: Option<Practice>,
}

impl Miner {
    /// A miner that has not started.
    pub fn new(options: Options) -> Self {
        let (folders, starter_model) = (options.folders.clone(), options.starter_model.clone());
        let lab = Lab::new(folders, starter_model, Arc::clone(&options.engine));
        let status = watch::Sender::default();
        let users = Users::new(status.subscribe(), &lab);
        let models = Models::new(Shop::of_user(&options.folders), options.folders.clone(), users);
        Self {
            first_run: FirstRun::of(&options.folders),
            options,
            lab,
            models,
            status,
            imported: Mutex::default(),
            running: tokio::sync::Mutex::default(),
            now: Mutex::default(),
            closed: AtomicBool::default(),
        }
    }

    /// How it is, now and from now on, over all its lives.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// What it is started with.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Where precisions are compared, whether a miner runs or not.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// The models of this machine, whether a miner runs or not.
    pub fn models(&self) -> &Models {
        &self.models
    }

    /// The page in the local network, whether a miner runs or not.
    pub fn page(&self) -> &StatusPage {
        &self.options.page
    }

    /// The first run, until which is begun no miner starts.
    pub fn first_run(&self) -> &FirstRun {
        &self.first_run
    }

    /// The miner of now.
    pub fn app(&self) -> Result<App, Failure> {
        let none = || {
            let message = "the miner is not running; see what it says on the first screen and start it again";
            Failure::new(FailureCode::Stopped, message.to_owned())
        };
        self.current().map(|now| now.app).ok_or_else(none)
    }

    /// The settings in the file, whether a miner runs or not: one of them may be why none does.
    pub fn settings(&self) -> SettingsView {
        self.current().map_or_else(|| SettingsView::of(&self.options.folders, None), |now| now.app.settings())
    }

    /// Writes the settings, whether a miner runs or not.
    pub async fn save_settings(&self, settings: &Settings) -> Result<SettingsView, Failure> {
        let view = if let Some(now) = self.current() {
            now.app.save_settings(settings).await?
        } else {
            settings.write(&self.options.folders)?;
            self.settings()
        };
        self.page().open(&settings.status_page, self.status()).await;
        Ok(view)
    }

    /// How to send a request to the embedded practice network, if it runs.
    pub fn practice(&self) -> Option<Practice> {
        self.current()?.practice
    }

    /// Access to the network that the miner works for, as one of its users.
    pub fn network(&self) -> Result<NetworkAccess, Failure> {
        match self.practice() {
            Some(Practice { api_url, api_key }) => Ok(NetworkAccess { api_url, api_key }),
            None => network(&self.options.folders, self.options.router.as_deref(), None),
        }
    }

    /// Whether the network can be asked.
    pub fn network_view(&self) -> NetworkView {
        match self.network() {
            Ok(access) => NetworkView { api_url: Some(access.api_url), has_key: true },
            Err(_) => NetworkView { api_url: self.network_url().ok(), has_key: false },
        }
    }

    /// Keeps the user's key for the network that the miner works for.
    pub fn keep_network_key(&self, api_key: &str) -> Result<NetworkView, Failure> {
        let (api_url, api_key) = (self.network_url()?, api_key.trim().to_owned());
        NetworkAccess { api_url, api_key }.keep(&self.options.folders)?;
        Ok(self.network_view())
    }

    fn network_url(&self) -> Result<String, Failure> {
        network_url(&self.options.folders, self.options.router.as_deref())
    }

    /// Finishes what runs, if anything does, and starts anew with the settings as they are, unless the first run still waits
    /// for its user. What goes wrong is in the status.
    pub async fn start(&self) {
        let mut running = self.running.lock().await;
        self.end(running.take()).await;
        if self.closed.load(Ordering::Relaxed) || self.first_run.waits() {
            return;
        }
        if let Err(error) = self.models.begin() {
            tracing::warn!(%error, "downloads do not go on");
        }
        // Before the miner: one that fails is to be seen there too.
        if let Ok(settings) = Settings::read(&self.options.folders) {
            self.page().open(&settings.status_page, self.status()).await;
        }
        match Running::start(&self.options).await {
            Ok(started) => {
                let (app, practice) = (started.app().clone(), started.practice().cloned());
                let mirror = tokio::spawn(mirror(app.status(), self.status.clone(), self.first_run.clone()));
                self.set(Some(Now { app, practice }));
                *running = Some(Life { running: started, mirror });
            }
            Err(error) => {
                tracing::error!(%error, "the miner did not start");
                self.set(None);
                self.fail(Problem { code: error.code(), message: Failure::of(FailureCode::Network, &error).message });
            }
        }
    }

    /// Finishes what runs and ends for good. Done when that is done.
    pub async fn stop(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.lab.stop().await;
        self.models.stop().await;
        let mut running = self.running.lock().await;
        self.end(running.take()).await;
        self.status.send_modify(|status| status.phase = Phase::Stopped);
        self.page().close().await;
    }

    /// Starts after a stop that was not the end after all.
    pub async fn start_again(&self) {
        self.closed.store(false, Ordering::Relaxed);
        self.start().await;
    }

    /// Says that there is no miner, and why.
    pub fn fail(&self, problem: Problem) {
        self.status.send_replace(Status::failed(problem));
    }

    async fn end(&self, life: Option<Life>) {
        let Some(Life { running, mirror }) = life else { return };
        running.stop().await;
        if let Err(error) = mirror.await {
            tracing::error!(%error, "the status was not followed to the end");
        }
    }

    fn current(&self) -> Option<Now> {
        self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn set(&self, now: Option<Now>) {
        *self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = now;
    }
}

/// Copies a life's status until it has come to an end.
async fn mirror(mut status: watch::Receiver<Status>, to: watch::Sender<Status>, first_run: FirstRun) {
    loop {
        let now = status.borrow_and_update().clone();
        first_run.note(&now);
        let over = matches!(now.phase, Phase::Stopped | Phase::Failed);
        to.send_replace(now);
        if over || status.changed().await.is_err() {
            return;
        }
    }
}
