//! What a host tells its user when something did not work: a code to act on, and words.

use cortensor_node::{IdentityError, LedgerError};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{CommandError, SettingsError, status::in_words};

/// Something that was asked for and not done. What was before goes on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize, TS)]
#[error("{message}")]
pub struct Failure {
    /// For programs.
    pub code: FailureCode,
    /// For people: what is wrong and what to do.
    pub message: String,
    /// The setting that is wrong, by its name in `settings.toml`, if one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub field: Option<String>,
}

/// Kinds of failures, by what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// The miner has ended; start it again.
    Stopped,
    /// A model did not load.
    NotLoaded,
    /// A choice was not written down.
    NotKept,
    /// A setting is not allowed, or the file is not.
    Settings,
    /// The key.
    Identity,
    /// A passphrase is wrong, too short, or not asked for.
    Passphrase,
    /// The earnings could not be read.
    Ledger,
    /// A file was not read or written.
    File,
    /// The network's side of this machine.
    Network,
    /// What was asked for cannot be done like this.
    Request,
    /// Something else is under way that must end first.
    Busy,
    /// There is too little memory.
    Memory,
    /// The model's files.
    Model,
    /// These models cannot be compared.
    NotComparable,
    /// The engine did not answer.
    Engine,
}

impl Failure {
    /// A failure from an error and everything it came from.
    pub fn of(code: FailureCode, error: &dyn std::error::Error) -> Self {
        Self::new(code, in_words(error))
    }

    /// A failure in these words.
    pub const fn new(code: FailureCode, message: String) -> Self {
        Self { code, message, field: None }
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        let code = match error {
            CommandError::Stopped => FailureCode::Stopped,
            CommandError::NotLoaded { .. } => FailureCode::NotLoaded,
            CommandError::NotKept { .. } => FailureCode::NotKept,
        };
        Self::of(code, &error)
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Self::of(FailureCode::Ledger, &error)
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self { field: error.field().map(str::to_owned), ..Self::of(FailureCode::Settings, &error) }
    }
}

impl From<IdentityError> for Failure {
    fn from(error: IdentityError) -> Self {
        let code = match error {
            IdentityError::WeakPassphrase | IdentityError::KeystoreClosed { .. } => FailureCode::Passphrase,
            _ => FailureCode::Identity,
        };
        Self::of(code, &error)
    }
}
