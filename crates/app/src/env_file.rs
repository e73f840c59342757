//! The `.env` that the network's other node program is set up with, which has the node's key in plain text.
//!
//! Each line is read by itself, so that what is wrong is told by its number. Nothing here ever says what stands in a line.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use cortensor_node::{IdentityError, PlainKey};
use cortensor_protocol::NodeAddress;

/// The variable with the key.
const KEY: &str = "NODE_PRIVATE_KEY";
/// The variable with what that program calls the public key: the address.
const ADDRESS: &str = "NODE_PUBLIC_KEY";
/// Larger than any such file.
const MOST_BYTES: u64 = 1 << 20;
/// Hexadecimal digits of a key.
const DIGITS: usize = 64;

/// What stands in such a file. Not shown and not logged: it has the key.
pub(crate) struct EnvFile {
    path: PathBuf,
    text: String,
    pub(crate) key: PlainKey,
    /// Variables that mean nothing here, in order.
    pub(crate) not_used: Vec<String>,
}

/// Why a key was not taken over from a file, or is still in it.
#[derive(Debug, thiserror::Error)]
pub enum EnvError {
    /// The file cannot be read.
    #[error("{path} cannot be read; check that it is a node's .env and yours to read")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: io::Error,
    },
    /// A line is none of such a file.
    #[error("line {line} of {path} is not NAME=VALUE; correct it, or put # before it")]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// There is no key in it.
    #[error("{path} has no {KEY}; choose the .env of the node whose key is to be taken over")]
    NoKey {
        /// Which.
        path: PathBuf,
    },
    /// What should be the key is none.
    #[error(
        "{KEY} in line {line} of {path} is not a key, which is 0x and 64 digits or letters from a to f; put the node's own key there"
    )]
    NotAKey {
        /// Which file.
        path: PathBuf,
        /// Which line.
        line: usize,
    },
    /// There are two.
    #[error(
        "{KEY} is in lines {first} and {second} of {path}, with different keys; put # before the one that is not this node's"
    )]
    TwoKeys {
        /// Which file.
        path: PathBuf,
        /// One line.
        first: usize,
        /// The other.
        second: usize,
    },
    /// The key is not that of the node that the file names.
    #[error("line {line} of {path} names node {named} and the key is {found}'s; correct the one that is wrong")]
    OfAnother {
        /// Which file.
        path: PathBuf,
        /// The line with the address.
        line: usize,
        /// Whose key should be there.
        named: NodeAddress,
        /// Whose key is there.
        found: NodeAddress,
    },
    /// Nobody said that the node's own key may be replaced.
    #[error(
        "this node has a key already, that of {own}; export it if you have no copy, then say that it is to be replaced (--replace)"
    )]
    HasKey {
        /// Its address.
        own: NodeAddress,
    },
    /// The key could not be kept.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The file has another key by now.
    #[error("{path} is not as it was when its key was taken over; nothing was wiped, import it again")]
    Changed {
        /// Which.
        path: PathBuf,
    },
    /// The key is still in the file.
    #[error("the key is kept and still stands in {path} too, which cannot be written; delete it yourself")]
    NotWiped {
        /// Which.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: io::Error,
    },
}

/// What is read line by line, before it is known to be whole.
#[derive(Default)]
struct Found {
    key: Option<(usize, PlainKey)>,
    address: Option<(usize, NodeAddress)>,
    not_used: Vec<String>,
}

impl EnvFile {
    /// Reads a file and finds the one key in it.
    pub(crate) fn read(path: &Path) -> Result<Self, EnvError> {
        let text = read_text(path).map_err(|source| EnvError::Unreadable { path: path.to_owned(), source })?;
        let mut found = Found::default();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let variable = variable(line).map_err(|()| EnvError::Line { path: path.to_owned(), line: index + 1 })?;
            if let Some((name, value)) = variable {
                found.take(path, index + 1, &name, value.trim())?;
            }
        }
        let (key, not_used) = found.whole(path)?;
        Ok(Self { path: path.to_owned(), text, key, not_used })
    }

    /// Overwrites the key with zeros wherever it stands, in comments too, and leaves every other letter as it is. In place: a
    /// new file beside it would leave the old one's blocks on the disk, with the key in them.
    pub(crate) fn wipe_key(&self) -> Result<(), EnvError> {
        self.overwrite().map_err(|source| self.not_wiped(source))
    }

    /// Overwrites the key and deletes the file.
    pub(crate) fn delete(&self) -> Result<(), EnvError> {
        self.overwrite().and_then(|()| fs::remove_file(&self.path)).map_err(|source| self.not_wiped(source))
    }

    fn overwrite(&self) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(&self.path)?;
        for place in self.places() {
            file.seek(SeekFrom::Start(place as u64))?;
            file.write_all(&[b'0'; DIGITS])?;
        }
        file.sync_all()
    }

    /// Where the key's digits begin.
    fn places(&self) -> Vec<usize> {
        let digits = self.key.digits();
        let windows = self.text.as_bytes().windows(DIGITS).enumerate();
        windows.filter(|(_, window)| window.eq_ignore_ascii_case(digits.as_bytes())).map(|(place, _)| place).collect()
    }

    fn not_wiped(&self, source: io::Error) -> EnvError {
        EnvError::NotWiped { path: self.path.clone(), source }
    }
}

