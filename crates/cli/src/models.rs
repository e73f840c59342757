//! `cortensor models`: what the network serves, what is here, and how to get or remove it.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::{Args, Subcommand};
use cortensor_app::{Folders, check_unneeded};
use cortensor_download::{Hub, Library, Limits, Progress, Show, Stage};
use cortensor_host::interrupted;
use cortensor_models::{
    inventory::{Caches, Condition, HeldFile, HeldModel, Inventory},
    ladder::{self, Fallback, LadderProgress, Made},
    manifest::{ListedModel, Manifest, ManifestSignature, ManifestStore, Variant},
};
use cortensor_protocol::{ModelId, Precision};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::{Common, Outcome};

/// What to do with models; without a word, list them.
#[derive(Args)]
pub(crate) struct ModelsArguments {
    #[command(subcommand)]
    command: Option<ModelsCommand>,
}

#[derive(Subcommand)]
enum ModelsCommand {
    /// Get a model, from where it was if it was stopped
    Get {
        /// The model, such as `qwen3-4b`
        id: String,
        /// The format, such as `Q4_K` [default: the first one listed that can be got]
        format: Option<Precision>,
        /// Most bytes a second, in millions
        #[arg(long, value_name = "MB")]
        limit: Option<u64>,
    },
    /// Use a GGUF file, or those in a folder, where they are
    Import {
        /// The file or folder
        path: PathBuf,
    },
    /// Make a format from the most exact file that is here
    Make {
        /// The model
        id: String,
        /// The format, such as `Q4_K`
        format: Precision,
    },
    /// Forget a model, and delete its files if this program downloaded or made them
    Remove {
        /// The model
        id: String,
        /// The format
        format: Precision,
    },
    /// Protect a model from being removed
    Keep {
        /// The model
        id: String,
        /// The format
        format: Precision,
        /// Protect it no longer
        #[arg(long)]
        off: bool,
    },
    /// The list of models: version and expiry; or take a new one
    Manifest {
        /// Address or file of a list, with its signature beside it under the same name and `.sig`
        #[arg(long, value_name = "WHERE")]
        from: Option<String>,
    },
}

impl ModelsCommand {
    /// Whether it changes what is here.
    fn changes(&self) -> bool {
        !matches!(self, Self::Manifest { from: None })
    }
}

/// What every command works with.
struct Shelf {
    folders: Folders,
    store: ManifestStore,
    library: Library,
}

impl Shelf {
    fn open(common: &Common) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let folders = common.folders()?;
        let folder = folders.models();
        let variable = |name: &str| std::env::var_os(name);
        let home = directories::BaseDirs::new();
        let caches = home.as_ref().map_or_else(Caches::default, |home| Caches::of_user(home.home_dir(), &variable));
        let hub = Hub::of_user(home.as_ref().map(directories::BaseDirs::home_dir), &variable)?;
        let library = Library::new(Inventory::at(&folder), caches, hub, Limits::default())?;
        Ok(Self { folders, store: ManifestStore::open(&folder)?, library })
    }

    fn list(&self) -> Result<Manifest, cortensor_models::manifest::ManifestError> {
        self.store.current().map(|current| current.manifest)
    }
}

/// Does what was asked.
pub(crate) async fn models(common: &Common, arguments: ModelsArguments) -> Outcome {
    let shelf = Shelf::open(common)?;
    if arguments.command.as_ref().is_some_and(ModelsCommand::changes) {
        shelf.folders.check_manages_models()?;
    }
    match arguments.command {
        None => list(common, &shelf),
        Some(ModelsCommand::Get { id, format, limit }) => get(&shelf, ModelId::new(id), format, limit).await,
        Some(ModelsCommand::Import { path }) => import(shelf, path).await,
        Some(ModelsCommand::Make { id, format }) => make(shelf, ModelId::new(id), format).await,
        Some(ModelsCommand::Remove { id, format }) => {
            let id = ModelId::new(id);
            check_unneeded(&shelf.folders, &id, format).await.map_err(|failure| failure.message)?;
            let freed = shelf.library.inventory().remove(&id, format)?;
            say!("removed; {} MB became free", freed / 1_000_000);
            Ok(ExitCode::SUCCESS)
        }
        Some(ModelsCommand::Keep { id, format, off }) => {
            shelf.library.inventory().keep(&ModelId::new(id), format, !off)?;
            say!("{}", if off { "may be removed" } else { "kept" });
            Ok(ExitCode::SUCCESS)
        }
        Some(ModelsCommand::Manifest { from }) => manifest(common, &shelf, from).await,
    }
}

