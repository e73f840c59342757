//! Taking the miner off this computer: what there is of it, what of that its user wants deleted, and doing it.
//!
//! [`RemovalPlan`] says what is here, [`remove`] deletes what was chosen. Only files that this program makes are its own to
//! delete: what somebody else put into its folder stays and is named, links are never followed, and outside of its folder
//! it deletes the key's entry in the keychain and what starts the miner at login, nothing else. The program itself goes the
//! way it came, which [`ProgramRemoval`] says.

mod carry;
mod program;
mod scan;
mod starts;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use cortensor_models::inventory::Inventory;
use cortensor_node::{Identity, KeyPlace, Ledger};
use cortensor_protocol::{Amount, Millis, NodeAddress};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use ts_rs::TS;

pub use program::ProgramRemoval;

use self::{carry::Carrying, program::program_removal, scan::Found, starts::Starts};
use crate::{
    Failure, FailureCode, Folders, NodeName, Settings, earnings, env_import::checksummed, key_copy::key_saved_at,
};

/// How many characters of the node's address are to be typed before its key is deleted.
const TYPED: usize = 4;

/// What can be deleted or kept by itself, in the order in which it is shown and done. The key is last: whatever fails before,
/// it is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RemovalPart {
    /// What starts the miner when its user logs in.
    Autostart,
    /// What starts the service when its user logs in.
    Service,
    /// Models that were downloaded or made. Those of other programs are not touched.
    Models,
    /// Comparisons, fidelity reports and votes.
    Comparisons,
    /// Previous versions of the program, kept by updates, and what became of updates.
    Updates,
    /// Logs, and what broke.
    Logs,
    /// Prompts and answers that the user wanted kept.
    Prompts,
    /// Settings, measurements of this machine, and keys for asking networks.
    Settings,
    /// The ledger, statements of withdrawals, and the practice network's books.
    Earnings,
    /// The node's key.
    Key,
}

/// A part that is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RemovalItem {
    /// Which.
    pub part: RemovalPart,
    /// What it takes on the disk.
    pub bytes: u64,
    /// How many files it is; of prompts, how many.
    pub count: u64,
    /// Whether it is deleted unless the user says otherwise.
    pub deletes: bool,
}

/// The key that is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
pub struct RemovalKey {
    /// Whose it is.
    #[serde(serialize_with = "checksummed")]
    #[ts(type = "NodeAddress")]
    pub address: NodeAddress,
    /// Where it is kept.
    pub place: KeyPlace,
    /// When its user last saved a copy of it, if that was done on this computer.
    pub saved_at: Option<Millis>,
}

/// What was earned here and not withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
pub struct RemovalEarnings {
    /// So much.
    pub left: Amount,
    /// Whether they are practice credits, which are worth nothing.
    pub practice: bool,
}

/// What there is of the miner on this computer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct RemovalPlan {
    /// Where everything is kept.
    pub folder: PathBuf,
    /// What is here, in order.
    pub items: Vec<RemovalItem>,
    /// The key, if there is one.
    pub key: Option<RemovalKey>,
    /// What was not withdrawn, if there is a ledger that can be read.
    pub earnings: Option<RemovalEarnings>,
    /// Files in the folder that this program did not make, and links: they stay.
    pub unknown: Vec<PathBuf>,
    /// Other nodes of this user that are kept here. They stay, and the models, which are theirs too, with them.
    #[ts(type = "Array<string>")]
    pub nodes: Vec<NodeName>,
    /// How the program itself is removed.
    pub program: ProgramRemoval,
}

/// What the user wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RemovalChoice {
    /// What is to be deleted.
    pub delete: Vec<RemovalPart>,
    /// The last four characters of the node's address, typed by whoever wants its key deleted.
    pub address_end: Option<String>,
}

/// What became of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum RemovalOutcome {
    /// It is gone.
    Deleted,
    /// It is still there, as was wanted.
    Kept,
    /// Some or all of it is still there.
    Failed {
        /// Why, and what to do.
        message: String,
    },
}

/// A part that was dealt with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct RemovalStep {
    /// What it was.
    pub item: RemovalItem,
    /// What became of it.
    pub outcome: RemovalOutcome,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct RemovalReport {
    /// Part by part.
    pub steps: Vec<RemovalStep>,
    /// Files that this program did not make: they are where they were.
    pub unknown: Vec<PathBuf>,
    /// Where everything was kept.
    pub folder: PathBuf,
    /// Whether that folder is gone.
    pub folder_gone: bool,
    /// How the program itself is removed.
    pub program: ProgramRemoval,
}

/// What is here, and where each part of it is.
struct Survey {
    plan: RemovalPlan,
    found: Found,
    starts: Starts,
}

impl RemovalPlan {
    /// What there is of the miner on these folders. Changes nothing, and works while a miner runs.
    pub async fn of(folders: &Folders) -> Result<Self, Failure> {
        Ok(Survey::of(folders, Starts::of(folders)).await?.plan)
    }

    /// What is deleted if nothing else is said.
    pub fn defaults(&self) -> RemovalChoice {
        let delete = self.items.iter().filter(|item| item.deletes).map(|item| item.part).collect();
        RemovalChoice { delete, address_end: None }
    }

    /// The part, if it is here.
    pub fn item(&self, part: RemovalPart) -> Option<RemovalItem> {
        self.items.iter().copied().find(|item| item.part == part)
    }
}

impl RemovalPart {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Autostart => "start when you log in",
            Self::Service => "service (systemd unit, enabled)",
            Self::Models => "models",
            Self::Comparisons => "comparisons and votes",
            Self::Updates => "previous versions",
            Self::Logs => "logs",
            Self::Prompts => "kept prompts",
            Self::Settings => "settings and measurements",
            Self::Earnings => "ledger and statements",
            Self::Key => "the node's key",
        }
    }
}

