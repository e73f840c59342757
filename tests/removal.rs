//! Taking the miner off a computer, with the programs as they are: what goes, what stays, and what goes on with what stayed.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    os::unix::fs::symlink,
    process::{Child, Command, Output, Stdio},
};

use cortensor_tests::{Desktop, Home, Keychain, MODEL, program, share_ladder};
use serde_json::{Value, json};

const PASSPHRASE: &str = "correct horse";

/// A command of a user whose system has no keychain.
fn cortensor(home: &Home) -> Command {
    let mut command = home.command(program("cortensor"));
    command.env("CORTENSOR_PASSPHRASE", PASSPHRASE).env_remove("DBUS_SESSION_BUS_ADDRESS");
    command
}

async fn mine(home: &Home) -> (Child, String) {
    let miner = cortensor(home).arg("mine").stdout(Stdio::null()).spawn().unwrap();
    home.mines().await;
    let address = home.status().unwrap()["address"].as_str().unwrap().to_owned();
    (miner, address)
}

/// Answers the questions of `cortensor remove`.
fn remove(home: &Home, options: &[&str], answers: &str) -> Output {
    let mut command = cortensor(home);
    command.arg("remove").args(options).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut asked = command.spawn().unwrap();
    asked.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
    asked.wait_with_output().unwrap()
}

fn plan(home: &Home) -> Value {
    serde_json::from_slice(&remove(home, &["--dry-run", "--json"], "").stdout).unwrap()
}

fn left(home: &Home) -> BTreeSet<String> {
    let entries = fs::read_dir(home.data()).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_miner_is_asked_to_end_and_goes_as_it_is_answered_and_a_kept_key_is_the_same_node() {
    let home = Home::new();
    let (mut miner, address) = mine(&home).await;
    let notes = home.data().join("notes.txt");
    fs::write(&notes, "mine").unwrap();
    let seen = plan(&home);
    // Every file that the miner makes is known to be its own.
    assert_eq!(seen["unknown"], json!([notes]));
    assert_eq!(seen["key"], json!({ "address": address, "place": "keystore", "saved_at": null }));

    let unanswered = remove(&home, &[], "\n\n");
    assert!(!unanswered.status.success() && home.status().is_some(), "nothing was stopped: {unanswered:?}");

    let removed = remove(&home, &[], "\n\n\ny\n");
    let said = String::from_utf8_lossy(&removed.stdout);
    assert!(removed.status.success(), "{removed:?}");
    assert!(miner.wait().unwrap().success(), "it finished what ran");
    for words in ["deleted  models", "kept     the node's key", "notes.txt", "The program itself: delete "] {
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
    let there = left(&home);
    for name in ["identity.json", "keystore.json", "ledger.sqlite", "router.sqlite", "notes.txt"] {
        assert!(there.contains(name), "{name} is not in {there:?}");
    }
    for name in ["models", "logs", "settings.toml", "lock", "control.json"] {
        assert!(!there.contains(name), "{name} is in {there:?}");
    }

    home.set(&json!({ "listen": home.api.to_string() }));
    share_ladder(&home.data().join("models").join(MODEL));
    let (mut miner, again) = mine(&home).await;
    assert_eq!(again, address);

    let end = &address[address.len() - 4..];
    let backup = home.data().with_file_name("backup.json");
    let all = ["--yes", "--delete-earnings", "--save-key", backup.to_str().unwrap(), "--delete-key"];
    let refused = remove(&home, &[&all[..], &["zzzz"]].concat(), "");
    assert!(!refused.status.success() && home.status().is_some(), "{refused:?}");
    let removed = remove(&home, &[&all[..], &[end]].concat(), "");
    assert!(removed.status.success() && miner.wait().unwrap().success(), "{removed:?}");
    assert_eq!(left(&home), BTreeSet::from(["notes.txt".to_owned()]));
    let saved: Value = serde_json::from_slice(&fs::read(backup).unwrap()).unwrap();
    assert!(saved["crypto"]["ciphertext"].is_string());
}

#[test]
fn what_starts_the_miner_at_login_goes_with_its_user_s_own_folder_only() {
    let home = Home::never_used();
    let root = home.data().parent().unwrap().to_owned();
    let entry = root.join(".config/autostart/Cortensor Miner.desktop");
    let link = root.join("config/systemd/user/default.target.wants/cortensor.service");
    let (unit, settings) = (root.join("cortensor.service"), root.join("share/cortensorminer/settings.toml"));
    for file in [&entry, &unit, &settings, &link] {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
    }
    [&entry, &unit, &settings].iter().for_each(|file| fs::write(file, "").unwrap());
    symlink(&unit, &link).unwrap();

    let elsewhere = remove(&home, &["--yes"], "");
    assert!(elsewhere.status.success() && entry.exists() && link.is_symlink(), "{elsewhere:?}");
    let own = cortensor(&home).env_remove("CORTENSOR_DATA").args(["remove", "--yes"]).output().unwrap();
    assert!(own.status.success(), "{own:?}");
    assert!(!entry.exists() && !link.is_symlink() && !settings.parent().unwrap().exists(), "{own:?}");
    assert!(unit.exists(), "what a link points to is the package's");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_takes_the_miner_off_with_the_key_in_the_keychain() {
    let desktop = Desktop::open(Home::new(), Keychain::Open).await;
    desktop.until("document.body.innerText.includes('Mining')").await;
    let address = desktop.status()["address"].as_str().unwrap().to_owned();
    desktop.go_to("about").await;
    desktop.click("Remove this miner from this computer").await;
    for part in ["Ledger and statements", "The node's key"] {
        let switch = format!(
            "[...document.querySelectorAll('[role=switch]')].find(
                (one) => document.querySelector(`label[for=\"${{one.id}}\"]`)?.innerText === {})",
            json!(part)
        );
        desktop.until(&switch).await;
        desktop.window.execute(format!("{switch}.click()"), Vec::new()).await.unwrap();
    }
    let label = "To delete it, type the last four characters of the node's address";
    desktop.type_into(label, &address[address.len() - 4..]).await;
    desktop.click("Delete ").await;
    desktop.says("Last step: the program itself").await;
    desktop.says("Deleted: The node's key").await;
    desktop.picture("window-removed").await;
    let home = desktop.quit().await;
    assert_eq!(left(&home), BTreeSet::new());
}
