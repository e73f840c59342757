//! The program that was at work, kept for the case that the one in its place does not work.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use semver::Version;

use super::{
    Stamp,
    journal::{Journal, Kept},
};
use crate::{
    Folders,
    files::FileError,
    starter_file::{starter_file, starter_file_of},
};

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
    /// Whether the running program is a copy that runs in place of the installed one.
    pub fn is_stood_in_for() -> bool {
        std::env::var_os(STANDS_IN_FOR).is_some()
    }

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
        // What an AppImage has is found beside the program that it unpacks.
        let starter_model = if in_place { starter_file() } else { starter_file_of(&program) };
        let had_settings = folders.settings().exists();
        let kept = Self { version, folder, program, in_place, starter_model, had_settings };
        kept.copy_all(folders).map_err(|source| FileError::Write { path: kept.folder.clone(), source })?;
        Ok(kept)
    }

    fn copy_all(&self, folders: &Folders) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        // A program that stands in is its own copy.
        if std::env::current_exe()? != self.copy() {
            replace(&self.copy(), &running()?)?;
        }
        if self.had_settings { replace(&self.settings(), &folders.settings()) } else { forget(&self.settings()) }
    }

    /// Puts a new program in the place of the installed one, whole or not at all.
    pub fn put_in_place(&self, program: &[u8]) -> io::Result<()> {
        let permissions = fs::metadata(&self.program)?.permissions();
        write(&self.program, |file| {
            file.write_all(program)?;
            file.set_permissions(permissions)
        })
    }

    /// Puts the program back, if it may be; answers with what is to be started.
    pub fn restore(&self) -> PathBuf {
        let is_back = self.in_place && replace(&self.program, &self.copy()).is_ok();
        if is_back { self.program.clone() } else { self.copy() }
    }

    /// Puts the settings of its time back. What is there stays, where they are not kept.
    pub(super) fn restore_settings(&self, folders: &Folders) -> io::Result<()> {
        match (self.had_settings, self.settings().is_file()) {
            (false, _) => forget(&folders.settings()),
            (true, true) => replace(&folders.settings(), &self.settings()),
            (true, false) => Ok(()),
        }
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
    let mut source = fs::File::open(by)?;
    let permissions = source.metadata()?.permissions();
    write(path, |file| {
        io::copy(&mut source, file)?;
        file.set_permissions(permissions)
    })
}

/// Writes a file anew, so that after a power cut too it is what it was or what it is to be.
fn write(path: &Path, content: impl FnOnce(&mut fs::File) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut scratch = tempfile::Builder::new().prefix(".update").tempfile_in(folder)?;
    content(scratch.as_file_mut())?;
    scratch.as_file().sync_all()?;
    scratch.persist(path).map_err(|error| error.error)?;
    // Where a folder cannot be opened its system sees to this.
    fs::File::open(folder).map_or(Ok(()), |folder| folder.sync_all())
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
        kept.restore_settings(&folders).unwrap();
        assert_eq!(kept.restore(), installed.program);
        assert!(fs::read(&installed.program).unwrap() == this);
        assert_eq!(fs::read_to_string(folders.settings()).unwrap(), "slots = 1\n");

        kept.put_in_place(b"new").unwrap();
        assert_eq!(fs::read(&installed.program).unwrap(), b"new");
        let packaged = Kept { in_place: false, ..kept.clone() };
        assert_eq!(packaged.restore(), packaged.copy());
        assert_eq!(fs::read(&installed.program).unwrap(), b"new", "it is the package manager's");

        // What was not kept is not taken away.
        fs::remove_file(kept.settings()).unwrap();
        kept.restore_settings(&folders).unwrap();
        assert_eq!(fs::read_to_string(folders.settings()).unwrap(), "slots = 1\n");

        let next = Kept::keep(&folders, Version::new(0, 2, 0), &installed).unwrap();
        next.forget_others(&folders).unwrap();
        assert!(next.copy().is_file() && !kept.folder.exists());
    }
}
