//! `cortensor mine`: the miner without a window.

use std::{io::IsTerminal, path::PathBuf, process::ExitCode, sync::Arc};

use cortensor_app::{App, AppConfig, AskPassphrase, Folders, Machine, Phase, Settings, control::Control};
use cortensor_engine_mistral::{EngineSettings, MistralEngine};
use cortensor_router::{Policy, Router};

use crate::{Common, MineArguments, Outcome, logs, router, show};

/// Mines until it is told to stop.
pub(crate) async fn mine(common: &Common, arguments: MineArguments) -> Outcome {
    let folders = common.folders()?;
    let _lock = folders.lock()?;
    let _logs = logs::start(&folders.logs());
    let settings = Settings::read(&folders)?;
    let embedded = match &arguments.router {
        None => Some(router::start(&folders, arguments.listen, Policy::default()).await?),
        Some(_) => None,
    };
    let config = AppConfig {
        machine: machine(folders.clone(), arguments.model.model_file, settings),
        router: arguments.router.unwrap_or_else(|| endpoint(embedded.as_ref())),
        passphrase: passphrase(arguments.passphrase),
    };
    greet(&folders, embedded.as_ref());
    let failed = live(config, folders).await?;
    if let Some((router, _)) = embedded {
        router.stop().await;
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// This machine with the engine that this program is built with.
pub(crate) fn machine(folders: Folders, starter_model: PathBuf, settings: Settings) -> Machine {
    Machine { folders, starter_model, settings, engine: Arc::new(MistralEngine::new(EngineSettings::default())) }
}

/// Lives until the app has stopped. Says whether something must be done before the next start.
async fn live(config: AppConfig, folders: Folders) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    let (app, life) = App::start(config);
    let control = Control::start(app.clone(), folders).await?;
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
    life.await?;
    quit.abort();
    control.stop().await;
    shown.await?;
    let failed = app.status().borrow().phase == Phase::Failed;
    Ok(failed)
}

fn endpoint(embedded: Option<&(Router, String)>) -> String {
    embedded.map_or_else(String::new, |(router, _)| format!("ws://{}/node/v1", router.address()))
}

fn greet(folders: &Folders, embedded: Option<&(Router, String)>) {
    say!("Cortensor Miner {}", env!("CARGO_PKG_VERSION"));
    say!("Data     {}", folders.data().display());
    if let Some((router, key)) = embedded {
        say!("Network  practice (embedded): it pays practice credits, which are worth nothing");
        say!("Router   http://{}/v1", router.address());
        say!("API key: {key}");
    }
}

/// The passphrase from the command line or the environment, or else from whoever sits at the terminal.
fn passphrase(given: Option<String>) -> AskPassphrase {
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

/// Waits for Ctrl-C or a polite request to end.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
