//! Browsers that may look: of each the digest of its token, in one file.

use std::{
    fmt,
    path::PathBuf,
    str::FromStr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cortensor_app::{FileError, read_json, write_json};
use cortensor_protocol::Millis;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio_util::sync::CancellationToken;
use ts_rs::TS;

/// Most browsers.
const MOST: usize = 16;
/// How exactly it is known when a browser last looked.
const LOOKED: Duration = Duration::from_secs(60);
/// How often that is written down: it is worth no more.
const WRITTEN: Duration = Duration::from_secs(3600);

/// A paired browser's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(transparent)]
pub struct DeviceId(u32);

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for DeviceId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// A browser that may look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PairedDevice {
    /// Its number.
    pub id: DeviceId,
    /// What it is, such as `Firefox on Android`.
    pub name: String,
    /// When it was paired.
    pub paired_at: Millis,
    /// When it last looked, to the minute.
    pub last_seen: Millis,
}

/// Why a browser was not paired.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PairError {
    /// There are as many as there may be.
    #[error("{MOST} browsers are paired, which is the most; forget one and show another code")]
    Full,
    /// It could not be written down.
    #[error(transparent)]
    File(#[from] FileError),
}

/// What a browser that is known has while it looks.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    pub(crate) id: DeviceId,
    /// Cancelled when it is forgotten.
    pub(crate) gone: CancellationToken,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    device: PairedDevice,
    /// SHA-256 of its token.
    digest: String,
    #[serde(skip)]
    gone: CancellationToken,
}

#[derive(Default)]
struct Known {
    devices: Vec<Kept>,
    written_at: Millis,
}

pub(crate) struct Devices {
    path: PathBuf,
    known: Mutex<Known>,
}

impl Devices {
    /// Those in the file. From one that is damaged nobody is let in: they pair again.
    pub(crate) fn read(path: PathBuf) -> Self {
        let devices = read_json(&path).unwrap_or_else(|error| {
            tracing::warn!(%error, "no browser is known any more; pair them again");
            None
        });
        let known = Known { devices: devices.unwrap_or_default(), written_at: Millis::default() };
        Self { path, known: Mutex::new(known) }
    }

    pub(crate) fn list(&self) -> Vec<PairedDevice> {
        self.lock().devices.iter().map(|kept| kept.device.clone()).collect()
    }

    /// Lets a browser in; answers with the token that it shows from now on.
    pub(crate) fn pair(&self, name: String, now: Millis) -> Result<String, PairError> {
        let mut known = self.lock();
        if known.devices.len() >= MOST {
            return Err(PairError::Full);
        }
        let token = hex::encode(rand::random::<[u8; 32]>());
        let id = DeviceId(known.devices.iter().map(|kept| kept.device.id.0).max().unwrap_or_default() + 1);
        let device = PairedDevice { id, name, paired_at: now, last_seen: now };
        known.devices.push(Kept { device, digest: digest(&token), gone: CancellationToken::new() });
        if let Err(error) = self.write(&known) {
            known.devices.pop();
            return Err(error.into());
        }
        Ok(token)
    }

    /// Who shows this token.
    pub(crate) fn recognise(&self, token: &str) -> Option<Pass> {
        let shown = digest(token);
        let is_it = |kept: &&Kept| bool::from(kept.digest.as_bytes().ct_eq(shown.as_bytes()));
        let known = self.lock();
        known.devices.iter().find(is_it).map(|kept| Pass { id: kept.device.id, gone: kept.gone.clone() })
    }

    /// Notes that a browser looks; says whether that is news.
    pub(crate) fn looks(&self, id: DeviceId, now: Millis) -> bool {
        let mut known = self.lock();
        let kept = known.devices.iter_mut().find(|kept| kept.device.id == id);
        let Some(kept) = kept.filter(|kept| now.since(kept.device.last_seen) >= LOOKED) else { return false };
        kept.device.last_seen = now;
        if now.since(known.written_at) >= WRITTEN {
            known.written_at = now;
            self.write_or_say(&known);
        }
        true
    }

    /// Forgets whom `which` says; tells how many these were. They are out at once, even if that cannot be written down.
    pub(crate) fn forget(&self, which: impl Fn(&PairedDevice) -> bool) -> Result<usize, FileError> {
        let mut known = self.lock();
        let gone: Vec<Kept> = known.devices.extract_if(.., |kept| which(&kept.device)).collect();
        gone.iter().for_each(|kept| kept.gone.cancel());
        if !gone.is_empty() {
            self.write(&known)?;
        }
        Ok(gone.len())
    }

    /// Writes down when they last looked.
    pub(crate) fn keep(&self) {
        let known = self.lock();
        if !known.devices.is_empty() {
            self.write_or_say(&known);
        }
    }

    fn write_or_say(&self, known: &Known) {
        if let Err(error) = self.write(known) {
            tracing::warn!(%error, "when browsers last looked is not kept");
        }
    }

    fn write(&self, known: &Known) -> Result<(), FileError> {
        write_json(&self.path, &known.devices)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn digest(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}
