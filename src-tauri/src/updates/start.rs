//! What a start does for updates before anything else.

use std::{ffi::OsString, io, process::ExitCode};

use cortensor_app::{
    Folders,
    updates::{Journal, Stamp, stand_in, watcher},
};

/// Does what is to be done instead of mining, if anything: watches over an update, or leaves that to who does, or runs the
/// kept program where a version that does not work here is still installed.
pub(crate) fn instead(folders: &Folders, watches: bool) -> Option<ExitCode> {
    let arguments: Vec<_> = std::env::args_os().skip(1).filter(|argument| argument != watcher::WATCH_UPDATE).collect();
    if watches {
        return Some(code(watch(folders, &arguments)));
    }
    if let Some(kept) = stand_in(folders) {
        return Some(code(watcher::run_in_place(&kept, &arguments).map(drop)));
    }
    leave_to_watcher(folders, arguments).map(code)
}

/// A version on trial is not to run unwatched; where the kept program cannot be started there is nothing to go back to, and it
/// does.
fn leave_to_watcher(folders: &Folders, arguments: Vec<OsString>) -> Option<io::Result<()>> {
    let stamp = Stamp::of_this_program().ok().flatten()?;
    let journal = Journal::of(folders);
    let kept = journal.kept.as_ref().filter(|kept| kept.copy().is_file())?;
    let started = watcher::is_unwatched(&journal, &stamp.version).then(|| watcher::start(kept, arguments));
    started.filter(Result::is_ok)
}

fn watch(folders: &Folders, arguments: &[OsString]) -> io::Result<()> {
    tokio::runtime::Runtime::new()?.block_on(watcher::watch(folders, arguments))
}

fn code(done: io::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: the update could not be watched over: {error}; install the program again");
            ExitCode::FAILURE
        }
    }
}
