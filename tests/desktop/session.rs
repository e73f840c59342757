//! A screen and a session bus, and what is started in them.

use std::{
    net::{SocketAddr, TcpStream},
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::json;
use thirtyfour::prelude::*;
use x11rb::protocol::xproto::{ClientMessageEvent, ConnectionExt as _, EventMask, InputFocus};

use crate::{
    Home, PATIENCE,
    process::{Group, first_line, free_port},
};

/// What keeps keys in the session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Keychain {
    /// One that is open.
    Open,
    /// One that is locked, with nobody there to open it.
    Locked,
    /// None.
    None,
}

/// A screen and a session bus with a keychain.
pub struct Session {
    _bus: Group,
    _screen: Group,
    display: String,
    bus_address: String,
}

impl Session {
    /// Starts a screen and a session bus with this keychain.
    pub fn start(home: &Home, keychain: Keychain) -> Self {
        let (screen, display) = screen(home);
        let open = "printf password | gnome-keyring-daemon --unlock --components=secrets >/dev/null;";
        let script = "echo \"$DBUS_SESSION_BUS_ADDRESS\"; exec sleep infinity";
        let mut command = Command::new("dbus-run-session");
        if keychain == Keychain::None {
            command.arg("--config-file").arg(home.folder.path().join("bus.conf"));
        }
        command.args(["--", "sh", "-c"]);
        command.arg(if keychain == Keychain::Open { format!("{open}{script}") } else { script.to_owned() });
        home.env(&mut command);
        command.env("DISPLAY", &display);
        let (bus, bus_address) = first_line(command);
        Self { _bus: bus, _screen: screen, display, bus_address }
    }

    /// Asks a window to close, as its button does.
    ///
    /// # Panics
    /// If there is no such window.
    pub fn close(&self, window: u32) {
        let (screen, _) = x11rb::connect(Some(&self.display)).unwrap();
        let atom = |name| screen.intern_atom(false, name).unwrap().reply().unwrap().atom;
        let message = [atom(b"WM_DELETE_WINDOW"), x11rb::CURRENT_TIME, 0, 0, 0];
        let event = ClientMessageEvent::new(32, window, atom(b"WM_PROTOCOLS"), message);
        screen.send_event(false, window, EventMask::NO_EVENT, event).unwrap().check().unwrap();
    }

    /// Takes the keyboard from whatever window has it.
    ///
    /// # Panics
    /// If there is no screen any more.
    pub fn look_away(&self) {
        let (screen, _) = x11rb::connect(Some(&self.display)).unwrap();
        screen.set_input_focus(InputFocus::NONE, x11rb::NONE, x11rb::CURRENT_TIME).unwrap().check().unwrap();
    }

    pub(crate) fn bus_address(&self) -> &str {
        &self.bus_address
    }

    /// A command in the session.
    pub fn command(&self, home: &Home, program: impl AsRef<Path>) -> Command {
        let mut command = home.command(program);
        command.env("DISPLAY", &self.display).env("DBUS_SESSION_BUS_ADDRESS", &self.bus_address);
        command
    }

    /// Starts the program without a driver, which would cost more than the window does.
    pub fn start_alone(&self, home: &Home, program: &Path, arguments: &[&str]) -> Group {
        let mut command = self.command(home, program);
        if arguments.contains(&"--name") {
            // A folder and a name are not said together.
            command.env_remove("CORTENSOR_DATA");
        }
        command.args(arguments).process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Group(command.spawn().unwrap())
    }

    pub(crate) async fn window(&self, home: &Home, program: &Path) -> (WebDriver, Group) {
        let port = free_port();
        let mut command = self.command(home, "WebKitWebDriver");
        command.arg(format!("--port={}", port.port())).process_group(0).stdin(Stdio::null());
        command.env("TAURI_WEBVIEW_AUTOMATION", "true");
        let driver = Group(command.spawn().expect("WebKitWebDriver is not installed; run the tests with ./dev test"));
        tokio::time::timeout(PATIENCE, listening(port)).await.expect("the driver does not listen");
        let mut capabilities = Capabilities::new();
        let options = json!({ "binary": program, "args": [] });
        capabilities.set("webkitgtk:browserOptions", options).unwrap();
        let window = WebDriver::new(format!("http://{port}"), capabilities).await.expect("the window did not open");
        window.set_script_timeout(PATIENCE).await.unwrap();
        (window, driver)
    }
}

/// A screen that no other test draws on, with its name.
fn screen(home: &Home) -> (Group, String) {
    let mut command = Command::new("Xvfb");
    command.args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]);
    home.env(&mut command);
    let (screen, number) = first_line(command);
    (screen, format!(":{number}"))
}

async fn listening(address: SocketAddr) {
    while TcpStream::connect(address).is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
