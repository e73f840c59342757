//! Starting with the computer, which the user may want and is never assumed.

use std::sync::Arc;

use cortensor_app::{Failure, FailureCode, updates::Installed};
use serde::{Deserialize, Serialize};
use tauri::{AppHandle, Manager};
use tauri_plugin_autostart::ManagerExt;
use ts_rs::TS;

use crate::desk::Desk;

/// What the desktop does with the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub(crate) struct DesktopView {
    /// Whether the miner starts, without its window, when the user logs in: as the system has it, whoever set it.
    starts_at_login: bool,
    /// Whether there is a tray that shows the miner's icon.
    has_tray: bool,
}

/// How it is now.
pub(crate) fn view(app: &AppHandle) -> Result<DesktopView, Failure> {
    let starts_at_login = app.autolaunch().is_enabled().map_err(|error| failure("is not known", &error))?;
    let has_tray = *app.state::<Arc<Desk>>().in_tray.borrow();
    Ok(DesktopView { starts_at_login, has_tray })
}

/// Has the system start the miner at login, or not any more.
pub(crate) fn start_at_login(app: &AppHandle, starts: bool) -> Result<DesktopView, Failure> {
    if starts && Installed::is_stood_in_for() {
        let message = "the program that runs is a kept copy, and the system would start that one; choose this again after the next update";
        return Err(Failure::new(FailureCode::Request, message.to_owned()));
    }
    let launch = app.autolaunch();
    let set = if starts { launch.enable() } else { launch.disable() };
    set.map_err(|error| failure("was not changed", &error))?;
    view(app)
}

fn failure(what: &str, error: &tauri_plugin_autostart::Error) -> Failure {
    let message =
        format!("whether the miner starts when you log in {what} ({error}); set it in your system's settings");
    Failure::new(FailureCode::File, message)
}
