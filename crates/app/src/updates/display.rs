//! The display that a program's window is on. It may go, with the session or because it broke, and takes the program with it:
//! that says nothing about the program.

use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{io::AsyncReadExt as _, net::UnixStream, time::timeout};

/// Where X servers of this machine are asked.
const X_SOCKETS: &str = "/tmp/.X11-unix";
/// How long one that is ending may take to let go of who asks. One that is well waits for a first word for longer.
const LETS_GO: Duration = Duration::from_secs(3);

/// Where the session's display is asked, if there is one that answers.
pub(super) struct Display(Option<PathBuf>);

impl Display {
    /// The display of this process' session, as a program that it starts finds it. One on another machine is not known.
    pub(super) async fn of_this_session() -> Self {
        let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let wayland = variable("WAYLAND_DISPLAY").and_then(|name| wayland_socket(&name, variable("XDG_RUNTIME_DIR")));
        let x_server = variable("DISPLAY").and_then(|name| x_socket(&name));
        for socket in [wayland, x_server].into_iter().flatten() {
            if UnixStream::connect(&socket).await.is_ok() {
                return Self(Some(socket));
            }
        }
        Self(None)
    }

    /// Whether it answered once and does no more.
    pub(super) async fn is_gone(&self) -> bool {
        match &self.0 {
            Some(socket) => !answers(socket).await,
            None => false,
        }
    }
}

/// One that is ending may still accept, and then lets go; one that is there waits to be spoken to.
async fn answers(socket: &Path) -> bool {
    let Ok(mut display) = UnixStream::connect(socket).await else { return false };
    timeout(LETS_GO, display.read_u8()).await.is_err()
}

fn wayland_socket(name: &str, folder: Option<String>) -> Option<PathBuf> {
    if name.starts_with('/') { Some(PathBuf::from(name)) } else { folder.map(|folder| Path::new(&folder).join(name)) }
}

/// Of `:1`, `:1.0` or `unix:1`.
fn x_socket(name: &str) -> Option<PathBuf> {
    let number = name.strip_prefix("unix").unwrap_or(name).strip_prefix(':')?;
    let number: u32 = number.split('.').next()?.parse().ok()?;
    Some(Path::new(X_SOCKETS).join(format!("X{number}")))
}

#[cfg(test)]
impl Display {
    pub(super) const NONE: Self = Self(None);

    pub(super) const fn at(socket: PathBuf) -> Self {
        Self(Some(socket))
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;

    #[test]
    fn a_display_is_asked_where_its_name_says() {
        for (name, socket) in [
            (":0", Some("/tmp/.X11-unix/X0")),
            (":12.1", Some("/tmp/.X11-unix/X12")),
            ("unix:1", Some("/tmp/.X11-unix/X1")),
            ("localhost:10.0", None),
            ("/tmp/launch-a/org.xquartz:0", None),
            ("", None),
        ] {
            assert_eq!(x_socket(name), socket.map(PathBuf::from), "{name}");
        }
        let folder = || Some("/run/user/1000".to_owned());
        assert_eq!(wayland_socket("wayland-0", folder()), Some(PathBuf::from("/run/user/1000/wayland-0")));
        assert_eq!(wayland_socket("/own/socket", folder()), Some(PathBuf::from("/own/socket")));
        assert_eq!(wayland_socket("wayland-0", None), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_display_that_waits_is_there_and_one_that_does_not_answer_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("X1");
        let listener = UnixListener::bind(&socket).unwrap();
        let display = Display::at(socket);
        assert!(!display.is_gone().await);
        drop(listener);
        assert!(display.is_gone().await, "its socket lies there, and nobody listens");
        assert!(!Display::NONE.is_gone().await, "what was never there cannot go");
    }

    #[tokio::test]
    async fn a_display_that_lets_go_of_who_asks_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("X1");
        let listener = UnixListener::bind(&socket).unwrap();
        let ending = tokio::spawn(async move { drop(listener.accept().await) });
        assert!(Display::at(socket).is_gone().await);
        ending.await.unwrap();
    }
}
