//! The main job as a user does it: the real binary, the real model, real sockets, a real kill.
//!
//! Needs `CORTENSOR_STARTER_MODEL` (the starter model's file) and `CORTENSOR_TEST_PYTHON` (a Python with the `openai`
//! package); `./dev test` sets both.

use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, future::join_all};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

const LONGEST_START: Duration = Duration::from_secs(300);
const MODEL: &str = "smollm2-135m-instruct";

fn needed(name: &str) -> PathBuf {
    let value = env::var_os(name).unwrap_or_else(|| panic!("{name} is not set; run the tests with ./dev test"));
    PathBuf::from(value)
}

fn cortensor(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cortensor"));
    command
        .arg("--data")
        .arg(data)
        .env("CORTENSOR_PASSPHRASE", "a passphrase for tests")
        .env("CORTENSOR_STARTER_MODEL", needed("CORTENSOR_STARTER_MODEL"))
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .kill_on_drop(true);
    command
}

struct Miner {
    process: Child,
    url: String,
    key: String,
    http: reqwest::Client,
    // Kept open, so that the miner never writes into a closed pipe.
    _output: tokio::task::JoinHandle<()>,
}

impl Miner {
    /// Starts a miner and waits until it says that it mines.
    async fn start(data: &Path) -> Self {
        let mut process =
            cortensor(data).args(["mine", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (mut url, mut key) = (String::new(), String::new());
        timeout(LONGEST_START, async {
            while let Some(line) = lines.next_line().await.unwrap() {
                println!("| {line}");
                if let Some(value) = line.strip_prefix("Router   ") {
                    value.clone_into(&mut url);
                } else if let Some(value) = line.strip_prefix("API key: ") {
                    value.clone_into(&mut key);
                } else if line.starts_with("Mining ·") {
                    return;
                }
            }
            panic!("the miner ended before it mined");
        })
        .await
        .expect("the miner does not come to mining");
        let output = tokio::spawn(drain(lines));
        Self { process, url, key, http: reqwest::Client::new(), _output: output }
    }

    fn chat(&self, body: &Value) -> reqwest::RequestBuilder {
        self.http.post(format!("{}/chat/completions", self.url)).bearer_auth(&self.key).json(body)
    }

    async fn answered(&self, max_tokens: u32) -> Value {
        let response = self.chat(&request(max_tokens)).send().await.unwrap();
        let status = response.status();
        let body: Value = response.json().await.unwrap();
        assert!(status.is_success(), "{status}: {body}");
        body
    }

    async fn quit(mut self, data: &Path) {
        say(data, &["quit"]).await;
        let status = timeout(Duration::from_secs(30), self.process.wait()).await.expect("the miner does not end");
        assert!(status.unwrap().success());
    }
}

async fn drain(mut lines: tokio::io::Lines<BufReader<ChildStdout>>) {
    while let Ok(Some(line)) = lines.next_line().await {
        println!("| {line}");
    }
}

fn request(max_tokens: u32) -> Value {
    json!({"model": MODEL, "max_tokens": max_tokens, "temperature": 0,
           "messages": [{"role": "user", "content": "Tell me about the sea."}]})
}

/// Runs a command and gives what it printed; it must succeed.
async fn say(data: &Path, arguments: &[&str]) -> Value {
    let output = timeout(Duration::from_secs(120), cortensor(data).arg("--json").args(arguments).output());
    let output = output.await.expect("the command does not end").unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{arguments:?} printed no JSON"))
}

/// The total in base units and the number of paid requests, as soon as both are what `done` waits for.
async fn earned(data: &Path, done: impl Fn(u128, u64) -> bool) -> (u128, u64) {
    timeout(Duration::from_secs(20), async {
        loop {
            let summary = say(data, &["earnings"]).await["summary"].clone();
            let total = summary["total"].as_str().unwrap().parse().unwrap();
            let requests = summary["requests"].as_u64().unwrap();
            if done(total, requests) {
                return (total, requests);
            }
        }
    })
    .await
    .expect("the earnings do not become what they should be")
}

/// Keeps two requests in the air until told to stop; every one of them must be answered.
async fn load(miner: &Miner, stop: &AtomicBool, served: &AtomicU32) {
    join_all((0..2).map(|_| async {
        while !stop.load(Ordering::SeqCst) {
            miner.answered(16).await;
            served.fetch_add(1, Ordering::SeqCst);
        }
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_user_mines_switches_pauses_is_killed_and_loses_nothing() {
    let folder = TempDir::new().unwrap();
    let data = folder.path();
    std::fs::write(data.join("settings.toml"), "[status_page]\non = true\nlisten = \"127.0.0.1:0\"\n").unwrap();
    let miner = Miner::start(data).await;

    serves_the_official_client(&miner).await;
    let (after_client, requests) = earned(data, |_, requests| requests >= 2).await;
    assert!(after_client > 0);

    survives_a_client_that_hangs_up(&miner).await;
    earned(data, |_, paid| paid > requests).await;

    switches_under_load(&miner, data).await;
    pauses_and_resumes(&miner, data).await;
    is_seen_by_a_browser_that_was_paired(data).await;
    let miner = is_killed_and_comes_back(miner, data).await;
    a_browser_is_forgotten(data).await;
    a_second_miner_is_turned_away(data).await;
    miner.quit(data).await;

    let refused = cortensor(data).arg("status").output().await.unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no miner is running"));
}

async fn serves_the_official_client(miner: &Miner) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openai_client.py");
    let run = Command::new(needed("CORTENSOR_TEST_PYTHON")).arg(script).args([&miner.url, &miner.key]).output();
    let output = timeout(Duration::from_secs(120), run).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

async fn survives_a_client_that_hangs_up(miner: &Miner) {
    let mut body = request(400);
    body["stream"] = json!(true);
    let mut stream = miner.chat(&body).send().await.unwrap().bytes_stream();
    stream.next().await.unwrap().unwrap();
    stream.next().await.unwrap().unwrap();
    drop(stream);
    miner.answered(4).await;
}

async fn switches_under_load(miner: &Miner, data: &Path) {
    for (mode, precision) in [("precision", "F16"), ("volume", "Q")] {
        let (stop, served) = (AtomicBool::new(false), Arc::new(AtomicU32::new(0)));
        let switch = async {
            let modes = say(data, &["mode", mode]).await;
            assert!(modes[0]["predicted_requests_per_hour"].as_f64().unwrap() > 0.0);
            stop.store(true, Ordering::SeqCst);
        };
        tokio::join!(load(miner, &stop, &served), switch);
        assert!(served.load(Ordering::SeqCst) > 0);
        let status = say(data, &["status"]).await;
        assert_eq!(status["mode"], mode);
        let answer = miner.answered(4).await;
        assert!(answer["cortensor"]["precision"].as_str().unwrap().starts_with(precision), "{answer}");
    }
    let status = say(data, &["status"]).await;
    let volume = status["modes"].as_array().unwrap().iter().find(|view| view["mode"] == "volume").unwrap();
    assert!(volume["measured_requests_per_hour"].as_f64().unwrap() > 0.0, "{volume}");
}

async fn pauses_and_resumes(miner: &Miner, data: &Path) {
    say(data, &["pause"]).await;
    let paused = say(data, &["status"]).await;
    assert_eq!((&paused["phase"], &paused["loaded"]), (&json!("paused"), &Value::Null));
    assert_eq!(paused["paused_until"], Value::Null);
    say(data, &["pause", "--for", "1h"]).await;
    let headline = cortensor(data).arg("status").output().await.unwrap();
    assert!(String::from_utf8_lossy(&headline.stdout).starts_with("Paused until "), "{headline:?}");
    say(data, &["resume"]).await;
    miner.answered(4).await;
}

async fn is_seen_by_a_browser_that_was_paired(data: &Path) {
    let offer = say(data, &["pair"]).await;
    let (url, http) = (offer["addresses"][0].as_str().unwrap(), reqwest::Client::new());
    let page = http.get(url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("id=\"app\""), "the program carries the page: {page}");
    let glance = || http.get(format!("{url}/api/glance"));
    assert_eq!(glance().send().await.unwrap().status(), 401);
    let code = json!({ "code": offer["code"]["digits"] });
    let paired = http.post(format!("{url}/api/pair")).header("origin", url).json(&code).send().await.unwrap();
    let cookie = paired.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let seen: Value = glance().header("cookie", cookie).send().await.unwrap().json().await.unwrap();
    assert_eq!((&seen["phase"], &seen["model"], &seen["practice"]), (&json!("mining"), &json!(MODEL), &json!(true)));
}

async fn a_browser_is_forgotten(data: &Path) {
    let paired = say(data, &["pair", "--list"]).await;
    assert_eq!(paired.as_array().unwrap().len(), 1, "it outlives a kill: {paired}");
    say(data, &["pair", "--forget", "all"]).await;
    assert_eq!(say(data, &["pair", "--list"]).await, json!([]));
}

async fn is_killed_and_comes_back(mut miner: Miner, data: &Path) -> Miner {
    let mut body = request(400);
    body["stream"] = json!(true);
    let mut stream = miner.chat(&body).send().await.unwrap().bytes_stream();
    stream.next().await.unwrap().unwrap();
    let before = earned(data, |total, _| total > 0).await;
    miner.process.kill().await.unwrap();
    drop(stream);
    let key = miner.key.clone();

    let miner = Miner::start(data).await;
    assert_eq!(miner.key, key);
    assert_eq!(earned(data, |_, _| true).await, before, "a kill must lose nothing and pay nothing twice");
    miner.answered(4).await;
    earned(data, |total, requests| total > before.0 && requests == before.1 + 1).await;
    miner
}

async fn a_second_miner_is_turned_away(data: &Path) {
    let second = cortensor(data).args(["mine", "--listen", "127.0.0.1:0"]).output().await.unwrap();
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("already running"));
}

#[tokio::test]
async fn a_taken_port_is_told_with_what_to_do() {
    let folder = TempDir::new().unwrap();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = cortensor(folder.path()).args(["mine", "--listen", &address]).output().await.unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains(&port) && error.contains("--listen"), "{error}");
}

#[tokio::test]
async fn a_damaged_model_file_is_told_with_what_to_do_and_registers_nothing() {
    let folder = TempDir::new().unwrap();
    let damaged = folder.path().join("model.gguf");
    std::fs::write(&damaged, b"GGUF and no more").unwrap();
    let run = cortensor(folder.path())
        .env("CORTENSOR_STARTER_MODEL", &damaged)
        .args(["mine", "--listen", "127.0.0.1:0"])
        .output();
    let output = timeout(Duration::from_secs(60), run).await.unwrap().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("./dev run"), "{said}");
}

#[tokio::test]
async fn doctor_says_what_stops_this_machine() {
    let folder = TempDir::new().unwrap();
    let fine = cortensor(folder.path()).args(["doctor", "--listen", "127.0.0.1:0"]).output().await.unwrap();
    assert!(fine.status.success(), "{}", String::from_utf8_lossy(&fine.stdout));
    let stopped = cortensor(folder.path())
        .env("CORTENSOR_STARTER_MODEL", folder.path().join("nothing.gguf"))
        .args(["doctor", "--listen", "127.0.0.1:0"])
        .output()
        .await
        .unwrap();
    assert!(!stopped.status.success());
    assert!(String::from_utf8_lossy(&stopped.stdout).contains("STOPS"));
}

#[tokio::test]
async fn a_reader_that_leaves_is_no_panic() {
    let folder = TempDir::new().unwrap();
    let mut doctor = cortensor(folder.path());
    doctor.args(["doctor", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = doctor.spawn().unwrap();
    drop(running.stdout.take());
    let output = timeout(Duration::from_secs(60), running.wait_with_output()).await.unwrap().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!error.contains("panicked"), "{error}");
}
