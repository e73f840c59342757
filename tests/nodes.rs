//! Several nodes of one user on one machine, with the real program and the real model: one network, models once, each with a key
//! and earnings of its own; and the same as services of a real systemd.

#![cfg(target_os = "linux")]

use std::{
    collections::BTreeSet,
    fs,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use cortensor_tests::{Home, Keychain, MODEL, Session, program, share_ladder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// Longer than anything here takes, although several miners measure and are tested beside each other.
const PATIENCE: Duration = Duration::from_secs(400);

/// A user, who has a folder for data and no keychain.
struct User {
    home: TempDir,
    api: SocketAddr,
}

/// A miner in a terminal.
struct Node {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl User {
    fn new() -> Self {
        let model = PathBuf::from(std::env::var_os("CORTENSOR_STARTER_MODEL").expect("run the tests with ./dev test"));
        let home = tempfile::Builder::new().prefix("nodes").tempdir_in(model.parent().unwrap()).unwrap();
        let api = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let user = Self { home, api };
        share_ladder(&user.data().join("models").join(MODEL));
        fs::write(user.data().join("settings.toml"), format!("listen = \"{api}\"\n")).unwrap();
        user
    }

    /// The main node's folder, where the system has it for this user.
    fn data(&self) -> PathBuf {
        self.home.path().join("share/cortensorminer")
    }

    fn cortensor(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program("cortensor"));
        let home = self.home.path();
        command
            .args(arguments)
            .env("HOME", home)
            .env("XDG_DATA_HOME", home.join("share"))
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("CORTENSOR_PASSPHRASE", "a passphrase for tests")
            .env_remove("CORTENSOR_DATA")
            .env_remove("CORTENSOR_NAME")
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .kill_on_drop(true);
        command
    }

    fn mine(&self, which: &[&str]) -> Node {
        let arguments = [&["mine"][..], which].concat();
        let mut process = self.cortensor(&arguments).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Node { process, lines }
    }

    /// What a command prints in JSON; it must succeed.
    async fn say(&self, arguments: &[&str]) -> Value {
        let arguments = [arguments, &["--json"]].concat();
        let output = timeout(PATIENCE, self.cortensor(&arguments).output()).await.expect("it ends").unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Every node as `cortensor nodes` has it, by name.
    async fn nodes(&self) -> Vec<(Option<String>, Value)> {
        let found = self.say(&["nodes"]).await;
        let found = found.as_array().unwrap().iter();
        found.map(|node| (node["name"].as_str().map(str::to_owned), node.clone())).collect()
    }

    /// Asks the network, and says which node answered.
    async fn ask(&self) -> String {
        let key = fs::read_to_string(self.data().join("practice-api-key")).unwrap();
        let body = json!({ "model": MODEL, "max_tokens": 16, "messages": [{ "role": "user", "content": "Tell me about the sea." }] });
        let url = format!("http://{}/v1/chat/completions", self.api);
        let response = reqwest::Client::new().post(url).bearer_auth(key.trim()).json(&body).send().await.unwrap();
        let status = response.status();
        let answer: Value = response.json().await.unwrap();
        assert_eq!(status, 200, "{answer}");
        answer["cortensor"]["node"].as_str().unwrap_or_else(|| panic!("no node in {answer}")).to_owned()
    }
}

impl Node {
    /// Waits for a line that has these words.
    async fn says(&mut self, words: &str) {
        let said = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                println!("| {line}");
                if line.contains(words) {
                    return;
                }
            }
            panic!("it ended and did not say {words:?}");
        };
        timeout(PATIENCE, said).await.unwrap_or_else(|_| panic!("it does not say {words:?}"));
    }

    /// Waits until it has ended, as it should.
    async fn ends(mut self) {
        let said = async { while self.lines.next_line().await.unwrap().is_some() {} };
        timeout(PATIENCE, said).await.expect("it ends");
        assert!(self.process.wait().await.unwrap().success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_on_one_machine_share_network_and_models_and_nothing_else() {
    let user = User::new();
    assert!(user.nodes().await.is_empty());

    // The network is the main node's: alone, the other one makes none, and says what to do.
    let mut second = user.mine(&["--name", "rig-2"]);
    second.says("the practice network of the main node is not running").await;
    let mut main = user.mine(&[]);
    main.says("Mining ·").await;
    second.says("Mining ·").await;

    let found = user.nodes().await;
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_deref()).collect();
    assert_eq!(names, [None, Some("rig-2")]);
    let addresses: BTreeSet<_> = found.iter().map(|(_, node)| node["address"].as_str().unwrap().to_owned()).collect();
    assert_eq!(addresses.len(), 2, "{found:?}");
    assert!(found.iter().all(|(_, node)| node["phase"] == "mining" && node["why"].is_null()), "{found:?}");
    assert!(user.data().join("models").join(MODEL).is_dir() && !user.data().join("nodes/rig-2/models").exists());
    assert!(!user.data().join("nodes/rig-2/router.sqlite").exists(), "no second network");

    // Each one serves: while the other is paused there is no other.
    for (paused, serves) in [(&["pause"][..], 1), (&["pause", "--name", "rig-2"][..], 0)] {
        user.say(paused).await;
        let address = found[serves].1["address"].as_str().unwrap();
        assert!(user.ask().await.eq_ignore_ascii_case(address));
        user.say(&[&["resume"][..], &paused[1..]].concat()).await;
    }

    // Ending one leaves the other.
    user.say(&["quit", "--name", "rig-2"]).await;
    second.ends().await;
    let found = user.nodes().await;
    assert_eq!((&found[0].1["phase"], &found[1].1["phase"]), (&json!("mining"), &Value::Null));
    assert!(found[1].1["earned"].is_string(), "what a node that does not run has earned is known: {found:?}");
    user.ask().await;
    user.say(&["quit"]).await;
    main.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_models_are_the_main_nodes_to_change() {
    let user = User::new();
    for change in [&["remove", MODEL, "Q8_0"][..], &["get", "qwen3-4b"], &["keep", MODEL, "Q8_0"]] {
        let arguments = [&["models", "--name", "rig-2"][..], change].concat();
        let output = user.cortensor(&arguments).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("shared by all of your nodes"), "{said}");
    }
    let held = user.say(&["models", "--name", "rig-2"]).await["held"].clone();
    assert!(held.as_array().unwrap().iter().any(|held| held["format"] == "Q8_0"), "{held}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_node_has_a_window_of_its_own_which_a_second_start_opens() {
    let home = Home::never_used();
    let session = Session::start(&home, Keychain::None);
    let titles = || {
        let found =
            session.command(&home, "xdotool").args(["search", "--onlyvisible", "--name", "^Cortensor Miner"]).output();
        let windows = String::from_utf8(found.unwrap().stdout).unwrap();
        let title =
            |window: &str| session.command(&home, "xdotool").args(["getwindowname", window]).output().unwrap().stdout;
        let titles = windows.lines().map(|window| String::from_utf8(title(window)).unwrap().trim().to_owned());
        titles.collect::<BTreeSet<_>>()
    };
    let both = BTreeSet::from(["Cortensor Miner", "Cortensor Miner (rig-2)"].map(str::to_owned));
    let start = |arguments: &[&str]| session.start_alone(&home, &program("cortensor-miner"), arguments);
    let _windows = (start(&[]), start(&["--name", "rig-2"]));
    let open = async {
        while titles() != both {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, open).await.unwrap_or_else(|_| panic!("not both windows: {:?}", titles()));
    start(&["--name", "rig-2"]).wait();
    assert_eq!(titles(), both, "the second start ended and opened nothing of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_systemd_starts_the_units_starts_a_killed_one_again_and_stops_them_well() {
    let user = User::new();
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("scripts").join("check-service");
    let mut check = Command::new(script);
    check.arg(program("cortensor")).arg(user.home.path()).kill_on_drop(true);
    let done = timeout(4 * PATIENCE, check.output()).await.expect("it ends").unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
}
