//! Who takes part: one process each.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use cortensor_app::Folders;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::{Failure, records::Records};

const LONGEST_START: Duration = Duration::from_secs(300);
/// The records are the router's; nothing tells when they change.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Hardware counts as high-end from here, on this machine: in between the slow node and the others, in parameters x prompt
/// tokens a second. The network's own cut-off asks for a GPU.
const HIGH_END: &str = "2.0e9";

/// A miner's part in the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Full,
    Quantized,
    Slow,
    Cheat,
}

impl Role {
    pub(crate) const ALL: [Self; 4] = [Self::Full, Self::Quantized, Self::Slow, Self::Cheat];

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Full => "honest, full",
            Self::Quantized => "honest, quantized",
            Self::Slow => "slow, quantized",
            Self::Cheat => "claims F16, serves Q4_0",
        }
    }

    const fn folder(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Quantized => "quantized",
            Self::Slow => "slow",
            Self::Cheat => "cheat",
        }
    }

    const fn mode(self) -> &'static str {
        match self {
            Self::Full | Self::Cheat => "precision",
            Self::Quantized | Self::Slow => "volume",
        }
    }
}

/// How to reach the router.
#[derive(Clone, Debug)]
pub(crate) struct RouterAddress {
    /// Such as `http://127.0.0.1:5010`.
    pub(crate) url: String,
    pub(crate) key: String,
    pub(crate) database: PathBuf,
}

/// Everybody, at work.
pub(crate) struct Cast {
    program: PathBuf,
    model_file: PathBuf,
    folder: TempDir,
    pub(crate) router: RouterAddress,
    /// Ended in this order.
    processes: Vec<Child>,
    nodes: Vec<(Role, String, Child)>,
}

