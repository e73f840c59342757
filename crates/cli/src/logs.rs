//! Logs: to a file that turns over every day, and warnings to the terminal.

use std::{io::IsTerminal, path::Path};

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging. What is not written yet is written when the guard is dropped. `RUST_LOG` changes what is logged.
pub(crate) fn start(folder: &Path) -> WorkerGuard {
    let file = tracing_appender::rolling::daily(folder, "cortensor.log");
    let (file, guard) = tracing_appender::non_blocking(file);
    let filter = |default: &str| EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let to_file = fmt::layer().with_ansi(false).with_writer(file).with_filter(filter("warn,mistralrs_core::pipeline=error,cortensor=info,cortensor_app=info,cortensor_node=info,cortensor_router=info,cortensor_engine_mistral=info"));
    let to_terminal = fmt::layer()
        .with_target(false)
        .without_time()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        // What the app finds is part of its status, which is shown.
        .with_filter(EnvFilter::new("error,cortensor_app=off"));
    let _ = tracing_subscriber::registry().with(to_file).with(to_terminal).try_init();
    guard
}
