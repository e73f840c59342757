//! What a release says of itself, in the program.

use semver::Version;
use serde::Deserialize;

const BYTES: usize = 1024;
const MARK: &[u8; 20] = b"CORTENSOR-RELEASE/1 ";

/// `./dev release` writes here; a program as it was built says `{}`.
#[used]
static SLOT: [u8; BYTES] = empty();

/// What a release is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Stamp {
    /// Its version.
    pub version: Version,
    /// Under this URL a folder for each channel has `latest.json`.
    pub updates: String,
    /// The public key that newer releases are signed with, as `tauri signer` writes it.
    pub key: String,
}

/// The stamp cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("this program's stamp is damaged; install it again")]
pub struct StampError(#[source] serde_json::Error);

const fn empty() -> [u8; BYTES] {
    let (mut slot, mut at) = ([b' '; BYTES], 0);
    while at < MARK.len() {
        slot[at] = MARK[at];
        at += 1;
    }
    slot[at] = b'{';
    slot[at + 1] = b'}';
    slot
}

impl Stamp {
    /// That of the running program; none if it is no release.
    pub fn of_this_program() -> Result<Option<Self>, StampError> {
        // What is in the file, not what stood there at compile time.
        Self::read(std::hint::black_box(&SLOT))
    }

    fn read(slot: &[u8; BYTES]) -> Result<Option<Self>, StampError> {
        let (_, text) = slot.split_at(MARK.len());
        let text = text.trim_ascii_end();
        if text == b"{}" { Ok(None) } else { serde_json::from_slice(text).map(Some).map_err(StampError) }
    }
}

/// What this program calls itself: the release's version, or the one it was compiled as.
pub fn version() -> String {
    let stamp = Stamp::of_this_program().ok().flatten();
    stamp.map_or_else(|| env!("CARGO_PKG_VERSION").to_owned(), |stamp| stamp.version.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(text: &str) -> [u8; BYTES] {
        let mut slot = empty();
        slot[MARK.len()..MARK.len() + text.len()].copy_from_slice(text.as_bytes());
        slot
    }

    #[test]
    fn a_program_as_it_was_built_is_no_release() {
        assert_eq!(Stamp::of_this_program().unwrap(), None);
        assert_eq!(version(), env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn a_stamp_says_what_a_release_is_and_a_damaged_one_says_so() {
        let text = r#"{"version":"0.2.0-beta.1","updates":"https://updates.example","key":"abc"}"#;
        let stamp = Stamp::read(&slot(text)).unwrap().unwrap();
        assert_eq!((stamp.version, stamp.key.as_str()), (Version::parse("0.2.0-beta.1").unwrap(), "abc"));
        assert!(Stamp::read(&slot(r#"{"version":"two"}"#)).is_err());
    }
}
