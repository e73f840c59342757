//! Small files that are there whole or not at all, readable by their owner only.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use rand::{Rng, distr::Alphanumeric};
use serde::{Serialize, de::DeserializeOwned};

/// Why a file was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Not read.
    #[error("{path} cannot be read; check that it is yours, or move it away to start without it")]
    Read {
        /// Which.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: io::Error,
    },
    /// Not written.
    #[error("{path} cannot be written; check that the disk is not full and the folder is yours")]
    Write {
        /// Which.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: io::Error,
    },
}

/// What stands in a JSON file; `None` if there is none.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FileError> {
    let error = |source| FileError::Read { path: path.to_owned(), source };
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|source| error(source.into())),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(error(source)),
    }
}

/// Replaces a JSON file.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), FileError> {
    let error = |source| FileError::Write { path: path.to_owned(), source };
    let bytes = serde_json::to_vec_pretty(value).map_err(|source| error(source.into()))?;
    write(path, &bytes).map_err(error)
}

/// Replaces a file.
pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write(path, bytes).map_err(|source| FileError::Write { path: path.to_owned(), source })
}

/// The secret in a file, `prefix` and 48 letters and digits; made on the first call.
///
/// For what opens only practice credits on this machine; a node's key is kept by its identity.
pub fn read_or_create_secret(path: &Path, prefix: &str) -> Result<String, FileError> {
    match fs::read_to_string(path) {
        Ok(secret) => Ok(secret.trim().to_owned()),
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            let random: String = rand::rng().sample_iter(Alphanumeric).take(48).map(char::from).collect();
            let secret = format!("{prefix}{random}");
            let written = write(path, secret.as_bytes());
            written.map_err(|source| FileError::Write { path: path.to_owned(), source })?;
            Ok(secret)
        }
        Err(source) => Err(FileError::Read { path: path.to_owned(), source }),
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let first = read_or_create_secret(&path, "sk-").unwrap();
        assert!(first.starts_with("sk-") && first.len() == 51);
        assert_eq!(read_or_create_secret(&path, "sk-").unwrap(), first);
    }

    #[test]
    fn a_damaged_file_is_an_error_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.json");
        assert!(read_json::<u32>(&path).unwrap().is_none());
        fs::write(&path, "{").unwrap();
        assert!(read_json::<u32>(&path).unwrap_err().to_string().contains("move it away"));
        assert!(path.exists());
    }
}
