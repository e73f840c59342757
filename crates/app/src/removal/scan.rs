//! Which files in the miner's folder are which part's. What is not known here is not ours to delete.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use cortensor_models::inventory::HeldModel;
use cortensor_node::is_keystore;

use super::{RemovalItem, RemovalPart};
use crate::{Folders, NodeName};

/// Databases, beside which `SQLite` keeps files of its own.
const DATABASES: [&str; 2] = ["ledger.sqlite", "router.sqlite"];
const DATABASE_FILES: [&str; 4] = ["", "-wal", "-shm", "-journal"];
/// Books of the practice network, and the keys that open them.
const BOOKS: [&str; 4] = ["router.statement-key", "practice-api-key", "operator-key", "validator-key"];
const SETTINGS: [&str; 9] = [
    "settings.toml",
    "network-api-key.json",
    "paired-devices.json",
    "choice.json",
    "told.json",
    "first-run.json",
    "measurements.json",
    "memory-limits.json",
    "threads.json",
];
/// Records of models and of the list of them.
const MODEL_RECORDS: [&str; 4] = ["inventory.json", "inventory.lock", "manifest.signed", "queue.json"];
const LADDER_RECORDS: [&str; 2] = ["ladder.json", "ladder.lock"];
/// Folders of tokenizers.
const TOKENIZERS: [&str; 2] = ["tokenizers", "tokenizer"];
/// Ends of the names of files that did not come or were not made to the end.
const UNFINISHED: [&str; 3] = [".partial", ".part", ".part.journal"];
/// What says that a miner runs here; the last to go.
pub(super) const TRACES: [&str; 3] = ["at-work.json", "control.json", "lock"];

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Files that are ours, with their sizes.
    pub(super) files: Vec<(RemovalPart, PathBuf, u64)>,
    /// Folders that are ours if nothing is left in them, the innermost last.
    pub(super) folders: Vec<PathBuf>,
    /// Everything else, links above all.
    pub(super) unknown: Vec<PathBuf>,
}

/// What says whose a file is.
struct Names<'a> {
    data: &'a Path,
    /// Where other nodes of this user are, which stay.
    nodes: Option<PathBuf>,
    has_key: bool,
    /// Model files that were downloaded or made.
    ours: BTreeSet<&'a Path>,
    /// Model files of others, wherever they are.
    others: BTreeSet<&'a Path>,
}

impl Found {
    /// Looks through the folder; one that is not there is empty. Without a key that is known by its note, files that look like
    /// keys are nobody's.
    pub(super) fn below(folders: &Folders, has_key: bool, held: &[HeldModel]) -> io::Result<Self> {
        let (ours, others): (Vec<_>, Vec<_>) = held.iter().partition(|model| model.origin.is_ours());
        let nodes = Some(folders.nodes()).filter(|_| !named(folders).is_empty());
        let names = Names { data: folders.data(), nodes, has_key, ours: paths(&ours), others: paths(&others) };
        let mut found = Self::default();
        if folders.data().exists() {
            found.walk(&names, folders.data())?;
        }
        Ok(found)
    }

    fn walk(&mut self, names: &Names<'_>, folder: &Path) -> io::Result<()> {
        let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (path, kind) = (entry.path(), entry.file_type()?);
            if names.nodes.as_ref() == Some(&path) {
                continue;
            }
            if kind.is_dir() && names.is_folder(&path) {
                self.folders.push(path.clone());
                self.walk(names, &path)?;
            } else if !kind.is_file() {
                self.unknown.push(path);
            } else if let Some(part) = names.part(&path) {
                // A miner that runs may have deleted it meanwhile.
                self.files.push((part, path, entry.metadata().map_or(0, |metadata| metadata.len())));
            } else if !names.is_trace(&path) {
                self.unknown.push(path);
            }
        }
        Ok(())
    }

    /// The parts that there are files of.
    pub(super) fn items(&self) -> Vec<RemovalItem> {
        let parts: BTreeSet<_> = self.files.iter().map(|(part, ..)| *part).collect();
        let item = |part| {
            let bytes = self.of(part).map(|(_, bytes)| bytes).sum();
            let count = u64::try_from(self.of(part).count()).unwrap_or(u64::MAX);
            RemovalItem { part, bytes, count, deletes: false }
        };
        parts.into_iter().map(item).collect()
    }

    /// The files of a part, with their sizes.
    pub(super) fn of(&self, part: RemovalPart) -> impl Iterator<Item = (&Path, u64)> {
        self.files.iter().filter(move |(of, ..)| *of == part).map(|(_, path, bytes)| (path.as_path(), *bytes))
    }
}

