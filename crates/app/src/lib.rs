//! The use cases of the miner, for any host: a command line today, a window tomorrow.
//!
//! [`App::start`] begins a life: hardware, precision ladder, plan, model, node. The host watches one [`Status`] and
//! calls methods; it decides nothing. [`control`] lets another process do the same over loopback.
//!
//! **Invariant:** knows no Tauri, no concrete engine and no router's inside. The status has one owner, the life.

mod access;
mod at_work;
pub mod benchmark;
mod chart;
mod choice;
mod command;
pub mod control;
mod device;
pub mod doctor;
mod earnings;
mod electricity;
mod env_file;
mod env_import;
mod export;
mod failure;
mod files;
mod first_run;
mod folders;
mod forecast;
mod incidents;
mod key_copy;
mod lab;
mod life;
mod manners;
mod measurements;
mod memory_limits;
mod models;
mod money;
mod node_name;
mod nodes;
mod notices;
mod outlook;
mod passphrases;
mod pause;
mod pending;
mod removal;
mod router_choice;
mod settings;
mod starter_file;
mod status;
mod survey;
pub mod threads;
mod told;
pub mod updates;
mod what_if;
mod why;
mod withdrawal;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use cortensor_engine::Engine;
use cortensor_node::{Identity, KeptPrompt, Ledger, LedgerError};
use cortensor_protocol::{Millis, Mode, NodeAddress, TaskId};
use tokio::{
    sync::{OnceCell, mpsc, oneshot, watch},
    task::{JoinHandle, spawn_blocking},
};

pub use access::NetworkAccess;
pub use chart::{EarningsChart, Span};
pub use command::CommandError;
pub(crate) use command::{Command, Reply};
pub use cortensor_manners::{Readings, Reason, Rules};
pub use cortensor_node::{Connection, wall_time};
pub use cortensor_planner::{Plan, WhatIf};
pub use earnings::{Earnings, EarningsReport, PayStates, Since, earnings};
pub use electricity::{ChartElectricity, Electricity, ElectricityReport, NoNet, PartElectricity};
pub use env_file::EnvError;
pub use env_import::{ImportedEnv, Wipe};
pub use failure::{Failure, FailureCode};
pub use files::{FileError, read_json, read_or_create_secret, write_json};
pub use first_run::{FirstRun, FirstRunScreen, FirstRunView};
pub use folders::{Folders, FoldersError, Lock};
pub use forecast::Forecast;
pub use incidents::{GoesOn, Incident, Repair, incidents};
pub use key_copy::save_key;
pub use lab::{
    Arrangement, ComparedToken, Comparison, ComparisonEntry, ComparisonHistory, ComparisonId, ComparisonPhase,
    ComparisonRequest, ComparisonSide, ExportFormat, FidelityPhase, FidelityReport, FidelityReports, FidelityRequest,
    FidelityRow, FidelityRun, KeptVote, Lab, MeasuredLoss, MiningMeanwhile, ModelFile, RemoteSide, ReportedFile,
    Revealed, SamplingChoice, ScoringSpeed, Sharing, SideChoice, SideState, TextChoice, TextFacts, TopToken,
    UnknownSide, Unscored, Vote, VoteChoice, VotePhase, VoteRequest, VoteSummary, save_picture,
};
pub use memory_limits::forget_memory_limits;
pub use models::{
    DiskView, DownloadPhase, DownloadView, ListView, ListedFacts, ModelUse, ModelView, Models, ModelsView, Shop, Users,
    VariantPlace, VariantView, WorkKind, WorkPhase, WorkView,
};
pub use money::{Balance, Money};
pub use node_name::{NodeName, UnknownName};
pub use nodes::{NodeView, check_unneeded, nodes};
pub use notices::{Notice, Notices};
pub use outlook::Outlook;
pub use passphrases::{AskPassphrase, Passphrases};
pub use pause::{Clock, PauseLength, UnknownLength, clock_in_words, system_clock, time_of_day};
pub use pending::PendingPay;
pub use removal::{
    ProgramRemoval, RemovalChoice, RemovalEarnings, RemovalItem, RemovalKey, RemovalOutcome, RemovalPart, RemovalPlan,
    RemovalReport, RemovalStep, remove,
};
pub use router_choice::RouterChoice;
pub use settings::{Language, Range, Settings, SettingsError, SettingsView, StatusPageSettings};
pub use starter_file::starter_file;
pub use status::{
    Loaded, Measured, ModeView, PassphraseRequest, Phase, Problem, ProblemCode, Status, Step, StepName, StepState,
    capitalised,
};
pub use threads::{ThreadTrial, ThreadTrials, ThreadsView};
pub use told::{Hint, first_time};
pub use why::{Cause, Finding, Link, Why, WhyLink};
pub use withdrawal::{Withdrawal, WithdrawalReceipt, withdraw, withdraw_alone};

