//! The last good copy of the list, kept in one file so that list and signature are never of two versions.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{Manifest, ManifestError, ManifestKey, ManifestSignature};
use crate::whole;

/// The list that this program was built with.
const BUILT_IN: &[u8] = include_bytes!("../../manifest/manifest.json");
const BUILT_IN_SIGNATURE: &str = include_str!("../../manifest/manifest.json.sig");

/// Keeps the last good copy in a folder.
#[derive(Debug)]
pub struct ManifestStore {
    path: PathBuf,
    key: ManifestKey,
    built_in: SignedManifest,
}

/// A list whose signature was checked, with the bytes it was signed as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedManifest {
    /// The list.
    pub manifest: Manifest,
    bytes: Vec<u8>,
}

impl SignedManifest {
    fn open(key: &ManifestKey, bytes: Vec<u8>, signature: &ManifestSignature) -> Result<Self, ManifestError> {
        key.open(&bytes, signature).map(|manifest| Self { manifest, bytes })
    }
}

impl ManifestStore {
    /// The store in `folder`, beginning with the list that is built in.
    pub fn open(folder: &Path) -> Result<Self, ManifestError> {
        Self::with(folder, ManifestKey::network()?, BUILT_IN, &BUILT_IN_SIGNATURE.parse()?)
    }

    /// The same with another key and another list to begin with.
    pub fn with(
        folder: &Path,
        key: ManifestKey,
        bytes: &[u8],
        signature: &ManifestSignature,
    ) -> Result<Self, ManifestError> {
        let built_in = SignedManifest::open(&key, bytes.to_vec(), signature)?;
        Ok(Self { path: folder.join("manifest.signed"), key, built_in })
    }

    /// The newest list known: the last good copy, or the one built in if that is newer or the copy is damaged.
    pub fn current(&self) -> Result<SignedManifest, ManifestError> {
        let kept = self.kept()?.filter(|kept| kept.manifest.version > self.built_in.manifest.version);
        Ok(kept.unwrap_or_else(|| self.built_in.clone()))
    }

    /// Takes a new list, if it is signed, fresh and not older than what was seen, and keeps it.
    pub fn accept(
        &self,
        bytes: &[u8],
        signature: &ManifestSignature,
        now: Timestamp,
    ) -> Result<SignedManifest, ManifestError> {
        let offered = SignedManifest::open(&self.key, bytes.to_vec(), signature)?;
        offered.manifest.check_expiry(now)?;
        let seen = self.current()?;
        let (version, before) = (offered.manifest.version, seen.manifest.version);
        if version < before {
            return Err(ManifestError::Older { offered: version, seen: before });
        }
        if version == before {
            return if offered.bytes == seen.bytes { Ok(seen) } else { Err(ManifestError::SameVersion { version }) };
        }
        self.keep(bytes, signature)?;
        Ok(offered)
    }

    /// The copy that was kept. A damaged one counts as none: it is signed, so nobody else can have made it good.
    fn kept(&self) -> Result<Option<SignedManifest>, ManifestError> {
        let content = match fs::read(&self.path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ManifestError::Keep { path: self.path.clone(), source }),
        };
        let Some(end) = content.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
        let signature = std::str::from_utf8(&content[..end]).ok().and_then(|text| text.parse().ok());
        Ok(signature
            .and_then(|signature| SignedManifest::open(&self.key, content[end + 1..].to_vec(), &signature).ok()))
    }

    fn keep(&self, bytes: &[u8], signature: &ManifestSignature) -> Result<(), ManifestError> {
        let failed = |source| ManifestError::Keep { path: self.path.clone(), source };
        self.path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
        let content = [signature.to_string().as_bytes(), b"\n", bytes].concat();
        whole::write(&self.path, &content).map(|_| ()).map_err(failed)
    }
}
