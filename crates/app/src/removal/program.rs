//! How the program itself is removed: the way it came.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::updates::Installed;

/// The last step, which the program cannot take itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ProgramRemoval {
    /// A package manager has it: this removes it.
    Command {
        /// To be typed in a terminal.
        command: String,
    },
    /// It is a file, or a folder of files, to be deleted.
    File {
        /// Which.
        path: PathBuf,
    },
    /// Windows removes it, in its settings under Apps.
    WindowsSettings,
    /// It is moved to the Bin.
    Bin {
        /// The app.
        path: PathBuf,
    },
}

/// How the running program is removed. Asks the package managers that are here; blocks.
pub(super) fn program_removal() -> ProgramRemoval {
    let installed = Installed::this(false).map(|installed| installed.program).unwrap_or_default();
    by_owner(std::env::consts::OS, &installed, owner("dpkg-query", "-S", &installed), owner("rpm", "-qf", &installed))
}

/// `dpkg` and `rpm` are what these answer when asked whose the program is.
fn by_owner(system: &str, program: &Path, dpkg: Option<String>, rpm: Option<String>) -> ProgramRemoval {
    let package = dpkg.and_then(|said| Some(said.split_once(':')?.0.to_owned()));
    match (system, package, rpm) {
        ("windows", ..) => ProgramRemoval::WindowsSettings,
        ("macos", ..) => ProgramRemoval::Bin { path: app(program) },
        (_, Some(package), _) => ProgramRemoval::Command { command: format!("sudo apt remove {package}") },
        (_, _, Some(_)) => ProgramRemoval::Command { command: "sudo dnf remove cortensor-miner".to_owned() },
        _ => ProgramRemoval::File { path: program.to_owned() },
    }
}

/// The app that a program of macOS is in.
fn app(program: &Path) -> PathBuf {
    let is_app = |folder: &&Path| folder.extension().is_some_and(|end| end == "app");
    program.ancestors().find(is_app).unwrap_or(program).to_owned()
}

/// What a package manager says of the program, if it is here and has it.
fn owner(manager: &str, question: &str, program: &Path) -> Option<String> {
    let answer = Command::new(manager).arg(question).arg(program).output().ok()?;
    let said = String::from_utf8(answer.stdout).ok()?;
    (answer.status.success() && !said.trim().is_empty()).then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_goes_the_way_it_came() {
        let command = |command: &str| ProgramRemoval::Command { command: command.to_owned() };
        let of = |path: &str| PathBuf::from(path);
        let dpkg = Some("cortensor-miner: /usr/bin/cortensor\n".to_owned());
        let rpm = Some("cortensor-miner-0.1.0-1.x86_64\n".to_owned());
        for (system, program, dpkg, rpm, expected) in [
            ("linux", "/usr/bin/cortensor", dpkg.clone(), None, command("sudo apt remove cortensor-miner")),
            ("linux", "/usr/bin/cortensor", None, rpm, command("sudo dnf remove cortensor-miner")),
            (
                "linux",
                "/home/me/Miner.AppImage",
                None,
                None,
                ProgramRemoval::File { path: of("/home/me/Miner.AppImage") },
            ),
            ("windows", "C:/cortensor.exe", None, None, ProgramRemoval::WindowsSettings),
            (
                "macos",
                "/Applications/Cortensor Miner.app/Contents/MacOS/cortensor-miner",
                None,
                None,
                ProgramRemoval::Bin { path: of("/Applications/Cortensor Miner.app") },
            ),
        ] {
            assert_eq!(by_owner(system, Path::new(program), dpkg, rpm), expected, "{system} {program}");
        }
    }
}
