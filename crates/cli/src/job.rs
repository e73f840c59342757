//! A job of the lab's on the command line: one line that stays true, and Ctrl-C that ends it cleanly.

use std::{convert::Infallible, io::IsTerminal, time::Duration};

use cortensor_host::interrupted;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;

/// What the line says of a job.
pub(crate) struct Line {
    /// What it does.
    pub(crate) words: String,
    /// 0 to 1.
    pub(crate) progress: f32,
    /// Whether nothing more will happen.
    pub(crate) over: bool,
}

/// Follows a job to its end and answers with what it came to. Ctrl-C calls `stop`, which ends the job.
pub(crate) async fn follow<T: Clone>(
    mut job: watch::Receiver<T>,
    line: impl Fn(&T) -> Line,
    stop: impl AsyncFn(),
) -> T {
    let bar = bar();
    let shown = async {
        loop {
            let now = job.borrow_and_update().clone();
            let Line { words, progress, over } = line(&now);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=1000")]
            bar.set_position((progress.clamp(0.0, 1.0) * 1000.0) as u64);
            bar.set_message(words);
            if over || job.changed().await.is_err() {
                return now;
            }
        }
    };
    let stopped = async {
        interrupted().await;
        stop().await;
        // The job's own end is what is waited for.
        std::future::pending::<Infallible>().await
    };
    let last = tokio::select! {
        last = shown => last,
        never = stopped => match never {},
    };
    bar.finish_and_clear();
    last
}

fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {msg} [{bar:24}] {percent}%");
    let bar = ProgressBar::new(1000).with_style(style.unwrap_or(ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
