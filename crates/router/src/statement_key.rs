//! The router's own key, with which it signs statements of what nodes withdrew.
//!
//! It lies in a file of its own beside the database, readable by its owner only: whoever has a copy of the database is not
//! to sign for the router. Statements are signed when they are given out, so that a lost key is replaced by a new one and
//! every statement can be had again.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use cortensor_protocol::{NodeAddress, SignedStatement, Statement};

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum StatementKeyError {
    /// It is there and cannot be read.
    #[error(
        "the router's statement key {path} cannot be read; restore it from a copy, or move it away to have a new one made: nodes then get their statements anew, signed with that",
        path = path.display()
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: io::Error,
    },
    /// A new one could not be kept.
    #[error("the router's statement key {path} cannot be written; make room on the disk, and check that the folder is yours", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: io::Error,
    },
}

/// The key of one router.
pub(crate) struct StatementKey(PrivateKeySigner);

impl StatementKey {
    /// The key beside this database; made on the first call.
    pub(crate) fn open(database: &Path) -> Result<Self, StatementKeyError> {
        let path = database.with_extension("statement-key");
        match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map(Self).map_err(|_| damaged(path)),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Self::create(path),
            Err(source) => Err(StatementKeyError::Read { path, source }),
        }
    }

    fn create(path: PathBuf) -> Result<Self, StatementKeyError> {
        let signer = PrivateKeySigner::random();
        match write(&path, &hex::encode(signer.to_bytes())) {
            Ok(()) => Ok(Self(signer)),
            Err(source) => Err(StatementKeyError::Write { path, source }),
        }
    }

    /// Whose signature it is.
    pub(crate) fn address(&self) -> NodeAddress {
        self.0.address()
    }

    /// Signs what is said; `None` only if the library cannot.
    pub(crate) fn sign(&self, statement: Statement) -> Option<SignedStatement> {
        let signed = self.0.sign_message_sync(statement.text().as_bytes());
        let signature = signed.inspect_err(|error| tracing::error!(%error, "a statement was not signed")).ok()?;
        Some(SignedStatement { statement, signature: signature.to_string() })
    }
}

fn damaged(path: PathBuf) -> StatementKeyError {
    StatementKeyError::Read { path, source: io::Error::from(io::ErrorKind::InvalidData) }
}

/// There whole or not at all, and readable by its owner only.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_stays_the_same_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("router.sqlite");
        let first = StatementKey::open(&database).unwrap().address();
        assert_eq!(StatementKey::open(&database).unwrap().address(), first);
        let file = folder.path().join("router.statement-key");
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions()) & 0o077, 0);
        fs::write(&file, "not a key").unwrap();
        let error = StatementKey::open(&database).err().unwrap().to_string();
        assert!(error.contains("move it away"), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "not a key");
    }
}
