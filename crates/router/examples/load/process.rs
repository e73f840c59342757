//! The router in its own process, and what it and this one take of the processor.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::{Instant, interval},
};

use super::Outcome;

/// What `/proc` counts processor time in.
const TICK: Duration = Duration::from_millis(10);
/// How often the writer's thread is looked at.
const LOOK: Duration = Duration::from_millis(5);
/// What the system shows of the names of the database's threads.
const DATABASE_THREAD: &str = "sqlx-sqlite-wor";

/// Nothing but what is in the way of the measurement: simulated nodes know no answers, and nobody is tested or compared
/// a second time. Rates by key and address do not hold for programs on this machine anyway.
const POLICY: &str = "test_pass_mark = 0\nlong_prompt_words = 5\nsurprise_test_mean_seconds = 0\n\
                      [rounds]\nmean_seconds = 0\n[limits]\nconnections = 19000\n";

/// A router that runs.
pub(crate) struct RouterProcess {
    process: Child,
    // Kept open, so that the router never writes into a closed pipe.
    _lines: Lines<BufReader<ChildStdout>>,
    database: PathBuf,
    id: u32,
    pub(crate) api: String,
    pub(crate) nodes: String,
    pub(crate) key: String,
}

impl RouterProcess {
    pub(crate) async fn start(program: Option<&Path>, folder: &Path) -> Outcome<Self> {
        let policy = folder.join("policy.toml");
        std::fs::write(&policy, POLICY)?;
        let mut process = command(program, folder, &policy)?.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let id = process.id().ok_or("the router ended at once")?;
        let mut lines = BufReader::new(process.stdout.take().ok_or("no output")?).lines();
        let [mut api, mut nodes, mut key] = [const { String::new() }; 3];
        while key.is_empty() {
            let line = lines.next_line().await?.ok_or("the router ended before it served")?;
            for (start, place) in [("Router   ", &mut api), ("Nodes    ", &mut nodes), ("API key: ", &mut key)] {
                if let Some(value) = line.strip_prefix(start) {
                    value.clone_into(place);
                }
            }
        }
        Ok(Self { process, _lines: lines, database: folder.join("router.sqlite"), id, api, nodes, key })
    }

    /// Ends it, and lets it add its ledger up.
    pub(crate) async fn stop(mut self) -> Outcome<String> {
        Command::new("kill").args(["-INT", &self.id.to_string()]).status().await?;
        self.process.wait().await?;
        let summary = cortensor_router::verify_ledger(&self.database).await??;
        Ok(format!("the ledger adds up: {} transfers, {} held", summary.transfers, summary.held))
    }

    pub(crate) fn memory_megabytes(&self) -> Outcome<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no memory")?;
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes * 1024 / 1_000_000)
    }
}

fn command(program: Option<&Path>, folder: &Path, policy: &Path) -> Outcome<Command> {
    let Some(program) = program else {
        let mut own = Command::new(std::env::current_exe()?);
        own.arg("router").arg(folder).arg(policy);
        return Ok(own);
    };
    let mut cortensor = Command::new(program);
    cortensor.arg("--data").arg(folder).args(["router", "--listen", "127.0.0.1:0", "--policy"]).arg(policy);
    Ok(cortensor)
}

/// What two processes and the database's writer did while something ran.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Work {
    pub(crate) time: Duration,
    pub(crate) router: Duration,
    pub(crate) database: Duration,
    pub(crate) clients: Duration,
    /// Share of the time in which the writer's thread ran or waited for the disk.
    pub(crate) writer_busy: f64,
}

impl Work {
    pub(crate) fn cores(&self, part: Duration) -> f64 {
        part.as_secs_f64() / self.time.as_secs_f64()
    }
}

/// Watches while `future` runs.
pub(crate) async fn watch<T>(router: &RouterProcess, future: impl Future<Output = T>) -> Outcome<(T, Work)> {
    let writer = database_threads(router.id)?.into_iter().min().ok_or("no database thread")?;
    let before = times(router.id)?;
    let started = Instant::now();
    let (mut looks, mut busy) = (0_u32, 0_u32);
    let mut look = interval(LOOK);
    let mut future = std::pin::pin!(future);
    let done = loop {
        tokio::select! {
            done = &mut future => break done,
            _ = look.tick() => {
                looks += 1;
                busy += u32::from(is_busy(router.id, writer)?);
            }
        }
    };
    let after = times(router.id)?;
    let [router, database, clients] = std::array::from_fn(|index| after[index].saturating_sub(before[index]));
    let writer_busy = f64::from(busy) / f64::from(looks.max(1));
    Ok((done, Work { time: started.elapsed(), router, database, clients, writer_busy }))
}

/// Processor time so far: of the router, of its database's threads, of this process.
fn times(router: u32) -> Outcome<[Duration; 3]> {
    let threads = database_threads(router)?;
    let database = threads.iter().map(|thread| processor_time(&format!("/proc/{router}/task/{thread}/stat")));
    let database: Duration = database.collect::<Outcome<Vec<_>>>()?.into_iter().sum();
    Ok([processor_time(&format!("/proc/{router}/stat"))?, database, processor_time("/proc/self/stat")?])
}

/// The writer's is the first: it is connected before the readers, and for good.
fn database_threads(router: u32) -> Outcome<Vec<u32>> {
    let threads = std::fs::read_dir(format!("/proc/{router}/task"))?;
    let mut found = Vec::new();
    for thread in threads {
        let thread = thread?;
        let name = std::fs::read_to_string(thread.path().join("comm"))?;
        if name.trim() == DATABASE_THREAD {
            found.push(thread.file_name().to_string_lossy().parse()?);
        }
    }
    Ok(found)
}

fn is_busy(router: u32, thread: u32) -> Outcome<bool> {
    let stat = fields(&format!("/proc/{router}/task/{thread}/stat"))?;
    Ok(stat.first().is_some_and(|state| state != "S"))
}

fn processor_time(path: &str) -> Outcome<Duration> {
    let stat = fields(path)?;
    let ticks = |index: usize| stat.get(index).and_then(|text| text.parse::<u32>().ok()).ok_or("no processor time");
    Ok(TICK * (ticks(11)? + ticks(12)?))
}

/// What follows the name, which may have anything in it.
fn fields(path: &str) -> Outcome<Vec<String>> {
    let stat = std::fs::read_to_string(path)?;
    let (_, rest) = stat.rsplit_once(") ").ok_or("not a process")?;
    Ok(rest.split_whitespace().map(str::to_owned).collect())
}

/// Counts of errors, the most frequent first.
pub(crate) fn listed(counts: &std::collections::BTreeMap<String, usize>) -> String {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    counts.iter().fold(String::new(), |mut text, (what, count)| {
        let _ = write!(text, " {what} x{count}");
        text
    })
}
