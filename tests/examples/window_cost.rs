//! What the window costs: start-up, memory of all its processes, and the engine's tokens per second with and without it.
//!
//! `./dev bench window` runs it. Rates are of the same request through the same router, answered by the window's miner and by
//! `cortensor mine` in turn, so that a noisy machine disturbs both alike.

#![cfg(target_os = "linux")]

use std::{
    collections::BTreeMap,
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use cortensor_tests::{Desktop, Home, Keychain, heading, program};

const ROUNDS: usize = 5;
const ANSWER_TOKENS: u32 = 192;
const WARM_UP_TOKENS: u32 = 48;
/// No keychain: the same key for the window and for the terminal.
const PASSPHRASE: &str = "correct horse";

#[tokio::main]
async fn main() {
    let mut home = first_start().await;
    let (mut shown, mut hidden, mut without) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let opened = Instant::now();
        let desktop = Desktop::open(home, Keychain::None).await;
        desktop.says("Enter your passphrase").await;
        let frame = first_frame(&desktop).await;
        desktop.type_into("Passphrase", PASSPHRASE).await;
        desktop.click("Open the key").await;
        desktop.until(&heading("Mining")).await;
        let mining = opened.elapsed();
        println!(
            "round {round}: first frame {frame:.0} ms behind the program's start, mining after {:.1} s",
            mining.as_secs_f64()
        );
        if round == 1 {
            memory(&desktop).await;
        }
        shown.push(rate(&desktop.home).await);
        hide(&desktop).await;
        hidden.push(rate(&desktop.home).await);
        home = desktop.quit().await;

        let miner = headless(&home).await;
        without.push(rate(&home).await);
        home = stop(miner, home);
    }
    let (shown, hidden, without) = (median(shown), median(hidden), median(without));
    println!("tokens/s, first token included: window shown {shown:.2}, hidden {hidden:.2}, no window {without:.2}");
    println!("ratio shown to hidden {:.3}, shown to no window {:.3}", shown / hidden, shown / without);
    size("the program", &program("cortensor-miner"));
    println!("the interface: {:.2} MB in {} files", f64::from(interface().1) / 1e6, interface().0);
}

/// The ladder, the benchmark and the network's tests are not start-up.
async fn first_start() -> Home {
    let desktop = Desktop::open(Home::new(), Keychain::None).await;
    desktop.type_into("Passphrase", PASSPHRASE).await;
    desktop.type_into("The same again", PASSPHRASE).await;
    desktop.click("Create the key").await;
    desktop.until(&heading("Mining")).await;
    desktop.quit().await
}

/// Milliseconds from the start of the program to what the page painted first.
async fn first_frame(desktop: &Desktop) -> f64 {
    let script = "return performance.timeOrigin + (performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? performance.now())";
    let painted = desktop.window.execute(script, Vec::new()).await.unwrap();
    painted.json().as_f64().unwrap() - started_at(desktop)
}

/// When the program was started, in milliseconds since the epoch.
fn started_at(desktop: &Desktop) -> f64 {
    let process = desktop.process();
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The 22nd field, counted behind the name, which may have spaces.
    let ticks: f64 = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().parse().unwrap();
    let boot = fs::read_to_string("/proc/stat").unwrap();
    let boot: f64 = boot.lines().find_map(|line| line.strip_prefix("btime ")).unwrap().parse().unwrap();
    // `btime` is in whole seconds: what the kernel counts from is read from the clock instead.
    let uptime = fs::read_to_string("/proc/uptime").unwrap();
    let uptime: f64 = uptime.split_whitespace().next().unwrap().parse().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((now - uptime - boot).abs() < 2.0, "the clock was set while the machine ran");
    (now - uptime + ticks / 100.0) * 1e3
}

/// Memory with the window open, hidden, and without the model.
async fn memory(desktop: &Desktop) {
    show_memory("window open, model loaded", desktop);
    hide(desktop).await;
    show_memory("window hidden, model loaded", desktop);
    let shown = desktop.command("xdotool").args(["search", "--name", "^Cortensor Miner$", "windowmap"]).status();
    assert!(shown.unwrap().success());
    desktop.until("document.visibilityState === 'visible'").await;
    desktop.click("Pause").await;
    desktop.until(&heading("Paused")).await;
    show_memory("window open, paused", desktop);
    desktop.click("Resume").await;
    desktop.until(&heading("Mining")).await;
}

/// Takes the window off the screen, as a minimised one is.
async fn hide(desktop: &Desktop) {
    let window = ["search", "--onlyvisible", "--name", "^Cortensor Miner$", "windowunmap"];
    assert!(desktop.command("xdotool").args(window).status().unwrap().success());
    desktop.until("document.visibilityState === 'hidden'").await;
}

fn show_memory(when: &str, desktop: &Desktop) {
    let processes = tree(desktop.process());
    let sum: u64 = processes.values().sum();
    let parts: Vec<String> = processes.iter().map(|(name, kilobytes)| format!("{name} {}", kilobytes / 1000)).collect();
    println!("memory (PSS), {when}: {} MB ({})", sum / 1000, parts.join(", "));
}

/// Proportional memory in kB of a process and all below it, by name.
fn tree(root: u32) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    let mut open = vec![root];
    while let Some(process) = open.pop() {
        let Ok(rollup) = fs::read_to_string(format!("/proc/{process}/smaps_rollup")) else { continue };
        let pss =
            rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.split_whitespace().next()?.parse::<u64>().ok());
        let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
        *found.entry(name.trim().to_owned()).or_default() += pss.unwrap_or_default();
        let children = Command::new("pgrep").args(["-P", &process.to_string()]).output().unwrap();
        open.extend(String::from_utf8_lossy(&children.stdout).lines().filter_map(|line| line.parse::<u32>().ok()));
    }
    found
}

/// Answer tokens a second as a client sees them, the first token included; a short answer before that is not counted, so
/// that neither a fresh model nor a fresh page is measured.
async fn rate(home: &Home) -> f64 {
    home.ask(WARM_UP_TOKENS).await;
    let started = Instant::now();
    let answer = home.ask(ANSWER_TOKENS).await;
    let tokens = u32::try_from(answer["usage"]["completion_tokens"].as_u64().unwrap()).unwrap();
    f64::from(tokens) / started.elapsed().as_secs_f64()
}

async fn headless(home: &Home) -> Child {
    let mut command = home.command(program("cortensor"));
    command.arg("mine").env("CORTENSOR_PASSPHRASE", PASSPHRASE).stdout(Stdio::null()).stderr(Stdio::null());
    let miner = command.spawn().unwrap();
    while home.status().is_none_or(|status| status["phase"] != "mining") {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    miner
}

fn stop(mut miner: Child, home: Home) -> Home {
    assert!(home.command(program("cortensor")).arg("quit").stdout(Stdio::null()).status().unwrap().success());
    miner.wait().unwrap();
    home
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn size(what: &str, file: &std::path::Path) {
    let bytes = u32::try_from(fs::metadata(file).unwrap().len()).unwrap();
    println!("{what}: {:.1} MB", f64::from(bytes) / 1e6);
}

/// Files of the interface and their bytes.
fn interface() -> (u32, u32) {
    let mut open = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/dist")];
    let (mut files, mut bytes) = (0, 0);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
            } else {
                files += 1;
                bytes += u32::try_from(entry.metadata().unwrap().len()).unwrap();
            }
        }
    }
    (files, bytes)
}
