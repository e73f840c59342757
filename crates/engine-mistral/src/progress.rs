//! How far a load has come. The engine offers no hook; Linux tells how far a file was read.

use std::path::{Path, PathBuf};

use tokio::sync::watch;

/// Share of the progress that reading the file takes.
const READING: f32 = 0.9;

/// The engine runs; a first token is missing.
pub(crate) const ENGINE_STARTED: f32 = 0.95;

/// A load's progress, which only ever grows.
pub(crate) struct Progress {
    sender: watch::Sender<f32>,
    path: PathBuf,
    bytes: u64,
}

impl Progress {
    /// Of loading the file at `path`.
    pub(crate) fn new(sender: watch::Sender<f32>, path: &Path, bytes: u64) -> Self {
        sender.send_replace(0.0);
        Self { sender, path: path.canonicalize().unwrap_or_else(|_| path.to_owned()), bytes }
    }

    /// Looks how far the file was read.
    pub(crate) fn look(&self) {
        if let Some(position) = position_in(&self.path) {
            self.reach(READING * fraction(position, self.bytes));
        }
    }

    /// At least `fraction` is done.
    pub(crate) fn reach(&self, fraction: f32) {
        self.sender.send_if_modified(|now| {
            let grows = fraction > *now;
            *now = now.max(fraction);
            grows
        });
    }
}

#[expect(clippy::cast_precision_loss, reason = "a progress bar needs no more than 24 bits")]
fn fraction(position: u64, bytes: u64) -> f32 {
    (position as f32 / bytes.max(1) as f32).min(1.0)
}

/// Where this process stands in the file, as the system has it.
#[cfg(target_os = "linux")]
fn position_in(path: &Path) -> Option<u64> {
    let open = std::fs::read_dir("/proc/self/fd").ok()?.flatten();
    let ours = open.filter(|entry| std::fs::read_link(entry.path()).is_ok_and(|target| target == path));
    let positions = ours.filter_map(|entry| {
        let about = std::fs::read_to_string(Path::new("/proc/self/fdinfo").join(entry.file_name())).ok()?;
        about.lines().find_map(|line| line.strip_prefix("pos:"))?.trim().parse::<u64>().ok()
    });
    positions.max()
}

/// Only Linux tells.
#[cfg(not(target_os = "linux"))]
fn position_in(_path: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn progress_follows_the_reading_of_the_file_and_never_falls() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![0; 1000]).unwrap();
        let (sender, receiver) = watch::channel(7.0);
        let progress = Progress::new(sender, file.path(), 1000);
        assert!(*receiver.borrow() < 0.01);
        let mut reader = std::fs::File::open(file.path()).unwrap();
        reader.read_exact(&mut [0; 500]).unwrap();
        progress.look();
        assert!((*receiver.borrow() - 0.45).abs() < 0.01);
        drop(reader);
        progress.look();
        progress.reach(0.2);
        assert!((*receiver.borrow() - 0.45).abs() < 0.01);
        progress.reach(1.0);
        assert!(*receiver.borrow() > 0.99);
    }
}
