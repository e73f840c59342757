//! Putting a release in the place of what runs.

use std::{ffi::OsString, fs, path::Path, sync::Arc};

use cortensor_app::{
    Folders, Phase,
    updates::{Installed, Journal, Kept, Stamp, Trial, watcher},
};
use tauri::AppHandle;
use tauri_plugin_updater::Update;

use super::source::{Found, asks_password, chain, words};
use crate::{desk::Desk, window};

/// What a program for Linux begins with.
const ELF: &[u8] = b"\x7fELF";

/// Keeps what runs, installs what was found and starts what watches over it; the caller ends the program. If anything is
/// wrong what runs stays installed, and it is said for people.
pub(super) async fn install(
    app: &AppHandle,
    desk: &Arc<Desk>,
    stamp: &Stamp,
    found: &Found,
    before: Phase,
) -> Result<(), String> {
    let folders = desk.miner.options().folders.clone();
    let path = found.package.clone().ok_or("the update was not downloaded; look for it again")?;
    let (update, from, arguments) = (found.update.clone(), stamp.version.clone(), arguments(app));
    let to = update.version.parse().map_err(|error| format!("the update has no version: {error}"))?;
    let (was_mining, had_failed) = (before == Phase::Mining, before == Phase::Failed);
    let trial = Trial { from, to, was_mining, had_failed };
    let work = move || {
        let done = put(&folders, &update, &path, trial, arguments);
        if done.is_ok() || !fs::read(&path).is_ok_and(|package| update.verify(&package).is_ok()) {
            // It has served, or is not what it should be.
            let _ = fs::remove_file(&path);
        }
        done
    };
    tauri::async_runtime::spawn_blocking(work).await.map_err(|error| error.to_string())?
}

fn put(folders: &Folders, update: &Update, path: &Path, trial: Trial, arguments: Vec<OsString>) -> Result<(), String> {
    let package = fs::read(path)
        .map_err(|error| format!("{} cannot be read: {error}; look for the update again", path.display()))?;
    // Whatever cannot be put back by itself is started from its copy.
    let in_place = cfg!(target_os = "linux") && !asks_password();
    let installed = Installed::this(in_place).map_err(|error| format!("this program is not found: {error}"))?;
    let kept = Kept::keep(folders, trial.from.clone(), &installed).map_err(|error| error.to_string())?;
    let before = Journal::of(folders);
    let noted = Journal::change(folders, |journal| {
        journal.trial = Some(trial);
        journal.kept = Some(kept.clone());
    });
    noted.map_err(|error| error.to_string())?;
    let replaced = if in_place {
        replace(update, &kept, &package)
    } else {
        update.install(package).map_err(|error| words(&error))
    };
    let started = replaced.and_then(|()| {
        watcher::start(&kept, arguments).map_err(|error| {
            format!("the update is installed and could not be started ({error}); close the program and open it again")
        })
    });
    if started.is_err() {
        kept.restore();
        let undone = Journal::change(folders, |journal| {
            journal.trial = before.trial;
            journal.kept = before.kept;
        });
        undone.map_err(|error| error.to_string())?;
    }
    started
}

/// The library writes over the program in place; here it is the old one or the new one at any time.
fn replace(update: &Update, kept: &Kept, package: &[u8]) -> Result<(), String> {
    update.verify(package).map_err(|error| words(&error))?;
    if !package.starts_with(ELF) {
        return Err("the update is no program for this system; tell its makers".to_owned());
    }
    kept.put_in_place(package).map_err(|error| {
        let (program, error) = (kept.program.display(), chain(&error));
        format!("the update cannot be put in the place of {program} ({error}); make its folder writable, or install it by hand")
    })
}

/// What the program was started with, and whether its window is open.
fn arguments(app: &AppHandle) -> Vec<OsString> {
    let mut arguments: Vec<_> = std::env::args_os().skip(1).filter(|argument| argument != window::HIDDEN).collect();
    if !window::is_open(app) {
        arguments.push(window::HIDDEN.into());
    }
    arguments
}
