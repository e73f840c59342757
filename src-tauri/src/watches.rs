//! Values that the window follows, each by a task of its own that ends with the window.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use cortensor_app::Status;
use cortensor_host::{LogLine, LogTail};
use tauri::{async_runtime::JoinHandle, ipc::Channel};
use tokio::{
    sync::{broadcast::error::RecvError, watch},
    time::MissedTickBehavior,
};

/// How close together two statuses come: drawing must not take time from the engine.
const PERIOD: Duration = Duration::from_millis(200);
/// Most lines in one message.
const MOST_LINES: usize = 500;

/// Who follows what.
#[derive(Default)]
pub(crate) struct Watches {
    next: AtomicU32,
    running: Mutex<HashMap<u32, JoinHandle<()>>>,
}

impl Watches {
    /// Sends the status of now, and every one after it that there is time for.
    pub(crate) fn status(&self, status: watch::Receiver<Status>, channel: Channel<Status>) -> u32 {
        self.add(tauri::async_runtime::spawn(send_status(status, channel)))
    }

    /// Sends the log's lines so far and then the new ones.
    pub(crate) fn logs(&self, logs: &LogTail, channel: Channel<Vec<LogLine>>) -> u32 {
        self.add(tauri::async_runtime::spawn(send_logs(logs.clone(), channel)))
    }

    pub(crate) fn end(&self, watch: u32) {
        if let Some(task) = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&watch) {
            task.abort();
        }
    }

    /// A page that is loaded anew does not hear what the one before followed.
    pub(crate) fn end_all(&self) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).drain().for_each(|(_, task)| task.abort());
    }

    fn add(&self, task: JoinHandle<()>) -> u32 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(number, task);
        number
    }
}

async fn send_status(mut status: watch::Receiver<Status>, channel: Channel<Status>) {
    let mut beat = tokio::time::interval(PERIOD);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let now = status.borrow_and_update().clone();
        if channel.send(now).is_err() || status.changed().await.is_err() {
            return;
        }
    }
}

async fn send_logs(logs: LogTail, channel: Channel<Vec<LogLine>>) {
    let (mut lines, mut next) = logs.follow();
    loop {
        if channel.send(std::mem::take(&mut lines)).is_err() {
            return;
        }
        match next.recv().await {
            Ok(line) => lines.push(line),
            // The window was too slow for some: it has what comes now.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
        while lines.len() < MOST_LINES
            && let Ok(line) = next.try_recv()
        {
            lines.push(line);
        }
    }
}
