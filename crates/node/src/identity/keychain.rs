//! The key in the operating system's keychain.

use alloy_primitives::B256;
use alloy_signer_local::PrivateKeySigner;
use cortensor_protocol::NodeAddress;
use keyring::v1::{Entry, Error};

use super::IdentityError;

const SERVICE: &str = "network.cortensor.miner";

/// Whether a keychain can be asked at all.
pub(super) fn runs() -> bool {
    Entry::store_status().is_ok()
}

pub(super) fn read(address: NodeAddress) -> Result<PrivateKeySigner, IdentityError> {
    let stored = entry(address).and_then(|entry| entry.get_secret());
    match stored {
        Ok(secret) => parse(&secret, address).ok_or(IdentityError::KeychainEmpty { address }),
        Err(Error::NoEntry) => Err(IdentityError::KeychainEmpty { address }),
        Err(source) => Err(IdentityError::KeychainRefused { address, source }),
    }
}

/// Makes a key and stores it under its own address (so it can replace no other) before it is used.
pub(super) fn create() -> Result<PrivateKeySigner, IdentityError> {
    keep(&PrivateKeySigner::random())
}

/// Stores a key and reads it back.
pub(super) fn keep(signer: &PrivateKeySigner) -> Result<PrivateKeySigner, IdentityError> {
    let address = signer.address();
    let kept = entry(address).and_then(|entry| {
        entry.set_secret(signer.to_bytes().as_slice())?;
        entry.get_secret()
    });
    let secret = kept.map_err(|source| IdentityError::KeychainNotKept { source })?;
    parse(&secret, address).ok_or(IdentityError::KeychainUnreliable)
}

/// Deletes a key. One that is not there is as good as deleted.
pub(super) fn delete(address: NodeAddress) -> Result<(), IdentityError> {
    match entry(address).and_then(|entry| entry.delete_credential()) {
        Ok(()) | Err(Error::NoEntry) => Ok(()),
        Err(source) => Err(IdentityError::KeychainNotDeleted { address, source }),
    }
}

fn entry(address: NodeAddress) -> Result<Entry, Error> {
    Entry::new(SERVICE, &address.to_string())
}

fn parse(secret: &[u8], address: NodeAddress) -> Option<PrivateKeySigner> {
    let signer = PrivateKeySigner::from_bytes(&B256::try_from(secret).ok()?).ok()?;
    (signer.address() == address).then_some(signer)
}