fn list(common: &Common, shelf: &Shelf) -> Outcome {
    let (manifest, held) = (shelf.list()?, shelf.library.inventory().held()?);
    if common.json {
        say!("{}", serde_json::to_string_pretty(&serde_json::json!({ "listed": manifest.models, "held": held }))?);
        return Ok(ExitCode::SUCCESS);
    }
    say!("{:<26} {:<6} {:>9}  state", "model", "format", "size");
    for model in &manifest.models {
        for variant in &model.variants {
            say!("{}", listed_line(model, variant, &held));
        }
    }
    let unlisted = |held: &&HeldModel| manifest.model(&held.id).and_then(|model| model.variant(held.format)).is_err();
    for held in held.iter().filter(unlisted) {
        say!("{}", line(held.id.as_str(), held.format, Some(held.bytes()), &state(held)));
    }
    say!("{}", room(shelf, &held));
    Ok(ExitCode::SUCCESS)
}

/// What all of it takes, and what is free.
fn room(shelf: &Shelf, held: &[HeldModel]) -> String {
    let megabytes = |bytes: u64| format!("{} MB", bytes / 1_000_000);
    let sum = |ours: bool| held.iter().filter(|held| held.origin.is_ours() == ours).map(HeldModel::bytes).sum::<u64>();
    let free = shelf.library.free_bytes().map_or_else(String::new, |free| format!(", {} free", megabytes(free)));
    let (ours, others) = (megabytes(sum(true)), megabytes(sum(false)));
    format!("ours take {ours}, {others} are used where they are{free}")
}

fn listed_line(model: &ListedModel, variant: &Variant, held: &[HeldModel]) -> String {
    let here = held.iter().find(|held| held.id == model.id && held.format == variant.format);
    let state = match (here, variant.made_from) {
        (Some(held), _) => state(held),
        (None, Some(from)) => format!("made on this machine from {from}"),
        (None, None) => "can be got".to_owned(),
    };
    line(model.id.as_str(), variant.format, here.map(HeldModel::bytes).or(variant.bytes()), &state)
}

fn line(id: &str, format: Precision, bytes: Option<u64>, state: &str) -> String {
    let size = bytes.map_or_else(|| "?".to_owned(), |bytes| format!("{} MB", bytes / 1_000_000));
    format!("{id:<26} {format:<6} {size:>9}  {state}", format = format.as_str())
}

fn state(held: &HeldModel) -> String {
    let condition = match held.condition() {
        Condition::Whole => "here",
        Condition::Changed => "changed since it was checked: import or get it again",
        Condition::Missing => "its file is gone: import or get it again",
    };
    let keep = if held.keep { ", kept" } else { "" };
    format!("{condition} ({}{keep})", held.origin.words())
}

async fn get(shelf: &Shelf, id: ModelId, format: Option<Precision>, limit: Option<u64>) -> Outcome {
    let manifest = shelf.list()?;
    let format = match format {
        Some(format) => format,
        None => first_to_get(manifest.model(&id)?)?,
    };
    shelf.library.pace().set(limit.map(|millions| millions.saturating_mul(1_000_000)));
    let stop = CancellationToken::new();
    let (bar, show) = line_of_progress();
    let getting = shelf.library.get(&manifest, &id, format, show, &stop);
    tokio::pin!(getting);
    let got = tokio::select! {
        got = &mut getting => got,
        () = interrupted() => {
            stop.cancel();
            getting.await
        }
    };
    bar.finish_and_clear();
    let held = got.inspect_err(|_| eprintln!("to go on: cortensor models get {id} {format}"))?;
    for file in &held.files {
        say!("{}  {}  sha256 {}", file.path.display(), held.origin.words(), file.sha256);
    }
    Ok(ExitCode::SUCCESS)
}

fn first_to_get(model: &ListedModel) -> Result<Precision, String> {
    let found = model.variants.iter().find(|variant| variant.made_from.is_none());
    found.map(|variant| variant.format).ok_or_else(|| format!("{} has no format that can be got", model.id))
}

/// A line on a terminal; nothing where nobody looks.
fn line_of_progress() -> (ProgressBar, Show) {
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    let template = "{msg} [{bar:24}] {percent}%";
    bar.set_style(ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar()));
    let shown = bar.clone();
    let show: Show = Arc::new(move |progress: Progress| {
        shown.set_length(progress.total.max(1));
        shown.set_position(progress.done);
        shown.set_message(words(&progress));
    });
    (bar, show)
}

