//! Processes, and the ports that they are told.

use std::{
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A process and everything it started, which end with this.
pub struct Group(pub(crate) Child);

impl Group {
    /// Waits until the first of the processes has ended by itself.
    pub fn wait(mut self) {
        self.0.wait().unwrap();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.0.wait();
    }
}

/// Starts a program that says on its first line what others need to know.
pub(crate) fn first_line(mut command: Command) -> (Group, String) {
    let program = command.get_program().to_string_lossy().into_owned();
    let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0).spawn();
    let mut child = started.unwrap_or_else(|_| panic!("{program} is not installed; run the tests with ./dev test"));
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(!line.trim().is_empty(), "{program} ended at once");
    (Group(child), line.trim().to_owned())
}

pub(crate) fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A program that `./dev test` has built beside this test.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join(name);
    assert!(program.exists(), "{} is not built; run `./dev build`", program.display());
    program
}
