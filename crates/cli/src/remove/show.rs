//! What is here of the miner, and what became of it, in words.

use std::process::ExitCode;

use cortensor_app::{
    ProgramRemoval, RemovalItem, RemovalOutcome, RemovalPart, RemovalPlan, RemovalReport, RemovalStep,
};
use cortensor_node::KeyPlace;

use crate::Outcome;

/// What is here, as a table or for programs.
pub(super) fn plan(plan: &RemovalPlan, json: bool) -> Outcome {
    if json {
        say!("{}", serde_json::to_string_pretty(plan)?);
        return Ok(ExitCode::SUCCESS);
    }
    if plan.items.is_empty() {
        say!("There is nothing of the miner in {}.", plan.folder.display());
        last_step(&plan.program);
    } else {
        say!("Of the miner there is, in {}:", plan.folder.display());
        plan.items.iter().for_each(|item| say!("{}", line(plan, item)));
    }
    for node in &plan.nodes {
        say!("  The node {node} stays, and the models with it: `cortensor remove --name {node}` first takes it off.");
    }
    if !plan.unknown.is_empty() {
        say!("  Not the miner's, so it stays there:");
        plan.unknown.iter().for_each(|path| say!("    {}", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}

fn line(plan: &RemovalPlan, item: &RemovalItem) -> String {
    let default = if item.deletes { "delete" } else { "keep" };
    format!("  {:<32} {:>9}  {default:<6}  {}", item.part.words(), bytes_in_words(item.bytes), note(plan, item))
        .trim_end()
        .to_owned()
}

fn note(plan: &RemovalPlan, item: &RemovalItem) -> String {
    match (item.part, &plan.key, &plan.earnings) {
        (RemovalPart::Key, Some(key), _) => {
            let place = match key.place {
                KeyPlace::Keychain => "in the keychain",
                KeyPlace::Keystore => "in an encrypted file",
            };
            format!("{} {place}; {}", key.address, key.copy_in_words())
        }
        (RemovalPart::Earnings, _, Some(earnings)) => {
            let credits = if earnings.practice { "practice credits" } else { "credits" };
            format!("{} {credits} not withdrawn", earnings.left)
        }
        _ => String::new(),
    }
}

/// What became of a part.
pub(super) fn step(step: &RemovalStep) {
    let words = step.item.part.words();
    match &step.outcome {
        RemovalOutcome::Deleted => say!("deleted  {words}"),
        RemovalOutcome::Kept => say!("kept     {words}"),
        RemovalOutcome::Failed { message } => say!("FAILED   {words}: {message}"),
    }
}

/// What is left in the folder.
pub(super) fn rest(report: &RemovalReport) {
    let folder = report.folder.display();
    report.unknown.iter().for_each(|path| say!("left     {} (not the miner's)", path.display()));
    if report.folder_gone {
        say!("The folder {folder} is gone.");
    } else {
        say!("What is left is in {folder}; a miner that is installed again goes on with it.");
    }
}

/// How the program itself is removed.
pub(super) fn last_step(program: &ProgramRemoval) {
    match program {
        ProgramRemoval::Command { command } => say!("The program itself: {command}"),
        ProgramRemoval::File { path } => say!("The program itself: delete {}", path.display()),
        ProgramRemoval::WindowsSettings => say!("The program itself: Settings, Apps, Cortensor Miner, Uninstall"),
        ProgramRemoval::Bin { path } => say!("The program itself: move {} to the Bin", path.display()),
    }
}

/// As a disk's maker would say it.
pub(super) fn bytes_in_words(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}
