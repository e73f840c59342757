//! The node's key: made on the first run, kept in the OS keychain or in an encrypted keystore file, never in plain text.

mod delete;
mod keychain;
mod keystore;
mod plain;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use alloy_signer::SignerSync;
use alloy_signer_local::{LocalSignerError, PrivateKeySigner};
use cortensor_protocol::NodeAddress;
use serde::{Deserialize, Serialize};

pub use delete::is_keystore;
pub use plain::PlainKey;

/// The identity of a node: a secp256k1 key and where it is kept.
#[derive(Clone)]
pub struct Identity {
    signer: PrivateKeySigner,
    place: KeyPlace,
}

/// Where a key is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum KeyPlace {
    /// In the operating system's keychain.
    Keychain,
    /// In a keystore file (Web3 Secret Storage, scrypt), encrypted with a passphrase.
    Keystore,
}

/// Asked for the passphrase of a keystore file; the flag says whether it is a new one. `None`: there is nobody to ask.
pub type PassphraseSource<'a> = &'a dyn Fn(bool) -> Option<String>;

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The keychain is locked or refused.
    #[error("the keychain does not give the key of node {address}; unlock it and start again")]
    KeychainRefused {
        /// Whose key.
        address: NodeAddress,
        /// What it said.
        #[source]
        source: keyring::v1::Error,
    },
    /// The keychain is there and the key is not, or another one is.
    #[error("the keychain has no key for node {address}; unlock it, or restore the key from your backup")]
    KeychainEmpty {
        /// Whose key.
        address: NodeAddress,
    },
    /// A new key could not be put into the keychain.
    #[error("the keychain did not keep the new key; unlock it and start again")]
    KeychainNotKept {
        /// What it said.
        #[source]
        source: keyring::v1::Error,
    },
    /// What was read back is not what was put in.
    #[error("the keychain gave back another key than it was given; nothing was registered, check the keychain")]
    KeychainUnreliable,
    /// The keychain did not let go of a key.
    #[error("the keychain did not delete the key of node {address}; unlock it and try again")]
    KeychainNotDeleted {
        /// Whose key.
        address: NodeAddress,
        /// What it said.
        #[source]
        source: keyring::v1::Error,
    },
    /// A file with a key is still there.
    #[error("{path} was not deleted; check that it is yours, and delete it yourself", path = path.display())]
    KeystoreNotDeleted {
        /// Which file.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: io::Error,
    },
    /// A keystore needs a passphrase and nobody can be asked.
    #[error(
        "no keychain runs here, so the key is kept in an encrypted file and needs a passphrase; set CORTENSOR_PASSPHRASE, or start in a terminal to be asked"
    )]
    NoPassphrase,
    /// A new passphrase is too short.
    #[error("the passphrase is too short; use at least 8 characters")]
    WeakPassphrase,
    /// The keystore does not open.
    #[error("the keystore {path} does not open; check the passphrase")]
    KeystoreClosed {
        /// Which file.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: LocalSignerError,
    },
    /// The keystore is missing, or not a keystore.
    #[error(
        "the keystore {path} cannot be read; check that it is there and yours to read, or restore it from a backup"
    )]
    KeystoreUnreadable {
        /// Which file.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: io::Error,
    },
    /// The keystore is another node's.
    #[error(
        "the keystore in {folder} is node {found}'s and this folder is node {expected}'s; restore its own keystore, or move identity.json away to become {found}"
    )]
    KeystoreOfAnother {
        /// Where it is.
        folder: PathBuf,
        /// Whose key should be there.
        expected: NodeAddress,
        /// Whose key is there.
        found: NodeAddress,
    },
    /// The keystore could not be written.
    #[error("the keystore {path} could not be written; check that the disk is not full and the folder is yours")]
    KeystoreNotWritten {
        /// Which file.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: io::Error,
    },
    /// The note of which identity this folder has is unreadable.
    #[error("{path} is unreadable; restore it from a backup, or move it away to begin with a new identity")]
    Note {
        /// Which file.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: io::Error,
    },
}

/// What stands in `identity.json`: enough to know which key must be there, so that a locked keychain, which says the
/// same as an empty one, is never mistaken for a first run.
#[derive(Serialize, Deserialize)]
struct Note {
    address: NodeAddress,
    place: KeyPlace,
}

impl Identity {
    /// Opens the identity of `folder`, or makes one on the first run. Blocks: the keychain may ask the user.
    pub fn open(folder: &Path, passphrase: PassphraseSource<'_>) -> Result<Self, IdentityError> {
        match read_note(folder)? {
            Some(note) => Self::known(folder, &note, passphrase),
            None => Self::create(folder, KeyPlace::here(), passphrase),
        }
    }

