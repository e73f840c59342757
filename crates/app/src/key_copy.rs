//! When its user last saved a copy of the node's key: without one, a disk that fails takes what the node earned with it.

use std::path::Path;

use cortensor_node::{Identity, IdentityError, wall_time};
use cortensor_protocol::{Millis, NodeAddress};
use serde::{Deserialize, Serialize};

use crate::{
    Folders,
    files::{read_json, write_json},
};

/// A copy that was saved. Where it is, and whether it is still there, is its user's to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeyCopy {
    /// Whose key it is.
    address: NodeAddress,
    saved_at: Millis,
}

/// Writes the key into a keystore file that `passphrase` encrypts, and notes when. Blocks: such a file takes a second to make.
pub fn save_key(folders: &Folders, identity: &Identity, path: &Path, passphrase: &str) -> Result<(), IdentityError> {
    identity.export(path, passphrase)?;
    note(folders, KeyCopy { address: identity.address(), saved_at: wall_time() });
    Ok(())
}

/// When a copy of the key of `address` was last saved from these folders; nothing if none was, or if that cannot be told.
pub(crate) fn key_saved_at(folders: &Folders, address: NodeAddress) -> Option<Millis> {
    copies(folders).into_iter().find(|copy| copy.address == address).map(|copy| copy.saved_at)
}

/// The copy is there whether or not that can be written down.
fn note(folders: &Folders, copy: KeyCopy) {
    let mut copies = copies(folders);
    copies.retain(|other| other.address != copy.address);
    copies.push(copy);
    if let Err(error) = write_json(&folders.key_copies(), &copies) {
        tracing::warn!(%error, "that a copy of the key was saved is not written down");
    }
}

fn copies(folders: &Folders) -> Vec<KeyCopy> {
    let kept = read_json(&folders.key_copies());
    kept.inspect_err(|error| tracing::warn!(%error, "whether copies of keys were saved is not known"))
        .ok()
        .flatten()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_counts_for_the_key_that_it_is_of_and_only_once_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path());
        let (one, other) = (Identity::ephemeral(), Identity::ephemeral());
        let saved = |identity: &Identity| key_saved_at(&folders, identity.address());
        let file = folder.path().join("copy.json");
        save_key(&folders, &one, &file, "short").unwrap_err();
        assert_eq!(saved(&one), None);

        let before = wall_time();
        save_key(&folders, &one, &file, "correct horse").unwrap();
        assert!(saved(&one).is_some_and(|at| at >= before) && saved(&other).is_none());
        note(&folders, KeyCopy { address: other.address(), saved_at: Millis(1) });
        note(&folders, KeyCopy { address: one.address(), saved_at: Millis(2) });
        assert_eq!((saved(&one), saved(&other)), (Some(Millis(2)), Some(Millis(1))));
        std::fs::write(folders.key_copies(), "{").unwrap();
        assert_eq!(saved(&one), None, "what cannot be read says nothing");
    }
}
