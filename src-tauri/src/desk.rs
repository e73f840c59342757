//! What the commands work on.

use std::{
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use cortensor_app::{
    App, Failure, FailureCode, FoldersError, Lock, Problem, ProblemCode, RemovalChoice, RemovalReport, Settings,
    SettingsView,
};
use cortensor_host::{About, LogTail, Miner, Options, write_diagnosis};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use ts_rs::TS;

use crate::{updates::Updates, watches::Watches, which::Which, words::Spoken};

/// The miner, its logs and who watches them.
pub(crate) struct Desk {
    pub(crate) miner: Miner,
    pub(crate) logs: LogTail,
    pub(crate) watches: Watches,
    pub(crate) updates: Updates,
    pub(crate) which: Which,
    /// What is said outside the window.
    pub(crate) spoken: Spoken,
    /// Whether the miner is seen in the tray.
    pub(crate) in_tray: watch::Sender<bool>,
    lock: Mutex<Option<Lock>>,
    closing: AtomicBool,
}

/// A folder that a user may want to look into.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Folder {
    /// Where everything is kept.
    Data,
    /// Where logs are written.
    Logs,
    /// Where models are.
    Models,
}

impl Desk {
    pub(crate) fn new(options: Options, logs: LogTail) -> Self {
        let (which, miner) = (Which::of(&options.folders), Miner::new(options));
        Self {
            which,
            spoken: Spoken::new(miner.settings().settings.language),
            miner,
            logs,
            watches: Watches::default(),
            updates: Updates::new(),
            in_tray: watch::Sender::new(false),
            lock: Mutex::default(),
            closing: AtomicBool::default(),
        }
    }

    /// Starts the miner for the first time, as its user has said.
    pub(crate) async fn begin(&self) -> Result<(), Failure> {
        self.miner.first_run().begin()?;
        self.start().await;
        Ok(())
    }

    /// Starts the miner, if no other one has the folders and no first run waits. What goes wrong is in the status.
    pub(crate) async fn start(&self) {
        match self.take_folders() {
            Ok(()) => self.miner.start().await,
            Err(error) => {
                let code = match error {
                    FoldersError::InUse { .. } => ProblemCode::InUse,
                    _ => ProblemCode::Files,
                };
                self.miner.fail(Problem { code, message: Failure::of(FailureCode::File, &error).message });
            }
        }
    }

    /// Notes that the window is being closed; says whether it was already.
    pub(crate) fn begins_to_close(&self) -> bool {
        self.closing.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    pub(crate) fn app(&self) -> Result<App, Failure> {
        self.miner.app()
    }

    /// Writes the settings, and speaks the language that they say.
    pub(crate) async fn save_settings(&self, settings: &Settings) -> Result<SettingsView, Failure> {
        let view = self.miner.save_settings(settings).await?;
        self.spoken.speak(view.settings.language);
        Ok(view)
    }

    pub(crate) fn about(&self) -> About {
        let options = self.miner.options();
        About::this(&options.folders, options.engine.as_ref())
    }

    /// Ends the miner and deletes what was chosen of it. There is nothing to go on with after that: closing the window ends it.
    pub(crate) async fn remove(&self, choice: &RemovalChoice) -> Result<RemovalReport, Failure> {
        self.take_folders().map_err(|error| Failure::of(FailureCode::Busy, &error))?;
        let report = self.miner.remove(choice).await?;
        self.begins_to_close();
        Ok(report)
    }

    pub(crate) async fn write_diagnosis(&self, path: PathBuf) -> Result<(), Failure> {
        let (about, folders) = (self.about(), self.miner.options().folders.clone());
        let written = tauri::async_runtime::spawn_blocking(move || write_diagnosis(&about, &folders, &path)).await;
        let written = written.map_err(|error| Failure::of(FailureCode::File, &error))?;
        written.map_err(|error| Failure::of(FailureCode::File, &error))
    }

    pub(crate) fn folder(&self, folder: Folder) -> PathBuf {
        let folders = &self.miner.options().folders;
        match folder {
            Folder::Data => folders.data().to_owned(),
            Folder::Logs => folders.logs(),
            Folder::Models => folders.models(),
        }
    }

    fn take_folders(&self) -> Result<(), FoldersError> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if lock.is_none() {
            *lock = Some(self.miner.options().folders.lock()?);
        }
        Ok(())
    }
}
