//! What the user may set, in `settings.toml`.

#[cfg(test)]
mod page;
mod status_page;

use std::{fs, io, net::SocketAddr, path::PathBuf};

use cortensor_hardware::Overrides;
use cortensor_manners::Rules;
use cortensor_protocol::NodeAddress;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    Electricity, Folders, Money,
    files::{FileError, write_bytes},
    status::in_words,
    updates::{UpdateChannel, UpdatePolicy},
};

pub use status_page::StatusPageSettings;

/// The settings. Everything has a default; an unknown name is an error, so that a slip of the pen is not ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Most memory the model may take, in bytes. Default: what is free.
    pub memory_budget_bytes: Option<u64>,
    /// Most tokens of prompt and answer together. Default: the model's, up to 4096.
    pub context_tokens: Option<u32>,
    /// Requests worked on at a time. Default: by the planner.
    pub slots: Option<u32>,
    /// The router's node endpoint, such as `wss://router.example/node/v1`. Default: the embedded practice network.
    pub router: Option<String>,
    /// Where the embedded router listens.
    #[ts(type = "string")]
    pub listen: SocketAddr,
    /// Where earnings are to go, on a network that pays out: an address, best not the node's own, whose key is on this
    /// machine.
    pub payout_address: Option<String>,
    /// Whether prompts and answers of user requests are kept on this machine, to be looked at. Turning it off deletes
    /// those that were kept.
    pub keep_prompts: bool,
    /// Language of the window. Default: the system's. Holds from when it is saved.
    pub language: Option<Language>,
    /// Whether closing the window leaves the miner at work behind its icon in the tray, where there is one.
    pub close_to_tray: bool,
    /// Whether the user is told, outside the window too, what needs them.
    pub notifications: bool,
    /// What is done about newer versions of the program: `automatic`, `ask` or `off`. Holds from when it is saved.
    pub updates: UpdatePolicy,
    /// Which newer versions are looked at: `stable` or `beta`. Holds from when it is saved.
    pub update_channel: UpdateChannel,
    /// Corrections to the hardware that was found.
    pub hardware: Overrides,
    /// When to step aside. Holds from when it is saved.
    pub manners: Rules,
    /// What electricity costs and what credits are worth to you. Holds from when it is saved.
    pub electricity: Electricity,
    /// The page in the local network that says how the miner is. Holds from when it is saved in the window.
    pub status_page: StatusPageSettings,
}

/// A language that the window has words in, by its code (ISO 639-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    En,
    /// German.
    De,
    /// Spanish.
    Es,
}

/// The settings and what there is to know for changing them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct SettingsView {
    /// As they stand in the file.
    pub settings: Settings,
    /// As they would be without a file.
    pub defaults: Settings,
    /// Least and most of the numbers.
    pub ranges: Vec<Range>,
    /// The file.
    pub path: PathBuf,
    /// Whether the miner runs with others and has to start again to use these.
    pub restart_needed: bool,
    /// Why the file is not understood; the settings are the defaults then, and saving replaces the file.
    pub problem: Option<String>,
}

/// The least and the most that a setting may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Range {
    /// Which setting.
    pub name: String,
    /// Least.
    pub least: u64,
    /// Most.
    pub most: u64,
}

/// Name, least and most.
const RANGES: [(&str, u64, u64); 12] = [
    ("memory_budget_bytes", 64 << 20, 1 << 50),
    ("context_tokens", 256, 1 << 20),
    ("slots", 1, 64),
    ("hardware.memory_bytes", 64 << 20, 1 << 50),
    ("hardware.cpu_cores", 1, 4096),
    ("manners.in_use_seconds", 0, 86_400),
    ("manners.celsius", 0, 120),
    ("manners.others_cpu_percent", 0, 100),
    ("manners.others_gpu_percent", 0, 100),
    ("electricity.watts", 1, 100_000),
    ("electricity.price_per_kwh", 0, 10_000),
    ("electricity.value_per_credit", 0, 1_000_000),
];

impl Default for Settings {
    fn default() -> Self {
        Self {
            memory_budget_bytes: None,
            context_tokens: None,
            slots: None,
            router: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 5010)),
            payout_address: None,
            keep_prompts: false,
            language: None,
            close_to_tray: true,
            notifications: true,
            updates: UpdatePolicy::default(),
            update_channel: UpdateChannel::default(),
            hardware: Overrides::default(),
            manners: Rules::default(),
            electricity: Electricity::default(),
            status_page: StatusPageSettings::default(),
        }
    }
}

/// Why settings were not read.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("{path} cannot be read; check that it is yours")]
    Read {
        /// Which.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: io::Error,
    },
    /// The file is not what it should be.
    #[error("{path} is not understood: {message}; correct it, or delete it to go back to the defaults")]
    Parse {
        /// Which.
        path: PathBuf,
        /// Where and what.
        message: String,
    },
    /// A value is out of range.
    #[error("{path}: {name} is {value} and must be between {least} and {most}")]
    Range {
        /// Which file.
        path: PathBuf,
        /// Which setting.
        name: &'static str,
        /// What it says.
        value: u64,
        /// Least.
        least: u64,
        /// Most.
        most: u64,
    },
    /// A router's address is not one.
    #[error("{path}: router is {value:?} and must be a WebSocket address, such as wss://router.example/node/v1")]
    Router {
        /// Which file.
        path: PathBuf,
        /// What it says.
        value: String,
    },
    /// A payout address is not one.
    #[error("{path}: payout_address is {value:?}, which is not an address: {message}; copy it again from your wallet")]
    Payout {
        /// Which file.
        path: PathBuf,
        /// What it says.
        value: String,
        /// What is wrong with it.
        message: String,
    },
    /// A currency is not a name to show.
    #[error("{path}: electricity.currency is {value:?} and must be a name of up to 8 letters, such as EUR")]
    Currency {
        /// Which file.
        path: PathBuf,
        /// What it says.
        value: String,
    },
    /// The status page wants a port that is taken already.
    #[error("{path}: status_page.listen has the port of the practice network, {port}; choose another one")]
    StatusPage {
        /// Which file.
        path: PathBuf,
        /// Which port.
        port: u16,
    },
    /// The file was not written; what was before holds.
    #[error("the settings were not saved")]
    Write(#[source] FileError),
}

