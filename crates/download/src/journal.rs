//! Which chunks of a file are here, written beside it so that a kill loses no more than what was on its way.
//!
//! The first line says what the file is, each other one a chunk and its SHA-256. A line is written only after its chunk is on
//! the disk; a torn last line is no line.

use std::{
    collections::BTreeMap,
    fs::{File, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use cortensor_protocol::ArtifactDigest;
use serde::{Deserialize, Serialize};

/// What makes a file the same one when a download is taken up again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) bytes: u64,
    pub(crate) chunk: u64,
    /// Enough alone: the same bytes may then come from anywhere.
    pub(crate) sha256: Option<ArtifactDigest>,
    /// Asked for where there is no digest.
    pub(crate) validator: Option<String>,
}

/// An open journal, locked as long as it is.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    pub(crate) chunks: BTreeMap<u64, ArtifactDigest>,
}

impl Identity {
    /// Whether chunks of `before` are chunks of this file.
    fn continues(&self, before: &Self) -> bool {
        let same_size = self.bytes == before.bytes && self.chunk == before.chunk;
        let same_file = match (&self.sha256, &before.sha256) {
            (Some(now), Some(before)) => now == before,
            (None, None) => self.validator.is_some() && self.validator == before.validator,
            _ => false,
        };
        same_size && same_file
    }
}

impl Journal {
    /// Opens the journal of a file, empty if it is of another file. Nothing if another process has it.
    pub(crate) fn open(path: &Path, identity: &Identity) -> io::Result<Option<Self>> {
        let mut file = File::options().create(true).read(true).write(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        let mut journal = Self { file, chunks: BTreeMap::new() };
        match read(&content, identity) {
            Some((chunks, length)) => {
                journal.chunks = chunks;
                journal.file.set_len(length)?;
                journal.file.seek(SeekFrom::End(0))?;
            }
            None => journal.begin(identity)?,
        }
        Ok(Some(journal))
    }

    /// Notes a chunk that is on the disk.
    pub(crate) fn note(&mut self, chunk: u64, digest: ArtifactDigest) -> io::Result<()> {
        self.file.write_all(format!("{chunk} {digest}\n").as_bytes())?;
        self.file.sync_data()?;
        self.chunks.insert(chunk, digest);
        Ok(())
    }

    /// Forgets all chunks.
    pub(crate) fn begin(&mut self, identity: &Identity) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        let mut line = serde_json::to_vec(identity)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.chunks.clear();
        self.file.sync_all()
    }
}

/// The chunks in a journal and how much of it is whole.
fn read(content: &[u8], identity: &Identity) -> Option<(BTreeMap<u64, ArtifactDigest>, u64)> {
    let mut lines = content.split_inclusive(|byte| *byte == b'\n');
    let first = lines.next()?;
    let before = serde_json::from_slice(first.strip_suffix(b"\n")?).ok()?;
    if !identity.continues(&before) {
        return None;
    }
    let (mut chunks, mut length) = (BTreeMap::new(), first.len() as u64);
    for line in lines {
        let Some((chunk, digest)) = read_line(line) else { break };
        chunks.insert(chunk, digest);
        length += line.len() as u64;
    }
    Some((chunks, length))
}

fn read_line(line: &[u8]) -> Option<(u64, ArtifactDigest)> {
    let text = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let (chunk, digest) = text.split_once(' ')?;
    Some((chunk.parse().ok()?, digest.parse().ok()?))
}
