//! What starts the miner when its user logs in: the desktop's entry, and the systemd unit that was enabled.
//!
//! Both start the miner on its user's own folder, so a removal of another folder leaves them alone.

use std::{
    fs,
    path::{Path, PathBuf},
};

use directories::BaseDirs;

use super::{RemovalItem, RemovalPart, carry::delete_file};
use crate::Folders;

/// The name under which the window's host has itself started.
const NAME: &str = "Cortensor Miner";
/// What `systemctl --user enable cortensor` makes.
const UNIT_LINK: &str = "systemd/user/default.target.wants/cortensor.service";

/// What starts the miner, where there is something.
#[derive(Debug, Default)]
pub(super) struct Starts {
    pub(super) autostart: Option<Autostart>,
    pub(super) unit: Option<PathBuf>,
}

/// How the desktop is told to start it.
#[derive(Debug)]
#[cfg_attr(windows, expect(dead_code, reason = "Windows has no such files"))]
#[cfg_attr(not(windows), expect(dead_code, reason = "only Windows has a registry"))]
pub(super) enum Autostart {
    /// A file.
    File(PathBuf),
    /// A value in the registry.
    Registry,
}

impl Starts {
    /// What starts the miner on these folders.
    pub(super) fn of(folders: &Folders) -> Self {
        let is_own = Folders::of_this_user().is_ok_and(|own| own == *folders);
        let base = BaseDirs::new().filter(|_| is_own);
        base.map_or_else(Self::default, |base| Self {
            autostart: autostart(base.home_dir()),
            unit: Some(base.config_dir().join(UNIT_LINK)).filter(|link| fs::symlink_metadata(link).is_ok()),
        })
    }

    /// As parts of the miner.
    pub(super) fn items(&self) -> Vec<RemovalItem> {
        let there = [(RemovalPart::Autostart, self.autostart.is_some()), (RemovalPart::Service, self.unit.is_some())];
        let item = |part| RemovalItem { part, bytes: 0, count: 1, deletes: true };
        there.into_iter().filter(|(_, is_there)| *is_there).map(|(part, _)| item(part)).collect()
    }

    /// Deletes one of them; says why it was not.
    pub(super) fn delete(&self, part: RemovalPart) -> Option<String> {
        let (path, deleted) = match (part, &self.autostart, &self.unit) {
            // The link itself: what it points to is the package's.
            (RemovalPart::Service, _, Some(link)) => (link.as_path(), fs::remove_file(link)),
            (RemovalPart::Autostart, Some(Autostart::File(path)), _) => (path.as_path(), delete_file(path)),
            (RemovalPart::Autostart, Some(Autostart::Registry), _) => (Path::new(NAME), registry::delete()),
            _ => return None,
        };
        let error = deleted.err()?;
        Some(format!(
            "{} still starts with your session ({error}); take it out in your system's settings",
            path.display()
        ))
    }
}

#[cfg(windows)]
fn autostart(_home: &Path) -> Option<Autostart> {
    registry::has().then_some(Autostart::Registry)
}

#[cfg(not(windows))]
fn autostart(home: &Path) -> Option<Autostart> {
    let entry = if cfg!(target_os = "macos") {
        home.join("Library/LaunchAgents").join(format!("{NAME}.plist"))
    } else {
        home.join(".config/autostart").join(format!("{NAME}.desktop"))
    };
    entry.is_file().then_some(Autostart::File(entry))
}

/// The registry of Windows, by the system's own program for it.
#[cfg(windows)]
mod registry {
    use std::{io, os::windows::process::CommandExt, process::Command};

    const RUN: &str = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run";
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;

    pub(super) fn has() -> bool {
        run(&["query", RUN, "/v", super::NAME]).is_ok()
    }

    pub(super) fn delete() -> io::Result<()> {
        run(&["delete", RUN, "/v", super::NAME, "/f"])
    }

    fn run(arguments: &[&str]) -> io::Result<()> {
        let done = Command::new("reg").args(arguments).creation_flags(CREATE_NO_WINDOW).output()?;
        if done.status.success() { Ok(()) } else { Err(io::Error::other("the registry said no")) }
    }
}

#[cfg(not(windows))]
mod registry {
    use std::io;

    pub(super) fn delete() -> io::Result<()> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}