impl Cast {
    /// Starts everybody, one after the other, so that each is tested on a machine that has nothing else to do.
    pub(crate) async fn gather(program: &Path, model_file: PathBuf) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let router_folder = folder.path().join("router");
        fs::create_dir_all(&router_folder)?;
        let policy = folder.path().join("policy.toml");
        fs::write(&policy, format!("high_end_work_rate = {HIGH_END}\nlong_prompt_words = 100\n"))?;
        let mut command = Command::new(program);
        command.arg("--data").arg(&router_folder).args(["router", "--listen", "127.0.0.1:0", "--policy"]).arg(&policy);
        let (process, said) = start(command, &["Router", "API key:", "Validators' key:"]).await?;
        let [url, key, validator_key] = said.try_into().map_err(|_| "the router said too little")?;
        let url = url.trim_end_matches("/v1").to_owned();
        println!("router     {url}");
        let router = RouterAddress { url, key, database: Folders::at(&router_folder).router() };
        let (program, nodes) = (program.to_owned(), Vec::new());
        let mut cast = Self { program, model_file, folder, router, processes: vec![process], nodes };
        cast.measure().await?;
        for role in Role::ALL {
            cast.join(role).await?;
        }
        // Last, so that the cheat passes its first test and is found by what it tells users. Otherwise the answers to that
        // test give it away before it serves anybody.
        cast.validate(&validator_key).await?;
        Ok(cast)
    }

    fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn cortensor(&self, data: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--data").arg(self.data(data)).env("CORTENSOR_STARTER_MODEL", &self.model_file);
        command
    }

    /// Makes the model files and measures them, once for all nodes: they are on one machine.
    async fn measure(&self) -> Result<(), Failure> {
        println!("measuring this machine");
        let mut command = self.cortensor("measured");
        let status = command.arg("bench").stdout(Stdio::null()).stderr(Stdio::null()).status().await?;
        if status.success() { Ok(()) } else { Err("`cortensor bench` failed; run it by itself to see why".into()) }
    }

    async fn validate(&mut self, key: &str) -> Result<(), Failure> {
        self.copy_measured("validator")?;
        let mut command = self.cortensor("validator");
        command.args(["validator", "--router", &self.router.url, "--key", key]);
        let (process, _) = start(command, &["Router"]).await?;
        self.processes.push(process);
        println!("validator  holds the same files");
        Ok(())
    }

    /// A folder with the files and measurements; the files are not copied, only named once more.
    fn copy_measured(&self, name: &str) -> Result<(), Failure> {
        let to = self.data(name);
        if !to.exists() {
            link_all(&self.data("measured"), &to)?;
        }
        Ok(())
    }

    /// Starts a miner, for the first time or again, and waits until it mines.
    pub(crate) async fn join(&mut self, role: Role) -> Result<(), Failure> {
        self.copy_measured(role.folder())?;
        let data = self.data(role.folder());
        fs::write(data.join("choice.json"), format!(r#"{{"mode":"{}","paused":false}}"#, role.mode()))?;
        let node_url = format!("{}/node/v1", self.router.url.replacen("http", "ws", 1));
        let mut command = match role {
            Role::Full | Role::Quantized => self.cortensor(role.folder()),
            Role::Slow | Role::Cheat => Command::new(std::env::current_exe()?),
        };
        match role {
            Role::Full | Role::Quantized => command.args(["mine", "--router", &node_url]),
            Role::Slow | Role::Cheat => {
                let disguise = if role == Role::Slow { "slow" } else { "cheat" };
                command.args(["node", disguise, "--router", &node_url, "--data"]).arg(&data)
            }
        };
        command.env("CORTENSOR_STARTER_MODEL", &self.model_file).env("CORTENSOR_PASSPHRASE", "a passphrase for a demo");
        command.env_remove("DBUS_SESSION_BUS_ADDRESS");
        let (process, said) = start(command, &["Identity", "Mining ·"]).await?;
        let identity = said.first().cloned().unwrap_or_default();
        let address = identity.split([' ', ',']).find(|word| word.starts_with("0x")).unwrap_or_default().to_owned();
        println!("node       {:<24} {address}", role.words());
        self.nodes.push((role, address, process));
        Ok(())
    }

    /// Ends a miner without a word.
    pub(crate) async fn kill(&mut self, role: Role) {
        if let Some(at) = self.nodes.iter().position(|(other, ..)| *other == role) {
            let (.., mut process) = self.nodes.remove(at);
            let _ = process.kill().await;
        }
    }

    pub(crate) fn address(&self, role: Role) -> &str {
        let node = self.nodes.iter().find(|(other, ..)| *other == role);
        node.map(|(_, address, _)| address.as_str()).unwrap_or_default()
    }

    /// Waits until an audit found a node out, or for so long.
    pub(crate) async fn is_found(&self, role: Role, longest: Duration) -> Result<(), Failure> {
        let give_up = Instant::now() + longest;
        while Records::read(self).await?.of(self.address(role)).falls == 0 && Instant::now() < give_up {
            sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    /// Waits until the validator has looked at what it was given.
    pub(crate) async fn audits_are_done(&self) -> Result<(), Failure> {
        let mut before = None;
        loop {
            let now = crate::records::audits(&self.router.database).await?;
            if before == Some(now) {
                return Ok(());
            }
            before = Some(now);
            sleep(Duration::from_secs(10)).await;
        }
    }

    /// The sums, in the words of `cortensor router verify-ledger`.
    pub(crate) async fn verify_ledger(&self) -> Result<String, Failure> {
        let mut command = self.cortensor("router");
        command.args(["router", "verify-ledger", "--database"]).arg(&self.router.database);
        let output = command.output().await?;
        let text = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        if output.status.success() { Ok(text) } else { Err(format!("the ledger does not add up: {text}").into()) }
    }

    pub(crate) async fn end(self) {
        let nodes = self.nodes.into_iter().map(|(.., process)| process);
        for mut process in nodes.chain(self.processes.into_iter().rev()) {
            let _ = process.kill().await;
        }
    }
}

fn link_all(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            link_all(&path, &target)?;
        } else if path.extension().is_some_and(|extension| extension == "gguf") {
            // Named once more, so that its time of change stays what was recorded.
            fs::hard_link(&path, &target)?;
        } else if path.file_name().is_some_and(|name| name != "lock") {
            let changed = fs::metadata(&path)?.modified()?;
            fs::copy(&path, &target)?;
            fs::File::options().append(true).open(&target)?.set_modified(changed)?;
        }
    }
    Ok(())
}

/// Starts a process and waits for lines that begin so, in this order; returns what follows in each.
async fn start(mut command: Command, beginnings: &[&str]) -> Result<(Child, Vec<String>), Failure> {
    let mut process = command.kill_on_drop(true).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let output = process.stdout.take().ok_or("the process has no output")?;
    let mut lines = BufReader::new(output).lines();
    let mut said = Vec::new();
    let waiting = async {
        while said.len() < beginnings.len() {
            let line = lines.next_line().await?.ok_or("a process ended before it was ready; see its log")?;
            // The router says its operator's lines in between.
            if let Some(rest) = line.strip_prefix(beginnings[said.len()]) {
                said.push(rest.trim().to_owned());
            }
        }
        Ok::<_, Failure>(())
    };
    timeout(LONGEST_START, waiting).await.map_err(|_| "a process did not become ready in time")??;
    // Read on, so that it never writes into a full pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok((process, said))
}
