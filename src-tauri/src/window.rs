//! Opening, focusing and closing.

use std::{sync::Arc, time::Duration};

use cortensor_app::{Hint, first_time};
use tauri::{
    AppHandle, Manager, RunEvent, WebviewWindow, WebviewWindowBuilder, Window, WindowEvent, webview::PageLoadEvent,
};
use tokio::time::timeout;

use crate::{commands, desk::Desk, notify, tray, updates, words};

/// Said to a start that is to open no window.
pub(crate) const HIDDEN: &str = "--hidden";
const LABEL: &str = "main";
/// How long a miner that started without a window waits for a tray to be seen in. Nothing runs unseen for longer.
const LATEST_TRAY: Duration = Duration::from_secs(30);

/// Opens the window over `desk`, unless it is to be `hidden`, and runs until the program is ended. Answers with the exit code.
pub(crate) fn run(desk: Arc<Desk>, hidden: bool) -> tauri::Result<u8> {
    let (which, mut context) = (&desk.which, tauri::generate_context!("tauri.conf.json"));
    let at_login = tauri_plugin_autostart::Builder::new().app_name(which.marked(words::NAME, " "));
    let at_login = at_login.args(which.arguments().to_vec()).arg(HIDDEN);
    // By this a second start finds the first one, and the system keeps what belongs to the program.
    let identifier = which.marked(&context.config().identifier, "-");
    context.config_mut().identifier = identifier;
    let app = tauri::Builder::default()
        // First, so that a second start ends before it does anything.
        .plugin(tauri_plugin_single_instance::init(|app, arguments, _folder| started_again(app, &arguments)))
        .plugin(at_login.build())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_opener::init())
        .plugin(tauri_plugin_updater::Builder::new().build())
        .manage(Arc::clone(&desk))
        .invoke_handler(commands::handler())
        .setup(move |app| {
            tauri::async_runtime::spawn(async move { desk.start().await });
            begin(app.handle(), hidden)?;
            Ok(())
        })
        .on_page_load(|page, load| {
            if load.event() == PageLoadEvent::Started {
                page.state::<Arc<Desk>>().watches.end_all();
            }
        })
        .on_window_event(on_event)
        .build(context)?;
    let code = app.run_return(|_, event| {
        if let RunEvent::ExitRequested { api, code: None, .. } = event {
            api.prevent_exit();
        }
    });
    Ok(u8::try_from(code).unwrap_or(1))
}

fn begin(app: &AppHandle, hidden: bool) -> tauri::Result<()> {
    tauri::async_runtime::spawn(close_when_told(app.clone()));
    tauri::async_runtime::spawn(tray::show(app.clone()));
    tauri::async_runtime::spawn(notify::follow(app.clone()));
    tauri::async_runtime::spawn(updates::follow(app.clone()));
    if hidden {
        tauri::async_runtime::spawn(open_without_tray(app.clone()));
        return Ok(());
    }
    build(app).map(drop)
}

/// A start without a window is seen in the tray; where none comes, the window is opened after all, out of the way.
async fn open_without_tray(app: AppHandle) {
    let mut in_tray = app.state::<Arc<Desk>>().in_tray.subscribe();
    if timeout(LATEST_TRAY, in_tray.wait_for(|there| *there)).await.is_err() {
        let opened = build(&app).and_then(|window| window.minimize());
        if let Err(error) = opened {
            tracing::error!(%error, "neither a tray nor a window shows the miner");
        }
    }
}

fn on_event(window: &Window, event: &WindowEvent) {
    let app = window.app_handle();
    match event {
        WindowEvent::CloseRequested { .. } if goes_on_in_tray(app) => say_once(app),
        WindowEvent::CloseRequested { api, .. } => {
            api.prevent_close();
            close(app);
        }
        // The page is gone with its window, and its memory with it.
        WindowEvent::Destroyed => app.state::<Arc<Desk>>().watches.end_all(),
        _ => {}
    }
}

/// The first time that the window is closed, says where the miner is now.
fn say_once(app: &AppHandle) {
    let desk = app.state::<Arc<Desk>>();
    if first_time(&desk.miner.options().folders, Hint::GoesOnInTray) {
        notify::say(app, desk.spoken.words().told("desktop.notice.in_tray"));
    }
}

fn goes_on_in_tray(app: &AppHandle) -> bool {
    let desk = app.state::<Arc<Desk>>();
    let has_begun = !desk.miner.first_run().waits();
    has_begun && *desk.in_tray.borrow() && !desk.is_closing() && desk.miner.settings().settings.close_to_tray
}

/// Lets what runs finish, then ends the program. Whoever closes a second time does not want to wait.
pub(crate) fn close(app: &AppHandle) {
    if app.state::<Arc<Desk>>().begins_to_close() {
        return app.exit(0);
    }
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        app.state::<Arc<Desk>>().miner.stop().await;
        app.exit(0);
    });
}

/// Closes as the window's button does, at Ctrl-C or a polite request to end; at the second one at once.
async fn close_when_told(app: AppHandle) {
    loop {
        cortensor_host::interrupted().await;
        close(&app);
    }
}

fn started_again(app: &AppHandle, arguments: &[String]) {
    if !arguments.iter().any(|argument| argument == HIDDEN) {
        open(app);
    }
}

/// Brings the window to the front, and makes one if it was closed.
pub(crate) fn open(app: &AppHandle) {
    let app = app.clone();
    // A window that is made while an event is handled would wait for that event's end.
    tauri::async_runtime::spawn(async move {
        let shown = match app.get_webview_window(LABEL) {
            Some(window) => Ok(window),
            None => build(&app),
        };
        let shown =
            shown.and_then(|window| window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus()));
        if let Err(error) = shown {
            tracing::warn!(%error, "the window could not be brought to the front");
        }
    });
}

/// Whether there is a window.
pub(crate) fn is_open(app: &AppHandle) -> bool {
    app.get_webview_window(LABEL).is_some()
}

/// Whether somebody is at the window just now.
pub(crate) fn is_looked_at(app: &AppHandle) -> bool {
    app.get_webview_window(LABEL).is_some_and(|window| window.is_focused().unwrap_or(true))
}

/// The window of `tauri.conf.json`.
fn build(app: &AppHandle) -> tauri::Result<WebviewWindow> {
    let config = app.config().app.windows.iter().find(|window| window.label == LABEL);
    let config = config.ok_or(tauri::Error::WindowNotFound)?;
    WebviewWindowBuilder::from_config(app, config)?.title(app.state::<Arc<Desk>>().which.title()).build()
}
