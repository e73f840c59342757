//! The window, and what is done in it.

use std::{fs, path::Path, process::Command, time::Duration};

use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::{
    Home, Keychain, PATIENCE, Session,
    process::{Group, program},
};

/// A screen, a session and the window in it.
pub struct Desktop {
    /// The page.
    pub window: WebDriver,
    /// Whose it is.
    pub home: Home,
    driver: Group,
    session: Session,
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
