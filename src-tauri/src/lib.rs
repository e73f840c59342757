//! The window: a thin shell over [`cortensor_host::Miner`].
//!
//! Commands are one line each and are declared once, in `commands`; the interface's TypeScript types are written from
//! there (`types`). The window shows what the miner's status says.
//!
//! **Invariant:** no rules. What a command line would have to decide again is decided in `app` or below.

mod commands;
mod desk;
mod dialogs;
mod notify;
mod startup;
mod tray;
mod types;
mod updates;
mod watches;
mod which;
mod window;
mod words;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

use clap::Parser;
use cortensor_app::{Folders, NodeName, Passphrases, starter_file};
use cortensor_host::{Logs, Options, Terminal, threads};

use desk::Desk;

/// Earn by serving LLM requests on a decentralized inference network.
#[derive(Parser)]
#[command(name = "cortensor-miner", version)]
struct Arguments {
    /// Where everything is kept [default: the data folder of this user]
    #[arg(long, env = "CORTENSOR_DATA", value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// The node with this name, one of several on this machine: everything of its own, the models shared [default: the main node]
    #[arg(long, env = "CORTENSOR_NAME", value_name = "NAME", conflicts_with = "data")]
    name: Option<NodeName>,
    /// The starter model's GGUF file, [default: the package's]
    #[arg(long, env = "CORTENSOR_STARTER_MODEL", value_name = "FILE")]
    model_file: Option<PathBuf>,
    /// Mine for this router, such as `wss://router.example/node/v1` [default: the settings, or the embedded practice network]
    #[arg(long, value_name = "URL")]
    router: Option<String>,
    /// Where the embedded router listens [default: the settings, or 127.0.0.1:5010]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Start without the window, behind the icon in the tray
    #[arg(long)]
    hidden: bool,
    /// See to an update that was just installed, as the program that was at work before
    #[arg(long, hide = true)]
    watch_update: bool,
}

/// Opens the window and mines until the program is ended.
pub fn run() -> ExitCode {
    if let Some(code) = threads::instead() {
        return code;
    }
    let arguments = Arguments::parse();
    let folders = match Folders::chosen(arguments.data, arguments.name) {
        Ok(folders) => folders,
        Err(error) => return failure(&error),
    };
    // SAFETY: nothing has started a thread yet.
    unsafe { threads::hold(&folders) };
    if let Some(code) = updates::instead(&folders, arguments.watch_update) {
        return code;
    }
    let logs = Logs::start(&folders.logs(), Terminal::Errors);
    let starter_model = arguments.model_file.unwrap_or_else(starter_file);
    let options = Options {
        router: arguments.router,
        listen: arguments.listen,
        ..Options::new(folders, starter_model, Passphrases::Given)
    };
    let desk = Arc::new(Desk::new(options, logs.tail().clone()));
    match window::run(desk, arguments.hidden) {
        Ok(code) => ExitCode::from(code),
        Err(error) => failure(&error),
    }
}

fn failure(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::FAILURE
}
