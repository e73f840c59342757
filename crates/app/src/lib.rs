//! The use cases of the miner, for any host: a command line today, a window tomorrow.
//!
//! [`App::start`] begins a life: hardware, precision ladder, plan, model, node. The host watches one [`Status`] and
//! calls methods; it decides nothing. [`control`] lets another process do the same over loopback.
//!
//! **Invariant:** knows no Tauri, no concrete engine and no router's inside. The status has one owner, the life.

pub mod benchmark;
mod choice;
pub mod control;
pub mod doctor;
mod files;
mod folders;
mod life;
mod measurements;
mod settings;
mod status;
mod survey;

use std::{path::PathBuf, sync::Arc};

use cortensor_engine::Engine;
use cortensor_node::{EarningsSummary, Ledger, LedgerError};
use cortensor_protocol::{Millis, Mode, Settlement};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{OnceCell, mpsc, oneshot, watch},
    task::JoinHandle,
};

pub use files::{FileError, read_or_create_secret};
pub use folders::{Folders, FoldersError, Lock};
pub use settings::{Settings, SettingsError};
pub use status::{Loaded, ModeView, Phase, Problem, ProblemCode, Status, Step, StepName, StepState};

/// Asked for the passphrase of the key's file; the flag says whether it is a new one.
pub type AskPassphrase = Arc<dyn Fn(bool) -> Option<String> + Send + Sync>;

/// What there is to serve with on this machine, with or without a network.
#[derive(Clone)]
pub struct Machine {
    /// Where everything is kept; locked by the host.
    pub folders: Folders,
    /// The starter model's file as it was downloaded.
    pub starter_model: PathBuf,
    /// The user's settings.
    pub settings: Settings,
    /// The engine.
    pub engine: Arc<dyn Engine>,
}

/// What a host gives an app.
#[derive(Clone)]
pub struct AppConfig {
    /// What there is to serve with.
    pub machine: Machine,
    /// The router's node endpoint, such as `ws://127.0.0.1:5010/node/v1`.
    pub router: String,
    /// How to ask for a passphrase where no keychain runs.
    pub passphrase: AskPassphrase,
}

/// A running app. Cheap to clone.
#[derive(Clone)]
pub struct App {
    status: watch::Receiver<Status>,
    commands: mpsc::Sender<Command>,
    ledger: LedgerCell,
}

/// The one ledger of an app, opened by whoever needs it first.
#[derive(Clone)]
pub(crate) struct LedgerCell {
    path: PathBuf,
    cell: Arc<OnceCell<Ledger>>,
}

/// What an app can be told.
pub(crate) enum Command {
    Mode(Mode, Reply),
    Pause(Reply),
    Resume(Reply),
    Quit(Reply),
}

pub(crate) type Reply = oneshot::Sender<Result<(), CommandError>>;

/// Why the app did not do as told. What was before goes on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum CommandError {
    /// The app has ended.
    #[error("the miner has stopped; start it again with `cortensor mine`")]
    Stopped,
    /// The other model did not load; the one before is still served where it could be kept.
    #[error("{message}")]
    NotLoaded {
        /// What was wrong and what to do.
        message: String,
    },
    /// The choice could not be written down.
    #[error("{message}")]
    NotKept {
        /// What was wrong and what to do.
        message: String,
    },
}

/// Sums and the latest settlements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Earnings {
    /// Today, in all, by mode.
    pub summary: EarningsSummary,
    /// Newest first.
    pub latest: Vec<Settlement>,
}

impl App {
    /// Begins. The handle ends when the app has stopped, whether told to or because something must be done first; the
    /// last status says which.
    pub fn start(config: AppConfig) -> (Self, JoinHandle<()>) {
        let (sender, commands) = mpsc::channel(16);
        let status = watch::Sender::new(Status::default());
        let ledger = LedgerCell { path: config.machine.folders.ledger(), cell: Arc::default() };
        let app = Self { status: status.subscribe(), commands: sender, ledger: ledger.clone() };
        let life = tokio::spawn(life::live(config, ledger, status, commands));
        (app, life)
    }

    /// How it is, now and from now on.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Chooses a mode: loads its model, serves it, lets what runs finish on the old one. Done when that is done.
    pub async fn set_mode(&self, mode: Mode) -> Result<(), CommandError> {
        self.tell(|reply| Command::Mode(mode, reply)).await
    }

    /// Takes no more tasks, finishes what runs, gives the memory back. Done when that is done.
    pub async fn pause(&self) -> Result<(), CommandError> {
        self.tell(Command::Pause).await
    }

    /// Loads the model again and takes tasks. Done when that is done.
    pub async fn resume(&self) -> Result<(), CommandError> {
        self.tell(Command::Resume).await
    }

    /// Finishes what runs and ends. Done when that is done.
    pub async fn quit(&self) -> Result<(), CommandError> {
        self.tell(Command::Quit).await
    }

    /// What was earned, with the latest `limit` settlements.
    pub async fn earnings(&self, limit: u32) -> Result<Earnings, LedgerError> {
        earnings(&self.ledger.open().await?, limit).await
    }

    async fn tell(&self, command: impl FnOnce(Reply) -> Command) -> Result<(), CommandError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.map_err(|_| CommandError::Stopped)?;
        answer.await.unwrap_or(Err(CommandError::Stopped))
    }
}

impl LedgerCell {
    pub(crate) async fn open(&self) -> Result<Ledger, LedgerError> {
        let ledger = self.cell.get_or_try_init(|| Ledger::open(&self.path)).await?;
        // The life closes it at its end; what was earned can still be asked for.
        if ledger.is_closed() { Ledger::open(&self.path).await } else { Ok(ledger.clone()) }
    }
}

/// What a ledger says was earned, with the latest `limit` settlements. Also works when no miner runs.
pub async fn earnings(ledger: &Ledger, limit: u32) -> Result<Earnings, LedgerError> {
    let summary = ledger.summary(start_of_today()).await?;
    Ok(Earnings { summary, latest: ledger.latest(limit).await? })
}

/// Midnight where the user is.
fn start_of_today() -> Millis {
    let now = jiff::Zoned::now();
    Millis(now.start_of_day().unwrap_or(now).timestamp().as_millisecond())
}
