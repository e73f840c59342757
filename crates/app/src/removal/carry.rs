//! Deleting, part by part.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use cortensor_node::{Identity, Ledger};
use tokio::task::spawn_blocking;

use super::{
    RemovalKey, RemovalOutcome, RemovalPart,
    scan::{Found, TRACES},
    starts::Starts,
};
use crate::{Failure, FailureCode, Folders, status::in_words};

/// What is deleted from.
pub(super) struct Carrying {
    pub(super) folders: Folders,
    pub(super) key: Option<RemovalKey>,
    pub(super) found: Found,
    pub(super) starts: Starts,
}

impl Carrying {
    /// Deletes a part. Whatever of it cannot be deleted is named, and the rest of it goes all the same.
    pub(super) async fn delete(&self, part: RemovalPart) -> RemovalOutcome {
        let failed = match part {
            RemovalPart::Prompts => self.forget_prompts().await,
            RemovalPart::Key => self.delete_key().await,
            RemovalPart::Autostart | RemovalPart::Service => self.starts.delete(part),
            _ => self.delete_files(part).await,
        };
        failed.map_or(RemovalOutcome::Deleted, |message| RemovalOutcome::Failed { message })
    }

    /// Takes away the folders in which nothing is left and the traces of a running miner; says whether nothing is left at all.
    pub(super) async fn finish(self) -> bool {
        let work = move || {
            let data = self.folders.data();
            TRACES.iter().for_each(|trace| drop(fs::remove_file(data.join(trace))));
            // Those in which something is left stay, which is why this asks nothing.
            self.found.folders.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
            drop(fs::remove_dir(data));
            !data.exists()
        };
        spawn_blocking(work).await.unwrap_or(false)
    }

    async fn delete_files(&self, part: RemovalPart) -> Option<String> {
        let files: Vec<_> = self.found.of(part).map(|(path, _)| path.to_owned()).collect();
        spawn_blocking(move || in_the_way(&files)).await.unwrap_or_else(|error| Some(error.to_string()))
    }

    async fn delete_key(&self) -> Option<String> {
        let (key, folders) = (self.key?, self.folders.clone());
        let work = move || match Identity::delete(folders.data(), key.address) {
            Ok(()) => in_the_way(&[folders.key_copies()]),
            Err(error) => Some(Failure::from(error).message),
        };
        let failed = |error| Some(Failure::of(FailureCode::Identity, &error).message);
        spawn_blocking(work).await.unwrap_or_else(failed)
    }

    /// Where the ledger was chosen too, they go with it; this comes first.
    async fn forget_prompts(&self) -> Option<String> {
        let forgotten = async {
            let ledger = Ledger::open(&self.folders.ledger()).await?;
            let forgotten = ledger.forget_prompts().await;
            ledger.close().await;
            forgotten
        };
        forgotten.await.err().map(|error| in_words(&error))
    }
}

/// Deletes files; says which are still there.
fn in_the_way(files: &[PathBuf]) -> Option<String> {
    let left: Vec<_> = files.iter().filter_map(|path| Some((path, delete_file(path).err()?))).collect();
    let (path, error) = left.first()?;
    let more = match left.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Some(format!(
        "{}{more} cannot be deleted: {error}; close what uses it, check that it is yours, and delete it yourself",
        path.display()
    ))
}

/// Deletes a file, if it is one still: what became a link since it was looked at is left alone.
pub(super) fn delete_file(path: &Path) -> io::Result<()> {
    let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => {
            fs::remove_file(path).or_else(|error| if gone(&error) { Ok(()) } else { Err(error) })
        }
        Ok(_) => Err(io::Error::other("it is no plain file any more")),
        Err(error) if gone(&error) => Ok(()),
        Err(error) => Err(error),
    }
}
