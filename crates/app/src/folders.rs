//! Where everything is kept, and the lock that keeps a second miner out.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    thread,
};

use fd_lock::{RwLock, RwLockWriteGuard};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use crate::NodeName;

/// Where the nodes with a name are, in the folder of the one without.
const NODES: &str = "nodes";

/// The folder of one miner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    data: PathBuf,
    /// The name of one that is not the only one, and the folder of the one without a name.
    named: Option<(NodeName, PathBuf)>,
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FoldersError {
    /// There is no home folder.
    #[error("this user has no home folder; say where to keep things with --data FOLDER")]
    NoHome,
    /// The folder cannot be made.
    #[error("the folder {path} cannot be made; choose another one with --data FOLDER")]
    Create {
        /// Which.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: io::Error,
    },
    /// The models are another node's.
    #[error(
        "models are shared by all of your nodes on this machine; get, make and remove them in the main one (without --name)"
    )]
    SharedModels,
    /// Another miner uses it.
    #[error(
        "a miner is already running on {path}; see `cortensor nodes`, or start a second node of its own with --name NAME"
    )]
    InUse {
        /// Which.
        path: PathBuf,
    },
}

/// Held as long as a miner runs on a folder.
pub struct Lock {
    _guard: RwLockWriteGuard<'static, File>,
}

impl Folders {
    /// The folder that the operating system has for this program's data.
    pub fn of_this_user() -> Result<Self, FoldersError> {
        let found = directories::ProjectDirs::from("network", "Cortensor", "Cortensor Miner");
        let found = found.ok_or(FoldersError::NoHome)?;
        Ok(Self::at(found.data_local_dir()))
    }

    /// This folder.
    pub fn at(data: impl Into<PathBuf>) -> Self {
        Self { data: data.into(), named: None }
    }

    /// What was chosen: a folder, a node of this user's by its name, or else the node without a name.
    pub fn chosen(data: Option<PathBuf>, name: Option<NodeName>) -> Result<Self, FoldersError> {
        let main = data.map_or_else(Self::of_this_user, |data| Ok(Self::at(data)))?;
        Ok(match name {
            Some(name) => main.node(name),
            None => main,
        })
    }

    /// The folders of the node with this name beside this one.
    #[must_use]
    pub fn node(&self, name: NodeName) -> Self {
        let main = self.main().data;
        Self { data: main.join(NODES).join(name.as_str()), named: Some((name, main)) }
    }

    /// Where the nodes with a name are.
    pub(crate) fn nodes(&self) -> PathBuf {
        self.main().data.join(NODES)
    }

    /// The node's name, where it has one.
    pub fn name(&self) -> Option<&NodeName> {
        self.named.as_ref().map(|(name, _)| name)
    }

    /// The folders of the node without a name, whose models and network the ones with a name share.
    #[must_use]
    pub fn main(&self) -> Self {
        Self::at(self.named.as_ref().map_or(&self.data, |(_, main)| main))
    }

    /// Every node that is kept here, the one without a name first.
    pub fn all(&self) -> Vec<Self> {
        let main = self.main();
        let found = fs::read_dir(main.nodes()).into_iter().flatten().flatten();
        let found = found.filter(|entry| entry.path().is_dir());
        let mut names: Vec<NodeName> = found.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        names.sort();
        let nodes = names.into_iter().map(|name| main.node(name)).collect::<Vec<_>>();
        // The lock is the first thing that a miner makes.
        let begun = main.lock_file().exists();
        begun.then_some(main).into_iter().chain(nodes).collect()
    }

    /// What tells this miner from the others of this user, short enough for a program's name: nothing for the one without a
    /// name in the folder that the operating system has for it.
    pub fn mark(&self) -> Option<String> {
        if let Some(name) = self.name() {
            return Some(name.to_string());
        }
        let data = std::path::absolute(&self.data).unwrap_or_else(|_| self.data.clone());
        let is_default = Self::of_this_user().is_ok_and(|default| default.data == data);
        let digest = Sha256::digest(data.as_os_str().as_encoded_bytes());
        (!is_default).then(|| hex::encode(digest.get(..4).unwrap_or_default()))
    }

