//! Everything before the first load: what this machine can serve, who the node is, what it earned.

use std::cell::Cell;

use cortensor_node::{Identity, IdentityError};
use tokio::{sync::mpsc, task::spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::{Ready, memory};
use crate::{
    AppConfig, LedgerCell, PassphraseRequest, Passphrases, Problem, ProblemCode, StepName,
    measurements::Measure,
    status::{StatusSender, in_words, problem},
    survey, threads,
};

/// Prepares everything up to the first load. Dropping it gives it up; the next start takes it up again.
pub(super) async fn prepare(
    config: &AppConfig,
    ledger: &LedgerCell,
    status: &StatusSender,
    passphrases: &mut mpsc::Receiver<String>,
    stop: &CancellationToken,
) -> Result<Ready, Problem> {
    let hardware = survey::detect(&config.machine, status).await?;
    let identity = identify(config, status, passphrases).await?;
    let ledger = ledger.open().await.map_err(|error| problem(ProblemCode::Files, &error))?;
    if !config.machine.settings.keep_prompts {
        ledger.forget_prompts().await.map_err(|error| problem(ProblemCode::Files, &error))?;
    }
    let earned = crate::earnings(&ledger, 0).await.map_err(|error| problem(ProblemCode::Files, &error))?;
    status.send_modify(|status| status.earnings = earned.summary);
    let artifacts = survey::artifacts(&config.machine, status).await?;
    let killed = memory::learn(&config.machine, &hardware);
    let plan = survey::decide(&config.machine, status, &hardware, &artifacts, Measure::Missing, stop).await?;
    let found = (&hardware, artifacts.as_slice(), &plan);
    threads::settle(&config.machine, status, found, (Measure::Missing, None), stop).await;
    if let Some(killed) = killed {
        memory::tell(&config.machine, status, killed, &plan);
    }
    Ok(Ready { hardware, artifacts, plan, identity, ledger })
}

async fn identify(
    config: &AppConfig,
    status: &StatusSender,
    passphrases: &mut mpsc::Receiver<String>,
) -> Result<Identity, Problem> {
    status.send_modify(|status| {
        status.step(StepName::Identity, None, "opening the node's key; the keychain may ask for its password");
    });
    let mut given = None;
    let identity = loop {
        match open(config, given.take()).await {
            Ok(identity) => break identity,
            Err(Unopened::Ask(request)) => given = Some(ask(status, passphrases, request).await?),
            Err(Unopened::For(problem)) => return Err(problem),
        }
    };
    let kept = match identity.place() {
        cortensor_node::KeyPlace::Keychain => "key in the system keychain",
        cortensor_node::KeyPlace::Keystore => "key in an encrypted file, since no keychain runs here",
    };
    status.send_modify(|status| {
        status.done(StepName::Identity, format!("{}, {kept}", identity.address()));
        status.address = Some(identity.address());
        status.key_place = Some(identity.place());
    });
    Ok(identity)
}

/// Why the key is not open.
enum Unopened {
    Ask(PassphraseRequest),
    For(Problem),
}

/// Opens the key, with a passphrase that was given if it needs one.
async fn open(config: &AppConfig, given: Option<String>) -> Result<Identity, Unopened> {
    let (folder, passphrases) = (config.machine.folders.data().to_owned(), config.passphrases.clone());
    let opened = spawn_blocking(move || {
        let new = Cell::new(false);
        let identity = Identity::open(&folder, &|is_new| {
            new.set(is_new);
            match &passphrases {
                Passphrases::Ask(ask) => ask(is_new),
                Passphrases::Given => given.clone(),
            }
        });
        (identity, new.get())
    });
    let (identity, new) = opened.await.map_err(|error| Unopened::For(problem(ProblemCode::Identity, &error)))?;
    identity.map_err(|error| match (&config.passphrases, &error) {
        (Passphrases::Given, IdentityError::NoPassphrase) => Unopened::Ask(PassphraseRequest { new, refused: None }),
        (Passphrases::Given, IdentityError::KeystoreClosed { .. } | IdentityError::WeakPassphrase) => {
            Unopened::Ask(PassphraseRequest { new, refused: Some(in_words(&error)) })
        }
        _ => Unopened::For(problem(ProblemCode::Identity, &error)),
    })
}

/// Shows that a passphrase is needed and waits for it.
async fn ask(
    status: &StatusSender,
    passphrases: &mut mpsc::Receiver<String>,
    request: PassphraseRequest,
) -> Result<String, Problem> {
    // One that came before it was asked for answers nothing.
    while passphrases.try_recv().is_ok() {}
    status.send_modify(|status| status.passphrase = Some(request));
    let given = passphrases.recv().await;
    status.send_modify(|status| status.passphrase = None);
    given.ok_or_else(|| problem(ProblemCode::Identity, &IdentityError::NoPassphrase))
}