/// Reads what is known of the machine's use, as far as the rules ask for it. Called about once a second, and may block.
pub type Senses = Arc<dyn Fn(&Rules) -> Readings + Send + Sync>;

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
    /// What tries other numbers of threads; without it, they are as they are.
    pub threads: Option<Arc<dyn threads::Threads>>,
}

/// What a host gives an app.
#[derive(Clone)]
pub struct AppConfig {
    /// What there is to serve with.
    pub machine: Machine,
    /// The router's node endpoint, such as `ws://127.0.0.1:5010/node/v1`.
    pub router: String,
    /// What to do where nothing answers there, if it is not only to wait.
    pub if_absent: Option<String>,
    /// Where a passphrase comes from where no keychain runs.
    pub passphrases: Passphrases,
    /// What is known of the machine's use.
    pub senses: Senses,
    /// The time where the user is.
    pub clock: Clock,
}

/// A running app. Cheap to clone.
#[derive(Clone)]
pub struct App {
    status: watch::Receiver<Status>,
    commands: mpsc::Sender<Command>,
    passphrases: mpsc::Sender<String>,
    ledger: LedgerCell,
    identity: watch::Receiver<Option<Identity>>,
    keep_prompts: Arc<AtomicBool>,
    rules: watch::Sender<Rules>,
    electricity: watch::Sender<Electricity>,
    machine: Arc<Machine>,
    router: Arc<str>,
}

/// What a life has of its app.
pub(crate) struct Begun {
    status: watch::Sender<Status>,
    commands: mpsc::Receiver<Command>,
    passphrases: mpsc::Receiver<String>,
    ledger: LedgerCell,
    identity: watch::Sender<Option<Identity>>,
    keep_prompts: Arc<AtomicBool>,
    aside: watch::Receiver<Vec<Reason>>,
    electricity: watch::Receiver<Electricity>,
}

/// The one ledger of an app, opened by whoever needs it first.
#[derive(Clone)]
pub(crate) struct LedgerCell {
    path: PathBuf,
    cell: Arc<OnceCell<Ledger>>,
}

impl App {
    /// Begins. The handle ends when the app has stopped, whether told to or because something must be done first; the
    /// last status says which.
    pub fn start(config: AppConfig) -> (Self, JoinHandle<()>) {
        let (commands, told) = mpsc::channel(16);
        let (passphrases, given) = mpsc::channel(1);
        let rules = watch::Sender::new(config.machine.settings.manners.clone());
        let electricity = watch::Sender::new(config.machine.settings.electricity.clone());
        let aside = manners::watch(Arc::clone(&config.senses), rules.subscribe());
        let begun = Begun {
            status: watch::Sender::new(Status::default()),
            commands: told,
            passphrases: given,
            ledger: LedgerCell { path: config.machine.folders.ledger(), cell: Arc::default() },
            identity: watch::Sender::new(None),
            keep_prompts: Arc::new(AtomicBool::new(config.machine.settings.keep_prompts)),
            aside,
            electricity: electricity.subscribe(),
        };
        let app = Self {
            status: begun.status.subscribe(),
            commands,
            passphrases,
            ledger: begun.ledger.clone(),
            identity: begun.identity.subscribe(),
            keep_prompts: Arc::clone(&begun.keep_prompts),
            rules,
            electricity,
            machine: Arc::new(config.machine.clone()),
            router: config.router.as_str().into(),
        };
        (app, tokio::spawn(life::live(config, begun)))
    }

    /// How it is, now and from now on.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Chooses a mode: loads its model, serves it, lets what runs finish on the old one. Done when that is done.
    pub async fn set_mode(&self, mode: Mode) -> Result<(), CommandError> {
        self.tell(|reply| Command::Mode(mode, reply)).await
    }

    /// Takes no more tasks, finishes what runs, gives the memory back, until the user resumes. Done when that is done.
    pub async fn pause(&self) -> Result<(), CommandError> {
        self.pause_for(PauseLength::UntilResumed).await
    }

    /// The same for a while; then it goes on by itself.
    pub async fn pause_for(&self, length: PauseLength) -> Result<(), CommandError> {
        self.tell(|reply| Command::Pause(length, reply)).await
    }

    /// Loads the model again and takes tasks. Done when that is done.
    pub async fn resume(&self) -> Result<(), CommandError> {
        self.tell(Command::Resume).await
    }

    /// Finishes what runs and gives the memory back until [`App::take_back`]. Not a choice of the user's: the next start
    /// mines. Done when that is done.
    pub(crate) async fn lend(&self) -> Result<(), CommandError> {
        self.tell(Command::Lend).await
    }

