//! `cortensor diagnosis`

use std::{path::Path, process::ExitCode};

use cortensor_host::{About, engine, write_diagnosis};

use crate::{Common, Outcome};

/// Writes what happened on this machine into a file.
pub(crate) async fn diagnosis(common: &Common, file: &Path) -> Outcome {
    let (folders, path) = (common.folders()?, file.to_owned());
    let about = About::this(&folders, engine().as_ref());
    tokio::task::spawn_blocking(move || write_diagnosis(&about, &folders, &path)).await??;
    say!("Written to {}. Read it before you send it to anybody.", file.display());
    Ok(ExitCode::SUCCESS)
}
