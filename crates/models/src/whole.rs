//! Files that appear whole or not at all: written beside their place, synced, then renamed into it.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufWriter, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use cortensor_protocol::ArtifactDigest;
use sha2::{Digest, Sha256};

use crate::digest::finished;

/// The end of the name of a file that is being written. Whoever holds a folder's lock may remove such files.
const SUFFIX: &str = ".partial";

/// A file on its way. Dropped before [`WholeFile::keep`], it leaves nothing behind.
pub(crate) struct WholeFile {
    file: BufWriter<File>,
    hasher: Sha256,
    written: u64,
    partial: PathBuf,
    target: PathBuf,
    kept: bool,
}

impl WholeFile {
    /// Starts to write `target`.
    pub(crate) fn create(target: &Path) -> io::Result<Self> {
        let mut name = target.file_name().map_or_else(OsString::new, OsString::from);
        name.push(SUFFIX);
        let partial = target.with_file_name(name);
        let file = BufWriter::with_capacity(1 << 20, File::create(&partial)?);
        Ok(Self { file, hasher: Sha256::new(), written: 0, partial, target: target.to_owned(), kept: false })
    }

    /// Puts the file in its place, durably, and tells its digest.
    pub(crate) fn keep(mut self) -> io::Result<ArtifactDigest> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        fs::rename(&self.partial, &self.target)?;
        self.kept = true;
        sync_folder(&self.target)?;
        Ok(finished(std::mem::take(&mut self.hasher)))
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Only asks for the position: the digest holds for bytes written one after the other.
impl Seek for WholeFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match to {
            SeekFrom::Current(0) => Ok(self.written),
            _ => Err(io::Error::from(io::ErrorKind::NotSeekable)),
        }
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if !self.kept {
            // The next start removes what cannot be removed now.
            let _ = fs::remove_file(&self.partial);
        }
    }
}

/// Writes a small file whole: whoever reads it meanwhile, or after a kill, sees the old one or the new one.
pub fn write(target: &Path, content: &[u8]) -> io::Result<ArtifactDigest> {
    let mut file = WholeFile::create(target)?;
    file.write_all(content)?;
    file.keep()
}

/// Removes what writers that were killed left in `folder`.
pub(crate) fn remove_partial_files(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(SUFFIX) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Makes a rename in the folder of `target` durable; only Unix lets a folder be opened for that.
#[cfg(unix)]
pub fn sync_folder(target: &Path) -> io::Result<()> {
    target.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Makes a rename durable, which this system does by itself.
#[cfg(not(unix))]
pub fn sync_folder(_target: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_given_up_leaves_the_old_one_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"old").unwrap();
        let mut given_up = WholeFile::create(&path).unwrap();
        given_up.write_all(b"new").unwrap();
        drop(given_up);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn left_over_partial_files_are_removed_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("model.gguf.partial"), "half").unwrap();
        fs::write(folder.path().join("model.gguf"), "whole").unwrap();
        remove_partial_files(folder.path()).unwrap();
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["model.gguf"]);
    }
}
