use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use cortensor_models::inventory::{HeldFile, HeldModel, Origin};
use cortensor_protocol::{ArtifactDigest, ModelId, Precision};
use tempfile::TempDir;

use super::{starts::Autostart, *};

const PASSPHRASE: &str = "correct horse";
/// Files of a miner that has worked for a while, by part.
const FILES: [(RemovalPart, &str); 22] = [
    (RemovalPart::Models, "models/inventory.lock"),
    (RemovalPart::Models, "models/queue.json"),
    (RemovalPart::Models, "models/smollm/ladder.lock"),
    (RemovalPart::Models, "models/smollm/tokenizer/tokenizer.json"),
    (RemovalPart::Models, "models/qwen/q8_0/qwen.gguf.part"),
    (RemovalPart::Models, "models/qwen/q8_0/qwen.gguf.part.journal"),
    (RemovalPart::Comparisons, "comparisons/1.json"),
    (RemovalPart::Comparisons, "votes.json"),
    (RemovalPart::Updates, "updates/0.1.0/cortensor-miner"),
    (RemovalPart::Updates, "updates.json"),
    (RemovalPart::Logs, "logs/cortensor.log.2026-11-27"),
    (RemovalPart::Logs, "incidents.json"),
    (RemovalPart::Settings, "choice.json"),
    (RemovalPart::Settings, "told.json"),
    (RemovalPart::Settings, "paired-devices.json"),
    (RemovalPart::Settings, "memory-limits.json"),
    (RemovalPart::Earnings, "router.sqlite"),
    (RemovalPart::Earnings, "router.sqlite-wal"),
    (RemovalPart::Earnings, "router.statement-key"),
    (RemovalPart::Earnings, "practice-api-key"),
    (RemovalPart::Earnings, "withdrawals/1.json"),
    (RemovalPart::Key, "key-copies.json"),
];

/// A miner's folder, a session that starts it, and a folder beside both that is somebody else's.
struct Computer {
    root: TempDir,
    folders: Folders,
    address: NodeAddress,
}

impl Computer {
    async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let folders = Folders::at(root.path().join("data"));
        fs::create_dir_all(folders.data()).unwrap();
        let address = Identity::create_keystore(folders.data(), &|_| Some(PASSPHRASE.to_owned())).unwrap().address();
        let computer = Self { root, folders, address };
        FILES.iter().for_each(|(_, name)| drop(computer.write(&format!("data/{name}"))));
        ["data/lock", "data/control.json", "autostart", "unit"].iter().for_each(|name| drop(computer.write(name)));
        Ledger::open(&computer.folders.ledger()).await.unwrap().close().await;
        computer.hold("downloaded", &computer.write("data/models/downloaded/q8_0/model.gguf"), Origin::Downloaded);
        computer
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn write(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "12345").unwrap();
        path
    }

    fn hold(&self, id: &str, file: &Path, origin: Origin) {
        let sha256 = ArtifactDigest::new([0; 32]);
        let files = vec![HeldFile::of(file, sha256).unwrap()];
        let held = HeldModel { id: ModelId::new(id), format: Precision::Q8_0, files, origin, keep: false };
        Inventory::at(self.folders.models()).add(held).unwrap();
    }

    fn starts(&self) -> Starts {
        Starts { autostart: Some(Autostart::File(self.path("autostart"))), unit: Some(self.path("unit")) }
    }

    async fn plan(&self) -> RemovalPlan {
        Survey::of(&self.folders, self.starts()).await.unwrap().plan
    }

    async fn remove(&self, choice: &RemovalChoice) -> Result<RemovalReport, Failure> {
        remove_with(&self.folders, self.starts(), choice, |_| {}).await
    }

    /// Everything that can be chosen, the key too.
    async fn everything(&self) -> RemovalChoice {
        let delete = self.plan().await.items.iter().map(|item| item.part).collect();
        let address = self.address.to_string();
        RemovalChoice { delete, address_end: Some(address[address.len() - 4..].to_lowercase()) }
    }

    /// Names of the files that are left in the miner's folder.
    fn left(&self) -> BTreeSet<String> {
        let mut left = BTreeSet::new();
        let mut folders = vec![self.folders.data().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    left.insert(entry.path().strip_prefix(self.folders.data()).unwrap().display().to_string());
                }
            }
        }
        left
    }
}

