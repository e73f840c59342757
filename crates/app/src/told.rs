//! What a user is told once, and never again.

use serde::{Deserialize, Serialize};

use crate::{
    Folders,
    files::{read_json, write_json},
};

/// Something that is worth saying once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hint {
    /// The window was closed and the miner goes on in the tray.
    GoesOnInTray,
}

/// Whether this is the first time that `hint` is to be said; from now on it is not. Where that cannot be written down it is
/// said again: better twice than never.
pub fn first_time(folders: &Folders, hint: Hint) -> bool {
    let mut told: Vec<Hint> = read_json(&folders.told()).ok().flatten().unwrap_or_default();
    if told.contains(&hint) {
        return false;
    }
    told.push(hint);
    if let Err(error) = write_json(&folders.told(), &told) {
        tracing::warn!(%error, ?hint, "that this was said was not written down");
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_said_once() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path());
        let said = [(); 3].map(|()| first_time(&folders, Hint::GoesOnInTray));
        assert_eq!(said, [true, false, false]);
    }
}
