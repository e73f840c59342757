//! Deleting a key, for a user who removes the miner from this computer.

use std::{fs, io, path::Path};

use cortensor_protocol::NodeAddress;

use super::{Identity, IdentityError, KeyPlace, keychain, read_note};

impl Identity {
    /// Where the key of `folder` is kept, and whose it is, without opening it. `None`: no key was made or imported yet.
    pub fn kept_in(folder: &Path) -> Result<Option<(NodeAddress, KeyPlace)>, IdentityError> {
        Ok(read_note(folder)?.map(|note| (note.address, note.place)))
    }

    /// Deletes the key of `folder` for good, if it is `address`'s: its entry in the keychain, its encrypted files and the note
    /// of it, which goes last, so that what was not done can be done again. Blocks: the keychain may ask the user.
    pub fn delete(folder: &Path, address: NodeAddress) -> Result<(), IdentityError> {
        let note = read_note(folder)?.filter(|note| note.address == address);
        if note.ok_or(IdentityError::KeychainEmpty { address })?.place == KeyPlace::Keychain {
            keychain::delete(address)?;
        }
        let unread = |source| IdentityError::KeystoreNotDeleted { path: folder.to_owned(), source };
        for entry in fs::read_dir(folder).map_err(unread)? {
            let entry = entry.map_err(unread)?;
            if is_keystore(&entry.file_name().to_string_lossy()) {
                delete_file(&entry.path())?;
            }
        }
        delete_file(&folder.join("identity.json"))
    }
}

/// Whether a file in a miner's folder is a key of it: the first one's, or one that was imported.
pub fn is_keystore(name: &str) -> bool {
    let imported = |name: &str| name.strip_prefix("keystore-")?.strip_suffix(".json")?.parse::<NodeAddress>().ok();
    name == super::keystore::FILE || imported(name).is_some()
}

fn delete_file(path: &Path) -> Result<(), IdentityError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(IdentityError::KeystoreNotDeleted { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deleted_key_is_nowhere_and_another_s_is_not_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let secret = |_| Some("correct horse".to_owned());
        let own = Identity::create_keystore(folder.path(), &secret).unwrap();
        fs::write(folder.path().join("keystore-of-a-friend.json"), "{}").unwrap();
        let other = Identity::ephemeral().address();
        assert!(Identity::delete(folder.path(), other).is_err());
        assert_eq!(Identity::open(folder.path(), &secret).unwrap().address(), own.address());

        assert_eq!(Identity::kept_in(folder.path()).unwrap(), Some((own.address(), KeyPlace::Keystore)));
        Identity::delete(folder.path(), own.address()).unwrap();
        assert_eq!(Identity::kept_in(folder.path()).unwrap(), None);
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["keystore-of-a-friend.json"]);
    }
}