impl Found {
    fn take(&mut self, path: &Path, line: usize, name: &str, value: &str) -> Result<(), EnvError> {
        match name {
            KEY => self.take_key(path, line, value),
            ADDRESS => {
                // The example's zeros name nobody.
                let named = value.parse().ok().filter(|address: &NodeAddress| !address.is_zero());
                self.address = named.map(|address| (line, address)).or(self.address);
                Ok(())
            }
            // One as long as a key may be one, in the wrong place.
            name => {
                self.not_used.extend((name.len() < DIGITS).then(|| name.to_owned()));
                Ok(())
            }
        }
    }

    fn take_key(&mut self, path: &Path, line: usize, value: &str) -> Result<(), EnvError> {
        let path = path.to_owned();
        let Some(key) = PlainKey::parse(value) else { return Err(EnvError::NotAKey { path, line }) };
        match &self.key {
            Some((first, other)) if other.address() != key.address() => {
                Err(EnvError::TwoKeys { path, first: *first, second: line })
            }
            Some(_) => Ok(()),
            None => {
                self.key = Some((line, key));
                Ok(())
            }
        }
    }

    fn whole(self, path: &Path) -> Result<(PlainKey, Vec<String>), EnvError> {
        let (_, key) = self.key.ok_or_else(|| EnvError::NoKey { path: path.to_owned() })?;
        match self.address.filter(|(_, named)| *named != key.address()) {
            Some((line, named)) => {
                Err(EnvError::OfAnother { path: path.to_owned(), line, named, found: key.address() })
            }
            None => Ok((key, self.not_used)),
        }
    }
}

/// A file's text, of no more than such a file has.
fn read_text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too large for one"));
    }
    // The error of `from_utf8` has the bytes in it.
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not text"))
}

/// Name and value of a line; nothing of an empty one or a comment. The library's own error has the line in it, and is dropped.
fn variable(line: &str) -> Result<Option<(String, String)>, ()> {
    let read = dotenvy::from_read_iter(line.as_bytes()).next().transpose();
    read.or_else(|_| foreign(line).map(|name| Some((name, String::new()))).ok_or(()))
}

