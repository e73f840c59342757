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
use cortensor_node::LiveTask;
use serde::Serialize;
use serde_json::{Map, Value};
use tauri::{async_runtime::JoinHandle, ipc::Channel};
use tokio::{
    sync::{broadcast::error::RecvError, watch},
    time::MissedTickBehavior,
};

/// How close together two statuses come: drawing must not take time from the engine. docs/performance.md has
/// what it costs.
const PERIOD: Duration = Duration::from_millis(500);
/// The same for answers that stream side by side, which are read as they come.
const READING_PERIOD: Duration = Duration::from_millis(200);
/// Most lines in one message.
const MOST_LINES: usize = 500;

/// Some fields of a value that is followed, by name.
pub(crate) type Fields = Map<String, Value>;

/// Who follows what.
#[derive(Default)]
pub(crate) struct Watches {
    next: AtomicU32,
    running: Mutex<HashMap<u32, JoinHandle<()>>>,
}

impl Watches {
    /// Sends the status of now, whole but for its tasks, and of every one after it that there is time for the fields that
    /// changed.
    pub(crate) fn status(&self, status: watch::Receiver<Status>, channel: Channel<Fields>) -> u32 {
        self.add(tauri::async_runtime::spawn(send_fields(status, channel, PERIOD)))
    }

    /// The same of what is read as it comes, such as a comparison.
    pub(crate) fn reading<T: Serialize + Send + Sync + 'static>(
        &self,
        value: watch::Receiver<T>,
        channel: Channel<Fields>,
    ) -> u32 {
        self.add(tauri::async_runtime::spawn(send_fields(value, channel, READING_PERIOD)))
    }

    /// Sends the tasks being worked on, and again when they have moved.
    pub(crate) fn tasks(&self, status: watch::Receiver<Status>, channel: Channel<Vec<LiveTask>>) -> u32 {
        self.add(tauri::async_runtime::spawn(send_tasks(status, channel)))
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

async fn send_fields<T: Serialize>(mut value: watch::Receiver<T>, channel: Channel<Fields>, period: Duration) {
    let mut beat = tokio::time::interval(period);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sent = Fields::new();
    loop {
        beat.tick().await;
        let now = fields(&*value.borrow_and_update());
        let changed = changed(&sent, &now);
        if (!changed.is_empty() && channel.send(changed).is_err()) || value.changed().await.is_err() {
            return;
        }
        sent = now;
    }
}

async fn send_tasks(mut status: watch::Receiver<Status>, channel: Channel<Vec<LiveTask>>) {
    let mut beat = tokio::time::interval(PERIOD);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sent = None;
    loop {
        beat.tick().await;
        let now = status.borrow_and_update().tasks.clone();
        let moved = sent.as_ref() != Some(&now);
        if (moved && channel.send(now.clone()).is_err()) || status.changed().await.is_err() {
            return;
        }
        sent = Some(now);
    }
}

/// A value, field by field, but for a status's tasks, which move with every token: while an answer streams nothing is sent,
/// and nothing drawn, that takes time from the engine.
fn fields(value: &impl Serialize) -> Fields {
    match serde_json::to_value(value) {
        Ok(Value::Object(mut fields)) => {
            fields.remove("tasks");
            fields
        }
        // A struct of plain data is an object.
        _ => Fields::new(),
    }
}

/// The fields of `now` that are not as they were.
fn changed(before: &Fields, now: &Fields) -> Fields {
    let new = now.iter().filter(|(name, value)| before.get(*name) != Some(value));
    new.map(|(name, value)| (name.clone(), value.clone())).collect()
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

#[cfg(test)]
mod tests {
    use cortensor_node::LiveTaskState;
    use cortensor_protocol::{Millis, Mode, ModelId, Precision, TaskId, TaskKind};

    use super::*;

    fn live_task() -> LiveTask {
        LiveTask {
            task: "01980000-0000-7000-8000-000000000001".parse::<TaskId>().unwrap(),
            attempt: 1,
            kind: TaskKind::User,
            model: ModelId::new("model"),
            precision: Precision::Q8_0,
            mode: Mode::Volume,
            begun_at: Millis::default(),
            prompt_tokens: Some(12),
            answer_tokens: 3,
            state: LiveTaskState::Answering,
        }
    }

    #[test]
    fn a_status_is_told_whole_at_first_and_then_what_changed() {
        let (before, mut status) = (fields(&Status::default()), Status::default());
        assert!(before.len() > 10);
        assert_eq!(changed(&Fields::new(), &before), before);
        assert!(changed(&before, &fields(&status)).is_empty());
        status.tasks = vec![live_task()];
        assert!(changed(&before, &fields(&status)).is_empty(), "a token is no news but to who watches the tasks");
        status.running = 1;
        let told = changed(&before, &fields(&status));
        assert_eq!(Value::Object(told), serde_json::json!({ "running": 1 }));
    }
}
