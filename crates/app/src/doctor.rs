//! What would stop this machine from mining, in words.

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
};

use cortensor_hardware::{Build, Gpu, GpuUse, Hardware};
use cortensor_models::starter;
use serde::{Deserialize, Serialize};

use crate::{Folders, RouterChoice, Settings};

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What.
    pub name: String,
    /// How it is.
    pub verdict: Verdict,
    /// What was seen, and what to do if it is not well.
    pub detail: String,
}

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Well.
    Fine,
    /// Mining works, with less than there could be.
    Advice,
    /// Mining does not work.
    Stops,
}

/// What is looked at.
pub struct Subject<'a> {
    /// The miner's folders.
    pub folders: &'a Folders,
    /// The starter model's file.
    pub starter_model: &'a Path,
    /// A router that is chosen, in place of what the settings say.
    pub router: Option<String>,
    /// Where the embedded router would listen, in place of what the settings say.
    pub listen: Option<SocketAddr>,
    /// Whether a passphrase was given.
    pub passphrase: bool,
}

/// Looks at everything. Blocks for as long as the starter model takes to read.
pub fn examine(subject: &Subject<'_>) -> Vec<Check> {
    let settings = Settings::read(subject.folders);
    let known = settings.as_ref().map(Clone::clone).unwrap_or_default();
    let hardware = cortensor_hardware::detect(subject.folders.data(), &known.hardware);
    let mut checks = vec![
        check("Build", Ok(format!("computes on {}", Build::THIS.words()))),
        processor(&hardware),
        memory(&hardware),
        disk(&hardware),
        check("Settings", settings.map(|_| "understood".to_owned()).map_err(|error| error.to_string())),
        model(subject.starter_model),
        key(subject),
    ];
    checks.extend(graphics(&hardware));
    if let Ok(RouterChoice::Embedded(listen)) =
        RouterChoice::of(subject.folders, subject.router.as_deref(), subject.listen)
    {
        checks.push(port(listen, subject.folders));
    }
    checks
}

fn check(name: &str, seen: Result<String, String>) -> Check {
    let (verdict, detail) = match seen {
        Ok(detail) => (Verdict::Fine, detail),
        Err(detail) => (Verdict::Stops, detail),
    };
    Check { name: name.to_owned(), verdict, detail }
}

fn processor(hardware: &Hardware) -> Check {
    let missing = hardware.missing_features();
    let seen = if missing.is_empty() {
        Ok(format!("{}, {} cores", hardware.cpu.model, hardware.cpu.physical_cores))
    } else {
        Err(format!("{} lacks {}; this build needs it", hardware.cpu.model, missing.join(", ")))
    };
    check("Processor", seen)
}

fn memory(hardware: &Hardware) -> Check {
    let free = hardware.memory.free_bytes;
    let words = format!("{} MB free of {} MB", free / 1_000_000, hardware.memory.total_bytes / 1_000_000);
    let needed = 600_000_000;
    check(
        "Memory",
        if free >= needed { Ok(words) } else { Err(format!("{words}; close programs until 600 MB are free")) },
    )
}

/// Every card, with the number that settings name it by, and what would have to be done to use it.
fn graphics(hardware: &Hardware) -> Option<Check> {
    let cards: Vec<String> = hardware.gpus.iter().map(Gpu::summary_line).collect();
    let idle = hardware.gpus.iter().any(|gpu| gpu.usable != GpuUse::Usable);
    let verdict = if idle { Verdict::Advice } else { Verdict::Fine };
    (!cards.is_empty()).then(|| Check { name: "Graphics".to_owned(), verdict, detail: cards.join("; ") })
}

fn disk(hardware: &Hardware) -> Check {
    let (free, needed) = (hardware.disk.free_bytes, 700_000_000);
    if hardware.disk.total_bytes == 0 {
        let detail = format!("{} does not tell its free space; 700 MB are needed", hardware.disk.path.display());
        return Check { name: "Disk".to_owned(), verdict: Verdict::Advice, detail };
    }
    let words = format!("{} MB free for {}", free / 1_000_000, hardware.disk.path.display());
    check("Disk", if free >= needed { Ok(words) } else { Err(format!("{words}; the model files need 700 MB")) })
}

fn model(path: &Path) -> Check {
    let expected = starter();
    let seen = match cortensor_models::sha256_file(path, &mut |_| {}) {
        Ok(digest) if digest == expected.digest => Ok(format!("{} is whole", path.display())),
        Ok(_) => Err(format!("{} is not the file it should be; delete it and run `./dev run`", path.display())),
        Err(error) => Err(format!("{error}; `./dev run` gets it")),
    };
    check("Starter model", seen)
}

fn key(subject: &Subject<'_>) -> Check {
    if cortensor_node::keychain_runs() {
        return check("Key", Ok("a keychain runs; the node's key is kept there".to_owned()));
    }
    let detail = if subject.passphrase {
        "no keychain runs; the node's key is kept in a file that your passphrase encrypts".to_owned()
    } else {
        "no keychain runs; you will be asked for a passphrase, or set CORTENSOR_PASSPHRASE".to_owned()
    };
    Check { name: "Key".to_owned(), verdict: Verdict::Advice, detail }
}

fn port(listen: SocketAddr, folders: &Folders) -> Check {
    let seen = match TcpListener::bind(listen) {
        Ok(_) => Ok(format!("{listen} is free for the embedded router")),
        Err(_) if folders.control().exists() => Ok(format!("{listen} is in use, by the miner that runs here")),
        Err(error) => Err(format!("{listen}: {error}; stop the other program or say --listen 127.0.0.1:5011")),
    };
    check("Port", seen)
}