    /// Makes the folder and locks it.
    pub fn lock(&self) -> Result<Lock, FoldersError> {
        let error = |source| FoldersError::Create { path: self.data.clone(), source };
        fs::create_dir_all(&self.data).map_err(error)?;
        let file = File::create(self.lock_file()).map_err(error)?;
        let in_use = |_| FoldersError::InUse { path: self.data.clone() };
        let mut lock = RwLock::new(file);
        drop(lock.try_write().map_err(in_use)?);
        // It can be had, and lives as long as the process: a few bytes, once.
        let guard = Box::leak(Box::new(lock)).try_write().map_err(in_use)?;
        Ok(Lock { _guard: guard })
    }

    /// The same as soon as whoever has it is gone. Dropped before that, it goes on waiting until the process ends.
    pub async fn lock_when_free(&self) -> Result<Lock, FoldersError> {
        let error = |source| FoldersError::Create { path: self.data.clone(), source };
        fs::create_dir_all(&self.data).map_err(error)?;
        let file = File::create(self.lock_file()).map_err(error)?;
        let (free, is_free) = oneshot::channel();
        // Not the runtime's own thread for such things: it would be waited for at the end.
        thread::spawn(move || {
            let guard = Box::leak(Box::new(RwLock::new(file))).write();
            let _ = free.send(guard.map(|guard| Lock { _guard: guard }));
        });
        let gone = |_| error(io::Error::other("nobody waits for the lock any more"));
        is_free.await.map_err(gone)?.map_err(error)
    }

    fn lock_file(&self) -> PathBuf {
        self.data.join("lock")
    }

    /// The folder itself.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// What the node earned.
    pub fn ledger(&self) -> PathBuf {
        self.data.join("ledger.sqlite")
    }

    /// The embedded practice router's database.
    pub fn router(&self) -> PathBuf {
        self.data.join("router.sqlite")
    }

    /// Model files, and the record of them: the same for every node that is kept here, since they are big.
    pub fn models(&self) -> PathBuf {
        self.main().data.join("models")
    }

    /// Says no in a node with a name: what it deleted, or got and did not want any more, could be another's.
    pub fn check_manages_models(&self) -> Result<(), FoldersError> {
        if self.name().is_some() { Err(FoldersError::SharedModels) } else { Ok(()) }
    }

    /// The precision ladder of a model.
    pub fn ladder(&self, model: &str) -> PathBuf {
        self.models().join(model)
    }

    /// The API key of the local user of the practice network.
    pub fn practice_key(&self) -> PathBuf {
        self.data.join("practice-api-key")
    }

    /// The key of this user at another router than the practice network's.
    pub(crate) fn network_key(&self) -> PathBuf {
        self.data.join("network-api-key.json")
    }

    /// The key of the validators of a router on this machine.
    pub fn validator_key(&self) -> PathBuf {
        self.data.join("validator-key")
    }

    /// The key of the router's operator.
    pub fn operator_key(&self) -> PathBuf {
        self.data.join("operator-key")
    }

    /// Statements of what was withdrawn.
    pub fn withdrawals(&self) -> PathBuf {
        self.data.join("withdrawals")
    }

    /// What broke, and how it was mended.
    pub(crate) fn incidents(&self) -> PathBuf {
        self.data.join("incidents.json")
    }

    /// The user's settings.
    pub fn settings(&self) -> PathBuf {
        self.data.join("settings.toml")
    }

    /// Logs.
    pub fn logs(&self) -> PathBuf {
        self.data.join("logs")
    }

    /// Which key is the node's.
    pub(crate) fn identity(&self) -> PathBuf {
        self.data.join("identity.json")
    }

    /// When copies of keys were saved.
    pub(crate) fn key_copies(&self) -> PathBuf {
        self.data.join("key-copies.json")
    }

