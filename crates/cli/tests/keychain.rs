//! The node's key in a real keychain: a D-Bus session and a secret service of the test's own.
//!
//! The miner gets a damaged model file, so that it ends right behind the step that opens the key. `./dev test` installs
//! what this needs (`dbus`, `gnome-keyring`).

#![cfg(target_os = "linux")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// Whether the keychain is opened with its password first.
#[derive(Clone, Copy, PartialEq)]
enum Keychain {
    Open,
    Locked,
}

/// A home folder with a keychain in it and a miner's folder.
struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let run = folder.path().join("run");
        fs::create_dir(&run).unwrap();
        fs::set_permissions(&run, fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(folder.path().join("model.gguf"), "GGUF and no more").unwrap();
        Self { folder }
    }

    fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// Starts a miner in a session of its own, and gives what it printed.
    fn mine(&self, keychain: Keychain) -> String {
        let model = self.folder.path().join("model.gguf");
        let output = self.run(keychain, &["mine", "--listen", "127.0.0.1:0", "--model-file", model.to_str().unwrap()]);
        assert!(!output.status.success(), "the model file is damaged");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs the program in a session of its own.
    fn run(&self, keychain: Keychain, arguments: &[&str]) -> Output {
        let open = match keychain {
            Keychain::Open => "printf password | gnome-keyring-daemon --unlock --components=secrets >/dev/null;",
            Keychain::Locked => "",
        };
        let home = self.folder.path();
        Command::new("dbus-run-session")
            .args(["--", "sh", "-c", &format!("{open} exec \"$@\""), "sh", env!("CARGO_BIN_EXE_cortensor"), "--data"])
            .arg(self.data())
            .args(arguments)
            .env("HOME", home)
            .env("XDG_DATA_HOME", home.join("share"))
            .env("XDG_RUNTIME_DIR", home.join("run"))
            .env_remove("CORTENSOR_PASSPHRASE")
            .stdin(Stdio::null())
            .output()
            .expect("dbus-run-session is not installed; run the tests with ./dev test")
    }

    fn address(&self) -> String {
        let note: Value = serde_json::from_slice(&fs::read(self.data().join("identity.json")).unwrap()).unwrap();
        assert_eq!(note["place"], "keychain");
        note["address"].as_str().unwrap().to_lowercase()
    }
}

/// Nothing in the miner's folder looks like a key: no keystore, no 32 bytes in hexadecimal.
fn holds_no_key(data: &Path) {
    assert!(!data.join("keystore.json").exists());
    let note = fs::read_to_string(data.join("identity.json")).unwrap();
    assert!(!note.split('"').any(|text| text.trim_start_matches("0x").len() == 64), "{note}");
}

#[test]
fn the_key_is_made_in_the_keychain_once_and_found_there_again() {
    let home = Home::new();
    let first = home.mine(Keychain::Open);
    assert!(first.contains("key in the system keychain") && first.contains("is damaged"), "{first}");
    holds_no_key(&home.data());
    let address = home.address();
    let second = home.mine(Keychain::Open);
    assert!(second.to_lowercase().contains(&address), "{second}");
    assert_eq!(home.address(), address);
}

#[test]
fn a_locked_keychain_is_told_with_what_to_do_and_never_taken_for_a_first_run() {
    let home = Home::new();
    home.mine(Keychain::Open);
    let address = home.address();
    let locked = home.mine(Keychain::Locked);
    assert!(locked.contains("unlock it") && locked.to_lowercase().contains(&address), "{locked}");
    assert_eq!(home.address(), address, "the identity is the same");
    assert!(home.mine(Keychain::Open).to_lowercase().contains(&address), "and back once the keychain is open");
}

#[test]
fn a_first_run_with_a_locked_keychain_makes_no_identity() {
    let home = Home::new();
    let locked = home.mine(Keychain::Locked);
    assert!(locked.contains("unlock it and start again"), "{locked}");
    assert!(!home.data().join("identity.json").exists() && !home.data().join("keystore.json").exists());
}

/// A key that everybody knows, and its address.
const KEY: &str = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
const ADDRESS: &str = "0x2c7536e3605d9c16a7a3d7b1898e529396a65c23";

/// What a command said, which must not be the key.
fn said(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(!said.to_lowercase().contains(&KEY[..16]), "{said}");
    said.into_owned()
}

#[test]
fn the_key_of_a_node_s_env_goes_into_the_keychain_is_wiped_and_is_told_nowhere() {
    let home = Home::new();
    let file = home.folder.path().join(".env");
    let import = |more: &[&str]| {
        let mut arguments = vec!["key", "import-env", file.to_str().unwrap()];
        arguments.extend(more);
        let output = home.run(Keychain::Open, &arguments);
        (output.status.success(), said(&output))
    };
    fs::write(&file, format!("HOST=a\r\nNODE_PRIVATE_KEY=\"0x{KEY}\r\n")).unwrap();
    let (taken, words) = import(&["--wipe"]);
    assert!(!taken && words.contains("line 2 of"), "{words}");

    fs::write(&file, format!("HOST=a\r\nNODE_PRIVATE_KEY=\"0x{KEY}\"\r\n")).unwrap();
    let (taken, words) = import(&["--wipe"]);
    assert!(taken && words.contains("system keychain") && words.contains("Not used here: HOST"), "{words}");
    let wiped = format!("HOST=a\r\nNODE_PRIVATE_KEY=\"0x{}\"\r\n", "0".repeat(64));
    assert_eq!(fs::read_to_string(&file).unwrap(), wiped);
    holds_no_key(&home.data());
    assert_eq!(home.address(), ADDRESS);
    assert!(home.mine(Keychain::Open).to_lowercase().contains(ADDRESS), "the next start opens it");

    // Another one takes its place only where that is said.
    fs::write(&file, format!("NODE_PRIVATE_KEY=0x{}", "ab".repeat(32))).unwrap();
    let (taken, words) = import(&["--delete"]);
    assert!(!taken && words.contains("--replace") && file.exists(), "{words}");
    let (taken, words) = import(&["--delete", "--replace"]);
    assert!(taken && !file.exists(), "{words}");
    assert_ne!(home.address(), ADDRESS);
}
