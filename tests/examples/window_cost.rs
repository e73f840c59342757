//! What the window costs: start-up, memory of all its processes, and the engine's tokens per second with and without it.
//!
//! `./dev bench window` runs it. Rates are of the same request through the same router, answered by the window's miner, shown
//! and hidden, and by `cortensor mine` in turn, so that a noisy machine disturbs all alike. The driver that reads the page's own
//! clock for the first frame costs more than the window: everything else is measured without it.

#![cfg(target_os = "linux")]

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use cortensor_tests::{Desktop, Group, Home, Keychain, Session, heading, program};

const STARTS: usize = 5;
const ROUNDS: usize = 7;
const ANSWER_TOKENS: u32 = 192;
const PASSPHRASE: &str = "correct horse";
/// What the kernel counts processor time in, on every Linux that Rust runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// How fast the engine answers, and what everything else of the window takes meanwhile.
#[derive(Default)]
struct Rates {
    tokens_per_second: Vec<f64>,
    /// Milliseconds of processor time for each token, in the processes of the page.
    page: Vec<f64>,
}

#[tokio::main]
async fn main() {
    starts().await;

    let home = Home::new();
    let session = Session::start(&home, Keychain::Open);
    memory(&session, &home).await;
    let (mut shown, mut hidden, mut without) = (Rates::default(), Rates::default(), Rates::default());
    for _ in 0..ROUNDS {
        let window = window(&session, &home).await;
        shown.measure(&home).await;
        hide(&session, &home).await;
        hidden.measure(&home).await;
        quit(&home, window);

        let miner = session.start_alone(&home, &program("cortensor"), &["mine"]);
        mining(&home).await;
        without.measure(&home).await;
        quit(&home, miner);
    }
    shown.print("window shown", &without);
    hidden.print("window hidden", &without);
    without.print("no window", &without);
    size("the program", &program("cortensor-miner"));
    println!("the interface: {:.2} MB in {} files", f64::from(interface().1) / 1e6, interface().0);
}

/// The first frame, which only the page knows the time of.
async fn starts() {
    let mut home = first_start().await;
    for _ in 0..STARTS {
        let opened = Instant::now();
        let desktop = Desktop::open(home, Keychain::None).await;
        desktop.says("Enter your passphrase").await;
        let frame = first_frame(&desktop).await;
        desktop.type_into("Passphrase", PASSPHRASE).await;
        desktop.click("Open the key").await;
        desktop.until(&heading("Mining")).await;
        let mining = opened.elapsed();
        println!(
            "first frame {frame:.0} ms behind the program's start, mining after {:.1} s, the driver's start and a typed passphrase included",
            mining.as_secs_f64()
        );
        home = desktop.quit().await;
    }
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
    (now - uptime + ticks / TICKS_PER_SECOND) * 1e3
}

/// Memory with the window open, hidden, and without the model.
async fn memory(session: &Session, home: &Home) {
    let group = window(session, home).await;
    show_memory("window open, model loaded", home);
    hide(session, home).await;
    show_memory("window hidden, model loaded", home);
    order(home, "pause");
    phase(home, "paused").await;
    show_memory("window hidden, paused", home);
    // A pause outlives the program.
    order(home, "resume");
    mining(home).await;
    quit(home, group);
}

/// Opens the window without a driver and waits until its miner mines.
async fn window(session: &Session, home: &Home) -> Group {
    let window = session.start_alone(home, &program("cortensor-miner"), &[]);
    mining(home).await;
    until(|| on_screen(session, home)).await;
    at_rest(home).await;
    window
}

/// Waits until a second takes the page next to no processor time: its start is measured as start, not as mining.
async fn at_rest(home: &Home) {
    loop {
        let before = page_time(home.process());
        tokio::time::sleep(Duration::from_secs(1)).await;
        if page_time(home.process()) - before < 0.02 {
            return;
        }
    }
}

/// Takes the window off the screen, as a minimised one is.
async fn hide(session: &Session, home: &Home) {
    let window = ["search", "--onlyvisible", "--name", "^Cortensor Miner$", "windowunmap"];
    assert!(session.command(home, "xdotool").args(window).status().unwrap().success());
    until(|| !on_screen(session, home)).await;
}

