//! `cortensor doctor`

use std::process::ExitCode;

use cortensor_app::doctor::{Subject, Verdict, examine};

use crate::{Common, MineArguments, Outcome};

/// Looks at this machine; the exit code says whether something stops it.
pub(crate) async fn doctor(common: &Common, arguments: &MineArguments) -> Outcome {
    let folders = common.folders()?;
    let (model, passphrase) = (arguments.model.model_file.clone(), arguments.passphrase.is_some());
    let (router, listen) = (arguments.router.clone(), arguments.listen);
    let checks = tokio::task::spawn_blocking(move || {
        examine(&Subject { folders: &folders, starter_model: &model, router, listen, passphrase })
    })
    .await?;
    if common.json {
        say!("{}", serde_json::to_string_pretty(&checks)?);
    } else {
        for check in &checks {
            let mark = match check.verdict {
                Verdict::Fine => "ok    ",
                Verdict::Advice => "note  ",
                Verdict::Stops => "STOPS ",
            };
            say!("{mark} {:<14} {}", check.name, check.detail);
        }
    }
    let stops = checks.iter().any(|check| check.verdict == Verdict::Stops);
    if !common.json {
        say!("{}", if stops { "This machine cannot mine yet: see what STOPS it." } else { "This machine can mine." });
    }
    Ok(if stops { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