    /// Makes the identity of `folder` in an encrypted file, even where a keychain runs. One that is there is opened.
    pub fn create_keystore(folder: &Path, passphrase: PassphraseSource<'_>) -> Result<Self, IdentityError> {
        match read_note(folder)? {
            Some(note) => Self::known(folder, &note, passphrase),
            None => Self::create(folder, KeyPlace::Keystore, passphrase),
        }
    }

    /// Makes the key in the keystore file `keystore` the identity of `folder`: into the keychain if one runs, else into an
    /// encrypted file with the same passphrase. The key before stays where it is kept, and what it earned stays its own.
    pub fn import(folder: &Path, keystore: &Path, passphrase: &str) -> Result<Self, IdentityError> {
        Self::import_into(KeyPlace::here(), folder, keystore, passphrase)
    }

    fn import_into(place: KeyPlace, folder: &Path, keystore: &Path, passphrase: &str) -> Result<Self, IdentityError> {
        let signer = keystore::open(keystore.to_owned(), &|_| Some(passphrase.to_owned()))?;
        let signer = match place {
            KeyPlace::Keychain => keychain::keep(&signer)?,
            KeyPlace::Keystore => keystore::keep(folder, &signer, passphrase).map(|()| signer)?,
        };
        write_note(folder, &Note { address: signer.address(), place })?;
        Ok(Self { signer, place })
    }

    /// Writes the key into a keystore file (Web3 Secret Storage, scrypt) that `passphrase` encrypts: a backup.
    pub fn export(&self, keystore: &Path, passphrase: &str) -> Result<(), IdentityError> {
        keystore::write(keystore.to_owned(), &self.signer, passphrase)
    }

    /// An identity that is kept nowhere, for tests and simulations.
    pub fn ephemeral() -> Self {
        Self { signer: PrivateKeySigner::random(), place: KeyPlace::Keystore }
    }

    /// The address.
    pub fn address(&self) -> NodeAddress {
        self.signer.address()
    }

    /// Where the key is kept.
    pub fn place(&self) -> KeyPlace {
        self.place
    }

    /// The EIP-191 signature of `text`, `0x` and 130 hexadecimal digits.
    pub fn sign(&self, text: &str) -> Result<String, alloy_signer::Error> {
        self.signer.sign_message_sync(text.as_bytes()).map(|signature| signature.to_string())
    }

    fn known(folder: &Path, note: &Note, passphrase: PassphraseSource<'_>) -> Result<Self, IdentityError> {
        let signer = match note.place {
            KeyPlace::Keychain => keychain::read(note.address)?,
            KeyPlace::Keystore => keystore::read(folder, note.address, passphrase)?,
        };
        if signer.address() != note.address {
            let (expected, found) = (note.address, signer.address());
            return Err(IdentityError::KeystoreOfAnother { folder: folder.to_owned(), expected, found });
        }
        Ok(Self { signer, place: note.place })
    }

    fn create(folder: &Path, place: KeyPlace, passphrase: PassphraseSource<'_>) -> Result<Self, IdentityError> {
        let signer = match place {
            KeyPlace::Keychain => keychain::create()?,
            KeyPlace::Keystore => keystore::open_or_create(folder, passphrase)?,
        };
        if first_note(folder, &Note { address: signer.address(), place })? {
            return Ok(Self { signer, place });
        }
        // Somebody else was quicker, such as an earlier start whose keychain has only now been unlocked.
        Self::open(folder, passphrase)
    }
}

impl KeyPlace {
    /// Where a key goes on this machine: into the keychain, if one runs. Blocks until it is known.
    pub fn here() -> Self {
        if keychain::runs() { Self::Keychain } else { Self::Keystore }
    }
}

/// Whether an OS keychain can be asked here. Blocks until it is known.
pub fn keychain_runs() -> bool {
    keychain::runs()
}

fn read_note(folder: &Path) -> Result<Option<Note>, IdentityError> {
    let path = folder.join("identity.json");
    let error = |source| IdentityError::Note { path: path.clone(), source };
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|source| error(source.into())),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(error(source)),
    }
}

/// Writes the note unless there is one; says whether it did.
fn first_note(folder: &Path, note: &Note) -> Result<bool, IdentityError> {
    let path = folder.join("identity.json");
    let written = serde_json::to_vec_pretty(note).map_err(io::Error::from).and_then(|bytes| {
        match whole(&path, &bytes)?.persist_noclobber(&path) {
            Ok(_) => Ok(true),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error.error),
        }
    });
    written.map_err(|source| IdentityError::Note { path, source })
}

fn write_note(folder: &Path, note: &Note) -> Result<(), IdentityError> {
    let path = folder.join("identity.json");
    let text = serde_json::to_vec_pretty(note).map_err(io::Error::from);
    text.and_then(|bytes| write_whole(&path, &bytes)).map_err(|source| IdentityError::Note { path, source })
}

/// Writes a file that is there whole or not at all, readable by its owner only.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    whole(path, bytes)?.persist(path)?;
    Ok(())
}

/// A file on its way to `path`.
fn whole(path: &Path, bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests;