/// The name of a variable that means nothing here, whose value may be written as the library does not take it: a path on
/// Windows, for example.
fn foreign(line: &str) -> Option<String> {
    let name = line.split_once('=')?.0.trim();
    let begins = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    let is_name = begins && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    (is_name && name != KEY && name != ADDRESS).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS_OF_KEY: &str = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
    const ADDRESS_OF_KEY: &str = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";
    const OTHER_KEY: &str = "0x8da4ef21b864d2cc526dbdb2a120bd2874c36c9d0a1fb7f8c63d7f7a8b41de8f";

    fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    /// As the network's installer writes it, shortened.
    fn official(key: &str) -> String {
        format!(
            "#====\n# Cortensor Node Configuration\n#====\n\nHOST=https://rpc.example/arb\nCHAINID=421614\n\
             CONTRACT_ADDRESS_RUNTIME=\"0x8361E7821bDAD7F8F0aC7862Bebb190B8Da1A160\"\n\
             NODE_PUBLIC_KEY={ADDRESS_OF_KEY}\nNODE_PRIVATE_KEY={key}\n\
             DOCKER_IPFS=0 # Not used\nLLM_OPTION_CPU_THREADS=-1\n"
        )
    }

    #[test]
    fn the_key_is_found_however_the_file_is_written() {
        let key = DIGITS_OF_KEY;
        for text in [
            official(&format!("0x{key}")),
            official(&format!("0x{key}")).replace('\n', "\r\n"),
            official(key),
            official(&format!("\"0x{key}\"")),
            official(&format!("'{}'   # mine", key.to_uppercase())),
            format!("\u{feff}NODE_PRIVATE_KEY=0x{key}"),
            format!("export NODE_PRIVATE_KEY = 0x{key}"),
            format!("NODE_PRIVATE_KEY=0x{key}\nNODE_PRIVATE_KEY={key}"),
            format!("#NODE_PRIVATE_KEY={OTHER_KEY}\nNODE_PRIVATE_KEY=0x{key}"),
            format!("NODE_PUBLIC_KEY=0x{}\nNODE_PRIVATE_KEY=0x{key}", "0".repeat(40)),
        ] {
            let (_folder, path) = written(&text);
            let file = EnvFile::read(&path).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            assert_eq!(file.key.address().to_string(), ADDRESS_OF_KEY, "{text:?}");
        }
        let (_folder, path) = written(&format!("{}MODELS=C:\\models\na{}=1\n", official(key), &key[1..]));
        let not_used =
            ["HOST", "CHAINID", "CONTRACT_ADDRESS_RUNTIME", "DOCKER_IPFS", "LLM_OPTION_CPU_THREADS", "MODELS"];
        assert_eq!(EnvFile::read(&path).unwrap().not_used, not_used);
    }

    #[test]
    fn what_is_wrong_is_told_by_its_line_and_never_with_what_stands_there() {
        let key = format!("0x{DIGITS_OF_KEY}");
        for (text, told) in [
            (String::new(), "has no NODE_PRIVATE_KEY"),
            ("HOST=a\n".to_owned(), "has no NODE_PRIVATE_KEY"),
            (format!("A=1\n\n{key}\n"), "line 3 of"),
            (format!("NODE_PRIVATE_KEY {key}"), "line 1 of"),
            (format!("A=1\r\nNODE_PRIVATE_KEY=\"{key}\r\n"), "line 2 of"),
            (format!("NODE_PRIVATE_KEY={key} {key}"), "line 1 of"),
            (format!("NODE_PRIVATE_KEY={}", &key[..60]), "in line 1 of"),
            (format!("A=1\nNODE_PRIVATE_KEY=0x{}", "0".repeat(64)), "in line 2 of"),
            ("NODE_PRIVATE_KEY=".to_owned(), "in line 1 of"),
            ("NODE_PRIVATE_KEY=${OTHER}".to_owned(), "in line 1 of"),
            (format!("NODE_PRIVATE_KEY={key}\nA=1\nNODE_PRIVATE_KEY={OTHER_KEY}"), "in lines 1 and 3 of"),
            (format!("NODE_PUBLIC_KEY=0x{}\nNODE_PRIVATE_KEY={key}", "ab".repeat(20)), "line 1 of"),
        ] {
            let (_folder, path) = written(&text);
            let error = EnvFile::read(&path).err().unwrap_or_else(|| panic!("{text:?} is wrong"));
            let words = crate::Failure::from(error).message;
            assert!(words.contains(told), "{text:?}: {words}");
            assert!(!words.contains(&DIGITS_OF_KEY[..16]), "{words}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_too_large_or_no_text_is_told() {
        let (folder, path) = written("");
        let large = folder.path().join("large");
        fs::write(&large, "A=1\n".repeat(300_000)).unwrap();
        fs::write(&path, b"NODE_PRIVATE_KEY=\xff").unwrap();
        for path in [folder.path().join("none"), folder.path().to_owned(), large, path] {
            let error = EnvFile::read(&path).err().unwrap();
            assert!(matches!(error, EnvError::Unreadable { .. }), "{}: {error}", path.display());
        }
    }

    #[test]
    fn only_the_key_is_wiped_wherever_it_stands() {
        let key = DIGITS_OF_KEY;
        let text = official(&format!("0x{key}")).replace('\n', "\r\n")
            + &format!("# before: {}\r\n#NODE_PRIVATE_KEY={OTHER_KEY}\r\n# ä {key}", key.to_uppercase());
        let (_folder, path) = written(&text);
        EnvFile::read(&path).unwrap().wipe_key().unwrap();
        let zeros = "0".repeat(64);
        let expected = text.replace(key, &zeros).replace(&key.to_uppercase(), &zeros);
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        assert!(matches!(EnvFile::read(&path).err().unwrap(), EnvError::NotAKey { .. }));
    }

    #[test]
    fn a_file_is_deleted_and_what_cannot_be_written_is_told_with_the_key_still_in_it() {
        let (_folder, path) = written(&official(DIGITS_OF_KEY));
        let file = EnvFile::read(&path).unwrap();
        file.delete().unwrap();
        assert!(!path.exists());
        assert!(matches!(file.wipe_key().unwrap_err(), EnvError::NotWiped { .. }));
    }
}