impl SettingsError {
    /// The setting that is wrong, by its name in the file.
    pub const fn field(&self) -> Option<&'static str> {
        match self {
            Self::Range { name, .. } => Some(name),
            Self::Router { .. } => Some("router"),
            Self::Payout { .. } => Some("payout_address"),
            Self::Currency { .. } => Some("electricity.currency"),
            Self::StatusPage { .. } => Some("status_page.listen"),
            Self::Read { .. } | Self::Parse { .. } | Self::Write(_) => None,
        }
    }
}

impl Settings {
    /// The settings of these folders; the defaults if there is no file.
    pub fn read(folders: &Folders) -> Result<Self, SettingsError> {
        let path = folders.settings();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(SettingsError::Read { path, source }),
        };
        let settings: Self = toml::from_str(&text)
            .map_err(|error| SettingsError::Parse { path: path.clone(), message: error.to_string() })?;
        settings.check(path)?;
        Ok(settings)
    }

    /// Checks and replaces the file.
    pub fn write(&self, folders: &Folders) -> Result<(), SettingsError> {
        self.check(folders.settings())?;
        let text = toml::to_string_pretty(self)
            .map_err(|error| SettingsError::Parse { path: folders.settings(), message: error.to_string() })?;
        write_bytes(&folders.settings(), text.as_bytes()).map_err(SettingsError::Write)
    }

    /// Whether a miner that runs with `self` has to start again to run with `other`.
    pub fn needs_restart(&self, other: &Self) -> bool {
        let without_live = |settings: &Self| Self {
            payout_address: None,
            keep_prompts: false,
            language: None,
            manners: Rules::default(),
            electricity: Electricity::default(),
            status_page: StatusPageSettings::default(),
            close_to_tray: true,
            notifications: true,
            updates: UpdatePolicy::default(),
            update_channel: UpdateChannel::default(),
            ..settings.clone()
        };
        without_live(self) != without_live(other)
    }

    /// Whether every value may be what it is; `path` is where the user finds them.
    pub(crate) fn check(&self, path: PathBuf) -> Result<(), SettingsError> {
        let values = [
            self.memory_budget_bytes,
            self.context_tokens.map(u64::from),
            self.slots.map(u64::from),
            self.hardware.memory_bytes,
            self.hardware.cpu_cores.map(u64::from),
            Some(self.manners.in_use_seconds.into()),
            Some(self.manners.celsius.into()),
            Some(self.manners.others_cpu_percent.into()),
            Some(self.manners.others_gpu_percent.into()),
            self.electricity.watts.map(u64::from),
            self.electricity.price_per_kwh.map(Money::ceil),
            self.electricity.value_per_credit.map(Money::ceil),
        ];
        for ((name, least, most), value) in RANGES.into_iter().zip(values) {
            if let Some(value) = value.filter(|value| !(least..=most).contains(value)) {
                return Err(SettingsError::Range { path, name, value, least, most });
            }
        }
        if let Some(value) = self.router.as_ref().filter(|router| !is_web_socket(router)) {
            return Err(SettingsError::Router { path, value: value.clone() });
        }
        if !self.electricity.has_currency() {
            return Err(SettingsError::Currency { path, value: self.electricity.currency.clone() });
        }
        if self.router.is_none() && self.status_page.collides_with(self.listen) {
            return Err(SettingsError::StatusPage { path, port: self.listen.port() });
        }
        match self.payout_address.as_ref().map(|value| (value, payout(value))) {
            Some((value, Err(message))) => Err(SettingsError::Payout { path, value: value.clone(), message }),
            _ => Ok(()),
        }
    }
}

impl SettingsView {
    /// The settings in the file, beside those that a miner runs with, if one runs.
    pub fn of(folders: &Folders, used: Option<&Settings>) -> Self {
        let (settings, problem) = match Settings::read(folders) {
            Ok(settings) => (settings, None),
            Err(error) => (Settings::default(), Some(in_words(&error))),
        };
        Self {
            restart_needed: used.is_none_or(|used| used.needs_restart(&settings)),
            problem,
            settings,
            defaults: Settings::default(),
            ranges: RANGES.map(|(name, least, most)| Range { name: name.to_owned(), least, most }).into(),
            path: folders.settings(),
        }
    }
}

fn is_web_socket(address: &str) -> bool {
    address.parse::<axum::http::Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("ws" | "wss")) && uri.host().is_some_and(|host| !host.is_empty())
    })
}

/// An address whose letters are of both cases carries a checksum in them (EIP-55), which must be right.
pub(crate) fn payout(text: &str) -> Result<NodeAddress, String> {
    let digits = text.strip_prefix("0x").ok_or("it does not begin with 0x")?;
    let address: NodeAddress = text.parse().map_err(|_| "it is not 40 hexadecimal digits")?;
    let one_case = !digits.contains(char::is_uppercase) || !digits.contains(char::is_lowercase);
    let checked = one_case || address.to_checksum(None) == text;
    if checked { Ok(address) } else { Err("its checksum is wrong, so a character is".to_owned()) }
}

#[cfg(test)]
mod tests;