fn words(progress: &Progress) -> String {
    match &progress.stage {
        Stage::Asking => "looking".to_owned(),
        Stage::Waiting { code } => format!("{} ({code}), asking again", progress.host),
        Stage::Verifying => format!("checking {}", progress.file),
        Stage::Finished => "here".to_owned(),
        Stage::Downloading => {
            let rate = progress.bytes_per_second.unwrap_or_default();
            let left = progress.seconds_left.map_or_else(String::new, |left| format!(", {} left", duration(left)));
            format!("{} {}.{} MB/s{left}", progress.file, rate / 1_000_000, rate / 100_000 % 10)
        }
    }
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

async fn import(shelf: Shelf, path: PathBuf) -> Outcome {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let manifest = shelf.list()?;
    let importing =
        spawn_blocking(move || shelf.library.inventory().import(&path, &manifest, &mut |_| !stopped.is_cancelled()));
    tokio::pin!(importing);
    let models = tokio::select! {
        models = &mut importing => models??,
        () = interrupted() => {
            stop.cancel();
            importing.await??
        }
    };
    for held in models {
        say!("{}", line(held.id.as_str(), held.format, Some(held.bytes()), "here (imported, used where it is)"));
    }
    Ok(ExitCode::SUCCESS)
}

async fn make(shelf: Shelf, id: ModelId, format: Precision) -> Outcome {
    let (manifest, stop, (bar, _)) = (shelf.list()?, CancellationToken::new(), line_of_progress());
    let (stopped, shown) = (stop.clone(), bar.clone());
    let making = spawn_blocking(move || {
        let mut show = |progress: LadderProgress| {
            shown.set_length(1000);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1 of a bar")]
            shown.set_position((progress.done * 1000.0) as u64);
        };
        let inventory = shelf.library.inventory();
        ladder::make(inventory, &manifest, &id, format, &mut show, &|| stopped.is_cancelled())
    });
    tokio::pin!(making);
    let made = tokio::select! {
        made = &mut making => made?,
        () = interrupted() => {
            stop.cancel();
            making.await?
        }
    };
    bar.finish_and_clear();
    for line in made_lines(&made?) {
        say!("{line}");
    }
    Ok(ExitCode::SUCCESS)
}

fn made_lines(made: &Made) -> Vec<String> {
    let file = |file: &HeldFile| format!("{}  made from {}  sha256 {}", file.path.display(), made.from, file.sha256);
    let fallback = |one: &Fallback| {
        let Fallback { tensor, row, wanted, used } = one;
        format!("{tensor} is {used}: its rows of {row} do not fit {wanted}")
    };
    let files = made.model.files.iter().map(file);
    files.chain(made.fallbacks.iter().map(fallback)).collect()
}

async fn manifest(common: &Common, shelf: &Shelf, from: Option<String>) -> Outcome {
    if let Some(from) = from {
        let (bytes, signature) = fetch(shelf, &from).await?;
        shelf.store.accept(&bytes, &signature, jiff::Timestamp::now())?;
    }
    let manifest = shelf.list()?;
    if common.json {
        say!("{}", serde_json::to_string_pretty(&manifest)?);
        return Ok(ExitCode::SUCCESS);
    }
    let expired = if manifest.check_expiry(jiff::Timestamp::now()).is_err() { " (expired)" } else { "" };
    say!("version {}, good until {}{expired}, {} models", manifest.version, manifest.expires, manifest.models.len());
    Ok(ExitCode::SUCCESS)
}

async fn fetch(
    shelf: &Shelf,
    from: &str,
) -> Result<(Vec<u8>, ManifestSignature), Box<dyn std::error::Error + Send + Sync>> {
    if from.starts_with("https://") || from.starts_with("http://") {
        return Ok(shelf.library.manifest(from).await?);
    }
    let path = Path::new(from);
    let signature = std::fs::read_to_string(path.with_added_extension("sig"))?;
    Ok((std::fs::read(path)?, signature.parse()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_with_rate_and_time_left() {
        let progress = Progress {
            stage: Stage::Downloading,
            file: "tiny.gguf".to_owned(),
            bytes_per_second: Some(12_340_000),
            seconds_left: Some(95),
            ..Progress::default()
        };
        assert_eq!(words(&progress), "tiny.gguf 12.3 MB/s, 2 min left");
        assert_eq!((duration(59), duration(3700)), ("59 s".to_owned(), "1 h 1 min".to_owned()));
    }
}
