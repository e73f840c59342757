//! The program that was at work, kept for the case that the one in its place does not work.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use semver::Version;

use super::{
    Stamp,
    journal::{Journal, Kept},
};
use crate::{Folders, files::FileError, starter_file};

/// Told to a kept program that runs in place of the installed one: where that is.
pub(super) const STANDS_IN_FOR: &str = "CORTENSOR_STANDS_IN_FOR";

/// Where the running program is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its file.
    pub program: PathBuf,
    /// Whether the file may be replaced by its user; if not, a package manager has it.
    pub in_place: bool,
}

impl Installed {
    /// The running program; `in_place` unless a package manager has it.
    pub fn this(in_place: bool) -> io::Result<Self> {
        let elsewhere = |name| std::env::var_os(name).map(PathBuf::from);
        let program = match elsewhere(STANDS_IN_FOR).or_else(|| elsewhere("APPIMAGE")) {
            Some(program) => program,
            None => std::env::current_exe()?,
        };
        Ok(Self { program, in_place })
    }
}

impl Kept {
    /// The copy.
    pub fn copy(&self) -> PathBuf {
        let name = self.program.file_name().unwrap_or(OsStr::new("cortensor-miner"));
        self.folder.join(name)
    }

    fn settings(&self) -> PathBuf {
        self.folder.join("settings.toml")
    }

    /// Copies the running program and the settings of now.
    pub fn keep(folders: &Folders, version: Version, installed: &Installed) -> Result<Self, FileError> {
        let folder = folders.updates().join(version.to_string());
        let Installed { program, in_place } = installed.clone();
        let kept = Self { version, folder, program, in_place, starter_model: starter_file() };
        kept.copy_all(folders).map_err(|source| FileError::Write { path: kept.folder.clone(), source })?;
        Ok(kept)
    }

    fn copy_all(&self, folders: &Folders) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        // A program that stands in is its own copy.
        if std::env::current_exe()? != self.copy() {
            replace(&self.copy(), &running()?)?;
        }
        match fs::copy(folders.settings(), self.settings()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => forget(&self.settings()),
            copied => copied.map(drop),
        }
    }

    /// Puts the settings of its time back, and the program if it may be; answers with what is to be started.
    pub(super) fn restore(&self, folders: &Folders) -> io::Result<PathBuf> {
        if self.settings().exists() {
            replace(&folders.settings(), &self.settings())?;
        } else {
            forget(&folders.settings())?;
        }
        if !self.in_place {
            return Ok(self.copy());
        }
        replace(&self.program, &self.copy())?;
        Ok(self.program.clone())
    }

    /// Deletes what was kept before this.
    pub fn forget_others(&self, folders: &Folders) -> io::Result<()> {
        for found in fs::read_dir(folders.updates())? {
            let found = found?.path();
            if found.is_dir() && found != self.folder {
                fs::remove_dir_all(found)?;
            }
        }
        Ok(())
    }
}

/// The file that runs: an `AppImage` is not the program that it unpacks.
fn running() -> io::Result<PathBuf> {
    std::env::var_os("APPIMAGE").map_or_else(std::env::current_exe, |image| Ok(image.into()))
}

/// The program to be started in place of this one: the kept one, where a package manager still has a version that did not
/// work here.
pub fn stand_in(folders: &Folders) -> Option<Kept> {
    let stamp = Stamp::of_this_program().ok().flatten()?;
    let journal = Journal::of(folders);
    let kept = journal.kept.clone()?;
    let stands_in = journal.is_bad(&stamp.version) && !journal.is_bad(&kept.version) && kept.copy().is_file();
    stands_in.then_some(kept)
}

/// Replaces a file by a copy of another one, whole or not at all.
fn replace(path: &Path, by: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let scratch = tempfile::Builder::new().prefix(".kept").tempfile_in(folder)?;
    fs::copy(by, scratch.path())?;
    scratch.as_file().sync_all()?;
    scratch.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn forget(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_comes_back_with_the_settings_of_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path().join("data"));
        fs::create_dir_all(folders.data()).unwrap();
        fs::write(folders.settings(), "slots = 1\n").unwrap();
        let installed = Installed { program: folder.path().join("cortensor-miner"), in_place: true };
        let kept = Kept::keep(&folders, Version::new(0, 1, 0), &installed).unwrap();
        let this = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(fs::read(kept.copy()).unwrap() == this);

        fs::write(&installed.program, "broken").unwrap();
        fs::write(folders.settings(), "new_in_0_2 = true\n").unwrap();
        assert_eq!(kept.restore(&folders).unwrap(), installed.program);
        assert!(fs::read(&installed.program).unwrap() == this);
        assert_eq!(fs::read_to_string(folders.settings()).unwrap(), "slots = 1\n");

        let packaged = Kept { in_place: false, ..kept.clone() };
        fs::write(&installed.program, "broken").unwrap();
        assert_eq!(packaged.restore(&folders).unwrap(), packaged.copy());
        assert_eq!(fs::read_to_string(&installed.program).unwrap(), "broken", "it is the package manager's");

        let next = Kept::keep(&folders, Version::new(0, 2, 0), &installed).unwrap();
        next.forget_others(&folders).unwrap();
        assert!(next.copy().is_file() && !kept.folder.exists());
    }
}
