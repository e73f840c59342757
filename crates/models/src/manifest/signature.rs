//! Ed25519 over the exact bytes of the list, in a file of its own beside it.

use std::str::FromStr;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use super::{Manifest, ManifestError};

/// The network's public key. The private one is kept by whoever signs the list (docs/models.md), never in this repository.
const NETWORK_KEY: &str = include_str!("../../manifest/network.pub");

/// A public key that lists are checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestKey(VerifyingKey);

/// A signature beside a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestSignature(Signature);

impl ManifestKey {
    /// The key that this program was built with.
    pub fn network() -> Result<Self, ManifestError> {
        NETWORK_KEY.parse()
    }

    /// Checks the signature over the exact bytes, then reads them.
    pub fn open(&self, bytes: &[u8], signature: &ManifestSignature) -> Result<Manifest, ManifestError> {
        // Strict: no second signature of the same text, no weak keys.
        self.0.verify_strict(bytes, &signature.0).map_err(|_| ManifestError::Signature)?;
        Manifest::parse(bytes)
    }
}

impl FromStr for ManifestKey {
    type Err = ManifestError;

    fn from_str(text: &str) -> Result<Self, ManifestError> {
        let bytes = hexadecimal::<32>("the public key", text)?;
        VerifyingKey::from_bytes(&bytes).map(Self).map_err(|_| ManifestError::Signature)
    }
}

impl FromStr for ManifestSignature {
    type Err = ManifestError;

    fn from_str(text: &str) -> Result<Self, ManifestError> {
        hexadecimal::<64>("the signature of the list of models", text).map(|bytes| Self(Signature::from_bytes(&bytes)))
    }
}

impl std::fmt::Display for ManifestSignature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0.to_bytes()))
    }
}

/// Signs a list with a private key, and tells the public one that belongs to it.
pub fn sign(bytes: &[u8], private: &[u8; 32]) -> (ManifestSignature, ManifestKey) {
    let key = SigningKey::from_bytes(private);
    (ManifestSignature(key.sign(bytes)), ManifestKey(key.verifying_key()))
}

impl std::fmt::Display for ManifestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0.to_bytes()))
    }
}

fn hexadecimal<const N: usize>(what: &'static str, text: &str) -> Result<[u8; N], ManifestError> {
    let mut bytes = [0; N];
    let read = hex::decode_to_slice(text.trim(), &mut bytes);
    read.map(|()| bytes).map_err(|_| ManifestError::Hexadecimal { what, digits: 2 * N })
}