#[tokio::test]
async fn what_cannot_be_had_again_stays_unless_it_is_chosen_and_a_miner_goes_on_with_it() {
    let computer = Computer::new().await;
    let plan = computer.plan().await;
    assert_eq!(plan.unknown, Vec::<PathBuf>::new());
    assert_eq!(plan.earnings, Some(RemovalEarnings { left: Amount::ZERO, practice: true }));
    let kept: Vec<_> = plan.items.iter().filter(|item| !item.deletes).map(|item| item.part).collect();
    assert_eq!(kept, [RemovalPart::Earnings, RemovalPart::Key]);
    let comparisons = plan.item(RemovalPart::Comparisons).unwrap();
    assert_eq!((comparisons.bytes, comparisons.count), (10, 2));

    let report = computer.remove(&plan.defaults()).await.unwrap();
    assert!(!report.folder_gone);
    let expected = ["identity.json", "keystore.json", "ledger.sqlite"].into_iter();
    let stays = [RemovalPart::Earnings, RemovalPart::Key];
    let kept = FILES.into_iter().filter(|(part, _)| stays.contains(part)).map(|(_, name)| name);
    assert_eq!(computer.left(), expected.chain(kept).map(str::to_owned).collect());
    assert!(!computer.path("autostart").exists() && !computer.path("unit").exists());
    let opened = Identity::open(computer.folders.data(), &|_| Some(PASSPHRASE.to_owned())).unwrap();
    assert_eq!(opened.address(), computer.address);
}

#[tokio::test]
async fn whoever_decides_about_the_key_learns_whether_there_is_a_copy_of_it() {
    let computer = Computer::new().await;
    let key = computer.plan().await.key.unwrap();
    assert_eq!((key.saved_at, key.copy_in_words().as_str()), (None, "no copy was saved on this computer"));
    fs::remove_file(computer.folders.key_copies()).unwrap();
    let own = Identity::open(computer.folders.data(), &|_| Some(PASSPHRASE.to_owned())).unwrap();
    crate::save_key(&computer.folders, &own, &computer.path("copy.json"), PASSPHRASE).unwrap();
    let key = computer.plan().await.key.unwrap();
    assert!(key.saved_at.is_some() && key.copy_in_words().starts_with("a copy was saved on 2"), "{key:?}");
}

#[tokio::test]
async fn other_nodes_of_the_user_stay_and_the_models_with_them() {
    let computer = Computer::new().await;
    let node = computer.folders.node("rig-2".parse().unwrap());
    drop(node.lock().unwrap());
    let plan = computer.plan().await;
    assert_eq!(
        (plan.nodes.as_slice(), plan.item(RemovalPart::Models)),
        ([node.name().unwrap().clone()].as_slice(), None)
    );
    assert_eq!(plan.unknown, Vec::<PathBuf>::new());
    computer.remove(&computer.everything().await).await.unwrap();
    assert!(node.data().exists() && node.models().join("downloaded/q8_0/model.gguf").exists());

    let own = RemovalPlan::of(&node).await.unwrap();
    assert_eq!((own.nodes, own.items), (Vec::new(), Vec::new()), "the models are not its own");
    fs::remove_dir_all(node.data()).unwrap();
    let report = computer.remove(&computer.everything().await).await.unwrap();
    assert!(report.folder_gone, "an empty folder of nodes goes too: {:?}", computer.left());
}

#[tokio::test]
async fn of_everything_nothing_is_left_and_each_part_is_told() {
    let computer = Computer::new().await;
    let (choice, mut told) = (computer.everything().await, Vec::new());
    let seen = |step: &RemovalStep| told.push(step.item.part);
    let report = remove_with(&computer.folders, computer.starts(), &choice, seen).await.unwrap();
    assert!(report.steps.iter().all(|step| step.outcome == RemovalOutcome::Deleted), "{report:?}");
    assert!(report.folder_gone && !computer.folders.data().exists());
    assert_eq!(told, choice.delete);
    assert_eq!(computer.plan().await.key, None);
}

#[tokio::test]
async fn a_key_goes_only_when_the_end_of_its_address_was_typed_and_else_nothing_goes() {
    let computer = Computer::new().await;
    let (everything, before) = (computer.everything().await, computer.left());
    for typed in [None, Some(""), Some("wxyz"), Some("0x")] {
        let choice = RemovalChoice { address_end: typed.map(str::to_owned), ..everything.clone() };
        let refused = computer.remove(&choice).await.unwrap_err();
        assert_eq!(refused.field.as_deref(), Some("address_end"), "{refused}");
        assert_eq!(computer.left(), before, "{typed:?}");
    }
}

