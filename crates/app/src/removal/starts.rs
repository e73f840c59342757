//! What starts the miner when its user logs in: the desktop's entry, and the systemd unit that was enabled.
//!
//! Each of a user's miners has its own: what starts another one is left alone.

use std::{
    fs,
    path::{Path, PathBuf},
};

use directories::BaseDirs;

use super::{RemovalItem, RemovalPart, carry::delete_file};
use crate::Folders;

/// The name under which the window's host has the main node started; others have their mark behind it.
const NAME: &str = "Cortensor Miner";
/// Where `systemctl --user enable` makes links to units.
const UNIT_LINKS: &str = "systemd/user/default.target.wants";

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
    /// A value in the registry, of this name.
    Registry(String),
}

impl Starts {
    /// What starts the miner on these folders.
    pub(super) fn of(folders: &Folders) -> Self {
        let Some(base) = BaseDirs::new() else { return Self::default() };
        let name = folders.mark().map_or_else(|| NAME.to_owned(), |mark| format!("{NAME} {mark}"));
        let link = unit(folders).map(|unit| base.config_dir().join(UNIT_LINKS).join(unit));
        Self {
            autostart: autostart(base.home_dir(), name),
            unit: link.filter(|link| fs::symlink_metadata(link).is_ok()),
        }
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
            (RemovalPart::Autostart, Some(Autostart::Registry(name)), _) => (Path::new(name), registry::delete(name)),
            _ => return None,
        };
        let error = deleted.err()?;
        Some(format!(
            "{} still starts with your session ({error}); take it out in your system's settings",
            path.display()
        ))
    }
}

/// The unit that starts the miner on these folders; none does on a folder that was chosen with `--data`.
fn unit(folders: &Folders) -> Option<String> {
    match (folders.name(), folders.mark()) {
        (Some(name), _) => Some(format!("cortensor@{name}.service")),
        (None, None) => Some("cortensor.service".to_owned()),
        (None, Some(_)) => None,
    }
}

#[cfg(windows)]
fn autostart(_home: &Path, name: String) -> Option<Autostart> {
    registry::has(&name).then_some(Autostart::Registry(name))
}

#[cfg(not(windows))]
fn autostart(home: &Path, name: String) -> Option<Autostart> {
    let entry = if cfg!(target_os = "macos") {
        home.join("Library/LaunchAgents").join(name + ".plist")
    } else {
        home.join(".config/autostart").join(name + ".desktop")
    };
    entry.is_file().then_some(Autostart::File(entry))
}

/// The registry of Windows, by the system's own program for it.
#[cfg(windows)]
mod registry {
    use std::{io, os::windows::process::CommandExt, process::Command};

    const RUN: &str = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run";
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;

    pub(super) fn has(name: &str) -> bool {
        run(&["query", RUN, "/v", name]).is_ok()
    }

    pub(super) fn delete(name: &str) -> io::Result<()> {
        run(&["delete", RUN, "/v", name, "/f"])
    }

    fn run(arguments: &[&str]) -> io::Result<()> {
        let done = Command::new("reg").args(arguments).creation_flags(CREATE_NO_WINDOW).output()?;
        if done.status.success() { Ok(()) } else { Err(io::Error::other("the registry said no")) }
    }
}

#[cfg(not(windows))]
mod registry {
    use std::io;

    pub(super) fn delete(_name: &str) -> io::Result<()> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_miner_has_a_unit_of_its_own_or_none() {
        let main = Folders::of_this_user().unwrap();
        assert_eq!(unit(&main).as_deref(), Some("cortensor.service"));
        assert_eq!(unit(&main.node("rig-2".parse().unwrap())).as_deref(), Some("cortensor@rig-2.service"));
        assert_eq!(unit(&Folders::at("/somewhere/else")), None);
    }
}
