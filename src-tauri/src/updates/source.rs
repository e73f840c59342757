//! Asking a channel and getting what it announces.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use cortensor_app::updates::{Journal, Stamp, UpdateChannel, UpdateRelease, Verdict, judge};
use tauri::{
    AppHandle, Url,
    utils::{config::BundleType, platform::bundle_type},
};
use tauri_plugin_updater::{Error, Update, UpdaterExt};

use super::waiting;
use crate::desk::Desk;

/// How long a server may say nothing.
const SILENCE: Duration = Duration::from_secs(60);

/// Where releases come from.
pub(super) struct Source<'a> {
    pub(super) app: &'a AppHandle,
    pub(super) desk: &'a Desk,
    pub(super) stamp: &'a Stamp,
}

/// A release that is taken.
pub(super) struct Found {
    pub(super) update: Update,
    pub(super) release: UpdateRelease,
    /// Its package, once it is here.
    pub(super) package: Option<PathBuf>,
}

impl Source<'_> {
    /// The newer version that the channel has for this machine, if any; otherwise what is wrong, for people.
    pub(super) async fn look(&self, channel: UpdateChannel, asked: bool) -> Result<Option<Found>, String> {
        let journal = Journal::of(&self.desk.miner.options().folders);
        let Some(update) = self.announced(channel).await.map_err(|error| words(&error))? else { return Ok(None) };
        let announced = update.version.parse().map_err(|error| format!("the channel announces no version: {error}"))?;
        match judge(&self.stamp.version, channel, &journal, asked, (&announced, &update.raw_json)) {
            Verdict::Take => Ok(Some(Found::of(update))),
            Verdict::Pass => Ok(None),
            Verdict::Refuse(refusal) => Err(refusal.to_string()),
        }
    }
}

impl Source<'_> {
    /// What the channel announces, if it is not what runs.
    async fn announced(&self, channel: UpdateChannel) -> Result<Option<Update>, Error> {
        let address = address(&self.stamp.updates, channel)?;
        let running = self.stamp.version.clone();
        // The library's own idea of what runs is the version it was compiled as. What is newer is judged by the whole manifest.
        let updater = self.app.updater_builder().version_comparator(move |_, release| release.version != running);
        let updater = updater.pubkey(&self.stamp.key).endpoints(vec![address])?;
        updater.configure_client(|client| client.connect_timeout(SILENCE).read_timeout(SILENCE)).build()?.check().await
    }
}

impl Found {
    fn of(update: Update) -> Self {
        let published = update.raw_json.get("pub_date").and_then(|date| date.as_str()).map(str::to_owned);
        let release = UpdateRelease { version: update.version.clone(), notes: update.body.clone(), published };
        Self { update, release, package: None }
    }

    /// Gets the package and checks it; says whether installing asks for a password.
    pub(super) async fn download(&mut self, folder: &Path, show: impl Fn(Option<f64>)) -> Result<bool, String> {
        let path = waiting(folder, &self.release.version);
        let is_here = fs::read(&path).is_ok_and(|package| self.update.verify(&package).is_ok());
        if !is_here {
            let mut got = 0_u64;
            let on_chunk = |length: usize, all: Option<u64>| {
                got += length as u64;
                show(all.map(|all| share(got, all)));
            };
            let package = self.update.download(on_chunk, || ()).await.map_err(|error| words(&error))?;
            // It waits on the disk: a miner's memory is for its model.
            fs::create_dir_all(folder).and_then(|()| fs::write(&path, package)).map_err(|error| {
                format!(
                    "the update cannot be kept in {} ({error}); make room on the disk and try again",
                    folder.display()
                )
            })?;
        }
        forget_others(folder, &path);
        self.package = Some(path);
        Ok(asks_password())
    }
}

/// Deletes downloads that something newer has taken the place of.
fn forget_others(folder: &Path, kept: &Path) {
    let found = fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path());
    let others = found.filter(|path| path != kept && path.extension().is_some_and(|kind| kind == "download"));
    for other in others {
        if let Err(error) = fs::remove_file(&other) {
            tracing::warn!(%error, path = %other.display(), "an old download was not deleted");
        }
    }
}

/// A channel's manifest. The library is told to take plain HTTP, which only this machine may speak: whoever tries out releases
/// has no certificate for it.
fn address(updates: &str, channel: UpdateChannel) -> Result<Url, Error> {
    let address: Url = format!("{}/{channel}/latest.json", updates.trim_end_matches('/')).parse()?;
    let is_this_machine = address.host_str().is_some_and(|host| ["127.0.0.1", "[::1]", "localhost"].contains(&host));
    let is_secure = address.scheme() == "https" || (address.scheme() == "http" && is_this_machine);
    if is_secure { Ok(address) } else { Err(Error::InsecureTransportProtocol) }
}

#[expect(clippy::cast_precision_loss, reason = "for a progress bar")]
fn share(part: u64, whole: u64) -> f64 {
    (part as f64 / whole.max(1) as f64).min(1.0)
}

/// A package manager has the program: installing is the system administrator's.
pub(super) fn asks_password() -> bool {
    matches!(bundle_type(), Some(BundleType::Deb | BundleType::Rpm))
}

/// What went wrong, and what to do; what runs goes on in any case.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::Minisign(_)
        | Error::Base64(_)
        | Error::SignatureUtf8(_)
        | Error::SignedVersionMismatch { .. }
        | Error::MissingSignedVersion => {
            "the update is not what its makers signed and was not installed; try again later, and tell them if it stays so".to_owned()
        }
        Error::Reqwest(_) | Error::Network(_) | Error::ReleaseNotFound | Error::Serialization(_) => {
            format!("the update did not come whole ({}); check the connection and try again", chain(error))
        }
        Error::TargetNotFound(_) | Error::TargetsNotFound(_) => {
            "the channel has no update for this system; get it from where you got this program".to_owned()
        }
        Error::InsecureTransportProtocol => {
            "this program was stamped with an address that is not https, and does not ask there; get it anew from its makers".to_owned()
        }
        Error::PackageInstallFailed | Error::AuthenticationFailed => {
            "the system did not install the update; try again and enter your password when it asks".to_owned()
        }
        error => format!("the update was not installed ({}); try again later", chain(error)),
    }
}

pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked_without_encryption() {
        let asked = |updates| address(updates, UpdateChannel::Beta).map(String::from).ok();
        assert_eq!(asked("https://a.example/x/").as_deref(), Some("https://a.example/x/beta/latest.json"));
        assert!(asked("http://127.0.0.1:80").is_some() && asked("http://[::1]:80").is_some());
        for refused in ["http://a.example", "http://127.0.0.1.a.example", "ftp://127.0.0.1", "updates"] {
            assert_eq!(asked(refused), None);
        }
    }
}
