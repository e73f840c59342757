//! One miner, from its start to its stop.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use cortensor_app::{
    App, AppConfig, Folders, Machine, Passphrases, ProblemCode, RouterChoice, Senses, Settings, SettingsError,
    control::Control, system_clock, threads::Threads,
};
use cortensor_engine::Engine;
use cortensor_engine_mistral::{EngineSettings, MistralEngine};
use cortensor_router::{Policy, Router};
use cortensor_status_page::StatusPage;
use tokio::task::JoinHandle;

use crate::{Practice, start_router, threads::OwnProcess};

/// What a miner is started with. The host holds the folders' lock.
#[derive(Clone)]
pub struct Options {
    /// Where everything is kept.
    pub folders: Folders,
    /// The starter model's file as it was downloaded.
    pub starter_model: PathBuf,
    /// A router's node endpoint, in place of the one in the settings.
    pub router: Option<String>,
    /// Where the embedded router listens, in place of the address in the settings.
    pub listen: Option<SocketAddr>,
    /// Where a passphrase comes from where no keychain runs.
    pub passphrases: Passphrases,
    /// The engine.
    pub engine: Arc<dyn Engine>,
    /// What tries other numbers of threads.
    pub threads: Option<Arc<dyn Threads>>,
    /// What is known of the machine's use.
    pub senses: Senses,
    /// The page in the local network, which outlives a miner.
    pub page: StatusPage,
}

/// Why a miner did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The embedded router, or the door for other processes.
    #[error(transparent)]
    Network(Box<dyn std::error::Error + Send + Sync>),
}

/// A running miner.
pub struct Running {
    app: App,
    life: JoinHandle<()>,
    control: Control,
    router: Option<Router>,
    practice: Option<Practice>,
}

/// This machine with the engine that this program is built with.
pub fn machine(folders: Folders, starter_model: PathBuf, settings: Settings) -> Machine {
    Machine { folders, starter_model, settings, engine: engine(), threads: Some(Arc::new(OwnProcess)) }
}

/// The engine that this program is built with.
pub fn engine() -> Arc<dyn Engine> {
    Arc::new(MistralEngine::new(EngineSettings::default()))
}

impl Options {
    /// The defaults, with the engine that this program is built with.
    pub fn new(folders: Folders, starter_model: PathBuf, passphrases: Passphrases) -> Self {
        let senses = cortensor_senses::Senses::default();
        Self {
            page: StatusPage::new(&folders),
            folders,
            starter_model,
            router: None,
            listen: None,
            passphrases,
            engine: engine(),
            threads: Some(Arc::new(OwnProcess)),
            senses: Arc::new(move |rules| senses.read(rules)),
        }
    }
}

impl StartError {
    pub(crate) fn of(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Network(Box::new(error))
    }

    /// What kind of problem that is for a user.
    pub const fn code(&self) -> ProblemCode {
        match self {
            Self::Settings(_) => ProblemCode::Files,
            Self::Network(_) => ProblemCode::Network,
        }
    }
}

impl Running {
    /// Starts the embedded router, if no other is chosen, and a miner for it. The miner's own steps are in its status.
    pub async fn start(options: &Options) -> Result<Self, StartError> {
        let settings = Settings::read(&options.folders)?;
        let chosen = RouterChoice::of(&options.folders, options.router.as_deref(), options.listen)?;
        let embedded = match chosen {
            RouterChoice::Embedded(listen) => {
                Some(start_router("embedded practice router", &options.folders, listen, Policy::default()).await?)
            }
            RouterChoice::Given(_) | RouterChoice::OfMain(_) => None,
        };
        let of_embedded = embedded.as_ref().map(|(router, _)| format!("ws://{}/node/v1", router.address()));
        let router = chosen.endpoint().or(of_embedded).unwrap_or_default();
        let if_absent = chosen.if_absent();
        let (folders, starter_model) = (options.folders.clone(), options.starter_model.clone());
        let (engine, threads) = (Arc::clone(&options.engine), options.threads.clone());
        let machine = Machine { folders, starter_model, settings, engine, threads };
        let senses = Arc::clone(&options.senses);
        let (passphrases, clock) = (options.passphrases.clone(), system_clock());
        let (app, life) = App::start(AppConfig { machine, router, if_absent, passphrases, senses, clock });
        let control = Control::start(app.clone(), options.page.control(), options.folders.clone());
        let control = control.await.map_err(StartError::of)?;
        let (router, practice) = embedded.unzip();
        Ok(Self { app, life, control, router, practice })
    }

    /// The app.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// How to send a request to the embedded practice network, if it runs.
    pub fn practice(&self) -> Option<&Practice> {
        self.practice.as_ref()
    }

    /// Waits until the app has ended by itself or was told to.
    pub async fn ended(&mut self) {
        if let Err(error) = (&mut self.life).await {
            tracing::error!(%error, "the miner ended badly");
        }
    }

    /// Finishes what runs and ends everything.
    pub async fn stop(mut self) {
        // An app that has ended already says so, which is as good.
        let _ = self.app.quit().await;
        if !self.life.is_finished() {
            self.ended().await;
        }
        self.control.stop().await;
        if let Some(router) = self.router {
            router.stop().await;
        }
    }
}