    /// Ends what [`App::lend`] began, unless the user chose otherwise meanwhile.
    pub(crate) async fn take_back(&self) -> Result<(), CommandError> {
        self.tell(Command::TakeBack).await
    }

    /// Says in the status what a fidelity report has measured.
    pub(crate) async fn show_losses(&self) -> Result<(), CommandError> {
        self.tell(Command::ShowLosses).await
    }

    /// Measures every precision again and plans anew: finishes what runs, measures, serves again. Done when that is done.
    pub async fn measure(&self) -> Result<(), CommandError> {
        self.tell(Command::Measure).await
    }

    /// Forgets what ran out of memory, and loads the model as it was planned before that. Done when that is done.
    pub async fn forget_memory_limits(&self) -> Result<(), CommandError> {
        self.tell(Command::ForgetLimits).await
    }

    /// Shows the last breakdown no longer: the user has seen it. It stays kept.
    pub async fn dismiss_incident(&self) -> Result<(), CommandError> {
        self.tell(Command::Seen).await
    }

    /// What would be served within other limits. Changes nothing, and answers at once.
    pub fn what_if(&self, limits: WhatIf) -> Result<Plan, Failure> {
        let (_, free_bytes) = cortensor_hardware::current_load();
        what_if::what_if(&self.status.borrow(), &self.machine.settings, limits, free_bytes)
    }

    /// Answers [`Status::passphrase`]. Whether it was right is in the status after that.
    pub fn give_passphrase(&self, passphrase: String) -> Result<(), Failure> {
        let asked = self.status.borrow().passphrase.is_some();
        if asked && self.passphrases.try_send(passphrase).is_ok() {
            return Ok(());
        }
        let message = "no passphrase is asked for just now; nothing was changed".to_owned();
        Err(Failure::new(FailureCode::Passphrase, message))
    }

    /// Finishes what runs and ends. Done when that is done.
    pub async fn quit(&self) -> Result<(), CommandError> {
        self.tell(Command::Quit).await
    }

    /// What a task asked and was answered, if the user wanted that kept.
    pub async fn prompt(&self, task: TaskId) -> Result<Option<KeptPrompt>, Failure> {
        Ok(self.ledger.open().await?.kept_prompt(task).await?)
    }

    /// The settings in the file.
    pub fn settings(&self) -> SettingsView {
        SettingsView::of(&self.machine.folders, Some(&self.machine.settings))
    }

    /// Writes the settings. Whether prompts are kept holds from now on, and none are left if not, and so do the rules for
    /// stepping aside and what is said of electricity; the rest holds from the next start.
    pub async fn save_settings(&self, settings: &Settings) -> Result<SettingsView, Failure> {
        settings.write(&self.machine.folders)?;
        self.keep_prompts.store(settings.keep_prompts, Ordering::SeqCst);
        self.rules.send_replace(settings.manners.clone());
        self.electricity.send_replace(settings.electricity.clone());
        if !settings.keep_prompts {
            self.ledger.open().await?.forget_prompts().await?;
        }
        Ok(self.settings())
    }

    /// Writes the node's key into an encrypted keystore file: a backup.
    pub async fn export_key(&self, path: PathBuf, passphrase: String) -> Result<(), Failure> {
        let (identity, folders) = (self.identity()?, self.machine.folders.clone());
        let exported = spawn_blocking(move || save_key(&folders, &identity, &path, &passphrase)).await;
        exported.map_err(|error| Failure::of(FailureCode::Identity, &error))?.map_err(Failure::from)
    }

    /// When that was last done with the key that this node has; nothing if never, or while its address is not known.
    pub fn key_saved_at(&self) -> Option<Millis> {
        let address = self.status.borrow().address?;
        key_copy::key_saved_at(&self.machine.folders, address)
    }

    /// Makes the key in a keystore file this node's, from the next start on.
    pub async fn import_key(&self, path: PathBuf, passphrase: String) -> Result<NodeAddress, Failure> {
        let folder = self.machine.folders.data().to_owned();
        let imported = spawn_blocking(move || Identity::import(&folder, &path, &passphrase)).await;
        let identity = imported.map_err(|error| Failure::of(FailureCode::Identity, &error))?;
        Ok(identity?.address())
    }

    /// Has what was earned withdrawn by the router that the miner works for.
    pub async fn withdraw(&self, wanted: &Withdrawal) -> Result<WithdrawalReceipt, Failure> {
        let (identity, ledger) = (self.identity()?, self.ledger.open().await?);
        withdraw(&self.machine.folders, &self.router, &identity, &ledger, wanted).await
    }

    fn identity(&self) -> Result<Identity, Failure> {
        self.identity.borrow().clone().ok_or_else(|| {
            let message = "the node's key is not open yet; wait until the miner has started".to_owned();
            Failure::new(FailureCode::Identity, message)
        })
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
