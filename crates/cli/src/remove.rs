//! `cortensor remove`: taking the miner off this computer.

mod answers;
mod show;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Args;
use cortensor_app::{Folders, FoldersError, Lock, RemovalOutcome, RemovalPlan, RemovalReport, RemovalStep, save_key};
use cortensor_node::Identity;
use tokio::{task::spawn_blocking, time::timeout};

use self::answers::Answers;
use crate::{Common, Outcome, client, mine::passphrase};

/// How long a miner that has finished may take to let go of its folder. A window never does: it is still open then.
const LETS_GO: Duration = Duration::from_secs(20);

/// What is to be deleted, for whoever does not want to be asked.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "a pair of options for each question")]
pub(crate) struct RemoveArguments {
    /// Ask nothing: the models go, key and earnings stay, unless other options say otherwise
    #[arg(long)]
    yes: bool,
    /// Only say what is here
    #[arg(long)]
    dry_run: bool,
    /// Keep the models
    #[arg(long, conflicts_with = "delete_models")]
    keep_models: bool,
    /// Delete the models that were downloaded or made; those of other programs are not touched
    #[arg(long)]
    delete_models: bool,
    /// Keep the ledger and the statements
    #[arg(long, conflicts_with = "delete_earnings")]
    keep_earnings: bool,
    /// Delete the ledger and the statements
    #[arg(long)]
    delete_earnings: bool,
    /// Keep the node's key
    #[arg(long, conflicts_with = "delete_key")]
    keep_key: bool,
    /// Delete the node's key for good, by the last four characters of its address
    #[arg(long, value_name = "ADDRESS_END")]
    delete_key: Option<String>,
    /// Save the key into this encrypted file first
    #[arg(long, value_name = "FILE")]
    save_key: Option<PathBuf>,
    /// Passphrase of the key's file, and of the one it is saved into
    #[arg(long, env = "CORTENSOR_PASSPHRASE", hide_env_values = true, hide = true)]
    passphrase: Option<String>,
}

/// Why nothing was removed.
#[derive(Debug, thiserror::Error)]
enum RemoveError {
    #[error("with --json nobody can be asked; say --yes, or --dry-run to see what is here. Nothing was removed")]
    NobodyToAsk,
    #[error("the key is deleted only when the last four characters of its address are typed. Nothing was removed")]
    NotConfirmed,
    #[error("there was no answer. Nothing was removed; --yes answers every question with its default")]
    NoAnswer,
    #[error(
        "the miner has stopped, but its window is open and has {folder}; choose Quit there and try again, or remove the miner from its window (About). Nothing was removed"
    )]
    WindowOpen { folder: PathBuf },
    #[error("the two passphrases differ. Nothing was removed; start again")]
    PassphrasesDiffer,
}

pub(crate) async fn remove(common: &Common, arguments: RemoveArguments) -> Outcome {
    let folders = common.folders()?;
    let plan = RemovalPlan::of(&folders).await?;
    let only_shown = arguments.dry_run || plan.items.is_empty();
    if only_shown || !common.json {
        show::plan(&plan, common.json)?;
    }
    if only_shown {
        return Ok(ExitCode::SUCCESS);
    }
    let Some(answers) = answered(common, &arguments, &plan)? else {
        say!("Nothing was removed.");
        return Ok(ExitCode::SUCCESS);
    };
    carry_out(common, &folders, &plan, answers, arguments.passphrase).await
}

async fn carry_out(
    common: &Common,
    folders: &Folders,
    plan: &RemovalPlan,
    Answers { choice, save_key }: Answers,
    passphrase: Option<String>,
) -> Outcome {
    choice.check(plan)?;
    if let Some(file) = save_key {
        keep_key(folders, file, passphrase).await?;
    }
    let _lock = end_miner(folders).await?;
    let tell = |step: &RemovalStep| {
        if !common.json {
            show::step(step);
        }
    };
    conclude(&cortensor_app::remove(folders, &choice, tell).await?, common.json)
}

/// What is to be done; nothing if whoever was asked does not want it after all.
fn answered(common: &Common, arguments: &RemoveArguments, plan: &RemovalPlan) -> Result<Option<Answers>, RemoveError> {
    if arguments.yes {
        return Ok(Some(Answers::by_default(arguments, plan)));
    }
    if common.json {
        return Err(RemoveError::NobodyToAsk);
    }
    Answers::ask(arguments, plan, &mut std::io::stdin().lock())
}

/// The folder's lock: a miner that runs there finishes and ends first.
async fn end_miner(folders: &Folders) -> Result<Lock, Box<dyn std::error::Error + Send + Sync>> {
    match folders.lock() {
        Err(FoldersError::InUse { path: folder }) => {
            eprintln!("the miner finishes what runs, and ends");
            // One that does not answer has a window, in which it has not begun or is at its end.
            let _ = client::quit(folders).await;
            let free = timeout(LETS_GO, folders.lock_when_free()).await;
            Ok(free.map_err(|_| RemoveError::WindowOpen { folder })??)
        }
        locked => Ok(locked?),
    }
}

/// Before anything is deleted, or stopped.
async fn keep_key(
    folders: &Folders,
    file: PathBuf,
    given: Option<String>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let folders = folders.clone();
    spawn_blocking(move || {
        let ask = passphrase(given.clone());
        let identity = Identity::open(folders.data(), &|_| ask(false))?;
        save_key(&folders, &identity, &file, &backup_passphrase(given, &file)?)?;
        eprintln!("the key is saved in {}", file.display());
        Ok(())
    })
    .await?
}

fn backup_passphrase(given: Option<String>, file: &Path) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    if let Some(given) = given {
        return Ok(given);
    }
    let first = rpassword::prompt_password(format!("New passphrase for {} (at least 8 characters): ", file.display()))?;
    let second = rpassword::prompt_password("Once more: ")?;
    if first == second { Ok(first) } else { Err(RemoveError::PassphrasesDiffer.into()) }
}

fn conclude(report: &RemovalReport, json: bool) -> Outcome {
    if json {
        say!("{}", serde_json::to_string_pretty(report)?);
    } else {
        show::rest(report);
        show::last_step(&report.program);
    }
    let failed = report.steps.iter().any(|step| matches!(step.outcome, RemovalOutcome::Failed { .. }));
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
