//! A key that comes in plain text from a program that kept it so, on its way into the keychain.

use std::path::Path;

use alloy_primitives::B256;
use alloy_signer_local::PrivateKeySigner;
use cortensor_protocol::NodeAddress;

use super::{Identity, IdentityError, KeyPlace, Note, keychain, keystore, read_note, write_note};

/// A key as another program has it. It is shown nowhere.
pub struct PlainKey(PrivateKeySigner);

impl PlainKey {
    /// A key from its 64 hexadecimal digits, with `0x` or without. `None`: it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        let bytes = B256::try_from(hex::decode(digits).ok()?.as_slice()).ok()?;
        PrivateKeySigner::from_bytes(&bytes).ok().map(Self)
    }

    /// Its digits, to find it by where it stands. Not to be shown.
    pub fn digits(&self) -> String {
        hex::encode(self.0.to_bytes())
    }

    /// The address of the node that has this key.
    pub fn address(&self) -> NodeAddress {
        self.0.address()
    }
}

impl Identity {
    /// Whose key `folder` has, without opening it. `None`: no key was made or imported yet.
    pub fn address_in(folder: &Path) -> Result<Option<NodeAddress>, IdentityError> {
        Ok(read_note(folder)?.map(|note| note.address))
    }

    /// Makes `key` the identity of `folder`, kept in `place`: in an encrypted file, `passphrase` opens it. It was read back from
    /// there when this is done. The key before stays where it is kept. Blocks.
    pub fn adopt(
        place: KeyPlace,
        folder: &Path,
        key: &PlainKey,
        passphrase: Option<&str>,
    ) -> Result<Self, IdentityError> {
        let signer = match place {
            KeyPlace::Keychain => keychain::keep(&key.0)?,
            KeyPlace::Keystore => keystore::keep_new(folder, &key.0, passphrase.ok_or(IdentityError::NoPassphrase)?)?,
        };
        write_note(folder, &Note { address: signer.address(), place })?;
        Ok(Self { signer, place })
    }

    /// Says whether the key of `folder` is `address`'s and still kept: the keychain gives it, or its encrypted file is there.
    /// Blocks.
    pub fn check_kept(folder: &Path, address: NodeAddress) -> Result<(), IdentityError> {
        let note = read_note(folder)?.filter(|note| note.address == address);
        match note.ok_or(IdentityError::KeychainEmpty { address })?.place {
            KeyPlace::Keychain => keychain::read(address).map(drop),
            KeyPlace::Keystore => keystore::check_kept(folder, address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";

    #[test]
    fn a_key_is_64_digits_with_or_without_its_prefix_and_nothing_else() {
        let address: NodeAddress = "0x2c7536e3605d9c16a7a3d7b1898e529396a65c23".parse().unwrap();
        for (text, is_key) in [
            (KEY.to_owned(), true),
            (format!("0x{KEY}"), true),
            (format!("0X{}", KEY.to_uppercase()), true),
            (KEY[1..].to_owned(), false),
            (format!("{KEY}00"), false),
            (format!("{}g", &KEY[1..]), false),
            ("0".repeat(64), false),
            ("f".repeat(64), false),
            (String::new(), false),
        ] {
            assert_eq!(PlainKey::parse(&text).map(|key| key.address()), is_key.then_some(address), "{text}");
        }
    }

    #[test]
    fn an_adopted_key_is_the_identity_from_then_on_and_the_one_before_stays() {
        let folder = tempfile::tempdir().unwrap();
        let before = Identity::create_keystore(folder.path(), &|_| Some("correct horse".to_owned())).unwrap();
        let key = PlainKey::parse(KEY).unwrap();
        let adopt = |passphrase| Identity::adopt(KeyPlace::Keystore, folder.path(), &key, passphrase);
        assert!(matches!(adopt(None).err().unwrap(), IdentityError::NoPassphrase));
        assert!(matches!(adopt(Some("short")).err().unwrap(), IdentityError::WeakPassphrase));
        assert_eq!(Identity::address_in(folder.path()).unwrap(), Some(before.address()));
        assert!(Identity::check_kept(folder.path(), key.address()).is_err());

        assert_eq!(adopt(Some("battery staple")).unwrap().address(), key.address());
        Identity::check_kept(folder.path(), key.address()).unwrap();
        let opened = Identity::open(folder.path(), &|_| Some("battery staple".to_owned())).unwrap();
        assert_eq!(opened.address(), key.address());
        assert!(folder.path().join("keystore.json").exists(), "the key before can be opened still");
    }
}
