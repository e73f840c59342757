//! Logs: to a file that turns over every day, to the terminal, and to whoever wants to see them live.

use std::{
    collections::VecDeque,
    fmt::{self, Write},
    io::IsTerminal,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use cortensor_app::wall_time;
use cortensor_protocol::Millis;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_appender::{
    non_blocking::WorkerGuard,
    rolling::{RollingFileAppender, Rotation},
};
use tracing_subscriber::{
    EnvFilter, Layer, fmt as text, layer::Context, layer::SubscriberExt, registry::LookupSpan, util::SubscriberInitExt,
};
use ts_rs::TS;

const LINES_KEPT: usize = 2000;
const FILTER: &str = "warn,mistralrs_core::pipeline=error,cortensor=info,cortensor_app=info,cortensor_host=info,cortensor_node=info,cortensor_router=info,cortensor_engine_mistral=info,cortensor_desktop=info";

/// What is written to the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// Errors that no status shows.
    Errors,
    /// Nothing.
    Silent,
}

/// Running logs; what is not written yet is written when this is dropped.
pub struct Logs {
    _file: WorkerGuard,
    tail: LogTail,
}

/// The last lines, and those that come.
#[derive(Clone)]
pub struct LogTail {
    lines: Arc<Mutex<VecDeque<LogLine>>>,
    new: broadcast::Sender<LogLine>,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LogLine {
    /// When.
    pub at: Millis,
    /// How grave.
    pub level: LogLevel,
    /// The module that says it.
    pub target: String,
    /// What it says, with its fields.
    pub message: String,
}

/// How grave a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Something did not work.
    Error,
    /// Something may not work.
    Warn,
    /// What happens.
    Info,
    /// How it happens.
    Debug,
    /// Every step.
    Trace,
}

impl Logs {
    /// Starts logging into `folder`. `RUST_LOG` changes what is logged.
    pub fn start(folder: &Path, terminal: Terminal) -> Self {
        let appender =
            RollingFileAppender::builder().rotation(Rotation::DAILY).filename_prefix("cortensor.log").build(folder);
        // Without a file there are still the terminal and the window; the folder's own error follows.
        let (writer, file) = match appender {
            Ok(appender) => tracing_appender::non_blocking(appender),
            Err(error) => {
                eprintln!("warning: no logs are written to {}: {error}", folder.display());
                tracing_appender::non_blocking(std::io::sink())
            }
        };
        let filter = || EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(FILTER));
        let tail = LogTail { lines: Arc::default(), new: broadcast::Sender::new(512) };
        let to_file = text::layer().with_ansi(false).with_writer(writer).with_filter(filter());
        // What the app finds is part of its status, which is shown.
        let to_terminal = (terminal == Terminal::Errors).then(|| {
            text::layer()
                .with_target(false)
                .without_time()
                .with_ansi(std::io::stderr().is_terminal())
                .with_writer(std::io::stderr)
                .with_filter(EnvFilter::new("error,cortensor_app=off"))
        });
        let to_tail = tail.clone().with_filter(filter());
        let _ = tracing_subscriber::registry().with(to_file).with(to_terminal).with(to_tail).try_init();
        Self { _file: file, tail }
    }

    /// The last lines, and those that come.
    pub fn tail(&self) -> &LogTail {
        &self.tail
    }
}

impl LogTail {
    /// The lines so far, and a receiver of the next ones. None falls between.
    pub fn follow(&self) -> (Vec<LogLine>, broadcast::Receiver<LogLine>) {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        (lines.iter().cloned().collect(), self.new.subscribe())
    }

    fn add(&self, line: LogLine) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LINES_KEPT {
            lines.pop_front();
        }
        lines.push_back(line.clone());
        let _ = self.new.send(line);
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LogTail {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut message = Message::default();
        event.record(&mut message);
        self.add(LogLine {
            at: wall_time(),
            level: (*event.metadata().level()).into(),
            target: event.metadata().target().to_owned(),
            message: format!("{}{}", message.text, message.fields),
        });
    }
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::ERROR => Self::Error,
            Level::WARN => Self::Warn,
            Level::INFO => Self::Info,
            Level::DEBUG => Self::Debug,
            Level::TRACE => Self::Trace,
        }
    }
}

#[derive(Default)]
struct Message {
    text: String,
    fields: String,
}

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.text, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_the_next_ones_come() {
        let tail = LogTail { lines: Arc::default(), new: broadcast::Sender::new(8) };
        let subscriber = tracing_subscriber::registry().with(tail.clone());
        let mut next = tracing::subscriber::with_default(subscriber, || {
            for number in 0..=LINES_KEPT {
                tracing::info!(number, "said");
            }
            let (lines, next) = tail.follow();
            assert_eq!((lines.len(), lines[0].message.as_str()), (LINES_KEPT, "said number=1"));
            tracing::error!("over");
            next
        });
        let line = next.try_recv().unwrap();
        assert_eq!((line.level, line.message.as_str()), (LogLevel::Error, "over"));
        assert!(next.try_recv().is_err());
    }
}
