//! `cortensor key`: taking a key over from another program's file.

use std::{
    io::{IsTerminal, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Subcommand};
use cortensor_app::{AskPassphrase, ImportedEnv, Wipe};
use cortensor_node::KeyPlace;
use serde_json::json;
use tokio::task::spawn_blocking;

use crate::{Common, Outcome, mine::passphrase};

/// What to do with the node's key.
#[derive(Args)]
pub(crate) struct KeyArguments {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Take over the key in the .env of a Cortensor node, from the next start on, and wipe it there
    ImportEnv(ImportEnvArguments),
}

#[derive(Args)]
struct ImportEnvArguments {
    /// The file, such as `~/.cortensor/.env`
    file: PathBuf,
    /// Overwrite the key in the file with zeros once it is kept; the rest of the file stays [default: asks, in a terminal]
    #[arg(long)]
    wipe: bool,
    /// Delete the file once its key is kept
    #[arg(long, conflicts_with = "wipe")]
    delete: bool,
    /// Take the place of the key that this node has; that one stays where it is kept
    #[arg(long)]
    replace: bool,
    /// Passphrase of the key's file, where no keychain runs
    #[arg(long, env = "CORTENSOR_PASSPHRASE", hide_env_values = true, hide = true)]
    passphrase: Option<String>,
}

pub(crate) async fn key(common: &Common, arguments: KeyArguments) -> Outcome {
    let KeyCommand::ImportEnv(arguments) = arguments.command;
    let (folders, json) = (common.folders()?, common.json);
    spawn_blocking(move || {
        std::fs::create_dir_all(folders.data())?;
        let ask = passphrase(arguments.passphrase.clone());
        let given = new_passphrase(&ask);
        let imported = ImportedEnv::take(&folders, &arguments.file, given.as_deref(), arguments.replace)?;
        if !json {
            tell(&imported);
        }
        let wipe = wanted(&arguments, json);
        if let Some(how) = wipe {
            imported.wipe(&folders, how)?;
        }
        conclude(&imported, wipe, json)
    })
    .await?
}

/// Only where it is needed: no keychain runs.
fn new_passphrase(ask: &AskPassphrase) -> Option<String> {
    (KeyPlace::here() == KeyPlace::Keystore).then(|| ask(true)).flatten()
}

fn tell(imported: &ImportedEnv) {
    let place = match imported.place() {
        KeyPlace::Keychain => "the system keychain",
        KeyPlace::Keystore => "an encrypted file, since no keychain runs here",
    };
    say!("The key of node {} is kept in {place}; the next start uses it.", imported.address());
    if !imported.not_used().is_empty() {
        say!("Not used here: {}", imported.not_used().join(", "));
    }
}

/// How the file is to be wiped, if at all: as was said, or else as whoever sits at the terminal says.
fn wanted(arguments: &ImportEnvArguments, json: bool) -> Option<Wipe> {
    match (arguments.wipe, arguments.delete) {
        (true, _) => Some(Wipe::Key),
        (_, true) => Some(Wipe::File),
        _ if json || !std::io::stdin().is_terminal() => None,
        _ => asked(&arguments.file),
    }
}

fn asked(file: &std::path::Path) -> Option<Wipe> {
    print!(
        "It still stands in {} too. Overwrite it there [w], delete the file [d], or leave it [enter]? ",
        file.display()
    );
    let _ = std::io::stdout().flush();
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).ok()?;
    match answer.trim() {
        "w" => Some(Wipe::Key),
        "d" => Some(Wipe::File),
        _ => None,
    }
}

fn conclude(imported: &ImportedEnv, wipe: Option<Wipe>, json: bool) -> Outcome {
    let file = imported.file().display();
    if json {
        say!("{}", serde_json::to_string_pretty(&json!({"imported": imported, "wiped": wipe}))?);
        return Ok(ExitCode::SUCCESS);
    }
    match wipe {
        Some(Wipe::Key) => say!("The key was overwritten in {file}. Copies of the file elsewhere still have it."),
        Some(Wipe::File) => say!("{file} was deleted. Copies of it elsewhere still have the key."),
        None => say!(
            "The key still stands in {file} in plain text: `--wipe` overwrites it there, `--delete` deletes the file."
        ),
    }
    Ok(ExitCode::SUCCESS)
}
