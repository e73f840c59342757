//! Taking over the key of a node that ran with the network's other program, and taking it out of that program's file.

use std::path::{Path, PathBuf};

use cortensor_node::{Identity, IdentityError, KeyPlace};
use cortensor_protocol::NodeAddress;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    Failure, FailureCode, Folders,
    env_file::{EnvError, EnvFile},
};

/// A key that was taken over and read back from where it is kept now. That it exists is what wiping the file asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct ImportedEnv {
    /// Whose key it is.
    #[serde(serialize_with = "checksummed")]
    #[ts(type = "NodeAddress")]
    address: NodeAddress,
    /// Where it is kept.
    place: KeyPlace,
    /// The file, which still has it in plain text.
    file: PathBuf,
    /// Variables of the file that mean nothing here.
    not_used: Vec<String>,
}

/// How a key is taken out of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Wipe {
    /// Zeros in its place; the rest of the file stays.
    Key,
    /// The file is deleted.
    File,
}

/// As people compare it.
pub(crate) fn checksummed<S: serde::Serializer>(address: &NodeAddress, serializer: S) -> Result<S::Ok, S::Error> {
    address.to_string().serialize(serializer)
}

impl ImportedEnv {
    /// Makes the key in a node's `.env` that of these folders, from the next start on: into the keychain if one runs, else into
    /// an encrypted file that `passphrase` opens. Another key is only replaced where `replace` says so, and stays where it is
    /// kept. Blocks.
    pub fn take(folders: &Folders, path: &Path, passphrase: Option<&str>, replace: bool) -> Result<Self, EnvError> {
        Self::take_into(KeyPlace::here(), folders, path, passphrase, replace)
    }

    fn take_into(
        place: KeyPlace,
        folders: &Folders,
        path: &Path,
        passphrase: Option<&str>,
        replace: bool,
    ) -> Result<Self, EnvError> {
        let file = EnvFile::read(path)?;
        let own = Identity::address_in(folders.data())?.filter(|own| *own != file.key.address());
        if let Some(own) = own.filter(|_| !replace) {
            return Err(EnvError::HasKey { own });
        }
        let identity = Identity::adopt(place, folders.data(), &file.key, passphrase)?;
        Ok(Self {
            address: identity.address(),
            place: identity.place(),
            file: path.to_owned(),
            not_used: file.not_used,
        })
    }

    /// Takes the key out of the file, once more making sure that it is kept. Blocks.
    pub fn wipe(&self, folders: &Folders, how: Wipe) -> Result<(), EnvError> {
        Identity::check_kept(folders.data(), self.address)?;
        let file = EnvFile::read(&self.file)?;
        if file.key.address() != self.address {
            return Err(EnvError::Changed { path: self.file.clone() });
        }
        match how {
            Wipe::Key => file.wipe_key(),
            Wipe::File => file.delete(),
        }
    }

    /// Whose key it is.
    pub fn address(&self) -> NodeAddress {
        self.address
    }

    /// Where it is kept.
    pub fn place(&self) -> KeyPlace {
        self.place
    }

    /// The file it came from.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Variables of the file that mean nothing here.
    pub fn not_used(&self) -> &[String] {
        &self.not_used
    }
}

impl From<EnvError> for Failure {
    fn from(error: EnvError) -> Self {
        match error {
            EnvError::Identity(error @ IdentityError::NoPassphrase) => Self::of(FailureCode::Passphrase, &error),
            EnvError::Identity(error) => error.into(),
            EnvError::HasKey { .. } | EnvError::Changed { .. } => Self::of(FailureCode::Request, &error),
            _ => Self::of(FailureCode::File, &error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const KEY: &str = "0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
    const OTHER: &str = "0x8da4ef21b864d2cc526dbdb2a120bd2874c36c9d0a1fb7f8c63d7f7a8b41de8f";

    /// A miner's folder, and a node's file with this key.
    fn folders_and_file(key: &str) -> (tempfile::TempDir, Folders, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (data, file) = (folder.path().join("data"), folder.path().join(".env"));
        fs::create_dir(&data).unwrap();
        fs::write(&file, format!("HOST=a\nNODE_PRIVATE_KEY={key}\n")).unwrap();
        (folder, Folders::at(data), file)
    }

    fn take(folders: &Folders, file: &Path, replace: bool) -> Result<ImportedEnv, EnvError> {
        // Whether a keychain runs where the tests do must not matter.
        ImportedEnv::take_into(KeyPlace::Keystore, folders, file, Some("correct horse"), replace)
    }

    #[test]
    fn a_key_is_taken_over_once_and_replaces_another_only_when_that_is_said() {
        let (_folder, folders, file) = folders_and_file(KEY);
        let first = take(&folders, &file, false).unwrap();
        assert_eq!(first.not_used(), ["HOST"]);
        assert_eq!(take(&folders, &file, false).unwrap(), first, "the same key again replaces nothing");
        fs::write(&file, format!("NODE_PRIVATE_KEY={OTHER}")).unwrap();
        let refused = take(&folders, &file, false).unwrap_err();
        assert!(matches!(refused, EnvError::HasKey { own } if own == first.address()), "{refused}");
        assert_eq!(Identity::address_in(folders.data()).unwrap(), Some(first.address()));
        let second = take(&folders, &file, true).unwrap();
        assert_eq!(Identity::address_in(folders.data()).unwrap(), Some(second.address()));
    }

    #[test]
    fn a_file_is_wiped_only_while_its_key_is_kept_and_is_the_one_that_was_taken_over() {
        let (_folder, folders, file) = folders_and_file(KEY);
        let imported = take(&folders, &file, false).unwrap();
        let before = fs::read(&file).unwrap();
        let note = folders.data().join("identity.json");
        let kept = fs::read(&note).unwrap();
        fs::remove_file(&note).unwrap();
        assert!(matches!(imported.wipe(&folders, Wipe::File).unwrap_err(), EnvError::Identity(_)));
        assert_eq!(fs::read(&file).unwrap(), before);
        fs::write(&note, kept).unwrap();

        fs::write(&file, format!("NODE_PRIVATE_KEY={OTHER}")).unwrap();
        assert!(matches!(imported.wipe(&folders, Wipe::Key).unwrap_err(), EnvError::Changed { .. }));
        fs::write(&file, before).unwrap();
        imported.wipe(&folders, Wipe::Key).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), format!("HOST=a\nNODE_PRIVATE_KEY=0x{}\n", "0".repeat(64)));
    }

    #[test]
    fn what_is_told_of_an_import_has_no_key_in_it() {
        let (_folder, folders, file) = folders_and_file(KEY);
        let imported = take(&folders, &file, false).unwrap();
        let told = format!("{imported:?} {}", serde_json::to_string(&imported).unwrap());
        assert!(!told.to_lowercase().contains(&KEY[2..18]), "{told}");
    }
}
