//! Tells the user what needs them, while they may not look at the window.

use std::{sync::Arc, time::Duration};

use cortensor_app::Notices;
use tauri::{AppHandle, Manager};
use tauri_plugin_notification::NotificationExt;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{desk::Desk, words::Told};

/// How often it is looked whether there is something to tell. What comes and goes in between needs nobody.
const PERIOD: Duration = Duration::from_secs(5);

/// Tells what there is to tell, until the program ends.
pub(crate) async fn follow(app: AppHandle) {
    let desk = Arc::clone(app.state::<Arc<Desk>>().inner());
    let (status, started, mut notices) = (desk.miner.status(), Instant::now(), Notices::default());
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        period.tick().await;
        let notice = notices.look(started.elapsed(), &status.borrow());
        if let Some(notice) = notice {
            tell(&app, desk.spoken.words().notice(&notice));
        }
    }
}

/// Shows a notification, where the user wants any.
pub(crate) fn tell(app: &AppHandle, told: Told) {
    if app.state::<Arc<Desk>>().miner.settings().settings.notifications {
        say(app, told);
    }
}

/// Shows a notification.
pub(crate) fn say(app: &AppHandle, (title, body): Told) {
    let title = app.state::<Arc<Desk>>().which.says(&title);
    tracing::info!(title, body, "told the user");
    if let Err(error) = app.notification().builder().title(title).body(body).show() {
        tracing::warn!(%error, "the system showed no notification");
    }
}