impl RemovalKey {
    /// Whether `typed` is the end of the node's address.
    pub fn is_end(&self, typed: &str) -> bool {
        let address = self.address.to_string();
        typed.trim().eq_ignore_ascii_case(&address[address.len() - TYPED..])
    }

    /// Whether there is a copy of it, as far as is known here: `a copy was saved on 2026-11-27`.
    pub fn copy_in_words(&self) -> String {
        let Some(at) = self.saved_at else { return "no copy was saved on this computer".to_owned() };
        let saved = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default().to_zoned(jiff::tz::TimeZone::system());
        format!("a copy was saved on {}", saved.date())
    }
}

impl RemovalChoice {
    /// Says whether all that is chosen may be done: a key is only deleted by who typed the end of its address.
    pub fn check(&self, plan: &RemovalPlan) -> Result<(), Failure> {
        let Some(key) = plan.key.filter(|_| self.delete.contains(&RemovalPart::Key)) else { return Ok(()) };
        if self.address_end.as_deref().is_some_and(|typed| key.is_end(typed)) {
            return Ok(());
        }
        let message = format!(
            "the key of node {} is deleted only when the last {TYPED} characters of this address are typed; nothing was deleted",
            key.address
        );
        Err(Failure { field: Some("address_end".to_owned()), ..Failure::new(FailureCode::Request, message) })
    }
}

/// Deletes what was chosen, and tells each part as it is done. The host holds the folders' lock, and no miner runs. It fails
/// only before anything was deleted; what fails after that is in the report, and the rest goes on.
pub async fn remove(
    folders: &Folders,
    choice: &RemovalChoice,
    seen: impl FnMut(&RemovalStep) + Send,
) -> Result<RemovalReport, Failure> {
    remove_with(folders, Starts::of(folders), choice, seen).await
}

async fn remove_with(
    folders: &Folders,
    starts: Starts,
    choice: &RemovalChoice,
    mut seen: impl FnMut(&RemovalStep) + Send,
) -> Result<RemovalReport, Failure> {
    let survey = Survey::of(folders, starts).await?;
    choice.check(&survey.plan)?;
    let Survey { plan, found, starts } = survey;
    let carrying = Carrying { folders: folders.clone(), key: plan.key, found, starts };
    let mut steps = Vec::new();
    for item in plan.items {
        let outcome =
            if choice.delete.contains(&item.part) { carrying.delete(item.part).await } else { RemovalOutcome::Kept };
        let step = RemovalStep { item, outcome };
        seen(&step);
        steps.push(step);
    }
    let folder_gone = carrying.finish().await;
    let (folder, unknown, program) = (plan.folder, plan.unknown, plan.program);
    Ok(RemovalReport { steps, unknown, folder, folder_gone, program })
}

impl Survey {
    async fn of(folders: &Folders, starts: Starts) -> Result<Self, Failure> {
        let looked_at = folders.clone();
        let (found, key, models_protected, program) = spawn_blocking(move || look(&looked_at))
            .await
            .map_err(|error| Failure::of(FailureCode::File, &error))??;
        let (earnings, prompts) = of_ledger(folders).await;
        let mut items = found.items();
        items.extend(starts.items());
        items.extend(prompts);
        let nodes = scan::named(folders);
        items.retain(|item| item.part != RemovalPart::Models || nodes.is_empty());
        items.iter_mut().for_each(|item| item.deletes = deletes(item.part, models_protected));
        items.sort_by_key(|item| item.part);
        let (folder, unknown) = (folders.data().to_owned(), found.unknown.clone());
        Ok(Self { plan: RemovalPlan { folder, items, key, earnings, unknown, nodes, program }, found, starts })
    }
}

/// What cannot be had again is kept, and so are models where the user has protected any.
const fn deletes(part: RemovalPart, models_protected: bool) -> bool {
    match part {
        RemovalPart::Key | RemovalPart::Earnings => false,
        RemovalPart::Models => !models_protected,
        _ => true,
    }
}

fn look(folders: &Folders) -> Result<(Found, Option<RemovalKey>, bool, ProgramRemoval), Failure> {
    // A note that cannot be read leaves files that nobody can say the owner of: they count as unknown and stay.
    let kept = Identity::kept_in(folders.data()).ok().flatten();
    let key = kept.map(|(address, place)| RemovalKey { address, place, saved_at: key_saved_at(folders, address) });
    let held = Inventory::at(folders.models()).held().unwrap_or_default();
    let found = Found::below(folders, key.is_some(), &held).map_err(|source| {
        let message = format!("{} cannot be read ({source}); check that it is yours", folders.data().display());
        Failure::new(FailureCode::File, message)
    })?;
    let protected = held.iter().any(|model| model.keep && model.origin.is_ours());
    Ok((found, key, protected, program_removal()))
}

/// What a ledger says, if there is one that can be read; one that cannot is deleted or kept all the same.
async fn of_ledger(folders: &Folders) -> (Option<RemovalEarnings>, Option<RemovalItem>) {
    if !folders.ledger().is_file() {
        return (None, None);
    }
    let Ok(ledger) = Ledger::open(&folders.ledger()).await else { return (None, None) };
    let practice = Settings::read(folders).map_or(true, |settings| settings.router.is_none());
    let left = earnings(&ledger, 0).await.ok().map(|earnings| earnings.confirmed);
    let (count, bytes) = ledger.kept_prompts().await.unwrap_or_default();
    ledger.close().await;
    let prompts = RemovalItem { part: RemovalPart::Prompts, bytes, count, deletes: true };
    (left.map(|left| RemovalEarnings { left, practice }), (count > 0).then_some(prompts))
}