fn on_screen(session: &Session, home: &Home) -> bool {
    let window = ["search", "--onlyvisible", "--name", "^Cortensor Miner$"];
    session
        .command(home, "xdotool")
        .args(window)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
}

async fn mining(home: &Home) {
    phase(home, "mining").await;
}

async fn phase(home: &Home, phase: &str) {
    until(|| home.status().is_some_and(|status| status["phase"] == phase)).await;
}

async fn until(mut holds: impl FnMut() -> bool) {
    while !holds() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn order(home: &Home, order: &str) {
    assert!(home.command(program("cortensor")).arg(order).stdout(Stdio::null()).status().unwrap().success());
}

/// A window stays open when its miner is told to quit: it is ended as by the session's end.
fn quit(home: &Home, group: Group) {
    let process = home.process().to_string();
    assert!(Command::new("kill").args(["-TERM", &process]).status().unwrap().success());
    group.wait();
}

fn show_memory(when: &str, home: &Home) {
    let mut sums = BTreeMap::<String, u64>::new();
    for (process, name) in tree(home.process()) {
        *sums.entry(name).or_default() += memory_of(process);
    }
    let sum: u64 = sums.values().sum();
    let parts: Vec<String> = sums.iter().map(|(name, kilobytes)| format!("{name} {}", kilobytes / 1000)).collect();
    println!("memory (PSS), {when}: {} MB ({})", sum / 1000, parts.join(", "));
}

/// A process and all below it, with their names.
fn tree(root: u32) -> BTreeMap<u32, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![root];
    while let Some(process) = open.pop() {
        let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
        found.insert(process, name.trim().to_owned());
        let children = Command::new("pgrep").args(["-P", &process.to_string()]).output().unwrap();
        open.extend(String::from_utf8_lossy(&children.stdout).lines().filter_map(|line| line.parse::<u32>().ok()));
    }
    found
}

/// Proportional memory of a process, in kB.
fn memory_of(process: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.split_whitespace().next()?.parse().ok());
    line.unwrap_or_default()
}

/// Processor time of everything below a process but itself, in seconds: the page's.
fn page_time(root: u32) -> f64 {
    let ticks = |process: &u32| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let fields: Vec<f64> = stat
            .rsplit_once(')')
            .map_or("", |(_, rest)| rest)
            .split_whitespace()
            .map(|one| one.parse().unwrap_or(0.0))
            .collect();
        // The 14th and 15th field of the line, counted behind the name.
        fields.get(11..13).map_or(0.0, |times| times.iter().sum())
    };
    tree(root).keys().filter(|process| **process != root).map(ticks).sum::<f64>() / TICKS_PER_SECOND
}

impl Rates {
    /// Asks once and writes down answer tokens a second as a client sees them, the first token included; the same answer before
    /// that is not counted, so that neither a fresh model nor a fresh page is measured.
    async fn measure(&mut self, home: &Home) {
        home.ask(ANSWER_TOKENS).await;
        let page = page_time(home.process());
        let started = Instant::now();
        let answer = home.ask(ANSWER_TOKENS).await;
        let tokens = f64::from(u32::try_from(answer["usage"]["completion_tokens"].as_u64().unwrap()).unwrap());
        self.tokens_per_second.push(tokens / started.elapsed().as_secs_f64());
        self.page.push((page_time(home.process()) - page) * 1e3 / tokens);
    }

    fn print(&self, what: &str, base: &Self) {
        println!(
            "{what}: {:.2} tokens/s (ratio to no window {:.3}, round by round {:.3}), the page's processes {:.2} ms a token",
            median(&self.tokens_per_second),
            median(&self.tokens_per_second) / median(&base.tokens_per_second),
            median(
                &self
                    .tokens_per_second
                    .iter()
                    .zip(&base.tokens_per_second)
                    .map(|(one, base)| one / base)
                    .collect::<Vec<_>>()
            ),
            median(&self.page),
        );
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn size(what: &str, file: &Path) {
    let bytes = u32::try_from(fs::metadata(file).unwrap().len()).unwrap();
    println!("{what}: {:.1} MB", f64::from(bytes) / 1e6);
}

/// Files of the interface and their bytes.
fn interface() -> (u32, u32) {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/dist")];
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
