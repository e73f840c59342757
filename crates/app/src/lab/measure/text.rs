//! The text that is scored.

use std::{fs, io, path::Path};

use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use super::windows::{WINDOW, Windows};
use crate::{
    Failure, FailureCode,
    files::FileError,
    lab::report::{TextChoice, TextFacts},
};

/// Lewis Carroll, Alice's Adventures in Wonderland (1865), chapters I and II: in the public domain everywhere.
const BUNDLED: &str = include_str!("../../../texts/alice.txt");
const BUNDLED_NAME: &str = "Alice's Adventures in Wonderland, chapters I and II";
/// Largest file that is read.
const MOST_BYTES: u64 = 16 << 20;

/// A text with its name.
pub(super) struct Text {
    name: String,
    pub(super) text: String,
}

/// Reads a text.
pub(super) async fn read(choice: &TextChoice) -> Result<Text, Failure> {
    match choice {
        TextChoice::Bundled => Ok(Text::new(BUNDLED_NAME.to_owned(), BUNDLED)),
        TextChoice::File { path } => {
            let path = path.clone();
            let read = spawn_blocking(move || read_file(&path)).await;
            read.map_err(|error| Failure::of(FailureCode::File, &error))?
        }
    }
}

fn read_file(path: &Path) -> Result<Text, Failure> {
    let error = |source: io::Error| Failure::of(FailureCode::File, &FileError::Read { path: path.to_owned(), source });
    let refused = |why: &str| Failure::new(FailureCode::Request, format!("{}: {why}", path.display()));
    if fs::metadata(path).map_err(error)?.len() > MOST_BYTES {
        return Err(refused("the file is larger than 16 MB; choose a part of it"));
    }
    let text = String::from_utf8(fs::read(path).map_err(error)?);
    let text = text.map_err(|_| refused("the file is no text in UTF-8; save it as that, or choose another one"))?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok(Text::new(name, &text))
}

impl Text {
    /// Without the line end that closes a file, as llama.cpp reads it.
    fn new(name: String, text: &str) -> Self {
        Self { name, text: text.strip_suffix('\n').unwrap_or(text).to_owned() }
    }

    /// What is told of it, cut into `windows`.
    pub(super) fn facts(&self, windows: &Windows) -> TextFacts {
        TextFacts {
            name: self.name.clone(),
            digest: hex::encode(Sha256::digest(&self.text)),
            tokens: windows.text_tokens() as u64,
            windows: u32::try_from(windows.count()).unwrap_or(u32::MAX),
            window_tokens: u32::try_from(WINDOW).unwrap_or(u32::MAX),
            cut: windows.is_cut(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_is_no_text_or_not_there_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            TextChoice::File { path }
        };
        let read_one = read(&of("a.txt", b"some words\n\n")).await.ok().unwrap();
        assert_eq!((read_one.name.as_str(), read_one.text.as_str()), ("a.txt", "some words\n"));
        let failure = read(&of("b.bin", b"\xff\xfe\x00")).await.err().unwrap();
        assert!(failure.code == FailureCode::Request && failure.message.contains("UTF-8"), "{failure:?}");
        let missing = read(&TextChoice::File { path: folder.path().join("c") }).await.err().unwrap();
        assert_eq!(missing.code, FailureCode::File);
    }

    #[test]
    fn the_bundled_text_is_long_enough_for_eight_windows() {
        // English has fewer than six letters to a token.
        assert!(BUNDLED.len() > 8 * WINDOW * 5 && BUNDLED.is_ascii());
    }
}
