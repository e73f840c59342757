//! The icon in the tray and what it tells, with the real program on a real session bus: closed, paused, opened, ended.

#![cfg(target_os = "linux")]

use std::time::Duration;

use cortensor_tests::{Desktop, Group, Home, Keychain, Session, Tray, program};
use serde_json::{Value, json};

/// Longer than anything here takes, although four miners measure and are tested beside each other.
const PATIENCE: Duration = Duration::from_secs(300);

/// The program in a session that has a tray, or none.
struct Seated {
    home: Home,
    session: Session,
    program: Group,
}

impl Seated {
    fn start(home: Home, session: Session, arguments: &[&str]) -> Self {
        let program = session.start_alone(&home, &program("cortensor-miner"), arguments);
        Self { home, session, program }
    }

    /// Waits until the miner says so of itself, asked from outside.
    async fn until(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let held = async {
            loop {
                if let Some(status) = self.home.status().filter(&is) {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        tokio::time::timeout(PATIENCE, held)
            .await
            .unwrap_or_else(|_| panic!("{what} did not come: {:?}", self.home.status()))
    }

    /// Windows of the program that can be seen.
    fn windows(&self) -> Vec<String> {
        let mut search = self.session.command(&self.home, "xdotool");
        let found = search.args(["search", "--onlyvisible", "--name", "^Cortensor Miner$"]).output();
        String::from_utf8(found.unwrap().stdout).unwrap().lines().map(str::to_owned).collect()
    }

    async fn has_windows(&self, count: usize) {
        let counted = async {
            while self.windows().len() != count {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(PATIENCE, counted)
            .await
            .unwrap_or_else(|_| panic!("not {count} windows: {:?}", self.windows()));
    }

    /// Closes the window as its button does.
    async fn close_window(&self) {
        self.has_windows(1).await;
        self.session.close(self.windows()[0].parse().unwrap());
    }

    fn start_again(&self, arguments: &[&str]) {
        let second = self.session.command(&self.home, program("cortensor-miner")).args(arguments).status();
        assert!(second.unwrap().success(), "a second start ends at once");
    }
}

fn mines(status: &Value) -> bool {
    status["phase"] == "mining"
}

fn is_paused(status: &Value) -> bool {
    status["phase"] == "paused"
}

#[tokio::test(flavor = "multi_thread")]
async fn the_miner_goes_on_in_the_tray_is_paused_from_there_opened_and_ended() {
    let home = Home::new();
    let session = Session::start(&home, Keychain::Open);
    let tray = Tray::start(&session).await;
    let seated = Seated::start(home, session, &[]);
    seated.until("mining", mines).await;
    tray.says("Mining · ").await;
    let lines = tray.menu().await;
    assert_eq!(
        lines[1..],
        [
            "Open Cortensor Miner",
            "Pause for 15 minutes",
            "Pause for 1 hour",
            "Pause until tomorrow",
            "Pause until I resume",
            "Resume",
            "Quit"
        ]
    );

    // Closed, the window is gone and the miner is not; that is said the first time.
    seated.close_window().await;
    seated.has_windows(0).await;
    let told = tray.shows(1).await;
    assert!(told[0].0.contains("in the tray"), "{told:?}");
    seated.until("mining without a window", mines).await;

    tray.choose("Pause for 15 minutes").await;
    let status = seated.until("the pause", is_paused).await;
    assert!(status["paused_until"].is_number() && status["loaded"].is_null(), "{status}");
    tray.says("Paused until ").await;
    tray.choose("Resume").await;
    seated.until("mining again", mines).await;

    // Opened from the tray and by a second start; a start that is to be hidden opens nothing.
    seated.start_again(&["--hidden"]);
    assert_eq!(seated.windows(), Vec::<String>::new());
    tray.choose("Open Cortensor Miner").await;
    seated.close_window().await;
    seated.has_windows(0).await;
    seated.start_again(&[]);
    seated.has_windows(1).await;
    assert_eq!(tray.shown(), 1, "what closing does is said once");

    tray.choose("Quit").await;
    seated.program.wait();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_start_has_no_window_and_tells_what_the_miner_needs() {
    let home = Home::new();
    let session = Session::start(&home, Keychain::None);
    let tray = Tray::start(&session).await;
    let seated = Seated::start(home, session, &["--hidden"]);
    let told = tray.shows(1).await;
    assert!(told[0].0.contains("passphrase"), "{told:?}");
    tray.says("Waiting for your passphrase").await;
    assert_eq!(seated.windows(), Vec::<String>::new());
    tray.choose("Open Cortensor Miner").await;
    seated.has_windows(1).await;
    tray.choose("Quit").await;
    seated.program.wait();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_tray_or_where_the_user_wants_it_closing_the_window_ends_the_miner() {
    for has_tray in [false, true] {
        let home = Home::new();
        home.set(&json!({ "listen": home.api, "close_to_tray": !has_tray }));
        let session = Session::start(&home, Keychain::Open);
        let tray = if has_tray { Some(Tray::start(&session).await) } else { None };
        let seated = Seated::start(home, session, &[]);
        if let Some(tray) = &tray {
            tray.says("Mining · ").await;
        }
        seated.until("mining", mines).await;
        seated.close_window().await;
        seated.program.wait();
        assert!(tray.is_none_or(|tray| tray.shown() == 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_menu_speaks_the_language_that_the_settings_say_as_soon_as_they_are_saved() {
    const SAVE: &str = "const [done] = arguments;
        const { invoke } = window.__TAURI_INTERNALS__;
        const save = ({ settings }) => invoke('save_settings', { settings: { ...settings, language: 'de' } });
        invoke('settings').then(save).then(() => done('saved'), (error) => done(JSON.stringify(error)));";
    let home = Home::new();
    let session = Session::start(&home, Keychain::Open);
    let tray = Tray::start(&session).await;
    let desktop = Desktop::open_program(home, session, &program("cortensor-miner")).await;
    tray.says("Open Cortensor Miner").await;
    desktop.says("Settings").await;
    let saved = desktop.window.execute_async(SAVE, Vec::new()).await.unwrap();
    assert_eq!(saved.json(), "saved");
    // The last line of them.
    tray.says("Beenden").await;
    let lines = tray.menu().await;
    assert!(lines[0].ends_with("Übungs-Credits heute") && lines[1] == "Cortensor Miner öffnen", "{lines:?}");
    assert_eq!(
        lines[2..],
        [
            "15 Minuten pausieren",
            "1 Stunde pausieren",
            "Bis morgen pausieren",
            "Pausieren, bis ich fortsetze",
            "Fortsetzen",
            "Beenden"
        ]
    );
    desktop.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn starting_at_login_is_an_entry_of_the_session_s_own_that_opens_no_window() {
    const SWITCH: &str = "[...document.querySelectorAll('[role=switch]')].find(
        (one) => document.querySelector(`label[for=\"${one.id}\"]`)?.innerText === 'Start when I log in')";
    let desktop = Desktop::open(Home::new(), Keychain::Open).await;
    let entries = desktop.home.data().with_file_name(".config").join("autostart");
    desktop.go_to("settings").await;
    for starts in [true, false] {
        desktop.until(SWITCH).await;
        desktop.window.execute(format!("{SWITCH}.click()"), Vec::new()).await.unwrap();
        desktop.until(&format!("{SWITCH}.getAttribute('aria-checked') === '{starts}'")).await;
        let commands: Vec<String> = std::fs::read_dir(&entries)
            .unwrap()
            .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
            .flat_map(|entry| {
                entry.lines().filter(|line| line.starts_with("Exec=")).map(str::to_owned).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(commands.len(), usize::from(starts), "{commands:?}");
        // It is to be the miner of this folder, not that of the folder which is the default.
        let end = format!("cortensor-miner --data \"{}\" --hidden", desktop.home.data().display());
        assert!(commands.iter().all(|command| command.ends_with(&end)), "{commands:?}");
    }
    desktop.quit().await;
}
