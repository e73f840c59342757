//! Errors, for people.

use std::{error::Error, process::ExitCode};

/// Prints an error with everything it came from.
pub(crate) fn failure(error: &(dyn Error + 'static)) -> ExitCode {
    eprintln!("error: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        eprintln!("  because: {cause}");
        source = cause.source();
    }
    ExitCode::FAILURE
}
