//! The kept program as a watcher: a process of its own that starts the new one, hears whether it works, and puts the old one
//! back if it does not.
//!
//! It hears by a connection on the loopback device: lines that say `works` or `fails REASON`, and the end of the process.

use std::{
    env,
    ffi::OsString,
    io,
    net::SocketAddr,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::timeout,
};

#[cfg(unix)]
use super::display::Display;
use super::{
    Journal,
    journal::{Kept, Trial},
    kept::STANDS_IN_FOR,
};
use crate::{Folders, wall_time};

/// Makes a program a watcher; before what it was started with.
pub const WATCH_UPDATE: &str = "--watch-update";
/// Told to a program on trial: where the watcher hears.
const HEARS_AT: &str = "CORTENSOR_UPDATE_WATCHER";
const STARTER_MODEL: &str = "CORTENSOR_STARTER_MODEL";
/// How long a program may take until it says anything: this is for one that hangs before its window, not for a slow model.
const FIRST_WORD: Duration = Duration::from_secs(180);

/// What a program on trial came to.
enum Outcome {
    /// It works, or was ended before that was clear.
    Fine,
    /// It does not.
    Broken(String),
}

/// Starts the kept program as the watcher of what is installed now. It begins when the calling process has ended.
pub fn start(kept: &Kept, arguments: impl IntoIterator<Item = OsString>) -> io::Result<()> {
    let mut command = std::process::Command::new(kept.copy());
    command.arg(WATCH_UPDATE).args(arguments).env_remove(HEARS_AT).stdin(Stdio::piped());
    let watcher = command.spawn()?;
    // Its standard input closes when this process ends, which is what it waits for.
    std::mem::forget(watcher);
    Ok(())
}

/// Whether this program is on trial and nobody watches it: after a power cut, or started by hand meanwhile.
pub fn is_unwatched(journal: &Journal, version: &semver::Version) -> bool {
    journal.is_on_trial(version) && env::var_os(HEARS_AT).is_none()
}

/// Watches the installed program, as the one process that does, and answers when it works or the old one is at work again.
pub async fn watch(folders: &Folders, arguments: &[OsString]) -> io::Result<()> {
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await?;
    let journal = Journal::of(folders);
    let Some(kept) = journal.kept else { return Ok(()) };
    let Some(trial) = journal.trial else { return command(&kept, &kept.program, arguments).spawn().map(drop) };
    match try_out(&kept.program, arguments).await {
        Ok(Outcome::Fine) => Ok(()),
        Ok(Outcome::Broken(reason)) => roll_back(folders, &trial, &kept, reason, arguments),
        Err(error) => roll_back(folders, &trial, &kept, format!("it cannot be started ({error})"), arguments),
    }
}

async fn try_out(program: &Path, arguments: &[OsString]) -> io::Result<Outcome> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let mut command = Command::new(program);
    command.args(arguments).env(HEARS_AT, listener.local_addr()?.to_string()).env_remove(STANDS_IN_FOR);
    if env::var_os(STANDS_IN_FOR).is_some() {
        // Said for the copy, not by the user.
        command.env_remove(STARTER_MODEL);
    }
    let display = Display::of_this_session().await;
    let mut child = command.stdin(Stdio::null()).spawn()?;
    let heard = tokio::select! {
        outcome = hear(&listener) => outcome?,
        ended = child.wait() => return Ok(at_its_end(ended?, &display).await),
    };
    match heard {
        Some(Outcome::Broken(reason)) => {
            end(&mut child).await?;
            Ok(Outcome::Broken(reason))
        }
        Some(Outcome::Fine) => Ok(Outcome::Fine),
        // The connection ended before the word came: the program is ending.
        None => Ok(at_its_end(child.wait().await?, &display).await),
    }
}

/// Whoever ends the program, or the session, has not said that it does not work: the trial goes on at the next start. So it
/// does when the display went: no window outlives it.
async fn at_its_end(status: ExitStatus, display: &Display) -> Outcome {
    if status.success() || was_told(status) || display.is_gone().await {
        Outcome::Fine
    } else {
        Outcome::Broken(format!("it ended by itself ({status})"))
    }
}

#[cfg(unix)]
fn was_told(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    const HANGUP: i32 = 1;
    const INTERRUPT: i32 = 2;
    const KILL: i32 = 9;
    const TERMINATE: i32 = 15;
    matches!(status.signal(), Some(HANGUP | INTERRUPT | KILL | TERMINATE))
}

