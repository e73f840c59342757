//! `cortensor mine`: the miner without a window.

use std::{io::IsTerminal, process::ExitCode, sync::Arc};

use cortensor_app::{AskPassphrase, FirstRun, Folders, Passphrases, Phase};
use cortensor_host::{Logs, Options, Practice, Running, Terminal, interrupted, status_page::StatusPageView};

use crate::{Common, MineArguments, Outcome, show};

/// Mines until it is told to stop.
pub(crate) async fn mine(common: &Common, arguments: MineArguments) -> Outcome {
    let folders = common.folders()?;
    let _lock = folders.lock()?;
    let _logs = Logs::start(&folders.logs(), Terminal::Errors);
    FirstRun::of(&folders).skip()?;
    let passphrases = Passphrases::Ask(passphrase(arguments.passphrase));
    let options = Options {
        router: arguments.router,
        listen: arguments.listen,
        ..Options::new(folders.clone(), arguments.model.model_file, passphrases)
    };
    let running = Running::start(&options).await?;
    let app = running.app();
    options.page.open(&app.settings().settings.status_page, app.status()).await;
    greet(&folders, running.practice());
    tell_page(&options.page.view().borrow());
    let failed = live(running).await?;
    options.page.close().await;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Lives until the app has stopped. Says whether something must be done before the next start.
async fn live(mut running: Running) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    let app = running.app().clone();
    let shown = tokio::spawn(show::follow(app.status(), show::To::Stdout));
    let quit = tokio::spawn({
        let app = app.clone();
        async move {
            interrupted().await;
            eprintln!("finishing what runs; once more to stop at once");
            tokio::select! {
                _ = app.quit() => {}
                () = interrupted() => std::process::exit(130),
            }
        }
    });
    running.ended().await;
    quit.abort();
    shown.await?;
    let failed = app.status().borrow().phase == Phase::Failed;
    running.stop().await;
    Ok(failed)
}

fn greet(folders: &Folders, practice: Option<&Practice>) {
    say!("Cortensor Miner {}", env!("CARGO_PKG_VERSION"));
    if let Some(name) = folders.name() {
        say!("Node     {name}");
    }
    say!("Data     {}", folders.data().display());
    if let Some(Practice { api_url, api_key }) = practice {
        say!("Network  practice (embedded): it pays practice credits, which are worth nothing");
        say!("Router   {api_url}");
        say!("API key: {api_key}");
    }
}

/// Where the status page is, if it is on.
fn tell_page(page: &StatusPageView) {
    if page.open {
        say!("Status   {} (`cortensor pair` shows the code for it)", page.addresses.join(", "));
    }
    if let Some(problem) = &page.problem {
        eprintln!("warning: {problem}");
    }
}

/// The passphrase from the command line or the environment, or else from whoever sits at the terminal.
pub(crate) fn passphrase(given: Option<String>) -> AskPassphrase {
    Arc::new(move |new| {
        if given.is_some() || !std::io::stdin().is_terminal() {
            return given.clone();
        }
        if !new {
            return rpassword::prompt_password("Passphrase of this node's key: ").ok();
        }
        say!("No keychain runs here, so the node's key goes into a file that a passphrase encrypts.");
        let first = rpassword::prompt_password("New passphrase (at least 8 characters): ").ok()?;
        let second = rpassword::prompt_password("Once more: ").ok()?;
        if first == second {
            Some(first)
        } else {
            eprintln!("the two passphrases differ; start again");
            None
        }
    })
}
