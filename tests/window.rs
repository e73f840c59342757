//! The desktop app as a user has it: the real window, the real engine, a request from outside, a real keychain.

#![cfg(target_os = "linux")]

mod package;
mod removal;
mod updates;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use cortensor_tests::{Desktop, Home, Keychain, heading, program};
use serde_json::{Value, json};

/// The activity has a user's request in it.
const SEES_REQUEST: &str = "[...document.querySelectorAll('tr')].some((row) => row.innerText.includes('User request'))";

/// Precision is chosen, and its model is the one that serves: the choice is marked as soon as it is made.
const SERVES_PRECISION: &str = "[...document.querySelectorAll('[role=radio][aria-checked=true]')].some(
    (one) => one.innerText.includes('Precision') && one.querySelector('.serving'))";

const OPENAI_CLIENT: &str = r#"
from openai import OpenAI
stream = OpenAI().chat.completions.create(
    model="smollm2-135m-instruct", stream=True, max_tokens=24, messages=[{"role": "user", "content": "Name a colour."}])
assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices), "an empty answer"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_day_with_the_miner() {
    let desktop = Desktop::open(Home::new(), Keychain::Open).await;
    // From the first start to mining, step by step.
    desktop.says("Practice").await;
    desktop.until(&heading("Mining")).await;
    desktop.picture("window-mining").await;

    // A request from outside, by the official client, is answered, paid and seen.
    openai_client(&desktop.home);
    desktop.go_to("activity").await;
    desktop.until(SEES_REQUEST).await;
    desktop.picture("window-activity").await;
    let earned = total(&desktop.status());
    assert!(earned > 0, "the request was paid");
    desktop.go_to("home").await;

    // The switch, under load: no request fails, and what is served is what was chosen.
    let load = tokio::spawn(keep_asking(desktop.home.ask(16), desktop.home.ask(16), desktop.home.ask(16)));
    desktop.click("Precision").await;
    desktop.until(&format!("{} && {SERVES_PRECISION}", heading("Mining"))).await;
    load.await.expect("a request failed during the switch");
    desktop.picture("window-switched").await;
    let after = desktop.status();
    assert_eq!((after["mode"].as_str(), after["loaded"]["precision"].as_str()), (Some("precision"), Some("F16")));

    // Pause gives the model back; quitting and starting again finds everything as it was.
    desktop.click("Pause").await;
    desktop.until(&heading("Paused")).await;
    assert_eq!(desktop.status()["loaded"], Value::Null);
    let (address, total_before) = (desktop.status()["address"].clone(), total(&desktop.status()));
    let home = desktop.quit().await;

    let again = Desktop::open(home, Keychain::Open).await;
    again.until(&heading("Paused")).await;
    let status = again.status();
    assert_eq!(
        (&status["address"], total(&status), status["mode"].as_str()),
        (&address, total_before, Some("precision"))
    );
    again.go_to("activity").await;
    again.until(SEES_REQUEST).await;
    again.go_to("home").await;
    again.click("Resume").await;
    again.until(&heading("Mining")).await;
    again.quit().await;
}

/// The three screens of the first run, in order.
const WELCOME: &str = "Step 1 of 3";
const PLAN: &str = "Step 2 of 3";
const KEEP: &str = "Step 3 of 3";