#[cfg(not(unix))]
const fn was_told(_: ExitStatus) -> bool {
    false
}

/// Elsewhere the display is the system's own, and does not go by itself.
#[cfg(not(unix))]
struct Display;

#[cfg(not(unix))]
impl Display {
    async fn of_this_session() -> Self {
        Self
    }

    async fn is_gone(&self) -> bool {
        false
    }
}

/// The first word that says what it came to; none if the program went away.
async fn hear(listener: &TcpListener) -> io::Result<Option<Outcome>> {
    let Ok(connected) = timeout(FIRST_WORD, listener.accept()).await else {
        let minutes = FIRST_WORD.as_secs() / 60;
        return Ok(Some(Outcome::Broken(format!("it did not start within {minutes} minutes"))));
    };
    let mut lines = BufReader::new(connected?.0).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if line == "works" {
            return Ok(Some(Outcome::Fine));
        }
        if let Some(reason) = line.strip_prefix("fails ") {
            return Ok(Some(Outcome::Broken(reason.to_owned())));
        }
    }
    Ok(None)
}

async fn end(child: &mut Child) -> io::Result<()> {
    // It is about to end by itself when it said that it fails; one that hangs does not.
    if timeout(Duration::from_secs(10), child.wait()).await.is_err() {
        child.kill().await?;
    }
    Ok(())
}

fn roll_back(folders: &Folders, trial: &Trial, kept: &Kept, reason: String, arguments: &[OsString]) -> io::Result<()> {
    // First what brings a program back: the record is only read where one runs.
    let program = kept.restore();
    let noted = Journal::change(folders, |journal| journal.roll_back(trial, reason, wall_time()));
    let noted = noted.map(drop).map_err(io::Error::other).and(kept.restore_settings(folders));
    if let Err(error) = noted {
        eprintln!("error: the update was undone, and not all of it: {error}");
    }
    command(kept, &program, arguments).spawn().map(drop)
}

/// Starts `program`, the kept one or what it was restored to.
fn command(kept: &Kept, program: &Path, arguments: &[OsString]) -> std::process::Command {
    let mut command = std::process::Command::new(program);
    command.args(arguments).env_remove(HEARS_AT).stdin(Stdio::null());
    if program == kept.copy() {
        command.env(STANDS_IN_FOR, &kept.program).env(STARTER_MODEL, &kept.starter_model);
    }
    command
}

/// Runs the kept program in place of this one, to its end; puts it back where it may be.
pub fn run_in_place(kept: &Kept, arguments: &[OsString]) -> io::Result<ExitStatus> {
    command(kept, &kept.restore(), arguments).status()
}

/// The line to the watcher, of a program on trial.
pub struct Watcher(Option<TcpStream>);

impl Watcher {
    /// To whoever watches this process, if anybody does.
    pub async fn of_this_program() -> Self {
        let Some(address) = env::var(HEARS_AT).ok().and_then(|text| text.parse::<SocketAddr>().ok()) else {
            return Self(None);
        };
        Self(TcpStream::connect(address).await.ok())
    }

    /// Says that the update works.
    pub async fn works(self) {
        self.say("works\n").await;
    }

    /// Says that it does not, and whether anybody heard: then the caller ends the process.
    pub async fn fails(self, reason: &str) -> bool {
        self.say(&format!("fails {}\n", reason.replace('\n', " "))).await
    }

    async fn say(self, line: &str) -> bool {
        let Some(mut stream) = self.0 else { return false };
        let said = stream.write_all(line.as_bytes()).await;
        if let Err(error) = &said {
            tracing::warn!(%error, "the watcher of the update does not hear");
        }
        said.is_ok()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[tokio::test]
    async fn only_a_program_that_ends_by_itself_while_its_display_is_there_is_broken() {
        let (gone, there) = (|| Display::at("/none/X1".into()), || Display::NONE);
        let (failed, segfault) = (1 << 8, 11);
        for (status, display, is_fine) in [
            (0, there(), true),
            (failed, there(), false),
            (segfault, there(), false),
            (1, there(), true),
            (15, there(), true),
            (failed, gone(), true),
        ] {
            let outcome = at_its_end(ExitStatus::from_raw(status), &display).await;
            assert_eq!(matches!(outcome, Outcome::Fine), is_fine, "{status}");
        }
    }
}
