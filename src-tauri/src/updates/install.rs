//! Putting a release in the place of what runs.

use std::{ffi::OsString, fs, sync::Arc};

use cortensor_app::updates::{Installed, Journal, Kept, Stamp, Trial, watcher};
use tauri::AppHandle;

use super::source::{Found, asks_password, words};
use crate::{desk::Desk, window};

/// Keeps what runs, installs what was found and starts what watches over it; the caller ends the program. If anything is
/// wrong nothing is changed, and it is said for people.
pub(super) async fn install(
    app: &AppHandle,
    desk: &Arc<Desk>,
    stamp: &Stamp,
    found: &Found,
    was_mining: bool,
) -> Result<(), String> {
    let folders = desk.miner.options().folders.clone();
    let path = found.package.clone().ok_or("the update was not downloaded; look for it again")?;
    let (update, from, arguments) = (found.update.clone(), stamp.version.clone(), arguments(app));
    let to = update.version.parse().map_err(|error| format!("the update has no version: {error}"))?;
    let work = move || -> Result<(), String> {
        let package = fs::read(&path)
            .map_err(|error| format!("{} cannot be read: {error}; look for the update again", path.display()))?;
        // Whatever the library cannot put back by itself is started from its copy.
        let in_place = cfg!(target_os = "linux") && !asks_password();
        let installed = Installed::this(in_place).map_err(|error| format!("this program is not found: {error}"))?;
        let kept = Kept::keep(&folders, from.clone(), &installed).map_err(|error| error.to_string())?;
        let before = Journal::of(&folders);
        let trial = Some(Trial { from, to, was_mining });
        let journal = Journal { trial, kept: Some(kept.clone()), ..before.clone() };
        journal.keep(&folders).map_err(|error| error.to_string())?;
        let installed = update.install(package).map_err(|error| words(&error));
        let started = installed.and_then(|()| {
            watcher::start(&kept, arguments).map_err(|error| {
                format!("the update is installed and could not be started ({error}); close and open the program")
            })
        });
        if started.is_err() {
            before.keep(&folders).map_err(|error| error.to_string())?;
        }
        // It has served, or is not what it should be.
        let _ = fs::remove_file(&path);
        started
    };
    tauri::async_runtime::spawn_blocking(work).await.map_err(|error| error.to_string())?
}

/// What the program was started with, and whether its window is open.
fn arguments(app: &AppHandle) -> Vec<OsString> {
    let mut arguments: Vec<_> = std::env::args_os().skip(1).filter(|argument| argument != window::HIDDEN).collect();
    if !window::is_open(app) {
        arguments.push(window::HIDDEN.into());
    }
    arguments
}