#[tokio::test(flavor = "multi_thread")]
async fn a_new_user_goes_through_three_screens_to_the_first_request() {
    let desktop = Desktop::open(Home::never_used(), Keychain::Open).await;
    // Nothing starts before it is said: no key, no ledger, no model, nobody listening.
    desktop.until(&heading(WELCOME)).await;
    desktop.says("are free now").await;
    desktop.picture("window-first-run-1").await;
    assert_eq!(desktop.home.status(), None);
    let mut files: Vec<_> =
        fs::read_dir(desktop.home.data()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["lock", "logs", "models", "settings.toml"]);
    desktop.click("Start").await;
    desktop.until(&heading(PLAN)).await;
    // It goes on by itself; both sides of the switch come up, and one is picked.
    desktop.click("Volume").await;
    desktop.picture("window-first-run-2").await;
    desktop.click("Next").await;
    desktop.until(&heading(KEEP)).await;

    // Whoever is interrupted finds the screen where it was.
    let home = desktop.quit().await;
    let desktop = Desktop::open(home, Keychain::Open).await;
    desktop.until(&heading(KEEP)).await;
    desktop.click("Ask it").await;
    desktop.says("The first request was served").await;
    desktop.picture("window-first-run-3").await;
    assert!(total(&desktop.status()) > 0);
    desktop.click("Finish").await;
    desktop.until(&heading("Mining")).await;
    let home = desktop.quit().await;
    let again = Desktop::open(home, Keychain::Open).await;
    again.until(&heading("Mining")).await;
    again.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_user_is_told_how_long_the_first_request_took() {
    let desktop = Desktop::open(Home::never_used(), Keychain::Open).await;
    desktop.click("Start").await;
    desktop.until(&heading(PLAN)).await;
    // Measuring takes its time on a busy machine, and a test that a small model does not pass comes again a minute later.
    desktop.click("Volume").await;
    desktop.click("Next").await;
    desktop.says("Ready for the first request,").await;
    desktop.click("Finish").await;
    desktop.until(&heading("Mining")).await;
    openai_client(&desktop.home);
    desktop.says("First request served").await;
    desktop.says("after Start.").await;
    desktop.picture("window-first-run-served").await;
    desktop.click("Got it").await;
    desktop.until("!document.body.innerText.includes('First request served')").await;
    desktop.go_to("about").await;
    desktop.says("after the first start").await;
    desktop.quit().await;
}

/// Asks with the client that our users have, which streams.
fn openai_client(home: &Home) {
    let python =
        std::env::var_os("CORTENSOR_TEST_PYTHON").expect("run the tests with ./dev test, which gets the client");
    let asked = home
        .command(&python)
        .args(["-c", OPENAI_CLIENT])
        .env("OPENAI_BASE_URL", format!("http://{}/v1", home.api))
        .env("OPENAI_API_KEY", home.api_key())
        .status();
    assert!(asked.unwrap().success());
}

/// Three requests at once, each of which is to be answered.
async fn keep_asking(
    first: impl Future<Output = Value>,
    second: impl Future<Output = Value>,
    third: impl Future<Output = Value>,
) {
    let answers = tokio::join!(first, second, third);
    for answer in [answers.0, answers.1, answers.2] {
        assert!(answer["usage"]["completion_tokens"].as_u64().unwrap() > 0, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_keychain_a_passphrase_is_asked_for_until_it_is_right() {
    let desktop = Desktop::open(Home::new(), Keychain::None).await;
    desktop.says("Choose a passphrase").await;
    desktop.picture("window-passphrase").await;
    desktop.type_into("Passphrase", "correct horse").await;
    desktop.type_into("The same again", "correct horse").await;
    desktop.click("Create the key").await;
    let address = address_of(&desktop).await;
    let home = desktop.quit().await;

    let again = Desktop::open(home, Keychain::None).await;
    again.says("Enter your passphrase").await;
    again.type_into("Passphrase", "battery staple").await;
    again.click("Open the key").await;
    again.says("does not open").await;
    again.type_into("Passphrase", "correct horse").await;
    again.click("Open the key").await;
    assert_eq!(address_of(&again).await, address);
    again.quit().await;
}

/// The node's address, once its key is open.
async fn address_of(desktop: &Desktop) -> Value {
    desktop.until("!document.querySelector('input[type=password]')").await;
    desktop.go_to("node").await;
    desktop.says("0x").await;
    desktop.status()["address"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_keychain_asks_and_whoever_dismisses_it_can_try_again() {
    let desktop = Desktop::open(Home::new(), Keychain::Open).await;
    let address = address_of(&desktop).await;
    let home = desktop.quit().await;

    let locked = Desktop::open(home, Keychain::Locked).await;
    answer_prompt(&locked, &[&["key", "Escape"]]).await;
    locked.says("unlock it").await;
    locked.picture("window-locked").await;
    locked.click("Try again").await;
    answer_prompt(&locked, &[&["type", "password"], &["key", "Return"]]).await;
    assert_eq!(address_of(&locked).await, address);
    locked.quit().await;
}

/// Waits for the keychain's own window and does this in it until it is gone: a key that comes before it has the keyboard
/// is lost.
async fn answer_prompt(desktop: &Desktop, actions: &[&[&str]]) {
    let find = |how: &[&str]| {
        let prompt =
            desktop.command("xdotool").arg("search").args(how).args(["--name", "^Unlock Login Keyring$"]).output();
        !prompt.unwrap().stdout.is_empty()
    };
    assert!(find(&["--sync", "--onlyvisible"]));
    while find(&["--onlyvisible"]) {
        for action in actions {
            assert!(desktop.command("xdotool").args(*action).status().unwrap().success());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_miner_steps_aside_for_who_moves_the_mouse_and_comes_back_when_it_is_left_alone() {
    let home = Home::new();
    home.set(&json!({"listen": home.api, "manners.in_use_seconds": 10}));
    let desktop = Desktop::open(home, Keychain::Open).await;
    desktop.until(&heading("Mining")).await;
    let moved = desktop.command("xdotool").args(["mousemove", "40", "40", "mousemove", "60", "60"]).status();
    assert!(moved.unwrap().success());
    desktop.until(&heading("Paused")).await;
    desktop.says("Somebody uses this computer").await;
    assert_eq!(desktop.status()["loaded"], Value::Null);
    desktop.until(&heading("Mining")).await;
    desktop.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_written_where_the_user_says_and_a_key_comes_back_from_its_file() {
    let desktop = Desktop::open(Home::new(), Keychain::Open).await;
    desktop.until(&heading("Mining")).await;
    let activity = desktop.home.data().join("told.csv");
    desktop.go_to("activity").await;
    // Whoever thinks better of it has written nothing.
    desktop.click("Export as CSV").await;
    answer_dialog(&desktop, "Save the activity", None).await;
    desktop.click("Export as CSV").await;
    answer_dialog(&desktop, "Save the activity", Some(&activity)).await;
    desktop.says("Saved to").await;
    let lines = fs::read_to_string(&activity).unwrap();
    assert!(lines.lines().count() > 1 && lines.contains("network_test"), "{lines}");
    assert_eq!(fs::read_dir(desktop.home.data()).unwrap().flatten().filter(is_csv).count(), 1);

    let keystore = desktop.home.data().join("kept.json");
    desktop.go_to("node").await;
    desktop.click("Export…").await;
    desktop.type_into("Passphrase for the file", "battery staple").await;
    desktop.type_into("The same again", "battery staple").await;
    desktop.click("Choose where to save").await;
    answer_dialog(&desktop, "Save the encrypted key", Some(&keystore)).await;
    desktop.says("The key was written to").await;
    let address = desktop.status()["address"].clone();
    let keystore = fs::read(keystore).unwrap();
    desktop.quit().await;

    // Another machine, with a key of its own.
    let other = Desktop::open(Home::new(), Keychain::Open).await;
    assert_ne!(address_of(&other).await, address);
    let file = other.home.data().join("brought.json");
    fs::write(&file, keystore).unwrap();
    other.click("Import…").await;
    other.type_into("Passphrase of the file", "battery staple").await;
    other.click("Choose the file").await;
    answer_dialog(&other, "Open an encrypted key", Some(&file)).await;
    other.says(&format!("This node is now {}", address.as_str().unwrap())).await;
    other.quit().await;
}

fn is_csv(entry: &fs::DirEntry) -> bool {
    entry.path().extension().is_some_and(|extension| extension == "csv")
}

/// Types a path into the file dialog with this title, or closes it without.
async fn answer_dialog(desktop: &Desktop, title: &str, path: Option<&Path>) {
    let title = format!("^{title}$");
    let xdotool = |arguments: &[&str]| desktop.command("xdotool").args(arguments).output().unwrap();
    let window = xdotool(&["search", "--sync", "--onlyvisible", "--name", &title]);
    let window = String::from_utf8(window.stdout).unwrap().lines().next().expect("the dialog opens").to_owned();
    assert!(xdotool(&["windowfocus", "--sync", &window]).status.success());
    if let Some(path) = path {
        // Beginning with a slash opens the dialog's own line for a path, whatever has the focus.
        assert!(xdotool(&["key", "ctrl+a"]).status.success());
        assert!(xdotool(&["type", "--delay", "30", path.to_str().unwrap()]).status.success());
    }
    let close = if path.is_some() { "Return" } else { "Escape" };
    while !xdotool(&["search", "--onlyvisible", "--name", &title]).stdout.is_empty() {
        assert!(xdotool(&["key", close]).status.success());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_may_call_our_commands_and_reach_nothing_else() {
    let desktop = Desktop::open(Home::new(), Keychain::Open).await;
    desktop.says("Cortensor Miner").await;
    let api = format!("fetch('http://{}/v1/models')", desktop.home.api);
    for (tried, refused) in [
        ("window.__TAURI_INTERNALS__.invoke('about')", None),
        ("window.__TAURI_INTERNALS__.invoke('plugin:opener|open_path', { path: '/' })", Some("not allowed")),
        ("window.__TAURI_INTERNALS__.invoke('plugin:dialog|open', { options: {} })", Some("not allowed")),
        ("Promise.resolve().then(() => eval('1'))", Some("Security Policy")),
        (api.as_str(), Some("Load failed")),
    ] {
        let script =
            format!("const [done] = arguments; {tried}.then(() => done(null), (error) => done(String(error)))");
        let said = desktop.window.execute_async(script, Vec::new()).await.unwrap().json().clone();
        match refused {
            None => assert!(said.is_null(), "{tried}: {said}"),
            Some(words) => assert!(said.as_str().is_some_and(|said| said.contains(words)), "{tried}: {said}"),
        }
    }
    desktop.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_brings_the_first_window_to_the_front_and_ends() {
    let desktop = Desktop::open(Home::new(), Keychain::Open).await;
    desktop.says("Practice").await;
    let mut other = desktop.command("xev").stdout(Stdio::null()).spawn().expect("xev is not installed");
    let focus = |desktop: &Desktop, window: &str| {
        let found =
            desktop.command("xdotool").args(["search", "--sync", "--name", window, "windowfocus", "--sync"]).status();
        assert!(found.unwrap().success(), "{window} does not get the focus");
    };
    focus(&desktop, "Event Tester");
    desktop.until("!document.hasFocus()").await;
    let second = desktop.command(program("cortensor-miner")).status().unwrap();
    assert!(second.success(), "the second one ends at once");
    desktop.until("document.hasFocus()").await;
    other.kill().unwrap();
    other.wait().unwrap();
    desktop.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_is_gone_is_told_and_found_again() {
    let (home, network) = (Home::new(), tempfile::tempdir().unwrap());
    let listen = home.api.to_string();
    let route = || {
        let mut command = Command::new(program("cortensor"));
        command.arg("--data").arg(network.path()).args(["router", "--listen", &listen]);
        command.stdout(Stdio::null()).spawn().unwrap()
    };
    home.set(&json!({ "router": format!("ws://{listen}/node/v1") }));
    let mut router = route();
    let desktop = Desktop::open(home, Keychain::Open).await;
    desktop.until(&heading("Mining")).await;
    router.kill().unwrap();
    router.wait().unwrap();
    desktop.until(&heading("Offline")).await;
    desktop.says("tries again").await;
    desktop.picture("window-offline").await;
    let mut router = route();
    desktop.until(&heading("Mining")).await;
    router.kill().unwrap();
    router.wait().unwrap();
    desktop.quit().await;
}

fn total(status: &Value) -> u128 {
    status["earnings"]["total"].as_str().unwrap().parse().unwrap()
}