#[tokio::test]
async fn what_others_put_into_the_folder_stays_and_is_named() {
    let computer = Computer::new().await;
    let own = [
        "data/notes.txt",
        "data/keystore-backup.json",
        "data/logs/mine.log",
        "data/models/qwen/mine.gguf",
        "data/my/votes.json",
    ];
    let paths: BTreeSet<_> = own.iter().map(|name| computer.write(name)).collect();
    // Named to the miner where it lies, in the miner's own folder.
    computer.hold("named", &computer.path("data/models/qwen/mine.gguf"), Origin::Imported);
    let other = computer.write("elsewhere/cache.gguf");
    computer.hold("found", &other, Origin::HuggingFace);

    let report = computer.remove(&computer.everything().await).await.unwrap();
    let named: Vec<_> = ["keystore-backup.json", "logs/mine.log", "models/qwen/mine.gguf", "my", "notes.txt"]
        .map(|name| computer.folders.data().join(name))
        .to_vec();
    assert_eq!(report.unknown, named);
    assert!(!report.folder_gone && other.exists());
    assert!(paths.iter().all(|path| path.exists()));
    assert_eq!(computer.left().len(), paths.len());
}

#[tokio::test]
async fn a_model_that_is_protected_has_models_kept_unless_they_are_chosen() {
    let computer = Computer::new().await;
    let inventory = Inventory::at(computer.folders.models());
    inventory.keep(&ModelId::new("downloaded"), Precision::Q8_0, true).unwrap();
    let plan = computer.plan().await;
    assert!(!plan.item(RemovalPart::Models).unwrap().deletes);
    let choice = RemovalChoice { delete: vec![RemovalPart::Models], ..RemovalChoice::default() };
    computer.remove(&choice).await.unwrap();
    assert!(!computer.folders.models().exists());
}

#[cfg(unix)]
#[tokio::test]
async fn links_are_not_followed() {
    use std::os::unix::fs::symlink;
    let computer = Computer::new().await;
    let elsewhere = computer.write("elsewhere/inventory.json");
    fs::remove_dir_all(computer.folders.comparisons()).unwrap();
    symlink(elsewhere.parent().unwrap(), computer.folders.comparisons()).unwrap();
    symlink(&elsewhere, computer.folders.settings()).unwrap();
    symlink(&elsewhere, computer.folders.logs().join("cortensor.log.old")).unwrap();

    let report = computer.remove(&computer.everything().await).await.unwrap();
    assert!(elsewhere.exists());
    let links =
        ["comparisons", "logs/cortensor.log.old", "settings.toml"].map(|name| computer.folders.data().join(name));
    assert_eq!(report.unknown, links);
    assert!(links.iter().all(|link| link.is_symlink()));
}

#[tokio::test]
async fn what_cannot_be_deleted_is_named_and_the_rest_goes() {
    let computer = Computer::new().await;
    let choice = computer.everything().await;
    let survey = Survey::of(&computer.folders, computer.starts()).await.unwrap();
    let carrying =
        Carrying { folders: computer.folders.clone(), key: None, found: survey.found, starts: survey.starts };
    // It has become a folder since it was looked at, which is as good as a file that the system holds on to.
    let votes = computer.folders.votes();
    fs::remove_file(&votes).unwrap();
    fs::create_dir(&votes).unwrap();
    let outcome = carrying.delete(RemovalPart::Comparisons).await;
    let RemovalOutcome::Failed { message } = outcome else { panic!("{outcome:?}") };
    assert!(message.contains("votes.json cannot be deleted"), "{message}");
    assert!(!computer.path("data/comparisons/1.json").exists());

    let report = computer.remove(&choice).await.unwrap();
    assert_eq!(report.unknown, [votes]);
    assert_eq!(computer.left(), BTreeSet::new());
}

#[tokio::test]
async fn a_computer_without_a_miner_has_nothing_to_remove() {
    let root = tempfile::tempdir().unwrap();
    let folders = Folders::at(root.path().join("none"));
    let plan = Survey::of(&folders, Starts::default()).await.unwrap().plan;
    assert_eq!((plan.items, plan.key, plan.earnings, plan.unknown), (Vec::new(), None, None, Vec::new()));
    assert!(!folders.data().exists(), "looking makes nothing");
}
