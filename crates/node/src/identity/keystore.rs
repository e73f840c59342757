//! The key in an encrypted keystore file, where no keychain runs.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use alloy_signer_local::PrivateKeySigner;

use cortensor_protocol::NodeAddress;

use super::{IdentityError, PassphraseSource, write_whole};

pub(super) const FILE: &str = "keystore.json";
const SHORTEST_PASSPHRASE: usize = 8;

/// The key of `address`: an imported one has a file of its own, so that importing replaces nothing.
pub(super) fn read(
    folder: &Path,
    address: NodeAddress,
    passphrase: PassphraseSource<'_>,
) -> Result<PrivateKeySigner, IdentityError> {
    open(kept_in(folder, address), passphrase)
}

fn kept_in(folder: &Path, address: NodeAddress) -> PathBuf {
    let imported = imported(folder, address);
    if imported.exists() { imported } else { folder.join(FILE) }
}

/// Opens a keystore file.
pub(super) fn open(path: PathBuf, passphrase: PassphraseSource<'_>) -> Result<PrivateKeySigner, IdentityError> {
    check(&path).map_err(|source| IdentityError::KeystoreUnreadable { path: path.clone(), source })?;
    let secret = passphrase(false).ok_or(IdentityError::NoPassphrase)?;
    PrivateKeySigner::decrypt_keystore(&path, secret).map_err(|source| IdentityError::KeystoreClosed { path, source })
}

/// Keeps a key that comes from elsewhere.
pub(super) fn keep(folder: &Path, signer: &PrivateKeySigner, passphrase: &str) -> Result<(), IdentityError> {
    write_any(imported(folder, signer.address()), signer, passphrase)
}

/// Keeps a key that comes from elsewhere in plain text, under a passphrase that is new, and reads it back.
pub(super) fn keep_new(
    folder: &Path,
    signer: &PrivateKeySigner,
    passphrase: &str,
) -> Result<PrivateKeySigner, IdentityError> {
    let path = imported(folder, signer.address());
    write(path.clone(), signer, passphrase)?;
    open(path, &|_| Some(passphrase.to_owned()))
}

/// Says whether the file with the key of `address` is there, as far as that can be told without its passphrase.
pub(super) fn check_kept(folder: &Path, address: NodeAddress) -> Result<(), IdentityError> {
    let path = kept_in(folder, address);
    check(&path).map_err(|source| IdentityError::KeystoreUnreadable { path, source })
}

/// Writes a keystore file, whole or not at all.
pub(super) fn write(path: PathBuf, signer: &PrivateKeySigner, passphrase: &str) -> Result<(), IdentityError> {
    if passphrase.chars().count() < SHORTEST_PASSPHRASE {
        return Err(IdentityError::WeakPassphrase);
    }
    write_any(path, signer, passphrase)
}

/// The same with a passphrase that was chosen elsewhere.
fn write_any(path: PathBuf, signer: &PrivateKeySigner, passphrase: &str) -> Result<(), IdentityError> {
    let written = encrypt(signer, passphrase).and_then(|bytes| write_whole(&path, &bytes));
    written.map_err(|source| IdentityError::KeystoreNotWritten { path, source })
}

fn imported(folder: &Path, address: NodeAddress) -> PathBuf {
    folder.join(format!("keystore-{address}.json"))
}

/// Whether it is a keystore at all: if not, no passphrase opens it.
fn check(path: &Path) -> io::Result<()> {
    let keystore: serde_json::Value = serde_json::from_slice(&fs::read(path)?)?;
    let parts = ["ciphertext", "cipherparams", "kdf", "kdfparams", "mac"];
    if parts.iter().all(|part| keystore["crypto"].get(part).is_some()) {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "it is not a keystore"))
}

/// A keystore without a note was left by a kill between the two writes: it is opened, never replaced.
pub(super) fn open_or_create(
    folder: &Path,
    passphrase: PassphraseSource<'_>,
) -> Result<PrivateKeySigner, IdentityError> {
    if folder.join(FILE).exists() {
        return open(folder.join(FILE), passphrase);
    }
    let secret = passphrase(true).ok_or(IdentityError::NoPassphrase)?;
    let signer = PrivateKeySigner::random();
    write(folder.join(FILE), &signer, &secret)?;
    Ok(signer)
}

/// The library writes straight into the file it is given, so it gets a scratch folder; only ciphertext lands there.
fn encrypt(signer: &PrivateKeySigner, passphrase: &str) -> io::Result<Vec<u8>> {
    let scratch = tempfile::tempdir()?;
    let mut random = rand_08::thread_rng();
    let key = signer.to_bytes();
    PrivateKeySigner::encrypt_keystore(scratch.path(), &mut random, key, passphrase, Some(FILE))
        .map_err(io::Error::other)?;
    fs::read(scratch.path().join(FILE))
}
