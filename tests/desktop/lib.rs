//! The real window on a screen, a session bus and a keychain of its own, driven over `WebDriver`.
//!
//! **Invariant:** links no window: it starts the program that was built.

#![cfg(target_os = "linux")]

mod tray;

use std::{
    fs,
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::prelude::*;
use x11rb::protocol::xproto::{ClientMessageEvent, ConnectionExt as _, EventMask, InputFocus};

pub use tray::Tray;

/// Longer than anything here takes on a busy machine, and less than the driver's client waits: a test that waits for this
/// has failed.
const PATIENCE: Duration = Duration::from_secs(110);
const WITHOUT_SERVICES: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"#;

/// The starter model's name on the network.
pub const MODEL: &str = "smollm2-135m-instruct";

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

/// A user's home, which outlives the window.
pub struct Home {
    folder: TempDir,
    /// Where the embedded router listens.
    pub api: SocketAddr,
    /// Whether the program is told where the starter model is.
    told_model: bool,
}

/// A process and everything it started, which end with this.
pub struct Group(Child);

/// A screen, a session and the window in it.
pub struct Desktop {
    /// The page.
    pub window: WebDriver,
    /// Whose it is.
    pub home: Home,
    driver: Group,
    session: Session,
}

/// A screen and a session bus with a keychain.
pub struct Session {
    _bus: Group,
    _screen: Group,
    display: String,
    bus_address: String,
}

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

impl Home {
    /// A home of somebody who has been through the first run, with nothing else of the miner in it but the precision ladder, which
    /// every test would make the same.
    ///
    /// # Panics
    /// If something is not installed that `./dev test` installs.
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        let home = Self::never_used();
        fs::write(home.data().join("first-run.json"), r#"{"screen": "over", "started": true, "told": true}"#).unwrap();
        home
    }

    /// The same before the first run.
    ///
    /// # Panics
    /// If something is not installed that `./dev test` installs.
    pub fn never_used() -> Self {
        let cache = starter_model();
        let folder = tempfile::Builder::new().prefix("home").tempdir_in(cache.parent().unwrap()).unwrap();
        let run = folder.path().join("run");
        fs::create_dir(&run).unwrap();
        fs::set_permissions(&run, fs::Permissions::from_mode(0o700)).unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        fs::write(folder.path().join("bus.conf"), WITHOUT_SERVICES).unwrap();
        let home = Self { folder, api: free_port(), told_model: true };
        home.set(&json!({ "listen": home.api.to_string() }));
        share_ladder(&home.data().join("models").join(MODEL));
        home
    }

    /// The same, for an installed program that has the starter model beside it.
    ///
    /// # Panics
    /// As [`Home::new`].
    pub fn without_model() -> Self {
        Self { told_model: false, ..Self::new() }
    }

    /// Waits until the miner on this folder mines.
    ///
    /// # Panics
    /// If it does not.
    pub async fn mines(&self) {
        let mining = async {
            while self.status().is_none_or(|status| status["phase"] != "mining") {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(PATIENCE, mining).await.expect("it does not mine");
    }

    /// The miner's folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Writes `settings.toml`.
    pub fn set(&self, settings: &Value) {
        let lines = settings.as_object().unwrap().iter().map(|(name, value)| format!("{name} = {value}\n"));
        fs::write(self.data().join("settings.toml"), lines.collect::<String>()).unwrap();
    }

    /// The key that opens the practice network's API.
    pub fn api_key(&self) -> String {
        fs::read_to_string(self.data().join("practice-api-key")).unwrap().trim().to_owned()
    }

    /// The process of the miner on this folder.
    ///
    /// # Panics
    /// If none runs.
    pub fn process(&self) -> u32 {
        let door = fs::read(self.data().join("control.json")).unwrap();
        let door: Value = serde_json::from_slice(&door).unwrap();
        u32::try_from(door["process"].as_u64().unwrap()).unwrap()
    }

    /// How the miner on this folder is, if one runs.
    pub fn status(&self) -> Option<Value> {
        let output = self.command(program("cortensor")).args(["status", "--json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).ok()
    }

    /// A command of this user's.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        self.env(&mut command);
        command
    }

    /// Sends a request as an `OpenAI` client does, and gives the answer.
    pub fn ask(&self, most_tokens: u32) -> impl Future<Output = Value> + use<> {
        let (url, key) = (format!("http://{}/v1/chat/completions", self.api), self.api_key());
        let body = json!({
            "model": MODEL,
            "max_tokens": most_tokens,
            "messages": [{ "role": "user", "content": "Write a long story about a ship at sea." }],
        });
        async move {
            let response = reqwest::Client::new().post(url).bearer_auth(key).json(&body).send().await.unwrap();
            let status = response.status();
            let answer: Value = response.json().await.unwrap();
            assert_eq!(status, 200, "{answer}");
            answer
        }
    }

    fn env(&self, command: &mut Command) {
        let home = self.folder.path();
        command
            .env("HOME", home)
            .env("XDG_RUNTIME_DIR", home.join("run"))
            .env("XDG_DATA_HOME", home.join("share"))
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("CORTENSOR_DATA", self.data())
            .env("NO_AT_BRIDGE", "1")
            .env_remove("CORTENSOR_PASSPHRASE")
            .env_remove("CORTENSOR_STARTER_MODEL");
        if self.told_model {
            command.env("CORTENSOR_STARTER_MODEL", starter_model());
        }
    }
}

impl Desktop {
    /// Starts a session with this keychain and opens the window in it.
    pub async fn open(home: Home, keychain: Keychain) -> Self {
        let session = Session::start(&home, keychain);
        Self::open_program(home, session, &program("cortensor-miner")).await
    }

    /// The same of a program that is not where it was built.
    pub async fn open_program(home: Home, session: Session, program: &Path) -> Self {
        let (window, driver) = session.window(&home, program).await;
        Self { window, home, driver, session }
    }

    /// Waits until `condition`, an expression over the page, is true; it is looked at whenever the page changes.
    pub async fn until(&self, condition: &str) {
        let script = format!(
            "const [done] = arguments;
             const holds = () => {{ try {{ return Boolean({condition}); }} catch {{ return false; }} }};
             const watch = new MutationObserver(() => {{ if (holds()) {{ watch.disconnect(); done(); }} }});
             watch.observe(document, {{ subtree: true, childList: true, characterData: true, attributes: true }});
             if (holds()) {{ watch.disconnect(); done(); }}"
        );
        if let Err(error) = self.window.execute_async(script, Vec::new()).await {
            panic!("{condition} did not come true ({error}); the page says:\n{}", self.text().await);
        }
    }

    /// Waits until the page says `text`.
    pub async fn says(&self, text: &str) {
        self.until(&format!("document.body.innerText.includes({})", json!(text))).await;
    }

    /// What the page says.
    pub async fn text(&self) -> String {
        let text = self.window.execute("return document.body.innerText", Vec::new()).await.unwrap();
        text.json().as_str().unwrap_or_default().to_owned()
    }

    /// Clicks the button, link or choice with this name, once it can be.
    pub async fn click(&self, name: &str) {
        let found = format!(
            "[...document.querySelectorAll('button, a, [role=radio]')].find((one) => !one.disabled && \
             (one.getAttribute('aria-label') ?? one.innerText).trim().startsWith({}))",
            json!(name)
        );
        self.until(&found).await;
        let found = self.window.execute(format!("return {found}"), Vec::new()).await.unwrap();
        found.element().unwrap().click().await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    /// Types into the field with this label.
    pub async fn type_into(&self, label: &str, text: &str) {
        let found = format!(
            "[...document.querySelectorAll('input, textarea')].find((one) => one.labels?.[0]?.innerText.trim() === {})",
            json!(label)
        );
        self.until(&found).await;
        let found = self.window.execute(format!("return {found}"), Vec::new()).await.unwrap();
        found.element().unwrap().send_keys(text).await.unwrap();
    }

    /// Goes to a screen by its keyboard-reachable link.
    pub async fn go_to(&self, screen: &str) {
        let script = format!("location.hash = '#/{screen}'");
        self.window.execute(script, Vec::new()).await.unwrap();
    }

    /// How the miner is, asked from outside.
    pub fn status(&self) -> Value {
        self.home.status().expect("the miner answers")
    }

    /// The program's process.
    pub fn process(&self) -> u32 {
        self.home.process()
    }

    /// A command in the session.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        self.session.command(&self.home, program)
    }

    /// Writes a picture of the window, where `CORTENSOR_SCREENSHOTS` names a folder.
    pub async fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("CORTENSOR_SCREENSHOTS") else { return };
        fs::create_dir_all(&folder).unwrap();
        self.window.screenshot(&Path::new(&folder).join(format!("{name}.png"))).await.unwrap();
    }

    /// Lets the window go, whose program ends by itself; gives back the home, and what must be there for what starts in it.
    pub fn let_go(self) -> (Home, Session, impl Sized) {
        self.window.leak().unwrap();
        (self.home, self.session, self.driver)
    }

    /// Closes the window, which lets what runs finish, waits until the program has ended, and gives the home back.
    pub async fn quit(self) -> Home {
        // The answer may not come any more.
        let _ = self.window.execute("void window.__TAURI_INTERNALS__.invoke('quit')", Vec::new()).await;
        let control = self.home.data().join("control.json");
        let gone = async {
            while control.exists() || running(&self.home) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, gone).await.expect("the program did not end");
        // Its driver has nothing to talk to any more.
        self.window.leak().unwrap();
        self.home
    }
}

/// That a heading begins so, as a condition on the page.
pub fn heading(words: &str) -> String {
    format!("[...document.querySelectorAll('h1, h2')].some((one) => one.innerText.startsWith({}))", json!(words))
}

/// Whether a window has this home's folder.
fn running(home: &Home) -> bool {
    // A miner that was removed has taken its lock along.
    fs::File::open(home.data().join("lock")).is_ok_and(|file| file.try_lock().is_err())
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

    async fn window(&self, home: &Home, program: &Path) -> (WebDriver, Group) {
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

/// Starts a program that says on its first line what others need to know.
fn first_line(mut command: Command) -> (Group, String) {
    let program = command.get_program().to_string_lossy().into_owned();
    let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0).spawn();
    let mut child = started.unwrap_or_else(|_| panic!("{program} is not installed; run the tests with ./dev test"));
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(!line.trim().is_empty(), "{program} ended at once");
    (Group(child), line.trim().to_owned())
}

async fn listening(address: SocketAddr) {
    while TcpStream::connect(address).is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A program that `./dev test` has built beside this test.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join(name);
    assert!(program.exists(), "{} is not built; run `./dev build`", program.display());
    program
}

fn starter_model() -> PathBuf {
    std::env::var_os("CORTENSOR_STARTER_MODEL").expect("run the tests with ./dev test, which gets the model").into()
}

/// Links the ladder that all tests share.
pub fn share_ladder(target: &Path) {
    let source = starter_model().with_file_name("ladder");
    cortensor_models::prepare_ladder(&starter_model(), &source, &cortensor_models::starter(), &mut |_| {}, &|| false)
        .unwrap();
    link_all(&source, target);
}

fn link_all(source: &Path, target: &Path) {
    fs::create_dir_all(target).unwrap();
    for entry in fs::read_dir(source).unwrap() {
        let entry = entry.unwrap();
        let target = target.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            link_all(&entry.path(), &target);
        } else if !entry.file_name().to_string_lossy().ends_with(".lock") {
            fs::hard_link(entry.path(), target).unwrap();
        }
    }
}
