//! From the start of the program to the first served request, cold (nothing made or measured yet) and warm, and what the
//! process holds with the model and without it. Arguments: the `cortensor` program [rounds of warm starts].
//!
//! Reads `CORTENSOR_STARTER_MODEL`. Memory is read from `/proc`, so on Linux only.

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let program = PathBuf::from(arguments.next().ok_or("say the cortensor program")?);
    let rounds: usize = arguments.next().map_or(Ok(3), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    println!("{:<28} {:>9} {:>17} {:>12}", "start", "mining, s", "first answer, s", "memory, MB");
    start(&program, folder.path(), "cold").await?.quit(&program, folder.path()).await?;
    for round in 1..=rounds {
        let miner = start(&program, folder.path(), &format!("warm {round}")).await?;
        if round == rounds {
            println!("loaded: {} MB", miner.memory_megabytes()?);
            tell(&program, folder.path(), "pause").await?;
            println!("paused, without the model: {} MB", miner.memory_megabytes()?);
            tell(&program, folder.path(), "resume").await?;
            println!(
                "loaded again: {} MB; most it ever held: {} MB",
                miner.memory_megabytes()?,
                miner.megabytes("VmHWM:")?
            );
        }
        miner.quit(&program, folder.path()).await?;
    }
    Ok(())
}

struct Miner {
    process: Child,
    // Kept open, so that the miner never writes into a closed pipe.
    _lines: Lines<BufReader<ChildStdout>>,
}

async fn start(program: &Path, data: &Path, name: &str) -> Outcome<Miner> {
    let started = Instant::now();
    let mut process =
        command(program, data).args(["mine", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(process.stdout.take().ok_or("no output")?).lines();
    let (mut url, mut key) = (String::new(), String::new());
    loop {
        let line = lines.next_line().await?.ok_or("the miner ended before it mined")?;
        if let Some(value) = line.strip_prefix("Router   ") {
            value.clone_into(&mut url);
        } else if let Some(value) = line.strip_prefix("API key: ") {
            value.clone_into(&mut key);
        } else if line.starts_with("Mining ·") {
            break;
        }
    }
    let mining = started.elapsed();
    ask(&url, &key).await?;
    let miner = Miner { process, _lines: lines };
    let seconds = |time: Duration| format!("{:.1}", time.as_secs_f64());
    let memory = miner.memory_megabytes()?;
    println!("{name:<28} {:>9} {:>17} {memory:>12}", seconds(mining), seconds(started.elapsed()));
    Ok(miner)
}

async fn ask(url: &str, key: &str) -> Outcome<()> {
    let body = json!({"model": "smollm2-135m-instruct", "max_tokens": 8, "temperature": 0,
        "messages": [{"role": "user", "content": "What is the capital of France?"}]});
    let request = reqwest::Client::new().post(format!("{url}/chat/completions")).bearer_auth(key).json(&body);
    request.send().await?.error_for_status()?.bytes().await?;
    Ok(())
}

fn command(program: &Path, data: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("--data").arg(data).env("CORTENSOR_PASSPHRASE", "only for this measurement").kill_on_drop(true);
    command.env_remove("DBUS_SESSION_BUS_ADDRESS");
    command
}

async fn tell(program: &Path, data: &Path, what: &str) -> Outcome<()> {
    let status = command(program, data).arg(what).stdout(Stdio::null()).status().await?;
    if status.success() { Ok(()) } else { Err(format!("`cortensor {what}` failed").into()) }
}

impl Miner {
    async fn quit(mut self, program: &Path, data: &Path) -> Outcome<()> {
        tell(program, data, "quit").await?;
        self.process.wait().await?;
        Ok(())
    }

    /// Memory of its own, without the pages of the program file.
    fn memory_megabytes(&self) -> Outcome<u64> {
        self.megabytes("RssAnon:")
    }

    fn megabytes(&self, name: &str) -> Outcome<u64> {
        let process = self.process.id().ok_or("the miner has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("the system does not tell")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? * 1024 / 1_000_000)
    }
}
