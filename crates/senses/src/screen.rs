//! What the X server knows: when a key was last pressed, and whether a program fills the screen.
//!
//! Under Wayland only programs that still speak X are seen, so that nothing is told there.

use std::time::Duration;

use x11rb::{
    connection::Connection,
    errors::ReplyError,
    protocol::{
        screensaver::ConnectionExt as _,
        xproto::{Atom, AtomEnum, ConnectionExt as _, Window},
    },
    rust_connection::RustConnection,
};

#[derive(Default)]
pub(crate) struct Screen {
    server: Option<Server>,
}

struct Server {
    connection: RustConnection,
    root: Window,
    active: Atom,
    state: Atom,
    full_screen: Atom,
}

impl Screen {
    /// Since the last key or movement of the mouse.
    pub(crate) fn untouched(&mut self) -> Option<Duration> {
        self.ask(|server| {
            let info = server.connection.screensaver_query_info(server.root)?.reply()?;
            Ok(Duration::from_millis(info.ms_since_user_input.into()))
        })
    }

    /// Whether the window in front fills the screen.
    pub(crate) fn is_filled(&mut self) -> Option<bool> {
        self.ask(Server::is_filled)
    }

    /// Asks, connecting first where that is needed; a connection that broke is not used again.
    fn ask<T>(&mut self, question: impl FnOnce(&Server) -> Result<T, ReplyError>) -> Option<T> {
        if std::env::var_os("WAYLAND_DISPLAY").is_some() {
            return None;
        }
        if self.server.is_none() {
            self.server = Server::connect();
        }
        let answer = question(self.server.as_ref()?);
        if let Err(ReplyError::ConnectionError(_)) = answer {
            self.server = None;
        }
        answer.ok()
    }
}

impl Server {
    fn connect() -> Option<Self> {
        let (connection, screen) = x11rb::connect(None).ok()?;
        let root = connection.setup().roots.get(screen)?.root;
        let atom = |name: &[u8]| Some(connection.intern_atom(false, name).ok()?.reply().ok()?.atom);
        let (active, state) = (atom(b"_NET_ACTIVE_WINDOW")?, atom(b"_NET_WM_STATE")?);
        let full_screen = atom(b"_NET_WM_STATE_FULLSCREEN")?;
        Some(Self { connection, root, active, state, full_screen })
    }

    fn is_filled(&self) -> Result<bool, ReplyError> {
        let Some(window) = self.first(self.root, self.active, AtomEnum::WINDOW)? else { return Ok(false) };
        if window == x11rb::NONE {
            return Ok(false);
        }
        match self.values(window, self.state, AtomEnum::ATOM) {
            Ok(states) => Ok(states.contains(&self.full_screen)),
            // It was closed meanwhile.
            Err(ReplyError::X11Error(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn first(&self, window: Window, property: Atom, kind: AtomEnum) -> Result<Option<u32>, ReplyError> {
        Ok(self.values(window, property, kind)?.first().copied())
    }

    fn values(&self, window: Window, property: Atom, kind: AtomEnum) -> Result<Vec<u32>, ReplyError> {
        let reply = self.connection.get_property(false, window, property, kind, 0, 64)?.reply()?;
        Ok(reply.value32().map(Iterator::collect).unwrap_or_default())
    }
}
