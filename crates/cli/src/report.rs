//! Errors, for people.

use std::{error::Error, process::ExitCode};

/// Prints an error with everything it came from.
pub(crate) fn failure(error: &(dyn Error + 'static)) -> ExitCode {
    eprintln!("error: {error}");
    let (mut source, mut told) = (error.source(), error.to_string());
    while let Some(cause) = source {
        // Some libraries' messages have their causes in them already.
        if !told.contains(&cause.to_string()) {
            eprintln!("  because: {cause}");
        }
        told = cause.to_string();
        source = cause.source();
    }
    ExitCode::FAILURE
}