    /// How far the first run is.
    pub(crate) fn first_run(&self) -> PathBuf {
        self.data.join("first-run.json")
    }

    /// Browsers that may see the status page.
    pub fn paired_devices(&self) -> PathBuf {
        self.data.join("paired-devices.json")
    }

    pub(crate) fn measurements(&self) -> PathBuf {
        self.data.join("measurements.json")
    }

    /// Numbers of threads that were tried.
    pub(crate) fn threads(&self) -> PathBuf {
        self.data.join("threads.json")
    }

    /// What ran out of memory.
    pub(crate) fn memory_limits(&self) -> PathBuf {
        self.data.join("memory-limits.json")
    }

    /// What is in memory.
    pub(crate) fn at_work(&self) -> PathBuf {
        self.data.join("at-work.json")
    }

    pub(crate) fn comparisons(&self) -> PathBuf {
        self.data.join("comparisons")
    }

    pub(crate) fn fidelity(&self) -> PathBuf {
        self.data.join("fidelity")
    }

    pub(crate) fn votes(&self) -> PathBuf {
        self.data.join("votes.json")
    }

    pub(crate) fn choice(&self) -> PathBuf {
        self.data.join("choice.json")
    }

    pub(crate) fn told(&self) -> PathBuf {
        self.data.join("told.json")
    }

    /// Programs: what is downloaded and what is kept.
    pub fn updates(&self) -> PathBuf {
        self.data.join("updates")
    }

    /// What became of updates.
    pub(crate) fn updates_record(&self) -> PathBuf {
        self.data.join("updates.json")
    }

    /// How to reach the miner that runs on this folder.
    pub fn control(&self) -> PathBuf {
        self.data.join("control.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_miner_is_kept_out_until_the_first_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path().join("new"));
        let lock = folders.lock().unwrap();
        assert!(matches!(folders.lock().err().unwrap(), FoldersError::InUse { .. }));
        drop(lock);
        assert!(folders.lock().is_ok());
    }

    fn name(name: &str) -> NodeName {
        name.parse().unwrap()
    }

    #[test]
    fn a_node_with_a_name_has_everything_of_its_own_but_the_models() {
        let main = Folders::at("data");
        let node = main.node(name("rig-2"));
        assert_eq!(node.data(), Path::new("data/nodes/rig-2"));
        assert_eq!((node.models(), node.main()), (main.models(), main.clone()));
        for file in [Folders::ledger, Folders::settings, Folders::identity, Folders::control, Folders::practice_key] {
            assert!(file(&node).starts_with(node.data()) && file(&node) != file(&main));
        }
        assert_eq!(node.node(name("rig-3")), main.node(name("rig-3")), "names are beside each other, not within");
        assert_eq!(Folders::chosen(Some("data".into()), Some(name("rig-2"))).unwrap(), node);
    }

    #[test]
    fn every_node_that_was_begun_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let main = Folders::at(folder.path());
        assert!(main.all().is_empty());
        drop(main.node(name("b")).lock().unwrap());
        drop(main.node(name("a")).lock().unwrap());
        fs::create_dir(folder.path().join("nodes/not a name")).unwrap();
        fs::write(folder.path().join("nodes/c"), "a file").unwrap();
        let named = [main.node(name("a")), main.node(name("b"))];
        assert_eq!(main.all(), named);
        drop(main.lock().unwrap());
        let all = [&[main.clone()][..], &named].concat();
        assert_eq!((main.all(), named[0].all()), (all.clone(), all));
    }

    #[test]
    fn a_mark_tells_miners_apart() {
        let (one, other) = (Folders::at("one"), Folders::at("other"));
        assert_eq!(one.node(name("rig-2")).mark(), Some("rig-2".to_owned()));
        assert!(one.mark().is_some_and(|mark| mark.len() == 8) && one.mark() != other.mark());
        assert_eq!(Folders::of_this_user().unwrap().mark(), None);
    }
}
