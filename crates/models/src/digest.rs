//! SHA-256 of files.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use cortensor_protocol::ArtifactDigest;
use sha2::{Digest, Sha256};

/// Bytes read at a time: large enough to keep the disk busy, small enough to cancel at once.
const CHUNK: usize = 1 << 20;

/// Why a file has no digest.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be read; check that the file exists and that you may read it")]
pub struct DigestError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// The SHA-256 of a file. `on_progress` is told how many bytes were read so far.
pub fn sha256_file(path: &Path, on_progress: &mut dyn FnMut(u64)) -> Result<ArtifactDigest, DigestError> {
    let mut hasher = Sha256::new();
    let mut go_on = |bytes| {
        on_progress(bytes);
        true
    };
    hash_while(path, &mut hasher, &mut go_on)
        .map_err(|source| DigestError { path: path.to_owned(), source })
        .map(|()| finished(hasher))
}

/// The SHA-256 of a file, or nothing if `go_on`, which is told the bytes read so far, said no.
pub fn sha256_while(path: &Path, go_on: &mut dyn FnMut(u64) -> bool) -> io::Result<Option<ArtifactDigest>> {
    let mut stopped = false;
    let mut hasher = Sha256::new();
    hash_while(path, &mut hasher, &mut |bytes| {
        stopped = !go_on(bytes);
        !stopped
    })?;
    Ok((!stopped).then(|| finished(hasher)))
}

/// A hasher's result as the type we use.
pub(crate) fn finished(hasher: Sha256) -> ArtifactDigest {
    ArtifactDigest::new(hasher.finalize().into())
}

fn hash_while(path: &Path, hasher: &mut Sha256, go_on: &mut dyn FnMut(u64) -> bool) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut chunk = vec![0; CHUNK];
    let mut bytes = 0;
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(()),
            count => {
                hasher.update(&chunk[..count]);
                bytes += count as u64;
            }
        }
        if !go_on(bytes) {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_that_of_the_whole_file_and_progress_ends_at_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        let mut seen = 0;
        let digest = sha256_file(&path, &mut |bytes| seen = bytes).unwrap();
        assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(seen, 3);
        assert_eq!(sha256_while(&path, &mut |_| false).unwrap(), None);
    }

    #[test]
    fn a_missing_file_is_named() {
        let message = sha256_file(Path::new("/nowhere/at-all"), &mut |_| ()).unwrap_err().to_string();
        assert!(message.contains("/nowhere/at-all"), "{message}");
    }
}