impl Names<'_> {
    /// The names on the way from the miner's folder to `path`.
    fn on_the_way<'a>(&self, path: &'a Path) -> Vec<&'a str> {
        let way = path.strip_prefix(self.data).unwrap_or(path);
        way.iter().map(|name| name.to_str().unwrap_or_default()).collect()
    }

    /// Whether this program makes folders of this name.
    fn is_folder(&self, path: &Path) -> bool {
        let known = ["models", "comparisons", "fidelity", "updates", "logs", "withdrawals", "nodes"];
        self.on_the_way(path).first().is_some_and(|name| known.contains(name))
    }

    fn is_trace(&self, path: &Path) -> bool {
        path.parent() == Some(self.data)
            && path.file_name().and_then(OsStr::to_str).is_some_and(|name| TRACES.contains(&name))
    }

    fn part(&self, path: &Path) -> Option<RemovalPart> {
        match *self.on_the_way(path).as_slice() {
            ["models", ref way @ ..] => self.is_model(path, way).then_some(RemovalPart::Models),
            ["comparisons" | "fidelity", ..] | ["votes.json"] => Some(RemovalPart::Comparisons),
            ["updates", ..] | ["updates.json"] => Some(RemovalPart::Updates),
            ["incidents.json"] => Some(RemovalPart::Logs),
            ["logs", name] => name.starts_with("cortensor.log").then_some(RemovalPart::Logs),
            ["withdrawals", _] if path.extension().is_some_and(|end| end == "json") => Some(RemovalPart::Earnings),
            [name] if is_database(name) || BOOKS.contains(&name) => Some(RemovalPart::Earnings),
            [name] if SETTINGS.contains(&name) => Some(RemovalPart::Settings),
            // What is said of a key stays with it.
            ["key-copies.json"] => Some(if self.has_key { RemovalPart::Key } else { RemovalPart::Settings }),
            [name] if name == "identity.json" || is_keystore(name) => self.has_key.then_some(RemovalPart::Key),
            _ => None,
        }
    }

    /// `way` leads from the models' folder to `path`.
    fn is_model(&self, path: &Path, way: &[&str]) -> bool {
        let unfinished = |name: &&str| UNFINISHED.iter().any(|end| name.ends_with(end));
        let known = match way {
            [name] => MODEL_RECORDS.contains(name) || unfinished(name),
            [first, ..] if TOKENIZERS.contains(first) => true,
            [_, second, _, ..] if TOKENIZERS.contains(second) => true,
            [.., name] => LADDER_RECORDS.contains(name) || unfinished(name),
            [] => false,
        };
        !self.others.contains(path) && (known || self.ours.contains(path))
    }
}

/// The nodes with a name that are kept in this folder.
pub(super) fn named(folders: &Folders) -> Vec<NodeName> {
    let below = if folders.name().is_none() { folders.all() } else { Vec::new() };
    below.iter().filter_map(|node| node.name().cloned()).collect()
}

fn paths<'a>(models: &[&'a HeldModel]) -> BTreeSet<&'a Path> {
    models.iter().flat_map(|model| &model.files).map(|file| file.path.as_path()).collect()
}

fn is_database(name: &str) -> bool {
    DATABASES.iter().any(|database| name.strip_prefix(database).is_some_and(|end| DATABASE_FILES.contains(&end)))
}
